import asyncio
import contextlib
import itertools
import threading
from dataclasses import replace

import pytest

from liqtui.chain.tape import TapeWriter, load_tape
from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.engine import playback, reel, watch
from liqtui.engine.playback import TapeEngine, fast_forward
from liqtui.engine.recording import Recorder
from liqtui.engine.setup import Setup
from tests.engine.fakes import START, FakeAdapter, FakeChain, chain, market, wallet
from tests.engine.seen import Seen

ADAPTERS = {"fake": FakeAdapter()}
PRICES = (2000, 1600, 1400, 1310, 1240, None, None, 1400, 2000, 2000, 2000, 2000, 2000, 2000)
"""Health 1.6 down under 1 and back, with the chain silent on the way."""


@pytest.fixture
def setup():
    return Setup((chain(), chain("side", 2)), (market(), market("main", 2)), (wallet(1), wallet(2)))


@pytest.fixture
def path(tmp_path, setup):
    nodes = {"lab": FakeChain(), "side": FakeChain(2)}
    nodes["lab"].hold(1, 1, 1000)
    nodes["side"].hold(2, 1, 500)
    clock = FrozenClock(START)
    path = tmp_path / "a.tape"

    async def make():
        recorder = Recorder(
            setup, path, title="a fall", reader_factory=lambda spec: nodes[spec.name], adapters=ADAPTERS, clock=clock
        )
        for price in PRICES:
            for name, node in nodes.items():
                node.mine(price=price)
                node.down = ReadError("timeout", "slow") if price is None and name == "lab" else None
                await recorder.round(name)
            clock.advance(120 if price is None else 12)
        await recorder.close()

    asyncio.run(make())
    return path


def plain(snapshot):
    return replace(snapshot, version=0)


def test_fast_forward_tells_the_story(path):
    tape = load_tape(path)
    seen = list(fast_forward(tape, ADAPTERS))
    assert [snapshot.version for snapshot in seen] == list(range(1, len(seen) + 1))
    worst = [snapshot.worst.severity for snapshot in seen if snapshot.rows]
    assert [key for key, _ in itertools.groupby(worst)] == [
        Severity.OK, Severity.WARN, Severity.CRITICAL, Severity.LIQUIDATABLE, Severity.WARN, Severity.OK,
    ]  # fmt: skip
    kinds = [alert.kind for alert in reversed(seen[-1].alerts)]
    jumps = [kind for kind in kinds if kind == "price"]
    assert len(jumps) < len(PRICES), "a jump that is the cause of something else is told there"
    told = [kind for kind in kinds if kind != "price"]
    assert told == ["threshold", "threshold", "liquidatable", "blind", "recovered", "recovered", "sighted"]
    assert seen[-1].ready


def figures(snapshot):
    chains = [(state.error, state.block) for state in snapshot.chains]
    return chains, [
        (row.freshness, row.position and (row.position.block, row.position.health)) for row in snapshot.rows
    ]


def recorded(path, node, steps):
    """What was seen while it was recorded, a round after each step; the tape is at the path then."""
    made, clock = Setup((chain(),), (market(),), (wallet(1),)), FrozenClock(START)

    async def make():
        recorder = Recorder(made, path, reader_factory=lambda spec: node, adapters=ADAPTERS, clock=clock)
        for step in steps:
            clock.advance(12)
            node.mine()
            step()
            yield await recorder.round("lab")
        await recorder.close()

    async def all_of():
        return [snapshot async for snapshot in make()]

    return asyncio.run(all_of())


def test_a_round_that_ran_out_of_time_is_none_on_the_tape(tmp_path, monkeypatch):
    """Its block is there, and what was not read at it must not be taken from the one before."""
    monkeypatch.setattr(watch.one_round, "__defaults__", (0.05, None))
    node, hung = FakeChain(), asyncio.Event()
    node.hold(1, 1, 1000)
    hung.set()
    read = node.read

    async def patiently(block, calls):
        await hung.wait()
        return await read(block, calls)

    def fall():
        node.price //= 2
        hung.clear()

    node.read = patiently
    seen = recorded(tmp_path / "a.tape", node, [lambda: None, fall, hung.set])
    assert "timeout" in seen[1].chains[0].error
    assert list(map(figures, fast_forward(load_tape(tmp_path / "a.tape"), ADAPTERS))) == list(map(figures, seen))


def test_a_read_that_the_round_got_over_is_no_fault_on_the_tape(tmp_path):
    node = FakeChain()
    node.hold(1, 1, 1000)
    read = node.read

    async def no_past(block, calls):
        if any(not call.data.startswith(b"[") for call in calls):
            raise ReadError("rpc", "no past rounds here")
        return await read(block, calls)

    node.read = no_past
    seen = recorded(tmp_path / "a.tape", node, [lambda: None, lambda: None])
    assert seen[0].rows
    assert list(map(figures, fast_forward(load_tape(tmp_path / "a.tape"), ADAPTERS))) == list(map(figures, seen))


def test_two_plays_are_equal(path):
    tape = load_tape(path)
    assert list(fast_forward(tape, ADAPTERS)) == list(fast_forward(tape, ADAPTERS))


def test_lulls_are_looked_at_so_that_blindness_is_not_missed(path):
    tape = load_tape(path)
    times = [snapshot.at for snapshot in fast_forward(tape, ADAPTERS)]
    assert max(after - before for before, after in itertools.pairwise(times)) <= reel.LULL
    blind = [
        row for snapshot in fast_forward(tape, ADAPTERS) for row in snapshot.rows if row.freshness is Freshness.BLIND
    ]
    assert {row.label for row in blind} == {"w1"}, "the other chain went on"


def test_alerts_became_chapters(path):
    titles = [title for _, title in load_tape(path).chapters]
    assert titles[0] == "price: ETH / USD lab"
    assert "threshold: w1 fake lab" in titles
    assert any(title.startswith("liquidatable") for title in titles)


@pytest.fixture
def engine(path):
    made = TapeEngine(load_tape(path), ADAPTERS)
    made.pause()
    yield made
    made.stop()


def shown(engine, frame):
    """The snapshot at a frame, however it is reached."""
    seen = Seen(engine)
    version = engine.snapshot().version
    engine.jump(frame)
    return seen.until(lambda snapshot: snapshot.version > version and engine.index == frame)


def test_jumping_about_shows_what_playing_shows(engine, path):
    tape = load_tape(path)
    expected = {}
    played = reel.Reel(tape, ADAPTERS, reel.setup_of(tape))
    while not played.over:
        snapshot = asyncio.run(played.play())
        if played.events[played.place - 1].frame is not None:
            expected[played.frame] = plain(snapshot)
    engine.start()
    Seen(engine).until(lambda snapshot: snapshot.version)
    last = engine.frames - 1
    versions = []
    for frame in (last, 3, 9, 1, last, 10):
        found = shown(engine, frame)
        versions.append(found.version)
        assert plain(found) == expected[frame]
    assert versions == sorted(versions)


def test_jumping_too_far_stops_at_the_ends(engine):
    engine.start()
    seen = Seen(engine)
    engine.jump(10_000)
    seen.until(lambda snapshot: engine.index == engine.frames - 1)
    engine.jump(-5)
    seen.until(lambda snapshot: engine.index == 0)


def test_stepping_pauses(engine):
    engine.start()
    seen = Seen(engine)
    seen.until(lambda snapshot: snapshot.version)
    engine.step(3)
    seen.until(lambda snapshot: engine.index == 3)
    engine.step(-2)
    seen.until(lambda snapshot: engine.index == 1)
    assert engine.paused
    assert engine.playback is engine


def test_speed_is_bounded(engine):
    engine.set_speed(1000)
    assert engine.speed == playback.FASTEST
    engine.set_speed(0)
    assert engine.speed == playback.SLOWEST


def test_plays_by_itself_to_the_end_and_again_when_resumed(path, monkeypatch):
    monkeypatch.setattr(playback, "FASTEST", 1e6)
    engine = TapeEngine(load_tape(path), ADAPTERS)
    engine.set_speed(1e6)
    seen = Seen(engine)
    engine.start()
    with contextlib.closing(_Stop(engine)):
        seen.until(lambda snapshot: engine.index == engine.frames - 1)
        seen.wait(lambda: engine.paused)
        end = engine.snapshot().version
        engine.resume()
        seen.until(lambda snapshot: snapshot.version > end + 3)


class _Stop:
    def __init__(self, engine):
        self.close = engine.stop


def test_acknowledging_works_on_a_tape(engine):
    engine.start()
    Seen(engine).until(lambda snapshot: snapshot.version)
    found = shown(engine, engine.frames - 1)
    assert found.unacked
    seen = Seen(engine)
    engine.acknowledge(None)
    assert seen.until(lambda snapshot: not snapshot.unacked).alerts[0].acked_at


def test_samples_are_those_of_the_tape(engine):
    engine.start()
    Seen(engine).until(lambda snapshot: snapshot.version)
    found = shown(engine, engine.frames - 1)
    row = next(row for row in found.rows if row.label == "w1")
    values = [health for _, health in engine.samples(row.id, 0)]
    assert min(values) == 0.992
    assert values[0] == 1.6


def test_watching_one_wallet_only(engine):
    engine.start()
    seen = Seen(engine)
    engine.jump(4)
    seen.until(lambda snapshot: len(snapshot.rows) == 2)
    engine.watch([wallet(2)])
    seen.until(lambda snapshot: [row.label for row in snapshot.rows] == ["w2"])
    engine.jump(2)
    found = seen.until(lambda snapshot: engine.index == 2)
    assert [row.label for row in found.rows] == ["w2"]


def test_a_loop_begins_again_by_itself(path, monkeypatch):
    monkeypatch.setattr(playback, "FASTEST", 1e6)
    engine = TapeEngine(load_tape(path), ADAPTERS, loop=True)
    engine.set_speed(1e6)
    seen, indexes = Seen(engine), []
    engine.subscribe(lambda version: indexes.append(engine.index))
    engine.start()
    with contextlib.closing(_Stop(engine)):
        seen.wait(lambda: indexes.count(0) > 2)
        assert not engine.paused


def test_speed_changes_while_waiting(path, monkeypatch):
    monkeypatch.setattr(playback, "FASTEST", 1e6)
    engine = TapeEngine(load_tape(path), ADAPTERS)
    engine.set_speed(playback.SLOWEST)
    engine.start()
    with contextlib.closing(_Stop(engine)):
        seen = Seen(engine)
        seen.until(lambda snapshot: snapshot.version)
        engine.refresh()
        engine.set_speed(1e6)
        seen.until(lambda snapshot: engine.index == engine.frames - 1)


def test_a_jump_before_the_start_is_kept(path):
    engine = TapeEngine(load_tape(path), ADAPTERS)
    engine.pause()
    engine.jump(7)
    engine.start()
    with contextlib.closing(_Stop(engine)):
        Seen(engine).until(lambda snapshot: engine.index == 7)


def test_a_crash_on_a_tape_is_shown(path, monkeypatch):
    async def bug(self, now, progress=None):
        raise TypeError("a bug")

    monkeypatch.setattr("liqtui.engine.rounds.ChainRounds.round", bug)
    *_, last = fast_forward(load_tape(path), ADAPTERS)
    assert "a bug" in last.engine_error


def test_frames_of_unknown_chains_and_huge_lulls_do_not_stop_it(path):
    tape = load_tape(path)
    frames = [
        replace(frame, time=frame.time * 1000 if place > 3 else frame.time) for place, frame in enumerate(tape.frames)
    ]
    frames.insert(2, replace(frames[0], chain_id=99))
    seen = list(fast_forward(replace(tape, frames=frames), ADAPTERS))
    assert len(frames) < len(seen) < 1000


def test_names_are_not_on_a_tape(engine):
    with pytest.raises(LookupError, match="tape"):
        engine.resolve("a.eth").result(0)


def test_a_protocol_that_is_not_known_is_a_sentence(path):
    with pytest.raises(LookupError, match="protocol fake"):
        TapeEngine(load_tape(path), {})


def test_an_empty_tape_stands_still(tmp_path, setup):
    from liqtui.chain.tape import TapeHeader

    TapeWriter(tmp_path / "e.tape", TapeHeader(chains=setup.chains, markets=setup.markets)).close()
    engine = TapeEngine(load_tape(tmp_path / "e.tape"), ADAPTERS, loop=True)
    engine.start()
    engine.jump(3)
    engine.stop()
    assert engine.snapshot().engine_error == ""
    assert engine.index == 0


def test_threads_end(engine):
    engine.start()
    Seen(engine).until(lambda snapshot: snapshot.version)
    engine.stop()
    assert "liqtui-engine" not in [thread.name for thread in threading.enumerate()]
