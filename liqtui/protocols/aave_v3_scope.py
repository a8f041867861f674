"""What one liquidationCall may take from an account (LiquidationLogic.executeLiquidationCall)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.format import amount, bps_of
from liqtui.core.model import Change, is_liquidatable
from liqtui.core.results import Scope
from liqtui.core.units import BPS, HEALTH_INFINITE, HEALTH_ONE, WAD, percent_mul
from liqtui.protocols.aave_v3_math import Side, collateral_value, debt_value, seize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.protocols.aave_v3_book import AaveBook, Entry
    from liqtui.protocols.aave_v3_math import Rules, Seizure, Totals
    from liqtui.protocols.aave_v3_state import Market, Opened

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


class _Case(NamedTuple):
    """The largest liquidation of one pair. Compared in this order: one that goes through, then the costliest."""

    possible: bool
    loss: int
    collateral: Entry
    debt: Entry
    taken: Seizure
    limit: _Limit
    reason: str
    blocked: str


def worst_scope(market: Market, book: AaveBook) -> Scope | None:
    """The pair of collateral and debt whose liquidation costs the owner most, of those that can go through.

    For an account that is safe now, what it would lose at today's prices and amounts with health just under 1.
    None without collateral that counts, without debt, or where a price is unknown.
    """
    totals, entries = book.totals(), book.entries
    if totals is None:
        return None
    taken = [entry for entry in entries if entry.counts and entry.supplied and entry.terms.price and entry.terms.bonus]
    repaid = [entry for entry in entries if entry.owed and entry.terms.price]
    held = [(entry, Side(entry.supplied, entry.terms.price or 0, entry.state.reserve.unit)) for entry in taken]
    owed = [(entry, Side(entry.owed, entry.terms.price or 0, entry.state.reserve.unit)) for entry in repaid]
    cases = [_case(market, totals, collateral, debt) for debt in owed for collateral in held]
    if not cases:
        return None
    return _scope(market.rules, book, totals, max(cases, key=lambda case: case[:2]))


def engine_card(opened: Opened, rules: Rules, entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """See `Position.engine`."""
    taken = [entry for entry in entries if entry.counts and entry.supplied]
    fees = {entry.state.reserve.asset.symbol: entry.state.config.fee for entry in taken}
    bonuses = {entry.state.reserve.asset.symbol: max(0, entry.terms.bonus - BPS) for entry in taken}
    charged = any(fees.values())
    who = "anyone but the account itself" if rules.polynomial else "anyone"
    amounts = _amount_rule(rules, opened.base_symbol, opened.base_decimals)
    rest = "becomes a deficit of the protocol" if rules.close_by_total else "stays with the account"
    if not rules.known:
        who = amounts = rest = "not known for this revision of the pool"
    return (
        ("who", who),
        ("how much", amounts),
        ("bonus", bps_of(bonuses)),
        ("protocol fee", f"{bps_of(fees)} of the bonus" if charged else "none"),
        ("goes to", "the liquidator; the fee to the protocol's treasury" if charged else "the liquidator"),
        ("bad debt", rest),
    )


@lru_cache(64)
def _amount_rule(rules: Rules, symbol: str, decimals: int) -> str:
    if rules.half_always:
        return "up to half of one debt in a call"
    if not rules.close_by_total:
        return "up to half of one debt in a call; all of it once health is 0.95 or less"
    small, rest = (f"{amount(raw, decimals)} {symbol}" for raw in (SMALL_POSITION, MIN_LEFTOVER))
    return (
        "all of one debt in a call once health is 0.95 or less, or where that debt or that collateral is under "
        f"{small}; else up to half of the total debt. A part has to leave {rest} of both"
    )


def _case(market: Market, totals: Totals, taken_from: tuple[Entry, Side], repaid_to: tuple[Entry, Side]) -> _Case:
    (collateral, held), (debt, owed) = taken_from, repaid_to
    rules, bonus, fee = market.rules, collateral.terms.bonus, collateral.state.config.fee
    health = min(totals.health, HEALTH_ONE - 1)
    limit = _limit(rules, held, owed, health, totals.debt)
    taken = seize(rules, held, owed, limit.amount, bonus=bonus, fee=fee)
    blocked, reason = _blocked(market, collateral, debt, health), limit.reason
    if taken.seized == held.amount and taken.repaid < limit.amount:
        reason = "all of this collateral"
    elif rules.close_by_total and _leaves_dust(rules, held, owed, taken):
        taken = _largest_without_dust(rules, held, owed, limit.amount, bonus=bonus, fee=fee)
        reason = "what leaves no dust"
        blocked = blocked or ("" if taken.repaid else "any amount would leave dust")
    lost = collateral_value(taken.seized, held.price, held.unit)
    loss = lost - debt_value(taken.repaid, owed.price, owed.unit, directed=False)
    return _Case(not blocked, loss, collateral, debt, taken, limit, reason, blocked)


def _scope(rules: Rules, book: AaveBook, totals: Totals, case: _Case) -> Scope:
    terms, taken, reason = case.collateral.terms, case.taken, case.reason
    after = _health_after(book, case) if is_liquidatable(totals.health) else None
    worth = collateral_value(taken.seized, terms.price or 0, case.collateral.state.reserve.unit)
    others = any(entry.owed for entry in book.entries if entry is not case.debt)
    if rules.close_by_total and worth == totals.collateral and (others or taken.repaid < case.debt.owed):
        reason = f"{reason}; the pool writes off the rest of the debt"
        after = None if after is None else HEALTH_INFINITE
    return Scope(
        collateral=case.collateral.state.reserve.asset,
        debt=case.debt.state.reserve.asset,
        max_debt=taken.repaid,
        seized=taken.seized,
        loss=case.loss,
        close_factor=case.limit.amount * BPS // case.debt.owed,
        bonus=terms.bonus,
        reason=reason,
        health_after=after,
        toxic_below=terms.threshold * terms.bonus * (HEALTH_ONE // BPS**2),
        blocked=case.blocked,
    )


def _limit(rules: Rules, held: Side, owed: Side, health: int, total_debt: int) -> _Limit:
    if health <= CLOSE_FACTOR_HEALTH and not rules.half_always:
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


def _health_after(book: AaveBook, case: _Case) -> int | None:
    """Only for an account that is liquidatable now: of a safe one nobody knows at which prices it would happen."""
    seized = {case.collateral.state.reserve.asset.address: -case.taken.seized}
    repaid = {case.debt.state.reserve.asset.address: -case.taken.repaid}
    return book.health(Change(collateral=seized, debt=repaid))


def _blocked(market: Market, collateral: Entry, debt: Entry, health: int) -> str:
    """ValidationLogic.validateLiquidationCall: why it would be refused although health allows it."""
    if market.paused:
        return "the pool is paused"
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
