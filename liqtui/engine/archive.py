"""Reads the history for whoever wants all of it: row by row in constant memory, while the monitor may be writing.

A file is read in short pieces: one long look at it would keep SQLite from ever tidying its write-ahead log.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from liqtui.core.model import PositionKey, is_infinite
from liqtui.core.units import decimal_string
from liqtui.engine.lifecycle import END_OF_TIME, iso
from liqtui.engine.schema import MIGRATIONS, READING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PIECE = 2000
"""Rows that are read at once."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "samples": (
        "time", "position", "chain_id", "protocol", "market", "wallet", "market_id", "block", "health", "health_raw",
        "cushion", "prices", "block_time", "nearest", "sigmas", "interest_eta_seconds", "liquidatable",
    ),
    "silences": ("since", "until", "position", "chain_id", "protocol", "market", "wallet", "market_id", "seconds"),
    "alerts": (
        "id", "time", "level", "severity", "kind", "title", "text", "cure", "positions", "block", "facts", "escalated",
        "acked_at", "acked_by", "snoozed_until", "over_at", "held", "events", "deliveries",
    ),
    "prices": ("time", "chain_id", "feed", "label", "factor", "price", "answer", "decimals", "positions"),
}  # fmt: skip
"""What each export holds, in this order. Names are never reused for something else."""


class ArchiveError(Exception):
    """Why there is nothing to read, in a sentence."""


class Archive:
    """Raises ArchiveError where the history cannot be read. Close it afterwards."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise ArchiveError(f"{path}: there is no history yet; it is kept while liqtui runs")
        try:
            self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)
        except sqlite3.Error as error:
            raise ArchiveError(f"{path}: cannot be read: {error}") from error
        try:
            tables, columns = self._shape(path)
        except BaseException:
            self.close()
            raise
        self._deliveries, self._silent = "delivery" in tables, "silence" in tables
        self._reading = ", ".join(name if name in columns else "NULL" for name in READING)

    def _shape(self, path: Path) -> tuple[set[str], set[str]]:
        """Names of the tables, and of the columns of `sample`."""
        try:
            tables = {name for (name,) in self._rows("SELECT name FROM sqlite_master")}
            columns = {name for (name,) in self._rows("SELECT name FROM pragma_table_info('sample')")}
            version = self._rows("PRAGMA user_version")[0][0]
        except sqlite3.Error as error:
            raise ArchiveError(f"{path}: cannot be read: {error}") from error
        if version > len(MIGRATIONS):
            raise ArchiveError(f"{path}: written by a newer version of liqtui (schema {version})")
        if not tables >= {"sample", "alert", "round", "feed", "reliance", "event"}:
            raise ArchiveError(f"{path}: written by an older version; start liqtui once, which brings it up to date")
        return tables, columns

    def close(self) -> None:
        self._db.close()

    def rows(self, what: str, since: float | None = None, wallet: str = "") -> Iterator[dict[str, Any]]:
        """Rows of `COLUMNS[what]`, oldest first, from a Unix time on, of one wallet (lower case) or of all.

        Exact integers are text, times ISO 8601 in UTC, unknown is None.
        """
        start = float("-inf") if since is None else since
        made = {
            "samples": self._samples, "silences": self._silences, "alerts": self._alerts, "prices": self._prices,
        }  # fmt: skip
        try:
            yield from made[what](start, wallet)
        except sqlite3.Error as error:
            raise ArchiveError(f"the history cannot be read any further: {error}") from error

    # -- samples -------------------------------------------------------------------------------------------------

    def _samples(self, since: float, wallet: str) -> Iterator[dict[str, Any]]:
        keys = {str(key): key for key in self._keys()}
        quotes = _Quotes(self)
        sql = (
            f"SELECT at, position, block, health, cushion, {self._reading} FROM sample WHERE at >= ?"  # noqa: S608
            " AND (at, position) > (?, ?) AND (? = '' OR substr(position, -length(?)) = ?)"
            " ORDER BY at, position LIMIT ?"
        )
        place: tuple[float, str] = (since, "")
        while rows := self._rows(sql, place[0], *place, wallet, wallet, wallet, PIECE):
            place = rows[-1][0], rows[-1][1]
            for at, position, block, health, cushion, block_at, nearest, sigmas, eta, unsafe in rows:
                key = keys.get(position) or _parsed(position)
                raw = int(health)
                yield {
                    "time": iso(at),
                    "position": position,
                    **key._asdict(),
                    "block": block,
                    "health": "infinity" if is_infinite(raw) else decimal_string(raw, 18),
                    "health_raw": str(raw),
                    "cushion": cushion,
                    "prices": quotes.at(position, at),
                    "block_time": _iso(block_at) if block_at is not None and 0 <= block_at < END_OF_TIME else None,
                    "nearest": nearest,
                    "sigmas": sigmas,
                    "interest_eta_seconds": eta,
                    "liquidatable": None if unsafe is None else bool(unsafe),
                }

    def _silences(self, since: float, wallet: str) -> Iterator[dict[str, Any]]:
        """Those that ended from then on."""
        keys = {str(key): key for key in self._keys()}
        sql = (
            "SELECT since, position, until FROM silence WHERE until >= ? AND (since, position) > (?, ?)"
            " AND (? = '' OR substr(position, -length(?)) = ?) ORDER BY since, position LIMIT ?"
        )
        place: tuple[float, str] = (float("-inf"), "")
        while rows := self._rows(sql, since, *place, wallet, wallet, wallet, PIECE) if self._silent else []:
            place = rows[-1][0], rows[-1][1]
            for start, position, end in rows:
                key = keys.get(position) or _parsed(position)
                names = {"since": iso(start), "until": iso(end), "position": position}
                yield {**names, **key._asdict(), "seconds": round(end - start, 3)}

    def _keys(self) -> Iterator[PositionKey]:
        for row in self._rows("SELECT chain_id, protocol, market, wallet, market_id FROM position"):
            yield PositionKey(*row)

    # -- alerts --------------------------------------------------------------------------------------------------

    def _alerts(self, since: float, wallet: str) -> Iterator[dict[str, Any]]:
        names = (
            "id, at, level, severity, kind, title, text, cure, positions, block, facts, escalated, acked_at,"
            " snoozed_until, over_at, held"
        )
        sql = f"SELECT {names} FROM alert WHERE id > ? AND at >= ? ORDER BY id LIMIT ?"  # noqa: S608 - constants
        last = -1
        while rows := self._rows(sql, last, since, PIECE):
            last = rows[-1][0]
            for row in rows:
                alert: dict[str, Any] = dict(zip(names.split(", "), row, strict=True))
                alert["positions"] = json.loads(alert["positions"])
                if wallet and not any(position.endswith(wallet) for position in alert["positions"]):
                    continue
                events = self._events(alert["id"])
                who = [event["by"] for event in events if event["what"] == "acknowledged"]
                alert |= {
                    "time": iso(alert.pop("at")),
                    "facts": dict(json.loads(alert["facts"])),
                    "acked_by": who[-1] if who and who[-1] else None,
                    "held": alert["held"] or None,
                    "events": events,
                    "deliveries": self._sent(alert["id"]),
                }
                alert |= {name: _iso(alert[name]) for name in ("acked_at", "snoozed_until", "over_at")}
                yield {name: alert[name] for name in COLUMNS["alerts"]}

    def _events(self, alert: int) -> list[dict[str, Any]]:
        rows = self._rows("SELECT at, what, by, detail FROM event WHERE alert = ? ORDER BY id", alert)
        return [{"time": iso(at), "what": what, "by": by, "detail": detail} for at, what, by, detail in rows]

    def _sent(self, alert: int) -> list[dict[str, Any]]:
        if not self._deliveries:
            return []
        rows = self._rows("SELECT channel, state, tries, at, reason FROM delivery WHERE alert = ? ORDER BY at", alert)
        return [
            {"channel": channel, "state": state, "tries": tries, "time": iso(at), "reason": reason}
            for channel, state, tries, at, reason in rows
        ]

    # -- prices --------------------------------------------------------------------------------------------------

    def _prices(self, since: float, wallet: str) -> Iterator[dict[str, Any]]:
        relied: dict[tuple[int, str], list[str]] = defaultdict(list)
        for position, chain_id, feed in self._rows("SELECT position, chain_id, feed FROM reliance ORDER BY position"):
            if not wallet or position.endswith(wallet):
                relied[chain_id, feed].append(position)
        for at, chain_id, feed, factor, label, decimals, answer in self.answers(since):
            positions = relied.get((chain_id, feed), [])
            if positions or not wallet:
                yield {
                    "time": iso(at),
                    "chain_id": chain_id,
                    "feed": feed,
                    "label": label,
                    "factor": factor,
                    "price": None if decimals is None else decimal_string(int(answer), decimals),
                    "answer": answer,
                    "decimals": decimals,
                    "positions": positions,
                }

    def answers(self, since: float) -> Iterator[tuple[int, int, str, str, str | None, int | None, str]]:
        """(time, chain id, feed, factor, label, decimals, raw answer) of each feed round, oldest first."""
        sql = (
            "SELECT r.at, r.chain_id, r.feed, r.factor, f.label, f.decimals, r.answer FROM round r LEFT JOIN feed f"
            " USING (chain_id, feed) WHERE r.at >= ? AND (r.at, r.chain_id, r.feed) > (?, ?, ?)"
            " ORDER BY r.at, r.chain_id, r.feed LIMIT ?"
        )
        place: tuple[float, int, str] = (since, -1, "")
        while rows := self._rows(sql, place[0], *place, PIECE):
            place = rows[-1][0], rows[-1][1], rows[-1][2]
            yield from rows

    def relied(self) -> list[tuple[str, int, str, float, float]]:
        """(position, chain id, feed, since, until)."""
        return self._rows("SELECT position, chain_id, feed, since, coalesce(until, 9e18) FROM reliance")

    def _rows(self, sql: str, *values: object) -> list[Any]:
        return self._db.execute(sql, values).fetchall()


class _Quotes:
    """The last known round of each feed, walking forward in time beside the samples."""

    def __init__(self, archive: Archive) -> None:
        self._rounds = archive.answers(float("-inf"))
        self._next = next(self._rounds, None)
        self._known: dict[tuple[int, str], dict[str, Any]] = {}
        self._feeds: dict[str, list[tuple[tuple[int, str], float, float]]] = defaultdict(list)
        for position, chain_id, feed, since, until in archive.relied():
            self._feeds[position].append(((chain_id, feed), since, until))

    def at(self, position: str, at: float) -> list[dict[str, Any]]:
        """What each feed of the position had answered last by then. Times may only grow."""
        while self._next is not None and self._next[0] <= at:
            updated, chain_id, feed, _, label, decimals, answer = self._next
            self._known[chain_id, feed] = {
                "feed": feed,
                "label": label,
                "price": None if decimals is None else decimal_string(int(answer), decimals),
                "answer": answer,
                "updated_at": iso(updated),
            }
            self._next = next(self._rounds, None)
        feeds = (place for place, since, until in self._feeds.get(position, ()) if since <= at < until)
        return [self._known[place] for place in feeds if place in self._known]


def _parsed(position: str) -> PositionKey:
    """The parts of an id as far as they are certain: a market's name may hold colons."""
    chain, protocol, rest = (*position.split(":", 2), "", "")[:3]
    market, _, wallet = rest.rpartition(":")
    return PositionKey(int(chain) if chain.isdigit() else 0, protocol, market, wallet)


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
