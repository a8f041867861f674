"""The lenders of the demo's two chains, and who borrows what there when it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.sources import MarketRef
from tests.lab import aave_v2, compound_v2
from tests.lab.comet import CometLab
from tests.lab.compound_v2 import CompoundMarket
from tests.lab.market import wallet
from tests.lab.morpho import MorphoLab
from tests.lab.positions import Shape, open_shape
from tests.lab.venus import VenusCore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

AAVE_EAST = (
    Shape("treasury", {"WETH": "812.4", "USDC": "140000"}, {"USDC": "1418000"}),
    Shape("degen-1", {"WETH": "40"}, {"USDC": "68600"}),
    Shape("stakers", {"wstETH": "100"}, {"WETH": "112.6"}, emode=1),
    Shape("twofold", {"WBTC": "10", "wstETH": "41"}, {"USDC": "200000", "WETH": "50"}),
    Shape("cold-01", {"WBTC": "2", "USDC": "12345.678901"}),
)
MORPHO_EAST = "wsteth-usdc"
COMPOUND_EAST = (
    Shape("shorteth", {"DAI": "50000"}, {"ETH": "11.5"}),
    Shape("eurodesk", {"EURS": "90000"}, {"USDC": "46000"}),
)
AAVE_WEST = (
    Shape("treasury", {"WETH": "60"}, {"USDC": "52000"}),
    Shape("degen-2", {"LINK": "2600"}, {"USDC": "21600"}),
    Shape("family", {"WETH": "9", "WBTC": "0.2"}, {"DAI": "14000"}),
)
AAVE_V2_WEST = (Shape("ops-safe", {"USDC": "250000"}, {"DAI": "120000"}),)
VENUS_WEST = (
    Shape("cold-02", {"ETH": "20"}, {"USDC": "19000"}),
    Shape("grants", {"USDC": "40000"}, {"EURS": "9000"}),
)


class East:
    """Aave v3.6, Morpho Blue, Compound v3 and v2."""

    def __init__(self, lab: Lab, cache: Path, comet: Path) -> None:
        self.lab = lab
        self.aave: AaveMarket = lab.markets["aave36"]
        self.compound = CompoundMarket(lab, cache)
        self.comet = CometLab(lab, comet, cache).markets["USDC"]
        self.morpho = MorphoLab(lab, cache)

    def open(self) -> None:
        for shape in AAVE_EAST:
            open_shape(self.aave, shape)
        for shape in COMPOUND_EAST:
            open_compound(self.compound, shape)
        family = self.morpho.markets[MORPHO_EAST]
        family.supply_collateral(wallet("family"), 60 * family.collateral.unit)
        family.borrow(wallet("family"), 90_000 * family.loan.unit)
        self.comet.supply(wallet("btc-fund"), "WBTC", 3 * 10**8)
        self.comet.withdraw(wallet("btc-fund"), "USDC", 98_000 * 10**6)

    def refs(self) -> tuple[MarketRef, ...]:
        chain, market = self.lab.node.chain_id, self.morpho.markets[MORPHO_EAST]
        return (
            MarketRef("aave-v3", chain, "east", self.aave.provider.lower()),
            MarketRef("compound-v2", chain, "compound", self.compound.comptroller.lower()),
            MarketRef("compound-v3", chain, "usdc", self.comet.address.lower()),
            MarketRef("morpho-blue", chain, "morpho", self.morpho.address.lower(), (("market_ids", market.id),)),
        )


class West:
    """Aave v3.0 and v2, and Venus."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        self.lab = lab
        self.aave: AaveMarket = lab.markets["aave30"]
        self.aave_v2 = aave_v2.deploy(lab, cache)
        self.venus = VenusCore(lab, cache)

    def open(self) -> None:
        for shape in AAVE_WEST:
            open_shape(self.aave, shape)
        for shape in AAVE_V2_WEST:
            open_shape(self.aave_v2, shape)
        for shape in VENUS_WEST:
            open_compound(self.venus, shape)

    def refs(self) -> tuple[MarketRef, ...]:
        chain = self.lab.node.chain_id
        return (
            MarketRef("aave-v2", chain, "west", self.aave_v2.provider.lower()),
            MarketRef("aave-v3", chain, "west", self.aave.provider.lower()),
            MarketRef("compound-v2", chain, "venus", self.venus.comptroller.lower()),
        )


def open_compound(market: CompoundMarket, shape: Shape) -> None:
    """Open one shape from its own wallet; all that it supplies is collateral."""
    user = wallet(shape.name)
    with market.node.batch():
        for symbol, amount in shape.supply.items():
            market.supply(user, symbol, compound_v2.raw(market, symbol, amount))
        market.enter(user, *shape.supply)
        for symbol, amount in shape.borrow.items():
            market.borrow(user, symbol, compound_v2.raw(market, symbol, amount))
    assert not market.failures(), f"{shape.name} was refused"
