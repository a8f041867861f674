"""A seeded random walk of a market: prices, time, and users who act, one block a step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.lab.assets import FEEDS
from tests.lab.market import AaveMarket, wallet
from tests.lab.positions import SHAPES, Shape, raw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.lab.lab import Lab

# One step's standard deviation. Dollar tokens wobble, the others wander.
VOLATILITY = {"USDC / USD": 0.0004, "DAI / USD": 0.0005, "EUR / USD": 0.001, "PT-sUSDe / USD": 0.0006}
DEFAULT_VOLATILITY = 0.012
HEALTH_OF_ONE = 10**18
LIQUIDATOR = wallet("liquidator")


class Walk:
    """Iterate over it for block numbers. The same seed on the same state walks the same way.

    Actions that the pool refuses stay in the block as failed transactions: real blocks hold such too.
    """

    def __init__(
        self,
        lab: Lab,
        seed: int = 0,
        *,
        markets: Sequence[str] | None = None,
        dt: tuple[int, int] = (1, 1800),
        actions: int = 3,
        volatility: float = 1.0,
    ) -> None:
        self.lab = lab
        self.random = random.Random(seed)
        self.markets = [lab.markets[name] for name in markets or lab.markets]
        self.dt = dt
        self.actions = actions
        self.volatility = volatility
        self.prices = {pair: lab.assets.pairs[pair].answer for pair in FEEDS}
        self.ratio = lab.assets.ratio.ratio

    def __iter__(self) -> Iterator[int]:
        while True:
            yield self.step()

    def take(self, steps: int) -> Iterator[int]:
        """So many steps."""
        for _ in range(steps):
            yield self.step()

    def step(self, dt: int | None = None) -> int:
        """Move prices and time, let users act, mine one block; returns its number."""
        moment = self.random.randint(*self.dt) if dt is None else dt
        with self.lab.node.batch(dt=moment, check=False):
            self._move_prices()
            for _ in range(self.random.randint(0, self.actions)):
                self._act(self.random.choice(self.markets))
        return self.lab.node.block_number

    def _move_prices(self) -> None:
        for pair in self.random.sample(sorted(self.prices), self.random.randint(2, 5)):
            sigma = VOLATILITY.get(pair, DEFAULT_VOLATILITY) * self.volatility
            # pulled back a little towards where it began, or a long walk ends at zero
            pull = 0.02 * (FEEDS[pair] / self.prices[pair] - 1)
            self.prices[pair] = max(1, round(self.prices[pair] * (1 + self.random.gauss(pull, sigma))))
            self.lab.assets.pairs[pair].set(self.prices[pair])
        if self.random.random() < 0.2:
            self.ratio += self.random.randint(0, 10**14)
            self.lab.assets.ratio.set(self.ratio)

    def _act(self, market: AaveMarket) -> None:
        shape = self.random.choice(SHAPES)
        actions = (self._supply, self._borrow, self._repay, self._withdraw, self._liquidate)
        action: Callable[[AaveMarket, Shape, str], None] = self.random.choice(actions)
        action(market, shape, wallet(shape.name))

    def _amount(self, market: AaveMarket, book: dict[str, str]) -> tuple[str, int]:
        """One of the assets of a shape, and up to a fifth of what it opened with."""
        symbol = self.random.choice(sorted(book))
        return symbol, max(1, raw(market, symbol, book[symbol]) * self.random.randint(1, 200) // 1000)

    def _supply(self, market: AaveMarket, shape: Shape, user: str) -> None:
        if shape.supply:
            market.supply(user, *self._amount(market, dict(shape.supply)))

    def _borrow(self, market: AaveMarket, shape: Shape, user: str) -> None:
        if shape.borrow:
            market.borrow(user, *self._amount(market, dict(shape.borrow)))

    def _repay(self, market: AaveMarket, shape: Shape, user: str) -> None:
        if shape.borrow:
            market.repay(user, *self._amount(market, dict(shape.borrow)))

    def _withdraw(self, market: AaveMarket, shape: Shape, user: str) -> None:
        if shape.supply:
            market.withdraw(user, *self._amount(market, dict(shape.supply)))

    def _liquidate(self, market: AaveMarket, shape: Shape, user: str) -> None:
        """Someone below the limit, or now and then someone above it, who must be refused."""
        leveraged = [each for each in SHAPES if each.supply and each.borrow]
        tried = self.random.sample(leveraged, 8)
        ill = (each for each in tried if market.health(wallet(each.name)) < HEALTH_OF_ONE)
        shape = next(ill, tried[0])
        collateral = self.random.choice(sorted(shape.supply))
        debt, amount = self._amount(market, dict(shape.borrow))
        market.liquidate(LIQUIDATOR, wallet(shape.name), collateral, debt, amount)


def walk(lab: Lab, seed: int = 0, steps: int = 100) -> Iterator[int]:
    """Block numbers of a walk of so many steps over every market."""
    return Walk(lab, seed).take(steps)
