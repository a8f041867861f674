"""Whether an engine could start: its parts are put together once beside the one that runs, and thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.clock import SystemClock
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outbox import Outbox
from liqtui.engine.setup import pool, rounds_on, shipped_adapters
from liqtui.engine.watch import close

if TYPE_CHECKING:
    from liqtui.engine.setup import Setup


async def rehearse(setup: Setup) -> None:
    """Raises what would end an engine with this setup. Nobody is called, and nothing is read or written."""
    clock, history = SystemClock(), History(None)
    try:
        monitor = Monitor(setup, history, clock.now(), Outbox(setup.channels, history, clock))
        monitor.watch(setup.wallets)
        monitor.publish(clock.now())
        adapters = shipped_adapters()
        for spec in setup.chains:
            reader = pool(spec)
            try:
                rounds_on(spec, setup, adapters, reader, history)
            finally:
                await close(reader)
    finally:
        history.close()
