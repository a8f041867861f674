"""When an app under test has come to rest: not when it happens to use little of a busy processor.

Textual's own pilot goes by the time that the process was given in 20 ms. Where other processes have the machine, that
is little while much is still to be done, and after a second the pilot gives up waiting: what is then read from the
screen may be what stood there before.
"""

from __future__ import annotations

import asyncio
from typing import Any

SOON = 1 / 50
"""Seconds within which a timer belongs to what is being done: the screen is painted 60 times a second."""


async def until_idle(min_sleep: float = 0.0, max_sleep: float = 0.0) -> None:
    """Let the loop run until no callback is ready and no timer due soon; in place of `textual._wait.wait_for_idle`."""
    loop: Any = asyncio.get_running_loop()
    end = loop.time() + SOON
    while True:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        now = loop.time()
        due = [timer.when() for timer in loop._scheduled if not timer.cancelled() and timer.when() <= max(end, now)]
        if not due:
            return
        await asyncio.sleep(max(0.0, min(due) - now))
