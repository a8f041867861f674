"""Records a crash: real Aave v3, Morpho Blue and Compound v2 contracts on one local node, and who is liquidated.

The recording is the program's own; what happened is taken from the contracts, so that the one can be held against
the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.recording import Recorder
from liqtui.engine.setup import Setup
from tests.lab import compound_v2
from tests.lab.compound_v2 import CompoundMarket
from tests.lab.demo import ChainClock
from tests.lab.market import wallet
from tests.lab.morpho import MorphoLab
from tests.lab.morpho_positions import LIQUIDATOR as MORPHO_LIQUIDATOR
from tests.lab.morpho_positions import room
from tests.lab.positions import Shape, open_shape, raw

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

MINUTE = 60
START = 2500
SLIDE = (*(1 - step * 0.017 for step in range(22)), *(0.65 + step * 0.01 for step in range(14)))
"""ETH minute by minute, as a part of its starting price: down by more than a third, and back by a fifth."""
GAP = (1.0, 1.0, 1.0, 0.66, 0.66)
"""The same loss within one minute: nobody can be warned."""
LIQUIDATOR = wallet("crash liquidator")
AAVE = (
    Shape("cr-loan", {"WETH": "40"}, {"USDC": "60000"}),
    Shape("cr-tight", {"WETH": "10"}, {"USDC": "16600"}),
    Shape("cr-saver", {"WETH": "20"}, {"USDC": "30000"}),
    Shape("cr-dip", {"WETH": "20"}, {"USDC": "22600"}),
    Shape("cr-calm", {"WBTC": "3"}, {"USDC": "40000"}),
)
SAVED = 12
"""Minute in which cr-saver repays."""


class Hit(NamedTuple):
    """A liquidation that the contracts let happen."""

    name: str
    at: int
    """Chain time."""


class Crash(NamedTuple):
    tape: Path
    hits: Sequence[Hit]
    health: Sequence[tuple[int, dict[str, int]]]
    """(chain time, Aave wallet → health by the contract, 1e18-scaled) after each minute."""


class CrashLab:
    """The three protocols, with the same loan in each, and some that fare otherwise."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        self.lab = lab
        self.aave: AaveMarket = lab.markets["aave36"]
        self.morpho = MorphoLab(lab, cache)
        self.compound = CompoundMarket(lab, cache)
        self.market = self.morpho.markets["eth-usdc"]
        self.eth = lab.assets.pairs["ETH / USD"]
        lab.refresh_feeds()
        for shape in AAVE:
            open_shape(self.aave, shape)
        collateral = 30 * 10**18
        self.market.fund(MORPHO_LIQUIDATOR)
        user = wallet("cr-morpho")
        self.market.supply_collateral(user, collateral)
        self.market.borrow(user, room(self.market, collateral) * 70 // 100)
        user = wallet("cr-comp")
        self.compound.supply(user, "ETH", compound_v2.raw(self.compound, "ETH", "10"))
        self.compound.enter(user, "ETH")
        self.compound.borrow(user, "USDC", compound_v2.raw(self.compound, "USDC", "14600"))

    def setup(self) -> Setup:
        chain = self.lab.node.chain_id
        spec = ChainSpec(
            id=chain, name="crash", rpc=(self.lab.node.url,), block_time=float(MINUTE), poll=float(MINUTE),
            timeout=10.0, requests_per_second=1000.0,
        )  # fmt: skip
        markets = (
            MarketRef("aave-v3", chain, "aave", self.aave.provider.lower()),
            MarketRef("morpho-blue", chain, "morpho", self.morpho.address.lower(), (("market_ids", self.market.id),)),
            MarketRef("compound-v2", chain, "compound", self.compound.comptroller.lower()),
        )
        names = (*(shape.name for shape in AAVE), "cr-morpho", "cr-comp")
        return Setup((spec,), markets, tuple(Wallet(wallet(name), name) for name in names))

    def record(self, path: Path, prices: Sequence[float]) -> Crash:
        """One frame a minute; whoever can be liquidated is, a minute later. The chain is put back afterwards."""
        before = self.lab.snapshot()
        try:
            return asyncio.run(self._record(path, prices))
        finally:
            self.lab.revert(before)

    async def _record(self, path: Path, prices: Sequence[float]) -> Crash:
        node, clock = self.lab.node, ChainClock()
        clock.at = float(node.timestamp + 1)
        recorder = Recorder(self.setup(), path, title="a crash", mark_alerts=False, clock=clock)
        hits: list[Hit] = []
        health: list[tuple[int, dict[str, int]]] = []
        try:
            await recorder.round("crash")
            for minute, part in enumerate(prices):
                due = self._liquidatable()
                with node.batch(dt=MINUTE):
                    for name in due:  # at the prices of the block before
                        self._liquidate(name)
                    self.eth.set(round(START * 10**8 * part))
                    if minute == SAVED:
                        self.aave.repay(wallet("cr-saver"), "USDC", raw(self.aave, "USDC", "20000"))
                if "cr-comp" in due:
                    assert self.compound.liquidations(), "the comptroller refused"  # it says no without reverting
                hits += [Hit(name, node.timestamp) for name in due]
                health.append((node.timestamp, {s.name: self.aave.health(wallet(s.name)) for s in AAVE}))
                clock.at = float(node.timestamp + 1)
                await recorder.round("crash")
        finally:
            await recorder.close()
        return Crash(path, hits, health)

    def _liquidatable(self) -> list[str]:
        """By the contracts' own answers."""
        due = [shape.name for shape in AAVE if self.aave.health(wallet(shape.name)) < 10**18]
        head = self.lab.node.rpc("eth_getBlockByNumber", "latest", False)["hash"]
        if self.market.try_liquidation(MORPHO_LIQUIDATOR, wallet("cr-morpho"), head, seized=10**15) is not None:
            due.append("cr-morpho")
        if self.compound.liquidity(wallet("cr-comp"))[2]:
            due.append("cr-comp")
        return due

    def _liquidate(self, name: str) -> None:
        user = wallet(name)
        if name == "cr-morpho":
            self.market.liquidate(MORPHO_LIQUIDATOR, user, seized=15 * 10**18)
        elif name == "cr-comp":
            self.compound.liquidate(user, "ETH", "USDC", compound_v2.raw(self.compound, "USDC", "3500"))
        else:
            self.aave.liquidate(LIQUIDATOR, user, "WETH", "USDC")
