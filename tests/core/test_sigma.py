"""The volatility estimator against walks whose volatility is known."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.sigma import DAY, daily_sigma

WALKS = 200
DAYS = 10


def walk(chance: random.Random, sigma: float, spacing: float, *, irregular: bool) -> list[tuple[float, float]]:
    """Rounds of a geometric random walk without drift: (unix time, price), `sigma` a day."""
    at, price = 0.0, 2500.0
    rounds = [(at, price)]
    while at < DAYS * DAY:
        step = spacing * (chance.expovariate(1.0) if irregular else 1.0)
        at += step
        price *= math.exp(chance.gauss(0.0, sigma * math.sqrt(step / DAY)))
        rounds.append((at, price))
    return rounds


@pytest.mark.parametrize("irregular", [False, True], ids=["regular", "irregular"])
@pytest.mark.parametrize("sigma", [0.005, 0.04, 0.12])
@pytest.mark.parametrize("spacing", [600.0, 3600.0])
def test_the_mean_of_many_estimates_is_the_truth(sigma: float, spacing: float, irregular: bool) -> None:
    """Squares are averaged, since it is the variance that is estimated without bias."""
    chance = random.Random(7)
    found = [daily_sigma(walk(chance, sigma, spacing, irregular=irregular)) for _ in range(WALKS)]
    squares = [each * each for each in found if each is not None]
    assert len(squares) == WALKS
    assert math.sqrt(sum(squares) / WALKS) == pytest.approx(sigma, rel=0.02)


def test_thinning_to_one_round_in_half_an_hour_costs_little() -> None:
    """The engine keeps one round per half hour: over the same walks the estimate moves by under 3 % in the mean."""
    chance = random.Random(11)
    ratios: list[float] = []
    for _ in range(WALKS):
        rounds = walk(chance, 0.04, 300.0, irregular=True)
        thin = [rounds[0]]
        for each in rounds:
            if each[0] - thin[-1][0] >= 1800:
                thin.append(each)
        whole, kept = daily_sigma(rounds), daily_sigma(thin)
        assert whole is not None
        assert kept is not None
        ratios.append(kept / whole)
    assert sum(ratios) / WALKS == pytest.approx(1.0, abs=0.03)
    assert 0.8 < min(ratios) < max(ratios) < 1.2


@given(
    scale=st.floats(1e-6, 1e12),
    prices=st.lists(st.floats(0.5, 2.0), min_size=14, max_size=60),
    start=st.floats(0, 2e9),
)
def test_it_hangs_neither_on_the_unit_of_the_price_nor_on_the_date(
    scale: float, prices: list[float], start: float
) -> None:
    rounds = [(place * 3600.0, price) for place, price in enumerate(prices)]
    moved = [(start + at, price * scale) for at, price in rounds]
    one, other = daily_sigma(rounds), daily_sigma(moved)
    assert (one is None) == (other is None) or min(one or 0.0, other or 0.0) < 1e-6
    if one is not None and other is not None:
        assert other == pytest.approx(one, rel=1e-6, abs=1e-9)
