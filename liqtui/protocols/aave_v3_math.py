"""Aave v3's own integer arithmetic, per pool revision. Pure.

Sources: aave/aave-v3-core 1.19.3 (revision 1, also Spark) and aave-dao/aave-v3-origin v3.1.0 … v3.7.0:
GenericLogic.calculateUserAccountData, MathUtils, ReserveLogic.getNormalizedIncome/Debt, TokenMath and
LiquidationLogic._calculateAvailableCollateralToLiquidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from liqtui.core.units import (
    BPS,
    HEALTH_INFINITE,
    RAY,
    SECONDS_PER_YEAR,
    mul_div_up,
    percent_div,
    percent_mul,
    ray_mul,
    ray_mul_down,
    ray_mul_up,
    wad_div,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NEWEST_REVISION = 11


class Rules(NamedTuple):
    """What a pool revision does."""

    revision: int
    version: str
    known: bool = True
    stable_debt: bool = False
    """≤ 3.1: stable-rate debt counts."""
    category_in_config: bool = False
    """≤ 3.1: an asset is in one eMode category, named in its configuration; the category may have a price source."""
    grace: bool = True
    """≥ 3.1: liquidation grace periods and virtual accounting."""
    discounted_debt: bool = False
    """3.3 only: debt of a reserve outside virtual accounting (GHO) counts by balanceOf."""
    close_by_total: bool = True
    """≥ 3.3: close factor of the total debt, with the small-position and dust rules."""
    polynomial: bool = True
    """≥ 3.4: compound interest by x + x²/2 + x³/6."""
    directed: bool = True
    """≥ 3.5: collateral rounds down, debt rounds up, health comes from the weighted sum."""
    counts_without_threshold: bool = True
    """≥ 3.6: an enabled asset counts whatever its own threshold; LTV-zero is per category."""
    floored_seizure: bool = True
    """≥ 3.7: every step of a liquidation rounds for the protocol."""
    isolated_categories: bool = True
    """≥ 3.7: eMode categories that give LTV to their members only. Isolation mode and sentinel are gone."""
    caps: bool = True
    """Not in Aave v2: supply and borrow caps."""
    half_always: bool = False
    """Aave v2: never more than half of a debt per liquidation, however low health is."""
    bonus_first: bool = False
    """Aave v2: a liquidation rounds after the bonus, not before it."""
    per_second: bool = False
    """Aave v2: compound interest cuts the yearly rate to whole rays per second first."""


def rules_for(revision: int) -> Rules:
    """Rules of a POOL_REVISION. One that is not known gets the newest rules with `known` off."""
    newest = Rules(NEWEST_REVISION, "3.7")
    if not 1 <= revision <= NEWEST_REVISION:
        return newest._replace(revision=revision, version="unknown", known=False)
    rules = newest._replace(revision=revision)
    if revision <= 10:
        rules = rules._replace(version="3.6", isolated_categories=False, floored_seizure=False)
    if revision <= 9:
        rules = rules._replace(version="3.5", counts_without_threshold=False)
    if revision <= 8:
        rules = rules._replace(version="3.4", directed=False)
    if revision <= 7:
        rules = rules._replace(version="3.3", polynomial=False, discounted_debt=True)
    if revision <= 6:
        rules = rules._replace(version="3.2", close_by_total=False, discounted_debt=False)
    if revision <= 4:
        rules = rules._replace(version="3.1", stable_debt=True, category_in_config=True)
    if revision <= 3:
        rules = rules._replace(version="3.0", grace=False)
    return rules


def normalized_income(index: int, rate: int, seconds: int) -> int:
    """Supply index `seconds` after its last update, ray; `rate` yearly, ray."""
    return index if seconds == 0 else ray_mul(RAY + rate * seconds // SECONDS_PER_YEAR, index)


def normalized_debt(index: int, rate: int, seconds: int, *, polynomial: bool, per_second: bool = False) -> int:
    """Variable borrow index `seconds` after its last update, ray; `rate` yearly, ray."""
    if seconds == 0:
        return index
    return ray_mul(compounded(rate, seconds, polynomial=polynomial, per_second=per_second), index)


def compounded(rate: int, seconds: int, *, polynomial: bool, per_second: bool = False) -> int:
    """MathUtils.calculateCompoundedInterest, ray, in its three forms (`per_second` is that of Aave v2)."""
    if seconds == 0:
        return RAY
    simple = rate * seconds // SECONDS_PER_YEAR
    if polynomial:
        return RAY + simple + ray_mul(simple, simple // 2 + ray_mul(simple, simple // 6))
    if per_second:
        each = rate // SECONDS_PER_YEAR
        simple, squared = each * seconds, ray_mul(each, each)
        cubed = ray_mul(squared, each)
    else:
        squared = ray_mul(rate, rate) // (SECONDS_PER_YEAR * SECONDS_PER_YEAR)
        cubed = ray_mul(squared, rate) // SECONDS_PER_YEAR
    pairs = seconds * (seconds - 1)
    return RAY + simple + pairs * squared // 2 + pairs * max(seconds - 2, 0) * cubed // 6


def minted_to_treasury(scaled_debt: int, before: int, after: int, factor: int, income: int, *, directed: bool) -> int:
    """Scaled aTokens that the treasury gets at the next update (ReserveLogic._accrueToTreasury).

    For variable debt whose index grows from `before` to `after`; `factor` in basis points, `income` the supply index
    then.
    """
    accrued = (
        ray_mul_down(scaled_debt, after - before)
        if directed
        else ray_mul(scaled_debt, after) - ray_mul(scaled_debt, before)
    )
    part = percent_mul(accrued, factor)
    return part * RAY // income if directed else (part * RAY + income // 2) // income


def amounts(*, directed: bool) -> tuple[Callable[[int, int], int], Callable[[int, int], int]]:
    """What makes an aToken balance, and what makes a variable debt, of a scaled amount and an index; raw units."""
    return (ray_mul_down, ray_mul_up) if directed else (ray_mul, ray_mul)


def supplied_amount(scaled: int, index: int, *, directed: bool) -> int:
    """aToken balance in raw units."""
    return amounts(directed=directed)[0](scaled, index)


def owed_amount(scaled: int, index: int, *, directed: bool) -> int:
    """Variable debt in raw units."""
    return amounts(directed=directed)[1](scaled, index)


def collateral_value(amount: int, price: int, unit: int) -> int:
    return amount * price // unit


def debt_value(amount: int, price: int, unit: int, *, directed: bool) -> int:
    return mul_div_up(amount, price, unit) if directed else amount * price // unit


Line: TypeAlias = tuple[str, int, int, int | None, int, int, int]
"""One reserve of an account, as the pool's loop sees it. A plain tuple: every account of every round is made of them.

(asset, collateral in raw units that count or 0 where not enabled, debt in raw units, price, unit, threshold and LTV in
basis points)
"""


class Totals(NamedTuple):
    """What getUserAccountData answers, but for the available borrows."""

    collateral: int
    debt: int
    threshold: int
    ltv: int
    health: int


def measure(lines: Iterable[Line], *, directed: bool) -> Totals | None:
    """GenericLogic.calculateUserAccountData; None when a price is unknown."""
    total = debt = by_threshold = by_ltv = 0
    for _, collateral, owed, price, unit, threshold, ltv in lines:
        if price is None:
            return None
        value = collateral * price // unit
        total += value
        by_threshold += value * threshold
        by_ltv += value * ltv
        debt += -(-owed * price // unit) if directed else owed * price // unit
    threshold = by_threshold // total if total else 0
    if not debt:
        health = HEALTH_INFINITE
    elif directed:
        health = wad_div(by_threshold, debt) // BPS
    else:
        health = wad_div(percent_mul(total, threshold), debt)
    return Totals(total, debt, threshold, by_ltv // total if total else 0, health)


def available_borrows(totals: Totals, *, directed: bool) -> int:
    """GenericLogic.calculateAvailableBorrows, base units."""
    power = totals.collateral * totals.ltv // BPS if directed else percent_mul(totals.collateral, totals.ltv)
    return max(0, power - totals.debt)


class Seizure(NamedTuple):
    """One liquidation in raw units."""

    seized: int
    """Collateral that the account loses, protocol fee included."""
    fee: int
    """The protocol's part of it."""
    repaid: int


class Side(NamedTuple):
    """One side of a liquidation."""

    amount: int
    """Raw units held or owed."""
    price: int
    unit: int


def seize(rules: Rules, collateral: Side, debt: Side, repay: int, *, bonus: int, fee: int) -> Seizure:
    """LiquidationLogic._calculateAvailableCollateralToLiquidate for `repay` raw units of debt.

    `bonus` (10,500 = 5 %) and `fee` in basis points. Raises ZeroDivisionError where the contract reverts for the
    same reason (price or bonus of zero).
    """
    worth, unit = debt.price * repay * collateral.unit, collateral.price * debt.unit
    if rules.bonus_first:
        seized = percent_mul(worth, bonus) // unit
    elif rules.floored_seizure:
        seized = worth // unit * bonus // BPS
    else:
        seized = percent_mul(worth // unit, bonus)
    if seized > collateral.amount:
        seized = collateral.amount
        worth = collateral.price * seized * debt.unit // (debt.price * collateral.unit)
        repay = mul_div_up(worth, BPS, bonus) if rules.directed else percent_div(worth, bonus)
    if not fee:
        return Seizure(seized, 0, repay)
    if rules.floored_seizure:
        return Seizure(seized, mul_div_up(seized - seized * BPS // bonus, fee, BPS), repay)
    return Seizure(seized, percent_mul(seized - percent_div(seized, bonus), fee), repay)
