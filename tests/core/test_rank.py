from __future__ import annotations

import random
from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import lazy_boundaries, rank
from liqtui.core.model import Health, Position
from liqtui.core.results import FactorKind
from liqtui.core.sigma import LEAST_ROUNDS, daily_sigma
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.units import WAD
from tests.core.books import USD, ReferenceBook, asset, quote, simple
from tests.core.rows import bare, boundary, key, position, row

DAY = 86_400.0


def with_boundaries(*found, health: int = 2 * WAD) -> Position:
    return bare(simple(), boundaries=found, health=Health(health, health))


# -- cushion -------------------------------------------------------------------------------------------------------


def test_a_volatile_factor_is_nearer_than_a_calm_one() -> None:
    arb, btc = boundary("ARB", 86), boundary("BTC", 89)
    of = with_boundaries(arb, btc)
    assert rank.cushion(of, {}) == (btc, None)
    found, sigmas = rank.cushion(of, {"ARB": 0.06, "BTC": 0.028})
    assert found == arb
    assert sigmas == pytest.approx(0.14 / 0.06)


def test_an_unknown_sigma_does_not_hide_a_near_boundary() -> None:
    ratio, eth = boundary("ratio:0x1", 97, kind=FactorKind.RATIO), boundary("ETH", 50)
    assert rank.cushion(with_boundaries(eth, ratio), {"ETH": 0.04}) == (ratio, None)


def test_of_two_boundaries_the_one_whose_sigma_is_known_is_not_hidden_by_the_other() -> None:
    """A rate without a σ ranks; the coin is three and a half of its σ away, which a threshold of five has to tell."""
    ratio, eth, btc = boundary("ratio:0x1", 97, kind=FactorKind.RATIO), boundary("ETH", 86), boundary("BTC", 40)
    of, known = with_boundaries(btc, eth, ratio), {"ETH": 0.04, "BTC": 0.03}
    ranked = rank.cushion(of, known)
    assert ranked == (ratio, None)
    assert rank.least_sigmas(of, known, ranked) == pytest.approx(3.5)
    assert rank.least_sigmas(of, {}, ranked) is None
    assert rank.least_sigmas(of, {"DAI": 0.1}, ranked) is None
    found = rank.cushion(with_boundaries(eth, btc), known)
    assert rank.least_sigmas(with_boundaries(eth, btc), known, found) == found[1]
    passed = with_boundaries(boundary("ETH", 110, passed=True), health=WAD // 2)
    assert rank.least_sigmas(passed, {"BTC": 0.1}, rank.cushion(passed, {"BTC": 0.1})) == 0.0
    assert rank.least_sigmas(passed, {}, rank.cushion(passed, {})) is None
    assert rank.least_sigmas(with_boundaries(), known, (None, None)) is None


@pytest.mark.parametrize("sigma", [0.015, 0.03, 0.06])
def test_a_staked_coin_is_measured_by_the_coin_not_by_its_rate(sigma: float) -> None:
    """Both are as far away. The rate has no σ: were it the cushion, a threshold in σ would say nothing."""
    wsteth, usdc = asset("wstETH"), asset("USDC", 6)
    prices = {
        wsteth: quote(wsteth, 2_500 * USD, "ETH", ratio=122 * WAD // 100),
        usdc: quote(usdc, USD, "USDC"),
    }
    of = position(ReferenceBook({wsteth: (100 * WAD, 7900)}, {usdc: 160_000 * 10**6}, prices))
    found, sigmas = rank.cushion(of, {"ETH": sigma, "USDC": 0.001})
    assert found is not None
    assert found.factor == "ETH"
    assert sigmas == pytest.approx(0.336 / sigma, rel=0.01)


def test_ranking_and_thresholds_in_sigmas_search_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all positions of a block, most are ranked only: a search for each would take ten times as long."""

    def searched(*_: object) -> None:
        raise AssertionError("the estimate is enough")

    monkeypatch.setattr(lazy_boundaries, "boundary_of", searched)
    monkeypatch.setattr(lazy_boundaries, "no_boundary", searched)
    of = position(simple())
    for sigmas in ({}, {"BTC": 0.03}, {"ETH": 0.04}):
        ranked = rank.cushion(of, sigmas)
        assert ranked[0] is not None
        rank.least_sigmas(of, sigmas, ranked)
    with pytest.raises(AssertionError):
        _ = ranked[0].price


def test_single_assets_and_none_do_not_rank() -> None:
    single, none = boundary("asset:0x1", 99, kind=FactorKind.ASSET), boundary("DAI", None)
    assert rank.cushion(with_boundaries(single, none), {}) == (None, None)
    assert rank.cushion(None, {}) == (None, None)
    assert rank.cushion(with_boundaries(), {}) == (None, None)


def test_together_takes_the_largest_sigma_of_what_it_moves() -> None:
    eth, btc, dai = boundary("ETH", 20), boundary("BTC", 20), boundary("DAI", None)
    together = boundary("together", 70, kind=FactorKind.TOGETHER, assets=("BTC", "ETH"))
    of = with_boundaries(eth, btc, dai, together)
    assert rank.cushion(of, {"ETH": 0.05, "BTC": 0.02, "DAI": 0.5})[1] == pytest.approx(0.3 / 0.05)
    assert rank.cushion(of, {"ETH": 0.05}) == (together, None)
    assert rank.cushion(of, {"ETH": 0.05, "together": 0.03})[1] == pytest.approx(10.0)
    assert rank.cushion(with_boundaries(together), {}) == (together, None)


def test_it_is_told_which_factor_measures() -> None:
    eth, btc, dai = boundary("ETH", 20), boundary("BTC", 20), boundary("DAI", None)
    together = boundary("together", 70, kind=FactorKind.TOGETHER, assets=("BTC", "ETH"))
    ways = (eth, btc, dai, together)
    assert rank.measure(eth, ways, {"ETH": 0.05}) == "ETH"
    assert rank.measure(eth, ways, {"BTC": 0.05}) is None
    assert rank.measure(together, ways, {"ETH": 0.02, "BTC": 0.05, "DAI": 0.5}) == "BTC"
    assert rank.measure(together, ways, {"ETH": 0.02}) is None, "one that it moves is not known"
    assert rank.measure(together, (together,), {"ETH": 0.02}) is None


# -- order ---------------------------------------------------------------------------------------------------------


def test_order() -> None:
    def held(name: str, of: Position | None, **fields):
        return row(of, key=key(wallet=name), **fields)

    free = simple()
    free.debts = {}
    calm, near = with_boundaries(boundary("ETH", 40)), with_boundaries(boundary("ETH", 90))
    under = with_boundaries(boundary("ETH", 110, passed=True), health=9 * WAD // 10)
    rows = [
        held("free", bare(free)),
        held("endless", with_boundaries(boundary("ETH", None))),
        held("far", calm),
        held("blind", near, severity=Severity.BLIND, freshness=Freshness.BLIND),
        held("near in sigma", calm, sigmas=1.0),
        held("unread", None),
        held("unknown", bare(simple(), health=Health(None, None), book=None)),
        held("worse", with_boundaries(health=WAD // 2)),
        held("under", under),
        held("blind under", replace(under, health=Health(8 * WAD // 10, None), book=None), severity=Severity.BLIND),
        held("gone", calm, severity=Severity.LIQUIDATED),
    ]
    expected = [
        "gone",
        "worse",
        "blind under",
        "under",
        "unknown",
        "unread",
        "near in sigma",
        "blind",
        "far",
        "endless",
        "free",
    ]
    assert [found.key.wallet for found in rank.order(rows)] == expected
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        assert [found.key.wallet for found in rank.order(rows)] == expected


def test_what_no_price_can_end_does_not_hide_at_the_bottom() -> None:
    """The same asset on both sides: no boundary, though interest eats what is left of it."""

    def same(name: str, health: int, **fields):
        weth = asset("WETH")
        debt = 100 * WAD * 80 * 100 // (100 * health)
        book = ReferenceBook({weth: (100 * WAD, 8000)}, {weth: debt}, {weth: quote(weth, 2_000 * USD, "ETH")})
        of = position(book, key=key(wallet=name))
        found = row(of, key=key(wallet=name), **fields)
        assert found.cushion is None
        return found

    def held(name: str, price: int):
        return row(with_boundaries(boundary("ETH", price)), key=key(wallet=name))

    rows = [
        same("calm", 150),
        same("warn at 1.10", 110),
        same("critical", 103),
        same("critical while blind", 104, freshness=Freshness.BLIND),
        same("liquidatable", 99),
        held("far", 40),
        held("a twelfth away", 92),
        held("a tenth away", 90),
        held("at the edge", 99),
    ]
    assert {found.key.wallet: found.severity for found in rows[:5]} == {
        "calm": Severity.OK,
        "warn at 1.10": Severity.WARN,
        "critical": Severity.CRITICAL,
        "critical while blind": Severity.CRITICAL,
        "liquidatable": Severity.LIQUIDATABLE,
    }
    expected = [
        "liquidatable",
        "critical",
        "critical while blind",
        "at the edge",
        "a twelfth away",
        "warn at 1.10",
        "a tenth away",
        "far",
        "calm",
    ]
    assert [found.key.wallet for found in rank.order(rows)] == expected
    assert [found.key.wallet for found in rank.order(reversed(rows))] == expected


def test_sorted_by_severity_who_calls_for_somebody_comes_first() -> None:
    """Sorted by severity: for whoever looks for the one that is critical because of a threshold of its own."""

    def held(name: str, price: int, severity: Severity, sigmas: float | None = None):
        return row(with_boundaries(boundary("ETH", price)), key=key(wallet=name), severity=severity, sigmas=sigmas)

    rows = [
        held("calm and near", 90, Severity.OK, 2.5),
        held("blind", 80, Severity.BLIND, 5.0),
        held("far at warn", 60, Severity.WARN, 10.0),
        held("near at warn", 88, Severity.WARN, 3.0),
        held("far and critical", 65, Severity.CRITICAL),
    ]
    expected = ["far and critical", "near at warn", "far at warn", "calm and near", "blind"]
    assert [found.key.wallet for found in sorted(rows, key=rank.by_severity)] == expected
    by_cushion = ["calm and near", "near at warn", "blind", "far and critical", "far at warn"]
    assert [found.key.wallet for found in rank.order(rows)] == by_cushion, "a wild price at warn before a calm one"


def test_what_is_left_of_a_cushion() -> None:
    of = with_boundaries(boundary("ETH", 90))
    assert row(of).left == pytest.approx(0.1)
    assert row(of, severity=Severity.CRITICAL).left == pytest.approx(0.1), "there is a price to measure by"
    passed = with_boundaries(boundary("ETH", 130, passed=True), health=9 * WAD // 10)
    assert row(passed).left == 0.0, "however far the way back is"
    assert row(None).left is None


# -- sigma ---------------------------------------------------------------------------------------------------------


@given(st.floats(0.001, 0.2), st.integers(LEAST_ROUNDS, 60), st.floats(0.3, 30.0))
def test_sigma_of_a_known_walk(step: float, count: int, days: float) -> None:
    """`count` steps of one size over so many days: σ is step × √(count ÷ days), however the rounds are spread."""
    chance = random.Random(count)
    times = sorted({0.0, days * DAY, *(chance.uniform(1, days * DAY - 1) for _ in range(count - 1))})
    prices = [2_500.0]
    for index in range(len(times) - 1):
        prices.append(prices[-1] * (1 + step) ** (1 if index % 2 else -1))
    from math import log1p

    expected = log1p(step) * sqrt((len(times) - 1) / days)
    assert daily_sigma(list(zip(times, prices, strict=True))) == pytest.approx(expected)


def test_sigma_needs_enough() -> None:
    rounds = [(index * 3600.0, 100.0 + index % 2) for index in range(LEAST_ROUNDS + 1)]
    assert daily_sigma(rounds) is not None
    assert daily_sigma(rounds[1:]) is None
    assert daily_sigma([(at / 4, price) for at, price in rounds]) is None
    assert daily_sigma([(at, 100.0) for at, _ in rounds]) is None
    assert daily_sigma([]) is None


def test_sigma_leaves_out_what_is_no_price() -> None:
    rounds = [(index * 3600.0, 100.0 + index % 2) for index in range(20)]
    assert daily_sigma([*rounds[:7], (6.5 * 3600, 0.0), *rounds[7:]]) == daily_sigma(rounds)
