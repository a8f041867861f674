"""What is kept between runs: samples, feed rounds, alerts and what the alert rules remember.

SQLite in WAL mode, one writer, writes queued and flushed in one transaction a round. Nothing here may stop the
watching: a full disk or a locked file becomes a `notice`, and what waits is written when it works again.
`docs/history.md` describes the tables.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import HEALTH_INFINITE, PositionKey
from liqtui.core.rehearse import Point
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.units import WAD
from liqtui.engine.database import connect, thin
from liqtui.engine.lifecycle import happened
from liqtui.engine.logsearch import Kept

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from liqtui.core.model import Feed

FILE = "history.sqlite"
SPACING = 60.0
"""Seconds between two samples of a position that hardly moves."""
STEP = 2000
"""A sample is kept at once when health moved by more than one part in this many."""
ALERTS_KEPT = 500
_DAY = 86_400.0
ROUNDS = 30 * _DAY
"""Feed rounds that a start reads."""
ALERTS = 365 * _DAY
_PRUNE_EVERY = 3600.0
_QUEUE = 20_000

_MIGRATIONS = (
    """
    CREATE TABLE position (
        id INTEGER PRIMARY KEY, chain_id INTEGER NOT NULL, protocol TEXT NOT NULL, market TEXT NOT NULL,
        wallet TEXT NOT NULL, market_id TEXT NOT NULL, open INTEGER NOT NULL,
        UNIQUE (chain_id, protocol, market, wallet, market_id));
    CREATE TABLE sample (
        position TEXT NOT NULL, at REAL NOT NULL, block INTEGER NOT NULL, health TEXT NOT NULL, cushion REAL,
        PRIMARY KEY (position, at)) WITHOUT ROWID;
    CREATE INDEX sample_at ON sample (at);
    CREATE TABLE round (
        chain_id INTEGER NOT NULL, feed TEXT NOT NULL, at INTEGER NOT NULL, factor TEXT NOT NULL,
        answer TEXT NOT NULL, PRIMARY KEY (chain_id, feed, at)) WITHOUT ROWID;
    CREATE INDEX round_at ON round (at);
    CREATE TABLE alert (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, severity TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
        text TEXT NOT NULL, position TEXT NOT NULL, cure TEXT NOT NULL, acked_at REAL, block INTEGER);
    CREATE TABLE memory (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    """
    CREATE TABLE trail (
        place TEXT NOT NULL, wallet TEXT NOT NULL, next_block INTEGER NOT NULL, found TEXT NOT NULL,
        PRIMARY KEY (place, wallet)) WITHOUT ROWID;
    """,
    """
    ALTER TABLE alert ADD COLUMN level TEXT NOT NULL DEFAULT 'notice';
    ALTER TABLE alert ADD COLUMN positions TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE alert ADD COLUMN facts TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE alert ADD COLUMN cause TEXT NOT NULL DEFAULT '';
    ALTER TABLE alert ADD COLUMN snoozed_until REAL;
    ALTER TABLE alert ADD COLUMN over_at REAL;
    ALTER TABLE alert ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE alert ADD COLUMN held TEXT NOT NULL DEFAULT '';
    UPDATE alert SET level = CASE severity WHEN 'warn' THEN 'call' WHEN 'blind' THEN 'call' WHEN 'unknown' THEN 'call'
        WHEN 'ok' THEN 'notice' ELSE severity END,
        positions = CASE position WHEN '' THEN '[]' ELSE json_array(position) END;
    """,
    """
    CREATE TABLE feed (
        chain_id INTEGER NOT NULL, feed TEXT NOT NULL, label TEXT NOT NULL, decimals INTEGER NOT NULL,
        PRIMARY KEY (chain_id, feed)) WITHOUT ROWID;
    CREATE TABLE reliance (
        position TEXT NOT NULL, chain_id INTEGER NOT NULL, feed TEXT NOT NULL, since REAL NOT NULL, until REAL,
        PRIMARY KEY (position, chain_id, feed)) WITHOUT ROWID;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY, alert INTEGER NOT NULL, at REAL, what TEXT NOT NULL, by TEXT NOT NULL,
        detail TEXT NOT NULL);
    CREATE INDEX event_alert ON event (alert);
    """,
    """
    CREATE TABLE delivery (
        alert INTEGER NOT NULL, channel TEXT NOT NULL, escalation INTEGER NOT NULL, state TEXT NOT NULL,
        tries INTEGER NOT NULL, made_at REAL NOT NULL, at REAL NOT NULL, next_at REAL, reason TEXT NOT NULL,
        PRIMARY KEY (alert, channel, escalation)) WITHOUT ROWID;
    """,
)
"""Script n brings a file from version n to n + 1; `user_version` says where it stands."""


class Sample(NamedTuple):
    position: str
    """Position id."""
    at: float
    block: int
    health: int
    """1e18-scaled."""
    cushion: float | None
    """Relative distance to the ranking boundary."""


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
    """Newest first."""
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


class History:
    """Write methods only queue; `flush` writes. Reading may be done from any thread. Never raises sqlite3.Error."""

    def __init__(
        self,
        folder: Path | None,
        *,
        read_only: bool = False,
        keep_days: float = 30,
        price_days: float = 30,
        alert_days: float = 365,
    ) -> None:
        """In memory with `folder` None; when the file cannot be used, in memory with a notice that says so.

        `read_only` writes nothing, not even the file; the days are how long samples, feed rounds and alerts stay.
        """
        self.notice = ""
        """What is wrong, for the person; empty when all is well."""
        self.read_only = read_only
        self._keep = (keep_days * _DAY, price_days * _DAY, alert_days * _DAY)
        self._lock = threading.Lock()
        self._facts: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]]] = {}
        self._flow: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=_QUEUE)
        self._written: dict[str, tuple[float, int]] = {}
        self._rounds: dict[tuple[int, str], int] = {}
        self._feeds: dict[tuple[int, str], tuple[str, int]] = {}
        self._relied: dict[str, frozenset[str]] = {}
        self._alerts: dict[int, Alert] = {}
        """As last written, newest `ALERTS_KEPT`."""
        self._events: deque[tuple[Any, ...]] = deque(maxlen=_QUEUE)
        self._pruned_at: float | None = None
        try:
            self._db, self._reading = connect(folder and folder / FILE, _MIGRATIONS, read_only=read_only)
        except (sqlite3.Error, OSError) as error:
            self.notice = f"history is kept in memory only: {error}"
            self._db, self._reading = connect(None, _MIGRATIONS)

    # -- writing -------------------------------------------------------------------------------------------------

    def sample(self, sample: Sample) -> bool:
        """Queue it if it says something new; returns whether it does."""
        last = self._written.get(sample.position)
        if last is not None:
            moved = abs(sample.health - last[1]) * STEP > last[1]
            if sample.at <= last[0] or (sample.at - last[0] < SPACING and not moved):
                return False
        self._written[sample.position] = (sample.at, sample.health)
        values = (sample.position, sample.at, sample.block, str(sample.health), sample.cushion)
        self._flow.append(("INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?, ?)", values))
        return True

    def round(self, chain_id: int, feed: Feed) -> bool:
        """Queue the feed's latest answer if it is a new one; returns whether it is."""
        if feed.answer is None or feed.updated_at is None:
            return False
        if self._rounds.get((chain_id, feed.address), -1) >= feed.updated_at:
            return False
        self._rounds[chain_id, feed.address] = feed.updated_at
        if self._feeds.get((chain_id, feed.address)) != (feed.label, feed.decimals):
            self._feeds[chain_id, feed.address] = (feed.label, feed.decimals)
            described = (chain_id, feed.address, feed.label, feed.decimals)
            self._fact(("feed", *described[:2]), "INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?)", described)
        values = (chain_id, feed.address, feed.updated_at, feed.factor, str(feed.answer))
        self._flow.append(("INSERT OR REPLACE INTO round VALUES (?, ?, ?, ?, ?)", values))
        return True

    def relies(self, position: str, chain_id: int, feeds: Iterable[str], now: float) -> None:
        """Queue which feeds (addresses) the price of a position comes from, if they are others than before."""
        found = frozenset(feeds)
        if self._relied.get(position) == found:
            return
        self._relied[position] = found
        marks = ", ".join("?" * len(found))
        ended = f"UPDATE reliance SET until = ? WHERE position = ? AND until IS NULL AND feed NOT IN ({marks})"  # noqa: S608
        self._fact(("unreliance", position), ended, (now, position, *sorted(found)))
        for feed in sorted(found):
            begun = "INSERT INTO reliance VALUES (?, ?, ?, ?, NULL) ON CONFLICT DO UPDATE SET until = NULL"
            self._fact(("reliance", position, feed), begun, (position, chain_id, feed, now))

    def alert(self, alert: Alert) -> None:
        """Queue an alert, new or changed, and what happened to it."""
        self._events.extend((alert.id, *event) for event in happened(self._alerts.get(alert.id), alert))
        self._alerts[alert.id] = alert
        if len(self._alerts) > 2 * ALERTS_KEPT:
            self._alerts = {number: self._alerts[number] for number in sorted(self._alerts)[-ALERTS_KEPT:]}
        values = _alert_values(alert)
        marks = ", ".join("?" * len(values))
        self._fact(("alert", alert.id), f"INSERT OR REPLACE INTO alert ({_ALERT}) VALUES ({marks})", values)  # noqa: S608

    def sending(self, values: tuple[Any, ...]) -> None:
        """Queue how far the sending of an alert got: an `outbox.Sending`."""
        self._fact(
            ("delivery", *values[:3]), "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
        )

    def position(self, key: PositionKey, *, is_open: bool) -> None:
        """Queue that a position is open or gone."""
        self._fact(
            ("position", key),
            "INSERT INTO position (chain_id, protocol, market, wallet, market_id, open) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (chain_id, protocol, market, wallet, market_id) DO UPDATE SET open = excluded.open",
            (*key, int(is_open)),
        )

    def remember(self, memory: str, name: str = "rules") -> None:
        """Queue what the alert rules remember, each part under a name of its own."""
        self._fact(("memory", name), "INSERT OR REPLACE INTO memory VALUES (?, ?)", (name, memory))

    def keep_trail(self, place: str, wallet: str, kept: Kept) -> None:
        """Queue how far the logs of a deployment were searched for a wallet, and what they told."""
        sql = "INSERT OR REPLACE INTO trail VALUES (?, ?, ?, ?)"
        self._fact(("trail", place, wallet), sql, (place, wallet, *kept))

    def _fact(self, key: tuple[Any, ...], sql: str, values: tuple[Any, ...]) -> None:
        self._facts.pop(key, None)
        self._facts[key] = (sql, values)
        if len(self._facts) > _QUEUE:
            del self._facts[next(iter(self._facts))]

    def flush(self, now: float) -> None:
        """Write what is queued. On failure it stays queued (bounded, oldest samples go first) and `notice` says why."""
        if self.read_only:
            self._forget()
            return
        prune = self._pruned_at is None or now - self._pruned_at >= _PRUNE_EVERY
        if not (self._facts or self._flow or self._events or prune):
            return
        try:
            with self._writing() as db:
                for sql, values in (*self._facts.values(), *self._flow):
                    db.execute(sql, values)
                db.executemany(
                    "INSERT INTO event (alert, at, what, by, detail) VALUES (?, coalesce(?, ?), ?, ?, ?)",
                    [(number, at, now, *rest) for number, at, *rest in self._events],
                )
                if prune:
                    _prune(db, now, *self._keep)
        except sqlite3.Error as error:
            self.notice = f"history cannot be written ({error}); watching goes on"
            return
        if self.notice.startswith("history cannot be written"):
            self.notice = ""
        self._forget()
        self._pruned_at = now if prune else self._pruned_at

    def _forget(self) -> None:
        """What is queued."""
        self._facts.clear()
        self._flow.clear()
        self._events.clear()

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction; readers wait only where there is one connection for both."""
        with self._lock if self._db is self._reading else contextlib.nullcontext():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            for connection in {id(c): c for c in (self._db, self._reading)}.values():
                connection.close()

    # -- reading -------------------------------------------------------------------------------------------------

    def load(self) -> Saved:
        """What was kept by earlier runs."""
        alerts = self.alerts(limit=ALERTS_KEPT)
        self._alerts = {alert.id: alert for alert in alerts}
        memory: dict[str, str] = dict(self._rows("SELECT name, value FROM memory"))
        keys = "chain_id, protocol, market, wallet, market_id"
        return Saved(
            alerts=tuple(alerts),
            last_alert=alerts[0].id if alerts else 0,
            positions=tuple(PositionKey(*row) for row in self._rows(f"SELECT {keys} FROM position WHERE open")),  # noqa: S608
            memory=memory.get("rules", ""),
            desk=memory.get("desk", ""),
            feeds=memory.get("feeds", ""),
        )

    def alerts(self, before: int | None = None, limit: int = ALERTS_KEPT) -> list[Alert]:
        """Newest first, those with an id under `before`. Nothing where an older version wrote the file."""
        if not self._rows("SELECT 1 FROM pragma_table_info('alert') WHERE name = 'held'"):
            return []
        if before is None:
            rows = self._rows(f"SELECT {_ALERT} FROM alert ORDER BY id DESC LIMIT ?", limit)  # noqa: S608 - a constant
        else:
            rows = self._rows(f"SELECT {_ALERT} FROM alert WHERE id < ? ORDER BY id DESC LIMIT ?", before, limit)  # noqa: S608
        return [_alert(row) for row in rows]

    def sendings(self) -> list[tuple[Alert, tuple[Any, ...]]]:
        """What `sending` was told, oldest first: all that is not over, and all of the newest alerts."""
        which = "state IN ('waiting', 'sending', 'held') OR alert > (SELECT max(id) FROM alert) - ?"
        rows = self._rows(f"SELECT * FROM delivery WHERE {which} ORDER BY made_at, alert", ALERTS_KEPT)  # noqa: S608
        of_them = f"SELECT {_ALERT} FROM alert WHERE id IN (SELECT alert FROM delivery WHERE {which})"  # noqa: S608
        alerts = {alert.id: alert for alert in map(_alert, self._rows(of_them, ALERTS_KEPT))}
        return [(alerts[row[0]], row) for row in rows if row[0] in alerts]

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        """(unix time, health), oldest first. Times without debt, where health has no figure, are left out."""
        rows = self._rows(
            "SELECT at, health FROM sample WHERE position = ? AND at >= ? ORDER BY at", position_id, since
        )
        return [(at, int(health) / WAD) for at, health in rows if int(health) != HEALTH_INFINITE]

    def points(self, position_id: str, since: float) -> list[Point]:
        """Recorded readings, oldest first; also of times without debt."""
        rows = self._rows(
            "SELECT at, health, cushion FROM sample WHERE position = ? AND at >= ? ORDER BY at", position_id, since
        )
        return [Point(at, int(health), distance) for at, health, distance in rows]

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        """(unix time, feed label) of each recorded update of the feeds that a position relies on, oldest first."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'reliance'"):
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
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'trail'"):
            return None
        rows = self._rows("SELECT next_block, found FROM trail WHERE place = ? AND wallet = ?", place, wallet)
        return Kept(*rows[0]) if rows else None

    def _rows(self, sql: str, *values: object) -> list[Any]:
        try:
            with self._lock:
                return self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self.notice = f"history cannot be read: {error}"
            return []


_ALERT = (
    "id, at, severity, kind, title, text, position, cure, acked_at, block, level, positions, facts, cause,"
    " snoozed_until, over_at, escalated, held"
)


def _alert_values(alert: Alert) -> tuple[Any, ...]:
    """In the order of `_ALERT`."""
    lists = (json.dumps(value, ensure_ascii=False) for value in (alert.positions, alert.facts))
    head = (alert.id, alert.at, alert.severity.value, alert.kind, alert.title, alert.text, alert.position, alert.cure)
    tail = (alert.cause, alert.snoozed_until, alert.over_at, alert.escalated, alert.held)
    return (*head, alert.acked_at, alert.block, alert.level.value, *lists, *tail)


def _alert(row: Sequence[Any]) -> Alert:
    """The inverse of `_alert_values`."""
    fields: dict[str, Any] = dict(zip(_ALERT.split(", "), row, strict=True))
    fields["severity"], fields["level"] = Severity(fields["severity"]), Level(fields["level"])
    fields["positions"] = tuple(json.loads(fields["positions"]))
    fields["facts"] = tuple((name, value) for name, value in json.loads(fields["facts"]))
    return Alert(**fields)


def _prune(db: sqlite3.Connection, now: float, samples: float, rounds: float, alerts: float) -> None:
    """Forget by age (seconds), and thin what is not new."""
    thin(db, now)
    db.execute("DELETE FROM sample WHERE at < ?", (now - samples,))
    db.execute("DELETE FROM round WHERE at < ?", (now - rounds,))
    db.execute("DELETE FROM alert WHERE at < ?", (now - alerts,))
    db.execute("DELETE FROM delivery WHERE made_at < ?", (now - alerts,))
    db.execute("DELETE FROM event WHERE alert NOT IN (SELECT id FROM alert)")
