"""What is read of a Comet and of its accounts, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.units import WAD
from liqtui.protocols.abi import as_address, words
from liqtui.protocols.adapter import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset, Feed, Quote
    from liqtui.core.reads import Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.compound_v3_math import Indexes, Totals
    from liqtui.protocols.price_sources import PriceBook

PRICE_DECIMALS = 8
"""Of every price; the constructor refuses other feeds."""
SUPPLY_PAUSED, _, WITHDRAW_PAUSED, ABSORB_PAUSED, _ = (1 << bit for bit in range(5))
"""Bits of pauseFlags."""


class AssetInfo(NamedTuple):
    """What `getAssetInfo` answers, in its order. Factors 1e18-scaled."""

    offset: int
    address: str
    feed: str
    scale: int
    borrow_factor: int
    liquidate_factor: int
    """Part of the value that counts against the debt."""
    liquidation_factor: int
    """Part of the value that the account is credited when it is absorbed."""
    supply_cap: int


def asset_info(result: Result, index: int) -> AssetInfo:
    """ValueError for what makes no sense."""
    offset, asset, feed, *numbers = words(result, 8)
    info = AssetInfo(offset, as_address(asset), as_address(feed), *numbers)
    factors = (info.borrow_factor, info.liquidate_factor, info.liquidation_factor)
    if offset != index or not info.scale or info.scale != 10 ** (len(str(info.scale)) - 1) or max(factors) > WAD:
        raise ValueError(f"asset {index} makes no sense")
    return info


@dataclass(frozen=True)
class Opened:
    ref: MarketRef
    base: Asset
    base_scale: int
    base_feed: str
    least_debt: int
    """Base units (baseBorrowMin)."""
    store_front: int | None
    """storeFrontPriceFactor, 1e18-scaled; None: not told."""
    assets: tuple[tuple[Asset, AssetInfo], ...]
    """By index."""
    prices: PriceBook
    base_symbol: str
    """What prices are in: the market's own choice, dollars or the base token."""

    @cached_property
    def keys(self) -> Keys:
        return Keys(self.ref)


class AssetState(NamedTuple):
    """A collateral asset at one block."""

    asset: Asset
    info: AssetInfo
    price: int | None
    quote: Quote
    feeds: tuple[Feed, ...]
    room: int | None
    """What may still be supplied under the cap; None: not told."""


@dataclass(frozen=True)
class Market:
    """A Comet at one block, as far as the watched accounts need it."""

    totals: Totals
    indexes: Indexes
    """With interest up to the block's time."""
    borrow_rate: int
    """Per second, 1e18-scaled."""
    supply_rate: int
    cash: int | None
    """Base units in the contract; None: not told."""
    base_price: int | None
    base_quote: Quote
    base_feeds: tuple[Feed, ...]
    assets: Mapping[int, AssetState]
    """Those that a watched account holds, by index."""


class Account(NamedTuple):
    principal: int
    holdings: tuple[tuple[int, int], ...]
    """(index of the asset, balance) in the order of the assets."""
    owed: int | None
    """What the contract says it owes, with interest up to the block; None: not told."""
    view: bool | None
    """isLiquidatable, without the interest since the last accrual; None: it reverts."""
    refusal: str = ""
    """Why the view gave no answer."""


@lru_cache(maxsize=1024)
def held_assets(flags: int, more_flags: int, count: int) -> tuple[int, ...]:
    """Indexes of the assets that an account is in: the first 16 in `assetsIn`, eight more in `_reserved`."""
    bits = flags & 0xFFFF | (more_flags & 0xFF) << 16
    return tuple([index for index in range(count) if bits >> index & 1])
