"""What is coming: the next threshold at the present pace, and liquidation by interest alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.core import messages
from liqtui.core import pace as paces
from liqtui.core.drafts import Draft, draft
from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_ONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.memory import Memory
    from liqtui.core.model import Position
    from liqtui.core.snapshot import Row

ETA_BAND = 2
"""What was told to come within some time is armed again when it takes so many times as long."""


def coming(
    after: Row, position: Position, memory: Memory, now: float, *, own: bool
) -> tuple[Memory, tuple[Draft, ...]]:
    """What is coming: the next threshold at the present pace, liquidation by interest alone.

    `own`: amounts changed, so that what health did before says nothing about how it goes on.
    """
    samples = paces.add(() if own else memory.pace, position)
    if samples is not memory.pace:
        memory = replace(memory, pace=samples)
    memory, fast = _velocity(after, position, memory, now)
    memory, slow = _interest(after, position, memory, now)
    return memory, (*fast, *slow)


def folded(crossed: Sequence[Draft], soon: Sequence[Draft]) -> tuple[Draft, ...]:
    """Both; where a threshold was crossed in the same look, what is coming is told along with it."""
    if len(crossed) != 1 or crossed[0].kind != "threshold":
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


def _velocity(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    within, level, limit = after.rules.reaction or 0.0, *_next(after, position)
    found = paces.pace(memory.pace, limit, within) if limit is not None else None
    if found is None or memory.told_pace.rank <= level.rank:
        if memory.told_pace is not Severity.OK and (
            limit is None or paces.pace(memory.pace, limit, within * ETA_BAND) is None
        ):
            memory = replace(memory, told_pace=Severity.OK)
        return memory, ()
    label = after.cushion.factor if after.cushion is not None else ""
    told = draft(
        after,
        now,
        Severity.CRITICAL if level is Severity.LIQUIDATABLE else Severity.WARN,
        "velocity",
        messages.velocity(after, position, limit or 0, found.slope, found.eta),
        before=None,
        cure=True,
        cause=f"velocity:{after.chain}:{label}",
        headline=messages.boundary_name(after.cushion),
        more=(("slope", messages.slope(found.slope)), ("eta", messages.minutes(found.eta)), ("next", level.value)),
    )
    return replace(memory, told_pace=level), (told,)


def _next(row: Row, position: Position) -> tuple[Severity, int | None]:
    """The next level down by health, and its threshold; None without debt, and where the worst has come."""
    health = position.health.shown
    if health is None or not position.has_debt or liquidatable(position):
        return Severity.OK, None
    limits = ((Severity.WARN, row.thresholds.warn), (Severity.CRITICAL, row.thresholds.critical))
    ahead = ((level, limit) for level, limit in limits if limit is not None and health >= limit)
    return next(ahead, (Severity.LIQUIDATABLE, HEALTH_ONE))


def _interest(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    eta, within = position.interest_eta, (after.rules.interest_days or 0.0) * 86_400
    if eta == 0 and within:  # it is there already, which is told otherwise
        return memory, ()
    if not eta or eta > within * ETA_BAND:
        return (replace(memory, told_interest=False) if memory.told_interest else memory), ()
    if memory.told_interest or eta > within:
        return memory, ()
    text = messages.interest(after, position, eta)
    told = draft(
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
    return replace(memory, told_interest=True), (told,)
