"""A local node with four lending protocols, a fifth in a dictionary, and wallets that hold a position in each."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from liqtui.chain.addresses import checksum
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.units import WAD
from liqtui.core.wallet import Wallet
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from liqtui.protocols import compound_v3_abi as comet
from tests.lab import aave_v2
from tests.lab.compound_v2 import CompoundMarket
from tests.lab.lab import Lab
from tests.lab.market import wallet
from tests.lab.morpho import MorphoLab
from tests.lab.packages import default_cache
from tests.protocols import comet_fake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liqtui.core.reads import Block, Call, Log, LogFilter, Result
    from liqtui.engine.rounds import ChainRounds
    from liqtui.protocols.adapter import Adapter

PER_BLOCK = 40
MIX = {
    "aave-v3": ({"WETH": 2.0, "WBTC": 0.5}, {"USDC": 9000.0}),
    "aave-v2": ({"WETH": 5.0, "DAI": 3000.0}, {"USDC": 6000.0}),
    "morpho-blue": ({"WETH": 2.0}, {"USDC": 2000.0}),
    "compound-v2": ({"ETH": 4.0, "WBTC": 0.1}, {"DAI": 4000.0}),
    "compound-v3": ({"WETH": 2.0, "WBTC": 0.1}, {"USDC": 4000.0}),
}
"""Protocol → (collateral, debt) of every wallet, whole tokens; the debt grows by a thousandth from wallet to wallet."""
MORPHO_MARKET = "eth-usdc"


class WithComet:
    """A `ChainReader` that answers for one Comet by itself, and passes everything else on."""

    def __init__(self, inner: Any, answers: dict[tuple[str, bytes], Result]) -> None:
        self.inner = inner
        self.chain_id: int = inner.chain_id
        self.answers = answers

    async def head(self) -> Block:
        return await self.inner.head()

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        known = self.answers
        passed = [call for call in calls if call not in known]
        found = iter(await self.inner.read(block, passed) if passed else [])
        return [known[call] if call in known else next(found) for call in calls]

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        return await self.inner.logs(first, last, wanted)

    async def close(self) -> None:
        await self.inner.close()


class Five:
    def __init__(self, lab: Lab, count: int) -> None:
        cache = default_cache()
        self.lab = lab
        self.aave = lab.markets["aave36"]
        self.v2 = aave_v2.deploy(lab, cache)
        self.morpho = MorphoLab(lab, cache)
        self.compound = CompoundMarket(lab, cache)
        self.wallets = [wallet(f"five {number}").lower() for number in range(count)]
        for at in range(0, count, PER_BLOCK):
            with lab.node.batch(check=False):
                for number, user in enumerate(self.wallets[at : at + PER_BLOCK], at):
                    self._open(checksum(user), number)
        self.comet = self._comet()
        self.answers = self.comet.chain().results

    @property
    def mix(self) -> str:
        def side(held: dict[str, float]) -> str:
            return ", ".join(held)

        return "each wallet: " + "; ".join(
            f"{name} {side(up)} against {side(down)}" for name, (up, down) in MIX.items()
        )

    def _open(self, user: str, number: int) -> None:
        for name, market in (("aave-v3", self.aave), ("aave-v2", self.v2)):
            held, owed = MIX[name]
            for symbol, whole in held.items():
                market.supply(user, symbol, int(whole * market.tokens[symbol].unit))
            for symbol, whole in owed.items():
                market.borrow(user, symbol, self._debt(whole, market.tokens[symbol].unit, number))
        (held,), (owed,) = (side.values() for side in MIX["morpho-blue"])
        one = self.morpho.markets[MORPHO_MARKET]
        one.supply_collateral(user, int(held * one.collateral.unit))
        one.borrow(user, self._debt(owed, one.loan.unit, number))
        held, owed = MIX["compound-v2"]
        units = {"ETH": 10**18, "WBTC": 10**8, "DAI": 10**18}
        for symbol, whole in held.items():
            self.compound.supply(user, symbol, int(whole * units[symbol]))
        self.compound.enter(user, *held, *owed)
        for symbol, whole in owed.items():
            self.compound.borrow(user, symbol, self._debt(whole, units[symbol], number))

    @staticmethod
    def _debt(whole: float, unit: int, number: int) -> int:
        return int(whole * unit) * (1000 + number % 500) // 1000

    def _comet(self) -> comet_fake.Fake:
        held, owed = MIX["compound-v3"]
        users = {
            user: comet_fake.User(
                -(debt := self._debt(owed["USDC"], 10**6, number)),
                {"WETH": int(held["WETH"] * WAD), "WBTC": int(held["WBTC"] * 10**8)},
                view=False,
                owed=debt,
            )
            for number, user in enumerate(self.wallets)
        }
        totals = comet_fake.TOTALS._replace(accrued_at=1)
        return comet_fake.Fake(users, totals=totals)

    def move(self, dt: int = 12) -> None:
        """A new block in which ETH has another price everywhere: every position has other figures."""
        node = self.lab.node
        up = 1003 if node.block_number % 2 else 997
        feeds = {id(feed): feed for feed in (self.aave.feeds["WETH"], self.morpho.feeds["ETH / USD"])}
        feeds |= {id(feed): feed for feed in (self.compound.feeds["ETH"], self.v2.feeds["USDC"])}
        with node.batch(dt=dt):
            for feed in feeds.values():
                feed.set(feed.answer * up // 1000)
        for one in self.comet.assets:
            if one.symbol == "WETH":
                one.price = 3000 + up % 7
        fresh = comet_fake.Fake({}, self.comet.assets, self.comet.totals).chain().results
        self.answers |= {key: value for key, value in fresh.items() if key[1][:4] != comet.USER_BASIC.selector}

    # -- what reads it -------------------------------------------------------------------------------------------

    def setup(self, wallets: Sequence[str], url: str | None = None) -> Setup:
        node = self.lab.node
        spec = ChainSpec(node.chain_id, "lab", rpc=(url or node.url,), requests_per_second=10_000.0)
        people = tuple(Wallet(checksum(one), f"w{at}") for at, one in enumerate(wallets))
        return Setup((spec,), tuple(self.refs(spec.id)), people)

    def refs(self, chain: int) -> Iterator[MarketRef]:
        yield MarketRef("aave-v3", chain, "aave v3", self.aave.provider.lower(), custom=True)
        yield MarketRef("aave-v2", chain, "aave v2", self.v2.provider.lower(), custom=True)
        ids = (("market_ids", self.morpho.markets[MORPHO_MARKET].id),)
        yield MarketRef("morpho-blue", chain, "morpho", self.morpho.address.lower(), options=ids, custom=True)
        yield MarketRef("compound-v2", chain, "compound v2", self.compound.comptroller.lower(), custom=True)
        yield MarketRef("compound-v3", chain, "comet", comet_fake.COMET, custom=True)

    def markets(self) -> list[tuple[MarketRef, Adapter]]:
        adapters = shipped_adapters()
        return [(ref, adapters[ref.protocol]) for ref in self.refs(self.lab.node.chain_id)]

    def reader(self, url: str | None = None) -> WithComet:
        return WithComet(pool(self.setup((), url).chains[0]), self.answers)

    def rounds(self, wallets: Sequence[str], url: str | None = None) -> tuple[WithComet, ChainRounds]:
        setup, reader = self.setup(wallets, url), self.reader(url)
        return reader, rounds_on(setup.chains[0], setup, shipped_adapters(), reader)

    def plain_calls(self, wallets: Sequence[str]) -> list[tuple[str, str, str, list[Any]]]:
        """(address, signature, types of the answer, arguments) as most scripts ask for the same: no interest of this
        block, no parameters, no check.
        """
        users = [checksum(one) for one in wallets]
        six, nine = ",".join(["uint256"] * 6), ",".join(["uint256"] * 7 + ["uint40", "bool"])
        calls: list[tuple[str, str, str, list[Any]]] = []
        one = self.morpho.markets[MORPHO_MARKET]
        calls.append((self.morpho.address, "market(bytes32)", ",".join(["uint128"] * 6), [one.id]))
        calls.append((one.oracle, "price()", "uint256", []))
        for market, name in ((self.aave, "aave-v3"), (self.v2, "aave-v2")):
            assets = [market.tokens[symbol].address for side in MIX[name] for symbol in side]
            calls += [(market.oracle, "getAssetPrice(address)", "uint256", [asset]) for asset in assets]
            for user in users:
                calls.append((market.pool, "getUserAccountData(address)", six, [user]))
                if name == "aave-v3":
                    reader = (market.data_provider, "getUserReserveData(address,address)", nine)
                    calls += [(*reader, [asset, user]) for asset in assets]
                else:
                    for symbol in (symbol for side in MIX[name] for symbol in side):
                        calls += [(token, "balanceOf(address)", "uint256", [user]) for token in self._v2_tokens(symbol)]
        for user in users:
            calls.append((self.morpho.address, "position(bytes32,address)", "uint256,uint128,uint128", [one.id, user]))
            calls.append((self.compound.comptroller, "getAccountLiquidity(address)", "uint256,uint256,uint256", [user]))
            calls += [
                (self.compound.tokens[symbol], "getAccountSnapshot(address)", ",".join(["uint256"] * 4), [user])
                for side in MIX["compound-v2"]
                for symbol in side
            ]
        return calls

    def _v2_tokens(self, symbol: str) -> tuple[str, ...]:
        """aToken and variable debt token."""
        if not hasattr(self, "_tokens"):
            self._tokens: dict[str, tuple[str, ...]] = {}
        if symbol not in self._tokens:
            twelve = ",".join(["uint256", *["uint128"] * 5, "uint40", *["address"] * 4, "uint8"])
            asset = self.v2.tokens[symbol].address
            data = self.lab.node.view(self.v2.pool, f"getReserveData(address)->{twelve}", asset)
            self._tokens[symbol] = (data[7], data[9])
        return self._tokens[symbol]


@contextlib.contextmanager
def five(count: int) -> Iterator[Five]:
    with Lab.build(generations=("aave36",)) as lab:
        yield Five(lab, count)
