"""Which position stands first: the one with the least cushion."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from liqtui.core.factors import anchored
from liqtui.core.lazy_boundaries import FoundBoundaries, LazyBoundaries
from liqtui.core.results import FactorKind
from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_FACTOR, _RATIO, _TOGETHER = FactorKind.FACTOR, FactorKind.RATIO, FactorKind.TOGETHER

_ON_TOP = {Severity.LIQUIDATED: 0, Severity.LIQUIDATABLE: 1}
_CALL = {Severity.CRITICAL: 1, Severity.WARN: 2}
"""Sorted by severity, who calls for somebody comes before who does not."""
_MEASURED = 3
"""From here on `by_cushion` is about rows that have a cushion, or need none."""


Cushion: TypeAlias = "tuple[Boundary | None, float | None]"
"""See `cushion`."""


def ways(position: Position) -> tuple[Reach, ...]:
    """What may lead to liquidation, roughly how near: what `cushion` and `nearest` are made from."""
    return _sought(position).ranked


def _sought(position: Position) -> LazyBoundaries | FoundBoundaries:
    boundaries = position.boundaries
    return boundaries if isinstance(boundaries, LazyBoundaries) else FoundBoundaries(boundaries)


def cushion(position: Position | None, sigmas: Mapping[str, float]) -> Cushion:
    """The boundary that ranks the position, and how many daily σ away it is.

    The second is None where σ is not known, and where the boundary is passed: nothing is left of the cushion.
    Both rest on an estimate (`Boundary.about`) until the boundary's price is read; see `Row.sigmas_left`.
    `sigmas`: factor id → daily σ as a fraction. Boundaries of single assets are for checking, not for ranking. Where
    σ of some is unknown they compete with a typical σ, so that a near boundary never hides behind a far one that
    happens to have a σ. "together" is measured with the largest σ of the factors that it moves, when all are known.
    """
    if position is None:
        return None, None
    sought = _sought(position)
    best: Reach | None = None
    left, measured = 0.0, False
    for way in sought.ranked:
        sigma = _sigma(way, sought.reaches, sigmas) if sigmas else None
        unit = sigma or _typical(way)
        if best is not None and way.least / unit >= left:
            continue
        known = sought.settled(way)
        if known.about is None:
            continue
        counted = abs(known.about) / unit
        if best is None or counted < left:
            best, left, measured = known, counted, bool(sigma)
    if best is None:
        return None, None
    return sought.at(best), left if measured and not best.passed else None


def least_sigmas(position: Position, sigmas: Mapping[str, float], ranked: Cushion) -> float | None:
    """Daily σ to whichever boundary is nearest by a σ that is known; None where none is. For thresholds in σ.

    Where the boundary that ranks has a σ it is that one; where it has none, another one may be too near all the same.
    `ranked`: what `cushion` says.
    """
    best, found = ranked
    if found is not None or best is None or not sigmas:
        return found
    sought = _sought(position)  # whose estimates are asked: of the boundary itself every figure is a search
    if any(way.factor == best.factor and sought.settled(way).passed for way in sought.ranked):
        return 0.0  # nothing is left of it, also where the contract does not say yet that it is liquidatable
    for way in sought.ranked:
        sigma = _sigma(way, sought.reaches, sigmas)
        if not sigma or (found is not None and way.least / sigma >= found):
            continue
        about = sought.settled(way).about
        if about is not None and (found is None or abs(about) / sigma < found):
            found = abs(about) / sigma
    return found


def nearest(position: Position) -> float | None:
    """Relative distance to the nearest boundary of a factor, whichever ranks; rests on estimates as `cushion` does."""
    sought = _sought(position)
    best: float | None = None
    for way in sought.ranked:
        if best is None or way.least < best:
            about = sought.settled(way).about
            best = best if about is None or (best is not None and abs(about) >= best) else abs(about)
    return best


def _typical(way: Reach) -> float:
    """What stands in for its σ beside others."""
    if way.kind is _RATIO:
        return RATIO_SIGMA
    return CALM_SIGMA if way.kind is _FACTOR and anchored(way.price_now, way.decimals) else TYPICAL_SIGMA


def _sigma(way: Reach, ways: Iterable[Reach], sigmas: Mapping[str, float]) -> float | None:
    factor = measure(way, ways, sigmas)
    return sigmas.get(factor) if factor is not None else None


def measure(way: Boundary | Reach, ways: Iterable[Boundary | Reach], sigmas: Mapping[str, float]) -> str | None:
    """Id of the factor whose σ the distance to a boundary is measured in; None where that is not known.

    Its own; for "together" the wildest of the factors that it moves, if σ of all of them is known.
    """
    if sigmas.get(way.factor):
        return way.factor
    if way.kind is not _TOGETHER:
        return None
    held = set(way.assets)
    among = [b.factor for b in ways if b.kind is _FACTOR and held >= set(b.assets)]
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


def by_cushion(row: Row) -> tuple[int, float, float, PositionKey]:
    """To sort rows: what can be liquidated, then what is unknown, then by what is left of the cushion, then what is
    calm and no price endangers, then what owes nothing. A blind row keeps the place that its last figures give it.
    """
    position = row.position
    shown = position.health.shown if position is not None else None
    health = float("inf") if shown is None else float(shown)
    owes = position is not None and position.has_debt
    if row.severity in _ON_TOP or (position is not None and owes and liquidatable(position)):
        return _ON_TOP.get(row.severity, 1), health, 0.0, row.key
    if position is None or (owes and shown is None):
        return 2, 0.0, 0.0, row.key
    if not owes:
        return 5, health, 0.0, row.key
    left = row.left
    if left is None:
        return 4, health, 0.0, row.key
    return 3, left / TYPICAL_SIGMA if row.sigmas is None else row.sigmas, health, row.key


def by_severity(row: Row) -> tuple[int, tuple[int, float, float, PositionKey]]:
    """To sort rows: as `by_cushion`, but whoever is critical, and then whoever is at warn, before the rest."""
    nearness = by_cushion(row)
    return (0 if nearness[0] < _MEASURED else _CALL.get(row.severity, 3)), nearness


def order(rows: Iterable[Row]) -> tuple[Row, ...]:
    """By cushion."""
    return tuple(sorted(rows, key=by_cushion))
