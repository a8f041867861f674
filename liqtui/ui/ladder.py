"""Health along a move of the factor that is nearest to liquidating a position, for the preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Thresholds

_MOVES = (-0.05, -0.03, 0.0, 0.03, 0.10)
_FAR_MOVES = (-0.30, -0.15, 0.0, 0.15, 0.30)


class Step(NamedTuple):
    move: float
    health: int | None
    severity: Severity


class Ladder(NamedTuple):
    label: str
    steps: tuple[Step, ...]


def severity_of(health: int | None, thresholds: Thresholds) -> Severity:
    """What a health would mean for this row."""
    if health is None:
        return Severity.UNKNOWN
    if health < WAD:
        return Severity.LIQUIDATABLE
    if thresholds.critical is not None and health < thresholds.critical:
        return Severity.CRITICAL
    if thresholds.warn is not None and health < thresholds.warn:
        return Severity.WARN
    return Severity.OK


def steps(row: Row) -> Ladder | None:
    """None where there is nothing to move, or no arithmetic at hand."""
    position, boundary = row.position, row.cushion
    if position is None or boundary is None or position.partial:
        return None
    from liqtui.core import risk  # with all the arithmetic: the first frame need not wait for it

    far = boundary.move is None or abs(boundary.move) > 0.2
    made = risk.ladder(position, _FAR_MOVES if far else _MOVES, boundary.factor)
    limits = row.thresholds.over(DEFAULT_THRESHOLDS)
    found: list[Step] = []
    for move, computed in made:
        health = computed if move else position.health.shown
        found.append(Step(move, health, severity_of(health, limits)))
    return Ladder(boundary.label, tuple(found)) if found else None
