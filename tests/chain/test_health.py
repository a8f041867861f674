"""Which endpoint is asked, when, and how often; and what happens to one that is not to be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.clock import FrozenClock
from liqtui.core.reads import ReadError
from tests.chain.node import SECRET, Chain, Reply, echo, echoed, nodes, spec_of

if TYPE_CHECKING:
    from tests.chain.conftest import PoolMaker

# -- which chain ---------------------------------------------------------------------------------


async def test_an_endpoint_of_another_chain_is_refused_for_good(make_pool: PoolMaker) -> None:
    async with nodes(chain=Chain(chain_id=1)) as [wrong], nodes() as [right]:
        clock = FrozenClock()
        pool = make_pool(spec_of(wrong, right), clock)
        await pool.head()
        assert "serves chain 1, but lab is 31337" in pool.endpoints()[0].refused
        assert wrong.methods() == ["eth_chainId"]
        clock.advance(100_000)
        right.fault = lambda request: Reply(500)
        with pytest.raises(ReadError):
            await pool.head()
        assert wrong.methods() == ["eth_chainId"]
        alone = make_pool(spec_of(wrong))
        for _ in range(2):
            with pytest.raises(ReadError, match="serves chain 1, but lab is 31337") as caught:
                await alone.head()
            assert caught.value.kind == "wrong-chain"
        assert pool.counts() == (0, 2)


async def test_the_chain_is_looked_at_again_after_a_fault(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        await pool.head()
        node.fault = lambda request: Reply(500)
        with pytest.raises(ReadError):
            await pool.head()
        node.fault, node.chain.chain_id = None, 5
        with pytest.raises(ReadError) as caught:
            await pool.head()
        assert caught.value.kind == "wrong-chain"


# -- health --------------------------------------------------------------------------------------


async def test_a_failing_endpoint_rests_longer_each_time_and_returns(make_pool: PoolMaker) -> None:
    async with nodes(2) as [bad, well]:
        clock = FrozenClock()
        pool = make_pool(spec_of(bad, well), clock, cross_check_every=0)
        bad.fault = lambda request: Reply(500)
        rests = []
        for _ in range(4):
            await pool.head()
            await pool._cross.settle()
            rests.append(pool.endpoints()[0].rests)
            asked = len(bad.seen)
            await pool.head()
            await pool._cross.settle()
            assert len(bad.seen) == asked  # not while it rests
            clock.advance(rests[-1] + 0.01)
        assert rests == [2, 4, 8, 16]
        assert pool.last_source == well.name
        bad.fault = None
        await pool.head()  # looked after in the background; nobody waits for it
        assert pool.last_source == well.name
        await pool._cross.settle()
        assert pool.counts() == (2, 2)
        await pool.head()
        assert pool.last_source == bad.name


async def test_when_all_rest_all_are_tried(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node), FrozenClock())
        node.fault = lambda request: Reply(500)
        with pytest.raises(ReadError):
            await pool.head()
        node.fault = None
        assert await pool.head() == node.chain.head


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "86400"}, 60),
        ({"Retry-After": "soon"}, 2),
        ({}, 2),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
    ],
)
async def test_retry_after_is_kept(make_pool: PoolMaker, headers: dict[str, str], seconds: float) -> None:
    async with nodes() as [node]:
        clock = FrozenClock()
        pool = make_pool(spec_of(node), clock)
        node.fault = lambda request: Reply(429, "", headers)
        with pytest.raises(ReadError):
            await pool.head()
        asked = len(node.seen)
        clock.advance(seconds - 0.5)
        with pytest.raises(ReadError) as caught:
            await pool.head()
        assert caught.value.kind == "rate-limited"
        assert len(node.seen) == asked
        node.fault = None
        clock.advance(1)
        assert await pool.head() == node.chain.head


async def test_our_own_limit_of_requests_per_second(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        clock = FrozenClock()
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)
            clock.advance(seconds)

        pool = make_pool(spec_of(node, requests_per_second=4.0, timeout=60.0), clock, sleep=sleep)
        for _ in range(11):
            await pool.head()
        assert len(node.seen) == 12
        assert sum(waits) == pytest.approx((12 - 4) / 4)
        clock.advance(100)
        waits.clear()
        for _ in range(4):  # saved up, but no more than one second's worth
            await pool.head()
        assert waits == []
        await pool.head()
        assert waits == [pytest.approx(0.25)]


async def test_waiting_for_our_own_limit_ends_with_the_round(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node, requests_per_second=0.001), FrozenClock())
        with pytest.raises(ReadError) as caught:
            await pool.head()
        assert caught.value.kind == "rate-limited"
        assert len(node.seen) == 1


async def test_a_timeout_of_a_large_request_makes_the_next_one_smaller(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node, timeout=0.8))
        block = await pool.head()
        await pool.read(block, echo(1))

        def hang_when_large(request: Any) -> Any:
            large = request["method"] == "eth_call" and len(request["params"][0]["data"]) > 20_000
            return Reply(hang=True) if large else None

        node.fault = hang_when_large
        with pytest.raises(ReadError) as caught:
            await pool.read(block, echo(60))
        assert caught.value.kind == "timeout"
        assert await pool.read(block, echo(60)) == [echoed(block, call) for call in echo(60)]


# -- second opinion ------------------------------------------------------------------------------


def flipped(method: str, result: Any) -> Any:
    """Consistently wrong data: the last byte of the last answer is another one."""
    return result[:-2] + "99" if method == "eth_call" else result


async def test_wrong_data_of_one_endpoint_is_contradicted(make_pool: PoolMaker) -> None:
    async with nodes(2) as [liar, honest]:
        pool = make_pool(spec_of(liar, honest), FrozenClock())
        liar.alter = flipped
        block = await pool.head()
        await pool.read(block, echo(3))
        await pool._cross.settle()
        assert f"{liar.name} and {honest.name} disagree about contract data" in pool.contradiction
        assert SECRET not in pool.contradiction


async def test_two_against_one_and_the_one_is_left_out(make_pool: PoolMaker) -> None:
    async with nodes(3) as [liar, second, third]:
        clock = FrozenClock()
        pool = make_pool(spec_of(liar, second, third), clock)
        liar.alter = flipped
        block = await pool.head()
        await pool.read(block, echo(3))
        await pool._cross.settle()
        assert "left out" in pool.contradiction
        assert [status.healthy for status in pool.endpoints()] == [False, True, True]
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]
        clock.advance(61)
        await pool.read(block, echo(3))
        await pool._cross.settle()
        assert pool.contradiction == ""


async def test_another_chain_of_blocks_is_contradicted(make_pool: PoolMaker) -> None:
    mine, other = Chain(), Chain()
    other.cut(90)
    other.grow(10, "fork")
    async with nodes(chain=mine) as [first], nodes(chain=other) as [second]:
        clock = FrozenClock()
        pool = make_pool(spec_of(first, second), clock)
        for _ in range(5):
            await pool.head()
            await pool._cross.settle()
            mine.grow()
            other.grow(1, "fork")
            clock.advance(61)
        assert "disagree about block" in pool.contradiction


async def test_agreement_is_silent_and_a_lagging_second_is_no_contradiction(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        clock = FrozenClock()
        pool = make_pool(spec_of(first, second), clock)
        second.lag = 20
        for _ in range(5):
            await pool.read(await pool.head(), echo(3))
            await pool._cross.settle()
            first.chain.grow()
            clock.advance(61)
        assert pool.contradiction == ""
        assert pool.counts() == (2, 2)
        second.lag = 0
        await pool.read(await pool.head(), echo(3))
        await pool._cross.settle()
        assert pool.contradiction == ""
        assert second.methods().count("eth_call") == 5 + 1


async def test_a_node_that_denies_multicall_is_broken_when_others_have_it(make_pool: PoolMaker) -> None:
    async with nodes(2) as [first, second]:
        pool = make_pool(spec_of(first, second), cross_check_every=0)
        block = await pool.head()
        await pool.read(block, echo(1))
        first.fault = lambda request: Reply(500)
        second.alter = lambda method, result: "0x" if method == "eth_getCode" else result
        with pytest.raises(ReadError):
            await pool.read(block, echo(1))
        assert "denies" in pool.endpoints()[1].error
