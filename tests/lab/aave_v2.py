"""Aave v2 from its published package: prices in ether, stable-rate debt, positions and a walk of its own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from tests.lab.artifacts import hardhat_artifacts
from tests.lab.assets import STABLE_RATES, STEEP_RATES, VOLATILE_RATES, Rates, Token
from tests.lab.deployer import Deployer
from tests.lab.market import AaveMarket, wallet
from tests.lab.packages import AAVE_V2, fetch
from tests.lab.positions import Position, Shape, open_shape, raw
from tests.lab.walk import LIQUIDATOR

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.assets import SharedAssets
    from tests.lab.feeds import ChainlinkFeed
    from tests.lab.lab import Lab
    from tests.lab.node import Receipt

NOBODY = "0x" + "00" * 20
ADMIN = "0xad00000000000000000000000000000000000001"
ETHER = 10**18
STABLE, VARIABLE = 1, 2
LENDER = wallet("v2 lender")
WHALE = wallet("v2 seed borrower")
_RAY_PER_BPS = 10**23
_STABLE_CURVE = (200, 6000)
_MARKET_RATE = 300 * _RAY_PER_BPS
_CORE = ("LendingPool", "LendingPoolConfigurator", "LendingPoolCollateralManager", "LendingPoolAddressesProvider")
_CORE += ("AaveOracle", "LendingRateOracle", "AaveProtocolDataProvider", "DefaultReserveInterestRateStrategy")
_CORE += ("AToken", "StableDebtToken", "VariableDebtToken")


class Spec(NamedTuple):
    """One reserve. Thresholds in basis points, its price in wei of ether; no feed for ether itself."""

    symbol: str
    decimals: int
    pair: str
    price: int
    ltv: int
    lt: int
    bonus: int
    rates: Rates
    seed: int
    lent: int


SPECS = (
    Spec("WETH", 18, "", ETHER, 8000, 8250, 10500, VOLATILE_RATES, 40_000, 26_000),
    Spec("stETH", 18, "stETH / ETH", 9991 * ETHER // 10_000, 7000, 7500, 10750, STEEP_RATES, 30_000, 5_000),
    Spec("WBTC", 8, "BTC / ETH", 24 * ETHER, 7000, 7500, 10650, STEEP_RATES, 3_000, 400),
    Spec("USDC", 6, "USDC / ETH", 400_013 * 10**9, 8000, 8500, 10500, STABLE_RATES, 90_000_000, 70_000_000),
    Spec("DAI", 18, "DAI / ETH", 399_871 * 10**9, 7500, 8000, 10500, STABLE_RATES, 60_000_000, 45_000_000),
    Spec("LINK", 18, "LINK / ETH", 6 * 10**15, 7000, 7500, 11000, STEEP_RATES, 2_000_000, 500_000),
    Spec("EURS", 2, "EURS / ETH", 432_000 * 10**9, 6500, 7000, 10750, STABLE_RATES, 9_000_000, 5_000_000),
    Spec("CRV", 18, "CRV / ETH", 240_000 * 10**9, 4000, 5500, 10850, STEEP_RATES, 9_000_000, 3_000_000),
    # supplied, never collateral
    Spec("USDT", 6, "USDT / ETH", 400_000 * 10**9, 0, 0, 0, STABLE_RATES, 9_000_000, 6_000_000),
)

_MANY = {"WETH": "2", "stETH": "3", "WBTC": "0.25", "USDC": "5000", "DAI": "4000", "LINK": "120", "EURS": "2500"}
SHAPES = (
    Shape("v2 weth usdc", {"WETH": "10"}, {"USDC": "12000"}),
    Shape("v2 weth usdc tight", {"WETH": "10"}, {"USDC": "19900"}),
    Shape("v2 weth dai", {"WETH": "3.7"}, {"DAI": "6900"}),
    Shape("v2 wbtc dai", {"WBTC": "1.5"}, {"DAI": "61000"}),
    Shape("v2 steth usdc", {"stETH": "20"}, {"USDC": "34000"}),
    Shape("v2 staking loop", {"stETH": "100"}, {"WETH": "69"}),
    Shape("v2 usdc weth short", {"USDC": "50000"}, {"WETH": "15.9"}),
    Shape("v2 dai wbtc short", {"DAI": "100000"}, {"WBTC": "1.2"}),
    Shape("v2 link dai", {"LINK": "3000"}, {"DAI": "31000"}),
    Shape("v2 link usdc eurs", {"LINK": "5000"}, {"USDC": "20000", "EURS": "25000.11"}),
    Shape("v2 crv weth", {"CRV": "90000"}, {"WETH": "8.5"}),
    Shape("v2 eurs usdc", {"EURS": "25000.50"}, {"USDC": "17000"}),
    Shape("v2 usdc eurs", {"USDC": "9000"}, {"EURS": "6500.07"}),
    Shape("v2 all collaterals", _MANY, {"USDC": "21000"}),
    Shape("v2 all debts", {"WBTC": "4"}, {"WETH": "5", "USDC": "30000", "DAI": "20000", "LINK": "500", "EURS": "9000"}),
    Shape("v2 all on both sides", _MANY, {"WETH": "1", "stETH": "1", "WBTC": "0.1", "LINK": "50", "EURS": "500"}),
    Shape("v2 weth loop", {"WETH": "10"}, {"WETH": "7.9"}),
    Shape("v2 usdc loop and weth", {"USDC": "10000", "WETH": "1"}, {"USDC": "9500"}),
    Shape("v2 weth and link", {"WETH": "8", "LINK": "1000"}, {"USDC": "22000", "WBTC": "0.05"}),
    Shape("v2 supply only", {"WETH": "3.333333333333333333", "EURS": "0.07"}),
    Shape("v2 never collateral", {"USDT": "5000"}),
    Shape("v2 usdt beside", {"WETH": "1", "USDT": "777.777777"}, {"USDT": "1500"}),
    Shape("v2 switched off", {"WETH": "5", "WBTC": "2"}, {"USDC": "8000"}, flag_off=("WBTC",)),
    Shape("v2 dust", {"USDC": "0.000031"}, {"DAI": "0.000024"}),
    Shape("v2 dust debt", {"WETH": "1"}, {"USDC": "0.000001"}),
    Shape("v2 whale", {"WETH": "5000", "WBTC": "60"}, {"USDC": "9000000", "DAI": "1500000"}),
)
STABLE_SHAPES = (
    Shape("v2 stable", {"WETH": "10"}, {"USDC": "15000"}),
    Shape("v2 stable and variable", {"WETH": "20", "LINK": "300"}, {"USDC": "9000", "DAI": "11000"}),
    Shape("v2 stable wbtc", {"WBTC": "1"}, {"DAI": "40000"}),
)
"""Borrowed at the stable rate; where a name says so, once more at the variable one."""
OPEN = (*SHAPES, *STABLE_SHAPES)


class AaveV2Market(AaveMarket):
    """A LendingPool, driven as its users and admins drive it."""

    def __init__(self, assets: SharedAssets, provider: str) -> None:
        self.name = "lab aave v2"
        self.assets = assets
        self.node = assets.node
        self.provider = provider
        self.specs = {}
        self.tokens = {}
        self.feeds = {}
        self.categories = {}
        self.make: Deployer | None = None
        self.revision = 2
        self.pool = self._registered("getLendingPool()")
        self.configurator = self._registered("getLendingPoolConfigurator()")
        self.oracle = self._registered("getPriceOracle()")

    def supply(self, user: str, symbol: str, amount: int) -> None:
        with self.node.batch():
            self.provision(user, symbol, amount)
            signature = "deposit(address,uint256,address,uint16)"
            self.node.do(self.pool, signature, self._asset(symbol), amount, user, 0, sender=user)

    def borrow(self, user: str, symbol: str, amount: int, mode: int = VARIABLE) -> Receipt | None:
        signature = "borrow(address,uint256,uint256,uint16,address)"
        return self.node.do(self.pool, signature, self._asset(symbol), amount, mode, 0, user, sender=user)

    def set_price(self, symbol: str, price: int) -> Receipt | None:
        """In wei of ether."""
        return self.feeds[symbol].set(price)


def deploy(lab: Lab, cache: Path) -> AaveV2Market:
    """As the deployment scripts of the package do it."""
    assets, node = lab.assets, lab.node
    make = Deployer(node, hardhat_artifacts(fetch(AAVE_V2, cache) / "artifacts" / "contracts", _CORE))
    feeds: dict[str, ChainlinkFeed] = {}
    with node.batch():
        for spec in SPECS:
            if spec.symbol not in assets.tokens:
                assets.new_token(spec.symbol, spec.decimals)
            if spec.pair:
                feeds[spec.symbol] = assets.new_feed(spec.pair, spec.price, 18)
        tokens = {spec.symbol: assets.tokens[spec.symbol] for spec in SPECS}
        provider = make.deploy("LendingPoolAddressesProvider", "Lab Aave v2")
        for role in ("setPoolAdmin", "setEmergencyAdmin"):
            node.do(provider, f"{role}(address)", ADMIN)
        node.do(provider, "setLendingPoolImpl(address)", make.deploy("LendingPool"))
        node.do(provider, "setLendingPoolConfiguratorImpl(address)", make.deploy("LendingPoolConfigurator"))
        manager = make.deploy("LendingPoolCollateralManager")
        node.do(provider, "setLendingPoolCollateralManager(address)", manager)
        priced = [tokens[symbol].address for symbol in feeds]
        sources = [feed.address for feed in feeds.values()]
        oracle = make.deploy("AaveOracle", priced, sources, NOBODY, tokens["WETH"].address)
        node.do(provider, "setPriceOracle(address)", oracle)
        rates = make.deploy("LendingRateOracle")
        node.do(provider, "setLendingRateOracle(address)", rates)
    market = AaveV2Market(assets, provider)
    market.tokens, market.feeds, market.make = tokens, feeds, make
    market.data_provider = make.deploy("AaveProtocolDataProvider", provider)
    with node.batch():
        for spec in SPECS:
            node.do(rates, "setMarketBorrowRate(address,uint256)", tokens[spec.symbol].address, _MARKET_RATE)
            list_reserve(market, make, spec, tokens[spec.symbol])
    with node.batch():
        for spec in SPECS:
            market.supply(LENDER, spec.symbol, spec.seed * tokens[spec.symbol].unit)
        market.supply(WHALE, "WBTC", 20_000 * tokens["WBTC"].unit)
        for spec in SPECS:
            market.borrow(WHALE, spec.symbol, spec.lent * tokens[spec.symbol].unit)
    return market


def list_reserve(market: AaveV2Market, make: Deployer, spec: Spec, token: Token) -> None:
    pool, asset = market.pool, token.address
    rays = [part * _RAY_PER_BPS for part in (*spec.rates, *_STABLE_CURVE)]
    strategy = make.deploy("DefaultReserveInterestRateStrategy", market.provider, *rays)
    treasury = wallet("v2 treasury")
    atoken = make.deploy("AToken", pool, asset, treasury, f"Lab a {spec.symbol}", f"a{spec.symbol}", NOBODY)
    debts = [make.deploy(f"{kind}DebtToken", pool, asset, kind, kind, NOBODY) for kind in ("Stable", "Variable")]
    initialise = "initReserve(address,address,address,uint8,address)"
    market.configure(initialise, atoken, *debts, spec.decimals, strategy)
    if spec.lt:
        signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
        market.configure(signature, asset, spec.ltv, spec.lt, spec.bonus)
    market.configure("enableBorrowingOnReserve(address,bool)", asset, True)
    market.configure("setReserveFactor(address,uint256)", asset, 1000)


def open_positions(market: AaveV2Market) -> list[Position]:
    """Every shape; the stable ones at the stable rate. Then a day passes, and LINK has fallen."""
    with market.node.batch():
        opened = [open_shape(market, shape) for shape in SHAPES]
    with market.node.batch():
        for shape in STABLE_SHAPES:
            user = wallet(shape.name)
            for symbol, amount in shape.supply.items():
                market.supply(user, symbol, raw(market, symbol, amount))
            for symbol, amount in shape.borrow.items():
                market.borrow(user, symbol, raw(market, symbol, amount), STABLE)
            if "variable" in shape.name:
                market.borrow(user, "USDC", raw(market, "USDC", "1234.5"))
            opened.append(Position(shape.name, user))
    with market.node.batch(dt=86_400):
        market.set_price("LINK", 5_400 * 10**12)
    return opened


def provision_liquidator(market: AaveV2Market) -> None:
    with market.node.batch():
        for symbol, token in market.tokens.items():
            market.provision(LIQUIDATOR, symbol, 10**9 * token.unit)


class Walk:
    """One block a step: prices move, time passes, somebody acts. The same seed walks the same way."""

    def __init__(self, market: AaveV2Market, seed: int) -> None:
        self.market = market
        self.random = random.Random(seed)
        self.prices = {symbol: feed.answer for symbol, feed in market.feeds.items()}

    def take(self, steps: int) -> Iterator[int]:
        for _ in range(steps):
            yield self.step()

    def step(self) -> int:
        node = self.market.node
        with node.batch(dt=self.random.randint(1, 3600), check=False):
            ether = self.random.gauss(0, 0.01)  # moves all other prices against it
            for symbol in self.random.sample(sorted(self.prices), 5):
                wobble = self.random.gauss(0, 0.01 if symbol in {"WBTC", "LINK", "CRV"} else 0.0005)
                move = wobble if symbol == "stETH" else wobble + ether
                self.prices[symbol] = max(1, round(self.prices[symbol] * (1 + move)))
                self.market.set_price(symbol, self.prices[symbol])
            for _ in range(self.random.randint(0, 3)):
                self._act(self.random.choice(OPEN))
        return node.block_number

    def _act(self, shape: Shape) -> None:
        """Something that may be refused: real blocks hold failed transactions too."""
        market, user, part = self.market, wallet(shape.name), self.random.randint(1, 200)
        kind = self.random.choice(("supply", "borrow", "stable", "repay", "withdraw", "swap", "liquidate", "liquidate"))
        book = dict(shape.supply if kind in {"supply", "withdraw"} or not shape.borrow else shape.borrow)
        symbol = self.random.choice(sorted(book))
        amount = max(1, raw(market, symbol, book[symbol]) * part // 1000)
        if kind == "supply":
            market.supply(user, symbol, amount)
        elif kind == "withdraw":
            market.withdraw(user, symbol, amount)
        elif kind == "borrow":
            market.borrow(user, symbol, amount)
        elif kind == "stable":
            market.borrow(user, symbol, amount, STABLE)
        elif kind == "repay":
            market.repay(user, symbol, amount)
        elif kind == "swap":
            signature = "swapBorrowRateMode(address,uint256)"
            market.node.do(market.pool, signature, market.tokens[symbol].address, VARIABLE, sender=user)
        else:
            collateral = self.random.choice(sorted(shape.supply))
            market.liquidate(LIQUIDATOR, user, collateral, symbol, amount)
