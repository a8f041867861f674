"""Plans run in lockstep: the number of requests is that of the longest plan, whatever the number of plans."""

from __future__ import annotations

from typing import Any

import pytest

from liqtui.core.reads import (
    Block,
    Call,
    ChainReader,
    Failure,
    Log,
    LogFilter,
    Plan,
    PlanFailed,
    ReadError,
    Result,
    run_plans,
)

BLOCK = Block(1, "0x" + "0" * 64, 1)
TARGET = "0x" + "1" * 40


class Echo:
    """Answers each call with its own data, and keeps what was asked."""

    chain_id = 1

    def __init__(self, error: ReadError | None = None) -> None:
        self.asked: list[list[Call]] = []
        self.error = error

    async def head(self) -> Block:
        return BLOCK

    async def read(self, block: Block, calls: Any) -> list[Result]:
        assert block == BLOCK
        self.asked.append(list(calls))
        if self.error:
            raise self.error
        return [Failure("revert") if call.data == b"no" else call.data for call in calls]

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        return []


def call(data: bytes) -> Call:
    return Call(TARGET, data)


def asks(*batches: list[bytes], fault: Exception | None = None) -> Plan[list[Result]]:
    got: list[Result] = []
    for batch in batches:
        got += yield [call(data) for data in batch]
    if fault:
        raise fault
    return got


async def run(reader: ChainReader, *plans: Plan[Any]) -> list[Any]:
    return await run_plans(reader, BLOCK, plans)


async def test_lockstep_and_each_call_once() -> None:
    reader = Echo()
    values = await run(reader, asks([b"a", b"b"], [b"c"]), asks([b"b", b"b"]), asks(), asks([b"a"], [b"d"], [b"e"]))
    assert values == [[b"a", b"b", b"c"], [b"b", b"b"], [], [b"a", b"d", b"e"]]
    assert reader.asked == [[call(b"a"), call(b"b")], [call(b"c"), call(b"d")], [call(b"e")]]


async def test_a_failed_call_is_a_value() -> None:
    assert await run(Echo(), asks([b"no", b"yes"])) == [[Failure("revert"), b"yes"]]


async def test_a_step_without_calls_asks_nothing() -> None:
    reader = Echo()
    assert await run(reader, asks([], [b"a"])) == [[b"a"]]
    assert reader.asked == [[call(b"a")]]


@pytest.mark.parametrize(
    "fault", [PlanFailed("not a market"), ValueError("x"), IndexError("x"), ZeroDivisionError("x")]
)
async def test_a_fault_ends_only_its_own_plan(fault: Exception) -> None:
    values = await run(Echo(), asks([b"a"], fault=fault), asks([b"a"], [b"b"]), asks(fault=fault))
    assert values == [fault, [b"a", b"b"], fault]


async def test_a_chain_that_cannot_be_read_ends_the_round() -> None:
    with pytest.raises(ReadError, match="timeout: after 10 s") as caught:
        await run(Echo(ReadError("timeout", "after 10 s")), asks([b"a"]))
    assert (caught.value.kind, caught.value.detail) == ("timeout", "after 10 s")
    assert str(ReadError("behind", "")) == "behind"


async def test_a_programming_fault_is_not_swallowed() -> None:
    with pytest.raises(TypeError):
        await run(Echo(), asks([b"a"], fault=TypeError("bug")))
