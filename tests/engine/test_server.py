"""What a daemon's socket does with clients that are slow, old, rude or dead."""

from __future__ import annotations

import asyncio
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.config.paths import SOCKET
from liqtui.engine import client, server, wire
from liqtui.engine.server import Deps, Server
from tests.ui import scenes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / SOCKET).write_text("what a dead one left")
    made = Server(tmp_path, scenes.StubEngine(), Deps(lambda: wire.greeting(pid=1), lambda _, __: None))
    await made.open()
    yield made
    await made.close()


async def said(path: Path, data: bytes) -> Any:
    """What the server says after its greeting, until it hangs up."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    found = []
    try:
        while True:
            size = wire.length(await reader.readexactly(wire.HEAD), wire.LARGEST)
            found.append(wire.message_of(await reader.readexactly(size)))
            if "news" in found[-1]:
                break
    except (EOFError, OSError):
        pass
    writer.close()
    return found[1:]


async def test_it_is_private_and_asked_without_a_loop(serving: Server, tmp_path: Path) -> None:
    assert stat.S_IMODE(serving.path.stat().st_mode) == 0o600
    assert (await asyncio.to_thread(client.find, tmp_path)).pid == 1
    got = await asyncio.to_thread(client.ask, tmp_path)
    assert got == scenes.snapshot()


async def test_what_is_not_ours_is_refused(serving: Server) -> None:
    older = wire.frame({"hello": [0, "0.0.1"]})
    assert "liqtui 0.0.1 (protocol 0)" in (await said(serving.path, older))[0]["refused"]
    assert "refused" in (await said(serving.path, b"\xff\xff\xff\xff"))[0]
    assert "refused" in (await said(serving.path, b"\0\0\0\1{"))[0]
    good = wire.frame({"hello": wire.greeting()})
    assert "news" in (await said(serving.path, good))[0]


async def test_one_that_never_reads_is_let_go_and_holds_nobody(
    serving: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0.3)
    engine = serving.engine
    assert isinstance(engine, scenes.StubEngine)
    engine.post(scenes.snapshot(rows=scenes.many(2000)))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.setblocking(False)
        line.connect(str(serving.path))
        line.send(wire.frame({"hello": wire.greeting()}))
        async with asyncio.timeout(10):
            while not serving.screens:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert "news" in (await said(serving.path, wire.frame({"hello": wire.greeting()})))[0]
            while serving.screens:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(client.NoDaemon):
        client.find(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / SOCKET))
    with pytest.raises(client.NoDaemon):
        client.find(tmp_path)
