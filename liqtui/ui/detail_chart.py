"""The chart of the detail, and what its signs mean."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.units import WAD
from liqtui.ui import chart
from liqtui.ui.course import DAY, course
from liqtui.ui.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.ui.course import Course
    from liqtui.ui.detail_view import View

THINNED = 2 * DAY
"""Age from which the history keeps one update of a feed in each half hour."""
_FEW = "1 per ½h"


def chart_box(view: View, width: int, height: int) -> Box:
    thresholds = view.thresholds
    lines = [chart.Line(1.0, "severity-liquidatable", stroke=chart.LIQUIDATION)]
    for raw, variable in ((thresholds.critical, "severity-critical"), (thresholds.warn, "severity-warn")):
        if raw is not None:
            lines.append(chart.Line(raw / WAD, variable, fmt.threshold(raw)))
    pen = chart.Pen(view.palette, view.state.settings.ascii)
    times = [at for at, _ in view.updates]
    told = course(view.samples, view.now - view.span.seconds, view.now)
    drawn = chart.chart(pen, told, lines, view.now, (width, height), span=view.span, updates=times)
    return Box(view.span.title, drawn, right=_levels(view, lines, width), bottom=legend(view, told, width))


def _levels(view: View, lines: Sequence[chart.Line], width: int) -> str:
    """What the strokes are, and where the key leads to: as much as finds room."""
    plain = view.state.settings.ascii
    named = " ".join(line.name for line in lines[:0:-1])
    strokes = f"{chart.THRESHOLD} {named} " if named else ""
    strokes += f"{chart.stroke_of(lines[0], plain=plain)} {lines[0].name}"
    key = f"c {chart.following(view.span).title}"
    room = width - 5 - cell_len(view.span.title)
    return next((words for words in (f"{strokes} · {key}", strokes, key) if cell_len(words) <= room), "")


def legend(view: View, told: Course, width: int) -> str:
    """What the marks are, how many, and how much is not known: the most words that fit."""
    parts: list[tuple[str, ...]] = []
    if view.updates:
        count = len(view.updates)
        whole = view.span.seconds <= THINNED
        many = (
            (fmt.counted(count, "oracle update"), fmt.counted(count, "update"))
            if whole
            else ("oracle updates, 1 per ½h", "oracle, 1 per ½h")
        )
        parts.append(tuple(f"{chart.MARK} {words}" for words in many))
    unread = sum(until - since for since, until in told.unread)
    if unread:
        parts.append((f"{chart.UNREAD} not read {_rough(unread)}", f"{chart.UNREAD} {_rough(unread)}"))
    if told.free:
        parts.append((f"no debt {_rough(sum(until - since for since, until in told.free))}",))
    if told.begins is not None:
        parts.append((f"recorded since {(since := _moment(told.begins, view.now))}", f"since {since}"))
    for short in range(len(parts) + 1):
        words = " · ".join(part[-1] if place < short else part[0] for place, part in enumerate(parts))
        if cell_len(words) + 2 <= width:
            return words
    return ""


def _moment(at: float, now: float) -> str:
    """17:30 within a day, else Jun 30."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M" if now - at <= DAY else "%b %d")


def _rough(seconds: float) -> str:
    """12m, 2h05m, 17h, 3d: rounded up, since it is about what is not known."""
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 600:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = math.ceil(minutes / 60)
    return f"{hours}h" if hours <= 48 else f"{math.ceil(hours / 24)}d"
