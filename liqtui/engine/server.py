"""The socket of a daemon: greets screens, sends each what it lacks, takes their wishes.

It runs in a loop that is not the engine's, so whatever happens here holds no engine. A client has one task that
writes: it sends one difference at a time and makes the next when that has left, so a slow client skips versions and
no buffer grows. One that takes nothing for `PATIENCE` seconds is let go.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.config.folders import SOCKET
from liqtui.config.paths import private_dir
from liqtui.core.wallet import Wallet
from liqtui.engine import rowcode, verdict, wire
from liqtui.engine.news import Ledger, Press
from liqtui.engine.wire import WireError
from liqtui.engine.words import safe, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from liqtui.engine.handle import EngineHandle

PULSE = 2.0
"""Seconds after which a client hears something, even if nothing is new."""
PATIENCE = 10.0
"""Seconds that a client may take to read what it was sent, and to greet."""
GOODBYE = 4.0
"""Seconds that a client may take to leave when the daemon ends."""
CLIENTS = 32
ANSWERS = 64
"""Questions, and answers to them, that may wait for one client; one with more is let go."""
LOOKED_AT = 512
"""Positions that one client may look at; more are cut."""
_ID = 400


class Refusal(Exception):  # noqa: N818 - what a client is told
    """Why a client is not served, in a sentence."""


class Deps(NamedTuple):
    """What a server hands wishes to."""

    greet: Callable[[], wire.Hello]
    log: Callable[[str, dict[str, Any]], None]
    """Event and its fields."""


class Server:
    """All methods in the loop that `open` was called in."""

    def __init__(self, folder: Path, engine: EngineHandle, deps: Deps) -> None:
        """`folder`: the state folder, whose lock the caller holds: a socket that lies there is a dead one's."""
        self.path = folder / SOCKET
        self._deps = deps
        self._press = Press()
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], None] | None = None
        self.engine = engine

    @property
    def screens(self) -> int:
        return sum(client.greeted for client in self._clients)

    async def open(self) -> None:
        """Listen. Raises OSError where no socket can be made."""
        self._loop = asyncio.get_running_loop()
        private_dir(self.path.parent)
        self.path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            before = os.umask(0o177)  # it is never, not even for a moment, open to others
            try:
                listening.bind(str(self.path))
            finally:
                os.umask(before)
            listening.listen(CLIENTS)
            self._server = await asyncio.start_unix_server(self._met, sock=listening)
        except BaseException:
            listening.close()
            raise
        self.use(self.engine)

    def use(self, engine: EngineHandle) -> None:
        """From now on this engine is shown and told."""
        loop = self._loop
        if self._end is not None:
            self._end()
        self.engine = engine

        def heard(_: int) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                if loop is not None:
                    loop.call_soon_threadsafe(self._wake)

        self._end = engine.subscribe(heard)
        self._wake()

    def _wake(self) -> None:
        for client in self._clients:
            client.news.set()

    async def close(self) -> None:
        if self._end is not None:
            self._end()
            self._end = None
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)
            self._server = None
        for client in tuple(self._clients):
            client.let_go()
        for task in await self._left(GOODBYE):
            task.cancel()
        await self._left(GOODBYE)

    async def _left(self, patience: float) -> set[asyncio.Task[None]]:
        """Wait until the clients have left; gives the tasks of those that have not."""
        tasks = [client.task for client in self._clients if client.task is not None]
        return (await asyncio.wait(tasks, timeout=patience))[1] if tasks else set()

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, reader, writer)
        client.task = asyncio.current_task()
        self._clients.add(client)
        try:
            why = await client.serve(self._deps)
        except (OSError, EOFError, asyncio.CancelledError):
            why = "it left"
        except (WireError, Refusal) as fault:
            why = str(fault)
            await client.refuse(why)
        except Exception as fault:  # noqa: BLE001 - one screen in trouble must not end the others
            why = words(fault)
        finally:
            self._clients.discard(client)
            if not self._clients:
                self._press = Press()  # what it keeps is of no use until somebody comes
            with contextlib.suppress(AttributeError):  # of a transport that is closed already
                writer.transport.abort()
        if client.greeted:
            self._deps.log("screen left", {"process": client.pid, "why": why, "screens": self.screens})
        elif why != "it left":
            self._deps.log("screen refused", {"process": client.pid, "why": why})

    def tell(self, client: _Client, message: dict[str, Any]) -> None:
        """Do what a client wishes. Raises WireError for what no client of this version sends."""
        match message:
            case {"look": [*ids], "top": bool(top)}:
                client.ledger.looked_at = frozenset(_text(one, _ID) for one in ids[:LOOKED_AT])
                client.ledger.top = top
                client.news.set()
            case {"wish": str(name), "args": [*args]}:
                self._wish(client, name, args, message.get("id"))
            case _:
                raise WireError("a wish came that is none")

    def _wish(self, client: _Client, name: str, args: list[Any], number: Any) -> None:
        engine = self.engine
        match name, args:
            case "refresh", []:
                engine.refresh()
            case "acknowledge", [None | int() as alert, int() as newest]:
                engine.acknowledge(alert, newest)
            case "snooze", [int() as alert, int() | float() as seconds]:
                engine.snooze(alert, float(seconds))
            case "mute", [str() as target, (None | int() | float()) as until]:
                engine.mute(_text(target, _ID), until)
            case "watch", [wallets]:
                found: Any = wire.unpack(wallets)
                if not isinstance(found, tuple) or not all(isinstance(w, Wallet) for w in cast("tuple[Any]", found)):
                    raise WireError("a watchlist came that is none")
                engine.watch(cast("tuple[Wallet, ...]", found))
            case "resolve", [str() as text] if isinstance(number, int):
                self._resolve(client, _text(text, _ID), number)
                return
            case _:
                raise WireError("a wish came that is none")
        self._deps.log("wish", {"wish": name, "process": client.pid})

    def _resolve(self, client: _Client, text: str, number: int) -> None:
        if client.asked >= ANSWERS:
            raise WireError(f"{ANSWERS} names are being looked up")
        client.asked += 1
        asked = asyncio.wrap_future(self.engine.resolve(text))

        def answered(done: asyncio.Future[str]) -> None:
            client.asked -= 1
            if done.cancelled():
                told = {"error": "it was given up"}
            elif (fault := done.exception()) is not None:
                told = {"error": str(fault) if isinstance(fault, LookupError) else words(fault)}
            else:
                told = {"value": done.result()}
            client.answer({"answer": number, **told})

        asked.add_done_callback(answered)


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise WireError("a wish came that is none")
    return value


class _Client:
    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._answers: list[dict[str, Any]] = []
        self.ledger = Ledger(server._press)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] (one module's two halves)
        self.news = asyncio.Event()
        self.greeted = self._ending = False
        self.asked = 0
        self.pid = 0
        self.task: asyncio.Task[None] | None = None
        writer.transport.set_write_buffer_limits(0)  # `drain` waits until all has left

    def let_go(self) -> None:
        """Say that this is the end. The client hangs up: if we did, a wish of its own could fail before it reads."""
        self._ending = True
        self.news.set()
        if not self.greeted and self.task is not None:
            self.task.cancel()

    def answer(self, message: dict[str, Any]) -> None:
        self._answers.append(message)
        self.news.set()

    async def refuse(self, why: str) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            await self._send({"refused": safe(why)}, patience=1.0)

    async def serve(self, deps: Deps) -> str:
        """Until one of the two ends it; returns why, in words."""
        self._know_peer()
        if len(self._server._clients) > CLIENTS:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            raise Refusal(f"{CLIENTS} screens are attached already")
        ours = deps.greet()
        said = verdict.plain(verdict.of(self._server.engine.snapshot()))
        await self._send({"hello": ours._replace(screens=self._server.screens), verdict.GREETING: said})
        async with asyncio.timeout(PATIENCE):
            message = await self._read()
        theirs = wire.read_hello(message)
        if wrong := wire.mismatch(theirs, ours, them="the screen", us="the daemon"):
            raise Refusal(wrong)
        names = message.get("everything")
        if isinstance(names, list):
            self.ledger.everything = True
            self.ledger.names = frozenset(filter(rowcode.ALL.__contains__, map(str, cast("list[Any]", names))))
        self.greeted = True
        deps.log("screen attached", {"process": self.pid, "screens": self._server.screens})
        writing = asyncio.create_task(self._write_on())
        reading = asyncio.create_task(self._read_on())
        try:
            done, _ = await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except TimeoutError:
            return f"it has taken nothing for {PATIENCE:.0f} s"
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        return "it left"

    def _know_peer(self) -> None:
        """Where the system tells who is at the other end, it has to be the same person."""
        option = getattr(socket, "SO_PEERCRED", None)
        if option is None:
            return
        told = self._writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
        self.pid, uid, _ = struct.unpack("3i", told)
        if uid != os.getuid():
            raise Refusal(f"the daemon belongs to user {os.getuid()}, you are user {uid}")

    async def _write_on(self) -> None:
        while not self._ending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), PULSE)
            self.news.clear()
            answers, self._answers = self._answers, []
            for answer in answers:
                await self._send(answer)
            more = True
            while more and not self._ending:
                snapshot = self._server.engine.snapshot()
                news = self.ledger.news(snapshot)
                more = news is not None and "more" in news
                await self._send({"beat": snapshot.at} if news is None else {"news": news})
        await self._send({"end": True})
        await asyncio.get_running_loop().create_future()  # until it hangs up, or is hung up on

    async def _read_on(self) -> None:
        while True:
            message = await self._read()
            if not isinstance(message, dict):
                raise WireError("a wish came that is none")
            if len(self._answers) > ANSWERS:
                raise WireError(f"{ANSWERS} answers wait to be read")
            self._server.tell(self, cast("dict[str, Any]", message))

    async def _send(self, message: Any, *, patience: float | None = None) -> None:
        """Raises TimeoutError when it is not read in time."""
        self._writer.write(wire.frame(message))
        async with asyncio.timeout(PATIENCE if patience is None else patience):
            await self._writer.drain()

    async def _read(self) -> Any:
        size = wire.length(await self._reader.readexactly(wire.HEAD), wire.LARGEST_WISH)
        return wire.message_of(await self._reader.readexactly(size))
