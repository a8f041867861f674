"""Heads: newer ones, nodes that lag, chains that are reorganised, and claims that nobody can serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from tests.chain.node import Chain, block_hash, echo, echoed, nodes, spec_of

if TYPE_CHECKING:
    from tests.chain.conftest import PoolMaker


async def test_a_node_that_lags_is_passed_over(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        pool = make_pool(spec_of(first, second))
        seen = await pool.head()
        first.lag = 3
        assert await pool.head() == seen
        assert pool.last_source == second.name
        assert pool.counts() == (1, 2)


async def test_a_head_never_goes_back_on_the_same_chain(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        clock = FrozenClock()
        pool = make_pool(spec_of(node), clock, rollback_grace=60.0)
        seen = await pool.head()
        node.lag = 2
        clock.advance(30)
        with pytest.raises(ReadError) as caught:
            await pool.head()
        assert caught.value.kind == "behind"
        node.lag = 0
        assert await pool.head() == seen
        node.lag = 2
        clock.advance(61)  # whoever said so is gone: believe the node that answers
        assert (await pool.head()).number == seen.number - 2


@pytest.mark.parametrize("length", [1, 2, 3])
async def test_a_reorganisation_is_accepted_when_the_node_confirms_it(make_pool: PoolMaker, length: int) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        for _ in range(2):
            await pool.head()
            node.chain.grow()
        old = await pool.head()
        node.chain.cut(old.number - 1)
        node.chain.grow(length, "fork")
        new = await pool.head()
        assert new.hash == block_hash(new.number, "fork")
        assert new.number == old.number - 2 + length
        node.chain.grow(1, "fork")
        assert (await pool.head()).number == new.number + 1


async def test_another_endpoint_may_still_have_the_head_that_one_lost(make_pool: PoolMaker) -> None:
    chain, fork = Chain(), Chain()
    async with nodes(chain=chain) as [good], nodes(chain=fork) as [forked]:
        pool = make_pool(spec_of(forked, good), cross_check_every=0)
        seen = await pool.head()
        fork.cut(99)
        fork.grow(1, "fork")
        assert await pool.head() == seen
        assert pool.last_source == good.name


async def test_a_head_that_nobody_can_serve_does_not_hold_the_others_to_it(make_pool: PoolMaker) -> None:
    async with nodes(2) as [liar, honest]:
        pool = make_pool(spec_of(liar, honest), cross_check_every=0)
        liar.alter = lambda method, result: (
            result | {"number": hex(5000), "hash": block_hash(5000)} if method == "eth_getBlockByNumber" else result
        )
        claimed = await pool.head()
        assert claimed.number == 5000
        with pytest.raises(ReadError) as caught:
            await pool.read(claimed, echo(1))
        assert caught.value.kind == "behind"
        assert "announced block 5000" in pool.endpoints()[0].error
        assert await pool.head() == honest.chain.head


async def test_a_block_that_has_not_got_around_yet_is_asked_for_once_more(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        waits: list[float] = []

        async def catch_up(seconds: float) -> None:
            waits.append(seconds)
            node.lag = 0

        pool = make_pool(spec_of(node), sleep=catch_up)
        block = await pool.head()
        node.lag = 1
        assert await pool.read(block, echo(1)) == [echoed(block, echo(1)[0])]
        assert len(waits) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"number": "0x1", "hash": "0x12", "timestamp": "0x1", "parentHash": "0x"},
        {"number": 5, "hash": block_hash(5), "timestamp": "0x1", "parentHash": block_hash(4)},
    ],
)
async def test_a_block_of_another_shape_is_malformed(make_pool: PoolMaker, wrong: object) -> None:
    async with nodes() as [node]:
        node.alter = lambda asked, result: wrong if asked == "eth_getBlockByNumber" else result
        with pytest.raises(ReadError) as caught:
            await make_pool(spec_of(node)).head()
        assert caught.value.kind == "malformed"


async def test_a_reorganisation_that_is_not_confirmed_is_not_accepted(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        await pool.head()
        latest = {"hash": block_hash(99, "claimed")}

        def claim(request: dict[str, object]) -> object:
            if request["params"] != ["latest", False]:
                return None
            answer = node._answer(request)
            return answer | {"result": answer["result"] | latest}

        node.fault = claim
        with pytest.raises(ReadError, match="does not have when asked"):
            await pool.head()
