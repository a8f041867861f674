"""Locks between processes: they end with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager

TYPE_CHECKING = False  # `status` asks here whether a daemon lives, and waits for what is imported
if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_RETRY = 0.02
_MOMENT = 0.04


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _take(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, patience: float = 5.0) -> Generator[None]:
    """Hold the lock file while inside. It is never removed: whoever removes a lock file may split a lock in two.

    Raises TimeoutError when another process holds it for longer than `patience` seconds, OSError when the file
    cannot be made.
    """
    handle = _open(path)
    try:
        until = time.monotonic() + patience
        while not _take(handle):
            if time.monotonic() > until:
                raise TimeoutError(f"{path} is held by another process")
            time.sleep(_RETRY)
        yield
    finally:
        os.close(handle)


def holder(path: str | Path) -> int | None:
    """Process id of who holds this instance lock, 0 where that is not known; None: nobody does."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        return 0
    try:
        if _take(handle):
            return None
        text = os.pread(handle, 32, 0).strip()
    finally:
        os.close(handle)
    return int(text) if text.isdigit() else 0


class InstanceLock:
    """Of the one instance that writes the history. Others still run: they share the watchlist, and write no history.

    Held until `release` or until the process ends.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        return self._handle is not None

    def acquire(self) -> bool:
        """Whether this process is the one now. Raises OSError when the lock file cannot be made.

        Tried for a moment: whoever only looks who holds it has it himself for an instant.
        """
        if self._handle is not None:
            return True
        from liqtui.config.paths import private_dir

        private_dir(self.path.parent)
        handle = _open(self.path)
        until = time.monotonic() + _MOMENT
        while not _take(handle):
            if time.monotonic() > until:
                os.close(handle)
                return False
            time.sleep(_MOMENT / 4)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle = handle
        return True

    @property
    def holder(self) -> int | None:
        """As `holder` of its path."""
        return os.getpid() if self._handle is not None else holder(self.path)

    def release(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
