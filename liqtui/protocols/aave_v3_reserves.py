"""Reserves and eMode categories of an Aave v3 market at one block: which calls, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Quote
from liqtui.core.text import clean
from liqtui.core.units import BPS, RAY
from liqtui.protocols.aave_v3_abi import (
    BALANCE_OF,
    GET_ASSET_PRICE,
    GET_CATEGORY_CONFIG,
    GET_CATEGORY_DATA,
    GET_CATEGORY_ISOLATED,
    GET_CATEGORY_LABEL,
    GET_CATEGORY_LTV_ZERO,
    GET_CATEGORY_MEMBERS,
    GET_GRACE_PERIOD,
    GET_RESERVE_DATA,
    GET_SOURCE,
    GET_VIRTUAL_BALANCE,
    SCALED_TOTAL_SUPPLY,
    TOTAL_SUPPLY,
)
from liqtui.protocols.aave_v3_math import (
    minted_to_treasury,
    normalized_debt,
    normalized_income,
    owed_amount,
    supplied_amount,
)
from liqtui.protocols.aave_v3_state import Category, ReserveState, decode_config
from liqtui.protocols.abi import as_address, ask, flag, known, string, uint, words
from liqtui.protocols.price_sources import ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.reads import Call, Plan, Result
    from liqtui.protocols.aave_v3_math import Rules
    from liqtui.protocols.aave_v3_state import Config, Opened, Reserve, ReserveData
    from liqtui.protocols.abi import Function
    from liqtui.protocols.price_sources import PriceBook

_LABEL_LENGTH = 32


class Answers(NamedTuple):
    """One round's answers and what is needed to understand them."""

    opened: Opened
    rules: Rules
    timestamp: int
    found: Mapping[Any, Result]
    prices: PriceBook


def reserve_calls(opened: Opened, rules: Rules, reserve: Reserve) -> dict[Any, Call]:
    """By (reserve id, function or what it means)."""
    asset, i = reserve.asset.address, reserve.id
    calls: dict[Any, Call] = {
        (i, GET_RESERVE_DATA): GET_RESERVE_DATA.at(opened.pool, asset),
        (i, GET_ASSET_PRICE): GET_ASSET_PRICE.at(opened.oracle, asset),
        (i, GET_SOURCE): GET_SOURCE.at(opened.oracle, asset),
        (i, BALANCE_OF): BALANCE_OF.at(asset, reserve.a_token),
    }
    calls[i, "owed"] = SCALED_TOTAL_SUPPLY.at(reserve.variable_debt)
    if rules.caps:
        calls[i, "supplied"] = SCALED_TOTAL_SUPPLY.at(reserve.a_token)
    if rules.grace:
        calls[i, GET_GRACE_PERIOD] = GET_GRACE_PERIOD.at(opened.pool, asset)
        calls[i, GET_VIRTUAL_BALANCE] = GET_VIRTUAL_BALANCE.at(opened.pool, asset)
    if rules.stable_debt:
        calls[i, "fixed"] = TOTAL_SUPPLY.at(reserve.stable_debt)
    return calls


def reserve_state(answers: Answers, reserve: Reserve) -> ReserveState:
    """ValueError where the pool's own data of it are missing or make no sense; anything else missing is None."""
    opened, rules, timestamp, found, prices = answers
    i = reserve.id
    data = opened.dialect.reserve_data(found[i, GET_RESERVE_DATA])
    config, seconds = decode_config(data.config), timestamp - data.updated_at
    if data.income < RAY or data.debt_index < RAY or seconds < 0 or config.decimals != reserve.asset.decimals:
        raise ValueError("its indexes make no sense")
    income = normalized_income(data.income, data.supply_rate, seconds)
    debt_index = normalized_debt(
        data.debt_index, data.borrow_rate, seconds, polynomial=rules.polynomial, per_second=rules.per_second
    )
    price = known(found[i, GET_ASSET_PRICE]) or None
    quote = _quote(answers, reserve, price)
    grace_until = known(found[i, GET_GRACE_PERIOD]) if rules.grace else 0
    lent, cash = _lent(answers, i, debt_index), _cash(answers, i, config)
    supplied = _supplied(answers, i, data, config.reserve_factor, (income, debt_index))
    return ReserveState(
        reserve=reserve,
        config=config,
        income=income,
        debt_index=debt_index,
        supply_rate=data.supply_rate,
        borrow_rate=data.borrow_rate,
        price=price,
        quote=quote,
        feeds=prices.feeds(quote),
        cash=cash,
        supply_room=_room(config.supply_cap, reserve.unit, supplied),
        borrow_room=_room(config.borrow_cap, reserve.unit, lent) if rules.caps else None,
        utilization=None if lent is None or cash is None else lent * BPS // (lent + cash) if lent else 0,
        grace_until=grace_until,
        notes=(*_flags(rules, config, grace_until, timestamp), *quote.notes),
    )


def _quote(answers: Answers, reserve: Reserve, price: int | None) -> Quote:
    """The base currency itself is never asked for a price: the oracle answers one unit."""
    opened, asset = answers.opened, reserve.asset
    if asset.address == opened.base_asset:
        factor, note = f"base:{asset.address}", "the market counts in it"
        return Quote(asset.address, opened.oracle, price, opened.base_decimals, factor, notes=(note,))
    return answers.prices.quote(asset, reserve.source, price, opened.base_decimals)


def _cash(answers: Answers, i: int, config: Config) -> int | None:
    """What can be withdrawn: the pool's own accounting where it keeps it (3.1 on), else the tokens it holds."""
    if answers.rules.grace and (config.virtual or answers.rules.polynomial):
        return known(answers.found[i, GET_VIRTUAL_BALANCE])
    return known(answers.found[i, BALANCE_OF])


def _lent(answers: Answers, i: int, debt_index: int) -> int | None:
    """All debt in a reserve, raw units; None where it is not known."""
    owed = known(answers.found[i, "owed"])
    fixed = known(answers.found[i, "fixed"]) if answers.rules.stable_debt else 0
    if owed is None or fixed is None:
        return None
    return owed_amount(owed, debt_index, directed=answers.rules.directed) + fixed


def _supplied(answers: Answers, i: int, data: ReserveData, factor: int, now: tuple[int, int]) -> int | None:
    """All that counts against a supply cap, raw units; None where it is not known, or where there are no caps.

    A supply first gives the treasury its part of the interest since the last update, which then counts too. The part
    of stable-rate debt (≤ v3.1) is left out. `now`: both indexes up to the block.
    """
    (income, debt_index), directed = now, answers.rules.directed
    scaled, owed = (known(answers.found[i, what]) for what in ("supplied", "owed")) if answers.rules.caps else (None, 0)
    if scaled is None or owed is None:
        return None
    minted = minted_to_treasury(owed, data.debt_index, debt_index, factor, income, directed=directed)
    return supplied_amount(scaled + data.treasury + minted, income, directed=directed)


def _room(cap: int, unit: int, used: int | None) -> int | None:
    """Raw units that a cap in whole tokens leaves; None without a cap or where the total is unknown."""
    return max(0, cap * unit - used) if cap and used is not None else None


def _flags(rules: Rules, config: Config, grace_until: int | None, timestamp: int) -> tuple[str, ...]:
    modes = not rules.isolated_categories  # 3.7 has neither of the two, and leaves their bits as they were
    words = {
        "inactive": not config.active,
        "paused": config.paused,
        "frozen": config.frozen,
        "liquidation grace": grace_until is not None and grace_until >= timestamp,
        "siloed": modes and config.siloed,
        "isolated": modes and config.debt_ceiling > 0,
    }
    return tuple(word for word, holds in words.items() if holds)


def category_calls(opened: Opened, rules: Rules, i: int) -> dict[Any, Call]:
    """By ("category", id, function)."""
    return {("category", i, getter): getter.at(opened.pool, i) for getter in _category_getters(rules)}


def _category_getters(rules: Rules) -> tuple[Function, ...]:
    if rules.category_in_config:
        return (GET_CATEGORY_DATA,)
    return (
        GET_CATEGORY_CONFIG,
        GET_CATEGORY_MEMBERS,
        GET_CATEGORY_LABEL,
        *((GET_CATEGORY_LTV_ZERO,) if rules.counts_without_threshold else ()),
        *((GET_CATEGORY_ISOLATED,) if rules.isolated_categories else ()),
    )


def category(answers: Answers, i: int) -> Category:
    """ValueError where the pool did not tell all that health depends on."""
    rules = answers.rules
    said = {getter: answers.found["category", i, getter] for getter in _category_getters(rules)}
    if rules.category_in_config:
        _, ltv, threshold, bonus, source = words(said[GET_CATEGORY_DATA], 5)
        price_source = as_address(source)
        return Category(
            i,
            _label(said[GET_CATEGORY_DATA], 4, 32),
            ltv,
            threshold,
            bonus,
            members=None,
            price_source="" if price_source == ZERO_ADDRESS else price_source,
        )
    ltv, threshold, bonus = words(said[GET_CATEGORY_CONFIG], 3)
    return Category(
        i,
        _label(said[GET_CATEGORY_LABEL]),
        ltv,
        threshold,
        bonus,
        members=uint(said[GET_CATEGORY_MEMBERS]),
        ltv_zero=uint(said[GET_CATEGORY_LTV_ZERO]) if rules.counts_without_threshold else 0,
        isolated=flag(said[GET_CATEGORY_ISOLATED]) if rules.isolated_categories else False,
    )


def _label(result: Result, at: int = 0, base: int = 0) -> str:
    try:
        return clean(string(result, at, base), _LABEL_LENGTH)
    except ValueError:
        return ""


def with_prices(answers: Answers, groups: dict[int, Category]) -> Plan[dict[int, Category]]:
    """The categories, with the prices that stand for all their members where they have such (≤ v3.1)."""
    wanted = {
        i: GET_ASSET_PRICE.at(answers.opened.oracle, group.price_source)
        for i, group in groups.items()
        if group.price_source
    }
    if not wanted:
        return groups
    found = yield from ask(wanted)
    return groups | {i: groups[i]._replace(price=known(result)) for i, result in found.items()}
