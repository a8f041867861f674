"""Small accounts in Venus's isolated pools, which are closed as a whole (Comptroller.liquidateAccount, healAccount).

With collateral worth no more than the pool's `minLiquidatableCollateral` no single debt can be liquidated. Where the
collateral covers all debts and the incentive, all of them are repaid; else all collateral goes to who repays the part
that it covers, and the pool writes off the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.results import Scope
from liqtui.core.units import BPS, HEALTH_INFINITE, WAD
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.compound_v2_math import seize, underlying_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.protocols.compound_v2_book import CompoundBook, Entry
    from liqtui.protocols.compound_v2_math import Line
    from liqtui.protocols.compound_v2_state import Market


def collateral_of(lines: Iterable[Line]) -> int:
    """What is held, not weighted; 1e18-scaled dollars. All prices have to be known."""
    return sum(line.rate * (line.price or 0) // WAD * line.tokens // WAD for line in lines)


def closed_whole(market: Market, book: CompoundBook) -> bool:
    """Whether no single debt of it can be liquidated. A forced liquidation is asked no such thing."""
    return market.least is not None and not book.forced and collateral_of(book.lines) <= market.least


def whole_scope(market: Market, book: CompoundBook) -> Scope | None:
    """Named for the most valuable collateral and debt; the loss is that of all. None where one of them is missing."""
    entered = [entry for entry in book.entries if entry.holding.entered and entry.state.price]
    held, owed = (max(entered, key=worth, default=None) for worth in (_held, _owed))
    sums, collateral = book.sums(), collateral_of(book.lines)
    if held is None or owed is None or sums is None or not (collateral and sums.borrow):
        return None
    needed = held.incentive * sums.borrow // WAD
    part = WAD if needed < collateral else collateral * WAD // needed
    line, repaid = held.line, sum(_value(entry, part * entry.owed // WAD) for entry in entered)
    tokens = line.tokens
    if needed < collateral:
        tokens = seize(book.rounding, line, owed.line, owed.owed, held.incentive).tokens
    rest = (
        "" if needed < collateral else "; all of the collateral is taken and the pool writes off the rest of the debt"
    )
    blocked = "seizing is paused" if market.seize_paused else ""
    return Scope(
        collateral=held.state.info.asset,
        debt=owed.state.info.asset,
        max_debt=part * owed.owed // WAD,
        seized=underlying_of(tokens, line.rate),
        loss=min(needed, collateral) - repaid,
        close_factor=part * BPS // WAD,
        bonus=held.incentive * BPS // WAD,
        reason=f"so small an account is closed as a whole{rest}",
        health_after=HEALTH_INFINITE if book.liquidatable() else None,
        toxic_below=None,
        blocked=blocked or pauses.stopped(held.state.paused, owed.state.paused),
    )


def _value(entry: Entry, amount: int) -> int:
    return (entry.state.price or 0) * amount // WAD


def _held(entry: Entry) -> int:
    return collateral_of((entry.line,))


def _owed(entry: Entry) -> int:
    return _value(entry, entry.owed)
