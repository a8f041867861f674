"""Which position stands first: the one with the least cushion."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from liqtui.core.factors import ANCHOR_PERCENT
from liqtui.core.lazy_boundaries import FoundBoundaries, LazyBoundaries
from liqtui.core.results import FactorKind
from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.model import Position, PositionKey
    from liqtui.core.reach import Reach
    from liqtui.core.results import Boundary
    from liqtui.core.snapshot import Row, Volatility

TYPICAL_SIGMA = 0.04
"""Stands in for an unknown daily σ when a row that has one is ranked beside a row that has none. Never shown."""

CALM_SIGMA = 0.005
"""The same for a price that stands within 5 % of one base unit: as far away, it is the less likely end."""

RATIO_SIGMA = 0.01
"""The same for the rate inside an adapter, which no feed tells: calmer than its base, unless a market sets it.

Otherwise a staked coin's rate, as far away as the coin itself, would stand for it wherever the coin's σ is under 4 %.
"""

_ON_TOP = {Severity.LIQUIDATED: 0, Severity.LIQUIDATABLE: 1}


def cushion(position: Position | None, sigmas: Mapping[str, float]) -> tuple[Boundary | None, float | None]:
    """The boundary that ranks the position, and how many daily σ away it is.

    The second is None where σ is not known, and where the boundary is passed: nothing is left of the cushion.
    Both rest on an estimate (`Boundary.about`) until the boundary's price is read; see `Row.sigmas_left`.
    `sigmas`: factor id → daily σ as a fraction. Boundaries of single assets are for checking, not for ranking. Where
    σ of some is unknown they compete with a typical σ, so that a near boundary never hides behind a far one that
    happens to have a σ. "together" is measured with the largest σ of the factors that it moves, when all are known.
    """
    boundaries: Sequence[Boundary] = position.boundaries if position is not None else ()
    ways = boundaries if isinstance(boundaries, LazyBoundaries) else FoundBoundaries(boundaries)
    best: tuple[float, Reach, float | None] | None = None
    for way in ways.ranked:
        sigma = _sigma(way, ways.reaches, sigmas) if sigmas else None
        unit = sigma or _typical(way)
        if best is not None and way.least / unit >= best[0]:
            continue
        known = ways.settled(way)
        counted = None if known.about is None else abs(known.about) / unit
        if counted is not None and (best is None or counted < best[0]):
            best = counted, known, counted if sigma else None
    if best is None:
        return None, None
    return ways.at(best[1]), None if best[1].passed else best[2]


def nearest(position: Position) -> float | None:
    """Relative distance to the nearest boundary of a factor, whichever ranks; rests on estimates as `cushion` does."""
    boundaries = position.boundaries
    ways = boundaries if isinstance(boundaries, LazyBoundaries) else FoundBoundaries(boundaries)
    best: float | None = None
    for way in ways.ranked:
        if best is None or way.least < best:
            about = ways.settled(way).about
            best = best if about is None or (best is not None and abs(about) >= best) else abs(about)
    return best


def _typical(way: Reach) -> float:
    """What stands in for its σ beside others."""
    if way.kind is FactorKind.RATIO:
        return RATIO_SIGMA
    return CALM_SIGMA if way.kind is FactorKind.FACTOR and _near_one(way.price_now, way.decimals) else TYPICAL_SIGMA


@lru_cache(maxsize=1024)
def _near_one(price: int, decimals: int) -> bool:
    one = 10**decimals
    return abs(price - one) * 100 <= one * ANCHOR_PERCENT


def _sigma(way: Reach, ways: Iterable[Reach], sigmas: Mapping[str, float]) -> float | None:
    factor = measure(way, ways, sigmas)
    return sigmas.get(factor) if factor is not None else None


def measure(way: Boundary | Reach, ways: Iterable[Boundary | Reach], sigmas: Mapping[str, float]) -> str | None:
    """Id of the factor whose σ the distance to a boundary is measured in; None where that is not known.

    Its own; for "together" the wildest of the factors that it moves, if σ of all of them is known.
    """
    if sigmas.get(way.factor):
        return way.factor
    if way.kind is not FactorKind.TOGETHER:
        return None
    held = set(way.assets)
    among = [b.factor for b in ways if b.kind is FactorKind.FACTOR and held >= set(b.assets)]
    if not all(sigmas.get(factor) for factor in among):
        return None
    return max(among, key=lambda factor: sigmas[factor], default=None)


def yardstick(row: Row, known: Iterable[Volatility]) -> Volatility | None:
    """The σ that the row's cushion is measured in; None where it has none, or its boundaries are not all here."""
    boundary, position = row.cushion, row.position
    if boundary is None or position is None or position.partial:
        return None
    found = {each.factor: each for each in known}
    factor = measure(boundary, position.boundaries, {name: each.daily for name, each in found.items()})
    return None if factor is None else found[factor]


def _key(row: Row) -> tuple[int, float, float, PositionKey]:
    position = row.position
    shown = position.health.shown if position else None
    health = float("inf") if shown is None else float(shown)
    if row.severity in _ON_TOP or (position is not None and position.has_debt and liquidatable(position)):
        return _ON_TOP.get(row.severity, 1), health, 0.0, row.key
    if position is None or (position.has_debt and shown is None):
        return 2, 0.0, 0.0, row.key
    if not position.has_debt:
        return 5, health, 0.0, row.key
    if row.left is None:
        return 4, health, 0.0, row.key
    return 3, row.left / TYPICAL_SIGMA if row.sigmas is None else row.sigmas, health, row.key


def order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Liquidatable first, then unknown, then by what is left of the cushion, then what is calm and no price endangers,
    then without debt.

    A blind row keeps the place that its last figures give it.
    """
    return tuple(sorted(rows, key=_key))
