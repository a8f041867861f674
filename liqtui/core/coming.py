"""What is coming: the next threshold at the present pace, and liquidation by interest alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import messages
from liqtui.core import pace as paces
from liqtui.core.drafts import Draft, draft
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.memory import Memory
    from liqtui.core.model import Position
    from liqtui.core.pace import Pace, Samples
    from liqtui.core.severity import Figures
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Thresholds

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_OK, _WARN, _CRITICAL, _LIQUIDATABLE = Severity.OK, Severity.WARN, Severity.CRITICAL, Severity.LIQUIDATABLE

ETA_BAND = 2
"""What was told to come within some time is armed again when it takes so many times as long."""


def coming(
    after: Row, position: Position, found: Figures, memory: Memory, now: float, *, own: bool
) -> tuple[Memory, tuple[Draft, ...]]:
    """What is coming: the next threshold at the present pace, liquidation by interest alone.

    `own`: amounts changed, so that what health did before says nothing about how it goes on.
    """
    samples = paces.add(() if own else memory.pace, position)
    if samples is not memory.pace:
        memory = memory._replace(pace=samples)
    memory, fast = _velocity(after, found, memory, now)
    memory, slow = _interest(after, position, memory, now)
    return memory, (*fast, *slow)


def folded(crossed: Sequence[Draft], soon: Sequence[Draft]) -> tuple[Draft, ...]:
    """Both; where a threshold was crossed in the same look, what is coming is told along with it."""
    if not crossed or not folds([each.kind for each in crossed]):
        return (*crossed, *soon)
    told, figures = crossed[0], {"slope", "eta", "next"}
    for each in soon:
        facts = dict(each.facts)
        words = f"interest alone brings it to liquidation in {facts['eta']}"
        if each.kind == "velocity":
            words = f"falling {facts['slope']}, {facts['next']} in about {facts['eta']} at this pace"
        more = tuple((f"{each.kind}_{name}", value) for name, value in each.facts if name in figures)
        told = replace(told, text=f"{told.text} · {words}", facts=(*told.facts, *more))
    return (told,)


class Ahead(NamedTuple):
    """The next threshold, and the pace toward it."""

    level: Severity
    limit: int
    """Health, 1e18-scaled."""
    pace: Pace


def hurried(
    told: Severity, samples: Samples, found: Figures, thresholds: Thresholds, within: float
) -> tuple[Severity, Ahead | None]:
    """What is told of the pace from now on, and what to say now. `told`: the level that it was told of; OK: none."""
    level, limit = _next(found, thresholds)
    fall = paces.pace(samples, limit, within) if limit is not None else None
    if fall is not None and limit is not None and told.rank > level.rank:
        return level, Ahead(level, limit, fall)
    if fall is None and told is not _OK:
        lasts = limit is not None and paces.pace(samples, limit, within * ETA_BAND) is not None
        return (told if lasts else _OK), None
    return told, None


def _next(found: Figures, thresholds: Thresholds) -> tuple[Severity, int | None]:
    """The next level down by health, and its threshold; None without debt, and where the worst has come."""
    if found.health is None or not found.debt or found.unsafe:
        return _OK, None
    for level, limit in ((_WARN, thresholds.warn), (_CRITICAL, thresholds.critical)):
        if limit is not None and found.health >= limit:
            return level, limit
    return _LIQUIDATABLE, HEALTH_ONE


def accrued(told: bool, eta: float | None, days: float) -> tuple[bool, bool]:
    """What is told of interest from now on, and whether to say it now.

    `eta`: seconds until interest alone reaches liquidation; None: never.
    """
    within = days * 86_400
    if eta == 0 and within:  # it is there already, which is told otherwise
        return told, False
    if not eta or eta > within * ETA_BAND:
        return False, False
    soon = not told and eta <= within
    return told or soon, soon


def folds(crossed: Sequence[str]) -> bool:
    """Whether what is coming is told along with what was crossed in the same look (kinds of alert)."""
    return tuple(crossed) == ("threshold",)


def _velocity(after: Row, found: Figures, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    told, ahead = hurried(memory.told_pace, memory.pace, found, after.thresholds, after.rules.reaction or 0.0)
    if told is not memory.told_pace:
        memory = memory._replace(told_pace=told)
    if ahead is None or after.position is None:
        return memory, ()
    label = after.cushion.factor if after.cushion is not None else ""
    slope, eta = ahead.pace
    made = draft(
        after,
        now,
        Severity.CRITICAL if ahead.level is Severity.LIQUIDATABLE else Severity.WARN,
        "velocity",
        messages.velocity(after, after.position, ahead.limit, slope, eta),
        before=None,
        cure=True,
        cause=f"velocity:{after.chain}:{label}",
        headline=messages.boundary_name(after.cushion),
        more=(("slope", messages.slope(slope)), ("eta", messages.minutes(eta)), ("next", ahead.level.value)),
    )
    return memory, (made,)


def _interest(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    eta = position.interest_eta
    told, soon = accrued(memory.told_interest, eta, after.rules.interest_days or 0.0)
    if told is not memory.told_interest:
        memory = memory._replace(told_interest=told)
    if not soon or eta is None:
        return memory, ()
    text = messages.interest(after, position, eta)
    made = draft(
        after,
        now,
        Severity.WARN,
        "interest",
        text,
        cure=True,
        cause=f"interest:{after.chain}:{after.key.protocol}:{after.key.market}",
        headline="interest",
        more=(("eta", messages.minutes(eta)),),
    )
    return memory, (made,)
