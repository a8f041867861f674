"""What is read of a Comet every round: two steps, whatever the number of wallets.

First the totals and what the accounts are in; then, with the utilization, the rates, and the assets that any
account holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.protocols.abi import address, ask_all, asked, flag, ok, signed, uint, words
from liqtui.protocols.adapter import Reading
from liqtui.protocols.compound_v3_abi import (
    BALANCE_OF,
    BASE_BORROW_MIN,
    BASE_FEED,
    BORROW_BALANCE,
    BORROW_RATE,
    GET_ASSET_INFO,
    GET_PRICE,
    IS_LIQUIDATABLE,
    NUM_ASSETS,
    STORE_FRONT,
    SUPPLY_RATE,
    TOTALS_BASIC,
    TOTALS_COLLATERAL,
    USER_BASIC,
    USER_COLLATERAL,
)
from liqtui.protocols.compound_v3_math import Indexes, Totals, grown
from liqtui.protocols.compound_v3_state import (
    PRICE_DECIMALS,
    Account,
    AssetState,
    Market,
    asset_info,
    held_assets,
)
from liqtui.protocols.figures import fed_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.reads import Block, Call, Plan, Result
    from liqtui.protocols.compound_v3_state import Opened
    from liqtui.protocols.price_sources import PriceBook

_AS_OPENED = (NUM_ASSETS, BASE_FEED, BASE_BORROW_MIN, STORE_FRONT)
"""What was read when the market was opened: an upgrade, which tells no revision, is noticed by another answer."""
_OF_USER = (USER_BASIC, BORROW_BALANCE, IS_LIQUIDATABLE)


def refresh(opened: Opened, block: Block, hints: Iterable[str]) -> Plan[Reading]:
    """The market and the accounts of the hinted wallets at the block. ValueError without its totals or rates."""
    comet, wallets = opened.ref.entry, tuple(hints)
    first: dict[Any, Call] = {getter: getter.at(comet) for getter in (TOTALS_BASIC, *_AS_OPENED)}
    users = asked(tuple((getter, comet, ()) for getter in _OF_USER))
    found, told = yield from ask_all(first, list(chain.from_iterable(map(users.__getitem__, wallets))))
    totals, size = Totals(*words(found[TOTALS_BASIC], 8)), len(_OF_USER)
    owners = [
        _owner(wallet, told[place * size : place * size + size], len(opened.assets))
        for place, wallet in enumerate(wallets)
    ]
    combinations = {owner.held for owner in owners}
    used = sorted({index for held in combinations for index in held})

    feeds = opened.prices.reads((opened.base_feed, *(opened.assets[index][1].feed for index in used)))
    second: dict[Any, Call] = dict(feeds)
    second |= {getter: getter.at(comet, totals.utilization) for getter in (BORROW_RATE, SUPPLY_RATE)}
    second[GET_PRICE] = GET_PRICE.at(comet, opened.base_feed)
    second[BALANCE_OF] = BALANCE_OF.at(opened.base.address, comet)
    for index in used:
        asset, info = opened.assets[index]
        second[index, GET_ASSET_INFO] = GET_ASSET_INFO.at(comet, index)
        second[index, GET_PRICE] = GET_PRICE.at(comet, info.feed)
        second[index, TOTALS_COLLATERAL] = TOTALS_COLLATERAL.at(comet, asset.address)
    balances = {
        held: asked(tuple((USER_COLLATERAL, comet, (opened.assets[index][0].address,)) for index in held))
        for held in combinations
    }
    amounts = [call for owner in owners for call in balances[owner.held][owner.wallet]]
    answered, told = yield from ask_all(second, amounts)
    found |= answered

    prices = opened.prices.at({key: found[key] for key in feeds}, block.timestamp)
    answers = _Answers(opened, found, prices, [])
    market = _market(answers, totals, used, block.timestamp)
    accounts: dict[str, Account | ValueError] = {}
    at = 0
    for owner in owners:
        until = at + len(owner.held)
        accounts[owner.wallet], at = _account(answers, market, owner, told[at:until]), until
    changed = _changed(answers, market)
    return Reading(market, accounts, fed_by(market.assets.values(), market.base_feeds), changed, tuple(answers.errors))


@dataclass(frozen=True)
class _Answers:
    """Everything that was read in a round."""

    opened: Opened
    found: Mapping[Any, Result]
    prices: PriceBook
    errors: list[str]


class _Owner(NamedTuple):
    """What an account is in."""

    wallet: str
    principal: int
    held: tuple[int, ...]
    owed: Result
    view: Result
    fault: str = ""
    """Why it is not known what the account holds."""


def _owner(wallet: str, told: Sequence[Result], count: int) -> _Owner:
    """From the answers of `_OF_USER`."""
    basic, owed, view = told
    try:
        principal, _, _, flags, more = words(basic, 5)
    except ValueError as fault:
        return _Owner(wallet, 0, (), owed, view, f"the market did not tell what the account holds: {fault}")
    return _Owner(wallet, signed(principal), held_assets(flags, more, count), owed, view)


def _market(answers: _Answers, totals: Totals, used: Iterable[int], timestamp: int) -> Market:
    opened, found = answers.opened, answers.found
    borrow_rate, supply_rate = uint(found[BORROW_RATE]), uint(found[SUPPLY_RATE])
    elapsed = timestamp - totals.accrued_at
    if elapsed < 0:
        raise ValueError("its last accrual lies after the block")
    price = _price(answers, GET_PRICE, opened.base.symbol)
    quote = answers.prices.quote(opened.base, opened.base_feed, price, PRICE_DECIMALS)
    assets: dict[int, AssetState] = {}
    for index in used:
        try:
            assets[index] = _asset(answers, index)
        except ValueError as fault:
            answers.errors.append(f"asset {opened.assets[index][0].symbol} could not be read: {fault}")
    return Market(
        totals=totals,
        indexes=Indexes(
            grown(totals.supply_index, supply_rate, elapsed), grown(totals.borrow_index, borrow_rate, elapsed)
        ),
        borrow_rate=borrow_rate,
        supply_rate=supply_rate,
        cash=uint(found[BALANCE_OF]) if ok(found[BALANCE_OF]) else None,
        base_price=price,
        base_quote=quote,
        base_feeds=answers.prices.feeds(quote),
        assets=assets,
    )


def _price(answers: _Answers, key: Any, symbol: str) -> int | None:
    """None where the contract refuses a price that is not positive, or its feed reverts."""
    result = answers.found[key]
    if not ok(result):
        answers.errors.append(f"{symbol} has no price")
        return None
    return uint(result)


def _asset(answers: _Answers, index: int) -> AssetState:
    asset, _ = answers.opened.assets[index]
    info = asset_info(answers.found[index, GET_ASSET_INFO], index)  # its factors may change from block to block
    price = _price(answers, (index, GET_PRICE), asset.symbol)
    quote = answers.prices.quote(asset, info.feed, price, PRICE_DECIMALS)
    supplied = answers.found[index, TOTALS_COLLATERAL]
    room = max(0, info.supply_cap - uint(supplied)) if ok(supplied, 2) else None
    return AssetState(asset, info, price, quote, answers.prices.feeds(quote), room)


def _account(answers: _Answers, market: Market, owner: _Owner, amounts: Sequence[Result]) -> Account | ValueError:
    """The account with its balances, or what keeps its health from being known."""
    if owner.fault:
        return ValueError(owner.fault)
    holdings: list[tuple[int, int]] = []
    for index, amount in zip(owner.held, amounts, strict=True):
        if index not in market.assets:
            return ValueError(f"its {answers.opened.assets[index][0].symbol} could not be read")
        try:
            holdings.append((index, words(amount, 2)[0]))
        except ValueError as fault:
            return ValueError(f"its {answers.opened.assets[index][0].symbol} could not be read: {fault}")
    told = uint(owner.owed) if ok(owner.owed) else None
    try:
        view, refusal = flag(owner.view), ""
    except ValueError as fault:
        view, refusal = None, str(fault)
    return Account(owner.principal, tuple(holdings), told, view, refusal)


def _changed(answers: _Answers, market: Market) -> bool:
    """Whether the market was upgraded to other assets, feeds or terms. What did not answer is no change."""
    opened, found = answers.opened, answers.found
    return (
        (ok(found[NUM_ASSETS]) and uint(found[NUM_ASSETS]) != len(opened.assets))
        or (ok(found[BASE_FEED]) and address(found[BASE_FEED]) != opened.base_feed)
        or (ok(found[BASE_BORROW_MIN]) and uint(found[BASE_BORROW_MIN]) != opened.least_debt)
        or (ok(found[STORE_FRONT]) and uint(found[STORE_FRONT]) != opened.store_front)
        or any(
            (state.info.address, state.info.feed, state.info.scale)
            != (opened.assets[index][1].address, opened.assets[index][1].feed, opened.assets[index][1].scale)
            for index, state in market.assets.items()
        )
    )
