"""A month of 200 positions in the history: how large the file becomes, and what writing, thinning and charts cost.

    python benchmarks/history.py [POSITIONS]

Each position is sampled once a minute, with all that a sample holds, and its feed answers once an hour, with an outage
of twenty minutes a day. The clock is simulated; the file is a real one.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common
from liqtui.core.model import Feed
from liqtui.core.units import WAD
from liqtui.engine.history import FILE, History, Sample

POSITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
DAYS = 30
START = 1_700_000_000
SPANS = (("24 h", 86_400), ("7 d", 7 * 86_400), ("30 d", 30 * 86_400))


def name(number: int) -> str:
    return f"1:aave-v3:core:0x{number:040x}"


def taken(position: str, at: float, health: int) -> Sample:
    """A sample as the engine takes it: with its block, distances, σ and interest."""
    distance, far = 1 - WAD / health, 3e8 + at % 977
    return Sample(
        position, at + 0.123456, int(at) // 12, health, -distance, block_at=int(at) - 5, nearest=distance,
        sigmas=distance / 0.031, eta=far, unsafe=False,
    )  # fmt: skip


def fill(history: History, file: Path) -> list[list[object]]:
    """Rows of the table: a day each."""
    rows: list[list[object]] = []
    flushes: list[float] = []
    for minute in range(DAYS * 1440):
        at = START + 60.0 * minute
        if minute % 1440 >= 20:
            for number in range(POSITIONS):
                health = 1.4 + 0.3 * math.sin((minute + 37 * number) / 600)
                history.sample(taken(name(number), at, int(health * WAD)))
        if minute % 60 == 0:
            for number in range(10):
                history.round(1, Feed(f"0x{number:040x}", "ETH / USD", "eth", 2000 * 10**8 + minute, 8, int(at), 3600))
        started = time.perf_counter()
        history.flush(at)
        flushes.append(time.perf_counter() - started)
        if minute % 1440 == 1439 and (minute // 1440 + 1) in {1, 2, 7, 14, 21, 30}:
            wal = file.with_name(f"{FILE}-wal")
            size = file.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
            day = flushes[-1440:]
            rows.append(
                [minute // 1440 + 1, f"{size / 2**20:.1f}", f"{median(day) * 1e3:.1f}", f"{max(day) * 1e3:.0f}"]
            )
            print(f"day {rows[-1][0]}: {rows[-1][1]} MiB", file=sys.stderr)
    return rows


def asked(history: History, seconds: int) -> list[object]:
    """How long a chart waits for its samples."""
    now = START + DAYS * 86_400
    took: list[float] = []
    for number in range(min(20, POSITIONS)):
        started = time.perf_counter()
        found = history.samples(name(number), now - seconds)
        history.updates(name(number), now - seconds)
        took.append(time.perf_counter() - started)
    return [f"{len(found):,}", f"{median(took) * 1e3:.1f}"]


def main() -> None:
    common.heading(f"{POSITIONS} positions for {DAYS} days")
    with common.folder() as folder:
        history = History(folder)
        for number in range(POSITIONS):
            history.relies(name(number), 1, [f"0x{number % 10:040x}"], START)
        common.table(["day", "file, MiB", "write of a minute, ms", "slowest, ms"], fill(history, folder / FILE))
        rows = [[title, *asked(history, seconds)] for title, seconds in SPANS]
        common.table(["chart", "samples", "read, ms"], rows)
        history.close()


if __name__ == "__main__":
    main()
