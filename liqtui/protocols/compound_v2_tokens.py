"""The cTokens of a Compound v2 market at one block: which calls, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.core.model import Quote
from liqtui.core.units import BPS, MAX_UINT256, RAY, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.abi import flag, known, ok, uint, words
from liqtui.protocols.compound_v2_abi import (
    BORROW_CAPS,
    EXCHANGE_RATE_CURRENT,
    GET_CASH,
    GET_UNDERLYING_PRICE,
    LIQUIDATION_INCENTIVE,
    MARKETS,
    SUPPLY_CAPS,
    TOTAL_BORROWS,
    TOTAL_RESERVES,
    TOTAL_SUPPLY,
)
from liqtui.protocols.compound_v2_open import BY_ACCOUNT_WORDS
from liqtui.protocols.compound_v2_state import TokenState
from liqtui.protocols.price_sources import ZERO_ADDRESS, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.reads import Call, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.compound_v2_state import Opened, TokenInfo
    from liqtui.protocols.price_sources import PriceBook

VALUE_DECIMALS = 18
_SIZES = (GET_CASH, TOTAL_BORROWS, TOTAL_RESERVES, TOTAL_SUPPLY)


def token_calls(opened: Opened, info: TokenInfo) -> dict[Any, Call]:
    """By (cToken, getter or action)."""
    entry, token = opened.ref.entry, info.address
    calls: dict[Any, Call] = {
        (token, getter): getter.at(entry, token) for getter in (MARKETS, *opened.forced, *opened.caps)
    }
    calls |= {(token, getter): getter.at(token) for getter in (*_SIZES, *info.rates)}
    calls[token, GET_UNDERLYING_PRICE] = GET_UNDERLYING_PRICE.at(opened.oracle, token)
    return calls | pauses.calls_of(opened, token)


def token_state(opened: Opened, info: TokenInfo, found: Mapping[Any, Result], prices: PriceBook) -> TokenState:
    """ValueError where the comptroller's own data of it are missing; anything else missing is None."""
    token = info.address
    factor, weight, incentive = _factors(found[token, MARKETS], found[LIQUIDATION_INCENTIVE])
    price = known(found[token, GET_UNDERLYING_PRICE]) or None
    quote = _quote(info, price, prices)
    supply, borrow = (_yearly(found[token, getter], info.periods) for getter in info.rates)
    forced = any(flag(found[token, getter]) for getter in opened.forced)
    cash, lent, kept, issued = (known(found[token, getter]) for getter in _SIZES)
    rate = known(found[token, EXCHANGE_RATE_CURRENT]) or None
    supplied = None if issued is None or rate is None else issued * rate // WAD
    notes = (*quote.notes, *(("yearly rates not known",) if None in (supply, borrow) else ()))
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
    cap = known(found[token, getter]) if getter in opened.caps else None
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


def _yearly(result: Result, periods: int | None) -> int | None:
    """Ray; None where the rate of a period, or how many of them make a year, is not known."""
    rate = known(result)
    return None if rate is None or not periods else rate * periods * (RAY // WAD)
