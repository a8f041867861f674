"""Files that are always whole: the old version or the new one, whatever happens in between."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".tmp"


def target_of(path: Path) -> Path:
    """The file itself behind symbolic links, so that a link stays a link."""
    return Path(os.path.realpath(path))


def write(path: Path, data: bytes) -> os.stat_result:
    """Put `data` at `path` with mode 0600, on the disk before this returns. Raises OSError with the old file whole.

    Returns what was written as it was before anybody else could see it: a later look might find another's edit.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_SUFFIX)  # mkstemp: mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            written = os.fstat(file.fileno())
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise
    _sync_directory(path.parent)
    return written


def sweep(path: Path) -> None:
    """Remove what a killed writer of `path` left behind. Only while holding the lock of its writers."""
    for left in path.parent.glob(f"{_prefix(path)}*{_SUFFIX}"):
        with suppress(OSError):
            left.unlink()


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _sync_directory(path: Path) -> None:
    # The new file is in its place already; some file systems refuse to sync a directory, which is no failure.
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
