"""Plays a tape to a screen, at the speed that is wanted, from wherever it is wanted.

Going back is playing again from the first frame, unseen; acknowledgements are forgotten then, as everything that
was not on the tape.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.core.clock import SystemClock
from liqtui.core.snapshot import Snapshot
from liqtui.engine.reel import Reel, fast_forward, setup_of
from liqtui.engine.setup import shipped_adapters
from liqtui.engine.thread import EngineThread
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.chain.tape import Tape
    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert
    from liqtui.core.wallet import Thresholds, Wallet
    from liqtui.protocols.adapter import Adapter

__all__ = ["TapeEngine", "fast_forward"]

SLOWEST, FASTEST = 0.25, 64.0
_BEAT = 1.0


class TapeEngine(EngineThread):
    """Implements `EngineHandle`, and `Playback` for itself. Stands still at the end, or begins again with `loop`."""

    def __init__(
        self,
        tape: Tape,
        adapters: Mapping[str, Adapter] | None = None,
        *,
        loop: bool = False,
        thresholds: Thresholds | None = None,
    ) -> None:
        """With the shipped adapters and the default thresholds unless told otherwise."""
        setup = setup_of(tape, thresholds)
        super().__init__(SystemClock(), Snapshot(0, tape.start, wallets=setup.wallets, notices=setup.notices))
        self._reel = Reel(tape, shipped_adapters() if adapters is None else adapters, setup)
        self._again = loop
        self._paused = False
        self._speed = 1.0
        self._index = 0
        self._version = 0
        self._goal: int | None = None
        self._played_to = 0.0

    # -- any thread ----------------------------------------------------------------------------------------------

    @property
    def playback(self) -> TapeEngine:
        return self

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def index(self) -> int:
        return self._index

    @property
    def frames(self) -> int:
        return len(self._reel.tape.frames)

    @property
    def chapters(self) -> Sequence[tuple[int, str]]:
        return self._reel.tape.chapters

    def pause(self) -> None:
        self._paused = True
        self.tell(self._wake)

    def resume(self) -> None:
        """Go on; from the end, begin again."""

        def resume() -> None:
            if self._reel.over:
                self._goal = 0
            self._wake()

        self._paused = False
        self.tell(resume)

    def set_speed(self, speed: float) -> None:
        """Within 0.25 and 64."""
        self._speed = min(max(speed, SLOWEST), FASTEST)
        self.tell(self._wake)

    def step(self, frames: int = 1) -> None:
        self._paused = True
        self._seek_to(lambda: (self._index if self._goal is None else self._goal) + frames)

    def jump(self, frame: int) -> None:
        self._seek_to(lambda: frame)

    def _seek_to(self, frame: Callable[[], int]) -> None:
        def go() -> None:
            self._goal = frame()
            self._wake()

        if not self.tell(go):
            self._goal = frame()

    def refresh(self) -> None:
        """A tape has nothing newer."""

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        last = self.newest_alert if newest is None else newest

        def acknowledge() -> None:
            self._reel.monitor.acknowledge(alert_id, self._slot.at, last)
            self._show(self._reel.monitor.publish(self._slot.at))

        self.tell(acknowledge)

    def snooze(self, alert_id: int, seconds: float) -> None:
        def snooze() -> None:
            self._reel.monitor.snooze(alert_id, seconds, self._slot.at)
            self._show(self._reel.monitor.publish(self._slot.at))

        self.tell(snooze)

    def mute(self, target: str, until: float | None) -> None:
        def mute() -> None:
            self._reel.monitor.mute(target, until)
            self._show(self._reel.monitor.publish(self._slot.at))

        self.tell(mute)

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        return self._reel.history.alerts(before, limit)

    def watch(self, wallets: Sequence[Wallet]) -> None:
        def watch() -> None:
            self._reel.watch(wallets)
            self._show(self._reel.monitor.publish(self._slot.at))

        self.tell(watch)

    def resolve(self, name: str) -> Future[str]:
        answer: Future[str] = Future()
        answer.set_exception(LookupError(f"{safe(name)}: names cannot be looked up on a tape"))
        return answer

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return self._reel.history.samples(position_id, since)

    def points(self, position_id: str, since: float) -> list[Point]:
        return self._reel.history.points(position_id, since)

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return self._reel.history.updates(position_id, since)

    # -- the engine's thread -------------------------------------------------------------------------------------

    async def serve(self, ended: asyncio.Event) -> None:
        self._woken = asyncio.Event()
        works = [asyncio.create_task(work) for work in (self._hearts(), self._play(), ended.wait())]
        self.up()
        try:
            done, _ = await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
            for work in done:
                work.result()
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)
            self._reel.history.close()

    async def _hearts(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(_BEAT)

    async def _play(self) -> None:
        await self._next()
        while True:
            self._woken.clear()
            if self._goal is not None:
                await self._seek()
            elif self._reel.over and self._again and self._reel.events:
                self._goal = 0
            elif self._reel.over or self._paused:
                self._paused = True
                await self._woken.wait()
            else:
                await self._wait()

    async def _wait(self) -> None:
        """Until the next event is due, or something else is wanted."""
        loop = asyncio.get_running_loop()
        began, speed = loop.time(), self._speed
        due = self._reel.events[self._reel.place].at
        try:
            async with asyncio.timeout(max(due - self._played_to, 0.0) / speed):
                await self._woken.wait()
        except TimeoutError:
            await self._next()
        else:
            self._played_to = min(self._played_to + (loop.time() - began) * speed, due)

    async def _next(self) -> None:
        if not self._reel.over:
            self._show(await self._reel.play())

    async def _seek(self) -> None:
        """Play, unseen, up to the frame that is wanted; back is from the beginning."""
        goal, self._goal = min(max(self._goal or 0, 0), max(self.frames - 1, 0)), None
        place = self._reel.end_of(goal)
        if place < self._reel.place:
            self._reel.rewind()
        snapshot: Snapshot | None = None
        while self._reel.place < place and self._goal is None:
            snapshot = await self._reel.play()
            self.beat()
            await asyncio.sleep(0)
        if snapshot is not None:
            self._show(snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        """Publish under a version that only grows, wherever on the tape this is."""
        self._version += 1
        self._index, self._played_to = self._reel.frame, snapshot.at
        self.publish(replace(snapshot, version=self._version))

    def _wake(self) -> None:
        self._woken.set()
