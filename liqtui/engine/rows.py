"""Rows: what one says, which of them say nothing new between two snapshots, and which feeds they hang on."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from liqtui.core.rank import least_sigmas
from liqtui.core.severity import figures, level
from liqtui.core.snapshot import Freshness, Row, Severity
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import Feed
    from liqtui.core.rank import Cushion
    from liqtui.engine.held import Held, Terms

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_FRESH, _BLIND = Freshness.FRESH, Freshness.BLIND


def row_of(
    held: Held, terms: Terms, ranked: Cushion, sigmas: Mapping[str, float], now: float, *, liquidated: bool
) -> Row:
    """As it stands now; the row of before where that says the same. `ranked`, `sigmas`: as of `rank.cushion`."""
    position, (cushion, distance) = held.position, ranked
    freshness, ages = held.trust(now)
    limits = terms.thresholds
    if position is not None:
        by_sigma = limits.warn_sigmas is not None or limits.critical_sigmas is not None
        held.figures = figures(position, least_sigmas(position, sigmas, ranked) if by_sigma else distance)
    else:
        held.figures = None
    found = level(held.figures, limits, liquidated=liquidated)
    if freshness is _BLIND and position is not None:
        found = min(found, Severity.BLIND, key=lambda state: state.rank)
    since = held.stands(found, now)
    health, sign = held.health, terms.sign
    trend, window = held.track.trend(now, health / WAD) if health is not None else (None, 3600)
    row = Row(
        key=held.key,
        chain=held.chain.spec.name,
        label=terms.title,
        severity=found,
        freshness=freshness,
        ages=ages,
        position=position,
        thresholds=limits,
        cushion=cushion,
        sigmas=distance,
        since=since,
        error=held.error or ("" if freshness is _FRESH else held.chain.error or held.chain.crash),
        trend=trend,
        trend_window=window,
        spark=held.track.spark(now),
        tags=terms.wallet.tags,
        rules=terms.rules,
        venue=sign.venue,
        brand=sign.brand,
        app=terms.app,
    )
    return same(held.row, row)


def quiet(row: Row) -> bool:
    """Nothing about it hangs on the time, as long as it stays fresh."""
    return row.freshness is _FRESH and row.severity is not Severity.UNKNOWN


_AGEING = ("ages", "trend_window")
_TOLD = tuple(each.name for each in fields(Row) if each.name not in {"position", *_AGEING})


def same(old: Row | None, new: Row) -> Row:
    """The old row where the new one says nothing else: while all is fresh, a growing age is no news."""
    if old is None:
        return new
    if new.position != old.position:
        return new
    told = _TOLD if new.freshness is _FRESH else (*_TOLD, *_AGEING)
    return old if all(getattr(new, name) == getattr(old, name) for name in told) else new


def feeds_of(rows: Iterable[Row]) -> tuple[tuple[str, Feed], ...]:
    """What the positions hang on, each feed once per chain, as last read."""
    found: dict[tuple[str, str], Feed] = {}
    for row in rows:
        for feed in row.position.feeds if row.position else ():
            known = found.get((row.chain, feed.address))
            if known is None or (feed.updated_at or 0) > (known.updated_at or 0):
                found[row.chain, feed.address] = feed
    return tuple((chain, feed) for (chain, _), feed in found.items())
