"""What the charts are drawn from: a few stretches of the history, asked for again when they have grown old."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqtui.core.model import is_infinite
from liqtui.core.snapshot import Freshness
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row, Snapshot
    from liqtui.engine.handle import EngineHandle
    from liqtui.ui.chart import Span

SLOTS = 6
"""Stretches that are kept: all of one position, and as many of the one before."""
SHARE = 2000
"""A stretch is asked for again after one part in so many of its length: far less than a dot of the chart."""


@dataclass(slots=True)
class Stretch:
    samples: list[tuple[float, float]]
    """(unix time, health) as `EngineHandle.samples` tells them, and what was read since."""
    updates: list[tuple[int, str]]
    """(unix time, feed label)."""
    asked_at: float
    version: int = -1
    """Of the snapshot that was added last."""


class Recorded:
    def __init__(self, engine: EngineHandle) -> None:
        self._engine = engine
        self._kept: dict[tuple[str, float], Stretch] = {}

    def of(self, row: Row, shown: Snapshot, span: Span) -> Stretch:
        """With the present reading at its end."""
        key = (row.id, span.seconds)
        kept = self._kept.pop(key, None)
        if kept is None or not 0 <= shown.at - kept.asked_at <= span.seconds / SHARE:
            since = shown.at - span.seconds
            kept = Stretch(self._engine.samples(row.id, since), self._engine.updates(row.id, since), shown.at)
        self._kept[key] = kept
        while len(self._kept) > SLOTS:
            del self._kept[next(iter(self._kept))]
        if kept.version != shown.version:
            kept.version = shown.version
            _add(kept.samples, row, shown.at)
        return kept


def _add(samples: list[tuple[float, float]], row: Row, now: float) -> None:
    """The figure that the row has, at the time it was read; and that nothing is known since, when it is blind."""
    health = row.position.health.shown if row.position else None
    last = samples[-1][0] if samples else -math.inf
    if row.ages.fetch is None or health is None:
        return
    read_at = now - row.ages.fetch
    if read_at > last:
        samples.append((read_at, math.inf if is_infinite(health) else health / WAD))
    if row.freshness is Freshness.BLIND and not math.isnan(samples[-1][1]):
        samples.append((max(read_at, last), math.nan))
