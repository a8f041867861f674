"""An engine that publishes what a test posts, and remembers what the screen asked it for."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert, Snapshot
    from liqtui.core.wallet import Wallet
    from liqtui.engine.handle import Playback


from tests.ui.scene_rows import NOW
from tests.ui.scenes import snapshot


@dataclass
class StubEngine:
    """Publishes what a test posts; remembers what the screen asked for."""

    current: Snapshot = field(default_factory=snapshot)
    playback: Playback | None = None
    listeners: list[Callable[[int], None]] = field(default_factory=list)
    started: int = 0
    stopped: int = 0
    refreshed: int = 0
    acked: list[int | None] = field(default_factory=list)
    watched: list[tuple[Wallet, ...]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    muted: list[tuple[str, float | None]] = field(default_factory=list)
    archive: tuple[Alert, ...] = ()
    """Alerts that only the log holds."""
    inspected: list[str] = field(default_factory=list)
    listed: tuple[str, ...] = ()
    recorded: list[tuple[float, float]] = field(default_factory=list)
    readings: list[Point] = field(default_factory=list)
    updated: list[tuple[int, str]] = field(default_factory=list)

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def snapshot(self) -> Snapshot:
        return self.current

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def post(self, newest: Snapshot) -> None:
        """May be called from any thread, as the engine's own calls are."""
        self.current = newest
        for listener in list(self.listeners):
            listener(newest.version)

    def refresh(self) -> None:
        self.refreshed += 1

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        self.acked.append(alert_id)
        alerts = tuple(
            replace(alert, acked_at=alert.acked_at or NOW) if alert_id in {None, alert.id} else alert
            for alert in self.current.alerts
        )
        self.post(replace(self.current, version=self.current.version + 1, alerts=alerts))

    def snooze(self, alert_id: int, seconds: float) -> None:
        alerts = tuple(
            replace(alert, snoozed_until=NOW + seconds) if alert.id == alert_id else alert
            for alert in self.current.alerts
        )
        self.post(replace(self.current, version=self.current.version + 1, alerts=alerts))

    def mute(self, target: str, until: float | None) -> None:
        self.muted.append((target, until))

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        every = (*self.current.alerts, *self.archive)
        return [alert for alert in every if before is None or alert.id < before][:limit]

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self.watched.append(tuple(wallets))

    def inspect(self, position_id: str) -> None:
        self.inspected.append(position_id)

    def look(self, position_ids: Sequence[str]) -> None:
        self.listed = tuple(position_ids)

    def resolve(self, name: str) -> Future[str]:
        future: Future[str] = Future()
        if name in self.names:
            future.set_result(self.names[name])
        else:
            future.set_exception(LookupError(f"{name} has no address"))
        return future

    def points(self, position_id: str, since: float) -> list[Point]:
        return [point for point in self.readings if point.at >= since]

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return [(at, label) for at, label in self.updated if at >= since]

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return [(at, health) for at, health in self.recorded if at >= since]
