"""What happens to an alert between its first word and its end, one event at a time, for the log."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liqtui.core.snapshot import Alert


END_OF_TIME = 253_402_300_800
"""The year 10,000. Whoever wrote a feed or a chain may answer any number as a time."""


class Event(NamedTuple):
    at: float | None
    """Unix time; None: now, as it is written."""
    what: str
    """raised · escalated · acknowledged · snoozed · unsnoozed · held · released · over"""
    by: str = ""
    """Who did it, where a person did: the account that the program runs under."""
    detail: str = ""


def happened(before: Alert | None, after: Alert) -> Iterator[Event]:
    """What `after` says that `before` did not; None: it is new."""
    if before is None:
        yield Event(after.at, "raised", detail=after.level.value)
    if after.escalated > (before.escalated if before else 0):
        yield Event(None, "escalated", detail=after.level.value)
    if after.held != (before.held if before else ""):
        yield Event(None, "held" if after.held else "released", detail=after.held)
    if after.snoozed_until != (before.snoozed_until if before else None):
        until = after.snoozed_until
        yield Event(None, "snoozed" if until else "unsnoozed", account(), iso(until) if until else "")
    if after.acked_at is not None and (before is None or before.acked_at is None):
        yield Event(after.acked_at, "acknowledged", account())
    if after.over_at is not None and (before is None or before.over_at is None):
        yield Event(after.over_at, "over")


@cache
def account() -> str:
    """Who this program runs as; the folder of the history lets nobody else in."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such account on this machine, as in some containers
        return ""


def iso(at: float) -> str:
    """ISO 8601 in UTC with milliseconds: 2026-01-02T03:04:05.000Z."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
