"""How many alerts stay in memory: what is done with goes first, what stands or is kept back stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.drafts import OFF

if TYPE_CHECKING:
    from liqtui.core.snapshot import Alert

MOST = 2_000
"""Alerts in memory, however many are not done with."""
PENDING = f"acked_at IS NULL AND held != '{OFF}' AND (over_at IS NULL OR held != '')"
"""`pending` in SQL."""


def pending(alert: Alert) -> bool:
    """Whether something may still come of it: nobody acknowledged it, and it stands or is kept back for now."""
    return alert.acked_at is None and alert.held != OFF and (alert.over_at is None or bool(alert.held))


def trim(alerts: list[Alert], newest: int, most: int) -> int:
    """Drop what is too much of a list that begins with the newest; returns how many of it were not done with.

    The newest stay. Of older ones go those that are done with, and beyond `most` in all any: the least loud first,
    of these the oldest.
    """
    older = [alert for alert in alerts[newest:] if pending(alert)]
    lost = max(0, newest + len(older) - most)
    gone = {each.id for each in sorted(older, key=lambda each: (each.level.rank, each.id))[:lost]} if lost else ()
    alerts[newest:] = [alert for alert in older if alert.id not in gone]
    return lost


def crowded(lost: int) -> str:
    """That so many had to go."""
    return (
        f"more than {MOST:,} alerts stand or wait unacknowledged: {lost:,} of the least loud and oldest are in the log "
        "only and do not ring again; acknowledge what is known"
    )
