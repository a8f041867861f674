"""From the moment a figure is known to the alert in the log, and to the bell: with the terminal read, and stalled.

The alternative sends alerts from the screen's own loop, as a Textual app does that has no engine apart: here a line
in a file, written by the handler that takes the snapshot. While the terminal is stalled the screen repaints all
it can, so that its output blocks as it would over a dead SSH connection.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common

RUNS = 5
PATIENCE = 6.0
"""Seconds after which something counts as not sent."""
BELL = b"\x1b]9;"

PROGRAM = r"""
import sys, time
from pathlib import Path
from liqtui.core.clock import SystemClock
from liqtui.engine import watch
from liqtui.engine.live import LiveEngine
from liqtui.engine.setup import Setup
from liqtui.ui.app import LiqtuiApp, run
from liqtui.ui.state import Settings
from tests.engine import fakes

folder = Path(sys.argv[1])
watch.GAP = 0.1
chain = fakes.FakeChain(time=int(time.time()), updated_at=int(time.time()) - 5)
for number in range(1, 41):
    chain.hold(number, 1, 1000 + number)

def during():
    # a block a round; when told to, one in which ETH has fallen and everybody is in danger
    fall = folder / "fall"
    chain.number += 1
    chain.time = int(time.time())
    low = fall.exists()
    # dated a little back: the block that is being read is the one before
    chain.price, chain.updated_at = (1340 if low else 2000 + chain.number % 50) * 10**8, chain.time - 5
    if low and not (folder / "known").exists():
        (folder / "known").write_text(repr(time.monotonic()) + "\n")

chain.during = during
spec = fakes.chain(poll=0.2, block_time=1.0)
wallets = tuple(fakes.wallet(number) for number in range(1, 41))
setup = Setup((spec,), (fakes.market(),), wallets, state=folder / "state")
engine = LiveEngine(setup, reader_factory=lambda _: chain, adapters={"fake": fakes.FakeAdapter()})

ring = LiqtuiApp._ring

def tell(self):
    ring(self)
    path = folder / "screen"
    if not path.exists() and any(alert.kind == "threshold" for alert in self.state.snapshot.alerts):
        path.write_text(repr(time.monotonic()) + "\n")

LiqtuiApp._ring = tell
watch.pace = lambda spec: spec.poll
app = LiqtuiApp(engine, None, Settings())
if "stalled" in sys.argv:
    def repaint():
        app.screen.refresh(layout=True)
    app.call_later(lambda: app.set_interval(0.02, repaint))
run(app)
"""


def stored(folder: Path) -> int:
    """Alerts about health that stand in the log."""
    path = folder / "state" / "history.sqlite"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)) as db, db:
        return db.execute("SELECT count(*) FROM alert WHERE kind = 'threshold'").fetchone()[0]


def moment(path: Path) -> float | None:
    text = path.read_text() if path.exists() else ""
    return float(text) if text.endswith("\n") else None


def one(*, stall: bool) -> dict[str, float | None]:
    """Milliseconds after the figure was known; None: not within PATIENCE."""
    with common.folder() as folder:
        words = [str(folder), *(["stalled"] if stall else [])]
        with common.Terminal(common.python(PROGRAM, *words), common.environment(folder)) as terminal:
            terminal.wait(lambda: terminal.frame(common.is_full))
            terminal.wait((folder / "state" / "history.sqlite").exists)
            time.sleep(3)
            if stall:
                terminal.stalled.set()
                time.sleep(2)
            heard = len(terminal.pieces)
            (folder / "fall").touch()
            logged: float | None = None
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                if logged is None and stored(folder):
                    logged = time.monotonic()
                time.sleep(0.005)
            known = moment(folder / "known")
            if known is None:
                raise SystemExit("the engine has not read the fall")
            bell = next((piece.at for piece in terminal.pieces[heard:] if BELL in piece.data), None)
            found = {"log": logged, "bell": bell, "screen": moment(folder / "screen")}
            return {name: None if at is None else (at - known) * 1e3 for name, at in found.items()}


def shown(times: list[float | None]) -> list[object]:
    came = [at for at in times if at is not None]
    if not came:
        return ["never", "never"]
    return [common.middle(came), max(came)] if len(came) == len(times) else [f"{len(came)} of {len(times)}", max(came)]


def main() -> None:
    common.heading(f"alerts: 40 positions fall at once; {RUNS} times")
    rows: list[list[object]] = []
    for stall in (False, True):
        runs = [one(stall=stall) for _ in range(RUNS)]
        state = "terminal stalled" if stall else "terminal read"
        for name, what in (
            ("log", "in the log"),
            ("bell", "bell at the terminal"),
            ("screen", "from the screen's loop"),
        ):
            rows.append([f"{state}: {what}", *shown([run[name] for run in runs])])
    common.table(["ms after the figure was known", "median", "worst"], rows)
    print(f"\nbudget: 1,000 ms with the terminal stalled. never: not within {PATIENCE:.0f} s")


if __name__ == "__main__":
    main()
