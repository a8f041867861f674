"""Aave v2's own contracts: every figure at every block, every boundary where it flips, every liquidation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import eth_abi
import pytest
from eth_utils.crypto import keccak

from liqtui.core.boundaries import boundaries
from liqtui.core.factors import movers
from liqtui.core.model import Change, Direction, FactorKind, Side, is_liquidatable
from liqtui.core.reads import PlanFailed
from liqtui.core.rescue import rescue
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_ONE, MAX_UINT256, WAD, decimal_string, percent_mul
from liqtui.protocols.aave_v2 import AaveV2
from liqtui.protocols.aave_v3 import AaveV3
from tests.lab.aave_v2 import Walk
from tests.lab.errors import LabRevert
from tests.lab.market import wallet as wallet_of
from tests.lab.walk import LIQUIDATOR
from tests.real.overrides import STUB, WhatIf, constant, feed_at
from tests.real.reader import LabReader, Watch, run
from tests.real.test_liquidation import LIQUIDATE, amount, taken

if TYPE_CHECKING:
    from liqtui.core.factors import Mover
    from liqtui.core.model import Position
    from liqtui.protocols.aave_v3_state import Reported
    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.lab import Lab

BLOCKS = 120
OF_SOURCES = 1
"""AaveOracle.assetsSources; slot 0 holds its owner."""
TOO_HEALTHY = "42"
"""LPCM_HEALTH_FACTOR_NOT_BELOW_THRESHOLD."""


class V2Watch(Watch):
    """The program's view of the market and its wallets."""

    def __init__(self, lab: Lab, market: AaveV2Market) -> None:
        self.lab, self.market = lab, market
        self.reader, self.adapter = LabReader(lab), AaveV2()
        self.ref = MarketRef("aave-v2", 31337, market.name, market.provider.lower(), custom=True)
        self.wallets = [position.wallet.lower() for position in lab.positions[market.name]]
        self.block = self.reader.head()
        self.opened = run(self.reader, self.block, self.adapter.open(self.ref, self.block))
        self.discover()


@pytest.fixture
def watch(populated_aave_v2: tuple[Lab, AaveV2Market], aave_v2: AaveV2Market) -> V2Watch:
    return V2Watch(populated_aave_v2[0], aave_v2)


def same_as_reported(found: Position, said: Reported) -> bool:
    """All six figures of the pool's own account view."""
    room = dict(found.facts)["can still borrow"].split()[0]
    figures = (found.collateral_value, found.debt_value, room, found.threshold, found.max_ltv, found.health.raw)
    return figures == (said[0], said[1], decimal_string(said[2], 18), *said[3:])


def test_every_figure_is_the_contracts_at_every_block_of_a_walk(watch: V2Watch) -> None:
    healths: list[int] = []
    fixed = 0
    for step, number in enumerate(Walk(watch.market, seed=3).take(BLOCKS)):
        if step % 20 == 0:
            watch.discover()
        reading = watch.read()
        assert (reading.errors, reading.changed, watch.block.number) == ((), False, number)
        assert len(reading.accounts) >= 29
        for wallet, account in reading.accounts.items():
            found = watch.evaluate(reading, wallet)
            assert same_as_reported(found, account.reported), (number, wallet, found, account)
            assert found.health.verified
            assert not found.flags
            base = watch.opened.base_asset
            assert all(quote.proven for quote in found.quotes if quote.asset != base)
            healths.append(found.health.raw)
            fixed += any(holding.fixed for holding in account.holdings)
    assert min(healths) < HEALTH_ONE < max(healths)
    assert len(set(healths)) > 20 * BLOCKS
    assert fixed > 3 * BLOCKS


@pytest.mark.parametrize("seconds", [1, 2, 3, 400 * 86_400])
def test_interest_of_moments_and_of_a_year(watch: V2Watch, seconds: int) -> None:
    watch.lab.node.mine(dt=seconds)
    reading = watch.read()
    for wallet, account in reading.accounts.items():
        assert same_as_reported(watch.evaluate(reading, wallet), account.reported)


def test_prices_are_counted_in_ether(watch: V2Watch) -> None:
    found = watch.positions()[wallet_of("v2 weth usdc").lower()]
    assert (found.base_symbol, found.base_decimals, found.revision) == ("ETH", 18, "2 (v2)")
    weth, usdc = found.quotes
    assert (weth.price, weth.notes) == (WAD, ("the market counts in it",))
    assert (usdc.price, usdc.feed) == (400_013 * 10**9, watch.market.feeds["USDC"].address.lower())
    assert [feed.label for feed in found.feeds] == ["USDC / ETH"]
    held, owed = found.legs
    assert (held.threshold, held.bonus, held.cap_room, owed.cap_room) == (8250, 10500, None, None)
    assert owed.pool_cash


def knobs_of(found: Position) -> dict[str, Mover]:
    assert found.book is not None
    return {mover.factor: mover for mover in movers(found.book, found.feeds)}


def override(watch: V2Watch, mover: Mover, answer: int) -> dict[str, Any]:
    """The feeds moved to this answer; for one asset alone a source of its own."""
    if mover.kind is FactorKind.ASSET:
        slot = keccak(eth_abi.encode(["address", "uint256"], [mover.parts[0].asset, OF_SOURCES]))
        word = "0x" + bytes.fromhex(STUB[2:]).rjust(32, b"\0").hex()
        return {watch.opened.oracle: {"stateDiff": {"0x" + slot.hex(): word}}, STUB: constant(answer)}
    out: dict[str, Any] = {}
    for part in mover.parts:
        assert part.quote is not None
        out |= feed_at(part.quote.feed, mover.knob(part, answer))
    return out


def test_the_contract_turns_where_we_say(watch: V2Watch) -> None:
    ask = WhatIf(watch)
    kinds: dict[tuple[FactorKind, Direction], int] = {}
    for wallet, found in watch.positions().items():
        knobs = knobs_of(found)
        for boundary in found.boundaries:
            kinds[boundary.kind, boundary.direction] = kinds.get((boundary.kind, boundary.direction), 0) + 1
            if boundary.price is None:
                continue
            assert watch.opened.base_asset not in boundary.factor
            mover = knobs[boundary.factor]
            safer = 1 if boundary.direction is Direction.FALLS else -1
            for answer, expected in ((boundary.price, True), (boundary.price + safer, False)):
                health = ask.health(wallet, override(watch, mover, answer))
                assert is_liquidatable(health) is expected, (found, boundary, answer)
                if expected and found.scope is not None:
                    assert ask.refusal(wallet, found.scope, override(watch, mover, answer)) == ""
                elif found.scope is not None:
                    assert ask.refusal(wallet, found.scope, override(watch, mover, answer)) == TOO_HEALTHY
    assert kinds[FactorKind.FACTOR, Direction.FALLS] >= 10
    assert kinds[FactorKind.FACTOR, Direction.RISES] >= 15
    assert kinds[FactorKind.ASSET, Direction.FALLS] >= 10
    assert kinds[FactorKind.TOGETHER, Direction.FALLS] + kinds[FactorKind.TOGETHER, Direction.RISES] >= 4


def test_what_the_market_counts_in_has_no_boundary(watch: V2Watch) -> None:
    base, found = watch.opened.base_asset, watch.positions()[wallet_of("v2 weth usdc tight").lower()]
    assert found.book is not None
    whole = boundaries(found.book, found.feeds)
    assert {each.factor for each in whole} - {each.factor for each in found.boundaries} == {
        f"own:{base}",
        f"asset:{base}",
    }
    assert found.nearest is not None
    assert (found.nearest.label, found.nearest.direction) == ("USDC", Direction.RISES)


def crash(market: AaveV2Market, others: int) -> None:
    """A day on which all others move against ether by this percentage, and some more."""
    with market.node.batch():
        for symbol, feed in market.feeds.items():
            parts = {"stETH": 93, "LINK": 60, "CRV": 50}.get(symbol, others)
            feed.set(feed.answer * parts // 100)


def foreseen(watch: V2Watch, wallet: str) -> Position:
    """The position in 60 seconds if nothing happens, seen on a branch of the chain that is then dropped."""
    branch = watch.lab.snapshot()
    watch.lab.node.mine(dt=60)
    found = alone(watch, wallet)
    watch.lab.revert(branch)
    return found


def alone(watch: V2Watch, wallet: str) -> Position:
    watch.hints = {wallet: frozenset()}
    return watch.evaluate(watch.read(), wallet)


def liquidate(watch: V2Watch, wallet: str, found: Position) -> Any:
    scope = found.scope
    assert scope is not None
    watch.lab.node.rpc("evm_setNextBlockTimestamp", watch.lab.node.timestamp + 60)
    pair = scope.collateral.address, scope.debt.address
    return watch.lab.node.do(watch.market.pool, LIQUIDATE, *pair, wallet, MAX_UINT256, False, sender=LIQUIDATOR)


@pytest.mark.parametrize(("others", "least"), [(190, 10), (52, 2)], ids=["ether falls", "ether rises"])
def test_an_executed_liquidation_takes_what_was_said(watch: V2Watch, others: int, least: int) -> None:
    crash(watch.market, others)
    reasons: dict[str, int] = {}
    for wallet in list(watch.hints):
        before = foreseen(watch, wallet)
        scope = before.scope
        if scope is None or not (before.book and before.book.liquidatable()):
            continue
        assert taken(liquidate(watch, wallet, before)) == (scope.max_debt, scope.seized), before
        after = alone(watch, wallet)
        assert after.health.verified
        for side, asset, moved in (
            (Side.COLLATERAL, scope.collateral.address, scope.seized),
            (Side.DEBT, scope.debt.address, scope.max_debt),
        ):
            assert abs(amount(before, side, asset) - amount(after, side, asset) - moved) <= 2, (before, after)
        assert after.health.raw == pytest.approx(scope.health_after, rel=1e-6, abs=0)
        assert scope.close_factor <= 5_000
        reasons[scope.reason] = reasons.get(scope.reason, 0) + 1
    assert reasons["half of this debt"] >= least, reasons


def test_never_more_than_half_however_low(watch: V2Watch) -> None:
    watch.market.set_price("LINK", 10**15)
    before = foreseen(watch, wallet_of("v2 link dai").lower())
    assert before.health.raw is not None
    assert before.health.raw < WAD // 4
    assert before.scope is not None
    assert before.scope.reason == "all of this collateral"
    got = taken(liquidate(watch, before.key.wallet, before))
    assert got == (before.scope.max_debt, before.scope.seized)
    watch.market.set_price("LINK", 5 * 10**15)
    before = foreseen(watch, wallet_of("v2 link usdc eurs").lower())
    assert before.health.raw is not None
    assert before.health.raw < HEALTH_ONE
    assert before.scope is not None
    debt = next(leg for leg in before.legs if leg.side is Side.DEBT and leg.asset == before.scope.debt)
    assert before.scope.max_debt == percent_mul(debt.amount, 5_000)


def test_a_paused_pool_blocks_what_health_allows(watch: V2Watch) -> None:
    watch.market.pause_pool(True)
    found = watch.positions()[wallet_of("v2 link dai").lower()]
    assert found.book is not None
    assert found.book.liquidatable()
    assert found.scope is not None
    assert found.scope.blocked == "the pool is paused"
    assert [flag.code for flag in found.flags] == ["paused"]
    with pytest.raises(LabRevert, match="64"):
        liquidate(watch, found.key.wallet, found)


def test_a_rescue_is_enough_and_one_unit_less_is_not(watch: V2Watch) -> None:
    target = 125 * WAD // 100
    tried = 0
    for found in watch.positions().values():
        book = found.book
        if book is None or not found.has_debt or (found.health.raw or 0) >= target:
            continue
        for way in rescue(book, [target])[0].repay:
            asset, least = way
            enough, short = (book.health(Change(debt={asset.address: less - least})) for less in (0, 1))
            assert enough is not None
            assert short is not None
            assert enough >= target > short
            tried += 1
    assert tried >= 10


def test_a_source_that_answers_nothing_concerns_its_holders_only(watch: V2Watch) -> None:
    watch.market.set_price("LINK", 0)
    for wallet, found in watch.positions().items():
        symbols = {leg.asset.symbol for leg in found.legs}
        assert (found.health.raw is None) is ("LINK" in symbols), (wallet, found)
        assert (found.health.reported is None) is ("LINK" in symbols)


def test_a_new_listing_is_noticed(watch: V2Watch) -> None:
    market = watch.market
    market.node.do(market.oracle, "setAssetSources(address[],address[])", [market.tokens["LINK"].address], [STUB])
    assert watch.read().changed


def test_requests_do_not_grow_with_wallets(watch: V2Watch) -> None:
    counts = []
    for number in (1, 12):
        watch.hints = dict(list(watch.hints.items())[:number])
        before = watch.reader.requests
        watch.read()
        counts.append(watch.reader.requests - before)
        watch.discover()
    assert counts == [2, 2]


def test_each_generation_refuses_the_other(watch: V2Watch) -> None:
    reader, block = watch.reader, watch.block
    with pytest.raises(PlanFailed, match="is not the PoolAddressesProvider of an Aave v3 market"):
        run(reader, block, AaveV3().open(watch.ref, block))
    entry = MarketRef("aave-v2", 31337, "wrong", watch.opened.pool)
    with pytest.raises(PlanFailed, match="is not the LendingPoolAddressesProvider of an Aave v2 market"):
        run(reader, block, AaveV2().open(entry, block))
