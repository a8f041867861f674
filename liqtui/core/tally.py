"""What is counted and summed over all rows of a snapshot: once, in one pass, since there may be very many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.states import Freshness, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.snapshot import Row

USD = 18
"""Decimals of sums."""
_SCALES = {places: 10 ** (USD - places) for places in range(USD + 1)}
"""Decimals of a figure → what makes one of a sum of it. A table, since every row is summed."""
_DANGER = frozenset(severity for severity in Severity if severity.rank <= Severity.WARN.rank)


@dataclass(slots=True)
class Sums:
    """Of some rows, USD with 18 decimals."""

    worst: Row | None = None
    """The first of the worst severity."""
    count: int = 0
    collateral: int = 0
    debt: int = 0
    endangered: int = 0
    """Debt of positions at warn or worse."""
    carry: int = 0
    """Per year."""
    partial: bool = False
    """Something is not in it: figures unknown, or in another currency."""
    endangered_partial: bool = False
    """Likewise of `endangered`."""
    carry_partial: bool = False
    """Likewise of `carry`, which may be unknown by itself."""

    def lack(self, severity: Severity) -> None:
        """There is a position whose figures cannot be summed."""
        self.partial = self.carry_partial = True
        self.endangered_partial = self.endangered_partial or severity in _DANGER

    def join(self, other: Sums) -> None:
        """Add what another one holds; the worst row stays."""
        self.count += other.count
        self.collateral += other.collateral
        self.debt += other.debt
        self.endangered += other.endangered
        self.carry += other.carry
        self.partial = self.partial or other.partial
        self.endangered_partial = self.endangered_partial or other.endangered_partial
        self.carry_partial = self.carry_partial or other.carry_partial


class Tally(NamedTuple):
    """Of all rows."""

    counts: Mapping[Severity, int]
    """Of each severity that occurs."""
    faded: int
    """Calm rows that are so by figures which are too old to say so."""
    chains: frozenset[str]
    """Names of the chains that have a row."""
    wallets: Mapping[str, Sums]
    """By address key, in the order in which the wallets first occur."""
    every: Sums


def tally(rows: Sequence[Row]) -> Tally:
    """Written out in one loop: calls would cost as much again as what they do."""
    wallets: dict[str, Sums] = {}
    counts: dict[Severity, int] = {}
    faded, fresh, ok = 0, Freshness.FRESH, Severity.OK
    for row in rows:
        key, severity, position = row.key.wallet, row.severity, row.position
        sums = wallets.get(key)
        if sums is None:
            sums = wallets[key] = Sums(row)
        sums.count += 1
        counts[severity] = counts.get(severity, 0) + 1
        if severity is ok:
            faded += row.freshness is not fresh and row.faded
        elif sums.worst is None or severity.rank < sums.worst.severity.rank:
            sums.worst = row
        if position is None or position.base_symbol != "USD":
            sums.lack(severity)
            continue
        held, owed = position.collateral_value, position.debt_value
        if held is None or owed is None:
            sums.lack(severity)
            continue
        carry = position.carry_per_year
        if carry is None:
            carry, sums.carry_partial = 0, True
        scale = _SCALES.get(position.base_decimals)
        if scale is None:
            held, owed, carry = _cut(held, owed, carry, position.base_decimals - USD)
        else:
            held, owed, carry = held * scale, owed * scale, carry * scale
        sums.collateral += held
        sums.debt += owed
        sums.carry += carry
        if severity in _DANGER:
            sums.endangered += owed
    every = Sums(_worst(rows, counts))
    for sums in wallets.values():
        every.join(sums)
    return Tally(counts, faded, frozenset({row.chain for row in rows}), wallets, every)


def _cut(held: int, owed: int, carry: int, places: int) -> tuple[int, int, int]:
    """Without the last digits: what is cut off makes less of what is held, more of what is owed."""
    part = 10**places
    return held // part, -(-owed // part), carry // part


def _worst(rows: Sequence[Row], counts: Mapping[Severity, int]) -> Row | None:
    """The first in the list of the worst severity."""
    if not counts:
        return None
    least = min(counts, key=lambda severity: severity.rank)
    return next(row for row in rows if row.severity is least)
