"""What fails in the engine is told, and the rest goes on."""

import asyncio
import threading
from dataclasses import replace
from time import gmtime, strftime

from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.wallet import Wallet
from liqtui.engine import live, thread, watch
from liqtui.engine.live import LiveEngine
from liqtui.engine.monitor import Monitor
from tests.engine.fakes import START, FakeChain, chain, setup
from tests.engine.seen import PATIENCE


def test_an_engine_that_cannot_learn_all_that_it_should_watch_says_so(world, run_live):
    def whole():
        raise ValueError("the markets cannot be read")

    _, seen = run_live(world, replace(setup(), markets=()), whole=whole)
    found = seen.until(lambda snapshot: snapshot.engine_error)
    assert "has died" in found.engine_error
    assert "the markets cannot be read" in found.engine_error
    assert not found.ready


def test_a_dead_task_is_started_again_and_told(world, run_live):
    world.crash = TypeError("a bug")
    _, seen = run_live(world)
    found = seen.until(lambda snapshot: snapshot.engine_error)
    assert "a bug" in found.engine_error
    assert found.alerts[0].kind == "engine"
    world.crash = None
    found = seen.until(lambda snapshot: snapshot.rows)
    assert found.engine_error == ""
    assert [alert.kind for alert in found.alerts].count("engine") == 1, "one alert, however often it was restarted"


def test_a_task_that_is_cancelled_by_nobody_is_started_again_and_told(world, run_live):
    """A cancellation that leaks out of a library would else end the watching of a chain without a word."""
    _, seen = run_live(world)
    seen.until(lambda snapshot: snapshot.rows)
    world.crash = asyncio.CancelledError()
    found = seen.until(lambda snapshot: snapshot.engine_error)
    assert "CancelledError" in found.engine_error
    world.crash = None
    world.mine(price=1249)
    seen.until(lambda snapshot: snapshot.rows[0].severity is Severity.LIQUIDATABLE and not snapshot.engine_error)


def test_what_cannot_be_published_is_a_stopped_heart_and_goes_on_when_it_can(world, run_live, monkeypatch):
    """The tasks that read and tick have to outlive it: who tells that one of them failed publishes, too."""
    clock = FrozenClock(START)
    engine, seen = run_live(world, clock=clock)
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    publish, tries = Monitor.publish, []

    def fails(monitor, now):
        tries.append(now)
        raise ValueError("nothing can be said of it")

    monkeypatch.setattr(Monitor, "publish", fails)
    monkeypatch.setattr(live, "RESTART_MAX", 0.02)
    seen.wait(lambda: len(tries) > 10)
    clock.advance(thread.SILENCE + 1)
    seen.wait(lambda: "Z: ValueError: nothing can be said" in engine.snapshot().engine_error)
    monkeypatch.setattr(Monitor, "publish", publish)
    world.mine(price=1249)
    found = seen.until(lambda snapshot: snapshot.rows[0].severity is Severity.LIQUIDATABLE)
    seen.until(lambda snapshot: not snapshot.engine_error)
    assert "engine" in {alert.kind for alert in found.alerts}


def test_one_chain_that_fails_leaves_the_other(world, run_live):
    other = FakeChain(2)
    other.down = ReadError("timeout", "slow")
    _, seen = run_live({"lab": world, "side": other}, setup(chain(poll=0.01), chain("side", 2, poll=0.01)))
    found = seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    assert [state.error for state in found.chains] == ["", "timeout: slow"]
    assert found.rows[0].freshness is Freshness.FRESH


def test_a_listener_that_raises_stops_nothing(world, run_live):
    engine, seen = run_live(world)

    def bad(version):
        raise RuntimeError("screen gone")

    engine.subscribe(bad)
    found = seen.until(lambda snapshot: any("screen gone" in notice for notice in snapshot.notices))
    seen.until(lambda snapshot: snapshot.version > found.version + 3)


def test_a_listener_that_blocks_is_seen_from_outside(world, run_live):
    clock = FrozenClock(START)
    engine, seen = run_live(world, clock=clock)
    seen.until(lambda snapshot: snapshot.ready)
    stuck, release = threading.Event(), threading.Event()

    def block(version):
        stuck.set()
        release.wait(PATIENCE)

    end = engine.subscribe(block)
    assert stuck.wait(PATIENCE)
    at = strftime("%H:%M:%SZ", gmtime(clock.now()))
    clock.advance(thread.SILENCE + 1)
    left = engine.snapshot()
    assert f"has not moved since {at}" in left.engine_error
    assert engine.snapshot() is left
    end()
    release.set()
    seen.until(lambda snapshot: not snapshot.engine_error)


def test_a_dead_engine_says_so(world, run_live, monkeypatch):
    monkeypatch.setattr(LiveEngine, "serve", lambda self, ended: 1 / 0)
    _, seen = run_live(world)
    seen.until(lambda snapshot: "has died" in snapshot.engine_error)


def test_a_state_folder_that_cannot_be_used_stops_nothing(world, run_live, tmp_path):
    (tmp_path / "file").write_text("")
    _, seen = run_live(world, setup(state=tmp_path / "file" / "state"))
    found = seen.until(lambda snapshot: snapshot.rows)
    assert found.notices


def test_a_hung_round_ends_as_a_timeout(world, run_live, monkeypatch):
    monkeypatch.setattr(watch.one_round, "__defaults__", (0.02, None))

    async def never():
        await asyncio.Event().wait()

    world.head = never
    _, seen = run_live(world)
    found = seen.until(lambda snapshot: snapshot.ready)
    assert "timeout" in found.chains[0].error
    assert found.chains[0].next_poll >= START


def test_an_engine_that_ends_by_itself_says_so(world, run_live, monkeypatch):
    async def end(self, ended):
        self.up()

    monkeypatch.setattr(LiveEngine, "serve", end)
    engine, seen = run_live(world)
    seen.until(lambda snapshot: "ended by itself" in snapshot.engine_error)
    assert not engine.tell(lambda: None)
    engine.start()
    assert engine.playback is None


def test_a_task_that_dies_again_and_again_is_not_well_in_between(world, run_live, monkeypatch):
    """The heart beats on meanwhile: it said every time that all was over, and the next death was another alert."""
    tries, broken = [], [True]

    async def look_up(self, name):
        tries.append(name)
        if broken:
            raise TypeError("a bug")
        raise LookupError("no such name")

    monkeypatch.setattr(LiveEngine, "_look_up", look_up)
    monkeypatch.setattr(live, "RESTART_MAX", 0.05)
    _, seen = run_live(world, replace(setup(), wallets=(Wallet("somebody.eth"),)))
    seen.wait(lambda: len(tries) > 5)
    found = seen.until(lambda snapshot: snapshot.ready)
    assert found.engine_error == "wallet names: TypeError: a bug, starting again"
    assert [(one.kind, one.over_at) for one in found.alerts] == [("engine", None)]
    monkeypatch.setattr(live, "LASTS", 0.1)
    broken.clear()
    found = seen.until(lambda snapshot: not snapshot.engine_error)
    assert [one.over_at is None for one in found.alerts] == [False]
