"""The shipped data: addresses, chains, names; and the look-ups over them."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from eth_utils.address import is_checksum_address, to_checksum_address

import liqtui
from liqtui.core.sources import MarketRef
from liqtui.protocols.feeds import feed_table, sequencer_feed, shipped_feeds
from liqtui.protocols.registry import about, adapters, all_markets, known_markets
from liqtui.protocols.shipped import FOLDER, deployment, protocols, stem

FEEDS = shipped_feeds()["feed"]

EVERYWHERE = {1, 10, 56, 100, 137, 143, 146, 196, 324, 1088, 1868, 4326, 5000, 8453, 9745, 42161, 42220, 43114, 57073}
EVERYWHERE |= {59144, 534352}
"""Chains of Aave v3."""
MORPHO = {1, 10, 14, 25, 50, 56, 130, 137, 143, 146, 239, 252, 480, 714, 988, 999, 1135, 1329, 1672, 1868, 2741, 2818}
MORPHO |= {4217, 4326, 5042, 8217, 8453, 16661, 34443, 42161, 42220, 42793, 43111, 57073, 59144, 98866, 200901}
MORPHO |= {534352, 685689, 747474, 21000000, 123420001114}
KNOWN: dict[tuple[str, str], dict[int, int]] = {
    ("aave-v3", ""): dict.fromkeys(EVERYWHERE, 1) | {1: 4},
    ("aave-v3", "spark"): {1: 1, 100: 1},
    ("aave-v2", ""): {1: 3, 137: 1, 43114: 1},
    ("compound-v3", ""): {1: 6, 10: 3, 130: 2, 137: 2, 2020: 2, 5000: 1, 8453: 5, 42161: 4, 59144: 2, 534352: 1},
    ("compound-v2", ""): {1: 1},
    ("compound-v2", "venus"): {1: 4, 10: 1, 56: 9, 130: 1, 204: 1, 324: 1, 8453: 1, 42161: 2},
    ("compound-v2", "moonwell"): {10: 1, 1284: 1, 1285: 1, 8453: 1},
    ("morpho-blue", ""): dict.fromkeys(MORPHO, 1),
}
"""(protocol, brand) → chain id → deployments, as the protocols' own registries listed them in August 2026."""


def test_every_deployment_of_the_pooled_lenders_is_there() -> None:
    found: dict[tuple[str, str], Counter[int]] = {}
    for ref in all_markets():
        found.setdefault((ref.protocol, about(ref).brand), Counter())[ref.chain_id] += 1
    assert found == KNOWN


@pytest.mark.parametrize("protocol", protocols())
def test_every_file_says_where_it_comes_from_and_when(protocol: str) -> None:
    text = (FOLDER / f"{stem(protocol)}.toml").read_text("utf-8")
    file = tomllib.loads(text)
    assert text.startswith("# ")
    assert len(file["source"]) > 10
    assert date(2024, 1, 1) < date.fromisoformat(file["compiled"]) < date(2030, 1, 1)
    assert file.keys() <= {"entry", "options", "facts", "source", "compiled", "app", "blocks_per_year", "market"}


@pytest.mark.parametrize("protocol", protocols())
def test_every_shipped_market_is_well_formed(protocol: str) -> None:
    file, key = deployment(protocol), protocols()[protocol].entry
    rows, optional = file["market"], {"brand", "source", "compiled", "app", "deploy_block", *file.get("facts", ())}
    for row in rows:
        assert {"chain_id", "name", key} <= row.keys() <= {"chain_id", "name", key} | optional, row["name"]
        assert type(row["chain_id"]) is int
        assert all(is_checksum_address(value) for value in row.values() if str(value).startswith("0x")), row["name"]
        assert row["name"] == row["name"].lower().strip()
        assert len(row["name"]) <= 40
        assert is_checksum_address(row[key])
    names = Counter((row["chain_id"], row["name"]) for row in rows)
    entries = Counter((row["chain_id"], row[key].lower()) for row in rows)
    assert max(names.values()) == max(entries.values()) == 1


def test_what_doctor_compares_is_there_for_every_market() -> None:
    facts = {protocol: deployment(protocol).get("facts", []) for protocol in protocols()}
    aave = ["pool", "oracle"]
    assert facts == {
        "aave-v2": aave, "aave-v3": aave, "compound-v2": [], "compound-v3": ["base_token"], "morpho-blue": [],
    }  # fmt: skip
    for protocol, names in facts.items():
        for row in deployment(protocol)["market"]:
            assert {*names} <= row.keys(), row["name"]


def test_apps_are_addresses_with_known_blanks_only() -> None:
    for ref in all_markets():
        app = about(ref).app
        assert app or ref.name in {"ethereum amm", "ethereum arc"}, "those two are in no app any more"
        assert not app or urlsplit(app).scheme == "https"
        assert not app.endswith("/")
        assert {*re.findall(r"{.*?}", app)} <= {"{wallet}", "{market_id}"}
    named = {(ref.chain_id, ref.name): about(ref).app for ref in all_markets() if ref.protocol != "compound-v3"}
    assert named[56, "venus core"].endswith("/pool/0xfD36E2c2a6789Db23113685031d7F16329158384?chainId=56")


def test_what_is_known_of_a_deployment_goes_by_its_address() -> None:
    spark = next(ref for ref in all_markets() if ref.name == "spark")
    said = about(spark)
    assert (said.brand, said.compiled, said.app) == ("spark", "2026-08-20", "https://app.spark.fi")
    assert said.source.startswith("sparkdotfi/")
    assert dict(said.facts)["pool"] == "0xc13e21b648a5ee794902342038ff3adab66be987"
    renamed = MarketRef("aave-v3", 1, "mine", spark.entry, (("app", "https://mine.example"),), custom=True)
    assert about(renamed)._replace(app=said.app) == said
    assert about(renamed).app == "https://mine.example"
    assert about(MarketRef("aave-v3", 10, "elsewhere", spark.entry)) == ("", "", "", "", ())


def test_every_shipped_feed_is_well_formed() -> None:
    assert len(FEEDS) == 248
    for row in FEEDS:
        assert {"chain_id", "pair", "address"} <= row.keys() <= {"chain_id", "pair", "address", "heartbeat", "factor"}
        assert is_checksum_address(row["address"])
        assert 60 <= row.get("heartbeat", 60) <= 86_400
    assert max(Counter((row["chain_id"], row["address"].lower()) for row in FEEDS).values()) == 1


def test_only_eth_and_btc_itself_have_names() -> None:
    named = {(row["factor"], row["pair"].removesuffix(" (SVR)")) for row in FEEDS if "factor" in row}
    assert named == {("ETH", "ETH / USD"), ("BTC", "BTC / USD")}
    plain = {row["pair"] for row in FEEDS if "factor" not in row}
    assert not {"ETH / USD", "BTC / USD"} & plain
    assert {"WBTC / USD", "STETH / USD", "cbBTC / USD"} <= plain


def test_feeds_are_looked_up_by_chain_and_lower_case_address() -> None:
    svr = feed_table(1)["0x5424384b256154046e9667ddfaaa5e550145215e"]
    assert (svr.pair, svr.factor, svr.heartbeat) == ("ETH / USD (SVR)", "ETH", None)
    plain = feed_table(1)["0xf4030086522a5beea4988f8ca5b36dbc97bee88c"]
    assert (plain.factor, plain.heartbeat) == ("BTC", 3600)
    assert feed_table(31337) == {}


def test_sequencer_feeds() -> None:
    assert sequencer_feed(42161) == "0xfdb631f5ee196f0ed6faa767959853a9f217697d"
    assert sequencer_feed(1) == ""
    for row in shipped_feeds()["sequencer"]:
        assert is_checksum_address(row["address"])


def test_known_markets_are_those_of_the_chains_asked_for() -> None:
    found = [(market.protocol, market.name) for market in known_markets([8453, 1, 8453])]
    names = [name for protocol, name in found if protocol == "aave-v3"]
    assert names == ["base", "ethereum core", "ethereum etherfi", "ethereum horizon", "ethereum prime", "spark"]
    assert {("compound-v3", "usdc"), ("morpho-blue", "ethereum")} < set(found)
    assert next(market.chain_id for market in known_markets([8453, 1])) == 8453
    assert known_markets([31337]) == ()
    core = next(market for market in known_markets([1]) if market.name == "ethereum core")
    assert core.entry == "0x2f39d218133afab8f2b819b1066c7e434ad94e9e"
    assert (core.protocol, core.custom) == ("aave-v3", False)


def test_adapters_are_found_by_name() -> None:
    assert adapters().keys() == protocols().keys()
    assert all(adapter.protocol == name for name, adapter in adapters().items())


def test_few_modules_know_the_name_of_any_protocol() -> None:
    """So that another one is a module and a deployment file."""
    package, named = Path(liqtui.__file__).parent, set[str]()
    for path in package.rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        if "protocols" not in path.parts and protocols().keys() & texts:
            named.add(str(path.relative_to(package)))
    assert named == {"ui/figures.py", "ui/detail_parts.py"}, "short names for narrow columns, words for e-modes"


MODULE = """
from typing import ClassVar

from liqtui.protocols.compound_v3 import CompoundV3


class Another(CompoundV3):
    protocol: ClassVar[str] = "another-one"


ADAPTER = Another()
"""
DATA = f"""
entry = "vault"
source = "somewhere"
compiled = "2026-08-22"

[options.vault_ids]
holds = "ids"
help = "these vaults only."

[[market]]
chain_id = 1
name = "first"
vault = "{"0x" + "ab" * 20}"
"""
OWN = f"""
[chains.ethereum]

[[markets]]
protocol = "another-one"
chain = "ethereum"
name = "second"
vault = "{"0x" + "cd" * 20}"
vault_ids = ["{"0x" + "12" * 32}"]
"""
LOOK = """
import sys

from liqtui.cli.main import main
from liqtui.config.docs import page
from liqtui.protocols.registry import adapters

print(sys.modules["liqtui"].__file__, adapters()["another-one"].protocol, "`another-one` | `vault`" in page())
sys.exit(main(["markets", "--config", sys.argv[1]]))
"""


def test_another_protocol_is_one_module_and_one_deployment_file(tmp_path: Path) -> None:
    package = tmp_path / "liqtui"
    shutil.copytree(Path(liqtui.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.tape"))
    (package / "protocols" / "another_one.py").write_text(MODULE, "utf-8")
    (package / "protocols" / "deployments" / "another_one.toml").write_text(DATA, "utf-8")
    (tmp_path / "config.toml").write_text(OWN, "utf-8")
    look, env = [sys.executable, "-c", LOOK, str(tmp_path / "config.toml")], os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(look, capture_output=True, text=True, check=False, cwd=tmp_path, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.splitlines()
    assert first == f"{package / '__init__.py'} another-one True"
    assert [row.split()[:3] for row in rows if "another-one" in row] == [
        ["another-one", "first", to_checksum_address("0x" + "ab" * 20)],
        ["+", "another-one", "second"],
        ["another-one", "somewhere", "(2026-08-22)"],
    ]
