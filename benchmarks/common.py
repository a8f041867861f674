"""What the benchmarks share: tables, children with their costs, a pseudo terminal, a local node with many wallets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 120, 36
_BYTECODE = Path(tempfile.gettempdir()) / f"liqtui-bench-bytecode-{os.getuid()}"
_TICKS = os.sysconf("SC_CLK_TCK")


# -- tables ------------------------------------------------------------------------------------------------------


def heading(title: str) -> None:
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    print(f"\n{title}\nPython {platform.python_version()}, {cores} shared cores, load {load:.1f}\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """First column to the left, figures to the right."""
    lines = [tuple(columns), *(tuple(_text(cell) for cell in row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        first, *rest = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *rest]), flush=True)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:,.1f}" if abs(cell) >= 10 else f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


# -- children ----------------------------------------------------------------------------------------------------


def environment(folder: Path) -> dict[str, str]:
    """A truecolour terminal and files of its own; byte code is kept, as it is in an installed program."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"NO_COLOR", "TMUX", "SSH_CONNECTION", "SSH_TTY"}
    }
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {
        "LIQTUI_CONFIG_DIR": str(folder),
        "LIQTUI_STATE_DIR": str(folder / "state"),
        "PYTHONPYCACHEPREFIX": str(_BYTECODE),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }


@dataclass
class Cost:
    """Of one child, ms."""

    wall: float
    cpu: float


def costs(command: Sequence[str], env: dict[str, str], runs: int) -> list[Cost]:
    """Run it so many times; once more before, to compile what it imports."""
    found: list[Cost] = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        child = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0  # reaped above
        found.append(Cost((time.perf_counter() - started) * 1e3, (used.ru_utime + used.ru_stime) * 1e3))
    return found[1:]


def middle(values: Iterable[float]) -> float:
    return median(list(values))


# -- a terminal --------------------------------------------------------------------------------------------------


@dataclass
class Piece:
    at: float
    """Monotonic."""
    data: bytes


@dataclass
class Terminal:
    """A program in a pseudo terminal. Read by a thread, unless it is told to stall."""

    command: Sequence[str]
    env: dict[str, str]
    pieces: list[Piece] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self._ended = threading.Event()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, env=self.env, cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stalled.clear()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(8)
        self.process.kill()
        self.process.wait()
        self._ended.set()
        self._reader.join()
        os.close(self._master)

    def _read(self) -> None:
        while not self._ended.is_set():
            if self.stalled.is_set():
                time.sleep(0.01)
            elif select.select([self._master], [], [], 0.05)[0]:
                try:
                    data = os.read(self._master, 65536)
                except OSError:  # the other end is closed
                    return
                self.pieces.append(Piece(time.monotonic(), data))

    @property
    def received(self) -> int:
        return sum(len(piece.data) for piece in self.pieces)

    def first(self, wanted: bytes) -> float | None:
        """Milliseconds from the start until these bytes had come."""
        seen = b""
        for piece in list(self.pieces):
            seen += piece.data
            if wanted in seen:
                return (piece.at - self.started) * 1e3
        return None

    def frame(self, complete: Callable[[Sequence[str]], bool]) -> float | None:
        """Milliseconds from the start until the screen was complete, by what a terminal would show."""
        screen = pyte.Screen(WIDTH, HEIGHT)
        stream = pyte.ByteStream(screen)
        for piece in list(self.pieces):
            stream.feed(piece.data)
            if complete(screen.display):
                return (piece.at - self.started) * 1e3
        return None

    def wait(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                tail = b"".join(piece.data for piece in self.pieces)[-2000:]
                raise SystemExit(f"nothing came in {seconds:.0f} s: {tail.decode(errors='replace')}")
            time.sleep(0.02)

    def settle(self, quiet: float = 1.0) -> None:
        """Until nothing was sent for so long."""
        self.wait(lambda: self.pieces and time.monotonic() - self.pieces[-1].at > quiet)

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident(self) -> float:
        """MiB."""
        return resident(self.process.pid)


def resident(pid: int | str = "self") -> float:
    """MiB of memory that are held now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("the system does not tell what a process holds")


def python(script: str, *words: str) -> list[str]:
    return [sys.executable, "-c", script, *words]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="liqtui-bench-") as name:
        yield Path(name)


def is_full(display: Sequence[str]) -> bool:
    """The whole dashboard: panes at the top, the edge of the alerts, keys in the last line."""
    text = "\n".join(display)
    return "positions" in text and "alerts" in text and "help" in display[-1]
