"""The pool's integer arithmetic: rules per revision, interest, health, liquidation amounts."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.units import BPS, HEALTH_INFINITE, HEALTH_ONE, RAY, SECONDS_PER_YEAR, WAD
from liqtui.protocols.aave_v3_math import (
    Seizure,
    Side,
    available_borrows,
    collateral_value,
    compounded,
    debt_value,
    measure,
    minted_to_treasury,
    normalized_debt,
    normalized_income,
    owed_amount,
    rules_for,
    seize,
    supplied_amount,
)

YEAR = 365 * 86_400
REVISIONS = range(1, 12)
DIRECTED = st.booleans()
AMOUNT = st.integers(0, 10**30)
PRICE = st.integers(1, 10**14)
UNIT = st.sampled_from([10**2, 10**6, 10**8, 10**18])


class Line(NamedTuple):
    """`aave_v3_math.Line` by names."""

    asset: str
    collateral: int
    debt: int
    price: int | None
    unit: int
    threshold: int
    ltv: int


LINE = st.builds(Line, st.just("0x"), AMOUNT, AMOUNT, PRICE, UNIT, st.integers(0, BPS), st.integers(0, BPS))


@pytest.mark.parametrize(
    ("scaled", "grown", "terms", "directed", "minted"),
    [
        (1_003, 15, (1_000, 10), False, 50),  # 1,504.5 → 1,505 less 1,003 are 502, of which 50
        (1_003, 15, (1_000, 10), True, 50),
        (9, 15, (5_000, 10), False, 3),  # 13.5 → 14 less 9 are 5, half of it 2.5 → 3
        (9, 15, (5_000, 10), True, 2),  # 4.5 → 4
        (20, 15, (5_000, 15), False, 3),  # 5 ÷ 1.5 = 3.3
        (20, 15, (8_000, 15), False, 5),  # 8 ÷ 1.5 = 5.3
        (20, 15, (7_000, 15), False, 5),  # 7 ÷ 1.5 = 4.7
        (20, 15, (7_000, 15), True, 4),
    ],
)
def test_what_the_treasury_is_minted(
    scaled: int, grown: int, terms: tuple[int, int], directed: bool, minted: int
) -> None:
    """`grown` in tenths; `terms`: its part in basis points, the supply index in tenths."""
    (factor, income), after = terms, grown * RAY // 10
    assert minted_to_treasury(scaled, RAY, after, factor, income * RAY // 10, directed=directed) == minted


def test_interest_of_a_supply_is_cut_before_the_index_rounds_half_up() -> None:
    """One ray a year for a day is nothing; half of a ray at an index of 1 is one."""
    assert normalized_income(RAY, 1, 86_400) == RAY
    assert normalized_income(RAY, SECONDS_PER_YEAR + 1, SECONDS_PER_YEAR - 1) == RAY + SECONDS_PER_YEAR - 1
    assert normalized_income(3 * RAY // 2, 1, SECONDS_PER_YEAR) == 3 * RAY // 2 + 2


@pytest.mark.parametrize(
    ("revision", "version"),
    list(enumerate(["3.0", "3.0", "3.0", "3.1", "3.2", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7"], start=1)),
)
def test_revisions_have_their_versions(revision: int, version: str) -> None:
    assert rules_for(revision).version == version
    assert rules_for(revision).known
    assert rules_for(revision).revision == revision


def since(rule: str) -> list[int]:
    return [revision for revision in REVISIONS if getattr(rules_for(revision), rule)]


def test_every_rule_starts_and_ends_where_the_sources_say() -> None:
    assert since("stable_debt") == [1, 2, 3, 4]
    assert since("category_in_config") == [1, 2, 3, 4]
    assert since("grace") == [4, 5, 6, 7, 8, 9, 10, 11]
    assert since("discounted_debt") == [7]
    assert since("close_by_total") == [7, 8, 9, 10, 11]
    assert since("polynomial") == [8, 9, 10, 11]
    assert since("directed") == [9, 10, 11]
    assert since("counts_without_threshold") == [10, 11]
    assert since("floored_seizure") == [11]
    assert since("isolated_categories") == [11]


@pytest.mark.parametrize("revision", [0, 12, 99, 2**255])
def test_an_unknown_revision_gets_the_newest_rules_and_says_so(revision: int) -> None:
    rules = rules_for(revision)
    assert not rules.known
    assert rules == rules_for(11)._replace(revision=revision, version="unknown", known=False)


def test_supply_interest_is_linear() -> None:
    assert normalized_income(RAY, RAY // 10, YEAR) == RAY * 11 // 10
    assert normalized_income(2 * RAY, RAY // 10, YEAR // 2) == 2 * RAY * 105 // 100
    assert normalized_income(RAY + 7, RAY, 0) == RAY + 7


def test_borrow_interest_compounds() -> None:
    # worked by hand from MathUtils: 1 + x + x²/2 + x³/6 with x = 1
    assert compounded(RAY, YEAR, polynomial=True) == RAY + RAY + RAY // 2 + RAY // 6
    assert compounded(RAY, 0, polynomial=True) == RAY
    assert compounded(RAY, 1, polynomial=False) == RAY + RAY // YEAR
    squared = RAY // YEAR**2
    assert compounded(RAY, 2, polynomial=False) == RAY + 2 * RAY // YEAR + squared
    assert normalized_debt(RAY, RAY, 0, polynomial=False) == RAY
    assert normalized_debt(3 * RAY, RAY // 10, YEAR, polynomial=True) > 3 * RAY * 11 // 10


@given(st.integers(0, 10 * RAY), st.integers(1, 5 * YEAR))
def test_both_compound_forms_follow_the_exponential_series(rate: int, seconds: int) -> None:
    x = Fraction(rate * seconds, RAY * YEAR)
    series = 1 + x + x**2 / 2 + x**3 / 6
    polynomial = Fraction(compounded(rate, seconds, polynomial=True), RAY)
    binomial = Fraction(compounded(rate, seconds, polynomial=False), RAY)
    assert abs(polynomial - series) <= Fraction(3 + int(x) ** 2, RAY) + Fraction(1, 10**25)
    # per-second truncation only ever loses, and little
    assert binomial <= series + Fraction(1, RAY)
    assert series - binomial <= (3 * x**2 + 3 * x**3) / seconds + Fraction(seconds**3, RAY) + Fraction(1, 10**20)


@given(AMOUNT, st.integers(RAY, 20 * RAY))
def test_balances_round_against_the_account_where_directed(scaled: int, index: int) -> None:
    exact = Fraction(scaled * index, RAY)
    assert 0 <= exact - supplied_amount(scaled, index, directed=True) < 1
    assert 0 <= owed_amount(scaled, index, directed=True) - exact < 1
    assert abs(supplied_amount(scaled, index, directed=False) - exact) <= Fraction(1, 2)
    assert owed_amount(scaled, index, directed=False) == supplied_amount(scaled, index, directed=False)


@given(AMOUNT, PRICE, UNIT)
def test_values(amount: int, price: int, unit: int) -> None:
    exact = Fraction(amount * price, unit)
    assert 0 <= exact - collateral_value(amount, price, unit) < 1
    assert 0 <= exact - debt_value(amount, price, unit, directed=False) < 1
    assert 0 <= debt_value(amount, price, unit, directed=True) - exact < 1


@given(st.lists(LINE, max_size=6), DIRECTED)
def test_health_is_weighted_collateral_over_debt(lines: list[Line], directed: bool) -> None:
    found = measure(lines, directed=directed)
    assert found is not None
    collateral = sum(collateral_value(x.collateral, x.price or 0, x.unit) for x in lines)
    debt = sum(debt_value(x.debt, x.price or 0, x.unit, directed=directed) for x in lines)
    assert (found.collateral, found.debt) == (collateral, debt)
    if not debt:
        assert found.health == HEALTH_INFINITE
        return
    weighted = sum(collateral_value(x.collateral, x.price or 0, x.unit) * x.threshold for x in lines)
    exact = Fraction(weighted * WAD, debt * BPS)
    if directed:
        assert -1 < found.health - exact <= 1
    else:  # the average threshold is cut to a whole basis point
        assert found.threshold == (weighted // collateral if collateral else 0)
        cut = Fraction(collateral * WAD, BPS * debt)
        assert exact - cut - Fraction(WAD, debt) - 1 <= found.health <= exact + Fraction(WAD, debt) + 1


@given(st.lists(LINE, min_size=1, max_size=4), DIRECTED)
def test_an_unknown_price_makes_everything_unknown(lines: list[Line], directed: bool) -> None:
    assert measure([*lines, lines[0]._replace(price=None)], directed=directed) is None


def test_exactly_one_stays_exactly_one() -> None:
    lines = [Line("a", 10**18, 0, 10_000, 10**18, 8_000, 0), Line("b", 0, 8_000, 1, 1, 0, 0)]
    for directed in (False, True):
        found = measure(lines, directed=directed)
        assert found is not None
        assert found.health == HEALTH_ONE


def test_averages_and_what_may_still_be_borrowed() -> None:
    lines = [
        Line("a", 3, 0, 100, 1, 8_001, 7_500),
        Line("b", 1, 0, 100, 1, 5_000, 0),
        Line("c", 0, 1, 100, 1, 9_999, 9_999),
    ]
    found = measure(lines, directed=True)
    assert found is not None
    assert (found.collateral, found.debt, found.threshold, found.ltv) == (400, 100, 7_250, 5_625)
    assert found.health == (300 * 8_001 + 100 * 5_000) * WAD // 100 // BPS
    assert available_borrows(found, directed=True) == 125
    assert available_borrows(found._replace(debt=400), directed=True) == 0
    odd = found._replace(collateral=1, ltv=5_000, debt=0)
    assert available_borrows(odd, directed=True) == 0
    assert available_borrows(odd, directed=False) == 1  # half up before 3.5


def side(amount: int, price: int = 10**8, unit: int = 10**6) -> Side:
    return Side(amount, price, unit)


def test_a_liquidation_takes_debt_plus_bonus() -> None:
    taken = seize(rules_for(10), side(10**9), side(10**9), 10**8, bonus=10_500, fee=0)
    assert taken == Seizure(seized=105 * 10**6, fee=0, repaid=10**8)


def test_the_protocol_takes_its_part_of_the_bonus() -> None:
    taken = seize(rules_for(10), side(10**9), side(10**9), 10**8, bonus=10_500, fee=1_000)
    assert taken == Seizure(seized=105 * 10**6, fee=5 * 10**5, repaid=10**8)


@pytest.mark.parametrize(
    ("revision", "seized", "fee", "repaid"),
    # 33 units for 31.5 (bonus 5 %): half up to 33, floored 33; fee on the bonus; not enough collateral: 10 for 9.52…
    [(8, 10, 0, 10), (9, 10, 0, 10), (11, 10, 1, 10)],
)
def test_too_little_collateral_is_taken_whole(revision: int, seized: int, fee: int, repaid: int) -> None:
    taken = seize(rules_for(revision), side(10, unit=1), side(10**3, unit=1), 31, bonus=10_500, fee=1_000)
    assert taken == Seizure(seized, fee, repaid)


def test_rounding_of_each_generation() -> None:
    def taken(revision: int, held: int, repay: int) -> Seizure:
        return seize(rules_for(revision), side(held, unit=1), side(10**6, unit=1), repay, bonus=10_450, fee=1_000)

    # 11 × 1.045 = 11.495, 12 × 1.045 = 12.54: half up against floor
    assert [taken(r, 10**6, 12).seized for r in (1, 8, 10, 11)] == [13, 13, 13, 12]
    # 100 ÷ 1.045 = 95.69…; 96 either way; 99 ÷ 1.045 = 94.74 → half up 95, up 95; 98 ÷ 1.045 = 93.78; 47 → 44.98
    assert [taken(r, 46, 10**5).repaid for r in (1, 8, 9, 11)] == [44, 44, 45, 45]  # 44.02
    # bonus part of 1,000 is 1,000 − 956.94 (half up 957, floor 956): fee 10 % of 43 or 44, half up or up
    assert [taken(r, 1_000, 10**5).fee for r in (1, 9, 10, 11)] == [4, 4, 4, 5]


@given(
    revision=st.sampled_from(list(REVISIONS)),
    held=st.integers(1, 10**24),
    owed=st.integers(1, 10**24),
    price=st.integers(1, 10**12),
    debt_price=st.integers(1, 10**12),
    bonus=st.integers(10_000, 12_000),
    fee=st.integers(0, 10_000),
)
def test_no_more_is_taken_than_is_there(
    *, revision: int, held: int, owed: int, price: int, debt_price: int, bonus: int, fee: int
) -> None:
    rules = rules_for(revision)
    taken = seize(rules, Side(held, price, 10**18), Side(owed, debt_price, 10**6), owed, bonus=bonus, fee=fee)
    assert 0 <= taken.seized <= held
    assert 0 <= taken.fee <= taken.seized
    worth, paid = Fraction(taken.seized * price, 10**18), Fraction(taken.repaid * debt_price, 10**6)
    slack = Fraction(2 * price, 10**18) + Fraction(2 * debt_price, 10**6)
    assert worth <= paid * bonus / BPS + slack


def test_without_bonus_or_price_there_is_no_liquidation() -> None:
    with pytest.raises(ZeroDivisionError):
        seize(rules_for(10), side(10, price=0), side(10), 1, bonus=10_500, fee=0)
    with pytest.raises(ZeroDivisionError):
        seize(rules_for(10), side(10**6), side(10), 1, bonus=0, fee=1_000)
