"""One account in an Aave v3 market: the terms that apply to it, and its health under what-ifs."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Change, Leg, Side, is_liquidatable
from liqtui.core.values import value
from liqtui.protocols.aave_v3_math import amounts, collateral_value, debt_value, measure
from liqtui.protocols.price_sources import ZERO_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Quote
    from liqtui.protocols.aave_v3_math import Line, Rules, Totals
    from liqtui.protocols.aave_v3_state import Account, Category, Market, Opened, ReserveState

NO_CHANGE = Change()


class Terms(NamedTuple):
    """What a reserve means to an account in its eMode category. Basis points."""

    threshold: int
    ltv: int
    bonus: int
    price: int | None
    quote: Quote


class Entry(NamedTuple):
    """One reserve of an account with its balances at the block."""

    state: ReserveState
    terms: Terms
    supplied: int
    """Raw units."""
    owed: int
    """Raw units."""
    enabled: bool
    """Used as collateral by the account's own flag."""
    counts: bool
    """Takes part in health as collateral."""
    flagged: bool
    """The pool looks at it, and at its price, even when nothing is left in it."""
    borrow_rate: int | None
    """Yearly, ray, of what is owed; None: not known, or nothing is."""


def terms_of(opened: Opened, rules: Rules, state: ReserveState, category: Category | None) -> Terms:
    """GenericLogic's choice between a reserve's own parameters and its category's, per revision."""
    config, price, quote = state.config, state.price, state.quote
    if category is None or not category.holds(state):
        outside = category is not None and category.isolated
        return Terms(config.threshold, 0 if outside else config.ltv, config.bonus, price, quote)
    if category.price_source and category.price != 0:
        price, asset = category.price, state.reserve.asset
        stand_in = asset._replace(address=category.price_source)
        moved = opened.prices.quote(stand_in, ZERO_ADDRESS, price, opened.base_decimals)
        quote = replace(moved, asset=asset.address)
    by_category = category.ltv_zero >> state.reserve.id & 1 == 1
    ltv_zero = by_category if rules.counts_without_threshold else config.ltv == 0
    return Terms(category.threshold, 0 if ltv_zero else category.ltv, category.bonus, price, quote)


class _Place(NamedTuple):
    """What a reserve is to all accounts of one eMode category."""

    state: ReserveState
    terms: Terms
    income: int
    debt_index: int
    borrow_rate: int
    can_count: bool
    """Takes part in health as collateral where it is enabled."""
    asset: str
    price: int | None
    unit: int
    threshold: int
    ltv: int


class _Places(dict[int, _Place]):
    """Reserve id → what it is to accounts of this category, made when it is first asked for."""

    def __init__(self, opened: Opened, market: Market, group: int) -> None:
        super().__init__()
        self._opened, self._market, self._category = opened, market, market.categories.get(group)

    def __missing__(self, i: int) -> _Place:
        rules, state = self._market.rules, self._market.reserves[i]
        terms = terms_of(self._opened, rules, state, self._category)
        can_count = rules.counts_without_threshold or state.config.threshold != 0
        indexes, asset, unit = (
            (state.income, state.debt_index, state.borrow_rate),
            state.reserve.asset,
            state.reserve.unit,
        )
        self[i] = made = _Place(
            state, terms, *indexes, can_count, asset.address, terms.price, unit, terms.threshold, terms.ltv
        )
        return made


def book_of(opened: Opened, market: Market, account: Account) -> AaveBook:
    """The account's reserves in the pool's order, and as its loop sees them."""
    flags, group, holdings, *_ = account
    directed = market.rules.directed
    of_supplied, of_owed = amounts(directed=directed)
    places = market.places.get(group)
    if places is None:
        places = market.places[group] = _Places(opened, market, group)
    entries: list[Entry] = []
    lines: list[Line] = []
    holds = owes = False
    for i, scaled, borrowed, fixed, fixed_rate in holdings:
        state, terms, income, debt_index, borrow_rate, can_count, asset, price, unit, threshold, ltv = places[i]
        owed, rate = 0, None
        if borrowed or fixed:
            variable = of_owed(borrowed, debt_index)
            owed = variable + fixed
            owes = owes or owed > 0
            if owed and (not fixed or fixed_rate is not None):
                rate = (variable * borrow_rate + fixed * (fixed_rate or 0)) // owed
        bits = flags >> 2 * i & 3
        enabled = bits > 1
        supplied = of_supplied(scaled, income) if scaled else 0
        holds = holds or supplied > 0
        counts = enabled and can_count
        entries.append(Entry(state, terms, supplied, owed, enabled, counts, bits > 0, rate))
        if bits:
            lines.append((asset, supplied if counts else 0, owed, price, unit, threshold, ltv))
    return AaveBook(tuple(entries), tuple(lines), directed, holds, owes)


@value
class AaveBook:
    """The account frozen at one block, in the pool's own arithmetic. See `core.model.Book`."""

    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    directed: bool
    holds: bool
    """Anything is supplied."""
    owes: bool

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        collateral = [_collateral_leg(entry) for entry in self.entries if entry.supplied]
        return (*collateral, *(_debt_leg(entry, directed=self.directed) for entry in self.entries if entry.owed))

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        return {entry.state.reserve.asset.address: entry.terms.quote for entry in self.entries}

    def totals(self, change: Change = NO_CHANGE) -> Totals | None:
        """All that the pool's own account view answers, under the change; None when a price is unknown.

        Raises KeyError for an amount of an asset that the account does not hold. A balance never falls below 0.
        """
        if change is NO_CHANGE:
            return measure(self.lines, directed=self.directed)
        prices, collateral, debt = change
        moved = {asset: 0 for more in (collateral, debt) for asset in more}
        lines: list[Line] = []
        for line in self.lines:
            asset, held, owed, price, unit, threshold, ltv = line
            if asset in moved:
                del moved[asset]
                held = max(0, held + collateral.get(asset, 0))
                owed = max(0, owed + debt.get(asset, 0))
            lines.append((asset, held, owed, prices.get(asset, price), unit, threshold, ltv))
        if moved:
            raise KeyError(f"not in this account: {', '.join(moved)}")
        return measure(lines, directed=self.directed)

    def health(self, change: Change = NO_CHANGE) -> int | None:
        totals = self.totals(change)
        return None if totals is None else totals.health

    def liquidatable(self, change: Change = NO_CHANGE) -> bool | None:
        health = self.health(change)
        return None if health is None else is_liquidatable(health)


def _collateral_leg(entry: Entry) -> Leg:
    state, terms = entry.state, entry.terms
    notes = state.notes
    if not entry.enabled:
        notes = (*notes, "not used as collateral")
    elif not terms.ltv:
        notes = (*notes, "LTV 0")
    return Leg(
        asset=state.reserve.asset,
        side=Side.COLLATERAL,
        amount=entry.supplied,
        price=terms.price,
        value=None if terms.price is None else collateral_value(entry.supplied, terms.price, state.reserve.unit),
        threshold=terms.threshold,
        bonus=terms.bonus,
        counts=entry.counts,
        rate=state.supply_rate,
        pool_cash=state.cash,
        cap_room=state.supply_room,
        cap=state.config.supply_cap * state.reserve.unit or None,
        utilization=state.utilization,
        notes=notes,
    )


def _debt_leg(entry: Entry, *, directed: bool) -> Leg:
    state, price = entry.state, entry.terms.price
    unit = state.reserve.unit
    return Leg(
        asset=state.reserve.asset,
        side=Side.DEBT,
        amount=entry.owed,
        price=price,
        value=None if price is None else debt_value(entry.owed, price, unit, directed=directed),
        rate=entry.borrow_rate,
        pool_cash=state.cash,
        cap_room=state.borrow_room,
        cap=state.config.borrow_cap * unit or None,
        utilization=state.utilization,
        notes=state.notes,
    )
