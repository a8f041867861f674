"""The SQLite file under the history: opened, migrated, thinned."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FINE = 2 * 86_400.0
"""How long samples and feed rounds are kept as taken."""
COARSE = 14 * 86_400.0
"""Until when one sample of each ten minutes is kept; then one of each hour."""
_STEPS = (
    ("sample", FINE, 600),
    ("sample", COARSE, 3600),
    ("silence", FINE, 600),
    ("silence", COARSE, 3600),
    ("round", FINE, 1800),
)
"""What is thinned, its age and slot in seconds: from that age on one row of each slot."""
_SPARE = 1000
"""Pages, of 4 KiB as a rule. A file with fewer unused ones is not worth packing."""


class Connection(sqlite3.Connection):
    """Closed when nobody holds it any more; Python 3.13 and newer would complain of one in memory that just ended."""

    def __del__(self) -> None:
        with contextlib.suppress(sqlite3.ProgrammingError):  # it was never opened
            self.close()


def connect(
    path: Path | None, migrations: Sequence[str], *, read_only: bool = False
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """The writing and the reading connection; the same one in memory and read-only.

    Script n of `migrations` brings a file from version n to n + 1. Raises sqlite3.Error, OSError.
    """
    if path is None or (read_only and not path.exists()):
        db = _open(":memory:")
        _migrate(db, migrations)
        return db, db
    if read_only:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        db = _open(uri, uri=True)
        return _closing_on_error(db, lambda db: version_of(db, migrations))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)  # before SQLite opens it: the files that it puts beside it take their mode from it
    db = _open(path)
    _closing_on_error(db, lambda db: _prepare(db, migrations))
    return db, _open(path)


def _open(where: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    return sqlite3.connect(
        where, timeout=0.5, isolation_level=None, check_same_thread=False, factory=Connection, uri=uri
    )


def _closing_on_error(
    db: sqlite3.Connection, step: Callable[[sqlite3.Connection], object]
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    try:
        step(db)
    except BaseException:
        db.close()
        raise
    return db, db


def _prepare(db: sqlite3.Connection, migrations: Sequence[str]) -> None:
    version_of(db, migrations)  # before anything is written: a newer file stays as it is
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    _migrate(db, migrations)
    _pack(db)


def _pack(db: sqlite3.Connection) -> None:
    """Give back what a migration or a shorter `keep_days` left unused, if that is most of the file.

    It needs as much room again for a moment; where there is none, or somebody reads, a later start does it.
    """
    pages, unused = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    if unused > _SPARE and unused > pages / 2:
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _migrate(db: sqlite3.Connection, migrations: Sequence[str]) -> None:
    """Bring the schema up to date, each version in a transaction of its own."""
    for version in range(version_of(db, migrations), len(migrations)):
        db.executescript(f"BEGIN; {migrations[version]} PRAGMA user_version = {version + 1}; COMMIT;")


def version_of(db: sqlite3.Connection, migrations: Sequence[str]) -> int:
    """The file's schema version. Raises sqlite3.DatabaseError when this program does not know it."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise sqlite3.DatabaseError(f"the history was written by a newer version (schema {version})")
    return version


def thin(db: sqlite3.Connection, now: float) -> None:
    """Of older samples keep the lowest health of each slot, of older rounds the first; join the silences of a slot.

    Only what was not thinned before: all of it would take seconds each hour. `memory` holds how far that is.
    """
    for table, age, slot in _STEPS:
        name, end = f"thinned:{table}:{slot}", int((now - age) // slot) * slot
        done = db.execute("SELECT value FROM memory WHERE name = ?", (name,)).fetchone()
        for sql in _THIN[table].split(";"):
            db.execute(sql, {"start": float(done[0]) if done else 0, "end": end, "slot": slot})
        db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (name, str(end)))


_THIN = {
    "sample": """
        DELETE FROM reading WHERE at >= :start AND at < :end AND (position, at) NOT IN (SELECT position, at FROM
            (SELECT position, at, row_number() OVER (PARTITION BY position, CAST(at / :slot AS INTEGER)
                ORDER BY length(health), health) AS place FROM reading WHERE at >= :start AND at < :end)
            WHERE place = 1)""",
    "round": """
        DELETE FROM answer WHERE at >= :start AND at < :end AND (feed, at) NOT IN
            (SELECT feed, min(at) FROM answer WHERE at >= :start AND at < :end GROUP BY feed, at / :slot)""",
    "silence": """
        INSERT OR REPLACE INTO gap SELECT position, min(since), max(until) FROM gap
            WHERE since >= :start AND since < :end GROUP BY position, CAST(since / :slot AS INTEGER)
            HAVING count(*) > 1;
        DELETE FROM gap WHERE since >= :start AND since < :end AND (position, since) NOT IN
            (SELECT position, min(since) FROM gap WHERE since >= :start AND since < :end
                GROUP BY position, CAST(since / :slot AS INTEGER))""",
}
"""By what is thinned, statements with ";" between them. Health in fewer digits is lower, integer or text."""
