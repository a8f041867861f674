"""What is read of a Compound v2 market (or a fork's) and of its accounts, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.protocols.adapter import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset, Feed, Quote
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.abi import Function
    from liqtui.protocols.compound_v2_math import Rounding
    from liqtui.protocols.compound_v2_pauses import Action
    from liqtui.protocols.price_sources import PriceBook


class TokenInfo(NamedTuple):
    """One cToken as the market was opened."""

    address: str
    asset: Asset
    """The underlying. Its address is the cToken's own where it is the chain's coin, or listed twice."""
    source: str
    """The feed that the oracle seems to ask; zero address where that is not known."""
    rates: tuple[Function, Function]
    """Getters of the supply and the borrow rate of one period."""
    periods: int | None
    """Periods (blocks or seconds) in a year; None where nobody tells."""
    share: int | None = None
    """The protocol's part of what a liquidation seizes, 1e18-scaled; None: the cToken tells none."""


class Vai(NamedTuple):
    """The dollar token that Venus lets mint against collateral: a debt beside the markets."""

    controller: str
    asset: Asset


@dataclass(frozen=True)
class Opened:
    ref: MarketRef
    oracle: str
    tokens: Mapping[str, TokenInfo]
    """By cToken address, in the comptroller's order."""
    prices: PriceBook
    multicall: str
    """Multicall3: lets one call accrue all markets of an account and then ask for its liquidity."""
    forced: tuple[Function, ...]
    """Which of the comptroller's getters tell that a debt may be liquidated whatever the health."""
    forced_by_account: bool
    """Whether it tells that of single accounts, too (the core pool of Venus)."""
    by_account: bool
    """Whether weights and incentives depend on the account (e-mode pools of Venus)."""
    vai: Vai | None
    caps: tuple[Function, ...] = ()
    """Which getters of caps the comptroller has."""
    liquidator: str = ""
    """The only contract that may liquidate (Venus core); empty: anyone may."""
    least: int | None = None
    """Of the market as it was opened; None: it has no such rule. See `Market.least`."""
    pauses: frozenset[Function] = frozenset()
    """Which getters of pauses the comptroller has."""
    implementation: str = ""
    """What stands behind the comptroller's proxy; empty where it does not tell."""
    zero_caps: bool = False
    """Whether a cap of 0 closes a market (Venus); else it is none."""

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.ref)


class TokenState(NamedTuple):
    """One cToken at one block. Factors 1e18-scaled."""

    info: TokenInfo
    factor: int
    """Collateral factor: what may be borrowed against it."""
    weight: int
    """What it counts for in a liquidation."""
    incentive: int
    """1.08e18: the liquidator takes 8 % more than is repaid."""
    price: int | None
    """Dollars per raw unit, 1e36-scaled, as the oracle answers; None where it does not."""
    rate: int | None
    """Exchange rate with interest up to the block, by the contract itself; None where it refuses."""
    cash: int | None
    supply_rate: int | None
    """Yearly, ray; None: not known."""
    borrow_rate: int | None
    quote: Quote
    feeds: tuple[Feed, ...]
    forced: bool
    """Its debts may be liquidated whatever the health."""
    notes: tuple[str, ...]
    utilization: int | None = None
    """Basis points, as of its last accrual."""
    supply_cap: int | None = None
    """Raw underlying units; None: no cap or not known."""
    borrow_cap: int | None = None
    supply_room: int | None = None
    """What the cap leaves; None without a cap, or where the total is not known."""
    borrow_room: int | None = None
    paused: frozenset[Action] = frozenset()


@dataclass(frozen=True)
class Market:
    tokens: Mapping[str, TokenState]
    close_factor: int
    seize_paused: bool = False
    paused: bool = False
    """All of it (Venus core)."""
    rounding: Rounding | None = None
    """That of the comptroller; None where none that is known gives what it answers."""
    least: int | None = None
    """Dollars of collateral, 1e18-scaled, up to which an account is only closed as a whole (Venus's isolated pools)."""
    vai_rate: int | None = None
    """Yearly, ray: what is paid on VAI; None: not known, or there is none."""
    drawn: dict[str, Any] = field(default_factory=dict[str, Any], compare=False, repr=False)
    """By wallet: what `compound_v2_book.drawn_of` made of its account."""


class Holding(NamedTuple):
    """One account in one cToken."""

    token: str
    tokens: int
    """cTokens."""
    stored_owed: int
    """As getAccountSnapshot tells it, without the interest since."""
    stored_rate: int
    """Likewise; not zero."""
    owed: int | None
    """With interest up to the block, by the contract itself; None where it refuses."""
    entered: bool
    """Counts as collateral, and for health."""
    factor: int | None = None
    """Where these depend on the account; None: the market's own."""
    weight: int | None = None
    incentive: int | None = None
    forced: bool = False


class Account(NamedTuple):
    holdings: tuple[Holding, ...]
    reported: tuple[int, int] | None
    """getAccountLiquidity with interest up to the block: liquidity and shortfall, 1e18-scaled."""
    refusal: str = ""
    """Why the comptroller did not report."""
    vai: int = 0
    """Owed in VAI, raw units."""
    pool: int = 0
    """Its e-mode pool (Venus core); 0: none."""
    vai_forced: bool = False
    """That debt in VAI may be liquidated whatever the health."""
