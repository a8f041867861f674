"""The task that reads one chain again and again, at its pace, sooner when there is a reason."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from liqtui.core.reads import ReadError
from liqtui.engine.setup import link_of, wallets_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from liqtui.core.clock import Clock
    from liqtui.core.snapshot import Stage
    from liqtui.core.sources import ChainSpec
    from liqtui.core.wallet import Wallet
    from liqtui.engine.outcome import Outcome
    from liqtui.engine.rounds import ChainRounds
    from liqtui.engine.setup import Link, Reader

GAP = 2.0
"""Least seconds between the beginnings of two rounds of a chain."""
ROUND_LIMIT = 300.0
"""Seconds after which a round is given up: a hung connection must not look like a slow one."""
HINTED = 4
"""Where nodes announce heads, rounds may come this many times as often as asked for."""
CLOSE_LIMIT = 2.0
"""Seconds that connections may take to close."""


def pace(spec: ChainSpec) -> float:
    """Seconds between the beginnings of two rounds."""
    return max(GAP, spec.poll)


class Sink(Protocol):
    """Where a chain's rounds go."""

    def took(
        self, spec: ChainSpec, outcome: Outcome | ReadError, link: Link, next_poll: float, seconds: float
    ) -> None: ...
    def progressed(self, spec: ChainSpec, stages: tuple[Stage, ...]) -> None: ...


async def one_round(
    rounds: ChainRounds,
    now: float,
    limit: float = ROUND_LIMIT,
    progress: Callable[[tuple[Stage, ...]], None] | None = None,
) -> Outcome | ReadError:
    """A round that is over in time, one way or the other. `now` as for a round."""
    try:
        async with asyncio.timeout(limit):
            return await rounds.round(now, progress)
    except TimeoutError:
        return ReadError("timeout", f"the round was not over after {limit:.0f} s")


async def close(reader: Reader) -> None:
    """Close connections without waiting long for whoever is at their other end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_LIMIT):
            await reader.close()


class ChainWatch:
    def __init__(
        self,
        spec: ChainSpec,
        clock: Clock,
        connect: Callable[[ChainSpec], tuple[Reader, ChainRounds]],
        sink: Sink,
    ) -> None:
        self.spec = spec
        self._clock = clock
        self._connect = connect
        self._sink = sink
        self._rounds: ChainRounds | None = None
        self._woken = asyncio.Event()
        self._started = 0.0
        self._wallets: list[str] = []

    def watch(self, wallets: Iterable[Wallet]) -> None:
        """Takes effect with the next round, which comes soon if the list is another one."""
        keys = wallets_on(self.spec.name, wallets)
        if keys == self._wallets:
            return
        self._wallets = keys
        if self._rounds is not None:
            self._rounds.watch(self._wallets)
        self._woken.set()

    def wake(self, *, rediscover: bool = False) -> None:
        """Read soon; `GAP` holds."""
        if rediscover and self._rounds is not None:
            self._rounds.rediscover()
        self._woken.set()

    async def run(self) -> None:
        """Never returns; raises what neither the rounds nor the monitor foresaw."""
        from liqtui.chain.heads import HeadHints

        reader, rounds = self._connect(self.spec)
        rounds.watch(self._wallets)
        self._rounds = rounds
        hints = asyncio.create_task(HeadHints(self.spec, self._hinted).run())
        try:
            while True:
                await self._round(reader, rounds)
        finally:
            self._rounds = None
            hints.cancel()
            await asyncio.gather(hints, return_exceptions=True)
            await close(reader)

    async def _round(self, reader: Reader, rounds: ChainRounds) -> None:
        loop = asyncio.get_running_loop()
        started = self._started = loop.time()
        every = pace(self.spec)
        self._woken.clear()
        outcome = await one_round(
            rounds, self._clock.monotonic(), progress=lambda stages: self._sink.progressed(self.spec, stages)
        )
        rest = max(started + every - loop.time(), 0.0)
        seconds = loop.time() - started
        self._sink.took(self.spec, outcome, link_of(reader), self._clock.now() + rest, seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(started + every):
                await self._woken.wait()
        await asyncio.sleep(started + GAP - loop.time())

    def _hinted(self) -> None:
        """A node tells of a new head: read it, but not much more often than the person asked for."""
        if asyncio.get_running_loop().time() - self._started >= self.spec.poll / HINTED:
            self._woken.set()
