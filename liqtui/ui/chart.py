"""Health over time in braille dots, on a range that does not follow the data's own noise.

The liquidation line is always in the picture, and nothing is drawn where nothing was recorded.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style

    from liqtui.ui.style import Palette
    from liqtui.ui.style import Span as Piece

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille bit by dot row and dot column of one cell."""
_AXIS = 6
"""Cells for the labels left of the plot."""
MARK = "┆"
_CROWD = 4
"""Marks in more than every fourth column would be a hatching: then they stand at the bottom only."""
MIN_SPAN = 0.10
"""Health between bottom and top is at least this, so that a flat line looks flat."""
MAX_HEALTH = 10.0
"""Health above is drawn at the top edge: "far away" needs no scale."""
DAY = 86_400.0
GAPS = ((2 * DAY, 900.0), (14 * DAY, 1500.0), (float("inf"), 7500.0))
"""Age of a sample → seconds to the next after which they are not joined: a little more than the history keeps them
apart once it has thinned them (one of ten minutes after two days, one an hour after fourteen)."""


class Span(NamedTuple):
    """How far back a chart goes."""

    title: str
    seconds: float


SPANS = (Span("24 h", DAY), Span("7 d", 7 * DAY), Span("30 d", 30 * DAY))


class Line(NamedTuple):
    """A level drawn across the plot."""

    value: float
    variable: str
    """Name of its colour."""


class Frame(NamedTuple):
    """What the plot's edges stand for."""

    start: float
    end: float
    low: float
    high: float

    def row(self, value: float, dots: int) -> int:
        """Dot row from the top, clipped to the edges."""
        place = (self.high - value) / (self.high - self.low) * (dots - 1)
        return min(max(round(place), 0), dots - 1)

    def column(self, at: float, dots: int) -> int:
        place = (at - self.start) / (self.end - self.start) * (dots - 1)
        return min(max(round(place), 0), dots - 1)


def health_range(values: Iterable[float], lines: Iterable[float]) -> tuple[float, float]:
    """Bottom and top: all values and levels, with air, on steps of a twentieth (or more when it is far)."""
    wanted = [min(value, MAX_HEALTH) for value in (*values, *lines, 1.0) if not math.isnan(value)]
    low, high = min(wanted), max(wanted)
    high = max(high, low + MIN_SPAN)
    step = 0.05 if high - low <= 1 else 0.5
    return max(0.0, math.floor((low - step / 2) / step) * step), math.ceil((high + step / 2) / step) * step


def gap(age: float) -> float:
    """Seconds that may lie between a sample of that age and the next one, both seen without a break."""
    return next(seconds for limit, seconds in GAPS if age <= limit)


def braille(samples: Sequence[tuple[float, float]], frame: Frame, width: int, height: int) -> list[str]:
    """`height` strings of `width` cells; a cell without dots is a space."""
    cells = [[0] * width for _ in range(height)]

    def dot(x: int, y: int) -> None:
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    inside = [(at, value) for at, value in samples if frame.start <= at <= frame.end and not math.isnan(value)]
    points = [(frame.column(at, width * 2), frame.row(value, height * 4), at) for at, value in inside]
    for x, y, _ in points:
        dot(x, y)
    for (x0, y0, t0), (x1, y1, t1) in pairwise(points):
        if t1 - t0 > gap(frame.end - t0):
            continue
        steps = max(abs(x1 - x0), abs(y1 - y0))
        for step in range(1, steps):
            dot(x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps)
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in cells]


def time_axis(frame: Frame, width: int) -> str:
    """Round hours (UTC) under the plot, or days where it shows more than two, as many as find room."""
    hours = (frame.end - frame.start) / 3600
    steps, form = ((1, 2, 3, 4, 6, 12, 24), "%H:%M") if hours <= 48 else ((24, 48, 72, 120, 168, 240), "%b %d")
    step = next((step for step in steps if hours / step * 8 <= width), steps[-1]) * 3600
    row = [" "] * width
    at = math.ceil(frame.start / step) * step
    while at <= frame.end:
        text = datetime.fromtimestamp(at, UTC).strftime(form)
        left = frame.column(at, width) - 2
        if 0 <= left <= width - len(text):
            row[left : left + len(text)] = text
        at += step
    return "".join(row).rstrip()


class Pen(NamedTuple):
    """How to draw: colours, and whether braille may be used."""

    palette: Palette
    ascii: bool = False


class Marks(NamedTuple):
    """Where the oracles spoke."""

    columns: frozenset[int] = frozenset()
    low: bool = False
    """There are so many that they are drawn at the bottom only."""

    @classmethod
    def of(cls, times: Iterable[float], frame: Frame, width: int) -> Self:
        columns = frozenset(frame.column(at, width) for at in times if frame.start <= at <= frame.end)
        return cls(columns, len(columns) * _CROWD > width)


def draw(
    pen: Pen,
    samples: Sequence[tuple[float, float]],
    lines: Sequence[Line],
    frame: Frame,
    size: tuple[int, int],
    *,
    updates: Iterable[float] = (),
) -> list[list[Piece]]:
    """The whole chart as lines of (width, height) cells: labels, levels, marks, curve, hours. Empty when too small."""
    width, height = size[0] - _AXIS, size[1] - 1
    if width < 8 or height < 2:
        return []
    curve = braille(samples, frame, width, height)
    marks = Marks.of(updates, frame, width)
    if pen.ascii:
        curve = ["".join(cell if cell == " " else "*" for cell in row) for row in curve]
    levels = {frame.row(line.value, height * 4) // 4: line for line in lines if frame.low <= line.value <= frame.high}
    labels = {0: frame.high, height - 1: frame.low} | {row: line.value for row, line in levels.items()}
    rows: list[list[Piece]] = []
    for index, cells in enumerate(curve):
        level = levels.get(index)
        style = pen.palette.style(level.variable if level else "muted")
        label = f"{labels[index]:5.2f} " if index in labels else " " * _AXIS
        marked = marks.columns if level is None and (index == height - 1 or not marks.low) else frozenset[int]()
        rows.append([(label, style), *_curve(cells, "╌" if level else " ", style, pen.palette, marked)])
    rows.append([(" " * _AXIS + time_axis(frame, width), pen.palette.style("muted"))])
    return rows


def _curve(cells: str, blank: str, level: Style, palette: Palette, marked: frozenset[int]) -> list[Piece]:
    """A row of the plot: the curve over the marks over the level."""
    looks = {"level": level, "mark": palette.style("faint"), "ink": palette.style("strong")}
    drawn = [
        ("ink", cell) if cell != " " else ("mark", MARK) if column in marked else ("level", blank)
        for column, cell in enumerate(cells)
    ]
    return [
        ("".join(cell for _, cell in run), looks[name])
        for name, run in ((name, list(group)) for name, group in groupby(drawn, lambda pair: pair[0]))
    ]


def chart(
    pen: Pen,
    samples: Sequence[tuple[float, float]],
    lines: Sequence[Line],
    now: float,
    size: tuple[int, int],
    *,
    span: Span = SPANS[0],
    updates: Iterable[float] = (),
) -> list[list[Piece]]:
    """The last hours or days; a sentence where nothing was recorded. `updates`: when the oracles spoke."""
    start = now - span.seconds
    recorded = [(at, value) for at, value in samples if start <= at <= now and not math.isnan(value)]
    if not recorded:
        return [[(f"nothing recorded in the last {span.title}", pen.palette.style("muted"))]]
    low, high = health_range([value for _, value in recorded], [line.value for line in lines])
    return draw(pen, recorded, lines, Frame(start, now, low, high), size, updates=updates)
