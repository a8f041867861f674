"""What a position is, whatever protocol it comes from.

Amounts are raw token units, prices and values raw units of the market's base currency, health factors are
1e18-scaled; each with its decimals beside it. `None` means unknown, and unknown never becomes 0, 1 or safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from liqtui.core.later import Sketched, bare_class
from liqtui.core.results import FactorKind
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Block
    from liqtui.core.results import Boundary, Rescue, Scope


class Asset(NamedTuple):
    address: str
    """Lower case."""
    symbol: str
    """Cleaned: safe to print, bounded, never markup."""
    decimals: int


class PositionKey(NamedTuple):
    chain_id: int
    protocol: str
    market: str
    wallet: str
    """Lower case."""
    market_id: str = ""
    """Only where one market holds several positions of a wallet."""

    def __str__(self) -> str:
        """The public id, as in `check --json`."""
        return _public_id(self)


@lru_cache(maxsize=2**15)
def _public_id(key: PositionKey) -> str:
    """Kept, since rules, history and screen ask for it again and again."""
    parts = (str(key.chain_id), key.protocol, key.market, key.market_id, key.wallet)
    return ":".join(part for part in parts if part)


class Side(StrEnum):
    COLLATERAL = "collateral"
    DEBT = "debt"


class Leg(NamedTuple):
    """A tuple, since some are made for every position of every block: a frozen dataclass takes twice as long."""

    asset: Asset
    side: Side
    amount: int
    """Raw token units with interest up to the block."""
    price: int | None
    """Base units for one whole token, as the protocol's own oracle answers."""
    value: int | None
    """Base units, rounded as the protocol rounds."""
    threshold: int = 0
    """Liquidation threshold in basis points that applies to this account; 0 for debt."""
    bonus: int = 0
    """Liquidation bonus in basis points (10,500 = the liquidator takes 5 % more); 0 for debt."""
    counts: bool = True
    """Whether it takes part in the health factor."""
    rate: int | None = 0
    """Yearly rate now, ray, simple: earned on collateral, paid on debt; None: not known."""
    pool_cash: int | None = None
    """What can be withdrawn from the pool of this asset now, raw token units."""
    cap_room: int | None = None
    """What may still be supplied (collateral) or borrowed (debt) under the cap; None: no cap or not known."""
    utilization: int | None = None
    """Basis points of what is in this asset's pool that are lent out; None: not known, or nothing is lent from it."""
    notes: tuple[str, ...] = ()
    """Flags in words: paused, frozen, LTV 0, isolated, …"""
    cap: int | None = None
    """Most that the market takes (collateral) or lends (debt) of it, raw token units; None: no cap or not known."""

    @property
    def owed(self) -> bool:
        """Whether it is debt; else it is collateral."""
        return self.side is Side.DEBT


class Health(NamedTuple):
    raw: int | None
    """By our own arithmetic; None when unknown."""
    reported: int | None
    """By the contract itself at the same block; None when it did not answer."""
    reason: str = ""
    """Why it is not verified, in words."""
    verdict: bool | None = None
    """Whether it can be liquidated, as the contract itself answers at the same block; None: it does not say.

    For protocols that answer yes or no and give no figure.
    """

    @property
    def confirmed(self) -> bool:
        """Whether the contract's figure is ours by rules that are known, or its yes or no is what our figure gives."""
        return self.verified or (
            self.raw is not None and self.verdict is not None and self.verdict == (self.raw < HEALTH_ONE)
        )

    @property
    def verified(self) -> bool:
        """Equal alone is not enough: of rules that nobody knows it says nothing beyond this block."""
        return self.raw is not None and self.raw == self.reported and not self.reason

    @property
    def shown(self) -> int | None:
        """The figure to show: the contract's where there is one."""
        return self.reported if self.reported is not None else self.raw


class Feed(NamedTuple):
    """A price source that is read by itself: where a price enters the system."""

    address: str
    """Lower case; with the chain id its identity."""
    label: str
    """Cleaned description, such as "ETH / USD"."""
    factor: str
    """Id of the factor that it quotes."""
    answer: int | None
    decimals: int
    updated_at: int | None
    """Chain time; None when the source does not tell."""
    heartbeat: int | None
    """Seconds; None when not known."""
    assumed_heartbeat: bool = False


@dataclass(frozen=True)
class Quote:
    """How one asset's oracle price is made: feed answer × ratio, not above a cap.

    `price` is the oracle's own answer. `at` gives the price for another feed answer or ratio with the
    adapter's rounding; it is only trusted when `at(answer, ratio) == price` (see `proven`).
    """

    asset: str
    source: str
    """The contract that the oracle asks."""
    price: int | None
    decimals: int
    factor: str
    """Id of the factor of the feed; an asset of its own kind has a factor of its own."""
    answer: int | None = None
    """The feed's answer now; same as `price` where the source is the feed."""
    answer_decimals: int = 8
    feed: str = ""
    """Address of the feed."""
    ratio: int | None = None
    """Units of the base per unit of the asset, as the adapter uses it (cap included); None: no adapter."""
    ratio_decimals: int = 18
    ratio_label: str = ""
    cap: int | None = None
    """Price cap in price units (capped stable coin adapters)."""
    notes: tuple[str, ...] = ()
    ratio_cap: int | None = None
    """The most that the adapter lets the ratio be at this block; None: no such limit."""

    def at(self, answer: int, ratio: int | None = None) -> int:
        # scaled up before the ratio, so that no digit is lost
        value = answer * 10 ** max(0, self.decimals - self.answer_decimals)
        used = self.ratio if ratio is None else ratio
        if used is not None:
            used = used if self.ratio_cap is None else min(used, self.ratio_cap)
            value = value * used // 10**self.ratio_decimals
        if self.answer_decimals > self.decimals:
            value //= 10 ** (self.answer_decimals - self.decimals)
        return value if self.cap is None else min(value, self.cap)

    def uncapped(self) -> Quote:
        """The same without its caps."""
        return replace(self, cap=None, ratio_cap=None)

    @cached_property
    def proven(self) -> bool:
        return self.answer is not None and self.price is not None and self.at(self.answer) == self.price


class Change(NamedTuple):
    """A what-if: prices replaced, amounts moved. Assets by lower-case address, amounts raw."""

    prices: Mapping[str, int] = {}
    collateral: Mapping[str, int] = {}
    """Added to (or, negative, taken from) the collateral of an asset that the account holds."""
    debt: Mapping[str, int] = {}
    """Added to (or, negative, repaid from) the debt in an asset that the account owes."""


class Book(Protocol):
    """One account in one market, frozen at one block, with the protocol's own integer arithmetic. Pure."""

    @property
    def legs(self) -> tuple[Leg, ...]: ...
    @property
    def quotes(self) -> Mapping[str, Quote]:
        """By asset address."""
        ...

    def health(self, change: Change = ...) -> int | None:
        """1e18-scaled, HEALTH_INFINITE without debt; None when a needed price is unknown."""
        ...

    def liquidatable(self, change: Change = ...) -> bool | None:
        """The protocol's own strictness: what a liquidation call would find."""
        ...


ENGINE_LINES = ("who", "how much", "bonus", "protocol fee", "goes to", "bad debt")
"""Labels of `Position.engine`, in this order: who may liquidate, how much at once, what is taken on top, the
protocol's part of it, where the money goes, and who bears what collateral does not cover."""


class Flag(NamedTuple):
    code: str
    """paused · frozen · grace · ltv-zero · isolated · capped · unverified · …"""
    text: str


@dataclass(frozen=True, eq=False)
class Position(Sketched):
    """One account's figures in one market at one block. What only a person looks at may be worked out when read."""

    partial: ClassVar[bool] = False
    """Only what a list shows of it is here: see `core.glimpse`."""

    key: PositionKey
    block: Block
    base_symbol: str
    """USD, ETH, …"""
    base_decimals: int
    health: Health
    legs: tuple[Leg, ...]
    collateral_value: int | None
    """Base units, what counts toward borrowing power."""
    debt_value: int | None
    ltv: int | None
    """Now, basis points of the collateral."""
    max_ltv: int | None
    threshold: int | None
    """Weighted liquidation threshold, basis points."""
    category: str = ""
    """eMode label, cleaned; empty when off."""
    revision: str = ""
    boundaries: Sequence[Boundary] = field(default=(), compare=False)
    """Follow from the book, so they take no part in comparing positions."""
    rescue: Sequence[Rescue] = field(default=(), compare=False)
    """Likewise."""
    scope: Scope | None = None
    engine: tuple[tuple[str, str], ...] = ()
    """How a liquidation goes in this market, by the parameters read: label/value lines. See `ENGINE_LINES`."""
    interest_eta: int | None = None
    """Seconds until interest alone first brings health to 1 at today's rates; None: never."""
    carry_per_year: int | None = None
    """Base units earned minus paid per year at today's rates."""
    flags: tuple[Flag, ...] = ()
    quotes: tuple[Quote, ...] = ()
    feeds: tuple[Feed, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """Further label/value lines for the detail screen, in the protocol's own words."""
    book: Book | None = field(default=None, compare=False, repr=False)
    """For what-ifs; None where the position came over a wire."""

    @property
    def has_debt(self) -> bool:
        owes: bool | None = self.__dict__.get("owes")  # what a sketch may tell beforehand
        return owes if owes is not None else any(leg.side is Side.DEBT and leg.amount for leg in self.legs)

    @property
    def empty(self) -> bool:
        return not (self.peek("owes") or self.peek("holds")) and not any(leg.amount for leg in self.legs)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Of all that is held or owed."""
        known: tuple[str, ...] | None = self.__dict__.get("symbols_known")
        return known if known is not None else tuple([leg.asset.symbol for leg in self.legs])

    @property
    def nearest(self) -> Boundary | None:
        """The boundary that is nearest in relative distance; whole factors before single assets when equal."""
        moves = [(abs(b.move), b) for b in self.boundaries if b.move is not None and b.kind is not FactorKind.ASSET]
        return min(moves, key=lambda pair: pair[0])[1] if moves else None

    def alike(self, other: Position) -> bool:
        """Whether nothing but the block differs. What differs most often is compared first."""
        return all(getattr(self, name) == getattr(other, name) for name in _FIGURES)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Position):
            return NotImplemented
        return self is other or (self.block == other.block and self.alike(other))

    def __hash__(self) -> int:
        return hash((self.key, self.block))


bare_class(Position)
_UNKNOWN = ("scope", "interest_eta", "carry_per_year", "ltv")
Position.lost = {
    **dict.fromkeys(_UNKNOWN, lambda _: None),
    "flags": lambda fault: (Flag("unverified", f"its flags could not be worked out: {type(fault).__name__}"),),
    "engine": lambda fault: (("rules", f"could not be worked out: {type(fault).__name__}"),),
    "facts": lambda fault: (("facts", f"could not be worked out: {type(fault).__name__}"),),
}
_FIRST = ("key", "health", "collateral_value", "debt_value")
_FIGURES = (
    *_FIRST,
    *(each.name for each in fields(Position) if each.compare and each.name not in {*_FIRST, "block"}),
)


def is_liquidatable(health: int) -> bool:
    """Aave's strictness: exactly 1 is safe."""
    return health < HEALTH_ONE


def is_infinite(health: int | None) -> bool:
    return health == HEALTH_INFINITE
