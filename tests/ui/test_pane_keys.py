"""Keys that lead from pane to pane, and those that mean something else in another than the list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.ui import clipboard
from liqtui.ui.detail import PositionDetail
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from liqtui.ui.app import LiqtuiApp


def selected(app: LiqtuiApp) -> int:
    index = app.state.selected_index
    assert index is not None
    return index


async def test_in_the_wallets_pane_the_address_is_that_under_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of one that has no position."""
    copied: list[str] = []

    def copy(app: object, text: str) -> clipboard.Copied:
        del app
        copied.append(text)
        return clipboard.Copied(sent=True, path=None)

    monkeypatch.setattr(clipboard, "copy", copy)
    app = make()
    async with stage(app) as pilot:
        await pilot.press("2", "G")
        await pilot.pause()
        await pilot.press("Y")
        assert copied == [scenes.WALLETS["ops-safe"].address]


async def test_an_alert_about_several_is_acknowledged_from_any_of_them() -> None:
    several = replace(scenes.ALERTS[2], positions=(scenes.ROWS[1].id, scenes.ROWS[4].id), position=scenes.ROWS[1].id)
    app = make(scenes.snapshot(alerts=(*scenes.ALERTS[:2], several, *scenes.ALERTS[3:])))
    async with stage(app) as pilot:
        await pilot.press("j", "j", "j", "j", "a")
        assert app.state.selected == scenes.ROWS[4].key
        assert engine_of(app).acked == [several.id]


async def test_acknowledge_takes_the_selected_positions_alert_then_the_newest() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("j", "a")
        assert engine_of(app).acked == [3]
        await pilot.pause()
        await pilot.press("G", "a")
        assert engine_of(app).acked == [3, 5]
        await pilot.pause()
        assert "1 unacked" in frames.text(app)
        await pilot.press("A")
        await pilot.pause()
        assert engine_of(app).acked[-1] is None
        assert "all acked" in frames.text(app)
        await pilot.press("a")
        assert "nothing to acknowledge" in frames.text(app)


async def test_the_cursor_of_the_alerts_decides_what_is_acknowledged_and_opened() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("3", "j", "a")
        assert engine_of(app).acked == [4]
        await pilot.press("enter")
        assert isinstance(app.screen, PositionDetail)
        assert app.screen.sheet.row is not None
        assert app.screen.sheet.row.key == scenes.ROWS[2].key


async def test_choosing_a_wallet_narrows_the_list() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("2", "j")
        await pilot.pause()
        assert {row.label for row in app.state.rows()} == {"treasury"}
        assert "positions ▸ treasury" in frames.text(app)
        await pilot.press("enter")
        assert app.dashboard.active == "positions"
        await pilot.press("escape")
        assert len(app.state.rows()) == 20


async def test_what_stands_above_is_seen_again_after_another_pane_had_all_the_room() -> None:
    app = make()
    async with stage(app, (40, 10)) as pilot:
        await pilot.press("j", "j", "w")
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        assert app.dashboard.positions.top == 0
        assert "treasury" in frames.text(app).splitlines()[1]


async def test_wallets_open_on_a_narrow_terminal() -> None:
    app = make()
    async with stage(app, (80, 24)) as pilot:
        assert "╭─ wallets" not in frames.text(app)
        await pilot.press("w")
        text = frames.text(app)
        assert "╭─ wallets" in text
        assert "╭─ positions" not in text
        assert "▲1" in text.splitlines()[0]
        await pilot.press("escape")
        assert "╭─ positions" in frames.text(app)


@pytest.mark.parametrize(("key", "pane"), [("1", "positions"), ("2", "wallets"), ("3", "alerts"), ("4", "prices")])
async def test_panes_by_number_and_zoom(key: str, pane: str) -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press(key)
        assert app.dashboard.active == pane
        assert app.dashboard.plan.zoom == ""
        await pilot.press("z")
        assert app.dashboard.plan.zoom == pane
        assert frames.text(app).count("╭") == 1
        await pilot.press("z")
        assert app.dashboard.plan.zoom == ""


async def test_tab_goes_round() -> None:
    app = make()
    async with stage(app) as pilot:
        seen = []
        for _ in range(4):
            await pilot.press("tab")
            seen.append(app.dashboard.active)
        assert seen == ["wallets", "alerts", "prices", "positions"]
        await pilot.press("shift+tab")
        assert app.dashboard.active == "prices"


async def test_an_alert_without_a_position_opens_nothing() -> None:
    orphan = replace(scenes.ALERTS[0], position="")
    app = make(scenes.snapshot(alerts=(orphan,)))
    async with stage(app) as pilot:
        await pilot.press("3", "enter")
        assert app.screen is app.dashboard
        assert "no position here" in frames.text(app)
