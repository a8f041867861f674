"""What the words after `/` let through."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liqtui.core.snapshot import Severity
from liqtui.ui.filters import HELP, Filter, Sieve
from tests.ui import scenes

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row


def found(text: str) -> list[int]:
    rows = scenes.ROWS[:12]
    return [rows.index(row) for row in Filter(text).select(rows)]


def passes(text: str, row: Row) -> bool:
    return bool(Filter(text).select([row]))


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
        assert passes(text, critical)
        assert passes(text, under)
        assert not passes(text, calm)


def test_unknown_figures_match_no_comparison() -> None:
    row = replace(scenes.ROWS[0], position=None, cushion=None, sigmas=None)
    for text in ("hf<9", "hf>0", "sigma<99", "liq<100", "debt>0"):
        assert not passes(text, row)


@given(st.text(max_size=30))
def test_anything_can_be_typed(text: str) -> None:
    assert set(found(text)) <= set(range(12))


FEW = "abx0 1-ßſİΣ"
"""So that words and rows meet often; and letters that are two when capitals do not count, or none."""
texts = st.text(FEW + "AB", max_size=6).map(str.strip)
words = st.lists(st.text(FEW.replace(" ", "") + "ABX", min_size=1, max_size=4), min_size=1, max_size=3)


@st.composite
def named(draw: st.DrawFn) -> Row:
    """A row that is called somehow, of somebody, in some assets; or was never read."""
    row = scenes.ROWS[draw(st.integers(0, 3))]
    key = row.key._replace(protocol=draw(texts), market=draw(texts), wallet=f"0x{draw(st.integers(0, 999)):x}")
    position = row.position if draw(st.booleans()) else None
    if position is not None:
        legs = [leg._replace(asset=leg.asset._replace(symbol=draw(texts))) for leg in position.legs]
        position = replace(position, legs=tuple(legs))
    tags = tuple(draw(st.lists(texts, max_size=2)))
    return replace(row, key=key, label=draw(texts), brand=draw(texts), chain=draw(texts), position=position, tags=tags)


def by_pattern(word: str, row: Row) -> bool:
    """The plain rule: the word's letters in this order in any of a row's names, by a regular expression."""
    pattern = re.compile(".*?".join(map(re.escape, word)))
    symbols = row.position.symbols if row.position else ()
    names = (row.label, row.protocol, row.key.protocol, row.key.market, row.chain, *symbols)
    return row.key.wallet.startswith(word) or any(pattern.search(name.casefold()) for name in names)


@given(st.lists(named(), max_size=8), words, st.booleans())
def test_words_are_found_as_a_pattern_finds_them(rows: list[Row], typed: list[str], turned: bool) -> None:
    marked = [("!" if turned else "") + word for word in typed]
    folded = " ".join(typed).casefold().split()
    wanted = [row for row in rows if all(by_pattern(word, row) is not turned for word in folded)]
    assert Filter(" ".join(marked)).select(rows) == wanted


def test_a_name_made_to_be_tried_again_and_again_is_looked_at_once() -> None:
    """By a pattern this takes longer than anybody lives."""
    row = replace(scenes.ROWS[0], label="a" * 400)
    assert not passes("a" * 200 + "b", row)


@given(st.lists(st.sampled_from(["a", "t", "e", "!", " ", "asset:", "hf", "<1.2", "sev:", "o", "\b"]), max_size=14))
@example(["!", "t", "a"])
@example(["hf", "<1.2", "\b", "\b"])
@example(["asset", ":", "e", "t", "h"])
@example(["!", "t", " ", "e", "\b", "\b", "\b", "e"])
def test_what_is_typed_letter_by_letter_passes_as_if_it_was_typed_at_once(keys: list[str]) -> None:
    """Whatever is remembered of the texts before, and whatever is taken back of them."""
    sieve, text = Sieve(), ""
    for key in keys:
        text = text[:-1] if key == "\b" else text + key
        assert list(sieve.select(Filter(text), scenes.ROWS)) == list(Filter(text).select(scenes.ROWS))


def test_other_rows_are_looked_at_anew() -> None:
    sieve, few = Sieve(), scenes.ROWS[:3]
    assert len(sieve.select(Filter("treasury"), few)) == 1
    assert len(sieve.select(Filter("treasury"), scenes.ROWS[:8])) == 3


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
