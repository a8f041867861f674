from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import format as fmt
from liqtui.core.results import FactorKind
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from tests.core.rows import boundary

EXACT = Context(prec=200)


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace(fmt.MINUS, "-"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, "–"),
        (HEALTH_INFINITE, "∞"),
        (WAD, "1.000"),
        (WAD - 1, "0.999"),
        (0, "0.000"),
        (1_042_999_999_999_999_999, "1.042"),
        (999_999 * 10**15, "999.999"),
        (1_234_999 * 10**15, "1,234"),
        (10**6 * WAD, ">999k"),
        (HEALTH_INFINITE - 1, ">999k"),
    ],
)
def test_health(raw: int | None, shown: str) -> None:
    assert fmt.health(raw) == shown


def test_health_with_other_digits() -> None:
    assert fmt.health(1_999_999_999_999_999_999, 0) == "1"
    assert fmt.health(1_042_000_000_000_000_001, 18) == "1.042000000000000001"


@given(st.integers(0, 1000 * WAD - 1), st.integers(0, 18))
def test_health_is_never_shown_safer_than_it_is(raw: int, digits: int) -> None:
    shown = number(fmt.health(raw, digits))
    true = Decimal(raw).scaleb(-18, EXACT)
    assert shown <= true < shown + Decimal(1).scaleb(-digits)


@pytest.mark.parametrize(
    ("raw", "short", "whole"),
    [
        (None, "–", "–"),
        (195_965_512_000_000, "$1.96M", "$1,959,655"),
        (41_700_000_000_000, "$417.0k", "$417,000"),
        (8_640_000_000_000, "$86.4k", "$86,400"),
        (31_840_000_000, "$318.40", "$318.40"),
        (-31_840_000_000, "−$318.40", "−$318.40"),
        (99_999_600_000, "$1.00k", "$1,000.00"),
        (0, "$0.00", "$0.00"),
        (1_234_567_890_000 * 10**8, "$1,235B", "$1,234,567,890,000"),
        (12 * 10**17, "$12.0B", "$12,000,000,000"),
    ],
)
def test_money(raw: int | None, short: str, whole: str) -> None:
    assert fmt.money(raw, 8) == short
    assert fmt.money_whole(raw, 8) == whole


def test_money_in_another_base() -> None:
    assert fmt.money(-124 * 10**17, 18, "ETH") == "−12.4 ETH"
    assert fmt.money_whole(124 * 10**17, 18, "ETH") == "12.40 ETH"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (0, "0.00 WBTC"),
        (400_000, "0.00400 WBTC"),
        (-123_456, "−0.00123 WBTC"),
        (99_999_999, "1.000 WBTC"),
        (10**8, "1.00 WBTC"),
        (7, "0.00000007 WBTC"),
    ],
)
def test_a_dear_base_keeps_digits_that_tell_something(raw: int, shown: str) -> None:
    """A hundredth of a bitcoin is no cent."""
    assert fmt.money(raw, 8, "WBTC") == fmt.money_whole(raw, 8, "WBTC") == shown
    assert fmt.money(1, 18, "ETH") == fmt.money_whole(1, 18, "ETH") == "<0.00000001 ETH"
    assert fmt.money_whole(10**6, 8) == "$0.01"


@pytest.mark.parametrize(
    ("raw", "decimals", "shown", "up"),
    [
        (None, 18, "–", "–"),
        (1_665_752_110_000, 6, "1,665,752.11", "1,665,752.11"),
        (173_055_708_614_125_000_000, 18, "173.05", "173.06"),
        (277_181_168_752, 6, "277,181.16", "277,181.17"),
        (42 * 10**13, 18, "0.00042", "0.00042"),
        (1, 18, "<0.00000001", "0.00000001"),
        (0, 18, "0", "0"),
        (10 * WAD, 18, "10", "10"),
        (-15 * 10**17, 18, "−1.5", "−1.5"),
        (1500, 0, "1,500", "1,500"),
    ],
)
def test_amount(raw: int | None, decimals: int, shown: str, up: str) -> None:
    assert fmt.amount(raw, decimals) == shown
    assert fmt.amount(raw, decimals, up=True) == up


@given(st.integers(1, 10**40), st.integers(0, 24))
def test_amount_rounded_up_is_enough(raw: int, decimals: int) -> None:
    assert number(fmt.amount(raw, decimals, up=True)) >= Decimal(raw).scaleb(-decimals, EXACT)


@pytest.mark.parametrize(
    ("raw", "decimals", "shown"),
    [
        (None, 8, "–"),
        (6_269_000_000_000, 8, "62,690"),
        (241_218_000_000, 8, "2,412.2"),
        (70_510_000, 8, "0.70510"),
        (100_000_000, 8, "1.0000"),
        (1_234, 8, "0.00001234"),
        (0, 8, "0"),
        (-241_218_000_000, 8, "−2,412.2"),
        (5, 0, "5"),
    ],
)
def test_price(raw: int | None, decimals: int, shown: str) -> None:
    assert fmt.price(raw, decimals) == shown


def test_exact_price() -> None:
    assert fmt.price_exact(230_842_440_663, 8) == "2,308.42440663"
    assert fmt.price_exact(-5, 1) == "−0.5"
    assert fmt.price_exact(None, 8) == "–"


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_boundary_figures_never_read_farther_than_they_are(price: int, now: int) -> None:
    found = boundary("ETH", price, now=now, decimals=8)
    if price == now:
        return
    shown, true = number(fmt.boundary_price(found)), Decimal(price).scaleb(-8, EXACT)
    assert shown >= true if price < now else shown <= true
    away, true = fmt.boundary_distance(found), Decimal(price - now) / Decimal(now)
    assert away[0] == (fmt.MINUS if price < now else "+")
    assert abs(number(away.rstrip("%"))) <= abs(true) * 100
    told = Decimal(fmt.boundary_fraction(found))
    assert abs(true) - Decimal("0.0001") < abs(told) <= abs(true)
    assert told * true >= 0


def test_boundary_figures() -> None:
    none = boundary("ETH", None)
    assert (fmt.boundary_price(none), fmt.boundary_distance(none)) == ("–", "–")
    assert fmt.boundary_distance(boundary("ETH", 5, now=0)) == "–"
    assert fmt.boundary_distance(boundary("ETH", 956, now=1000)) == "−4.4%"
    assert fmt.boundary_distance(boundary("ETH", 956_001, now=1_000_000)) == "−4.3%"
    assert (fmt.boundary_fraction(none), fmt.boundary_fraction(boundary("ETH", 956_001, now=10**6))) == ("", "-0.0439")
    assert fmt.boundary_distance(boundary("ETH", 9_999, now=10_000)) == "−0.01%"
    assert fmt.boundary_distance(boundary("ETH", 2_556_227, now=250_000)) == "+922%"
    together = boundary("together", 452_704_285_638_999_999, WAD, kind=FactorKind.TOGETHER, decimals=18)
    assert fmt.boundary_price(together) == "×0.45271"


def test_threshold() -> None:
    assert fmt.threshold(105 * WAD // 100) == "1.05"
    assert fmt.threshold(WAD) == "1.00"
    assert fmt.threshold(1_125 * WAD // 1000) == "1.125"


def test_percent() -> None:
    assert fmt.percent(-0.043) == "−4.3%"
    assert fmt.percent(9.2249) == "+922.5%"
    assert fmt.percent(0.1, sign=False) == "10.0%"
    assert fmt.percent(0.12345, 2) == "+12.35%"
    assert fmt.percent(None) == "–"


def test_basis_points_and_rates() -> None:
    assert [fmt.bps(value) for value in (8300, 8250, 8255, 0, None)] == ["83%", "82.5%", "82.55%", "0%", "–"]
    assert fmt.rate(51 * RAY // 1000) == "5.1%"
    assert fmt.rate(-RAY // 100) == "−1.0%"


def test_counted() -> None:
    assert [fmt.counted(number, "row") for number in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]


def test_sigma() -> None:
    assert [fmt.sigma(value) for value in (None, 1.24, 1.99, 9.99, 10.0, 13.9, 120.0)] == [
        "–",
        "1.2σ",
        "1.9σ",
        "9.9σ",
        "10σ",
        "13σ",
        ">99σ",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "–"), (-1, "future!"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_400, "1d")],
)
def test_age(seconds: float | None, shown: str) -> None:
    assert fmt.age(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "never"),
        (0, "now"),
        (59, "under an hour"),
        (7_200, "about 2 hours"),
        (18 * 86_400 + 5, "about 18 days"),
        (480 * 86_400, "about 480 days"),
        (4 * 365 * 86_400, "about 4 years"),
        (500 * 365 * 86_400, "over 100 years"),
    ],
)
def test_eta(seconds: int | None, shown: str) -> None:
    assert fmt.eta(seconds) == shown
