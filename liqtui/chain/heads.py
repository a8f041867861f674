"""New heads by WebSocket: a hint to poll now, beside polling and never in its place."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, cast

from liqtui.chain.jsontext import parse
from liqtui.chain.transport import on_this_machine
from liqtui.core.redact import redact_url, scrubber
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from websockets.asyncio.client import ClientConnection

    from liqtui.core.sources import ChainSpec

SILENT_BLOCKS = 5
"""Without a head for this many block times (and at least `LEAST_SILENCE`) the connection counts as dead."""
LEAST_SILENCE = 15.0
LONGEST_PAUSE = 60.0
MAX_MESSAGE = 1024 * 1024
_SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})


class HeadHints:
    """Calls `on_head()` for each new head, from whichever WebSocket endpoint works.

    Nothing that happens here stops polling: `run` ends only when it is cancelled, or at once when no WebSocket
    endpoint is configured.
    """

    def __init__(
        self,
        spec: ChainSpec,
        on_head: Callable[[], None],
        *,
        silence: float | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._urls = spec.ws
        self._on_head = on_head
        self._silence = max(LEAST_SILENCE, SILENT_BLOCKS * spec.block_time) if silence is None else silence
        self._sleep = sleep
        self.error = ""
        """The last trouble, redacted; empty while heads arrive."""
        self.heads = 0

    async def run(self) -> None:
        """Listen for as long as it is not cancelled; reconnect, in turn and ever more slowly, after any trouble."""
        failures = 0
        while self._urls:
            url = self._urls[failures % len(self._urls)]
            before = self.heads
            try:
                await self._listen(url)
            except Exception as error:  # noqa: BLE001 - whatever it is, hints are all that is lost, and for a moment
                text = "no new head for too long" if isinstance(error, TimeoutError) else str(error)
                self.error = clean(f"{redact_url(url)}: {scrubber(url)(text) or type(error).__name__}", 160)
            failures = 1 if self.heads > before else failures + 1
            await self._sleep(min(LONGEST_PAUSE, 2.0 ** min(failures, 6)))

    async def _listen(self, url: str) -> None:
        from websockets.asyncio.client import connect

        quiet = logging.getLogger("liqtui.websockets")
        quiet.setLevel(logging.WARNING)  # at lower levels the library logs the URL, keys included
        async with connect(
            url,
            open_timeout=self._silence,
            close_timeout=1.0,
            max_size=MAX_MESSAGE,
            logger=quiet,
            proxy=None if on_this_machine(url) else True,
        ) as socket:
            await socket.send(_SUBSCRIBE)
            while True:
                async with asyncio.timeout(self._silence):
                    await self._next_head(socket)
                self.error = ""
                self.heads += 1
                self._on_head()

    async def _next_head(self, socket: ClientConnection) -> None:
        """Wait for a message that announces a head. Raises ValueError when the node refuses to."""
        while True:
            message = parse(await socket.recv())
            fields = cast("dict[str, Any]", message) if isinstance(message, dict) else {}
            if fields.get("error"):
                raise ValueError(f"the node offers no new heads: {fields['error']}")
            if fields.get("method") == "eth_subscription":
                return
