"""Where alerts are sent to, a courier that takes no time; monitors and histories that are closed whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.engine import courier
from liqtui.engine.history import History
from tests.engine.desk import AlarmDesk, Desk
from tests.engine.receiver import Receiver

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
