"""One round of every chain, without a thread: what `check` prints."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from liqtui.core.clock import SystemClock
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.setup import link_of, pool, rounds_on, shipped_adapters
from liqtui.engine.watch import close, one_round
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liqtui.core.clock import Clock
    from liqtui.core.snapshot import Snapshot, Stage
    from liqtui.core.sources import ChainSpec
    from liqtui.engine.setup import ReaderFactory, Setup
    from liqtui.protocols.adapter import Adapter

DEADLINE = 60.0


def run_once(
    setup: Setup,
    *,
    deadline: float = DEADLINE,
    progress: Callable[[str, tuple[Stage, ...]], None] | None = None,
    reader_factory: ReaderFactory = pool,
    adapters: Mapping[str, Adapter] | None = None,
    clock: Clock | None = None,
) -> Snapshot:
    """Every chain read once, at the same time, over within `deadline` seconds; what did not answer is blind.

    `progress(chain, stages)` is called as markets open and wallets are found. Volatility comes from the recorded
    history in `setup.state`, where there is one; nothing is written.
    """
    known = shipped_adapters() if adapters is None else adapters
    clock = clock or SystemClock()
    work = _once(setup, clock, deadline=deadline, progress=progress or _quiet, factory=reader_factory, adapters=known)
    return asyncio.run(work)


async def _once(
    setup: Setup,
    clock: Clock,
    *,
    deadline: float,
    progress: Callable[[str, tuple[Stage, ...]], None],
    factory: ReaderFactory,
    adapters: Mapping[str, Adapter],
) -> Snapshot:
    history = History(setup.state, read_only=setup.state is not None)
    monitor = Monitor(setup, history, clock.now())
    monitor.watch(setup.wallets)

    async def read(spec: ChainSpec) -> None:
        reader = factory(spec)
        rounds = rounds_on(spec, setup, adapters, reader, history, once=True)
        try:
            outcome = await one_round(rounds, clock.monotonic(), deadline, partial(progress, spec.name))
            monitor.apply(spec.name, outcome, clock.now(), link=link_of(reader))
        except Exception as fault:  # noqa: BLE001 - shown as this chain's error; the others are worth printing
            monitor.crashed(spec.name, words(fault), clock.now())
        finally:
            await close(reader)

    await asyncio.gather(*(read(spec) for spec in setup.chains))
    snapshot = monitor.publish(clock.now())
    history.close()
    return snapshot


def _quiet(_chain: str, _stages: tuple[Stage, ...]) -> None:
    pass
