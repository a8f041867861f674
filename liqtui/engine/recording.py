"""Makes a tape: rounds like those of the live engine, each kept as a frame.

New alerts become the tape's chapters, so that whoever plays it can jump to what happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, NamedTuple

from liqtui.chain.tape import RecordingReader, TapeHeader, TapeWriter
from liqtui.core.clock import SystemClock
from liqtui.core.reads import ReadError
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.setup import link_of, pool, rounds_on, shipped_adapters
from liqtui.engine.watch import close, one_round, pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from liqtui.core.clock import Clock
    from liqtui.core.snapshot import Snapshot
    from liqtui.core.sources import ChainSpec
    from liqtui.engine.rounds import ChainRounds
    from liqtui.engine.setup import Reader, ReaderFactory, Setup
    from liqtui.protocols.adapter import Adapter


class _Line(NamedTuple):
    """One chain being recorded."""

    spec: ChainSpec
    reader: Reader
    tap: RecordingReader
    rounds: ChainRounds


class Recorder:
    """Reads every chain of a setup whenever asked, and keeps what was read. Belongs to one event loop."""

    def __init__(
        self,
        setup: Setup,
        path: Path,
        *,
        title: str = "",
        mark_alerts: bool = True,
        reader_factory: ReaderFactory = pool,
        adapters: Mapping[str, Adapter] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`mark_alerts`: frames with new alerts begin chapters of their own.

        Raises FileExistsError rather than write over a tape; OSError.
        """
        self._clock = clock or SystemClock()
        known = shipped_adapters() if adapters is None else adapters
        created = self._clock.now()
        header = TapeHeader(title, created, setup.wallets, setup.chains, setup.markets)
        self._writer = TapeWriter(path, header)
        self._monitor = Monitor(setup, History(None), created)
        self._monitor.watch(setup.wallets)
        self._told = 0
        self._mark = mark_alerts
        self.lines = {spec.name: self._line(spec, setup, reader_factory, known) for spec in setup.chains}

    def _line(self, spec: ChainSpec, setup: Setup, factory: ReaderFactory, adapters: Mapping[str, Adapter]) -> _Line:
        reader = factory(spec)
        tap = RecordingReader(reader, self._writer, self._clock)
        return _Line(spec, reader, tap, rounds_on(spec, setup, adapters, tap))

    @property
    def frames(self) -> int:
        return self._writer.frames

    async def round(self, chain: str, *, note: str = "", chapter: str = "") -> Snapshot:
        """Read one chain, write the frame, and how things stand then. Raises OSError when it cannot be written."""
        line = self.lines[chain]
        outcome = await one_round(line.rounds, self._clock.monotonic())
        now = self._clock.now()
        self._monitor.apply(chain, outcome, now, link=link_of(line.reader))
        snapshot = self._monitor.publish(now)
        news = [alert for alert in snapshot.alerts if alert.id > self._told]
        if news:
            self._told = news[0].id
            if self._mark and not chapter:
                chapter = f"{news[-1].kind}: {news[-1].title}"
        line.tap.over(outcome if isinstance(outcome, ReadError) else None)
        line.tap.commit(note=note, chapter=chapter)
        return snapshot

    async def close(self) -> None:
        """Complete the tape and close the connections."""
        for line in self.lines.values():
            await close(line.reader)
        self._writer.close()


def record(
    setup: Setup,
    path: Path,
    *,
    title: str = "",
    rounds: int | None = None,
    duration: float | None = None,
    progress: Callable[[Snapshot, int], None] | None = None,
    reader_factory: ReaderFactory = pool,
    adapters: Mapping[str, Adapter] | None = None,
    clock: Clock | None = None,
) -> int:
    """Record until each chain has had `rounds` rounds, `duration` seconds are over, or SIGINT or SIGTERM comes.

    `progress(snapshot, frames)` is called after each frame. Returns the number of frames. Raises OSError (disk
    full, file exists); what was written till then is a good tape.
    """

    async def run() -> int:
        recorder = Recorder(setup, path, title=title, reader_factory=reader_factory, adapters=adapters, clock=clock)
        work = asyncio.create_task(_follow_all(recorder, rounds, progress))
        ending = asyncio.create_task(_asked_to_end())
        try:
            await asyncio.wait({work, ending}, timeout=duration, return_when=asyncio.FIRST_COMPLETED)
        finally:
            work.cancel()
            ending.cancel()
            fault, _ = await asyncio.gather(work, ending, return_exceptions=True)
            await recorder.close()
        if isinstance(fault, Exception):
            raise fault
        return recorder.frames

    return asyncio.run(run())


async def _follow_all(recorder: Recorder, rounds: int | None, progress: Callable[[Snapshot, int], None] | None) -> None:
    """Raises what the first chain that cannot go on raises."""
    try:
        async with asyncio.TaskGroup() as group:
            for line in recorder.lines.values():
                group.create_task(_follow(recorder, line.spec, rounds, progress))
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None


async def _follow(
    recorder: Recorder, spec: ChainSpec, rounds: int | None, progress: Callable[[Snapshot, int], None] | None
) -> None:
    loop = asyncio.get_running_loop()
    done = 0
    while rounds is None or done < rounds:
        started = loop.time()
        snapshot = await recorder.round(spec.name)
        done += 1
        if progress is not None:
            progress(snapshot, recorder.frames)
        if done != rounds:
            await asyncio.sleep(started + pace(spec) - loop.time())


async def _asked_to_end() -> None:
    """Returns at SIGINT or SIGTERM; never, where signals go elsewhere (a thread)."""
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    taken: list[signal.Signals] = []
    with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, ended.set)
            taken.append(each)
    try:
        await ended.wait()
    finally:
        for each in taken:
            loop.remove_signal_handler(each)
