"""What is kept between runs: samples, feed rounds, alerts and what the alert rules remember.

SQLite in WAL mode, one writer, writes queued and flushed in one transaction a round. Nothing here may stop the
watching: a full disk or a locked file becomes a `notice`, and what waits is written when it works again.
`recall` reads it again; `docs/history.md` describes the tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import deque
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.engine.database import connect, thin
from liqtui.engine.lifecycle import END_OF_TIME, happened
from liqtui.engine.recall import ALERT, ALERTS_KEPT, Answer, Recall, Saved, alert_values
from liqtui.engine.schema import FILE, MIGRATIONS, READING
from liqtui.engine.shelf import MOST, PENDING, trim

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from pathlib import Path

    from liqtui.core.model import Feed, PositionKey
    from liqtui.core.snapshot import Alert
    from liqtui.engine.logsearch import Kept

__all__ = ["ALERTS_KEPT", "FILE", "ROUNDS", "SPACING", "Answer", "History", "Sample", "Saved"]

SPACING = 60.0
"""Seconds between two samples of a position that hardly moves."""
STEP = 2000
"""A sample is kept at once when health moved by more than one part in this many."""
PATIENCE = 180.0
"""When a position counts as blind where nobody says otherwise."""
_DAY = 86_400.0
ROUNDS = 30 * _DAY
"""Feed rounds that a start reads."""
_PRUNE_EVERY = 3600.0
_QUEUE = 20_000
_NUMBER = "(SELECT number FROM position_number WHERE position = ?)"
_SAMPLE = (
    f"INSERT OR REPLACE INTO reading (position, at, block, health, cushion, {', '.join(READING)})"  # noqa: S608
    f" VALUES ({_NUMBER}, ?, ?, ?, ?{', ?' * len(READING)})"
)
_GAP = f"INSERT OR REPLACE INTO gap VALUES ({_NUMBER}, ?, ?)"  # noqa: S608
_READINGS_OVER = f"DELETE FROM reading WHERE position = {_NUMBER} AND at > ? AND at < ?"  # noqa: S608
_GAPS_OVER = f"DELETE FROM gap WHERE position = {_NUMBER} AND since >= ? AND since < ? AND until != ?"  # noqa: S608
_ANSWER = """
    INSERT OR REPLACE INTO answer VALUES ((SELECT number FROM feed_number WHERE chain_id = ? AND feed = ?), ?, ?, ?)
"""
_reading = attrgetter(*READING)
_NAMED = {
    1: "INSERT OR IGNORE INTO position_number (position) VALUES (?)",
    2: "INSERT OR IGNORE INTO feed_number (chain_id, feed) VALUES (?, ?)",
}
"""By the length of the name."""


SLACK = 60.0
"""Seconds by which a clock may go ahead of the time that passed before it counts as set forward."""


@dataclass(slots=True)
class _Over:
    """The clock was set back, so what is written now stands before what is there: that is written over, as on a tape.

    A clock that shows a wrong year for a while must not cost the years that are kept, so only that goes which lies
    between two samples with no more time between them than really passed.
    """

    ahead: float
    """The newest that was there."""
    floor: float
    """Up to here it is written over."""
    moment: float
    """Of the last reading, by a clock that nobody sets."""


class Sample(NamedTuple):
    position: str
    """Position id."""
    at: float
    block: int
    health: int
    """1e18-scaled."""
    cushion: float | None
    """Relative distance to the ranking boundary."""
    patience: float = PATIENCE
    """Seconds without a reading before this one that are no silence yet."""
    block_at: int | None = None
    """This and what follows: as in `core.rehearse.Point`."""
    nearest: float | None = None
    sigmas: float | None = None
    eta: float | None = None
    unsafe: bool | None = None


class History(Recall):
    """Write methods only queue; `flush` writes. Reading may be done from any thread. Never raises sqlite3.Error."""

    def __init__(
        self,
        folder: Path | None,
        *,
        read_only: bool = False,
        keep_days: float = 30,
        price_days: float = 30,
        alert_days: float = 365,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """In memory with `folder` None; when the file cannot be used, in memory with a notice that says so.

        `read_only` writes nothing, not even the file; the days are how long samples, feed rounds and alerts stay.
        """
        trouble = ""
        try:
            self._db, reading = connect(folder and folder / FILE, MIGRATIONS, read_only=read_only)
        except (sqlite3.Error, OSError) as error:
            trouble = f"history is kept in memory only: {error}"
            self._db, reading = connect(None, MIGRATIONS)
        super().__init__(reading, trouble)
        self.read_only = read_only
        self._keep = (keep_days * _DAY, price_days * _DAY, alert_days * _DAY)
        self._facts: dict[tuple[Any, ...], tuple[str, tuple[Any, ...]]] = {}
        self._flow: deque[tuple[str, tuple[Any, ...]]] = deque(maxlen=_QUEUE)
        self._written: dict[str, tuple[float, int]] = {}
        self._heard: dict[str, float] = {}
        """When each position was last read, written or not."""
        self._over: dict[str, _Over] = {}
        """Positions of which there is something that is dated later than now."""
        self._monotonic = monotonic
        self._names: dict[tuple[Any, ...], None] = {}
        """Positions and feeds in `_flow`: they need a number in the file."""
        self._rounds: dict[tuple[int, str], int] = {}
        self._feeds: dict[tuple[int, str], tuple[str, int]] = {}
        self._relied: dict[str, frozenset[str]] = {}
        self._alerts: dict[int, Alert] = {}
        """As last written: the newest, and older ones that are not done with."""
        self._events: deque[tuple[Any, ...]] = deque(maxlen=_QUEUE)
        self._pruned_at: float | None = None

    def load(self) -> Saved:
        saved = super().load()
        self._alerts = {alert.id: alert for alert in saved.alerts}
        return saved

    def hears(self, position: str, at: float, health: int, patience: float = PATIENCE) -> bool:
        """Note a reading; returns whether a sample of it would say something new. To be called with every reading."""
        self._hear(position, at, patience)
        last = self._written.get(position)
        if last is None:
            return True
        moved = abs(health - last[1]) * STEP > last[1]
        return at < last[0] or (at > last[0] and (at - last[0] >= SPACING or moved))

    def sample(self, sample: Sample) -> bool:
        """Queue it if it says something new; returns whether it does."""
        if not self.hears(sample.position, sample.at, sample.health, sample.patience):
            return False
        self.keep(sample)
        return True

    def keep(self, sample: Sample) -> None:
        """Queue it; for a reading of which `hears` said that it says something new."""
        position, at, block, health, cushion, *_ = sample
        self._written[position] = (at, health)
        self._write_over(position, at)
        self._stream(_SAMPLE, (position, at, block, _exact(health), cushion, *_reading(sample)), (position,))

    def _hear(self, position: str, at: float, patience: float) -> None:
        """Queue the silence before this reading, if there was one; also that of a time in which nothing ran."""
        before = self._heard.get(position)
        known = before is not None
        before = before if known else self.last_seen(position)
        self._heard[position] = at
        if before is not None and (at < before or position in self._over):
            before = self._hear_over(position, before, at)
            before = before if known else self.last_seen(position, at)
        if before is not None and at - before > patience:
            self._stream(_GAP, (position, before, at), (position,))

    def _hear_over(self, position: str, before: float, at: float) -> float:
        """Where the clock was set back, until it shows what it showed. Returns since when it may have been silent."""
        over, moment = self._over.get(position), self._monotonic()
        if at < before or over is None:
            ahead = before if over is None else max(before, over.ahead)
            self._over[position] = _Over(ahead, at, moment)
            return at
        passed, over.moment = moment - over.moment, moment
        if at - before <= passed + SLACK:
            return before
        over.floor = at  # it was set forward again
        return min(over.ahead, at)

    def _write_over(self, position: str, at: float) -> None:
        """Take away what lies between the sample before and one at `at`, where the clock was set back before them."""
        over = self._over.get(position)
        if over is None:
            return
        self._stream(_READINGS_OVER, (position, over.floor, at), (position,))
        self._stream(_GAPS_OVER, (position, over.floor, at, at), (position,))
        over.floor = at
        if at > over.ahead:
            del self._over[position]

    def round(self, chain_id: int, feed: Feed) -> bool:
        """Queue the feed's latest answer if it is a new one; returns whether it is."""
        if feed.answer is None or feed.updated_at is None or not 0 <= feed.updated_at < END_OF_TIME:
            return False
        if self._rounds.get((chain_id, feed.address), -1) >= feed.updated_at:
            return False
        self._rounds[chain_id, feed.address] = feed.updated_at
        if self._feeds.get((chain_id, feed.address)) != (feed.label, feed.decimals):
            self._feeds[chain_id, feed.address] = (feed.label, feed.decimals)
            described = (chain_id, feed.address, feed.label, feed.decimals)
            self._fact(("feed", *described[:2]), "INSERT OR REPLACE INTO feed VALUES (?, ?, ?, ?)", described)
        name = (chain_id, feed.address)
        self._stream(_ANSWER, (*name, feed.updated_at, feed.factor, str(feed.answer)), name)
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
        if len(self._alerts) > MOST + ALERTS_KEPT:
            written = [self._alerts[number] for number in sorted(self._alerts, reverse=True)]
            trim(written, ALERTS_KEPT, MOST)
            self._alerts = {each.id: each for each in written}
        values = alert_values(alert)
        marks = ", ".join("?" * len(values))
        self._fact(("alert", alert.id), f"INSERT OR REPLACE INTO alert ({ALERT}) VALUES ({marks})", values)  # noqa: S608

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

    def _stream(self, sql: str, values: tuple[Any, ...], name: tuple[Any, ...]) -> None:
        """Queue a row that holds the number of `name`: a position, or chain id and feed."""
        self._flow.append((sql, values))
        self._names[name] = None

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
        prune = self._pruned_at is None or not 0 <= now - self._pruned_at < _PRUNE_EVERY
        if not (self._facts or self._flow or self._events or prune):
            return
        try:
            with self._writing() as db:
                numbers = ((_NAMED[len(name)], name) for name in self._names)
                happened = ((_EVENT, (number, at, now, *rest)) for number, at, *rest in self._events)
                queued = (*numbers, *self._facts.values(), *self._flow, *happened)
                lost = [sql for sql, values in queued if not _put(db, sql, values)]
                if prune:
                    _prune(db, now, *self._keep)
        except sqlite3.Error as error:
            self.notice = f"history cannot be written ({error}); watching goes on"
            return
        if self.notice.startswith("history cannot be written"):
            self.notice = ""
        if lost:
            self.notice = "history leaves out what no chain should say: a number or a text that it cannot hold"
        self._forget()
        self._pruned_at = now if prune else self._pruned_at

    def _forget(self) -> None:
        """What is queued."""
        self._names.clear()
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


_EVENT = "INSERT INTO event (alert, at, what, by, detail) VALUES (?, coalesce(?, ?), ?, ?, ?)"


def _put(db: sqlite3.Connection, sql: str, values: tuple[Any, ...]) -> bool:
    """Whether SQLite could take it: what it cannot hold, be it no number at all, must not hold up all the rest."""
    try:
        db.execute(sql, values)
    except (OverflowError, UnicodeError, sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError):
        return False
    return True


def _exact(value: int) -> int | str:
    """As SQLite holds it without loss: an integer of 64 bits, or its digits."""
    return value if value < 2**63 else str(value)


def _prune(db: sqlite3.Connection, now: float, samples: float, rounds: float, alerts: float) -> None:
    """Forget by age (seconds), and thin what is not new."""
    thin(db, now)
    db.execute("DELETE FROM reading WHERE at < ?", (now - samples,))
    db.execute("DELETE FROM gap WHERE until < ?", (now - samples,))
    db.execute("DELETE FROM answer WHERE at < ?", (now - rounds,))
    # What something may still come of stays, however old it is by a clock that may be wrong for a while.
    db.execute(f"DELETE FROM alert WHERE at < ? AND NOT ({PENDING})", (now - alerts,))  # noqa: S608 - a constant
    db.execute("DELETE FROM delivery WHERE made_at < ? AND alert NOT IN (SELECT id FROM alert)", (now - alerts,))
    db.execute("DELETE FROM event WHERE alert NOT IN (SELECT id FROM alert)")
