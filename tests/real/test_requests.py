"""How often a node is asked does not depend on how many wallets are watched, until a request would grow too large."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.rounds import Outcome
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
