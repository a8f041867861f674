"""One account in a Compound v2 market: its lines, its health under what-ifs, what a liquidation takes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Change, Leg, Quote, Side
from liqtui.core.units import BPS, WAD
from liqtui.core.values import value
from liqtui.protocols.compound_v2_math import (
    ROUNDINGS,
    TRUNCATING,
    Line,
    Sums,
    measure,
    tokens_for,
    underlying_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.protocols.compound_v2_math import Rounding
    from liqtui.protocols.compound_v2_state import Account, Holding, Market, Opened, TokenState, Vai

NO_CHANGE = Change()
_ASKED_FIRST = 8
"""Accounts that tell which rounding to try on all of them first: nearly always the only one that is tried."""
_PRICE_DIGITS = 18
"""A price in a `Change` is for one whole token with 18 decimals, the oracle's is for one raw unit with 36."""


class Entry(NamedTuple):
    """One cToken of an account with its terms. Factors 1e18-scaled."""

    state: TokenState
    holding: Holding
    supplied: int
    """Raw underlying units; by the stored rate where the accrued one is not known."""
    owed: int
    """Raw underlying units; as stored where the accrued debt is not known."""
    line: Line
    """With interest up to the block; without a price, and so of unknown worth, where that is not known."""

    @property
    def factor(self) -> int:
        return self.state.factor if self.holding.factor is None else self.holding.factor

    @property
    def weight(self) -> int:
        return self.state.weight if self.holding.weight is None else self.holding.weight

    @property
    def incentive(self) -> int:
        return self.state.incentive if self.holding.incentive is None else self.holding.incentive

    @property
    def forced(self) -> bool:
        """The debt in it may be liquidated whatever the health."""
        return self.state.forced or self.holding.forced

    @property
    def accrued(self) -> bool:
        return self.state.rate is not None and self.holding.owed is not None


def entry_of(state: TokenState, holding: Holding) -> Entry:
    _, tokens, stored_owed, stored_rate, accrued, _, _, weight, _, _ = holding
    rate, price, owed = state.rate, state.price, stored_owed if accrued is None else accrued
    supplied = underlying_of(tokens, rate or stored_rate) if tokens else 0
    if rate is None or accrued is None:
        rate, price = rate or stored_rate, None
    weight = state.weight if weight is None else weight
    return Entry(state, holding, supplied, owed, Line(state.info.asset.address, tokens, owed, rate, weight, price))


class Drawn:
    """An account's cTokens, entered ones first and in their order, and what the comptroller's loop runs over."""

    def __init__(self, opened: Opened, market: Market, account: Account) -> None:
        self.account = account
        self.entries = tuple([entry_of(market.tokens[holding.token], holding) for holding in account.holdings])
        lines = [entry.line for entry in self.entries if entry.holding.entered]
        if opened.vai and account.vai:
            lines.append(vai_line(opened.vai, account.vai))
        self.lines = tuple(lines)
        self._sums: dict[Rounding, Sums | None] = {}

    def sums(self, rounding: Rounding) -> Sums | None:
        """Weighted collateral and debt; None where a price or the interest up to the block is unknown."""
        if rounding not in self._sums:
            self._sums[rounding] = measure(self.lines, rounding)
        return self._sums[rounding]


def vai_line(vai: Vai, owed: int) -> Line:
    """VAI counts as one dollar, always (ComptrollerLens)."""
    return Line(vai.asset.address, 0, owed, WAD, 0, 10 ** (2 * _PRICE_DIGITS - vai.asset.decimals))


def drawn_of(opened: Opened, market: Market, wallet: str, account: Account) -> Drawn:
    """Drawn once a round: for the vote on the rounding, and for the account's figures."""
    known: Drawn | None = market.drawn.get(wallet)
    if known is None or known.account is not account:
        known = market.drawn[wallet] = Drawn(opened, market, account)
    return known


def rounding_of(opened: Opened, market: Market, accounts: Mapping[str, Account]) -> Rounding | None:
    """The rounding that gives the comptroller's own liquidity and shortfall for most accounts, to the last digit.

    One account alone may be right under several of them; together they tell. None where none fits any account.
    """
    voters = [drawn_of(opened, market, wallet, account) for wallet, account in accounts.items()]
    first = voters[:_ASKED_FIRST]
    votes = dict.fromkeys(ROUNDINGS, 0)
    for rounding in sorted(ROUNDINGS, key=lambda each: _votes(each, first), reverse=True):
        votes[rounding] = _votes(rounding, voters)
        if votes[rounding] == len(voters):
            break  # no other can have more
    best = max(votes, key=lambda rounding: votes[rounding])
    return best if votes[best] else None


def _votes(rounding: Rounding, voters: Iterable[Drawn]) -> int:
    """For how many accounts it gives what the comptroller answers."""
    votes = 0
    for voter in voters:
        sums = voter.sums(rounding)
        votes += sums is not None and sums.liquidity == voter.account.reported
    return votes


@value
class CompoundBook:
    """The account frozen at one block, in the comptroller's own arithmetic. See `core.model.Book`."""

    entries: tuple[Entry, ...]
    lines: tuple[Line, ...]
    vai: Vai | None = None
    owed_vai: int = 0
    rounding: Rounding = TRUNCATING
    forced: frozenset[str] = frozenset()
    """Assets whose debt may be liquidated whatever the health."""
    vai_rate: int | None = None

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        legs = [_collateral_leg(entry) for entry in self.entries if entry.supplied]
        legs += [_debt_leg(entry) for entry in self.entries if entry.owed]
        if self.vai and self.owed_vai:
            legs.append(_vai_leg(self.vai, self.owed_vai, self.vai_rate))
        return tuple(legs)

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        quotes = {entry.state.info.asset.address: entry.state.quote for entry in self.entries}
        if self.vai and self.owed_vai:
            at, note = self.vai.asset.address, "always one dollar"
            quotes[at] = Quote(at, self.vai.controller, WAD, _PRICE_DIGITS, f"base:{at}", notes=(note,))
        return quotes

    @cached_property
    def decimals(self) -> Mapping[str, int]:
        """By asset."""
        assets = [entry.state.info.asset for entry in self.entries]
        if self.vai:
            assets.append(self.vai.asset)
        return {asset.address: asset.decimals for asset in assets}

    @cached_property
    def present(self) -> Sums | None:
        """Weighted collateral and debt as they are; None when a price is unknown."""
        return measure(self.lines, self.rounding)

    def changed(self, change: Change) -> list[Line]:
        """The lines under the change. Raises KeyError for an amount of an asset that the account is not in.

        A balance never falls below 0. cTokens are minted and redeemed as the contract does it, rounded down.
        """
        moved = {*change.collateral, *change.debt} - {line.asset for line in self.lines}
        if moved:
            raise KeyError(f"not in this account: {', '.join(sorted(moved))}")
        return [self._moved(line, change) for line in self.lines]

    def _moved(self, line: Line, change: Change) -> Line:
        asset, price = line.asset, line.price
        if asset in change.prices:
            gap = _PRICE_DIGITS - self.decimals[asset]
            whole = change.prices[asset]
            price = whole * 10**gap if gap >= 0 else whole // 10**-gap
        more = change.collateral.get(asset, 0)
        minted = tokens_for(abs(more), line.rate) * (1 if more > 0 else -1) if more else 0
        owed = max(0, line.owed + change.debt.get(asset, 0))
        return line._replace(tokens=max(0, line.tokens + minted), owed=owed, price=price or None)

    def sums(self, change: Change = NO_CHANGE) -> Sums | None:
        """Weighted collateral and debt; None when a price is unknown (or zero, which the comptroller refuses)."""
        return self.present if change is NO_CHANGE else measure(self.changed(change), self.rounding)

    def health(self, change: Change = NO_CHANGE) -> int | None:
        sums = self.sums(change)
        return None if sums is None else sums.health

    def liquidatable(self, change: Change = NO_CHANGE) -> bool | None:
        """Whether there is a shortfall, or a debt that may be liquidated without one."""
        if change is NO_CHANGE and not self.forced:
            return None if self.present is None else self.present.collateral < self.present.borrow
        lines = self.changed(change)
        if any(line.owed and line.asset in self.forced for line in lines):
            return True
        sums = measure(lines, self.rounding)
        return None if sums is None else sums.collateral < sums.borrow


def _collateral_leg(entry: Entry) -> Leg:
    state, amount = entry.state, entry.supplied
    notes = state.notes if entry.holding.entered else (*state.notes, "not used as collateral")
    return Leg(
        asset=state.info.asset,
        side=Side.COLLATERAL,
        amount=amount,
        price=state.quote.price,
        value=None if state.price is None else state.price * amount // WAD,
        threshold=entry.weight * BPS // WAD,
        bonus=entry.incentive * BPS // WAD,
        counts=entry.holding.entered,
        rate=state.supply_rate,
        pool_cash=state.cash,
        cap_room=state.supply_room,
        cap=state.supply_cap,
        utilization=state.utilization,
        notes=notes if entry.accrued else (*notes, "without the interest since its last update"),
    )


def _debt_leg(entry: Entry) -> Leg:
    state, amount = entry.state, entry.owed
    return Leg(
        asset=state.info.asset,
        side=Side.DEBT,
        amount=amount,
        price=state.quote.price,
        value=None if state.price is None else state.price * amount // WAD,
        rate=state.borrow_rate,
        pool_cash=state.cash,
        cap_room=state.borrow_room,
        cap=state.borrow_cap,
        utilization=state.utilization,
        notes=state.notes if entry.accrued else (*state.notes, "without the interest since its last update"),
    )


def _vai_leg(vai: Vai, owed: int, rate: int | None) -> Leg:
    note = "counts as one dollar, whatever its price"
    return Leg(vai.asset, Side.DEBT, owed, WAD, owed * WAD // 10**vai.asset.decimals, rate=rate, notes=(note,))
