"""What the alert rules know and have said of one position; outlives a restart."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Side
from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Holding(NamedTuple):
    side: Side
    asset: str
    symbol: str
    decimals: int
    amount: int


class Term(NamedTuple):
    """What the market's rules say about one asset of a position."""

    side: Side
    asset: str
    symbol: str
    threshold: int
    """Basis points, like the bonus."""
    bonus: int
    counts: bool
    decimals: int = 18
    cap: int | None = None
    """Most that the market takes (collateral) or lends (debt), raw units; None: no cap or not known."""


class Terms(NamedTuple):
    """All of them at once."""

    each: tuple[Term, ...] = ()
    category: str = ""
    flags: tuple[tuple[str, str], ...] = ()
    """(code, words) of what the market has paused, frozen, …"""


class Memory(NamedTuple):
    level: Severity = Severity.OK
    """The worst that was said and is not over: ok, warn, critical or liquidatable."""
    health: int | None = None
    """Last known; None when never known."""
    holdings: tuple[Holding, ...] = ()
    """Last known amounts."""
    seen: bool = False
    """Figures were judged before."""
    fresh: bool = False
    """Set by the engine for a position that turned up after the first round: it is announced."""
    terms: Terms | None = None
    """Last known rules of the market; None when never known."""
    read_at: int | None = None
    """Chain time of the amounts."""
    unseen_since: float | None = None
    """When its figures stopped to come, or to be new."""
    unseen_health: int | None = None
    """The last known before that."""
    seen_since: float | None = None
    """When they came again; None: they have not, or it was never said that they did not come."""
    told_unseen: bool = False
    told_unverified: bool = False
    sure_since: float | None = None
    """When the figure was the contract's own again, after it was said that it is not."""
    told_pace: Severity = Severity.OK
    """Which level was told to be coming fast, until it no longer is."""
    told_interest: bool = False
    pace: tuple[tuple[int, float], ...] = ()
    """(chain time, ln health) of late, oldest first. Begins anew after a restart."""

    def read(self, health: int | None, holdings: tuple[Holding, ...], terms: Terms, at: int) -> Memory:
        """After another reading. By place, since `_replace` takes three times as long and every position asks it."""
        return Memory(self.level, health, holdings, True, False, terms, at, *self[7:])

    @property
    def standing(self) -> tuple[object, ...]:
        """What was said and is not over: decides which alerts still stand."""
        return _standing(self)


_standing = attrgetter("level", "told_unseen", "told_unverified", "told_pace", "told_interest")


def dump(memories: Mapping[str, Memory]) -> str:
    """Text to keep, position id → memory."""
    return json.dumps({name: _plain(memory) for name, memory in memories.items()}, separators=(",", ":"))


def load(text: str) -> dict[str, Memory]:
    """Inverse of `dump`, but for the pace. Text that is not one (empty, cut short, damaged) gives nothing."""
    try:
        return {name: _memory(plain) for name, plain in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, LookupError):
        return {}


def _plain(memory: Memory) -> dict[str, Any]:
    terms = memory.terms
    return {
        "level": memory.level.value,
        "health": None if memory.health is None else str(memory.health),
        "holdings": [(*held[:4], str(held.amount)) for held in memory.holdings],
        "seen": memory.seen,
        "fresh": memory.fresh,
        "unseen_since": memory.unseen_since,
        "unseen_health": None if memory.unseen_health is None else str(memory.unseen_health),
        "seen_since": memory.seen_since,
        "told_unseen": memory.told_unseen,
        "told_unverified": memory.told_unverified,
        "sure_since": memory.sure_since,
        "terms": None if terms is None else (terms.each, terms.category, terms.flags),
        "read_at": memory.read_at,
        "told_pace": memory.told_pace.value,
        "told_interest": memory.told_interest,
    }


def _memory(plain: dict[str, Any]) -> Memory:
    """What an older version did not write stays at its default; what another one wrote besides is left out."""
    holdings = tuple(
        Holding(Side(side), asset, symbol, decimals, int(amount))
        for side, asset, symbol, decimals, amount in plain.pop("holdings")
    )
    level, pace = Severity(plain.pop("level")), Severity(plain.pop("told_pace", "ok"))
    terms = _terms(plain.pop("terms", None))
    figures = {
        "health": plain.pop("health"),
        "unseen_health": plain.pop("unseen_health", None),
    }
    known = {name: None if text is None else int(text) for name, text in figures.items()}
    rest = {name: value for name, value in plain.items() if name in Memory._fields}
    return Memory(level=level, holdings=holdings, terms=terms, told_pace=pace, **known, **rest)


def _terms(plain: Any) -> Terms | None:
    if plain is None:
        return None
    each, category, flags = plain
    terms = tuple(Term(Side(side), *rest) for side, *rest in each)
    return Terms(terms, category, tuple((code, words) for code, words in flags))
