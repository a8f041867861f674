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


def person(label: str) -> str:
    """The wallet that goes by that label; of its own, since the lenders have a treasury too."""
    return wallet(_name(label))


def _name(label: str) -> str:
    return f"demo {label}"


def _loan(label: str, supply: dict[str, str], borrow: dict[str, str] | None = None, emode: int = 0) -> Shape:
    return Shape(_name(label), supply, borrow or {}, emode=emode)


AAVE_EAST = (
    _loan("treasury", {"WETH": "812.4", "USDC": "140000"}, {"USDC": "1418000"}),
    _loan("degen-1", {"WETH": "40"}, {"USDC": "68600"}),
    _loan("stakers", {"wstETH": "100"}, {"WETH": "112.6"}, emode=1),
    _loan("twofold", {"WBTC": "10", "wstETH": "41"}, {"USDC": "200000", "WETH": "50"}),
    _loan("cold-01", {"WBTC": "2", "USDC": "12345.678901"}),
)
MORPHO_EAST = "wsteth-usdc"
COMPOUND_EAST = (
    _loan("shorteth", {"DAI": "50000"}, {"ETH": "11.5"}),
    _loan("eurodesk", {"EURS": "90000"}, {"USDC": "46000"}),
)
AAVE_WEST = (
    _loan("treasury", {"WETH": "60"}, {"USDC": "52000"}),
    _loan("degen-2", {"LINK": "2600"}, {"USDC": "21600"}),
    _loan("family", {"WETH": "9", "WBTC": "0.2"}, {"DAI": "14000"}),
)
AAVE_V2_WEST = (_loan("ops-safe", {"USDC": "250000"}, {"DAI": "120000"}),)
VENUS_EAST = (
    _loan("cold-02", {"ETH": "20"}, {"USDC": "19000"}),
    _loan("grants", {"USDC": "40000"}, {"EURS": "9000"}),
)


class East:
    """Aave v3.6, Morpho Blue, Compound v3 and v2, Venus."""

    def __init__(self, lab: Lab, cache: Path, comet: Path) -> None:
        self.lab = lab
        self.aave: AaveMarket = lab.markets["aave36"]
        self.compound = CompoundMarket(lab, cache)
        self.comet = CometLab(lab, comet, cache).markets["USDC"]
        self.morpho = MorphoLab(lab, cache)
        self.venus = VenusCore(lab, cache)

    def open(self) -> None:
        for shape in AAVE_EAST:
            open_shape(self.aave, shape)
        for shape in COMPOUND_EAST:
            open_compound(self.compound, shape)
        for shape in VENUS_EAST:
            open_compound(self.venus, shape)
        family = self.morpho.markets[MORPHO_EAST]
        family.supply_collateral(person("family"), 60 * family.collateral.unit)
        family.borrow(person("family"), 90_000 * family.loan.unit)
        self.comet.supply(person("btc-fund"), "WBTC", 3 * 10**8)
        self.comet.withdraw(person("btc-fund"), "USDC", 98_000 * 10**6)

    def refs(self) -> tuple[MarketRef, ...]:
        chain, market = self.lab.node.chain_id, self.morpho.markets[MORPHO_EAST]
        return (
            MarketRef("aave-v3", chain, "east", self.aave.provider.lower()),
            MarketRef("compound-v2", chain, "compound", self.compound.comptroller.lower()),
            MarketRef("compound-v2", chain, "venus core", self.venus.comptroller.lower()),
            MarketRef("compound-v3", chain, "usdc", self.comet.address.lower()),
            MarketRef("morpho-blue", chain, "morpho", self.morpho.address.lower(), (("market_ids", market.id),)),
        )


class West:
    """Aave v3.0 and v2."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        self.lab = lab
        self.aave: AaveMarket = lab.markets["aave30"]
        self.aave_v2 = aave_v2.deploy(lab, cache)

    def open(self) -> None:
        for shape in AAVE_WEST:
            open_shape(self.aave, shape)
        for shape in AAVE_V2_WEST:
            open_shape(self.aave_v2, shape)

    def refs(self) -> tuple[MarketRef, ...]:
        chain = self.lab.node.chain_id
        return (
            MarketRef("aave-v2", chain, "west", self.aave_v2.provider.lower()),
            MarketRef("aave-v3", chain, "west", self.aave.provider.lower()),
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
