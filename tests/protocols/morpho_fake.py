"""Morpho Blue in a dictionary: answers as the contracts would, or fails as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import eth_abi

from liqtui.core.reads import Block, Failure
from liqtui.core.sources import MarketRef
from liqtui.core.units import MAX_UINT256, WAD
from liqtui.protocols import morpho_blue_abi as morpho
from liqtui.protocols.feeds import FeedInfo
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.protocols.fake import NOBODY, NOW, Chain, addr, feed, run

MORPHO, IRM = addr("morpho"), addr("irm")
BLOCK = Block(100, "0x" + "11" * 32, NOW)
ETH, USDC, STETH = addr("feedETH"), addr("feedUSDC"), addr("feedSTETH")
NAMES = {
    ETH: FeedInfo("ETH / USD", "ETH", 3600),
    USDC: FeedInfo("USDC / USD", "", 86_400),
}
ADAPTER = MorphoBlue(lambda _: NAMES)
ALICE, BOB = addr("alice"), addr("bob")
PANIC = bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big")


def refusal(text: str) -> Failure:
    """A revert with a reason."""
    data = bytes.fromhex("08c379a0") + eth_abi.encode(["string"], [text])
    return Failure("revert", text, data)


@dataclass
class Oracle:
    """What its getters answer; None: there is no such getter."""

    price: int | None = 2500 * 10**24
    base: tuple[str, str] | None = (ETH, NOBODY)
    quote: tuple[str, str] = (USDC, NOBODY)
    vault: str | None = NOBODY
    sample: int = 1
    quote_vault: str | None = NOBODY
    old_vault: str | None = None
    scale: int | None = 10**24
    converted: int | None = None

    def put(self, chain: Chain, at: str) -> None:
        if self.price is not None:
            chain.set(at, morpho.PRICE, types="uint256", value=self.price)
        if self.base is not None:
            getters = (morpho.BASE_FEED_1, morpho.BASE_FEED_2, morpho.QUOTE_FEED_1, morpho.QUOTE_FEED_2)
            for getter, value in zip(getters, (*self.base, *self.quote), strict=True):
                chain.set(at, getter, types="address", value=value)
        for getter, vault in (
            (morpho.BASE_VAULT, self.vault),
            (morpho.QUOTE_VAULT, self.quote_vault),
            (morpho.VAULT, self.old_vault),
        ):
            if vault is not None:
                chain.set(at, getter, types="address", value=vault)
        for getter, number in (
            (morpho.BASE_VAULT_SAMPLE, None if self.vault is None else self.sample),
            (morpho.VAULT_SAMPLE, None if self.old_vault is None else self.sample),
            (morpho.SCALE_FACTOR, self.scale),
        ):
            if number is not None:
                chain.set(at, getter, types="uint256", value=number)
        held = self.vault or self.old_vault
        if self.converted is not None and held:
            chain.set(held, morpho.CONVERT_TO_ASSETS, self.sample, types="uint256", value=self.converted)


@dataclass
class Fake:
    """One market of WETH against USDC, number 1, and who is in it."""

    users: dict[str, tuple[int, int]] = field(default_factory=lambda: {ALICE: (1500 * 10**12, WAD)})
    """Wallet → borrow shares, collateral."""
    oracle: Oracle = field(default_factory=Oracle)
    totals: tuple[int, ...] = (10**13, 10**19, 5 * 10**12, 5 * 10**18, NOW, 0)
    rate: int | None = 10**9
    irm: str = IRM
    lltv: int = 86 * WAD // 100
    symbols: tuple[str, str] = ("WETH", "USDC")
    decimals: tuple[int | None, int | None] = (18, 6)
    verdicts: dict[str, Any] = field(default_factory=dict)
    """Wallet → what the trial liquidation gives."""
    number: int = 1

    @property
    def id(self) -> str:
        return f"0x{self.number:064x}"

    @property
    def ref(self) -> MarketRef:
        return MarketRef("morpho-blue", 31337, "test", MORPHO, (("market_ids", self.id),))

    @property
    def params(self) -> tuple[str, str, str, str, int]:
        tail = "" if self.number == 1 else str(self.number)
        return addr("loan" + tail), addr("coll" + tail), addr("oracle" + tail), self.irm, self.lltv

    def chain(self, chain: Chain | None = None) -> Chain:
        chain = chain or Chain()
        loan, collateral, oracle, irm, _ = self.params
        types = ["address"] * 4 + ["uint256"]
        chain.set(MORPHO, morpho.ID_TO_MARKET_PARAMS, self.number, types=types, value=self.params)
        for token, symbol, decimals in zip((collateral, loan), self.symbols, self.decimals, strict=True):
            chain.set(token, morpho.SYMBOL, types="string", value=symbol)
            if decimals is not None:
                chain.set(token, morpho.DECIMALS, types="uint8", value=decimals)
        chain.set(MORPHO, morpho.MARKET, self.number, types=["uint128"] * 6, value=self.totals)
        if self.rate is not None and irm != NOBODY:
            args = (*self.params, *self.totals)
            chain.set(irm, morpho.BORROW_RATE_VIEW, *args, types="uint256", value=self.rate)
        self.oracle.put(chain, oracle)
        feed(chain, ETH, 2500 * 10**8, "ETH / USD")
        feed(chain, USDC, 10**8, "USDC / USD")
        feed(chain, STETH, WAD, "wstETH / ETH", decimals=18)
        for wallet in (ALICE, BOB):
            shares, held = self.users.get(wallet, (0, 0))
            types = ["uint256", "uint128", "uint128"]
            chain.set(MORPHO, morpho.POSITION, self.number, wallet, types=types, value=(0, shares, held))
            said = self.verdicts.get(wallet, refusal("position is healthy"))
            chain.put(MORPHO, morpho.LIQUIDATE, *self.params, wallet, MAX_UINT256, 0, (), result=said)
        return chain


def opened(fake: Fake, chain: Chain | None = None) -> Any:
    return run(ADAPTER.open(fake.ref, BLOCK), chain or fake.chain())


def read(fake: Fake, chain: Chain | None = None) -> Any:
    """Open, discover and refresh."""
    chain = chain or fake.chain()
    market = opened(fake, chain)
    hints = run(ADAPTER.discover(market, list(fake.users)), chain)
    return run(ADAPTER.refresh(market, BLOCK, hints), chain)


def position(fake: Fake, wallet: str = ALICE, chain: Chain | None = None) -> Any:
    """The one position of a wallet."""
    chain = chain or fake.chain()
    market = opened(fake, chain)
    hints = run(ADAPTER.discover(market, list(fake.users)), chain)
    reading = run(ADAPTER.refresh(market, BLOCK, hints), chain)
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[wallet], wallet)
    return found


EARLY, OTHER = addr("early"), addr("other")
"""Pre-liquidation contracts."""
MARKET_ORACLE = Fake().params[2]
