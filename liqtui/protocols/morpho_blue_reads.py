"""What is read of Morpho Blue every round: two steps, whatever the number of wallets and markets.

First positions, totals, prices and who has authorised which pre-liquidation contract. Then, with the totals, the
interest rate; and for every debt the contract's own word on whether it can be liquidated: a `liquidate` that asks for
more collateral than there can be. It always reverts, at the health check where the position is healthy and after it
where it is not. Likewise a `preLiquidate` of each contract that is authorised.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from liqtui.core.reads import Failure
from liqtui.core.text import clean
from liqtui.core.units import MAX_UINT256
from liqtui.protocols.abi import ask, flag, ok, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.figures import fed_by
from liqtui.protocols.morpho_blue_abi import (
    BORROW_RATE_VIEW,
    IS_AUTHORIZED,
    LIQUIDATE,
    MARKET,
    NOT_PRE_LIQUIDATABLE,
    PAST_PRE_LIQUIDATION,
    POSITION,
    PRE_LIQUIDATE,
    PRICE,
)
from liqtui.protocols.morpho_blue_early import getters_of, proven, unasked
from liqtui.protocols.morpho_blue_math import Totals, accrue
from liqtui.protocols.morpho_blue_oracle import feeds_of, price_calls, pricing
from liqtui.protocols.morpho_blue_state import Account, Armed, Holding, Market, MarketState, Stored
from liqtui.protocols.price_sources import ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.morpho_blue_state import MarketInfo, Opened, PreLiquidation
    from liqtui.protocols.price_sources import PriceBook

_ERROR = bytes.fromhex("08c379a0")
_PANIC_OVERFLOW = bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big")
HEALTHY = "position is healthy"
"""ErrorsLib.HEALTHY_POSITION."""
TOO_MUCH = "max uint128 exceeded"
"""ErrorsLib.MAX_UINT128_EXCEEDED: where a price of 0 lets the amount come past the multiplication."""


def refresh(opened: Opened, block: Block, hints: Mapping[str, tuple[str, ...]]) -> Plan[Reading]:
    """The hinted markets and the accounts in them at the block."""
    used = {market: opened.markets[market] for ids in hints.values() for market in ids}
    feeds = opened.prices.reads(feed for info in used.values() for feed in feeds_of(info))
    first: dict[Any, Call] = dict(feeds)
    for market, info in used.items():
        first |= price_calls(info)
        first[market, MARKET] = MARKET.at(opened.ref.entry, info.number)
    early = [terms for terms in opened.early if terms.market in used]
    first |= {(terms.oracle, PRICE): PRICE.at(terms.oracle) for terms in early} | getters_of(opened.unsure)
    numbers = {market: info.number for market, info in used.items()}
    for wallet, ids in hints.items():
        for market in ids:
            first[wallet, market] = POSITION.at(opened.ref.entry, numbers[market], wallet)
        for terms in early:
            if terms.market in ids:
                first[wallet, terms] = IS_AUTHORIZED.at(opened.ref.entry, wallet, terms.address)
    found = yield from ask(first)

    stored = {market: _stored(found[market, MARKET]) for market in used}
    holdings = {wallet: [_holding(market, wallet, found, early) for market in ids] for wallet, ids in hints.items()}
    second: dict[Any, Call] = {}
    for market, info in used.items():
        if info.params.irm != ZERO_ADDRESS and (totals := stored[market]) is not None:
            second[market] = BORROW_RATE_VIEW.at(info.params.irm, *info.params, *totals)
    for wallet, each in holdings.items():
        for holding in each:
            if isinstance(holding, Holding) and holding.shares:
                second[wallet, holding.id] = _ask_to_liquidate(opened, holding.id, wallet)
                for armed in holding.armed:
                    second[wallet, armed.terms] = PRE_LIQUIDATE.at(armed.terms.address, wallet, MAX_UINT256, 0, ())
    said = yield from ask(second)

    prices = opened.prices.at({key: found[key] for key in feeds}, block.timestamp)
    states: dict[str, MarketState] = {}
    errors = [f"{each} may be a pre-liquidation contract: it cannot be asked" for each in unasked(opened.unsure, found)]
    for market, info in used.items():
        totals = stored[market]
        if totals is None:
            errors.append(f"market {info.pair} ({market[:10]}…) could not be read")
            continue
        state = _state(info, totals, said.get(market), found, prices, timestamp=block.timestamp)
        states[market] = state
        errors += _missing(state)
    accounts = {wallet: _account(states, wallet, each, said) for wallet, each in holdings.items()}
    found_out = any(proven(opened.ref.entry, each, found, opened.markets) for each in opened.unsure)
    return Reading(
        Market(states),
        accounts,
        fed_by(state.pricing for state in states.values()),
        changed=found_out,
        errors=tuple(errors),
    )


def _stored(result: Result) -> Stored | None:
    return Stored(*words(result, 6)) if ok(result, 6) else None


def _holding(
    market: str, wallet: str, found: Mapping[Any, Result], early: Iterable[PreLiquidation]
) -> Holding | ValueError:
    try:
        _, shares, collateral = words(found[wallet, market], 3)
    except ValueError as fault:
        return ValueError(f"its position in market {market[:10]}… could not be read: {fault}")
    armed: list[Armed] = []
    for terms in early:
        if terms.market == market:
            try:
                authorised = flag(found[wallet, terms])
            except ValueError as fault:
                return ValueError(f"whether it has authorised pre-liquidation by {terms.address} is not told: {fault}")
            if authorised:
                price = found[terms.oracle, PRICE]
                armed.append(Armed(terms, uint(price) if ok(price) else None))
    return Holding(market, shares, collateral, armed=tuple(armed))


def _ask_to_liquidate(opened: Opened, market: str, wallet: str) -> Call:
    return LIQUIDATE.at(opened.ref.entry, *opened.markets[market].params, wallet, MAX_UINT256, 0, ())


def _state(
    info: MarketInfo,
    stored: Stored,
    said: Result | None,
    found: Mapping[Any, Result],
    prices: PriceBook,
    *,
    timestamp: int,
) -> MarketState:
    rate = 0 if said is None else uint(said) if ok(said) else None
    elapsed = timestamp - stored.updated_at
    totals = Totals(stored.borrow_assets, stored.borrow_shares)
    if rate is not None and elapsed > 0:
        totals = accrue(totals, rate, elapsed)
    known = elapsed == 0 or (rate is not None and elapsed > 0)
    return MarketState(info, stored, totals if known else None, rate, pricing(info, found, prices))


def _missing(state: MarketState) -> list[str]:
    label = f"market {state.info.pair} ({state.info.id[:10]}…)"
    out: list[str] = []
    if state.pricing.answer is None:
        out.append(f"{label}: its oracle gives no price")
    if state.rate is None:
        out.append(f"{label}: its interest rate model gives no rate")
    return out


def _account(
    states: Mapping[str, MarketState],
    wallet: str,
    holdings: list[Holding | ValueError],
    said: Mapping[Any, Result],
) -> Account | ValueError:
    """Every market that the wallet is in, or what keeps one of them from being known."""
    whole: list[Holding] = []
    for holding in holdings:
        if isinstance(holding, ValueError):
            return holding
        market, shares, collateral, _, _, armed = holding
        if market not in states:
            return ValueError(f"market {market[:10]}… could not be read")
        if armed:
            armed = tuple(_tried(each, said.get((wallet, each.terms))) for each in armed)
        verdict, refusal = _verdict(states[market], said.get((wallet, market)))
        whole.append(Holding(market, shares, collateral, verdict, refusal, armed))
    return Account(tuple(whole))


def _verdict(state: MarketState, said: Result | None) -> tuple[bool | None, str]:
    """`Holding.verdict` and `refusal`, by the answer to `_ask_to_liquidate`.

    What an oracle or rate model refuses by itself is no verdict.
    """
    if said is None:
        return None, ""
    if not isinstance(said, Failure) or said.kind != "revert":
        return None, "the trial liquidation was not answered"
    reason = _reason(said.data)
    if reason == HEALTHY:
        return False, ""
    known = state.pricing.answer is not None and state.rate is not None
    if known and (said.data == _PANIC_OVERFLOW or reason == TOO_MUCH):
        return True, ""
    return None, clean(reason or said.detail, 60) or "the trial liquidation gave no reason"


def _tried(armed: Armed, said: Result | None) -> Armed:
    """The answer to a `preLiquidate` of more collateral than there can be: past its checks it overflows."""
    if said is None:
        return armed
    if not isinstance(said, Failure) or said.kind != "revert":
        return armed._replace(refusal="the trial was not answered")
    if said.data[:4] in {NOT_PRE_LIQUIDATABLE, PAST_PRE_LIQUIDATION}:
        return armed._replace(verdict=False)
    if said.data == _PANIC_OVERFLOW and armed.price is not None:
        return armed._replace(verdict=True)
    return armed._replace(refusal=clean(_reason(said.data) or said.detail, 60) or "the trial gave no reason")


@lru_cache(maxsize=64)
def _reason(data: bytes) -> str:
    """Text of Error(string); empty for anything else."""
    if data[:4] != _ERROR or len(data) < 68:
        return ""
    size = int.from_bytes(data[36:68], "big")
    return data[68 : 68 + size].decode("utf-8", "replace") if size <= len(data) - 68 else ""
