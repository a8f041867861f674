"""`doctor` and `markets --live` against real contracts: what opens, what is not what the shipped data say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from liqtui.chain.pool import EndpointPool
from liqtui.cli import doctor
from liqtui.core.reads import run_plans
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.engine.examine import Difference, Examined, block_time, examine
from liqtui.protocols.feed_check import FeedsFound
from liqtui.protocols.feed_check import look as feeds_of
from liqtui.protocols.feeds import FeedInfo
from liqtui.protocols.morpho_blue import MorphoBlue
from liqtui.protocols.registry import About, adapters
from tests.lab.faults import rpc_error
from tests.lab.market import wallet
from tests.lab.node import Node
from tests.lab.packages import anvil_binary, default_cache
from tests.lab.proxy import Fault, FaultProxy, Upstream

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.lab import Lab
    from tests.lab.morpho import MorphoLab

POOL_REVISION = "0148170e"


def look(
    node: Node, refs: list[tuple[str, str]], facts: Mapping[str, str] | None = None, url: str = ""
) -> tuple[list[Examined], list[list[doctor.Finding]]]:
    """(protocol, entry) each, as a person's own or with `facts` as shipped data; and what `doctor` says of them."""
    known = About(compiled="2026-08-22", facts=tuple((facts or {}).items()))
    spec = ChainSpec(node.chain_id, "lab", rpc=(url or node.url,), requests_per_second=1e6)
    markets = [MarketRef(protocol, spec.id, f"number {i}", entry.lower()) for i, (protocol, entry) in enumerate(refs)]

    async def ask() -> list[Examined]:
        pool = EndpointPool(spec)
        try:
            return await examine(pool, markets, adapters(), lambda _: known)
        finally:
            await pool.close()

    found = asyncio.run(ask())
    return found, [doctor.market(each, known) for each in found]


def test_right_data_are_found_right(lab: Lab) -> None:
    for name, revision in (("aave30", "1 (v3.0)"), ("aave36", "10 (v3.6)")):
        market = lab.markets[name]
        facts = {"pool": market.pool.lower(), "oracle": market.oracle.lower()}
        ((found,), (said,)) = look(lab.node, [("aave-v3", market.provider)], facts)
        assert found.survey is not None
        assert (found.survey.revision, found.survey.known, dict(found.survey.facts)) == (revision, True, facts)
        assert found.differences == ()
        assert [(each.state, each.what) for each in said] == [(doctor.GOOD, "aave-v3 number 0")]
        assert said[0].words == f"{found.survey.contents}, revision {revision}"


def test_another_pool_than_the_shipped_one_is_bad(lab: Lab) -> None:
    market, other = lab.markets["aave36"], lab.markets["aave30"]
    wrong = {"pool": other.pool.lower(), "oracle": market.oracle.lower()}
    ((found,), (said,)) = look(lab.node, [("aave-v3", market.provider)], wrong)
    assert found.differences == (Difference("pool", other.pool.lower(), market.pool.lower()),)
    assert [each.state for each in said] == [doctor.GOOD, doctor.BAD]
    assert other.pool.lower() in said[1].words
    assert market.pool.lower() in said[1].words


def test_an_oracle_that_was_replaced_is_told_and_no_fault(lab_state: Lab) -> None:
    market, other = lab_state.markets["aave36"], lab_state.markets["aave30"]
    shipped = {"pool": market.pool.lower(), "oracle": market.oracle.lower()}
    lab_state.node.do(market.provider, "setPriceOracle(address)", other.oracle)
    ((found,), (said,)) = look(lab_state.node, [("aave-v3", market.provider)], shipped)
    assert found.differences == (Difference("oracle", market.oracle.lower(), other.oracle.lower()),)
    assert [each.state for each in said] == [doctor.GOOD, doctor.ODD]
    assert said[1].words.startswith("its oracle was replaced since 2026-08-22")


def test_what_is_no_market_says_why(lab: Lab) -> None:
    market, nobody = lab.markets["aave36"], wallet("nobody").lower()
    wrong = [("aave-v3", nobody), ("aave-v3", market.pool), ("compound-v2", market.provider), ("morpho-blue", nobody)]
    found, said = look(lab.node, [*wrong, ("aave-v3", market.provider)])
    assert [each.survey is None for each in found] == [True] * 4 + [False]
    assert [each[0].state for each in said] == [doctor.BAD] * 4 + [doctor.GOOD]
    assert found[0].error == f"there is no contract at {nobody} on this chain"
    assert "is not the PoolAddressesProvider of an Aave v3 market" in found[1].error
    assert "is not a comptroller of the Compound v2 family" in found[2].error
    assert found[3].error == found[0].error


def test_a_search_of_logs_that_begins_too_late_is_bad(
    populated_morpho: MorphoLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the wallets did before that block would never be found, and nothing else would tell."""
    node, entry = populated_morpho.lab.node, populated_morpho.address
    created = next(
        number for number in range(node.block_number + 1) if node.rpc("eth_getCode", entry, hex(number)) != "0x"
    )
    for begins, state in ((created, doctor.GOOD), (created + 1, doctor.BAD), (0, doctor.GOOD)):
        monkeypatch.setattr(MorphoBlue, "first_block", lambda _self, _ref, begins=begins: begins)
        ((found,), said) = look(node, [("morpho-blue", entry)])
        assert found.missed is (state == doctor.BAD if begins else None)
        assert said[0][-1].state == state
        assert (f"before block {begins:,}" in said[0][-1].words) is (state == doctor.BAD)


@dataclass
class Forgetful(Fault):
    """Knows the code of the present only, as most nodes do."""

    def request(self, call: dict[str, Any], upstream: Upstream) -> dict[str, Any]:
        asked = call.get("method") == "eth_getCode" and call["params"][1] != "latest"
        return rpc_error(-32000, "missing trie node") if asked else call


def test_a_node_without_the_past_leaves_it_open(populated_morpho: MorphoLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MorphoBlue, "first_block", lambda _self, _ref: 5)
    with FaultProxy(populated_morpho.lab.node.url) as proxy:
        proxy.set(Forgetful())
        ((found,), (said,)) = look(
            populated_morpho.lab.node, [("morpho-blue", populated_morpho.address)], url=proxy.url
        )
    assert found.missed is None
    assert [each.state for each in said] == [doctor.GOOD]
    assert "not checked" in said[0].words


@dataclass
class Secretive(Fault):
    """Does not tell the code of anything but Multicall3."""

    multicall: str = ""

    def request(self, call: dict[str, Any], upstream: Upstream) -> dict[str, Any]:
        asked = call.get("method") == "eth_getCode" and call["params"][0].lower() != self.multicall.lower()
        return rpc_error(-32601, "the method is not available") if asked else call


def test_a_node_that_does_not_tell_code_leaves_the_reason_as_it_was(lab: Lab) -> None:
    with FaultProxy(lab.node.url) as proxy:
        proxy.set(Secretive(multicall=lab.multicall3))
        ((found,), (said,)) = look(lab.node, [("aave-v3", wallet("nobody"))], url=proxy.url)
    assert "is not the PoolAddressesProvider of an Aave v3 market" in found.error
    assert said[0].state == doctor.BAD


def test_a_revision_that_is_not_known_is_told(lab_state: Lab) -> None:
    """A contract in front of the pool that says another revision and hands on all else."""
    node, market = lab_state.node, lab_state.markets["aave36"]
    front, pool = wallet("front").lower(), market.pool.lower().removeprefix("0x")
    ask_pool = f"365f5f375f5f365f73{pool}5afa3d5f5f3e6037573d5ffd5b3d5ff3"
    node.rpc("anvil_setCode", front, f"0x5f3560e01c63{POOL_REVISION}14603b57{ask_pool}5b60635f5260205ff3")
    pool_id = "0x" + b"POOL".ljust(32, b"\0").hex()
    node.do(market.provider, "setAddress(bytes32,address)", bytes.fromhex(pool_id[2:]), front)
    ((found,), (said,)) = look(node, [("aave-v3", market.provider)])
    assert found.survey is not None
    assert (found.survey.revision, found.survey.known) == ("99 (unknown)", False)
    assert said[0].state == doctor.ODD
    assert "the contract's own figures are shown" in said[0].words


def test_the_other_protocols_tell_what_they_are(
    populated_aave_v2: tuple[Lab, AaveV2Market], populated_compound_v2: CompoundMarket, populated_morpho: MorphoLab
) -> None:
    lab, v2 = populated_aave_v2
    ((found,), _) = look(lab.node, [("aave-v2", v2.provider)])
    assert found.survey is not None
    assert found.survey.revision.endswith("(v2)")
    assert {name for name, _ in found.survey.facts} == {"pool", "oracle"}
    ((found,), _) = look(populated_compound_v2.lab.node, [("compound-v2", populated_compound_v2.comptroller)])
    assert found.survey is not None
    assert found.survey.contents.endswith("markets")
    ((found,), (said,)) = look(populated_morpho.lab.node, [("morpho-blue", populated_morpho.address)])
    assert found.survey is not None, found.error
    assert said[0].state == doctor.GOOD


def test_the_feeds_that_are_shipped_are_held_against_the_chain(lab: Lab) -> None:
    ether, euro = (lab.assets.pairs[pair].address.lower() for pair in ("ETH / USD", "EUR / USD"))
    nobody = wallet("no feed").lower()
    table = {
        ether: FeedInfo("ETH / USD", "ETH", 3600),
        euro: FeedInfo("BTC / USD (SVR)", "BTC", None),
        nobody: FeedInfo("LINK / USD", "", None),
    }

    def found(sequencer: str) -> FeedsFound:
        async def ask() -> FeedsFound:
            pool = EndpointPool(ChainSpec(lab.node.chain_id, "lab", rpc=(lab.node.url,), requests_per_second=1e6))
            try:
                (told,) = await run_plans(pool, await pool.head(), [feeds_of(lab.node.chain_id, table, sequencer)])
            finally:
                await pool.close()
            assert isinstance(told, FeedsFound)
            return told

        return asyncio.run(ask())

    told = found("")
    assert told == FeedsFound(3, (f"LINK / USD at {nobody}",), ((f"BTC / USD (SVR) at {euro}", "EUR / USD"),))
    assert [(each.state, each.words.split(" at ")[0]) for each in doctor.feeds(told)] == [
        (doctor.GOOD, "1 of 3 known ones answer as they should"),
        (doctor.ODD, "LINK / USD"),
        (doctor.ODD, "BTC / USD (SVR)"),
    ]
    assert found(euro).others[-1] == (f"sequencer uptime at {euro}", "EUR / USD")
    assert doctor.feeds(FeedsFound(0)) == []


def test_the_pace_of_blocks_is_measured() -> None:
    async def measured(node: Node) -> float | None:
        pool = EndpointPool(ChainSpec(node.chain_id, "lab", rpc=(node.url,), requests_per_second=1e6))
        try:
            return await block_time(pool)
        finally:
            await pool.close()

    with Node(anvil_binary(default_cache())) as node:
        node.rpc("anvil_setBlockTimestampInterval", 3)
        node.rpc("anvil_mine", hex(400))
        assert asyncio.run(measured(node)) is None, "too few blocks to tell"
        node.rpc("anvil_mine", hex(1001))
        assert asyncio.run(measured(node)) == 3.0


def test_what_is_told_of_the_pace_of_blocks() -> None:
    spec = ChainSpec(56, "bnb", block_time=0.75)
    (well,) = doctor.pace(spec, 0.8, None)
    assert (well.state, well.words) == (doctor.GOOD, "one in 0.8 s")
    slow, rates = doctor.pace(spec, 0.45, 42_048_000)
    assert (slow.state, rates.state) == (doctor.ODD, doctor.ODD)
    assert slow.words == "one in 0.45 s, not in 0.75 s: set block_time under [chains.bnb]"
    assert rates.words.endswith("and 70,080,000 come at this pace: off by 40%")
    assert [each.what for each in doctor.pace(spec, 0.75, 42_048_000)] == ["blocks"]


def test_a_fork_is_named_once() -> None:
    spark = MarketRef("aave-v3", 1, "spark", wallet("entry").lower())
    mine = MarketRef("aave-v3", 1, "my spark", wallet("entry").lower(), custom=True)
    known = About(brand="spark")
    names = [doctor.market(Examined(ref, None, "gone"), known)[0].what for ref in (spark, mine)]
    assert names == ["spark", "spark my spark"]
