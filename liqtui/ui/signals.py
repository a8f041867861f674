"""A polite kill and a hang-up leave the terminal as it was found, and end the program even when nobody reads it."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

GRACE = 4.0
"""Seconds until an end that does not come is forced: a stalled terminal blocks every write, the last one too."""


def on_kill(leave: Callable[[], None], last_resort: Callable[[], None]) -> None:
    """On SIGTERM and SIGHUP call `leave` (in the main thread; must not block), and after `GRACE` seconds
    `last_resort` (in a thread of its own), then end the process.

    Plain handlers, not the event loop's: they also run while the loop waits for the terminal.
    """

    def force(number: int) -> None:
        try:
            last_resort()
        finally:
            os._exit(128 + number)

    def caught(number: int, frame: FrameType | None) -> None:
        del frame
        timer = threading.Timer(GRACE, force, (number,))
        timer.daemon = True
        timer.start()
        leave()

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, caught)


EXIT_HANGUP = 129


def terminal_is_gone() -> bool:
    """The other end was closed without a hang-up reaching us: the keys' thread would then spin for ever."""
    import termios

    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False
