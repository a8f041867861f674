"""An app on a stub engine, for pilots."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from liqtui.ui.app import LiqtuiApp
from liqtui.ui.state import Settings
from tests.ui import scene_rows, scenes
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

    from liqtui.core.snapshot import Snapshot


def make(shown: Snapshot | None = None, *, store: Any = None, **settings: Any) -> LiqtuiApp:
    engine = StubEngine(shown if shown is not None else scenes.snapshot())
    return LiqtuiApp(engine, store, Settings(chain_tags=scene_rows.TAGS, **settings), clock=scenes.clock())


def engine_of(app: LiqtuiApp) -> StubEngine:
    assert isinstance(app.state.engine, StubEngine)
    return app.state.engine


@asynccontextmanager
async def stage(app: LiqtuiApp, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[None]]:
    app.animation_level = "none"  # as `cli.terminal` has it
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def post(pilot: Pilot[None], newest: Snapshot) -> None:
    """Publish, and wait until it is painted."""
    app = pilot.app
    assert isinstance(app, LiqtuiApp)
    engine_of(app).post(newest)
    await pilot.pause()
