"""How often a node is asked does not depend on how many wallets are watched, until a request would grow too large."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.outcome import Outcome
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from tests.lab.market import wallet
from tests.lab.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.lab import Lab

STEADY = 3
"""The head; flags and figures of the accounts; reserves, prices and balances."""
LATER = 60
"""Seconds after which all is read anew but nothing is looked for."""


@pytest.fixture
def proxy(populated: Lab) -> Iterator[FaultProxy]:
    with FaultProxy(populated.node.url) as counting:
        yield counting


def holders(lab: Lab, count: int) -> list[str]:
    """Wallets with positions first, then empty ones."""
    real = [position.wallet.lower() for position in lab.positions["aave36"]]
    return [*real, *(wallet(f"empty {number}").lower() for number in range(count - len(real)))][:count]


def counted(lab: Lab, proxy: FaultProxy, wallets: Sequence[str], **limits: object) -> tuple[Counter[str], int]:
    """Requests by method of one round at a new block, when all is known already; and the positions that it found."""
    spec = ChainSpec(lab.node.chain_id, "lab", rpc=(proxy.url,), requests_per_second=1e6, **limits)
    refs = tuple(
        MarketRef("aave-v3", spec.id, name, market.provider.lower(), custom=True)
        for name, market in lab.markets.items()
    )
    setup = Setup((spec,), refs, tuple(map(Wallet, wallets)))

    async def rounds() -> Outcome:
        reader = pool(spec)
        try:
            watching = rounds_on(spec, setup, shipped_adapters(), reader)
            await watching.round(0.0)
            lab.node.mine(dt=12)
            proxy.reset()
            outcome = await watching.round(LATER)
        finally:
            await reader.close()
        assert isinstance(outcome, Outcome), outcome
        assert outcome.troubles == ()
        return outcome

    outcome = asyncio.run(rounds())
    assert proxy.http_requests == proxy.counts.total()
    return Counter(proxy.counts), len(outcome.positions)


def test_one_wallet_and_three_hundred_cost_the_same_requests(populated: Lab, proxy: FaultProxy) -> None:
    """Two markets, 300 wallets, more than a hundred positions."""
    one, found = counted(populated, proxy, holders(populated, 1))
    assert found == 2
    assert one == {"eth_getBlockByNumber": 1, "eth_call": STEADY - 1}
    many, found = counted(populated, proxy, holders(populated, 300), max_calls=5000, max_calldata=2**24, gas=None)
    assert found > 100
    assert many == one


def test_requests_are_split_at_the_limit_and_nowhere_else(populated: Lab, proxy: FaultProxy) -> None:
    wallets = holders(populated, 60)
    whole, positions = counted(populated, proxy, wallets, max_calls=5000, max_calldata=2**24, gas=None)
    sizes = [len(call["params"][0]["data"]) for call in proxy.calls if call["method"] == "eth_call"]
    assert len(sizes) == whole["eth_call"] == 2
    split, same = counted(populated, proxy, wallets, max_calls=5000, max_calldata=20_000, gas=None)
    assert same == positions
    least = sum(math.ceil(size / 2 / 20_000) for size in sizes)
    assert least <= split["eth_call"] <= least + 4


def test_a_position_opened_elsewhere_shows_a_round_later_and_costs_no_request(lab_state: Lab) -> None:
    """A second wallet, watched and empty, borrows while another is read."""
    node, market = lab_state.node, lab_state.markets["aave36"]
    first, second = wallet("glance first"), wallet("glance second")
    market.supply(first, "WETH", 10**18)

    with FaultProxy(node.url) as proxy:
        spec = ChainSpec(node.chain_id, "lab", rpc=(proxy.url,), requests_per_second=1e6)
        ref = MarketRef("aave-v3", spec.id, "lab", market.provider.lower(), custom=True)
        setup = Setup((spec,), (ref,), (Wallet(first), Wallet(second)))

        async def rounds() -> list[tuple[int, int]]:
            reader = pool(spec)
            watching = rounds_on(spec, setup, shipped_adapters(), reader)
            told: list[tuple[int, int]] = []
            try:
                await watching.round(0.0)
                for number in range(1, 5):
                    if number == 2:
                        market.supply(second, "WETH", 10**18)
                        market.borrow(second, "USDC", 100 * 10**6)
                    node.mine(dt=12)
                    proxy.reset()
                    outcome = await watching.round(12.0 * number)
                    assert isinstance(outcome, Outcome), outcome
                    told.append((len(outcome.positions), proxy.counts["eth_call"]))
            finally:
                await reader.close()
            return told

        told = asyncio.run(rounds())
    steady = STEADY - 1
    assert told[:2] == [(1, steady), (1, steady)], "the round in which it is noticed costs nothing more"
    assert told[2][0] == 2
    assert told[3] == (2, steady)
