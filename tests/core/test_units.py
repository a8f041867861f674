from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import units
from liqtui.core.units import BPS, RAY, WAD, decimal_string, parse_decimal

WORDS = st.integers(0, 2**256 - 1)
DIVISORS = st.integers(1, 2**256 - 1)


@given(WORDS, WORDS, DIVISORS)
def test_roundings_are_those_of_exact_fractions(x: int, y: int, d: int) -> None:
    exact = Fraction(x * y, d)
    assert units.mul_div_down(x, y, d) == floor(exact)
    assert units.mul_div_up(x, y, d) == ceil(exact)


@given(WORDS, WORDS, DIVISORS)
def test_ray_wad_and_percent_forms(a: int, b: int, d: int) -> None:
    assert units.ray_mul(a, b) == floor(Fraction(a * b, RAY) + Fraction(1, 2))
    assert units.ray_mul_down(a, b) == floor(Fraction(a * b, RAY))
    assert units.ray_mul_up(a, b) == ceil(Fraction(a * b, RAY))
    assert units.wad_div(a, d) == (a * WAD + d // 2) // d
    assert units.percent_mul(a, b) == floor(Fraction(a * b, BPS) + Fraction(1, 2))
    assert units.percent_div(a, d) == (a * BPS + d // 2) // d


@given(st.integers(-(2**256), 2**256), st.integers(0, 36))
def test_decimal_text_is_exact_and_comes_back(raw: int, decimals: int) -> None:
    text = decimal_string(raw, decimals)
    assert Decimal(text) == Decimal(raw).scaleb(-decimals, Context(prec=200))
    assert parse_decimal(text, decimals) == raw
    assert "." not in text or not text.endswith(("0", "."))


def test_decimal_text() -> None:
    assert decimal_string(1_042_001_700_000_000_000, 18) == "1.0420017"
    assert decimal_string(-5, 1) == "-0.5"
    assert decimal_string(7, 0) == "7"
    assert parse_decimal(" .5 ", 1) == 5
    assert parse_decimal("1.", 2) == 100
    assert parse_decimal("-1.5", 2) == -150


@pytest.mark.parametrize("text", ["", "-", ".", "1e3", "1,5", "1_000", "+1", "--1", "1.2.3", "١", "nan", "0x1", "½"])
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        parse_decimal(text, 18)


def test_too_many_digits_are_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        parse_decimal("1.005", 2)
