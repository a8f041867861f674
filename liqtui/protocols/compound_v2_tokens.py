"""The cTokens of a Compound v2 market at one block: which calls, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Quote
from liqtui.core.units import BPS, MAX_UINT256, RAY, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.abi import flag, known, ok, uint, words
from liqtui.protocols.compound_v2_abi import (
    ACCRUE_INTEREST,
    BAD_DEBT,
    BORROW_CAPS,
    EXCHANGE_RATE_CURRENT,
    GET_CASH,
    GET_UNDERLYING_PRICE,
    LIQUIDATION_INCENTIVE,
    MARKETS,
    SUPPLY_CAPS,
    TOTAL_BORROWS,
    TOTAL_BORROWS_CURRENT,
    TOTAL_RESERVES,
    TOTAL_SUPPLY,
    in_one,
    last_of,
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
_KEPT_NOW = "reserves with interest"
_SIZES = (GET_CASH, TOTAL_BORROWS, TOTAL_RESERVES, TOTAL_SUPPLY)


def token_calls(opened: Opened, info: TokenInfo) -> dict[Any, Call]:
    """By (cToken, getter or action)."""
    entry, token = opened.ref.entry, info.address
    calls: dict[Any, Call] = {
        (token, getter): getter.at(entry, token) for getter in (MARKETS, *opened.forced, *opened.caps)
    }
    calls |= {(token, getter): getter.at(token) for getter in (*_SIZES, *info.rates)}
    calls[token, GET_UNDERLYING_PRICE] = GET_UNDERLYING_PRICE.at(opened.oracle, token)
    if opened.least is not None:
        calls[token, BAD_DEBT] = BAD_DEBT.at(token)
    return calls | pauses.calls_of(opened, token)


def accrued_calls(opened: Opened, info: TokenInfo, found: Mapping[Any, Result]) -> dict[Any, Call]:
    """What is asked with interest up to the block, by (cToken, getter or what it means). `found`: of `token_calls`."""
    token, exact = info.address, False
    calls: dict[Any, Call] = {(token, EXCHANGE_RATE_CURRENT): EXCHANGE_RATE_CURRENT.at(token)}
    if not opened.zero_caps:
        exact = _cap(opened, SUPPLY_CAPS, token, found) is not None
    if exact or _cap(opened, BORROW_CAPS, token, found) is not None:
        calls[token, TOTAL_BORROWS_CURRENT] = TOTAL_BORROWS_CURRENT.at(token)
    if exact or opened.least is not None:
        calls[token, _KEPT_NOW] = in_one(opened.multicall, [ACCRUE_INTEREST.at(token), TOTAL_RESERVES.at(token)])
    return calls


def token_state(opened: Opened, info: TokenInfo, found: Mapping[Any, Result], prices: PriceBook) -> TokenState:
    """ValueError where the comptroller's own data of it are missing; anything else missing is None."""
    token = info.address
    factor, weight, incentive = _factors(found[token, MARKETS], found[LIQUIDATION_INCENTIVE])
    price = known(found[token, GET_UNDERLYING_PRICE]) or None
    quote = _quote(info, price, prices)
    supply, borrow = (_yearly(found[token, getter], info.periods) for getter in info.rates)
    forced = any(flag(found[token, getter]) for getter in opened.forced)
    sizes, rate = _sizes_of(token, found), known(found[token, EXCHANGE_RATE_CURRENT]) or None
    notes = (*quote.notes, *(("yearly rates not known",) if None in (supply, borrow) else ()))
    supply_cap, borrow_cap = (_cap(opened, getter, token, found) for getter in (SUPPLY_CAPS, BORROW_CAPS))
    return TokenState(
        info=info,
        factor=factor,
        weight=weight,
        incentive=incentive,
        price=price,
        rate=rate,
        cash=sizes.free(isolated=opened.least is not None),
        supply_rate=supply,
        borrow_rate=borrow,
        quote=quote,
        feeds=prices.feeds(quote),
        forced=forced,
        notes=notes,
        utilization=sizes.utilization,
        supply_cap=supply_cap,
        borrow_cap=borrow_cap,
        supply_room=_room(opened, supply_cap, sizes.supplied(rate, exact=not opened.zero_caps)),
        borrow_room=_room(opened, borrow_cap, sizes.borrowed),
        paused=pauses.paused(token, found),
    )


class _Sizes(NamedTuple):
    """Of one cToken, raw underlying units; None where it is not known, or was not asked."""

    cash: int | None
    lent: int | None
    """As of its last accrual, as are `kept` and `issued`."""
    kept: int | None
    """Reserves."""
    issued: int | None
    """cTokens."""
    bad: int | None
    """Debt that was written off and counts as lent (Venus's isolated pools)."""
    lent_now: int | None
    """With interest up to the block."""
    kept_now: int | None

    @property
    def utilization(self) -> int | None:
        """As the rate models count it: debts ÷ (cash + debts − reserves), basis points."""
        cash, lent, kept, _, bad, _, _ = self
        if cash is None or lent is None or kept is None or bad is None:
            return None
        total = cash + lent + bad - kept
        return 0 if not lent + bad else (lent + bad) * BPS // total if total > 0 else None

    def free(self, *, isolated: bool) -> int | None:
        """What can be withdrawn or borrowed: Venus's isolated pools do not give their reserves away."""
        if not isolated or self.cash is None:
            return self.cash
        return None if self.kept_now is None else max(0, self.cash - self.kept_now)

    def supplied(self, rate: int | None, *, exact: bool) -> int | None:
        """What counts against a supply cap: what cTokens are worth, or (Moonwell, `exact`) cash + debts − reserves."""
        if not exact:
            return None if self.issued is None or rate is None else self.issued * rate // WAD
        if self.cash is None or self.lent_now is None or self.kept_now is None:
            return None
        return self.cash + self.lent_now - self.kept_now

    @property
    def borrowed(self) -> int | None:
        """What counts against a borrow cap."""
        return None if self.lent_now is None or self.bad is None else self.lent_now + self.bad


def _sizes_of(token: str, found: Mapping[Any, Result]) -> _Sizes:
    cash, lent, kept, issued = (known(found[token, getter]) for getter in _SIZES)
    bad = known(found[token, BAD_DEBT]) if (token, BAD_DEBT) in found else 0
    lent_now = known(found.get((token, TOTAL_BORROWS_CURRENT), b""))
    return _Sizes(cash, lent, kept, issued, bad, lent_now, known(last_of(found.get((token, _KEPT_NOW), b""))))


def _cap(opened: Opened, getter: Function, token: str, found: Mapping[Any, Result]) -> int | None:
    """A cap of 0 is none in Compound and Moonwell, and a closed market in Venus."""
    cap = known(found[token, getter]) if getter in opened.caps else None
    return None if cap == MAX_UINT256 or (cap == 0 and not opened.zero_caps) else cap


def _room(opened: Opened, cap: int | None, used: int | None) -> int | None:
    """What the cap leaves: a total that reaches it is refused by Compound and Moonwell, not by Venus."""
    return None if cap is None or used is None else max(0, cap - used - (not opened.zero_caps))


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
