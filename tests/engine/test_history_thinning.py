"""What of the history goes with time, what may not be lost by it, and the silences between."""

import contextlib
import sqlite3
from dataclasses import replace
from math import isnan

from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core.model import Feed
from liqtui.core.units import WAD
from liqtui.engine import database
from liqtui.engine.history import FILE, SPACING, Answer, History, Sample
from liqtui.engine.schema import MIGRATIONS
from liqtui.ui import chart
from liqtui.ui.course import course
from liqtui.ui.style import DEFAULT_VARIABLES, Palette
from tests.engine.fakes import FEED, START
from tests.engine.kept import ALERT, NAME, sample, stored

PEN = chart.Pen(Palette(DEFAULT_VARIABLES))


def test_samples_are_thinned_but_no_move_is_lost(open_history):
    history = open_history()
    assert history.sample(sample(START))
    assert not history.sample(sample(START + 2))
    assert not history.sample(sample(START + 4, 1.5004))
    assert history.sample(sample(START + 6, 1.4))
    assert history.sample(sample(START + 6 + SPACING, 1.4))
    assert not history.sample(sample(START + 6 + SPACING, 1.2)), "one moment has one figure"
    history.flush(START + 70)
    assert history.samples(NAME, START + 1) == [(START + 6, 1.4), (START + 66, 1.4)]


def test_old_samples_keep_the_lowest_of_a_slot_and_then_go(open_history, tmp_path):
    history = open_history(keep_days=10)
    start = START - START % 600
    for at, health in ((start, 12.0), (start + 60, 1.2), (start + 120, 1.3), (start + 600, 1.4)):
        history.sample(sample(at, health))
    history.flush(start + 600)
    assert len(stored(tmp_path)) == 4
    history.flush(start + 600 + database.FINE)
    assert stored(tmp_path) == [(start + 60, 1.2), (start + 600, 1.4)]
    history.flush(start + 601 + 10 * 86_400)
    assert stored(tmp_path) == []


def test_much_older_samples_keep_the_lowest_of_an_hour(open_history, tmp_path):
    history = open_history()
    start = START - START % 3600
    for minute in range(0, 120, 10):
        history.sample(sample(start + 60 * minute, 1.5 - (minute == 30) * 0.4 - (minute == 110) * 0.3))
    history.flush(start + 7200)
    history.flush(start + 7200 + database.COARSE)
    assert stored(tmp_path) == [(start + 1800, 1.1), (start + 6600, 1.2)]


def test_what_was_thinned_once_is_not_looked_at_again(open_history, tmp_path):
    history = open_history(keep_days=100)
    history.sample(sample(START))
    history.flush(START)
    history.flush(START + database.FINE + 1200)
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
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


def test_older_feed_rounds_keep_the_first_of_each_half_hour(open_history):
    history = open_history()
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


def test_the_person_says_how_long_prices_and_alerts_stay(open_history):
    history = open_history(price_days=60, alert_days=1)
    history.alert(replace(ALERT, over_at=START))
    history.round(1, Feed(FEED, "ETH / USD", "eth", 2000, 8, START, 3600))
    history.flush(START)
    history.flush(START + 40 * 86_400)
    assert len(history.answers(0)) == 1
    assert history.alerts() == []
    assert history._db.execute("SELECT count(*) FROM event").fetchone() == (0,)


def test_what_something_may_still_come_of_stays(open_history):
    """By a clock that shows a year to come all is old; what stands would be forgotten and never be called again."""
    history = open_history(alert_days=1)
    for number, more in enumerate(({}, {"acked_at": START}, {"held": "quiet hours", "over_at": START})):
        history.alert(replace(ALERT, id=number, **more))
        history.sending((number, "hook", 0, "waiting", 0, START, START, None, ""))
    history.flush(START)
    history.flush(START + 4000 * 86_400)
    assert [alert.id for alert in history.alerts()] == [2, 0]
    assert [row[0] for _, row in history.sendings()] == [0, 2]


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


def test_a_dip_of_a_minute_is_drawn_in_a_chart_of_a_month(open_history):
    history = open_history()
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


def test_the_file_stops_growing(open_history, tmp_path):
    """Two positions for forty days; what ten of these days add after the thirtieth is nothing."""
    history = open_history()
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


def seen(history, *times, health=1.5, patience=180.0):
    for at in times:
        history.sample(sample(at, health)._replace(patience=patience))
    history.flush(times[-1])


def gaps(history, since=0.0):
    return [at for at, health in history.samples(NAME, since) if isnan(health)]


def test_a_silence_is_kept_with_both_its_ends(open_history):
    history = open_history()
    seen(history, START, START + 12, START + 24, START + 324, START + 336)
    assert gaps(history) == [START + 24, START + 324]
    kinds = ["nan" if isnan(health) else health for _, health in history.samples(NAME, 0)]
    assert kinds == [1.5, "nan", "nan", 1.5], "the figure before it, its ends, and the first figure after it"
    assert gaps(history, START + 100) == [START + 100, START + 324], "what began earlier begins with the window"
    assert gaps(history, START + 325) == []


def test_slow_rounds_are_no_silence(open_history):
    history = open_history()
    seen(history, *range(START, START + 6000, 600), patience=6000.0)
    assert gaps(history) == []
    seen(history, START + 20_000, patience=6000.0)
    assert gaps(history) == [START + 5400, START + 20_000]


def test_time_in_which_nothing_ran_is_a_silence_too(open_history):
    first = open_history()
    seen(first, START, START + 60)
    first.close()
    second = open_history()
    seen(second, START + 660, START + 720)
    assert gaps(second) == [START + 60, START + 660]
    second.close()
    third = open_history()
    seen(third, START + 780)
    assert len(gaps(third)) == 2, "started again at once: nothing was missed"


def test_each_position_has_silences_of_its_own(open_history):
    history = open_history()
    history.sample(sample(START, position="1:fake:main:0x2"))
    seen(history, START, START + 60, START + 120)
    history.sample(sample(START + 900, position="1:fake:main:0x2"))
    seen(history, *range(START + 180, START + 900, 60))
    assert gaps(history) == []
    assert len([1 for _, health in history.samples("1:fake:main:0x2", 0) if isnan(health)]) == 2


def test_a_silence_outlives_the_thinning_of_the_samples_around_it(open_history):
    history = open_history(keep_days=20)
    start = START - START % 3600
    times = [*range(start, start + 300, 60), *range(start + 500, start + 3600, 60)]
    seen(history, *times)
    for age in (database.FINE, database.COARSE):
        history.flush(start + 7200 + age)
        assert gaps(history) == [start + 240, start + 500], age
    history.flush(start + 21 * 86_400)
    assert history.samples(NAME, 0) == []


def test_silences_of_one_slot_become_one_that_is_never_shorter(open_history):
    history = open_history()
    start = START - START % 3600
    seen(history, start, start + 200, start + 420, start + 1000, start + 1300)
    assert gaps(history) == [start + at for at in (0, 200, 200, 420, 420, 1000, 1000, 1300)]
    history.flush(start + 3600 + database.FINE)
    assert gaps(history) == [start + at for at in (0, 1000, 1000, 1300)]
    history.flush(start + 3600 + database.COARSE)
    assert gaps(history) == [start, start + 1300]


def test_a_file_without_silences_is_read_all_the_same(open_history, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.executescript("".join(MIGRATIONS[:5]) + "PRAGMA user_version = 5;")
        for at in (START, START + 60):
            db.execute("INSERT INTO sample VALUES (?, ?, 1, ?, 0.25)", (NAME, at, str(15 * WAD // 10)))
    db.close()
    old = open_history(read_only=True)
    assert old.samples(NAME, 0) == [(START, 1.5), (START + 60, 1.5)]
    assert old.notice == ""
