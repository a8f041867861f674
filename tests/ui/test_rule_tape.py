"""Rules tried on a tape: off the screen's own loop, with progress, stopped when nobody wants it any more."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import Input, Static

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.core.rehearse import Said
from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD
from liqtui.engine import trial
from liqtui.engine.backtest import Liquidation, Record, Report
from liqtui.engine.trial import Terms, Trial, TrialError
from liqtui.ui.rule_form import RuleForm
from liqtui.ui.rule_tape import TapeTrial
from tests.ui import frames, scenes
from tests.ui.stage import make, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot


class FakeTapes:
    """Stands in for the engine: gives an answer when it is told to."""

    def __init__(self) -> None:
        self.opened: list[Path] = []
        self.tried: list[Terms] = []
        self.threads: set[int] = set()
        self.go = threading.Event()
        self.go.set()
        self.reached = threading.Event()

    def open_tape(self, path: Path) -> Any:
        self.opened.append(path)
        if path.name == "bad.tape":
            raise TrialError("bad.tape: [b]not a tape[/b]")
        if path.name == "worse.tape":
            raise RuntimeError("hostile words")
        return path

    def try_on(self, tape: Any, terms: Terms, watch: Callable[[int, int], bool]) -> Trial | None:
        del tape
        self.tried.append(terms)
        self.threads.add(threading.get_ident())
        if not watch(30, 100):
            return None
        self.reached.set()
        assert self.go.wait(30), "the test lets it go on"
        return answer(terms) if watch(100, 100) else None


def answer(terms: Terms) -> Trial:
    loud = (terms.thresholds.warn or 0) > 13 * WAD // 10
    said = [Said(100, Severity.WARN), Said(200, Severity.WARN, "velocity"), Said(300, Severity.OK, "recovered")]
    first, second = (Record(f"1:aave-v3:core:0x{n}", name, "east", "aave-v3", "core") for n, name in enumerate("ab"))
    first.read = True
    first.liquidations = [Liquidation(900, "gone", None, None, missed=True)]
    report = Report("a bad [b]day[/b]", 0, 7200, 12, 0, 0, (first, second), 0, 0)
    return Trial(report, False, {first.id: said * (2 if loud else 1), second.id: ()}, (second, first))


@pytest.fixture
def tapes(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTapes]:
    made = FakeTapes()
    monkeypatch.setattr(trial, "open_tape", made.open_tape)
    monkeypatch.setattr(trial, "try_on", made.try_on)
    yield made
    made.go.set()


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    made = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    made.add(*(replace(wallet, address=checksum(wallet.key)) for wallet in scenes.WALLETS.values()))
    return made


def shown(screen: Any, name: str) -> str:
    return str(screen.query_one(f"#{name}", Static).render())


async def opened(pilot: Pilot[None], **typed: str) -> TapeTrial:
    await pilot.press("colon", *"rules", "enter")
    await pilot.pause()
    form = pilot.app.screen
    assert isinstance(form, RuleForm)
    for name, value in typed.items():
        form.query_one(f"#{name}", Input).value = value
    await pilot.pause()
    await pilot.press("ctrl+r")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, TapeTrial)
    return dialog


async def finished(pilot: Pilot[None], dialog: TapeTrial) -> None:
    for _ in range(400):
        if not dialog.running:
            break
        await pilot.pause(0.01)
    assert not dialog.running
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frame(store: WatchlistStore, tapes: FakeTapes, size: tuple[int, int]) -> None:
    app = make(store=store)
    async with stage(app, size) as pilot:
        dialog = await opened(pilot, warn="1.35")
        await pilot.press("enter")
        await finished(pilot, dialog)
        frames.check(f"rules-tape-{size[0]}x{size[1]}", frames.text(app))
    assert tapes.opened == [trial.DEMO], "empty: the one that ships"


async def test_what_is_typed_is_tried_beside_what_holds(store: WatchlistStore, tapes: FakeTapes) -> None:
    app = make(store=store)
    async with stage(app) as pilot:
        dialog = await opened(pilot, warn="1.35", reaction="45")
        await pilot.press(*"~/my.tape", "enter")
        await finished(pilot, dialog)
        told = shown(dialog, "result")
        assert "told: 2 warn, 2 pace, 2 recovered\n  as it is now: 1 warn, 1 pace, 1 recovered\n" in told
        assert "1 liquidated, 1 without a warning in time" in told
        assert told.index("  a aave-v3 east: 2 warn") < told.index("  b aave-v3 east (never read): nothing")
        assert "a bad [b]day[/b]" in frames.text(app), "text of a stranger's tape stays text"
    typed, saved = tapes.tried
    assert (typed.thresholds.warn, saved.thresholds.warn) == (135 * WAD // 100, 12 * WAD // 10)
    assert typed.wallet.rules.reaction == 2700.0
    assert tapes.opened[0].name == "my.tape"
    assert not str(tapes.opened[0]).startswith("~")
    assert threading.get_ident() not in tapes.threads


async def test_what_holds_is_tried_once(store: WatchlistStore, tapes: FakeTapes) -> None:
    async with stage(make(store=store)) as pilot:
        dialog = await opened(pilot)
        await pilot.press("enter")
        await finished(pilot, dialog)
        assert "told: 1 warn, 1 pace, 1 recovered" in shown(dialog, "result")
    assert len(tapes.tried) == 1


async def test_progress_and_stopping(store: WatchlistStore, tapes: FakeTapes) -> None:
    tapes.go.clear()
    app = make(store=store)
    async with stage(app) as pilot:
        dialog = await opened(pilot, warn="1.35")
        await pilot.press("enter")
        while not tapes.reached.is_set():
            await pilot.pause(0.01)
        dialog._look()
        assert shown(dialog, "progress").endswith("15%"), "a third of the first of two rounds"
        assert shown(dialog, "trial-hint") == "esc stop"
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert app.screen is dialog
        assert shown(dialog, "trial-hint") == "stopping …"
        tapes.go.set()
        await finished(pilot, dialog)
        assert shown(dialog, "trial-fault") == "stopped: nothing was counted"
        assert not dialog.query_one("#found").display
        assert len(tapes.tried) == 1, "neither twice at once nor a second round"
        await pilot.press("escape")
        await pilot.pause()
        form = app.screen
        assert isinstance(form, RuleForm)
        assert form.query_one("#warn", Input).value == "1.35", "nothing typed is lost"


async def test_leaving_the_program_ends_it(store: WatchlistStore, tapes: FakeTapes) -> None:
    tapes.go.clear()
    async with stage(make(store=store)) as pilot:
        dialog = await opened(pilot)
        await pilot.press("enter")
        while not tapes.reached.is_set():
            await pilot.pause(0.01)
        run = dialog._run
        assert run is not None
        pilot.app.exit()
        await pilot.pause()
        tapes.go.set()
    assert not run.wanted


async def test_a_tape_that_cannot_be_tried_is_told(store: WatchlistStore, tapes: FakeTapes) -> None:
    app = make(store=store)
    async with stage(app) as pilot:
        dialog = await opened(pilot)
        await pilot.press(*"bad.tape", "enter")
        await finished(pilot, dialog)
        assert shown(dialog, "trial-fault") == "bad.tape: [b]not a tape[/b]"
        dialog.query_one(Input).value = "worse.tape"
        await pilot.press("enter")
        await finished(pilot, dialog)
        assert shown(dialog, "trial-fault") == "this tape cannot be tried: RuntimeError"
        dialog.query_one(Input).value = "good.tape"
        await pilot.pause()
        assert shown(dialog, "trial-fault") == ""
    assert tapes.tried == []


async def test_what_is_wrong_in_the_rules_is_said_before(store: WatchlistStore, tapes: FakeTapes) -> None:
    del tapes
    app = make(store=store)
    async with stage(app) as pilot:
        await pilot.press("colon", *"rules", "enter")
        await pilot.pause()
        form = app.screen
        form.query_one("#warn", Input).value = "abc"
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert app.screen is form
        assert "is not a number" in shown(form, "fault")
