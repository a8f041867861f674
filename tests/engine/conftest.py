"""What takes no time or is closed whatever happens: a receiver and its courier, engines, monitors, histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.engine import courier, live, watch
from liqtui.engine.history import History
from liqtui.engine.live import LiveEngine
from tests.engine import fakes
from tests.engine.desk import AlarmDesk, Desk
from tests.engine.fakes import START, FakeAdapter, FakeChain
from tests.engine.receiver import Receiver
from tests.engine.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def quick_courier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "BACK_OFF", 0.02)
    monkeypatch.setattr(courier, "_BREATH", 0.005)


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*names: str, **more: Any) -> Desk:
        made.append(Desk(*names, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def open_history(tmp_path: Path) -> Iterator[Callable[..., History]]:
    made: list[History] = []

    def make(**more: Any) -> History:
        made.append(History(tmp_path, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def alarm_desk() -> Iterator[Callable[..., AlarmDesk]]:
    made: list[AlarmDesk] = []

    def make(*names: str, **more: Any) -> AlarmDesk:
        made.append(AlarmDesk(*names, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def world() -> FakeChain:
    """A chain on which the first wallet is safe."""
    node = FakeChain()
    node.hold(1, 1, 1000)
    return node


@pytest.fixture
def run_live(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[LiveEngine, Seen]]]:
    """Starts an engine without pauses on one node, or on several by the name of their chain."""
    monkeypatch.setattr(watch, "GAP", 0.005)
    monkeypatch.setattr(live, "TICK", 0.01)
    monkeypatch.setattr(live, "RESTART", 0.005)
    engines: list[LiveEngine] = []

    def start(nodes: Any, made: Any = None, **more: Any) -> tuple[LiveEngine, Seen]:
        nodes = nodes if isinstance(nodes, dict) else {"lab": nodes}
        clock = more.pop("clock", FrozenClock(START))
        engine = LiveEngine(
            made or fakes.setup(),
            reader_factory=lambda spec: nodes[spec.name],
            adapters={"fake": FakeAdapter()},
            clock=clock,
            **more,
        )
        engines.append(engine)
        seen = Seen(engine)
        engine.start()
        return engine, seen

    yield start
    for engine in engines:
        engine.stop()
