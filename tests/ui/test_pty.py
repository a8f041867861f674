"""In a real terminal: bytes when nothing changes, signals, and a reader that has stalled."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
import sys, threading, time
from dataclasses import replace
from pathlib import Path
from liqtui.ui.app import LiqtuiApp, run
from liqtui.ui.state import Settings
from liqtui.ui import signals
from tests.ui import scenes, scene_rows
from tests.ui.stub import StubEngine

signals.GRACE = 1.0
folder = Path(sys.argv[1])
engine = StubEngine()
app = LiqtuiApp(engine, None, Settings(chain_tags=scene_rows.TAGS, silence_after=1e9))

def healthier(step):
    row = scenes.ROWS[4]
    raw = row.position.health.raw + step * 10**15
    health = row.position.health._replace(raw=raw, reported=raw)
    return (*scenes.ROWS[:4], replace(row, position=replace(row.position, health=health)), *scenes.ROWS[5:])

def poll():
    version = 1
    while True:
        time.sleep(0.02)
        (folder / "beat").write_text(str(time.monotonic()))
        order = folder / "order"
        if order.exists():
            words = order.read_text()
            order.unlink()
            if words == "crash":
                app.call_later(lambda: 1 / 0)
            if words == "change":
                version += 1
                engine.post(scenes.snapshot(version, rows=healthier(version)))
        if (folder / "flood").exists():
            version += 1
            engine.post(scenes.snapshot(version, rows=tuple(reversed(scenes.ROWS)) if version % 2 else scenes.ROWS))

threading.Thread(target=poll, daemon=True).start()
stop = engine.stop
engine.stop = lambda: (stop(), (folder / "stopped").write_text("yes"))
run(app)
print("left", app.return_code)
"""


class Terminal:
    """A program on a pseudo terminal of 120×36, read by a thread unless it is told to stall."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
        for name in ("NO_COLOR", "TMUX", "COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder)], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True,
        )  # fmt: skip
        self.received = bytearray()
        self.stalled = threading.Event()
        self.ended = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        while not self.ended.is_set():
            if self.stalled.is_set():
                time.sleep(0.02)
                continue
            if select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    self.received += os.read(self.master, 65536)

    def close(self) -> None:
        """Take the other end away, once."""
        if not self.ended.is_set():
            self.ended.set()
            self.reader.join()
            os.close(self.master)

    def screen(self) -> str:
        screen = pyte.Screen(120, 36)
        pyte.ByteStream(screen).feed(bytes(self.received))
        return "\n".join(screen.display)

    def wait(self, condition, seconds: float = 30.0) -> bool:
        """Whether it came true; a limit only against hanging for ever."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.02)
        return False

    def order(self, words: str) -> None:
        (self.folder / "order").write_text(words)
        assert self.wait(lambda: not (self.folder / "order").exists())

    def settle(self) -> int:
        """Bytes received so far, once no more came for a while."""
        size = -1
        while size != len(self.received):
            size = len(self.received)
            time.sleep(0.5)
        return size

    def ready(self) -> None:
        assert self.wait(lambda: "1–14 of 20" in self.screen()), self.screen()
        self.settle()

    def restored(self) -> bool:
        """The alternate screen left, the cursor shown, mouse and paste modes off, line mode as before."""
        said = bytes(self.received)
        last = {
            mode: max(said.rfind(b"\x1b[?%dh" % mode), -1) <= said.rfind(b"\x1b[?%dl" % mode)
            for mode in (1049, 1000, 1003, 2004)
        }
        cursor = said.rfind(b"\x1b[?25h") > said.rfind(b"\x1b[?25l")
        return all(last.values()) and cursor and termios.tcgetattr(self.slave)[:4] == self.before[:4]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.stalled.clear()
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()
    made.close()
    os.close(made.slave)


def test_idle_sends_nothing_and_a_change_little(terminal: Terminal) -> None:
    terminal.ready()
    before = terminal.settle()
    time.sleep(2)
    assert len(terminal.received) == before, "an idle screen is silent"
    terminal.order("change")
    assert terminal.wait(lambda: len(terminal.received) > before)
    assert terminal.settle() - before < 400
    assert "1.324" in terminal.screen()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_restore_the_terminal(terminal: Terminal, number: signal.Signals) -> None:
    terminal.ready()
    terminal.process.send_signal(number)
    assert terminal.process.wait(timeout=30) == 0
    assert terminal.wait(terminal.restored)
    assert (terminal.folder / "stopped").exists()


def test_a_crash_restores_the_terminal_and_says_why(terminal: Terminal) -> None:
    terminal.ready()
    terminal.order("crash")
    terminal.process.wait(timeout=30)
    assert b"left 1" in terminal.received
    assert terminal.wait(terminal.restored)
    assert b"ZeroDivisionError" in terminal.received
    assert (terminal.folder / "stopped").exists()


def test_suspend_and_resume(terminal: Terminal) -> None:
    terminal.ready()
    os.write(terminal.master, b"\x1a")
    assert terminal.wait(lambda: "T" in _state(terminal.process.pid))
    assert terminal.wait(terminal.restored)
    before = len(terminal.received)
    terminal.process.send_signal(signal.SIGCONT)
    assert terminal.wait(lambda: b"\x1b[?1049h" in terminal.received[before:])


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def test_a_stalled_terminal_stops_neither_the_engine_nor_an_end(terminal: Terminal) -> None:
    terminal.ready()
    terminal.stalled.set()
    (terminal.folder / "flood").touch()
    time.sleep(2)
    beat = (terminal.folder / "beat").read_text()
    assert terminal.wait(lambda: (terminal.folder / "beat").read_text() != beat), "the engine's thread goes on"
    (terminal.folder / "flood").unlink()
    terminal.stalled.clear()
    assert terminal.wait(lambda: "1–14 of 20" in terminal.screen()), "and the screen comes back"
    terminal.stalled.set()
    (terminal.folder / "flood").touch()
    time.sleep(1)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(timeout=30) in {0, 128 + signal.SIGTERM}
    assert (terminal.folder / "stopped").exists()


def test_a_terminal_that_vanishes_without_a_signal_ends_the_program(terminal: Terminal) -> None:
    terminal.ready()
    terminal.close()
    assert terminal.process.wait(timeout=40) == 129
    assert (terminal.folder / "stopped").read_text() == "yes", "the engine was stopped in order"


def test_keys_in_one_packet_go_where_the_first_leads(terminal: Terminal) -> None:
    terminal.ready()
    os.write(terminal.master, b"/treasury\r:sort he")
    assert terminal.wait(lambda: " :sort he" in terminal.screen()), terminal.screen()
    assert " 3 of 20 " in terminal.screen(), "the filter holds"
    assert terminal.process.poll() is None
