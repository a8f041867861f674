"""Alerts as they are kept: numbered, stored, acknowledged; and what the rules remember of each position."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.core.alerts import Draft, Memory, dump, gone, judge, load
from liqtui.core.events import liquidation_lines
from liqtui.engine.history import ALERTS_KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.snapshot import Alert, Row, Severity
    from liqtui.engine.history import History, Saved


class Alarms:
    def __init__(self, history: History, saved: Saved, post: Callable[[Alert], None] | None = None) -> None:
        """`post` is told of each alert once it is stored."""
        self._history = history
        self._alerts = list(saved.alerts)
        self._last = saved.last_alert
        self._memories = load(saved.memory)
        self._post = post
        self._changed = False
        self._muted: dict[str, float] = {}
        self.liquidated = self._liquidated()
        """Positions with a liquidation that nobody has acknowledged yet."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Newest first, bounded."""
        return tuple(self._alerts)

    def judge(
        self,
        before: Row | None,
        after: Row,
        now: float,
        *,
        opened: bool = False,
        events: Sequence[MarketEvent] = (),
        own: bool = False,
    ) -> bool:
        """Let the rules see a row; returns whether they had something to say.

        `opened`: it is known that this position was not there before. `events`: what the logs told of it since the
        last time. `own`: and this explains all that changed.
        """
        memory = self._memories.get(after.id) or Memory(fresh=opened)
        remembered, drafts = judge(before, after, memory, now, events=liquidation_lines(events), own=own)
        if remembered is not memory or after.id not in self._memories:
            self._memories[after.id] = remembered
            self._changed = True
        self._keep(drafts)
        return bool(drafts)

    def gone(self, last: Row, now: float, *, events: Sequence[MarketEvent] = (), own: bool = False) -> None:
        """A position is not there any more. `events` and `own` as in `judge`."""
        memory = self._memories.get(last.id) or Memory()
        self._keep(gone(last, memory, now, events=liquidation_lines(events), own=own))
        self.forget(last.id)

    def forget(self, position: str) -> None:
        """A position is not watched any more."""
        self._changed |= self._memories.pop(position, None) is not None

    def tell(self, now: float, how: Severity, title: str, text: str) -> None:
        """Something about the engine itself."""
        self._keep([Draft(now, how, "engine", title, text)])

    def acknowledge(self, alert_id: int | None, now: float) -> None:
        """One alert, or all with None."""
        for place, alert in enumerate(self._alerts):
            if alert.acked_at is None and alert_id in {None, alert.id}:
                self._alerts[place] = replace(alert, acked_at=now)
                self._history.alert(self._alerts[place])
        self.liquidated = self._liquidated()

    def snooze(self, alert_id: int, until: float) -> None:
        """Keep one alert quiet until then."""
        for place, alert in enumerate(self._alerts):
            if alert.id == alert_id:
                self._alerts[place] = replace(alert, snoozed_until=until)
                self._history.alert(self._alerts[place])

    def mute(self, target: str, until: float | None) -> None:
        """Keep what is about a position id or a wallet address quiet until then; None lifts it."""
        if until is None:
            self._muted.pop(target.lower(), None)
        else:
            self._muted[target.lower()] = until

    @property
    def muted(self) -> tuple[tuple[str, float], ...]:
        return tuple(self._muted.items())

    def save(self) -> None:
        """Hand what the rules remember to the history, if it changed."""
        if self._changed:
            self._history.remember(dump(self._memories))
            self._changed = False

    def _keep(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            self._last += 1
            alert = draft.numbered(self._last)
            self._alerts.insert(0, alert)
            self._history.alert(alert)
            if self._post is not None:
                self._post(alert)
            if alert.kind == "liquidated":
                self.liquidated |= {alert.position}
        del self._alerts[ALERTS_KEPT:]

    def _liquidated(self) -> frozenset[str]:
        return frozenset(a.position for a in self._alerts if a.kind == "liquidated" and a.acked_at is None)
