"""What every laboratory market lists: tokens, feeds, and risk parameters like those of live markets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tests.lab.artifacts import Artifacts, Source, compile_source
from tests.lab.deployer import Deployer
from tests.lab.feeds import ChainlinkFeed, RatioAdapter, chainlink_artifacts
from tests.lab.packages import SOLC_0_8

if TYPE_CHECKING:
    from tests.lab.node import Node

USD = 10**8
START_RATIO = 122 * 10**16


class Rates(NamedTuple):
    """A two-slope interest curve, in basis points."""

    optimal: int
    base: int
    slope1: int
    slope2: int


STABLE_RATES = Rates(9000, 0, 550, 6000)
VOLATILE_RATES = Rates(8000, 0, 270, 8000)
STEEP_RATES = Rates(4500, 100, 700, 30000)


@dataclass(frozen=True)
class AssetSpec:
    """One reserve. Thresholds in basis points; caps and the debt ceiling in whole units (0: none)."""

    symbol: str
    decimals: int
    feed: str  # the Chainlink pair behind its price
    ltv: int
    lt: int
    bonus: int
    rates: Rates
    seed: int  # whole tokens supplied at the start
    lent: int  # whole tokens of it lent out, so that the indexes move
    reserve_factor: int = 1500
    borrowable: bool = True
    isolated_ceiling: int = 0  # whole USD; non-zero makes the asset usable only in isolation
    isolation_borrowable: bool = False


FEEDS = {
    "ETH / USD": 2500 * USD,
    "BTC / USD": 60000 * USD,
    "USDC / USD": USD,
    "DAI / USD": 99_985_000,
    "LINK / USD": 15 * USD,
    "EUR / USD": 108_000_000,
    "CRV / USD": 60_000_000,
    "PT-sUSDe / USD": 97_000_000,
}

ASSETS = (
    AssetSpec("WETH", 18, "ETH / USD", 8000, 8250, 10500, VOLATILE_RATES, 40_000, 26_000),
    AssetSpec("wstETH", 18, "ETH / USD", 7850, 8100, 10600, STEEP_RATES, 30_000, 5_000),
    AssetSpec("WBTC", 8, "BTC / USD", 7300, 7800, 10500, STEEP_RATES, 3_000, 400),
    AssetSpec(
        "USDC", 6, "USDC / USD", 7500, 7800, 10450, STABLE_RATES, 90_000_000, 70_000_000, isolation_borrowable=True
    ),
    AssetSpec(
        "DAI", 18, "DAI / USD", 6300, 7700, 10500, STABLE_RATES, 60_000_000, 45_000_000, isolation_borrowable=True
    ),
    AssetSpec("LINK", 18, "LINK / USD", 6000, 7000, 10700, STEEP_RATES, 2_000_000, 500_000),
    AssetSpec("EURS", 2, "EUR / USD", 6500, 7000, 10750, STABLE_RATES, 9_000_000, 5_000_000),
    AssetSpec("CRV", 18, "CRV / USD", 5000, 6000, 10830, STEEP_RATES, 9_000_000, 3_000_000, isolated_ceiling=5_000_000),
    # Base threshold 0: collateral only inside a category, and only where the generation allows that.
    AssetSpec("PT-sUSDe", 18, "PT-sUSDe / USD", 0, 0, 0, STABLE_RATES, 5_000_000, 0, borrowable=False),
)


@dataclass(frozen=True)
class Category:
    """One efficiency mode."""

    id: int
    ltv: int
    lt: int
    bonus: int
    label: str
    collateral: tuple[str, ...]
    borrowable: tuple[str, ...]


HOSTILE_SYMBOLS = {
    "markup": "\x1b[2J\u202e[bold red]" + "A" * 300,
    "empty": "",
    "huge": "\u0416" * 5_000,
    "whole": "WHOLE",
    "long": "LONG",
}
HOSTILE_ANSWERS = {"mute": b"", "garbage": b"\x01", "liar": b"\xff" * 64}
"""A symbol that reverts, one of a single byte, and one that says it lies far behind its end."""

ETH_CATEGORY = Category(1, 9300, 9500, 10100, "ETH correlated", ("WETH", "wstETH"), ("WETH", "wstETH"))
STABLE_CATEGORY = Category(2, 9000, 9300, 10200, "Stablecoins", ("USDC", "DAI"), ("USDC", "DAI"))
# Only since assets may count inside a category with a base threshold of 0 (3.6).
PT_CATEGORY = Category(3, 8800, 9000, 10400, "PT-sUSDe stablecoins", ("PT-sUSDe", "USDC"), ("USDC", "DAI"))


@dataclass(frozen=True)
class Token:
    """An underlying asset."""

    symbol: str
    address: str
    decimals: int

    @property
    def unit(self) -> int:
        return int(10**self.decimals)


def own_artifacts(cache: Path) -> Artifacts:
    """The laboratory's own small contracts."""
    roots = {"lab/": Path(__file__).parent / "contracts"}
    entries = ("lab/LabToken.sol", "lab/PriceSources.sol", "lab/Upgrade.sol")
    return compile_source(Source(SOLC_0_8, entries, roots, evm_version="cancun"), cache)


class SharedAssets:
    """Tokens and feeds on one node. Markets share them, as protocols do on a live chain."""

    def __init__(self, node: Node, cache: Path) -> None:
        self.node = node
        self.own = Deployer(node, own_artifacts(cache))
        self._chainlink = Deployer(node, chainlink_artifacts(cache))
        self.pairs: dict[str, ChainlinkFeed] = {}
        self.tokens: dict[str, Token] = {}
        with node.batch():
            for pair, answer in FEEDS.items():
                self.new_feed(pair, answer)
            for spec in ASSETS:
                self.new_token(spec.symbol, spec.decimals)
        with node.batch():  # adapters look at their feed when they are created
            self.ratio = RatioAdapter(
                self.own, self.pairs["ETH / USD"], "Capped wstETH / stETH(ETH) / USD", START_RATIO
            )
            usdc = self.pairs["USDC / USD"].address
            self.usdc_cap = self.own.deploy("StableCapAdapter", usdc, "Capped USDC / USD", 104 * USD // 100)

    def new_feed(self, pair: str, answer: int, decimals: int = 8) -> ChainlinkFeed:
        """Deploy a feed and its first round."""
        feed = ChainlinkFeed(self._chainlink, pair, decimals)
        feed.first(answer)
        self.pairs[pair] = feed
        return feed

    def new_token(self, symbol: str, decimals: int, name: str | None = None) -> Token:
        """Deploy a mintable token."""
        address = self.own.deploy("LabToken", name or f"Lab {symbol}", symbol, decimals)
        self.tokens[symbol] = Token(symbol, address, decimals)
        return self.tokens[symbol]

    def new_bytes32_token(self, symbol: str, decimals: int) -> Token:
        """Deploy a mintable token whose name and symbol are bytes32."""
        word = symbol.encode().ljust(32, b"\0")
        self.tokens[symbol] = Token(symbol, self.own.deploy("Bytes32Token", word, word, decimals), decimals)
        return self.tokens[symbol]

    def new_hostile_tokens(self, least: int = 0, most: int = 27) -> dict[str, Token]:
        """Tokens whose symbols are none, or do harm where they are shown; and with the fewest and most decimals."""
        places = {"whole": least, "long": most, "empty": least, "garbage": 6}
        with self.node.batch():
            for key, symbol in HOSTILE_SYMBOLS.items():
                decimals = places.get(key, min(18, most))
                self.tokens[key] = Token(key, self.own.deploy("LabToken", key, symbol, decimals), decimals)
            for key, answer in HOSTILE_ANSWERS.items():
                decimals = places.get(key, min(18, most))
                self.tokens[key] = Token(key, self.own.deploy("NamelessToken", answer, decimals), decimals)
            self.new_bytes32_token("ok\x1b\u202e", min(18, most))
        return {key: self.tokens[key] for key in (*HOSTILE_SYMBOLS, *HOSTILE_ANSWERS, "ok\x1b\u202e")}

    def source_of(self, spec: AssetSpec) -> str:
        """The contract that a market's oracle should read for this asset."""
        if spec.symbol == "wstETH":
            return self.ratio.address
        return self.usdc_cap if spec.symbol == "USDC" else self.pairs[spec.feed].address
