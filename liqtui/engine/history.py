"""What is kept between runs: samples, feed rounds, alerts and what the alert rules remember.

SQLite in WAL mode, one writer, writes queued and flushed in one transaction a round. Nothing here may stop the
watching: a full disk or a locked file becomes a `notice`, and what waits is written when it works again.
`docs/history.md` describes the tables.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import HEALTH_INFINITE, PositionKey
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.units import WAD
from liqtui.engine.logsearch import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from liqtui.core.model import Feed

FILE = "history.sqlite"
SPACING = 60.0
"""Seconds between two samples of a position that hardly moves."""
STEP = 2000
"""A sample is kept at once when health moved by more than one part in this many."""
ALERTS_KEPT = 500
_DAY = 86_400.0
FINE, ROUNDS, ALERTS = 2 * _DAY, 30 * _DAY, 365 * _DAY
"""How long samples are kept as taken (then one per `_SLOT`, as long as the person says); feed rounds; alerts."""
_SLOT = 600.0
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

    def __init__(self, folder: Path | None, *, read_only: bool = False, keep_days: float = 30) -> None:
        """In memory with `folder` None; when the file cannot be used, in memory with a notice that says so.

        `read_only` writes nothing, not even the file; `keep_days` is how long samples stay.
        """
        self.notice = ""
        """What is wrong, for the person; empty when all is well."""
        self.read_only = read_only
        self._keep = keep_days * _DAY
        self._lock = threading.Lock()
        self._facts: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]]] = {}
        self._flow: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=_QUEUE)
        self._written: dict[str, tuple[float, int]] = {}
        self._rounds: dict[tuple[int, str], int] = {}
        self._pruned_at: float | None = None
        try:
            self._db, self._reading = _connect(folder, read_only=read_only)
        except (sqlite3.Error, OSError) as error:
            self.notice = f"history is kept in memory only: {error}"
            self._db, self._reading = _connect(None, read_only=False)

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
        values = (chain_id, feed.address, feed.updated_at, feed.factor, str(feed.answer))
        self._flow.append(("INSERT OR REPLACE INTO round VALUES (?, ?, ?, ?, ?)", values))
        return True

    def alert(self, alert: Alert) -> None:
        """Queue an alert, new or acknowledged."""
        values = _alert_values(alert)
        marks = ", ".join("?" * len(values))
        self._fact(("alert", alert.id), f"INSERT OR REPLACE INTO alert ({_ALERT}) VALUES ({marks})", values)  # noqa: S608

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
            self._facts.clear()
            self._flow.clear()
            return
        prune = self._pruned_at is None or now - self._pruned_at >= _PRUNE_EVERY
        if not (self._facts or self._flow or prune):
            return
        try:
            with self._writing() as db:
                for sql, values in (*self._facts.values(), *self._flow):
                    db.execute(sql, values)
                if prune:
                    _prune(db, now, self._keep)
        except sqlite3.Error as error:
            self.notice = f"history cannot be written ({error}); watching goes on"
            return
        if self.notice.startswith("history cannot be written"):
            self.notice = ""
        self._facts.clear()
        self._flow.clear()
        self._pruned_at = now if prune else self._pruned_at

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

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        """(unix time, health), oldest first. Times without debt, where health has no figure, are left out."""
        rows = self._rows(
            "SELECT at, health FROM sample WHERE position = ? AND at >= ? ORDER BY at", position_id, since
        )
        return [(at, int(health) / WAD) for at, health in rows if int(health) != HEALTH_INFINITE]

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


def _connect(folder: Path | None, *, read_only: bool) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """The writing and the reading connection; the same one in memory and read-only."""
    if folder is None or (read_only and not (folder / FILE).exists()):
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        _migrate(db)
        return db, db
    path = folder / FILE
    if read_only:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0.5)
        return _closing_on_error(db, _check_version)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)  # before SQLite opens it: the files that it puts beside it take their mode from it
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)
    _closing_on_error(db, _prepare)
    return db, sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.5)


def _closing_on_error(
    db: sqlite3.Connection, step: Callable[[sqlite3.Connection], object]
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    try:
        step(db)
    except BaseException:
        db.close()
        raise
    return db, db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    _migrate(db)


def _check_version(db: sqlite3.Connection) -> int:
    """The file's schema version. Raises sqlite3.DatabaseError when this program does not know it."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise sqlite3.DatabaseError(f"{FILE} was written by a newer version (schema {version})")
    return version


def _migrate(db: sqlite3.Connection) -> None:
    """Bring the schema up to date, each version in a transaction of its own."""
    for version in range(_check_version(db), len(_MIGRATIONS)):
        db.executescript(f"BEGIN; {_MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;")


def _prune(db: sqlite3.Connection, now: float, keep: float) -> None:
    """Forget by age; of older samples keep the lowest health of each slot."""
    db.execute("DELETE FROM sample WHERE at < ?", (now - keep,))
    db.execute(
        "DELETE FROM sample WHERE at < ? AND (position, at) NOT IN (SELECT position, at FROM (SELECT position, at,"
        " row_number() OVER (PARTITION BY position, CAST(at / ? AS INTEGER) ORDER BY length(health), health) AS place"
        " FROM sample WHERE at < ?) WHERE place = 1)",
        (now - FINE, _SLOT, now - FINE),
    )
    db.execute("DELETE FROM round WHERE at < ?", (now - ROUNDS,))
    db.execute("DELETE FROM alert WHERE at < ?", (now - ALERTS,))
