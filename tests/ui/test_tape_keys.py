"""Keys while a tape plays, and that its silence is no alarm."""

from __future__ import annotations

import pytest

from liqtui.ui.app import LiqtuiApp
from tests.ui import frames, scenes
from tests.ui.stage import stage
from tests.ui.stub import StubEngine
from tests.ui.tapes import Tape


def short_tape() -> Tape:
    return Tape(index=5, frames=40, chapters=((0, "calm"), (20, "the crash")))


async def test_the_keys_of_a_tape() -> None:
    tape = short_tape()
    app = LiqtuiApp(StubEngine(playback=tape), clock=scenes.clock())
    async with stage(app) as pilot:
        assert "1/2 calm" in frames.text(app)
        await pilot.press("p")
        assert tape.paused
        await pilot.press("full_stop", "full_stop", "comma")
        assert tape.index == 6
        await pilot.press("greater_than_sign")
        assert tape.speed == 2
        await pilot.press("n")
        assert tape.index == 20
        await pilot.press("N", "p", "less_than_sign")
        assert (tape.index, tape.paused, tape.speed) == (0, False, 1)


@pytest.mark.parametrize("opening", [(), ("enter",)], ids=["list", "position"])
async def test_where_there_is_no_chapter_it_is_said(opening: tuple[str, ...]) -> None:
    tape = Tape(index=25, frames=40, chapters=((20, "the crash"),))
    app = LiqtuiApp(StubEngine(playback=tape), clock=scenes.clock())
    async with stage(app) as pilot:
        await pilot.press(*opening)
        await pilot.pause()
        await pilot.press("n")
        assert "no chapter after this place" in frames.text(app)
        await pilot.press("N", "N")
        assert tape.index == 20
        assert "no chapter before this place" in frames.text(app)


async def test_a_tape_may_be_silent() -> None:
    app = LiqtuiApp(StubEngine(playback=Tape(paused=True)), clock=scenes.clock())
    async with stage(app):
        app.state.clock.advance(3600)  # type: ignore[attr-defined]
        app._listen()
        assert "ENGINE" not in frames.text(app)
