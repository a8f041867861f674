"""The thread under an engine: one event loop, one slot with the newest snapshot, listeners, and a heartbeat.

Everything that an engine owns is touched in its own thread only; wishes from other threads are passed in by
`tell`. What other threads read (the slot, the heartbeat, the reason of death) is replaced, never changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from dataclasses import replace
from time import gmtime, strftime
from typing import TYPE_CHECKING

from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.clock import Clock
    from liqtui.core.snapshot import Snapshot

SILENCE = 10.0
"""Seconds without a heartbeat after which the engine counts as stuck."""
COLLECT = (100_000, 20, 20)
"""When Python looks for garbage that refers to itself. All that a block changes is made anew and let go without it; by
its own pace the collector takes a third of the time of a round, walking through what is there to stay. The first number
is above what a round of 2,500 positions makes before it lets go of those of the round before."""
_JOIN = 5.0


class EngineThread:
    """The part of an `EngineHandle` that does not depend on where the snapshots come from."""

    def __init__(self, clock: Clock, first: Snapshot) -> None:
        self.clock = clock
        self._slot = first
        self._given_up = first, first
        """A snapshot whose engine stood still, and the same as nobody keeps it up."""
        self._listeners: list[Callable[[int], None]] = []
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._early: list[Callable[[], None]] = []
        self._up = threading.Event()
        self._beat = clock.monotonic()
        self._death = ""
        self._stopped = False
        self.listener_fault = ""
        """Why the last listener that failed did."""
        self.ails = ""
        """What kept the engine from telling something, if that happened since its last heartbeat."""

    async def serve(self, ended: asyncio.Event) -> None:
        """The engine itself: call `up` once it can be told things, return soon after `ended` is set."""
        raise NotImplementedError

    # -- any thread ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self._thread is None:
            self.beat()
            self._thread = threading.Thread(target=self._run, name="liqtui-engine", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        if self._thread is None:
            return
        self._up.wait(_JOIN)
        self.tell(self._end)
        self._thread.join(_JOIN)

    def snapshot(self) -> Snapshot:
        """The newest; with `engine_error` set when the engine has died or its thread is stuck."""
        newest, trouble = self._slot, self.trouble
        if not trouble:
            return newest
        given_up, left = self._given_up
        if given_up is not newest:  # it is asked for again and again while nothing comes
            left = newest.abandoned(trouble)
            self._given_up = newest, left
        return left

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        """`listener` runs in the engine's thread and must return at once: post a message, no more.

        One that raises is kept and noted in the snapshot's notices; one that blocks shows as a stuck engine.
        """
        self._listeners.append(listener)

        def end() -> None:
            with contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return end

    def inspect(self, position_id: str) -> None:
        """Nothing to do: everything of every position is here."""

    def look(self, position_ids: Sequence[str]) -> None:
        """Likewise."""

    def tell(self, wish: Callable[[], None]) -> bool:
        """Run `wish` in the engine's thread, soon or once it is up; False when it was not started or is over."""
        with self._lock:
            if self._thread is not None and not self._up.is_set():
                self._early.append(wish)
                return True
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(wish)
        except RuntimeError:  # the loop is closed
            return False
        return True

    @property
    def newest_alert(self) -> int:
        """The highest number of an alert that was shown."""
        return self._slot.alerts[0].id if self._slot.alerts else 0

    @property
    def alive(self) -> bool:
        """Whether its thread runs, stuck or not."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def up_already(self) -> bool:
        """Whether it takes wishes."""
        return self._up.is_set()

    def wait_up(self, seconds: float) -> bool:
        """Whether it takes wishes, or has died, before so long."""
        return self._up.wait(seconds)

    @property
    def trouble(self) -> str:
        """That the engine has died or is stuck, in words; empty while it moves."""
        if self._death:
            return self._death
        if self._thread is None or self._stopped:
            return ""
        silent = self.clock.monotonic() - self._beat
        if silent <= SILENCE:
            return ""
        since = strftime("%H:%M:%SZ", gmtime(self.clock.now() - silent))
        return f"the engine has not moved since {since}" + (f": {self.ails}" if self.ails else "")

    # -- the engine's thread -------------------------------------------------------------------------------------

    def beat(self) -> None:
        self._beat, self.ails = self.clock.monotonic(), ""

    def up(self) -> None:
        """From now on wishes are taken; first those that came too early."""
        with self._lock:
            self._up.set()
            early, self._early = self._early, []
        for wish in early:
            wish()

    def publish(self, snapshot: Snapshot) -> None:
        """Put it into the slot and tell the listeners. What is summed over all rows is so here, not by a screen."""
        snapshot.take_stock(self._slot)
        self._slot = snapshot
        for listener in tuple(self._listeners):
            try:
                listener(snapshot.version)
            except Exception as fault:  # noqa: BLE001 - a screen in trouble must not stop the watching
                self.listener_fault = words(fault)

    def _run(self) -> None:
        gc.set_threshold(*COLLECT)
        try:
            asyncio.run(self._serve())
        except BaseException as fault:  # noqa: BLE001 - the last place where the end can be told
            self._death = f"the engine has died: {words(fault)}"
        else:
            if not self._stopped:
                self._death = "the engine has ended by itself"
        finally:
            self._up.set()
            if self._death:
                self.publish(replace(self._slot.abandoned(self._death), version=self._slot.version + 1))

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        await self.serve(self._ended)

    def _end(self) -> None:
        self._ended.set()
