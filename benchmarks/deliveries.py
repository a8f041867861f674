"""From the moment a figure is known to the first byte at a webhook's receiver: with the terminal read and stalled, and
with a channel beside it that takes every connection and never answers.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import alerts, common
from tests.engine.receiver import HANG, Receiver

RUNS = 3
PROGRAM = alerts.PROGRAM.replace(
    'state=folder / "state")',
    'state=folder / "state", channels=tuple('
    "ChannelSpec(f'c{n}', 'webhook', url=url) for n, url in enumerate(sys.argv[2:4])))",
).replace("from liqtui.core.clock", "from liqtui.core.rules import ChannelSpec\nfrom liqtui.core.clock", 1)


def one(*, stall: bool) -> float:
    """Milliseconds."""
    with common.folder() as folder, Receiver() as dead, Receiver() as receiver:
        dead.usual = HANG
        words = [str(folder), dead.url, receiver.url, *(["stalled"] if stall else [])]
        with common.Terminal(common.python(PROGRAM, *words), common.environment(folder)) as terminal:
            terminal.wait(lambda: terminal.frame(common.is_full))
            terminal.wait((folder / "state" / "history.sqlite").exists)
            time.sleep(2)
            if stall:
                terminal.stalled.set()
                time.sleep(2)
            (folder / "fall").touch()
            terminal.wait(lambda: receiver.requests)
            known = alerts.moment(folder / "known")
            if known is None:
                raise SystemExit("the engine has not read the fall")
            return (receiver.requests[0].at - known) * 1e3


def main() -> None:
    common.heading(f"deliveries: 40 positions fall at once, an unreachable channel beside; {RUNS} times")
    rows: list[list[object]] = []
    for stall in (False, True):
        times = [one(stall=stall) for _ in range(RUNS)]
        rows.append(["terminal stalled" if stall else "terminal read", common.middle(times), max(times)])
    common.table(["ms from the figure to the first byte", "median", "worst"], rows)
    print("\nbudget: 1,000 ms with the terminal stalled")


if __name__ == "__main__":
    main()
