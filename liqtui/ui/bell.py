"""Rings on new alerts: bell, desktop notification and window title, as sequences for the terminal.

Ringing here is a courtesy to whoever looks at this terminal. Alerts that matter when nobody does leave from
the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.snapshot import Severity
from liqtui.engine import notify
from liqtui.ui.style import LOOKS, to_ascii

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.snapshot import Alert, Row, Snapshot
    from liqtui.ui.state import Settings

PAUSE = 5.0
"""Seconds between two rings; what comes in between is told with the next one."""

_LOUD = {Severity.LIQUIDATED, Severity.LIQUIDATABLE, Severity.CRITICAL, Severity.WARN, Severity.BLIND, Severity.UNKNOWN}


class Bell:
    """Remembers what was rung for. Alerts of the first snapshot are old news; one that is escalated rings again."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._tmux = notify.in_tmux(environment)
        self._channel = _channel(settings.notify, environment)
        self._heard: int | None = None
        self._escalated: dict[int, int] = {}
        """How often each open alert had been escalated when it was last looked at."""
        self._waiting: list[Alert] = []
        self._last = float("-inf")
        self._title = ""

    def sequences(self, snapshot: Snapshot, now: float, worst: Row | None = None) -> str:
        """What to write for this snapshot and its worst row; empty mostly. `now` is monotonic."""
        newest = max((alert.id for alert in snapshot.alerts), default=0)
        if self._heard is None:
            self._heard = newest
            self._escalated = {alert.id: alert.escalated for alert in snapshot.alerts if alert.escalated}
        known, before = self._heard, self._escalated
        rings = [
            alert
            for alert in reversed(snapshot.alerts)
            if (alert.id > known or alert.escalated > before.get(alert.id, 0)) and _loud(alert, snapshot.at)
        ]
        again = {alert.id for alert in rings}
        self._waiting = [alert for alert in self._waiting if alert.id not in again] + rings
        self._heard = max(known, newest)
        self._escalated = {alert.id: alert.escalated for alert in snapshot.alerts if alert.escalated}
        return self._titled(snapshot, worst) + self._rung(now)

    def _rung(self, now: float) -> str:
        if not self._waiting or now - self._last < PAUSE:
            return ""
        waiting, self._waiting, self._last = self._waiting, [], now
        worst = min(waiting, key=lambda alert: alert.severity.rank)
        more = f" (+{len(waiting) - 1} more)" if len(waiting) > 1 else ""
        title = f"{LOOKS[worst.severity].word} {worst.title}{more}"
        body = f"{worst.text} · {worst.cure}" if worst.cure else worst.text
        bell = notify.BELL if self._settings.bell else ""
        return bell + notify.notification(self._channel, title, body, tmux=self._tmux, ident=worst.id)

    def _titled(self, snapshot: Snapshot, worst: Row | None) -> str:
        prefix = f"{LOOKS[worst.severity].glyph}{snapshot.unacked}" if worst is not None and snapshot.unacked else ""
        title = notify.window_title(to_ascii(prefix) if self._settings.ascii else prefix)
        if title == self._title:
            return ""
        self._title = title
        return title


def _loud(alert: Alert, now: float) -> bool:
    """Whether it may ring: it waits for somebody, and nobody asked for silence."""
    quiet = alert.acked_at is not None or alert.held or (alert.snoozed_until or 0.0) > now
    return alert.severity in _LOUD and not quiet


def _channel(setting: str, environment: Mapping[str, str]) -> notify.Channel:
    if setting == "auto":
        return notify.guess(environment)
    return next((channel for channel in notify.Channel if channel.value == setting), notify.Channel.NONE)
