"""What one liquidationCall may take from an account (LiquidationLogic.executeLiquidationCall)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Change, Scope
from liqtui.core.units import BPS, HEALTH_ONE, WAD, percent_mul
from liqtui.protocols.aave_v3_math import Side, collateral_value, debt_value, seize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.protocols.aave_v3_book import AaveBook, Entry
    from liqtui.protocols.aave_v3_math import Rules, Seizure, Totals
    from liqtui.protocols.aave_v3_state import Market

CLOSE_FACTOR_HEALTH = 95 * WAD // 100
"""CLOSE_FACTOR_HF_THRESHOLD: at or below it all of a debt may be repaid in one call."""
HALF = 5_000
"""DEFAULT_LIQUIDATION_CLOSE_FACTOR, basis points."""
SMALL_POSITION = 2_000 * 10**8
"""MIN_BASE_MAX_CLOSE_FACTOR_THRESHOLD, raw base units whatever their decimals."""
MIN_LEFTOVER = SMALL_POSITION // 2
"""MIN_LEFTOVER_BASE."""


class _Limit(NamedTuple):
    """How much of a debt one call may repay."""

    amount: int
    reason: str


def worst_scope(market: Market, book: AaveBook, entries: Sequence[Entry]) -> Scope | None:
    """The pair of collateral and debt whose liquidation costs the owner most, of those that can go through.

    For an account that is safe now, what it would lose at today's prices and amounts with health just under 1.
    None without collateral that counts, without debt, or where a price is unknown.
    """
    totals = book.totals()
    if totals is None:
        return None
    scopes = [
        scope
        for debt in entries
        if debt.owed
        for collateral in entries
        if collateral.counts and collateral.supplied
        for scope in [_pair(market, book, totals, collateral, debt)]
        if scope is not None
    ]
    return max(scopes, key=lambda scope: (not scope.blocked, scope.loss or 0), default=None)


def _pair(market: Market, book: AaveBook, totals: Totals, collateral: Entry, debt: Entry) -> Scope | None:
    rules, terms = market.rules, collateral.terms
    if not (terms.price and debt.terms.price and terms.bonus):
        return None
    held = Side(collateral.supplied, terms.price, collateral.state.reserve.unit)
    owed = Side(debt.owed, debt.terms.price, debt.state.reserve.unit)
    fee = collateral.state.config.fee
    health = min(totals.health, HEALTH_ONE - 1)
    limit = _limit(rules, held, owed, health, totals.debt)
    taken = seize(rules, held, owed, limit.amount, bonus=terms.bonus, fee=fee)
    blocked, reason = _blocked(market, collateral, debt, health), limit.reason
    if taken.seized == held.amount and taken.repaid < limit.amount:
        reason = "all of this collateral"
    if rules.close_by_total and _leaves_dust(rules, held, owed, taken):
        taken = _largest_without_dust(rules, held, owed, limit.amount, bonus=terms.bonus, fee=fee)
        reason = "what leaves no dust"
        blocked = blocked or ("" if taken.repaid else "any amount would leave dust")
    lost = collateral_value(taken.seized, held.price, held.unit)
    return Scope(
        collateral=collateral.state.reserve.asset,
        debt=debt.state.reserve.asset,
        max_debt=taken.repaid,
        seized=taken.seized,
        loss=lost - debt_value(taken.repaid, owed.price, owed.unit, directed=False),
        close_factor=limit.amount * BPS // owed.amount,
        bonus=terms.bonus,
        reason=reason,
        health_after=_health_after(book, collateral, debt, taken),
        toxic_below=terms.threshold * terms.bonus * (HEALTH_ONE // BPS**2),
        blocked=blocked,
    )


def _limit(rules: Rules, held: Side, owed: Side, health: int, total_debt: int) -> _Limit:
    if health <= CLOSE_FACTOR_HEALTH:
        return _Limit(owed.amount, "health at or under 0.95: all of this debt")
    if not rules.close_by_total:
        return _Limit(percent_mul(owed.amount, HALF), "half of this debt")
    debt_base = debt_value(owed.amount, owed.price, owed.unit, directed=rules.directed)
    if collateral_value(held.amount, held.price, held.unit) < SMALL_POSITION or debt_base < SMALL_POSITION:
        return _Limit(owed.amount, "small position: all of this debt")
    half = percent_mul(total_debt, HALF)
    if debt_base <= half:
        return _Limit(owed.amount, "no more than half of the whole debt: all of this debt")
    return _Limit(half * owed.unit // owed.price, "half of the whole debt")


def _leaves_dust(rules: Rules, held: Side, owed: Side, taken: Seizure) -> bool:
    """Where the pool reverts with MustNotLeaveDust."""
    if taken.repaid >= owed.amount or taken.seized >= held.amount:
        return False
    rest = debt_value(owed.amount - taken.repaid, owed.price, owed.unit, directed=rules.directed)
    kept = collateral_value(held.amount - taken.seized, held.price, held.unit)
    return rest < MIN_LEFTOVER or kept < MIN_LEFTOVER


def _largest_without_dust(rules: Rules, held: Side, owed: Side, most: int, *, bonus: int, fee: int) -> Seizure:
    """The largest repayment that leaves enough on both sides; what is left only shrinks as it grows."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if _leaves_dust(rules, held, owed, seize(rules, held, owed, middle, bonus=bonus, fee=fee)):
            high = middle - 1
        else:
            low = middle
    return seize(rules, held, owed, low, bonus=bonus, fee=fee)


def _health_after(book: AaveBook, collateral: Entry, debt: Entry, taken: Seizure) -> int | None:
    """Of an account that is liquidatable now; for a safe one nobody knows at which prices it would happen."""
    if not book.liquidatable():
        return None
    seized = {collateral.state.reserve.asset.address: -taken.seized}
    repaid = {debt.state.reserve.asset.address: -taken.repaid}
    return book.health(Change(collateral=seized, debt=repaid))


def _blocked(market: Market, collateral: Entry, debt: Entry, health: int) -> str:
    """ValidationLogic.validateLiquidationCall: why it would be refused although health allows it."""
    for state in (collateral.state, debt.state):
        symbol = state.reserve.asset.symbol
        if not state.config.active:
            return f"{symbol} is not active"
        if state.config.paused:
            return f"{symbol} is paused"
        if state.grace_until is not None and state.grace_until >= market.timestamp:
            return f"{symbol} is in a liquidation grace period"
    if health >= CLOSE_FACTOR_HEALTH and not market.liquidation_allowed:
        if market.liquidation_allowed is None:
            return "the sequencer sentinel does not answer"
        return "the sequencer was down: liquidation waits until health is under 0.95"
    return ""
