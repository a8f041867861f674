"""Comet's integer rules, against figures that its own test suite publishes and for all numbers."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.protocols.compound_v3_math import (
    INDEX_SCALE,
    Base,
    Indexes,
    Line,
    Totals,
    absorb,
    grown,
    health,
    liquidatable,
    present,
    principal_of,
    weights,
)
from liqtui.protocols.compound_v3_state import held_assets

NEW = Indexes(INDEX_SCALE, INDEX_SCALE)
USD = 10**8
PRICE = st.integers(1, 10**13)
INDEX = st.integers(INDEX_SCALE, 10 * INDEX_SCALE)
FACTOR = st.integers(0, WAD)


def owing(principal: int, indexes: Indexes = NEW, price: int | None = USD) -> Base:
    return Base(-principal, indexes, price, 10**6)


def comp(whole: int, price: int | None = USD, factor: int = WAD) -> Line:
    return Line("0xc0", whole * WAD, price, WAD, factor)


LINES = st.lists(
    st.builds(
        lambda amount, price, decimals, factor: Line("0xc0", amount, price, 10**decimals, factor),
        st.integers(0, 10**27),
        PRICE,
        st.integers(0, 18),
        FACTOR,
    ),
    max_size=4,
)
BORROWER = st.builds(
    lambda principal, index, price, decimals: Base(-principal, Indexes(INDEX_SCALE, index), price, 10**decimals),
    st.integers(1, 10**20),
    INDEX,
    PRICE,
    st.integers(0, 18),
)


# -- the cases of test/is-liquidatable-test.ts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "lines", "expected"),
    [
        (Base(0, NEW, USD, 10**6), [], False),
        (Base(1_000_000, NEW, USD, 10**6), [], False),
        (owing(1_000_000), [], True),
        (owing(100_000_000_000), [comp(100_000)], False),
        (owing(100_000_000_000), [comp(95_000)], True),
        (owing(100_000_000_000), [comp(100_000, factor=8 * WAD // 10)], True),
        (owing(100_000_000_000), [comp(100_000, price=USD // 2)], True),
    ],
)
def test_published_cases(base: Base, lines: list[Line], expected: bool) -> None:
    assert liquidatable(base, lines) is expected
    found = health(base, lines)
    assert found is not None
    assert (found < HEALTH_ONE) is expected


def test_published_balances() -> None:
    """test/balance-test.ts: 100 USDC of principal at a borrow index of 3, and a total of 50 at 2."""
    assert owing(100_000_000, Indexes(2 * INDEX_SCALE, 3 * INDEX_SCALE)).balance == -300_000_000
    assert Base(100_000_000, Indexes(2 * INDEX_SCALE, 3 * INDEX_SCALE), USD, 10**6).balance == 200_000_000
    assert present(50_000_000, 2 * INDEX_SCALE) == 100_000_000


@pytest.mark.parametrize(
    ("borrow_index", "supplied", "borrowed", "expected"),
    [
        (4 * INDEX_SCALE, 500, 25, WAD // 10),
        (3 * INDEX_SCALE, 50, 30, 9 * WAD // 10),
        (2 * INDEX_SCALE, 3, 2, 666_666_666_666_666_666),
        (3 * INDEX_SCALE, 50, 0, 0),
        (3 * INDEX_SCALE, 0, 0, 0),
    ],
)
def test_published_utilization(borrow_index: int, supplied: int, borrowed: int, expected: int) -> None:
    """test/interest-rate-test.ts."""
    totals = Totals(2 * INDEX_SCALE, borrow_index, 0, 0, supplied, borrowed, 0, 0)
    assert totals.utilization == expected


def test_published_absorption_that_leaves_one_unit() -> None:
    """test/absorb-test.ts: 1 COMP, 1 WETH and 1 WBTC against one unit less than they are worth."""
    lines = [
        Line("0x1", WAD, 175 * USD, WAD, 2 * WAD // 3),
        Line("0x2", WAD, 3000 * USD, WAD, 2 * WAD // 3),
        Line("0x3", 10**8, 41_000 * USD, 10**8, 2 * WAD // 3),
    ]
    base = owing((41_000 + 3000 + 175) * 10**6 - 1)
    assert liquidatable(base, lines) is True
    taken = absorb(base, lines, [WAD] * 3)
    assert taken is not None
    assert (taken.value, taken.left, taken.unpaid) == (44_175 * USD, 1, 0)


def test_every_step_of_an_absorption_is_cut() -> None:
    """1.5 units are worth 1; of 19 at 95 % 18 are credited; 18 price units buy 6 base units at 2.7."""
    line = Line("0x1", 3, 1, 2, WAD)
    taken = absorb(owing(1), [line], [WAD])
    assert taken is not None
    assert taken.value == 1
    base = Base(-10, NEW, 27, 10)
    taken = absorb(base, [Line("0x1", 19, 1, 1, WAD)], [95 * WAD // 100])
    assert taken is not None
    assert (taken.value, taken.unpaid) == (19, 4)


def test_published_absorption_without_collateral() -> None:
    taken = absorb(owing(100), [], [])
    assert taken is not None
    assert (taken.value, taken.left, taken.unpaid) == (0, 0, 100)


# -- for all numbers ---------------------------------------------------------------------------------------------------


@given(BORROWER, LINES)
def test_health_is_under_one_exactly_where_liquidity_is_negative(base: Base, lines: list[Line]) -> None:
    found = health(base, lines)
    assert found is not None
    assert (found < HEALTH_ONE) is liquidatable(base, lines)


@given(BORROWER, LINES)
def test_values_are_cut_toward_zero_each_by_itself(base: Base, lines: list[Line]) -> None:
    owed = floor(Fraction(-base.principal * base.indexes.borrow, INDEX_SCALE))
    assert base.balance == -owed
    assert base.price is not None
    debt = floor(Fraction(owed * base.price, base.scale))
    total = 0
    for line in lines:
        assert line.price is not None
        total += floor(Fraction(floor(Fraction(line.amount * line.price, line.scale)) * line.factor, WAD))
    assert liquidatable(base, lines) is (debt > total)


@given(st.integers(-(10**20), 10**20), INDEX, INDEX)
def test_principal_never_favours_the_account(balance: int, supply: int, borrow: int) -> None:
    indexes = Indexes(supply, borrow)
    base = Base(principal_of(balance, indexes), indexes, USD, 10**6)
    if balance >= 0:
        assert balance - 10 <= base.balance <= balance
    else:
        assert balance - 10 <= base.balance <= balance


@given(BORROWER, st.integers(0, 10**20))
def test_paying_in_and_taking_out(base: Base, amount: int) -> None:
    assert base.after(0) is base
    assert base.after(amount).balance <= base.balance + amount
    assert base.after(-amount).balance <= base.balance - amount
    assert base.after(-base.balance).principal == 0


@given(INDEX, st.integers(0, 10**11), st.integers(0, 10**7))
def test_an_index_grows_by_simple_interest(index: int, rate: int, elapsed: int) -> None:
    assert grown(index, rate, elapsed) == index + floor(Fraction(index * rate * elapsed, WAD))


def test_a_debt_worth_nothing_is_no_danger() -> None:
    base = Base(-1, NEW, 1, 10**6)
    assert base.debt_value == 0
    assert health(base, []) == HEALTH_INFINITE
    assert liquidatable(base, [comp(1)]) is False
    assert liquidatable(base, []) is False


def test_unknown_prices() -> None:
    broken = comp(5, price=None)
    assert weights([broken]) == [None]
    assert health(owing(10**6), [broken]) is None
    assert health(owing(10**6, price=None), []) is None
    assert liquidatable(owing(10**6, price=None), []) is None
    # the contract stops where the debt is covered, and does not look at the feeds behind
    assert liquidatable(owing(10**6), [comp(1), broken]) is False
    assert liquidatable(owing(10**6 + 1), [comp(1), broken]) is None
    assert liquidatable(owing(10**6), [broken, comp(1)]) is None
    assert health(Base(5, NEW, None, 10**6), [broken]) == HEALTH_INFINITE
    assert absorb(owing(1), [broken], [WAD]) is None
    assert absorb(owing(1, price=None), [], []) is None


def test_assets_from_the_seventeenth_on_are_in_the_reserved_byte() -> None:
    assert held_assets(0b101, 0, 3) == (0, 2)
    assert held_assets(1 << 15, 0b10000001, 24) == (15, 16, 23)
    assert held_assets(0, 0xFF, 16) == ()
    assert held_assets(0xFFFF, 0xFF, 24) == tuple(range(24))
