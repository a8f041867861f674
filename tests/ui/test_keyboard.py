"""Keys that arrive in one packet: each is handled as if the person had waited for the one before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from textual import events
from textual.widgets import TextArea

from liqtui.ui import keyboard
from liqtui.ui.detail import PositionDetail
from liqtui.ui.wallet_form import WalletForm
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.ui.app import LiqtuiApp

NAMES = {
    "\r": "enter",
    ":": "colon",
    "/": "slash",
    " ": "space",
    "-": "minus",
    "\x1b": "escape",
    "\t": "tab",
    "+": "plus",
}


def burst(app: LiqtuiApp, typed: str) -> None:
    """What the driver does with one packet: all its keys before the app has seen the first."""
    for character in typed:
        key = events.Key(NAMES.get(character, character), character)
        key.set_sender(app)
        app.post_message(key)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not come true")


def idle(app: LiqtuiApp) -> bool:
    return app._keyboard._since is None and app._message_queue.empty()


async def test_a_command_and_what_follows_it() -> None:
    app = make()
    async with stage(app):
        burst(app, ":theme liqtui-light\rjjj")
        await until(lambda: idle(app))
        assert app.state.selected_index == 3
        assert app.theme == "liqtui-light"
        assert not app.dashboard.prompt.open
        assert app.host.registry.history == ["theme liqtui-light"]


async def test_a_filter_keeps_its_letters() -> None:
    app = make()
    async with stage(app):
        burst(app, "/treasury\r")
        await until(lambda: idle(app))
        assert not app.dashboard.prompt.open
        assert app.state.filter.text == "treasury"
        engine = engine_of(app)
        assert (engine.refreshed, engine.acked) == (0, [])  # what its letters would do as shortcuts


async def test_shortcuts_act_in_order() -> None:
    """As if each had been waited for."""
    typed = "jjjkGgj/bl\x1bj"
    slow, fast = make(), make()
    async with stage(slow) as pilot:
        for character in typed:
            await pilot.press(NAMES.get(character, character))
    async with stage(fast):
        burst(fast, typed)
        await until(lambda: idle(fast))
    assert fast.state.selected_index == slow.state.selected_index != 0
    assert (fast.state.filter.text, fast.dashboard.prompt.open) == ("", False)


async def test_a_screen_that_is_opened_gets_the_rest() -> None:
    app = make()
    async with stage(app):
        burst(app, "jd")
        await until(lambda: isinstance(app.screen, PositionDetail))
        burst(app, "\x1b+0xabc")
        await until(lambda: isinstance(app.screen, WalletForm) and idle(app))
        assert isinstance(app.focused, TextArea)
        assert app.focused.text == "0xabc"


async def test_what_is_pasted_waits_as_well() -> None:
    app = make()
    async with stage(app):
        burst(app, "/")
        app.post_message(events.Paste("cold"))
        burst(app, "-01\r")
        await until(lambda: idle(app))
        assert not app.dashboard.prompt.open
        assert app.state.filter.text == "cold-01"


async def test_a_key_that_never_ends_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyboard, "_PATIENCE", 0.0)
    app = make()
    async with stage(app):
        monkeypatch.setattr(app._keyboard, "_climb", lambda *_: None)
        burst(app, "jj")
        await until(lambda: app.state.selected_index == 2)
