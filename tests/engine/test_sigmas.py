from dataclasses import replace
from math import log, sqrt

import pytest

from liqtui.core.results import FactorKind
from liqtui.core.sigma import DAY, LEAST_ROUNDS
from liqtui.core.snapshot import Severity, Volatility
from liqtui.core.wallet import Thresholds
from liqtui.engine.sigmas import SPACING, WINDOW, Sigmas
from tests.engine.desk import row
from tests.engine.fakes import Finish

HOUR = 3600


def swinging(sigmas, feed, factor, count, *, chain=1, step=HOUR, by=20, start=0):
    for place in range(count):
        sigmas.add(chain, feed, factor, start + place * step, 2000 + by * (place % 2))


def test_each_sigma_says_what_it_was_taken_from():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 25)
    (told,) = sigmas.told()
    assert told == Volatility("eth", pytest.approx(sqrt(24) * log(1.01)), 24 * HOUR, 25)
    assert sigmas.by_factor() == {"eth": told.daily}


def test_rounds_that_do_not_count_are_not_counted():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 121, step=SPACING // 5)
    (told,) = sigmas.told()
    assert told.rounds == 25
    assert told.window == 24 * SPACING


def test_of_two_feeds_the_wildest_speaks_with_its_own_rounds():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 200, by=2)
    swinging(sigmas, "0x2", "eth", 30, by=40)
    (told,) = sigmas.told()
    assert (told.window, told.rounds) == (29 * HOUR, 30)
    swinging(sigmas, "0x1", "eth", 200, by=400, start=300 * HOUR)
    (told,) = sigmas.told()
    assert told.rounds == 400


def test_what_is_too_young_is_not_told():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", LEAST_ROUNDS)
    assert sigmas.told() == ()
    sigmas.add(1, "0x1", "eth", LEAST_ROUNDS * HOUR, 2000)
    assert [told.rounds for told in sigmas.told()] == [LEAST_ROUNDS + 1]


def test_a_sigma_that_is_no_longer_known_is_no_longer_told():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 30)
    assert sigmas.told()
    sigmas.add(1, "0x1", "eth", 30 * HOUR + 40 * int(DAY), 2000)
    assert sigmas.told() == ()
    assert sigmas.by_factor() == {}


def test_the_window_is_a_month_at_most():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 24 * 60)
    (told,) = sigmas.told()
    assert told.window <= WINDOW
    assert told.rounds == WINDOW // HOUR + 1


def test_rounds_from_before_are_put_under_those_that_are_known():
    sigmas = Sigmas()
    swinging(sigmas, "0x1", "eth", 10, start=20 * HOUR)
    assert sigmas.told() == ()
    sigmas.seed(1, "0x1", "eth", [(place * HOUR, 2000 + 20 * (place % 2)) for place in range(20)])
    (told,) = sigmas.told()
    assert (told.window, told.rounds) == (29 * HOUR, 30)


class Both(Finish):
    """Beside the coin's boundary one of a rate, which no feed tells: nearer, and without a σ."""

    def __call__(self, bare):
        made = super().__call__(bare)
        (coin,) = made.boundaries
        rate = replace(coin, factor="ratio:0x1", kind=FactorKind.RATIO, label="rate", price=coin.price_now * 97 // 100)
        return replace(made, boundaries=(coin, rate))


def test_a_boundary_without_a_sigma_does_not_hide_one_that_is_too_near(desk, monkeypatch):
    monkeypatch.setattr("tests.engine.desk.Finish", Both)
    wad = 10**18
    made = desk(thresholds=Thresholds(warn=wad, critical=wad, warn_sigmas=5 * wad))
    made.nodes["lab"].hold(1, 1, 1450)
    for place in range(30):
        found = made.round(3600, price=2000 + 10 * (place % 2))
    seen = row(found)
    assert (seen.cushion.factor, seen.sigmas) == ("ratio:0x1", None)
    assert seen.severity is Severity.WARN
    (told,) = [alert for alert in found.alerts if alert.kind == "threshold"]
    assert "another boundary nearer than 5σ" in told.text
