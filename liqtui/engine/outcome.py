"""What one round of one chain told: positions, what could not be read and why, and where it is known for sure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.events import MarketEvent
    from liqtui.core.model import Feed, Position, PositionKey
    from liqtui.core.reads import Block
    from liqtui.core.snapshot import Stage


class Spot(NamedTuple):
    """One wallet in one market: what a round can say something about."""

    protocol: str
    market: str
    wallet: str
    """Lower case; empty: the market as a whole."""


class Trouble(NamedTuple):
    """Something that could not be read, while the rest could."""

    spot: Spot
    error: str
    """Safe to show."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One good round of one chain."""

    chain_id: int
    block: Block
    positions: Mapping[PositionKey, Position]
    """Not empty ones, with boundaries and rescue."""
    covered: frozenset[Spot]
    """Where it is known at this block what the wallet holds; a position not listed there is gone."""
    feeds: tuple[Feed, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()
    """What was missing without blanking anything."""
    stages: tuple[Stage, ...] = ()
    past: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict[str, "tuple[tuple[int, int], ...]"])
    """Feed address → (unix time, raw answer) of its rounds before, for feeds that are met for the first time."""
    events: tuple[MarketEvent, ...] = ()
    """What the logs told since the last round."""
    logged: frozenset[tuple[str, str]] = frozenset()
    """(protocol, market) whose logs were read up to this block."""
    undone: frozenset[tuple[str, str]] = frozenset()
    """Of these, those with a reorganisation since the figures before, whose logs were read from before it."""
    replaced: int | None = None
    """Number of a block that was read before and is another one now: it is another chain, or another state of it."""
