"""What is counted and summed over all rows of a snapshot: once, in one pass, since there may be very many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.states import Freshness, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.snapshot import Row

PLACES = 18
"""Decimals of sums."""
DOLLAR = "USD"
_SCALES = {places: 10 ** (PLACES - places) for places in range(PLACES + 1)}
"""Decimals of a figure → what makes one of a sum of it. A table, since every row is summed."""
_DANGER = frozenset(severity for severity in Severity if severity.rank <= Severity.WARN.rank)


@dataclass(slots=True)
class Sums:
    """Of some rows, with `PLACES` decimals."""

    worst: Row | None = None
    """The first of the worst severity."""
    symbol: str | None = None
    """What is summed: dollars where any figure is in them, else the one currency of all. Empty: they have several, and
    nothing is summed. None: there are no figures.
    """
    count: int = 0
    collateral: int = 0
    debt: int = 0
    endangered: int = 0
    """Debt of positions at warn or worse."""
    dangers: bool = False
    """There are such positions in it, whatever they owe."""
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

    def enter(self, symbol: str, severity: Severity) -> bool:
        """Whether to add figures of that currency, which is not the one summed so far."""
        if self.symbol is None:
            self.symbol = symbol
            return True
        if symbol == DOLLAR:
            self._drop(symbol)
            return True
        if self.symbol != DOLLAR:
            self._drop("")
        self.lack(severity)
        return False

    def _drop(self, symbol: str) -> None:
        """Another currency is summed from here on."""
        self.symbol, self.partial, self.carry_partial = symbol, True, True
        self.endangered_partial, self.dangers = self.endangered_partial or self.dangers, False
        self.collateral = self.debt = self.endangered = self.carry = 0

    def join(self, other: Sums) -> None:
        """Add what another one holds; the worst row stays. Of one in another currency only that it is lacking."""
        self.count += other.count
        if other.symbol not in {None, self.symbol}:
            self.partial = self.carry_partial = True
            self.endangered_partial = self.endangered_partial or other.endangered_partial or other.dangers
            return
        self.collateral += other.collateral
        self.debt += other.debt
        self.endangered += other.endangered
        self.dangers = self.dangers or other.dangers
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
        if position is None:
            sums.lack(severity)
            continue
        if position.base_symbol != sums.symbol and not sums.enter(position.base_symbol, severity):
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
            held, owed, carry = _cut(held, owed, carry, position.base_decimals - PLACES)
        else:
            held, owed, carry = held * scale, owed * scale, carry * scale
        sums.collateral += held
        sums.debt += owed
        sums.carry += carry
        if severity in _DANGER:
            sums.endangered += owed
            sums.dangers = True
    every = Sums(_worst(rows, counts), _common(wallets.values()))
    for sums in wallets.values():
        every.join(sums)
    return Tally(counts, faded, frozenset({row.chain for row in rows}), wallets, every)


def _common(several: Iterable[Sums]) -> str | None:
    """What all of them together are summed in."""
    symbols = {sums.symbol for sums in several} - {None}
    if len(symbols) > 1:
        return DOLLAR if DOLLAR in symbols else ""
    return next(iter(symbols), None)


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
