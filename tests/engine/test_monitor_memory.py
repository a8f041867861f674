"""What a monitor still knows after a restart, and what it then says only once."""

from math import isnan

import pytest

from liqtui.core.model import Feed, PositionKey
from liqtui.core.reads import ReadError
from liqtui.core.snapshot import Severity
from liqtui.engine import history as history_module
from liqtui.ui.figures import spark
from tests.engine.desk import kinds, row
from tests.engine.fakes import FEED, START, address


def test_a_restart_keeps_alerts_and_acks_and_says_nothing_twice(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round(price=1240)
    found = made.round(price=1240)
    assert kinds(found) == ["liquidatable"]
    made.monitor.acknowledge(1, made.now)
    made.restart(tmp_path)
    found = made.round(price=1240)
    assert kinds(found) == ["liquidatable"]
    assert found.alerts[0].acked_at
    found = made.round(price=2000)
    assert kinds(found) == ["liquidatable", "recovered"]
    assert found.alerts[0].id == 2


def test_after_a_restart_a_dead_chain_still_shows_what_was_open(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.nodes["lab"].down = ReadError("timeout", "slow")
    made.restart(tmp_path)
    found = made.round()
    assert row(found).severity is Severity.UNKNOWN
    assert row(found).position is None
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind"]
    made.nodes["lab"].down = None
    found = made.round()
    assert row(found).severity is Severity.OK
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind", "sighted"]


def test_what_closed_while_nobody_watched_is_told(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.nodes["lab"].accounts.clear()
    made.restart(tmp_path)
    found = made.round()
    assert found.rows == ()
    assert kinds(found) == ["closed"]
    made.restart(tmp_path)
    assert made.monitor.publish(made.now).rows == ()


def test_what_is_remembered_of_other_wallets_and_markets_is_dropped(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.history.position(PositionKey(31337, "fake", "main", address(9)), is_open=True)
    made.history.position(PositionKey(31337, "fake", "not configured", address(1)), is_open=True)
    made.history.position(PositionKey(99, "fake", "main", address(1)), is_open=True)
    made.restart(tmp_path)
    assert {row.key.market for row in made.monitor.publish(made.now).rows} == {"not configured"}
    assert {row.key.market for row in made.round().rows} == {"main"}


def test_trend_and_outline_come_back_after_a_restart(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round(price=2000)
    for _ in range(12):
        made.round(120, price=1900)
    made.restart(tmp_path)
    found = row(made.round(price=1900))
    assert round(found.trend, 3) == -0.08
    assert 1400 < found.trend_window < 1500
    assert found.spark[-1] == 1.52


def test_the_texture_of_a_day_is_the_same_after_a_restart_and_what_nobody_saw_is_blank(desk, tmp_path):
    made = desk(folder=tmp_path)
    for place in range(144):
        found = made.round(150, price=2000 if place < 72 else 1900)
    before = row(found).spark
    assert None not in before[-6:]
    assert {1.6, 1.52} == set(before[-6:])
    made.restart(tmp_path)
    assert row(made.round(1, price=1900)).spark == before
    made.restart(tmp_path)
    made.now += 5 * 3600
    for node in made.nodes.values():
        node.mine(5 * 3600)
    after = row(made.round(price=1900)).spark
    assert after[-1] == 1.52
    assert after[-5:-1] == (None,) * 4, "it did not run: unknown, not calm"
    assert after[-12:-6] == before[-7:-1], "and what was seen before stands where it was"
    assert spark(row(made.round(price=1900)), 24)[-5:-1] == "    "
    gaps = [at for at, health in made.history.samples(row(found).id, 0) if isnan(health)]
    assert gaps == [], "queued, not written yet"
    made.monitor.save(made.now)
    gaps = [at for at, health in made.history.samples(row(found).id, 0) if isnan(health)]
    assert gaps[-1] - gaps[-2] == 5 * 3600 + 12


def test_a_chain_that_is_read_seldom_has_no_silences(desk, tmp_path):
    made = desk(folder=tmp_path, poll=600.0)
    for _ in range(5):
        found = made.round(600)
    made.monitor.save(made.now)
    assert not any(isnan(health) for _, health in made.history.samples(row(found).id, 0))
    made.round(7000)
    made.monitor.save(made.now)
    assert sum(isnan(health) for _, health in made.history.samples(row(found).id, 0)) == 2


def test_volatility_is_learned_from_feed_rounds_and_survives(desk, tmp_path):
    made = desk(folder=tmp_path)
    for place in range(30):
        found = made.round(3600, price=2000 + 20 * (place % 2))
    assert row(found).sigmas is not None
    before = row(found).sigmas
    made.restart(tmp_path)
    after = row(made.round(price=2000)).sigmas
    assert after == pytest.approx(before, rel=0.2)


def test_a_full_disk_stops_no_watching(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.monitor.save(made.now)
    pages = made.history._db.execute("PRAGMA page_count").fetchone()[0]
    made.history._db.execute(f"PRAGMA max_page_count = {pages}")
    for place in range(200):
        made.round(60, price=1240 if place % 2 else 2000)
        made.monitor.save(made.now)
    found = made.round(price=1240)
    assert any("cannot be written" in notice for notice in found.notices)
    assert row(found).severity is Severity.LIQUIDATABLE
    assert history_module.ALERTS_KEPT > len(found.alerts) > 100


def test_a_round_of_a_feed_that_is_dated_in_the_future_does_not_end_what_is_known_of_it(desk, tmp_path):
    """After it no round would be newer, and all before it would be too old: σ would be gone for good."""
    made = desk(folder=tmp_path)

    def learned():
        for turn in range(40):
            found = made.round(1900, price=2000 + 37 * turn % 90)
        return found.sigmas[0].rounds

    before, ahead = learned(), START + 10**9
    node = made.nodes["lab"]
    node.updated_at = ahead
    assert made.round().sigmas[0].rounds == before
    assert learned() > before
    made.history.round(node.chain_id, Feed(FEED, "ETH / USD", "eth", 1, 8, ahead, 3600))  # as an older version did
    made.restart(tmp_path)
    assert learned() > 2 * before
