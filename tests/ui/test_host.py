"""What the command line can ask of the app, and how it says no."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from liqtui.config.store import WatchlistStore


async def test_wishes_are_met() -> None:
    app = make()
    async with stage(app) as pilot:
        host = app.host
        host.go_to(4)
        assert app.state.selected == scenes.ROWS[3].key
        host.filter_by("hf<1.2")
        assert len(app.state.rows()) == 3
        host.filter_by("")
        host.narrow(scenes.WALLETS["family"].key)
        assert {row.label for row in app.state.rows()} == {"family"}
        host.narrow(None)
        host.sort_by("wallet")
        assert [row.label for row in app.state.rows()] == sorted(row.label for row in scenes.ROWS)
        host.toggle_freeze()
        assert app.state.frozen is not None
        host.read_now()
        assert engine_of(app).refreshed == 1
        host.acknowledge(every=False)
        host.acknowledge(every=True)
        assert engine_of(app).acked[-1] is None
        assert "liqtui-light" in host.themes()
        host.leave()
        await pilot.pause()
    assert not app.is_running


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("goto 99", "there are rows 1 to 20"),
        ("sort nothing", "sort by “cushion”"),
        ("theme nothing", "theme"),
        ("wallet nobody", "nobody"),
        ("frobnicate", "there is no “frobnicate”"),
    ],
)
async def test_what_cannot_be_is_said_at_the_bottom(line: str, answer: str) -> None:
    app = make()
    async with stage(app) as pilot:
        app.host.execute(line)
        await pilot.pause()
        assert answer in frames.text(app).splitlines()[-1]


async def test_no_row_has_a_number_in_an_empty_list() -> None:
    app = make()
    async with stage(app) as pilot:
        app.host.execute("filter zzz")
        app.host.execute("goto 1")
        await pilot.pause()
        assert "the list is empty" in frames.text(app).splitlines()[-1]


@pytest.mark.parametrize("keys", [(), ("question_mark",), ("plus",), ("slash", "x"), ("enter",), ("l", "slash")])
async def test_the_first_ctrl_c_is_answered_wherever_it_is_pressed(
    keys: tuple[str, ...], store: WatchlistStore
) -> None:
    app = make(store=store)
    async with stage(app) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert "ctrl+c once more leaves" in frames.text(app).splitlines()[-1]


async def test_every_palette_entry_that_can_stand_alone_does_something() -> None:
    app = make()
    async with stage(app):
        entries = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"freeze", "refresh", "sort debt", "theme liqtui-light"} <= set(entries)
        entries["sort debt"].callback()
        assert app.state.sort.value == "debt"
        values = [row.position.debt_value for row in app.state.rows() if row.position and row.position.debt_value]
        assert values == sorted(values, reverse=True)
