"""Opening an Aave v3 market from its addresses provider, and finding wallets in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liqtui.core.model import Asset
from liqtui.core.reads import PlanFailed
from liqtui.core.text import clean, short_address
from liqtui.core.units import RAY
from liqtui.protocols.aave_v3_abi import (
    BASE_CURRENCY,
    BASE_CURRENCY_UNIT,
    GET_POOL,
    GET_PRICE_ORACLE,
    GET_RESERVE_DATA,
    GET_RESERVES_LIST,
    GET_SOURCE,
    GET_USER_CONFIGURATION,
    POOL_REVISION,
    SCALED_BALANCE_OF,
    SYMBOL,
)
from liqtui.protocols.aave_v3_math import rules_for
from liqtui.protocols.aave_v3_state import Account, Opened, Reserve, decode_config
from liqtui.protocols.abi import address, addresses, as_address, ask, ok, string_or_bytes32, uint, words
from liqtui.protocols.price_sources import ZERO_ADDRESS, PriceBook, probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.feeds import FeedInfo

RESERVE_WORDS = 15
"""Length of the getReserveData tuple, the same from 3.0 to 3.7."""
_MAX_RESERVES = 128
_MAX_DECIMALS = 36
_SYMBOL_LENGTH = 16


def open_market(ref: MarketRef, names: Mapping[str, FeedInfo], sequencer: str = "") -> Plan[Opened]:
    """All that stays the same from block to block. PlanFailed in words for what is no Aave v3 market."""
    no_market = f"{ref.entry} is not the PoolAddressesProvider of an Aave v3 market"
    found = yield from ask({getter: getter.at(ref.entry) for getter in (GET_POOL, GET_PRICE_ORACLE)})
    try:
        pool, oracle = address(found[GET_POOL]), address(found[GET_PRICE_ORACLE])
    except ValueError as fault:
        raise PlanFailed(f"{no_market}: getPool and getPriceOracle gave {fault}") from fault
    if ZERO_ADDRESS in (pool, oracle):
        raise PlanFailed(f"{no_market}: it names no pool or no oracle")
    found = yield from ask(
        {
            POOL_REVISION: POOL_REVISION.at(pool),
            GET_RESERVES_LIST: GET_RESERVES_LIST.at(pool),
            BASE_CURRENCY: BASE_CURRENCY.at(oracle),
            BASE_CURRENCY_UNIT: BASE_CURRENCY_UNIT.at(oracle),
        }
    )
    try:
        revision = uint(found[POOL_REVISION])
        listing = addresses(found[GET_RESERVES_LIST])
        base, unit = address(found[BASE_CURRENCY]), uint(found[BASE_CURRENCY_UNIT])
    except ValueError as fault:
        raise PlanFailed(f"{no_market}: its pool {pool} or oracle {oracle} gave {fault}") from fault
    if len(listing) > _MAX_RESERVES or len(set(listing)) != len(listing):
        raise PlanFailed(f"{no_market}: its list of reserves makes no sense")
    base_decimals = len(str(unit)) - 1
    if unit != 10**base_decimals:
        raise PlanFailed(f"{no_market}: its oracle counts in units of {unit}, which is no power of ten")
    tokens = listing if base == ZERO_ADDRESS else (*listing, base)
    details = yield from ask(
        {(SYMBOL, token): SYMBOL.at(token) for token in tokens}
        | {(GET_RESERVE_DATA, asset): GET_RESERVE_DATA.at(pool, asset) for asset in listing}
        | {(GET_SOURCE, asset): GET_SOURCE.at(oracle, asset) for asset in listing}
    )
    labels = _labels({token: details[SYMBOL, token] for token in tokens})
    reserves = [
        _reserve(asset, labels[asset], details[GET_RESERVE_DATA, asset], details[GET_SOURCE, asset])
        for asset in listing
    ]
    known = yield from probe(reserve.source for reserve in reserves)
    return Opened(
        ref=ref,
        pool=pool,
        oracle=oracle,
        rules=rules_for(revision),
        reserves={reserve.id: reserve for reserve in reserves},
        listing=listing,
        base_symbol="USD" if base == ZERO_ADDRESS else labels[base],
        base_decimals=base_decimals,
        prices=PriceBook(ref.chain_id, known, names),
        sequencer=sequencer,
    )


def _labels(found: Mapping[str, Result]) -> dict[str, str]:
    """Symbols that are safe to show; told apart by the end of the address where two tokens say the same."""
    labels: dict[str, str] = {}
    for token, result in found.items():
        try:
            labels[token] = clean(string_or_bytes32(result), _SYMBOL_LENGTH) or short_address(token)
        except ValueError:
            labels[token] = short_address(token)
    twice = {label for label, count in Counter(labels.values()).items() if count > 1}
    return {token: f"{label}·{token[-4:]}" if label in twice else label for token, label in labels.items()}


def _reserve(asset: str, symbol: str, data: Result, source: Result) -> Reserve:
    try:
        fields = words(data, RESERVE_WORDS)
        decimals = decode_config(fields[0]).decimals
        tokens = [as_address(word) for word in fields[8:11]]
        found = address(source)
    except ValueError as fault:
        raise PlanFailed(f"reserve {symbol} ({asset}) cannot be read: {fault}") from fault
    if decimals > _MAX_DECIMALS or fields[1] < RAY or ZERO_ADDRESS in (tokens[0], tokens[2]):
        raise PlanFailed(f"reserve {symbol} ({asset}) makes no sense: is this an Aave v3 pool?")
    return Reserve(Asset(asset, symbol, decimals), fields[7], 10**decimals, tokens[0], tokens[1], tokens[2], found)


def discover(opened: Opened, wallets: Sequence[str]) -> Plan[dict[str, frozenset[int]]]:
    """Wallets that hold something, each with the reserves where a balance is that its flags do not show.

    What could not be read counts as held, so that it shows as unreadable and not as nothing.
    """
    configs = yield from ask({wallet: GET_USER_CONFIGURATION.at(opened.pool, wallet) for wallet in wallets})
    flags = {wallet: uint(result) if ok(result) else None for wallet, result in configs.items()}
    balances = yield from ask(
        {
            (wallet, reserve.id): SCALED_BALANCE_OF.at(reserve.a_token, wallet)
            for wallet in wallets
            for reserve in opened.reserves.values()
            if not Account(flags[wallet] or 0, 0, (), None).uses(reserve.id)
        }
    )
    hints: dict[str, set[int]] = {wallet: set() for wallet in wallets if flags[wallet] != 0}
    for (wallet, reserve_id), result in balances.items():
        if not ok(result) or uint(result):
            hints.setdefault(wallet, set()).add(reserve_id)
    return {wallet: frozenset(ids) for wallet, ids in hints.items()}
