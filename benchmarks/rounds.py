"""What a round asks of a node, for 1 to 500 wallets: requests, bytes, milliseconds.

The alternatives read the same market: web3.py contract calls one by one, and the `multicall` package, if an
interpreter that has it is named by BENCH_MULTICALL_PYTHON (see benchmarks/README.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common, others
from benchmarks.crowd import Crowd, crowd
from tests.lab.proxy import FaultProxy, Reply

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1, 10, 100, 500)
ROUNDS = 5
WEB3_MOST = 100
"""One by one, more wallets only take longer in proportion."""
OTHER_PYTHON = "BENCH_MULTICALL_PYTHON"


class Counter(FaultProxy):
    """Counts what passes; healthy always."""

    sent = received = 0

    def serve(self, body: bytes) -> Reply:
        reply = super().serve(body)
        self.sent += len(body)
        self.received += len(reply.body)
        return reply

    def clear(self) -> None:
        self.reset()
        self.sent = self.received = 0


class Found(NamedTuple):
    requests: int
    sent: int
    received: int
    ms: float


class OtherFailed(Exception):  # noqa: N818 - reads as what happened
    """The alternative could not read the market; with its last line."""


async def ours(crowd: Crowd, wallets: list[str], url: str, counter: Counter | None) -> list[float]:
    """Milliseconds of steady rounds, each at a new block: reading, and reading with all figures made."""
    reader, rounds = crowd.rounds(wallets, url)
    await rounds.round(time.time())
    times: list[float] = []
    for _ in range(ROUNDS):
        crowd.move()
        if counter is not None:
            counter.clear()
        started = time.perf_counter()
        outcome = await rounds.round(time.time())
        times.append((time.perf_counter() - started) * 1e3)
        if getattr(outcome, "troubles", outcome):
            raise SystemExit(f"the round went wrong: {outcome}")
    await reader.close()
    return times


def liqtui(crowd: Crowd, wallets: list[str], counter: Counter) -> Found:
    asyncio.run(ours(crowd, wallets, counter.url, counter))
    counted = counter.http_requests, counter.sent, counter.received
    return Found(*counted, common.middle(asyncio.run(ours(crowd, wallets, crowd.lab.node.url, None))))


def other(how: str, interpreter: str) -> Callable[[Crowd, list[str], Counter], Found]:
    def ask(crowd: Crowd, wallets: list[str], url: str, rounds: int) -> list[float]:
        market = crowd.market
        task: others.Task = {
            "how": how, "url": url, "pool": market.pool, "oracle": market.oracle, "data": market.data_provider,
            "assets": [market.tokens[symbol].address for symbol in market.specs], "wallets": wallets, "rounds": rounds,
        }  # fmt: skip
        command = [interpreter, str(Path(others.__file__))]
        done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=False)
        if done.returncode:
            raise OtherFailed(done.stderr.strip().splitlines()[-1])
        return json.loads(done.stdout)

    def measure(crowd: Crowd, wallets: list[str], counter: Counter) -> Found:
        times = ask(crowd, wallets, crowd.lab.node.url, 1 if len(wallets) >= 100 else 3)
        counter.clear()
        ask(crowd, wallets, counter.url, 1)
        return Found(counter.http_requests, counter.sent, counter.received, common.middle(times))

    return measure


def main() -> None:
    common.heading("requests of one round (Aave v3.6, half of the wallets hold five reserves)")
    ways: list[tuple[str, Callable[[Crowd, list[str], Counter], Found], int]] = [
        ("liqtui", liqtui, SIZES[-1]), ("web3.py, one by one", other("web3", sys.executable), WEB3_MOST),
    ]  # fmt: skip
    interpreter = os.environ.get(OTHER_PYTHON)
    if interpreter:
        ways.append(("multicall", other("multicall", interpreter), SIZES[-1]))
    rows: list[list[object]] = []
    notes: list[str] = []
    with crowd(SIZES[-1] // 2) as made, Counter(made.lab.node.url) as counter:
        for name, measure, most in ways:
            for size in (size for size in SIZES if size <= most):
                try:
                    found = measure(made, made.wallets(size), counter)
                except OtherFailed as fault:
                    rows.append([name, size, *["fails"] * 4])
                    notes.append(f"{name}, {size} wallets: {fault}")
                    continue
                rows.append([name, size, found.requests, found.sent / 1e3, found.received / 1e3, found.ms])
    common.table(["", "wallets", "requests", "KB sent", "KB received", "ms"], rows)
    print("\nliqtui's ms hold every figure, boundary and rescue amount; a request takes at most 500 calls.")
    for note in notes:
        print(note)
    if not interpreter:
        print(f"The multicall package was not measured: name an interpreter that has it in {OTHER_PYTHON}.")


if __name__ == "__main__":
    main()
