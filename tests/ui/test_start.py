"""What the first frame does once only, and what it leaves for later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.css.stylesheet import Stylesheet

from liqtui.ui import theme
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.board import Board
from liqtui.ui.state import Settings
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    import pytest


def counted(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[object]:
    """Arguments of each call from now on."""
    calls: list[object] = []
    real = getattr(owner, name)

    def noted(self: object, *more: object) -> object:
        calls.append(more)
        return real(self, *more)

    monkeypatch.setattr(owner, name, noted)
    return calls


async def test_styles_are_parsed_again_for_another_theme_only(monkeypatch: pytest.MonkeyPatch) -> None:
    again = counted(monkeypatch, Stylesheet, "reparse")
    app = LiqtuiApp(StubEngine(), settings=Settings(theme="liqtui-light"))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert again == []
        assert app.screen.styles.background.hex.lower() == theme.LIGHT["canvas"]
        app.theme = "liqtui-dark"
        await pilot.pause()
        assert len(again) == 1
        assert app.screen.styles.background.hex.lower() == theme.DARK["canvas"]


async def test_panes_are_placed_once_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = counted(monkeypatch, Board, "fit_to")
    app = LiqtuiApp(StubEngine())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert placed == [(120, 36)]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert placed == [(120, 36), (80, 24)]
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert placed[2:] == [(120, 36)]


async def test_themes_that_are_not_in_use_are_read_after_the_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def more() -> list[theme.Theme]:
        order.append("themes")
        return [theme.make("plum", {"canvas": "#201020"})]

    painted = LiqtuiApp._display
    monkeypatch.setattr(LiqtuiApp, "_display", lambda *told: (order.append("frame"), painted(*told)))
    app = LiqtuiApp(StubEngine(), more_themes=more)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert order.count("themes") == 1
        assert order.index("frame") < order.index("themes")
        assert "plum" in app.host.themes()
