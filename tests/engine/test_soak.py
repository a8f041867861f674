"""Thousands of looks at a world of dice; what they found stands below as cases of its own."""

import os
import random

import pytest

from liqtui.core.reads import ReadError
from liqtui.core.snapshot import Freshness, Level
from liqtui.engine import alarms, history, recall
from tests.engine.desk import kinds, row
from tests.engine.fakes import address, wallet
from tests.engine.soak import Soak

EXPLORE = bool(os.environ.get("LIQTUI_EXPLORE"))
SEEDS = [random.randrange(10**9) for _ in range(20)] if EXPLORE else [1, 2]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_must_hold_holds_after_every_look(seed, tmp_path):
    made = Soak(seed, tmp_path)
    try:
        for _ in range(2500 if EXPLORE else 400):
            made.round()
    finally:
        made.close()


def test_a_clock_set_back_makes_no_old_reading_fresh_again(desk):
    made = desk()
    made.round()
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(10):
        made.round()
    made.round(-300, mine=False)
    found = [made.round(mine=False) for _ in range(40)]
    assert not [row(each).freshness for each in found if row(each).trusted]
    assert not [each.chains[0].freshness for each in found if each.chains[0].freshness is Freshness.FRESH]
    assert row(found[5]).freshness is Freshness.BLIND, "three minutes after the last reading"


def test_what_was_not_read_once_is_told_although_no_row_tells_of_it(desk):
    """A first start with an endpoint that never answers: no position is known, so none is blind."""
    made = desk("lab", "side")
    made.nodes["side"].down = ReadError("timeout", "slow")
    for _ in range(15):
        assert kinds(made.round()) == []
    for _ in range(30):
        found = made.round()
    (told,) = found.alerts
    assert (told.kind, told.title, told.level, told.over_at) == ("engine", "side", Level.CALL, None)
    assert told.text.startswith("the chain was not read once since the start")
    assert told.text.endswith("timeout: slow")
    made.nodes["side"].down = None
    assert [alert.over_at for alert in made.round().alerts] == [made.now]


def test_a_market_that_does_not_open_is_told_and_one_that_was_open_is_not(desk):
    made = desk()
    entry = "0x" + "aa" * 20
    made.nodes["lab"].broken.add(entry)
    for _ in range(30):
        found = made.round()
    assert [alert.text for alert in found.alerts] == [
        "fake main was not read once since the start, what is there is not known: revert: out of order"
    ]
    made.nodes["lab"].broken.clear()
    for _ in range(10):
        found = made.round()
    assert found.alerts[0].over_at is not None
    made.nodes["lab"].accounts.clear()
    made.round()
    made.nodes["lab"].broken.add(entry)
    for _ in range(40):
        found = made.round()
    assert kinds(found) == ["engine", "closed"]
    assert found.unread


def test_a_chain_on_which_nobody_is_looked_for_is_not_told(desk):
    made = desk("lab", "side")
    made.watch(wallet(1, chains=("lab",)))
    made.nodes["side"].down = ReadError("timeout", "slow")
    for _ in range(40):
        found = made.round()
    assert kinds(found) == []


def test_a_clock_set_back_makes_no_mute_and_no_snooze_longer(alarm_desk):
    """As from a wrong year: it would be quiet for that year."""
    made = alarm_desk()
    made.round()
    made.round(price=1450)
    made.monitor.mute(wallet(1).address, made.now + 600)
    made.monitor.snooze(1, 1200, made.now)
    made.round(-30_000_000, mine=False)
    for _ in range(6):
        found = made.round(300)
    assert found.muted == ()
    assert found.alerts[-1].snoozed_until is None
    assert [(post.id, post.escalated) for post in made.posted if post.kind == "threshold"][:2] == [(1, 0), (1, 1)]


def test_a_clock_set_back_by_less_than_its_time_keeps_no_alert_from_going_out_again(alarm_desk):
    made = alarm_desk()
    made.round()
    made.round(price=1450)
    made.round(100)
    made.round(-800, mine=False)
    for _ in range(3):
        made.round(280)
    assert [post.escalated for post in made.posted if post.kind == "threshold"] == [0, 1]


def test_what_stands_stays_in_sight_however_much_comes_after_it(alarm_desk, tmp_path, monkeypatch):
    """A critical alert that nobody saw: two hundred notices behind it, it must still be there to be called again."""
    for module in (alarms, recall, history):
        monkeypatch.setattr(module, "ALERTS_KEPT", 6)
    made = alarm_desk(folder=tmp_path, wallets=(1, 2))
    made.nodes["lab"].hold(2, 100, 1000)
    made.round()
    made.round(price=1300)
    for turn in range(20):
        made.nodes["lab"].hold(2, 100 + turn % 2, 1000)
        made.round()
    for _ in range(2):
        found = made.round()
        first = found.alerts[-1]
        assert (first.id, first.kind, first.over_at) == (1, "threshold", None)
        assert len(found.alerts) in {6, 7}
        made.restart(tmp_path)
        made.posted.clear()
    made.round(1000)
    assert [(post.id, post.escalated) for post in made.posted] == [(1, 1)]
    made.round(price=2000)
    raised = made.history._rows("SELECT count(*) FROM event WHERE alert = 1 AND what = 'raised'")
    made.monitor.save(made.now, last=True)
    assert raised == [(1,)]


def test_what_could_not_be_read_before_a_restart_and_is_nothing_stands_no_longer(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path, wallets=(1, 2))
    made.nodes["lab"].hold(2, 1, 1000)
    made.adapter.explode.add(address(2))
    for _ in range(10):
        found = made.round()
    assert [(alert.kind, alert.over_at) for alert in found.alerts] == [("blind", None)]
    made.restart(tmp_path)
    made.adapter.explode.clear()
    del made.nodes["lab"].accounts["0x" + "aa" * 20, address(2)]
    found = made.round()
    assert [(alert.kind, alert.over_at) for alert in found.alerts] == [("blind", made.now)]
