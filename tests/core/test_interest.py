"""Interest alone: the first time at which each leg, grown at its own rate, leaves health at 1."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liqtui.core import risk
from liqtui.core.interest import HORIZON
from liqtui.core.model import Health, Position, Side
from liqtui.core.units import RAY, SECONDS_PER_YEAR, WAD
from tests.core.books import simple
from tests.core.rows import bare

PERCENT = RAY // 100
Legs = list[tuple[int, int]]
"""(weight, yearly rate in ray) of each leg."""

RATE = st.sampled_from([0, PERCENT, 2 * PERCENT, 5 * PERCENT]) | st.integers(0, 3 * RAY)
LEGS = st.lists(st.tuples(st.integers(1, 10**12), RATE), min_size=1, max_size=4)
HEALTH = st.integers(1, 9 * 10**9).map(lambda above: WAD + above * 10**9) | st.integers(WAD + 1, 11 * WAD // 10)


def account(health: int, held: Legs, owed: Legs) -> Position:
    of = bare(simple(), health=Health(health, health))
    collateral = next(leg for leg in of.legs if leg.side is Side.COLLATERAL and leg.counts)
    debt = next(leg for leg in of.legs if leg.side is Side.DEBT)
    legs = [collateral._replace(value=value, threshold=8_000, rate=rate) for value, rate in held]
    return replace(of, legs=(*legs, *(debt._replace(value=value, rate=rate) for value, rate in owed)))


def health_then(health: int, held: Legs, owed: Legs, seconds: Decimal) -> Decimal:
    """With fifty digits and nothing clever."""
    with localcontext(prec=50):
        years = seconds / SECONDS_PER_YEAR

        def grown(side: Legs) -> Decimal:
            return sum(value * (years * rate / RAY).exp() for value, rate in side) / Decimal(sum(v for v, _ in side))

        return Decimal(health) / WAD * grown(held) / grown(owed)


def safe_at(health: int, held: Legs, owed: Legs, last: Decimal, count: int) -> bool:
    """At each of so many moments from now to then, closer together at the beginning."""
    moments = [last * place**3 / count**3 for place in range(count + 1)]
    return all(health_then(health, held, owed, at) >= 1 for at in moments)


@settings(max_examples=80, deadline=None)
@given(health=HEALTH, held=LEGS, owed=LEGS)
@example(health=13 * WAD // 10, held=[(1, 0)], owed=[(90, 2 * PERCENT), (10, 30 * PERCENT)])
@example(health=WAD + 10**15, held=[(1, 3 * PERCENT)], owed=[(95, 0), (5, 40 * PERCENT)])  # first up, then down
@example(health=WAD + 1, held=[(1, 3 * PERCENT)], owed=[(95, 0), (5, 40 * PERCENT)])  # up from the very edge
@example(health=101 * WAD // 100, held=[(99, 0), (1, 50 * PERCENT)], owed=[(1, 5 * PERCENT)])  # down, later up for good
@example(health=WAD + 10**9, held=[(1, 0), (1, PERCENT)], owed=[(1, 0), (1, PERCENT)])  # the same on both sides
@example(health=2 * WAD, held=[(1, 0)], owed=[(10**18, 0), (1, 1_000_000 * RAY)])  # dust at an absurd rate
@example(health=2 * WAD, held=[(1, 300 * RAY)], owed=[(1, 0), (1, 299 * RAY)])  # nothing overflows in 1,000 years
def test_never_later_than_the_true_time_and_hardly_earlier(health: int, held: Legs, owed: Legs) -> None:
    eta = risk.interest_eta(account(health, held, owed))
    end = Decimal(round(HORIZON * SECONDS_PER_YEAR))
    if eta is None:
        assert safe_at(health, held, owed, end, 150)
        return
    assert safe_at(health, held, owed, Decimal(eta), 60)
    if eta < end:
        assert health_then(health, held, owed, eta * (1 + Decimal("3e-6")) + 2) < 1 + Decimal("1e-10")


def test_the_dear_part_of_a_debt_takes_over() -> None:
    """90 % at 2 % and 10 % at 30 %: at today's average of 4.8 % it would be 5.5 years."""
    owed = [90.0, 10.0]
    hours = 0
    while sum(owed) < 130:
        owed = [owed[0] * (1 + 0.02 / 8760), owed[1] * (1 + 0.30 / 8760)]
        hours += 1
    eta = risk.interest_eta(account(13 * WAD // 10, [(1, 0)], [(90, 2 * PERCENT), (10, 30 * PERCENT)]))
    assert eta is not None
    assert eta / 3_600 == pytest.approx(hours, abs=2)
    assert eta / SECONDS_PER_YEAR == pytest.approx(3.941, abs=0.001)


def test_health_that_rises_first_falls_in_the_end() -> None:
    """Today the collateral earns 3 % and the debt costs 2 % on average."""
    held, owed = [(1, 3 * PERCENT)], [(95, 0), (5, 40 * PERCENT)]
    eta = risk.interest_eta(account(102 * WAD // 100, held, owed))
    assert eta is not None
    assert health_then(102 * WAD // 100, held, owed, Decimal(SECONDS_PER_YEAR)) > Decimal("1.02")
    assert 3 * SECONDS_PER_YEAR < eta < 10 * SECONDS_PER_YEAR


def test_a_crossing_that_does_not_last_is_one() -> None:
    """The collateral wins in the end; by then it was liquidated."""
    held, owed = [(99, 0), (1, 50 * PERCENT)], [(1, 5 * PERCENT)]
    eta = risk.interest_eta(account(101 * WAD // 100, held, owed))
    assert eta is not None
    assert eta < SECONDS_PER_YEAR
    assert health_then(101 * WAD // 100, held, owed, Decimal(20 * SECONDS_PER_YEAR)) > 1


def test_one_rate_on_each_side_has_a_closed_form() -> None:
    eta = risk.interest_eta(account(2 * WAD, [(3, PERCENT), (4, PERCENT)], [(5, 2 * PERCENT), (6, 2 * PERCENT)]))
    assert eta is not None
    assert eta / SECONDS_PER_YEAR == pytest.approx(69.314718, abs=1e-6)  # ln 2 ÷ 0.01


def test_what_comes_beyond_the_horizon_is_told_as_the_horizon() -> None:
    eta = risk.interest_eta(account(9 * WAD, [(1, 0)], [(5, 0), (5, PERCENT // 100)]))
    assert eta == HORIZON * SECONDS_PER_YEAR
    assert risk.interest_eta(account(9 * WAD, [(1, 0)], [(5, 1)])) == eta
    assert risk.interest_eta(account(9 * WAD, [(1, 0), (1, PERCENT)], [(5, 0), (5, PERCENT // 2)])) is None


def test_a_leg_without_value_has_no_part() -> None:
    one = account(2 * WAD, [(1, 0)], [(5, 5 * PERCENT)])
    with_dust = account(2 * WAD, [(1, 0), (0, 90 * PERCENT)], [(5, 5 * PERCENT), (0, 900 * PERCENT)])
    assert risk.interest_eta(with_dust) == risk.interest_eta(one) is not None
