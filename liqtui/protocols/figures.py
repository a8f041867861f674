"""What is read off positions and markets of all families alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from liqtui.core.units import BPS, mul_div_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.model import Feed, Position


class Fed(Protocol):
    """Something with a price."""

    @property
    def feeds(self) -> tuple[Feed, ...]: ...


def fed_by(states: Iterable[Fed], beside: Iterable[Feed] = ()) -> tuple[Feed, ...]:
    """Each once, however many prices hang on it."""
    feeds = {feed.address: feed for state in states for feed in state.feeds}
    return tuple((feeds | {feed.address: feed for feed in beside}).values())


def ltv(position: Position) -> int | None:
    """Debt ÷ collateral in basis points, rounded up; None without collateral and where a value is unknown."""
    held, owed = position.collateral_value, position.debt_value
    return mul_div_up(owed, BPS, held) if held and owed is not None else None
