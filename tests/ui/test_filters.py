"""What the words after `/` let through."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.snapshot import Severity
from liqtui.ui.filters import HELP, Filter
from tests.ui import scenes


def found(text: str) -> list[int]:
    wanted = Filter(text)
    return [place for place, row in enumerate(scenes.ROWS[:12]) if wanted.matches(row)]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", list(range(12))),
        ("treasury", [0, 3, 7]),
        ("TREAS", [0, 3, 7]),
        ("trsy", [0, 3, 7]),
        ("treasury !morpho", [0, 7]),
        ("morpho", [3]),
        ("cbbtc", [3]),
        ("arbitrum", [1, 4]),
        ("0x7f3c", [0, 3, 7]),
        ("hf<1.2", [0, 1, 3]),
        ("hf>=2.4 hf<3", [9, 10]),
        ("hf<=1.15", [0, 3]),
        ("sigma<3", [0, 1]),
        ("liq<11", [0, 3]),
        ("debt>1m", [0]),
        ("debt>150k !treasury", [5, 6]),
        ("sev:warn", [0, 1, 3]),
        ("sev:crit", [0]),
        ("sev:blind", [2]),
        ("sev:ok treasury", [7]),
        ("sev:nonsense", []),
        ("tag:dao", [0, 3, 7]),
        ("chain:base", [3, 7]),
        ("asset:wsteth", [6]),
        ("wallet:cold !protocol:aave", [8]),
        ("!sev:ok", [0, 1, 2, 3]),
        ("HF<1.2", [0, 1, 3]),
        ("hf < 1.2", [0, 1, 3]),
        ("treasury !HF >= 1.2", [0, 3]),
        ("hf<2.", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("hf<.5", []),
        ("Sev:Warn TAG:DAO", [0, 3]),
        ("DEBT>1M", [0]),
        ("zzz", []),
    ],
)
def test_words(text: str, places: list[int]) -> None:
    assert found(text) == places


def test_what_no_price_ends_is_found_by_distance_while_it_is_critical() -> None:
    """And what can be liquidated has nothing left, however far the way back is."""
    critical, calm = (replace(row, cushion=None, sigmas=None) for row in (scenes.ROWS[0], scenes.ROWS[9]))
    under = replace(scenes.ROWS[9], severity=Severity.LIQUIDATABLE, sigmas=None)
    for text in ("liq<1", "sigma<1"):
        assert Filter(text).matches(critical)
        assert Filter(text).matches(under)
        assert not Filter(text).matches(calm)


def test_unknown_figures_match_no_comparison() -> None:
    row = replace(scenes.ROWS[0], position=None, cushion=None, sigmas=None)
    for text in ("hf<9", "hf>0", "sigma<99", "liq<100", "debt>0"):
        assert not Filter(text).matches(row)


@given(st.text(max_size=30))
def test_anything_can_be_typed(text: str) -> None:
    for row in scenes.ROWS[:3]:
        assert Filter(text).matches(row) in {True, False}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hf<", "hf is compared with a number, as in hf<1.2"),
        ("treasury hf<abc", "hf is compared with a number, as in hf<1.2"),
        ("debt>50,000", "debt is compared with a number, as in debt>50k"),
        ("!LIQ<1.0000000000000000001", "liq is compared with a number, as in liq<10"),
        ("sigma<1k2", "sigma is compared with a number, as in sigma<3"),
        ("sev:", "sev: takes liquidated, liquidatable, critical, warn, blind, unknown, ok"),
        ("sev:nonsense", "sev: takes liquidated, liquidatable, critical, warn, blind, unknown, ok"),
    ],
)
def test_what_cannot_be_understood_is_said(text: str, said: str) -> None:
    assert Filter(text).fault == said


@pytest.mark.parametrize("text", ["", "treasury", "hf<1.2", "HF <= 2", "sev:crit", "label:x", "a<b", "hfx"])
def test_what_is_understood_has_no_fault(text: str) -> None:
    assert Filter(text).fault == ""


def test_every_example_of_the_help_page_is_understood() -> None:
    assert all(found(example) != list(range(12)) for example, _ in HELP)
