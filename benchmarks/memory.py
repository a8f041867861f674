"""The whole program on a live node, 200 positions in five reserves: memory, processor time, bytes to the terminal.

The alternatives are the same screen without an engine, Textual's DataTable with the same rows, and the whole
program with web3 imported.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common
from benchmarks.crowd import crowd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.crowd import Crowd

POSITIONS = 200
BLOCKS = 8
PACES = (12.0, 6.0)
"""Seconds between two blocks, and between two rounds: the usual pace, and twice as fast."""
IDLE = 30.0
PLAIN = "import sys; from liqtui.cli.main import main; sys.exit(main([]))"
EAGER = f"import web3; {PLAIN}"
STAGE = Path(__file__).parent / "stage.py"


def write(folder: Path, crowd: Crowd, pace: float) -> None:
    node = crowd.lab.node
    (folder / "config.toml").write_text(
        f'[chains.lab]\nid = {node.chain_id}\nrpc = ["{node.url}"]\npoll = {pace:.0f}\n'
        f'[[markets]]\nprotocol = "aave-v3"\nchain = "lab"\nname = "lab market"\n'
        f'pool_addresses_provider = "{crowd.market.provider}"\n'
    )
    entries = (f'[[wallet]]\naddress = "{one}"\nlabel = "w{at}"\n' for at, one in enumerate(crowd.real))
    (folder / "watchlist.toml").write_text("\n".join(entries))


def live(name: str, script: str, crowd: Crowd, pace: float) -> list[list[object]]:
    """While every figure changes with every block, and while no block comes."""
    with common.folder() as folder:
        write(folder, crowd, pace)
        with common.Terminal(common.python(script), common.environment(folder)) as terminal:
            terminal.wait(lambda: terminal.frame(full))
            crowd.move()
            time.sleep(pace)
            changing = Span(terminal)
            for _ in range(BLOCKS):
                crowd.move(dt=max(1, int(time.time()) - crowd.lab.node.timestamp))
                time.sleep(pace)
            rows = [changing.row(f"{name}: a block each {pace:.0f} s")]
            time.sleep(pace)
            idle = Span(terminal)
            time.sleep(IDLE)
            return [*rows, idle.row(f"{name}: no block comes, asked each {pace:.0f} s")]


class Span:
    """What a program uses from now on."""

    def __init__(self, terminal: common.Terminal) -> None:
        self.terminal = terminal
        self.sent, self.spent, self.started = terminal.received, terminal.cpu(), time.monotonic()

    def row(self, name: str) -> list[object]:
        passed, terminal = time.monotonic() - self.started, self.terminal
        share = (terminal.cpu() - self.spent) * 100 / passed
        return [name, terminal.resident(), share, round((terminal.received - self.sent) / passed)]


def full(display: Sequence[str]) -> bool:
    """All positions are in the list."""
    return any("positions" in line and f" {POSITIONS} " in line for line in display)


def staged(program: str) -> list[object]:
    with common.folder() as folder:
        command = [sys.executable, str(STAGE), program, str(POSITIONS), str(folder)]
        with common.Terminal(command, common.environment(folder)) as terminal:
            terminal.wait(lambda: terminal.received > 4000)
            terminal.settle(2.0)
            return [f"{program}, no engine", terminal.resident(), "", ""]


def main() -> None:
    common.heading(f"the whole program, {POSITIONS} positions")
    with crowd(POSITIONS) as made:
        rows = [row for pace in PACES for row in live("liqtui", PLAIN, made, pace)]
        rows += live("liqtui, web3 imported", EAGER, made, PACES[-1])[:1]
    rows += [staged("liqtui"), staged("datatable")]
    common.table(["", "MiB", "% of a core", "bytes/s"], rows)
    print("\nbudget: 120 MiB; 0 bytes/s when nothing changes")


if __name__ == "__main__":
    main()
