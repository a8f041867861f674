"""A local node with an Aave v3 market and many wallets: half of them with five reserves each, half empty."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from liqtui.chain.addresses import checksum
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.wallet import Wallet
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from tests.lab.lab import Lab
from tests.lab.market import wallet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liqtui.engine.rounds import ChainRounds
    from liqtui.engine.setup import Reader
    from tests.lab.market import AaveMarket

PER_BLOCK = 50
SUPPLIED = {"WETH": 2, "WBTC": 1, "DAI": 3000}
BORROWED = {"USDC": 9000, "LINK": 40}


class Crowd:
    """`real` wallets that hold five reserves, and as many that hold nothing."""

    def __init__(self, lab: Lab, real: int) -> None:
        self.lab = lab
        self.market: AaveMarket = lab.markets["aave36"]
        self.real = [wallet(f"real {number}").lower() for number in range(real)]
        self.empty = [wallet(f"empty {number}").lower() for number in range(real)]
        for at in range(0, real, PER_BLOCK):
            with lab.node.batch(check=False):
                for number, user in enumerate(self.real[at : at + PER_BLOCK], at):
                    self._open(checksum(user), number)
        held = self.market.account_data(checksum(self.real[-1]))
        if not held.debt:
            raise SystemExit("the last position could not be opened")

    def _open(self, user: str, number: int) -> None:
        market = self.market
        for symbol, whole in SUPPLIED.items():
            market.supply(user, symbol, whole * market.tokens[symbol].unit)
        for symbol, whole in BORROWED.items():
            market.borrow(user, symbol, whole * market.tokens[symbol].unit * (1000 + number) // 1000)

    def wallets(self, count: int) -> list[str]:
        """So many, real and empty ones in turn."""
        both = [one for pair in zip(self.real, self.empty, strict=True) for one in pair]
        return both[:count]

    def move(self, dt: int = 12) -> None:
        """A new block in which the price of ETH has changed: every position has other figures."""
        feed = self.market.feeds["WETH"]
        with self.lab.node.batch(dt=dt):
            feed.set(feed.answer * (1003 if self.lab.node.block_number % 2 else 997) // 1000)

    def spec(self, url: str | None = None) -> ChainSpec:
        """With the usual limits, but without a pause between requests: what is measured is work."""
        node = self.lab.node
        return ChainSpec(node.chain_id, "lab", rpc=(url or node.url,), requests_per_second=10_000.0)

    def setup(self, wallets: Sequence[str], url: str | None = None) -> Setup:
        spec = self.spec(url)
        ref = MarketRef("aave-v3", spec.id, "lab market", self.market.provider.lower(), custom=True)
        return Setup((spec,), (ref,), tuple(Wallet(checksum(one), f"w{at}") for at, one in enumerate(wallets)))

    def rounds(self, wallets: Sequence[str], url: str | None = None) -> tuple[Reader, ChainRounds]:
        setup = self.setup(wallets, url)
        reader = pool(setup.chains[0])
        return reader, rounds_on(setup.chains[0], setup, shipped_adapters(), reader)


@contextlib.contextmanager
def crowd(real: int) -> Iterator[Crowd]:
    with Lab.build(generations=("aave36",)) as lab:
        yield Crowd(lab, real)
