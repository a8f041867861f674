"""The faults that nodes show in the field, for :class:`tests.lab.proxy.FaultProxy`.

with FaultProxy(node.url) as proxy:
    proxy.set(Status(429, retry_after=2, times=3), Slow(0.2))
    proxy.set(Behind(3, methods={"eth_call"}))
    proxy.set()                      # healthy again
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.lab.proxy import Dropped, Fault, FaultProxy, Json, Reply, Upstream

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Ahead",
    "Backwards",
    "Behind",
    "Body",
    "CallData",
    "CallDataCap",
    "Drop",
    "Fault",
    "FaultProxy",
    "Frozen",
    "GasCap",
    "Hang",
    "LogRangeCap",
    "MissingFromBatch",
    "NoBatches",
    "Refuse",
    "ReorderBatch",
    "ResponseCap",
    "Result",
    "Slow",
    "Status",
    "Truncated",
    "WrongId",
    "flipped_byte",
    "half_data",
    "html_page",
    "no_data",
    "unknown_method",
    "wrong_chain",
]

HASH_OF_NO_BLOCK = "0x" + "de" * 32


def rpc_error(code: int, message: str, data: Any = None) -> Json:
    """An answer for :meth:`Fault.request`."""
    return {"error": {"code": code, "message": message, **({} if data is None else {"data": data})}}


# -- the HTTP answer -------------------------------------------------------------------------------


@dataclass
class Status(Fault):
    """401, 403, 429, 500, 502, 503…"""

    status: int
    retry_after: int | str | None = None
    text: str = "upstream says no"

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return Reply(self.text.encode(), self.status, headers, "text/plain")


@dataclass
class Hang(Fault):
    """Takes the request and never answers (until the proxy closes or its faults change)."""

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        proxy.wait_for_change()
        raise Dropped


@dataclass
class Slow(Fault):
    """Answers rightly, but late."""

    seconds: float

    def body(self, reply: Reply) -> Reply:
        time.sleep(self.seconds)
        return reply


@dataclass
class Drop(Fault):
    """Closes the connection without a word."""

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        raise Dropped


@dataclass
class Body(Fault):
    """Any body with status 200: empty by default."""

    text: str = ""
    content_type: str = "application/json"

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        return Reply(self.text.encode(), 200, {}, self.content_type)


def html_page(**narrow: Any) -> Body:
    """What a captive portal or a broken gateway answers."""
    page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>\x1b[31m[bold]hi</body></html>"
    return Body(page, "text/html", **narrow)


@dataclass
class Truncated(Fault):
    """The JSON stops in the middle, with a matching Content-Length."""

    share: float = 0.6

    def body(self, reply: Reply) -> Reply:
        return Reply(reply.body[: int(len(reply.body) * self.share)], reply.status, reply.headers, reply.content_type)


@dataclass
class ResponseCap(Fault):
    """Refuses answers larger than so many bytes."""

    limit: int

    def body(self, reply: Reply) -> Reply:
        if len(reply.body) <= self.limit:
            return reply
        text = {"jsonrpc": "2.0", "id": None, **rpc_error(-32008, "Response is too big", f"Exceeded {self.limit}")}
        return Reply(json.dumps(text).encode())


# -- one JSON-RPC reply ----------------------------------------------------------------------------


@dataclass
class Refuse(Fault):
    """A JSON-RPC error object inside status 200."""

    code: int = -32005
    message: str = "rate limit exceeded"

    def request(self, call: Json, upstream: Upstream) -> Json:
        return rpc_error(self.code, self.message) if self.concerns(call) else call


def unknown_method(*methods: str) -> Refuse:
    """These methods do not exist here."""
    return Refuse(-32601, "the method does not exist/is not available", methods=frozenset(methods))


@dataclass
class WrongId(Fault):
    """The reply carries another request's id."""

    def reply(self, call: Json, reply: Json, upstream: Upstream) -> Json | None:
        return {**reply, "id": 987_654_321} if self.concerns(call) else reply


@dataclass
class Result(Fault):
    """A fixed result: null unless told otherwise."""

    value: Any = None

    def reply(self, call: Json, reply: Json, upstream: Upstream) -> Json | None:
        return {"jsonrpc": "2.0", "id": call.get("id"), "result": self.value} if self.concerns(call) else reply


def wrong_chain(chain_id: int = 1) -> Result:
    """The endpoint serves another chain."""
    return Result(hex(chain_id), methods=frozenset({"eth_chainId"}))


@dataclass
class CallData(Fault):
    """Damages what eth_call returns: ``change`` maps bytes to bytes."""

    change: Callable[[bytes], bytes]

    def reply(self, call: Json, reply: Json, upstream: Upstream) -> Json | None:
        result = reply.get("result")
        if call.get("method") != "eth_call" or not isinstance(result, str):
            return reply
        return {**reply, "result": "0x" + self.change(bytes.fromhex(result[2:])).hex()}


def flipped_byte(seed: int = 0, position: int | None = None) -> CallData:
    """One byte of every eth_call's result is inverted: at ``position``, or anywhere."""
    chance = random.Random(seed)

    def change(data: bytes) -> bytes:
        if not data:
            return data
        at = chance.randrange(len(data)) if position is None else position % len(data)
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]

    return CallData(change)


def half_data() -> CallData:
    """The second half of every eth_call's result is missing."""
    return CallData(lambda data: data[: len(data) // 2])


def no_data() -> CallData:
    """Every eth_call returns ``0x``, as if no contract were there."""
    return CallData(lambda data: b"")


# -- batches and limits ----------------------------------------------------------------------------


@dataclass
class ReorderBatch(Fault):
    """Batch replies in another order, which is legal."""

    def replies(self, replies: list[Json]) -> list[Json]:
        return replies[::-1]


@dataclass
class MissingFromBatch(Fault):
    """One reply of the batch is missing, which is not legal."""

    index: int = 0

    def replies(self, replies: list[Json]) -> list[Json]:
        return [reply for at, reply in enumerate(replies) if at != self.index % len(replies)]


@dataclass
class NoBatches(Fault):
    """Refuses JSON arrays."""

    def answer(self, calls: list[Json], batched: bool, proxy: FaultProxy) -> Reply | None:
        if not batched:
            return None
        return Reply(json.dumps({"jsonrpc": "2.0", "id": None, **rpc_error(-32600, "batch not supported")}).encode())


@dataclass
class CallDataCap(Fault):
    """Refuses an eth_call with more than so many bytes of call data."""

    limit: int

    def request(self, call: Json, upstream: Upstream) -> Json:
        if call.get("method") != "eth_call":
            return call
        sent = call["params"][0]
        size = len(sent.get("data") or sent.get("input") or "0x") // 2 - 1
        return call if size <= self.limit else rpc_error(-32602, f"call data too large: {size} > {self.limit}")


@dataclass
class GasCap(Fault):
    """Runs eth_call with at most so much gas, whatever was asked."""

    limit: int

    def request(self, call: Json, upstream: Upstream) -> Json:
        if call.get("method") != "eth_call":
            return call
        sent, *rest = call["params"]
        gas = min(self.limit, int(sent.get("gas", hex(self.limit)), 16))
        return {**call, "params": [{**sent, "gas": hex(gas)}, *rest]}


@dataclass
class LogRangeCap(Fault):
    """Refuses eth_getLogs over more than so many blocks."""

    limit: int

    def request(self, call: Json, upstream: Upstream) -> Json:
        if call.get("method") != "eth_getLogs":
            return call
        wanted = call["params"][0]
        head = int(upstream.ask("eth_blockNumber"), 16)
        first, last = (_number(wanted.get(key, "latest"), head) for key in ("fromBlock", "toBlock"))
        return call if last - first < self.limit else rpc_error(-32005, f"query exceeds max block range {self.limit}")


# -- heads -----------------------------------------------------------------------------------------


def _number(tag: str, head: int) -> int:
    if tag in {"latest", "pending", "safe", "finalized"}:
        return head
    return 0 if tag == "earliest" else int(tag, 16)


@dataclass
class Behind(Fault):
    """A node that has not seen the newest blocks: nothing above its own head exists for it."""

    blocks: int = 3

    def head(self, upstream: Upstream) -> int:
        return max(0, int(upstream.ask("eth_blockNumber"), 16) - self.blocks)

    def request(self, call: Json, upstream: Upstream) -> Json:
        method, params = call.get("method", ""), list(call.get("params") or [])
        head = self.head(upstream)
        if method == "eth_blockNumber":
            return {"result": hex(head)}
        if method == "eth_getBlockByHash":
            return {"result": None} if self._above(params[0], head, upstream) else call
        place = {"eth_getBlockByNumber": 0, "eth_call": 1, "eth_getCode": 1, "eth_getBalance": 1}.get(method)
        if place is None:
            return call
        wanted = params[place] if len(params) > place else "latest"
        if isinstance(wanted, dict) and "blockHash" in wanted:
            above = self._above(wanted["blockHash"], head, upstream)
        else:
            number = _number(wanted["blockNumber"] if isinstance(wanted, dict) else wanted, head)
            above, wanted = number > head, hex(number)
        if above:
            return {"result": None} if method == "eth_getBlockByNumber" else rpc_error(-32000, "header not found")
        params[place : place + 1] = [wanted]
        return {**call, "params": params}

    @staticmethod
    def _above(block_hash: str, head: int, upstream: Upstream) -> bool:
        block = upstream.ask("eth_getBlockByHash", block_hash, False)
        return block is None or int(block["number"], 16) > head


@dataclass
class Frozen(Behind):
    """The head stays where it was when the fault first struck."""

    at: int | None = None

    def head(self, upstream: Upstream) -> int:
        if self.at is None:
            self.at = int(upstream.ask("eth_blockNumber"), 16)
        return self.at


@dataclass
class Backwards(Behind):
    """Nodes of different heights behind one address: every second HTTP request sees an older head."""

    _turn: int = 0

    def strikes(self, calls: list[Json]) -> bool:
        self._turn += 1
        return self._turn % 2 == 0 and super().strikes(calls)


@dataclass
class Ahead(Fault):
    """Claims a head that it does not have: the block is named, reads at it fail."""

    blocks: int = 5

    def reply(self, call: Json, reply: Json, upstream: Upstream) -> Json | None:
        result = reply.get("result")
        if call.get("method") == "eth_blockNumber" and isinstance(result, str):
            return {**reply, "result": hex(int(result, 16) + self.blocks)}
        if call.get("method") == "eth_getBlockByNumber" and call["params"][0] == "latest" and isinstance(result, dict):
            number = hex(int(result["number"], 16) + self.blocks)
            return {**reply, "result": {**result, "number": number, "hash": HASH_OF_NO_BLOCK}}
        return reply
