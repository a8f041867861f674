"""Tasks of the engine that ended and are started again: what is told of them, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from liqtui.engine.alarms import Alarms

ENGINE = "engine"
"""The task that looks at the ages."""


class Crashes:
    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._why: dict[str, str] = {}

    def crashed(self, task: str, why: str, now: float) -> None:
        """It is told once, until it is well again. `task`: a chain, or what else it is for."""
        if task not in self._why:
            self._alarms.tell(now, Severity.CRITICAL, task, f"a task of the engine failed: {why}")
        self._why[task] = why

    def well(self, task: str, now: float) -> None:
        """It does what it is for."""
        if self._why.pop(task, None) is not None:
            self._alarms.ended(task, now)

    @property
    def error(self) -> str:
        """All of them, in words; empty when there are none."""
        names = {task: "the engine" if task == ENGINE else task for task in self._why}
        return "; ".join(f"{names[task]}: {why}, starting again" for task, why in self._why.items())
