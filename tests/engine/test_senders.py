"""Commands, services through apprise and signed webhooks, and what none of them ever shows."""

import contextlib
import hashlib
import hmac
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from liqtui.core.rules import ChannelSpec
from liqtui.core.snapshot import DeliveryState
from liqtui.engine.channels import service as service_module
from tests.engine.office import PATIENCE, SECRET, Office, alert, webhook
from tests.engine.receiver import HANG, Answer, Receiver

pytestmark = pytest.mark.usefixtures("quick_courier")


async def test_a_signature_can_be_verified(receiver):
    office = Office(webhook(receiver, secret="hush hush"))
    async with office.open():
        office.post(alert(1))
        await office.over()
    (request,) = receiver.taken
    timestamp = request.headers["x-liqtui-timestamp"]
    wanted = hmac.new(b"hush hush", timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["x-liqtui-signature"] == f"sha256={wanted}"


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


@pytest.fixture
def taken_away(tmp_path):
    yield
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


@pytest.mark.usefixtures("taken_away")
async def test_what_a_command_leaves_running_is_no_failure(tmp_path):
    """A siren that plays on: else it would be killed, and the alert sent again for a day."""
    script = (
        "import pathlib, subprocess, sys;"
        "pathlib.Path(sys.argv[1]).write_text(str(subprocess.Popen(['sleep', '600']).pid))"
    )
    office = Office(command(script, str(tmp_path / "pid"), timeout=5.0))
    async with office.open():
        office.post(alert(1))
        await office.over()
        os.kill(int((tmp_path / "pid").read_text()), 0)  # raises where it is gone
    assert (office.delivery(1).state, office.delivery(1).tries) == (DeliveryState.DELIVERED, 1)


@pytest.mark.usefixtures("taken_away")
async def test_a_command_that_hangs_is_left_although_another_one_has_its_pipes(tmp_path):
    """One that left the group is not killed along, and holds what it has inherited."""
    script = (
        "import pathlib, subprocess, sys, time;"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True);"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid)); time.sleep(600)"
    )
    office = Office(command(script, str(tmp_path / "pid"), timeout=2.0))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: office.outbox.channels()[0].error)
    assert "2 s" in office.outbox.channels()[0].error


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


async def test_a_service_that_hangs_for_good_is_left_behind(monkeypatch):
    """It was "the last try still hangs" until the program was begun again."""
    begun, free = [], threading.Event()

    def hangs_at_first(self, letter):
        begun.append(letter)
        if len(begun) == 1:
            free.wait(PATIENCE)

    monkeypatch.setattr(service_module.Service, "_send", hangs_at_first)
    monkeypatch.setattr(service_module, "LEFT_BEHIND", 0.3)
    office = Office(service("json://127.0.0.1:9/x", timeout=0.1))
    async with office.open():
        office.post(alert(1))
        await office.until(lambda: "hangs" in office.outbox.channels()[0].error)
        await office.over()
    free.set()
    assert office.states() == {1: DeliveryState.DELIVERED}
    assert len(begun) == 2


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
