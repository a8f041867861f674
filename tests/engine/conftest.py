"""Where alerts are sent to, a courier that does not take its time, and monitors that are closed whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.engine import courier
from tests.engine.desk import Desk
from tests.engine.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
