"""A loopback node with a scripted chain and every fault that a node shows in the field."""
# ruff: noqa: N802 - methods are named as in JSON-RPC

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqtui.chain import multicall
from liqtui.core.reads import Block, Call
from liqtui.core.sources import ChainSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MULTICALL = "0xca11bde05977b3631167028862be2a173976ca11"
ECHO = "0x" + "ec" * 20
REVERTS = "0x" + "de" * 20
BARE = "0x" + "ba" * 20
BURNS = "0x" + "b0" * 20
NOBODY = "0x" + "00" * 20
SECRET = "topsecret-key-0123456789"
GAS = 50_000_000


def block_hash(number: int, fork: str = "") -> str:
    return "0x" + hashlib.sha256(f"{number}{fork}".encode()).hexdigest()


@dataclass
class Chain:
    """Blocks by number, and contracts as functions of (call data, block)."""

    chain_id: int = 31337
    blocks: list[Block] = field(default_factory=list)
    contracts: dict[str, Callable[[bytes, Block], bytes | None]] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    multicall: str = MULTICALL

    def __post_init__(self) -> None:
        self.grow(100)
        self.contracts.setdefault(ECHO, lambda data, block: block.number.to_bytes(32, "big") + data)

    def grow(self, count: int = 1, fork: str = "") -> None:
        for _ in range(count):
            number = len(self.blocks)
            self.blocks.append(Block(number, block_hash(number, fork), 1_700_000_000 + 12 * number))

    def cut(self, number: int) -> None:
        """Forget the blocks from `number` on."""
        del self.blocks[number:]

    @property
    def head(self) -> Block:
        return self.blocks[-1]


class Refused(Exception):  # noqa: N818
    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message} | ({} if data is None else {"data": data})


@dataclass
class Reply:
    """A whole HTTP answer, whatever was asked."""

    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    length: int | None = None
    """Announced length, where it is a lie."""


def error_body(code: int, message: str, data: Any = None) -> Callable[[Any], Any]:
    """A fault that answers with a JSON-RPC error in a 200 body."""
    return lambda request: {"jsonrpc": "2.0", "id": request["id"], "error": Refused(code, message, data).error}


class Node:
    """`fault(request) -> None | Reply | JSON` decides about each HTTP request before the chain does."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.fault: Callable[[Any], Any] | None = None
        self.alter: Callable[[str, Any], Any] | None = None
        """(method, good result) → what is answered in its place."""
        self.lag = 0
        self.by_hash = True
        self.batches = True
        self.most_calls: int | None = None
        self.most_blocks: int | None = None
        self.most_gas: int | None = None
        self.burning_breaks = False
        """A call that burns all gas makes the whole request fail."""
        self.seen: list[Any] = []
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._stuck = asyncio.Event()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://user:{SECRET}@127.0.0.1:{self.port}/v2/{SECRET}?key={SECRET}"

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def name(self) -> str:
        return f"http://127.0.0.1:{self.port}/…"

    def methods(self) -> list[str]:
        """Of all requests so far; a batch is "batch"."""
        return ["batch" if isinstance(request, list) else request["method"] for request in self.seen]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        self._stuck.set()
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.gather(*self._tasks)

    # -- HTTP ------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        request = json.loads(await reader.readexactly(length))
        self.seen.append(request)
        answer = self.fault(request) if self.fault is not None else None
        if answer is None:
            answer = self._answer(request)
        if not isinstance(answer, Reply):
            answer = Reply(body=json.dumps(answer))
        if answer.drop:
            return False
        if answer.hang:
            await self._stuck.wait()
            return False
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Content-Type": "application/json", "Content-Length": str(answer.length or len(body))}
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in (headers | answer.headers).items()), "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()
        return answer.length is None

    # -- JSON-RPC --------------------------------------------------------------------------------

    def _answer(self, request: Any) -> Any:
        if isinstance(request, list):
            if not self.batches:
                return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches here"}}
            return [self._answer(each) for each in reversed(request)]  # reordered, as is legal
        base = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            result = getattr(self, "_" + request["method"])(*request["params"])
        except Refused as refused:
            return base | {"error": refused.error}
        if self.alter is not None:
            result = self.alter(request["method"], result)
        return base | {"result": result}

    @property
    def _known(self) -> list[Block]:
        return self.chain.blocks[: len(self.chain.blocks) - self.lag]

    def _eth_chainId(self) -> str:
        return hex(self.chain.chain_id)

    def _eth_getBlockByNumber(self, which: str, full: bool) -> Any:
        number = self._known[-1].number if which == "latest" else int(which, 16)
        return self._header(self._known[number]) if number < len(self._known) else None

    def _eth_getBlockByHash(self, which: str, full: bool) -> Any:
        found = next((block for block in self._known if block.hash == which), None)
        return None if found is None else self._header(found)

    def _header(self, block: Block) -> Any:
        parent = self.chain.blocks[block.number - 1].hash if block.number else "0x" + "00" * 32
        return {
            "number": hex(block.number),
            "hash": block.hash,
            "timestamp": hex(block.timestamp),
            "parentHash": parent,
        }

    def _eth_getCode(self, address: str, which: Any) -> str:
        return "0x6001" if address == self.chain.multicall or address in self.chain.contracts else "0x"

    def _pinned(self, which: Any) -> Block:
        if isinstance(which, dict):
            if not self.by_hash:
                raise Refused(-32602, "invalid argument 1: json: cannot unmarshal object into Go value of type string")
            found = next((block for block in self._known if block.hash == which["blockHash"]), None)
            if found is None:
                raise Refused(-32000, "header for hash not found")
            return found
        number = self._known[-1].number if which == "latest" else int(which, 16)
        if number >= len(self._known):
            raise Refused(-32000, "header not found")
        return self._known[number]

    def _eth_call(self, call: dict[str, str], which: Any) -> str:
        block = self._pinned(which)
        data, gas = bytes.fromhex(call["data"][2:]), int(call.get("gas", hex(GAS)), 16)
        if self.most_gas is not None and gas > self.most_gas and "gas" in call:
            raise Refused(-32000, f"gas limit is too high: {gas}")
        if call["to"] == self.chain.multicall:
            return "0x" + self._aggregate(data, block).hex()
        answer = self._run(Call(call["to"], data), block)
        if answer is None:
            raise Refused(3, "execution reverted: no", "0x")
        if isinstance(answer, Exception):
            raise Refused(-32000, "out of gas")
        return "0x" + answer.hex()

    def _run(self, call: Call, block: Block) -> bytes | Exception | None:
        if call.target == self.chain.multicall:
            if call.data[:4] == multicall.GET_BLOCK_NUMBER:
                return block.number.to_bytes(32, "big")
            return block.timestamp.to_bytes(32, "big")
        if call.target == BURNS:
            return ArithmeticError()
        if call.target in (REVERTS, BARE):
            return None
        contract = self.chain.contracts.get(call.target)
        return b"" if contract is None else contract(call.data, block)

    def _aggregate(self, data: bytes, block: Block) -> bytes:
        """As Multicall3 does it: a call that burns everything leaves nothing for those after it."""
        calls = decode_calls(data)
        if self.most_calls is not None and len(calls) > self.most_calls:
            raise Refused(-32000, "execution timeout")
        results: list[tuple[bool, bytes]] = []
        burnt = False
        for call in calls:
            answer = self._run(call, block)
            burnt = burnt or isinstance(answer, Exception)
            if burnt and self.burning_breaks:
                raise Refused(-32000, "out of gas")
            if burnt or answer is None:
                reason = ERROR_NO if call.target == REVERTS and not burnt else b""
                results.append((False, reason))
            else:
                assert isinstance(answer, bytes)
                results.append((True, answer))
        return encode_results(results)

    def _eth_getLogs(self, query: dict[str, Any]) -> Any:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if self.most_blocks is not None and last - first + 1 > self.most_blocks:
            raise Refused(-32005, f"block range is too large, max {self.most_blocks}")
        known = len(self._known)
        return [log for log in self.chain.logs if first <= int(log["blockNumber"], 16) <= min(last, known - 1)]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_eth_"):
            return lambda *params: (_ for _ in ()).throw(Refused(-32601, "the method does not exist"))
        raise AttributeError(name)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


ERROR_NO = bytes.fromhex("08c379a0") + _word(32) + _word(2) + b"no".ljust(32, b"\0")


def decode_calls(data: bytes) -> list[Call]:
    from eth_abi import decode

    assert data[:4] == multicall.AGGREGATE3
    [calls] = decode(["(address,bool,bytes)[]"], data[4:])
    assert all(allow for _, allow, _ in calls)
    return [Call(target, inner) for target, _, inner in calls]


def encode_results(results: Sequence[tuple[bool, bytes]]) -> bytes:
    from eth_abi import encode

    return encode(["(bool,bytes)[]"], [results])


def echo(count: int, start: int = 0) -> list[Call]:
    """Calls that answer (block number, their own data)."""
    return [Call(ECHO, _word(start + at)) for at in range(count)]


def echoed(block: Block, call: Call) -> bytes:
    return _word(block.number) + call.data


def spec_of(*nodes: Node, **changes: Any) -> ChainSpec:
    values = {"id": 31337, "name": "lab", "rpc": tuple(node.url for node in nodes), "timeout": 5.0}
    return ChainSpec(**(values | {"requests_per_second": 0.0} | changes))  # type: ignore[arg-type]


@asynccontextmanager
async def nodes(count: int = 1, chain: Chain | None = None):
    """Nodes of one chain."""
    shared = Chain() if chain is None else chain
    started = [Node(shared) for _ in range(count)]
    for node in started:
        await node.start()
    try:
        yield started
    finally:
        for node in started:
            await node.stop()
