"""Morpho's integer rules: their relations for all numbers, and figures worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, expm1, floor

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.protocols.morpho_blue_math import (
    PRICE_SCALE,
    Loan,
    Totals,
    accrue,
    borrow,
    compounded,
    health,
    incentive,
    liquidate_all,
    most_borrowed,
    repay,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
)

AMOUNT = st.integers(1, 10**27)
LLTV = st.integers(0, 98).map(lambda percent: percent * WAD // 100)
PRICE = st.integers(1, 10**44)


@st.composite
def loans(draw: st.DrawFn) -> Loan:
    shares = draw(AMOUNT)
    others = draw(st.integers(0, 10**27))
    assets = (shares + others) * draw(st.integers(10**6, 3 * 10**6)) // 10**12
    return Loan(shares, draw(AMOUNT), Totals(assets, shares + others))


@given(AMOUNT, loans())
def test_shares_and_assets_are_rounded_as_their_names_say(amount: int, loan: Loan) -> None:
    rate = Fraction(loan.totals.assets + 1, loan.totals.shares + 10**6)
    assert to_assets_up(amount, loan.totals) == ceil(amount * rate)
    assert to_assets_down(amount, loan.totals) == floor(amount * rate)
    assert to_shares_up(amount, loan.totals) == ceil(amount / rate)
    assert to_shares_down(amount, loan.totals) == floor(amount / rate)


@given(loans(), PRICE, LLTV)
def test_health_is_under_one_exactly_where_the_protocols_comparison_fails(loan: Loan, price: int, lltv: int) -> None:
    healthy = most_borrowed(loan.collateral, price, lltv) >= loan.owed
    assert (health(loan, price, lltv) < HEALTH_ONE) is not healthy


def test_health_of_exactly_one_is_healthy() -> None:
    loan = Loan(860 * 10**6, WAD, Totals(860, 860 * 10**6))
    assert loan.owed == 860
    assert health(loan, 1000 * PRICE_SCALE // WAD, 86 * WAD // 100) == HEALTH_ONE
    assert health(loan, 1000 * PRICE_SCALE // WAD - 1, 86 * WAD // 100) < HEALTH_ONE


def test_without_debt_health_is_infinite() -> None:
    assert health(Loan(0, 0, Totals(0, 0)), 0, 0) == HEALTH_INFINITE


@pytest.mark.parametrize(
    ("percent", "factor"),
    [
        ("98", 1_006_036_217_303_822_937),
        ("94.5", 1_016_776_817_488_561_260),
        ("86", 1_043_841_336_116_910_229),
        ("77", 1_074_113_856_068_743_286),
        ("62.5", 1_126_760_563_380_281_690),
        ("38.5", 1_150_000_000_000_000_000),
        ("0", 1_150_000_000_000_000_000),
    ],
)
def test_incentive(percent: str, factor: int) -> None:
    assert incentive(int(Fraction(percent) * WAD / 100)) == factor


@given(st.integers(0, 3 * 10**10), st.integers(0, 30 * 86_400))
def test_interest_is_the_exponential_cut_after_three_terms(rate: int, elapsed: int) -> None:
    exact = expm1(rate * elapsed / WAD)
    found = compounded(rate, elapsed) / WAD
    assert found <= exact * (1 + 1e-12)
    assert found == pytest.approx(exact, rel=1e-3, abs=2 / WAD)


def test_interest_by_hand() -> None:
    # 10 % a year over a year: 0.1 + 0.005 + 0.1³/6
    rate = WAD // 10 // (365 * 86_400)
    assert compounded(rate, 365 * 86_400) == pytest.approx(0.105166666 * WAD, rel=1e-8)
    assert accrue(Totals(10**12, 7), rate, 365 * 86_400) == (10**12 + 105_166_666_653, 7)
    assert accrue(Totals(10**12, 7), rate, 0) == (10**12, 7)


@given(loans(), st.data())
def test_repaying_never_leaves_more_than_was_owed_less_what_was_paid(loan: Loan, data: st.DataObject) -> None:
    paid = data.draw(st.integers(0, loan.owed - 1))
    after = repay(loan, paid)
    assert after.owed >= loan.owed - paid - 1
    assert after.shares <= loan.shares
    assert after.collateral == loan.collateral


def test_a_repayment_leaves_the_totals_less_what_was_paid() -> None:
    """Half of the shares at one unit each: what is left of them is worth what is left of the market."""
    loan = Loan(10**6, 0, Totals(999_999, 999_999 * 10**6))
    after = repay(loan._replace(shares=500_000 * 10**6), 400_000)
    assert after.totals == Totals(599_999, 599_999 * 10**6)
    assert after.owed == 100_000
    assert repay(loan._replace(shares=999_999 * 10**6), 10**6).totals == Totals(0, 0)


@given(loans())
def test_repaying_all_leaves_nothing(loan: Loan) -> None:
    assert repay(loan, loan.owed).shares == repay(loan, 2 * loan.owed).shares == 0
    assert repay(loan, loan.owed).totals.shares == loan.totals.shares - loan.shares


@given(loans(), AMOUNT)
def test_borrowing_owes_at_least_what_was_borrowed(loan: Loan, more: int) -> None:
    assert borrow(loan, more).owed >= loan.owed + more - 1


@given(loans(), PRICE, LLTV)
def test_a_liquidation_takes_all_of_one_side_and_no_more_than_there_is(loan: Loan, price: int, lltv: int) -> None:
    taken = liquidate_all(loan, price, lltv)
    assert 0 <= taken.seized <= loan.collateral
    assert 0 <= taken.shares <= loan.shares
    assert taken.repaid == to_assets_up(taken.shares, loan.totals)
    assert taken.shares == loan.shares or taken.seized == loan.collateral
    assert (taken.bad_debt > 0) <= (taken.seized == loan.collateral and taken.shares < loan.shares)


@given(loans(), PRICE, LLTV)
def test_a_liquidator_is_paid_no_more_than_the_incentive(loan: Loan, price: int, lltv: int) -> None:
    taken = liquidate_all(loan, price, lltv)
    assume(taken.seized)
    worth = Fraction(taken.seized * price, PRICE_SCALE)
    assert worth <= Fraction((taken.repaid + 1) * incentive(lltv), WAD) + 1


def test_liquidations_by_hand() -> None:
    # 1 WETH at 2,000 USDC, lltv 86 %: 1,800 owed seizes 1,800 × 1.043841… ÷ 2,000
    loan = Loan(1800 * 10**12, WAD, Totals(1800 * 10**6, 1800 * 10**12))
    price = 2000 * 10**24
    whole = liquidate_all(loan, price, 86 * WAD // 100)
    assert (whole.repaid, whole.bad_debt, whole.shares) == (1800 * 10**6, 0, loan.shares)
    assert whole.seized == 939_457_202_500_000_000
    # at 1,000 the collateral covers 1,000 ÷ 1.043841… only; the lenders lose the rest
    part = liquidate_all(loan, price // 2, 86 * WAD // 100)
    assert (part.seized, part.repaid) == (WAD, 958_000_001)
    assert part.bad_debt == 841_999_999
    # for nothing, everything
    free = liquidate_all(loan, 0, 86 * WAD // 100)
    assert (free.seized, free.repaid, free.shares) == (WAD, 0, 0)
    assert free.bad_debt == 1800 * 10**6
