"""The outbox and the courier against a real receiver on the loopback."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import logging
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from liqtui.core.clock import SystemClock
from liqtui.core.rules import ChannelSpec
from liqtui.core.snapshot import Alert, DeliveryState, Level, Severity
from liqtui.engine import courier as courier_module
from liqtui.engine import outbox as outbox_module
from liqtui.engine.channels import UnsentError
from liqtui.engine.courier import Courier, back_off
from liqtui.engine.history import FILE, History
from liqtui.engine.outbox import Outbox
from tests.engine.receiver import DROP, HANG, Answer, Receiver

SECRET = "s3cret-t0ken"
PATIENCE = 5.0


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(courier_module, "BACK_OFF", 0.02)
    monkeypatch.setattr(courier_module, "_BREATH", 0.005)


@pytest.fixture
def receiver():
    with Receiver() as found:
        yield found


def alert(number, position="p1", **more):
    fields = {"level": Level.CRITICAL, "positions": (position,), "position": position, "text": f"HF 1.{number:03}"}
    now = SystemClock().now()
    fields |= {"kind": "threshold", "title": f"t{number}"}
    return Alert(number, now, Severity.CRITICAL, **(fields | more))


def webhook(receiver, name="hook", **more):
    url = f"http://127.0.0.1:{receiver.port}/{SECRET}"
    return ChannelSpec(name, "webhook", **({"url": url, "timeout": 5.0, "per_minute": 600} | more))


class Office:
    """History, outbox and courier, as the engine has them."""

    def __init__(self, *specs, folder=None, clock=None):
        self.specs, self.clock = specs, clock or SystemClock()
        self.history = History(folder)
        self.outbox = Outbox(specs, self.history, self.clock)
        self.changes = 0
        self.courier = Courier(self.outbox, self.clock, save=self.save, changed=self.change)

    def save(self):
        self.history.flush(self.clock.now())

    def change(self):
        self.changes += 1

    def post(self, *alerts):
        for one in alerts:
            self.history.alert(one)
            self.outbox.post(one)
        self.alerts = alerts
        self.save()

    @contextlib.asynccontextmanager
    async def open(self):
        tasks = [asyncio.create_task(self.courier.run(spec)) for spec in self.specs]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.save()

    def close(self):
        self.history.close()

    def states(self, *alerts):
        found = {(one.alert, one.channel): one for one in self.outbox.deliveries(alerts or self.alerts)}
        return {number: one.state for (number, _), one in sorted(found.items())}

    def delivery(self, number):
        (one,) = [one for one in self.outbox.deliveries([replace(self.alerts[0], id=number)]) if one.alert == number]
        return one

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - the condition lies in another thread
                await asyncio.sleep(0.005)

    async def over(self):
        """Until nothing waits any more."""
        await self.until(lambda: not any(channel.pending for channel in self.outbox.channels()))


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
    with sqlite3.connect(tmp_path / FILE) as db:
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
    office = Office(webhook(receiver))
    async with office.open():
        office.post(alert(1))
        office.post(alert(1))
        await office.over()
        office.post(alert(1))
        office.post(alert(1, escalated=1))
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
        for number in range(1, 4):
            office.post(alert(number, f"p{number}"))
            await asyncio.sleep(0.05)
        await office.over()
    assert [one.titles for one in receiver.requests] == [["t1"], ["t2", "t3"]]
    assert receiver.requests[1].at - receiver.requests[0].at >= 0.45


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


async def test_a_signature_can_be_verified(receiver):
    office = Office(webhook(receiver, secret="hush hush"))
    async with office.open():
        office.post(alert(1))
        await office.over()
    (request,) = receiver.taken
    timestamp = request.headers["x-liqtui-timestamp"]
    wanted = hmac.new(b"hush hush", timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-liqtui-signature"] == f"sha256={wanted}"


# -- commands ------------------------------------------------------------------------------------------------------


def command(*words, **more):
    return ChannelSpec("cmd", "command", command=(sys.executable, "-c", *words), **({"timeout": 20.0} | more))


async def test_a_command_gets_the_event_on_its_standard_input(tmp_path):
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.stdin.read())"
    office = Office(command(script, str(tmp_path / "out"), "$(touch x); `touch y`"))
    async with office.open():
        office.post(alert(1, text="$(rm -rf /); `true`", title="; touch z"))
        await office.over()
    event = json.loads((tmp_path / "out").read_text())
    assert event["alerts"][0]["text"] == "$(rm -rf /); `true`"
    assert office.delivery(1).state is DeliveryState.DELIVERED


async def test_a_command_that_fails_is_run_again_and_its_words_are_safe(tmp_path):
    script = (
        "import sys, pathlib; p = pathlib.Path(sys.argv[1]); n = int(p.read_text()) if p.exists() else 0;"
        "p.write_text(str(n + 1));"
        "sys.exit(0 if n else print('\\x1b[2J bad ' + sys.argv[2] + ' http://h/key1', file=sys.stderr) or 3)"
    )
    office = Office(command(script, str(tmp_path / "count"), SECRET))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
        reason = office.outbox.channels()[0].error
        await office.over()
    assert reason == "it ended with 3: [2J bad … http://h/…"
    assert (tmp_path / "count").read_text() == "2"


async def test_a_command_that_hangs_is_taken_away_with_its_children(tmp_path):
    script = (
        "import os, pathlib, subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid)); time.sleep(600)"
    )
    office = Office(command(script, str(tmp_path / "pid"), timeout=2.0))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert "2 s" in office.outbox.channels()[0].error
    pid = int((tmp_path / "pid").read_text())

    def gone():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    await office.until(gone)


async def test_a_command_that_is_not_there_says_so():
    office = Office(ChannelSpec("cmd", "command", command=("/nowhere/at/all", SECRET)))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert office.outbox.channels()[0].error == "it cannot be started: No such file or directory"


async def test_a_command_need_not_read_and_may_complain_at_length():
    script = "import sys; sys.stdin.close(); sys.stderr.write('x' * 1_000_000); sys.exit(0)"
    office = Office(command(script))
    async with office.open():
        office.post(*[alert(number, f"p{number}", text="y" * 4000) for number in range(1, 150)])
        await office.over()
    assert office.delivery(1).state is DeliveryState.DELIVERED


# -- services through apprise --------------------------------------------------------------------------------------


def service(url, name="phone", **more):
    return ChannelSpec(name, "apprise", url=url, **({"timeout": 10.0} | more))


async def test_a_service_takes_an_alert(receiver):
    office = Office(service(f"json://127.0.0.1:{receiver.port}/{SECRET}"))
    async with office.open():
        office.post(alert(1))
        await office.over()
    sent = receiver.taken[0].event
    assert sent["title"] == "CRITICAL · t1"
    assert sent["message"].startswith("HF 1.001")
    assert office.delivery(1).state is DeliveryState.DELIVERED


async def test_a_service_that_refuses_marks_gets_plain_text(receiver):
    receiver.judge = lambda request: Answer(400) if request.headers.get("x-markdown") else None
    office = Office(service(f"ntfy://127.0.0.1:{receiver.port}/{SECRET}?format=markdown"))
    async with office.open():
        office.post(alert(1))
        await office.over()
    assert ["x-markdown" in one.headers for one in receiver.requests] == [True, False]
    assert office.delivery(1).tries == 1
    assert "t1" in receiver.taken[0].event["message"]


async def test_what_a_service_complains_of_holds_no_address(receiver, capfd):
    receiver.usual = Answer(500)
    office = Office(service(f"ntfy://127.0.0.1:{receiver.port}/{SECRET}"))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    error = office.outbox.channels()[0].error
    assert "ntfy" in error
    assert "500" in error
    assert SECRET not in error
    out, err = capfd.readouterr()
    assert SECRET not in out + err
    assert not err
    assert not logging.getLogger("apprise").propagate


async def test_an_address_that_no_service_has_is_not_repeated():
    office = Office(service(f"nothing://{SECRET}/x"))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert office.outbox.channels()[0].error == "apprise does not understand its address"


async def test_a_service_that_hangs_holds_neither_the_engine_nor_another_channel(receiver):
    with Receiver() as dead:
        dead.usual = HANG
        office = Office(service(f"json://127.0.0.1:{dead.port}/x", timeout=0.5), webhook(receiver))
        async with office.open():
            office.post(alert(1))
            await office.until(lambda: receiver.taken)
            await office.until(lambda: office.outbox.channels()[0].error)
            assert office.outbox.channels()[0].pending == 1


# -- what is never shown -------------------------------------------------------------------------------------------


async def test_secrets_are_in_no_error_and_no_repr(receiver, caplog):
    caplog.set_level(logging.DEBUG)
    for spec in (
        webhook(receiver, secret=SECRET),
        ChannelSpec("w", "webhook", url=f"http://user:{SECRET}@127.0.0.1:9/{SECRET}?token={SECRET}#{SECRET}"),
    ):
        receiver.usual = Answer(500)
        office = Office(spec)
        async with office.open():
            office.post(alert(1))
            await office.until(lambda office=office: office.outbox.channels()[0].error)
        told = (repr(spec), office.outbox.channels(), office.outbox.remarks(), office.outbox.deliveries(office.alerts))
        assert SECRET not in repr(told)
    ours = [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]
    assert not any(SECRET in record.getMessage() for record in ours)


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
