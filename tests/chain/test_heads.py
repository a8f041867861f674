"""Head hints: they arrive, die, fall silent and come back, and never do more than hint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from liqtui.chain.heads import HeadHints
from tests.chain.node import SECRET, spec_of

Behaviour = Callable[[ServerConnection], Awaitable[None]]
HEAD = json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": {"result": {"number": "0x1"}}})


async def subscribed(socket: ServerConnection) -> None:
    request = json.loads(await socket.recv())
    assert (request["method"], request["params"]) == ("eth_subscribe", ["newHeads"])
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}))


@asynccontextmanager
async def server(*behaviours: Behaviour) -> AsyncIterator[str]:
    """Each connection behaves as the next one says, the last one for ever."""
    left = list(behaviours)

    async def handle(socket: ServerConnection) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(socket)

    async with serve(handle, "127.0.0.1", 0, close_timeout=0.1) as running:
        port = running.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/{SECRET}"


async def two_heads(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.send(HEAD)
    await socket.send(HEAD)
    await socket.wait_closed()


async def drops(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.send(HEAD)
    socket.transport.abort()


async def silent(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.wait_closed()


async def refuses(socket: ServerConnection) -> None:
    request = json.loads(await socket.recv())
    error = {"code": -32601, "message": f"no subscriptions for {SECRET}"}
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}))
    await socket.wait_closed()


async def garbage(socket: ServerConnection) -> None:
    await subscribed(socket)
    await socket.send(json.dumps([1]))
    await socket.send("no json")
    await socket.wait_closed()


class Listener:
    """Runs hints until `wanted` heads were announced; keeps each pause and what was wrong at that time."""

    def __init__(self, *urls: str, wanted: int, **options: Any) -> None:
        self.pauses: list[float] = []
        self.errors: list[str] = []
        self._enough = asyncio.Event()
        self._wanted = wanted
        self._seen = 0
        spec = spec_of(ws=urls)
        self.hints = HeadHints(spec, self._head, sleep=self._pause, **options)

    def _head(self) -> None:
        self._seen += 1
        if self._seen >= self._wanted:
            self._enough.set()

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.errors.append(self.hints.error)
        await asyncio.sleep(0)

    async def run(self) -> None:
        task = asyncio.create_task(self.hints.run())
        async with asyncio.timeout(30):
            await self._enough.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_head_is_announced() -> None:
    async with server(two_heads) as url:
        listener = Listener(url, wanted=2)
        await listener.run()
    assert (listener.hints.heads, listener.hints.error) == (2, "")
    assert listener.pauses == []


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(drops, ""), (refuses, "offers no new heads"), (garbage, "Expecting value"), (silent, "no new head for too long")],
)
async def test_after_any_trouble_it_connects_again(trouble: Behaviour, said: str) -> None:
    silence = 0.5 if trouble is silent else 20.0
    async with server(trouble, two_heads) as url:
        listener = Listener(url, wanted=2, silence=silence)
        await listener.run()
    assert said in listener.errors[0]
    assert SECRET not in "".join(listener.errors)
    assert "127.0.0.1" in listener.errors[0]


async def test_pauses_grow_and_endpoints_take_turns() -> None:
    async with server(refuses, refuses, refuses, two_heads) as url:
        dead = f"ws://127.0.0.1:1/{SECRET}"
        listener = Listener(dead, url, wanted=2)
        await listener.run()
    assert listener.pauses[:4] == [2, 4, 8, 16]
    assert len(listener.pauses) == 7
    assert ["127.0.0.1:1/" in error for error in listener.errors] == [True, False] * 3 + [True]
    assert SECRET not in "".join(listener.errors)


async def test_a_url_that_is_none_is_only_an_error() -> None:
    async with server(two_heads) as url:
        listener = Listener(f"http://127.0.0.1/{SECRET}", url, wanted=2)
        await listener.run()
    assert len(listener.errors) == 1
    assert SECRET not in listener.errors[0]


async def test_without_endpoints_there_is_nothing_to_do() -> None:
    async with asyncio.timeout(30):
        await HeadHints(spec_of(), lambda: None).run()


async def test_no_proxy_stands_between_us_and_our_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ws_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:1")
    async with server(two_heads) as url:
        listener = Listener(url, wanted=2)
        await listener.run()
    assert listener.errors == []


async def test_what_the_library_cannot_do_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind of proxy for which another package would be needed is told by ImportError."""
    monkeypatch.setenv("https_proxy", "socks5h://127.0.0.1:1")
    async with server(two_heads) as url:
        listener = Listener(f"ws://node.invalid/{SECRET}", url, wanted=2)
        await listener.run()
    assert "python-socks" in listener.errors[0]
    assert SECRET not in "".join(listener.errors)


async def test_logs_of_the_library_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with server(two_heads) as url:
        caplog.clear()
        await Listener(url, wanted=2).run()
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert SECRET not in "".join(ours)
