"""What is read of a Compound v2 market every round: three steps, whatever the number of wallets.

First which markets each account is in. Then what is stored: balances, debts, factors, prices. Last, in a step of its
own because it writes (and forgets) the contracts' state, what interest makes of exchange rates and debts by this
block, and the comptroller's own liquidity after that. Each of these calls accrues for itself all that it needs, so
that neither their order nor how they are spread over requests matters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from liqtui.core.model import Quote
from liqtui.core.units import BPS, MAX_UINT256, RAY, WAD
from liqtui.protocols.abi import address, addresses, ask, flag, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.compound_v2_abi import (
    ACCRUE_INTEREST,
    BORROW_BALANCE_CURRENT,
    BORROW_CAPS,
    CLOSE_FACTOR,
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
    IS_FORCED,
    IS_FORCED_FOR_USER,
    LIQUIDATION_INCENTIVE,
    MARKETS,
    ORACLE,
    SEIZE_PAUSED,
    SUPPLY_CAPS,
    TOTAL_BORROWS,
    TOTAL_RESERVES,
    TOTAL_SUPPLY,
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
_OF_COMPTROLLER = (ORACLE, GET_ALL_MARKETS, CLOSE_FACTOR, LIQUIDATION_INCENTIVE, SEIZE_PAUSED)
_BY_FACTOR, _BY_THRESHOLD = 0, 1
"""WeightFunction of Venus."""
_ERRORS = {4: "COMPTROLLER_MISMATCH", 9: "MARKET_NOT_LISTED", 11: "MATH_ERROR", 13: "PRICE_ERROR", 15: "SNAPSHOT_ERROR"}
"""ComptrollerErrorReporter.Error."""


def refresh(opened: Opened, block: Block, hints: Mapping[str, frozenset[str]]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without a close factor."""
    entry = opened.ref.entry
    first: dict[Any, Call] = {getter: getter.at(entry) for getter in _OF_COMPTROLLER}
    for wallet in hints:
        first[wallet, GET_ASSETS_IN] = GET_ASSETS_IN.at(entry, wallet)
        if opened.vai:
            first[wallet, GET_VAI_REPAY_AMOUNT] = GET_VAI_REPAY_AMOUNT.at(opened.vai.controller, wallet)
    found = yield from ask(first)
    close_factor = uint(found[CLOSE_FACTOR])
    entered = {wallet: _entered(found[wallet, GET_ASSETS_IN]) for wallet in hints}
    held = {wallet: _held(opened, into, hints[wallet]) for wallet, into in entered.items()}
    used = [info for token, info in opened.tokens.items() if any(token in tokens for tokens in held.values())]

    prices = opened.prices.reads(info.source for info in used)
    second: dict[Any, Call] = dict(prices)
    for info in used:
        second |= _token_calls(opened, info)
    for wallet, tokens in held.items():
        for token in tokens:
            second |= _holding_calls(opened, token, wallet)
    found |= yield from ask(second)

    third: dict[Any, Call] = {
        (info.address, EXCHANGE_RATE_CURRENT): EXCHANGE_RATE_CURRENT.at(info.address) for info in used
    }
    for wallet, tokens in held.items():
        third[wallet, GET_ACCOUNT_LIQUIDITY] = _liquidity(opened, wallet, entered[wallet])
        for token in tokens:
            if _owes(found[wallet, token, GET_ACCOUNT_SNAPSHOT]):
                third[wallet, token, BORROW_BALANCE_CURRENT] = BORROW_BALANCE_CURRENT.at(token, wallet)
    found |= yield from ask(third)

    book = opened.prices.at({key: found[key] for key in prices}, block.timestamp)
    errors: list[str] = []
    states: dict[str, TokenState] = {}
    for info in used:
        try:
            states[info.address] = _state(opened, info, found, book)
        except ValueError as fault:
            errors.append(f"market {info.asset.symbol} could not be read: {fault}")
    market = Market(states, close_factor, seize_paused=_yes(found[SEIZE_PAUSED]))
    accounts = {wallet: _account(opened, market, wallet, (entered[wallet], held[wallet]), found) for wallet in hints}
    whole = [account for account in accounts.values() if isinstance(account, Account)]
    market = replace(market, rounding=rounding_of(opened, market, whole))
    return Reading(market, accounts, _feeds(market), _changed(opened, found), tuple(errors))


def _liquidity(opened: Opened, wallet: str, entered: tuple[str, ...] | ValueError) -> Call:
    """The comptroller's own word after all markets of the account have accrued."""
    accruals = [] if isinstance(entered, ValueError) else [ACCRUE_INTEREST.at(token) for token in entered]
    return in_one(opened.multicall, [*accruals, GET_ACCOUNT_LIQUIDITY.at(opened.ref.entry, wallet)])


def _owes(snapshot: Result) -> bool:
    return ok(snapshot, 4) and words(snapshot, 3)[2] > 0


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
    return calls


def _holding_calls(opened: Opened, token: str, wallet: str) -> dict[Any, Call]:
    entry = opened.ref.entry
    calls: dict[Any, Call] = {(wallet, token, GET_ACCOUNT_SNAPSHOT): GET_ACCOUNT_SNAPSHOT.at(token, wallet)}
    if IS_FORCED in opened.forced:
        calls[wallet, token, IS_FORCED_FOR_USER] = IS_FORCED_FOR_USER.at(entry, wallet, token)
    if opened.by_account:
        for kind in (_BY_FACTOR, _BY_THRESHOLD):
            calls[wallet, token, kind] = EFFECTIVE_FACTOR.at(entry, wallet, token, kind)
        calls[wallet, token, EFFECTIVE_INCENTIVE] = EFFECTIVE_INCENTIVE.at(entry, wallet, token)
    return calls


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
        supply_room=_room(opened, SUPPLY_CAPS, token, supplied, found),
        borrow_room=_room(opened, BORROW_CAPS, token, lent, found),
    )


def _utilization(cash: int | None, lent: int | None, kept: int | None) -> int | None:
    """As the rate models count it: debts ÷ (cash + debts − reserves), basis points."""
    if cash is None or lent is None or kept is None:
        return None
    total = cash + lent - kept
    return 0 if not lent else lent * BPS // total if total > 0 else None


def _room(opened: Opened, getter: Function, token: str, used: int | None, found: Mapping[Any, Result]) -> int | None:
    """What the cap leaves. A cap of 0 is none in Compound and a closed market in Venus: not told."""
    cap = _known(found[token, getter]) if getter in opened.caps else None
    return max(0, cap - used) if used is not None and cap and cap < MAX_UINT256 else None


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


def _yes(result: Result) -> bool:
    """A flag that not all comptrollers have."""
    try:
        return flag(result)
    except ValueError:
        return False


def _account(
    opened: Opened,
    market: Market,
    wallet: str,
    tokens: tuple[tuple[str, ...] | ValueError, tuple[str, ...]],
    found: Mapping[Any, Result],
) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known. `tokens`: entered, and all held."""
    entered, held = tokens
    if isinstance(entered, ValueError):
        return entered
    if set(entered) - opened.tokens.keys():
        return ValueError("it is in a market that was listed after this one was opened")
    try:
        holdings = tuple(_holding(opened, market, token, wallet, found, entered=token in entered) for token in held)
        vai = uint(found[wallet, GET_VAI_REPAY_AMOUNT]) if opened.vai else 0
    except ValueError as fault:
        return fault
    said = last_of(found[wallet, GET_ACCOUNT_LIQUIDITY])
    if not ok(said, 3):
        return Account(holdings, None, "it does not answer", vai)
    error, liquidity, shortfall = words(said, 3)
    if error:
        return Account(holdings, None, f"it answers error {error} {_ERRORS.get(error, '')}".strip(), vai)
    return Account(holdings, (liquidity, shortfall), "", vai)


def _holding(
    opened: Opened, market: Market, token: str, wallet: str, found: Mapping[Any, Result], *, entered: bool
) -> Holding:
    if token not in market.tokens:
        raise ValueError(f"its market {token} could not be read")
    symbol = market.tokens[token].info.asset.symbol
    try:
        error, tokens, owed, rate = words(found[wallet, token, GET_ACCOUNT_SNAPSHOT], 4)
    except ValueError as fault:
        raise ValueError(f"its {symbol} could not be read: {fault}") from fault
    if error:
        raise ValueError(f"its {symbol} could not be read: error {error}")
    if not rate:
        raise ValueError(f"its {symbol} makes no sense: an exchange rate of zero")

    def own(key: Any) -> int | None:
        return _known(found[wallet, token, key]) if (wallet, token, key) in found else None

    return Holding(
        token,
        Snapshot(tokens, owed, rate),
        owed=own(BORROW_BALANCE_CURRENT) if owed else 0,
        entered=entered,
        factor=own(_BY_FACTOR),
        weight=own(_BY_THRESHOLD),
        incentive=own(EFFECTIVE_INCENTIVE),
        forced=flag(found[wallet, token, IS_FORCED_FOR_USER]) if IS_FORCED in opened.forced else False,
    )


def _changed(opened: Opened, found: Mapping[Any, Result]) -> bool:
    """Whether the contracts are no longer those that were opened. What did not answer is no change."""
    oracle, listing = found[ORACLE], found[GET_ALL_MARKETS]
    if ok(oracle) and address(oracle) != opened.oracle:
        return True
    return ok(listing, 2) and addresses(listing) != tuple(opened.tokens)


def _feeds(market: Market) -> tuple[Feed, ...]:
    feeds = {feed.address: feed for state in market.tokens.values() for feed in state.feeds}
    return tuple(feeds.values())
