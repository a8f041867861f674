"""A local node that goes on from another state behind the same address, and one that only replaces its last blocks."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outcome import Outcome
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from tests.lab.market import wallet
from tests.lab.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.lab.lab import Lab

USDC, WETH = 10**6, 10**18
WHO = wallet("on two chains").lower()


class Desk:
    """A monitor that compares rounds, with or without asking whether it is the same chain."""

    def __init__(self, lab: Lab, url: str, reader: Any, *, asks: bool) -> None:
        spec, ref = described(lab, url)
        setup = Setup((spec,), (ref,), (Wallet(WHO),))
        self.history = History(None)
        self.rounds = rounds_on(spec, setup, shipped_adapters(), reader, self.history, once=not asks)
        self.monitor = Monitor(setup, self.history, 0.0)
        self.monitor.watch(setup.wallets)
        self.node, self.passed = lab.node, 0.0

    async def look(self) -> list[str]:
        """Kinds of all alerts so far, after another round."""
        self.passed += 12
        outcome = await self.rounds.round(self.passed)
        assert isinstance(outcome, Outcome), outcome
        self.monitor.apply("lab", outcome, float(self.node.timestamp))
        return [alert.kind for alert in reversed(self.monitor.publish(float(self.node.timestamp)).alerts)]


def described(lab: Lab, url: str) -> tuple[ChainSpec, MarketRef]:
    spec = ChainSpec(lab.node.chain_id, "lab", rpc=(url,), requests_per_second=1e6)
    return spec, MarketRef("aave-v3", spec.id, "lab", lab.markets["aave36"].provider.lower(), custom=True)


@asynccontextmanager
async def both(lab: Lab, url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    readers = [pool(described(lab, url)[0]) for _ in range(2)]
    desks = [Desk(lab, url, reader, asks=asks) for reader, asks in zip(readers, (True, False), strict=True)]
    try:
        yield desks[0], desks[1]
    finally:
        for reader, desk in zip(readers, desks, strict=True):
            await reader.close()
            desk.history.close()


def open_position(lab: Lab, weth: int, usdc: int) -> None:
    market = lab.markets["aave36"]
    market.supply(WHO, "WETH", weth * WETH)
    market.borrow(WHO, "USDC", usdc * USDC)


def test_no_liquidation_is_made_up_of_the_difference_of_two_chains(lab_state: Lab) -> None:
    node = lab_state.node
    begin = node.snapshot()
    open_position(lab_state, 10, 12_000)
    node.mine(100, dt=12)  # so that the log of the newest blocks explains nothing

    async def story(url: str) -> None:
        async with both(lab_state, url) as (asking, trusting):
            assert await asking.look() == await trusting.look() == []
            node.mine(dt=12)
            assert await asking.look() == await trusting.look() == []
            read = node.block_number
            node.revert(begin)
            open_position(lab_state, 8, 7_240)  # 5,000 dollars less for 4,760 that are owed no more
            node.mine(160, dt=12)
            assert node.block_number > read
            assert "liquidated" in await trusting.look(), "that is how it looks"
            assert await asking.look() == ["engine"]
            (told,) = asking.monitor.publish(float(node.timestamp)).alerts
            assert told.text.startswith("it is another chain, or in another state: its block ")
            node.mine(dt=12)
            assert await asking.look() == ["engine"]
            lab_state.markets["aave36"].repay(WHO, "USDC", 1_000 * USDC)
            assert await asking.look() == ["engine", "changed"], "from there on it is compared again"

    with FaultProxy(node.url) as proxy:
        asyncio.run(story(proxy.url))


def test_a_reorganisation_is_none(lab_state: Lab) -> None:
    node, market = lab_state.node, lab_state.markets["aave36"]
    open_position(lab_state, 10, 12_000)
    node.mine(20, dt=12)
    market.supply(WHO, "WETH", WETH)

    async def story(url: str) -> None:
        async with both(lab_state, url) as (asking, _):
            assert await asking.look() == []
            was = node.rpc("eth_getBlockByNumber", hex(node.block_number), False)["hash"]
            height = node.block_number
            node.reorg(5)
            market.repay(WHO, "USDC", 1_000 * USDC)
            node.mine(3, dt=12)
            assert node.block_number > height
            assert node.rpc("eth_getBlockByNumber", hex(height), False)["hash"] != was
            assert await asking.look() == ["changed"]

    with FaultProxy(node.url) as proxy:
        asyncio.run(story(proxy.url))
