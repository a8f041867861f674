"""The real program as a child process: on pipes, or on a pseudo terminal that a person could sit at."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyte

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Sequence
    from pathlib import Path

PATIENCE = 40.0
"""Seconds after which something counts as never happening; nothing is measured."""

PROGRAM = """
import os, signal, sys, time
from liqtui.cli.main import main

async def fall_over(*_):
    1 / 0

def crash(*_):
    from liqtui.ui.app import LiqtuiApp
    LiqtuiApp.on_event = fall_over

signal.signal(signal.SIGUSR1, crash)
if os.environ.get("E2E_CLOCK"):
    from liqtui.core.clock import SystemClock
    began, speed = map(float, os.environ["E2E_CLOCK"].split())
    SystemClock.now = lambda self: began + (time.time() - began) * speed
sys.exit(main())
"""
"""The program itself; with a clock that runs faster where a test must not wait for minutes, and a way to fall over:
after SIGUSR1 at whatever happens next."""


@dataclass
class Home:
    """Somebody's folders, and the program run in them. Nothing outside this machine is ever named in them."""

    config: Path
    state: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def watchlist(self) -> Path:
        return self.config / "watchlist.toml"

    def configure(self, text: str) -> None:
        self.config.mkdir(parents=True, exist_ok=True)
        (self.config / "config.toml").write_text(text, encoding="utf-8")

    def watch(self, **wallets: str) -> None:
        """A watchlist of label → address."""
        self.config.mkdir(parents=True, exist_ok=True)
        entries = [
            f'[[wallet]]\naddress = "{address}"\nlabel = "{label.replace("_", " ")}"\n'
            for label, address in wallets.items()
        ]
        self.watchlist.write_text("\n".join(entries), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEXTUAL_", "SSH_"))}
        for name in ("NO_COLOR", "TMUX", "COLUMNS", "LINES"):
            kept.pop(name, None)
        return {
            **kept,
            "LIQTUI_CONFIG_DIR": str(self.config),
            "LIQTUI_STATE_DIR": str(self.state),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TEXTUAL_ANIMATIONS": "none",
            **self.env,
        }

    def run(
        self, *words: str, give: str = "", before: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, *words],
            env=self.environment(), input=give, capture_output=True, encoding="utf-8", timeout=90, preexec_fn=before,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        """In the background, on pipes."""
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8",
        )  # fmt: skip

    def check(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON of `check --json`."""
        done = self.run("check", "--json", *words)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


class Terminal:
    """The program on a pseudo terminal, read by a thread unless it is told to stall."""

    def __init__(
        self,
        home: Home,
        words: Sequence[str] = (),
        size: tuple[int, int] = (120, 36),
        before: Callable[[], None] | None = None,
    ) -> None:
        self.master, self.slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.received = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._stalled = threading.Event()
        self._ended = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, env=home.environment(), start_new_session=True,
            preexec_fn=before,  # noqa: PLW1509 (before any thread of ours begins)
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._ended.is_set():
            if self._stalled.is_set():
                time.sleep(0.02)
            elif select.select([self.master], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    data = os.read(self.master, 65536)
                    with self._lock:
                        self.received += data
                        self._stream.feed(data)

    # -- what a person sees ------------------------------------------------------------------------------------

    def lines(self) -> list[str]:
        with self._lock:
            return list(self._screen.display)

    def text(self) -> str:
        return "\n".join(self.lines())

    def wait(self, condition: Callable[[], object], seconds: float = PATIENCE) -> bool:
        """Whether it came true; a limit only against hanging for ever."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            time.sleep(0.03)
        return bool(condition())

    def see(self, *words: str, seconds: float = PATIENCE) -> str:
        """Wait until all of these are on the screen; returns the screen."""

        def there() -> bool:
            return all(word in self.text() for word in words)

        self.wait(lambda: there() or self.process.poll() is not None, seconds)
        assert self.wait(there, 0.5), (
            f"never saw {[word for word in words if word not in self.text()]} on\n{self.text()}"
        )
        return self.text()

    def line(self, word: str) -> str:
        """The first line with this in it."""
        return next(line for line in self.lines() if word in line)

    # -- what a person does ------------------------------------------------------------------------------------

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def paste(self, text: str) -> None:
        self.type(f"\x1b[200~{text}\x1b[201~")

    def stall(self) -> None:
        """Stop reading, as a frozen SSH session does."""
        self._stalled.set()

    def is_quiet(self) -> bool:
        """Whether nothing more comes: all that was on its way has been read."""
        before = len(self.received)
        time.sleep(0.3)
        return len(self.received) == before

    def go_on(self) -> None:
        self._stalled.clear()

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)

    # -- how it leaves the terminal ------------------------------------------------------------------------------

    def restored(self) -> bool:
        """The alternate screen left, the cursor shown, mouse and paste modes off, line mode and echo as before."""
        said = bytes(self.received)
        for mode in (1049, 1000, 1002, 1003, 1006, 2004):
            if said.rfind(b"\x1b[?%dh" % mode) > said.rfind(b"\x1b[?%dl" % mode):
                return False
        with self._lock:
            shown = not self._screen.cursor.hidden
        return shown and termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def close(self) -> None:
        self._stalled.clear()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._ended.set()
        self._reader.join()
        os.close(self.master)
        os.close(self.slave)
