"""A round of a market: what is read, what one account's figures become, and what happens when answers are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liqtui.core.model import Change, Side
from liqtui.core.reads import Failure
from liqtui.core.risk import interest_known
from liqtui.core.units import BPS, HEALTH_INFINITE, HEALTH_ONE, RAY, SECONDS_PER_YEAR, WAD
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols import price_sources as sources
from tests.protocols.aave_v3_loan import ALICE, LOAN, LOAN_HEALTH, codes, loan, with_asset
from tests.protocols.fake import (
    BLOCK,
    NOW,
    POOL,
    Fake,
    User,
    addr,
    feed,
    position,
    read,
)


@pytest.mark.parametrize("revision", range(1, 12))
def test_a_plain_loan_in_every_revision(revision: int) -> None:
    found = position(loan(revision))
    assert found.health.raw == LOAN_HEALTH == found.health.reported
    assert found.health.verified
    assert found.health.reason == ""
    assert (found.collateral_value, found.debt_value) == (25_000 * 10**8, 15_000 * 10**8)
    assert (found.ltv, found.max_ltv, found.threshold) == (6_000, 8_000, 8_250)
    assert str(found.key) == f"31337:aave-v3:test market:{ALICE}"
    assert found.block == BLOCK
    assert found.flags == ()
    assert found.category == ""
    collateral, debt = found.legs
    assert (collateral.side, collateral.amount, collateral.value) == (Side.COLLATERAL, 10**19, 25_000 * 10**8)
    assert (collateral.threshold, collateral.bonus, collateral.counts, collateral.notes) == (8_250, 10_500, True, ())
    assert (debt.side, debt.amount, debt.value, debt.threshold) == (Side.DEBT, 15 * 10**9, 15_000 * 10**8, 0)
    assert [quote.factor for quote in found.quotes] == [f"31337:{addr('feedWETH')}", f"31337:{addr('feedUSDC')}"]
    assert [one.label for one in found.feeds] == ["WETH / USD", "USDC / USD"]
    assert dict(found.facts)["can still borrow"] == "5000 USD"


def test_a_round_takes_two_steps_however_many_wallets() -> None:
    users = {addr(f"user{i}"): replace(LOAN) for i in range(40)}
    fake = Fake(users=users)
    chain = fake.chain()
    _, reading = read(fake, chain)
    assert chain.steps == 2
    assert len(reading.accounts) == 40
    assert (reading.changed, reading.errors) == (False, ())
    assert {one.address for one in reading.feeds} == {addr("feedWETH"), addr("feedUSDC")}


def test_no_wallets_is_no_work() -> None:
    fake = Fake()
    _, reading = read(fake, hints={})
    assert (reading.accounts, reading.feeds, reading.changed) == ({}, (), False)


def test_interest_runs_to_the_time_of_the_block() -> None:
    half, rate = SECONDS_PER_YEAR // 2, RAY // 10
    fake = with_asset(loan(), "WETH", supply_rate=rate, updated=NOW - half)
    fake = with_asset(fake, "USDC", borrow_rate=rate, updated=NOW - half)
    collateral, debt = position(fake).legs
    assert collateral.amount == 10**19 * 105 // 100
    assert debt.amount == 15_769_062_500  # 1 + x + x²/2 + x³/6 at x = 0.05, up
    assert (collateral.rate, debt.rate) == (rate, rate)
    older = replace(fake, revision=7)
    assert position(older).legs[1].amount < debt.amount  # compounds by the second, cut each time


def test_an_account_that_holds_nothing_any_more_is_empty() -> None:
    found = position(Fake(users={ALICE: User(reported=(0, 0, 0, 0, 0, HEALTH_INFINITE))}))
    assert found.empty
    assert found.health.verified
    assert found.health.raw == HEALTH_INFINITE
    assert (found.scope, found.ltv, found.quotes) == (None, None, ())


def test_supplied_but_not_used_as_collateral_is_shown_and_does_not_count() -> None:
    user = User(supplied={"WETH": 10**18, "WBTC": 10**8}, owed={"USDC": 10**9}, off=("WBTC",))
    found = position(Fake(users={ALICE: user}), hint=frozenset({2}))
    legs = {leg.asset.symbol: leg for leg in found.legs}
    assert not legs["WBTC"].counts
    assert legs["WBTC"].notes == ("not used as collateral",)
    assert legs["WETH"].counts
    assert found.collateral_value == 2_500 * 10**8


def test_the_own_asset_can_be_on_both_sides() -> None:
    found = position(Fake(users={ALICE: User(supplied={"WETH": 10**19}, owed={"WETH": 7 * 10**18})}))
    assert [leg.side for leg in found.legs] == [Side.COLLATERAL, Side.DEBT]
    assert found.health.raw == 1_178_571_428_571_428_571


@pytest.mark.parametrize(
    ("change", "code", "note"),
    [
        ({"paused": True}, "paused", "paused"),
        ({"frozen": True}, "frozen", "frozen"),
        ({"active": False}, "inactive", "inactive"),
        ({"grace": NOW}, "grace", "liquidation grace"),
        ({"ltv": 0}, "ltv-zero", "LTV 0"),
        ({"debt_ceiling": 100}, "isolated", "isolated"),
    ],
)
def test_flags_of_a_reserve_reach_the_leg_and_the_position(change: dict[str, Any], code: str, note: str) -> None:
    found = position(with_asset(loan(), "WETH", **change))
    assert codes(found) == [code]
    assert note in found.legs[0].notes
    assert found.legs[1].notes == ()
    assert found.health.verified


def test_siloed_matters_to_debt_only() -> None:
    found = position(with_asset(loan(), "USDC", siloed=True))
    assert codes(found) == ["siloed"]
    assert found.legs[1].notes == ("siloed",)
    assert codes(position(with_asset(loan(), "WETH", siloed=True))) == []


def test_isolation_and_silos_are_gone_in_the_newest_revision() -> None:
    found = position(with_asset(with_asset(loan(11), "WETH", debt_ceiling=100), "USDC", siloed=True))
    assert (codes(found), [leg.notes for leg in found.legs]) == ([], [(), ()])


def test_a_grace_period_that_is_over_is_not_mentioned() -> None:
    assert codes(position(with_asset(loan(), "WETH", grace=NOW - 1))) == []


def test_flags_of_what_is_only_left_over_are_not_mentioned() -> None:
    fake = with_asset(loan(supplied={"WETH": 10**19, "WBTC": 0}), "WBTC", paused=True)
    found = position(fake)
    assert codes(found) == []
    assert len(found.quotes) == 3  # but the pool still asks for its price


@pytest.mark.parametrize("revision", [9, 10])
def test_a_threshold_of_zero_counts_since_3_6_only(revision: int) -> None:
    user = User(supplied={"WETH": 10**19, "WBTC": 10**8}, owed={"USDC": 10**9})
    fake = with_asset(Fake(revision=revision, users={ALICE: user}), "WBTC", threshold=0, ltv=0, bonus=0)
    found = position(fake)
    legs = {leg.asset.symbol: leg for leg in found.legs}
    assert legs["WBTC"].counts is (revision == 10)
    assert found.collateral_value == (25_000 + 60_000 * (revision == 10)) * 10**8
    assert found.scope.collateral.symbol == "WETH"  # without a bonus nothing can be seized


def test_the_capped_price_of_an_asset_is_a_flag() -> None:
    fake = with_asset(loan(), "USDC", price=104 * 10**6)
    chain = fake.chain()
    feed(chain, addr("plain"), 106 * 10**6, "USDC / USD")
    source = addr("feedUSDC")
    chain.put(source, sources.LATEST_ROUND_DATA, result=Failure("revert"))
    chain.set(source, sources.ASSET_TO_USD_AGGREGATOR, types="address", value=addr("plain"))
    chain.set(source, sources.GET_PRICE_CAP, types="int256", value=104 * 10**6)
    found = position(fake, chain=chain)
    assert "capped" in codes(found)
    assert found.quotes[1].cap == 104 * 10**6


@pytest.mark.parametrize(
    ("revision", "virtual", "cash"),
    [(1, True, 500), (4, True, 499), (4, False, 500), (7, False, 500), (8, False, 499), (11, False, 499)],
)
def test_cash_is_what_the_pool_accounts_for(revision: int, virtual: bool, cash: int) -> None:
    found = position(with_asset(loan(revision), "WETH", cash=500, virtual=virtual))
    assert found.legs[0].pool_cash == cash


@pytest.mark.parametrize(("owed", "cash", "used"), [(2, 1, 6_666), (1, 2, 3_333), (0, 0, 0), (5, 0, 10_000)])
def test_how_much_of_a_pool_is_lent_out(owed: int, cash: int, used: int) -> None:
    fake = with_asset(loan(revision=1), "WETH", owed=owed, cash=cash)
    assert position(fake).legs[0].utilization == used
    chain = fake.chain()
    chain.put(addr("WETH"), aave.BALANCE_OF, addr("aWETH"), result=b"")
    assert position(fake, chain=chain).legs[0].utilization is None


def test_room_under_the_caps() -> None:
    fake = with_asset(loan(), "WETH", supply_cap=100, supplied=40 * 10**18, treasury=10**18, index=2 * RAY)
    fake = with_asset(fake, "USDC", borrow_cap=1_000, owed=900 * 10**6)
    collateral, debt = position(fake).legs
    assert collateral.cap_room == 18 * 10**18
    assert debt.cap_room == 100 * 10**6
    full = with_asset(fake, "WETH", supply_cap=10, supplied=40 * 10**18)
    assert position(full).legs[0].cap_room == 0
    assert position(loan()).legs[0].cap_room is None


@pytest.mark.parametrize(("revision", "minted"), [(1, 3_319_994_003_414_607_196), (11, 3_320 * 10**15)])
def test_what_the_treasury_gets_at_the_next_update_takes_room_under_a_cap(revision: int, minted: int) -> None:
    """A year at 20 % on 50 WETH, of which it gets 30 %."""
    year = {"updated": NOW - SECONDS_PER_YEAR, "borrow_rate": RAY // 5, "reserve_factor": 3_000}
    fake = with_asset(loan(revision), "WETH", supply_cap=100, supplied=40 * 10**18, owed=50 * 10**18, **year)
    assert position(fake).legs[0].cap_room == 60 * 10**18 - minted
    chain = fake.chain()
    chain.put(addr("vWETH"), aave.SCALED_TOTAL_SUPPLY, result=b"")
    assert position(fake, chain=chain).legs[0].cap_room is None


def test_room_that_cannot_be_told_is_unknown() -> None:
    fake = with_asset(with_asset(loan(), "WETH", supply_cap=100), "USDC", borrow_cap=100)
    chain = fake.chain()
    chain.put(addr("aWETH"), aave.SCALED_TOTAL_SUPPLY, result=b"")
    chain.put(addr("vUSDC"), aave.SCALED_TOTAL_SUPPLY, result=Failure("revert"))
    chain.put(POOL, aave.GET_VIRTUAL_BALANCE, addr("WETH"), result=bytes(31))
    collateral, debt = position(fake, chain=chain).legs
    assert (collateral.cap_room, debt.cap_room, collateral.pool_cash) == (None, None, None)


def test_stable_debt_counts_up_to_3_1() -> None:
    user = User(supplied={"WETH": 10**19}, owed={"USDC": 10**10}, fixed={"USDC": 5 * 10**9})
    fake = with_asset(Fake(revision=4, users={ALICE: user}), "USDC", borrow_rate=RAY // 25, borrow_cap=10**6)
    debt = position(fake).legs[1]
    assert debt.amount == 15 * 10**9
    assert debt.rate == (2 * (RAY // 25) + RAY // 10) // 3
    assert debt.cap_room == 0
    assert position(replace(fake, revision=5)).legs[1].amount == 10**10


def test_a_stable_rate_that_is_not_told_makes_the_rate_of_the_debt_unknown() -> None:
    user = User(supplied={"WETH": 10**19}, fixed={"USDC": 5 * 10**9})
    fake = Fake(revision=1, users={ALICE: user})
    chain = fake.chain()
    chain.put(addr("sUSDC"), aave.GET_USER_STABLE_RATE, ALICE, result=Failure("revert"))
    found = position(fake, chain=chain)
    assert found.legs[1].rate is None
    assert not interest_known(found)
    assert found.has_debt


def test_what_is_supplied_but_switched_off_does_not_count_beside_a_debt_in_it() -> None:
    user = User(supplied={"USDC": 3_000 * 10**6, "WETH": 5 * 10**18}, owed={"WETH": 10**18}, off=("WETH",))
    found = position(Fake(users={ALICE: user}))
    assert {(leg.asset.symbol, leg.side.value): leg.counts for leg in found.legs} == {
        ("USDC", "collateral"): True,
        ("WETH", "collateral"): False,
        ("WETH", "debt"): True,
    }
    assert found.health.raw == 3_000 * 7_800 * WAD // 2_500 // BPS
    assert found.book.health(Change(collateral={addr("USDC"): 0})) == found.health.raw
    assert found.has_debt


def test_debt_outside_virtual_accounting_goes_by_its_balance_in_3_3() -> None:
    user = User(supplied={"WETH": 10**19}, owed={"USDC": 10**10}, fixed={"USDC": 9 * 10**9})
    fake = with_asset(Fake(revision=7, users={ALICE: user}), "USDC", virtual=False, borrow_rate=RAY // 50)
    debt = position(fake).legs[1]
    assert (debt.amount, debt.rate) == (9 * 10**9, RAY // 50)
    assert position(with_asset(fake, "USDC", virtual=True)).legs[1].amount == 10**10


def test_the_book_answers_what_ifs_in_the_same_arithmetic() -> None:
    found = position(loan())
    book = found.book
    weth, usdc = addr("WETH"), addr("USDC")
    assert book.health() == found.health.raw
    assert book.legs == found.legs
    assert book.quotes[weth].price == 2_500 * 10**8
    price = 15_000 * BPS * 10**8 // 82_500
    assert book.liquidatable(Change(prices={weth: price}))
    assert not book.liquidatable(Change(prices={weth: price + 1}))
    assert book.health(Change(debt={usdc: -15_000 * 10**6})) == HEALTH_INFINITE
    assert book.health(Change(debt={usdc: -(10**30)})) == HEALTH_INFINITE  # never below nothing
    assert book.health(Change(collateral={weth: -(10**19)})) == 0
    assert book.health(Change(collateral={weth: 10**19})) == 2 * LOAN_HEALTH
    assert book.liquidatable() is False
    assert book.health(Change(prices={addr("WBTC"): 1})) == LOAN_HEALTH


def test_the_book_refuses_what_the_account_does_not_hold() -> None:
    with pytest.raises(KeyError, match="not in this account"):
        position(loan()).book.health(Change(debt={addr("WBTC"): 1}))


def test_exactly_one_is_safe() -> None:
    user = User(supplied={"WETH": 10**18}, owed={"USDC": 2_062_500_000})
    found = position(Fake(users={ALICE: user}))
    assert found.health.raw == HEALTH_ONE
    assert found.book.liquidatable() is False
