"""An app on a stub engine, for pilots."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from liqtui.ui.app import LiqtuiApp
from liqtui.ui.state import Settings
from tests.ui import scenes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

    from liqtui.core.snapshot import Snapshot


def make(shown: Snapshot | None = None, *, store: Any = None, **settings: Any) -> LiqtuiApp:
    engine = scenes.StubEngine(shown if shown is not None else scenes.snapshot())
    return LiqtuiApp(engine, store, Settings(chain_tags=scenes.TAGS, **settings), clock=scenes.clock())


def engine_of(app: LiqtuiApp) -> scenes.StubEngine:
    assert isinstance(app.state.engine, scenes.StubEngine)
    return app.state.engine


@asynccontextmanager
async def stage(app: LiqtuiApp, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Pilot[None]]:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot


async def post(pilot: Pilot[None], newest: Snapshot) -> None:
    """Publish, and wait until it is painted."""
    app = pilot.app
    assert isinstance(app, LiqtuiApp)
    engine_of(app).post(newest)
    await pilot.pause()
