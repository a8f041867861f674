"""The engine in its thread: what it watches, whom it tells, what it keeps."""

import asyncio
import contextlib
import threading
from dataclasses import replace

import pytest

from liqtui.config.lock import InstanceLock
from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.engine import live, names, rounds, verdict, watch
from liqtui.engine import setup as setups
from liqtui.engine.history import History
from liqtui.engine.live import LiveEngine
from liqtui.engine.once import run_once
from liqtui.engine.setup import Owner, link_of, pool, shipped_adapters
from tests.engine.fakes import START, FakeAdapter, FakeChain, address, chain, setup, wallet
from tests.engine.seen import PATIENCE


def test_reads_and_publishes(world, run_live):
    _, seen = run_live(world)
    found = seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    assert found.rows[0].severity is Severity.OK
    assert found.rows[0].freshness is Freshness.FRESH
    world.mine(price=1249)
    seen.until(lambda snapshot: snapshot.rows[0].severity is Severity.LIQUIDATABLE)


def test_what_is_summed_over_all_rows_is_so_before_a_screen_hears_of_it(world, run_live):
    engine, seen = run_live(world)
    summed = []
    engine.subscribe(lambda _: summed.append("tally" in vars(engine.snapshot())))
    world.mine(price=1249)
    found = seen.until(lambda snapshot: snapshot.rows and snapshot.rows[0].severity is Severity.LIQUIDATABLE)
    assert summed
    assert all(summed)
    assert found.tally.every.worst is found.rows[0]


def test_stop_closes_the_readers_and_ends_the_thread(world, run_live):
    engine, seen = run_live(world)
    seen.until(lambda snapshot: snapshot.ready)
    engine.stop()
    assert world.closed
    assert not engine._thread.is_alive()
    assert engine.snapshot().engine_error == ""


def test_stop_without_start_is_quiet():
    LiveEngine(setup(), adapters={}).stop()


def test_what_takes_time_to_read_is_read_in_the_engines_thread_before_anything_is_watched(world, run_live):
    asked = []

    def whole():
        asked.append(threading.current_thread().name)
        return setup()

    _, seen = run_live(world, replace(setup(), markets=()), whole=whole)
    seen.until(lambda snapshot: snapshot.ready and snapshot.rows)
    assert asked == ["liqtui-engine"]


def test_watching_other_wallets(world, run_live):
    world.hold(2, 1, 500)
    engine, seen = run_live(world)
    seen.until(lambda snapshot: snapshot.rows)
    engine.watch([wallet(2)])
    found = seen.until(lambda snapshot: [row.label for row in snapshot.rows] == ["w2"])
    assert [w.label for w in found.wallets] == ["w2"]


def test_refresh_wakes_and_looks_for_positions_again(world, run_live):
    engine, seen = run_live(world, setup(chain(poll=3600)))
    seen.until(lambda snapshot: snapshot.rows)
    world.hold(1, 1, 500)
    world.mine()
    world.seen = []
    engine.refresh()
    seen.until(lambda snapshot: snapshot.rows[0].position.block == world.block)
    assert "has" in [what for what, *_ in world.seen]


class Reset(FrozenClock):
    """Somebody sets it: the time of day jumps, and what has passed does not."""

    jumped = 0.0

    def now(self):
        return self.at + self.jumped


def test_a_clock_that_is_set_back_puts_off_no_search_for_positions(world, run_live):
    clock = Reset(START)
    _, seen = run_live(world, clock=clock)
    seen.until(lambda snapshot: snapshot.rows)
    clock.jumped = -86_400.0
    world.seen = []
    clock.advance(rounds.REDISCOVER + 1)
    world.mine(rounds.REDISCOVER + 1)
    seen.wait(lambda: "has" in [what for what, *_ in world.seen])


def test_resolve_without_ethereum_is_a_sentence(world, run_live):
    engine, seen = run_live(world)
    seen.until(lambda snapshot: snapshot.ready)
    with pytest.raises(LookupError, match="Ethereum"):
        engine.resolve("vitalik.eth").result(PATIENCE)


def test_resolve_before_the_start_is_a_sentence():
    with pytest.raises(LookupError, match="not running"):
        LiveEngine(setup(), adapters={}).resolve("a.eth").result(0)


def test_run_once_reads_each_chain_once(world):
    broken, hung = FakeChain(2), FakeChain(3)
    broken.crash = TypeError("a bug")

    async def never():
        await asyncio.Event().wait()

    hung.head = never
    nodes = {"lab": world, "side": broken, "far": hung}
    told = []
    found = run_once(
        setup(chain(), chain("side", 2), chain("far", 3)),
        deadline=0.05,
        progress=lambda name, stages: told.append(name),
        reader_factory=lambda spec: nodes[spec.name],
        adapters={"fake": FakeAdapter()},
        clock=FrozenClock(START),
    )
    assert found.ready
    assert len(found.rows) == 1
    assert [state.freshness for state in found.chains] == [Freshness.FRESH, Freshness.BLIND, Freshness.BLIND]
    assert "a bug" in found.chains[1].error
    assert "timeout" in found.chains[2].error
    assert set(told) == {"lab"}
    assert world.closed
    assert hung.closed


def test_an_alert_is_in_the_log_before_the_next_tick(world, run_live, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "TICK", 1e6)
    engine, seen = run_live(world, setup(state=tmp_path))
    seen.until(lambda snapshot: snapshot.ready)
    world.mine(price=1249)
    told = seen.until(lambda snapshot: snapshot.alerts).alerts[0]
    with contextlib.closing(History(tmp_path, read_only=True)) as log:
        seen.wait(lambda: log.load().alerts[:1] == (told,))
    engine.acknowledge(told.id)
    with contextlib.closing(History(tmp_path, read_only=True)) as log:
        seen.wait(lambda: log.load().alerts[0].acked_at is not None)


def test_a_second_instance_reads_and_writes_nothing(world, run_live, tmp_path):
    _, seen = run_live(world, setup(state=tmp_path))
    seen.until(lambda snapshot: snapshot.rows)
    seen.until(lambda snapshot: verdict.read(tmp_path) is not None and verdict.read(tmp_path).ready)
    other = FakeChain()
    other.hold(1, 1, 10_000)
    _, beside = run_live(other, setup(state=tmp_path))
    found = beside.until(lambda snapshot: snapshot.rows and snapshot.rows[0].position)
    assert live.REMARKS[Owner.OTHER] in found.notices
    assert found.rows[0].severity is Severity.LIQUIDATABLE
    beside.until(lambda snapshot: snapshot.version > found.version + 5)
    assert verdict.read(tmp_path).worst == "ok"
    assert live.REMARKS[Owner.OTHER] not in seen.engine.snapshot().notices


def test_a_restart_continues_the_history(world, run_live, tmp_path):
    engine, seen = run_live(world, setup(state=tmp_path))
    seen.until(lambda snapshot: snapshot.rows)
    world.mine(price=1000)
    found = seen.until(lambda snapshot: snapshot.alerts)
    engine.acknowledge(found.alerts[0].id)
    seen.until(lambda snapshot: not snapshot.unacked)
    engine.stop()
    assert verdict.read(tmp_path).worst == "liquidatable"
    assert engine.begun_after == 0
    again, seen = run_live(world, setup(state=tmp_path), clock=FrozenClock(START + 1))
    found = seen.until(lambda snapshot: snapshot.ready and snapshot.rows[0].position)
    assert [alert.kind for alert in found.alerts] == ["liquidatable"]
    assert again.begun_after == found.alerts[0].id, "what is told from here on has higher numbers"
    assert found.unacked == 0
    assert again.samples(found.rows[0].id, 0)[0][1] == 1.6


def test_names_are_looked_up_by_the_engine(world, run_live, monkeypatch):
    answers = {"good.eth": address(1)}

    async def resolve_name(name, chains, factory):
        if name not in answers:
            raise LookupError(f"{name} is not registered")
        return answers[name]

    monkeypatch.setattr(live, "resolve_name", resolve_name)
    monkeypatch.setattr(names, "AGAIN", 0.01)
    good, bad = (replace(wallet(1), address=name, label=name) for name in ("good.eth", "bad.eth"))
    engine, seen = run_live(world, replace(setup(), wallets=(good, bad)))
    found = seen.until(lambda snapshot: snapshot.rows)
    assert found.rows[0].label == "good.eth"
    assert found.wallets[0].address == address(1)
    assert found.wallets[0].name == "good.eth"
    seen.until(lambda snapshot: "bad.eth is not watched: bad.eth is not registered" in snapshot.notices)
    answers["bad.eth"] = address(2)
    seen.until(lambda snapshot: not snapshot.notices)
    assert engine.resolve("good.eth").result(PATIENCE) == address(1)


def test_a_head_hint_reads_before_the_poll_is_due(world, run_live, monkeypatch):
    hints = []

    class Hints:
        def __init__(self, spec, on_head):
            hints.append(on_head)

        async def run(self):
            await asyncio.Event().wait()

    monkeypatch.setattr("liqtui.chain.heads.HeadHints", Hints)
    monkeypatch.setattr(watch, "HINTED", 1e9)
    engine, seen = run_live(world, setup(chain(poll=3600)))
    seen.until(lambda snapshot: snapshot.rows)
    world.mine()
    engine.tell(hints[0])
    seen.until(lambda snapshot: snapshot.rows[0].position.block == world.block)


def test_names_are_resolved_on_ethereum_through_the_same_readers(world, run_live):
    mainnet = FakeChain(1)
    mainnet.down = ReadError("timeout", "slow")
    engine, seen = run_live({"ethereum": mainnet}, setup(chain("ethereum", 1, poll=0.01)))
    seen.until(lambda snapshot: snapshot.ready)
    with pytest.raises(LookupError, match="could not be looked up"):
        engine.resolve("vitalik.eth").result(30)


def test_resolving_ends_with_the_engine(world, run_live, monkeypatch):
    async def never(name, chains, factory):
        await asyncio.Event().wait()

    monkeypatch.setattr(live, "resolve_name", never)
    engine, seen = run_live(world)
    seen.until(lambda snapshot: snapshot.ready)
    answer = engine.resolve("a.eth")
    engine.stop()
    with pytest.raises(LookupError, match="ended"):
        answer.result(PATIENCE)


def test_the_shipped_readers_tell_how_they_are_reached():
    async def ask():
        reader = pool(chain())
        try:
            return link_of(reader)
        finally:
            await reader.close()

    link = asyncio.run(ask())
    assert (link.ok, link.all, link.contradiction) == (1, 1, "")
    assert "secret" not in str(link)
    assert "aave-v3" in shipped_adapters()


def test_one_with_patience_gets_the_folder_of_who_is_about_to_leave(world, run_live, tmp_path):
    leaving = InstanceLock(tmp_path / setups.LOCK)
    assert leaving.acquire()
    threading.Timer(0.2, leaving.release).start()
    _, seen = run_live(world, setup(state=tmp_path), patience=PATIENCE)
    found = seen.until(lambda snapshot: snapshot.rows)
    assert live.REMARKS[Owner.OTHER] not in found.notices


def test_one_that_waited_in_vain_says_so(world, run_live, tmp_path):
    staying = InstanceLock(tmp_path / setups.LOCK)
    assert staying.acquire()
    _, seen = run_live(world, setup(state=tmp_path), patience=0.05)
    found = seen.until(lambda snapshot: snapshot.rows)
    assert live.REMARKS[Owner.OTHER] in found.notices
    staying.release()
