"""The rule editor: what it shows, what it tries, what it saves, and what it refuses."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input, Static

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.core.rehearse import Point, Rehearsal, Said
from liqtui.core.rules import Rules
from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.ui import rule_form
from liqtui.ui.rule_fields import SHAPES, read, text_of, toml
from liqtui.ui.rule_form import RuleForm
from liqtui.ui.rule_preview import NOTHING_BUT_HEALTH, limits, told
from liqtui.ui.wallet_book import NOT_HERE
from liqtui.ui.wallet_entries import FieldError
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from textual.pilot import Pilot

    from liqtui.ui.app import LiqtuiApp

NOW = scenes.NOW
HISTORY = [
    Point(NOW - 20 * 86_400 + n * 3600, round(health * WAD), distance)
    for n, (health, distance) in enumerate([(1.4, -0.3), (1.15, -0.13), (1.4, -0.3), (1.32, -0.25), (1.45, -0.3)])
]


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    made = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    made.add(*(replace(wallet, address=checksum(wallet.key)) for wallet in scenes.WALLETS.values()))
    return made


async def tried(pilot: Pilot[None]) -> None:
    """Let the thread that tries the rules come to its end."""
    await pilot.pause()
    while any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.pause(0.01)
    await pilot.pause()


async def opened(pilot: Pilot[None]) -> RuleForm:
    await pilot.press("colon", *"rules", "enter")
    await tried(pilot)
    form = pilot.app.screen
    assert isinstance(form, RuleForm)
    return form


def app_with(store: Any, readings: list[Point] | None = None) -> LiqtuiApp:
    app = make(store=store)
    engine_of(app).readings = HISTORY if readings is None else readings
    return app


def shown(form: RuleForm, name: str) -> str:
    return str(form.query_one(f"#{name}", Static).render())


async def typed(pilot: Pilot[None], form: RuleForm, **values: str) -> None:
    for name, value in values.items():
        form.query_one(f"#{name}", Input).value = value
    await tried(pilot)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(store: WatchlistStore, size: tuple[int, int]) -> None:
    app = app_with(store)
    async with stage(app, size) as pilot:
        await opened(pilot)
        frames.check(f"rules-{size[0]}x{size[1]}", frames.text(app))


async def test_the_preview_follows_what_is_typed(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        assert "20d on record: 1 warn, 1 recovered" in shown(form, "preview").splitlines()[0]
        assert shown(form, "preview").endswith(NOTHING_BUT_HEALTH)
        await typed(pilot, form, warn="1.35")
        first, second, third = shown(form, "preview").splitlines()[:3]
        assert first.endswith(": 2 warn, 2 recovered")
        assert second == "  as it is now: 1 warn, 1 recovered"
        assert third == "  last: Jun 12 15:02Z warn · Jun 12 17:02Z warn"
        await typed(pilot, form, warn="", warn_cushion="26")
        first, second = shown(form, "preview").splitlines()[:2]
        assert (first[-8:], second) == (": 1 warn", "  as it is now: 1 warn, 1 recovered"), "never half as far away"


def steady(minutes: int, *, start: float = 1.5, sigmas: float | None = 2.0) -> list[Point]:
    """A fall of a percent a minute, as this version records it."""
    begun = NOW - 60 * minutes
    return [
        Point(begun + 60 * n, round(start * 0.99**n * WAD), -0.2, int(begun) + 60 * n, 0.2, sigmas, 5 * 86_400, False)
        for n in range(minutes)
    ]


async def test_pace_sigma_and_interest_are_tried_too(store: WatchlistStore) -> None:
    app = app_with(store, steady(16))
    async with stage(app) as pilot:
        form = await opened(pilot)
        assert shown(form, "preview").splitlines()[0].endswith("on record: 1 interest, 1 pace")
        await typed(pilot, form, warn_sigmas="2.5", interest_days="4", off="velocity")
        first, second = shown(form, "preview").splitlines()[:2]
        assert first.endswith("on record: 1 warn, 1 only logged")
        assert second == "  as it is now: 1 interest, 1 pace"
        assert shown(form, "preview").splitlines()[-1].startswith("On record: no prices, feeds or parameters.")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Rehearsal((), 0.0), "has no block times, σ or interest yet"),
        (Rehearsal((), 0.0, 86_400.0, 86_400.0, True), "σ and interest since Jan 02 00:00Z; pace since Jan 02"),
        (Rehearsal((), 0.0, 0.0, None, True), "On record: no pace, readings are too far apart; no prices"),
        (Rehearsal((), 0.0, 0.0, 86_400.0, True), "On record: pace since Jan 02 00:00Z, older readings"),
        (Rehearsal((), 0.0, 0.0, 540.0, False), "On record: σ was never known; no prices"),
        (Rehearsal(), "nothing is recorded"),
    ],
)
def test_what_the_record_cannot_tell_is_said(found: Rehearsal, said: str) -> None:
    assert said in limits(found)
    assert "ctrl+r" in limits(found), "and where it can be tried"


def test_counts_in_words() -> None:
    said = [
        Said(0, Severity.WARN),
        Said(1, Severity.OK, "recovered"),
        Said(2, Severity.LIQUIDATABLE, "liquidatable"),
        Said(3, Severity.WARN, "velocity"),
        Said(4, Severity.WARN, "price", quiet=True),
        Said(5, Severity.WARN, "parameters"),
    ]
    assert told(said) == "1 warn, 1 liquidatable, 1 pace, 1 parameters, 1 recovered, 1 only logged"
    assert told([]) == "nothing"


async def test_only_what_was_typed_last_is_shown(store: WatchlistStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_form, "PAUSE", 0.0)
    begun, go, counted = threading.Event(), threading.Event(), list[int]()

    def slow(points: Iterable[Point], limits: Thresholds, rules: Rules) -> Rehearsal:
        del rules
        if limits.warn == 135 * WAD // 100:
            begun.set()
            assert go.wait(30)
            counted.append(len(list(points)))
        return Rehearsal((Said(NOW, Severity.WARN),) * (2 if limits.warn == 13 * WAD // 10 else 1), NOW)

    monkeypatch.setattr(rule_form, "rehearse", slow)
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        field = form.query_one("#warn", Input)
        field.value = "1.35"
        while not begun.is_set():
            await pilot.pause(0.01)
        field.value = "1.3"
        await tried(pilot)
        assert "2 warn" in shown(form, "preview")
        go.set()
        while not counted:
            await pilot.pause(0.01)
        assert counted == [0], "a thread that nobody waits for reads no further"
        await pilot.pause()
        assert "2 warn" in shown(form, "preview")


async def test_nothing_recorded_is_said(store: WatchlistStore) -> None:
    app = app_with(store, [])
    async with stage(app) as pilot:
        form = await opened(pilot)
        assert "nothing is recorded" in shown(form, "preview")


async def test_what_is_wrong_is_said_while_it_is_typed(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        for field, text, said in (
            ("warn", "abc", "is not a number"),
            ("warn", "0.9", "above 1"),
            ("warn_cushion", "120", "under 1"),
            ("off", "liquidated", "liquidated"),
            ("off", "nonsense", "no kind of alert"),
        ):
            await typed(pilot, form, **{field: text})
            assert said in shown(form, "fault"), (field, shown(form, "fault"))
            await typed(pilot, form, **{field: ""})
        await typed(pilot, form, warn="1.1", critical="1.2")
        assert "above critical" in shown(form, "fault")
        await typed(pilot, form, warn="", critical="1.9")
        assert "critical below has to be under warn below, which is 1.2 as elsewhere" in shown(form, "fault")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen is form, "nothing wrong is saved"


async def test_saving_writes_the_watchlist_and_undo_takes_it_back(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        await typed(pilot, form, warn="1.4", reaction="45", price_jump="5", off="opened closed")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen is app.dashboard
        saved = WatchlistStore(store.path, checksum).load().wallets[0]
        assert saved.thresholds == Thresholds(warn=14 * WAD // 10)
        assert saved.rules == Rules(reaction=2700.0, price_jump=WAD // 20, off=("opened", "closed"))
        assert engine_of(app).watched, "the engine is told"
        store.undo()
        assert WatchlistStore(store.path, checksum).load().wallets[0].rules == Rules()


async def test_one_position_alone(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert not form.query_one("#line-reaction").display
        await typed(pilot, form, critical="1.1")
        await pilot.press("ctrl+s")
        await pilot.pause()
        saved = WatchlistStore(store.path, checksum).load().wallets[0]
        assert dict(saved.position_thresholds) == {scenes.ROWS[0].id: Thresholds(critical=11 * WAD // 10)}
        assert saved.thresholds == Thresholds()


async def test_escape_gives_up_only_when_asked_twice(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        await typed(pilot, form, warn="1.4")
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is form
        assert "esc once more" in shown(form, "fault")
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard
        assert store.current.wallets[0].thresholds == Thresholds()


async def test_a_warning_holds_for_the_key_that_it_was_about(store: WatchlistStore) -> None:
    """What ctrl+t asked is not answered by an escape that a slow link made."""
    app = app_with(store)
    async with stage(app) as pilot:
        form = await opened(pilot)
        await typed(pilot, form, warn="1.4")
        for key in ("ctrl+t", "escape", "ctrl+t"):
            await pilot.press(key)
            await pilot.pause()
            assert app.screen is form
            assert f"{key.replace('escape', 'esc')} once more" in shown(form, "fault")
            assert form.whole


async def test_where_nothing_can_be_changed_it_is_said_and_still_tried(store: WatchlistStore) -> None:
    del store
    app = app_with(None)
    async with stage(app) as pilot:
        form = await opened(pilot)
        assert shown(form, "fault") == NOT_HERE
        await typed(pilot, form, warn="1.35")
        assert "2 warn" in shown(form, "preview")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen is form


async def test_it_opens_from_an_alert(store: WatchlistStore) -> None:
    app = app_with(store)
    async with stage(app) as pilot:
        await pilot.press("l")
        await pilot.pause()
        await pilot.press("j", "e")
        await pilot.pause()
        form = app.screen
        assert isinstance(form, RuleForm)
        assert form.row.id == scenes.ALERTS[1].position


def test_every_field_reads_what_it_shows() -> None:
    values: dict[str, Any] = {
        "warn": 135 * WAD // 100,
        "critical": 105 * WAD // 100,
        "warn_cushion": WAD // 10,
        "critical_cushion": WAD // 40,
        "warn_sigmas": 25 * WAD // 10,
        "critical_sigmas": WAD,
        "reaction": 900.0,
        "interest_days": 7.0,
        "price_jump": WAD // 20,
        "off": ("opened", "price"),
    }
    assert {shape.key: read(shape, text_of(shape, values[shape.key])) for shape in SHAPES} == values
    assert text_of(SHAPES[2], values["warn_cushion"]) == "10"
    assert all(read(shape, "") is None for shape in SHAPES)


def test_lines_for_the_configuration() -> None:
    assert toml({"warn": "1.3", "warn_cushion": "10", "reaction": "30", "off": "price"}) == (
        '[thresholds]\nwarn = 1.3\nwarn_cushion = 0.1\n\n[rules]\nreaction = 1800\noff = ["price"]'
    )
    with pytest.raises(FieldError):
        toml({"warn": "x"})


async def test_a_hostile_label_stays_text(store: WatchlistStore) -> None:
    bad = replace(store.current.wallets[0], label="[red]x[/red]")
    store.edit(bad.key, bad)
    app = app_with(store)
    async with stage(app) as pilot:
        await opened(pilot)
        assert "[red]x[/red]" in frames.text(app)
