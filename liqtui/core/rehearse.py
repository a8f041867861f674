"""What the threshold rules would have said over a stretch of recorded figures: how often, and when.

The same limits, bands and steps as `core.alerts`, over what the history keeps: health and distance. What hangs on
more than these (pace, parameters, feeds, σ of that day) cannot be told from it and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.severity import BAND, by_figures, told, wider
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.wallet import Thresholds


class Point(NamedTuple):
    """A recorded reading."""

    at: float
    """Unix time."""
    health: int
    """1e18-scaled; HEALTH_INFINITE without debt."""
    distance: float | None
    """Relative distance to the boundary that ranked the position; None: none, or not known."""


class Said(NamedTuple):
    """An alert that would have been."""

    at: float
    level: Severity
    """OK, or a milder one than before: recovered."""
    worse: bool


def rehearse(points: Iterable[Point], thresholds: Thresholds) -> tuple[Said, ...]:
    """In order of time. `thresholds` are resolved; those in σ say nothing here."""
    level, found = Severity.OK, list[Said]()
    broad = wider(thresholds)
    for point in points:
        reached = _level(point, thresholds, 0)
        new = told(level, reached, reached if reached.rank < level.rank else _level(point, broad, BAND))
        if new is not None:
            found.append(Said(point.at, new, new.rank < level.rank))
            level = new
    return tuple(found)


def _level(point: Point, thresholds: Thresholds, band: int) -> Severity:
    if point.health == HEALTH_INFINITE:
        return Severity.OK
    if point.health < HEALTH_ONE + band:
        return Severity.LIQUIDATABLE
    distance = point.distance

    def near(limit: int | None) -> bool:
        return limit is not None and distance is not None and abs(distance) < limit / WAD

    return by_figures(point.health, thresholds, near, None)
