"""What a daemon's log says of its snapshots: each thing once, when it becomes so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.core.snapshot import DeliveryState
from liqtui.core.states import Freshness, Severity
from liqtui.engine import verdict

if TYPE_CHECKING:
    from liqtui.cli.logs import Log
    from liqtui.core.snapshot import Alert, ChainState, Delivery, Snapshot


class Journal:
    def __init__(self, log: Log) -> None:
        self._log = log
        self._last: Snapshot | None = None
        self._alerts: dict[int, Alert] = {}
        self._deliveries: dict[tuple[int, str], Delivery] = {}
        self._worst = ""
        self._after: int | None = None
        self._newest = 0

    def begins(self, after: int) -> None:
        """An engine begins to tell; `after`: number of the newest alert from before it.

        What was there before the first engine is old news. Numbers tell it: a clock may be set back. A later engine
        that does not find what an earlier one said gives its numbers again.
        """
        self._newest = after if self._after is None else min(self._newest, after)
        self._after = self._newest if self._after is None else min(self._after, after)
        self._alerts = {number: alert for number, alert in self._alerts.items() if number <= self._newest}
        self._deliveries = {key: one for key, one in self._deliveries.items() if key[0] <= self._newest}

    def tell(self, snapshot: Snapshot) -> None:
        last, self._last = self._last, snapshot
        if last is snapshot:
            return
        known = {chain.name: chain for chain in last.chains} if last else {}
        for chain in snapshot.chains:
            self._chain(known.get(chain.name), chain)
        if snapshot.alerts is not (last.alerts if last else None):
            self._tell_alerts(snapshot)
        if last is None or snapshot.deliveries is not last.deliveries:
            self._tell_deliveries(snapshot)
        error, before = snapshot.engine_error, last.engine_error if last else ""
        if error != before:
            self._log.event("error" if error else "info", "engine", state=error or "well again")
        for notice in snapshot.notices:
            if last is None or notice not in last.notices:
                self._log.warning("notice", text=notice)
        if snapshot.ready:
            self._verdict(snapshot)

    def status(self, snapshot: Snapshot, screens: int) -> str:
        """One line for who asks the service manager."""
        if snapshot.engine_error:
            return snapshot.engine_error
        attached = f", {screens} screens" if screens else ""
        if not snapshot.ready:
            done = sum(1 for chain in snapshot.chains if chain.block is not None)
            return f"reading: {done} of {len(snapshot.chains)} chains{attached}"
        found = verdict.of(snapshot)
        counts = ", ".join(f"{count} {severity}" for severity, count in found.counts.items()) or "no positions"
        unread = f", {found.elsewhere} chains or markets unread" if found.elsewhere > 0 else ""
        worst = f"; worst {found.health} {found.title}" if found.title else ""
        return f"{counts}{unread}{worst}{attached}"

    def _chain(self, before: ChainState | None, now: ChainState) -> None:
        if now.block is not None and (before is None or before.block != now.block):
            self._log.debug("round", chain=now.name, block=now.block.number, source=now.source)
        error, was = now.error, before.error if before else ""
        if error != was and (error or now.block is not None):  # an engine that has just begun has read nothing again
            level = "warning" if error else "info"
            self._log.event(level, "chain", chain=now.name, state=error or "read again")
        blind, saw = now.freshness is Freshness.BLIND, before is None or before.freshness is not Freshness.BLIND
        if blind and saw and before is not None:
            self._log.error("chain blind", chain=now.name, age=None if now.age is None else fmt.age(now.age))

    def _tell_alerts(self, snapshot: Snapshot) -> None:
        for alert in reversed(snapshot.alerts):
            known = self._alerts.get(alert.id)
            if known is alert:
                continue
            if known is None and alert.id > self._newest:
                self._alert(alert)
            elif known is not None and alert.acked_at is not None and known.acked_at is None:
                self._log.info("acknowledged", id=alert.id, title=alert.title)
        self._alerts |= {alert.id: alert for alert in snapshot.alerts}
        self._newest = max(self._newest, *self._alerts, 0)

    def _alert(self, alert: Alert) -> None:
        level = "info" if alert.severity is Severity.OK else "warning"
        self._log.event(
            level,
            "alert",
            id=alert.id,
            severity=alert.severity.value,
            loud=alert.level.value,
            kind=alert.kind,
            title=alert.title,
            text=alert.text,
            position=alert.position,
            cure=alert.cure,
            held=alert.held,
        )

    def _tell_deliveries(self, snapshot: Snapshot) -> None:
        """Of an alert from before, what changes once it was seen. An engine that has just begun shows none."""
        before = self._deliveries
        self._deliveries = {(one.alert, one.channel): one for one in snapshot.deliveries} or before
        for one in snapshot.deliveries:
            known = before.get((one.alert, one.channel))
            if known != one and (known is not None or one.alert > (self._after or 0)):
                on_its_way = one.state in {DeliveryState.WAITING, DeliveryState.SENDING}
                level = "warning" if one.reason else "debug" if on_its_way else "info"
                self._log.event(
                    level, "delivery", alert=one.alert, channel=one.channel, state=one.state.value, tries=one.tries,
                    why=one.reason,
                )  # fmt: skip

    def _verdict(self, snapshot: Snapshot) -> None:
        """When the counts change: a log that is silent for a day would tell nothing of it."""
        found = verdict.of(snapshot)
        told = " ".join(f"{severity}:{count}" for severity, count in found.counts.items())
        if told != self._worst:
            self._worst = told
            self._log.info("verdict", worst=found.worst, positions=told or "none", health=found.health, of=found.title)
