"""Compound v3 without a node: opening, missing answers, and what the figures say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.model import ENGINE_LINES, Change, Side
from liqtui.core.results import Direction
from liqtui.core.severity import liquidatable
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from tests.protocols.comet_fake import (
    ALICE,
    INDEX,
    USDC,
    User,
    borrower,
    fake,
    position,
)
from tests.protocols.fake import NOW, addr

DAY = 86_400


def test_a_position() -> None:
    found = position(fake(borrow_rate=10**9))
    assert [(leg.side, leg.asset.symbol, leg.amount, leg.price, leg.value) for leg in found.legs] == [
        (Side.COLLATERAL, "WETH", 10 * WAD, 3000 * 10**8, 30_000 * 10**8),
        (Side.DEBT, "USDC", 15_000 * 10**6, 10**8, 15_000 * 10**8),
    ]
    assert found.health.raw == 17 * WAD // 10
    assert (found.health.reported, found.health.verdict, found.health.confirmed) == (None, False, True)
    assert "by its own check at this block the account is safe" in found.health.reason
    assert (found.base_symbol, found.base_decimals) == ("USD", 8)
    assert (found.ltv, found.max_ltv, found.threshold) == (5000, 8000, 8500)
    held, owed = found.legs
    assert (held.threshold, held.bonus, held.cap_room) == (8500, 10_526, 10**30 - 10**29)
    assert (owed.rate, owed.pool_cash) == (10**9 * 365 * DAY * 10**9, 10**12)
    assert [quote.factor for quote in found.quotes] == ["ETH", f"31337:{addr('feedUSDC')}"]
    assert {each.label for each in found.feeds} == {"WETH / USD", "USDC / USD"}
    assert found.flags == ()
    facts = dict(found.facts)
    assert facts["least debt"] == "100 USDC"
    assert [leg.utilization for leg in found.legs] == [None, 5_000]
    card = dict(found.engine)
    assert tuple(card) == ENGINE_LINES
    assert card["how much"] == "all collateral and all debt at once"
    assert card["bonus"].startswith("5% of the collateral is lost")
    assert card["goes to"].endswith("they may sell it 2.5% under its price to anyone")


def test_where_it_is_liquidated() -> None:
    found = position(fake())
    by_factor = {each.factor: each for each in boundaries(found.book, found.feeds)}
    eth = by_factor["ETH"]
    # 10 × p × 0.85 < 15,000 first at 1,764.70588235
    assert (eth.price, eth.direction) == (176_470_588_235, Direction.FALLS)
    dollar = by_factor[f"31337:{addr('feedUSDC')}"]
    assert (dollar.price, dollar.direction) == (170_000_001, Direction.RISES)


def test_the_storefront_is_not_needed() -> None:
    assert "under its price" not in dict(position(fake(store_front=None)).engine)["goes to"]


def test_who_only_lends_has_no_debt() -> None:
    found = position(fake(User(500 * 10**6, {}, view=False, owed=0), supply_rate=3))
    (leg,) = found.legs
    assert (leg.side, leg.amount, leg.counts, leg.rate) == (Side.COLLATERAL, 500 * 10**6, False, 3 * 365 * DAY * 10**9)
    assert "no collateral" in leg.notes[0]
    assert found.health.raw == HEALTH_INFINITE
    assert (found.health.verdict, found.health.confirmed) == (False, True)
    assert (found.flags, found.health.reason.partition(";")[0]) == ((), "Compound gives no health figure")
    assert found.scope is None
    assert (found.collateral_value, found.ltv, found.threshold) == (0, None, None)


def test_nothing_left_is_an_empty_position() -> None:
    assert position(fake(User(0, {}, view=False, owed=0))).empty


def test_what_if() -> None:
    book = position(fake()).book
    weth = addr("WETH")
    assert book.health(Change(prices={weth: 1500 * 10**8})) == 85 * WAD // 100
    assert book.liquidatable(Change(prices={weth: 1500 * 10**8})) is True
    assert book.health(Change(debt={USDC: -7500 * 10**6})) == 34 * WAD // 10
    assert book.health(Change(debt={USDC: -20_000 * 10**6})) == HEALTH_INFINITE
    assert book.health(Change(debt={USDC: 15_000 * 10**6})) == 85 * WAD // 100
    assert book.health(Change(collateral={weth: 10 * WAD})) == 34 * WAD // 10
    assert book.health(Change(collateral={weth: -20 * WAD})) == 0
    assert book.health(Change(prices={weth: 0})) is None  # BadPrice: the contract reverts
    assert book.health(Change(prices={USDC: 0})) is None
    for change in (Change(collateral={addr("COMP"): 1}), Change(debt={weth: 1}), Change(collateral={USDC: 1})):
        with pytest.raises(KeyError, match="not in this account"):
            book.health(change)


def test_interest_runs_to_the_time_of_the_block() -> None:
    market = fake(borrow_rate=10**9)
    market.totals = market.totals._replace(accrued_at=NOW - 60 * DAY)
    grown = INDEX + INDEX * 10**9 * 60 * DAY // WAD
    owed = 15_000 * 10**6 * grown // INDEX
    market.users[ALICE].owed = owed
    found = position(market)
    assert found.legs[1].amount == owed == 15_077_760_000
    assert found.health.raw == 25_500 * 10**8 * WAD // (owed * 100)
    assert found.flags == ()


def test_absorb_finds_what_the_view_does_not_yet_see() -> None:
    """After 60 quiet days the view still says safe; absorb accrues first."""
    market = fake(borrower(25_450 * 10**6), borrow_rate=10**9)
    market.totals = market.totals._replace(accrued_at=NOW - 60 * DAY)
    market.users[ALICE].owed = 25_450 * 10**6 * (INDEX + INDEX * 10**9 * 60 * DAY // WAD) // INDEX
    found = position(market)
    assert found.health.raw < HEALTH_ONE
    assert liquidatable(found) is True
    assert found.health.verdict is None
    assert "leaves out the interest" in found.health.reason
    assert found.flags == ()
    assert found.scope.health_after == HEALTH_INFINITE
    stored = replace(found.book, base=found.book.base._replace(indexes=found.book.base.indexes._replace(borrow=INDEX)))
    assert stored.liquidatable() is False
    # so the price at which it is absorbed is above the view's
    (eth,) = [each for each in boundaries(found.book) if each.factor == "ETH"]
    assert eth.passed
    assert eth.price > 25_450 * 10**8 * 10 // 85


def test_a_debt_that_differs_is_flagged() -> None:
    found = position(fake(borrower(owed=15_000 * 10**6 + 1)))
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert "own arithmetic gives a debt of 15000, the contract says 15000.000001" in found.flags[0].text


@pytest.mark.parametrize(("principal", "view"), [(15_000 * 10**6, True), (26_000 * 10**6, False)])
def test_a_view_that_differs_is_flagged_and_its_yes_counts(principal: int, view: bool) -> None:
    found = position(fake(borrower(principal, view=view)))
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert "its own check says" in found.health.reason
    assert not found.health.confirmed
    assert liquidatable(found) is True  # either of the two says so


def test_a_liquidatable_account() -> None:
    found = position(fake(borrower(26_000 * 10**6, view=True)))
    assert (found.health.verdict, found.health.confirmed, liquidatable(found)) == (True, True, True)
    assert found.book.liquidatable() is True
    assert found.book.liquidatable(Change(prices={addr("WETH"): 4_000 * 10**8})) is False  # its view is of now only
    assert found.flags == ()


def test_what_an_absorption_leaves() -> None:
    scope = position(fake(borrower(26_000 * 10**6, view=True))).scope
    assert (scope.collateral.symbol, scope.debt.symbol) == ("WETH", "USDC")
    assert (scope.max_debt, scope.seized, scope.close_factor) == (26_000 * 10**6, 10 * WAD, 10_000)
    # 30,000 × 0.95 = 28,500 credited: 2,500 stay, 1,500 are lost
    assert scope.loss == 1500 * 10**8
    assert "2500 USDC stay with the account" in scope.reason
    assert (scope.bonus, scope.toxic_below, scope.blocked) == (10_526, None, "")
    assert scope.health_after == HEALTH_INFINITE


def test_what_the_reserves_bear() -> None:
    scope = position(fake(borrower(29_000 * 10**6, view=True))).scope
    assert scope.loss == 1000 * 10**8
    assert "the reserves bear 500 USDC" in scope.reason


def test_an_absorption_that_comes_out_even() -> None:
    scope = position(fake(borrower(28_500 * 10**6, view=True))).scope
    assert scope.reason == "absorb takes all collateral and closes all of the debt"


def test_the_most_valuable_collateral_names_the_scope() -> None:
    held = {"COMP": 1000 * WAD, "WETH": WAD}
    scope = position(fake(borrower(10**6, held))).scope
    assert scope.collateral.symbol == "COMP"
    assert scope.health_after is None
    market = fake(borrower(10**6, held))
    market.assets[0].liquidation_factor = 0
    assert position(market).scope.bonus == 0


def test_without_collateral_there_is_nothing_to_take() -> None:
    found = position(fake(borrower(held={}, view=True)))
    assert found.scope is None
    assert found.health.raw == 0
    assert liquidatable(found) is True


def test_pauses_are_flagged() -> None:
    market = fake()
    market.totals = market.totals._replace(pauses=0b11111)
    found = position(market)
    assert [flag.code for flag in found.flags] == ["paused"] * 3
    assert "nothing can be repaid" in found.flags[0].text
    assert found.scope.blocked == "absorbing is paused"


def test_collateral_that_does_not_count_any_more() -> None:
    market = fake(borrower(held={"COMP": 5 * WAD, "WETH": 10 * WAD, "WBTC": 0}))
    market.assets[0].liquidate_cf = market.assets[2].liquidate_cf = 0
    found = position(market)
    assert [flag.text for flag in found.flags] == ["COMP does not count toward the debt any more"]
    assert found.health.raw == 17 * WAD // 10
