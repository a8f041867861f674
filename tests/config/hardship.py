"""Runs in a process of its own: saves a watchlist where that cannot work, and tells what became of it.

    python -m tests.config.hardship DIRECTORY full|readonly

Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

import tomli_w  # noqa: F401 (while files may still be opened)

from liqtui.config.errors import WatchlistError
from tests.config.crashes import NEW, OLD, loaded, version


def attempt(path: Path) -> dict[str, object]:
    store = loaded(path)
    try:
        store.save(NEW)
    except WatchlistError as fault:
        left = [file.name for file in path.parent.iterdir() if file.name.endswith(".tmp")]
        kept = store.current == NEW and store.unsaved
        return {"said": str(fault), "file": version(path), "kept": kept, "left": left}
    return {"said": "", "file": version(path)}


def full(path: Path) -> dict[str, object]:
    """No file may grow larger than the list was: as on a full disk, but for everybody to run."""
    loaded(path).save(OLD)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, hard))
    found = attempt(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    store = loaded(path)
    store.save(NEW)
    return {**found, "later": version(path)}


def readonly(path: Path) -> dict[str, object]:
    loaded(path).save(OLD)
    path.parent.chmod(0o555)
    if os.geteuid() == 0:
        path.chmod(0o644)
        os.seteuid(65534)  # root may write anywhere
    try:
        return attempt(path)
    finally:
        os.seteuid(os.getuid())
        path.parent.chmod(0o755)


if __name__ == "__main__":
    found = {"full": full, "readonly": readonly}[sys.argv[2]](Path(sys.argv[1]) / "watchlist.toml")
    print(json.dumps(found))
