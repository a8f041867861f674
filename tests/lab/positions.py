"""A zoo of positions: one wallet per shape that a monitor must get right."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.lab.assets import USD
from tests.lab.market import AaveMarket, wallet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LINK_BEFORE, LINK_AFTER = 1500 * USD // 100, 825 * USD // 100
RATIO_AFTER = 12205 * 10**14
OLD_LOANS = 3600  # seconds between the first and the second half of the positions


class Position(NamedTuple):
    """A wallet with something open in a market."""

    name: str
    wallet: str


@dataclass(frozen=True)
class Shape:
    """What to open. Amounts in whole units of the asset, as text so that nothing is rounded."""

    name: str
    supply: Mapping[str, str] = field(default_factory=dict)
    borrow: Mapping[str, str] = field(default_factory=dict)
    emode: int = 0
    flag_on: Sequence[str] = ()  # collateral that the pool does not switch on by itself
    flag_off: Sequence[str] = ()
    only_since: int = 0  # lowest POOL_REVISION where it can exist


def _link(name: str, health: str, scale: int = 1000) -> Shape:
    """A LINK-backed loan that stands at this health once LINK has fallen to LINK_AFTER."""
    debt = Decimal(scale) * LINK_AFTER / USD * Decimal("0.70") / Decimal(health)
    return Shape(name, {"LINK": str(scale)}, {"USDC": f"{debt:.6f}"})


EVERYTHING = {"WETH": "2", "wstETH": "3", "WBTC": "0.25", "USDC": "5000", "DAI": "4000", "LINK": "120", "EURS": "2500"}

SHAPES = (
    # plain loans in every number of decimals
    Shape("weth usdc", {"WETH": "10"}, {"USDC": "12000"}),
    Shape("weth usdc tight", {"WETH": "10"}, {"USDC": "19900"}),
    Shape("wbtc dai", {"WBTC": "1.5"}, {"DAI": "41000"}),
    Shape("wsteth usdc", {"wstETH": "20"}, {"USDC": "35000"}),
    Shape("usdc wbtc short", {"USDC": "100000"}, {"WBTC": "1.1"}),
    Shape("dai weth short", {"DAI": "50000"}, {"WETH": "11.5"}),
    Shape("usdc link fell", {"USDC": "40000"}, {"LINK": "1500"}),
    Shape("eurs usdc", {"EURS": "25000.50"}, {"USDC": "16000"}),
    Shape("usdc eurs", {"USDC": "9000"}, {"EURS": "5500.07"}),
    Shape("eurs eurs", {"EURS": "12000"}, {"EURS": "7777.77"}),
    # several collaterals, several debts
    Shape("two factors", {"WBTC": "10", "wstETH": "41"}, {"USDC": "200000", "WETH": "50"}),
    Shape("weth wbtc usdc", {"WETH": "8", "WBTC": "0.4"}, {"USDC": "27000"}),
    Shape("all collaterals", EVERYTHING, {"USDC": "21000"}),
    Shape("all debts", {"WBTC": "4"}, {"WETH": "5", "USDC": "30000", "DAI": "20000", "LINK": "500", "EURS": "9000"}),
    Shape("three debts", {"WETH": "30", "DAI": "10000"}, {"USDC": "20000", "DAI": "9000", "EURS": "8000"}),
    Shape("equal debts", {"WETH": "20"}, {"USDC": "18000", "DAI": "18000"}),
    Shape("all on both sides", EVERYTHING, {"WETH": "1", "wstETH": "1", "WBTC": "0.1", "LINK": "50", "EURS": "500"}),
    # one asset on both sides
    Shape("weth loop", {"WETH": "10"}, {"WETH": "7.9"}),
    Shape("usdc loop", {"USDC": "10000"}, {"USDC": "7400"}),
    Shape("usdc loop and weth", {"USDC": "10000", "WETH": "1"}, {"USDC": "9000"}),
    Shape("net short eth", {"USDC": "100000", "WETH": "1"}, {"WETH": "28"}),
    # efficiency modes
    Shape("staking loop", {"wstETH": "100"}, {"WETH": "112.6"}, emode=1),
    Shape("staking loop reversed", {"WETH": "120"}, {"wstETH": "90"}, emode=1),
    Shape("staking loop and wbtc", {"wstETH": "50", "WBTC": "1"}, {"WETH": "70"}, emode=1),
    Shape("stable loop", {"DAI": "50000"}, {"USDC": "44500"}, emode=2),
    Shape("stable loop reversed", {"USDC": "50000"}, {"DAI": "44000"}, emode=2),
    Shape("stable loop and weth", {"USDC": "20000", "WETH": "4"}, {"DAI": "24000"}, emode=2),
    Shape("mode without debt", {"wstETH": "5"}, emode=1),
    Shape("mode without collateral of it", {"WBTC": "1"}, {"DAI": "20000"}, emode=2),
    Shape("pt in its mode", {"PT-sUSDe": "30000"}, {"USDC": "25000"}, emode=3, flag_on=("PT-sUSDe",), only_since=10),
    Shape(
        "pt and usdc in its mode",
        {"PT-sUSDe": "10000", "USDC": "5000"},
        {"DAI": "11000"},
        emode=3,
        flag_on=("PT-sUSDe",),
        only_since=10,
    ),
    # no debt, or not collateral
    Shape("supply only", {"WETH": "3.333333333333333333"}),
    Shape("supply only, many", {"WBTC": "0.1", "USDC": "12345.678901", "LINK": "77", "EURS": "0.05"}),
    Shape("supply only, never collateral", {"PT-sUSDe": "5000"}),
    Shape("all switched off", {"USDC": "5000"}, flag_off=("USDC",)),
    Shape("one switched off", {"WETH": "5", "WBTC": "2"}, {"USDC": "8000"}, flag_off=("WBTC",)),
    # isolation
    Shape("isolated", {"CRV": "40000"}, {"DAI": "11000"}, flag_on=("CRV",)),
    Shape("isolated, two debts", {"CRV": "90000"}, {"DAI": "10000", "USDC": "12000"}, flag_on=("CRV",)),
    Shape("isolated asset beside another", {"WETH": "2", "CRV": "1000"}, {"USDC": "2500"}),
    # very small and very large
    Shape("dust supply", {"WETH": "0.000000000000001"}),
    Shape("dust supply, 6 decimals", {"USDC": "0.000002"}),
    Shape("dust debt", {"WETH": "1"}, {"USDC": "0.000001"}),
    Shape("dust debt, 2 decimals", {"USDC": "10"}, {"EURS": "0.01"}),
    Shape("dust beside a loan", {"WETH": "4", "WBTC": "0.00000003"}, {"USDC": "6500"}),
    Shape("fifty dollars", {"WETH": "0.02"}, {"DAI": "31"}),
    Shape("near the dust rule", {"WETH": "1"}, {"USDC": "1999.5"}),
    Shape("whale", {"WETH": "5000", "WBTC": "60"}, {"USDC": "9000000", "DAI": "1500000"}),
    # around and below the limit once LINK has fallen
    _link("health 1.0001", "1.0001"),
    _link("health 0.9999", "0.9999"),
    _link("just above one", "1.00005", 100_000),
    _link("above the close factor", "0.951"),
    _link("below the close factor", "0.949"),
    _link("small and liquidatable", "0.97", 150),
    _link("large and liquidatable", "0.97", 50_000),
    Shape("bad debt", {"LINK": "1000"}, {"USDC": "8950"}),
    Shape("bad debt, small", {"LINK": "20"}, {"DAI": "179"}),
    Shape("bad debt, two debts", {"LINK": "3000"}, {"DAI": "13000", "WETH": "5.5"}),
    Shape("mixed and liquidatable", {"LINK": "2000", "WETH": "2"}, {"USDC": "16500", "EURS": "2000"}),
    Shape("saved by another collateral", {"LINK": "1000", "WETH": "1"}, {"USDC": "7300"}),
)


def raw(market: AaveMarket, symbol: str, amount: str) -> int:
    """Whole units to the raw integer; more digits than the token has is a mistake."""
    value = Decimal(amount) * market.tokens[symbol].unit
    assert value == int(value), f"{amount} {symbol} has too many digits"
    return int(value)


def open_shape(market: AaveMarket, shape: Shape) -> Position:
    """Open one shape from its own wallet."""
    user = wallet(shape.name)
    for symbol, amount in shape.supply.items():
        market.supply(user, symbol, raw(market, symbol, amount))
    if shape.emode:
        market.set_emode(user, shape.emode)
    for symbol in shape.flag_on:
        market.set_collateral(user, symbol, True)
    for symbol in shape.flag_off:
        market.set_collateral(user, symbol, False)
    for symbol, amount in shape.borrow.items():
        market.borrow(user, symbol, raw(market, symbol, amount))
    return Position(shape.name, user)


def open_positions(market: AaveMarket) -> list[Position]:
    """Open every shape that this generation allows, then move the market under them.

    The same wallets are used in every market. Afterwards LINK has fallen by 45 %, the staking ratio has
    grown, EURS has a lower threshold, CRV lends nothing more, one loan was repaid and one account emptied.
    """
    market.feeds["LINK"].set(LINK_BEFORE)
    shapes = [shape for shape in SHAPES if market.revision >= shape.only_since]
    half = len(shapes) // 2
    with market.node.batch():
        opened = [open_shape(market, shape) for shape in shapes[:half]]
    with market.node.batch(dt=OLD_LOANS):
        opened += [open_shape(market, shape) for shape in shapes[half:]]
        opened += [_repaid(market), _emptied(market)]
    with market.node.batch():
        market.feeds["LINK"].set(LINK_AFTER)
        market.ratio.set(RATIO_AFTER)
    market.set_ltv_zero("CRV")
    market.set_reserve_params("EURS", lt=6700)
    return opened


def _repaid(market: AaveMarket) -> Position:
    user = wallet("repaid")
    market.supply(user, "WBTC", raw(market, "WBTC", "0.5"))
    market.borrow(user, "USDC", raw(market, "USDC", "10000"))
    market.repay(user, "USDC")
    return Position("repaid", user)


def _emptied(market: AaveMarket) -> Position:
    user = wallet("emptied")
    market.supply(user, "WETH", raw(market, "WETH", "1"))
    market.withdraw(user, "WETH")
    return Position("emptied", user)
