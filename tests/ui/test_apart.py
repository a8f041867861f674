"""Names that are cut: never wider than their room, both ends kept, and told apart where that can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.ui.apart import apart, cut

LETTERS = "ab 財…-é"
names = st.text(LETTERS, max_size=24)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("treasury", 8, "treasury"),
        ("0x7F3c…91aE", 11, "0x7F3c…91aE"),
        ("0x7F3c…91aE", 10, "0x7F3…91aE"),
        ("0x7F3c…91aE", 8, "0x7F…1aE"),
        ("staking loop above", 10, "staki…bove"),
        ("財財財財財財", 8, "財財…財"),
        ("財財財財財財", 2, "…"),
        ("treasury", 1, "…"),
        ("treasury", 0, ""),
        ("", 0, ""),
    ],
)
def test_both_ends_stay(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["staking loop above", "staking loop under"], ["staki…bove", "staki…nder"]),
        (["customer 17 main", "customer 18 main"], ["cus…7 main", "cus…8 main"]),
        (["fund-a-long-term", "fund-b-long-term"], ["fund-a…erm", "fund-b…erm"]),
        (["a" * 20 + "1" + "b" * 20, "a" * 20 + "2" + "b" * 20], ["…aaaa1bbb…", "…aaaa2bbb…"]),
        (["staki…bove", "staking loop above"], ["staki…bove", "stakin…ove"]),
        (["treasury", "customer 17 main"], ["treasury", "custo…main"]),
    ],
)
def test_what_would_look_alike_is_cut_elsewhere(texts: list[str], shown: list[str]) -> None:
    assert list(apart(texts, 10).values()) == shown


@given(st.lists(names, max_size=6), st.integers(0, 30))
def test_nothing_is_wider_than_its_room_and_what_fits_stays_whole(texts: list[str], width: int) -> None:
    for text, short in apart(texts, width).items():
        assert cell_len(short) <= width
        assert short == text or cell_len(text) > width


@given(names, names, st.integers(5, 30))
def test_two_that_differ_in_one_letter_are_told_apart_in_five_cells(before: str, after: str, width: int) -> None:
    texts = [f"{before}{letter}{after}" for letter in "xy"]
    assert len(set(apart(texts, width).values())) == 2
