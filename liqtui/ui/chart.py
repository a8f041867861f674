"""Health over time in braille dots, on a range that does not follow the data's own noise.

The liquidation line is always in the picture, and nothing is drawn where nothing was recorded.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille bit by dot row and dot column of one cell."""
_AXIS = 6
"""Cells for the labels left of the plot."""
MIN_SPAN = 0.10
"""Health between bottom and top is at least this, so that a flat line looks flat."""
MAX_HEALTH = 10.0
"""Health above is drawn at the top edge: "far away" needs no scale."""
GAP = 900.0
"""Seconds between two samples after which they are not joined."""


class Line(NamedTuple):
    """A level drawn across the plot."""

    value: float
    style: str


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


def braille(samples: Sequence[tuple[float, float]], frame: Frame, width: int, height: int, gap: float) -> list[str]:
    """`height` strings of `width` cells; a cell without dots is a space."""
    cells = [[0] * width for _ in range(height)]

    def dot(x: int, y: int) -> None:
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    inside = [(at, value) for at, value in samples if frame.start <= at <= frame.end and not math.isnan(value)]
    points = [(frame.column(at, width * 2), frame.row(value, height * 4), at) for at, value in inside]
    for x, y, _ in points:
        dot(x, y)
    for (x0, y0, t0), (x1, y1, t1) in pairwise(points):
        if t1 - t0 > gap:
            continue
        steps = max(abs(x1 - x0), abs(y1 - y0))
        for step in range(1, steps):
            dot(x0 + (x1 - x0) * step // steps, y0 + (y1 - y0) * step // steps)
    return ["".join(chr(0x2800 + bits) if bits else " " for bits in row) for row in cells]


def time_axis(frame: Frame, width: int) -> str:
    """Hours (UTC) under the plot, as many as find room."""
    count = max(1, min(6, width // 14))
    row = [" "] * width
    for index in range(count):
        share = (index + 0.5) / count
        at = frame.start + (frame.end - frame.start) * share
        text = datetime.fromtimestamp(at, UTC).strftime("%H:%M")
        left = min(max(round(share * width) - 2, 0), width - len(text))
        if left >= 0:
            row[left : left + len(text)] = text
    return "".join(row)[:width].rstrip()


def draw(
    samples: Sequence[tuple[float, float]],
    lines: Sequence[Line],
    frame: Frame,
    size: tuple[int, int],
    gap: float = GAP,
) -> list[Content]:
    """The whole chart as rows of (width, height) cells: labels, levels, curve, hours."""
    width, height = size[0] - _AXIS, size[1] - 1
    if width < 8 or height < 2:
        return []
    curve = braille(samples, frame, width, height, gap)
    levels = {frame.row(line.value, height * 4) // 4: line for line in lines if frame.low <= line.value <= frame.high}
    labels = {0: frame.high, height - 1: frame.low} | {row: line.value for row, line in levels.items()}
    rows: list[Content] = []
    for index, cells in enumerate(curve):
        label = f"{labels[index]:5.2f} " if index in labels else " " * _AXIS
        level = levels.get(index)
        parts: list[tuple[str, str]] = [(label, level.style if level else "$muted")]
        parts.extend(
            (("╌" if char == " " and level else char), level.style if char == " " and level else "$ink")
            for char in cells
        )
        rows.append(Content.assemble(*parts).simplify())
    rows.append(Content.styled(" " * _AXIS + time_axis(frame, width), "$muted"))
    return rows


class HealthChart(Widget):
    """Recorded health of one position. `show` gives it new samples; nothing is repainted when none changed."""

    DEFAULT_CSS = """
    HealthChart { height: 8; min-height: 3; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._state: tuple[tuple[tuple[float, float], ...], tuple[Line, ...], Frame] | None = None

    def show(self, samples: Sequence[tuple[float, float]], lines: Sequence[Line], start: float, end: float) -> None:
        """Samples are (unix time, health), oldest first, health as a plain number."""
        values = [value for at, value in samples if start <= at <= end]
        low, high = health_range(values, [line.value for line in lines])
        state = (tuple(samples), tuple(lines), Frame(start, end, low, high))
        if state != self._state:
            self._state = state
            self.refresh()

    def render(self) -> Content:
        if self._state is None or not self._state[0]:
            return Content.styled("nothing recorded yet", "$muted")
        samples, lines, frame = self._state
        return Content("\n").join(draw(samples, lines, frame, (self.size.width, self.size.height)))
