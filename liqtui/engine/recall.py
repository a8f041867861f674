"""What was kept, read again: by the engine at its start, and by a screen while it is written."""

from __future__ import annotations

import json
import sqlite3
import threading
from bisect import bisect_right
from dataclasses import dataclass
from math import inf, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import HEALTH_INFINITE, PositionKey
from liqtui.core.rehearse import Point
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.units import WAD
from liqtui.engine.lifecycle import END_OF_TIME
from liqtui.engine.logsearch import Kept
from liqtui.engine.schema import READING
from liqtui.engine.shelf import MOST, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALERTS_KEPT = 500
_UNREADABLE = "history cannot be read"


class Answer(NamedTuple):
    chain_id: int
    feed: str
    """Address."""
    factor: str
    at: int
    """Chain time of the feed's update."""
    answer: int


@dataclass(frozen=True, slots=True)
class Saved:
    """What a start finds."""

    alerts: tuple[Alert, ...] = ()
    """Newest first: the newest `ALERTS_KEPT`, and older ones that are not done with."""
    last_alert: int = 0
    """Highest alert id given out so far."""
    positions: tuple[PositionKey, ...] = ()
    """Open when last seen."""
    memory: str = ""
    """What the alert rules remembered, as they wrote it."""
    desk: str = ""
    """The same of what was muted, called again, summed up."""
    feeds: str = ""
    """The same of price feeds."""
    spells: str = ""
    """How bad each position was, and since when."""


class Recall:
    """Reading may be done from any thread. Never raises sqlite3.Error: `notice` says what is wrong."""

    def __init__(self, reading: sqlite3.Connection, notice: str = "") -> None:
        self.notice = notice
        """What is wrong, for the person; empty when all is well."""
        self._reading = reading
        self._lock = threading.Lock()

    def load(self) -> Saved:
        """What was kept by earlier runs."""
        alerts = self.alerts(limit=ALERTS_KEPT)
        alerts += self._pending(alerts[-1].id) if alerts else []
        # Without them nothing goes out again: what was said then has to be said anew.
        lost = self.notice.startswith(_UNREADABLE)
        memory: dict[str, str] = {} if lost else dict(self._rows("SELECT name, value FROM memory"))
        return Saved(
            alerts=tuple(alerts),
            last_alert=alerts[0].id if alerts else 0,
            positions=self.positions(),
            memory=memory.get("rules", ""),
            desk=memory.get("desk", ""),
            feeds=memory.get("feeds", ""),
            spells=memory.get("spells", ""),
        )

    def positions(self) -> tuple[PositionKey, ...]:
        """Those that were open when last seen."""
        sql = "SELECT chain_id, protocol, market, wallet, market_id FROM position WHERE open"
        return tuple(PositionKey(*row) for row in self._rows(sql))

    def alerts(self, before: int | None = None, limit: int = ALERTS_KEPT) -> list[Alert]:
        """Newest first, those with an id under `before`. Nothing where an older version wrote the file."""
        if not self._rows("SELECT 1 FROM pragma_table_info('alert') WHERE name = 'held'"):
            return []
        if before is None:
            rows = self._rows(f"SELECT {ALERT} FROM alert ORDER BY id DESC LIMIT ?", limit)  # noqa: S608 - a constant
        else:
            rows = self._rows(f"SELECT {ALERT} FROM alert WHERE id < ? ORDER BY id DESC LIMIT ?", before, limit)  # noqa: S608
        return self._understood(rows)

    def _pending(self, before: int) -> list[Alert]:
        """Those with an id under `before` that something may still come of, newest first."""
        sql = f"SELECT {ALERT} FROM alert WHERE id < ? AND {PENDING} ORDER BY id DESC LIMIT ?"  # noqa: S608 - constants
        return self._understood(self._rows(sql, before, MOST - ALERTS_KEPT))

    def _understood(self, rows: Iterable[Sequence[Any]]) -> list[Alert]:
        """One that is damaged, or that a newer version wrote, is left out: it must not cost the others."""
        found: list[Alert] = []
        for row in rows:
            try:
                found.append(_alert(row))
            except (ValueError, TypeError, LookupError):
                self.notice = f"alert {row[0]} in the history cannot be understood and is left out"
        return found

    def sendings(self) -> list[tuple[Alert, tuple[Any, ...]]]:
        """What `sending` was told, oldest first: all that is not over, and all of the newest alerts."""
        which = "state IN ('waiting', 'sending', 'held') OR alert > (SELECT max(id) FROM alert) - ?"
        rows = self._rows(f"SELECT * FROM delivery WHERE {which} ORDER BY made_at, alert", ALERTS_KEPT)  # noqa: S608
        of_them = f"SELECT {ALERT} FROM alert WHERE id IN (SELECT alert FROM delivery WHERE {which})"  # noqa: S608
        alerts = {alert.id: alert for alert in self._understood(self._rows(of_them, ALERTS_KEPT))}
        return [(alerts[row[0]], row) for row in rows if row[0] in alerts]

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        """(unix time, health), oldest first: infinite without debt, NaN at both ends of a time that is not known.

        What was not read stays told apart however far the samples around it were thinned.
        """
        rows = self._rows(
            "SELECT at, health FROM sample WHERE position = ? AND at >= ? ORDER BY at", position_id, since
        )
        found = [(at, 1, inf if int(health) == HEALTH_INFINITE else int(health) / WAD) for at, health in rows]
        for start, end in self._silences(position_id, since):
            found += [(max(start, since), 2, nan), (end, 0, nan)]
        return [(at, health) for at, _, health in sorted(found, key=lambda each: each[:2])]

    def _silences(self, position_id: str, since: float) -> list[tuple[float, float]]:
        if not self._holds("silence"):
            return []
        return self._rows("SELECT since, until FROM silence WHERE position = ? AND until >= ?", position_id, since)

    def last_seen(self, position_id: str, until: float = END_OF_TIME) -> float | None:
        """Unix time of the newest sample that is kept and not dated later."""
        sql = "SELECT at FROM sample WHERE position = ? AND at <= ? ORDER BY at DESC LIMIT 1"
        rows = self._rows(sql, position_id, until)
        return rows[0][0] if rows else None

    def points(self, position_id: str, since: float) -> list[Point]:
        """Recorded readings, oldest first; also of times without debt."""
        known = {name for (name,) in self._rows("SELECT name FROM pragma_table_info('sample')")}
        kept = ", ".join(name if name in known else "NULL" for name in READING)  # an older version may have written it
        sql = f"SELECT at, health, cushion, {kept} FROM sample WHERE position = ? AND at >= ? ORDER BY at"  # noqa: S608
        found = [
            Point(at, int(health), distance, *rest, unsafe=None if unsafe is None else bool(unsafe))
            for at, health, distance, *rest, unsafe in self._rows(sql, position_id, since)
        ]
        for at in self._turns(position_id, since):
            place = bisect_right(found, at, key=lambda point: point.at) - 1
            if place >= 0:
                found[place] = found[place]._replace(moved=True)
        return found

    def _turns(self, position_id: str, since: float) -> list[float]:
        """When an alert told that somebody changed the amounts of a position."""
        if not self._rows("SELECT 1 FROM pragma_table_info('alert') WHERE name = 'positions'"):
            return []
        rows = self._rows(
            "SELECT at FROM alert WHERE at >= ? AND (kind IN ('changed', 'liquidated')"
            """ OR instr(facts, '["change", ')) AND EXISTS (SELECT 1 FROM json_each(positions) WHERE value = ?)""",
            since,
            position_id,
        )
        return [at for (at,) in rows]

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        """(unix time, feed label) of each recorded update of the feeds that a position relies on, oldest first."""
        if not self._holds("reliance"):
            return []
        return self._rows(
            "SELECT r.at, coalesce(f.label, r.factor) FROM reliance p JOIN round r USING (chain_id, feed)"
            " LEFT JOIN feed f USING (chain_id, feed) WHERE p.position = ? AND r.at >= ? AND r.at <= coalesce(p.until,"
            " r.at) ORDER BY r.at",
            position_id,
            since,
        )

    def answers(self, since: float) -> list[Answer]:
        """Feed rounds of all chains, oldest first."""
        rows = self._rows("SELECT chain_id, feed, factor, at, answer FROM round WHERE at >= ? ORDER BY at", since)
        return [Answer(chain_id, feed, factor, at, int(answer)) for chain_id, feed, factor, at, answer in rows]

    def trail(self, place: str, wallet: str) -> Kept | None:
        """As written; None also where an older version wrote the file and this one may not change it."""
        if not self._holds("trail"):
            return None
        rows = self._rows("SELECT next_block, found FROM trail WHERE place = ? AND wallet = ?", place, wallet)
        return Kept(*rows[0]) if rows else None

    def _holds(self, table: str) -> bool:
        """Whether the version that wrote the file knew that table."""
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = ?", table))

    def _rows(self, sql: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                rows = self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self.notice = f"{_UNREADABLE}: {error}"
            return []
        if self.notice.startswith(_UNREADABLE):
            self.notice = ""
        return rows


ALERT = (
    "id, at, severity, kind, title, text, position, cure, acked_at, block, level, positions, facts, cause,"
    " snoozed_until, over_at, escalated, held"
)


def alert_values(alert: Alert) -> tuple[Any, ...]:
    """In the order of `ALERT`."""
    lists = (json.dumps(value, ensure_ascii=False) for value in (alert.positions, alert.facts))
    head = (alert.id, alert.at, alert.severity.value, alert.kind, alert.title, alert.text, alert.position, alert.cure)
    tail = (alert.cause, alert.snoozed_until, alert.over_at, alert.escalated, alert.held)
    return (*head, alert.acked_at, alert.block, alert.level.value, *lists, *tail)


def _alert(row: Sequence[Any]) -> Alert:
    """The inverse of `alert_values`."""
    fields: dict[str, Any] = dict(zip(ALERT.split(", "), row, strict=True))
    fields["severity"], fields["level"] = Severity(fields["severity"]), Level(fields["level"])
    fields["positions"] = tuple(json.loads(fields["positions"]))
    fields["facts"] = tuple((name, value) for name, value in json.loads(fields["facts"]))
    return Alert(**fields)
