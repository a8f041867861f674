"""Runs in a process of its own: kills writers of a watchlist and tells what the file looked like after each.

    python -m tests.config.crashes DIRECTORY random|points|writers COUNT

Prints one JSON object. Children are forked, so that a hundred of them cost no hundred interpreters.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import tomli_w  # noqa: F401 (before the forks)

from liqtui.chain.addresses import checksum
from liqtui.config import atomic
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist
from liqtui.core.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable


def wallets(first: int, count: int, label: str) -> tuple[Wallet, ...]:
    return tuple(Wallet(checksum(f"0x{n:040x}"), label=f"{label} {n}") for n in range(first, first + count))


OLD, NEW = Watchlist(wallets(1, 8, "old")), Watchlist(wallets(1, 12, "new"))


def fork(child: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        finally:
            os._exit(code)
    return pid


def loaded(path: Path) -> WatchlistStore:
    store = WatchlistStore(path, checksum)
    store.load()
    return store


def version(path: Path) -> str:
    """Which whole list the file holds. A torn one raises, or is neither."""
    held = loaded(path).current
    return "old" if held == OLD else "new" if held == NEW else "TORN"


def at_random(path: Path, count: int) -> dict[str, object]:
    """Kill a writer that turns the list over and over, at moments that nothing decides."""
    chance = random.Random(4)
    seen: Counter[str] = Counter()
    loaded(path).save(OLD)
    for _ in range(count):
        heard, told = os.pipe()
        pid = fork(lambda told=told: turn_over(path, told))
        os.close(told)
        saves = chance.randrange(1, 5)
        while saves:
            assert os.read(heard, 1), "the writer died of something else"
            saves -= 1
        time.sleep(chance.uniform(0, 0.004))  # somewhere within the next one or two
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(heard)
        seen[version(path)] += 1
        backup = path.with_name(path.name + ".bak")
        if backup.exists():
            seen["bak " + version(backup)] += 1
    loaded(path).save(OLD if version(path) == "new" else NEW)
    left = [file.name for file in path.parent.iterdir() if file.name.endswith(".tmp")]
    return {"seen": seen, "left": left}


def turn_over(path: Path, told: int) -> None:
    """Save for ever, and tell of each save."""
    store = loaded(path)
    while True:
        store.save(NEW if store.current == OLD else OLD)
        os.write(told, b".")


def at_points(path: Path) -> dict[str, object]:
    """Kill a writer before each call to the system in turn, first to last."""
    seen: list[str] = []
    for at in range(100):
        path.unlink(missing_ok=True)
        loaded(path).save(OLD)
        pid = fork(lambda at=at: die_at(path, at))
        _, status = os.waitpid(pid, 0)
        seen.append(version(path))
        if not os.WIFSIGNALED(status):
            return {"seen": seen, "status": status}
    raise AssertionError("never came to an end")


def die_at(path: Path, at: int) -> None:
    """Count calls of what a write consists of, and die in place of number `at`."""
    calls = 0

    def armed(real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls > at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        return call

    store = loaded(path)
    for module, name in ((atomic.tempfile, "mkstemp"), (os, "fdopen"), (os, "fsync"), (os, "replace"), (os, "open")):
        setattr(module, name, armed(getattr(module, name)))
    store.save(NEW)


def two_writers(path: Path, count: int) -> dict[str, object]:
    """Two processes add wallets of their own at once, each one by one."""

    def write(first: int) -> None:
        store = loaded(path)
        for wallet in wallets(first, count, "mine"):
            store.add(wallet)

    pids = [fork(lambda first=first: write(first)) for first in (1, 1001)]
    codes = [os.waitpid(pid, 0)[1] for pid in pids]
    return {"codes": codes, "wallets": len(loaded(path).current.wallets)}


def main() -> None:
    directory, kind, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    path = directory / "watchlist.toml"
    found = {
        "random": lambda: at_random(path, count),
        "points": lambda: at_points(path),
        "writers": lambda: two_writers(path, count),
    }
    with suppress(KeyboardInterrupt):
        print(json.dumps(found[kind]()))


if __name__ == "__main__":
    main()
