"""The detail of a position as the tests of it open it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.ui.detail import PositionDetail, document
from liqtui.ui.detail_view import View
from liqtui.ui.detail_ways import rescue_for
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from tests.ui import lookalikes, scenes
from tests.ui.stage import engine_of, make

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from liqtui.core.model import Position
    from liqtui.core.snapshot import Row
    from liqtui.ui.app import LiqtuiApp

SIZES = [(120, 36), (80, 24), (40, 10)]


def recorded() -> list[tuple[float, float]]:
    """A day that falls, with an hour in which nothing was read."""
    return [
        (scenes.NOW - 86_400 + i * 300, 1.109 - 0.06 * i / 288 + 0.008 * math.sin(i / 9))
        for i in range(288)
        if not 120 < i < 132
    ]


def app_with(*rows: Row, **settings: object) -> LiqtuiApp:
    alerts = tuple(lookalikes.alert(rows[0].id, n) for n in (1, 2)) if rows else scenes.ALERTS
    app = make(scenes.snapshot(rows=rows or scenes.ROWS, alerts=alerts), **settings)
    engine_of(app).recorded = recorded()
    return app


async def opened(pilot: Pilot[None]) -> PositionDetail:
    await pilot.press("enter")
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, PositionDetail)
    return screen


def view_of(row: Row, **settings: object) -> View:
    app = app_with(row, **settings)
    position, targets = row.position, app.state.settings.targets
    ways = rescue_for(position, targets) if position else ()
    return View(app.state, Palette(DEFAULT_VARIABLES), app.state.snapshot, row, recorded(), ways)


def whole(row: Row, width: int = 120) -> str:
    """All lines of the detail of a row."""
    return (
        "\n".join("".join(segment.text for segment in strip).rstrip() for strip in document(view_of(row), width)) + "\n"
    )


def elsewhere(position: Position | None) -> Position:
    """The same loan at a protocol that knows no categories."""
    assert position is not None
    return replace(position, key=position.key._replace(protocol="compound-v3"))
