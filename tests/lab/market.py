"""An Aave v3 market of either generation, driven as its users and its admins drive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.assets import AssetSpec, Category, SharedAssets, Token
    from tests.lab.feeds import Breakage, ChainlinkFeed
    from tests.lab.node import Node, Receipt

MAX = 2**256 - 1
VARIABLE = 2
_A_BILLION = 10**9


def wallet(name: str) -> str:
    """A stable address for a name. Nobody holds its key: the node lets anyone act for it."""
    return to_checksum_address(keccak(text=f"liqtui lab {name}")[12:])


class AccountData(NamedTuple):
    """The six figures of ``Pool.getUserAccountData``."""

    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    health: int


class ReserveParams(NamedTuple):
    """Collateral parameters in basis points, from the configuration word."""

    ltv: int
    lt: int
    bonus: int


class AaveMarket:
    """One pool. Amounts are raw integers; every action is one block unless inside ``node.batch()``.

    Supplying, repaying and liquidating mint what they need first: in the laboratory money is free.
    """

    def __init__(self, name: str, assets: SharedAssets, provider: str) -> None:
        self.name = name
        self.assets = assets
        self.node: Node = assets.node
        self.provider = provider
        self.specs: dict[str, AssetSpec] = {}
        self.tokens: dict[str, Token] = {}
        self.feeds: dict[str, ChainlinkFeed] = {}
        self.ratio = assets.ratio
        self.categories: dict[int, Category] = {}
        self.pool = self._registered("getPool()")
        self.oracle = self._registered("getPriceOracle()")
        self.configurator = self._registered("getPoolConfigurator()")
        self.data_provider = self._registered("getPoolDataProvider()")
        self.revision: int = self.node.view(self.pool, "POOL_REVISION()->uint256")
        self.init_reserve: Callable[[AssetSpec, Token], object] | None = None  # the generation's own way

    def _registered(self, getter: str) -> str:
        return to_checksum_address(self.node.view(self.provider, f"{getter}->address"))

    def _asset(self, symbol: str) -> str:
        return self.tokens[symbol].address

    # -- users -----------------------------------------------------------------------------------

    def mint(self, user: str, symbol: str, amount: int) -> None:
        """Give the user tokens."""
        self.node.do(self._asset(symbol), "mint(address,uint256)", user, amount)

    def provision(self, user: str, symbol: str, amount: int) -> None:
        """Tokens for the user, and leave for the pool to take them."""
        enough = amount if amount < MAX else _A_BILLION * self.tokens[symbol].unit
        self.node.do(self._asset(symbol), "provision(address,address,uint256)", user, self.pool, enough)

    def supply(self, user: str, symbol: str, amount: int) -> None:
        with self.node.batch():
            self.provision(user, symbol, amount)
            signature = "supply(address,uint256,address,uint16)"
            self.node.do(self.pool, signature, self._asset(symbol), amount, user, 0, sender=user)

    def borrow(self, user: str, symbol: str, amount: int) -> Receipt | None:
        signature = "borrow(address,uint256,uint256,uint16,address)"
        return self.node.do(self.pool, signature, self._asset(symbol), amount, VARIABLE, 0, user, sender=user)

    def repay(self, user: str, symbol: str, amount: int = MAX) -> None:
        with self.node.batch():
            self.provision(user, symbol, amount)
            signature = "repay(address,uint256,uint256,address)"
            self.node.do(self.pool, signature, self._asset(symbol), amount, VARIABLE, user, sender=user)

    def withdraw(self, user: str, symbol: str, amount: int = MAX) -> Receipt | None:
        return self.node.do(
            self.pool, "withdraw(address,uint256,address)", self._asset(symbol), amount, user, sender=user
        )

    def set_collateral(self, user: str, symbol: str, counts: bool) -> Receipt | None:
        signature = "setUserUseReserveAsCollateral(address,bool)"
        return self.node.do(self.pool, signature, self._asset(symbol), counts, sender=user)

    def set_emode(self, user: str, category: int) -> Receipt | None:
        return self.node.do(self.pool, "setUserEMode(uint8)", category, sender=user)

    def liquidate(self, liquidator: str, user: str, collateral: str, debt: str, amount: int = MAX) -> Receipt | None:
        """``liquidationCall``; raises LabRevert where the pool refuses. None inside a batch."""
        with self.node.batch():
            self.provision(liquidator, debt, amount)
        signature = "liquidationCall(address,address,address,uint256,bool)"
        pair = self._asset(collateral), self._asset(debt)
        return self.node.do(self.pool, signature, *pair, user, amount, False, sender=liquidator)

    # -- reads -----------------------------------------------------------------------------------

    def account_data(self, user: str, block: int | str = "latest") -> AccountData:
        six = "uint256,uint256,uint256,uint256,uint256,uint256"
        return AccountData(*self.node.view(self.pool, f"getUserAccountData(address)->{six}", user, block=block))

    def health(self, user: str) -> int:
        """Health factor, 1e18 = 1."""
        return self.account_data(user).health

    def price(self, symbol: str) -> int:
        """The oracle's price, 8 decimals."""
        return int(self.node.view(self.oracle, "getAssetPrice(address)->uint256", self._asset(symbol)))

    def reserve_tokens(self, symbol: str) -> tuple[str, str]:
        """Addresses of the aToken and the variable debt token."""
        signature = "getReserveTokensAddresses(address)->address,address,address"
        atoken, _, debt = self.node.view(self.data_provider, signature, self._asset(symbol))
        return atoken, debt

    def supplied(self, user: str, symbol: str) -> int:
        """Current aToken balance."""
        return int(self.node.view(self.reserve_tokens(symbol)[0], "balanceOf(address)->uint256", user))

    def owed(self, user: str, symbol: str) -> int:
        """Current variable debt."""
        return int(self.node.view(self.reserve_tokens(symbol)[1], "balanceOf(address)->uint256", user))

    def reserve_params(self, symbol: str) -> ReserveParams:
        word = self.node.view(self.pool, "getConfiguration(address)->uint256", self._asset(symbol))
        return ReserveParams(word & 0xFFFF, word >> 16 & 0xFFFF, word >> 32 & 0xFFFF)

    # -- admins ----------------------------------------------------------------------------------

    def list_asset(self, spec: AssetSpec, source: str | None = None) -> Token:
        """List a reserve, with a new plain token unless one is known under its symbol.

        Its feed must be among ``assets.pairs``; ``source`` replaces it as the oracle's source.
        """
        assert self.init_reserve is not None
        token = self.assets.tokens.get(spec.symbol) or self.assets.new_token(spec.symbol, spec.decimals)
        self.specs[spec.symbol] = spec
        self.tokens[spec.symbol] = token
        self.feeds[spec.symbol] = self.assets.pairs[spec.feed]
        with self.node.batch():
            self.init_reserve(spec, token)
            self.set_source(spec.symbol, source or self.assets.source_of(spec))
            self._configure_reserve(spec, token.address)
        return token

    def _configure_reserve(self, spec: AssetSpec, asset: str) -> None:
        if spec.lt:
            signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
            self.configure(signature, asset, spec.ltv, spec.lt, spec.bonus)
        self.configure("setReserveFactor(address,uint256)", asset, spec.reserve_factor)
        self.configure("setLiquidationProtocolFee(address,uint256)", asset, 1000)
        if spec.borrowable:
            self.configure("setReserveBorrowing(address,bool)", asset, True)
            self.configure("setReserveFlashLoaning(address,bool)", asset, True)
        if spec.isolated_ceiling:  # before anything is supplied, or the pool refuses
            self.configure("setDebtCeiling(address,uint256)", asset, spec.isolated_ceiling * 100)
        if spec.isolation_borrowable:
            self.configure("setBorrowableInIsolation(address,bool)", asset, True)

    def configure(self, signature: str, *args: object) -> Receipt | None:
        """Any function of the PoolConfigurator, as its admin."""
        return self.node.do(self.configurator, signature, *args)

    def set_reserve_params(
        self, symbol: str, *, ltv: int | None = None, lt: int | None = None, bonus: int | None = None
    ) -> Receipt | None:
        """Change collateral parameters under live positions; what is left out stays."""
        now = self.reserve_params(symbol)
        new = (now.ltv if ltv is None else ltv, now.lt if lt is None else lt, now.bonus if bonus is None else bonus)
        signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
        return self.configure(signature, self._asset(symbol), *new)

    def set_ltv_zero(self, symbol: str) -> Receipt | None:
        """No new borrowing against the asset; live positions keep their threshold."""
        if self.revision >= 10:
            return self.configure("setReserveLtvzero(address,bool)", self._asset(symbol), True)
        return self.set_reserve_params(symbol, ltv=0)

    def pause(self, symbol: str, paused: bool = True) -> Receipt | None:
        return self.configure("setReservePause(address,bool)", self._asset(symbol), paused)

    def freeze(self, symbol: str, frozen: bool = True) -> Receipt | None:
        return self.configure("setReserveFreeze(address,bool)", self._asset(symbol), frozen)

    def pause_pool(self, paused: bool = True) -> Receipt | None:
        return self.configure("setPoolPause(bool)", paused)

    def set_grace_period(self, symbol: str, seconds: int) -> None:
        """No liquidation of the asset for a while (since 3.1): it is granted by ending a pause."""
        with self.node.batch():
            self.pause(symbol, True)
            self.configure("setReservePause(address,bool,uint40)", self._asset(symbol), False, seconds)

    def set_source(self, symbol: str, source: str) -> Receipt | None:
        """Let the oracle read another contract for this asset."""
        return self.node.do(self.oracle, "setAssetSources(address[],address[])", [self._asset(symbol)], [source])

    def break_source(self, symbol: str, breakage: Breakage) -> Receipt | None:
        """Let the oracle read a contract that fails in this way; :meth:`mend_source` undoes it."""
        return self.set_source(symbol, self.assets.own.deploy("BrokenFeed", int(breakage)))

    def mend_source(self, symbol: str) -> Receipt | None:
        """The asset's own source again."""
        return self.set_source(symbol, self.assets.source_of(self.specs[symbol]))

    def set_category(self, category: Category) -> None:
        """Create or change an efficiency mode, its members included."""
        head = (category.id, category.ltv, category.lt, category.bonus)
        with self.node.batch():
            if self.revision < 5:  # one price source per category, one category per asset
                signature = "setEModeCategory(uint8,uint16,uint16,uint16,address,string)"
                self.configure(signature, *head, "0x" + "00" * 20, category.label)
                for symbol in category.collateral:
                    self.configure("setAssetEModeCategory(address,uint8)", self._asset(symbol), category.id)
            else:
                signature = "setEModeCategory(uint8,uint16,uint16,uint16,string)"
                self.configure(signature, *head, category.label)
                for symbol in category.collateral:
                    signature = "setAssetCollateralInEMode(address,uint8,bool)"
                    self.configure(signature, self._asset(symbol), category.id, True)
                for symbol in category.borrowable:
                    signature = "setAssetBorrowableInEMode(address,uint8,bool)"
                    self.configure(signature, self._asset(symbol), category.id, True)
        self.categories[category.id] = category
