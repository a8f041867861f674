"""Rows for the screen tests, with figures that agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqtui.core.model import Asset, Change, Feed, Health, Leg, Position, PositionKey, Quote, Side
from liqtui.core.reads import Block
from liqtui.core.results import Boundary, Direction, FactorKind, Rescue, Scope
from liqtui.core.snapshot import Ages, Freshness, Row, Severity
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping


NOW = 1_783_000_931.0
"""2026-07-02 14:02:11 UTC."""

CHAIN_IDS = {"ethereum": 1, "base": 8453, "arbitrum": 42161, "polygon": 137, "optimism": 10}
TAGS = {"ethereum": "eth", "arbitrum": "arb", "polygon": "pol", "optimism": "op", "base": "base"}
BLOCKS = {"ethereum": 21_993_104, "base": 24_118_902, "arbitrum": 281_004_117, "polygon": 73_220_551}
WALLETS = {
    "treasury": Wallet("0x7F3cE0a1b2C3d4E5f60718293a4B5c6D7e8F91aE", "treasury", tags=("dao",), note="multisig 3/5"),
    "degen-1": Wallet("0x1111A0a1B2c3D4e5F60718293A4b5C6d7E8f0001", "degen-1"),
    "cold-02": Wallet("0x2222a0A1b2C3D4E5f60718293a4B5C6d7e8F0002", "cold-02"),
    "family": Wallet("0x3333A0a1b2C3d4e5F60718293a4b5C6D7e8f0003", "family"),
    "cold-01": Wallet("0x4444a0A1B2c3d4E5F60718293A4B5c6D7E8f0004", "cold-01"),
    "ops-safe": Wallet("0x5555a0a1b2C3d4E5F60718293a4b5c6d7E8f0005", "ops-safe"),
}
PRICES = {
    "ETH": 241_218,
    "cbBTC": 6_269_000,
    "ARB": 70_51,
    "POL": 46_87,
    "wstETH": 290_150,
    "wBTC": 6_271_000,
    "USDC": 100,
    "DAI": 100,
}
"""Cents, except ARB and POL in hundredths of a cent."""


def price(symbol: str) -> int:
    """8 decimals."""
    return PRICES[symbol] * (10**4 if symbol in {"ARB", "POL"} else 10**6)


def asset(symbol: str) -> Asset:
    digit = f"{sum(symbol.encode()) % 256:02x}"
    return Asset("0x" + digit * 20, symbol, 6 if symbol == "USDC" else 8 if "BTC" in symbol else 18)


@dataclass(frozen=True)
class SceneBook:
    """A plain linear lending account: health = Σ amount × price × threshold ÷ Σ debt."""

    legs: tuple[Leg, ...]

    @property
    def quotes(self) -> Mapping[str, Quote]:
        return {
            leg.asset.address: Quote(
                leg.asset.address,
                "0x" + "ee" * 20,
                leg.price,
                8,
                leg.asset.symbol,
                answer=leg.price,
                feed="0x" + leg.asset.address[2:],
            )
            for leg in self.legs
        }

    def _values(self, change: Change) -> tuple[int, int]:
        power = debt = 0
        for leg in self.legs:
            moved = change.collateral if leg.side is Side.COLLATERAL else change.debt
            at = change.prices.get(leg.asset.address, leg.price)
            assert at is not None
            value = (leg.amount + moved.get(leg.asset.address, 0)) * at * 10 ** (18 - leg.asset.decimals)
            if leg.side is Side.COLLATERAL:
                power += value * leg.threshold // 10_000
            else:
                debt += value
        return power, debt

    def health(self, change: Change = Change()) -> int | None:  # noqa: B008 - an empty named tuple
        power, debt = self._values(change)
        return HEALTH_INFINITE if debt <= 0 else power * WAD // debt

    def liquidatable(self, change: Change = Change()) -> bool | None:  # noqa: B008
        health = self.health(change)
        return health is not None and health < WAD


def leg(side: Side, symbol: str, amount: float, *, threshold: int = 0, rate: float = 0.0) -> Leg:
    one = asset(symbol)
    raw = round(amount * 10**8) * 10**one.decimals // 10**8
    return Leg(
        one,
        side,
        raw,
        price(symbol),
        raw * price(symbol) // 10**one.decimals,
        threshold,
        bonus=10_500 if side is Side.COLLATERAL else 0,
        rate=int(rate * RAY),
    )


def position(key: PositionKey, legs: tuple[Leg, ...], *, factor: str, block: Block, verified: bool = True) -> Position:
    """All figures of an account from its legs; `factor` is the collateral symbol that can fall."""
    book = SceneBook(legs)
    health = book.health() or 0
    collateral = sum(one.value or 0 for one in legs if one.side is Side.COLLATERAL)
    debt = sum(one.value or 0 for one in legs if one.side is Side.DEBT)
    power = sum((one.value or 0) * one.threshold // 10_000 for one in legs)
    rest = sum((one.value or 0) * one.threshold // 10_000 for one in legs if one.asset.symbol != factor)
    now = price(factor)
    boundaries = ()
    if debt and power > rest:
        boundaries = (
            Boundary(
                factor,
                FactorKind.FACTOR,
                factor,
                Direction.FALLS,
                (factor,),
                now * (debt - rest) // (power - rest),
                now,
            ),
        )
    owed = next((one.asset for one in legs if one.side is Side.DEBT), None)
    own = next(one for one in legs if one.asset.symbol == factor)
    rescue = tuple(
        Rescue(
            target * WAD // 100,
            repay=((owed, -(-(debt * target - power * 100) // target) * 10**owed.decimals // price(owed.symbol)),),
            add=((own.asset, (debt * target - power * 100) * 100 * 10**own.asset.decimals // own.threshold // now),),
            sell=(),
        )
        for target in (110, 125, 150)
        if owed and health < target * WAD // 100
    )
    scope = None
    if owed:
        take = min(debt // 2, collateral)
        scope = Scope(
            own.asset,
            owed,
            take * 10**owed.decimals // price(owed.symbol),
            take * 105 // 100 * 10**own.asset.decimals // now,
            take * 5 // 100,
            5000,
            10_500,
            "half of the debt: health is above 0.95",
            health,
            int(0.83 * 1.05 * WAD),
        )
    return Position(
        key,
        block,
        "USD",
        8,
        Health(health, health if verified else health - 1, "" if verified else "contract says 1 wei less"),
        legs,
        collateral,
        debt,
        debt * 10_000 // collateral if collateral else None,
        8010,
        power * 10_000 // collateral,
        boundaries=boundaries,
        rescue=rescue,
        scope=scope,
        interest_eta=480 * 86_400 if debt else None,
        carry_per_year=-debt * 26 // 1000,
        revision="pool 3.3",
        feeds=(Feed("0x" + "ab" * 20, f"{factor} / USD", factor, now, 8, int(NOW) - 840, 3600),),
        book=book,
    )


def key(wallet: str, protocol: str, chain: str, market: str = "core") -> PositionKey:
    return PositionKey(CHAIN_IDS[chain], protocol, market, WALLETS[wallet].key)


SPARKS = "76543210"


def spark(levels: str) -> tuple[float | None, ...]:
    """Digits 0–7 as heights, "." for a slot without a sample."""
    return tuple(None if c == "." else 1.0 + int(c) / 7 for c in levels)


def row(  # noqa: PLR0917 - a table of rows reads best without names
    wallet: str,
    protocol: str,
    chain: str,
    severity: Severity,
    legs: tuple[Leg, ...],
    factor: str,
    sigmas: float | None,
    *,
    trend: float | None = 0.0,
    levels: str = "",
    freshness: Freshness = Freshness.FRESH,
    fetch: int = 1,
    error: str = "",
    verified: bool = True,
) -> Row:
    identity = key(wallet, protocol, chain)
    block = Block(BLOCKS.get(chain, 5_000_000), "0x" + "ab" * 32, int(NOW) - fetch)
    figures = position(identity, legs, factor=factor, block=block, verified=verified)
    return Row(
        identity,
        chain,
        wallet,
        severity,
        freshness,
        Ages(fetch, 840, fetch),
        figures,
        DEFAULT_THRESHOLDS,
        cushion=figures.nearest,
        sigmas=sigmas,
        since=NOW - 13,
        error=error,
        trend=trend,
        spark=spark(levels),
        tags=WALLETS[wallet].tags,
    )


def simple(symbol: str, health: float, debt: float, threshold: int = 8000, owed: str = "USDC") -> tuple[Leg, ...]:
    """One collateral against one stable debt, at about that health."""
    amount = health * 1.000001 * debt * 10_000 / threshold / (price(symbol) / 10**8)
    return (
        leg(Side.COLLATERAL, symbol, amount, threshold=threshold, rate=0.02),
        leg(Side.DEBT, owed, debt, rate=0.051),
    )
