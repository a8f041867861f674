"""A screen on a daemon, and after taking over: whoever listens hears the engine that is shown, and only that."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from liqtui.engine import wire
from liqtui.engine.attached import LEAVING, Attached
from liqtui.engine.handle import Attachment, EngineHandle, Loss
from tests.ui import scenes
from tests.ui.stub import StubEngine


class Remote(StubEngine):
    """What a daemon's engine looks like from here."""

    def __init__(self) -> None:
        super().__init__()
        self.hello = wire.greeting(pid=4711)
        self.loss: Loss | None = None
        self.over = threading.Event()

    def stop(self) -> None:
        super().stop()
        self.over.set()


class Pair:
    def __init__(self, fault: Exception | None = None) -> None:
        self.remote, self.spare, self.waited = Remote(), StubEngine(), list[float]()

        def make(patience: float) -> EngineHandle:
            self.waited.append(patience)
            if fault is not None:
                raise fault
            return self.spare

        self.attached = Attached(self.remote, make)  # type: ignore[arg-type]


def test_until_then_everything_is_the_daemons() -> None:
    pair = Pair()
    engine = pair.attached
    assert isinstance(engine, Attachment)
    assert engine.daemon == 4711
    assert engine.loss is None
    pair.remote.loss = Loss("it is gone")
    assert engine.loss == Loss("it is gone")
    assert engine.playback is None
    engine.start()
    assert (pair.remote.started, pair.spare.started) == (1, 0)
    assert pair.waited == [], "nothing is made before it is needed"
    assert engine.snapshot() is pair.remote.current


def test_taking_over_moves_every_listener_and_lets_the_daemon_go() -> None:
    pair = Pair()
    engine = pair.attached
    heard: list[tuple[str, int]] = []
    engine.subscribe(lambda version: heard.append(("first", version)))
    end = engine.subscribe(lambda version: heard.append(("second", version)))
    ended = engine.subscribe(lambda version: heard.append(("ended", version)))
    ended()
    pair.remote.post(scenes.snapshot(version=5))
    engine.take_over()
    pair.remote.post(scenes.snapshot(version=6))
    assert heard == [("first", 5), ("second", 5)]
    pair.spare.post(scenes.snapshot(version=1))
    assert heard[2:] == [("first", 1), ("second", 1)]
    end()
    end()
    pair.spare.post(scenes.snapshot(version=2))
    assert heard[4:] == [("first", 2)]
    assert (engine.daemon, engine.loss) == (None, None)
    assert pair.spare.started == 1
    assert pair.remote.over.wait(5)
    assert pair.remote.listeners == []
    engine.take_over()
    assert len(pair.waited) == 1, "once is enough"
    engine.stop()
    assert pair.spare.stopped == 1


@pytest.mark.parametrize(
    ("loss", "patience"),
    [(Loss("it was ended", 4711), LEAVING), (Loss("it is gone"), LEAVING), (Loss("too old", 4711, refused=True), 0.0)],
)
def test_one_that_is_ending_gets_time_to_let_go_of_the_state_folder(loss: Loss, patience: float) -> None:
    pair = Pair()
    pair.remote.loss = loss
    pair.attached.take_over()
    assert pair.waited == [patience]


def test_an_engine_that_cannot_be_made_changes_nothing() -> None:
    pair = Pair(OSError("no config"))
    heard: list[int] = []
    pair.attached.subscribe(heard.append)
    with pytest.raises(OSError, match="no config"):
        pair.attached.take_over()
    assert pair.attached.daemon == 4711
    pair.remote.post(scenes.snapshot(version=7))
    assert heard == [7]
    assert not pair.remote.over.is_set()


WISHES: dict[str, tuple[Any, ...]] = {
    "refresh": (), "acknowledge": (3, None), "snooze": (3, 60.0), "mute": ("0xabc", None), "alerts": (None, 5),
    "watch": ((),), "inspect": ("a position",), "look": (("a position",),),
    "resolve": ("name.eth",), "points": ("p", 0.0), "updates": ("p", 0.0),
    "samples": ("p", 0.0), "stop": (),
}  # fmt: skip


@pytest.mark.parametrize("taken", [False, True], ids=["attached", "taken over"])
@pytest.mark.parametrize("name", WISHES)
def test_every_wish_goes_to_the_engine_that_is_shown(
    name: str, *, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair()
    if taken:
        pair.attached.take_over()
        assert pair.remote.over.wait(5)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    for who, engine in (("daemon", pair.remote), ("here", pair.spare)):
        monkeypatch.setattr(engine, name, lambda *args, who=who: asked.append((who, args)) or "the answer")
    answer = getattr(pair.attached, name)(*WISHES[name])
    assert asked == [("here" if taken else "daemon", WISHES[name])]
    if name in {"alerts", "resolve", "points", "updates", "samples"}:
        assert answer == "the answer"


def test_no_method_of_an_engine_is_forgotten() -> None:
    asked = {name for name in vars(EngineHandle) if not name.startswith("_")}
    assert asked == {*WISHES, "start", "snapshot", "subscribe", "playback"}
