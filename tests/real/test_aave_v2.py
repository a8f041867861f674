"""Aave v2's own contracts: what the conformance suite does not ask of every protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.model import Change, Side
from liqtui.core.reads import PlanFailed
from liqtui.core.rescue import rescue
from liqtui.core.results import Direction
from liqtui.core.risk import complete
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_ONE, MAX_UINT256, WAD, percent_mul
from liqtui.protocols.aave_v2 import AaveV2
from liqtui.protocols.aave_v3 import AaveV3
from tests.lab.errors import LabRevert
from tests.lab.market import wallet as wallet_of
from tests.lab.walk import LIQUIDATOR
from tests.real.cases_aave import same_as_reported
from tests.real.overrides import STUB
from tests.real.reader import LabReader, Watch, run
from tests.real.test_liquidation import LIQUIDATE, taken

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.lab import Lab


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


def test_what_the_market_counts_in_has_no_boundary(watch: V2Watch) -> None:
    base = watch.opened.base_asset
    found = complete(watch.positions()[wallet_of("v2 weth usdc tight").lower()])
    assert found.book is not None
    whole = boundaries(found.book, found.feeds)
    assert {each.factor for each in whole} - {each.factor for each in found.boundaries} == {
        f"own:{base}",
        f"asset:{base}",
    }
    assert found.nearest is not None
    assert (found.nearest.label, found.nearest.direction) == ("USDC/ETH", Direction.RISES)


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


def test_a_new_listing_is_noticed(watch: V2Watch) -> None:
    market = watch.market
    market.node.do(market.oracle, "setAssetSources(address[],address[])", [market.tokens["LINK"].address], [STUB])
    assert watch.read().changed


def test_each_generation_refuses_the_other(watch: V2Watch) -> None:
    reader, block = watch.reader, watch.block
    with pytest.raises(PlanFailed, match="is not the PoolAddressesProvider of an Aave v3 market"):
        run(reader, block, AaveV3().open(watch.ref, block))
    entry = MarketRef("aave-v2", 31337, "wrong", watch.opened.pool)
    with pytest.raises(PlanFailed, match="is not the LendingPoolAddressesProvider of an Aave v2 market"):
        run(reader, block, AaveV2().open(entry, block))
