"""Every fault that a node shows in the field: what it is called, and that another endpoint takes over."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from httpcore import AsyncHTTPConnection

from liqtui.chain.faults import Cure, refusal
from liqtui.chain.transport import Wire, _plain
from liqtui.core.reads import ReadError
from liqtui.engine.channels.webhook import Line
from tests.chain.node import SECRET, Chain, Node, Reply, block_hash, echo, echoed, error_body, nodes, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.conftest import PoolMaker

PAGE = "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"


def good(node: Node, request: Any) -> Any:
    return node._answer(request)


def cut_json(node: Node, request: Any) -> Reply:
    return Reply(body=json.dumps(good(node, request))[:-9])


def other_id(node: Node, request: Any) -> Any:
    return good(node, request) | {"id": request["id"] + 1}


def without_result(node: Node, request: Any) -> Any:
    answer = good(node, request)
    answer.pop("result", None)
    return answer


def null_result(node: Node, request: Any) -> Any:
    return good(node, request) | {"result": None}


def half_data(node: Node, request: Any) -> Any:
    answer = good(node, request)
    if request["method"] == "eth_call":
        size = len(answer["result"]) // 2 // 64 * 64 + 2
        answer["result"] = answer["result"][:size]
    return answer


def empty_data(node: Node, request: Any) -> Any:
    return good(node, request) | ({"result": "0x"} if request["method"] == "eth_call" else {})


def no_hex(node: Node, request: Any) -> Any:
    return good(node, request) | ({"result": "0xzz"} if request["method"] == "eth_call" else {})


def other_block(node: Node, request: Any) -> Any:
    """Answers for the block before the one that was named, and does not say so."""
    if request["method"] == "eth_call":
        request = request | {"params": [request["params"][0], hex(node.chain.head.number - 1)]}
    return good(node, request)


def slow_page(node: Node, request: Any) -> Reply:
    return Reply(body=PAGE, headers={"Content-Type": "text/html"})


FAULTS: list[tuple[str, str, Callable[[Node, Any], Any]]] = [
    ("401", "http", lambda node, request: Reply(401, "no key")),
    ("403", "http", lambda node, request: Reply(403, "")),
    ("404", "http", lambda node, request: Reply(404, PAGE)),
    ("redirect", "http", lambda node, request: Reply(302, "", {"Location": "http://192.0.2.1/"})),
    ("429", "rate-limited", lambda node, request: Reply(429, "slow down", {"Retry-After": "7"})),
    ("500", "http", lambda node, request: Reply(500, "oops")),
    ("502 page", "http", lambda node, request: Reply(502, PAGE)),
    ("503", "http", lambda node, request: Reply(503, "")),
    ("504", "timeout", lambda node, request: Reply(504, PAGE)),
    ("500 with an rpc error", "http", lambda node, request: Reply(500, json.dumps(error_body(-32603, "x")(request)))),
    ("400 behind", "behind", lambda node, request: Reply(400, json.dumps(error_body(1, "unknown block")(request)))),
    ("429 in a 200", "rate-limited", lambda node, request: error_body(429, "Too many requests")(request)),
    ("-32005 in a 200", "rate-limited", lambda node, request: error_body(-32005, "limit exceeded")(request)),
    ("capacity in a 200", "rate-limited", lambda node, request: error_body(1, "exceeded its compute units")(request)),
    ("rpc error", "rpc", lambda node, request: error_body(-32603, "internal error")(request)),
    ("unknown method", "rpc", lambda node, request: error_body(-32601, "method not found")(request)),
    ("error without a shape", "malformed", lambda node, request: {"id": request["id"], "error": "no"}),
    ("behind", "behind", lambda node, request: error_body(-32000, "missing trie node 00ff")(request)),
    ("dropped", "http", lambda node, request: Reply(drop=True)),
    ("cut body", "http", lambda node, request: Reply(body="{", length=500)),
    ("empty body", "malformed", lambda node, request: Reply(body="")),
    ("page", "malformed", slow_page),
    ("truncated json", "malformed", cut_json),
    ("no json", "malformed", lambda node, request: Reply(body=b"\xff\xfe\x00")),
    ("deep json", "malformed", lambda node, request: Reply(body="[" * 200_000)),
    ("a list", "malformed", lambda node, request: [good(node, request)]),
    ("other id", "malformed", other_id),
    ("no result", "malformed", without_result),
    ("null result", "malformed", null_result),
    ("half the data", "malformed", half_data),
    ("0x", "malformed", empty_data),
    ("no hex", "malformed", no_hex),
    ("other block", "malformed", other_block),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "fault"), [entry[1:] for entry in FAULTS], ids=[entry[0] for entry in FAULTS])
async def test_each_fault_has_its_name_and_another_endpoint_takes_over(
    make_pool: PoolMaker, kind: str, fault: Callable[[Node, Any], Any]
) -> None:
    async with nodes(2) as [bad, well]:
        pool = make_pool(spec_of(bad, well), cross_check_every=0)
        block = await pool.head()
        await pool.read(block, echo(4))  # the bad one was good until now
        bad.fault = lambda request: fault(bad, request)
        assert await pool.read(block, echo(4)) == [echoed(block, call) for call in echo(4)]
        assert pool.last_source == well.name
        status = pool.endpoints()[0]
        assert status.error.startswith(f"{kind}:")
        assert SECRET not in status.error
        assert (status.healthy, status.failures) == (False, 1)
        assert pool.counts() == (1, 2)

        alone = make_pool(spec_of(bad))
        with pytest.raises(ReadError) as caught:
            await alone.read(await alone.head(), echo(4))
        assert caught.value.kind == kind


async def test_a_node_that_hangs_costs_one_timeout_and_no_more(make_pool: PoolMaker) -> None:
    async with nodes(2) as [bad, well]:
        bad.fault = lambda request: Reply(hang=True)
        pool = make_pool(spec_of(bad, well, timeout=0.5))  # the other has to answer within it, too
        assert await pool.head() == well.chain.head
        assert pool.endpoints()[0].error.startswith("timeout:")
        assert len(bad.seen) == 1


async def test_a_round_ends_within_its_deadline_whatever_hangs(make_pool: PoolMaker) -> None:
    async with nodes(3) as all_three:
        for node in all_three:
            node.fault = lambda request: Reply(hang=True)
        pool = make_pool(spec_of(*all_three, timeout=60.0), round_timeout=0.05)
        async with asyncio.timeout(30):
            with pytest.raises(ReadError) as caught:
                await pool.read(all_three[0].chain.head, echo(3))
        assert caught.value.kind == "timeout"


async def test_an_answer_without_end_is_not_swallowed(make_pool: PoolMaker) -> None:
    async with nodes(2) as [bad, well]:
        bomb = gzip.compress(b" " * 10_000_000)
        bad.fault = lambda request: Reply(body=bomb, headers={"Content-Encoding": "gzip"})
        pool = make_pool(spec_of(bad, well), max_answer=100_000)
        assert await pool.head() == well.chain.head
        assert "more than 100,000 bytes" in pool.endpoints()[0].error


async def test_nobody_listens(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        spec = spec_of(node)
    pool = make_pool(spec)
    with pytest.raises(ReadError) as caught:
        await pool.head()
    assert caught.value.kind == "http"


async def test_a_url_that_is_none_is_a_fault_and_shows_no_secret(make_pool: PoolMaker) -> None:
    pool = make_pool(spec_of(rpc=(f"http://[{SECRET}/x", f"ftp://node.example/{SECRET}")))
    with pytest.raises(ReadError) as caught:
        await pool.head()
    assert caught.value.kind == "http"
    assert SECRET not in str(caught.value) + repr(pool.endpoints())


async def test_a_connection_that_the_node_closed_meanwhile_is_no_fault(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        await pool.head()
        answers = iter([Reply(drop=True)])
        node.fault = lambda request: next(answers, None)
        node.chain.grow()
        assert await pool.head() == node.chain.head
        assert pool.endpoints()[0].error == ""


# -- batches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [lambda answers: answers[1:], lambda answers: answers + answers[:1],
     lambda answers: [*answers[1:], {"id": 999, "result": "0x"}], lambda answers: [*answers[1:], "x"]],
    ids=["missing", "twice", "foreign", "no object"],
)  # fmt: skip
async def test_a_batch_with_a_bad_element_is_not_believed(make_pool: PoolMaker, damage: Callable[[Any], Any]) -> None:
    async with nodes(chain=Chain(multicall="0x" + "11" * 20)) as [node]:
        node.fault = lambda request: damage(node._answer(request)) if isinstance(request, list) else None
        wire = Wire(node.url, timeout=5.0)
        with pytest.raises(ReadError) as caught:
            await wire.batch([("eth_chainId", []), ("eth_chainId", [])])
        await wire.close()
        assert caught.value.kind == "malformed"
        pool = make_pool(spec_of(node))
        block = await pool.head()
        assert await pool.read(block, echo(3)) == [echoed(block, call) for call in echo(3)]  # one by one


async def test_one_rate_limited_element_of_a_batch_is_no_result(make_pool: PoolMaker) -> None:
    async with nodes(chain=Chain(multicall="0x" + "11" * 20)) as [node]:
        pool = make_pool(spec_of(node))
        block = await pool.head()

        def one_limited(request: Any) -> Any:
            if not isinstance(request, list):
                return None
            return [error_body(429, "too many requests")(request[0]), *(node._answer(each) for each in request[1:])]

        node.fault = one_limited
        with pytest.raises(ReadError) as caught:
            await pool.read(block, echo(3))
        assert caught.value.kind == "rate-limited"


# -- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message", "kind", "cure"),
    [
        (3, "execution reverted", "rpc", Cure.NONE),
        (-32000, "VM Exception while processing transaction: revert", "rpc", Cure.NONE),
        (-32000, "header for hash not found", "behind", Cure.ELSEWHERE),
        (-32000, "hash 0x12 is not currently canonical", "behind", Cure.ELSEWHERE),
        (-32001, "resource not found", "behind", Cure.ELSEWHERE),
        (-32005, "query returned more than 10000 results", "rpc", Cure.SMALLER),
        (-32600, "block range is too wide", "rpc", Cure.SMALLER),
        (-32000, "out of gas", "rpc", Cure.SMALLER),
        (-32000, "execution timeout", "rpc", Cure.SMALLER),
        (-32005, "daily request count exceeded, request rate limited", "rate-limited", Cure.WAIT),
        (-32007, "50/second request limit reached", "rate-limited", Cure.WAIT),
        (-32000, "gas limit is too high", "rpc", Cure.WITHOUT_GAS),
        (-32602, "invalid params", "rpc", Cure.OTHER_PIN),
        (-32601, "the method eth_call does not exist", "rpc", Cure.ELSEWHERE),
        (None, "", "rpc", Cure.ELSEWHERE),
    ],
)  # fmt: skip
def test_what_nodes_say_and_what_helps(code: int | None, message: str, kind: str, cure: Cure) -> None:
    fault = refusal({"code": code, "message": message})
    assert (fault.kind, fault.cure) == (kind, cure)


def test_hostile_words_are_cleaned_and_bounded() -> None:
    text = str(refusal({"code": 1, "message": "\x1b[31m" + "x\u202e" * 5000 + " https://u:p@h.example/KEY"}))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 200


@pytest.mark.parametrize("data", ["0x1234", {"data": "0x1234"}, "Reverted 0x1234"])
def test_revert_data_is_found_wherever_a_node_puts_it(data: Any) -> None:
    assert refusal({"code": 3, "message": "execution reverted", "data": data}).data == b"\x12\x34"


async def test_a_frozen_head_is_the_same_head(make_pool: PoolMaker) -> None:
    async with nodes() as [node]:
        pool = make_pool(spec_of(node))
        assert await pool.head() == await pool.head() == (99, block_hash(99), node.chain.head.timestamp)


async def test_requests_that_are_cut_off_leave_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before httpcore has begun with one on its connection, it takes it for one that goes on for ever."""
    begin, held = AsyncHTTPConnection.handle_async_request, True

    async def hold(*args: Any) -> Any:
        if held:
            await asyncio.Event().wait()
        return await begin(*args)

    monkeypatch.setattr(AsyncHTTPConnection, "handle_async_request", hold)
    async with nodes() as [node]:
        wire, line = Wire(node.url, timeout=5.0), Line(f"http://127.0.0.1:{node.port}/", 5.0)
        for _ in range(3):
            asked = [wire.call("eth_chainId", [], within=0.02) for _ in range(8)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert all("no answer" in str(answer) for answer in answers)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await line.request("POST", b"{}")
        held = False
        assert await asyncio.gather(*(wire.call("eth_chainId", []) for _ in range(8))) == ["0x7a69"] * 8
        node.fault = lambda request: Reply(200)
        async with asyncio.timeout(5.0):
            await line.request("POST", b"{}")
        await wire.close()
        await line.close()


def test_a_number_of_the_system_is_not_shown() -> None:
    assert _plain(OSError(-2, "Name or service not known")) == "Name or service not known"
    assert _plain(OSError("closed")) == "closed"
    assert _plain(TimeoutError()) == "TimeoutError"
