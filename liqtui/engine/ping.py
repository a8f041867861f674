"""The dead-man ping: a URL that is called after healthy rounds only, so that a watchdog elsewhere notices silence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from liqtui.config.watchlist import is_resolved
from liqtui.core.snapshot import ChannelState, Freshness
from liqtui.engine.channels import UnsentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.core.clock import Clock
    from liqtui.core.rules import Ping
    from liqtui.core.snapshot import Snapshot


def healthy(snapshot: Snapshot) -> bool:
    """Somebody is watched, everything was read, nothing of it is blind, and what is said arrives."""
    return (
        snapshot.ready
        and not snapshot.unread
        and bool(snapshot.wallets)
        and all(is_resolved(wallet) for wallet in snapshot.wallets)
        and not any(one.error and one.pending for one in snapshot.channels)
        and all(row.freshness is not Freshness.BLIND for row in snapshot.rows)
    )


class Pinger:
    def __init__(self, ping: Ping, clock: Clock, changed: Callable[[], None]) -> None:
        self._ping = ping
        self._clock = clock
        self._changed = changed
        self._due = asyncio.Event()
        self._asked_at: float | None = None
        """Engine time of the last call."""
        self.state = ChannelState("ping", "ping")

    def saw(self, snapshot: Snapshot) -> None:
        """Calls for a ping when every chain had a good round since the last one, and that is long enough ago."""
        since = None if self._asked_at is None else snapshot.at - self._asked_at
        if since is not None and since < 0:  # the clock was set back
            since = None
        if since is not None and since < self._ping.every:
            return
        read = all(since is None or (chain.age is not None and chain.age + 1 <= since) for chain in snapshot.chains)
        if read and healthy(snapshot):
            self._asked_at = snapshot.at
            self._due.set()

    @property
    def remark(self) -> str:
        return f"the dead-man ping does not arrive: {self.state.error}" if self.state.error else ""

    async def run(self) -> None:
        """Never returns."""
        from liqtui.engine.channels.webhook import Caller

        caller = Caller(self._ping.url)
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                try:
                    await caller.call()
                except UnsentError as fault:
                    self.state = self.state._replace(error=str(fault))
                else:
                    self.state = self.state._replace(error="", delivered_at=self._clock.now())
                self._changed()
        finally:
            await caller.close()
