"""A day of readings, and the box of the chart that is drawn from such."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from liqtui.ui.detail_chart import chart_box
from liqtui.ui.detail_view import View
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from tests.ui import scenes
from tests.ui.stage import make

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row
    from liqtui.ui.sheet import Box


NAN, INF = math.nan, math.inf


def minutes(*gone: range) -> list[tuple[float, float]]:
    """A day by the minute, with its silences as the history tells them; minutes before now."""
    found: list[tuple[float, float]] = []
    for back in range(1440, -1, -1):
        hidden = next((each for each in gone if back in each), None)
        at = scenes.NOW - 60 * back
        if hidden is None:
            found.append((at, 1.3))
        elif back in {hidden[0], hidden[-1]}:
            found.append((at, NAN))
    return found


def view(
    row: Row, samples: list[tuple[float, float]], updates: list[tuple[int, str]] | None = None, **more: object
) -> View:
    app = make(scenes.snapshot(rows=(row,)))
    return View(
        app.state,
        Palette(DEFAULT_VARIABLES),
        app.state.snapshot,
        row,
        samples,
        updates=updates or [],
        **more,  # type: ignore[arg-type]
    )


def box(row: Row, samples: list[tuple[float, float]], width: int = 38, **more: object) -> Box:
    return chart_box(view(row, samples, **more), width, 9)  # type: ignore[arg-type]
