"""How long one waits: for a version, a status line, the first text, the first full frame. And what is imported.

The alternative is the same program with web3 imported at its start, as monitors written around it do.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common

RUNS = 9
WATCHLIST = '[[wallet]]\naddress = "0x7f3ce0a1b2c3d4e5f60718293a4b5c6d7e8f91ae"\nlabel = "treasury"\n'
CONFIG = '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:9"]\n'
SAVED = (
    '{"schema": 1, "at": 1, "ready": true, "worst": "warn", "counts": {"warn": 1, "ok": 3}, "health": "1.164",'
    ' "title": "treasury aave-v3 lab", "nearest": "ETH −4.3%", "unacked": 0, "engine_error": ""}'
)
PLAIN = "import sys; from liqtui.cli.main import main; sys.exit(main(sys.argv[1:]))"
EAGER = f"import web3; {PLAIN}"
COUNT = """
import sys
from liqtui.cli import main as frame
try:
    frame.main(sys.argv[1:])
finally:
    print(len(sys.modules), file=open({path!r}, "w"))
"""
COUNT_BANNER = """
import sys
from liqtui.cli import main as frame
greet = frame.greet
def count(argv):
    greet(argv)
    print(len(sys.modules), file=open({path!r}, "w"))
    raise SystemExit
frame.greet = count
frame.main([])
"""
COUNT_FRAME = """
import sys
import textual.app
from liqtui.ui import app
painted = app.LiqtuiApp._painted
def count(self):
    print(len(sys.modules), *[name for name in ("web3", "eth_abi", "httpx", "aiohttp") if name in sys.modules],
          file=open({path!r}, "w"))
    painted(self)
app.LiqtuiApp._painted = count
from liqtui.cli.main import main
main([])
"""


def commands(env: dict[str, str]) -> list[list[object]]:
    rows: list[list[object]] = []
    cases = [
        ("python -c pass", common.python("pass"), ""),
        ("liqtui --version", common.python(PLAIN, "--version"), ""),
        ("liqtui status", common.python(PLAIN, "status"), "100"),
        ("status, web3 imported", common.python(EAGER, "status"), ""),
    ]
    for name, command, budget in cases:
        found = common.costs(command, env, RUNS)
        walls, cpus = [cost.wall for cost in found], [cost.cpu for cost in found]
        rows.append([name, common.middle(walls), min(walls), common.middle(cpus), budget])
    return rows


def screens(env: dict[str, str]) -> list[list[object]]:
    rows: list[list[object]] = []
    for name, script in (("liqtui", PLAIN), ("liqtui, web3 imported", EAGER)):
        texts: list[float] = []
        frames: list[float] = []
        used: list[float] = []
        for _ in range(RUNS):
            with common.Terminal(common.python(script), env) as terminal:
                terminal.wait(lambda seen=terminal: seen.frame(common.is_full))
                used.append(terminal.cpu() * 1e3)
                texts.append(terminal.first(b"liqtui") or 0)
                frames.append(terminal.frame(common.is_full) or 0)
        rows.append([f"{name}: first text", common.middle(texts), min(texts), "", "60"])
        rows.append([f"{name}: first frame", common.middle(frames), min(frames), common.middle(used), "600"])
    return rows


def modules(env: dict[str, str], where: Path) -> list[list[object]]:
    rows: list[list[object]] = []
    note = where / "modules"
    cases = [("--version", COUNT, ["--version"]), ("status", COUNT, ["status"]), ("first text", COUNT_BANNER, []),
             ("first frame", COUNT_FRAME, [])]  # fmt: skip
    for name, script, words in cases:
        note.unlink(missing_ok=True)
        with common.Terminal(common.python(script.format(path=str(note)), *words), env) as terminal:
            terminal.wait(lambda: note.exists() and note.read_text().endswith("\n"))
        count, *heavy = note.read_text().split()
        rows.append([name, int(count), " ".join(heavy) or "none"])
    return rows


def main() -> None:
    common.heading("start")
    with common.folder() as where:
        (where / "config.toml").write_text(CONFIG)
        (where / "watchlist.toml").write_text(WATCHLIST)
        (where / "state").mkdir()
        (where / "state" / "verdict.json").write_text(SAVED)
        env = common.environment(where)
        timed = [*commands(env), *screens(env)]
        common.table(["ms", "wall, median", "wall, least", "cpu, median", "budget"], timed)
        print()
        common.table(["modules imported", "number", "of web3, eth_abi, httpx, aiohttp"], modules(env, where))


if __name__ == "__main__":
    main()
