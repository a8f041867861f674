"""500 wallets with a position in each of five protocols on one chain, on real contracts; Compound v3 from a dictionary.

What the processor does with them is measured in `benchmarks/five.py`; here only requests are counted. That a round is
split at the limits of a request and nowhere else is in `test_requests`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import pytest

from benchmarks.fivefold import Five, WithComet, five
from liqtui.engine.outcome import Outcome
from liqtui.engine.setup import pool, rounds_on, shipped_adapters
from tests.lab.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liqtui.core.snapshot import Stage

WALLETS = 500
PROTOCOLS = 5
FIRST, ADDED, STEADY = 24, 6, 3
"""Reads of a round, at most: one in which all markets are opened, one with a new wallet, and any later one."""


@pytest.fixture(scope="module")
def made() -> Iterator[Five]:
    with five(WALLETS) as found:
        yield found


class Watched:
    """Rounds over a counting proxy."""

    def __init__(self, made: Five, wallets: int, **limits: object) -> None:
        self.made = made
        self.proxy = FaultProxy(made.lab.node.url)
        self.wallets = wallets
        self.limits = limits
        self.stages: list[tuple[Stage, ...]] = []

    async def __aenter__(self) -> Self:
        self.proxy.__enter__()
        setup = self.made.setup(self.made.wallets[: self.wallets], self.proxy.url)
        spec = replace(setup.chains[0], **self.limits)
        self.reader = WithComet(pool(spec), self.made.answers)
        self.rounds = rounds_on(spec, replace(setup, chains=(spec,)), shipped_adapters(), self.reader)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.reader.close()
        self.proxy.__exit__(None, None, None)

    async def round(self, now: float) -> Counter[str]:
        """Requests by method; all positions were read and confirmed."""
        self.proxy.reset()
        self.stages.clear()
        outcome = await self.rounds.round(now, self.stages.append)
        assert isinstance(outcome, Outcome), outcome
        assert (outcome.troubles, outcome.notes) == ((), ())
        assert len(outcome.positions) == PROTOCOLS * self.wallets
        assert all(position.health.confirmed for position in outcome.positions.values())
        return Counter(self.proxy.counts)


UNLIMITED = {"max_calls": 10**6, "max_calldata": 2**26, "gas": None}


def test_a_round_costs_the_same_requests_for_one_wallet_and_for_500(made: Five) -> None:
    async def steady(wallets: int) -> Counter[str]:
        async with Watched(made, wallets, **UNLIMITED) as watched:
            await watched.round(0.0)
            made.move()
            return await watched.round(12.0)

    one = asyncio.run(steady(1))
    assert one == {"eth_getBlockByNumber": 1, "eth_call": STEADY}
    assert asyncio.run(steady(WALLETS)) == one


def test_opening_five_markets_and_adding_a_wallet_take_a_few_requests(made: Five) -> None:
    async def added() -> tuple[Counter[str], Counter[str]]:
        async with Watched(made, 1) as watched:
            first = await watched.round(0.0)
            assert len(watched.stages) >= PROTOCOLS, "progress is told market by market"
            made.move()
            watched.wallets = 2
            watched.rounds.watch(made.wallets[:2])
            return first, await watched.round(12.0)

    first, then = asyncio.run(added())
    assert first["eth_call"] <= FIRST, first
    assert then["eth_call"] <= ADDED, then
