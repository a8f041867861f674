"""Compound v2 from the bytecode that another package ships, over the laboratory's feeds, with positions and a walk."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import eth_abi
from eth_utils.crypto import keccak

from tests.lab import abi
from tests.lab.artifacts import Artifact, Artifacts, Source, compile_source
from tests.lab.deployer import Deployer
from tests.lab.market import wallet
from tests.lab.packages import COMPOUND_V2, SOLC_0_8, fetch
from tests.lab.positions import Position, Shape
from tests.lab.walk import DEFAULT_VOLATILITY, LIQUIDATOR, VOLATILITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lab.feeds import ChainlinkFeed
    from tests.lab.lab import Lab
    from tests.lab.node import Receipt

WAD = 10**18
LENDER = wallet("compound lender")
_COIN_FUNDS = 10**9 * WAD
WETH = {"ETH": "WETH"}
_FAILURE = abi.event_topic("Failure(uint256,uint256,uint256)")
_EVENT = abi.event_topic("LiquidateBorrow(address,address,uint256,address,uint256)")
_NAMES = {"CERc20": "CErc20", "CEther": "CEther", "Comptroller": "Comptroller"}
_NAMES |= {"Unitroller": "Unitroller", "WhitePaperInterestRateModel": "WhitePaperInterestRateModel"}


class Spec(NamedTuple):
    """One market. Collateral factor in basis points; seed and lent in whole tokens."""

    symbol: str
    decimals: int
    pair: str
    factor: int
    seed: int
    lent: int


SPECS = (
    Spec("ETH", 18, "ETH / USD", 8250, 40_000, 20_000),
    Spec("WBTC", 8, "BTC / USD", 7000, 3_000, 400),
    Spec("USDC", 6, "USDC / USD", 8550, 90_000_000, 70_000_000),
    Spec("DAI", 18, "DAI / USD", 8350, 60_000_000, 45_000_000),
    Spec("LINK", 18, "LINK / USD", 7900, 2_000_000, 500_000),
    Spec("EURS", 2, "EUR / USD", 6500, 9_000_000, 5_000_000),
    Spec("CRV", 18, "CRV / USD", 5500, 9_000_000, 3_000_000),
    Spec("USDT", 6, "USDT / USD", 0, 9_000_000, 6_000_000),  # supplied, never collateral
)

_MANY = {"ETH": "2", "WBTC": "0.25", "USDC": "5000", "DAI": "4000", "LINK": "120", "EURS": "2500"}
SHAPES = (
    Shape("c2 eth usdc", {"ETH": "10"}, {"USDC": "12000"}),
    Shape("c2 eth usdc tight", {"ETH": "10"}, {"USDC": "20500"}),
    Shape("c2 eth dai", {"ETH": "3.7"}, {"DAI": "7500"}),
    Shape("c2 wbtc dai", {"WBTC": "1.5"}, {"DAI": "61000"}),
    Shape("c2 wbtc eth", {"WBTC": "2"}, {"ETH": "33"}),
    Shape("c2 usdc eth short", {"USDC": "50000"}, {"ETH": "16.9"}),
    Shape("c2 dai wbtc short", {"DAI": "100000"}, {"WBTC": "1.38"}),
    Shape("c2 link dai", {"LINK": "3000"}, {"DAI": "34000"}),
    Shape("c2 link usdc eurs", {"LINK": "5000"}, {"USDC": "20000", "EURS": "34000.11"}),
    Shape("c2 crv eth", {"CRV": "90000"}, {"ETH": "11.5"}),
    Shape("c2 eurs usdc", {"EURS": "25000.50"}, {"USDC": "17000"}),
    Shape("c2 usdc eurs", {"USDC": "9000"}, {"EURS": "7000.07"}),
    Shape("c2 all collaterals", _MANY, {"USDC": "23000"}),
    Shape("c2 all debts", {"WBTC": "4"}, {"ETH": "5", "USDC": "30000", "DAI": "20000", "LINK": "500", "EURS": "9000"}),
    Shape("c2 all on both sides", _MANY, {"ETH": "1", "WBTC": "0.1", "LINK": "50", "EURS": "500"}),
    Shape("c2 eth loop", {"ETH": "10"}, {"ETH": "8.2"}),
    Shape("c2 usdc loop and eth", {"USDC": "10000", "ETH": "1"}, {"USDC": "10000"}),
    Shape("c2 eth and link", {"ETH": "8", "LINK": "1000"}, {"USDC": "23500", "WBTC": "0.05"}),
    Shape("c2 supply only", {"ETH": "3.333333333333333333", "EURS": "0.07"}),
    Shape("c2 never collateral", {"USDT": "5000"}),
    Shape("c2 usdt beside", {"ETH": "1", "USDT": "777.777777"}, {"USDT": "1500"}),
    Shape("c2 not entered", {"ETH": "5", "WBTC": "2"}, {"USDC": "8000"}, flag_off=("WBTC",)),
    Shape("c2 nothing entered", {"DAI": "500"}, flag_off=("DAI",)),
    Shape("c2 dust", {"USDC": "0.000131"}, {"DAI": "0.000108"}),
    Shape("c2 dust debt", {"ETH": "1"}, {"USDC": "0.000001"}),
    Shape("c2 whale", {"ETH": "5000", "WBTC": "60"}, {"USDC": "9000000", "DAI": "1500000"}),
)


class CompoundMarket:
    """A comptroller and its cTokens, driven as users drive them. Amounts are raw integers.

    A refused action is a successful transaction with a Failure event, so actions that must succeed check for it.
    """

    name = "lab compound"
    coin = "ETH"
    """What is the chain's own coin and no token; empty: nothing."""
    specs = SPECS
    most_decimals = 27
    """Of an underlying that its oracle can price."""

    def __init__(self, lab: Lab, cache: Path) -> None:
        self._begin(lab)
        make = self.make = Deployer(self.node, _artifacts(cache))
        own = Deployer(self.node, own_artifacts(cache))
        with self.node.batch():
            self.comptroller = make.deploy("Unitroller")
            logic = make.deploy("Comptroller")
            self.do(self.comptroller, "_setPendingImplementation(address)", logic)
            self.do(logic, "_become(address,uint256,address[],address[])", self.comptroller, 0, [], [])
            self.oracle = own.deploy("CompoundOracle")
            for signature, value in (
                ("_setPriceOracle(address)", self.oracle),
                ("_setCloseFactor(uint256)", WAD // 2),
                ("_setLiquidationIncentive(uint256)", 108 * WAD // 100),
                ("_setMaxAssets(uint256)", 20),
            ):
                self.do(self.comptroller, signature, value)
            self.model = make.deploy("WhitePaperInterestRateModel", 2 * WAD, 6 * WAD)  # steep: mining blocks is slow
            for spec in SPECS:
                self.list_token(spec)
        with self.node.batch():
            for spec in SPECS:
                self.weigh(spec)
            self.seed()

    def weigh(self, spec: Spec) -> None:
        """What a listed token counts for as collateral."""
        signature = "_setCollateralFactor(address,uint256)"
        self.do(self.comptroller, signature, self.tokens[spec.symbol], spec.factor * WAD // 10_000)

    def fix_price(self, symbol: str, price: int) -> None:
        """Of 36 digits for a raw unit, without a feed: for tokens that the oracle cannot find by their symbol."""
        slot = "0x" + keccak(eth_abi.encode(["address", "uint256"], [self.tokens[symbol], 0])).hex()
        self.node.rpc("anvil_setStorageAt", self.oracle, slot, f"0x{price:064x}")

    def told_price(self, token: str, asset: str, answer: int, decimals: int) -> tuple[str, list[Any], int]:
        """Where the oracle keeps a price of 18 digits that it is told: contract, key and slot of a mapping, value."""
        return self.oracle, [token, 0], answer * 10 ** (18 - decimals)

    def list_odd(self, spec: Spec) -> None:
        """A token whose symbol no oracle can find its feed by; it is in `underlying`, `units` and `feeds`."""
        self.list_token(spec)
        self.fix_price(spec.symbol, self.feeds[spec.symbol].answer * 10 ** (28 - spec.decimals))

    def point(self, symbol: str, feed: str) -> None:
        """Another price source for a token."""
        self.do(self.oracle, "setFeed(string,address)", symbol, feed)

    def _begin(self, lab: Lab) -> None:
        """What is there before the contracts are."""
        self.lab, self.node = lab, lab.node
        with self.node.batch():
            if "USDT / USD" not in lab.assets.pairs:
                lab.assets.new_feed("USDT / USD", 10**8)
            if "USDT" not in lab.assets.tokens:
                lab.assets.new_token("USDT", 6)
        self.feeds: dict[str, ChainlinkFeed] = {spec.symbol: lab.assets.pairs[spec.pair] for spec in SPECS}
        names = {spec.symbol: spec.symbol for spec in SPECS if spec.symbol != self.coin} | ({} if self.coin else WETH)
        self.underlying = {symbol: lab.assets.tokens[name].address for symbol, name in names.items()}
        self.units = {spec.symbol: 10**spec.decimals for spec in SPECS}
        self.tokens: dict[str, str] = {}

    def seed(self) -> None:
        """Something to borrow, and so much of it lent that the indexes move."""
        for spec in SPECS:
            self.supply(LENDER, spec.symbol, spec.seed * self.units[spec.symbol])
        whale = wallet("compound seed borrower")
        self.supply(whale, "WBTC", 20_000 * self.units["WBTC"])
        self.enter(whale, "WBTC")
        for spec in SPECS:
            self.borrow(whale, spec.symbol, spec.lent * self.units[spec.symbol])

    def _govern(self, logic: str) -> None:
        """Put the later comptrollers' logic behind the Unitroller, with this market's oracle and terms."""
        self.do(self.comptroller, "_setPendingImplementation(address)", logic)
        self.do(logic, "_become(address)", self.comptroller)
        self.do(self.comptroller, "_setPriceOracle(address)", self.oracle)
        self.do(self.comptroller, "_setCloseFactor(uint256)", WAD // 2)
        self.do(self.comptroller, "_setLiquidationIncentive(uint256)", 108 * WAD // 100)

    def _fill(self) -> None:
        """Weigh what is listed as collateral, and lend of it."""
        with self.node.batch():
            for spec in self.specs:
                self.weigh(spec)
            self.seed()
        assert not self.failures()

    def list_token(self, spec: Spec) -> None:
        """The market of a token that is in `underlying`, `units` and `feeds`."""
        make = self.make
        rate = 2 * 10 ** (18 + spec.decimals - 8 - 2)
        head = (self.comptroller, self.model, rate, f"Compound {spec.symbol}", f"c{spec.symbol}", 8)
        feed = self.feeds[spec.symbol].address
        if spec.symbol == "ETH":
            token = make.deploy("CEther", *head)
            self.do(self.oracle, "setCoin(address)", token)
            self.do(self.oracle, "setFeed(string,address)", "cETH", feed)
        else:
            token = make.deploy("CErc20", self.underlying[spec.symbol], *head)
            self.do(self.oracle, "setFeed(string,address)", spec.symbol, feed)
        self.tokens[spec.symbol] = token
        self.do(self.comptroller, "_supportMarket(address)", token)
        self.do(token, "_setReserveFactor(uint256)", WAD // 10)

    def do(self, to: str, signature: str, *args: Any, sender: str | None = None) -> Receipt | None:
        return self.node.do(to, signature, *args, sender=sender) if sender else self.node.do(to, signature, *args)

    def _pay(self, user: str, symbol: str, amount: int, coin: str, token: str, *args: Any) -> None:
        """An action that takes the underlying: `coin` is its signature where that is the chain's coin."""
        to = self.tokens[symbol]
        if symbol == self.coin:
            self.node.rpc("anvil_setBalance", user, hex(_COIN_FUNDS))
            self.node.send(to, abi.encode(coin, *args), user, amount)
        else:
            self.do(self.underlying[symbol], "provision(address,address,uint256)", user, to, amount, sender=user)
            types = [part for part in (token.partition("(")[2].rstrip(")")).split(",") if part]
            at = types.index("uint256")
            self.do(to, token, *args[:at], amount, *args[at:], sender=user)

    def supply(self, user: str, symbol: str, amount: int) -> None:
        self._pay(user, symbol, amount, "mint()", "mint(uint256)")

    def repay(self, user: str, symbol: str, amount: int) -> None:
        self._pay(user, symbol, amount, "repayBorrow()", "repayBorrow(uint256)")

    def enter(self, user: str, *symbols: str) -> None:
        self.do(self.comptroller, "enterMarkets(address[])", [self.tokens[each] for each in symbols], sender=user)

    def borrow(self, user: str, symbol: str, amount: int) -> Receipt | None:
        return self.do(self.tokens[symbol], "borrow(uint256)", amount, sender=user)

    def redeem(self, user: str, symbol: str, amount: int) -> Receipt | None:
        return self.do(self.tokens[symbol], "redeemUnderlying(uint256)", amount, sender=user)

    def liquidate(self, user: str, collateral: str, debt: str, amount: int) -> None:
        signatures = "liquidateBorrow(address,address)", "liquidateBorrow(address,uint256,address)"
        self._pay(LIQUIDATOR, debt, amount, *signatures, user, self.tokens[collateral])

    def set_price(self, symbol: str, answer: int) -> Receipt | None:
        return self.feeds[symbol].set(answer)

    def liquidity(self, user: str, block: int | str = "latest") -> tuple[int, int, int]:
        signature = "getAccountLiquidity(address)->uint256,uint256,uint256"
        error, liquidity, shortfall = self.node.view(self.comptroller, signature, user, block=block)
        return error, liquidity, shortfall

    def failures(self) -> int:
        """How many Failure events the newest block holds."""
        wanted = {"topics": [_FAILURE], "fromBlock": "latest"}
        return len(self.node.rpc("eth_getLogs", wanted))

    def liquidations(self) -> list[tuple[int, int]]:
        """(repaid, seized cTokens) of the newest block."""
        logs = self.node.rpc("eth_getLogs", {"topics": [_EVENT], "fromBlock": "latest"})
        data = [bytes.fromhex(log["data"][2:]) for log in logs]
        found = [abi.decode("e()->uint256,uint256,uint256,uint256,uint256", each.rjust(160, b"\0")) for each in data]
        return [(each[2] if len(part) == 160 else each[3], each[4]) for each, part in zip(found, data, strict=True)]


def _artifacts(cache: Path) -> Artifacts:
    folder = fetch(COMPOUND_V2, cache) / "external" / "abi" / "compound"
    found: dict[str, Artifact] = {}
    for stem, name in _NAMES.items():
        raw = json.loads((folder / f"{stem}.json").read_text())
        found[name] = Artifact(name, raw["abi"], raw["bytecode"], {})
    return Artifacts(found)


def own_artifacts(cache: Path) -> Artifacts:
    roots = {"lab/": Path(__file__).parent / "contracts"}
    entries = ("lab/CompoundOracle.sol", "lab/VenusHelper.sol")
    return compile_source(Source(SOLC_0_8, entries, roots, evm_version="cancun"), cache)


def raw(market: CompoundMarket, symbol: str, amount: str) -> int:
    whole, _, part = amount.partition(".")
    unit = market.units[symbol]
    return int(whole) * unit + int(part.ljust(len(str(unit)) - 1, "0") or "0")


def open_positions(market: CompoundMarket) -> list[Position]:
    """Every shape; then 40 blocks pass, and LINK has fallen."""
    opened: list[Position] = []
    with market.node.batch():
        for shape in SHAPES:
            user = wallet(shape.name)
            for symbol, amount in shape.supply.items():
                market.supply(user, symbol, raw(market, symbol, amount))
            market.enter(user, *(symbol for symbol in shape.supply if symbol not in shape.flag_off))
            for symbol, amount in shape.borrow.items():
                market.borrow(user, symbol, raw(market, symbol, amount))
            opened.append(Position(shape.name, user))
    assert not market.failures()
    market.node.mine(40, dt=12)
    market.set_price("LINK", 1_400 * 10**6)
    return opened


class Walk:
    """One step is a few blocks: prices move, blocks pass, somebody acts. The same seed walks the same way."""

    def __init__(self, market: CompoundMarket, seed: int) -> None:
        self.market = market
        self.random = random.Random(seed)
        self.prices = {symbol: feed.answer for symbol, feed in market.feeds.items()}

    def take(self, steps: int) -> Iterator[int]:
        for _ in range(steps):
            yield self.step()

    def step(self) -> int:
        node = self.market.node
        node.mine(self.random.choice((1, 1, 2, 6)), dt=12)
        with node.batch(dt=12, check=False):
            for symbol in self.random.sample(sorted(self.prices), 4):
                sigma = VOLATILITY.get(self.market.feeds[symbol].description, DEFAULT_VOLATILITY)
                self.prices[symbol] = max(1, round(self.prices[symbol] * (1 + self.random.gauss(0, sigma))))
                self.market.set_price(symbol, self.prices[symbol])
            for _ in range(self.random.randint(0, 3)):
                self._act(self.random.choice(SHAPES))
        return node.block_number

    def _act(self, shape: Shape) -> None:
        """Something that may be refused, mostly by an event and a transaction that succeeds."""
        market, user, part = self.market, wallet(shape.name), self.random.randint(1, 200)
        kind = self.random.choice(("supply", "borrow", "repay", "redeem", "enter", "liquidate", "liquidate"))
        book = dict(shape.supply if kind in {"supply", "redeem", "enter"} or not shape.borrow else shape.borrow)
        symbol = self.random.choice(sorted(book))
        amount = max(1, raw(market, symbol, book[symbol]) * part // 1000)
        if kind == "supply":
            market.supply(user, symbol, amount)
        elif kind == "redeem":
            market.redeem(user, symbol, amount)
        elif kind == "borrow":
            market.borrow(user, symbol, amount)
        elif kind == "repay":
            market.repay(user, symbol, amount)
        elif kind == "enter":
            market.enter(user, symbol)
        else:
            market.liquidate(user, self.random.choice(sorted(shape.supply)), symbol, amount)


def call_all(market: CompoundMarket, calls: Sequence[tuple[str, bytes]], block_hash: str) -> list[bytes]:
    """All calls in one eth_call, in their order: what the first write the later see."""
    data = abi.encode("aggregate3((address,bool,bytes)[])", [(to, False, data) for to, data in calls])
    request = {"to": market.lab.multicall3, "data": "0x" + data.hex(), "gas": hex(500_000_000)}
    answer = market.node.rpc("eth_call", request, {"blockHash": block_hash})
    return [each for _, each in abi.decode("e()->(bool,bytes)[]", bytes.fromhex(answer[2:]))]
