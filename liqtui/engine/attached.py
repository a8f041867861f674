"""The engine of a screen that is attached to a daemon, until the person takes over: then one of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert, Snapshot
    from liqtui.core.wallet import Wallet
    from liqtui.engine.client import RemoteEngine
    from liqtui.engine.handle import EngineHandle, Loss, Playback

LEAVING = 10.0
"""Seconds that a daemon which was ended may take to write everything: as long it holds the state folder."""


class Attached:
    """Implements `EngineHandle` and `Attachment`. Methods may be called from the screen's thread only."""

    def __init__(self, remote: RemoteEngine, spare: Callable[[float], EngineHandle]) -> None:
        """`spare` makes the engine to take over with, which waits so many seconds for the state folder to be free.

        It may raise what reading the configuration raises.
        """
        self._remote: RemoteEngine | None = remote
        self._engine: EngineHandle = remote
        self._spare = spare
        self._listeners: dict[int, tuple[Callable[[int], None], Callable[[], None]]] = {}
        self._count = 0

    @property
    def daemon(self) -> int | None:
        """Process that is attached to; None after taking over."""
        return self._remote.hello.pid if self._remote is not None else None

    @property
    def loss(self) -> Loss | None:
        """Why the daemon is not there; None while it is, and after taking over."""
        return self._remote.loss if self._remote is not None else None

    def take_over(self) -> None:
        """Run an engine here from now on. What the daemon said last is no longer shown."""
        if self._remote is None:
            return
        remote, loss = self._remote, self._remote.loss
        engine = self._spare(0.0 if loss is not None and loss.refused else LEAVING)
        for number, (listener, end) in self._listeners.items():
            end()
            self._listeners[number] = (listener, engine.subscribe(listener))
        self._engine, self._remote = engine, None
        engine.start()
        threading.Thread(target=remote.stop, daemon=True).start()  # it may wait a little

    @property
    def playback(self) -> Playback | None:
        return None

    def start(self) -> None:
        self._engine.start()

    def stop(self) -> None:
        self._engine.stop()

    def snapshot(self) -> Snapshot:
        return self._engine.snapshot()

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self._count += 1
        number = self._count
        self._listeners[number] = (listener, self._engine.subscribe(listener))

        def end() -> None:
            if number in self._listeners:
                self._listeners.pop(number)[1]()

        return end

    def refresh(self) -> None:
        self._engine.refresh()

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        self._engine.acknowledge(alert_id, newest)

    def snooze(self, alert_id: int, seconds: float) -> None:
        self._engine.snooze(alert_id, seconds)

    def mute(self, target: str, until: float | None) -> None:
        self._engine.mute(target, until)

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        return self._engine.alerts(before, limit)

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self._engine.watch(wallets)

    def inspect(self, position_id: str) -> None:
        self._engine.inspect(position_id)

    def look(self, position_ids: Sequence[str]) -> None:
        self._engine.look(position_ids)

    def resolve(self, name: str) -> Future[str]:
        return self._engine.resolve(name)

    def points(self, position_id: str, since: float) -> list[Point]:
        return self._engine.points(position_id, since)

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return self._engine.updates(position_id, since)

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return self._engine.samples(position_id, since)
