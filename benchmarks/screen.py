"""What the screen costs: bytes to the terminal and processor time. Ours, and Textual's DataTable on the same data.

idle     nothing arrives at all
same     a snapshot each time in which nothing has changed
steady   every second all figures of 200 positions change
10,000   one snapshot in which all figures of 10,000 positions change
filter   letters typed behind / over 10,000 positions, and a pattern that is searched in each name of each
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common
from benchmarks.stage import prepared
from liqtui.core.tally import tally
from liqtui.ui.filters import Filter, Sieve
from tests.ui import scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.snapshot import Row

STAGE = Path(__file__).parent / "stage.py"
PROGRAMS = ("liqtui", "datatable")
SECONDS = 20
APPLIED = 9
MANY = 10_000
TYPED = ("treasury", "usdc", "zzz")
"""A part of the labels, an asset, nothing at all."""


class Stage:
    """A program in a terminal that takes orders."""

    def __init__(self, program: str, rows: int, folder: Path) -> None:
        self.folder = folder
        self.terminal = common.Terminal(
            [sys.executable, str(STAGE), program, str(rows), str(folder)], common.environment(folder)
        )

    def __enter__(self) -> Self:
        self.terminal.__enter__()
        self.terminal.wait(lambda: self.terminal.received > 4000, 120)
        self.terminal.settle(2.0)
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.__exit__()

    def order(self, words: str) -> None:
        (self.folder / "answer").unlink(missing_ok=True)
        (self.folder / "order").write_text(words)
        self.terminal.wait(lambda: not (self.folder / "order").exists())

    def answer(self) -> tuple[float, float]:
        """Milliseconds of the last change: handling it, and until it was painted."""
        path = self.folder / "answer"
        self.terminal.wait(lambda: path.exists() and path.read_text().endswith("\n"))
        handled, painted = path.read_text().split()
        return float(handled), float(painted)

    def measure(self, seconds: float) -> tuple[float, float]:
        """Bytes and processor milliseconds per second."""
        sent, spent, started = self.terminal.received, self.terminal.cpu(), time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - started
        return (self.terminal.received - sent) / passed, (self.terminal.cpu() - spent) * 1e3 / passed


def steady(program: str) -> list[list[object]]:
    rows: list[list[object]] = []
    with common.folder() as folder, Stage(program, 200, folder) as stage:
        sent, spent = stage.measure(10)
        rows.append([f"{program}: idle", round(sent), spent / 10])
        before = stage.terminal.received
        stage.order("same")
        stage.answer()
        time.sleep(1)
        rows.append([f"{program}: same", stage.terminal.received - before, ""])
        stage.order("flow")
        time.sleep(3)
        sent, spent = stage.measure(SECONDS)
        rows.append([f"{program}: steady, 200 positions", round(sent), spent / 10])
    return rows


def applied(program: str) -> list[object]:
    """One snapshot of many positions, several times."""
    handled: list[float] = []
    painted: list[float] = []
    sent: list[float] = []
    with common.folder() as folder, Stage(program, MANY, folder) as stage:
        for _ in range(APPLIED):
            before = stage.terminal.received
            stage.order("change")
            one = stage.answer()
            handled.append(one[0])
            painted.append(one[1])
            stage.terminal.settle(0.5)
            sent.append(stage.terminal.received - before)
    return [program, common.middle(handled), common.middle(painted), round(common.middle(sent))]


def summed() -> float:
    """Milliseconds of processor time for the tally of a snapshot, median."""
    return common.middle(spent(lambda rows=snapshot.rows: tally(rows)) for snapshot in prepared(MANY))


def crowd() -> tuple[Row, ...]:
    """Positions of wallets that have five each, and every wallet a label of its own."""
    return tuple(
        replace(row, label=f"{row.label}-{n // 5:04}", key=row.key._replace(wallet=f"0x{n // 5:040x}"))
        for n, row in enumerate(scenes.many(MANY))
    )


def by_pattern(word: str, rows: Sequence[Row]) -> list[Row]:
    """The plain way, and the rule itself: the letters of a word in this order in any name of a row."""
    pattern = re.compile(".*?".join(map(re.escape, word)))

    def passes(row: Row) -> bool:
        symbols = row.position.symbols if row.position else ()
        names = (row.label, row.protocol, row.key.protocol, row.key.market, row.chain, *symbols)
        return row.key.wallet.startswith(word) or any(pattern.search(name.casefold()) for name in names)

    return [row for row in rows if passes(row)]


def typed() -> list[list[object]]:
    """For each letter: what passes, and what both ways take, medians of processor time."""
    rows, found = crowd(), list[list[object]]()
    for word in TYPED:
        texts = [word[:size] for size in range(1, len(word) + 1)]
        taken: list[list[tuple[float, float]]] = [[] for _ in texts]
        for _ in range(APPLIED):
            sieve = Sieve()
            for text, each in zip(texts, taken, strict=True):
                ours = spent(lambda text=text, sieve=sieve: sieve.select(Filter(text), rows))
                each.append((ours, spent(lambda text=text: by_pattern(text, rows))))
        for text, each in zip(texts, taken, strict=True):
            found.append([text, len(by_pattern(text, rows)), *map(common.middle, zip(*each, strict=True))])
    return found


def spent(work: Callable[[], object]) -> float:
    """Milliseconds of processor time."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


def main() -> None:
    common.heading("letters typed behind / over 10,000 positions of 2,000 wallets")
    common.table(["typed so far", "rows left", "ms", "ms by a pattern"], typed())
    print("\nbudget: 20 ms\n")
    common.heading("screen of 120×36, truecolour")
    rows = [row for program in PROGRAMS for row in steady(program)]
    common.table(["", "bytes/s", "% of a core"], rows)
    print("\nbudget: 0 bytes when nothing changes; steady 5,000 bytes/s and 3 % of a core\n")
    rows = [applied(program) for program in PROGRAMS]
    common.table([f"a snapshot of {MANY:,} positions", "ms to handle", "ms until painted", "bytes"], rows)
    print("\nbudget: 30 ms to handle (processor time of the whole process, which holds no engine here)")
    print(f"beside it, in the engine's thread before a screen hears of it: counts and sums of all, {summed():.1f} ms")


if __name__ == "__main__":
    main()
