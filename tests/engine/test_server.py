"""What a daemon's socket does with clients that are slow, old, rude or dead."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.cli import lines, report
from liqtui.config.folders import SOCKET
from liqtui.core.glimpse import NotHere
from liqtui.engine import client, rowcode, server, verdict, wire
from liqtui.engine.server import Deps, Server
from tests.ui import scenes
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from liqtui.core.snapshot import Row


@pytest.fixture
async def serving(tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / SOCKET).write_text("what a dead one left")
    made = Server(tmp_path, StubEngine(), Deps(lambda: wire.greeting(pid=1), lambda _, __: None))
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
    got = await asyncio.to_thread(client.ask, tmp_path, 30.0, rowcode.ALL)
    assert got == scenes.snapshot()


async def test_its_greeting_carries_the_verdict(serving: Server) -> None:
    assert await asyncio.to_thread(verdict.ask, str(serving.path), 30.0) == verdict.of(scenes.snapshot())


@contextlib.contextmanager
def answering(path: Path, said: bytes) -> Iterator[None]:
    """A socket that says this to the one who comes, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            with listening.accept()[0] as line:
                line.sendall(said)

        with ThreadPoolExecutor() as pool:
            pool.submit(serve)
            yield


@pytest.mark.parametrize(
    "said", [b"", b"\0\0", b"HTTP/1.1 200 OK\r\n\r\n", b"\0\0\0\0", b"\0\0\0\x02{]", b"\0\0\0\x05[1,"]
)
def test_what_is_no_daemon_gives_no_verdict(said: bytes, tmp_path: Path) -> None:
    with answering(tmp_path / "s", said), pytest.raises(OSError, match=r"no daemon of liqtui") as caught:
        verdict.ask(str(tmp_path / "s"), 30.0)
    assert not isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize(
    "greeting", ["[]", "{}", '{"verdict": 3}', '{"verdict": {"schema": 99}}', '{"refused": "full"}']
)
def test_a_daemon_of_another_build_may_tell_none(greeting: str, tmp_path: Path) -> None:
    with answering(tmp_path / "s", len(greeting).to_bytes(4, "big") + greeting.encode()):
        assert verdict.ask(str(tmp_path / "s"), 30.0) is None


def test_a_daemon_that_does_not_greet_is_told_from_none(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(ConnectionRefusedError):
            verdict.ask(str(tmp_path / "s"), 30.0)
        listening.listen()
        with pytest.raises(TimeoutError):
            verdict.ask(str(tmp_path / "s"), 0.01)


async def test_a_command_is_sent_what_it_prints(serving: Server, tmp_path: Path) -> None:
    shown = scenes.snapshot()
    got = await asyncio.to_thread(client.ask, tmp_path)
    assert report.as_json(got) == report.as_json(shown)
    listed = await asyncio.to_thread(client.ask, tmp_path, 30.0, frozenset({"legs", "feeds"}))
    for found in (got, listed):
        assert lines.table(found.rows) == lines.table(shown.rows)
        assert lines.verdict(found) == lines.verdict(shown)
        with pytest.raises(NotHere):
            found.rows[0].position.facts  # type: ignore[union-attr]  # noqa: B018
    with pytest.raises(NotHere):
        listed.rows[0].position.scope  # type: ignore[union-attr]  # noqa: B018
    nothing = await asyncio.to_thread(client.ask, tmp_path, 30.0, ("nonsense", "__class__"))
    assert lines.verdict(nothing) == lines.verdict(shown)


async def test_a_screen_gets_in_full_what_it_looks_at(
    serving: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "AGAIN", 0.05)
    engine = serving.engine
    assert isinstance(engine, StubEngine)
    shown = scenes.snapshot(rows=scenes.many(100))
    engine.post(shown)
    remote = client.RemoteEngine(tmp_path, wire.greeting(), shown.wallets)

    def whole() -> list[int]:
        rows = enumerate(remote.snapshot().rows)
        return [place for place, row in rows if row.position is not None and not row.position.partial]

    async def until(*places: int) -> None:
        async with asyncio.timeout(10):
            while whole() != list(places):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    remote.start()
    try:
        await until(*range(40))
        newer = replace(shown, version=2, rows=tuple(moved(row) for row in shown.rows))
        remote.look([shown.rows[70].id, shown.rows[71].id])
        await until(*range(40), 70, 71)  # what is here of these figures stays
        engine.post(newer)
        await until(70, 71)
        remote.inspect(shown.rows[99].id)
        await until(70, 71, 99)
        remote.look([shown.rows[5].id])
        await until(5, 70, 71, 99)
        engine.post(replace(newer, version=3, rows=tuple(moved(row) for row in newer.rows)))
        await until(5, 99)
        assert remote.snapshot().rows[5] == engine.snapshot().rows[5]
        await serving.close()
        await serving.open()
        engine.post(replace(engine.snapshot(), version=4))
        async with asyncio.timeout(10):
            while not remote.loss:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            while remote.loss:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        await until(5, 99)
    finally:
        await asyncio.to_thread(remote.stop)


def moved(row: Row) -> Row:
    """With figures of another block."""
    assert row.position is not None
    return replace(row, position=replace(row.position, debt_value=(row.position.debt_value or 0) + 1))


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
    assert isinstance(engine, StubEngine)
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


async def test_one_that_speaks_while_the_daemon_ends_still_hears_that_it_does(serving: Server) -> None:
    """A wish that comes to a closed socket fails, and with it all that its sender had not read."""
    reader, writer = await asyncio.open_unix_connection(str(serving.path))
    writer.write(wire.frame({"hello": wire.greeting()}))
    async with asyncio.timeout(10):
        while not serving.screens:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        closing = asyncio.create_task(serving.close())
        for _ in range(20):
            writer.write(wire.frame({"look": [], "top": True}))
            await asyncio.sleep(0.01)
        message: Any = None
        while message != {"end": True}:
            size = wire.length(await reader.readexactly(wire.HEAD), wire.LARGEST)
            message = wire.message_of(await reader.readexactly(size))
        writer.close()
        await closing


async def test_one_that_does_not_leave_is_hung_up_on(serving: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GOODBYE", 0.05)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(serving.path))
        line.send(wire.frame({"hello": wire.greeting()}))
        async with asyncio.timeout(10):
            while not serving.screens:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await serving.close()
    assert not serving.screens


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(client.NoDaemon):
        client.find(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / SOCKET))
    with pytest.raises(client.NoDaemon):
        client.find(tmp_path)
