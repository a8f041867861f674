"""Why a daemon does not answer a screen, as the screen tells it: by a real socket and a real lock."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from liqtui.config.folders import LOCK, SOCKET
from liqtui.config.lock import InstanceLock
from liqtui.engine import client, server, wire
from liqtui.engine.client import NoDaemon, RemoteEngine
from liqtui.engine.handle import Loss
from liqtui.engine.server import Deps, Server
from tests.engine.seen import PATIENCE, Seen
from tests.ui.stub import StubEngine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ME = os.getpid()
WHO = f"the daemon (process {ME})"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "AGAIN", 0.02)


class Place:
    """A state folder with a daemon in it, as far as a screen can see."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = InstanceLock(folder / LOCK)
        self.hello = wire.greeting(pid=ME)
        self.server = Server(folder, StubEngine(), Deps(lambda: self.hello, lambda _, __: None))
        self.screens: list[RemoteEngine] = []

    def screen(self) -> RemoteEngine:
        made = RemoteEngine(self.folder, self.hello)
        self.screens.append(made)
        self.seen = Seen(made)
        made.start()
        return made

    async def until(self, wanted: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not wanted():  # noqa: ASYNC110 - it lies in another thread
                await asyncio.sleep(0.005)

    async def lost(self, screen: RemoteEngine, loss: Loss) -> None:
        async with asyncio.timeout(PATIENCE):
            while screen.loss != loss or screen.snapshot().engine_error != loss.why:  # noqa: ASYNC110 - in its thread
                await asyncio.sleep(0.005)
        assert not any(row.trusted or row.ages.fetch is not None for row in screen.snapshot().rows)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    assert made.lock.acquire()
    await made.server.open()
    yield made
    for screen in made.screens:
        await asyncio.to_thread(screen.stop)
    await made.server.close()
    made.lock.release()


async def attached(place: Place) -> RemoteEngine:
    screen = place.screen()
    await place.until(lambda: screen.snapshot().rows)
    assert screen.loss is None
    return screen


async def test_one_that_ends_holds_its_folder_until_all_is_written(place: Place) -> None:
    screen = await attached(place)
    await place.server.close()
    await place.until(lambda: screen.loss)
    assert screen.loss is not None
    assert screen.loss.watcher == ME
    place.lock.release()
    await place.lost(screen, Loss(f"{WHO} is gone"))
    assert screen.snapshot().rows, "what it said last stays, and is said to be old"


async def test_its_word_for_the_end_comes_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "AGAIN", PATIENCE)
    screen = await attached(place)
    await place.server.close()
    await place.lost(screen, Loss(f"{WHO} was ended", ME))


async def test_one_that_lives_and_cannot_be_reached_is_not_said_to_be_gone(place: Place) -> None:
    screen = await attached(place)
    place.server.path.unlink()
    for one in tuple(place.server._clients):
        one._writer.transport.abort()
    await place.lost(screen, Loss(f"{WHO} cannot be reached", ME))


async def test_another_process_in_its_place_is_named(place: Place) -> None:
    screen = await attached(place)
    (place.folder / LOCK).write_text("5000\n")
    await place.server.close()
    await place.lost(screen, Loss(f"{WHO} is gone", 5000))


async def test_one_that_has_screens_enough_refuses_and_takes_it_again_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLIENTS", 1)
    first = await attached(place)
    second = place.screen()
    await place.lost(second, Loss(f"{WHO} refuses: 1 screens are attached already", ME, refused=True))
    assert first.loss is None
    with pytest.raises(NoDaemon, match="the daemon refuses: 1 screens") as refused:
        await asyncio.to_thread(client.find, place.folder)
    assert refused.value.refused
    await asyncio.to_thread(first.stop)
    await place.until(lambda: second.loss is None and second.snapshot().rows)


async def test_another_version_refuses(place: Place) -> None:
    place.hello = place.hello._replace(program="0.0.9", protocol=0)
    screen = place.screen()
    await place.until(lambda: screen.loss)
    assert screen.loss is not None
    assert screen.loss.refused
    assert screen.loss.why.startswith("the daemon is liqtui 0.0.9 (protocol 0), this screen is liqtui ")


async def test_another_user_refuses(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.os, "getuid", lambda: 4321)
    screen = place.screen()
    user = os.geteuid()
    why = f"{WHO} refuses: the daemon belongs to user 4321, you are user {user}"
    await place.lost(screen, Loss(why, ME, refused=True))


async def test_one_that_is_stuck_is_silent(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SILENCE", 0.05)
    monkeypatch.setattr(server, "PULSE", PATIENCE)
    screen = await attached_or_lost(place)
    await place.until(lambda: screen.loss)
    assert screen.loss == Loss(f"{WHO} has been silent for 10 s", ME), "as long as it is patient by default"


async def attached_or_lost(place: Place) -> RemoteEngine:
    screen = place.screen()
    await place.until(lambda: screen.snapshot().version > 0)
    return screen


async def test_what_speaks_another_language_is_not_understood(tmp_path: Path) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    lock = InstanceLock(tmp_path / LOCK)
    assert lock.acquire()
    listening = await asyncio.start_unix_server(babble, tmp_path / SOCKET)
    screen = RemoteEngine(tmp_path, wire.greeting(pid=ME))
    screen.start()
    async with asyncio.timeout(PATIENCE):
        while screen.loss is None:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert "cannot be understood" in screen.loss.why
    assert screen.loss.watcher == ME
    assert not screen.loss.refused
    await asyncio.to_thread(screen.stop)
    listening.close()
    lock.release()
