"""Rows between two snapshots: which of them say nothing new, and which feeds they hang on."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from liqtui.core.snapshot import Freshness, Row, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.model import Feed


def quiet(row: Row) -> bool:
    """Nothing about it hangs on the time, as long as it stays fresh."""
    return row.freshness is Freshness.FRESH and row.severity is not Severity.UNKNOWN


_AGEING = ("ages", "trend_window")
_TOLD = ("position", *(each.name for each in fields(Row) if each.name != "position"))
"""Fields of a row; first what differs most often."""


def same(old: Row | None, new: Row) -> Row:
    """The old row where the new one says nothing else: while all is fresh, a growing age is no news."""
    if old is None:
        return new
    skipped = _AGEING if new.freshness is Freshness.FRESH else ()
    return old if all(getattr(new, name) == getattr(old, name) for name in _TOLD if name not in skipped) else new


def feeds_of(rows: Iterable[Row]) -> tuple[tuple[str, Feed], ...]:
    """What the positions hang on, each feed once per chain, as last read."""
    found: dict[tuple[str, str], Feed] = {}
    for row in rows:
        for feed in row.position.feeds if row.position else ():
            known = found.get((row.chain, feed.address))
            if known is None or (feed.updated_at or 0) > (known.updated_at or 0):
                found[row.chain, feed.address] = feed
    return tuple((chain, feed) for (chain, _), feed in found.items())
