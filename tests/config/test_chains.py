from __future__ import annotations

import re
from dataclasses import fields
from urllib.parse import urlsplit

import pytest

from liqtui.config.chains import FILE, known_chains
from liqtui.config.schema import CHAIN
from liqtui.core.sources import ChainSpec
from liqtui.core.units import SECONDS_PER_YEAR
from liqtui.protocols.registry import counted_blocks

KNOWN = known_chains()
LONELY = {"megaeth", "xlayer", "opbnb", "moonbeam"}
"""Chains for which only one public endpoint is known."""
LISTED = {
    1: 9, 10: 9, 56: 9, 100: 8, 130: 4, 137: 8, 143: 2, 146: 4, 324: 6, 1088: 4, 1868: 2, 4326: 1, 5000: 8, 8453: 9,
    9745: 2, 42161: 8, 42220: 2, 43114: 8, 57073: 5, 59144: 5, 80094: 3, 534352: 7,
}  # fmt: skip
"""Chain id → endpoints without a key in the list that the file names, without those that track their users."""


def test_blocks_come_as_often_as_yearly_rates_are_counted_by() -> None:
    counted = {spec.id: blocks for chain in KNOWN.values() if (blocks := counted_blocks((spec := chain.spec).id))}
    assert counted.keys() == {1, 56, 204}
    for spec in (chain.spec for chain in KNOWN.values() if chain.spec.id in counted):
        assert counted[spec.id] == pytest.approx(SECONDS_PER_YEAR / spec.block_time, rel=0.001), spec.name


def test_names_tags_and_ids_are_each_of_one_chain() -> None:
    specs = [chain.spec for chain in KNOWN.values()]
    assert len({spec.id for spec in specs}) == len({spec.short for spec in specs}) == len(specs)
    assert [spec.name for spec in specs] == list(KNOWN)
    assert {name: KNOWN[name].spec.tag for name in ("ethereum", "gnosis")} == {"ethereum": "eth", "gnosis": "gno"}


@pytest.mark.parametrize("name", KNOWN)
def test_each_chain_can_be_used_as_it_is(name: str) -> None:
    spec = KNOWN[name].spec
    assert spec.public
    assert 1 <= len(spec.short) <= 5
    assert 0.05 <= spec.block_time <= 15
    assert re.fullmatch("0x[0-9a-f]{40}", spec.multicall3)
    assert spec.explorer == "" or urlsplit(spec.explorer).scheme == "https"
    assert len(set(spec.rpc)) == len(spec.rpc) >= (5 if KNOWN[name].main else 1 if name in LONELY else 3)
    for url in spec.rpc:
        parts = urlsplit(url)
        assert (parts.scheme, bool(parts.hostname), parts.query, parts.username) == ("https", True, "", None)
        assert not re.search("[0-9a-fA-F]{16}", url), "looks like somebody's key"


def test_every_endpoint_of_the_list_is_shipped() -> None:
    of_viem = {143, 1868, 9745, 42220}  # one more each
    for name, chain in KNOWN.items():
        spec = chain.spec
        if name not in LONELY - {"megaeth"}:
            assert len(spec.rpc) == LISTED[spec.id] + (spec.id in of_viem), name
        assert not any("tenderly" in url for url in spec.rpc), "tracks its users"


def test_all_that_is_shipped_of_a_chain_can_be_overridden() -> None:
    of_the_person = {setting.key for setting in CHAIN.settings} - {"enabled"}
    assert of_the_person == {field.name for field in fields(ChainSpec)} - {"name", "ws", "public"}  # ws: out of rpc


def test_only_zksync_has_a_multicall_of_its_own() -> None:
    usual = "0xca11bde05977b3631167028862be2a173976ca11"
    assert [name for name, chain in KNOWN.items() if chain.spec.multicall3 != usual] == ["zksync"]


def test_the_file_says_where_it_comes_from() -> None:
    assert re.search(r"read 20\d\d-\d\d-\d\d", FILE.read_text().split("\n\n", 1)[0])
