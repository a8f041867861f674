"""What is read of a Compound v2 market every round: three steps, whatever the number of wallets.

First which markets each account is in. Then what is stored: balances, debts, factors, prices. Last, in a step of its
own because it writes (and forgets) the contracts' state, what interest makes of exchange rates and debts by this
block, and the comptroller's own liquidity after that. Each of these calls accrues for itself all that it needs, so
that neither their order nor how they are spread over requests matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from liqtui.core.model import Quote
from liqtui.core.units import BPS, MAX_UINT256, RAY, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.abi import WORD, address, addresses, ask_all, flag, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.compound_v2_abi import (
    ACCRUE_INTEREST,
    BORROW_BALANCE_CURRENT,
    BORROW_CAPS,
    CLOSE_FACTOR,
    COMPTROLLER_IMPLEMENTATION,
    EFFECTIVE_FACTOR,
    EFFECTIVE_INCENTIVE,
    EXCHANGE_RATE_CURRENT,
    GET_ACCOUNT_LIQUIDITY,
    GET_ACCOUNT_SNAPSHOT,
    GET_ALL_MARKETS,
    GET_ASSETS_IN,
    GET_CASH,
    GET_UNDERLYING_PRICE,
    GET_VAI_REPAY_AMOUNT,
    IS_FORCED_FOR_USER,
    LIQUIDATION_INCENTIVE,
    MARKETS,
    ORACLE,
    PROTOCOL_PAUSED,
    SEIZE_PAUSED,
    SUPPLY_CAPS,
    TOTAL_BORROWS,
    TOTAL_RESERVES,
    TOTAL_SUPPLY,
    USER_POOL,
    in_one,
    last_of,
)
from liqtui.protocols.compound_v2_book import rounding_of
from liqtui.protocols.compound_v2_open import BY_ACCOUNT_WORDS
from liqtui.protocols.compound_v2_state import Account, Holding, Market, Snapshot, TokenState
from liqtui.protocols.price_sources import ZERO_ADDRESS, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import Feed
    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.compound_v2_state import Opened, TokenInfo
    from liqtui.protocols.price_sources import PriceBook

VALUE_DECIMALS = 18
_SIZES = (GET_CASH, TOTAL_BORROWS, TOTAL_RESERVES, TOTAL_SUPPLY)
_OF_COMPTROLLER = (ORACLE, GET_ALL_MARKETS, CLOSE_FACTOR, LIQUIDATION_INCENTIVE)
_BY_FACTOR, _BY_THRESHOLD = 0, 1
"""WeightFunction of Venus."""
_ERRORS = {4: "COMPTROLLER_MISMATCH", 9: "MARKET_NOT_LISTED", 11: "MATH_ERROR", 13: "PRICE_ERROR", 15: "SNAPSHOT_ERROR"}
"""ComptrollerErrorReporter.Error."""


def refresh(opened: Opened, block: Block, hints: Mapping[str, frozenset[str]]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without a close factor."""
    entry = opened.ref.entry
    first: dict[Any, Call] = {getter: getter.at(entry) for getter in _OF_COMPTROLLER} | pauses.calls_of_all(opened)
    if opened.implementation:
        first[COMPTROLLER_IMPLEMENTATION] = COMPTROLLER_IMPLEMENTATION.at(entry)
    lists = [GET_ASSETS_IN.at(entry, wallet) for wallet in hints]
    lists += [USER_POOL.at(entry, wallet) for wallet in hints if opened.by_account]
    lists += [GET_VAI_REPAY_AMOUNT.at(opened.vai.controller, wallet) for wallet in hints if opened.vai]
    found, told = yield from ask_all(first, lists)
    close_factor, count = _close_factor(found[CLOSE_FACTOR]), len(hints)
    groups = told[count : 2 * count] if opened.by_account else [_NOTHING] * count
    debts = told[-count:] if opened.vai else [_NOTHING] * count
    owners = [
        _Owner(wallet, into := _entered(answer), _held(opened, into, hints[wallet]), vai, group)
        for wallet, answer, group, vai in zip(hints, told, groups, debts, strict=False)
    ]
    known = {token for owner in owners for token in owner.held}
    used = [info for token, info in opened.tokens.items() if token in known]

    prices = opened.prices.reads(info.source for info in used)
    second: dict[Any, Call] = dict(prices)
    for info in used:
        second |= _token_calls(opened, info)
    asked = [call for owner in owners for token in owner.held for call in _holding_calls(opened, token, owner.wallet)]
    answered, told = yield from ask_all(second, asked)
    found |= answered
    size, at = _holding_size(opened), 0
    for owner in owners:
        until = at + size * len(owner.held)
        owner.stored, at = [told[i : i + size] for i in range(at, until, size)], until

    third: dict[Any, Call] = {
        (info.address, EXCHANGE_RATE_CURRENT): EXCHANGE_RATE_CURRENT.at(info.address) for info in used
    }
    asked = [call for owner in owners for call in _accrued_calls(opened, owner)]
    answered, told = yield from ask_all(third, asked)
    found |= answered
    rest = iter(told)
    for owner in owners:
        owner.liquidity = next(rest)
        owner.owed = [next(rest) if _owes(stored[0]) else None for stored in owner.stored]

    book = opened.prices.at({key: found[key] for key in prices}, block.timestamp)
    errors: list[str] = []
    states: dict[str, TokenState] = {}
    for info in used:
        try:
            states[info.address] = _state(opened, info, found, book)
        except ValueError as fault:
            errors.append(f"market {info.asset.symbol} could not be read: {fault}")
    market = Market(
        states,
        close_factor,
        seize_paused=pauses.yes(found.get(SEIZE_PAUSED, b"")),
        paused=pauses.yes(found.get(PROTOCOL_PAUSED, b"")),
    )
    accounts = {owner.wallet: _account(opened, market, owner) for owner in owners}
    whole = {wallet: account for wallet, account in accounts.items() if isinstance(account, Account)}
    market = replace(market, rounding=rounding_of(opened, market, whole))
    return Reading(market, accounts, _feeds(market), _changed(opened, found), tuple(errors))


def _close_factor(result: Result) -> int:
    try:
        return uint(result)
    except ValueError as fault:
        raise ValueError(f"the comptroller tells no close factor: {fault}") from fault


@dataclass(slots=True)
class _Owner:
    """An account, and what was read of it so far."""

    wallet: str
    entered: tuple[str, ...] | ValueError
    held: tuple[str, ...]
    vai: Result
    group: Result
    stored: list[list[Result]] = field(default_factory=list[list["Result"]])
    """For each cToken held, the answers of `_holding_calls`."""
    owed: list[Result | None] = field(default_factory=list["Result | None"])
    """For each cToken held, its debt with interest; None where nothing is owed."""
    liquidity: Result = b""


_NOTHING = bytes(32)


def _accrued_calls(opened: Opened, owner: _Owner) -> list[Call]:
    calls = [_liquidity(opened.multicall, opened.ref.entry, owner.wallet, owner.entered)]
    calls += [
        BORROW_BALANCE_CURRENT.at(token, owner.wallet)
        for token, stored in zip(owner.held, owner.stored, strict=True)
        if _owes(stored[0])
    ]
    return calls


def _liquidity(multicall: str, entry: str, wallet: str, entered: tuple[str, ...] | ValueError) -> Call:
    """The comptroller's own word after all markets of the account have accrued."""
    return _liquidity_after(multicall, entry, wallet, () if isinstance(entered, ValueError) else entered)


@lru_cache(maxsize=4096)
def _liquidity_after(multicall: str, entry: str, wallet: str, entered: tuple[str, ...]) -> Call:
    return in_one(multicall, [*map(ACCRUE_INTEREST.at, entered), GET_ACCOUNT_LIQUIDITY.at(entry, wallet)])


def _owes(snapshot: Result) -> bool:
    return ok(snapshot, 4) and any(snapshot[2 * WORD : 3 * WORD])


def _entered(result: Result) -> tuple[str, ...] | ValueError:
    try:
        return addresses(result)
    except ValueError as fault:
        return ValueError(f"the comptroller did not tell which markets the account is in: {fault}")


def _held(opened: Opened, entered: tuple[str, ...] | ValueError, hints: Iterable[str]) -> tuple[str, ...]:
    """Known cTokens in the order in which the account entered their markets, then the rest."""
    if isinstance(entered, ValueError):
        return ()
    return tuple(token for token in dict.fromkeys((*entered, *sorted(hints))) if token in opened.tokens)


def _token_calls(opened: Opened, info: TokenInfo) -> dict[Any, Call]:
    entry, token = opened.ref.entry, info.address
    calls: dict[Any, Call] = {
        (token, getter): getter.at(entry, token) for getter in (MARKETS, *opened.forced, *opened.caps)
    }
    calls |= {(token, getter): getter.at(token) for getter in (*_SIZES, *info.rates)}
    calls[token, GET_UNDERLYING_PRICE] = GET_UNDERLYING_PRICE.at(opened.oracle, token)
    return calls | pauses.calls_of(opened, token)


def _holding_calls(opened: Opened, token: str, wallet: str) -> list[Call]:
    """Taken apart by `_holding`, by place."""
    entry = opened.ref.entry
    calls = [GET_ACCOUNT_SNAPSHOT.at(token, wallet)]
    if opened.by_account:
        calls += [EFFECTIVE_FACTOR.at(entry, wallet, token, kind) for kind in (_BY_FACTOR, _BY_THRESHOLD)]
        calls.append(EFFECTIVE_INCENTIVE.at(entry, wallet, token))
    if opened.forced_by_account:
        calls.append(IS_FORCED_FOR_USER.at(entry, wallet, token))
    return calls


def _holding_size(opened: Opened) -> int:
    return 1 + 3 * opened.by_account + opened.forced_by_account


def _state(opened: Opened, info: TokenInfo, found: Mapping[Any, Result], prices: PriceBook) -> TokenState:
    """ValueError where the comptroller's own data of it are missing; anything else missing is None."""
    token = info.address
    factor, weight, incentive = _factors(found[token, MARKETS], found[LIQUIDATION_INCENTIVE])
    price = _known(found[token, GET_UNDERLYING_PRICE]) or None
    quote = _quote(info, price, prices)
    supply, borrow = (_yearly(found[token, getter], info.periods) for getter in info.rates)
    forced = any(flag(found[token, getter]) for getter in opened.forced)
    cash, lent, kept, issued = (_known(found[token, getter]) for getter in _SIZES)
    rate = _known(found[token, EXCHANGE_RATE_CURRENT]) or None
    supplied = None if issued is None or rate is None else issued * rate // WAD
    notes = (*quote.notes, *(() if info.periods else ("yearly rates not known",)))
    supply_cap, borrow_cap = (_cap(opened, getter, token, found) for getter in (SUPPLY_CAPS, BORROW_CAPS))
    return TokenState(
        info=info,
        factor=factor,
        weight=weight,
        incentive=incentive,
        price=price,
        rate=rate,
        cash=cash,
        supply_rate=supply,
        borrow_rate=borrow,
        quote=quote,
        feeds=prices.feeds(quote),
        forced=forced,
        notes=notes,
        utilization=_utilization(cash, lent, kept),
        supply_cap=supply_cap,
        borrow_cap=borrow_cap,
        supply_room=_room(supply_cap, supplied),
        borrow_room=_room(borrow_cap, lent),
        paused=pauses.paused(token, found),
    )


def _utilization(cash: int | None, lent: int | None, kept: int | None) -> int | None:
    """As the rate models count it: debts ÷ (cash + debts − reserves), basis points."""
    if cash is None or lent is None or kept is None:
        return None
    total = cash + lent - kept
    return 0 if not lent else lent * BPS // total if total > 0 else None


def _cap(opened: Opened, getter: Function, token: str, found: Mapping[Any, Result]) -> int | None:
    """A cap of 0 is none in Compound and Moonwell, and a closed market in Venus."""
    cap = _known(found[token, getter]) if getter in opened.caps else None
    return None if cap == MAX_UINT256 or (cap == 0 and not opened.zero_caps) else cap


def _room(cap: int | None, used: int | None) -> int | None:
    """What the cap leaves."""
    return None if cap is None or used is None else max(0, cap - used)


def _factors(said: Result, incentive: Result) -> tuple[int, int, int]:
    """Collateral factor, weight in a liquidation, incentive; by the length of what markets(address) answers.

    Compound: listed, factor, a flag. Venus's isolated pools: listed, factor, threshold. Venus core: listed, factor,
    a flag, threshold, incentive, pool, a flag.
    """
    if ok(said, BY_ACCOUNT_WORDS):
        _, factor, _, threshold, own = words(said, 5)
        return factor, threshold, own
    factor = words(said, 2)[1]
    third = words(said, 3)[2] if ok(said, 3) else 0
    return factor, third if third > 1 else factor, uint(incentive)


def _quote(info: TokenInfo, price: int | None, prices: PriceBook) -> Quote:
    """The price of one whole token in dollars of 18 decimals: from the feed where that gives it, else for itself."""
    asset, shown = info.asset, None if price is None else price * 10**info.asset.decimals // WAD
    feed = prices.sources.get(info.source)
    if feed is not None and feed.decimals is not None:
        found = Quote(
            asset.address,
            info.source,
            shown,
            VALUE_DECIMALS,
            prices.factor(info.source),
            answer=prices.numbers.get(info.source, Numbers()).answer,
            answer_decimals=feed.decimals,
            feed=info.source,
        )
        if found.proven:
            return found
    return prices.quote(asset, ZERO_ADDRESS, shown, VALUE_DECIMALS)


def _yearly(result: Result, periods: int | None) -> int:
    return (_known(result) or 0) * (periods or 0) * (RAY // WAD)


def _known(result: Result) -> int | None:
    return uint(result) if ok(result) else None


def _account(opened: Opened, market: Market, owner: _Owner) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known."""
    entered = owner.entered
    if isinstance(entered, ValueError):
        return entered
    if not opened.tokens.keys() >= set(entered):
        return ValueError("it is in a market that was listed after this one was opened")
    try:
        holdings = tuple(
            [
                _holding(opened, market, token, stored, owed, entered=token in entered)
                for token, stored, owed in zip(owner.held, owner.stored, owner.owed, strict=True)
            ]
        )
        vai = uint(owner.vai)
    except ValueError as fault:
        return fault
    said, group = last_of(owner.liquidity), _known(owner.group) or 0
    if not ok(said, 3):
        return Account(holdings, None, "it does not answer", vai, group)
    error, liquidity, shortfall = words(said, 3)
    if error:
        return Account(holdings, None, f"it answers error {error} {_ERRORS.get(error, '')}".strip(), vai, group)
    return Account(holdings, (liquidity, shortfall), "", vai, group)


def _holding(
    opened: Opened, market: Market, token: str, stored: list[Result], accrued: Result | None, *, entered: bool
) -> Holding:
    if token not in market.tokens:
        raise ValueError(f"its market {token} could not be read")
    symbol = market.tokens[token].info.asset.symbol
    try:
        error, tokens, owed, rate = words(stored[0], 4)
    except ValueError as fault:
        raise ValueError(f"its {symbol} could not be read: {fault}") from fault
    if error:
        raise ValueError(f"its {symbol} could not be read: error {error}")
    if not rate:
        raise ValueError(f"its {symbol} makes no sense: an exchange rate of zero")
    now = 0 if accrued is None else _known(accrued)
    if len(stored) == 1:
        return Holding(token, Snapshot(tokens, owed, rate), now, entered)
    factor, weight, incentive = map(_known, stored[1:4]) if opened.by_account else (None, None, None)
    forced = flag(stored[-1]) if opened.forced_by_account else False
    return Holding(token, Snapshot(tokens, owed, rate), now, entered, factor, weight, incentive, forced)


def _changed(opened: Opened, found: Mapping[Any, Result]) -> bool:
    """Whether the contracts are no longer those that were opened. What did not answer is no change."""
    oracle, listing = found[ORACLE], found[GET_ALL_MARKETS]
    behind = found.get(COMPTROLLER_IMPLEMENTATION, b"")
    if (ok(oracle) and address(oracle) != opened.oracle) or (ok(behind) and address(behind) != opened.implementation):
        return True
    return ok(listing, 2) and addresses(listing) != tuple(opened.tokens)


def _feeds(market: Market) -> tuple[Feed, ...]:
    feeds = {feed.address: feed for state in market.tokens.values() for feed in state.feeds}
    return tuple(feeds.values())
