"""What each key of the dashboard does; `test_pane_keys` has those that lead from pane to pane."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.config.store import WatchlistStore
from liqtui.core.snapshot import Severity
from liqtui.ui import clipboard
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.detail import PositionDetail
from liqtui.ui.state import Settings
from liqtui.ui.wallet_form import WalletForm
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, post, stage
from tests.ui.stub import StubEngine
from tests.ui.tapes import Tape

if TYPE_CHECKING:
    from pathlib import Path


def selected(app: LiqtuiApp) -> int:
    index = app.state.selected_index
    assert index is not None
    return index


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        (("j",), 1), (("down", "down"), 2), (("j", "k"), 0), (("k",), 0), (("G",), 19), (("end",), 19),
        (("G", "g"), 0), (("G", "j"), 19), (("pagedown",), 14), (("pagedown", "pageup"), 0), (("ctrl+d",), 7),
        (("G", "ctrl+u"), 12),
    ],
)  # fmt: skip
async def test_moving(keys: tuple[str, ...], place: int) -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press(*keys)
        assert selected(app) == place
        row = app.state.rows()[place]
        assert any(line.split("││")[-1].startswith("›") and row.label in line for line in frames.text(app).splitlines())


async def test_a_cursor_that_nobody_moved_stays_on_the_worst_and_one_that_was_moved_on_its_position() -> None:
    """While rows arrive at the start, and on a screen that is left alone, the worst must not be scrolled out."""
    late = scenes.ROWS[4:]
    app = make(scenes.snapshot(1, rows=late))
    async with stage(app) as pilot:
        assert selected(app) == 0
        await post(pilot, scenes.snapshot(2))
        assert selected(app) == 0
        assert "├─ treasury · aave-v3 eth" in frames.text(app)
        await pilot.press("j")
        await post(pilot, scenes.snapshot(3, rows=(*late, *scenes.ROWS[:4])))
        assert selected(app) == len(late) + 1
    app = make(scenes.snapshot(1, rows=late))
    async with stage(app) as pilot:
        await pilot.press("enter", "escape")
        await post(pilot, scenes.snapshot(2))
        assert selected(app) == 4, "it was opened, so it was meant"


async def test_the_preview_follows_the_cursor() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("j", "j")
        text = frames.text(app)
        assert "├─ cold-02 · aave-v3 pol" in text
        assert "not read       figures are 9m old · timeout: polygon did not answer" in text


async def test_an_unverified_figure_is_marked_and_the_preview_says_why() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press(*["j"] * 9)
        text = frames.text(app)
        assert "2.988≠" in text
        assert "unverified     contract says 1 wei less" in text


async def test_enter_opens_the_position_and_escape_returns() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("j", "enter")
        assert isinstance(app.screen, PositionDetail)
        assert app.screen.sheet.row is not None
        assert app.screen.sheet.row.key == scenes.ROWS[1].key
        await pilot.press("escape")
        assert app.screen is app.dashboard


async def test_escape_never_quits_and_q_does() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press(*["escape"] * 5)
        assert app.is_running
        await pilot.press("q")
        assert app.return_code == 0, "only who leaves has one: every pilot ends its app"
    assert engine_of(app).stopped == 1


async def test_control_c_leaves_the_second_time() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("ctrl+c")
        assert "once more leaves" in frames.text(app)
        app.state.clock.advance(3)  # type: ignore[attr-defined]
        await pilot.press("ctrl+c")
        assert app.return_code is None
        await pilot.press("ctrl+c")
        assert app.return_code == 0


async def test_control_q_leaves_while_typing() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", "a", "ctrl+q")
        assert app.return_code == 0


async def test_filter_narrows_while_typing_and_escape_shows_all() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", *"hf<1.2")
        await pilot.pause()
        assert len(app.state.rows()) == 3
        await pilot.press("enter")
        text = frames.text(app)
        assert "positions / hf<1.2" in text
        assert "3 of 20" in text
        assert "▲ 1 CRITICAL" in text.splitlines()[1]
        assert "● 16 OK" in text.splitlines()[1], "the verdict speaks of all positions"
        await pilot.press("escape")
        assert len(app.state.rows()) == 20


async def test_letters_typed_into_a_filter_are_not_commands() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("slash", "q", "a", "r")
        assert app.is_running
        assert engine_of(app).refreshed == 0
        assert app.state.filter.text == "qar"
        assert "nothing matches / qar" in frames.text(app)
        await pilot.press("escape", "r")
        assert engine_of(app).refreshed == 1


async def test_sort_and_reverse() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("s")
        assert "by severity ▴" in frames.text(app)
        await pilot.press("s")
        healths = [row.position.health.shown for row in app.state.rows() if row.position]
        assert healths == sorted(healths)
        await pilot.press("S")
        assert [row.position.health.shown for row in app.state.rows() if row.position] == sorted(healths, reverse=True)
        assert "by health ▾" in frames.text(app)


async def test_mark_and_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []

    monkeypatch.setattr(clipboard, "copy", lambda _, text: copied.append(text) or clipboard.Copied(True, None))
    app = make()
    async with stage(app) as pilot:
        await pilot.press("space", "space")
        assert app.state.marks == {scenes.ROWS[0].key, scenes.ROWS[1].key}
        assert "2 marked" in frames.text(app)
        await pilot.press("y")
        lines = copied[-1].splitlines()
        assert [line.split()[0] for line in lines] == ["treasury", "degen-1"]
        assert "HF 1.042" in lines[0]
        assert "ETH −4.3% at 2,308.5" in lines[0]
        await pilot.press("escape", "g", "Y")
        assert copied[-1] == scenes.WALLETS["treasury"].address


async def test_freeze_holds_the_list_but_not_verdict_and_alerts() -> None:
    app = make()
    calm = tuple(replace(row, severity=scenes.Severity.OK) for row in scenes.ROWS)
    newer = scenes.Alert(9, scenes.NOW + 5, scenes.Severity.CRITICAL, "threshold", "family spark eth", "HF 1.04")
    async with stage(app) as pilot:
        await pilot.press("f")
        changed = scenes.snapshot(2, rows=calm[:3], alerts=(newer, *scenes.ALERTS))
        await post(pilot, changed)
        text = frames.text(app)
        assert "FROZEN 14:02:11 · 1 new alert" in text.splitlines()[1]
        assert "● 2 OK   ◌ 1 OK~" in text.splitlines()[1]
        assert "1–14 of 20" in text
        assert "family spark eth" in text
        await pilot.press("f")
        assert "1–3 of 3" in frames.text(app)
        assert "FROZEN" not in frames.text(app)


async def test_a_frozen_list_says_so_where_there_is_hardly_room() -> None:
    each = tuple(Severity)
    app = make(
        scenes.snapshot(rows=tuple(replace(row, severity=each[n % 7]) for n, row in enumerate(scenes.many(7 * 88))))
    )
    async with stage(app, (40, 10)) as pilot:
        await pilot.press("f")
        await pilot.pause()
        assert "FROZEN" in frames.text(app).splitlines()[0]


async def test_keys_without_anything_to_act_on_say_so() -> None:
    app = make(scenes.snapshot(rows=(), alerts=()))
    async with stage(app) as pilot:
        for key, said in (
            ("y", "no position to copy"),
            ("Y", "no wallet here"),
            ("space", "no position here"),
            ("enter", "no position here"),
            ("a", "nothing to acknowledge"),
            ("A", "nothing to acknowledge"),
        ):
            await pilot.press(key)
            await pilot.pause()
            assert frames.text(app).splitlines()[-1].strip() == said, key


async def test_what_was_said_goes_away_with_the_next_command() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("colon", *"nonsense", "enter")
        assert "there is no" in frames.text(app).splitlines()[-1]
        await pilot.press("colon", *"wallet treasury", "enter")
        await pilot.pause()
        assert "there is no" not in frames.text(app)


async def test_refresh_asks_the_engine() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("r")
        assert engine_of(app).refreshed == 1
        assert "reading every chain now" in frames.text(app)


async def test_a_tape_is_not_said_to_be_read() -> None:
    app = LiqtuiApp(StubEngine(playback=Tape()), settings=Settings())
    async with stage(app) as pilot:
        await pilot.press("r")
        assert "a tape is playing: it has nothing newer" in frames.text(app)


async def test_keys_can_be_given_to_other_actions() -> None:
    app = make(keymap={"view.refresh": "n", "list.sort": "r"})
    async with stage(app) as pilot:
        assert "r sort" in frames.text(app).splitlines()[-1]
        await pilot.press("r")
        assert engine_of(app).refreshed == 0
        assert app.state.sort.value == "severity"
        await pilot.press("n")
        assert engine_of(app).refreshed == 1


async def test_tape_keys_mean_nothing_without_a_tape() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("p", "n", "full_stop", "less_than_sign")
        assert app.is_running
        assert app.screen is app.dashboard


async def test_command_line_runs_remembers_and_complains() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("colon", *"sort debt", "enter")
        assert app.state.sort.value == "debt"
        await pilot.press("colon", "up")
        assert app.dashboard.prompt.query_one("#prompt-input").value == "sort debt"  # type: ignore[attr-defined]
        await pilot.press("escape")
        await pilot.press("colon", *"nosuch", "enter")
        await pilot.pause()
        assert "there is no “nosuch”" in frames.text(app)
        assert app.is_running


async def test_tab_completes_a_command() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("colon", *"thr", "tab")
        entry = app.dashboard.prompt.query_one("#prompt-input")
        assert entry.value.startswith("threshold")  # type: ignore[attr-defined]


async def test_palette_lists_the_commands() -> None:
    app = make()
    async with stage(app) as pilot:
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert any("refresh" in title or "read" in title for title in titles)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert app.screen is not app.dashboard
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_help_is_one_key_away() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert "acknowledge" in frames.text(app)


async def test_mouse_selects_and_opens() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.click("#positions", offset=(10, 4))
        assert selected(app) == 2
        await pilot.click("#positions", offset=(10, 3), times=2)
        await pilot.pause()
        assert isinstance(app.screen, PositionDetail)


async def test_the_clock_ticks_only_when_asked() -> None:
    app = make(seconds=True)
    async with stage(app):
        assert "next 8s ▰▰▱  14:02:11Z" in frames.text(app)
        app.state.clock.advance(5)  # type: ignore[attr-defined]
        app.dashboard._tick()
        assert "next 3s ▱▱▱  14:02:16Z" in frames.text(app)


async def test_the_theme_changes_while_running_on_every_line() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("colon", *"theme liqtui-light", "enter")
        await pilot.pause()
        assert app.theme == "liqtui-light"
        canvas = app.palette.style().bgcolor
        grounds = {segment.style.bgcolor for strip in frames.strips(app) for segment in strip if segment.style}
        assert canvas in grounds
        assert len(grounds) == 2, "canvas and cursor"


async def test_adding_and_editing_open_their_dialogs(tmp_path: Path) -> None:
    spelled = {wallet.key: wallet.address for wallet in scenes.WALLETS.values()}
    store = WatchlistStore(tmp_path / "watchlist.toml", checksum=lambda address: spelled[address.lower()])
    store.load()
    store.add(*scenes.WALLETS.values())
    app = make(store=store)
    async with stage(app) as pilot:
        for key in ("plus", "e"):
            await pilot.press(key)
            await pilot.pause()
            assert isinstance(app.screen, WalletForm), key
            await pilot.press("escape")
            await pilot.pause()
            assert app.screen is app.dashboard
