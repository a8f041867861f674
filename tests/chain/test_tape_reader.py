"""Readers of a tape, and recordings of a node that replay as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.tape import (
    Frame,
    LogQuery,
    RecordingReader,
    Tape,
    TapeReader,
    TapeWriter,
    load_tape,
)
from liqtui.core.clock import FrozenClock
from liqtui.core.reads import Block, ChainReader, Failure, Log, LogFilter, ReadError
from tests.chain.node import echo, nodes, spec_of

if TYPE_CHECKING:
    from pathlib import Path

from tests.chain.tapes import HEADER, pool_of_calls, write


def block(number: int) -> Block:
    return Block(number, f"0x{number:064x}", 12 * number)


async def test_a_reader_stands_where_it_is_told(tmp_path: Path) -> None:
    one, two = pool_of_calls[:2]
    wanted = [
        Frame(10, 0.0, block(5), results={one: b"other chain"}),
        Frame(1, 1.0, block(1), results={one: b"1"}),
        Frame(1, 2.0, None, ("timeout", "no answer")),
        Frame(1, 3.0, block(3), ("rate-limited", "slow down"), results={one: b"3"}),
        Frame(1, 4.0, block(4), results={two: b"4"}),
    ]
    reader: TapeReader = TapeReader(load_tape(write(tmp_path / "a.tape", wanted)), 1)
    as_reader: ChainReader = reader
    assert as_reader.chain_id == 1
    with pytest.raises(ReadError, match="nothing of this chain") as caught:
        await reader.head()
    assert caught.value.kind == "tape"
    reader.seek(1)
    assert await reader.read(await reader.head(), [one, two]) == [b"1", Failure("missing", "not on the tape")]
    reader.seek(2)
    with pytest.raises(ReadError, match="timeout: no answer"):
        await reader.head()
    reader.seek(3)
    with pytest.raises(ReadError, match="rate-limited: slow down"):
        await reader.read(await reader.head(), [one])
    reader.seek(99)
    assert await reader.read(await reader.head(), [two, one]) == [b"4", b"3"]
    with pytest.raises(ReadError, match="not that of this frame"):
        await reader.read(block(1), [one])
    reader.seek(1)
    assert await reader.read(await reader.head(), [one]) == [b"1"]
    assert reader.frame is not None
    assert reader.frame.time == 1.0


async def test_logs_come_only_from_ranges_that_were_recorded(tmp_path: Path) -> None:
    wanted = LogFilter(("0x" + "ee" * 20,), ())

    def log(number: int) -> Log:
        return Log("0x" + "ee" * 20, (), b"", number, block(number).hash, block(0).hash, 0)

    recorded = (LogQuery(0, 10, wanted, (log(3), log(9))), LogQuery(8, 20, wanted, (log(9), log(15))))
    later = Frame(1, 1.0, block(2), logs=(LogQuery(21, 30, wanted, (log(25),)),))
    reader = TapeReader(load_tape(write(tmp_path / "a.tape", [Frame(1, 0.0, block(1), logs=recorded), later])), 1)
    assert await reader.logs(0, 20, wanted) == [log(3), log(9), log(15)]
    assert await reader.logs(4, 12, wanted) == [log(9)]
    for first, last, other in ((0, 21, wanted), (0, 5, LogFilter((), ()))):
        with pytest.raises(ReadError, match="not on the tape"):
            await reader.logs(first, last, other)
    reader.seek(1)
    assert await reader.logs(0, 30, wanted) == [log(3), log(9), log(15), log(25)]


async def test_a_recording_of_a_node_replays_as_it_was(make_pool: Any, tmp_path: Path) -> None:
    clock = FrozenClock(1000.0)
    writer = TapeWriter(tmp_path / "a.tape", HEADER)
    async with nodes() as [node]:
        recorder = RecordingReader(make_pool(spec_of(node)), writer, clock)
        heads, told = [], []
        for _ in range(3):
            heads.append(await recorder.head())
            told.append(await recorder.read(heads[-1], echo(4)))
            await recorder.logs(0, 5, LogFilter((), ()))
            if len(heads) != 2:
                recorder.commit("a round", "the fall" if len(heads) == 3 else "")
            node.chain.grow()
            clock.advance(12)
        node.chain.multicall = ""
        node.fault = lambda request: {"jsonrpc": "2.0", "id": request["id"], "error": {"code": 429, "message": "quota"}}
        with pytest.raises(ReadError):
            await recorder.head()
        recorder.commit()
        recorder.commit()
    writer.close()
    tape: Tape = load_tape(tmp_path / "a.tape")
    assert [frame.time for frame in tape.frames] == [1000.0, 1012.0, 1024.0, 1036.0]
    assert [frame.note for frame in tape.frames] == ["a round", "", "a round", ""]
    assert tape.chapters == [(0, "before"), (2, "the fall")]
    reader = TapeReader(tape, recorder.chain_id)
    for at in (2, 0, 1):
        reader.seek(at)
        assert await reader.head() == heads[at]
        assert await reader.read(heads[at], echo(4)) == told[at]
        assert await reader.logs(0, 5, LogFilter((), ())) == []
    reader.seek(3)
    with pytest.raises(ReadError) as caught:
        await reader.head()
    assert caught.value.kind == "rate-limited"


async def test_a_fault_in_the_middle_of_a_round_is_recorded(make_pool: Any, tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path / "a.tape", HEADER)
    async with nodes() as [node]:
        recorder = RecordingReader(make_pool(spec_of(node)), writer, FrozenClock())
        head = await recorder.head()
        await recorder.read(head, echo(1))
        node.by_hash, node.lag = False, 50
        with pytest.raises(ReadError):
            await recorder.read(head, echo(2))
        recorder.commit()
    writer.close()
    reader = TapeReader(load_tape(tmp_path / "a.tape"), 31337)
    assert await reader.head() == head
    with pytest.raises(ReadError):
        await reader.read(head, echo(1))
