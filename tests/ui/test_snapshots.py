"""How snapshots reach the screen: newest wins, one repaint, only what differs, the cursor on its position."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.core.model import Asset
from liqtui.core.snapshot import Ages, Freshness, Severity
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.lines import LineView
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, post, stage

if TYPE_CHECKING:
    from textual.geometry import Region

    from liqtui.core.snapshot import Row


@pytest.fixture
def repaints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Region, ...]]]:
    """(widget id, regions) of every refresh that a pane asks for; no regions mean all of it."""
    asked: list[tuple[str, tuple[Region, ...]]] = []
    refresh = LineView.refresh

    def recorded(self: LineView, *regions: Region, **options: bool) -> LineView:
        asked.append((self.id or "", regions))
        return refresh(self, *regions, **options)

    monkeypatch.setattr(LineView, "refresh", recorded)
    return asked


def healthier(row: Row, by: int) -> Row:
    """The same position with `by` thousandths more health."""
    assert row.position is not None
    raw = (row.position.health.raw or 0) + by * 10**15
    return replace(row, position=replace(row.position, health=row.position.health._replace(raw=raw, reported=raw)))


async def test_a_posted_snapshot_is_shown() -> None:
    app = make()
    async with stage(app) as pilot:
        await post(pilot, scenes.snapshot(2, rows=scenes.ROWS[3:5]))
        text = frames.text(app)
        assert "1–2 of 2" in text
        assert "degen-1  comp-v3" not in text


async def test_the_same_figures_again_repaint_nothing(repaints: list[tuple[str, tuple[Region, ...]]]) -> None:
    app = make()
    async with stage(app) as pilot:
        repaints.clear()
        await post(pilot, scenes.snapshot(2))
        assert repaints == []


async def test_one_figure_repaints_its_cells_only(repaints: list[tuple[str, tuple[Region, ...]]]) -> None:
    app = make()
    async with stage(app) as pilot:
        repaints.clear()
        rows = (*scenes.ROWS[:4], healthier(scenes.ROWS[4], 1), *scenes.ROWS[5:])
        await post(pilot, scenes.snapshot(2, rows=rows))
        assert [name for name, _ in repaints] == ["positions"]
        (region,) = repaints[0][1]
        assert region.height == 1
        assert region.width < 8


async def test_rows_out_of_sight_repaint_nothing(repaints: list[tuple[str, tuple[Region, ...]]]) -> None:
    app = make()
    async with stage(app) as pilot:
        repaints.clear()
        await post(pilot, scenes.snapshot(2, rows=(*scenes.ROWS[:19], healthier(scenes.ROWS[19], 5))))
        assert repaints == []


async def test_a_backlog_of_any_size_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make()
    taken: list[int] = []
    accept = type(app.state).accept
    monkeypatch.setattr(
        type(app.state), "accept", lambda self, newest: (taken.append(newest.version), accept(self, newest))
    )
    async with stage(app) as pilot:
        taken.clear()
        engine = engine_of(app)

        def flood() -> None:
            for version in range(2, 502):
                engine.post(scenes.snapshot(version))

        thread = threading.Thread(target=flood)
        thread.start()
        thread.join()  # this blocks the loop, as a stalled terminal does
        await pilot.pause()
        assert taken == [501]


async def test_the_cursor_stays_on_its_position_when_the_order_changes() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("j", "j", "j")
        key = scenes.ROWS[3].key
        await post(pilot, scenes.snapshot(2, rows=tuple(reversed(scenes.ROWS))))
        assert app.state.selected == key
        assert app.state.selected_index == 16
        cursor = [line for line in frames.text(app).splitlines() if "││›" in line]
        assert len(cursor) == 1
        assert "treasury morpho base" in cursor[0]


async def test_a_position_that_is_gone_hands_the_cursor_to_its_neighbour() -> None:
    app = make()
    async with stage(app) as pilot:
        await pilot.press("j", "j", "j")
        await post(pilot, scenes.snapshot(2, rows=scenes.ROWS[:3] + scenes.ROWS[4:]))
        assert app.state.selected == scenes.ROWS[4].key
        await post(pilot, scenes.snapshot(3, rows=scenes.ROWS[:2]))
        assert app.state.selected == scenes.ROWS[1].key
        await post(pilot, scenes.snapshot(4, rows=()))
        await post(pilot, scenes.snapshot(5))
        assert app.state.selected == scenes.ROWS[1].key, "what comes back is still selected"


async def test_ten_thousand_rows() -> None:
    app = make(scenes.snapshot(rows=scenes.many(10_000)))
    async with stage(app) as pilot:
        assert "1–14 of 10,000" in frames.text(app)
        await pilot.press("G")
        assert "9,987–10,000 of 10,000" in frames.text(app)
        assert app.state.selected == app.state.rows()[-1].key
        grid = app.dashboard.positions
        assert len(grid._strips) < 200, "only what was seen was drawn"
        await post(pilot, scenes.snapshot(2, rows=tuple(reversed(scenes.many(10_000)))))
        assert app.state.selected_index == 0
        await pilot.press("slash", *"hf<1.1")
        await pilot.pause()
        assert len(app.state.rows()) == 500


async def test_a_silent_engine_takes_over_the_verdict() -> None:
    app = make()
    async with stage(app) as pilot:
        app.state.clock.advance(8 + 89)  # type: ignore[attr-defined]
        app._listen()
        assert "CRITICAL" in frames.text(app).splitlines()[1]
        app.state.clock.advance(100)  # type: ignore[attr-defined]
        app._listen()
        await pilot.pause()
        assert "ENGINE SILENT for 3m" in frames.text(app).splitlines()[1]
        await post(pilot, scenes.snapshot(2))
        assert "CRITICAL" in frames.text(app).splitlines()[1]


async def test_an_engine_that_stands_still_is_asked_for_it_calls_nobody() -> None:
    app = make()
    async with stage(app) as pilot:
        stub = engine_of(app)
        fine = stub.current
        stub.current = fine.abandoned("the engine has not moved since 10:00:00Z")
        app._listen()
        await pilot.pause()
        lines = frames.text(app).splitlines()
        assert "ENGINE DEAD  the engine has not moved since 10:00:00Z" in lines[1]
        assert any("treasury" in line and "~" in line for line in lines)
        stub.current = fine
        app._listen()
        await pilot.pause()
        assert "CRITICAL" in frames.text(app).splitlines()[1]


async def test_a_stale_row_in_danger_keeps_its_alarming_glyph() -> None:
    stale = replace(scenes.ROWS[0], freshness=Freshness.STALE)
    calm = replace(scenes.ROWS[4], freshness=Freshness.STALE, severity=Severity.OK)
    app = make(scenes.snapshot(rows=(stale, calm)))
    async with stage(app, (80, 24)):
        first, second = (line for line in frames.text(app).splitlines() if "~" in line and "σ" in line and "│" in line)
        assert "▲ treasury" in first
        assert "◌ degen-1" in second


async def test_unknown_is_never_a_number() -> None:
    row = replace(scenes.ROWS[0], position=None, cushion=None, sigmas=None, trend=None, severity=Severity.UNKNOWN,
                  freshness=Freshness.BLIND, ages=Ages(None, None, None), error="never read")  # fmt: skip
    app = make(scenes.snapshot(rows=(row,), alerts=()))
    async with stage(app):
        line = next(line for line in frames.text(app).splitlines() if "││›" in line)
        assert not any(char.isdigit() for char in line.split("││")[1].replace("aave-v3", ""))
        assert "? treasury" in line
        assert "never read" in frames.text(app)


HOSTILE = "\x1b[31m[red]E\u202eTH\u200b\n\x07代币[/]"


async def test_hostile_symbols_cannot_style_or_shift() -> None:
    """Symbols and labels come cleaned; should one slip through, it still stays in its cells."""
    row = scenes.ROWS[0]
    assert row.position is not None
    assert row.cushion is not None
    leg = row.position.legs[0]._replace(asset=Asset("0x" + "11" * 20, HOSTILE, 18))
    evil = replace(
        row, label=HOSTILE, error=HOSTILE, cushion=replace(row.cushion, label=HOSTILE),
        position=replace(row.position, legs=(leg, *row.position.legs[1:]), book=None),
    )  # fmt: skip
    wallet = replace(scenes.WALLETS["treasury"], label=HOSTILE)
    feed = ("ethereum", scenes.FEEDS[0][1]._replace(label=HOSTILE))
    alert = replace(scenes.ALERTS[0], title=HOSTILE, text=HOSTILE)
    app = make(
        scenes.snapshot(rows=(evil, scenes.ROWS[1]), wallets=(wallet,), feeds=(feed,), alerts=(alert,), engine_error="")
    )
    async with stage(app) as pilot:
        text = frames.text(app)
        for forbidden in "\x1b\x07\u202e\u200b":
            assert forbidden not in text
        assert {strip.cell_length for strip in frames.strips(app)} == {120}
        assert "[red]" in text, "markup is text"
        rows = [line for line in text.splitlines() if "comp-v3 arb" in line]
        assert rows[0].endswith("·│")
        await pilot.press("enter")
        await pilot.pause()
        assert not set(frames.text(app)) & set("\x1b\x07\u202e\u200b")


async def test_without_a_watchlist_wallet_the_engine_is_still_started_after_the_first_frame() -> None:
    app = make(scenes.snapshot(wallets=(), rows=(), alerts=()))
    async with stage(app):
        assert engine_of(app).started == 1
        assert isinstance(app, LiqtuiApp)
        assert "no wallets yet" in frames.text(app)
