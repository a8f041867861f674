"""What the processor does in a round of 500 positions in five reserves each: encode, decode, evaluate, finish.

The alternative decodes the same answers with eth_abi. The node's part is left out: its answers are kept and
played back, so all that is measured is this program.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks import common
from benchmarks.crowd import Crowd, crowd
from liqtui.chain import multicall
from liqtui.core.reads import Block, Call, Failure, Result, run_plans
from liqtui.core.risk import complete
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.aave_v3_abi import GET_USER_ACCOUNT_DATA
from liqtui.protocols.abi import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WALLETS = 500
RUNS = 5
ENTRIES = 30


class Kept:
    """A reader that remembers every answer."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.chain_id = inner.chain_id
        self.answers: dict[Call, Result] = {}

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        missing = [call for call in calls if call not in self.answers]
        if missing:
            self.answers.update(zip(missing, await self.inner.read(block, missing), strict=True))
        return [self.answers[call] for call in calls]


def cpu(work: Callable[[], object], runs: int = RUNS) -> float:
    """Milliseconds of processor time, median."""
    found: list[float] = []
    for _ in range(runs):
        started = time.process_time()
        work()
        found.append((time.process_time() - started) * 1e3)
    return common.middle(found)


class Market:
    """An opened market whose next round is known."""

    def __init__(self, crowd: Crowd) -> None:
        self.setup = crowd.setup(crowd.real)
        self.ref = self.setup.markets[0]
        self.wallets = crowd.real
        self.adapter = AaveV3()
        asyncio.run(self._prepare())

    async def _prepare(self) -> None:
        from liqtui.chain.pool import EndpointPool

        pool = EndpointPool(self.setup.chains[0])
        self.reader = Kept(pool)
        self.block = await pool.head()
        (self.opened,) = await run_plans(self.reader, self.block, [self.adapter.open(self.ref, self.block)])
        (self.hints,) = await run_plans(self.reader, self.block, [self.adapter.discover(self.opened, self.wallets)])
        self.reader.answers.clear()
        self.reading = await self.refresh()
        self.answers = dict(self.reader.answers)
        await pool.close()

    async def refresh(self) -> Any:
        plan = self.adapter.refresh(self.opened, self.block, self.hints)
        return (await run_plans(self.reader, self.block, [plan]))[0]

    def read(self) -> None:
        """Plan, encode the calls, decode the answers."""
        asyncio.run(self.refresh())

    def bare(self) -> list[Any]:
        """Health and every figure of each account, by the protocol's own arithmetic."""
        return [
            position
            for wallet, account in self.reading.accounts.items()
            for position in self.adapter.evaluate(self.opened, self.block, self.reading.market, account, wallet)
        ]


def aggregated(answers: dict[Call, Result]) -> tuple[bytes, int]:
    """The answers as Multicall3 packs them."""
    from eth_abi.abi import encode

    packed = [(not isinstance(one, Failure), one.data if isinstance(one, Failure) else one) for one in answers.values()]
    return encode(["(bool,bytes)[]"], [packed]), len(packed)


def with_eth_abi(data: bytes, targets: list[Call], answers: dict[Call, Result]) -> None:
    """Unpack, then take each answer apart by its type: six words of an account, one word of all others."""
    from eth_abi.abi import decode

    (results,) = decode(["(bool,bytes)[]"], data)
    for call, (_, answer) in zip(answers, results, strict=True):
        if call in targets:
            decode(["uint256"] * 6, answer)
        elif len(answer) == 32:
            decode(["uint256"], answer)


def by_slices(data: bytes, count: int, targets: list[Call]) -> None:
    del targets
    for answer in multicall.decode(data, count):
        if isinstance(answer, bytes) and len(answer) in {32, 192}:
            words(answer, len(answer) // 32)


def profile(market: Market, entries: int) -> None:
    profiler = cProfile.Profile()
    profiler.enable()
    market.read()
    for position in market.bare():
        complete(position)
    profiler.disable()
    pstats.Stats(profiler).strip_dirs().sort_stats("tottime").print_stats(entries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="also show where the time of a round goes")
    options = parser.parse_args()
    common.heading(f"evaluation of {WALLETS} positions in five reserves each (processor time)")
    with crowd(WALLETS) as made:
        market = Market(made)
    bare = market.bare()
    if len(bare) != WALLETS or not all(position.health.verified for position in bare):
        raise SystemExit("some figures are not those of the contract")
    data, count = aggregated(market.answers)
    accounts = {call for call in market.answers if call.data[:4] == GET_USER_ACCOUNT_DATA.selector}
    ours = cpu(lambda: by_slices(data, count, accounts))
    theirs = cpu(lambda: with_eth_abi(data, accounts, market.answers))
    steps = [
        (f"encode {count:,} calls", cpu(lambda: multicall.encode(list(market.answers)))),
        (f"decode {count:,} answers, by slices", ours),
        (f"decode {count:,} answers, eth_abi", theirs),
        ("plan and take apart", cpu(market.read)),
        ("health and figures", cpu(market.bare)),
        ("boundaries and rescue", cpu(lambda: [complete(position) for position in bare], 3)),
    ]
    common.table(["", "ms", "µs per position"], [[name, ms, ms * 1e3 / WALLETS] for name, ms in steps])
    print(f"\neth_abi takes {theirs / ours:.1f} times as long")
    if options.profile:
        profile(market, ENTRIES)


if __name__ == "__main__":
    main()
