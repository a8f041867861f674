"""Opening a market of the Compound v2 family from its comptroller, and finding wallets in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Asset
from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.sources import MULTICALL3, USUAL_MULTICALL3
from liqtui.core.units import SECONDS_PER_YEAR
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.abi import Function, address, addresses, ask, known, ok, uint, words
from liqtui.protocols.compound_v2_abi import (
    BALANCE_OF,
    BORROW_CAPS,
    BORROW_RATE_PER_BLOCK,
    BORROW_RATE_PER_TIMESTAMP,
    CLOSE_FACTOR,
    COMPTROLLER_IMPLEMENTATION,
    DECIMALS,
    GET_ALL_MARKETS,
    GET_ASSETS_IN,
    GET_FEED,
    GET_TOKEN_CONFIG,
    GET_VAI_ADDRESS,
    IS_DEPRECATED,
    IS_FORCED,
    IS_FORCED_FOR_USER,
    LEAST_COLLATERAL,
    LIQUIDATOR_CONTRACT,
    MARKETS,
    ORACLE,
    PERIODS_PER_YEAR,
    SEIZE_SHARE,
    SUPPLY_CAPS,
    SUPPLY_RATE_PER_BLOCK,
    SUPPLY_RATE_PER_TIMESTAMP,
    SYMBOL,
    TOKEN_CONFIGS,
    UNDERLYING,
    VAI_CONTROLLER,
    with_text,
)
from liqtui.protocols.compound_v2_state import Opened, TokenInfo, Vai
from liqtui.protocols.naming import MOST_DECIMALS, labels_of, text_of
from liqtui.protocols.price_sources import ZERO_ADDRESS, PriceBook, probe, some_address
from liqtui.protocols.shipped import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.reads import Call, Plan, Result
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.feeds import FeedInfo

COIN = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
"""What Venus's oracles call the chain's own coin."""
BY_ACCOUNT_WORDS = 7
"""Length of markets(address) where factors may depend on the account (Venus core since its e-mode pools)."""
_COIN_DECIMALS = 18
_MAX_MARKETS = 256
_MAX_FEED_NAME = 32
_CAPS = (BORROW_CAPS, SUPPLY_CAPS)
_PER_BLOCK = (SUPPLY_RATE_PER_BLOCK, BORROW_RATE_PER_BLOCK)
_PER_SECOND = (SUPPLY_RATE_PER_TIMESTAMP, BORROW_RATE_PER_TIMESTAMP)


class _Named(NamedTuple):
    """A cToken and what it stands for."""

    token: str
    underlying: str
    """Empty for the chain's own coin."""
    symbol: str
    """As the contract says it, not cleaned; the oracle knows it by this."""


def open_market(ref: MarketRef, names: Mapping[str, FeedInfo]) -> Plan[Opened]:
    """All that stays the same from block to block. PlanFailed in words for what is no such market."""
    oracle, listing, vai, liquidator, implementation = yield from _comptroller(ref)
    second: dict[Any, Call] = {(each, of): of.at(each) for each in listing for of in (UNDERLYING, SYMBOL)}
    second |= {of: of.at(ref.entry, listing[0]) for of in (MARKETS, IS_DEPRECATED, IS_FORCED)}
    second[IS_FORCED_FOR_USER] = IS_FORCED_FOR_USER.at(ref.entry, ref.entry, listing[0])
    if vai:
        second[GET_VAI_ADDRESS] = GET_VAI_ADDRESS.at(vai)
    found = yield from ask(second)
    _told(ref.entry, found)
    named = [_named(each, found) for each in listing]
    token_of_vai = some_address(found[GET_VAI_ADDRESS]) if vai else ""
    tokens = {each.underlying for each in named if each.underlying} | ({token_of_vai} - {""})
    third: dict[Any, Call] = {(token, of): of.at(token) for token in sorted(tokens) for of in (SYMBOL, DECIMALS)}
    # apart from what is asked above: most cTokens refuse these, and a refusal without a word casts doubt on others
    refused = (BORROW_RATE_PER_TIMESTAMP, PERIODS_PER_YEAR, SEIZE_SHARE)
    third |= {(each, of): of.at(each) for each in listing for of in refused}
    third |= {of: of.at(ref.entry, listing[0]) for of in _CAPS}
    third[LEAST_COLLATERAL] = LEAST_COLLATERAL.at(ref.entry)
    third |= pauses.probes(ref.entry, listing[0])
    details = yield from ask(third)
    _told(ref.entry, details)
    named = [
        each._replace(symbol=text_of(details[each.underlying, SYMBOL])) if each.underlying else each for each in named
    ]
    sources = yield from _sources(oracle, named)
    probed = yield from probe(sources.values())
    assets = _assets(named, details)
    return Opened(
        ref=ref,
        oracle=oracle,
        tokens={
            each.token: TokenInfo(
                each.token,
                assets[each.token],
                sources.get(each.token, ZERO_ADDRESS),
                *_pace(ref, each.token, details),
                share=known(details[each.token, SEIZE_SHARE]),
            )
            for each in named
        },
        prices=PriceBook(ref.chain_id, probed, names),
        multicall=dict(ref.options).get(MULTICALL3, USUAL_MULTICALL3).lower(),
        forced=tuple(getter for getter in (IS_DEPRECATED, IS_FORCED) if ok(found[getter])),
        forced_by_account=ok(found[IS_FORCED_FOR_USER]),
        by_account=ok(found[MARKETS], BY_ACCOUNT_WORDS),
        vai=Vai(vai, Asset(token_of_vai, "VAI", _decimals(details, token_of_vai))) if token_of_vai else None,
        caps=tuple(getter for getter in _CAPS if ok(details[getter])),
        liquidator=liquidator,
        least=known(details[LEAST_COLLATERAL]),
        pauses=pauses.known(details),
        implementation=implementation,
        zero_caps=ok(found[IS_FORCED]),
    )


class _Comptroller(NamedTuple):
    """Addresses that a comptroller does not tell are empty."""

    oracle: str
    listing: tuple[str, ...]
    vai: str
    """The controller of VAI."""
    liquidator: str
    implementation: str


def _comptroller(ref: MarketRef) -> Plan[_Comptroller]:
    getters = (ORACLE, GET_ALL_MARKETS, CLOSE_FACTOR, VAI_CONTROLLER, LIQUIDATOR_CONTRACT, COMPTROLLER_IMPLEMENTATION)
    first = yield from ask({getter: getter.at(ref.entry) for getter in getters})
    _told(ref.entry, first)
    try:
        oracle, listing = address(first[ORACLE]), addresses(first[GET_ALL_MARKETS])
        uint(first[CLOSE_FACTOR])
    except ValueError as fault:
        said = f"oracle(), getAllMarkets() and closeFactorMantissa() gave {fault}"
        raise PlanFailed(f"{ref.entry} is not a comptroller of the Compound v2 family: {said}") from fault
    if not listing or len(listing) > _MAX_MARKETS or len(set(listing)) != len(listing):
        raise PlanFailed(
            f"{ref.entry} is not a comptroller of the Compound v2 family: its list of markets makes no sense"
        )
    rest = (VAI_CONTROLLER, LIQUIDATOR_CONTRACT, COMPTROLLER_IMPLEMENTATION)
    return _Comptroller(oracle, listing, *(some_address(first[getter]) for getter in rest))


def _told(entry: str, found: Mapping[Any, Result]) -> None:
    """A comptroller that refuses a getter lacks that rule. One that nobody could ask may have it: PlanFailed."""
    for getter, result in found.items():
        if isinstance(getter, Function) and isinstance(result, Failure) and result.kind == "unread":
            raise PlanFailed(f"comptroller {entry} cannot be read: {getter.signature} {result.kind}")


def _named(token: str, found: Mapping[Any, Result]) -> _Named:
    """A cToken without an underlying holds the chain's coin, which is named after it: cETH, vBNB, mGLMR.

    The first cETH takes the question for a payment of nothing and answers nothing.
    """
    said = found[token, UNDERLYING]
    if isinstance(said, Failure) and said.kind not in {"revert", "short"}:
        raise PlanFailed(f"market {token} cannot be read: {said.kind}")
    underlying = some_address(said)
    return _Named(token, underlying, "" if underlying else text_of(found[token, SYMBOL]))


def _decimals(details: Mapping[Any, Result], token: str) -> int:
    try:
        decimals = uint(details[token, DECIMALS])
    except ValueError as fault:
        raise PlanFailed(f"token {token} cannot be read: {fault}") from fault
    if decimals > MOST_DECIMALS:
        raise PlanFailed(f"token {token} makes no sense: {decimals} decimals")
    return decimals


def _assets(named: Iterable[_Named], details: Mapping[Any, Result]) -> dict[str, Asset]:
    """By cToken. One underlying that two of them hold is told apart by the cToken's address."""
    named = list(named)
    twice = {token for token, count in Counter(each.underlying for each in named).items() if count > 1}
    address_of = {each.token: each.token if each.underlying in twice | {""} else each.underlying for each in named}
    symbols = {
        address_of[each.token]: details[each.underlying, SYMBOL]
        if each.underlying
        else each.symbol[1:].encode().ljust(32, b"\0")
        for each in named
    }
    labels = labels_of(symbols)
    return {
        each.token: Asset(
            address_of[each.token],
            labels[address_of[each.token]],
            _decimals(details, each.underlying) if each.underlying else _COIN_DECIMALS,
        )
        for each in named
    }


def _sources(oracle: str, named: Iterable[_Named]) -> Plan[dict[str, str]]:
    """The feed that the oracle seems to ask for each cToken: by symbol (Moonwell), or by token (Venus)."""
    named = list(named)
    asks: dict[Any, Call] = {
        (each.token, GET_FEED): with_text(GET_FEED, oracle, each.symbol)
        for each in named
        if 0 < len(each.symbol.encode()) <= _MAX_FEED_NAME
    }
    asks |= {(each.token, GET_TOKEN_CONFIG): GET_TOKEN_CONFIG.at(oracle, each.underlying or COIN) for each in named}
    found = yield from ask(asks)
    sources = {
        token: feed for (token, of), result in found.items() if of is GET_FEED and (feed := some_address(result))
    }
    mains = {
        each: f"0x{words(found[each.token, GET_TOKEN_CONFIG], 2)[1] % 2**160:040x}"
        for each in named
        if each.token not in sources and ok(found[each.token, GET_TOKEN_CONFIG], 4)
    }
    if mains:
        said = yield from ask(
            {each.token: TOKEN_CONFIGS.at(main, each.underlying or COIN) for each, main in mains.items()}
        )
        sources |= {token: f"0x{words(result, 2)[1] % 2**160:040x}" for token, result in said.items() if ok(result, 3)}
    return sources


def _pace(ref: MarketRef, token: str, found: Mapping[Any, Result]) -> tuple[Any, int | None]:
    """Getters of the rates, and how many of their periods make a year."""
    told = found[token, PERIODS_PER_YEAR]
    if ok(told):
        return _PER_BLOCK, uint(told)
    if ok(found[token, BORROW_RATE_PER_TIMESTAMP]):
        return _PER_SECOND, SECONDS_PER_YEAR
    return _PER_BLOCK, deployment("compound-v2")["blocks_per_year"].get(str(ref.chain_id))


def glance(opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
    """Wallets that have entered a market. A supply in one that is not entered is only discovered."""
    found = yield from ask({wallet: GET_ASSETS_IN.at(opened.ref.entry, wallet) for wallet in wallets})
    return {wallet for wallet, result in found.items() if _entered(result)}


def discover(opened: Opened, wallets: Sequence[str]) -> Plan[dict[str, frozenset[str]]]:
    """Wallets that hold something, each with the cTokens that it holds without having entered their market.

    What could not be read counts as held, so that it shows as unreadable and not as nothing.
    """
    asks: dict[Any, Call] = {wallet: GET_ASSETS_IN.at(opened.ref.entry, wallet) for wallet in wallets}
    asks |= {(wallet, token): BALANCE_OF.at(token, wallet) for wallet in wallets for token in opened.tokens}
    found = yield from ask(asks)
    hints: dict[str, set[str]] = {}
    for wallet in wallets:
        entered = _entered(found[wallet])
        if entered is None or entered:
            hints[wallet] = set()
        for token in opened.tokens.keys() - (entered or set()):
            balance = found[wallet, token]
            if not ok(balance) or uint(balance):
                hints.setdefault(wallet, set()).add(token)
    return {wallet: frozenset(tokens) for wallet, tokens in hints.items()}


def _entered(result: Result) -> set[str] | None:
    try:
        return set(addresses(result))
    except ValueError:
        return None
