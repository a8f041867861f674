"""Positions of every kind in the Comet laboratory, and a random walk of its markets."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.lab.comet import VAULT_RATE
from tests.lab.market import wallet
from tests.lab.morpho_positions import raw
from tests.lab.positions import Position
from tests.lab.walk import DEFAULT_VOLATILITY, VOLATILITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.lab.comet import CometLab, CometMarket

STABLE = {"stETH / ETH": 0.0005, "wstETH / ETH": 0.0008}
DAY = 86_400
CRASH = 0.008
"""Chance that a price which moves falls by more than a quarter."""


@dataclass(frozen=True)
class Shape:
    """Collateral in whole tokens (as text); the debt in basis points of the most that it allows, or in base units."""

    name: str
    supply: Mapping[str, str] = field(default_factory=dict)
    part: int = 0
    debt: int = 0
    lent: str = ""
    """Base tokens supplied."""
    gone: bool = False
    """All taken out again."""

    @property
    def wallet(self) -> str:
        return wallet(self.name)


_ALL = {"LINK": "100", "WETH": "2", "wstETH": "3", "WBTC": "0.25", "cbBTC": "0.1", "CRV": "5000", "EURS": "2500.07"}
_ALL |= {"DAI": "4000", "tETH": "1", "WHOLE": "21", "PT-sUSDe": "900", "NINETEEN": "700", "LAST16": "1100"}
_ALL |= {"FIRST17": "44.123456", "LATE": "0.05", "sDAI": "300", "F13": "2", "F14": "3", "F17": "4", "F18": "5"}
SHAPES = {
    "USDC": (
        Shape("k calm", {"WETH": "10"}, 4000),
        Shape("k tight", {"WETH": "37.5"}, 9990),
        Shape("k edge", {"WETH": "11.000000000000000001"}, 10_000),
        Shape("k whale", {"WETH": "500", "WBTC": "10"}, 9000),
        Shape("k dust", {"WETH": "0.000000009"}, 9500),
        Shape("k dust of whole", {"WHOLE": "1"}, 10_000),
        Shape("k dust debt", {"WETH": "1"}, debt=10),
        Shape("k idle", {"WETH": "5"}),
        Shape("k lender", lent="12345.678901"),
        Shape("k least lender", lent="0.000002"),
        Shape("k lender with collateral", {"WETH": "1", "LATE": "0.5"}, lent="77.7"),
        Shape("k staked", {"wstETH": "55"}, 9800),
        Shape("k staked and plain", {"wstETH": "5", "WETH": "7", "tETH": "2"}, 9950),
        Shape("k btc", {"WBTC": "10"}, 9500),
        Shape("k sats", {"WBTC": "0.00000321"}, 9000),
        Shape("k two of btc", {"WBTC": "1", "cbBTC": "1.23456789"}, 10_000),
        Shape("k link", {"LINK": "4000.5"}, 9500),
        Shape("k link less", {"LINK": "12"}, 8000),
        Shape("k link and eth", {"LINK": "500", "WETH": "1"}, 9900),
        Shape("k crv", {"CRV": "80000"}, 9600),
        Shape("k crv and link", {"CRV": "20000", "LINK": "700"}, 9300),
        Shape("k eurs", {"EURS": "25000.55"}, 9999),
        Shape("k stable", {"DAI": "60000"}, 9990),
        Shape("k vault", {"sDAI": "50000"}, 9900),
        Shape("k vault and its asset", {"sDAI": "700.5", "DAI": "900"}, 9990),
        Shape("k pt", {"PT-sUSDe": "9000", "DAI": "1"}, 9800),
        Shape("k whole", {"WHOLE": "170"}, 9700),
        Shape("k nineteen", {"NINETEEN": "90000.0000000000000000001"}, 9700),
        Shape("k last16", {"LAST16": "30000"}, 9600),
        Shape("k first17", {"FIRST17": "600.654321"}, 9600),
        Shape("k late", {"LATE": "1.5"}, 9900),
        Shape("k both places", {"WETH": "3", "FIRST17": "200", "LATE": "0.3", "LAST16": "1"}, 9970),
        Shape("k all", _ALL, 9400),
        Shape("k all and calm", _ALL, 3000),
        Shape("k gone", {"WETH": "2"}, gone=True),
    ),
    "WETH": (
        Shape("e loop", {"wstETH": "400"}, 9900),
        Shape("e loop edge", {"wstETH": "1.234567890123456789"}, 10_000),
        Shape("e calm", {"wstETH": "20"}, 5000),
        Shape("e wbtc", {"WBTC": "4.2"}, 9500),
        Shape("e two of btc", {"WBTC": "1", "cbBTC": "2"}, 9950),
        Shape("e usdc", {"USDC": "100000"}, 9800),
        Shape("e usdc less", {"USDC": "31.4"}, 9900),
        Shape("e dust", {"USDC": "0.000131"}, 9500),
        Shape("e sats", {"WBTC": "0.00000017"}, 9999),
        Shape("e eurs", {"EURS": "40000.05"}, 9700),
        Shape("e eurs edge", {"EURS": "0.37"}, 10_000),
        Shape("e link", {"LINK": "9000"}, 9500),
        Shape("e link and usdc", {"LINK": "1000", "USDC": "5000"}, 9700),
        Shape("e link and btc", {"LINK": "1000", "WBTC": "0.5"}, 9900),
        Shape("e crv", {"CRV": "90000"}, 9600),
        Shape("e crv and loop", {"CRV": "5000", "wstETH": "9"}, 9900),
        Shape("e two staked", {"wstETH": "9", "tETH": "8"}, 9990),
        Shape("e dust debt", {"tETH": "1"}, debt=10),
        Shape("e many", {"LINK": "90", "WBTC": "1", "USDC": "9000", "EURS": "700", "CRV": "900", "tETH": "1"}, 9500),
        Shape("e many and calm", {"LINK": "90", "WBTC": "1", "USDC": "9000", "EURS": "700", "tETH": "1"}, 2500),
        Shape("e whale", {"wstETH": "600", "WBTC": "20"}, 9000),
        Shape("e idle", {"LINK": "5"}),
        Shape("e lender", lent="12.345678901234567890"),
        Shape("e lender with collateral", {"USDC": "1"}, lent="0.7"),
        Shape("e gone", {"USDC": "2"}, gone=True),
    ),
}


def open_positions(comets: CometLab) -> None:
    """Every shape; then two days pass with the feeds still fresh, and LINK has fallen."""
    for base, market in comets.markets.items():
        opened: list[Position] = []
        for shape in SHAPES[base]:
            _open(market, shape)
            opened.append(Position(shape.name, shape.wallet))
        comets.lab.positions[market.name] = opened
    comets.lab.refresh_feeds(dt=2 * DAY)
    with comets.lab.node.batch():
        for pair in ("LINK / USD", "LINK / ETH"):
            feed = comets.lab.assets.pairs[pair]
            feed.set(feed.answer * 86 // 100)


def _open(market: CometMarket, shape: Shape) -> None:
    user, base = shape.wallet, market.base
    with market.node.batch():
        for symbol, amount in shape.supply.items():
            market.supply(user, symbol, raw(amount, market.token(symbol).decimals))
        if shape.lent:
            market.supply(user, base.symbol, raw(shape.lent, base.decimals))
    debt = shape.debt or market.room(user) * shape.part // 10_000
    with market.node.batch():
        if debt:
            market.withdraw(user, base.symbol, debt)
        if shape.gone:
            for symbol, amount in shape.supply.items():
                market.withdraw(user, symbol, raw(amount, market.token(symbol).decimals))


class CometWalk:
    """One block a step: prices move, time passes, somebody acts. The same seed walks the same way."""

    def __init__(self, market: CometMarket, base: str, seed: int) -> None:
        self.market = market
        self.random = random.Random(seed)
        self.shapes = SHAPES[base]
        self.prices = {pair: feed.answer for pair, feed in market.feeds.items()}
        self.rate = VAULT_RATE

    def take(self, steps: int) -> Iterator[int]:
        for _ in range(steps):
            yield self.step()

    def step(self) -> int:
        market, node = self.market, self.market.node
        quiet = self.random.random() < 0.1
        dt = self.random.randint(5 * DAY, 25 * DAY) if quiet else self.random.randint(301, 7200)
        with node.batch(dt=dt, check=False):
            for pair in self.random.sample(sorted(self.prices), 4):
                sigma = STABLE.get(pair) or VOLATILITY.get(pair, DEFAULT_VOLATILITY)
                part = 0.72 if pair not in STABLE and self.random.random() < CRASH else 1 + self.random.gauss(0, sigma)
                self.prices[pair] = max(1, round(self.prices[pair] * part))
                self.market.feeds[pair].set(self.prices[pair])
            if "sDAI" in market.specs and self.random.random() < 0.3:
                self.rate += self.random.randint(-(10**14), 3 * 10**14)
                market.set_rate(self.rate)
            for _ in range(0 if quiet else self.random.randint(0, 3)):
                self._act(self.random.choice(self.shapes))
        return node.block_number

    def _act(self, shape: Shape) -> None:
        """Something that may be refused: real blocks hold failed transactions too."""
        market, user, base, part = self.market, shape.wallet, self.market.base.symbol, self.random.randint(1, 200)
        symbol = self.random.choice(sorted(shape.supply or {"WETH": "1", "USDC": "1"}))
        kind = self.random.choice(("supply", "borrow", "borrow", "repay", "withdraw", "absorb", "absorb", "buy"))
        if kind == "supply" and symbol in market.specs:
            amount = raw(shape.supply.get(symbol, "0.7"), market.token(symbol).decimals)
            market.supply(user, symbol, amount * part // 100 + 1)
        elif kind == "borrow":
            market.withdraw(user, base, market.room(user) * part // 1000 + 1)
        elif kind == "repay":  # more than is owed: the rest is lent out
            market.supply(user, base, market.room(user) * part // 190 + 1)
        elif kind == "withdraw" and symbol in market.specs:
            market.withdraw(user, symbol, market.held(user, symbol) * (1000 if part > 190 else part) // 1000)
        elif kind == "absorb":
            market.absorb(user)
        elif kind == "buy" and symbol in market.specs:
            market.buy(symbol, part * market.base.unit)
