"""Whether a chain has a block still, as its nodes tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.reads import ReadError
from tests.chain.node import Chain, Reply, block_hash, echo, error_body, nodes, spec_of

if TYPE_CHECKING:
    from tests.chain.conftest import PoolMaker


async def test_a_block_is_there_or_another_one_or_not_told(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        assert await pool.holds(50, block_hash(50)) is None, "nobody told a head yet"
        await pool.head()
        assert await pool.hash_at(50) == block_hash(50)
        assert (await pool.block_at(50)).number == 50  # type: ignore[union-attr]
        assert await pool.holds(50, block_hash(50)) is True
        assert await pool.holds(50, block_hash(51)) is False
        assert await pool.holds(100, block_hash(100)) is None, "beyond the head"
        asked = len(node.seen)
        await pool.holds(50, block_hash(50))
        assert len(node.seen) == asked + 1


@pytest.mark.parametrize(
    "fault",
    [
        error_body(-32000, "header not found"),
        error_body(4444, "pruned history unavailable"),
        lambda _: {"jsonrpc": "2.0", "id": 1, "result": "nonsense"},
        lambda _: Reply(drop=True),
        lambda request: {"jsonrpc": "2.0", "id": request["id"], "result": None},
    ],
)
async def test_a_node_that_has_pruned_it_tells_nothing_and_is_not_at_fault(make_pool: PoolMaker, fault: object) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        await pool.head()
        node.fault = fault  # type: ignore[assignment]
        assert await pool.holds(50, block_hash(50)) is None
        assert await pool.hash_at(50) is None
        assert pool.counts() == (1, 1)


async def test_a_node_that_asks_for_patience_gets_it(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        await pool.head()
        node.fault = error_body(-32005, "rate limit exceeded")
        assert await pool.holds(50, block_hash(50)) is None
        assert pool.counts() == (0, 1)


async def test_the_one_that_left_for_another_chain_is_left_out(make_pool: PoolMaker) -> None:
    """Two nodes, of which the first leads to another network now: what the second has is what was read before."""
    other = Chain(blocks=[])
    async with nodes(2) as [first, second]:
        pool = make_pool(spec_of(first, second))
        block = await pool.head()
        other.cut(0)
        other.grow(150, fork="elsewhere")
        first.chain = other
        assert (await pool.head()).number == 149
        with pytest.raises(ReadError, match=f"has another block {block.number} than before, and {second.name} has"):
            await pool.holds(block.number, block.hash)
        assert "another block" in pool.endpoints()[0].error
        second.chain.grow(60)
        assert await pool.head() == second.chain.head
        assert await pool.holds(block.number, block.hash) is True


async def test_where_all_of_them_have_another_one_it_is_so(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        pool = make_pool(spec_of(first, second), cross_check_every=0.0)
        block = await pool.head()
        first.chain.cut(0)
        first.chain.grow(150, fork="elsewhere")
        head = await pool.head()
        assert await pool.holds(block.number, block.hash) is False
        assert pool.counts() == (2, 2)
        assert pool._line.settled(3) is None, "nothing of before is held against anybody"
        assert await pool.read(head, echo(2))
        assert second.methods().count("eth_getBlockByNumber") == 1
