"""What recorded health says of a stretch of time: where it is known, where it is not, where there was no debt."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

DAY = 86_400.0
GAPS = ((2 * DAY, 900.0), (14 * DAY, 1500.0), (math.inf, 7500.0))
"""Age of a sample → seconds to the next after which they are not joined, even where no silence was recorded: a little
more than the history keeps them apart once it has thinned them (one of ten minutes after two days, one an hour after
fourteen)."""

Times = tuple[float, float]
"""From and until, Unix time."""


class Course(NamedTuple):
    runs: Sequence[Sequence[tuple[float, float]]]
    """(unix time, health), each run seen without a break."""
    unread: Sequence[Times]
    """Of these nothing is known."""
    free: Sequence[Times]
    """Without debt, where health has no figure."""
    begins: float | None
    """When the record begins, where that is within the stretch."""

    @property
    def points(self) -> list[tuple[float, float]]:
        return [point for run in self.runs for point in run]


def gap(age: float) -> float:
    """Seconds that may lie between a sample of that age and the next one, both seen without a break."""
    return next(seconds for limit, seconds in GAPS if age <= limit)


def course(samples: Iterable[tuple[float, float]], start: float, end: float) -> Course:
    """Of (unix time, health), oldest first: infinite without debt, NaN at the ends of a time that is not known.

    Samples that are too far apart are not joined either; but only a recorded silence is called one, since a chain
    may be read that seldom.
    """
    runs: list[list[tuple[float, float]]] = []
    unread: list[Times] = []
    free: list[Times] = []
    first: float | None = None
    before: tuple[float, float] | None = None
    for at, value in samples:
        if not start <= at <= end:
            continue
        first = at if first is None else first
        kind = _kind(before, at, value, end)
        if kind == "join":
            runs[-1].append((at, value))
        elif math.isfinite(value):
            runs.append([(at, value)])
        if before is not None and kind in {"unread", "free"}:
            _extend(unread if kind == "unread" else free, before[0], at)
        before = at, value
    if before is not None and not math.isfinite(before[1]):
        _extend(unread if math.isnan(before[1]) else free, before[0], end)
    return Course(runs, unread, free, first if first is not None and first - start > gap(end - first) else None)


def _kind(before: tuple[float, float] | None, at: float, value: float, end: float) -> str:
    """What lies between a sample and the next one."""
    if before is None:
        return "nothing"
    if math.isnan(before[1]):
        return "unread"
    if math.isinf(before[1]):
        return "free"
    joined = math.isfinite(value) and at - before[0] <= gap(end - before[0])
    return "join" if joined else "nothing"


def _extend(times: list[Times], since: float, until: float) -> None:
    """Add a stretch, to the last one where they touch."""
    if until <= since:
        return
    if times and times[-1][1] == since:
        times[-1] = times[-1][0], until
    else:
        times.append((since, until))


def covered(times: Iterable[Times], columns: int, start: float, end: float, share: float) -> frozenset[int]:
    """Columns of equal width of which those times cover at least such a share."""
    width = (end - start) / columns
    total = [0.0] * columns
    for since, until in times:
        for column in range(int((since - start) // width), int((until - start) // width) + 1):
            if 0 <= column < columns:
                left = start + column * width
                total[column] += max(0.0, min(until, left + width) - max(since, left))
    return frozenset(column for column, seconds in enumerate(total) if seconds >= share * width)
