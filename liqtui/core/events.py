"""What the chain's log tells of a position: liquidations, and what its owner did.

An event is what a contract wrote when it happened, so it is certain where a difference of two readings is a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.text import clean, short_address, word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.model import Asset, PositionKey
    from liqtui.core.reads import Log

_HASH = 66


class EventKind(StrEnum):
    LIQUIDATED = "liquidated"
    WRITTEN_OFF = "written off"
    """Debt that nobody paid and that is owed no longer: the lenders' loss."""
    SUPPLIED = "supplied"
    WITHDREW = "withdrew"
    BORROWED = "borrowed"
    REPAID = "repaid"

    @property
    def own(self) -> bool:
        """Whether the owner, or somebody on their behalf, did it."""
        return self not in {EventKind.LIQUIDATED, EventKind.WRITTEN_OFF}


class Moved(NamedTuple):
    asset: Asset
    amount: int
    """Raw units."""


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One log entry of one position. What it does not tell, or tells of an asset that is not known, is None."""

    kind: EventKind
    key: PositionKey
    tx_hash: str
    log_index: int
    block_number: int
    block_hash: str
    collateral: Moved | None = None
    """Given, taken back, or seized: then what the liquidator got."""
    debt: Moved | None = None
    """Borrowed, repaid by whomever, or written off."""
    who: str = ""
    """Lower-case address of the liquidator, or of who acted for the owner; empty where it is not told."""

    @classmethod
    def of(
        cls,
        log: Log,
        kind: EventKind,
        key: PositionKey,
        *,
        collateral: Moved | None = None,
        debt: Moved | None = None,
        who: str = "",
    ) -> MarketEvent:
        """What a log told."""
        place = log.tx_hash, log.log_index, log.block_number, log.block_hash
        return cls(kind, key, *place, collateral, debt, who)


def liquidation_lines(events: Iterable[MarketEvent]) -> tuple[str, ...]:
    """One line for each transaction and liquidator, as "by 0x1234…abcd: 3.2 WETH taken, 5,000 USDC repaid, tx 0x…"."""
    groups: dict[str, list[MarketEvent]] = {}
    for event in events:
        if not event.kind.own:
            groups.setdefault(event.tx_hash, []).append(event)
    return tuple(
        _line(tx, group) for tx, group in groups.items() if any(event.kind is EventKind.LIQUIDATED for event in group)
    )


def _line(tx: str, group: list[MarketEvent]) -> str:
    seized = [event for event in group if event.kind is EventKind.LIQUIDATED]
    parts = [f"{text} taken" for text in _sums(event.collateral for event in seized)]
    parts += [f"{text} repaid" for text in _sums(event.debt for event in seized)]
    lost = [event.debt for event in group if event.kind is EventKind.WRITTEN_OFF]
    parts += [f"{text} of debt written off" for text in _sums(lost)]
    who = ", ".join(dict.fromkeys(short_address(clean(event.who, _HASH)) for event in seized if event.who))
    return f"by {who or 'somebody'}: {', '.join((*parts, f'tx {clean(tx, _HASH)}'))}"


def _sums(moves: Iterable[Moved | None]) -> list[str]:
    """Per asset; nothing for what is not known or nothing."""
    totals: dict[Asset, int] = {}
    for move in moves:
        if move is not None:
            totals[move.asset] = totals.get(move.asset, 0) + move.amount
    return [f"{fmt.amount(total, asset.decimals)} {word(asset.symbol)}" for asset, total in totals.items() if total]
