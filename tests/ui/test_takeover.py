"""What a screen says when the daemon does not answer it: true for each cause, and no more than is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from liqtui.config.errors import ConfigError
from liqtui.engine.handle import Attachment, Loss
from liqtui.ui.app import LiqtuiApp
from liqtui.ui.state import Settings
from liqtui.ui.takeover import TakeoverDialog, words
from tests.ui import frames, scene_rows, scenes
from tests.ui.stage import stage
from tests.ui.stub import StubEngine

PID = 4711
GONE = Loss(f"the daemon (process {PID}) is gone")
FULL = Loss(f"the daemon (process {PID}) refuses: 32 screens are attached already", PID, refused=True)
OLDER = Loss(
    "the daemon is liqtui 0.0.9 (protocol 1), this screen is liqtui 0.1.0 (protocol 2): start the older one again",
    PID, refused=True,
)  # fmt: skip
USER = Loss(f"the daemon (process {PID}) refuses: the daemon belongs to user 0, you are user 1000", PID, refused=True)
SILENT = Loss(f"the daemon (process {PID}) has been silent for 10 s", PID)
UNREACHED = Loss(f"the daemon (process {PID}) cannot be reached", PID)
REPLACED = Loss(f"the daemon (process {PID}) is gone", 5000)
LOSSES = {
    "gone": GONE, "full": FULL, "older": OLDER, "user": USER, "silent": SILENT, "unreached": UNREACHED,
    "replaced": REPLACED,
}  # fmt: skip
SIZES = [(120, 36), (80, 24), (40, 10)]


@dataclass
class AttachedStub(StubEngine):
    daemon: int | None = PID
    loss: Loss | None = None
    taken: int = 0
    broken: str = ""

    def take_over(self) -> None:
        if self.broken:
            raise ConfigError("config.toml", 3, self.broken, "unknown key")
        self.taken += 1
        self.daemon = self.loss = None

    def lose(self, loss: Loss | None) -> None:
        self.loss = loss
        error = loss.why if loss else ""
        self.post(replace(self.current.abandoned(error), version=self.current.version + 1))


def screen(**more: object) -> tuple[LiqtuiApp, AttachedStub]:
    engine = AttachedStub(scenes.snapshot(), **more)  # type: ignore[arg-type]
    assert isinstance(engine, Attachment)
    return LiqtuiApp(engine, None, Settings(chain_tags=scene_rows.TAGS), clock=scenes.clock()), engine


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_it_says_that_no_alert_is_sent_only_when_nobody_holds_the_state_folder(loss: Loss) -> None:
    title, said, take = words(loss, PID)
    nobody = loss.watcher is None
    assert said.startswith(loss.why[:1].upper() + loss.why[1:])
    assert ("no alert is sent" in said) is nobody
    assert ("nobody" in title) is nobody
    assert ("sends its alerts" in said) is loss.refused
    assert ("cannot be told from here" in said) is (loss in {SILENT, UNREACHED})
    assert ("from now on" in take) is nobody, "only then it is a whole watch that begins here"
    assert ("5000" in said + take) is (loss is REPLACED)


def test_one_that_nobody_knows_is_another_process() -> None:
    assert "another process, holds its place" in words(GONE._replace(watcher=0), PID).said


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", ["gone", "full", "silent", "replaced"])
async def test_frame(name: str, size: tuple[int, int]) -> None:
    app, engine = screen()
    async with stage(app, size) as pilot:
        engine.lose(LOSSES[name])
        await pilot.pause()
        await pilot.pause()
        frames.check(f"takeover-{name}-{size[0]}x{size[1]}", frames.text(app))


async def test_it_is_offered_once_and_goes_when_the_daemon_is_back() -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        engine.lose(GONE)
        await pilot.pause()
        assert isinstance(app.screen, TakeoverDialog)
        await pilot.press("escape")
        engine.lose(SILENT)
        await pilot.pause()
        assert app.screen is app.dashboard, "the person said to wait"
        assert "CUT OFF" in frames.text(app).splitlines()[1]
        engine.lose(None)
        await pilot.pause()
        assert "CUT OFF" not in frames.text(app)
        engine.lose(GONE)
        await pilot.pause()
        assert isinstance(app.screen, TakeoverDialog)
        assert "ENGINE DEAD" in frames.text(app)
        engine.lose(None)
        await pilot.pause()
        assert app.screen is app.dashboard
        assert engine.taken == 0


async def test_what_is_known_better_is_said_while_it_is_open() -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        engine.lose(UNREACHED)
        await pilot.pause()
        assert "cannot be told from here" in frames.text(app)
        engine.lose(GONE)
        await pilot.pause()
        await pilot.pause()
        assert "Nobody watches" in frames.text(app)
        assert "nobody is watching" in frames.text(app)


async def test_what_nobody_hears_is_not_said_to_be_done() -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        engine.lose(GONE)
        await pilot.pause()
        await pilot.press("escape")
        await pilot.pause()
        for key, done in (("r", "reading every chain now"), ("a", "acknowledged: "), ("A", "acknowledged 2 alerts")):
            await pilot.press(key)
            await pilot.pause()
            said = app.dashboard.keys.said
            assert said.startswith("not yet, the daemon does not answer; once it is back: "), key
            assert done in said
        engine.lose(None)
        await pilot.pause()
        await pilot.press("r")
        assert app.dashboard.keys.said == "reading every chain now"
        engine.post(replace(engine.current, version=99, engine_error="its thread ended: OSError"))
        await pilot.pause()
        await pilot.press("r")
        assert app.dashboard.keys.said == "not done, no engine runs: reading every chain now"


async def test_taking_over() -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        engine.lose(GONE)
        await pilot.pause()
        await pilot.press("t")
        await pilot.pause()
        assert engine.taken == 1
        assert app.screen is app.dashboard
        assert "the engine runs here from now on" in frames.text(app)


async def test_a_configuration_that_cannot_be_read_is_said_and_changes_nothing() -> None:
    app, engine = screen(broken="warm")
    async with stage(app) as pilot:
        engine.lose(GONE)
        await pilot.pause()
        await pilot.press("t")
        await pilot.pause()
        assert engine.daemon == PID
        assert "not taken over: config.toml:3: warm: unknown key" in frames.text(app)


async def test_it_waits_for_another_dialog_to_be_closed() -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        await pilot.press("ctrl+p")
        await pilot.pause()
        above = app.screen
        engine.lose(GONE)
        await pilot.pause()
        assert app.screen is above
        await pilot.press("escape")
        await pilot.pause()
        engine.lose(GONE)
        await pilot.pause()
        assert isinstance(app.screen, TakeoverDialog)


@pytest.mark.parametrize(("trouble", "said"), [("", "the daemon is well"), ("it has died", "starts its engine again")])
async def test_a_daemon_that_is_there_is_not_taken_over(trouble: str, said: str) -> None:
    app, engine = screen()
    async with stage(app) as pilot:
        engine.post(replace(engine.current, version=9, engine_error=trouble))
        await pilot.pause()
        app.host.execute("takeover")
        await pilot.pause()
        assert said in frames.text(app).splitlines()[-1]
        assert engine.taken == 0
