"""How far figures can be trusted, and how bad they are.

Freshness is the worst of three ages, each against its own limit:

- fetch: our last good read, against the time between rounds;
- head: the age of the block that was read when we read it, against the chain's block time;
- oracle: each feed on chain time against its heartbeat plus a grace of a tenth of it, at least 15 minutes
  (a limit equal to the heartbeat would raise an endless false alarm, since feeds publish *at* the heartbeat).

A negative age is an error of somebody's clock and never fresh: late where clocks may differ a little (the head, up
to `CLOCK_SKEW`), else stale.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.lazy_boundaries import LazyBoundaries
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.units import HEALTH_ONE, WAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from liqtui.core.model import Feed, Position
    from liqtui.core.wallet import Thresholds

BAND = 2 * WAD // 100
"""A health threshold T is armed again at T × 1.02."""
CUSHION_BAND = 150
"""A cushion threshold is armed again at this percentage of it."""
GRACE_LEAST = 900
CLOCK_SKEW = 15
"""Seconds by which a block's time may be ahead of our clock and be late only, not stale."""

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_FRESH, _LATE, _STALE = Freshness.FRESH, Freshness.LATE, Freshness.STALE
_OK, _WARN, _CRITICAL, _LIQUIDATABLE = Severity.OK, Severity.WARN, Severity.CRITICAL, Severity.LIQUIDATABLE
_UNKNOWN = Severity.UNKNOWN

_ORDER = {state: place for place, state in enumerate((_FRESH, _LATE, _STALE, Freshness.BLIND))}


def worst(states: Iterable[Freshness]) -> Freshness:
    return max(states, key=_ORDER.__getitem__, default=_FRESH)


def fetch_freshness(age: float | None, poll: float) -> Freshness:
    """Late after two missed rounds, stale after four (at least a minute), blind after ten (at least 3 minutes)."""
    if age is None:
        return Freshness.BLIND
    if age < 0:
        return _STALE
    if age > blind_after(poll):
        return Freshness.BLIND
    if age > max(60.0, 4 * poll):
        return _STALE
    return _LATE if age > max(10.0, 2.5 * poll) else _FRESH


def blind_after(poll: float) -> float:
    """Seconds without a good read after which nothing is known any more, with so many between two rounds."""
    return max(180.0, 10 * poll)


def head_freshness(age: float | None, block_time: float) -> Freshness:
    """Of the block's own time against ours: late after a minute or 8 blocks, stale after 5 minutes or 25 blocks."""
    if age is None:
        return Freshness.BLIND
    if age < -CLOCK_SKEW:
        return _STALE
    if age > max(300.0, 25 * block_time):
        return _STALE
    return _LATE if age < 0 or age > max(60.0, 8 * block_time) else _FRESH


def oracle_age(feed: Feed, block_time: int) -> int | None:
    """Seconds on chain time since the feed's last round; negative is an error; None when it does not tell."""
    return None if feed.updated_at is None else block_time - feed.updated_at


def oracle_freshness(feed: Feed, block_time: int) -> Freshness:
    """Late past the heartbeat and its grace, stale at twice that, and where it is ahead of its block.

    A feed that tells no age, or whose heartbeat nobody knows, counts as fresh.
    (Aave itself never looks at the age: a stale feed is used as it is. Its holders must know all the same.)
    """
    age = oracle_age(feed, block_time)
    if age is not None and age < 0:
        return _STALE
    if age is None or feed.heartbeat is None:
        return _FRESH
    limit = feed.heartbeat + max(GRACE_LEAST, feed.heartbeat // 10)
    if age > 2 * limit:
        return _STALE
    return _LATE if age > limit else _FRESH


def oracle_late(position: Position | None) -> bool:
    """Whether any feed that it hangs on was late or stale by the time of its block."""
    if position is None:
        return False
    told: bool | None = position.peek("oracle_late_known")  # of a glimpse, whose feeds are not here
    if told is not None:
        return told
    at = position.block.timestamp
    return any(oracle_freshness(feed, at) is not _FRESH for feed in position.feeds)


def liquidatable(position: Position) -> bool | None:
    """By the contract's word where it gave one, else by our own arithmetic; None when neither is known."""
    raw, reported, _, verdict = position.health
    if verdict is not None:
        return verdict
    if reported is not None:
        return reported < HEALTH_ONE
    if position.book is not None:
        return position.book.liquidatable()
    return None if raw is None else raw < HEALTH_ONE


class Figures(NamedTuple):
    """What the rules about health and distance look at: of a position now, or of a reading on record."""

    debt: bool
    health: int | None
    """1e18-scaled; None: not known."""
    unsafe: bool | None
    """Whether anybody may liquidate it; None: not known."""
    near: Callable[[int | None], bool]
    """Whether any boundary is nearer than that fraction of 1e18; never than None."""
    sigmas: float | None
    """Daily σ to the boundary that is nearest by a σ that is known; None: none is."""


def figures(position: Position, sigmas: float | None) -> Figures:
    """Of a position as it is now. `sigmas`: as of `rank.least_sigmas`."""
    debt = position.has_debt
    unsafe = liquidatable(position) if debt else False
    return Figures(debt, position.health.shown, unsafe, partial(_near, position), sigmas)


def severity(
    position: Position | None, thresholds: Thresholds, *, sigmas: float | None = None, liquidated: bool = False
) -> Severity:
    """How bad a position is, by the contract's figure where there is one. `sigmas`: as of `rank.least_sigmas`.

    `thresholds` are resolved (`Thresholds.over`); what is None there does not count. A threshold is crossed when
    health is under it, or the nearest boundary nearer than the cushion, or nearer in a σ that is known. A position
    without debt is ok; one whose health is unknown is unknown, whatever it was before.
    """
    return level(None if position is None else figures(position, sigmas), thresholds, liquidated=liquidated)


def level(found: Figures | None, thresholds: Thresholds, *, liquidated: bool) -> Severity:
    """As `severity`, of the figures of a position; None where there is none."""
    if liquidated:
        return Severity.LIQUIDATED
    return _UNKNOWN if found is None else by_figures(found, thresholds)


def by_figures(found: Figures, thresholds: Thresholds) -> Severity:
    """As `severity`, of figures alone."""
    debt, health, unsafe, *_ = found
    if not debt:
        return _OK
    if unsafe:
        return _LIQUIDATABLE
    if health is None or unsafe is None:
        return _UNKNOWN
    warn, critical, warn_cushion, critical_cushion, warn_sigmas, critical_sigmas = thresholds
    if _crossed(found, health, critical, critical_cushion, critical_sigmas):
        return _CRITICAL
    return _WARN if _crossed(found, health, warn, warn_cushion, warn_sigmas) else _OK


def _crossed(found: Figures, health: int, least: int | None, cushion: int | None, sigmas: int | None) -> bool:
    """Whether one of the thresholds of a level is."""
    return (
        (least is not None and health < least)
        or (cushion is not None and found.near(cushion))
        or (sigmas is not None and found.sigmas is not None and found.sigmas < sigmas / WAD)
    )


def turned(level: Severity, found: Figures, thresholds: Thresholds) -> Severity | None:
    """The level to tell now, by hysteresis; None when nothing is new, or nothing is known.

    `level`: the worst that was told and is not over.
    """
    reached = by_figures(found, thresholds)
    if reached is _UNKNOWN:
        return None
    if level is _OK:
        return None if reached is _OK else reached  # there is nothing that could be over
    if reached.rank < level.rank:
        return reached
    cleared = _cleared(found, thresholds)
    return cleared if cleared.rank > level.rank else None


def crossing(before: Severity, now: Severity) -> str:
    """Kind of the alert that tells of a turn from one level to another."""
    if now.rank > before.rank:
        return "recovered"
    return "liquidatable" if now is Severity.LIQUIDATABLE else "threshold"


def _cleared(found: Figures, thresholds: Thresholds) -> Severity:
    """The level by thresholds that are a band wider: what is not over yet."""
    if found.debt and found.health is not None and found.health < HEALTH_ONE + BAND:
        return Severity.LIQUIDATABLE
    return by_figures(found, _wider(thresholds))


@lru_cache(maxsize=1024)
def _wider(thresholds: Thresholds) -> Thresholds:
    """What has to be cleared until a threshold is armed again."""

    def health(limit: int | None) -> int | None:
        return None if limit is None else limit * (WAD + BAND) // WAD

    def cushion(limit: int | None) -> int | None:
        return None if limit is None else limit * CUSHION_BAND // 100

    return type(thresholds)(
        health(thresholds.warn),
        health(thresholds.critical),
        cushion(thresholds.warn_cushion),
        cushion(thresholds.critical_cushion),
        cushion(thresholds.warn_sigmas),
        cushion(thresholds.critical_sigmas),
    )


def _near(position: Position, limit: int | None) -> bool:
    """Whether any boundary is nearer. By estimates where these are beyond doubt, else by the boundary itself."""
    if limit is None:
        return False
    at, boundaries = limit / WAD, position.boundaries
    if isinstance(boundaries, LazyBoundaries):
        return any(boundaries.nearer(reach, at) for reach in boundaries.reaches)
    nearest = position.nearest
    return nearest is not None and nearest.move is not None and abs(nearest.move) < at
