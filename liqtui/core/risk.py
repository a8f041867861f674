"""Completes a position that an adapter evaluated: boundaries, rescue amounts, interest alone, carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.factors import matters
from liqtui.core.interest import crossing
from liqtui.core.lazy_boundaries import LazyBoundaries
from liqtui.core.model import Side, is_infinite
from liqtui.core.rescue import LazyRescue
from liqtui.core.stress import under
from liqtui.core.units import BPS, RAY, SECONDS_PER_YEAR, WAD, mul_div_down, mul_div_up
from liqtui.core.wallet import TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.later import Later
    from liqtui.core.model import Position
    from liqtui.core.results import Boundary, Rescue

_DEBT = Side.DEBT  # in Python 3.11 it takes ten times as long to find it by its name

MOVES = (-0.05, -0.03, 0.0, 0.03, 0.10)


def complete(position: Position, targets: Sequence[int] = TARGETS) -> Position:
    """The position with its boundaries, rescue amounts, interest ETA and carry, worked out when looked at.

    Boundaries that the adapter found by its own arithmetic are kept. Without a book (a position that came over a
    wire) nothing can be tried and the position stays as it is; nothing is made up for an unknown health.
    """
    return position if position.book is None else position.finished(_FIGURES, bare=position, targets=targets)


def _boundaries(position: Position) -> Sequence[Boundary]:
    """They hang on the position as it was before it was finished: on this one they would keep each other alive."""
    bare: Position = position.peek("bare")
    known, book = bare.peek("boundaries"), bare.book
    if known is None:
        return () if book is None else LazyBoundaries(book, bare, bare.peek("fixed") or ())
    if book is None or isinstance(known, LazyBoundaries) or known:
        return known
    return LazyBoundaries(book, bare, bare.peek("fixed") or ())


def _rescue(position: Position) -> Sequence[Rescue]:
    bare: Position = position.peek("bare")
    if bare.rescue or bare.book is None or bare.health.shown is None:
        return bare.rescue
    return LazyRescue(bare.book, position.peek("targets"))


def interest_eta(position: Position) -> int | None:
    """Seconds until interest alone first brings health to 1, each leg growing at its own rate (`core.interest`).

    Prices and rates held; legs weigh what they count for in the health factor. Rounded down. Zero when it is there
    already; None when it never happens, and when health, a value, a price or a rate is unknown.
    """
    health = position.health.shown
    if health is None or is_infinite(health) or not position.has_debt:
        return None
    if health <= WAD:
        return 0
    owed: list[tuple[int, float]] = []
    held: list[tuple[int, float]] = []
    for leg in position.legs:
        paid = leg.side is _DEBT
        if not paid and not matters(leg):
            continue
        value, rate = leg.value, leg.rate
        if value is None or rate is None:
            return None
        weight = value if paid else value * leg.threshold
        if weight > 0:
            (owed if paid else held).append((weight, rate / RAY))
    years = crossing(health / WAD, held, owed) if held and owed else None
    return None if years is None else int(years * SECONDS_PER_YEAR)


def interest_known(position: Position) -> bool:
    """Whether no `interest_eta` means never: the figures that it is made of are there."""
    return position.health.shown is not None and all(
        leg.value is not None and (leg.rate is not None or not matters(leg)) for leg in position.legs
    )


def carry_per_year(position: Position) -> int | None:
    """Base units earned minus paid per year at today's rates, rounded against the owner; None when unknown."""
    carry = 0
    for leg in position.legs:
        value, rate = leg.value, leg.rate
        if value is None or rate is None:
            return None
        paid = leg.side is Side.DEBT
        carry += -mul_div_up(value, rate, RAY) if paid else mul_div_down(value, rate, RAY)
    return carry


_FIGURES: Later = {
    "boundaries": _boundaries,
    "rescue": _rescue,
    "interest_eta": interest_eta,
    "carry_per_year": carry_per_year,
}


def ladder(
    position: Position, moves: Sequence[float] = MOVES, factor: str | None = None
) -> tuple[tuple[float, int | None], ...]:
    """(relative move, health after it) along one factor, by default that of the nearest boundary.

    Empty without a book and where there is no factor to move along. Health is None when unknown.
    """
    if factor is None:
        nearest = position.nearest
        factor = nearest.factor if nearest is not None else None
    book = position.book
    if book is None or factor is None:
        return ()
    return tuple((move, under(book, {factor: move}, position.feeds)) for move in moves)


def recovery(position: Position, fall: float, bonus: int = BPS) -> int | None:
    """Basis points of the debt that lenders get back when all collateral falls by `fall` before it is sold.

    min(1, collateral × (1 − fall) ÷ (bonus × debt)), with `bonus` in basis points as of `Leg.bonus`. None when
    a value is unknown or there is no debt.
    """
    held, owed = position.collateral_value, position.debt_value
    if held is None or not owed:
        return None
    left = held * max(0, BPS - round(fall * BPS)) // BPS
    return min(BPS, left * BPS * BPS // (owed * bonus))
