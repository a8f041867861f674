"""Our reading of chains against a real node: pins, gas, reorganisations, outages, WebSocket heads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.heads import HeadHints
from liqtui.core.reads import Block, Call, Failure, LogFilter, ReadError
from liqtui.core.sources import ChainSpec
from tests.chain.conftest import PoolMaker, make_pool
from tests.lab.lab import _install_multicall
from tests.lab.node import Node
from tests.lab.packages import anvil_binary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from liqtui.chain.pool import EndpointPool

__all__ = ["make_pool"]

CLOCK = "0x" + "c1" * 20
"""Answers the block's timestamp."""
BURNS = "0x" + "b0" * 20
"""Takes all gas that it is given."""
LOOPS = "0x" + "b1" * 20
REFUSES = "0x" + "fe" * 20
"""Reverts without a word."""
SHOUTS = "0x" + "1e" * 20
"""Emits an event without topics."""
CODE = {CLOCK: "0x425f5260205ff3", BURNS: "0xfe", LOOPS: "0x5b5f56", REFUSES: "0x5f5ffd", SHOUTS: "0x5f5fa000"}


@pytest.fixture(scope="module")
def anvil(lab_cache: Path) -> Iterator[Node]:
    with Node(anvil_binary(lab_cache)) as node:
        _install_multicall(node, lab_cache)
        for address, code in CODE.items():
            node.rpc("anvil_setCode", address, code)
        node.mine(5)
        yield node


@pytest.fixture
def spec(anvil: Node) -> ChainSpec:
    return spec_of(anvil)


def spec_of(node: Node, **changes: Any) -> ChainSpec:
    values: dict[str, Any] = {"requests_per_second": 0.0, "timeout": 30.0, "block_time": 1.0}
    return ChainSpec(node.chain_id, "lab", rpc=(node.url,), ws=(node.ws_url,), **(values | changes))


def clock_calls(count: int) -> list[Call]:
    return [Call(CLOCK, at.to_bytes(4, "big")) for at in range(count)]


def stamps(block: Block, count: int) -> list[bytes]:
    return [block.timestamp.to_bytes(32, "big")] * count


async def test_reads_stay_at_their_block_while_the_chain_goes_on(
    anvil: Node, spec: ChainSpec, make_pool: PoolMaker
) -> None:
    pool: EndpointPool = make_pool(spec)
    old = await pool.head()
    anvil.mine(3)
    new = await pool.head()
    assert new.number == old.number + 3
    assert await pool.read(old, clock_calls(300)) == stamps(old, 300)
    assert await pool.read(new, clock_calls(300)) == stamps(new, 300)
    [status] = pool.endpoints()
    assert (status.by_hash, status.multicall, status.error) == (True, True, "")
    assert pool.requests == 6


async def test_without_multicall_the_answers_are_the_same(anvil: Node, spec: ChainSpec, make_pool: PoolMaker) -> None:
    with_it = make_pool(spec)
    without = make_pool(spec_of(anvil, multicall3=""))
    block = await with_it.head()
    calls = [*clock_calls(3), Call("0x" + "01" * 20, b"xx")]
    assert await without.read(block, calls) == await with_it.read(block, calls)
    [refused] = await without.read(block, [Call(REFUSES, b"")])
    assert isinstance(refused, Failure)
    assert refused.kind == "revert"


@pytest.mark.parametrize("burner", [BURNS, LOOPS])
async def test_a_contract_that_burns_all_gas_harms_no_other(
    anvil: Node, spec: ChainSpec, make_pool: PoolMaker, burner: str
) -> None:
    pool = make_pool(spec_of(anvil, gas=3_000_000))
    block = await pool.head()
    calls = [*clock_calls(40), Call(burner, b"burn"), Call(REFUSES, b"1"), *clock_calls(80)[40:]]
    for _ in range(2):
        results = await pool.read(block, calls)
        assert [*results[:40], *results[42:]] == stamps(block, 80)
        assert all(isinstance(result, Failure) for result in results[40:42])
    before = pool.requests
    await pool.read(block, calls)
    assert pool.requests - before <= 2  # it stands at the end, or is asked by itself


async def test_more_than_the_gas_of_one_request_is_read_in_parts(
    anvil: Node, spec: ChainSpec, make_pool: PoolMaker
) -> None:
    pool = make_pool(spec_of(anvil, gas=800_000))
    block = await pool.head()
    assert await pool.read(block, clock_calls(400)) == stamps(block, 400)


async def test_a_reorganisation_is_followed_and_the_lost_block_not_served(
    anvil: Node, spec: ChainSpec, make_pool: PoolMaker
) -> None:
    pool = make_pool(spec)
    for _ in range(4):
        anvil.send(SHOUTS, b"")  # or the empty blocks that replace these would be the same blocks
        lost = await pool.head()
    anvil.reorg(2)
    with pytest.raises(ReadError) as caught:
        await pool.read(lost, clock_calls(1))
    assert caught.value.kind == "behind"
    new = await pool.head()
    assert new.number == lost.number
    assert new.hash != lost.hash
    assert await pool.read(new, clock_calls(2)) == stamps(new, 2)


async def test_a_chain_put_back_to_an_older_state_is_followed(
    anvil: Node, spec: ChainSpec, make_pool: PoolMaker
) -> None:
    pool = make_pool(spec)
    await pool.head()
    snapshot = anvil.snapshot()
    for _ in range(3):
        anvil.mine()
        await pool.head()
    anvil.revert(snapshot)
    anvil.mine(2, dt=77)
    back = await pool.head()
    assert back.number == anvil.block_number
    assert await pool.read(back, clock_calls(2)) == stamps(back, 2)


async def test_logs_of_a_real_chain(anvil: Node, spec: ChainSpec, make_pool: PoolMaker) -> None:
    pool = make_pool(spec)
    first = anvil.block_number + 1
    for _ in range(3):
        anvil.send(SHOUTS, b"")
    logs = await pool.logs(first, anvil.block_number, LogFilter((SHOUTS,), ()))
    assert [log.block_number for log in logs] == [first, first + 1, first + 2]
    head = await pool.head()
    assert (logs[-1].block_hash, logs[-1].block_number) == (head.hash, head.number)
    with pytest.raises(ReadError) as caught:
        await pool.logs(first, head.number + 1, LogFilter((SHOUTS,), ()))
    assert caught.value.kind == "behind"


async def test_heads_arrive_by_websocket(anvil: Node, spec: ChainSpec) -> None:
    arrived = asyncio.Event()
    hints = HeadHints(spec, arrived.set, silence=30.0)
    task = asyncio.create_task(hints.run())
    async with asyncio.timeout(60):
        while not arrived.is_set():  # the subscription may be younger than the first blocks
            await asyncio.to_thread(anvil.mine)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert hints.heads > 0
    assert hints.error == ""


async def test_an_outage_ends_when_the_node_is_back(lab_cache: Path, make_pool: PoolMaker) -> None:
    with Node(anvil_binary(lab_cache)) as node:
        node.mine(3)
        pool = make_pool(spec_of(node))
        before = await pool.head()
        node.stop()
        with pytest.raises(ReadError) as caught:
            await pool.head()
        assert caught.value.kind == "http"
        node.start()
        node.mine()
        after = await pool.head()
        assert after.number > before.number
        assert pool.counts() == (1, 1)


async def test_a_node_that_freezes_is_a_timeout_and_another_answers(
    anvil: Node, lab_cache: Path, make_pool: PoolMaker
) -> None:
    with Node(anvil_binary(lab_cache)) as frozen:
        spec = ChainSpec(anvil.chain_id, "lab", rpc=(frozen.url, anvil.url), requests_per_second=0.0, timeout=1.0)
        frozen.hang()
        try:
            pool = make_pool(spec, round_timeout=60.0)
            head = await pool.head()
        finally:
            frozen.resume()
        assert head.number == anvil.block_number
        assert pool.endpoints()[0].error.startswith("timeout:")
