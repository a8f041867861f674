"""An engine that runs in a daemon, as a screen sees it; and how a command asks a daemon once."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Never, cast

from liqtui.config.folders import LOCK, SOCKET
from liqtui.config.lock import InstanceLock
from liqtui.core.clock import SystemClock
from liqtui.core.snapshot import Snapshot
from liqtui.engine import rowcode, wire
from liqtui.engine.handle import Loss
from liqtui.engine.news import Mirror
from liqtui.engine.thread import SILENCE, EngineThread
from liqtui.engine.wire import WireError
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from liqtui.core.clock import Clock
    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert
    from liqtui.core.wallet import Wallet
    from liqtui.engine.handle import Playback
    from liqtui.engine.history import History

AGAIN = 1.0
"""Seconds between two tries to reach a daemon that was lost."""
ANSWER = 2.0
"""Seconds that a daemon may take to greet; one that takes longer is stuck."""
BEAT = 1.0
_INSPECTED = 8
"""Positions that are sent in full besides those that a list shows: the last ones that were looked at."""
_WISHES = 100


class NoDaemon(Exception):  # noqa: N818 - an answer, not a fault
    """Nobody can be asked there. The text says why, empty where there is simply no daemon."""

    def __init__(self, why: str = "", *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused
        """There is one that is well and does not serve us."""


class RemoteEngine(EngineThread):
    """Implements `EngineHandle`. It shows the daemon's snapshots, and says so at once when there is no daemon.

    One that comes back is attached to again.
    """

    def __init__(
        self, folder: Path, hello: wire.Hello, wallets: Sequence[Wallet] = (), clock: Clock | None = None
    ) -> None:
        """`folder`: the state folder; `hello`: what `find` found there; `wallets`: what is shown at first."""
        clock = clock or SystemClock()
        super().__init__(clock, Snapshot(0, clock.now(), wallets=tuple(wallets)))
        self._folder = folder
        self.hello = hello
        """Of the daemon that is, or was last, attached to."""
        self.loss: Loss | None = None
        """Why the daemon is not there; None while it is."""
        self._history: History | None = None
        self._mirror = Mirror(hello.targets)
        self._version = 0
        self._heard = 0.0
        self._writer: asyncio.StreamWriter | None = None
        self._wishes: list[dict[str, Any]] = []
        self._inspected: tuple[str, ...] = ()
        self._listed: tuple[str, ...] | None = None
        """What a list shows; None: none has told yet."""
        self._asked: dict[int, Future[str]] = {}
        self._last_question = 0

    # -- any thread ----------------------------------------------------------------------------------------------

    @property
    def playback(self) -> Playback | None:
        return None

    def refresh(self) -> None:
        self._wish("refresh")

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        """It may wait for the next daemon, which has more to say by then."""
        self._wish("acknowledge", alert_id, self.newest_alert if newest is None else newest)

    def snooze(self, alert_id: int, seconds: float) -> None:
        self._wish("snooze", alert_id, seconds)

    def mute(self, target: str, until: float | None) -> None:
        self._wish("mute", target, until)

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self._wish("watch", wire.pack(tuple(wallets)))

    def inspect(self, position_id: str) -> None:
        """From now on this one comes in full."""
        if self._inspected[-1:] == (position_id,):
            return
        before = self._inspected
        self._inspected = (*(each for each in before if each != position_id), position_id)[-_INSPECTED:]
        if position_id not in before:
            self.tell(self._look)

    def look(self, position_ids: Sequence[str]) -> None:
        """These come in full as long as they are looked at."""
        listed = tuple(position_ids)
        if listed != self._listed:
            self._listed = listed
            self.tell(self._look)

    def resolve(self, name: str) -> Future[str]:
        answer: Future[str] = Future()

        def ask() -> None:
            if self._writer is None:
                answer.set_exception(LookupError("the daemon is not there"))
                return
            self._last_question += 1
            self._asked[self._last_question] = answer
            self._send({"wish": "resolve", "args": [name], "id": self._last_question})

        if not self.tell(ask):
            answer.set_exception(LookupError("the engine is not running"))
        return answer

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return self._read().samples(position_id, since)

    def points(self, position_id: str, since: float) -> list[Point]:
        return self._read().points(position_id, since)

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return self._read().updates(position_id, since)

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        return self._read().alerts(before, limit)

    def _read(self) -> History:
        """The daemon's own history: it is the same machine and the same person."""
        if self._history is None:
            from liqtui.engine.history import History

            self._history = History(self._folder, read_only=True)
        return self._history

    def _wish(self, name: str, *args: Any) -> None:
        message = {"wish": name, "args": list(args)}

        def send() -> None:
            if self._writer is None:  # for the next daemon
                self._wishes = [*self._wishes, message][-_WISHES:]
            else:
                self._send(message)

        self.tell(send)

    # -- the thread of this screen's loop --------------------------------------------------------------------------

    async def serve(self, ended: asyncio.Event) -> None:
        beating = asyncio.create_task(self._beat_on())
        self.up()
        try:
            while not ended.is_set():
                session = asyncio.create_task(self._session())
                end = asyncio.create_task(ended.wait())
                await asyncio.wait({session, end}, return_when=asyncio.FIRST_COMPLETED)
                end.cancel()
                session.cancel()
                (fault,) = await asyncio.gather(session, return_exceptions=True)
                if not ended.is_set():
                    self._lost(fault)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), AGAIN)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            if self._history is not None:
                self._history.close()

    async def _session(self) -> Never:
        """From the greeting until the end. Raises NoDaemon where the daemon tells why, OSError, EOFError, WireError."""
        async with asyncio.timeout(ANSWER):
            reader, writer = await asyncio.open_unix_connection(str(self._folder / SOCKET))
        try:
            async with asyncio.timeout(ANSWER):
                message = await _read(reader)
            _heed_refusal(message, self.hello.pid)
            hello, ours = wire.read_hello(message), wire.greeting()
            if wrong := wire.mismatch(hello, ours, them="the daemon", us="this screen"):
                raise NoDaemon(wrong, refused=True)
            self.hello, self._mirror = hello, Mirror(hello.targets)
            writer.write(wire.frame({"hello": ours}))
            self._writer = writer
            self._look()
            wishes, self._wishes = self._wishes, []
            for wish in wishes:
                self._send(wish)
            while True:
                async with asyncio.timeout(SILENCE):
                    message = await _read(reader)
                self._take(message)
        finally:
            self._writer = None
            writer.transport.abort()

    def _take(self, message: Any) -> None:
        """Raises NoDaemon where this is the last one."""
        _heed_refusal(message, self.hello.pid)
        match message:
            case {"news": news}:
                snapshot = self._mirror.take(news)
                if self._mirror.whole:
                    self.loss = None
                    self._tell_on(snapshot)
            case {"beat": float(at) | int(at)}:  # nothing is new, and a screen has to hear that it is so
                self._mirror.snapshot = replace(self._mirror.snapshot, at=float(at))
                self._tell_on(self._mirror.snapshot)
            case {"answer": int(number)}:
                asked = self._asked.pop(number, None)
                value: Any = cast("dict[str, Any]", message).get("value")
                if asked is not None and isinstance(value, str):
                    asked.set_result(value)
                elif asked is not None:
                    asked.set_exception(LookupError(safe(str(cast("dict[str, Any]", message).get("error")))))
            case {"end": True}:
                raise NoDaemon(f"the daemon (process {self.hello.pid}) was ended")
            case _:
                raise WireError("a message came that is none")

    def _lost(self, fault: BaseException) -> None:
        """Tell it when it is another reason than before, or others watch now."""
        for asked in self._asked.values():
            asked.set_exception(LookupError("the daemon is not there any more"))
        self._asked.clear()
        pid, watcher = self.hello.pid, InstanceLock(self._folder / LOCK).holder
        why = str(fault) if isinstance(fault, NoDaemon) else _reason(fault, pid, lives=watcher == pid)
        loss = Loss(why, watcher, isinstance(fault, NoDaemon) and fault.refused)
        if loss != self.loss:
            self.loss = loss
            self._tell_on(self._mirror.snapshot.abandoned(loss.why))

    def _tell_on(self, snapshot: Snapshot) -> None:
        """Publish, under a version of our own: those of two daemons may be the same."""
        self._version += 1
        if snapshot.version < 0:  # nothing has come yet
            snapshot = self._slot.abandoned(snapshot.engine_error)
        attached = f"attached to the daemon, process {self.hello.pid}"
        self.publish(replace(snapshot, version=self._version, notices=(*snapshot.notices, attached)))

    def _look(self) -> None:
        """Say what is looked at; until a list has told what it shows, the top of it."""
        if self._writer is not None:
            listed = self._listed or ()
            ids = list(dict.fromkeys((*self._inspected, *listed)))
            self._send({"look": ids, "top": self._listed is None})

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError, RuntimeError):  # the reading side tells of the end
                self._writer.write(wire.frame(message))

    async def _beat_on(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(BEAT)


def _reason(fault: BaseException, pid: int, patience: float = SILENCE, *, lives: bool = False) -> str:
    daemon = f"the daemon (process {pid})" if pid else "the daemon"
    if isinstance(fault, TimeoutError):
        return f"{daemon} has been silent for {patience:.0f} s"
    if isinstance(fault, WireError):
        return f"{daemon} cannot be understood: {safe(str(fault))}"
    if isinstance(fault, OSError | EOFError):
        return f"{daemon} cannot be reached" if lives else f"{daemon} is gone"
    raise fault


def _heed_refusal(message: Any, pid: int = 0) -> None:
    """Raises NoDaemon for a message that says no; it may come in the place of a greeting."""
    if isinstance(message, dict) and "refused" in message:
        why = safe(str(cast("dict[str, Any]", message)["refused"]))
        raise NoDaemon(f"the daemon{f' (process {pid})' if pid else ''} refuses: {why}", refused=True)


async def _read(reader: asyncio.StreamReader) -> Any:
    size = wire.length(await reader.readexactly(wire.HEAD), wire.LARGEST)
    return wire.message_of(await reader.readexactly(size))


# -- without a loop ------------------------------------------------------------------------------------------------


def find(folder: Path) -> wire.Hello:
    """The greeting of the daemon that holds a state folder. Raises NoDaemon."""
    with contextlib.closing(_Line(folder)) as line:
        return line.hello


def ask(folder: Path, patience: float = 30.0, names: Collection[str] = rowcode.REPORTED) -> Snapshot:
    """How things stand for the daemon now, every position with its book and the fields of these names; what else is
    read of one raises `NotHere`. Raises NoDaemon.
    """
    with contextlib.closing(_Line(folder)) as line:
        return line.ask(patience, names)


class _Line:
    """A connection to a daemon for one question. Raises NoDaemon from every method."""

    def __init__(self, folder: Path) -> None:
        if not (folder / SOCKET).exists():
            raise NoDaemon
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connection.settimeout(ANSWER)
            self._connection.connect(str(folder / SOCKET))
        except OSError:  # what a daemon left behind that was killed
            self.close()
            raise NoDaemon from None
        try:
            message = self._receive()
            _heed_refusal(message)
            self.hello = wire.read_hello(message)
        except (OSError, EOFError, WireError) as fault:
            self.close()
            raise NoDaemon(_reason(fault, 0, ANSWER)) from fault
        except NoDaemon:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def ask(self, patience: float, names: Collection[str]) -> Snapshot:
        ours = wire.greeting()
        if wrong := wire.mismatch(self.hello, ours, them="the daemon", us="this program"):
            raise NoDaemon(wrong)
        mirror = Mirror(self.hello.targets)
        try:
            self._connection.settimeout(patience)
            self._connection.sendall(wire.frame({"hello": ours, "everything": sorted(names)}))
            while not mirror.whole:
                message = self._receive()
                _heed_refusal(message)
                if "news" in message:
                    mirror.take(message["news"])
        except (OSError, EOFError, WireError) as fault:
            raise NoDaemon(_reason(fault, self.hello.pid, patience)) from fault
        return mirror.snapshot

    def _receive(self) -> dict[str, Any]:
        size = wire.length(self._exactly(wire.HEAD), wire.LARGEST)
        message = wire.message_of(self._exactly(size))
        if not isinstance(message, dict):
            raise WireError("a message came that is none")
        return cast("dict[str, Any]", message)

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            more = self._connection.recv(min(size - len(data), 2**16))
            if not more:
                raise EOFError
            data += more
        return bytes(data)
