"""How far a question to many chains is, for somebody who waits for the answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class Asking:
    """One line on standard error that counts answers; nothing where nobody looks."""

    def __init__(self, what: str, count: int) -> None:
        self._what, self._count = what, count
        self._done = 0
        self._live = sys.stderr.isatty()
        self._write(f"asking {what}: 0 of {count}")

    async def counted(self, answer: Awaitable[T]) -> T:
        """Wait for one, and tell that it is there."""
        try:
            return await answer
        finally:
            self._done += 1
            self._write(f"asking {self._what}: {self._done} of {self._count}" if self._done < self._count else "")

    def _write(self, text: str) -> None:
        if self._live:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
