"""What is found out in the background stays found out, and is looked for however busy the background is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.crosscheck import SAMPLE
from liqtui.core.clock import FrozenClock
from tests.chain.node import Chain, echo, nodes, spec_of
from tests.chain.test_health import flipped

if TYPE_CHECKING:
    from liqtui.chain.pool import EndpointPool
    from liqtui.core.reads import Block
    from tests.chain.conftest import PoolMaker


async def a_round(pool: EndpointPool, calls: int = 3) -> Block:
    block = await pool.head()
    await pool.read(block, echo(calls))
    await pool._cross.settle()
    return block


@pytest.mark.parametrize("pace", [0, 3])
async def test_a_node_that_stands_still_or_lags_far_is_left_for_one_that_does_not(
    make_pool: PoolMaker, pace: int
) -> None:
    """It answers each time, so nothing else would ever lead away from it. `pace`: every so many blocks it has one."""
    slow, quick = Chain(), Chain()
    async with nodes(chain=slow) as [first], nodes(chain=quick) as [second]:
        clock = FrozenClock(quick.head.timestamp)
        pool = make_pool(spec_of(first, second), clock)
        for number in range(60):
            quick.grow()
            if pace and not number % pace:
                slow.grow()
            clock.advance(12)
            block = await a_round(pool)
        assert block == quick.head
        assert "behind: at block" in pool.endpoints()[0].error
        assert pool.counts() == (1, 2)
        while len(slow.blocks) < len(quick.blocks):
            slow.grow()
        for _ in range(20):
            clock.advance(12)
            await a_round(pool)
        assert pool.counts() == (2, 2), "it may come back"
        assert pool.last_source == first.name


async def test_a_chain_that_stands_still_everywhere_is_nobodys_fault(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        clock = FrozenClock(first.chain.head.timestamp)
        pool = make_pool(spec_of(first, second), clock)
        for _ in range(30):
            clock.advance(12)
            await a_round(pool)
        assert pool.counts() == (2, 2)
        assert second.methods().count("eth_getBlockByNumber") <= 30 * 12 / 60 + 1


async def test_figures_are_compared_although_the_second_node_is_slow(make_pool: PoolMaker) -> None:
    """Both comparisons fall due together: the slow one of the blocks must not push out that of the figures."""
    async with nodes(2) as [first, second]:
        clock = FrozenClock()
        pool = make_pool(spec_of(first, second), clock)
        other = pool._endpoints[1]
        ask = other.request

        async def slowly(*args: Any) -> Any:
            await asyncio.sleep(0.05)
            return await ask(*args)

        other.request = slowly  # type: ignore[method-assign]
        for _ in range(4):  # until there is a settled block, and both are due at the same time
            await a_round(pool)
            first.chain.grow()
            clock.advance(61)
        before = second.methods().count("eth_call")
        for _ in range(10):
            await a_round(pool)
            first.chain.grow()
            clock.advance(31)
        assert second.methods().count("eth_call") >= before + 4


async def test_one_disagreement_is_not_over_because_two_agree_about_something_else(make_pool: PoolMaker) -> None:
    async with nodes(2) as [liar, honest]:
        clock = FrozenClock()
        pool = make_pool(spec_of(liar, honest), clock)
        liar.alter = flipped
        found: list[str] = []
        for _ in range(30):
            await a_round(pool)
            found.append(pool.contradiction)
            liar.chain.grow()
            clock.advance(12)
        assert all("contract data" in each for each in found)
        assert honest.methods().count("eth_getBlockByNumber"), "the blocks were compared meanwhile, and agree"
        liar.alter = None
        clock.advance(61)
        await a_round(pool)
        clock.advance(12)
        await a_round(pool)
        assert pool.contradiction == ""


async def test_one_wrong_figure_among_many_is_asked_for_again_until_it_is_right(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        clock = FrozenClock()
        pool = make_pool(spec_of(first, second), clock)
        compare, wrong = pool._cross.data, True

        def lying(source: Any, block: Any, calls: Any, results: Any) -> None:
            compare(source, block, calls, [b"\1" * 32, *results[1:]] if wrong else results)

        pool._cross.data = lying  # type: ignore[method-assign]
        for _ in range(4):
            await a_round(pool, 2 * SAMPLE + 20)
            assert "contract data" in pool.contradiction
            clock.advance(61)
        wrong = False
        await a_round(pool, 2 * SAMPLE + 20)
        assert pool.contradiction == ""


async def test_a_doubt_outlasts_an_answer_that_was_on_its_way(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        clock = FrozenClock()
        pool = make_pool(spec_of(first, second), clock, cross_check_every=0)
        block = await pool.head()
        doubted = pool._endpoints[0]
        ask = doubted.request

        async def meanwhile(*args: Any) -> Any:
            answer = await ask(*args)
            doubted.distrust("contradicted by two others")
            return answer

        doubted.request = meanwhile  # type: ignore[method-assign]
        await pool.read(block, echo(1))
        doubted.request = ask  # type: ignore[method-assign]
        await pool.read(block, echo(1))
        assert pool.last_source == second.name
        clock.advance(121)
        await a_round(pool)
        assert pool.counts() == (2, 2)
