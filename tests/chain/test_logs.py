"""Event logs: in ranges that the node accepts, and only those that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.reads import LogFilter, ReadError
from tests.chain.node import NOBODY, block_hash, nodes, spec_of

if TYPE_CHECKING:
    from tests.chain.conftest import PoolMaker


TOPIC = "0x" + "aa" * 32
PLACE = "0x" + "ee" * 20


def log(number: int, index: int = 0, **changes: object) -> dict[str, object]:
    return {
        "address": PLACE, "topics": [TOPIC], "data": "0x01", "blockNumber": hex(number), "removed": False,
        "blockHash": block_hash(number), "transactionHash": "0x" + "cd" * 32, "logIndex": hex(index),
    } | changes  # fmt: skip


WANTED = LogFilter((PLACE,), ((TOPIC,),))


async def test_logs_are_read_in_ranges_that_the_node_accepts(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.chain.logs = [log(number, index) for number in range(100) for index in (1, 0)]
        node.most_blocks = 30
        pool = make_pool(spec_of(node))
        found = await pool.logs(10, 90, WANTED)
        assert [(each.block_number, each.log_index) for each in found] == [
            (n, i) for n in range(10, 91) for i in (0, 1)
        ]
        before = node.methods().count("eth_getLogs")
        assert await pool.logs(10, 90, WANTED) == found
        assert node.methods().count("eth_getLogs") - before == 5  # ranges of 20, as learned
        assert await pool.logs(5, 4, WANTED) == []


async def test_no_range_is_longer_than_the_person_allows(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.chain.logs = [log(number) for number in range(100)]
        node.most_blocks = 30
        pool = make_pool(spec_of(node, max_blocks=30))
        assert len(await pool.logs(10, 90, WANTED)) == 81
        assert node.methods().count("eth_getLogs") == 3  # of 30, 30 and 21 blocks: none was refused
        node.most_blocks = 20
        assert len(await pool.logs(10, 90, WANTED)) == 81
        before = node.methods().count("eth_getLogs")
        assert len(await pool.logs(10, 90, WANTED)) == 81
        assert node.methods().count("eth_getLogs") - before == 6  # of 15 each: what was learned is less


async def test_a_node_without_the_last_block_is_not_asked_for_logs(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        first.chain.logs = [log(99)]
        first.lag = 5
        pool = make_pool(spec_of(first, second))
        assert len(await pool.logs(90, 99, WANTED)) == 1
        assert "eth_getLogs" not in first.methods()


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": NOBODY},
        {"topics": []},
        {"blockNumber": "0x1"},
        {"data": "0x0"},
        {"removed": True},
        {"logIndex": None},
    ],
    ids=str,
)
async def test_logs_that_were_not_asked_for_are_refused(make_pool: PoolMaker, wrong: dict[str, object]) -> None:
    async with nodes() as [node]:
        node.chain.logs = [log(50, **wrong)]
        node.alter = lambda method, result: node.chain.logs if method == "eth_getLogs" else result
        pool = make_pool(spec_of(node))
        with pytest.raises(ReadError) as caught:
            await pool.logs(40, 60, WANTED)
    assert caught.value.kind == "malformed"
