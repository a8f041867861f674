"""A list without a wallet is an accident sooner than a wish: nothing is forgotten, and it is no quiet."""

import asyncio
from dataclasses import replace

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from liqtui.core.rules import ChannelSpec
from liqtui.core.snapshot import DeliveryState, Level, Severity
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.engine import outbox
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.names import Names
from liqtui.engine.outbox import Outbox
from liqtui.engine.ping import healthy
from tests.engine.desk import kinds, row
from tests.engine.fakes import START, address, setup, wallet
from tests.engine.office import Office, alert, webhook


def restarted(made, *wallets, **more):
    made.setup = replace(made.setup, wallets=wallets, **more)
    made.restart(made.folder)


@pytest.fixture
def warned(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
    made.round()
    assert kinds(made.round(price=1450)) == ["threshold"]
    return made


def test_it_is_told_and_nothing_is_forgotten(warned):
    restarted(warned)
    found = warned.round(price=1450)
    told = found.alerts[0]
    assert (told.kind, told.title, told.level, told.over_at) == ("engine", "watchlist", Level.CRITICAL, None)
    assert told.text == (
        "nobody is watched: the list is empty, be it that its file is gone; 1 position was open when last seen"
    )
    assert found.alerts[1].over_at is None
    restarted(warned)
    assert kinds(warned.round(price=1450)) == ["threshold", "engine", "engine"]
    warned.watch(wallet(1))
    found = warned.monitor.publish(warned.now)
    assert row(found).error == "not read since the start"
    assert [one.over_at is None for one in found.alerts] == [False, False, True]
    warned.nodes["lab"].hold(1, 0.5, 500)
    assert "liquidated" in kinds(warned.round(price=1450)), "it happened meanwhile"


def test_what_stood_is_called_again_meanwhile(warned):
    restarted(warned)
    for _ in range(4):
        warned.round(900, price=1450)
    assert {post.kind for post in warned.posted if post.escalated} == {"threshold", "engine"}


def test_what_waits_is_sent_all_the_same(tmp_path):
    spec, clock = ChannelSpec("hook", "webhook", url="http://127.0.0.1:9/"), FrozenClock(START)
    history = History(tmp_path)
    box = Outbox((spec,), history, clock)
    one = alert(1, f"31337:fake:main:{address(1)}")
    history.alert(one)
    box.post(one)
    Monitor(setup(), history, START, box).watch(())
    assert [entry.state for entry in box.due("hook")] == [DeliveryState.WAITING]
    history.close()


def test_whoever_is_the_last_to_be_taken_off_while_it_runs_is_gone_by_a_wish(warned):
    warned.watch()
    found = warned.round(price=1450)
    assert [one.over_at is None for one in found.alerts] == [False]
    restarted(warned)
    assert kinds(warned.round(price=1450)) == ["threshold"]


def test_a_first_start_without_anybody_is_no_alert(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path, wallets=())
    assert kinds(made.round()) == []


def test_where_nobody_is_watched_all_is_not_well(alarm_desk):
    made = alarm_desk()
    assert healthy(made.round())
    made.watch()
    assert not healthy(made.round())


# -- chains and markets that are not read, and on which nobody held anything ----------------------------------------


@pytest.fixture
def beside(alarm_desk):
    """Nobody holds anything on the second chain, which was read."""
    made = alarm_desk("lab", "side")
    made.nodes["side"].accounts.clear()
    assert kinds(made.round()) == []
    return made


def test_a_chain_that_is_not_read_for_an_hour_is_told_although_nobody_held_anything_there(beside):
    """What is opened there meanwhile would fall without a word."""
    beside.nodes["side"].down = ReadError("timeout", "slow")
    for _ in range(11):
        found = beside.round(300)
    assert kinds(found) == []
    for _ in range(3):
        found = beside.round(300)
    assert [one.text for one in found.alerts] == [
        "the chain was not read for an hour, what is opened there is not seen: timeout: slow"
    ]
    beside.nodes["side"].down = None
    assert beside.round().alerts[0].over_at is not None
    assert beside.round().alerts[0].severity is Severity.WARN


def test_a_head_that_stands_still_is_no_reading(beside):
    node = beside.nodes["side"]
    node.mine = lambda *_: None
    for _ in range(15):
        found = beside.round(300, price=2000)
    assert [(one.title, one.text) for one in found.alerts] == [
        ("side", "the chain was not read for an hour, what is opened there is not seen: its newest block is 1h old")
    ]


def test_a_market_that_fails_now_and_then_is_not_told(beside):
    node = beside.nodes["side"]
    for turn in range(40):
        (node.broken.add if turn % 4 else node.broken.discard)("0x" + "aa" * 20)
        found = beside.round(300, price=2000)
    assert kinds(found) == []


# -- channels on which nobody hears ---------------------------------------------------------------------------------


def test_a_channel_that_does_not_deliver_is_told_on_the_others_until_it_does(alarm_desk):
    made = alarm_desk()
    made.round()
    box = made.monitor._outbox = Box()
    for _ in range(3):
        found = made.round()
    assert [(one.kind, one.title, one.level, one.text, one.over_at) for one in found.alerts] == [
        ("engine", "channel phone", Level.CALL, "alerts do not arrive on this channel: it refuses us", None)
    ]
    box.why.clear()
    assert made.round().alerts[0].over_at is not None


class Box:
    """What a monitor asks an outbox."""

    def __init__(self):
        self.why = {"phone": "it refuses us"}

    def ailing(self):
        return self.why

    def deliveries(self, alerts):
        return ()

    def channels(self):
        return ()

    def remarks(self):
        return ()


def test_who_comes_back_has_not_opened_what_he_had(beside):
    """Taken off and put back while the chain could not be read."""
    beside.nodes["lab"].down = ReadError("timeout", "slow")
    beside.watch()
    beside.round()
    beside.watch(wallet(1))
    beside.nodes["lab"].down = None
    found = beside.round()
    assert row(found).position is not None
    assert kinds(found) == []


async def test_a_channel_that_hangs_without_a_word_is_told_too(receiver, monkeypatch):
    """Nothing had failed yet, so there was no error to tell."""
    monkeypatch.setattr(outbox, "AILING", 0.05)
    office = Office(webhook(receiver))
    office.post(alert(1))
    office.outbox.sending(office.outbox.due("hook"))
    assert office.outbox.ailing() == {}
    await asyncio.sleep(0.06)
    assert office.outbox.ailing() == {"hook": "it hangs"}
    assert office.outbox.channels()[0].error == "it hangs"


def test_a_name_that_cannot_be_looked_up_is_told(alarm_desk):
    """Only a notice said so, and no channel sends those."""
    made = alarm_desk()
    made.watch(wallet(1), Wallet("treasury.eth"))
    for _ in range(14):
        assert kinds(made.round()) == []
    for _ in range(4):
        found = made.round()
    assert [(one.title, one.level, one.text, one.over_at) for one in found.alerts] == [
        ("treasury.eth", Level.CALL, "not watched: its address could not be looked up", None)
    ]
    made.watch(wallet(1), Wallet(address(2), name="treasury.eth"))
    assert made.round().alerts[0].over_at is not None


# -- since when -----------------------------------------------------------------------------------------------------


def test_how_bad_it_is_goes_on_since_it_was_so(warned, tmp_path):
    since = row(warned.round(price=1450)).since
    for _ in range(10):
        warned.round(price=1450)
    warned.restart(tmp_path)
    assert row(warned.monitor.publish(warned.now)).since == warned.now, "it is unread since now"
    warned.restart(tmp_path)
    found = row(warned.round(price=1450))
    assert (found.severity, found.since) == (Severity.WARN, since)
    found = row(warned.round(price=1300))
    assert (found.severity, found.since) == (Severity.CRITICAL, warned.now)


@pytest.mark.parametrize(("price", "away", "lasts"), [(2000, 60, True), (2000, 3600, False), (1450, 86_400, True)])
def test_what_was_calm_is_so_only_as_long_as_somebody_watched(alarm_desk, tmp_path, price, away, lasts):
    """And what was not is no better for it."""
    made = alarm_desk(folder=tmp_path)
    made.round(price=price)
    since = row(made.round(price=price)).since
    made.round(price=price)
    made.monitor.save(made.now, last=True)
    made.now += away
    made.nodes["lab"].mine(away)
    made.restart(tmp_path)
    assert (row(made.round(price=price)).since == since) is lasts


def test_what_could_not_be_read_for_long_after_a_restart_was_not_calm_meanwhile(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
    made.round()
    made.restart(tmp_path)
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(20):
        made.round()
    made.nodes["lab"].down = None
    assert row(made.round()).since == made.now


def test_damaged_text_gives_nothing(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
    made.round()
    made.monitor.save(made.now)
    made.history.remember('{"x": [1]}', "spells")
    made.restart(tmp_path)
    assert row(made.round()).since == made.now


# -- a wallet that is listed twice ----------------------------------------------------------------------------------


async def _nobody_knows(name):
    raise LookupError("no such name")


def test_a_name_that_means_a_wallet_that_is_listed_replaces_nothing_of_it():
    """Its thresholds were those of whichever stood last."""
    strict, loose = Thresholds(warn=2 * 10**18), Wallet("a.eth", label="again")
    made = Names(_nobody_knows, lambda: None)
    made.watch((replace(wallet(1), thresholds=strict), loose, Wallet("b.eth"), Wallet("c.eth", label="twin")))
    made._known = {"a.eth": address(1), "b.eth": address(2), "c.eth": address(2)}
    assert [(one.key, one.thresholds) for one in made.wallets()] == [(address(1), strict), (address(2), Thresholds())]
    assert made.remark() == (
        "a.eth is w1: what is set for that one holds; c.eth is b.eth: what is set for that one holds"
    )
