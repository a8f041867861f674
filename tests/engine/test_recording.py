"""When a recording ends, and that its tape is whole then."""

import os
import signal

import pytest

from liqtui.chain.tape import TapeWriter, load_tape
from liqtui.core.clock import FrozenClock
from liqtui.core.snapshot import Severity
from liqtui.engine import watch
from liqtui.engine.playback import fast_forward
from liqtui.engine.recording import record
from liqtui.engine.setup import Setup
from tests.engine.fakes import START, FakeAdapter, FakeChain, chain, market, wallet

ADAPTERS = {"fake": FakeAdapter()}


def test_record_ends_after_its_rounds(tmp_path, monkeypatch):
    monkeypatch.setattr(watch, "GAP", 0.0)
    node = FakeChain()
    node.hold(1, 1, 1000)
    told = []
    frames = record(
        Setup((chain(poll=0.001),), (market(),), (wallet(1),)),
        tmp_path / "r.tape",
        rounds=3,
        progress=lambda snapshot, count: told.append(count),
        reader_factory=lambda spec: node,
        adapters=ADAPTERS,
        clock=FrozenClock(START),
    )
    assert frames == 3
    assert told == [1, 2, 3]
    assert node.closed
    tape = load_tape(tmp_path / "r.tape")
    assert not tape.cut
    assert [snapshot.rows[0].severity for snapshot in fast_forward(tape, ADAPTERS)] == [Severity.OK] * 3


def test_record_ends_at_ctrl_c_with_a_whole_tape(tmp_path):
    node = FakeChain()
    node.hold(1, 1, 1000)

    def end(snapshot, count):
        os.kill(os.getpid(), signal.SIGINT)

    frames = record(
        Setup((chain(poll=3600),), (market(),), (wallet(1),)),
        tmp_path / "r.tape",
        progress=end,
        reader_factory=lambda spec: node,
        adapters=ADAPTERS,
    )
    assert frames == 1
    assert not load_tape(tmp_path / "r.tape").cut


def test_record_ends_after_its_time_and_when_the_disk_is_full(tmp_path, monkeypatch):
    node = FakeChain()
    setup = Setup((chain(poll=3600),), (market(),), (wallet(1),))
    more = {"reader_factory": lambda spec: node, "adapters": ADAPTERS}
    assert record(setup, tmp_path / "a.tape", duration=0.05, **more) == 1

    def full(self, frame):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TapeWriter, "frame", full)
    with pytest.raises(OSError, match="space"):
        record(setup, tmp_path / "b.tape", **more)
