"""What is read of Morpho Blue and of its accounts, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.morpho_blue_math import Totals
    from liqtui.protocols.morpho_blue_oracle import Pricing, Shape
    from liqtui.protocols.price_sources import PriceBook


class Params(NamedTuple):
    """MarketParams; its hash is the market's id, so that none of it ever changes."""

    loan: str
    collateral: str
    oracle: str
    irm: str
    """Interest rate model; zero address: no interest."""
    lltv: int
    """Liquidation loan-to-value, 1e18-scaled."""


class MarketInfo(NamedTuple):
    """One market as it was created."""

    id: str
    """0x and 64 lower-case hex digits."""
    params: Params
    loan: Asset
    collateral: Asset
    shape: Shape | None
    """How its oracle makes the price; None: not of a known kind."""
    notes: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The id as a word."""
        return int(self.id, 16)

    @property
    def pair(self) -> str:
        return f"{self.collateral.symbol} / {self.loan.symbol}"


class PreLiquidation(NamedTuple):
    """A contract that liquidates, in parts, accounts which have authorised it; nothing of it ever changes.

    Numbers 1e18-scaled. Close factor and incentive go from the first to the second while the loan-to-value goes from
    `lltv` to the market's own.
    """

    address: str
    market: str
    """Id of its only market."""
    lltv: int
    """Loan-to-value above which it may act."""
    close: tuple[int, int]
    """Part of the debt that may be repaid at once; above 1: all of it."""
    incentive: tuple[int, int]
    oracle: str


@dataclass(frozen=True)
class Opened:
    ref: MarketRef
    markets: Mapping[str, MarketInfo]
    """By id."""
    prices: PriceBook
    early: tuple[PreLiquidation, ...] = ()
    """Pre-liquidation contracts of these markets that somebody may have authorised."""
    unsure: tuple[str, ...] = ()
    """Addresses that may be such contracts, too: nobody could ask them when the market was opened."""


class Stored(NamedTuple):
    """What `market(id)` answers, in its order: not accrued."""

    supply_assets: int
    supply_shares: int
    borrow_assets: int
    borrow_shares: int
    updated_at: int
    fee: int


class MarketState(NamedTuple):
    """One market at one block."""

    info: MarketInfo
    stored: Stored
    totals: Totals | None
    """Of borrowers, with interest up to the block's time; None where the rate model gives no rate."""
    rate: int | None
    """Per second, 1e18-scaled."""
    pricing: Pricing


@dataclass(frozen=True)
class Market:
    """The markets that any watched account is in."""

    states: Mapping[str, MarketState]


class Armed(NamedTuple):
    """A pre-liquidation contract that an account has authorised, at one block."""

    terms: PreLiquidation
    price: int | None
    """What its oracle's `price()` answers."""
    verdict: bool | None = None
    """Whether it gets past its own checks; None: it did not come that far, or there is no debt."""
    refusal: str = ""


class Holding(NamedTuple):
    """One account in one market."""

    id: str
    shares: int
    """Borrow shares."""
    collateral: int
    verdict: bool | None = None
    """Whether `liquidate` gets past its health check; None: it did not come that far, or there is no debt."""
    refusal: str = ""
    """Why there is no verdict."""
    armed: tuple[Armed, ...] = ()


class Account(NamedTuple):
    holdings: tuple[Holding, ...]
