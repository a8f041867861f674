"""What rules would have said over a stretch of recorded readings: how often, and when.

The live rules themselves (`severity`, `coming`) over what the history keeps. They see a reading a minute instead of
each, so a pace may be told a minute sooner or later than it was. Prices, parameters, feeds and doubts are not in it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import pace as paces
from liqtui.core import rank
from liqtui.core.coming import accrued, folds, hurried
from liqtui.core.severity import Figures, crossing, liquidatable, turned
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import Position
    from liqtui.core.rules import Rules
    from liqtui.core.wallet import Thresholds

TOLD = frozenset({"threshold", "recovered", "liquidatable", "velocity", "interest"})
"""Kinds of alert that are rehearsed."""


class Point(NamedTuple):
    """A recorded reading."""

    at: float
    """Unix time."""
    health: int
    """1e18-scaled; HEALTH_INFINITE without debt."""
    distance: float | None
    """Relative distance to the boundary that ranked the position; None: none, or not known."""
    block_at: int | None = None
    """Time of its block; None: recorded when only the three above were kept."""
    nearest: float | None = None
    """Relative distance to the nearest boundary; None: none."""
    sigmas: float | None = None
    """Daily σ to the boundary that was nearest by a σ that was known; None: none was."""
    eta: float | None = None
    """Seconds until interest alone reaches liquidation; None: never."""
    unsafe: bool | None = None
    """Whether anybody could liquidate it; None: not known."""
    moved: bool = False
    """Amounts were changed since the reading before, so that its pace begins anew."""


class Said(NamedTuple):
    """An alert that would have been."""

    at: float
    level: Severity
    """Of a crossing; of a pace the threshold that it runs to; OK, or a milder one than before: recovered."""
    kind: str = "threshold"
    quiet: bool = False
    """Only logged: the kind is switched off."""

    @property
    def worse(self) -> bool:
        return self.kind != "recovered"


class Rehearsal(NamedTuple):
    """What was said, and how far the record can tell it."""

    said: tuple[Said, ...] = ()
    """In order of time."""
    start: float | None = None
    """Of the first reading; None: there is none."""
    full: float | None = None
    """Of the first with block time, σ and interest; None: none has."""
    paced: float | None = None
    """Of the first whose pace could be judged; None: readings were never close enough."""
    measured: bool = False
    """σ was known of one reading at least."""


def reading(
    position: Position, at: float, sigmas: Mapping[str, float], ranked: rank.Cushion | None = None
) -> Point | None:
    """What is kept of a position as it is now; None without a health.

    `sigmas`: as in `rank.cushion`; `ranked`: what that says of the position, where it was asked already.
    """
    health = position.health.shown
    if health is None:
        return None
    ranked = rank.cushion(position, sigmas) if ranked is None else ranked
    boundary = ranked[0]
    plain = rank.cushion(position, {})[0] if sigmas else boundary
    return Point(
        at,
        health,
        plain.about if plain else None,
        position.block.timestamp,
        rank.nearest(position),
        rank.least_sigmas(position, sigmas, ranked),
        position.interest_eta,
        liquidatable(position) if position.has_debt else False,
    )


def rehearse(points: Iterable[Point], thresholds: Thresholds, rules: Rules) -> Rehearsal:
    """By resolved settings, over readings in order of time."""
    level, hurry, interest = Severity.OK, Severity.OK, False
    samples: paces.Samples = ()
    start = full = paced = None
    measured, said = False, list[Said]()
    for point in points:
        start = point.at if start is None else start
        found, crossed = _figures(point), list[Said]()
        new = turned(level, found, thresholds)
        if new is not None:
            crossed.append(_said(point.at, crossing(level, new), new, rules))
            level = new
        soon = list[Said]()
        if point.block_at is not None:
            full = point.at if full is None else full
            measured |= point.sigmas is not None
            samples = paces.added(() if point.moved else samples, point.health, point.block_at)
            paced = point.at if paced is None and len(samples) >= paces.LEAST_SAMPLES else paced
            hurry, ahead = hurried(hurry, samples, found, thresholds, rules.reaction or 0.0)
            interest, due = accrued(interest, point.eta, rules.interest_days or 0.0)
            soon += [_said(point.at, "velocity", ahead.level, rules)] if ahead is not None else []
            soon += [_said(point.at, "interest", Severity.WARN, rules)] if due else []
        said += crossed if folds([each.kind for each in crossed]) else [*crossed, *soon]
    return Rehearsal(tuple(said), start, full, paced, measured)


def _figures(point: Point) -> Figures:
    unsafe = point.unsafe if point.block_at is not None else point.health < HEALTH_ONE
    nearest = point.nearest if point.block_at is not None else point.distance
    return Figures(point.health != HEALTH_INFINITE, point.health, unsafe, partial(_near, nearest), point.sigmas)


def _near(distance: float | None, limit: int | None) -> bool:
    return limit is not None and distance is not None and abs(distance) < limit / WAD


def _said(at: float, kind: str, level: Severity, rules: Rules) -> Said:
    return Said(at, level, kind, rules.logs_only(kind))
