"""Which position stands first: the one with the least cushion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.model import FactorKind
from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import Boundary, Position
    from liqtui.core.snapshot import Row

TYPICAL_SIGMA = 0.04
"""Stands in for an unknown daily σ when a row that has one is ranked beside a row that has none. Never shown."""


def cushion(position: Position | None, sigmas: Mapping[str, float]) -> tuple[Boundary | None, float | None]:
    """The boundary that ranks the position, and how many daily σ away it is.

    By σ where the factor's σ is known, else by relative distance with a typical σ. Boundaries of single assets
    are for checking, not for ranking; "together" is measured with the largest σ of the factors that it moves.
    """
    if position is None:
        return None, None
    together = max((sigmas[b.factor] for b in position.boundaries if b.factor in sigmas), default=None)
    best: tuple[float, Boundary, float | None] | None = None
    for boundary in position.boundaries:
        move = boundary.move
        if boundary.kind is FactorKind.ASSET or move is None:
            continue
        sigma = together if boundary.kind is FactorKind.TOGETHER else sigmas.get(boundary.factor)
        counted = abs(move) / (sigma or TYPICAL_SIGMA)
        if best is None or counted < best[0]:
            best = counted, boundary, counted if sigma else None
    return (best[1], best[2]) if best else (None, None)


def _key(row: Row) -> tuple[int, float, float, str]:
    if row.severity in {Severity.LIQUIDATED, Severity.LIQUIDATABLE}:
        group = 0
    elif row.position is None or row.position.health.shown is None:
        group = 1
    elif row.cushion is not None:
        group = 2
    else:
        group = 3 if row.position.has_debt else 4
    move = row.cushion.move if row.cushion else None
    distance = row.sigmas if row.sigmas is not None else None if move is None else abs(move) / TYPICAL_SIGMA
    shown = row.position.health.shown if row.position else None
    health = float("inf") if shown is None else float(shown)
    if group == 0:
        return group, health, 0.0, row.id
    return group, float("inf") if distance is None else distance, health, row.id


def order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Liquidatable first, then unknown, then by cushion, then what no single price endangers, then without debt.

    A blind row keeps the place that its last figures give it.
    """
    return tuple(sorted(rows, key=_key))


def counts(rows: Iterable[Row]) -> dict[Severity, int]:
    """How many rows of each severity that occurs."""
    found: dict[Severity, int] = {}
    for row in rows:
        found[row.severity] = found.get(row.severity, 0) + 1
    return found
