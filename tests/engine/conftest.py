"""Where alerts are sent to, and a courier that does not take its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.engine import courier
from tests.engine.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def quick_courier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "BACK_OFF", 0.02)
    monkeypatch.setattr(courier, "_BREATH", 0.005)
