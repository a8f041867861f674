"""Whoever was taken off the watchlist, while the program ran or while it did not, is called no more."""

from dataclasses import replace

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.core.rules import ChannelSpec, Quiet
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.snapshot import DeliveryState
from liqtui.core.wallet import Wallet
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outbox import NOBODY, Outbox
from tests.engine.desk import kinds, many, row
from tests.engine.fakes import START, address, setup, wallet
from tests.engine.office import alert


def restarted(made, *wallets, **more):
    """Begun again on another list."""
    made.setup = replace(made.setup, wallets=wallets, **more)
    made.restart(made.folder)


def hours(made, price):
    """What went out again in the hours after, by kind."""
    before = len(made.posted)
    for _ in range(12):
        found = made.round(900, price=price)
    return found, [post.kind for post in made.posted[before:]]


def warned(alarm_desk, folder):
    made = alarm_desk(folder=folder, wallets=(1, 2))
    made.nodes["lab"].hold(2, 1, 500)
    made.round()
    assert kinds(made.round(price=1450)) == ["threshold"]
    return made


def liquidated(alarm_desk, folder):
    made = alarm_desk(folder=folder, wallets=(1, 2))
    made.nodes["lab"].hold(2, 1, 500)
    made.round(price=1240)
    made.nodes["lab"].hold(1, 0.5, 500)
    assert "liquidated" in kinds(made.round(price=1240))
    return made


@pytest.mark.parametrize("stands", [warned, liquidated])
@pytest.mark.parametrize("off", [True, False])
def test_no_alert_is_called_again(alarm_desk, tmp_path, stands, off):
    made = stands(alarm_desk, tmp_path)
    if off:
        restarted(made, wallet(2))
    else:
        made.watch(wallet(2))
    found, again = hours(made, 1450 if stands is warned else 1240)
    assert again == []
    assert all(alert.over_at is not None for alert in found.alerts)
    assert [alert.acked_at for alert in found.alerts] == [None] * len(found.alerts), "and nobody said it was seen"


@pytest.mark.parametrize("stands", [warned, liquidated])
def test_whoever_stays_is(alarm_desk, tmp_path, stands):
    made = stands(alarm_desk, tmp_path)
    restarted(made, wallet(1))
    _, again = hours(made, 1450 if stands is warned else 1240)
    assert set(again) >= {"threshold" if stands is warned else "liquidated"}


def test_one_of_many_that_an_alert_is_about_is_enough(alarm_desk, tmp_path):
    made = many(alarm_desk, 3, folder=tmp_path)
    made.round()
    assert len(made.round(price=1450).alerts[0].positions) == 3
    restarted(made, wallet(3))
    _, again = hours(made, 1450)
    assert again == ["threshold"] * 3


def test_what_was_kept_back_of_them_is_not_told_later(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path, wallets=(1, 2), rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    made.nodes["lab"].hold(2, 1, 500)
    made.round()
    assert made.round(3700, price=1450).alerts[0].held == "quiet hours"
    restarted(made, wallet(2))
    found, again = hours(made, 1450)
    assert again == []
    assert kinds(found) == ["threshold"]


def test_who_comes_back_begins_anew(alarm_desk, tmp_path):
    """What happened while nobody watched is no liquidation; what is so now is told."""
    made = warned(alarm_desk, tmp_path)
    restarted(made, wallet(2))
    made.round(price=1450)
    restarted(made, wallet(2))
    made.nodes["lab"].hold(1, 0.5, 500)
    restarted(made, wallet(1), wallet(2))
    found = made.round(price=1450)
    assert kinds(found) == ["threshold", "threshold"]
    assert [alert.over_at is None for alert in found.alerts] == [True, False]
    assert {row.label for row in found.rows} == {"w1", "w2"}


def test_a_chain_that_a_wallet_is_not_looked_for_on_any_more_counts_alike(alarm_desk, tmp_path):
    made = warned(alarm_desk, tmp_path)
    restarted(made, wallet(1, chains=("side",)), wallet(2))
    _, again = hours(made, 1450)
    assert again == []


def test_wallets_of_one_session_take_nobody_off_the_list(alarm_desk, tmp_path):
    made = warned(alarm_desk, tmp_path)
    restarted(made, wallet(2), given=True)
    made.round(price=1450)
    restarted(made, wallet(1), wallet(2), given=False)
    assert row(made.monitor.publish(made.now)).position is None, "it is remembered"
    made.nodes["lab"].hold(1, 0.5, 480)
    assert "liquidated" in kinds(made.round(price=1450))


def test_a_name_that_is_not_looked_up_yet_may_be_anybody(alarm_desk, tmp_path):
    made = warned(alarm_desk, tmp_path)
    restarted(made, Wallet("somebody.eth"), wallet(2))
    assert [alert.over_at for alert in made.round(price=1450).alerts] == [None]
    made.watch(Wallet(address(1), name="somebody.eth", label="w1"), wallet(2))
    assert row(made.monitor.publish(made.now)).error == "not read since the start"
    found = made.round(price=1450)
    assert kinds(found) == ["threshold"]
    restarted(made, Wallet("somebody.eth"), wallet(2))
    made.watch(Wallet(address(7), name="somebody.eth"), wallet(2))
    assert all(alert.over_at is not None for alert in made.round(price=1450).alerts), "now it is known who it is"


def test_what_waits_to_be_sent_is_given_up(tmp_path):
    """From an earlier run, and in this one while its channel is out of order."""
    spec, clock = ChannelSpec("hook", "webhook", url="http://127.0.0.1:9/"), FrozenClock(START)
    mine, others = (f"31337:fake:main:{address(number)}" for number in (1, 2))
    history = History(tmp_path)
    outbox = Outbox((spec,), history, clock)
    for one in (alert(1, mine), alert(2, others), alert(3, mine, positions=(mine, others)), alert(4, positions=())):
        history.alert(one)
        outbox.post(one)
    outbox.sending(outbox.due("hook")[:1])  # it was on its way when the program was killed
    history.flush(START)
    history.close()
    history = History(tmp_path)
    outbox = Outbox((spec,), history, clock)
    Monitor(setup(), history, START, outbox).watch((wallet(2),))
    assert [entry.alert.id for entry in outbox.due("hook")] == [2, 3, 4]
    (given_up,) = [one for one in outbox.deliveries([alert(1, mine)]) if one.alert == 1]
    assert (given_up.state, given_up.reason) == (DeliveryState.FAILED, NOBODY)
    assert outbox.remarks() == (), "it is no trouble of the channel"
    history.close()
