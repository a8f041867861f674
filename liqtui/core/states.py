"""The two words that stand beside every position. Apart from the snapshot, so that `status` need not load it."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """Worst first. Order is by `rank`, not by name."""

    LIQUIDATED = "liquidated"
    LIQUIDATABLE = "liquidatable"
    CRITICAL = "critical"
    WARN = "warn"
    BLIND = "blind"
    UNKNOWN = "unknown"
    OK = "ok"

    @property
    def rank(self) -> int:
        """0 is worst."""
        return _RANK[self]


_RANK = {severity: place for place, severity in enumerate(Severity)}


class Freshness(StrEnum):
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    BLIND = "blind"


class Level(StrEnum):
    """How loud an alert is, the mildest first: the margin-call ladder. Order is by `rank`, not by name."""

    NOTICE = "notice"
    """Worth knowing: opened, closed, recovered, a parameter that changed for the better."""
    CALL = "call"
    """Act today: under the warn threshold, fast toward it, blind."""
    CRITICAL = "critical"
    """Act now: under the critical threshold, blind while near one, a call that nobody acknowledged."""
    LIQUIDATABLE = "liquidatable"
    LIQUIDATED = "liquidated"

    @property
    def rank(self) -> int:
        """0 is the mildest."""
        return _LADDER[self]

    @property
    def next(self) -> Level:
        """One step up, as far as escalation goes: what has not happened is not claimed."""
        return Level.CRITICAL if self is Level.CALL else self


_LADDER = {level: place for place, level in enumerate(Level)}

_LEVEL_OF = {
    Severity.LIQUIDATED: Level.LIQUIDATED,
    Severity.LIQUIDATABLE: Level.LIQUIDATABLE,
    Severity.CRITICAL: Level.CRITICAL,
    Severity.WARN: Level.CALL,
    Severity.BLIND: Level.CALL,
    Severity.UNKNOWN: Level.CALL,
    Severity.OK: Level.NOTICE,
}


def level_of(severity: Severity) -> Level:
    """The level of an alert that says no other."""
    return _LEVEL_OF[severity]
