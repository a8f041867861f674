import sqlite3
from dataclasses import replace
from math import inf, isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core.model import HEALTH_INFINITE, Feed, PositionKey
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.units import WAD
from liqtui.engine import database
from liqtui.engine import history as module
from liqtui.engine.history import FILE, SPACING, Answer, History, Sample
from liqtui.engine.schema import MIGRATIONS
from liqtui.ui import chart
from liqtui.ui.course import course
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from tests.engine.fakes import FEED, START, address

KEY = PositionKey(1, "fake", "main", address(1))
NAME = str(KEY)
PEN = chart.Pen(Palette(DEFAULT_VARIABLES))
ALERT = Alert(7, START, Severity.WARN, "threshold", "w1 fake lab", "HF 1.1", NAME, "repay", None, 100)


@pytest.fixture
def opened(tmp_path):
    made = []

    def open_(**more):
        made.append(History(tmp_path, **more))
        return made[-1]

    yield open_
    for history in made:
        history.close()


def sample(at, health=1.5, position=NAME):
    return Sample(position, at, 100, int(health * WAD), 0.25)


def stored(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        rows = db.execute("SELECT at, health FROM sample ORDER BY at").fetchall()
    db.close()
    return [(at, int(health) / WAD) for at, health in rows]


def test_everything_comes_back_after_a_restart(opened):
    first = opened()
    first.alert(ALERT)
    first.alert(replace(ALERT, id=8))
    first.position(KEY, is_open=True)
    first.position(KEY._replace(market_id="0x1"), is_open=False)
    first.remember('{"a": 1}')
    first.flush(START)
    first.alert(replace(ALERT, acked_at=START + 5))
    first.flush(START + 5)
    first.close()
    saved = opened().load()
    assert saved.alerts == (replace(ALERT, id=8), replace(ALERT, acked_at=START + 5))
    assert saved.last_alert == 8
    assert saved.positions == (KEY,)
    assert saved.memory == '{"a": 1}'


def test_samples_are_thinned_but_no_move_is_lost(opened):
    history = opened()
    assert history.sample(sample(START))
    assert not history.sample(sample(START + 2))
    assert not history.sample(sample(START + 4, 1.5004))
    assert history.sample(sample(START + 6, 1.4))
    assert history.sample(sample(START + 6 + SPACING, 1.4))
    assert not history.sample(sample(START + 6 + SPACING, 1.2)), "one moment has one figure"
    history.flush(START + 70)
    assert history.samples(NAME, START + 1) == [(START + 6, 1.4), (START + 66, 1.4)]


def test_times_without_debt_have_no_figure(opened):
    history = opened()
    history.sample(Sample(NAME, START, 1, HEALTH_INFINITE, None))
    history.sample(sample(START + 1))
    history.flush(START + 1)
    assert history.samples(NAME, 0) == [(START, inf), (START + 1, 1.5)]


def test_old_samples_keep_the_lowest_of_a_slot_and_then_go(opened, tmp_path):
    history = opened(keep_days=10)
    start = START - START % 600
    for at, health in ((start, 12.0), (start + 60, 1.2), (start + 120, 1.3), (start + 600, 1.4)):
        history.sample(sample(at, health))
    history.flush(start + 600)
    assert len(stored(tmp_path)) == 4
    history.flush(start + 600 + database.FINE)
    assert stored(tmp_path) == [(start + 60, 1.2), (start + 600, 1.4)]
    history.flush(start + 601 + 10 * 86_400)
    assert stored(tmp_path) == []


def test_feed_rounds_are_kept_once(opened):
    history = opened()
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


def test_a_second_instance_only_reads(opened, tmp_path):
    first = opened()
    first.sample(sample(START))
    first.flush(START)
    second = opened(read_only=True)
    assert second.notice == ""
    assert second.samples(NAME, 0) == [(START, 1.5)]
    second.sample(sample(START + 100))
    second.flush(START + 100)
    assert len(stored(tmp_path)) == 1
    first.sample(sample(START + 100))
    first.flush(START + 100)
    assert len(second.samples(NAME, 0)) == 2


def test_a_full_disk_is_a_notice_and_nothing_is_lost(opened, tmp_path):
    history = opened()
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


def test_a_locked_file_is_a_notice_and_is_written_later(opened, tmp_path):
    history = opened()
    history._db.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    history.alert(ALERT)
    history.flush(START)
    assert "locked" in history.notice
    other.execute("ROLLBACK")
    other.close()
    history.flush(START + 1)
    assert history.notice == ""
    assert history.load().alerts == (ALERT,)


def test_what_waits_is_bounded(opened, monkeypatch):
    monkeypatch.setattr(module, "_QUEUE", 5)
    history = opened()
    for number in range(9):
        history.alert(replace(ALERT, id=number))
    assert list(history._facts) == [("alert", number) for number in range(4, 9)]


def test_a_file_that_is_no_database_does_not_stop_the_watching(opened, tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database, but somebody's text" * 100)
    history = opened()
    assert "memory only" in history.notice
    history.sample(sample(START))
    history.flush(START)
    assert history.samples(NAME, 0) == [(START, 1.5)]
    assert (tmp_path / FILE).read_bytes().startswith(b"not a database"), "never overwritten"


def test_a_newer_schema_is_left_alone(opened, tmp_path):
    opened().close()
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    assert "newer version" in opened().notice


def test_a_folder_that_cannot_be_made_does_not_stop_the_watching(tmp_path):
    (tmp_path / "file").write_text("")
    history = History(tmp_path / "file" / "state")
    assert "memory only" in history.notice
    history.close()


def test_an_older_schema_is_migrated_and_keeps_its_rows(opened, tmp_path, monkeypatch):
    first = opened()
    first.alert(ALERT)
    first.flush(START)
    first.close()
    monkeypatch.setattr(module, "MIGRATIONS", (*module.MIGRATIONS, "ALTER TABLE alert ADD COLUMN extra TEXT;"))
    second = opened()
    assert second.notice == ""
    assert second._db.execute("PRAGMA user_version").fetchone() == (len(module.MIGRATIONS),)
    assert second.load().alerts == (ALERT,)


def test_the_file_is_private(opened, tmp_path):
    opened()
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


def test_reading_only_makes_no_file(opened, tmp_path):
    assert opened(read_only=True).load().alerts == ()
    assert list(tmp_path.iterdir()) == []


def test_much_older_samples_keep_the_lowest_of_an_hour(opened, tmp_path):
    history = opened()
    start = START - START % 3600
    for minute in range(0, 120, 10):
        history.sample(sample(start + 60 * minute, 1.5 - (minute == 30) * 0.4 - (minute == 110) * 0.3))
    history.flush(start + 7200)
    history.flush(start + 7200 + database.COARSE)
    assert stored(tmp_path) == [(start + 1800, 1.1), (start + 6600, 1.2)]


def test_what_was_thinned_once_is_not_looked_at_again(opened, tmp_path):
    history = opened(keep_days=100)
    history.sample(sample(START))
    history.flush(START)
    history.flush(START + database.FINE + 1200)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute(
            "INSERT INTO reading (position, at, block, health) SELECT number, ?, 1, ? FROM position_number",
            (START + 1.0, 2 * WAD),
        )
        db.commit()
    db.close()
    history.flush(START + database.FINE + 1200 + 3600)
    assert len(stored(tmp_path)) == 2
    history.flush(START + database.COARSE + 7200)
    assert len(stored(tmp_path)) == 1, "each further age is a look of its own"


def test_older_feed_rounds_keep_the_first_of_each_half_hour(opened):
    history = opened()
    start = START - START % 1800
    feed = Feed(FEED, "ETH / USD", "eth", 2000, 8, start, 3600)
    for minute in range(0, 60, 5):
        history.round(1, feed._replace(updated_at=start + 60 * minute, answer=2000 + minute))
        history.round(2, feed._replace(updated_at=start + 60 * minute + 7))
    history.flush(start + 3600)
    assert len(history.answers(0)) == 24
    history.flush(start + 3600 + database.FINE)
    assert history.answers(0) == [
        Answer(chain, FEED, "eth", start + at + (7 if chain == 2 else 0), 2000)
        if at == 0 or chain == 2
        else Answer(chain, FEED, "eth", start + at, 2030)
        for at in (0, 1800)
        for chain in (1, 2)
    ]


def test_the_person_says_how_long_prices_and_alerts_stay(opened):
    history = opened(price_days=60, alert_days=1)
    history.alert(ALERT)
    history.round(1, Feed(FEED, "ETH / USD", "eth", 2000, 8, START, 3600))
    history.flush(START)
    history.flush(START + 40 * 86_400)
    assert len(history.answers(0)) == 1
    assert history.alerts() == []
    assert history._db.execute("SELECT count(*) FROM event").fetchone() == (0,)


def test_a_position_s_feeds_have_their_time(opened):
    history = opened()
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
    again = opened()
    again.relies(NAME, 1, [FEED, other], START + 600)
    again.flush(START + 600)
    assert len(again.updates(NAME, 0)) == 10
    assert again.updates("1:other:main:0x", 0) == []


def events(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        rows = db.execute("SELECT alert, at, what, detail FROM event ORDER BY id").fetchall()
    db.close()
    return rows


def test_the_whole_life_of_an_alert_is_kept_across_a_restart(opened, tmp_path):
    first = opened()
    first.alert(ALERT)
    first.flush(START + 1)
    louder = replace(ALERT, escalated=1, level=Level.CRITICAL)
    first.alert(louder)
    first.flush(START + 900)
    first.close()
    second = opened()
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


def test_events_wait_with_the_alert_when_nothing_can_be_written(opened, tmp_path):
    history = opened()
    history._db.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    history.alert(ALERT)
    history.flush(START)
    other.execute("ROLLBACK")
    other.close()
    history.flush(START + 1)
    history.flush(START + 2)
    assert events(tmp_path) == [(7, START, "raised", "notice")]


# What was not seen, and what thinning may not lose


def seen(history, *times, health=1.5, patience=180.0):
    for at in times:
        history.sample(sample(at, health)._replace(patience=patience))
    history.flush(times[-1])


def gaps(history, since=0.0):
    return [at for at, health in history.samples(NAME, since) if isnan(health)]


def test_a_silence_is_kept_with_both_its_ends(opened):
    history = opened()
    seen(history, START, START + 12, START + 24, START + 324, START + 336)
    assert gaps(history) == [START + 24, START + 324]
    kinds = ["nan" if isnan(health) else health for _, health in history.samples(NAME, 0)]
    assert kinds == [1.5, "nan", "nan", 1.5], "the figure before it, its ends, and the first figure after it"
    assert gaps(history, START + 100) == [START + 100, START + 324], "what began earlier begins with the window"
    assert gaps(history, START + 325) == []


def test_slow_rounds_are_no_silence(opened):
    history = opened()
    seen(history, *range(START, START + 6000, 600), patience=6000.0)
    assert gaps(history) == []
    seen(history, START + 20_000, patience=6000.0)
    assert gaps(history) == [START + 5400, START + 20_000]


def test_time_in_which_nothing_ran_is_a_silence_too(opened):
    first = opened()
    seen(first, START, START + 60)
    first.close()
    second = opened()
    seen(second, START + 660, START + 720)
    assert gaps(second) == [START + 60, START + 660]
    second.close()
    third = opened()
    seen(third, START + 780)
    assert len(gaps(third)) == 2, "started again at once: nothing was missed"


def test_each_position_has_silences_of_its_own(opened):
    history = opened()
    history.sample(sample(START, position="1:fake:main:0x2"))
    seen(history, START, START + 60, START + 120)
    history.sample(sample(START + 900, position="1:fake:main:0x2"))
    seen(history, *range(START + 180, START + 900, 60))
    assert gaps(history) == []
    assert len([1 for _, health in history.samples("1:fake:main:0x2", 0) if isnan(health)]) == 2


def test_a_silence_outlives_the_thinning_of_the_samples_around_it(opened):
    history = opened(keep_days=20)
    start = START - START % 3600
    times = [*range(start, start + 300, 60), *range(start + 500, start + 3600, 60)]
    seen(history, *times)
    for age in (database.FINE, database.COARSE):
        history.flush(start + 7200 + age)
        assert gaps(history) == [start + 240, start + 500], age
    history.flush(start + 21 * 86_400)
    assert history.samples(NAME, 0) == []


def test_silences_of_one_slot_become_one_that_is_never_shorter(opened):
    history = opened()
    start = START - START % 3600
    seen(history, start, start + 200, start + 420, start + 1000, start + 1300)
    assert gaps(history) == [start + at for at in (0, 200, 200, 420, 420, 1000, 1000, 1300)]
    history.flush(start + 3600 + database.FINE)
    assert gaps(history) == [start + at for at in (0, 1000, 1000, 1300)]
    history.flush(start + 3600 + database.COARSE)
    assert gaps(history) == [start, start + 1300]


def test_a_file_without_silences_is_read_all_the_same(opened, tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        db.executescript("".join(MIGRATIONS[:5]) + "PRAGMA user_version = 5;")
        for at in (START, START + 60):
            db.execute("INSERT INTO sample VALUES (?, ?, 1, ?, 0.25)", (NAME, at, str(15 * WAD // 10)))
    db.close()
    old = opened(read_only=True)
    assert old.samples(NAME, 0) == [(START, 1.5), (START + 60, 1.5)]
    assert old.notice == ""


@settings(max_examples=25, deadline=None)
@given(
    gone=st.lists(st.tuples(st.integers(1, 40_000), st.integers(1, 3 * 10**18)), min_size=1, max_size=80),
    looks=st.lists(st.integers(0, 40 * 86_400), max_size=6),
)
def test_thinning_never_loses_the_lowest_health_of_a_slot(gone, looks):
    """Whenever and however often it is thinned: of each slot the lowest stays, in its slot, and nothing is made up."""
    history, at, all_of_it = History(None, keep_days=10_000), START, []
    for gap, health in gone:
        at += gap
        if history.sample(Sample(NAME, at, 1, health, None)):
            all_of_it.append((at, health))
    history.flush(at)
    for now in [*sorted(at + look for look in looks), at + 40 * 86_400]:
        history.flush(now)
        kept = [(point.at, point.health) for point in history.points(NAME, 0)]
        assert set(kept) <= set(all_of_it)
        assert lows(kept, 3600) == lows(all_of_it, 3600)
        later = [each for each in all_of_it if each[0] >= now - database.COARSE]
        assert lows([each for each in kept if each in later], 600) == lows(later, 600)
    history.close()


def lows(samples, slot):
    found = {}
    for at, health in samples:
        found[at // slot] = min(health, found.get(at // slot, health))
    return found


def test_a_dip_of_a_minute_is_drawn_in_a_chart_of_a_month(opened):
    history = opened()
    dip = START + 3 * 86_400 + 60 * 17
    for at in range(START, START + 4 * 86_400, 60):
        history.sample(sample(at, 1.02 if at == dip else 1.9))
        if at % 86_400 < 60:
            history.flush(at)
    now = START + 27 * 86_400
    history.flush(now)
    span = chart.SPANS[2]
    told = course(history.samples(NAME, now - span.seconds), now - span.seconds, now)
    rows = chart.chart(PEN, told, [chart.Line(1.2, "severity-warn")], now, (60, 10), span=span)
    dipped = [cell for row in rows[6:9] for text, _ in row for cell in text if "\u2800" < cell <= "\u28ff"]
    assert dipped


def test_the_file_stops_growing(opened, tmp_path):
    """Two positions for forty days; what ten of these days add after the thirtieth is nothing."""
    history = opened()
    sizes = {}
    for hour in range(40 * 24):
        start = START + 3600 * hour
        for number in range(2):
            for minute in range(0, 3600, 120):
                history.sample(sample(start + minute, 1.5 + (start + minute) % 977 / 5000, f"p{number}"))
        history.flush(start + 3600)
        if hour % 240 == 239:
            rows = history._db.execute("SELECT count(*) FROM sample").fetchone()[0]
            sizes[hour // 24 + 1] = rows, history._db.execute("PRAGMA page_count").fetchone()[0]
    most = 2 * (49 * 30 + 12 * 144 + 6 + 16 * 24 + 1)
    assert sizes[30][0] <= most
    assert sizes[40][0] <= most
    assert sizes[40][1] <= sizes[30][1] * 1.02


def test_what_no_chain_should_say_stops_nothing(opened):
    """A feed is anybody's contract: its time may be any number, and so may a node's block."""
    history = opened()
    feed = Feed(FEED, "ETH / USD", "eth", 2000, 8, START, 3600)
    for never in (2**255, 10**12, -1):
        assert not history.round(1, feed._replace(updated_at=never))
    assert history.round(1, feed), "and the true one still counts"
    history.sample(sample(START)._replace(block=2**64))
    history.sample(sample(START + 60))
    history.alert(replace(ALERT, id=1, title="half a \ud800 character"))
    history.alert(replace(ALERT, id=2))
    history.flush(START)
    assert "leaves out" in history.notice
    assert history.samples(NAME, 0) == [(START + 60, 1.5)]
    assert [alert.id for alert in history.alerts()] == [2]
    assert len(history.answers(0)) == 1
    history.sample(sample(START + 120))
    history.flush(START + 120)
    assert len(history.samples(NAME, 0)) == 2
