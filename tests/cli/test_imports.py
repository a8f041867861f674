"""What starting costs, held by what is imported: no stopwatch, but no surprise either."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from liqtui.config.folders import SOCKET, VERDICT

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = {"web3", "ens", "eth_abi", "eth_utils", "eth_account", "aiohttp", "pydantic"}
SCREEN = {"textual", "rich"}
SLOW = CHAIN | SCREEN | {"httpx", "websockets", "Crypto", "apprise"}
NETWORK = SLOW | {"asyncio", "sqlite3", "ssl", "socket"}

NO_LINE_WAITS_FOR = {
    "argparse", "contextlib", "dataclasses", "datetime", "decimal", "gettext", "ipaddress", "locale", "pathlib",
    "platformdirs", "shutil", "tomllib", "typing", "urllib",
}  # fmt: skip
"""What a status line does without, in a status bar each few seconds."""

RUN = """
import json, sys
from liqtui.cli.main import main
try:
    main(sys.argv[2:])
finally:
    with open(sys.argv[1], "w") as note:
        json.dump(sorted(sys.modules), note)
"""
CONFIG = '[chains.lab]\nid = 31337\nrpc = ["http://127.0.0.1:9/"]\n'
ADDRESS = "0x" + "ab" * 20


@pytest.fixture
def note(tmp_path: Path, own_folders: Path) -> Path:
    """Where a child writes what it has imported; its configuration knows one chain, where nobody listens."""
    folder = own_folders / "liqtui"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(CONFIG)
    return tmp_path / "modules.json"


def imported(note: Path) -> set[str]:
    return set(json.loads(note.read_text()))


def tops(note: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(note)}


def ours(note: Path) -> set[str]:
    return {name for name in imported(note) if name.startswith("liqtui.")}


def run(note: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", RUN, str(note), *words], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("words", "never"),
    [
        (["--help"], NETWORK),
        (["--version"], NETWORK | {"importlib.metadata", "email"}),
        (["status"], NETWORK | NO_LINE_WAITS_FOR),
        (["status", "--ascii"], NETWORK | {"dataclasses", "tomllib", "decimal", "datetime"}),
        (["wallet", "list"], SLOW),
        (["check", "--help"], NETWORK),
        (["check", "--json", ADDRESS], CHAIN | {"textual", "apprise"}),
        (["doctor"], CHAIN | {"textual", "apprise"}),
        (["alert", "test"], SLOW),
        (["markets"], SLOW - {"Crypto"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(note: Path, words: list[str], never: set[str]) -> None:
    done = run(note, *words)
    assert "Traceback" not in done.stderr
    assert tops(note) & never == set()
    assert not any(name.startswith("liqtui.ui") for name in ours(note))


def test_a_daemon_never_imports_a_screen(note: Path) -> None:
    command = [sys.executable, "-c", RUN, str(note), "daemon", "--log", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
        guard = threading.Timer(60, child.kill)
        guard.start()
        assert child.stderr is not None
        told: list[str] = []
        for line in child.stderr:
            told.append(line)
            if '"listening"' in line:
                child.terminate()
        guard.cancel()
    assert child.returncode == 0, told
    assert tops(note) & {"textual", "apprise"} == set()
    assert not any(name.startswith("liqtui.ui") for name in ours(note))
    assert "liqtui.engine.monitor" in ours(note), "it did watch"


def test_a_status_line_waits_for_no_position_and_no_configuration(note: Path) -> None:
    assert "nothing seen yet" in run(note, "status").stdout
    assert (
        ours(note) & {"liqtui.core.model", "liqtui.core.snapshot", "liqtui.config.load", "liqtui.cli.session"} == set()
    )


def test_a_status_line_about_a_daemon_waits_for_little_more(note: Path, own_folders: Path) -> None:
    state = own_folders / "state" / "liqtui"
    state.mkdir(parents=True)
    (state / SOCKET).touch()
    (state / VERDICT).write_text('{"schema": 1, "at": 1, "ready": true, "worst": "ok"}')
    assert "the daemon has died" in run(note, "status").stdout
    assert "liqtui.config.lock" in ours(note), "it did look whether the daemon lives"
    assert tops(note) & (NO_LINE_WAITS_FOR - {"contextlib"}) == set()


PACKAGES = """
import importlib, json, pkgutil, sys
for package in ("liqtui.core", "liqtui.protocols"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(found.name)
with open(sys.argv[1], "w") as note:
    json.dump(sorted(sys.modules), note)
"""


def test_core_and_protocols_are_light(note: Path) -> None:
    subprocess.run([sys.executable, "-c", PACKAGES, str(note)], check=True, timeout=60)
    assert tops(note) & NETWORK == set()
    assert {name.split(".")[1] for name in ours(note)} == {"core", "protocols"}
    assert len(ours(note)) > 20


FIRST_FRAME = """
import json, sys
from liqtui.ui.app import LiqtuiApp

def painted(self):
    with open(sys.argv[1], "w") as note:
        json.dump(sorted(sys.modules), note)
    self.exit()

LiqtuiApp._painted = painted
from liqtui.cli.main import main
sys.exit(main([]))
"""
FIRST_TEXT = """
import json, sys
before = set(sys.modules)
from liqtui.cli import main
greet = main.greet

def shown(argv):
    assert greet(argv)
    with open(sys.argv[1], "w") as note:
        note.write(json.dumps(sorted(set(sys.modules) - before)))
    raise SystemExit(0)

main.greet = shown
main.main([])
"""


def in_terminal(script: str, note: Path, term: str = "xterm-256color") -> tuple[int, bytes]:
    """Exit code of the script in a terminal of its own, and what it wrote there."""
    master, slave = pty.openpty()
    env = os.environ | {"TERM": term, "LANG": "C.UTF-8"}
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(note)], stdin=slave, stdout=slave, stderr=slave, env=env,
        start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    written = bytearray()

    def read() -> None:
        try:
            while data := os.read(master, 65536):
                written.extend(data)
        except OSError:  # the other end is closed
            return

    reader = threading.Thread(target=read)
    reader.start()
    code = child.wait(60)
    reader.join(10)
    os.close(master)
    return code, bytes(written)


def test_the_first_frame_waits_for_no_chain_library(note: Path) -> None:
    code, written = in_terminal(FIRST_FRAME, note)
    assert code == 0, written
    assert "textual" in tops(note)
    assert tops(note) & (SLOW - SCREEN) == set()
    reading = {f"liqtui.engine.{name}" for name in ("monitor", "rounds", "history", "watch")}
    assert not any(name in reading or name.startswith("liqtui.chain.pool") for name in ours(note))
    core = {name.removeprefix("liqtui.core.") for name in ours(note) if name.startswith("liqtui.core.")}
    assert core == {
        "ages", "clock", "format", "reads", "redact", "rules", "sigma", "snapshot", "sources", "states", "tally",
        "text", "units", "wallet",
    }, "no position is shown yet, and none is worked out"  # fmt: skip
    dialogs = {f"liqtui.ui.{name}" for name in ("commands", "detail", "alert_screen", "help", "wallet_form", "welcome")}
    assert ours(note) & dialogs == set()
    assert not any(name.startswith("liqtui.protocols") for name in ours(note)), "nor for the markets that ship"


def test_the_first_text_waits_for_next_to_nothing(note: Path) -> None:
    code, written = in_terminal(FIRST_TEXT, note)
    assert code == 0, written
    assert b"starting" in written
    slow = {"argparse", "dataclasses", "pathlib", "platformdirs", "shutil", "tempfile", "tomllib", "typing"}
    assert tops(note) & (NETWORK | slow) == set()
    assert ours(note) == {
        "liqtui.cli", "liqtui.cli.main", "liqtui.cli.greeting", "liqtui.config", "liqtui.config.folders",
        "liqtui.core", "liqtui.core.text", "liqtui.ui", "liqtui.ui.banner",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--config", "wrong.toml"], 78, b"wrong.toml"),
        ([ADDRESS[:-2] + "A_"], 64, b"40 hex digits are needed"),
        (["--nope"], 64, b"--nope"),
        ([ADDRESS.replace("ab", "aB")], 64, b"checksum"),
        (["--theme", "nope"], 78, b"there is no such theme"),
    ],
)
def test_a_mistake_is_told_on_the_ordinary_screen(
    note: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: bytes
) -> None:
    monkeypatch.chdir(note.parent)
    (note.parent / "wrong.toml").write_text("[chain.lab]\n")
    script = f"from liqtui.cli.main import main; import sys; sys.exit(main({words!r}))"
    ended, written = in_terminal(script, note)
    assert ended == code
    left, _, rest = written.rpartition(b"\x1b[?1049l")
    assert b"\x1b[?1049h" in left
    assert told in rest


def test_where_no_screen_can_be_drawn_it_says_what_can_be_done(note: Path) -> None:
    script = "from liqtui.cli.main import main; import sys; sys.exit(main([]))"
    ended, written = in_terminal(script, note, "dumb")
    assert ended == 64
    assert b"\x1b" not in written
    assert b"`liqtui check` prints once" in written
