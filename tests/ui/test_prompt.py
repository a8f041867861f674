"""The line at the bottom: who leaves the terminal for a moment comes back to what was typed."""

from __future__ import annotations

import pytest
from textual import events

from liqtui.ui.state import SortBy
from tests.ui import frames
from tests.ui.stage import make, stage


async def test_leaving_the_terminal_keeps_the_line_and_what_was_typed() -> None:
    async with stage(make()) as pilot:
        await pilot.press("colon", *"add ")
        app = pilot.app
        app.post_message(events.AppBlur())
        await pilot.pause()
        assert app.screen.focused is None
        app.post_message(events.AppFocus())
        await pilot.pause()
        prompt = app.screen.query_one("Prompt")
        assert prompt.display
        await pilot.press("0", "x")
        assert app.screen.query_one("#prompt-input").value == "add 0x"  # type: ignore[attr-defined]
        await pilot.press("escape")
        assert not prompt.display


async def test_a_line_that_was_closed_meanwhile_swallows_no_key() -> None:
    """A multiplexer sends keys to a pane that nobody looks at."""
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", *"eth")
        app.post_message(events.AppBlur())
        await pilot.pause()
        app.dashboard.prompt.end()
        app.post_message(events.AppFocus())
        await pilot.pause()
        before = app.state.sort
        await pilot.press("s")
        assert (before, app.state.sort) == (SortBy.CUSHION, SortBy.SEVERITY)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
async def test_the_hint_gives_way_to_what_is_typed(width: int) -> None:
    address = "0x7F3cE0a1b2C3d4E5f60718293a4B5c6D7e8F91aE"
    app = make()
    async with stage(app, (width, 24)) as pilot:
        await pilot.press("colon", *"add ")
        await pilot.pause()
        line = frames.text(app).splitlines()[-1]
        assert line.startswith(" :add ")
        assert ":add [ADDRESS]" in line[6:]
        await pilot.press(*address)
        await pilot.pause()
        line = frames.text(app).splitlines()[-1]
        assert (address if width > 60 else address[-(width - 8) :]) in line


async def test_another_focus_gives_the_line_up() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", *"eth")
        app.screen.set_focus(None)
        await pilot.pause()
        assert not app.dashboard.prompt.open
        assert not app.state.filter.text
