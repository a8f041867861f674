"""The outbox and the courier against a real receiver on the loopback."""

import asyncio
import contextlib
import sqlite3
from dataclasses import replace

import pytest

from liqtui.core.snapshot import DeliveryState, Level
from liqtui.engine import courier as courier_module
from liqtui.engine import outbox as outbox_module
from liqtui.engine.history import FILE
from tests.engine.office import PATIENCE, Corrected, Office, alert, webhook
from tests.engine.receiver import DROP, Answer

pytestmark = pytest.mark.usefixtures("quick_courier")


async def test_an_alert_arrives_and_is_noted_as_delivered(receiver, tmp_path):
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        office.post(alert(1))
        assert office.states() == {1: DeliveryState.WAITING}
        await office.over()
    assert receiver.taken[0].titles == ["t1"]
    assert office.states() == {1: DeliveryState.DELIVERED}
    (channel,) = office.outbox.channels()
    assert channel.delivered_at
    assert not channel.error
    assert office.changes == 1
    office.close()
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        assert db.execute("SELECT alert, channel, escalation, state, tries FROM delivery").fetchall() == [
            (1, "hook", 0, "delivered", 1)
        ]
    db.close()


async def test_an_alert_and_its_entry_are_written_in_one_transaction(receiver, tmp_path):
    office = Office(webhook(receiver), folder=tmp_path)
    statements = []
    office.history._db.set_trace_callback(statements.append)
    office.post(alert(1))
    begin, end = statements.index("BEGIN IMMEDIATE"), statements.index("COMMIT")
    inside = " ".join(statements[begin:end])
    assert "INTO alert" in inside
    assert "INTO delivery" in inside
    assert statements.count("COMMIT") == 1
    office.close()


async def test_only_what_is_loud_enough_is_sent(receiver):
    office = Office(webhook(receiver, level=Level.CRITICAL))
    async with office.open():
        office.post(alert(1, level=Level.CALL), alert(2), alert(3, level=Level.NOTICE))
        await office.over()
    assert [one.titles for one in receiver.taken] == [["t2"]]


@pytest.mark.parametrize(("wanted", "sent"), [(True, 1), (False, 0)])
async def test_the_daily_summary_goes_where_it_is_wanted(receiver, wanted, sent):
    office = Office(webhook(receiver, digest=wanted))
    async with office.open():
        office.post(alert(1, kind="digest", level=Level.NOTICE))
        await office.over()
    assert len(receiver.taken) == sent


async def test_posting_twice_sends_once_and_an_escalation_is_a_sending_of_its_own(receiver):
    office, one = Office(webhook(receiver)), alert(1)
    async with office.open():
        office.post(one)
        office.post(one)
        await office.over()
        office.post(one)
        office.post(replace(one, escalated=1))
        await office.over()
    assert [one.event["alerts"][0]["escalated"] for one in receiver.requests] == [0, 1]
    assert len(set(receiver.keys)) == 2


async def test_a_held_alert_waits_for_its_release(receiver, tmp_path):
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        office.post(alert(1, held="quiet hours"))
        office.post(alert(2))
        await office.over()
        assert receiver.taken[0].titles == ["t2"]
        assert office.delivery(1).state is DeliveryState.HELD
        assert office.delivery(1).reason == "quiet hours"
    office.close()
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert [one.titles for one in receiver.taken] == [["t2"], ["t1"]]
    office.close()


async def test_what_comes_too_fast_is_merged_and_nothing_is_dropped(receiver):
    office = Office(webhook(receiver, per_minute=3))
    async with office.open():
        office.post(alert(1, "p1"))
        await office.over()
        office.post(alert(2, "p2"))
        await office.over()
        office.post(*[alert(number, f"p{number}") for number in range(3, 43)])
        await office.over()
    assert len(receiver.requests) == 3
    assert len(receiver.requests[2].event["alerts"]) == 40
    assert "and " in receiver.requests[2].event["text"] or "t42" in receiver.requests[2].event["text"]
    assert receiver.requests[2].event["subject"].startswith("40 alerts, worst CRITICAL")


async def test_at_the_limit_alerts_wait_for_the_next_minute(receiver, monkeypatch):
    monkeypatch.setattr(courier_module, "_MINUTE", 0.5)
    office = Office(webhook(receiver, per_minute=1))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: receiver.requests)
        for number in (2, 3):
            office.post(alert(number, f"p{number}"))
        await office.over()
    assert [one.titles for one in receiver.requests] == [["t1"], ["t2", "t3"]]
    assert receiver.requests[1].at - receiver.requests[0].at >= 0.45


async def test_alerts_about_one_position_arrive_in_their_order(receiver):
    receiver.answers.extend([Answer(500), DROP, Answer(500)])
    office = Office(webhook(receiver))
    async with office.open():
        for number in range(1, 13):
            office.post(alert(number, f"p{number % 2}"))
            await asyncio.sleep(0.01)
        await office.over()
    order = [int(key.split(".")[0]) for key in receiver.keys]
    for parity in (0, 1):
        assert [number for number in order if number % 2 == parity] == [n for n in range(1, 13) if n % 2 == parity]


async def test_a_restart_sends_what_was_left_first(receiver, tmp_path):
    receiver.usual = Answer(500)
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: receiver.requests)
    office.post(alert(2))
    office.outbox.sending(office.outbox.due("hook"))  # killed here
    office.save()
    office.close()
    receiver.usual = Answer()
    office = Office(webhook(receiver), folder=tmp_path)
    assert [entry.state for entry in office.outbox.due("hook")] == [DeliveryState.WAITING] * 2
    async with office.open():
        await office.over()
    assert [one.titles for one in receiver.taken] == [["t1"], ["t2"]]
    assert office.states(alert(1), alert(2)) == {1: DeliveryState.DELIVERED, 2: DeliveryState.DELIVERED}
    office.close()


async def test_what_an_earlier_run_left_is_tried_however_old_it_is(receiver, tmp_path, monkeypatch):
    office = Office(webhook(receiver), folder=tmp_path)
    office.post(alert(1))
    office.close()
    monkeypatch.setattr(outbox_module, "GIVE_UP", -1.0)
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        await office.over()
    assert len(receiver.taken) == 1
    office.close()


async def test_what_was_posted_while_the_clock_was_wrong_is_not_given_up_after_a_restart(receiver, tmp_path):
    """By the wall clock it waited for days; it did for a moment."""
    clock = Corrected()
    clock.ahead = -7 * 86_400.0
    office = Office(webhook(receiver), folder=tmp_path, clock=clock)
    office.post(alert(1))
    office.close()
    receiver.answers.extend([Answer(503), Answer(503)])
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        await office.until(lambda: len(receiver.requests) == 3)
        await office.until(lambda: not office.outbox.channels()[0].pending)
    assert [one.state for one in office.outbox.deliveries([alert(1)])] == [DeliveryState.DELIVERED]
    office.close()


async def test_what_waits_for_a_channel_that_is_no_more_goes_to_the_others(receiver, tmp_path):
    """Renamed in the configuration while it failed: who has it already is not sent it twice."""
    office = Office(webhook(receiver, "old"), webhook(receiver), folder=tmp_path)
    office.post(alert(1), alert(2, "p2"))
    office.outbox.delivered(office.outbox.due("hook")[:1])
    office.save()
    office.close()
    office = Office(webhook(receiver, "new"), webhook(receiver), folder=tmp_path)
    async with office.open():
        await office.until(lambda: not any(channel.pending for channel in office.outbox.channels()))
    found = {(one.alert, one.channel): one for one in office.outbox.deliveries([alert(1), alert(2)])}
    assert {key: one.state.value for key, one in found.items()} == {
        (1, "old"): "failed", (1, "new"): "delivered", (1, "hook"): "delivered",
        (2, "old"): "failed", (2, "new"): "delivered", (2, "hook"): "delivered",
    }  # fmt: skip
    assert found[1, "old"].reason == outbox_module.NOWHERE
    assert found[1, "hook"].tries == 0, "as it was"
    office.close()


def test_an_alert_of_a_log_that_begins_anew_is_another_one(receiver, tmp_path):
    """Its number was given before; what was delivered then was not this."""
    office = Office(webhook(receiver), folder=tmp_path)
    first = alert(1)
    office.post(first)
    office.outbox.delivered(office.outbox.due("hook"))
    office.post(replace(first, at=first.at + 60, text="another"))
    assert [entry.alert.text for entry in office.outbox.due("hook")] == ["another"]
    office.close()


def test_what_is_finished_is_forgotten_and_what_waits_is_not(receiver, monkeypatch):
    monkeypatch.setattr(outbox_module, "_KEPT", 20)
    office = Office(webhook(receiver))
    office.post(*[alert(number, f"p{number}") for number in range(1, 11)])
    for number in range(11, 200):
        office.post(alert(number))
        office.outbox.delivered([entry for entry in office.outbox.due("hook") if entry.alert.id == number])
    assert len(office.outbox._entries) <= 21
    assert office.outbox.channels()[0].pending == 10


async def test_before_the_end_what_is_on_its_way_arrives_and_nothing_more_leaves(receiver, tmp_path):
    receiver.usual = Answer(slow=0.2)
    office = Office(webhook(receiver), folder=tmp_path)
    async with office.open():
        office.post(alert(1), alert(2))
        await office.until(lambda: office.states()[1] is DeliveryState.SENDING)
        await office.courier.rest(PATIENCE)
        assert office.states() == {1: DeliveryState.DELIVERED, 2: DeliveryState.WAITING}
        await asyncio.sleep(0.05)
    assert office.states()[2] is DeliveryState.WAITING
    assert receiver.keys == [receiver.taken[0].event["alerts"][0]["key"]]
    office.close()
