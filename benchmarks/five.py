"""500 wallets with a position in each of five protocols on one chain: requests of a round, and what the processor does.

Aave v3.6, Aave v2, Morpho Blue and Compound v2 run on a local node. No deployable contract of Compound v3 is published
where tests may get it, so its answers come from a dictionary in front of the reader; everything behind that is the
program's own. Between two rounds the prices move, so that no figure of any position stays; and a step that is timed by
itself starts from the answers each time, so that it does all that a block asks in which everything moved.

Beside it, in the same run and on the same node, the four deployed protocols read with web3.py call by call, and with
the `multicall` package if an interpreter that has it is named by BENCH_MULTICALL_PYTHON (see benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import os
import pstats
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common, others
from benchmarks.fivefold import Five, five
from benchmarks.rounds import OTHER_PYTHON, Counter, OtherFailed
from liqtui.chain import multicall
from liqtui.chain.jsontext import parse
from liqtui.core.reads import Block, Call, Failure, Result, run_plans
from liqtui.core.risk import complete
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outcome import Outcome
from liqtui.engine.thread import COLLECT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from liqtui.core.model import Position
    from liqtui.core.snapshot import Snapshot

SIZES = (1, 10, 100, 500)
RUNS = 9
TURNS = 25
SHOWN = 30
BATCH = 500
WEB3_WALLETS = 50
"""One by one, more only take longer in proportion."""
ENTRIES = 40
PACE = 200_000


class Kept:
    """A reader that answers from what was read before, so that all that is measured is this program.

    A batch that was asked before is known as a whole: looking up each call would be the work of this reader.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.chain_id = inner.chain_id
        self.answers: dict[Call, Result] = {}
        self.batches: list[list[Call]] = []
        self.whole: list[tuple[list[Call], list[Result]]] = []

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        for asked, answers in self.whole:
            if asked == calls:
                return answers
        missing = [call for call in calls if call not in self.answers]
        if missing:
            self.answers.update(zip(missing, await self.inner.read(block, missing), strict=True))
            self.batches.append(missing)
        found = list(map(self.answers.__getitem__, calls))
        self.whole.append((list(calls), found))
        return found


class Spent(NamedTuple):
    """Milliseconds of processor time. The least is what the work takes; the rest is what else the machine does."""

    middle: float
    least: float


def spent(found: Sequence[float]) -> Spent:
    return Spent(common.middle(found), min(found))


def took(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3


def cpu(work: Callable[[], object], runs: int = RUNS) -> Spent:
    return spent([took(work) for _ in range(runs)])


def in_turns(works: Sequence[Callable[[], object]], runs: int = RUNS) -> list[Spent]:
    """What each takes, what a turn of all of them does, and last the pace of the machine meanwhile.

    So a slow minute of the machine falls on all alike, and shows.
    """
    found: list[list[float]] = []
    for _ in range(runs):
        each = [took(work) for work in works]
        found.append([*each, sum(each), took(plain_loop)])
    return [spent(each) for each in zip(*found, strict=True)]


def plain_loop() -> int:
    """Has nothing of this program in it: what it takes is the pace of the machine."""
    total = 0
    for number in range(PACE):
        total += number * number
    return total


def packed(answers: Iterable[Result]) -> bytes:
    """As Multicall3 answers."""
    from eth_abi.abi import encode

    rows = [(not isinstance(one, Failure), one.data if isinstance(one, Failure) else one) for one in answers]
    return encode(["(bool,bytes)[]"], [rows])


class Round:
    """Five opened markets whose next round is known."""

    def __init__(self, made: Five, wallets: Sequence[str]) -> None:
        self.made, self.wallets = made, wallets
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._prepare())

    async def _prepare(self) -> None:
        self.pool = self.made.reader()
        self.kept = Kept(self.pool)
        self.block = await self.pool.head()
        self.markets = self.made.markets()
        opening = [adapter.open(ref, self.block) for ref, adapter in self.markets]
        self.opened = await run_plans(self.kept, self.block, opening)
        searching = [m[1].discover(o, self.wallets) for m, o in zip(self.markets, self.opened, strict=True)]
        self.hints = await run_plans(self.kept, self.block, searching)
        self.kept.answers.clear()
        self.kept.batches.clear()
        self.kept.whole.clear()
        await self.refresh()
        await self.pool.close()
        self.data = [packed(self.kept.answers[call] for call in batch) for batch in self.cut()]

    def cut(self) -> list[list[Call]]:
        return [batch[at : at + BATCH] for batch in self.kept.batches for at in range(0, len(batch), BATCH)]

    async def refresh(self) -> None:
        triples = zip(self.markets, self.opened, self.hints, strict=True)
        plans = [adapter.refresh(opened, self.block, hints) for (_, adapter), opened, hints in triples]
        self.readings = await run_plans(self.kept, self.block, plans)

    # -- steps ---------------------------------------------------------------------------------------------------

    def encode(self) -> None:
        for batch in self.cut():
            json.dumps({"data": "0x" + multicall.encode(batch).hex()})

    def transport(self) -> None:
        for text in self.texts:
            bytes.fromhex(parse(text)["result"][2:])

    @property
    def texts(self) -> list[bytes]:
        return [json.dumps({"jsonrpc": "2.0", "id": 1, "result": "0x" + data.hex()}).encode() for data in self.data]

    def decode(self) -> None:
        for data, batch in zip(self.data, self.cut(), strict=True):
            multicall.decode(data, len(batch))

    def take_apart(self) -> None:
        self.loop.run_until_complete(self.refresh())

    def evaluate(self) -> list[Position]:
        return [
            complete(position)
            for (_, adapter), opened, reading in zip(self.markets, self.opened, self.readings, strict=True)
            for wallet, account in reading.accounts.items()
            for position in adapter.evaluate(opened, self.block, reading.market, account, wallet)
        ]

    def of_one(self, place: int) -> Callable[[], object]:
        (_, adapter), opened, reading = self.markets[place], self.opened[place], self.readings[place]
        accounts = reading.accounts.items()
        return lambda: [
            complete(position)
            for wallet, account in accounts
            for position in adapter.evaluate(opened, self.block, reading.market, account, wallet)
        ]

    def outcome(self) -> Outcome:
        positions = {position.key: position for position in self.evaluate()}
        return Outcome(self.pool.chain_id, self.block, positions, frozenset())


def judged(monitor: Monitor, outcome: Outcome, now: float) -> Snapshot:
    """Rows, ranks, alert rules: what the engine does with a round."""
    monitor.apply("lab", outcome, now)
    return monitor.publish(now)


def shown(snapshot: Snapshot) -> None:
    """Exact boundaries of the rows that a screen shows."""
    for row in snapshot.rows[:SHOWN]:
        if row.cushion is not None and row.cushion.price is None:
            raise SystemExit("a boundary is missing")


class Steps(NamedTuple):
    rows: list[list[object]]
    decoding: Spent
    """Of decoding, planning, taking apart, evaluating."""
    pace: Spent
    """Of a plain loop in the same minute."""


def steps(made: Five, wallets: Sequence[str]) -> tuple[Round, Steps]:
    now = Round(made, wallets)
    positions = now.evaluate()
    expected = len(wallets) * len(now.markets)
    doubtful = [position for position in positions if not position.health.confirmed]
    if len(positions) != expected or doubtful:
        raise SystemExit(f"{len(positions)} of {expected} positions, {len(doubtful)} not confirmed by their contract")
    calls, count = len(now.kept.answers), len(positions)
    texts, parsed = now.texts, [bytes]

    def transport() -> None:
        for text in texts:
            parsed[0] = bytes.fromhex(parse(text)["result"][2:])  # type: ignore[assignment]

    decode, apart, evaluate, together, pace = in_turns([now.decode, now.take_apart, now.evaluate], TURNS)
    each = [(adapter.protocol, cpu(now.of_one(place))) for place, (_, adapter) in enumerate(now.markets)]
    monitor, clock = Monitor(made.setup(wallets), History(None), time.time()), time.time()
    monitor.watch(made.setup(wallets).wallets)
    judging: list[float] = []
    looking: list[float] = []
    made.move()
    both = (now, Round(made, wallets))
    for turn in range(RUNS):
        outcome, started = both[turn % 2].outcome(), time.process_time()
        snapshot = judged(monitor, outcome, clock + turn)
        judging.append((time.process_time() - started) * 1e3)
        started = time.process_time()
        shown(snapshot)
        looking.append((time.process_time() - started) * 1e3)
    rows = len(wallets)
    found: list[tuple[str, Spent, int]] = [
        (f"encode {calls:,} calls", cpu(now.encode), count),
        ("JSON and hexadecimal digits of the answers", cpu(transport), count),
        (f"decode {calls:,} answers", decode, count),
        ("plan the round and take answers apart", apart, count),
        (f"evaluate {count:,} positions, each held against its contract", evaluate, count),
        *((f"  of these {name}", ms, rows) for name, ms in each),
        ("decoding and evaluation together", together, count),
        ("rows, ranks, alert rules of all", spent(judging), count),
        (f"exact boundaries of the {SHOWN} rows shown", spent(looking), count),
    ]
    return now, Steps([[name, *ms, ms.middle * 1e3 / among] for name, ms, among in found], together, pace)


def profile(now: Round) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    now.decode()
    now.take_apart()
    now.evaluate()
    profiler.disable()
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(ENTRIES)


class Cost(NamedTuple):
    requests: int
    sent: int
    received: int
    ms: float
    cpu: float


async def live(made: Five, wallets: Sequence[str], counter: Counter) -> Cost:
    """A steady round at a new block, over HTTP. Processor time is that of the whole process: HTTP client included."""
    reader, rounds = made.rounds(wallets, counter.url)
    await rounds.round(time.time())
    took: list[tuple[float, float]] = []
    for _ in range(5):
        made.move()
        counter.clear()
        started, before = time.perf_counter(), time.thread_time()
        outcome = await rounds.round(time.time())
        took.append(((time.perf_counter() - started) * 1e3, (time.thread_time() - before) * 1e3))
        if not isinstance(outcome, Outcome) or outcome.troubles or outcome.notes:
            raise SystemExit(f"the round went wrong: {outcome}")
        if len(outcome.positions) != 5 * len(wallets):
            raise SystemExit(f"{len(outcome.positions)} positions of {len(wallets)} wallets")
    await reader.close()
    counted = counter.http_requests, counter.sent, counter.received
    return Cost(*counted, common.middle(ms for ms, _ in took), common.middle(ms for _, ms in took))


def other(made: Five, how: str, interpreter: str, wallets: Sequence[str], counter: Counter) -> Cost:
    task: others.Calls = {"how": how, "url": counter.url, "calls": made.plain_calls(wallets), "rounds": 1}
    counter.clear()
    command = [interpreter, str(Path(others.__file__))]
    done = subprocess.run(command, input=json.dumps(task), capture_output=True, text=True, check=False)
    if done.returncode:
        raise OtherFailed(done.stderr.strip().splitlines()[-1])
    ((ms, used),) = json.loads(done.stdout)
    return Cost(counter.http_requests, counter.sent, counter.received, ms, used)


def compared(made: Five, counter: Counter, sizes: Sequence[int]) -> tuple[list[list[object]], list[str]]:
    rows: list[list[object]] = [
        ["liqtui", size, *asyncio.run(live(made, made.wallets[:size], counter))] for size in sizes
    ]
    notes: list[str] = []
    ways = [("web3.py, one by one", "web3-calls", sys.executable, WEB3_WALLETS)]
    if interpreter := os.environ.get(OTHER_PYTHON):
        ways.append(("multicall", "multicall-calls", interpreter, sizes[-1]))
    else:
        notes.append(f"The multicall package was not measured: name an interpreter that has it in {OTHER_PYTHON}.")
    for name, how, interpreter, most in ways:
        for size in dict.fromkeys(min(size, most) for size in sizes):
            try:
                rows.append([name, size, *other(made, how, interpreter, made.wallets[:size], counter)])
            except OtherFailed as fault:
                rows.append([name, size, *["fails"] * 5])
                notes.append(f"{name}, {size} wallets: {fault}")
    return rows, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="also show where the time of a round goes")
    parser.add_argument("--wallets", type=int, default=SIZES[-1], help="how many wallets (500)")
    options = parser.parse_args()
    sizes = sorted({min(size, options.wallets) for size in SIZES})
    common.heading(f"{options.wallets} wallets with a position in each of five protocols (processor time, one core)")
    with five(options.wallets) as made:
        gc.collect()
        gc.freeze()  # the laboratory is not the program's
        gc.set_threshold(*COLLECT)
        now, found = steps(made, made.wallets)
        common.table(["", "ms, median", "ms, least", "µs per position"], found.rows)
        middle, least = found.decoding
        print(f"\n{made.mix}\nbudget of decoding and evaluation: 150 ms; {middle:.0f} ms, least {least:.0f}")
        loop, best = found.pace
        print(f"pace: a plain loop of {PACE:,} turns took {loop:.1f} ms meanwhile, least {best:.1f}\n")
        if options.profile:
            profile(now)
        with Counter(made.lab.node.url) as counter:
            rows, notes = compared(made, counter, sizes)
        common.table(["", "wallets", "requests", "KB sent", "KB received", "ms", "CPU ms"], [
            [row[0], row[1], row[2], *(each / 1e3 if isinstance(each, int) else each for each in row[3:5]), *row[5:]]
            for row in rows
        ])  # fmt: skip
        print("\nours: all figures of five protocols, health held against the contract; others: balances, health and")
        print("liquidity of four protocols, decoded and nothing computed. A request of ours takes at most 500 calls.")
        for note in notes:
            print(note)


if __name__ == "__main__":
    main()
