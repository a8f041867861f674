"""The ping, the channels of a running engine, and `liqtui alert test`, against a real receiver."""

import contextlib
import sqlite3
import time
from dataclasses import replace

import pytest

from liqtui.cli.main import main
from liqtui.core.clock import FrozenClock, SystemClock
from liqtui.core.reads import ReadError
from liqtui.core.rules import ChannelSpec, Ping
from liqtui.core.snapshot import ChannelState, DeliveryState
from liqtui.core.wallet import Wallet
from liqtui.engine import live, watch
from liqtui.engine.live import LiveEngine
from liqtui.engine.ping import Pinger, healthy
from liqtui.engine.setup import Setup
from tests.engine.fakes import FakeAdapter, FakeChain, chain, market, wallet
from tests.engine.receiver import Answer
from tests.engine.seen import Seen

SECRET = "hush-hush-token"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(watch, "GAP", 0.01)
    monkeypatch.setattr(live, "TICK", 0.02)


@pytest.fixture
def world():
    now = int(time.time())
    node = FakeChain(time=now, updated_at=now)
    node.hold(1, 1, 1000)
    return node


@pytest.fixture
def run(world):
    engines = []

    def start(**more):
        made = Setup((chain(poll=0.01),), (market(),), (wallet(1),), **more)
        engine = LiveEngine(made, reader_factory=lambda _: world, adapters={"fake": FakeAdapter()}, clock=SystemClock())
        engines.append(engine)
        seen = Seen(engine)
        engine.start()
        return engine, seen

    yield start
    for engine in engines:
        engine.stop()


def channel(receiver):
    return ChannelSpec("hook", "webhook", url=f"http://127.0.0.1:{receiver.port}/{SECRET}")


def test_a_fall_reaches_the_receiver_and_the_snapshot(receiver, world, run, tmp_path):
    engine, seen = run(channels=(channel(receiver),), state=tmp_path)
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    world.mine(0, price=1249)
    found = seen.until(lambda snapshot: any(one.state is DeliveryState.DELIVERED for one in snapshot.deliveries))
    assert found.channels[0].name == "hook"
    assert found.channels[0].pending == 0
    assert receiver.taken[0].event["alerts"][0]["position"] == found.rows[0].id
    assert SECRET not in repr(found)
    engine.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "history.sqlite")) as db, db:
        assert db.execute("SELECT state FROM delivery").fetchall() == [("delivered",)]
    db.close()


def test_alerts_leave_although_the_state_folder_cannot_be_used(receiver, world, run, tmp_path):
    (tmp_path / "state").write_text("a file")
    _, seen = run(channels=(channel(receiver),), state=tmp_path / "state")
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    world.mine(0, price=1249)
    found = seen.until(lambda snapshot: any(one.state is DeliveryState.DELIVERED for one in snapshot.deliveries))
    assert "the state folder cannot be used: nothing is kept" in found.notices


def test_a_second_instance_sends_nothing(receiver, world, run, tmp_path):
    _, first = run(state=tmp_path)
    first.until(lambda snapshot: snapshot.ready)
    _, seen = run(channels=(channel(receiver),), state=tmp_path)
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    world.mine(0, price=1249)
    found = seen.until(lambda snapshot: snapshot.alerts)
    assert found.channels == ()
    assert any("sends no alerts" in notice for notice in found.notices)
    assert not receiver.requests


def test_a_healthy_engine_pings_and_a_failure_is_a_notice_only(receiver, run):
    receiver.answers.append(Answer(500))
    _, seen = run(ping=Ping(f"http://127.0.0.1:{receiver.port}/{SECRET}", 0.0))
    found = seen.until(lambda snapshot: any("ping" in notice for notice in snapshot.notices))
    assert found.alerts == ()
    assert SECRET not in repr(found)
    found = seen.until(lambda snapshot: snapshot.channels and snapshot.channels[-1].delivered_at)
    assert found.channels[-1].kind == "ping"
    assert receiver.requests[0].method == "GET"


def test_a_blind_engine_is_silent(receiver, world, run):
    world.down = ReadError("timeout", "nobody answers")
    _, seen = run(ping=Ping(receiver.url, 0.0))
    seen.until(lambda snapshot: snapshot.ready and snapshot.chains[0].error)
    time.sleep(0.3)
    assert receiver.requests == []


def test_what_is_not_read_is_not_healthy(world, run):
    _, seen = run()
    good = seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    assert healthy(good)
    assert not healthy(replace(good, ready=False))
    assert not healthy(replace(good, engine_error="limps"))
    assert not healthy(replace(good, wallets=(*good.wallets, Wallet("name.eth"))))


def test_a_ping_waits_for_a_round_of_every_chain_and_for_its_time(run):
    _, seen = run()
    good = seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    pinger = Pinger(Ping("http://127.0.0.1:9/", 60.0), FrozenClock(), lambda: None)
    asked = []

    def saw(at, age):
        pinger._due.clear()
        pinger.saw(replace(good, at=at, chains=tuple(replace(one, age=age) for one in good.chains)))
        asked.append(pinger._due.is_set())

    for at, age in ((1000.0, 0), (1030.0, 0), (1061.0, 61), (1062.0, 10)):
        saw(at, age)
    assert asked == [True, False, False, True]
    saw(500.0, 1)
    saw(501.0, 1)
    assert asked[-2:] == [True, False], "a clock that is set back is no reason to be silent until it is as late again"
    assert pinger.state == ChannelState("ping", "ping")


# -- liqtui alert test -----------------------------------------------------------------------------------------------


@pytest.fixture
def config(own_folders, receiver):
    folder = own_folders / "liqtui"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"[channels.hook]\nkind = 'webhook'\nurl = 'http://127.0.0.1:{receiver.port}/{SECRET}'\n"
        f"[channels.dead]\nkind = 'webhook'\nurl = 'http://127.0.0.1:9/{SECRET}'\n"
    )


def test_one_channel_is_tested(config, receiver, capsys):
    assert main(["alert", "test", "hook"]) == 0
    assert "ok" in capsys.readouterr().out
    assert receiver.taken[0].event["kind"] == "test"
    assert "TEST" in receiver.taken[0].event["subject"]


def test_all_channels_are_tested_and_one_failure_is_told(config, receiver, capsys):
    assert main(["alert", "test"]) == 1
    out = capsys.readouterr().out
    assert "FAILED  dead" in out
    assert "ok      hook" in out
    assert SECRET not in out
    assert len(receiver.taken) == 1


def test_an_unknown_channel_is_wrong_usage(config, capsys):
    assert main(["alert", "test", "hok"]) == 64
    assert 'did you mean "hook"?' in capsys.readouterr().err


def test_without_channels_it_says_what_to_do(own_folders, capsys):
    assert main(["alert", "test"]) == 1
    assert "[channels.NAME]" in capsys.readouterr().out
