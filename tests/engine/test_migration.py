"""Positions and feeds get numbers in files that were written before: nothing is lost, and nothing reads otherwise."""

import contextlib
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from liqtui.core.model import HEALTH_INFINITE, Feed, PositionKey
from liqtui.core.units import WAD
from liqtui.engine import database
from liqtui.engine.archive import Archive, ArchiveError
from liqtui.engine.history import FILE, History, Sample
from liqtui.engine.schema import MIGRATIONS
from tests.engine.fakes import START, address

ROOT = Path(__file__).parents[2]
KEYS = tuple(PositionKey(1, "aave-v3", f"m: {number % 2}", address(number)) for number in range(1, 4))
NAMES = tuple(map(str, KEYS))
FEEDS = ((1, address(0xFE)), (1, address(0xFD)), (8453, address(0xFE)))
ODD = (HEALTH_INFINITE, 2**63, 2**63 - 1, 10**18 - 1, 10**19, 1, 0)
"""Healths that are no integers of SQLite, or hardly."""
TABLES = {
    "sample": "position, at",
    "silence": "position, since",
    "round": "chain_id, feed, at",
    "position": "id",
    "reliance": "position, chain_id, feed",
    "feed": "chain_id, feed",
    "memory": "name",
}


def connection(path):
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


def write_old(path):
    """A file of schema 7, as the version before wrote it: a name in every row."""
    dice = random.Random(7)
    with connection(path) as db:
        db.executescript("PRAGMA journal_mode = WAL;" + "".join(MIGRATIONS[:7]) + "PRAGMA user_version = 7;BEGIN;")
        for number, (key, name) in enumerate(zip(KEYS, NAMES, strict=True)):
            db.execute("INSERT INTO position VALUES (?, ?, ?, ?, ?, ?, ?)", (5 - number, *key, 1))
            for minute in range(500):
                health = ODD[minute % 7] if number == 2 else dice.randrange(WAD, 9 * WAD)
                row = (START - 3, 0.25, 4.5, 3e8, 0) if minute % 3 else (None,) * 5
                cushion = (None, -0.25, float("inf"))[minute % 3]
                at = START + 60 * minute + dice.random()
                db.execute(f"INSERT INTO sample VALUES (?{', ?' * 9})", (name, at, minute, str(health), cushion, *row))
            for hour in range(2):
                at = START + 3600.5 * hour
                db.execute("INSERT INTO silence VALUES (?, ?, ?)", (name, at, at + 200))
            db.execute("INSERT INTO reliance VALUES (?, ?, ?, ?, ?)", (name, *FEEDS[number], START, None))
        db.execute("INSERT INTO silence VALUES ('1:gone:main:0x9', ?, ?)", (START, START + 400.25))
        for chain_id, feed in FEEDS:
            for minute in range(0, 150, 5):
                db.execute(
                    "INSERT INTO round VALUES (?, ?, ?, 'eth', ?)",
                    (chain_id, feed, START + 60 * minute, str(2000 - minute)),
                )
        db.execute("INSERT INTO feed VALUES (?, ?, 'ETH / USD', 8)", FEEDS[0])
        db.execute("INSERT INTO memory VALUES ('thinned:sample:600', ?)", (str(START - 600),))
        db.execute("COMMIT")


def content(path):
    with connection(path) as db:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY {order}").fetchall() for name, order in TABLES.items()}


def told(history):
    """All that a screen asks."""
    of_each = [
        (
            repr(history.samples(name, START + 1000)),
            history.points(name, START + 1000),
            history.updates(name, START),
            history.last_seen(name),
        )
        for name in NAMES
    ]
    return history.load(), history.answers(0), of_each, history.notice


def exported(path):
    archive = Archive(path)
    with contextlib.closing(archive):
        return {
            (what, wallet, since): list(archive.rows(what, since, wallet))
            for what in ("samples", "prices")
            for wallet in ("", KEYS[1].wallet)
            for since in (None, START + 4000.0)
        }


def version(path):
    with connection(path) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


@pytest.fixture
def old(tmp_path):
    write_old(tmp_path / FILE)
    return tmp_path / FILE


def opened(path, **more):
    return contextlib.closing(History(path.parent, keep_days=10_000, price_days=10_000, **more))


def test_all_reads_the_same_before_and_after(old):
    rows, out = content(old), exported(old)
    with opened(old, read_only=True) as reader:
        before = told(reader)
    assert version(old) == 7, "who only reads changes nothing"
    assert len(before[1]) == 90
    assert len(before[2][0][1]) > 400
    assert all(out.values())
    with opened(old) as history:
        assert told(history) == before
    assert content(old) == rows
    assert exported(old) == out
    assert version(old) == len(MIGRATIONS)


def test_a_screen_that_had_the_old_file_open_goes_on_reading(old):
    with opened(old, read_only=True) as reader:
        before = told(reader)
        with opened(old) as history:
            assert told(reader) == before
            history.sample(Sample(NAMES[0], START + 90_000.0, 1, 2 * WAD, None))
            history.flush(START + 90_000)
            assert reader.last_seen(NAMES[0]) == START + 90_000
            assert reader.notice == ""


def test_what_comes_later_goes_under_the_same_numbers(old):
    at = START + 90_000.0
    with opened(old) as history:
        for name in (*NAMES, "1:new:main:0x1"):
            history.sample(Sample(name, at, 1, 2 * WAD, None))
        for chain_id, feed in (*FEEDS, (10, address(1))):
            history.round(chain_id, Feed(feed, "BTC / USD", "btc", 5, 8, int(at), 3600))
        history.flush(at)
        assert [history.last_seen(name) for name in (*NAMES, "1:new:main:0x1")] == [at] * 4
        assert len(history.answers(at)) == 4
    with connection(old) as db:
        assert db.execute("SELECT count(*), max(number) FROM position_number").fetchone() == (5, 5)
        assert db.execute("SELECT count(*), max(number) FROM feed_number").fetchone() == (4, 4)


def test_a_high_slot_keeps_what_is_lowest(tmp_path):
    """2**63 is text, 2**63 - 1 an integer, infinite has 78 digits."""
    with contextlib.closing(History(tmp_path)) as history:
        for second, health in enumerate((HEALTH_INFINITE, 10**19, 2**63, 2**63 - 1, 2**63 + 1)):
            history.sample(Sample(NAMES[0], START // 600 * 600 + second, 1, health, None))
        history.flush(START)
        kept = [point.health for point in history.points(NAMES[0], 0)]
        assert HEALTH_INFINITE in kept
        assert 10**19 in kept
        history.flush(START + 10 * 86_400)
        assert [point.health for point in history.points(NAMES[0], 0)] == [min(kept)]


def test_killed_at_any_step_it_is_whole_and_goes_on(old):
    rows, out = content(old), exported(old)
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.migrating", str(old.parent)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    steps = int(done.stdout)
    assert steps > 30
    versions = []
    for number in range(1, steps + 1):
        path = old.parent / f"k{number}" / FILE
        versions.append(version(path))
        with opened(path) as history:
            assert history.notice == "", f"step {number}"
        assert content(path) == rows, f"step {number}"
    assert exported(path) == out
    assert set(versions) == {7, len(MIGRATIONS)}, "killed before its end, and in packing"


def test_without_room_the_old_file_stays_as_it_is(old, monkeypatch):
    rows = content(old)
    monkeypatch.setattr(database, "_prepare", _cramped(database._prepare))
    with opened(old) as history:
        assert "kept in memory only" in history.notice
        assert "full" in history.notice
    monkeypatch.undo()
    assert version(old) == 7
    assert content(old) == rows
    with opened(old) as history:
        assert history.notice == ""
    assert content(old) == rows


def _cramped(prepare):
    def prepared(db, migrations):
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
        prepare(db, migrations)

    return prepared


def test_the_room_is_given_back(old, monkeypatch):
    monkeypatch.setattr(database, "_SPARE", 0)
    before = old.stat().st_size
    with opened(old):
        assert old.stat().st_size < before * 2 / 3
        assert not (log := old.with_name(f"{FILE}-wal")).exists() or log.stat().st_size == 0


def test_what_a_newer_version_wrote_is_not_touched(old):
    with connection(old) as db:
        db.executescript("PRAGMA journal_mode = DELETE; PRAGMA user_version = 99;")
    whole = old.read_bytes()
    for read_only in (False, True):
        with opened(old, read_only=read_only) as history:
            assert history.notice == (
                "history is kept in memory only: the history was written by a newer version (schema 99)"
            )
            history.sample(Sample(NAMES[0], START, 1, WAD, None))
            history.flush(START)
    with pytest.raises(ArchiveError, match="written by a newer version"):
        Archive(old)
    assert old.read_bytes() == whole
    assert [each.name for each in old.parent.iterdir()] == [FILE]


def test_older_files_are_exported_without_what_they_lack(tmp_path):
    path = tmp_path / FILE
    write_old(path)
    with connection(path) as db:
        for name in ("block_at", "nearest", "sigmas", "eta", "unsafe"):
            db.execute(f"ALTER TABLE sample DROP COLUMN {name}")
        db.execute("PRAGMA user_version = 6")
    rows = exported(path)["samples", "", None]
    assert len(rows) == 1500
    assert {row["sigmas"] for row in rows} == {None}
    with opened(path):
        assert exported(path)["samples", "", None] == rows
