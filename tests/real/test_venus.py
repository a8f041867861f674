"""Venus's own contracts: what they have and Compound has not. The rest is in test_conformance."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from liqtui.core.events import EventKind
from liqtui.core.model import Side
from liqtui.core.reads import PlanFailed
from liqtui.core.severity import liquidatable
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from tests.lab import abi
from tests.lab.compound_v2 import open_positions
from tests.lab.errors import LabRevert
from tests.lab.lab import Lab
from tests.lab.market import wallet as wallet_of
from tests.lab.venus import VenusTimedPool
from tests.lab.walk import LIQUIDATOR
from tests.real.cases_compound import compound_v2
from tests.real.rooms import just_fits

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.core.model import Position
    from tests.lab.venus import VenusCore, VenusPool
    from tests.real.conformance import Case


def position(case: Case, name: str) -> Position:
    (found,) = case.positions([wallet_of(name).lower()]).values()
    return found


def test_an_e_mode_pool_changes_weights_for_those_in_it_only(venus_core: VenusCore) -> None:
    market, user = venus_core, wallet_of("c2 eth usdc")
    pair = [market.tokens["ETH"], market.tokens["USDC"]]
    market.do(market.comptroller, "createPool(string)", "ETH and dollars")
    market.do(market.comptroller, "addPoolMarkets(uint96[],address[])", [1, 1], pair)
    for token in pair:
        market.do(market.comptroller, "setLiquidationIncentive(uint96,address,uint256)", 1, token, 104 * WAD // 100)
        factors = 90 * WAD // 100, 93 * WAD // 100
        market.do(market.comptroller, "setCollateralFactor(uint96,address,uint256,uint256)", 1, token, *factors)
        market.do(market.comptroller, "setIsBorrowAllowed(uint96,address,bool)", 1, token, True)
    market.do(market.comptroller, "enterPool(uint96)", 1, sender=user)
    case = compound_v2(market)
    found = case.positions()
    case.verify(found)
    held, _ = position(case, "c2 eth usdc").legs
    assert (held.threshold, held.bonus) == (9300, 10_400)
    held, _ = position(case, "c2 eth usdc tight").legs
    assert (held.threshold, held.bonus) == (8450, 10_800)
    case.crash()
    market.set_price("ETH", 1_290 * 10**8)  # 10 × 1,290 × 0.93 < 12,000
    found = case.positions([user.lower()])
    ((key, before),) = found.items()
    assert liquidatable(before)
    before, had = case.foreseen(key)
    assert before is not None
    assert before.scope is not None
    case.liquidate(before, before.scope)
    (taken,) = case.events([user.lower()])
    assert taken.debt is not None
    assert taken.debt.amount == before.scope.max_debt
    after = case.positions([user.lower()])[key]
    place = (Side.COLLATERAL, before.scope.collateral)
    assert abs(had[place] - case.balances(key, after)[place] - before.scope.seized) <= 1


@pytest.mark.parametrize("kind", ["venus_core", "venus_pool"])
def test_just_what_is_said_fits_and_can_be_taken_out(request: pytest.FixtureRequest, kind: str) -> None:
    just_fits(request.getfixturevalue(kind), "setMarket{}Caps(address[],uint256[])", ("Supply", "Borrow"))


def test_vai_is_owed_with_interest_and_may_be_liquidated_by_force(venus_core: VenusCore) -> None:
    market, user, node = venus_core, wallet_of("c2 eth usdc"), venus_core.node
    vai, controller = market.add_vai(40 * WAD // 100)
    market.do(controller, "mintVAI(uint256)", 1_000 * WAD, sender=user)
    node.mine(150)
    stored = node.view(controller, "getVAIRepayAmount(address)->uint256", user)
    case = compound_v2(market)
    found = position(case, "c2 eth usdc")
    leg = next(leg for leg in found.legs if leg.asset.address == vai.lower())
    assert stored == 1_000 * WAD < leg.amount
    assert (leg.asset.symbol, leg.rate, found.flags, liquidatable(found)) == ("VAI", 40 * RAY // 100, (), False)
    assert found.health.verified
    market.do(controller, "accrueVAIInterest()")
    now = node.view(controller, "getVAIRepayAmount(address)->uint256", user)
    again = position(case, "c2 eth usdc")
    assert next(each.amount for each in again.legs if each.asset == leg.asset) == now > leg.amount
    assert again.health.verified

    market.do(vai, "mint(address,uint256)", LIQUIDATOR, now)
    market.do(vai, "approve(address,uint256)", controller, now, sender=LIQUIDATOR)
    liquidate = "liquidateVAI(address,uint256,address)", user, WAD, market.tokens["ETH"]
    refused = node.call(controller, abi.encode(*liquidate), sender=LIQUIDATOR)
    assert refused[:32] != bytes(32)
    market.do(market.comptroller, "_setForcedLiquidation(address,bool)", controller, True)
    assert node.call(controller, abi.encode(*liquidate), sender=LIQUIDATOR)[:32] == bytes(32)
    found = position(case, "c2 eth usdc")
    assert liquidatable(found)
    assert [flag.text for flag in found.flags] == ["VAI debt can be liquidated whatever the health"]
    market.do(controller, *liquidate, sender=LIQUIDATOR)
    (taken,) = case.events([user.lower()])
    assert (taken.kind, taken.who) == (EventKind.LIQUIDATED, LIQUIDATOR.lower())
    assert taken.debt is not None
    assert taken.debt.asset == leg.asset
    assert 0 <= WAD - taken.debt.amount < 10**6  # its controller rounds interest and principal apart
    assert taken.collateral is not None
    assert taken.collateral.asset.address == market.tokens["ETH"].lower()


@pytest.mark.parametrize("price", [1_700, 900])
def test_a_debt_in_vai_is_liquidated_as_far_as_the_scope_says(venus_core: VenusCore, price: int) -> None:
    """Half of it; and all of the collateral where that does not cover so much."""
    market, user, node = venus_core, wallet_of("c2 supply only"), venus_core.node
    vai, controller = market.add_vai(40 * WAD // 100)
    market.do(controller, "mintVAI(uint256)", 6_000 * WAD, sender=user)
    market.do(vai, "mint(address,uint256)", LIQUIDATOR, 10_000 * WAD)
    market.do(vai, "approve(address,uint256)", controller, 10_000 * WAD, sender=LIQUIDATOR)
    case, collateral = compound_v2(market), market.tokens["ETH"]
    sound = position(case, "c2 supply only")
    assert sound.scope is not None
    order = "liquidateVAI(address,uint256,address)", user, WAD, collateral
    assert node.call(controller, abi.encode(*order), sender=LIQUIDATOR)[:32] != bytes(32)
    market.set_price("ETH", price * 10**8)
    before, _ = case.foreseen(sound.key)
    assert before is not None
    assert liquidatable(before)
    scope = before.scope
    assert scope is not None
    assert (scope.debt.address, scope.blocked) == (vai.lower(), "")
    assert scope.reason == ("50 % of this debt" if price == 1_700 else "all of this collateral")
    held = node.view(collateral, "balanceOf(address)->uint256", user)

    def paid(amount: int) -> int:
        """cTokens that are seized in the next block."""
        with node.batch(dt=case.seconds, check=False):
            market.do(collateral, "accrueInterest()")
            market.do(controller, "liquidateVAI(address,uint256,address)", user, amount, collateral, sender=LIQUIDATOR)
        return held - node.view(collateral, "balanceOf(address)->uint256", user)

    branch = market.lab.snapshot()
    more = paid(scope.max_debt + (10**10 if scope.reason.startswith("all") else 1))  # its steps are some 1e4 wei
    assert more == 0
    market.lab.revert(branch)
    tokens = paid(scope.max_debt)
    rate = node.view(collateral, "exchangeRateStored()->uint256")
    assert tokens > 0
    assert abs(tokens * rate // WAD - scope.seized) <= rate // WAD + 1  # one cToken
    (taken,) = (each for each in case.events([user.lower()]) if each.kind is EventKind.LIQUIDATED)
    assert taken.debt is not None
    assert 0 <= scope.max_debt - taken.debt.amount < 10**6
    after = position(case, "c2 supply only")
    assert after.health.verified
    assert after.health.raw == pytest.approx(scope.health_after, rel=1e-9)


@pytest.mark.parametrize("alone", [True, False])
def test_a_forced_liquidation_needs_no_shortfall(venus_core: VenusCore, alone: bool) -> None:
    """Of one account, or of all debts in a market."""
    market, user, other = venus_core, wallet_of("c2 eth usdc"), "c2 all collaterals"
    token = market.tokens["USDC"]
    if alone:
        signature = "_setForcedLiquidationForUser(address,address,bool)"
        market.do(market.comptroller, signature, user, token, True)
    else:
        market.do(market.comptroller, "_setForcedLiquidation(address,bool)", token, True)
    case = compound_v2(market)
    found = position(case, "c2 eth usdc")
    assert found.health.raw is not None
    assert found.health.raw > WAD
    assert liquidatable(found)
    assert [flag.code for flag in found.flags] == ["forced"]
    assert bool(liquidatable(position(case, other))) is not alone
    before, _ = case.foreseen(found.key)
    assert before is not None
    assert before.scope is not None
    case.liquidate(before, before.scope)
    (taken,) = case.events([user.lower()])
    assert taken.kind is EventKind.LIQUIDATED
    assert taken.debt is not None
    assert taken.debt.amount == before.scope.max_debt


def test_a_pool_forces_liquidations_of_a_market(venus_pool: VenusPool) -> None:
    market = venus_pool
    market.do(market.comptroller, "setForcedLiquidation(address,bool)", market.tokens["USDC"], True)
    found = position(compound_v2(market), "c2 eth usdc")
    assert liquidatable(found)
    assert [flag.code for flag in found.flags] == ["forced"]


def test_a_small_account_is_closed_as_a_whole_and_the_log_tells_it(venus_pool: VenusPool) -> None:
    market, user = venus_pool, wallet_of("c2 eth usdc tight")
    market.do(market.comptroller, "setMinLiquidatableCollateral(uint256)", 10**9 * WAD)
    market.set_price("ETH", 2_000 * 10**8)
    case = compound_v2(market)
    before = position(case, "c2 eth usdc tight")
    assert liquidatable(before)
    scope = before.scope
    assert scope is not None
    assert scope.reason.endswith("the pool writes off the rest of the debt")
    debt, held = (next(leg.amount for leg in before.legs if leg.side is side) for side in (Side.DEBT, Side.COLLATERAL))
    assert (scope.seized, scope.health_after) == (held, HEALTH_INFINITE)
    with market.node.batch():
        market.do(
            market.underlying["USDC"],
            "provision(address,address,uint256)",
            LIQUIDATOR,
            market.tokens["USDC"],
            debt * 2,
            sender=LIQUIDATOR,
        )
        market.do(market.comptroller, "healAccount(address)", user, sender=LIQUIDATOR)
    events = case.events([user.lower()])
    assert [event.kind for event in events] == [EventKind.WRITTEN_OFF, EventKind.LIQUIDATED]
    assert events[1].who == LIQUIDATOR.lower()
    assert events[1].debt is not None
    assert events[1].debt.amount == pytest.approx(scope.max_debt, rel=1e-5)
    paid = sum(event.debt.amount for event in events if event.debt)
    assert 0 <= paid - debt < debt // 10**5  # interest of two blocks
    assert case.positions([user.lower()]) == {}


def test_debt_that_was_written_off_counts_as_lent(venus_pool: VenusPool) -> None:
    market, user, token = venus_pool, wallet_of("c2 eth usdc tight"), venus_pool.tokens["USDC"]
    market.do(market.comptroller, "setMinLiquidatableCollateral(uint256)", 10**9 * WAD)
    market.set_price("ETH", 1_000 * 10**8)
    enough = LIQUIDATOR, token, 10**6 * 10**6
    with market.node.batch():
        market.do(market.underlying["USDC"], "provision(address,address,uint256)", *enough, sender=LIQUIDATOR)
        market.do(market.comptroller, "healAccount(address)", user, sender=LIQUIDATOR)
    sizes = [
        market.node.view(token, f"{each}()->uint256")
        for each in ("getCash", "totalBorrows", "totalReserves", "badDebt")
    ]
    assert sizes[3] > 10**9
    model = market.node.view(token, "interestRateModel()->address")
    lent = market.node.view(model, "utilizationRate(uint256,uint256,uint256,uint256)->uint256", *sizes)
    found = position(compound_v2(market), "c2 eth dai").legs + position(compound_v2(market), "c2 eth usdc").legs
    (said,) = {leg.utilization for leg in found if leg.asset.symbol == "USDC"}
    assert said == lent * 10_000 // WAD
    market.do(market.comptroller, "setMinLiquidatableCollateral(uint256)", WAD)
    just_fits(market, "setMarket{}Caps(address[],uint256[])", ("Supply", "Borrow"))


def test_a_small_account_that_covers_its_debts_repays_them_all_at_once(venus_pool: VenusPool) -> None:
    """A part of them is refused, all of them are taken."""
    market, user, node = venus_pool, wallet_of("c2 eth usdc tight"), venus_pool.node
    case, debt, collateral = compound_v2(market), market.tokens["USDC"], market.tokens["ETH"]
    market.set_price("ETH", 2_395 * 10**8)  # just under what is needed
    signature = "provision(address,address,uint256)"
    market.do(market.underlying["USDC"], signature, LIQUIDATOR, debt, 10**6 * 10**6, sender=LIQUIDATOR)
    part = abi.encode("liquidateBorrow(address,uint256,address)", user, 10**6, collateral)
    node.call(debt, part, sender=LIQUIDATOR)
    market.do(market.comptroller, "setMinLiquidatableCollateral(uint256)", 10**9 * WAD)
    market.do(debt, "accrueInterest()")
    with pytest.raises(LabRevert):
        node.call(debt, part, sender=LIQUIDATOR)
    before = position(case, "c2 eth usdc tight")
    scope = before.scope
    assert scope is not None
    assert (liquidatable(before), scope.reason) == (True, "so small an account is closed as a whole")
    assert (scope.close_factor, scope.health_after) == (10_000, HEALTH_INFINITE)
    signature = "liquidateAccount(address,(address,address,uint256)[])"
    for less in (1, 0):  # all of it, to the last digit
        order = abi.encode(signature, user, [(collateral, debt, scope.max_debt - less)])
        with pytest.raises(LabRevert) if less else nullcontext():
            node.call(market.comptroller, order, sender=LIQUIDATOR)


def test_an_entry_that_is_no_comptroller_is_refused(venus_pool: VenusPool) -> None:
    case = compound_v2(venus_pool)
    for entry in (venus_pool.oracle, venus_pool.tokens["USDC"], venus_pool.source.chainlink):
        case.ref = case.ref.__class__("compound-v2", 31337, "wrong", entry.lower())
        with pytest.raises(PlanFailed, match="is not a comptroller of the Compound v2 family"):
            case.open()


def test_a_paused_oracle_makes_all_unknown(venus_pool: VenusPool) -> None:
    case = compound_v2(venus_pool)
    venus_pool.do(venus_pool.oracle, "pause()")
    found = case.positions()
    assert len(found) >= 20
    for each in found.values():
        entered = any(leg.counts or leg.side is Side.DEBT for leg in each.legs)
        assert (each.health.raw is None) is entered, each


def test_a_pool_that_counts_by_seconds(lab_cache: Path) -> None:
    with Lab.build(lab_cache, generations=()) as lab:
        market = VenusTimedPool(lab, lab_cache)
        lab.positions[market.name] = open_positions(market)
        case = compound_v2(market)
        for _ in case.walk(10):
            assert case.verify(case.positions()) >= 20
        held, owed = position(case, "c2 eth usdc").legs
        assert 0 < held.rate < owed.rate
        assert 2 < owed.rate / 10**27 < 8
