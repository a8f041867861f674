"""Opening an Aave v3 market from its addresses provider, and finding wallets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.model import Asset
from liqtui.core.reads import PlanFailed
from liqtui.core.units import RAY, WAD
from liqtui.protocols.aave_v3_abi import (
    BASE_CURRENCY,
    BASE_CURRENCY_UNIT,
    GET_POOL,
    GET_PRICE_ORACLE,
    GET_PRICE_ORACLE_SENTINEL,
    GET_RESERVE_DATA,
    GET_RESERVES_LIST,
    GET_SOURCE,
    GET_USER_ACCOUNT_DATA,
    GET_USER_CONFIGURATION,
    GET_USER_EMODE,
    POOL_REVISION,
    SCALED_BALANCE_OF,
    SYMBOL,
    WETH,
)
from liqtui.protocols.aave_v3_math import rules_for
from liqtui.protocols.aave_v3_state import Account, Dialect, Opened, Reserve, ReserveData, decode_config
from liqtui.protocols.abi import address, addresses, as_address, ask, ok, uint, words
from liqtui.protocols.naming import MOST_DECIMALS, labels_of
from liqtui.protocols.price_sources import ZERO_ADDRESS, PriceBook, probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.abi import Function
    from liqtui.protocols.feeds import FeedInfo

_RESERVE_WORDS = 15
_MAX_RESERVES = 128
_DOLLARS = "0x10f7fc1f91ba351f9c629c5947ad69bd03c05b96"
"""Aave v2's mark for dollars, no contract: its deployment scripts make it the base currency of a market in dollars."""


def reserve_data(result: Result) -> ReserveData:
    """The tuple of getReserveData, the same from 3.0 to 3.7. ValueError for what is none."""
    config, income, supply_rate, debt_index, borrow_rate, _, updated, number, *rest = words(result, _RESERVE_WORDS)
    a_token, stable, variable = map(as_address, rest[:3])
    return ReserveData(
        config, income, supply_rate, debt_index, borrow_rate, updated, number, a_token, stable, variable, rest[4]
    )


V3 = Dialect(
    title="an Aave v3",
    entry="PoolAddressesProvider",
    pool=GET_POOL,
    revision=POOL_REVISION,
    of_provider=(GET_POOL, GET_PRICE_ORACLE, GET_PRICE_ORACLE_SENTINEL),
    of_pool=(POOL_REVISION, GET_RESERVES_LIST),
    of_oracle=(BASE_CURRENCY, BASE_CURRENCY_UNIT),
    of_user=(GET_USER_ACCOUNT_DATA, GET_USER_CONFIGURATION, GET_USER_EMODE),
    reserve_data=reserve_data,
    rules=rules_for,
)


def open_market(
    ref: MarketRef, names: Mapping[str, FeedInfo], sequencer: str = "", dialect: Dialect = V3
) -> Plan[Opened]:
    """All that stays the same from block to block. PlanFailed in words for what is no such market."""
    no_market = f"{ref.entry} is not the {dialect.entry} of {dialect.title} market"
    found = yield from ask({getter: getter.at(ref.entry) for getter in (dialect.pool, GET_PRICE_ORACLE)})
    try:
        pool, oracle = address(found[dialect.pool]), address(found[GET_PRICE_ORACLE])
    except ValueError as fault:
        raise PlanFailed(f"{no_market}: {dialect.pool.signature} and getPriceOracle() gave {fault}") from fault
    if ZERO_ADDRESS in (pool, oracle):
        raise PlanFailed(f"{no_market}: it names no pool or no oracle")
    found = yield from ask(
        {getter: getter.at(pool) for getter in (dialect.revision, GET_RESERVES_LIST)}
        | {getter: getter.at(oracle) for getter in dialect.of_oracle}
    )
    try:
        revision = uint(found[dialect.revision])
        listing = addresses(found[GET_RESERVES_LIST])
        base, unit = _base(found)
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
    labels = labels_of({token: details[SYMBOL, token] for token in tokens})
    reserves = [
        _reserve(dialect, asset, labels[asset], details[GET_RESERVE_DATA, asset], details[GET_SOURCE, asset])
        for asset in listing
    ]
    known = yield from probe(reserve.source for reserve in reserves)
    return Opened(
        ref=ref,
        dialect=dialect,
        pool=pool,
        oracle=oracle,
        rules=dialect.rules(revision),
        reserves={reserve.id: reserve for reserve in reserves},
        listing=listing,
        base_symbol=_base_symbol(found, labels, base),
        base_decimals=base_decimals,
        base_asset=base,
        prices=PriceBook(ref.chain_id, known, names),
        sequencer=sequencer,
    )


def _base(found: Mapping[Function, Result]) -> tuple[str, int]:
    """What the oracle counts in: the token, zero address for dollars, and its unit.

    The first oracles of Aave v2 only know that they count in ether.
    """
    if WETH in found and ok(found[WETH]):
        return address(found[WETH]), WAD
    base = address(found[BASE_CURRENCY])
    return ZERO_ADDRESS if base == _DOLLARS else base, uint(found[BASE_CURRENCY_UNIT])


def _base_symbol(found: Mapping[Function, Result], labels: Mapping[str, str], base: str) -> str:
    if base == ZERO_ADDRESS:
        return "USD"
    return "ETH" if WETH in found and ok(found[WETH]) else labels[base]


def _reserve(dialect: Dialect, asset: str, symbol: str, data: Result, source: Result) -> Reserve:
    try:
        said, found = dialect.reserve_data(data), address(source)
    except ValueError as fault:
        raise PlanFailed(f"reserve {symbol} ({asset}) cannot be read: {fault}") from fault
    decimals = decode_config(said.config).decimals
    if decimals > MOST_DECIMALS or said.income < RAY or ZERO_ADDRESS in (said.a_token, said.variable_debt):
        raise PlanFailed(f"reserve {symbol} ({asset}) makes no sense: is this {dialect.title} pool?")
    return Reserve(
        asset=Asset(asset, symbol, decimals),
        id=said.id,
        unit=10**decimals,
        a_token=said.a_token,
        stable_debt=said.stable_debt,
        variable_debt=said.variable_debt,
        source=found,
    )


def glance(opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
    """Wallets with a flag set: any debt, and collateral that counts. A supply that does not is only discovered."""
    found = yield from ask({wallet: GET_USER_CONFIGURATION.at(opened.pool, wallet) for wallet in wallets})
    return {wallet for wallet, result in found.items() if ok(result) and uint(result)}


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
