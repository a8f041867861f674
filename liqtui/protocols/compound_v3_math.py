"""Comet's integer rules (CometCore, CometWithExtendedAssetList at d5a30b0a).

Every account has one signed balance of the base token: supplied where positive, owed where negative. It is kept as
*principal*, which the index of its side turns into base units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.units import HEALTH_INFINITE, WAD, mul_div_down, mul_div_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

INDEX_SCALE = 10**15
"""BASE_INDEX_SCALE; also the index that a new market starts with."""


class Totals(NamedTuple):
    """What `totalsBasic()` answers, in its order, as of the last accrual."""

    supply_index: int
    borrow_index: int
    tracking_supply_index: int
    tracking_borrow_index: int
    supplied: int
    """Principal."""
    borrowed: int
    """Principal."""
    accrued_at: int
    pauses: int

    @property
    def utilization(self) -> int:
        """1e18-scaled (getUtilization)."""
        supplied = present(self.supplied, self.supply_index)
        return mul_div_down(present(self.borrowed, self.borrow_index), WAD, supplied) if supplied else 0


class Indexes(NamedTuple):
    supply: int
    borrow: int


class Line(NamedTuple):
    """One collateral of an account."""

    address: str
    amount: int
    price: int | None
    scale: int
    """10 ** decimals."""
    factor: int
    """liquidateCollateralFactor, 1e18-scaled."""


class Base(NamedTuple):
    """The base side of an account: principal is negative for a borrower."""

    principal: int
    indexes: Indexes
    price: int | None
    scale: int

    @property
    def balance(self) -> int:
        """Base units, cut toward zero (presentValue)."""
        principal, (supply, borrow), _, _ = self
        return -present(-principal, borrow) if principal < 0 else present(principal, supply)

    def after(self, amount: int) -> Base:
        """With so many base units paid in (or, negative, taken out), in the roundings of supplyBase, withdrawBase."""
        return self._replace(principal=principal_of(self.balance + amount, self.indexes)) if amount else self

    @property
    def debt_value(self) -> int | None:
        """What the debt is worth, cut: signedMulPrice rounds a negative value toward zero. None without a price."""
        principal, (_, borrow), price, scale = self
        if price is None:
            return None
        return present(-principal, borrow) * price // scale if principal < 0 else 0


def present(principal: int, index: int) -> int:
    """Base units of an unsigned principal (presentValueSupply, presentValueBorrow)."""
    return principal * index // INDEX_SCALE


def principal_of(balance: int, indexes: Indexes) -> int:
    """Principal of a signed balance: what is supplied rounds down, what is owed up (principalValue)."""
    if balance < 0:
        return -mul_div_up(-balance, INDEX_SCALE, indexes.borrow)
    return mul_div_down(balance, INDEX_SCALE, indexes.supply)


def grown(index: int, rate: int, elapsed: int) -> int:
    """Index after `elapsed` seconds at `rate` per second (1e18): simple interest on every accrual."""
    return index + mul_div_down(index, rate * elapsed, WAD)


def worth(lines: Iterable[Line]) -> list[int | None]:
    """Each collateral in price units, rounded down; None without a price."""
    return [None if price is None else amount * price // scale for _, amount, price, scale, _ in lines]


def weighted(values: Iterable[int | None], factors: Iterable[int]) -> list[int | None]:
    """These values (see `worth`) by these factors, 1e18-scaled, rounded down once more."""
    return [None if value is None else value * factor // WAD for value, factor in zip(values, factors, strict=True)]


def weights(lines: Sequence[Line]) -> list[int | None]:
    """What each collateral counts for."""
    return weighted(worth(lines), [line.factor for line in lines])


def health(base: Base, lines: Sequence[Line]) -> int | None:
    return covered(base, weights(lines))


def liquidatable(base: Base, lines: Sequence[Line]) -> bool | None:
    return short(base, weights(lines))


def covered(base: Base, weights: Iterable[int | None]) -> int | None:
    """Weighted collateral ÷ debt, 1e18-scaled and cut: under 1e18 exactly where isLiquidatable finds liquidity < 0.

    Infinite without debt, and for a debt that is worth less than one unit of the price. None where a price that it
    hangs on is unknown. `weights`: of each collateral, see `weights`.
    """
    if base.principal >= 0:
        return HEALTH_INFINITE
    debt = base.debt_value
    if debt is None:
        return None
    if not debt:
        return HEALTH_INFINITE
    total = 0
    for weight in weights:
        if weight is None:
            return None
        total += weight
    return total * WAD // debt


def short(base: Base, weights: Iterable[int | None]) -> bool | None:
    """isLiquidatable with these indexes: in the order of the assets, and no further than is needed.

    None where it comes to a price that is unknown: there the contract reverts.
    """
    if base.principal >= 0:
        return False
    debt = base.debt_value
    if debt is None:
        return None
    liquidity = -debt
    for weight in weights:
        if liquidity >= 0:
            return False
        if weight is None:
            return None
        liquidity += weight
    return liquidity < 0


class Absorption(NamedTuple):
    """What `absorb` makes of an account: all collateral is taken, the debt is closed."""

    value: int
    """Of the collateral, price units."""
    left: int
    """Base units that the account keeps as supplied base."""
    unpaid: int
    """Base units of the debt that the reserves bear."""


def absorb(base: Base, lines: Iterable[Line], liquidation_factors: Iterable[int]) -> Absorption | None:
    """None where a price is unknown. `liquidation_factors` 1e18-scaled, one for each line."""
    value = credit = 0
    for line, factor in zip(lines, liquidation_factors, strict=True):
        if line.price is None:
            return None
        worth = mul_div_down(line.amount, line.price, line.scale)
        value += worth
        credit += mul_div_down(worth, factor, WAD)
    if not base.price:
        return None
    balance = base.balance + mul_div_down(credit, base.scale, base.price)
    left = present(principal_of(balance, base.indexes), base.indexes.supply) if balance > 0 else 0
    return Absorption(value, left, max(0, -balance))
