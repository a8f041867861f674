"""The line at the bottom: who leaves the terminal for a moment comes back to what was typed."""

from __future__ import annotations

from textual import events

from liqtui.ui.state import SortBy
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
        assert (before, app.state.sort) == (SortBy.CUSHION, SortBy.HEALTH)


async def test_another_focus_gives_the_line_up() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", *"eth")
        app.screen.set_focus(None)
        await pilot.pause()
        assert not app.dashboard.prompt.open
        assert not app.state.filter.text
