"""Opening a Comet, and finding wallets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.model import Asset
from liqtui.core.reads import PlanFailed
from liqtui.core.text import clean
from liqtui.protocols.abi import address, ask, ok, uint, words
from liqtui.protocols.compound_v3_abi import (
    BASE_BORROW_MIN,
    BASE_FEED,
    BASE_SCALE,
    BASE_TOKEN,
    GET_ASSET_INFO,
    NUM_ASSETS,
    STORE_FRONT,
    SYMBOL,
    USER_BASIC,
)
from liqtui.protocols.compound_v3_state import Opened, asset_info, held_assets
from liqtui.protocols.naming import MOST_DECIMALS, SYMBOL_LENGTH, labels_of
from liqtui.protocols.price_sources import PriceBook, probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.feeds import FeedInfo

MOST_ASSETS = 24


def open_market(ref: MarketRef, names: Mapping[str, FeedInfo]) -> Plan[Opened]:
    """All that stays the same until the market is upgraded. PlanFailed in words for what is no Comet."""
    no_market = f"{ref.entry} is not a Compound v3 market"
    getters = (BASE_TOKEN, BASE_FEED, BASE_SCALE, BASE_BORROW_MIN, STORE_FRONT, NUM_ASSETS)
    found = yield from ask({getter: getter.at(ref.entry) for getter in getters})
    try:
        token, feed = address(found[BASE_TOKEN]), address(found[BASE_FEED])
        scale, least, count = uint(found[BASE_SCALE]), uint(found[BASE_BORROW_MIN]), uint(found[NUM_ASSETS])
    except ValueError as fault:
        raise PlanFailed(f"{no_market}: {fault}") from fault
    decimals = len(str(scale)) - 1
    if count > MOST_ASSETS or scale != 10**decimals or decimals > MOST_DECIMALS:
        raise PlanFailed(f"{no_market}: {count} assets and a base of {scale} make no sense")
    told = yield from ask({index: GET_ASSET_INFO.at(ref.entry, index) for index in range(count)})
    try:
        infos = [asset_info(result, index) for index, result in told.items()]
    except ValueError as fault:
        raise PlanFailed(f"{no_market}: {fault}") from fault
    tokens = dict.fromkeys((token, *(info.address for info in infos)))
    labels = labels_of((yield from ask({each: SYMBOL.at(each) for each in tokens})))
    known = yield from probe((feed, *(info.feed for info in infos)))
    prices = PriceBook(ref.chain_id, known, names)
    base = Asset(token, labels[token], decimals)
    return Opened(
        ref=ref,
        base=base,
        base_scale=scale,
        base_feed=feed,
        least_debt=least,
        store_front=uint(found[STORE_FRONT]) if ok(found[STORE_FRONT]) else None,
        assets=tuple((Asset(info.address, labels[info.address], len(str(info.scale)) - 1), info) for info in infos),
        prices=prices,
        base_symbol=_currency(feed, prices) or base.symbol,
    )


def _currency(feed: str, prices: PriceBook) -> str:
    """Right side of the base feed's pair; empty for a constant, with which the base token is the currency."""
    known, source = prices.names.get(feed), prices.sources.get(feed)
    pair = known.pair if known else source.label if source else ""
    words_of = clean(pair.partition("/")[2], SYMBOL_LENGTH).split()
    return words_of[0] if words_of else ""


def glance(opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
    """As `discover`, without those that could not be read."""
    found = yield from ask({wallet: USER_BASIC.at(opened.ref.entry, wallet) for wallet in wallets})
    return {wallet for wallet, result in found.items() if ok(result, 5) and _holds(result, len(opened.assets))}


def discover(opened: Opened, wallets: Sequence[str]) -> Plan[dict[str, bool]]:
    """Wallets that owe, supply or hold collateral here.

    What could not be read counts as held, so that it shows as unreadable and not as nothing.
    """
    found = yield from ask({wallet: USER_BASIC.at(opened.ref.entry, wallet) for wallet in wallets})
    return {wallet: True for wallet, result in found.items() if _holds(result, len(opened.assets))}


def _holds(result: Result, count: int) -> bool:
    if not ok(result, 5):
        return True
    principal, _, _, flags, more = words(result, 5)
    return bool(principal or held_assets(flags, more, count))
