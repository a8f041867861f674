from hypothesis import given
from hypothesis import strategies as st

from liqtui.engine.tracks import HOUR, SLOT, SLOTS, Track


def test_trend_is_the_change_over_an_hour():
    track = Track()
    for minute in range(121):
        track.add(minute * 60.0, 2.0 - minute / 100)
    change, window = track.trend(120 * 60.0, 0.8)
    assert round(change, 6) == -0.6
    assert window == 3600


def test_trend_says_how_short_it_is():
    track = Track()
    track.add(0.0, 1.5)
    assert track.trend(30.0, 1.4) == (None, 3600)
    change, window = track.trend(600.0, 1.4)
    assert round(change, 6) == -0.1
    assert window == 600


def test_old_figures_give_no_trend():
    track = Track()
    track.add(0.0, 1.5)
    assert track.trend(3 * HOUR, 1.4) == (None, 3600)


def test_spark_is_the_lowest_of_each_slot_with_gaps():
    track = Track()
    track.add(0 * SLOT, 1.5)
    track.add(0 * SLOT + 60, 1.2)
    track.add(0 * SLOT + 120, 1.4)
    track.add(2 * SLOT + 1, 1.1)
    assert track.spark(3 * SLOT + 1) == (*[None] * (SLOTS - 4), 1.2, None, 1.1, None)
    assert track.spark((SLOTS + 4) * SLOT + 1) == (None,) * SLOTS


@given(st.lists(st.floats(1, 7200), max_size=300))
def test_it_stays_small(gaps):
    track, at = Track(), 0.0
    for gap in gaps:
        at += gap
        track.add(at, 1.0)
    assert len(track._hour) <= 62
    assert len(track._day) <= SLOTS


def test_the_outline_follows_the_clock_that_was_set_back():
    track = Track()
    track.add(5 * SLOT + 1, 1.2)
    assert track.spark(5 * SLOT + 2)[-1] == 1.2
    track.set_back(2 * SLOT)
    assert track.spark(5 * SLOT + 2)[-1] is None
    assert track.spark(3 * SLOT + 2)[-1] == 1.2
    track.add(3 * SLOT + 3, 1.1)
    assert track.spark(3 * SLOT + 4)[-1] == 1.1
