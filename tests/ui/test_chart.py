"""The chart of the detail: its range, what it joins and what it does not, and what its marks are."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.ui import chart
from liqtui.ui.course import Course, course, covered
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from tests.ui import scenes
from tests.ui.readings import INF, NAN, box, minutes

PEN = chart.Pen(Palette(DEFAULT_VARIABLES))


def a_day(samples: list[tuple[float, float]]) -> Course:
    return course(samples, scenes.NOW - chart.DAY, scenes.NOW)


def braille(samples: list[tuple[float, float]], frame: chart.Frame, width: int, height: int) -> list[str]:
    """The curve as `height` strings of `width` cells; a cell without dots is a space."""
    cells = chart.plot(course(samples, frame.start, frame.end).runs, frame, width, height)
    return ["".join(chr(0x2800 + cell.bits) if cell.bits else " " for cell in row) for row in cells]


def curve(samples: list[tuple[float, float]], low: float = 1.0, high: float = 1.2) -> list[str]:
    """A plot of 1,000 minutes; samples by minute."""
    return braille([(at * 60, value) for at, value in samples], chart.Frame(0, 60_000, low, high), 20, 5)


def test_a_flat_day_is_drawn_flat() -> None:
    """1.501 → 1.502 must not look like a cliff."""
    low, high = chart.health_range([1.501, 1.502], [1.2, 1.05])
    rows = curve([(at, 1.501 + at / 10**6) for at in range(0, 1001, 10)], low, high)
    assert sum(1 for row in rows if row.strip()) == 1


def test_the_liquidation_line_is_always_in_the_picture() -> None:
    for values in ([1.02, 1.3], [4.1], [0.97], []):
        low, high = chart.health_range(values, [1.2])
        assert low < 1.0 < high
        assert all(low <= value <= high for value in values)


@given(values=st.lists(st.floats(0.01, 1e6), min_size=1, max_size=50))
def test_the_range_is_finite_and_wide_enough(values: list[float]) -> None:
    low, high = chart.health_range(values, [1.2, 1.05])
    assert 0 <= low < high <= chart.MAX_HEALTH + 1
    assert high - low >= chart.MIN_SPAN


def test_nothing_is_drawn_where_nothing_was_recorded() -> None:
    rows = curve([(0, 1.1), (14, 1.1), (20, 1.1), (900, 1.1), (914, 1.1), (1000, 1.1)])
    drawn = next(row for row in rows if row.strip())
    assert drawn[:1].strip()
    assert drawn[3:16].strip() == ""


def test_a_fall_goes_down_without_holes() -> None:
    rows = curve([(at, 1.2 - at / 5000) for at in range(0, 1001, 10)])
    firsts = [min(x for x, cell in enumerate(row) if cell != " ") for row in rows]
    assert firsts == sorted(firsts)
    assert all(any(row[x] != " " for row in rows) for x in range(20))


def test_values_beyond_the_edges_stay_inside() -> None:
    rows = curve([(0, 99.0), (1000, -5.0)])
    assert len(rows) == 5
    assert all(len(row) == 20 for row in rows)


def test_hours_are_round_and_inside() -> None:
    frame = chart.Frame(scenes.NOW - chart.DAY, scenes.NOW, 1, 2)
    for width in (8, 20, 40, 80, 200):
        axis = chart.time_axis(frame, width)
        assert len(axis) <= width
        assert all(re.fullmatch(r"\d\d:00", hour) for hour in axis.split())


def test_days_are_named_where_the_chart_shows_many() -> None:
    frame = chart.Frame(scenes.NOW - 30 * chart.DAY, scenes.NOW, 1, 2)
    for width in (20, 40, 80, 200):
        axis = chart.time_axis(frame, width)
        assert len(axis) <= width
        assert re.fullmatch(r"(\s*[A-Z][a-z]{2} \d\d)+", axis)


@pytest.mark.parametrize(
    ("days", "apart", "joined"),
    [(1, 800, True), (1, 1000, False), (3, 1400, True), (3, 1600, False), (20, 7000, True), (20, 8000, False)],
)
def test_thinned_samples_are_joined_and_a_silence_is_not(days: int, apart: float, joined: bool) -> None:
    """What the history kept ten minutes or an hour apart is no gap; what it did not see is one."""
    frame = chart.Frame(scenes.NOW - days * chart.DAY, scenes.NOW, 1.0, 1.2)
    cells = int(days * chart.DAY / apart * 5)
    row = next(r for r in braille([(frame.start, 1.1), (frame.start + apart, 1.1)], frame, cells, 5) if r.strip())
    assert (" " not in row.strip()) == joined


def test_oracle_updates_are_marked_under_the_curve() -> None:
    samples = [(scenes.NOW - n * 600, 1.5) for n in range(100)]
    rows = chart.chart(PEN, a_day(samples), [], scenes.NOW, (60, 8), updates=[scenes.NOW - 7200, scenes.NOW - 90_000])
    text = ["".join(piece for piece, _ in row) for row in rows]
    marked = [row.index(chart.MARK) for row in text if chart.MARK in row]
    assert len(marked) >= 5, "from top to bottom, except where the curve is"
    assert len(set(marked)) == 1, "one update lies in the day"


def test_many_updates_are_ticks_at_the_bottom() -> None:
    samples = [(scenes.NOW - n * 600, 1.5) for n in range(100)]
    rows = chart.chart(PEN, a_day(samples), [], scenes.NOW, (60, 8), updates=[scenes.NOW - n * 900 for n in range(90)])
    text = ["".join(piece for piece, _ in row) for row in rows]
    assert [n for n, row in enumerate(text) if chart.MARK in row] == [6]


def test_nothing_recorded_is_said() -> None:
    rows = chart.chart(PEN, a_day([]), [], scenes.NOW, (40, 8))
    assert "nothing recorded" in rows[0][0][0]


def test_no_room_draws_nothing() -> None:
    assert chart.draw(PEN, course([(0, 1.0)], 0, 1), [], chart.Frame(0, 1, 0, 2), (6, 2)) == []


def test_a_run_ends_where_a_silence_begins() -> None:
    told = course([(0, 1.5), (60, 1.4), (100, NAN), (400, NAN), (400, 1.3), (460, 1.2)], 0, 500)
    assert told.runs == [[(0, 1.5), (60, 1.4)], [(400, 1.3), (460, 1.2)]]
    assert told.unread == [(100, 400)]
    assert told.begins is None


def test_a_silence_lasts_until_the_next_figure() -> None:
    """Its end may have been thinned away with the samples after it."""
    assert course([(0, 1.5), (100, NAN), (900, 1.3)], 0, 900).unread == [(100, 900)]
    assert course([(0, 1.5), (100, NAN)], 0, 900).unread == [(100, 900)], "it goes on"
    assert course([(0, NAN), (300, NAN), (300, 1.3)], 0, 900).unread == [(0, 300)], "it began before"


def test_a_reading_within_a_joined_silence_stands_alone() -> None:
    told = course([(0, 1.5), (100, NAN), (200, 1.1), (300, NAN), (300, 1.3)], 0, 300)
    assert told.runs == [[(0, 1.5)], [(200, 1.1)], [(300, 1.3)]]


def test_times_without_debt_are_neither_joined_nor_unknown() -> None:
    told = course([(0, 1.5), (60, INF), (120, INF), (180, 1.4)], 0, 200)
    assert told.runs == [[(0, 1.5)], [(180, 1.4)]]
    assert told.free == [(60, 180)]
    assert told.unread == []


def test_seldom_readings_are_dots_and_no_silence() -> None:
    told = course([(at, 1.5) for at in range(0, 10_000, 1200)], 0, 10_000)
    assert [len(run) for run in told.runs] == [1] * 9
    assert told.unread == []


def test_where_the_record_begins_is_told() -> None:
    assert course([(50_000, 1.5)], 0, 60_000).begins == 50_000
    assert course([(500, 1.5)], 0, 60_000).begins is None


@given(parts=st.lists(st.tuples(st.floats(1, 5000), st.sampled_from([1.1, 1.5, NAN, INF])), min_size=1, max_size=60))
def test_no_time_is_told_twice_and_no_figure_is_lost(parts: list[tuple[float, float]]) -> None:
    at, samples = 0.0, list[tuple[float, float]]()
    for step, value in parts:
        at += step
        samples.append((at, value))
    told = course(samples, 0, at + 10)
    assert told.points == [(at, value) for at, value in samples if math.isfinite(value)]
    times = sorted([*told.unread, *told.free, *((run[0][0], run[-1][0]) for run in told.runs)])
    assert all(since <= until for since, until in times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_columns_that_are_hardly_touched_are_not_marked() -> None:
    assert covered([(95, 130)], 10, 0, 1000, 0.05) == {0, 1}
    assert covered([(97, 130)], 10, 0, 1000, 0.05) == {1}
    assert covered([(-50, 10_000)], 10, 0, 1000, 0.05) == set(range(10))


def drawn(samples: list[tuple[float, float]], size: tuple[int, int] = (60, 10), **more: object) -> list[str]:
    lines = [chart.Line(1.0, "severity-liquidatable", stroke=chart.LIQUIDATION), chart.Line(1.2, "severity-warn")]
    rows = chart.chart(PEN, a_day(samples), lines, scenes.NOW, size, **more)  # type: ignore[arg-type]
    return ["".join(text for text, _ in row) for row in rows]


def test_a_silence_shorter_than_a_dot_is_marked_at_the_bottom() -> None:
    whole, holed = drawn(minutes()), drawn(minutes(range(708, 712)))
    assert chart.UNREAD not in "".join(whole)
    assert holed[-2].count(chart.UNREAD) == 1
    assert abs(holed[-2].index(chart.UNREAD) - 6 - 27) <= 1, "in the middle of the day"
    assert holed[:-2] == whole[:-2], "the curve cannot show it"


def test_a_long_silence_is_blank_and_marked_all_along() -> None:
    text = drawn(minutes(range(300, 700)))
    assert text[-2].count(chart.UNREAD) >= 14
    holes = [column for column, sign in enumerate(text[-2]) if sign == chart.UNREAD][1:-1]
    assert all(row[column] in " ╌━" for row in text[:-2] for column in holes)


def test_of_two_levels_in_one_row_both_are_said() -> None:
    lines = [
        chart.Line(1.0, "severity-liquidatable"),
        chart.Line(1.05, "severity-critical", "1.05"),
        chart.Line(1.2, "severity-warn"),
    ]
    near = chart.chart(PEN, a_day([(scenes.NOW - 60, 1.9), (scenes.NOW, 1.9)]), lines, scenes.NOW, (60, 9))
    far = chart.chart(PEN, a_day([(scenes.NOW - 60, 9.0), (scenes.NOW, 9.0)]), lines, scenes.NOW, (60, 9))
    labels = ["".join(text for text, _ in row)[:11] for row in near]
    assert any(label.endswith("1.00/1.05 ") for label in (each.rstrip("╌") for each in labels)), labels
    assert any("1.00–1.20 " in "".join(text for text, _ in row) for row in far)
    colours = {text: style.color for row in near for text, style in row}
    assert colours["1.05"] == PEN.palette.style("severity-critical").color
    assert all(sum(cell_len(text) for text, _ in row) <= 60 for row in [*near, *far])


def test_a_level_is_named_with_all_its_digits() -> None:
    row = replace(scenes.ROWS[4], thresholds=Thresholds(warn=1_125 * WAD // 1000, critical=105 * WAD // 100))
    text = "\n".join("".join(piece for piece, _ in line) for line in box(row, minutes()).lines)
    assert "1.125 ╌" in text


@pytest.mark.parametrize(
    ("health", "variable"), [(1.3, "strong"), (1.19, "severity-warn"), (0.99, "severity-liquidatable")]
)
def test_the_curve_has_the_colour_of_the_level_that_it_is_under(health: float, variable: str) -> None:
    lines = [chart.Line(1.0, "severity-liquidatable"), chart.Line(1.2, "severity-warn")]
    samples = [(scenes.NOW - at, health) for at in range(3600, -1, -60)]
    rows = chart.chart(PEN, a_day(samples), lines, scenes.NOW, (60, 12))
    inks = {style for row in rows for text, style in row if any("\u2801" <= sign <= "\u28ff" for sign in text)}
    assert inks == {PEN.palette.style(variable)}
