"""What is kept comes back, whatever happens to the file, the disk and the program."""

import contextlib
import sqlite3
from dataclasses import replace
from math import inf

from liqtui.core.model import HEALTH_INFINITE, Feed
from liqtui.core.snapshot import Level
from liqtui.engine import history as module
from liqtui.engine.history import FILE, Answer, History, Sample
from tests.engine.fakes import FEED, START
from tests.engine.kept import ALERT, KEY, NAME, sample, stored


def test_everything_comes_back_after_a_restart(open_history):
    first = open_history()
    first.alert(ALERT)
    first.alert(replace(ALERT, id=8))
    first.position(KEY, is_open=True)
    first.position(KEY._replace(market_id="0x1"), is_open=False)
    first.remember('{"a": 1}')
    first.flush(START)
    first.alert(replace(ALERT, acked_at=START + 5))
    first.flush(START + 5)
    first.close()
    saved = open_history().load()
    assert saved.alerts == (replace(ALERT, id=8), replace(ALERT, acked_at=START + 5))
    assert saved.last_alert == 8
    assert saved.positions == (KEY,)
    assert saved.memory == '{"a": 1}'


def test_times_without_debt_have_no_figure(open_history):
    history = open_history()
    history.sample(Sample(NAME, START, 1, HEALTH_INFINITE, None))
    history.sample(sample(START + 1))
    history.flush(START + 1)
    assert history.samples(NAME, 0) == [(START, inf), (START + 1, 1.5)]


def test_feed_rounds_are_kept_once(open_history):
    history = open_history()
    feed = Feed(FEED, "ETH / USD", "eth", 2000, 8, START, 3600)
    assert history.round(1, feed)
    assert not history.round(1, feed)
    assert not history.round(1, feed._replace(answer=None))
    assert not history.round(1, feed._replace(updated_at=None))
    assert history.round(1, feed._replace(answer=2001, updated_at=START + 1))
    history.flush(START)
    assert history.answers(START) == [
        Answer(1, FEED, "eth", START, 2000),
        Answer(1, FEED, "eth", START + 1, 2001),
    ]
    history.flush(START + 2 + module.ROUNDS)
    assert history.answers(0) == []


def test_a_second_instance_only_reads(open_history, tmp_path):
    first = open_history()
    first.sample(sample(START))
    first.flush(START)
    second = open_history(read_only=True)
    assert second.notice == ""
    assert second.samples(NAME, 0) == [(START, 1.5)]
    second.sample(sample(START + 100))
    second.flush(START + 100)
    assert len(stored(tmp_path)) == 1
    first.sample(sample(START + 100))
    first.flush(START + 100)
    assert len(second.samples(NAME, 0)) == 2


def test_a_full_disk_is_a_notice_and_nothing_is_lost(open_history, tmp_path):
    history = open_history()
    history.flush(START)
    pages = history._db.execute("PRAGMA page_count").fetchone()[0]
    history._db.execute(f"PRAGMA max_page_count = {pages}")
    for second in range(300):
        history.sample(sample(START + 60 * second))
    history.flush(START)
    assert "full" in history.notice
    assert "watching goes on" in history.notice
    assert stored(tmp_path) == []
    history._db.execute("PRAGMA max_page_count = 1000000")
    history.flush(START + 1)
    assert history.notice == ""
    assert len(stored(tmp_path)) == 300


@contextlib.contextmanager
def locked(tmp_path):
    """Somebody else writes to the file and takes their time."""
    with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_file_is_a_notice_and_is_written_later(open_history, tmp_path):
    history = open_history()
    history._db.execute("PRAGMA busy_timeout = 1")
    history.alert(ALERT)
    with locked(tmp_path):
        history.flush(START)
    assert "locked" in history.notice
    history.flush(START + 1)
    assert history.notice == ""
    assert history.load().alerts == (ALERT,)


def test_what_waits_is_bounded(open_history, monkeypatch):
    monkeypatch.setattr(module, "_QUEUE", 5)
    history = open_history()
    for number in range(9):
        history.alert(replace(ALERT, id=number))
    assert list(history._facts) == [("alert", number) for number in range(4, 9)]


def test_a_file_that_is_no_database_does_not_stop_the_watching(open_history, tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database, but somebody's text" * 100)
    history = open_history()
    assert "memory only" in history.notice
    history.sample(sample(START))
    history.flush(START)
    assert history.samples(NAME, 0) == [(START, 1.5)]
    assert (tmp_path / FILE).read_bytes().startswith(b"not a database"), "never overwritten"


def test_a_newer_schema_is_left_alone(open_history, tmp_path):
    open_history().close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert "newer version" in open_history().notice


def test_a_folder_that_cannot_be_made_does_not_stop_the_watching(tmp_path):
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "state")
    assert "memory only" in history.notice
    history.close()


def test_an_older_schema_is_migrated_and_keeps_its_rows(open_history, tmp_path, monkeypatch):
    first = open_history()
    first.alert(ALERT)
    first.flush(START)
    first.close()
    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, "ALTER TABLE alert ADD COLUMN extra TEXT;"))
    second = open_history()
    assert second.notice == ""
    assert second._db.execute("PRAGMA user_version").fetchone() == (len(module.MIGRATIONS),)
    assert second.load().alerts == (ALERT,)


def test_the_file_is_private(open_history, tmp_path):
    open_history()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_in_memory_needs_no_folder():
    history = History(None)
    history.sample(sample(START))
    history.flush(START)
    assert history.samples(NAME, 0) == [(START, 1.5)]
    assert history.notice == ""
    history.close()


def test_reading_a_closed_history_is_a_notice():
    history = History(None)
    history.close()
    assert history.samples(NAME, 0) == []
    assert "cannot be read" in history.notice


def test_that_it_could_not_be_read_once_is_over_when_it_can_be(open_history):
    history = open_history()
    history._rows("SELECT * FROM nowhere")
    assert "cannot be read" in history.notice
    assert history.alerts() == []
    assert history.notice == ""


def test_reading_only_makes_no_file(open_history, tmp_path):
    assert open_history(read_only=True).load().alerts == ()
    assert list(tmp_path.iterdir()) == []


def test_a_position_s_feeds_have_their_time(open_history):
    history = open_history()
    other = "0x" + "fd" * 20
    for at in range(0, 500, 100):
        history.round(1, Feed(FEED, "ETH / USD", "eth", 2000, 8, START + at, 3600))
        history.round(1, Feed(other, "BTC / USD", "btc", 9000, 8, START + at + 1, 3600))
    history.relies(NAME, 1, [FEED, other], START)
    history.flush(START)
    history.relies(NAME, 1, [FEED], START + 250)
    history.relies(NAME, 1, [FEED], START + 260)
    history.flush(START + 500)
    assert history.updates(NAME, START + 100) == [
        (START + 100, "ETH / USD"),
        (START + 101, "BTC / USD"),
        (START + 200, "ETH / USD"),
        (START + 201, "BTC / USD"),
        (START + 300, "ETH / USD"),
        (START + 400, "ETH / USD"),
    ]
    history.close()
    again = open_history()
    again.relies(NAME, 1, [FEED, other], START + 600)
    again.flush(START + 600)
    assert len(again.updates(NAME, 0)) == 10
    assert again.updates("1:other:main:0x", 0) == []


def events(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        rows = db.execute("SELECT alert, at, what, detail FROM event ORDER BY id").fetchall()
    db.close()
    return rows


def test_the_whole_life_of_an_alert_is_kept_across_a_restart(open_history, tmp_path):
    first = open_history()
    first.alert(ALERT)
    first.flush(START + 1)
    louder = replace(ALERT, escalated=1, level=Level.CRITICAL)
    first.alert(louder)
    first.flush(START + 900)
    first.close()
    second = open_history()
    assert second.load().alerts == (louder,)
    second.alert(replace(louder, snoozed_until=START + 2000, held="snoozed"))
    second.flush(START + 950)
    second.alert(replace(louder, acked_at=START + 960))
    second.alert(replace(louder, acked_at=START + 960, over_at=START + 970))
    second.alert(replace(louder, acked_at=START + 960, over_at=START + 970))
    second.flush(START + 980)
    assert events(tmp_path) == [
        (7, START, "raised", "notice"),
        (7, START + 900, "escalated", "critical"),
        (7, START + 950, "held", "snoozed"),
        (7, START + 950, "snoozed", "2023-11-14T22:46:40.000Z"),
        (7, START + 980, "released", ""),
        (7, START + 980, "unsnoozed", ""),
        (7, START + 960, "acknowledged", ""),
        (7, START + 970, "over", ""),
    ]


def test_events_wait_with_the_alert_when_nothing_can_be_written(open_history, tmp_path):
    history = open_history()
    history._db.execute("PRAGMA busy_timeout = 1")
    history.alert(ALERT)
    with locked(tmp_path):
        history.flush(START)
    history.flush(START + 1)
    history.flush(START + 2)
    assert events(tmp_path) == [(7, START, "raised", "notice")]


def test_what_no_chain_should_say_stops_nothing(open_history):
    """A feed is anybody's contract: its time may be any number, and so may a node's block."""
    history = open_history()
    feed = Feed(FEED, "ETH / USD", "eth", 2000, 8, START, 3600)
    for never in (2**255, 10**12, -1):
        assert not history.round(1, feed._replace(updated_at=never))
    assert history.round(1, feed), "and the true one still counts"
    history.sample(sample(START)._replace(block=2**64))
    history.sample(sample(START + 60))
    history.alert(replace(ALERT, id=1, title="half a \ud800 character"))
    history.sample(sample(float("nan"), position="1:fake:main:0x9"))
    history.alert(replace(ALERT, id=2))
    history.flush(START)
    assert "leaves out" in history.notice
    assert history.samples(NAME, 0) == [(START + 60, 1.5)]
    assert [alert.id for alert in history.alerts()] == [2]
    assert len(history.answers(0)) == 1
    history.sample(sample(START + 120))
    history.flush(START + 120)
    assert len(history.samples(NAME, 0)) == 2


def test_an_alert_that_is_damaged_costs_no_other(open_history):
    history = open_history()
    for number in (1, 2, 3):
        history.alert(replace(ALERT, id=number))
    history.flush(START)
    history._db.execute("UPDATE alert SET level = 'thunderous' WHERE id = 2")
    history.close()
    history = open_history()
    assert [alert.id for alert in history.load().alerts] == [3, 1]
    assert history.notice == "alert 2 in the history cannot be understood and is left out"


def test_where_alerts_cannot_be_read_nothing_counts_as_said(open_history):
    """Else what stands would neither be told nor go out again."""
    history = open_history()
    history.alert(ALERT)
    history.remember("what was said")
    history.flush(START)
    assert history.load().memory == "what was said"
    history._db.execute("ALTER TABLE alert RENAME COLUMN cause TO reason")
    saved = history.load()
    assert (saved.alerts, saved.memory) == ((), "")
