from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.search import halve, least, stride

NUMBERS = st.integers(-(10**30), 10**30)


@given(NUMBERS, NUMBERS, st.integers(0, 10**30), st.integers(0, 10**30))
def test_least_finds_the_turn_from_any_guess(turn: int, guess: int, below: int, above: int) -> None:
    low, high = turn - below, turn + above
    assert least(lambda n: n >= turn, guess, low, high) == turn


@given(NUMBERS, st.integers(0, 10**20))
def test_least_is_the_lower_end_when_all_hold_and_none_when_nothing_does(low: int, span: int) -> None:
    assert least(lambda _: True, low + span // 3, low, low + span) == low
    assert least(lambda _: False, low + span // 3, low, low + span) is None


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sets(st.integers(0, 10**6)))
def test_least_turns_even_where_the_rule_goes_back_and_forth(guess: int, turn: int, odd: set[int]) -> None:
    def rule(n: int) -> bool:
        return (n >= turn) is not (n in odd)

    found = least(rule, guess, 0, 10**6)
    if found is None:
        assert not rule(10**6)
    else:
        assert rule(found)
        assert found == 0 or not rule(found - 1)


def test_a_near_guess_asks_little() -> None:
    asked: list[int] = []

    def rule(n: int) -> bool:
        asked.append(n)
        return n >= 10**20

    assert least(rule, 10**20, 0, 10**30) == 10**20
    assert len(asked) == 2


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**9), st.integers(1, 50))
def test_stride_encloses(start: int, distance: int, step: int) -> None:
    up = start + distance
    before, found = stride(lambda n: n >= up, start, start + 2 * 10**9, step)
    assert found is not None
    assert before < up <= found
    down = start - distance
    before, found = stride(lambda n: n <= down, start, start - 2 * 10**9, step)
    assert found is not None
    assert found <= down < before
    assert stride(lambda _: False, start, start) == (start, None)


@given(st.integers(0, 10**12), st.integers(1, 10**5))
def test_halve_skips_plateaus(turn: int, width: int) -> None:
    asked: list[int] = []

    def plateau(n: int) -> tuple[int, int]:
        first = n // width * width
        return first, first + width - 1

    def rule(n: int) -> bool:
        asked.append(n)
        return n // width >= turn // width

    found = halve(rule, turn // width * width - width * 3 - 1, turn + 3 * width, plateau)
    assert found == turn // width * width
    assert len(asked) <= 4
