"""Opening Morpho Blue for a list of market ids, and finding wallets in these markets.

The contract tells neither which markets there are nor which of them a wallet is in. The ids come from the person's
configuration or from logs (`morpho_blue_logs`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liqtui.core.model import Asset
from liqtui.core.reads import PlanFailed
from liqtui.core.text import clean
from liqtui.core.units import WAD
from liqtui.protocols.abi import as_address, ask, ok, words
from liqtui.protocols.morpho_blue_abi import DECIMALS, ID_TO_MARKET_PARAMS, POSITION, SYMBOL
from liqtui.protocols.morpho_blue_early import getters_of, proven, unasked
from liqtui.protocols.morpho_blue_oracle import GETTERS, parts_of, shape_of
from liqtui.protocols.morpho_blue_state import MarketInfo, Opened, Params
from liqtui.protocols.naming import decimals_said, labels_of
from liqtui.protocols.price_sources import ZERO_ADDRESS, PriceBook, probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.feeds import FeedInfo

MARKET_IDS = "market_ids"
"""Option of a `MarketRef`: ids joined by commas. Absent: nobody said which; empty: looked for, and there are none."""
LEARNED = "market_ids_learned"
"""Option that says that ids came from logs: one that is no market any more, after a reorganisation, is left out."""
PRE_LIQUIDATIONS = "pre_liquidations"
"""Option: addresses of pre-liquidation contracts to look at, joined by commas, named by the person."""
AUTHORISED = "authorised"
"""Option: addresses that wallets have authorised at some time, by the log. Only some are pre-liquidation contracts."""
_NOBODYS = "0x" + "0" * 64
_ID = re.compile(r"0x[0-9a-f]{64}")


def ids_of(ref: MarketRef) -> tuple[str, ...] | None:
    """The market ids of a deployment, lower case, each once; None where nobody said which.

    Raises PlanFailed for what is no id.
    """
    text = dict(ref.options).get(MARKET_IDS)
    if text is None:
        return None
    ids = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    for each in ids:
        if not _ID.fullmatch(each):
            raise PlanFailed(f"{clean(each, 70)!r} is no market id: 0x and 64 hex digits")
    return ids


def open_markets(ref: MarketRef, names: Mapping[str, FeedInfo]) -> Plan[Opened]:
    """All that never changes. PlanFailed in words for what is no Morpho Blue, and for an id that is no market."""
    ids = ids_of(ref)
    if ids is None:
        raise PlanFailed(f"no market ids are known for {ref.entry}: name them in {MARKET_IDS}")
    asked = ids or (_NOBODYS,)  # a Morpho without a market of ours is to be told from an address that is none
    found = yield from ask({market: ID_TO_MARKET_PARAMS.at(ref.entry, int(market, 16)) for market in asked})
    params = {market: _params(ref.entry, market, result) for market, result in found.items()}
    params.pop(_NOBODYS, None)
    for market in [market for market, each in params.items() if each.loan == ZERO_ADDRESS]:
        if LEARNED not in dict(ref.options):
            raise PlanFailed(f"market {market} does not exist at {ref.entry}")
        del params[market]
    tokens = dict.fromkeys(token for each in params.values() for token in (each.loan, each.collateral))
    candidates = candidates_of(ref) if params else ()
    details = yield from ask(
        getters_of(candidates)
        | {(SYMBOL, token): SYMBOL.at(token) for token in tokens}
        | {(DECIMALS, token): DECIMALS.at(token) for token in tokens}
        | {(getter, each.oracle): getter.at(each.oracle) for each in params.values() for getter in GETTERS}
    )
    labels = labels_of({token: details[SYMBOL, token] for token in tokens})
    decimals = {token: decimals_said(details[DECIMALS, token]) for token in tokens}
    assets = {token: Asset(token, labels[token], decimals[token] or 0) for token in tokens}
    silent = {token for token in tokens if decimals[token] is None}
    parts = {
        each.oracle: parts_of({getter: details[getter, each.oracle] for getter in GETTERS}) for each in params.values()
    }
    known = yield from probe(feed for each in parts.values() if each for feed in (*each.base, *each.quote))
    prices = PriceBook(ref.chain_id, known, names)
    markets: dict[str, MarketInfo] = {}
    for market, each in params.items():
        loan, collateral, oracle = assets[each.loan], assets[each.collateral], parts[each.oracle]
        shape = None if oracle is None else shape_of(oracle, collateral, loan, prices)
        notes = tuple(
            f"{assets[token].symbol} does not tell its decimals: amounts are raw units"
            for token in (each.collateral, each.loan)
            if token in silent
        )
        markets[market] = MarketInfo(market, each, loan, collateral, shape, notes)
    early = tuple(terms for each in candidates if (terms := proven(ref.entry, each, details, markets)) is not None)
    return Opened(ref, markets, prices, early, unasked(candidates, details))


def candidates_of(ref: MarketRef) -> tuple[str, ...]:
    """Addresses that may be pre-liquidation contracts."""
    options = dict(ref.options)
    named = (part.strip().lower() for key in (PRE_LIQUIDATIONS, AUTHORISED) for part in options.get(key, "").split(","))
    return tuple(dict.fromkeys(filter(None, named)))


def _params(morpho: str, market: str, result: Result) -> Params:
    try:
        *addresses, lltv = words(result, 5)
        loan, collateral, oracle, irm = map(as_address, addresses)
    except ValueError as fault:
        raise PlanFailed(f"{morpho} is not a Morpho Blue: idToMarketParams gave {fault}") from fault
    if lltv >= WAD:
        raise PlanFailed(f"{morpho} is not a Morpho Blue: market {market} makes no sense")
    return Params(loan, collateral, oracle, irm, lltv)


def discover(opened: Opened, wallets: Sequence[str]) -> Plan[dict[str, tuple[str, ...]]]:
    """Wallet → ids of the opened markets in which it has debt or collateral.

    What it only lends is no position. What could not be read counts as held, so that it shows as unreadable and
    not as nothing.
    """
    entry = opened.ref.entry
    found = yield from ask(
        {
            (wallet, market): POSITION.at(entry, info.number, wallet)
            for wallet in wallets
            for market, info in opened.markets.items()
        }
    )
    hints: dict[str, tuple[str, ...]] = {}
    for (wallet, market), result in found.items():
        if not ok(result, 3) or any(words(result, 3)[1:]):
            hints[wallet] = (*hints.get(wallet, ()), market)
    return hints
