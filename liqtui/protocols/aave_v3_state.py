"""What is read of an Aave v3 market and of its accounts, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from liqtui.protocols.adapter import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liqtui.core.model import Asset, Feed, Quote
    from liqtui.core.reads import Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.aave_v3_math import Rules
    from liqtui.protocols.abi import Function
    from liqtui.protocols.price_sources import PriceBook


class Config(NamedTuple):
    """ReserveConfiguration bitmap. Rates in basis points, caps in whole tokens (0: none)."""

    ltv: int
    threshold: int
    bonus: int
    decimals: int
    active: bool
    frozen: bool
    borrowing: bool
    paused: bool
    siloed: bool
    borrow_cap: int
    supply_cap: int
    fee: int
    """Protocol's part of the liquidation bonus, basis points."""
    category: int
    """eMode category, only up to v3.1."""
    debt_ceiling: int
    """Isolation mode, 2 decimals; 0: not isolated."""
    virtual: bool
    """Virtual accounting is on."""
    reserve_factor: int = 0
    """The treasury's part of what borrowers pay, basis points."""


def decode_config(data: int) -> Config:
    """Bits as in DataTypes.ReserveConfigurationMap (the same in all revisions, some dead later)."""

    def bits(start: int, width: int) -> int:
        return data >> start & (1 << width) - 1

    return Config(
        ltv=bits(0, 16),
        threshold=bits(16, 16),
        bonus=bits(32, 16),
        decimals=bits(48, 8),
        active=bool(bits(56, 1)),
        frozen=bool(bits(57, 1)),
        borrowing=bool(bits(58, 1)),
        paused=bool(bits(60, 1)),
        siloed=bool(bits(62, 1)),
        borrow_cap=bits(80, 36),
        supply_cap=bits(116, 36),
        fee=bits(152, 16),
        category=bits(168, 8),
        debt_ceiling=bits(212, 40),
        virtual=bool(bits(252, 1)),
        reserve_factor=bits(64, 16),
    )


class ReserveData(NamedTuple):
    """What getReserveData answers. Indexes and yearly rates in ray."""

    config: int
    income: int
    """Supply index at `updated_at`."""
    supply_rate: int
    debt_index: int
    borrow_rate: int
    updated_at: int
    id: int
    a_token: str
    stable_debt: str
    variable_debt: str
    treasury: int = 0
    """Scaled aTokens that are owed to the treasury and not minted yet."""


class Dialect(NamedTuple):
    """What the generations of the pool are asked differently."""

    title: str
    """With its article, for error messages."""
    entry: str
    """What its addresses provider is called."""
    pool: Function
    """Of the addresses provider."""
    revision: Function
    """Of the pool."""
    of_provider: tuple[Function, ...]
    """What tells every round whether the market is still the one that was opened."""
    of_pool: tuple[Function, ...]
    of_oracle: tuple[Function, ...]
    """What tells in which currency it counts."""
    of_user: tuple[Function, ...]
    reserve_data: Callable[[Result], ReserveData]
    """Raises ValueError for what is no such answer."""
    rules: Callable[[int], Rules]
    """By revision."""


class Reserve(NamedTuple):
    """What of a reserve does not change while the market stays as it was opened."""

    asset: Asset
    id: int
    unit: int
    """10 ** decimals."""
    a_token: str
    stable_debt: str
    variable_debt: str
    source: str
    """The oracle's price source; zero address where it has none."""


@dataclass(frozen=True)
class Opened:
    ref: MarketRef
    dialect: Dialect
    pool: str
    oracle: str
    rules: Rules
    reserves: Mapping[int, Reserve]
    """By reserve id, which is not the place in the list once a reserve was dropped."""
    listing: tuple[str, ...]
    base_symbol: str
    base_decimals: int
    base_asset: str
    """What prices are counted in, whose own price is fixed; the zero address for dollars."""
    prices: PriceBook
    sequencer: str = ""
    """Uptime feed of the chain's sequencer; empty where none is known."""

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.ref)


class ReserveState(NamedTuple):
    """A reserve at one block."""

    reserve: Reserve
    config: Config
    income: int
    """Supply index at the block's time, ray."""
    debt_index: int
    """Variable borrow index at the block's time, ray."""
    supply_rate: int
    borrow_rate: int
    price: int | None
    quote: Quote
    feeds: tuple[Feed, ...]
    cash: int | None
    supply_room: int | None
    borrow_room: int | None
    utilization: int | None
    """Basis points; None where the total debt or the cash is not known."""
    grace_until: int | None
    """Chain time up to which no liquidation is allowed; None: not known."""
    notes: tuple[str, ...]


class Category(NamedTuple):
    """An eMode category at one block."""

    id: int
    label: str
    ltv: int
    threshold: int
    bonus: int
    members: int | None
    """Bitmap of reserve ids; None up to v3.1, where each reserve names its category."""
    ltv_zero: int = 0
    isolated: bool = False
    price_source: str = ""
    """Asset whose oracle price stands for all members (≤ v3.1); empty: none."""
    price: int | None = None
    """Its answer; 0 falls back to each member's own price."""

    def holds(self, state: ReserveState) -> bool:
        if self.members is None:
            return state.config.category == self.id
        return bool(self.members >> state.reserve.id & 1)


@dataclass(frozen=True)
class Market:
    """An Aave v3 market at one block, as far as the watched accounts need it."""

    rules: Rules
    timestamp: int
    reserves: Mapping[int, ReserveState]
    categories: Mapping[int, Category]
    prices: PriceBook
    liquidation_allowed: bool | None = True
    """By the price oracle sentinel (≤ v3.6); None: there is one and it did not answer."""
    sequencer_down: bool = False
    """By the chain's uptime feed: nothing happens on this chain, prices included, while others move on."""
    paused: bool = False
    """The whole pool (Aave v2)."""
    places: dict[int, Any] = field(default_factory=dict[int, Any], compare=False, repr=False)
    """By eMode category: what `aave_v3_book` made of the reserves for its accounts, the same for all of them."""


Holding: TypeAlias = tuple[int, int, int, int, int | None]
"""An account in one reserve. A plain tuple: every account of every round is made of them.

(reserve id, scaled aToken balance, scaled variable debt, raw units owed on top that do not follow the variable index -
stable debt, discounted GHO -, their yearly rate in ray or None where it is not told)
"""


class Reported(NamedTuple):
    """What getUserAccountData answers, in its order."""

    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    health: int


class Account(NamedTuple):
    flags: int
    """UserConfigurationMap: bit 2i borrowing, bit 2i + 1 used as collateral, i the reserve id."""
    category: int
    holdings: tuple[Holding, ...]
    reported: Reported | None
    refusal: str = ""
    """Why the pool did not report."""

    def uses(self, reserve_id: int) -> bool:
        return bool(self.flags >> (2 * reserve_id + 1) & 1)


def flagged_ids(flags: int) -> list[int]:
    """Reserve ids with either bit set."""
    ids: list[int] = []
    reserve_id = 0
    while flags:
        if flags & 3:
            ids.append(reserve_id)
        flags >>= 2
        reserve_id += 1
    return ids
