"""The courier where a receiver fails, hangs, asks for time or cannot be reached."""

from dataclasses import replace

import pytest

from liqtui.core.snapshot import DeliveryState, Snapshot
from liqtui.core.wallet import Wallet
from liqtui.engine import courier as courier_module
from liqtui.engine import outbox as outbox_module
from liqtui.engine.channels import UnsentError
from liqtui.engine.courier import back_off
from liqtui.engine.ping import healthy
from tests.engine.office import SECRET, Corrected, Office, alert, webhook
from tests.engine.receiver import DROP, HANG, Answer, Receiver

pytestmark = pytest.mark.usefixtures("quick_courier")


@pytest.mark.parametrize("status", [500, 502, 401, 404, 301])
async def test_what_fails_is_tried_again_until_it_is_taken(receiver, status):
    receiver.answers.extend([Answer(status), Answer(status)])
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
        assert str(status) in office.outbox.channels()[0].error
        assert "1 wait" in office.outbox.remarks()[0]
        await office.over()
    assert len(receiver.requests) == 3
    assert office.delivery(1).tries == 3
    assert office.outbox.remarks() == ()


async def test_a_dropped_connection_is_no_delivery(receiver):
    receiver.answers.extend([DROP, DROP])
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert len(receiver.taken) == 1


async def test_a_receiver_that_hangs_is_given_up_for_the_moment(receiver):
    receiver.answers.append(HANG)
    office = Office(webhook(receiver, timeout=0.3))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
        assert "0.3 s" in office.outbox.channels()[0].error
        await office.over()
    assert len(receiver.taken) == 1


async def test_a_slow_receiver_is_waited_for(receiver):
    receiver.answers.append(Answer(slow=0.5))
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_for_the_whole_channel(receiver, status):
    receiver.answers.append(Answer(status, {"Retry-After": "1"}))
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: receiver.requests)
        office.post(alert(2, "p2"))
        await office.over()
    first, second, *_ = receiver.requests
    assert second.at - first.at >= 0.9
    assert set(receiver.keys) == {f"1.0.{receiver.keys[0].split('.')[2]}", receiver.keys[1]}


async def test_a_receiver_may_not_ask_for_for_ever(receiver):
    receiver.answers.append(Answer(429, {"Retry-After": "99999999"}))
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.delivery(1).next_at)
    wait = office.delivery(1).next_at - office.clock.now()
    assert courier_module.WAIT_MAX - 60 < wait <= courier_module.WAIT_MAX


async def test_refused_marks_are_followed_by_plain_text_at_once(receiver):
    receiver.judge = lambda request: Answer(400) if "markdown" in request.event else None
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert ["markdown" in one.event for one in receiver.requests] == [True, False]
    assert office.delivery(1).tries == 1


async def test_a_message_that_is_always_refused_is_given_up_and_holds_up_no_other(receiver):
    receiver.judge = lambda request: Answer(422) if "t1" in request.titles else None
    office = Office(webhook(receiver))
    async with office.open():
        office.post(*[alert(number, f"p{number}") for number in range(1, 8)])
        await office.over()
    assert office.states()[1] is DeliveryState.FAILED
    assert "422" in office.delivery(1).reason
    assert {title for one in receiver.taken for title in one.titles} == {f"t{number}" for number in range(2, 8)}


async def test_an_unreachable_channel_holds_no_other(receiver):
    with Receiver() as dead:
        dead.usual = HANG
        office = Office(webhook(dead, "dead", timeout=20.0), webhook(receiver))
        async with office.open():
            office.post(alert(1))
            await office.until(lambda: receiver.taken)
            dead_one, alive = office.outbox.channels()
            await office.until(lambda: not office.outbox.channels()[1].pending)
            assert dead_one.pending == 1
            assert alive.name == "hook"


async def test_with_a_full_disk_alerts_leave_all_the_same(receiver, tmp_path):
    office = Office(webhook(receiver), folder=tmp_path)
    office.history._db.execute("PRAGMA max_page_count = 1")
    async with office.open():
        office.post(*[alert(number, f"p{number}", text="x" * 5000) for number in range(1, 30)])
        await office.over()
    assert "cannot be written" in office.history.notice
    assert len(receiver.keys) == 29
    office.close()


async def test_after_a_day_an_alert_is_given_up_with_the_reason(receiver, monkeypatch):
    receiver.usual = Answer(503)
    monkeypatch.setattr(outbox_module, "GIVE_UP", 0.1)
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.over()
    found = office.delivery(1)
    assert found.state is DeliveryState.FAILED
    assert found.reason.startswith(f"given up after {found.tries} tries")
    assert "503" in found.reason
    assert "1 given up" in office.outbox.remarks()[0]


async def test_a_clock_that_is_set_forward_gives_up_nothing(receiver):
    receiver.answers.append(Answer(503))
    clock = Corrected()
    office = Office(webhook(receiver), clock=clock)
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
        clock.ahead = 7 * 86_400.0
        await office.over()
    assert office.delivery(1).state is DeliveryState.DELIVERED


async def test_a_letter_that_cannot_be_written_is_an_error_of_the_channel(receiver, monkeypatch):
    """It would else end the courier each time, and say nothing of why this channel is silent."""
    monkeypatch.setattr("liqtui.core.letters.letter", lambda alerts, now: 1 // 0)
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert "ZeroDivisionError" in office.outbox.channels()[0].error


async def test_a_fault_of_ours_is_an_error_of_the_channel(receiver):
    class Broken:
        async def send(self, letter):
            raise TypeError(f"a bug at http://h/{SECRET}")

        async def close(self):
            pass

    office = Office(webhook(receiver))
    office.courier._make = lambda spec: Broken()
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert office.outbox.channels()[0].error == "TypeError: a bug at http://h/…"


async def test_a_fault_of_ours_with_one_message_holds_up_no_other(receiver):
    """It stood at the head of the channel for a day, and what could be liquidated behind it."""

    class Choosy:
        def __init__(self, spec):
            self.sender = courier_module.sender(spec)

        async def send(self, letter):
            if any(one.title == "t1" for one in letter.alerts):
                raise ValueError("a bug")
            await self.sender.send(letter)

        async def close(self):
            await self.sender.close()

    office = Office(webhook(receiver))
    office.courier._make = Choosy
    async with office.open():
        office.post(*[alert(number, f"p{number}") for number in range(1, 8)])
        await office.until(lambda: len({title for one in receiver.taken for title in one.titles}) == 6)
        await office.until(lambda: office.delivery(1).tries > outbox_module.REFUSALS + 1)
    assert office.states()[1] is DeliveryState.WAITING, "and it is tried on"


async def test_a_channel_that_fails_for_long_is_told_and_nobody_says_that_all_is_well(receiver, monkeypatch):
    monkeypatch.setattr(outbox_module, "AILING", 0.05)
    receiver.usual = Answer(503)
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(office.outbox.ailing)
        assert "503" in office.outbox.ailing()["hook"]
        good = Snapshot(1, 0.0, wallets=(Wallet(alert(1).position),), ready=True)
        assert not healthy(replace(good, wallets=good.wallets, channels=office.outbox.channels()))
        receiver.usual = Answer(200)
        await office.over()
    assert office.outbox.ailing() == {}


async def test_a_channel_that_cannot_be_made_is_tried_again(receiver):
    made = []

    def make(spec):
        made.append(spec)
        if len(made) < 3:
            raise UnsentError("not today")
        return courier_module.sender(spec)

    office = Office(webhook(receiver))
    office.courier._make = make
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert len(made) == 3


def test_back_off_grows_and_is_bounded(monkeypatch):
    monkeypatch.setattr(courier_module, "BACK_OFF", 1.0)
    for fails in range(60):
        full = min(300.0, 2.0**fails)
        assert full / 2 <= back_off(fails) <= full


async def test_what_hangs_is_not_waited_for(receiver):
    receiver.usual = HANG
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: receiver.requests)
        await office.courier.rest(0.01)
        assert office.states() == {1: DeliveryState.SENDING}
    assert office.states() == {1: DeliveryState.WAITING}
    office.close()
