"""`liqtui daemon`: the engine without a screen, a socket for screens, a log, and signals. See docs/daemon.md."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from liqtui.cli.journal import Journal
from liqtui.cli.logs import Log, form_for, secrets, take_in_libraries
from liqtui.cli.systemd import Notifier
from liqtui.config.errors import ConfigError, WatchlistError

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.cli.arguments import Arguments
    from liqtui.cli.session import Session
    from liqtui.config.lock import InstanceLock
    from liqtui.core.snapshot import Snapshot
    from liqtui.engine.live import LiveEngine
    from liqtui.engine.setup import Setup

EXIT_TAKEN, EXIT_SOFTWARE = 75, 70
STEP = 1.0
"""Seconds between two looks at everything that calls nobody."""
FILES = 2.0
"""Seconds between two looks whether files were changed."""
SOCKET_AGAIN = 30.0
RESTART, RESTART_MAX = 1.0, 60.0
"""Seconds before an engine that died is replaced: doubled each time, up to the second."""
UP = 10.0
"""Seconds that a new engine may take until it takes wishes."""
BROKEN = "the configuration before it holds"
CONFIGURATION, WATCHLIST = "daemon configuration", "daemon watchlist"
"""Titles of the alerts."""


def run(args: Arguments) -> int:
    """0 after a polite end; 70 after a fault of the program, 75 when another liqtui has the state folder, 78 when the
    configuration is wrong.
    """
    from liqtui.cli.session import begin
    from liqtui.config.lock import InstanceLock

    session = begin(args)
    lock = InstanceLock(session.paths.lock)
    if not lock.acquire():
        whose = f"process {lock.holder}" if lock.holder else "another process"
        print(f"liqtui: {whose} is watching already and writes to {session.paths.state}", file=sys.stderr)
        return EXIT_TAKEN
    log = Log(sys.stderr, form_for(sys.stderr, args.log), "debug" if args.verbose else "info")
    take_in_libraries(log)
    try:
        return asyncio.run(Daemon(lambda: begin(args), session, lock, log).run())
    finally:
        log.close()
        lock.release()


class Daemon:
    """Everything here runs in the main thread's loop; the engine has a thread and a loop of its own."""

    def __init__(self, begin: Callable[[], Session], session: Session, lock: InstanceLock, log: Log) -> None:
        """`begin` reads configuration and watchlist again."""
        from liqtui.engine.server import Deps, Server

        self._begin = begin
        self._session = session
        self._setup = session.setup()
        self._lock = lock
        self._log = log
        self._notify = Notifier(os.environ)
        self._journal = Journal(log)
        self._told: LiveEngine | None = None
        self._digest = session.digest()
        self._started = time.time()
        self._engine = self._make(self._setup)
        self._server = Server(session.paths.state, self._engine, Deps(self._greet, self._said))
        self._woken = asyncio.Event()
        self._ended = ""
        self._hup = False
        self._ready = False
        self._told_status = ""
        self._next: dict[str, float] = {}
        self._delay = RESTART
        self._died_at = 0.0
        self._engine_at = time.monotonic()
        self._list_fault = ""
        self._reports: dict[str, str] = {}
        """Texts of alerts about the program around the engine that stand, by their titles; they outlive it, too."""
        self._remarks: dict[str, str] = {}
        """Standing ones about the program around the engine; they outlive it."""

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fault)
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._end, name.name)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)
        self._start(self._engine)
        self._log.info(
            "started",
            pid=os.getpid(),
            wallets=len(self._setup.wallets),
            chains=",".join(chain.name for chain in self._setup.chains),
            config=self._session.paths.config,
            state=self._session.paths.state,
        )
        failed = False
        try:
            await self._listen()
            while not self._ended:
                await self._step()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), STEP)
                self._woken.clear()
        except Exception as fault:  # noqa: BLE001 - told in the log, where it is redacted, and restarted by who started this
            failed = True
            self._log.error("fault", text=_where(fault), then="the daemon ends")
        finally:
            self._notify.stopping()
            self._log.info("ending", why=self._ended or "a fault of the program")
            await self._server.close()
            await asyncio.to_thread(self._engine.stop)
            self._write_down()
        stuck = self._engine.alive
        self._log.info("ended", **({"why": "the engine is stuck"} if stuck else {}))
        return EXIT_SOFTWARE if stuck or failed else 0

    # -- what comes from outside -----------------------------------------------------------------------------------

    def _end(self, why: str) -> None:
        self._ended = why
        self._woken.set()

    def _reload_soon(self) -> None:
        self._hup = True
        self._woken.set()

    def _fault(self, _: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        fault = told.get("exception")
        self._log.error("fault", text=f"{told.get('message')}: {type(fault).__name__}: {fault}")

    def _said(self, event: str, fields: dict[str, Any]) -> None:
        self._log.info(event, **fields)

    def _greet(self) -> Any:
        from liqtui.engine import wire

        paths = self._session.paths
        return wire.greeting(
            pid=os.getpid(),
            started=self._started,
            config=str(paths.config),
            watchlist=str(paths.watchlist),
            digest=self._digest,
            targets=self._setup.targets,
        )

    # -- once a second, and whenever something happens ---------------------------------------------------------------

    async def _step(self) -> None:
        if self._hup:
            self._hup = False
            await self._reload()
        if self._due("files", FILES):
            self._look_at_watchlist()
            self._look_at_config()
        await self._mind_engine()
        if not self._server.path.exists() and self._due("socket", SOCKET_AGAIN):
            await self._server.close()
            await self._listen()
        snapshot = self._write_down()
        if not self._ready and self._engine.up_already:
            self._ready = True
            self._notify.ready()
        status = self._journal.status(snapshot, self._server.screens)
        if status != self._told_status:
            self._told_status = status
            self._notify.status(self._log.safe(status))
        if self._notify.watchdog and not self._engine.trouble and self._due("watchdog", self._notify.watchdog / 4):
            self._notify.alive()

    def _write_down(self) -> Snapshot:
        """What the engine says goes into the log."""
        snapshot, after = self._engine.snapshot(), self._engine.begun_after
        if self._told is not self._engine and after is not None:
            self._told = self._engine
            self._journal.begins(after)
        self._journal.tell(snapshot)
        return snapshot

    def _due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._next.get(what, 0.0):
            return False
        self._next[what] = now + every
        return True

    async def _listen(self) -> None:
        """Screens can attach from now on; if not, the watching goes on without them and it is tried again."""
        try:
            await self._server.open()
        except OSError as fault:
            why = "its path is too long for a socket" if "too long" in str(fault) else fault.strerror or str(fault)
            self._log.error("no socket", path=self._server.path, why=why, then="screens cannot attach")
            self._remark("socket", f"screens cannot attach to the daemon: {why}")
            self._next["socket"] = time.monotonic() + SOCKET_AGAIN
            return
        self._remark("socket", "")
        self._log.info("listening", path=self._server.path)

    # -- the engine --------------------------------------------------------------------------------------------------

    def _make(self, setup: Setup) -> LiveEngine:
        from liqtui.engine.live import LiveEngine

        self._log.hide(secrets(setup))
        return LiveEngine(setup, lock=self._lock)

    def _start(self, engine: LiveEngine) -> None:
        loop = asyncio.get_running_loop()

        def heard(_: int) -> None:
            if not self._ended:
                loop.call_soon_threadsafe(self._woken.set)

        engine.subscribe(heard)
        engine.start()

    async def _replace(self, setup: Setup) -> str:
        """Another engine in the place of the one that is there; why it did not start, else nothing.

        The old one ends first, and with it all that it had to write; what it remembers the new one reads.
        """
        await asyncio.to_thread(self._engine.stop)
        if self._engine.alive:
            raise RuntimeError("the engine does not end, and two must not write one history")
        self._engine, self._engine_at = self._make(setup), time.monotonic()
        self._start(self._engine)
        up = await asyncio.to_thread(self._engine.wait_up, UP)
        self._server.use(self._engine)
        for about, text in self._remarks.items():
            self._engine.remark(about, text)
        for title, text in self._reports.items():
            self._engine.report(title, text)
        if not up or self._engine.trouble:
            return self._engine.trouble or f"the engine was not up within {UP:.0f} s"
        self._setup = setup
        return ""

    def _remark(self, about: str, text: str) -> None:
        self._remarks[about] = text
        self._engine.remark(about, text)

    def _report(self, title: str, text: str) -> None:
        self._reports.pop(title, None)
        if text:
            self._reports[title] = text
        self._engine.report(title, text)

    async def _mind_engine(self) -> None:
        if self._engine.alive:
            return
        now = time.monotonic()
        if not self._died_at:
            self._died_at = now
            self._delay = RESTART if now - self._engine_at > RESTART_MAX else self._delay
            self._log.error("engine died", why=self._engine.trouble, again=f"in {self._delay:.0f} s")
        elif now - self._died_at >= self._delay:
            self._died_at, self._delay = 0.0, min(self._delay * 2, RESTART_MAX)
            why = self._log.safe(self._engine.trouble)
            if not await self._replace(self._setup):
                self._log.warning("engine started again")
                self._engine.report("daemon", f"{why}; another one watches since")
                self._engine.report("daemon", "")

    # -- files -------------------------------------------------------------------------------------------------------

    async def _reload(self) -> None:
        """Whatever is wrong with the files or with what they make, what is watched goes on being watched."""
        self._notify.reloading()
        if why := await self._read_again():
            self._log.error("reload failed", why=why, then=BROKEN)
            why = self._log.safe(why)
            self._remark("reload", f"{why}: {BROKEN}")
            self._report(CONFIGURATION, f"configuration not taken over: {why}; {BROKEN}")
        self._notify.ready()

    async def _read_again(self) -> str:
        """Why nothing has changed, else nothing."""
        from liqtui.engine.rehearsal import rehearse

        try:
            session = self._begin()
            if session.store is not None and session.store.vanished and self._setup.wallets:
                return f"{session.store.vanished}: nobody would be watched"
            setup = session.setup()
            same = replace(setup, wallets=self._setup.wallets) == self._setup
            if not same:
                await rehearse(setup)
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is told and changes nothing
            return _first(fault)
        if why := await self._take(setup, same=same):
            return why
        self._session, self._digest, self._list_fault = session, session.digest(), ""
        for about in ("reload", "config", "watchlist"):
            self._remark(about, "")
        for title in (CONFIGURATION, WATCHLIST):
            self._report(title, "")
        self._log.info("reloaded", wallets=len(setup.wallets), engine="goes on" if same else "started again")
        return ""

    async def _take(self, setup: Setup, *, same: bool) -> str:
        """Watch that from now on; why it cannot be, else nothing: then what held before goes on."""
        if same:
            self._setup = setup
            self._engine.watch(setup.wallets)
            return ""
        if self._engine.alive and self._engine.trouble:
            return self._engine.trouble
        before = self._setup
        why = await self._replace(setup)
        if why:
            await self._replace(before)
        return why

    def _look_at_watchlist(self) -> None:
        """Take over what was changed in the file outside; a file with a mistake changes nothing."""
        store = self._session.store
        if store is None or not store.changed_outside():
            return
        try:
            wallets = store.reread().effective
        except (ConfigError, WatchlistError, OSError) as fault:
            why = _first(fault)
            if why != self._list_fault:
                self._list_fault = why
                self._log.error("watchlist not read", why=why, then="the list before it holds")
                self._remark("watchlist", f"{self._log.safe(why)}: the list before it holds")
                self._report(WATCHLIST, f"watchlist not taken over: {self._log.safe(why)}")
            return
        self._list_fault = ""
        self._setup = replace(self._setup, wallets=wallets)
        self._remark("watchlist", "")
        self._report(WATCHLIST, "")
        self._engine.watch(wallets)
        self._log.info("watchlist read", wallets=len(wallets))

    def _look_at_config(self) -> None:
        changed = self._session.digest() != self._digest
        text = f"config.toml was changed: `kill -HUP {os.getpid()}` makes the daemon read it" if changed else ""
        self._remark("config", text)


def _first(fault: Exception) -> str:
    """The first mistake, in one line."""
    return str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__


def _where(fault: Exception) -> str:
    """What went wrong, and in which lines of the program."""
    import traceback

    places = traceback.extract_tb(fault.__traceback__)[-3:]
    lines = " < ".join(f"{place.name}:{place.lineno}" for place in reversed(places))
    return f"{type(fault).__name__}: {fault} ({lines})"
