"""Positions of every kind in the Morpho laboratory, and a random walk of its markets."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from tests.lab.market import wallet
from tests.lab.morpho import START_RATE, WAD
from tests.lab.walk import DEFAULT_VOLATILITY, VOLATILITY

if TYPE_CHECKING:
    from tests.lab.morpho import MorphoLab, MorphoMarket

PRICE_SCALE = 10**36
LIQUIDATOR = wallet("morpho liquidator")


class Shape(NamedTuple):
    """Collateral in whole tokens (as text), and the debt in basis points of the most that it allows."""

    user: str
    market: str
    collateral: str
    part: int

    @property
    def wallet(self) -> str:
        return wallet(self.user)


SHAPES = (
    Shape("m-calm", "eth-usdc", "100", 4000),
    Shape("m-tight", "eth-usdc", "37.5", 9990),
    Shape("m-edge", "eth-usdc", "11.000000000000000001", 10_000),
    Shape("m-whale", "eth-usdc", "3000", 9000),
    Shape("m-dust", "eth-usdc", "0.000000009", 9500),
    Shape("m-idle", "eth-usdc", "5", 0),
    Shape("m-loop", "wsteth-eth", "400", 9900),
    Shape("m-loop2", "wsteth-eth", "1", 9000),
    Shape("m-btc", "btc-usdc", "10", 9500),
    Shape("m-sats", "btc-usdc", "0.00000321", 9000),
    Shape("m-btc-edge", "btc-usdc", "1.23456789", 10_000),
    Shape("m-staked", "wsteth-usdc", "55", 9800),
    Shape("m-staked2", "wsteth-usdc", "700", 7000),
    Shape("m-ratio", "eth-btc", "250", 9700),
    Shape("m-ratio2", "eth-btc", "0.4", 10_000),
    Shape("m-link", "link-eurs", "4000.5", 9500),
    Shape("m-link2", "link-eurs", "12", 8000),
    Shape("m-stable", "dai-usdc", "200000", 9990),
    Shape("m-stable2", "dai-usdc", "31.4", 9900),
    Shape("m-crv", "crv-dai", "80000", 9600),
    Shape("m-four", "wsteth-dai", "90", 9700),
    Shape("m-four2", "wsteth-dai", "2.5", 9999),
    Shape("m-short", "dai-wsteth", "300000", 9300),
    Shape("m-short2", "dai-wsteth", "512.25", 9990),
    # one wallet in three markets
    Shape("m-many", "eth-usdc", "20", 9400),
    Shape("m-many", "btc-usdc", "2", 8800),
    Shape("m-many", "eth-btc", "40", 9100),
)


def raw(text: str, decimals: int) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 10**decimals + int(part.ljust(decimals, "0") or "0")


def room(market: MorphoMarket, collateral: int) -> int:
    """The most that this collateral lets borrow."""
    return collateral * market.price // PRICE_SCALE * market.params[4] // WAD


def open_positions(morpho: MorphoLab) -> None:
    """Every shape; then a day passes, with the feeds still fresh."""
    for shape in SHAPES:
        market = morpho.markets[shape.market]
        collateral = raw(shape.collateral, market.collateral.decimals)
        most = room(market, collateral)
        debt = min(most * shape.part // 10_000, max(0, most - 2))  # shares round up
        with morpho.lab.node.batch():
            market.supply_collateral(shape.wallet, collateral)
            if debt:
                market.borrow(shape.wallet, debt)
    with morpho.lab.node.batch():
        for market in morpho.markets.values():
            market.fund(LIQUIDATOR)
    morpho.lab.refresh_feeds(dt=86_400)


class MorphoWalk:
    """One block a step: prices move, time passes, somebody acts. The same seed walks the same way."""

    def __init__(self, morpho: MorphoLab, seed: int) -> None:
        self.morpho = morpho
        self.random = random.Random(seed)
        self.prices = {pair: feed.answer for pair, feed in morpho.feeds.items()}
        self.rate = START_RATE

    def step(self) -> int:
        lab = self.morpho.lab
        with lab.node.batch(dt=self.random.randint(1, 7200), check=False):
            for pair in self.random.sample(sorted(self.prices), 4):
                sigma = VOLATILITY.get(pair, DEFAULT_VOLATILITY)
                self.prices[pair] = max(1, round(self.prices[pair] * (1 + self.random.gauss(0, sigma))))
                self.morpho.feeds[pair].set(self.prices[pair])
            if self.random.random() < 0.3:
                self.rate += self.random.randint(-(10**14), 4 * 10**14)
                self.morpho.set_rate(self.rate)
            for _ in range(self.random.randint(0, 3)):
                self._act(self.random.choice(SHAPES))
        return lab.node.block_number

    def _act(self, shape: Shape) -> None:
        """Something that may be refused: real blocks hold failed transactions too."""
        market = self.morpho.markets[shape.market]
        _, shares, collateral = market.position(shape.wallet)
        part = self.random.randint(1, 200)
        kind = self.random.choice(("supply", "borrow", "repay", "withdraw", "liquidate", "liquidate"))
        if kind == "supply":
            market.supply_collateral(shape.wallet, raw(shape.collateral, market.collateral.decimals) * part // 1000 + 1)
        elif kind == "borrow":
            market.borrow(shape.wallet, room(market, collateral) * part // 1000 + 1)
        elif kind == "repay":
            market.repay(shape.wallet, shares=shares * part // 200)
        elif kind == "withdraw":
            market.withdraw_collateral(shape.wallet, collateral * part // 1000)
        else:
            market.liquidate(LIQUIDATOR, shape.wallet, shares=shares * part // 200)
