"""A Comet in a dictionary: answers as the contract would, or fails as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from liqtui.core.reads import Block
from liqtui.core.sources import MarketRef
from liqtui.core.units import WAD
from liqtui.protocols import compound_v3_abi as comet
from liqtui.protocols.compound_v3 import CompoundV3
from liqtui.protocols.compound_v3_math import Totals
from liqtui.protocols.feeds import FeedInfo
from tests.protocols.fake import NOW, Chain, addr, feed, run

COMET, USDC = addr("comet"), addr("USDC")
BLOCK = Block(100, "0x" + "11" * 32, NOW)
REF = MarketRef("compound-v3", 31337, "usdc", COMET)
NAMES = {addr("feedWETH"): FeedInfo("ETH / USD", "ETH", 3600)}
ADAPTER = CompoundV3(lambda _: NAMES)
ALICE, BOB = addr("alice"), addr("bob")
INFO = ["uint8", "address", "address", "uint64", "uint64", "uint64", "uint64", "uint128"]
BASIC = ["int104", "uint64", "uint64", "uint16", "uint8"]
INDEX = 10**15
TOTALS = Totals(INDEX, INDEX, 0, 0, 10**13, 5 * 10**12, NOW, 0)


@dataclass
class Asset:
    """Price in whole dollars."""

    symbol: str
    price: int | None
    decimals: int = 18
    borrow_cf: int = WAD - 1
    liquidate_cf: int = WAD
    liquidation_factor: int = WAD
    cap: int = 10**30
    supplied: int | None = 10**29

    @property
    def address(self) -> str:
        return addr(self.symbol)

    @property
    def feed(self) -> str:
        return addr(f"feed{self.symbol}")


def default_assets() -> list[Asset]:
    """Those of the protocol's own tests."""
    return [Asset("COMP", 175), Asset("WETH", 3000), Asset("WBTC", 41_000, 8)]


@dataclass
class User:
    principal: int = 0
    held: dict[str, int] = field(default_factory=dict)
    view: bool | None = None
    """None: isLiquidatable reverts."""
    owed: int | None = None
    """None: borrowBalanceOf reverts."""


@dataclass
class Fake:
    users: dict[str, User] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=default_assets)
    totals: Totals = TOTALS
    base_price: int | None = 10**8
    base_label: str = "USDC / USD"
    borrow_rate: int = 0
    supply_rate: int = 0
    store_front: int | None = WAD // 2
    cash: int | None = 10**12

    def chain(self) -> Chain:
        chain = Chain()
        for getter, kind, value in (
            (comet.BASE_TOKEN, "address", USDC),
            (comet.BASE_FEED, "address", addr("feedUSDC")),
            (comet.BASE_SCALE, "uint64", 10**6),
            (comet.BASE_BORROW_MIN, "uint104", 100 * 10**6),
            (comet.NUM_ASSETS, "uint8", len(self.assets)),
            (comet.STORE_FRONT, "uint64", self.store_front),
        ):
            if value is not None:
                chain.set(COMET, getter, types=kind, value=value)
        kinds = ["uint64"] * 4 + ["uint104"] * 2 + ["uint40", "uint8"]
        chain.set(COMET, comet.TOTALS_BASIC, types=kinds, value=self.totals)
        chain.set(COMET, comet.BORROW_RATE, self.totals.utilization, types="uint64", value=self.borrow_rate)
        chain.set(COMET, comet.SUPPLY_RATE, self.totals.utilization, types="uint64", value=self.supply_rate)
        self._price(chain, addr("feedUSDC"), self.base_price, self.base_label)
        chain.set(USDC, comet.SYMBOL, types="string", value="USDC")
        if self.cash is not None:
            chain.set(USDC, comet.BALANCE_OF, COMET, types="uint256", value=self.cash)
        for index, asset in enumerate(self.assets):
            self._asset(chain, index, asset)
        for wallet, user in self.users.items():
            self._user(chain, wallet, user)
        return chain

    def _price(self, chain: Chain, at: str, price: int | None, label: str) -> None:
        if price is not None:
            feed(chain, at, price, label)
            chain.set(COMET, comet.GET_PRICE, at, types="uint256", value=price)

    def _asset(self, chain: Chain, index: int, asset: Asset) -> None:
        factors = (asset.borrow_cf, asset.liquidate_cf, asset.liquidation_factor, asset.cap)
        info = (index, asset.address, asset.feed, 10**asset.decimals, *factors)
        chain.set(COMET, comet.GET_ASSET_INFO, index, types=INFO, value=info)
        chain.set(asset.address, comet.SYMBOL, types="string", value=asset.symbol)
        price = None if asset.price is None else asset.price * 10**8
        self._price(chain, asset.feed, price, f"{asset.symbol} / USD")
        if asset.supplied is not None:
            value = (asset.supplied, 0)
            chain.set(COMET, comet.TOTALS_COLLATERAL, asset.address, types=["uint128"] * 2, value=value)

    def _user(self, chain: Chain, wallet: str, user: User) -> None:
        bits = 0
        for index, asset in enumerate(self.assets):
            if asset.symbol in user.held:
                bits |= 1 << index
                value = (user.held[asset.symbol], 0)
                types = ["uint128"] * 2
                chain.set(COMET, comet.USER_COLLATERAL, wallet, asset.address, types=types, value=value)
        value = (user.principal, 0, 0, bits & 0xFFFF, bits >> 16)
        chain.set(COMET, comet.USER_BASIC, wallet, types=BASIC, value=value)
        if user.view is not None:
            chain.set(COMET, comet.IS_LIQUIDATABLE, wallet, types="bool", value=user.view)
        if user.owed is not None:
            chain.set(COMET, comet.BORROW_BALANCE, wallet, types="uint256", value=user.owed)


def opened(fake: Fake, chain: Chain | None = None) -> Any:
    return run(ADAPTER.open(REF, BLOCK), chain or fake.chain())


def read(fake: Fake, chain: Chain | None = None) -> Any:
    """Open and refresh all users."""
    chain = chain or fake.chain()
    return run(ADAPTER.refresh(opened(fake, chain), BLOCK, dict.fromkeys(fake.users, True)), chain)


def position(fake: Fake, wallet: str = ALICE, chain: Chain | None = None) -> Any:
    """The one position of a wallet."""
    chain = chain or fake.chain()
    reading = read(fake, chain)
    account = reading.accounts[wallet]
    assert not isinstance(account, Exception), account
    (found,) = ADAPTER.evaluate(opened(fake, fake.chain()), BLOCK, reading.market, account, wallet)
    return found


TEN = {"WETH": 10 * WAD}


def borrower(principal: int = 15_000 * 10**6, held: dict[str, int] | None = None, **more: Any) -> User:
    more = {"view": False, "owed": principal} | more
    return User(-principal, TEN if held is None else held, **more)


def fake(user: User | None = None, **more: Any) -> Fake:
    """10 WETH at 3,000 against 15,000 USDC; liquidation at 85 %, penalty 5 %."""
    weth = Asset("WETH", 3000, borrow_cf=8 * WAD // 10, liquidate_cf=85 * WAD // 100)
    weth.liquidation_factor = 95 * WAD // 100
    assets = [Asset("COMP", 175), weth, Asset("WBTC", 41_000, 8)]
    return Fake(users={ALICE: user or borrower()}, assets=assets, **more)
