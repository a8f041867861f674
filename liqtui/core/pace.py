"""How fast health falls, by a slope that single outliers do not bend, and when it reaches the next threshold."""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import combinations
from math import log
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.units import HEALTH_INFINITE, WAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Position

WINDOW = 900
"""Seconds of chain time that the slope looks back."""
SPACING = 20
"""Least seconds of chain time between two samples."""
LEAST_SAMPLES = 10
LEAST_FALL = 0.01
"""Fall of ln health along the slope over the window that is more than trembling."""
AGREEMENT = 0.9
"""Share of all pairs of samples that have to fall: a zigzag agrees to about a half."""

Samples = tuple[tuple[int, float], ...]
"""(chain time, ln health), oldest first."""


class Pace(NamedTuple):
    slope: float
    """Of ln health per second; negative."""
    eta: float
    """Seconds until the threshold at that slope."""


def add(samples: Samples, position: Position) -> Samples:
    """With this reading, if it is a new one; without what is older than the window. The same tuple when unchanged."""
    return added(samples, position.health.shown, position.block.timestamp)


def added(samples: Samples, health: int | None, at: int) -> Samples:
    """As `add`, of a health (1e18-scaled) at a time of the chain."""
    if not health or health == HEALTH_INFINITE:
        return ()
    if samples and at < samples[-1][0] + SPACING:
        return samples if at >= samples[-1][0] else ()
    return (*(sample for sample in samples if sample[0] >= at - WINDOW), (at, log(health / WAD)))


def pace(samples: Samples, threshold: int, within: float) -> Pace | None:
    """The fall toward `threshold` (1e18-scaled) if it gets there `within` seconds; None when it does not, or when
    what was seen is too little or too unsteady to say so.
    """
    if len(samples) < LEAST_SAMPLES or within <= 0:
        return None
    last, span = samples[-1][1], samples[-1][0] - samples[0][0]
    distance = last - log(threshold / WAD)
    # cheap, and enough for nearly every position: it never fell far enough to be falling that fast
    if distance <= 0 or max(value for _, value in samples) - last < min(distance / within * span, LEAST_FALL) / 2:
        return None
    if _agreed(samples) < AGREEMENT:
        return None
    slope = _slope(samples)
    if slope >= 0 or -slope * span < LEAST_FALL or distance / -slope > within:
        return None
    return Pace(slope, distance / -slope)


def _agreed(samples: Sequence[tuple[int, float]]) -> float:
    """Share of all pairs that fall. Most windows end here, so it is counted without looking at each pair."""
    before: list[float] = []
    falling = 0
    for _, value in samples:
        falling += len(before) - bisect_right(before, value)
        insort(before, value)
    return falling / (len(samples) * (len(samples) - 1) // 2)


def _slope(samples: Sequence[tuple[int, float]]) -> float:
    """Theil and Sen: the median of the slopes between all pairs."""
    return median((later - earlier) / (end - start) for (start, earlier), (end, later) in combinations(samples, 2))
