"""Reading from well-behaved nodes: pinning, batching, counts, heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.reads import Failure, ReadError
from tests.chain.node import (
    BARE,
    BURNS,
    ECHO,
    NOBODY,
    REVERTS,
    Call,
    Chain,
    Node,
    Refused,
    Reply,
    decode_calls,
    echo,
    echoed,
    error_body,
    nodes,
    spec_of,
)

if TYPE_CHECKING:
    from liqtui.core.reads import Block
    from tests.chain.conftest import PoolMaker


def runs_nothing(node: Node) -> None:
    """It answers, and fails each batch in which something is to be done, down to single calls."""
    run = node._run
    node._run = lambda call, block: ArithmeticError() if call.target == ECHO else run(call, block)  # type: ignore[method-assign]
    node.burning_breaks = True


async def test_results_come_in_order_and_failures_are_values(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [*echo(3), Call(REVERTS, b"1234"), Call(NOBODY, b"1234"), *echo(2, 10)]
        results = await pool.read(block, calls)
    assert [results[at] for at in (0, 1, 2, 5, 6)] == [echoed(block, calls[at]) for at in (0, 1, 2, 5, 6)]
    refused, short = results[3], results[4]
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.detail) == ("revert", "no")
    assert isinstance(short, Failure)
    assert short.kind == "short"


async def test_every_read_names_the_block_by_its_hash(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        node.chain.grow(5)
        results = await pool.read(block, echo(1))
        calls = [request for request in node.seen if request["method"] == "eth_call"]
    assert results == [echoed(block, echo(1)[0])]
    assert [call["params"][1] for call in calls] == [{"blockHash": block.hash, "requireCanonical": True}]


async def test_requests_do_not_grow_with_calls(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        counts = []
        for size in (1, 10, 100, 500):
            before = pool.requests
            await pool.read(await pool.head(), echo(size))
            counts.append(pool.requests - before)
            node.chain.grow()
    assert counts == [4, 2, 2, 2]  # chain id and Multicall3 once


async def test_large_reads_are_cut_by_count_and_by_bytes(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node, max_calls=100))
        block = await pool.head()
        assert await pool.read(block, echo(250)) == [echoed(block, call) for call in echo(250)]
        by_count = node.methods().count("eth_call")
        node.seen.clear()
        narrow = make_pool(spec_of(node, max_calldata=10_000))
        assert await narrow.read(block, echo(250)) == [echoed(block, call) for call in echo(250)]
        longest = max(len(each["params"][0]["data"]) for each in node.seen if each["method"] == "eth_call")
    assert by_count == 3
    assert longest < 2 * 11_000


async def test_reading_nothing_asks_nobody(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        assert await pool.read(node.chain.head, []) == []
        assert node.seen == []


async def test_no_endpoint_says_what_to_configure(make_pool: PoolMaker) -> None:
    pool = make_pool(spec_of())
    with pytest.raises(ReadError, match=r"add rpc under \[chains.lab\]") as caught:
        await pool.head()
    assert caught.value.kind == "no-endpoint"
    assert pool.counts() == (0, 0)


# -- what a node can take ------------------------------------------------------------------------


async def test_a_batch_that_is_too_large_is_halved_and_the_size_is_remembered(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.most_calls = 32
        pool = make_pool(spec_of(node))
        block = await pool.head()
        assert await pool.read(block, echo(100)) == [echoed(block, call) for call in echo(100)]
        first = node.methods().count("eth_call")
        assert await pool.read(block, echo(100)) == [echoed(block, call) for call in echo(100)]
        again = node.methods().count("eth_call") - first
    assert first == 3 + 4
    assert again == 4


@pytest.mark.parametrize("places", [(0,), (100,), (0, 3), (7, 60, 199)])
async def test_a_call_that_is_too_heavy_beside_others_cuts_no_request_down(
    make_pool: PoolMaker, places: tuple[int, ...]
) -> None:
    """It runs alone, so the size was blamed: one call in each request, and no room for the others in a round."""
    async with nodes() as [node]:
        heavy = "0x" + "77" * 20
        node.chain.contracts[heavy] = lambda data, block: b"heavy"
        aggregate = node._aggregate

        def light_only(data: bytes, block: Block) -> bytes:
            asked = decode_calls(data)
            if len(asked) > 3 and heavy in {call.target for call in asked}:
                raise Refused(-32000, "out of gas")
            return aggregate(data, block)

        node._aggregate = light_only  # type: ignore[method-assign]
        pool = make_pool(spec_of(node))
        calls = echo(200)
        for place in places:
            calls[place] = Call(heavy, bytes([place]))
        block, costs = await pool.head(), []
        for _ in range(12):
            before = len(node.seen)
            assert not [result for result in await pool.read(block, calls) if isinstance(result, Failure)]
            costs.append(len(node.seen) - before)
        assert sorted(costs)[len(costs) // 2] <= 1 + 6 * len(places), costs
        assert max(costs) < 48


@pytest.mark.parametrize("breaks", [True, False], ids=["the batch fails", "those after it fail"])
async def test_a_call_that_burns_all_gas_harms_no_other(make_pool: PoolMaker, breaks: bool) -> None:
    async with nodes() as [node]:
        node.burning_breaks = breaks
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [*echo(20), Call(BURNS, b"burn"), *echo(20, 20)]
        for _ in range(2):
            results = await pool.read(block, calls)
            assert [*results[:20], *results[21:]] == [echoed(block, call) for call in echo(40)]
            assert isinstance(results[20], Failure)
        before = len(node.seen)
        await pool.read(block, calls)
        assert len(node.seen) - before == (2 if breaks else 1)  # by itself, or at the end where it harms nobody


async def test_what_a_node_did_not_run_for_a_while_is_not_asked_in_turns_for_ever(make_pool: PoolMaker) -> None:
    """Sixteen of forty had their turn in each round, so no market was whole until the program was begun again."""
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        calls, run = [*echo(40), Call(REVERTS, b"no")], node._run
        runs_nothing(node)
        for _ in range(3):
            results = await pool.read(await pool.head(), calls)
            assert all(isinstance(result, Failure) for result in results)
            node.chain.grow()
        node._run = run  # type: ignore[method-assign]
        await pool.read(await pool.head(), calls)
        for _ in range(2):
            node.chain.grow()
            block, before = await pool.head(), len(node.seen)
            results = await pool.read(block, calls)
            assert results[:40] == [echoed(block, call) for call in echo(40)]
            assert len(node.seen) == before + 1


async def test_a_node_that_runs_nothing_is_left_for_another(make_pool: PoolMaker) -> None:
    """It answers, and each call by itself is told to be at fault: everybody was blind with a good node beside it."""
    async with nodes(2) as [ill, well]:
        runs_nothing(ill)
        pool = make_pool(spec_of(ill, well))
        block = await pool.head()
        for _ in range(3):
            assert await pool.read(block, echo(40)) == [echoed(block, call) for call in echo(40)]
        assert "runs none of 40 calls" in pool.endpoints()[0].error
        assert not pool._memory.greedy


async def test_calls_that_fail_without_a_word_are_doubted_once_only(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [Call(BARE, b"0"), *echo(5), Call(BARE, b"1"), Call(BARE, b"2"), *echo(5, 5)]
        results = await pool.read(block, calls)
        bare = [results[0], results[6], results[7]]
        assert all(isinstance(result, Failure) and result.kind == "revert" for result in bare)
        before = len(node.seen)
        assert await pool.read(block, calls) == results
        assert len(node.seen) - before == 1


async def test_a_silent_call_that_turns_greedy_is_found_out(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        mood = {"burns": False}
        target = "0x" + "77" * 20
        node.chain.contracts[target] = lambda data, block: None
        run = node._run
        node._run = lambda call, block: (  # type: ignore[method-assign]
            ArithmeticError() if call.target == target and mood["burns"] else run(call, block)
        )
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [*echo(3), Call(target, b"x"), *echo(9, 3)]
        await pool.read(block, calls)
        mood["burns"] = True
        for _ in range(3):
            results = await pool.read(block, calls)
            assert [result for at, result in enumerate(results) if at != 3] == [echoed(block, c) for c in echo(12)]


async def test_a_call_that_failed_and_recovers_is_read_again(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        node.chain.contracts[NOBODY] = lambda data, block: None
        calls = [Call(NOBODY, b"1"), *(Call(BURNS, bytes([at])) for at in range(3)), *echo(5)]
        await pool.read(block, calls)
        node.chain.contracts[NOBODY] = lambda data, block: b"well"
        found = [(await pool.read(block, calls))[0] for _ in range(4)]
        assert b"well" in found
        assert (await pool.read(block, calls))[0] == b"well"  # and stays


async def test_many_functions_that_are_not_there_cost_two_requests_once(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [*(Call(f"0x{at:040x}", b"no such function") for at in range(1, 41)), *echo(5)]
        for call in calls[:40]:
            node.chain.contracts[call.target] = lambda data, block: None
        before = node.methods().count("eth_call")
        results = await pool.read(block, calls)
        assert {result.kind for result in results[:40] if isinstance(result, Failure)} == {"revert"}
        assert node.methods().count("eth_call") - before == 3
        await pool.read(block, calls)
        assert node.methods().count("eth_call") - before == 4


async def test_between_two_that_burn_nobody_is_called_refused(make_pool: PoolMaker) -> None:
    """No order of two shows it, so each contract is asked apart; what cannot be proved is unread, not refused."""
    async with nodes() as [node]:
        node.burning_breaks = False
        pool = make_pool(spec_of(node))
        block = await pool.head()
        burners = [Call(BURNS, bytes([at])) for at in range(18)]
        calls = [*burners[:9], *echo(6), *burners[9:]]
        results = await pool.read(block, calls)
        assert results[9:15] == [echoed(block, call) for call in echo(6)]
        kinds = [result.kind for result in results if isinstance(result, Failure)]
        assert kinds == ["revert"] * 12 + ["unread"] * 6
        assert [r.kind for r in await pool.read(block, calls) if isinstance(r, Failure)] == ["revert"] * 18


async def test_a_node_that_runs_nothing_is_at_fault_and_not_the_calls(make_pool: PoolMaker) -> None:
    async with nodes(2) as [bad, well]:
        pool = make_pool(spec_of(bad, well), cross_check_every=0)
        block = await pool.head()
        bad.fault = lambda request: (
            error_body(-32000, "upstream timeout")(request) if request["method"] == "eth_call" else None
        )
        assert await pool.read(block, echo(200)) == [echoed(block, call) for call in echo(200)]
        assert pool.last_source == well.name
        assert bad.methods().count("eth_call") < 12
        before = len(well.seen)
        await pool.read(block, echo(200))
        assert len(well.seen) - before == 1  # no call was blamed


@pytest.mark.parametrize("breaks", [True, False])
async def test_many_bad_calls_cost_themselves_and_soon_nothing_else(make_pool: PoolMaker, breaks: bool) -> None:
    async with nodes() as [node]:
        node.burning_breaks = breaks
        pool = make_pool(spec_of(node))
        block = await pool.head()
        bad = [Call(BURNS, bytes([at])) for at in range(60)]
        calls = [*bad, *echo(60)]
        for _ in range(12):
            before = len(node.seen)
            results = await pool.read(block, calls)
            assert len(node.seen) - before < 90
            assert breaks or results[60:] == [echoed(block, call) for call in echo(60)]  # at once, other contracts
        assert results[60:] == [echoed(block, call) for call in echo(60)]
        assert all(isinstance(result, Failure) for result in results[:60])
        before = len(node.seen)
        await pool.read(block, calls)
        assert len(node.seen) - before <= 17


async def test_a_node_that_refuses_our_gas_is_left_to_its_own(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.most_gas = 30_000_000
        pool = make_pool(spec_of(node))
        block = await pool.head()
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]


# -- without Multicall3 --------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [True, False])
async def test_without_multicall_calls_go_in_a_batch_or_one_by_one(make_pool: PoolMaker, batches: bool) -> None:
    chain = Chain(multicall="0x" + "11" * 20)
    async with nodes(chain=chain) as [node]:
        node.batches = batches
        pool = make_pool(spec_of(node))
        block = await pool.head()
        calls = [*echo(3), Call(REVERTS, b""), Call(NOBODY, b""), Call(BURNS, b"")]
        results = await pool.read(block, calls)
        assert results[:3] == [echoed(block, call) for call in echo(3)]
        assert [result.kind for result in results[3:] if isinstance(result, Failure)] == ["revert", "short", "unread"]
        before = len(node.seen)
        await pool.read(block, calls)
        assert len(node.seen) - before == (1 if batches else 6)
    assert 'set multicall3 = "0x…" under [chains.lab]' in pool.notice


async def test_too_many_calls_without_multicall_say_what_to_configure(make_pool: PoolMaker) -> None:
    async with nodes(chain=Chain(multicall="0x" + "11" * 20)) as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()
        with pytest.raises(ReadError, match=r"\[chains.lab\]") as caught:
            await pool.read(block, echo(450))
    assert caught.value.kind == "no-multicall"


async def test_another_multicall_address_can_be_configured(make_pool: PoolMaker) -> None:
    other = "0x" + "11" * 20
    async with nodes(chain=Chain(multicall=other)) as [node]:
        pool = make_pool(spec_of(node, multicall3=other))
        block = await pool.head()
        assert await pool.read(block, echo(9)) == [echoed(block, call) for call in echo(9)]
        assert node.methods().count("eth_call") == 1
    assert pool.notice == ""


async def test_a_batch_that_is_too_large_is_halved(make_pool: PoolMaker) -> None:
    async with nodes(chain=Chain(multicall="0x" + "11" * 20)) as [node]:
        node.fault = lambda request: Reply(413) if isinstance(request, list) and len(request) > 5 else None
        pool = make_pool(spec_of(node))
        block = await pool.head()
        assert await pool.read(block, echo(12)) == [echoed(block, call) for call in echo(12)]
        assert node.methods().count("eth_call") == 0


async def test_multicall_can_be_switched_off(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node, multicall3=""))
        block = await pool.head()
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]
        assert node.methods()[-1] == "batch"
        assert "no Multicall3 at any configured address" in pool.notice


# -- nodes without EIP-1898 ----------------------------------------------------------------------


async def test_without_eip1898_the_hash_is_checked_before_and_after(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.by_hash = False
        pool = make_pool(spec_of(node))
        block = await pool.head()
        node.chain.grow(3)
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]
        before = len(node.seen)
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]
        assert node.methods()[before:] == ["eth_getBlockByNumber", "eth_call", "eth_getBlockByNumber"]
        assert pool.endpoints()[0].by_hash is False


async def test_without_eip1898_a_reorganisation_under_the_read_is_noticed(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        node.by_hash = False
        pool = make_pool(spec_of(node))
        block = await pool.head()

        def reorganise(method: str, result: object) -> object:
            if method == "eth_call":
                node.chain.cut(block.number)
                node.chain.grow(1, "other")
            return result

        node.alter = reorganise
        with pytest.raises(ReadError) as caught:
            await pool.read(block, echo(1))
    assert caught.value.kind == "behind"


async def test_endpoints_with_eip1898_are_preferred(make_pool: PoolMaker) -> None:
    async with nodes(2) as [old, new]:
        old.by_hash = False
        pool = make_pool(spec_of(old, new), cross_check_every=0)
        await pool.read(await pool.head(), echo(1))
        assert pool.endpoints()[0].by_hash is False
        before = len(old.seen)
        await pool.read(await pool.head(), echo(1))
        assert len(old.seen) == before
        assert pool.last_source == new.name
