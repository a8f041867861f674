"""Health along a move of the factor that is nearest to liquidating a position, for the preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Change, FactorKind
from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Thresholds

_MOVES = (-5, -3, 0, 3, 10)
_FAR_MOVES = (-30, -15, 0, 15, 30)


class Step(NamedTuple):
    move: float
    health: int | None
    severity: Severity
    now: bool


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
    if position is None or position.book is None or boundary is None or boundary.kind is FactorKind.TOGETHER:
        return None
    far = boundary.move is None or abs(boundary.move) > 0.2
    return Ladder(
        boundary.label,
        tuple(_step(position, row.thresholds, boundary.assets, move) for move in (_FAR_MOVES if far else _MOVES)),
    )


def _step(position: Position, thresholds: Thresholds, symbols: tuple[str, ...], percent: int) -> Step:
    assert position.book is not None
    prices = {
        leg.asset.address: leg.price * (100 + percent) // 100
        for leg in position.legs
        if leg.price is not None and leg.asset.symbol in symbols
    }
    health = position.health.shown if percent == 0 else position.book.health(Change(prices=prices))
    return Step(percent / 100, health, severity_of(health, thresholds), percent == 0)
