"""What a liquidation takes from an account in a Compound v2 market, and the card of who may do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.format import amount, bps, bps_of
from liqtui.core.results import Scope
from liqtui.core.units import BPS, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.compound_v2_book import vai_line
from liqtui.protocols.compound_v2_math import measure, seize, underlying_of
from liqtui.protocols.compound_v2_whole import closed_whole, collateral_of, whole_scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Asset
    from liqtui.protocols.compound_v2_book import CompoundBook, Entry
    from liqtui.protocols.compound_v2_math import Line, Seizure
    from liqtui.protocols.compound_v2_pauses import Action
    from liqtui.protocols.compound_v2_state import Market, Opened

_PRICE_DIGITS = 18


class _Debt(NamedTuple):
    """What can be repaid in a liquidation: the debt in one market, or VAI."""

    asset: Asset
    line: Line
    forced: bool
    """May be liquidated whatever the health."""
    paused: frozenset[Action]
    """Nothing ever for VAI: it is in no market that could be paused."""
    own_terms: bool
    """The incentive is that of the account's e-mode pool; for VAI it is always the collateral's own."""


class _Case(NamedTuple):
    """The largest liquidation of one pair. One that can go through is worse, then by what it costs the owner."""

    loss: int
    collateral: Entry
    debt: _Debt
    taken: Seizure
    seized: int
    """Raw underlying units."""
    limit: int
    incentive: int
    blocked: str


def worst_scope(market: Market, book: CompoundBook) -> Scope | None:
    """The collateral and the debt whose liquidation costs the owner most, at today's prices.

    None without collateral or debt, and where a price is unknown.
    """
    if book.sums() is None:
        return None
    if closed_whole(market, book):
        return whole_scope(market, book)
    cases = [
        _case(market, book, collateral, debt)
        for debt in _debts(book)
        for collateral in book.entries
        if collateral.holding.entered and collateral.holding.tokens and _worth_seizing(book, collateral)
    ]
    return _scope(market, book, max(cases, key=lambda case: (not case.blocked, case.loss))) if cases else None


def engine_card(opened: Opened, market: Market, entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """See `Position.engine`."""
    taken = [entry for entry in entries if entry.holding.entered and entry.supplied]
    names = [entry.state.info.asset.symbol for entry in taken]
    bonuses = [max(0, entry.incentive - WAD) * BPS // WAD for entry in taken]
    shares = [(entry.state.info.share or 0) * BPS // WAD for entry in taken]
    most = f"up to {bps(market.close_factor * BPS // WAD)} of one debt in a call"
    if any(entry.forced and entry.owed for entry in entries):
        most += "; all of a debt whose market is closed down, whatever the health"
    if market.least is not None:
        most += f"; with collateral up to {amount(market.least, _PRICE_DIGITS)} USD only all at once"
    fee, goes = "none told", "the liquidator, as cTokens"
    if any(shares):
        of = "what is repaid" if opened.least is not None else "what is taken"
        fee, goes = f"{bps_of(dict(zip(names, shares, strict=True)))} of {of}", f"{goes}; the fee to the reserves"
    return (
        ("who", f"only the contract {opened.liquidator}" if opened.liquidator else "anyone but the account itself"),
        ("how much", most),
        ("bonus", bps_of(dict(zip(names, bonuses, strict=True)))),
        ("protocol fee", fee),
        ("goes to", goes),
        ("bad debt", "becomes bad debt of the pool" if opened.least is not None else "stays with the account"),
    )


def _debts(book: CompoundBook) -> list[_Debt]:
    found = [
        _Debt(entry.state.info.asset, entry.line, entry.forced, entry.state.paused, own_terms=True)
        for entry in book.entries
        if entry.holding.entered and entry.owed
    ]
    vai = book.vai
    if vai and book.owed_vai:
        forced = vai.asset.address in book.forced
        found.append(_Debt(vai.asset, vai_line(vai, book.owed_vai), forced, frozenset(), own_terms=False))
    return found


def _worth_seizing(book: CompoundBook, collateral: Entry) -> bool:
    """Whether a cToken is worth anything in the comptroller's digits; else it divides by zero and refuses."""
    line = collateral.line
    return book.rounding.mul(line.price or 0, line.rate) > 0


def _case(market: Market, book: CompoundBook, collateral: Entry, debt: _Debt) -> _Case:
    """Of VAI its controller takes a few wei less than is offered: it rounds principal and interest apart, down."""
    line, held = debt.line, collateral.line
    limit = line.owed if debt.forced else market.close_factor * line.owed // WAD
    incentive = collateral.incentive if debt.own_terms else collateral.state.incentive
    taken = seize(book.rounding, held, line, limit, incentive)
    seized = underlying_of(taken.tokens, held.rate)
    loss = (held.price or 0) * seized // WAD - (line.price or 0) * taken.repaid // WAD
    blocked = "seizing is paused" if market.seize_paused else "the whole protocol is paused" if market.paused else ""
    blocked = blocked or pauses.stopped(collateral.state.paused, debt.paused) or _refused(market, book, debt)
    return _Case(loss, collateral, debt, taken, seized, limit, incentive, blocked)


def _refused(market: Market, book: CompoundBook, debt: _Debt) -> str:
    """Of an account with a debt that may be liquidated whatever the health: why another of its debts may not."""
    sums = book.sums()
    if debt.forced or not book.forced or sums is None:
        return ""
    if sums.collateral >= sums.borrow:
        return "health allows it for debt whose market is closed down only"
    small = market.least is not None and collateral_of(book.lines) <= market.least
    return "so small an account is closed only as a whole" if small else ""


def _scope(market: Market, book: CompoundBook, case: _Case) -> Scope:
    collateral, debt, taken = case.collateral, case.debt, case.taken
    reason = "all of this debt" if debt.forced else f"{market.close_factor * 100 // WAD} % of this debt"
    if taken.repaid < case.limit:
        reason = "all of this collateral"
    return Scope(
        collateral=collateral.state.info.asset,
        debt=debt.asset,
        max_debt=taken.repaid,
        seized=case.seized,
        loss=case.loss,
        close_factor=taken.repaid * BPS // debt.line.owed,
        bonus=case.incentive * BPS // WAD,
        reason=reason,
        health_after=_health_after(book, case) if book.liquidatable() else None,
        toxic_below=collateral.weight * case.incentive // WAD,
        blocked=case.blocked,
    )


def _health_after(book: CompoundBook, case: _Case) -> int | None:
    held, owed = case.collateral.line.asset, case.debt.asset.address
    lines = [
        line._replace(
            tokens=line.tokens - (case.taken.tokens if line.asset == held else 0),
            owed=line.owed - (case.taken.repaid if line.asset == owed else 0),
        )
        for line in book.lines
    ]
    sums = measure(lines, book.rounding)
    return None if sums is None else sums.health
