"""The alert log on its own screen: what is found, what is shown of an alert, and what its keys ask of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.core.snapshot import Alert, Delivery, DeliveryState, Severity, Snapshot
from liqtui.core.states import Level
from liqtui.ui.alert_filter import HELP, AlertFilter, Entry
from liqtui.ui.alert_parts import plain_text
from liqtui.ui.alert_screen import MUTE, SNOOZE, AlertScreen
from liqtui.ui.detail import PositionDetail
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from liqtui.config.store import WatchlistStore
    from liqtui.ui.app import LiqtuiApp

NOW = scenes.NOW
FACTS = (
    ("wallet", "0x7F3cE0a1b2C3d4E5f60718293a4B5c6D7e8F91aE"),
    ("health", "1.042"),
    ("health_before", "1.063"),
    ("threshold", "1.05"),
    ("boundary", "ETH 2,308.4"),
    ("repay", "277,181 USDC"),
)
FIRST = replace(
    scenes.ALERTS[0], level=Level.CRITICAL, positions=(scenes.ALERTS[0].position,), facts=FACTS, escalated=1
)
ALERTS = (FIRST, *scenes.ALERTS[1:])
DELIVERIES = (
    Delivery(5, "ntfy", DeliveryState.DELIVERED, 1, NOW - 12),
    Delivery(5, "ops-hook", DeliveryState.WAITING, 3, NOW - 5, NOW + 20, "HTTP 500"),
    Delivery(4, "ntfy", DeliveryState.DELIVERED, 1, NOW - 200),
    Delivery(4, "ops-hook", DeliveryState.FAILED, 9, NOW - 100, None, "connection refused"),
)


def evening(**changes: object) -> Snapshot:
    return scenes.snapshot(alerts=ALERTS, deliveries=DELIVERIES, **changes)  # type: ignore[arg-type]


def entries() -> list[Entry]:
    return [
        Entry(alert, tuple(d for d in DELIVERIES if d.alert == alert.id), NOW)
        for alert in (replace(ALERTS[0], snoozed_until=NOW + 60), *ALERTS[1:3], replace(ALERTS[3], over_at=NOW - 1))
    ]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [5, 4, 3, 2]),
        ("treasury", [5]),
        ("sev:crit", [5]),
        ("sev:warn", [5, 3]),
        ("sev:", []),
        ("277,181", [5]),
        ("0x7f3c", [5]),
        ("!treasury", [4, 3, 2]),
        ("kind:threshold", [5, 3]),
        ("kind:thr arb", [3]),
        ("level:critical", [5]),
        ("level:notice", [5, 4, 3, 2]),
        ("level:", []),
        ("level:loud", []),
        ("is:open", [5, 4, 3]),
        ("is:acked", [2]),
        ("is:over", [2]),
        ("is:snoozed", [5]),
        ("is:held", []),
        ("is:failed", [4]),
        ("is:", []),
        ("!is:open", [2]),
        ("channel:ops", [5, 4]),
        ("!", []),
    ],
)
def test_what_a_search_finds(text: str, ids: list[int]) -> None:
    wanted = AlertFilter(text)
    assert [entry.alert.id for entry in entries() if wanted.matches(entry)] == ids


def test_every_example_of_the_help_is_understood() -> None:
    assert all(AlertFilter(example).matches(entries()[0]) in {True, False} for example, _ in HELP)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(size: tuple[int, int]) -> None:
    app = make(evening())
    async with stage(app, size) as pilot:
        await pilot.press("l")
        await pilot.pause()
        frames.check(f"alerts-{size[0]}x{size[1]}", frames.text(app))


async def opened(app: LiqtuiApp, pilot: object) -> AlertScreen:
    await pilot.press("l")  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]
    assert isinstance(app.screen, AlertScreen)
    return app.screen


async def test_the_keys_ask_the_engine() -> None:
    app = make(evening())
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("j", "a")
        assert engine_of(app).acked == [4]
        await pilot.press("k", "z")
        await pilot.pause()
        assert engine_of(app).current.alerts[0].snoozed_until == NOW + SNOOZE
        assert screen.log_view.chosen is not None
        assert screen.log_view.chosen.snoozed
        assert "snzd" in frames.text(app)
        await pilot.press("z")
        await pilot.pause()
        assert not screen.log_view.chosen.snoozed
        await pilot.press("m")
        assert engine_of(app).muted == [(FIRST.position, NOW + MUTE)]
        await pilot.press("A")
        assert engine_of(app).acked == [4, None]


async def test_muting_again_lifts_it() -> None:
    app = make(evening(muted=((FIRST.position.lower(), NOW + 60),)))
    async with stage(app) as pilot:
        await opened(app, pilot)
        await pilot.press("m")
        assert engine_of(app).muted == [(FIRST.position, None)]


async def test_enter_goes_to_the_position_and_back() -> None:
    app = make(evening())
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, PositionDetail)
        assert app.screen.sheet.position_id == FIRST.position
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is screen
        await pilot.press("G", "enter")
        await pilot.pause()
        assert app.screen is screen, "an alert without a position opens nothing"
        assert "no position here" in frames.text(app)


async def test_search_narrows_while_typing_and_escape_shows_all() -> None:
    app = make(evening())
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("slash", *"arb")
        await pilot.pause()
        assert [entry.alert.id for entry in screen.log_view.entries()] == [3]
        await pilot.press("enter")
        await pilot.pause()
        assert "log / arb" in frames.text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert len(screen.log_view.entries()) == 5
        await pilot.press("o")
        assert [entry.alert.id for entry in screen.log_view.entries()] == [5, 4, 3]
        await pilot.press("o", "slash", *"arb", "enter", "o")
        await pilot.pause()
        assert "log / arb is:open" in frames.text(app), "what was searched for stays"
        await pilot.press("o")
        await pilot.pause()
        assert screen.log_view.filter.text == "arb"
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_the_cursor_stays_on_its_alert_when_newer_ones_come() -> None:
    app = make(evening())
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("j")
        newer = Alert(9, NOW, Severity.WARN, "threshold", "family spark eth", "HF 1.19")
        engine_of(app).post(replace(evening(), version=2, alerts=(newer, *ALERTS)))
        await pilot.pause()
        assert screen.log_view.chosen is not None
        assert screen.log_view.chosen.alert.id == 4


async def test_older_alerts_than_the_snapshot_holds_are_fetched() -> None:
    app = make(evening())
    old = tuple(Alert(-n, NOW - 90_000 - n, Severity.OK, "opened", f"old {n}", "was there") for n in range(1, 40))
    engine_of(app).archive = old
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("G")
        await pilot.pause()
        assert len(screen.log_view.entries()) == 44
        assert screen.log_view.chosen is not None
        assert screen.log_view.chosen.alert.id == -39
        await pilot.press("slash", *"old !cold", "enter")
        await pilot.pause()
        assert len(screen.log_view.entries()) == 39


async def test_hostile_text_stays_text() -> None:
    bad = replace(FIRST, title="\x1b[31m[red]x", text="[bold]\x07 evil\nline", facts=(("a\x1bb", "[link]"),))
    app = make(scenes.snapshot(alerts=(bad,)))
    async with stage(app) as pilot:
        await opened(app, pilot)
        shown = frames.text(app)
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "[bold]" in shown


def several(count: int) -> Alert:
    """About so many positions, with a line for each."""
    ids = tuple(f"{row.id}{place}" for place in range(count) for row in scenes.ROWS[:1])
    lines = tuple((name, f"position {place} · no data for 3m · repay {place} USDC") for place, name in enumerate(ids))
    return replace(FIRST, position=ids[0], positions=ids, facts=(("positions", str(count)), ("cause", "http"), *lines))


@pytest.mark.parametrize("size", [(120, 36), (40, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_of_an_alert_about_many_all_is_shown_or_said_to_be_missing(size: tuple[int, int]) -> None:
    app = make(scenes.snapshot(alerts=(several(30),), deliveries=DELIVERIES))
    async with stage(app, size) as pilot:
        await opened(app, pilot)
        text = frames.text(app)
        assert "raised" in text, "what became of it stands before what is long"
        assert "each    position 0 · no data for 3m" in text
        assert "31337:" not in text
        assert "more lines" in text
        assert "y copies all" in text


async def test_of_an_alert_about_a_few_nothing_is_missing() -> None:
    app = make(scenes.snapshot(alerts=(several(3),), deliveries=DELIVERIES))
    async with stage(app) as pilot:
        await opened(app, pilot)
        text = frames.text(app)
        assert all(f"position {place} · no data for 3m · repay {place} USDC" in text for place in range(3))
        assert "more lines" not in text


async def test_rules_of_a_wallet_that_is_not_watched_any_more_are_not_opened(store: WatchlistStore) -> None:
    """Its positions are still in the snapshot for a moment, or in what is frozen."""
    store.remove(scenes.WALLETS["treasury"].address)
    app = make(evening(), store=store)
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        assert app.screen is screen
        assert screen.keys.said == "its wallet is not watched any more"


def test_copied_text_has_all_figures() -> None:
    text = plain_text(Entry(FIRST, DELIVERIES[:2], NOW))
    assert "critical treasury aave-v3 eth" in text
    assert "repay 277,181 USDC or add" in text
    assert "health_before: 1.063" in text
    assert "ops-hook: waiting, HTTP 500" in text


async def test_between_the_newest_and_an_old_one_that_still_stands_nothing_is_left_out() -> None:
    every = tuple(Alert(n, NOW - 100 + n, Severity.OK, "opened", f"row {n}", "was there") for n in range(30, 0, -1))
    app = make(scenes.snapshot(alerts=(*every[:3], every[19])))
    engine_of(app).archive = every[3:]
    async with stage(app) as pilot:
        screen = await opened(app, pilot)
        await pilot.press("G")
        await pilot.pause()
        assert [entry.alert.id for entry in screen.log_view.entries()] == list(range(30, 0, -1))
