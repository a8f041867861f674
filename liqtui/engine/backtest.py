"""Would the rules have warned? A tape is played through them, and what they said is held against what happened.

Deterministic: it depends on the tape, the setup and the version of the program alone (quiet hours also on the time
zone of the machine). `docs/backtest.md` defines every word that is used here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from liqtui.core.model import Side
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.units import HEALTH_ONE
from liqtui.engine.reel import Reel, run_through
from liqtui.engine.setup import shipped_adapters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.chain.tape import Tape
    from liqtui.core.model import Position
    from liqtui.core.snapshot import Alert, Row, Snapshot
    from liqtui.engine.setup import Setup
    from liqtui.protocols.adapter import Adapter

WARNINGS = frozenset({"threshold", "velocity", "interest", "liquidatable"})
"""Kinds of alert that tell that a liquidation is near."""
WINDOW = 86_400.0
"""Seconds within which a warning that came to nothing counts as a false alarm."""
REPAID, ADDED = 10**6, 10**3
"""Debt that fell by more than one part in `REPAID`, or collateral that grew by more than one in `ADDED` between two
readings, is the owner's doing: interest moves both the other way, or far less."""


class Outcome(StrEnum):
    """What became of a warning."""

    LIQUIDATED = "liquidated"
    LIQUIDATABLE = "liquidatable"
    """It could have been liquidated, and was not."""
    ACTED = "acted"
    """The owner repaid, added or closed."""
    FALSE = "false alarm"
    """Over by itself within the window."""
    LASTED = "lasted"
    """Over by itself, later than that."""
    OPEN = "open"
    """Not over when the tape ends."""


@dataclass(slots=True)
class Episode:
    """A warning, from its first alert until it is over."""

    at: float
    """Unix time at which the first alert could have reached the person."""
    level: Level
    kind: str
    text: str
    ended_at: float | None = None
    outcome: Outcome = Outcome.OPEN
    alerts: set[int] = field(default_factory=set[int])
    """Ids of those of its alerts that are not over."""
    liquidated: bool = False
    edge: bool = False
    acted: bool = False


@dataclass(frozen=True, slots=True)
class Liquidation:
    at: float
    """Unix time of the round that noticed it."""
    text: str
    warning: Episode | None
    lead: float | None
    """Seconds from the warning to the last reading before the liquidation: at least so long was left, which is 0
    when that reading is what the warning came with. None without a warning."""
    missed: bool


@dataclass(slots=True)
class Record:
    """Everything about one position."""

    id: str
    label: str
    chain: str
    protocol: str
    market: str
    warnings: list[Episode] = field(default_factory=list[Episode])
    liquidations: list[Liquidation] = field(default_factory=list[Liquidation])
    messages: int = 0
    """Alerts from CALL on that were not held back, each escalation once more."""
    notices: int = 0
    read: bool = False
    """Its figures were read at least once."""

    @property
    def missed(self) -> int:
        return sum(liquidation.missed for liquidation in self.liquidations)

    @property
    def false_alarms(self) -> int:
        return sum(warning.outcome is Outcome.FALSE for warning in self.warnings)

    @property
    def least_lead(self) -> float | None:
        """The shortest of its liquidations; None when there is none, or one without a warning."""
        leads = [liquidation.lead for liquidation in self.liquidations]
        known = [lead for lead in leads if lead is not None]
        return min(known) if known and len(known) == len(leads) else None


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    start: float
    end: float
    frames: int
    lead: float
    window: float
    records: tuple[Record, ...]
    """Missed first, then liquidated, then false alarms, then by name."""
    messages: int
    """As in `Record`; an alert about several positions once."""
    notices: int

    @property
    def liquidations(self) -> int:
        return sum(len(record.liquidations) for record in self.records)

    @property
    def missed(self) -> int:
        return sum(record.missed for record in self.records)

    @property
    def false_alarms(self) -> int:
        return sum(record.false_alarms for record in self.records)


def backtest(
    tape: Tape,
    setup: Setup,
    *,
    lead: float = 0.0,
    window: float = WINDOW,
    adapters: Mapping[str, Adapter] | None = None,
) -> Report:
    """Play the tape under `setup`. A liquidation without a lead, or with less than `lead` seconds, is missed.

    Not from within an event loop. Raises LookupError for an unknown protocol.
    """
    judge = Judge(lead, window)
    for snapshot in run_through(Reel(tape, shipped_adapters() if adapters is None else adapters, setup)):
        judge.take(snapshot)
    return report(tape, judge)


def report(tape: Tape, judge: Judge) -> Report:
    """When all of the tape was shown to the judge."""
    judge.finish()
    times = [frame.time for frame in tape.frames] or [tape.start]
    return Report(
        tape.header.title, times[0], times[-1], len(times) if tape.frames else 0, judge.lead, judge.window,
        tuple(sorted(judge.records.values(), key=_place)), judge.messages, judge.notices,
    )  # fmt: skip


def _place(record: Record) -> tuple[int, int, int, str, str]:
    return -record.missed, -len(record.liquidations), -record.false_alarms, record.label, record.id


class Judge:
    def __init__(self, lead: float, window: float) -> None:
        self.records: dict[str, Record] = {}
        self.messages = self.notices = 0
        self.lead = lead
        self.window = window
        self._known: dict[int, Alert] = {}
        """Alerts as they were last seen."""
        self._told: set[int] = set()
        self._open: dict[str, Episode] = {}
        self._positions: dict[str, Position] = {}
        self._read_at: dict[str, float] = {}

    def take(self, snapshot: Snapshot) -> None:
        """How things stand after one event of the tape."""
        changed = [alert for alert in reversed(snapshot.alerts) if self._known.get(alert.id) is not alert]
        hit = {
            position
            for alert in changed
            if alert.kind == "liquidated" and alert.id not in self._known
            for position in _about(alert)
        }
        read = [row for row in snapshot.rows if self._reading(row, hit)]
        for alert in changed:
            self._alert(alert, snapshot.at)
            self._known[alert.id] = alert
        for row in read:
            self._read_at[row.id] = snapshot.at
        if len(self._known) > 4 * len(snapshot.alerts) + 1000:
            kept = {alert.id for alert in snapshot.alerts}
            self._known = {number: alert for number, alert in self._known.items() if number in kept}

    def finish(self) -> None:
        """The tape is over: what is open stays so, unless something came of it already."""
        for warning in self._open.values():
            warning.outcome = _outcome(warning) or Outcome.OPEN

    # -- readings ------------------------------------------------------------------------------------------------

    def _reading(self, row: Row, hit: set[str]) -> bool:
        """Take a row; returns whether it holds new figures."""
        record = self._record(row.id, row)
        position = row.position
        if position is None or row.freshness is Freshness.BLIND:
            return False
        before = self._positions.get(row.id)
        if before is position:
            return False
        record.read = True
        self._positions[row.id] = position
        warning = self._open.get(row.id)
        if warning is not None:
            shown = position.health.shown
            warning.edge |= shown is not None and shown < HEALTH_ONE
            warning.acted |= before is not None and row.id not in hit and _acted(before, position)
        return True

    def _record(self, position: str, row: Row | None = None) -> Record:
        if position not in self.records:
            if row is not None:
                made = Record(position, row.label, row.chain, row.key.protocol, row.key.market)
            else:
                chain, protocol, market = (*position.split(":"), "", "")[:3]
                made = Record(position, "", chain, protocol, market)
            self.records[position] = made
        return self.records[position]

    # -- alerts --------------------------------------------------------------------------------------------------

    def _alert(self, alert: Alert, now: float) -> None:
        """A new alert, or one that is no longer what it was."""
        before = self._known.get(alert.id)
        if before is None and alert.kind == "liquidated":
            for position in _about(alert):
                self._liquidated(position, alert, now)
        loud = alert.level.rank >= Level.CALL.rank
        if not alert.held:
            again = alert.escalated - (before.escalated if before is not None else 0)
            self._count(alert, loud=loud, times=again + (alert.id not in self._told))
            if alert.id not in self._told and loud and alert.kind in WARNINGS and alert.over_at is None:
                for position in _about(alert):
                    self._warn(position, alert, now)
            self._told.add(alert.id)
        if before is None and _ends(alert):
            for position in _about(alert):
                self._over(position, now, closed=alert.kind == "closed")
        if alert.over_at is not None and (before is None or before.over_at is None):
            for position in _about(alert):
                warning = self._open.get(position)
                if warning is not None and alert.id in warning.alerts:
                    warning.alerts.discard(alert.id)
                    if not warning.alerts:
                        self._over(position, now)

    def _count(self, alert: Alert, *, loud: bool, times: int) -> None:
        if loud:
            self.messages += times
        else:
            self.notices += times
        for position in _about(alert):
            record = self._record(position)
            if loud:
                record.messages += times
            else:
                record.notices += times

    def _warn(self, position: str, alert: Alert, now: float) -> None:
        warning = self._open.get(position)
        if warning is None:
            warning = self._open[position] = Episode(now, alert.level, alert.kind, alert.text)
            self._record(position).warnings.append(warning)
        warning.alerts.add(alert.id)
        warning.edge |= alert.kind == "liquidatable"

    def _liquidated(self, position: str, alert: Alert, now: float) -> None:
        warning = self._open.get(position)
        if warning is not None and warning.at >= now:
            warning = None  # told in the same round: that is no warning
        lead = None
        if warning is not None:
            warning.liquidated = True
            lead = max(self._read_at.get(position, warning.at) - warning.at, 0.0)
        missed = not lead or lead < self.lead
        self._record(position).liquidations.append(Liquidation(now, alert.text, warning, lead, missed))

    def _over(self, position: str, now: float, *, closed: bool = False) -> None:
        warning = self._open.pop(position, None)
        if warning is None:
            return
        warning.acted |= closed
        warning.ended_at = now
        short = now - warning.at <= self.window
        warning.outcome = _outcome(warning) or (Outcome.FALSE if short else Outcome.LASTED)


def _about(alert: Alert) -> Iterable[str]:
    return alert.positions or ((alert.position,) if alert.position else ())


def _ends(alert: Alert) -> bool:
    return alert.kind == "closed" or (alert.kind == "recovered" and alert.severity is Severity.OK)


def _outcome(warning: Episode) -> Outcome | None:
    """What came of it already."""
    if warning.liquidated:
        return Outcome.LIQUIDATED
    if warning.edge:
        return Outcome.LIQUIDATABLE
    return Outcome.ACTED if warning.acted else None


def _acted(before: Position, after: Position) -> bool:
    then, now = _amounts(before), _amounts(after)
    for place in then.keys() | now.keys():
        old, new = then.get(place, 0), now.get(place, 0)
        if place[0] is Side.DEBT and (old - new) * REPAID > old:
            return True
        if place[0] is Side.COLLATERAL and (new - old) * ADDED > old:
            return True
    return False


def _amounts(position: Position) -> Mapping[tuple[Side, str], int]:
    found: Counter[tuple[Side, str]] = Counter()
    for leg in position.legs:
        found[leg.side, leg.asset.address] += leg.amount
    return found
