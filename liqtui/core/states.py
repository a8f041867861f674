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
