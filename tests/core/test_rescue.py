"""Rescue amounts are enough by the integer rule, and one raw unit less is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from liqtui.core.model import Asset, Change, Leg, Side
from liqtui.core.rescue import LazyRescue, rescue
from liqtui.core.units import HEALTH_INFINITE, WAD
from tests.core.books import UNCHANGED, USD, ReferenceBook, asset, quote, simple, staking_loop, two_coins
from tests.core.strategies import books

if TYPE_CHECKING:
    from liqtui.core.results import Rescue

ETH, USDC, WETH = asset("ETH"), asset("USDC", 6), asset("WETH")
TARGETS = tuple(percent * WAD // 100 for percent in (110, 125, 150))


def one(book: ReferenceBook, target: int) -> Rescue:
    (found,) = rescue(book, [target])
    return found


def repaid(of: Asset, amount: int) -> Change:
    return Change(debt={of.address: -amount})


def added(of: Asset, amount: int) -> Change:
    return Change(collateral={of.address: amount})


def assert_least(book: ReferenceBook, target: int, change, of: Asset, amount: int) -> None:
    enough, short = book.health(change(of, amount)), book.health(change(of, amount - 1))
    assert enough is not None
    assert enough >= target
    assert amount == 0 or (short is not None and short < target)


def test_the_account_on_the_screens() -> None:
    """ux: 1.25 is reached by 277,181 USDC or 173.1 ETH or by selling 342.0 ETH."""
    found = one(simple(), 125 * WAD // 100)
    assert found.repay == ((USDC, 277_181_168_752),)
    assert [(of.symbol, f"{amount / 10**of.decimals:.1f}") for of, amount in found.add] == [
        ("ETH", "173.1"),
        ("USDC", "444200.6"),
    ]
    assert [(of.symbol, f"{amount / 10**of.decimals:.1f}") for of, amount in found.sell] == [("ETH", "342.0")]


@pytest.mark.parametrize("make", [simple, two_coins, staking_loop])
@pytest.mark.parametrize("truncating", [False, True])
def test_enough_and_not_a_unit_too_much(make, truncating: bool) -> None:
    book = make(truncating=truncating)
    for target in (*TARGETS, 2 * WAD):
        found = one(book, target)
        assert found.target == target
        for of, amount in found.repay:
            assert_least(book, target, repaid, of, amount)
        for of, amount in found.add:
            assert_least(book, target, added, of, amount)


@settings(max_examples=60, deadline=None)
@given(books(least=20))
def test_sufficient_and_minimal(book: ReferenceBook) -> None:
    health = book.health()
    assert health is not None
    target = max(health, WAD) * 115 // 100
    found = one(book, target)
    for of, amount in found.repay:
        assert amount <= book.debts[of]
        assert_least(book, target, repaid, of, amount)
    for of, amount in found.add:
        assert_least(book, target, added, of, amount)
    repayable = {of for of, _ in found.repay}
    for of, owed in book.debts.items():
        if of not in repayable:
            left = book.health(repaid(of, owed))
            assert left is not None
            assert left < target


def sold(book: ReferenceBook, of: Asset, amount: int) -> int | None:
    """Health after selling at the oracle price and repaying the largest debt first."""
    left = amount * (book.prices[of].price or 0) // 10**of.decimals
    paid: dict[str, int] = {}
    for owed, debt in sorted(
        book.debts.items(),
        key=lambda item: -item[1] * (book.prices[item[0]].price or 0) * WAD // 10 ** item[0].decimals,
    ):
        price, unit = book.prices[owed].price or 1, 10**owed.decimals
        pay = min(debt, left * unit // price)
        left -= -(-pay * price // unit)
        paid[owed.address] = -pay
    return book.health(Change(collateral={of.address: -amount}, debt=paid))


@settings(max_examples=60, deadline=None)
@given(books(least=101, most=200))
def test_selling_is_enough_and_close(book: ReferenceBook) -> None:
    health = book.health()
    assert health is not None
    target = health * 110 // 100
    for of, amount in one(book, target).sell:
        assert amount <= book.collateral[of][0]
        after = sold(book, of, amount)
        assert after is not None
        assert after >= target
        less = sold(book, of, amount * 99 // 100)
        assert less is not None
        assert book.truncating or less < target


def test_a_target_that_is_met_asks_for_nothing() -> None:
    found = one(two_coins(), 110 * WAD // 100)
    assert found.repay
    assert {amount for _, amount in (*found.repay, *found.add, *found.sell)} == {0}


def test_one_debt_of_several_may_not_be_enough() -> None:
    book = two_coins()
    found = one(book, 10 * WAD)
    assert found.repay == ()
    assert found.add


def test_selling_what_counts_for_more_than_the_target_does_not_help() -> None:
    book = staking_loop()
    book.debts[WETH] = 130 * WAD
    found = one(book, 94 * WAD // 100)
    assert found.sell == ()
    assert found.repay


def test_selling_all_may_not_be_enough() -> None:
    book = two_coins()
    book.collateral[asset("wstETH")] = (5 * WAD, 7900)
    assert [of.symbol for of, _ in one(book, 2 * WAD).sell] == ["WBTC"]


def test_nothing_without_debt_and_nothing_made_up() -> None:
    free = simple()
    free.debts = {}
    assert rescue(free, TARGETS) == ()
    assert free.health() == HEALTH_INFINITE
    unknown = simple()
    unknown.prices[ETH] = quote(ETH, None)
    assert rescue(unknown, TARGETS) == ()
    zero = simple()
    zero.prices[ETH] = quote(ETH, 0)
    assert rescue(zero, TARGETS) == ()


def test_collateral_without_a_threshold_is_no_help() -> None:
    book = simple()
    link = asset("LINK")
    book.collateral[link] = (WAD, 0)
    book.prices[link] = quote(link, 10 * USD)
    assert link not in [of for of, _ in one(book, TARGETS[1]).add]


def test_whole_tokens_worth_much() -> None:
    """A raw unit worth more than a base unit: the grid is the raw unit itself."""
    gold = asset("GOLD", 2)
    book = ReferenceBook({gold: (1_000, 8000)}, {gold: 700}, {gold: quote(gold, 2_000 * USD)})
    target = 125 * WAD // 100
    found = one(book, target)
    assert_least(book, target, repaid, *found.repay[0])
    assert_least(book, target, added, *found.add[0])


class Deaf(ReferenceBook):
    """Gives no health as soon as amounts are moved."""

    def health(self, change: Change = UNCHANGED) -> int | None:
        return None if change.debt or change.collateral else super().health(change)


def test_unknown_after_the_change_is_never_enough() -> None:
    plain = simple()
    found = one(Deaf(plain.collateral, plain.debts, plain.prices), TARGETS[1])
    assert (found.repay, found.add, found.sell) == ((), (), ())


class OddRounding(ReferenceBook):
    """Counts a deposit only from the next hundred raw units on, away from every step of its value."""

    @property
    def legs(self) -> tuple[Leg, ...]:
        return tuple(leg._replace() for leg in super().legs)

    def health(self, change: Change = UNCHANGED) -> int | None:
        moved = {of: amount - 7 if amount else 0 for of, amount in change.collateral.items()}
        repaid_less = {of: min(0, amount + 7) for of, amount in change.debt.items()}
        return super().health(Change(change.prices, moved, repaid_less))


def test_least_amount_between_the_steps_of_value() -> None:
    plain = simple()
    book = OddRounding(plain.collateral, plain.debts, plain.prices)
    for target in TARGETS:
        found = one(book, target)
        for of, amount in found.add:
            assert_least(book, target, added, of, amount)
        for of, amount in found.repay:
            assert_least(book, target, repaid, of, amount)


def test_few_questions() -> None:
    book = simple()
    ways = 6
    book.calls = 0
    rescue(book, TARGETS)
    assert book.calls <= 8 * ways * len(TARGETS)


def test_largest_debt_comes_first() -> None:
    book = two_coins()
    assert [of.symbol for of, _ in one(book, 2 * WAD).repay] == ["USDC", "WETH"]
    book.debts[WETH] = 90 * WAD
    assert [of.symbol for of, _ in one(book, 2 * WAD).repay] == ["WETH", "USDC"]
    assert all(leg.side is not Side.DEBT or leg.counts for leg in book.legs)


def test_lazy_amounts_ask_nothing_until_they_are_looked_at_and_then_once() -> None:
    asked: list[Change] = []

    class Counted:
        legs, quotes = staking_loop().legs, staking_loop().quotes

        def health(self, change: Change = UNCHANGED) -> int | None:
            asked.append(change)
            return staking_loop().health(change)

        def liquidatable(self, change: Change = UNCHANGED) -> bool | None:
            return staking_loop().liquidatable(change)

    targets = (125 * WAD // 100, 150 * WAD // 100)
    lazy = LazyRescue(Counted(), targets)
    assert asked == []
    assert lazy == rescue(staking_loop(), targets)
    questions = len(asked)
    assert (len(lazy), lazy[0].target, lazy[1:], hash(lazy)) == (2, targets[0], (lazy[1],), hash(tuple(lazy)))
    assert lazy != []
    assert lazy == LazyRescue(staking_loop(), targets)
    assert len(asked) == questions


def test_a_way_is_found_where_only_the_cut_of_the_average_keeps_it_short() -> None:
    """By the exact sums it is past the target, so the closed form asks for nothing: 70.0045 % is cut to 70."""
    weth, usdc, dai = asset("WETH"), asset("USDC", 6), asset("DAI")
    book = ReferenceBook(
        collateral={weth: (50_045 * WAD // 1000, 8000), usdc: (100_000 * 10**6, 6000)},
        debts={dai: 11_205_041 * WAD // 100},
        prices={weth: quote(weth, 2_000 * USD, "ETH"), usdc: quote(usdc, USD, "USDC"), dai: quote(dai, USD, "DAI")},
        truncating=True,
    )
    target = 125 * WAD // 100
    (found,) = rescue(book, (target,))
    amounts = dict(found.add)
    assert set(amounts) == {weth, usdc}
    for of, amount in amounts.items():
        assert (book.health(Change(collateral={of.address: amount})) or 0) >= target
        assert (book.health(Change(collateral={of.address: amount - 1})) or 0) < target
