"""What systemd is told of a service. The protocol is one datagram per message, so no library is needed for it."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notifier:
    """Says nothing where nobody listens."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._address = env.get("NOTIFY_SOCKET", "")
        self.watchdog: float | None = None
        """Seconds within which a sign of life is expected; None: none is."""
        spell, whose = env.get("WATCHDOG_USEC", ""), env.get("WATCHDOG_PID", "")
        if spell.isdigit() and int(spell) and (not whose or whose == str(os.getpid())):
            self.watchdog = int(spell) / 1e6

    def tell(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto("\n".join(lines).encode(), address)

    def ready(self) -> None:
        self.tell("READY=1")

    def reloading(self) -> None:
        self.tell("RELOADING=1", f"MONOTONIC_USEC={int(time.monotonic() * 1e6)}")

    def stopping(self) -> None:
        self.tell("STOPPING=1")

    def alive(self) -> None:
        self.tell("WATCHDOG=1")

    def status(self, text: str) -> None:
        self.tell(f"STATUS={text}")
