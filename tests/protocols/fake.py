"""An Aave v3 market in a dictionary: answers calls as the contracts would, or fails as told.

Answers are encoded with eth_abi, so the program's own codec is held against it throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import eth_abi

from liqtui.core.reads import Block, Call, Failure, Result
from liqtui.core.sources import MarketRef
from liqtui.core.units import RAY
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols import price_sources as sources
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.abi import Function, encode

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

NOBODY = "0x" + "0" * 40
YEAR = 365 * 86_400
NOW = 1_700_000_000
REVERT = Failure("revert", "execution reverted")


def addr(name: str) -> str:
    """A stable address for a name."""
    return "0x" + name.encode().hex().rjust(40, "0")


PROVIDER, POOL, ORACLE = addr("provider"), addr("pool"), addr("oracle")


def run(plan: Generator[list[Call], list[Result], Any], chain: Chain) -> Any:
    """A plan to its end; counts the steps in `chain.steps`."""
    chain.steps = 0
    try:
        calls = next(plan)
        while True:
            chain.steps += 1
            calls = plan.send([chain.answer(call) for call in calls])
    except StopIteration as stop:
        return stop.value


@dataclass
class Chain:
    """Results by target and call data; what is not there reverts."""

    results: dict[tuple[str, bytes], Result] = field(default_factory=dict)
    steps: int = 0

    def answer(self, call: Call) -> Result:
        assert call.target == call.target.lower()
        return self.results.get((call.target, call.data), REVERT)

    def set(self, target: str, function: Function, *args: Any, types: str | Sequence[str], value: Any) -> None:
        """`types` of several results is a list; `value` then is one too."""
        several = not isinstance(types, str)
        encoded = eth_abi.encode(list(types), list(value)) if several else eth_abi.encode([types], [value])
        self.results[target, function.selector + encode(*args)] = encoded

    def put(self, target: str, function: Function, *args: Any, result: Result) -> None:
        """A raw result or failure."""
        self.results[target, function.selector + encode(*args)] = result


@dataclass
class Asset:
    """A reserve. Rates and thresholds in basis points, the price in 8 decimals."""

    symbol: str
    id: int
    price: int
    decimals: int = 18
    ltv: int = 8000
    threshold: int = 8250
    bonus: int = 10500
    fee: int = 1000
    active: bool = True
    frozen: bool = False
    paused: bool = False
    siloed: bool = False
    virtual: bool = True
    borrow_cap: int = 0
    supply_cap: int = 0
    category: int = 0
    debt_ceiling: int = 0
    index: int = RAY
    debt_index: int = RAY
    supply_rate: int = 0
    borrow_rate: int = 0
    updated: int = NOW
    grace: int = 0
    treasury: int = 0
    reserve_factor: int = 0
    cash: int = 10**24
    supplied: int = 10**24
    owed: int = 10**23
    fixed: int = 0

    @property
    def address(self) -> str:
        return addr(f"{self.symbol}")

    def token(self, kind: str) -> str:
        return addr(f"{kind}{self.symbol}")

    @property
    def feed(self) -> str:
        return addr(f"feed{self.symbol}")

    @property
    def config(self) -> int:
        bits = {
            0: self.ltv,
            16: self.threshold,
            32: self.bonus,
            48: self.decimals,
            56: self.active,
            57: self.frozen,
            58: 1,
            60: self.paused,
            62: self.siloed,
            64: self.reserve_factor,
            80: self.borrow_cap,
            116: self.supply_cap,
            152: self.fee,
            168: self.category,
            212: self.debt_ceiling,
            252: self.virtual,
        }
        return sum(int(value) << at for at, value in bits.items())


@dataclass
class Category:
    id: int
    ltv: int = 9000
    threshold: int = 9300
    bonus: int = 10200
    label: str = "ETH correlated"
    members: int = 0
    ltv_zero: int = 0
    isolated: bool = False
    price_source: str = NOBODY


@dataclass
class User:
    """Scaled amounts by symbol."""

    supplied: dict[str, int] = field(default_factory=dict)
    owed: dict[str, int] = field(default_factory=dict)
    fixed: dict[str, int] = field(default_factory=dict)
    off: tuple[str, ...] = ()
    """Supplied but not used as collateral."""
    category: int = 0
    reported: tuple[int, ...] | None = (0, 0, 0, 0, 0, 0)


WETH = Asset("WETH", 0, 2500 * 10**8)
USDC = Asset("USDC", 1, 10**8, decimals=6, threshold=7800, ltv=7500, bonus=10450)
WBTC = Asset("WBTC", 2, 60_000 * 10**8, decimals=8, threshold=7800, ltv=7300)


@dataclass
class Fake:
    """A market and its users, put on a chain by `chain()`."""

    revision: int = 10
    assets: list[Asset] = field(default_factory=lambda: [replace(a) for a in (WETH, USDC, WBTC)])
    users: dict[str, User] = field(default_factory=dict)
    categories: list[Category] = field(default_factory=list)
    sentinel: str = NOBODY
    base: str = NOBODY
    unit: int = 10**8

    def asset(self, symbol: str) -> Asset:
        return next(asset for asset in self.assets if asset.symbol == symbol)

    def chain(self) -> Chain:
        chain = Chain()
        for getter, value in (
            (aave.GET_POOL, POOL),
            (aave.GET_PRICE_ORACLE, ORACLE),
            (aave.GET_PRICE_ORACLE_SENTINEL, self.sentinel),
        ):
            chain.set(PROVIDER, getter, types="address", value=value)
        chain.set(POOL, aave.POOL_REVISION, types="uint256", value=self.revision)
        chain.set(POOL, aave.GET_RESERVES_LIST, types="address[]", value=[asset.address for asset in self.assets])
        chain.set(ORACLE, aave.BASE_CURRENCY, types="address", value=self.base)
        chain.set(ORACLE, aave.BASE_CURRENCY_UNIT, types="uint256", value=self.unit)
        for asset in self.assets:
            self._reserve(chain, asset)
        for category in self.categories:
            self._category(chain, category)
        for wallet, user in self.users.items():
            self._user(chain, wallet, user)
        return chain

    def _reserve(self, chain: Chain, asset: Asset) -> None:
        stable = asset.token("s") if self.revision <= 4 else NOBODY
        types = ["uint256"] * 8 + ["address"] * 4 + ["uint256"] * 3
        tokens = [asset.token("a"), stable, asset.token("v"), NOBODY]
        rates = [asset.index, asset.supply_rate, asset.debt_index, asset.borrow_rate, 0]
        data = [asset.config, *rates, asset.updated, asset.id, *tokens, asset.treasury, 0, 0]
        chain.set(POOL, aave.GET_RESERVE_DATA, asset.address, types=types, value=data)
        chain.set(ORACLE, aave.GET_SOURCE, asset.address, types="address", value=asset.feed)
        chain.set(ORACLE, aave.GET_ASSET_PRICE, asset.address, types="uint256", value=asset.price)
        chain.set(asset.address, aave.SYMBOL, types="string", value=asset.symbol)
        chain.set(asset.address, aave.BALANCE_OF, asset.token("a"), types="uint256", value=asset.cash)
        chain.set(asset.token("a"), aave.SCALED_TOTAL_SUPPLY, types="uint256", value=asset.supplied)
        chain.set(asset.token("v"), aave.SCALED_TOTAL_SUPPLY, types="uint256", value=asset.owed)
        if self.revision >= 4:
            chain.set(POOL, aave.GET_GRACE_PERIOD, asset.address, types="uint40", value=asset.grace)
            chain.set(POOL, aave.GET_VIRTUAL_BALANCE, asset.address, types="uint128", value=asset.cash - 1)
        if self.revision <= 4:
            chain.set(stable, aave.TOTAL_SUPPLY, types="uint256", value=asset.fixed)
        feed(chain, asset.feed, asset.price, f"{asset.symbol} / USD")

    def _category(self, chain: Chain, category: Category) -> None:
        head = [category.ltv, category.threshold, category.bonus]
        if self.revision <= 4:
            value = [(*head, category.price_source, category.label)]
            types = ["(uint16,uint16,uint16,address,string)"]
            chain.set(POOL, aave.GET_CATEGORY_DATA, category.id, types=types, value=value)
            return
        chain.set(POOL, aave.GET_CATEGORY_CONFIG, category.id, types=["uint16"] * 3, value=head)
        chain.set(POOL, aave.GET_CATEGORY_MEMBERS, category.id, types="uint128", value=category.members)
        chain.set(POOL, aave.GET_CATEGORY_LABEL, category.id, types="string", value=category.label)
        if self.revision >= 10:
            chain.set(POOL, aave.GET_CATEGORY_LTV_ZERO, category.id, types="uint128", value=category.ltv_zero)
        if self.revision >= 11:
            chain.set(POOL, aave.GET_CATEGORY_ISOLATED, category.id, types="bool", value=category.isolated)

    def _user(self, chain: Chain, wallet: str, user: User) -> None:
        flags = 0
        for asset in self.assets:
            used = asset.symbol in user.supplied and asset.symbol not in user.off
            borrowed = asset.symbol in user.owed or asset.symbol in user.fixed
            flags |= used << 2 * asset.id + 1 | borrowed << 2 * asset.id
            for token, amount in (
                (asset.token("a"), user.supplied.get(asset.symbol, 0)),
                (asset.token("v"), user.owed.get(asset.symbol, 0)),
            ):
                chain.set(token, aave.SCALED_BALANCE_OF, wallet, types="uint256", value=amount)
            fixed_in = asset.token("s") if self.revision <= 4 else asset.token("v")
            fixed = user.fixed.get(asset.symbol, 0)
            chain.set(fixed_in, aave.BALANCE_OF, wallet, types="uint256", value=fixed)
            chain.set(fixed_in, aave.GET_USER_STABLE_RATE, wallet, types="uint256", value=RAY // 10)
        chain.set(POOL, aave.GET_USER_CONFIGURATION, wallet, types="uint256", value=flags)
        chain.set(POOL, aave.GET_USER_EMODE, wallet, types="uint256", value=user.category)
        if user.reported is not None:
            types = ["uint256"] * 6
            chain.set(POOL, aave.GET_USER_ACCOUNT_DATA, wallet, types=types, value=user.reported)


def feed(
    chain: Chain, address: str, answer: int, description: str, *, decimals: int = 8, updated: int = NOW - 60
) -> None:
    """A Chainlink feed."""
    rounds = ["uint80", "int256", "uint256", "uint256", "uint80"]
    chain.set(address, sources.LATEST_ROUND_DATA, types=rounds, value=[7, answer, updated, updated, 7])
    chain.set(address, sources.LATEST_ANSWER, types="int256", value=answer)
    chain.set(address, sources.DESCRIPTION, types="string", value=description)
    chain.set(address, sources.DECIMALS, types="uint8", value=decimals)


REF = MarketRef("aave-v3", 31337, "test market", PROVIDER)
BLOCK = Block(100, "0x" + "11" * 32, NOW)
ADAPTER = AaveV3()


def opened(fake: Fake, chain: Chain | None = None) -> Any:
    return run(ADAPTER.open(REF, BLOCK), chain or fake.chain())


def read(fake: Fake, chain: Chain | None = None, hints: dict[str, frozenset[int]] | None = None) -> Any:
    """Open and refresh; all users hinted with nothing unless told otherwise."""
    chain = chain or fake.chain()
    market = opened(fake, chain)
    wanted = dict.fromkeys(fake.users, frozenset[int]()) if hints is None else hints
    return market, run(ADAPTER.refresh(market, BLOCK, wanted), chain)


def position(
    fake: Fake, wallet: str = addr("user"), chain: Chain | None = None, hint: frozenset[int] = frozenset()
) -> Any:
    """The position of one user."""
    market, reading = read(fake, chain, {wallet: hint})
    account = reading.accounts[wallet]
    assert not isinstance(account, Exception), account
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, account, wallet)
    return found
