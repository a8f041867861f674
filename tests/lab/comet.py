"""Compound v3 (Comet) from artifacts that somebody built, over the laboratory's feeds.

Two markets: dollars with twenty collaterals (the extended contract), and ether with wrapped feeds (the older one).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.lab import abi
from tests.lab.artifacts import Source, compile_source, hardhat_artifacts
from tests.lab.deployer import Deployer
from tests.lab.market import MAX, wallet
from tests.lab.node import ADMIN
from tests.lab.packages import SOLC_0_8

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.lab.assets import Token
    from tests.lab.feeds import ChainlinkFeed
    from tests.lab.lab import Lab
    from tests.lab.node import Receipt

WAD = 10**18
BPS = 10**14
LENDER = wallet("comet lender")
WHALE = wallet("comet seed borrower")
ABSORBER = wallet("comet absorber")
LEAST_DEBT = 10
"""Base units."""
NOT_LIQUIDATABLE = abi.encode("NotLiquidatable()")
_CONTRACTS = ("Comet", "CometExt", "CometWithExtendedAssetList", "CometExtAssetList", "AssetListFactory")
_CONTRACTS += ("ConstantPriceFeed", "MultiplicativePriceFeed", "ScalingPriceFeed")
_CONTRACTS += ("ERC4626CorrelatedAssetsPriceOracle",)  # of compound-capo, a submodule of Comet's repository
VAULT_RATE = 110 * 10**16
_VAULT_GROWTH = 300
"""Basis points a year; the walk is faster, so that the adapter's cap holds at times."""
_RATES = (80, 325, 4_000, 0, 80, 350, 25_000, 150)
"""Kink (percent), slope below and above it, base (basis points a year): of supplying, then of borrowing. Steep, since
mining blocks is slow."""
_INFO = "uint8,address,address,uint64,uint64,uint64,uint64,uint128"
_TOTALS = "uint64,uint64,uint64,uint64,uint104,uint104,uint40,uint8"


class Spec(NamedTuple):
    """One collateral. Factors in basis points: to borrow against, to be liquidated at, to be credited with."""

    symbol: str
    decimals: int
    feed: str
    """A pair, or a name in `CometMarket.wrapped`."""
    borrow: int = 8000
    liquidate: int = 8500
    credit: int = 9300
    cap: int = 10**12
    """Whole tokens."""


STAKED = "stETH / ETH"
USDC = (
    Spec("LINK", 18, "LINK / USD", 7900, 8400, 9300),
    Spec("WETH", 18, "ETH / USD", 8250, 8950, 9500, cap=350_000),
    Spec("wstETH", 18, "wstETH / USD", 8200, 8700, 9200),
    Spec("WBTC", 8, "BTC / USD", 7000, 7700, 9500, cap=6_000),
    Spec("cbBTC", 8, "BTC / USD", 8000, 8500, 9500, cap=10**9),
    Spec("CRV", 18, "CRV / USD", 4500, 5500, 8000, cap=10**11),
    Spec("EURS", 2, "EUR / USD", 6500, 7001, 9111),
    Spec("DAI", 18, "DAI / USD", 9000, 9300, 9700),
    Spec("tETH", 18, "ETH / USD", 7777, 8111, 9350),
    Spec("WHOLE", 0, "LINK / USD", 5000, 6000, 9000),
    Spec("PT-sUSDe", 18, "PT-sUSDe / USD", 8500, 8800, 9500),
    Spec("NINETEEN", 19, "CRV / USD", 3000, 4000, 9000),
    Spec("sDAI", 18, "sDAI / USD", 8700, 9000, 9500),
    Spec("F13", 18, "CRV / USD", cap=10**13),
    Spec("F14", 18, "CRV / USD", cap=10**14),
    Spec("LAST16", 18, "CRV / USD", 5500, 6000, 8800, cap=10**9),
    Spec("FIRST17", 6, "LINK / USD", 7000, 7500, 9200),
    Spec("F17", 18, "CRV / USD", cap=10**17),
    Spec("F18", 18, "CRV / USD", cap=10**18),
    Spec("LATE", 8, "BTC / USD", 6500, 7200, 9000, cap=10**8),
)
"""Assets from the 17th on have their flags in another place."""
ETHER = (
    Spec("LINK", 18, "LINK / ETH", 7000, 7500, 9300),
    Spec("wstETH", 18, "wstETH / ETH", 9000, 9300, 9750),
    Spec("WBTC", 8, "BTC / ETH", 8000, 8500, 9500),
    Spec("USDC", 6, "USDC / ETH", 8000, 8500, 9500),
    Spec("EURS", 2, "EURS / ETH", 7000, 7500, 9000),
    Spec("cbBTC", 8, "BTC / ETH", 7500, 8250, 9400, cap=10**9),
    Spec("CRV", 18, "CRV / ETH", 5000, 6000, 9000),
    Spec("tETH", 18, "wstETH / ETH", 8000, 8500, 9600, cap=10**9),
)
UPGRADES = {
    "USDC": (Spec("LINK", 18, "LINK / USD", 7700, 8150, 9250), Spec("DAI", 18, "USDC / USD", 8800, 9100, 9600),
             Spec("NEW", 18, "ETH / USD", 8000, 8600, 9400, cap=10**7)),
    "WETH": (Spec("LINK", 18, "LINK / ETH", 6900, 7350, 9250), Spec("cbBTC", 8, "one", 100, 200, 9400, cap=10**9),
             Spec("NEW", 18, "LINK / ETH", 6000, 6600, 9400, cap=10**7)),
}  # fmt: skip
"""Of a collateral other factors, of one another source, and one more: what governance may decide."""
IN_ETHER = {
    "LINK / ETH": 6 * 10**15,
    "wstETH / ETH": 122 * WAD // 100,
    "BTC / ETH": 24 * WAD,
    "USDC / ETH": 400_013 * 10**9,
    "EURS / ETH": 432_000 * 10**9,
    "CRV / ETH": 240_000 * 10**9,
}


class CometMarket:
    """One Comet, driven as its users drive it. Amounts are raw integers. Supplying mints what it needs first."""

    def __init__(self, comets: CometLab, base: str, feed: str, specs: Iterable[Spec], *, extended: bool) -> None:
        self.lab, self.node, self._make = comets.lab, comets.lab.node, comets.make
        self.name = f"lab comet {base}"
        self.specs = {spec.symbol: spec for spec in specs}
        self.sources, self.vault = comets.sources, comets.vault
        self.base: Token = self.lab.assets.tokens[base]
        self.base_feed = self.sources[feed]
        self.extended = extended
        self.address = self.create(list(self.specs.values()))
        names = {name for spec in self.specs.values() for name in comets.behind(spec.feed)}
        pairs = names | (set() if feed == "one" else {feed})
        self.feeds: dict[str, ChainlinkFeed] = {pair: self.lab.assets.pairs[pair] for pair in sorted(pairs)}

    def create(self, specs: list[Spec]) -> str:
        """A contract of this base with these collaterals, ready for its first user."""
        assert len({(spec.feed, spec.decimals, spec.cap) for spec in specs}) == len(specs), "see `repointed`"
        make, names = self._make, (b"Comet".ljust(32, b"\0"), b"cTEST".ljust(32, b"\0"))
        if self.extended:
            extension = make.deploy("CometExtAssetList", names, make.deploy("AssetListFactory"))
        else:
            extension = make.deploy("CometExt", names)
        kink, low, high, least, *borrow = _RATES
        rates = [kink * WAD // 100, low * BPS, high * BPS, least * BPS]
        rates += [borrow[0] * WAD // 100, *(part * BPS for part in borrow[1:])]
        unit = self.base.unit
        numbers = [*rates, WAD // 2, 10**15, 10**15 // 86_400, 2 * 10**15 // 86_400, unit, LEAST_DEBT, 10**6 * unit]
        tokens = self.lab.assets.tokens
        listed = [
            (
                tokens[spec.symbol].address, self.sources[spec.feed], spec.decimals,
                *(part * BPS for part in (spec.borrow, spec.liquidate, spec.credit)), spec.cap * 10**spec.decimals,
            )
            for spec in specs
        ]  # fmt: skip
        config = (ADMIN, ADMIN, self.base.address, self.base_feed, extension, *numbers, listed)
        created = make.deploy("CometWithExtendedAssetList" if self.extended else "Comet", config)
        self.node.do(created, "initializeStorage()")
        return created

    def set_rate(self, rate: int) -> None:
        """What a share of the vault is worth, 18 decimals."""
        self.node.do(self.vault, "set(uint256)", rate)

    def upgrade(self, specs: Iterable[Spec]) -> None:
        """Other collaterals and factors from the next block on, as by a new implementation behind the proxy."""
        self.specs.update({spec.symbol: spec for spec in specs})
        created = self.create(list(self.specs.values()))
        self.node.rpc("anvil_setCode", self.address, self.node.rpc("eth_getCode", created, "latest"))

    # -- what users do ---------------------------------------------------------------------------------------------

    def token(self, symbol: str) -> Token:
        return self.lab.assets.tokens[symbol]

    def do(self, signature: str, *args: Any, sender: str) -> Receipt | None:
        return self.node.do(self.address, signature, *args, sender=sender)

    def supply(self, user: str, symbol: str, amount: int) -> None:
        """Of the base token: what is owed is repaid first."""
        token, provision = self.token(symbol).address, "provision(address,address,uint256)"
        self.node.do(token, provision, user, self.address, amount if amount < MAX else 10**12 * self.base.unit)
        self.do("supply(address,uint256)", token, amount, sender=user)

    def withdraw(self, user: str, symbol: str, amount: int) -> Receipt | None:
        """Of the base token: what was not supplied is borrowed."""
        return self.do("withdraw(address,uint256)", self.token(symbol).address, amount, sender=user)

    def absorb(self, *users: str) -> Receipt | None:
        return self.do("absorb(address,address[])", ABSORBER, users, sender=ABSORBER)

    def buy(self, symbol: str, amount: int) -> None:
        """Absorbed collateral for so many base units."""
        signature = "buyCollateral(address,uint256,uint256,address)"
        self.node.do(self.base.address, "provision(address,address,uint256)", ABSORBER, self.address, amount)
        self.do(signature, self.token(symbol).address, 0, amount, ABSORBER, sender=ABSORBER)

    def pause(self, *, supply: bool = False, withdraw: bool = False, absorb: bool = False) -> None:
        self.node.do(self.address, "pause(bool,bool,bool,bool,bool)", supply, False, withdraw, absorb, False)

    # -- what the contract says ------------------------------------------------------------------------------------

    def price(self, source: str) -> int:
        return int(self.node.view(self.address, "getPrice(address)->uint256", source))

    def held(self, user: str, symbol: str) -> int:
        signature = "collateralBalanceOf(address,address)->uint128"
        return int(self.node.view(self.address, signature, user, self.token(symbol).address))

    def room(self, user: str) -> int:
        """Base units that the account's collateral lets borrow in all."""
        total = 0
        for symbol, spec in self.specs.items():
            if amount := self.held(user, symbol):
                total += amount * self.price(self.sources[spec.feed]) // 10**spec.decimals * spec.borrow // 10_000
        return total * self.base.unit // self.price(self.base_feed)

    def repointed(self, asset: str, source: str) -> dict[str, Any]:
        """For an `eth_call`: the contract as it is, only that it asks another source for this asset's price.

        Sources are part of the code, next to an asset's decimals and cap; which is why assets of one source and as many
        decimals have different caps here.
        """
        info = f"e()->({_INFO})"
        if asset.lower() == self.base.address.lower():
            old, new = (bytes.fromhex(each[2:]).rjust(32, b"\0") for each in (self.base_feed, source))
            return self._with_word(self.address, old, new)
        signature = "getAssetInfoByAddress(address)"
        answer = self.node.call(self.address, abi.encode(signature, asset))
        _, _, feed, scale, *_, cap = abi.decode(info, answer)
        rest = (len(str(scale)) - 1) << 160 | cap // scale << 168
        holder = self.node.view(self.address, "assetList()->address") if self.extended else self.address
        old, new = ((rest | int(each, 16)).to_bytes(32, "big") for each in (feed, source))
        return self._with_word(holder, old, new)

    def _with_word(self, holder: str, old: bytes, new: bytes) -> dict[str, Any]:
        code = bytes.fromhex(self.node.rpc("eth_getCode", holder, "latest")[2:])
        assert old in code, "the source is not where it was"
        return {holder: {"code": "0x" + code.replace(old, new).hex()}}


class CometLab:
    """Both markets, by their base token."""

    def __init__(self, lab: Lab, folder: Path, cache: Path) -> None:
        self.lab = lab
        roots = {"lab/": Path(__file__).parent / "contracts"}
        vault = Source(SOLC_0_8, ("lab/CometVault.sol",), roots, evm_version="cancun")
        own = Deployer(lab.node, compile_source(vault, cache))
        artifacts = hardhat_artifacts(folder, _CONTRACTS)
        lab.node.error_names.update(abi.error_names(artifacts.errors()))
        self.make = Deployer(lab.node, artifacts)
        assets, pairs = lab.assets, lab.assets.pairs
        with lab.node.batch():
            assets.new_feed(STAKED, 9995 * WAD // 10_000, 18)
            for pair, answer in IN_ETHER.items():
                assets.new_feed(pair, answer, 18)
            for spec in (*USDC, *ETHER, *UPGRADES["USDC"]):
                if spec.symbol not in assets.tokens:
                    assets.new_token(spec.symbol, spec.decimals)
        self.sources = {pair: feed.address for pair, feed in pairs.items()}
        staked, ether = pairs[STAKED].address, pairs["ETH / USD"].address
        with lab.node.batch():
            self.sources["one"] = self.make.deploy("ConstantPriceFeed", 8, 10**8)
            self.sources["wstETH / USD"] = self.make.deploy(
                "MultiplicativePriceFeed", staked, ether, 8, "stETH / USD by two feeds"
            )
            self.vault = own.deploy("CometVault", assets.tokens["DAI"].address, VAULT_RATE)
            for pair in IN_ETHER:
                self.sources[pair] = self.make.deploy("ScalingPriceFeed", pairs[pair].address, 8)
        with lab.node.batch():
            snapshot = (VAULT_RATE, lab.node.timestamp, _VAULT_GROWTH)
            head = (ADMIN, pairs["DAI / USD"].address, self.vault, "sDAI / USD, capped", 8, 0)
            self.sources["sDAI / USD"] = self.make.deploy("ERC4626CorrelatedAssetsPriceOracle", *head, snapshot)
        with lab.node.batch():
            self.markets = {
                "USDC": CometMarket(self, "USDC", "USDC / USD", USDC, extended=True),
                "WETH": CometMarket(self, "WETH", "one", ETHER, extended=False),
            }
        with lab.node.batch():
            for market, whole, lent in ((self.markets["USDC"], 40_000_000, 85), (self.markets["WETH"], 20_000, 82)):
                self._seed(market, whole * market.base.unit, lent)

    def behind(self, source: str) -> tuple[str, ...]:
        """The pairs that a price hangs on."""
        return {"wstETH / USD": (STAKED, "ETH / USD"), "sDAI / USD": ("DAI / USD",)}.get(source, (source,))

    def _seed(self, market: CometMarket, amount: int, percent: int) -> None:
        """Something to borrow, and so much of it lent that the indexes move."""
        market.supply(LENDER, market.base.symbol, amount)
        market.supply(WHALE, "WBTC", 3_000 * 10**8)
        market.withdraw(WHALE, market.base.symbol, amount * percent // 100)
