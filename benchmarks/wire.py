"""What the socket of a daemon costs: bytes and processor time of a snapshot, the engine's delay, the whole daemon.

    python wire.py [snapshots] [engine] [daemon]

The positions are those of `five.py`. Beside our differences, in the same run: the whole snapshot every time, with every
field of every position but what is searched for, as JSON by msgspec and by the standard library, and as msgpack
(whose integers end at 64 bits, so larger ones go as text). "screen" is what the other end spends until it has the
snapshot.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import subprocess
import sys
import threading
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common, memory
from benchmarks.crowd import crowd
from benchmarks.fivefold import five
from liqtui.core.model import Position
from liqtui.core.risk import TARGETS
from liqtui.engine import wire
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.news import Ledger, Mirror, Press
from liqtui.engine.server import Deps, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liqtui.core.snapshot import Snapshot
    from liqtui.engine.rounds import Outcome

SIZES = (200, 2000)
PROTOCOLS = 5
RUNS = 3
LOOKED_AT = 30
"""Rows on a screen."""
SEARCHED = {"book", "boundaries", "rescue"}
PARTS = tuple(each.name for each in fields(Position) if each.name not in SEARCHED)
STEP = 0.01
"""Seconds between two beats of the loop that stands for the engine's."""
SPAN = 8.0
CHILD = """
import socket, sys, time
from liqtui.engine import wire
line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
line.connect(sys.argv[1])
line.sendall(wire.frame({"hello": wire.greeting()}))
while sys.argv[2] == "reads" and line.recv(65536):
    pass
time.sleep(1000)
"""
DAEMON = "import sys; from liqtui.cli.main import main; sys.exit(main(['daemon']))"


# -- snapshots -----------------------------------------------------------------------------------------------------


class Engine:
    """Rounds of a live node as snapshots, each fresh: nothing of it was looked at yet."""

    def __init__(self, count: int) -> None:
        self._stack = contextlib.ExitStack()
        self.made = self._stack.enter_context(five(count // PROTOCOLS))
        self.loop = asyncio.new_event_loop()
        self.reader, self.rounds = self.made.rounds(self.made.wallets)
        self.rounds.watch(self.made.wallets)
        setup = self.made.setup(self.made.wallets)
        self.monitor = Monitor(setup, History(None), float(self.made.lab.node.timestamp))
        self.monitor.watch(setup.wallets)
        self.outcome = self._round()
        self.other = self.outcome

    def close(self) -> None:
        self.loop.run_until_complete(self.reader.close())
        self._stack.close()

    def _round(self) -> Outcome:
        outcome = self.loop.run_until_complete(self.rounds.round(time.time()))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _published(self, outcome: Outcome) -> Snapshot:
        self.outcome = outcome
        now = outcome.block.timestamp + 1.0  # of the chain: nothing is old, however long all this takes
        self.monitor.apply("lab", outcome, now)
        return self.monitor.publish(now)

    def first(self) -> Snapshot:
        return self._published(self.outcome)

    def prices(self) -> Snapshot:
        """Every figure of every position is another one."""
        self.made.move()
        self.other = self.outcome
        return self._published(self._round())

    def block(self) -> Snapshot:
        """As a round that finds the same in a newer block."""
        now = self.outcome
        block = now.block._replace(number=now.block.number + 1, hash=f"0x{now.block.number + 1:064x}")
        same = {key: one.having(block=block) for key, one in now.positions.items()}
        return self._published(replace(now, block=block, positions=same))

    def one(self) -> Snapshot:
        """One wallet has done something, all else is as it was."""
        now, key = self.outcome, next(iter(self.outcome.positions))
        self.other, before = now, self.other.positions[key]
        return self._published(replace(now, positions={**now.positions, key: before.having(block=now.block)}))


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """(processor milliseconds, what came of it)."""
    started = time.process_time()
    found = work()
    return (time.process_time() - started) * 1e3, found


class Line2:
    """Our own way: a client that has the snapshot before."""

    def __init__(self, looked_at: int) -> None:
        self.ledger, self.mirror, self.looked_at = Ledger(Press()), Mirror(TARGETS), looked_at

    def ship(self, snapshot: Snapshot) -> tuple[float, float, float]:
        """(bytes, ms of the daemon, ms of the screen)."""
        self.ledger.looked_at, self.ledger.top = frozenset(row.id for row in snapshot.rows[: self.looked_at]), False
        daemon, frame = spent(lambda: wire.frame({"news": self.ledger.news(snapshot)}))
        screen, _ = spent(lambda: self.mirror.take(wire.message_of(frame[wire.HEAD :])["news"]))
        return len(frame), daemon, screen


def everything(snapshot: Snapshot) -> Any:
    """Every field of every position but what is searched for."""
    plain = replace(snapshot, rows=tuple(replace(row, position=None, cushion=None) for row in snapshot.rows))
    held = [row.position for row in snapshot.rows if row.position is not None]
    return [wire.pack(plain), [[wire.pack(getattr(one, name)) for name in PARTS] for one in held]]


def small(value: Any) -> Any:
    if isinstance(value, list):
        return [small(item) for item in value]
    return str(value) if type(value) is int and abs(value) >> 63 else value


def alternatives(snapshot: Snapshot) -> Iterator[tuple[str, float, float, float]]:
    ways: list[tuple[str, Callable[[Any], bytes], Callable[[bytes], Any]]] = [
        ("all of it, JSON by msgspec", msgspec.json.encode, msgspec.json.decode),
        ("all of it, JSON by json", lambda value: json.dumps(value).encode(), json.loads),
        ("all of it, msgpack", lambda value: msgspec.msgpack.encode(small(value)), msgspec.msgpack.decode),
    ]
    for name, encode, decode in ways:
        daemon, data = spent(lambda encode=encode: encode(everything(snapshot)))
        screen, _ = spent(lambda decode=decode, data=data: wire.unpack([0, *decode(data)[0][1:]]))
        yield name, len(data), daemon, screen


def snapshots(looked_at: int) -> None:
    rows: list[list[object]] = []
    for count in SIZES:
        engine = Engine(count)
        line = Line2(looked_at)
        rows.append([f"{count:,} positions: a screen attaches", *line.ship(engine.first())])
        others: dict[str, list[tuple[float, float, float]]] = {}
        for name, step in (("the prices move", engine.prices), ("only the block moves", engine.block),
                           ("one changes", engine.one)):  # fmt: skip
            found = []
            for _ in range(RUNS):
                snapshot = step()
                found.append(line.ship(snapshot))
                if step == engine.prices:
                    for other, *costs in alternatives(step()):
                        others.setdefault(other, []).append(tuple(costs))  # type: ignore[arg-type]
                    line.ship(step())
            rows.append([f"{count:,} positions: {name}", *middles(found)])
        rows += [[f"{count:,} positions: {name}", *middles(costs)] for name, costs in others.items()]
        engine.close()
    common.table(["", "bytes", "daemon ms", "screen ms"], rows)


def middles(found: list[tuple[float, float, float]]) -> list[object]:
    size, *times = (common.middle(column) for column in zip(*found, strict=True))
    return [int(size), *times]


# -- the engine's delay --------------------------------------------------------------------------------------------


class Stand:
    """A loop in a thread of its own that publishes snapshots and notes how late it is woken."""

    playback = None

    def __init__(self, shown: list[Snapshot]) -> None:
        self.shown, self.current = shown, shown[0]
        self.listeners: list[Callable[[int], None]] = []
        self.late: list[float] = []
        self.on = False

    def snapshot(self) -> Snapshot:
        return self.current

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def run(self) -> None:
        self.on, self.late = True, []
        asyncio.run(self._run())

    async def _run(self) -> None:
        turn, due = 0, time.monotonic()
        while self.on:
            if time.monotonic() >= due:
                turn, due = turn + 1, due + 1.0
                self.current = replace(self.shown[turn % len(self.shown)], version=turn)
                for listener in tuple(self.listeners):
                    listener(turn)
            before = time.monotonic()
            await asyncio.sleep(STEP)
            self.late.append((time.monotonic() - before - STEP) * 1e3)


def engine_delay() -> None:
    engine = Engine(SIZES[-1])
    rows: list[list[object]] = []
    for name, clients in (("nobody attached", []), ("one that reads", ["reads"]),
                          ("one that never reads", ["stalls"]), ("eight that read", ["reads"] * 8)):  # fmt: skip
        stand = Stand([engine.prices() for _ in range(int(SPAN) + 2)])
        gc.collect()
        gc.freeze()  # the snapshots that lie ready are the benchmark's, not the daemon's
        rows.append([name, *asyncio.run(delayed(stand, clients))])
        gc.unfreeze()
    engine.close()
    common.table([f"{SIZES[-1]:,} positions that all change each second", "median ms", "99 of 100", "worst"], rows)


async def delayed(stand: Stand, clients: list[str]) -> list[object]:
    with common.folder() as folder:
        server = Server(folder, stand, Deps(wire.greeting, lambda _, __: None))  # type: ignore[arg-type]
        await server.open()
        command = [common.python(CHILD, str(server.path), how) for how in clients]
        env = common.environment(folder)
        children = [subprocess.Popen(one, env=env, cwd=common.ROOT) for one in command]  # noqa: ASYNC220
        while server.screens < len(clients):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        thread = threading.Thread(target=stand.run)
        thread.start()
        await asyncio.sleep(SPAN)
        stand.on = False
        await asyncio.to_thread(thread.join)
        await server.close()
        for child in children:
            child.terminate()
            child.wait()
    late = sorted(stand.late)
    return [late[len(late) // 2], late[len(late) * 99 // 100], late[-1]]


# -- the whole daemon ----------------------------------------------------------------------------------------------


def daemon() -> None:
    rows: list[list[object]] = []
    with crowd(memory.POSITIONS) as made, common.folder() as folder:
        memory.write(folder, made)
        env = common.environment(folder)
        command = common.python(DAEMON)
        child = subprocess.Popen(command, env=env, cwd=common.ROOT, stderr=subprocess.DEVNULL)
        try:
            time.sleep(3 * memory.BLOCK_TIME)
            rows.append(["no screen", *measured(child.pid, made), ""])
            with common.Terminal(common.python(memory.PLAIN), env) as screen:
                screen.wait(lambda: screen.frame(memory.full))
                time.sleep(memory.BLOCK_TIME)
                before = screen.cpu()
                found = measured(child.pid, made)
                rows.append(["one screen", *found, (screen.cpu() - before) * 100 / SPENT[0]])
                with common.Terminal(common.python(memory.PLAIN), env) as second:
                    second.wait(lambda: second.frame(memory.full))
                    time.sleep(memory.BLOCK_TIME)
                    rows.append(["two screens", *measured(child.pid, made), ""])
        finally:
            child.terminate()
            child.wait()
    title = f"{memory.POSITIONS} positions, a block each {memory.BLOCK_TIME:.0f} s"
    common.table([title, "daemon MiB", "daemon % of a core", "screen % of a core"], rows)


SPENT = [0.0]
"""Seconds that the last measurement took."""


def measured(pid: int, made: Any) -> list[object]:
    before, started = ticks(pid), time.monotonic()
    for _ in range(memory.BLOCKS):
        made.move(dt=max(1, int(time.time()) - made.lab.node.timestamp))
        time.sleep(memory.BLOCK_TIME)
    SPENT[0] = time.monotonic() - started
    return [common.resident(pid), (ticks(pid) - before) * 100 / SPENT[0]]


def ticks(pid: int) -> float:
    """Seconds of processor time."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / 100


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", default=["snapshots", "engine", "daemon"])
    options.add_argument("--looked-at", type=int, default=LOOKED_AT, help="rows that the screen looks at")
    chosen = options.parse_args()
    common.heading(f"wire: a screen that looks at {chosen.looked_at} rows")
    if "snapshots" in chosen.parts:
        snapshots(chosen.looked_at)
        print()
    if "engine" in chosen.parts:
        engine_delay()
        print()
    if "daemon" in chosen.parts:
        daemon()


if __name__ == "__main__":
    main()
