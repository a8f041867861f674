"""Health over time in braille dots, on a range that does not follow the data's own noise.

The liquidation line is always in the picture, and nothing is drawn where nothing was recorded.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, Self

from liqtui.ui.course import DAY, Course, covered
from liqtui.ui.style import spans_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.ui.style import Palette
    from liqtui.ui.style import Span as Piece

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille bit by dot row and dot column of one cell."""
_AXIS = 6
"""Cells for the labels left of the plot, at least."""
MARK, UNREAD = "┆", "◌"
THRESHOLD, LIQUIDATION = "╌", "━"
"""How levels are drawn."""
_UNREAD_SHARE = 0.05
"""Of a column's time that is marked when nothing is known of it."""
_CROWD = 4
"""Marks in more than every fourth column would be a hatching: then they stand at the bottom only."""
MIN_SPAN = 0.10
"""Health between bottom and top is at least this, so that a flat line looks flat."""
MAX_HEALTH = 10.0
"""Health above is drawn at the top edge: "far away" needs no scale."""


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
    label: str = ""
    """The value in words, with all its digits."""
    stroke: str = THRESHOLD

    @property
    def name(self) -> str:
        return self.label or f"{self.value:.2f}"


def stroke_of(line: Line, *, plain: bool) -> str:
    """`plain`: with ASCII only, where all dashes look alike."""
    return "=" if plain and line.stroke == LIQUIDATION else line.stroke


def following(span: Span) -> Span:
    """What the key goes on to."""
    return SPANS[(SPANS.index(span) + 1) % len(SPANS)]


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


class Cell(NamedTuple):
    """One cell of the plot."""

    bits: int = 0
    """Braille dots; none where nothing is drawn."""
    lowest: float = math.inf
    """The least health that they stand for."""


def plot(runs: Iterable[Sequence[tuple[float, float]]], frame: Frame, width: int, height: int) -> list[list[Cell]]:
    """The curve in `height` rows of `width` cells. Only what was seen without a break is joined."""
    bits = [0] * (width * height)
    lowest = [math.inf] * (width * height)

    def dot(x: int, y: int, value: float) -> None:
        place = y // 4 * width + x // 2
        bits[place] |= _DOTS[y % 4][x % 2]
        lowest[place] = min(lowest[place], value)

    for run in runs:
        x0, y0, v0 = frame.column(run[0][0], width * 2), frame.row(run[0][1], height * 4), run[0][1]
        dot(x0, y0, v0)
        for at, v1 in run[1:]:
            x1, y1 = frame.column(at, width * 2), frame.row(v1, height * 4)
            steps = max(abs(x1 - x0), abs(y1 - y0))
            for step in range(1, steps):
                way = step / steps
                dot(x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps, v0 * (1 - way) + v1 * way)
            dot(x1, y1, v1)
            x0, y0, v0 = x1, y1, v1
    cells = [Cell(*cell) for cell in zip(bits, lowest, strict=True)]
    return [cells[row * width : (row + 1) * width] for row in range(height)]


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
    """What stands in which columns, besides the curve."""

    spoken: frozenset[int] = frozenset()
    """An oracle of the position spoke."""
    low: bool = False
    """There are so many of these that they are drawn at the bottom only."""
    unread: frozenset[int] = frozenset()
    """Some of the time is not known; at the bottom."""

    @classmethod
    def of(cls, updates: Iterable[float], told: Course, frame: Frame, width: int) -> Self:
        spoken = frozenset(frame.column(at, width) for at in updates if frame.start <= at <= frame.end)
        unread = covered(told.unread, width, frame.start, frame.end, _UNREAD_SHARE)
        return cls(spoken, len(spoken) * _CROWD > width, unread)

    def at(self, column: int, *, bottom: bool, level: bool) -> str:
        """The sign in a cell; empty where there is none. Few marks of oracles run behind levels, many over one."""
        if bottom and column in self.unread:
            return UNREAD
        drawn = bottom if self.low else not level
        return MARK if drawn and column in self.spoken else ""


def draw(
    pen: Pen,
    told: Course,
    lines: Sequence[Line],
    frame: Frame,
    size: tuple[int, int],
    *,
    updates: Iterable[float] = (),
) -> list[list[Piece]]:
    """The whole chart as lines of (width, height) cells: labels, levels, marks, curve, hours. Empty when too small."""
    height = size[1] - 1
    if height < 2:
        return []
    levels: dict[int, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.value):
        if frame.low <= line.value <= frame.high:
            levels.setdefault(frame.row(line.value, height * 4) // 4, []).append(line)
    labels = _labels(pen, levels, frame, height)
    axis = max(_AXIS, *(spans_width(label) + 1 for label in labels.values()))
    width = size[0] - axis
    if width < 8:
        return []
    marks = Marks.of(updates, told, frame, width)
    rows: list[list[Piece]] = []
    for index, cells in enumerate(plot(told.runs, frame, width, height)):
        found = levels.get(index)
        row = Row(cells, found[0] if found else None, index == height - 1)
        label = labels.get(index, [])
        pad = " " * (axis - 1 - spans_width(label))
        muted = pen.palette.style("muted")
        rows.append([(pad, muted), *label, (" ", muted), *_drawn(pen, row, lines, marks)])
    rows.append([(f"{'UTC':>{axis - 1}} {time_axis(frame, width)}", pen.palette.style("muted"))])
    return rows


class Row(NamedTuple):
    """A row of the plot."""

    cells: Sequence[Cell]
    level: Line | None
    """The lowest of those that run through it."""
    bottom: bool


def _labels(pen: Pen, levels: Mapping[int, Sequence[Line]], frame: Frame, height: int) -> dict[int, list[Piece]]:
    """By row: the edges, and each level. Of levels in one row both are said, of more the lowest and the highest."""
    muted = pen.palette.style("muted")
    made: dict[int, list[Piece]] = {0: [(f"{frame.high:.2f}", muted)], height - 1: [(f"{frame.low:.2f}", muted)]}
    for row, found in levels.items():
        ends = found if len(found) < 3 else [found[0], found[-1]]
        made[row] = [(line.name, pen.palette.style(line.variable)) for line in ends]
        if len(ends) == 2:
            made[row].insert(1, ("/" if len(found) == 2 else "–", muted))
    return made


def _drawn(pen: Pen, row: Row, lines: Iterable[Line], marks: Marks) -> list[Piece]:
    """The curve over the marks over the level; the curve in the colour of the lowest level that it is under."""
    level = row.level
    stroke = stroke_of(level, plain=pen.ascii) if level else " "
    ground = level.variable if level else "muted"
    made: list[tuple[str, str]] = []
    for column, cell in enumerate(row.cells):
        sign = marks.at(column, bottom=row.bottom, level=level is not None)
        if cell.bits:
            under = min((line for line in lines if cell.lowest < line.value), default=None)
            made.append((under.variable if under else "strong", "*" if pen.ascii else chr(0x2800 + cell.bits)))
        elif sign:
            made.append(("severity-blind" if sign == UNREAD else "faint", sign))
        else:
            made.append((ground, stroke))
    runs = ((name, list(group)) for name, group in groupby(made, lambda pair: pair[0]))
    return [("".join(sign for _, sign in run), pen.palette.style(name)) for name, run in runs]


def chart(
    pen: Pen,
    told: Course,
    lines: Sequence[Line],
    now: float,
    size: tuple[int, int],
    *,
    span: Span = SPANS[0],
    updates: Iterable[float] = (),
) -> list[list[Piece]]:
    """The last hours or days, of which `told` is the course; a sentence where nothing was recorded.

    `updates`: when the oracles spoke.
    """
    values = [value for _, value in told.points]
    if not values:
        return [[(f"nothing recorded in the last {span.title}", pen.palette.style("muted"))]]
    low, high = health_range((min(values), max(values)), [line.value for line in lines])
    return draw(pen, told, lines, Frame(now - span.seconds, now, low, high), size, updates=updates)
