"""Morpho Blue's integer rules (Morpho.sol, SharesMathLib, MathLib of morpho-blue 1.0.0).

Shares become assets with a virtual share rate of 1 : 10⁶; debt is rounded up, what it may be down.
"""

from __future__ import annotations

from typing import NamedTuple

from liqtui.core.units import HEALTH_INFINITE, WAD, mul_div_down, mul_div_up

PRICE_SCALE = 10**36
"""ORACLE_PRICE_SCALE."""
_VIRTUAL_SHARES = 10**6
_VIRTUAL_ASSETS = 1
_CURSOR = 3 * WAD // 10
"""LIQUIDATION_CURSOR."""
_MOST_INCENTIVE = 115 * WAD // 100
"""MAX_LIQUIDATION_INCENTIVE_FACTOR."""


class Totals(NamedTuple):
    """What all borrowers of a market owe together."""

    assets: int
    shares: int


class Loan(NamedTuple):
    """One borrower, and the totals that turn shares into assets."""

    shares: int
    collateral: int
    """Raw units of the collateral token."""
    totals: Totals

    @property
    def owed(self) -> int:
        """Raw units of the loan token."""
        return to_assets_up(self.shares, self.totals)


class Seizure(NamedTuple):
    """What one liquidation takes."""

    seized: int
    """Raw collateral units."""
    repaid: int
    """Raw loan units."""
    shares: int
    """Debt shares that are repaid."""
    bad_debt: int
    """Raw loan units that the lenders lose, because no collateral is left."""


def to_assets_up(shares: int, totals: Totals) -> int:
    return mul_div_up(shares, totals.assets + _VIRTUAL_ASSETS, totals.shares + _VIRTUAL_SHARES)


def to_assets_down(shares: int, totals: Totals) -> int:
    return mul_div_down(shares, totals.assets + _VIRTUAL_ASSETS, totals.shares + _VIRTUAL_SHARES)


def to_shares_up(assets: int, totals: Totals) -> int:
    return mul_div_up(assets, totals.shares + _VIRTUAL_SHARES, totals.assets + _VIRTUAL_ASSETS)


def to_shares_down(assets: int, totals: Totals) -> int:
    return mul_div_down(assets, totals.shares + _VIRTUAL_SHARES, totals.assets + _VIRTUAL_ASSETS)


def compounded(rate: int, elapsed: int) -> int:
    """e^(rate × elapsed) − 1 by three terms, 1e18-scaled (MathLib.wTaylorCompounded)."""
    first = rate * elapsed
    second = mul_div_down(first, first, 2 * WAD)
    return first + second + mul_div_down(second, first, 3 * WAD)


def accrue(totals: Totals, rate: int, elapsed: int) -> Totals:
    """Totals after `elapsed` seconds at `rate` per second (1e18). The fee concerns lenders only."""
    return totals._replace(assets=totals.assets + mul_div_down(totals.assets, compounded(rate, elapsed), WAD))


def most_borrowed(collateral: int, price: int, lltv: int) -> int:
    """Raw loan units that this collateral may carry at an oracle price (`PRICE_SCALE` included)."""
    return collateral * price // PRICE_SCALE * lltv // WAD


def health(loan: Loan, price: int, lltv: int) -> int:
    """most borrowed ÷ borrowed, 1e18-scaled and cut: under 1e18 exactly where Morpho._isHealthy is false.

    For integers m, b > 0: m ≥ b if and only if floor(m × 1e18 ÷ b) ≥ 1e18.
    """
    if not loan.shares:
        return HEALTH_INFINITE
    return most_borrowed(loan.collateral, price, lltv) * WAD // loan.owed


def repay(loan: Loan, assets: int) -> Loan:
    """After repaying so many raw units; all of it by shares, so that nothing is left over."""
    shares = loan.shares if assets >= loan.owed else to_shares_down(assets, loan.totals)
    paid = max(assets, 0) if shares < loan.shares else to_assets_up(shares, loan.totals)
    totals = Totals(max(0, loan.totals.assets - paid), loan.totals.shares - shares)
    return loan._replace(shares=loan.shares - shares, totals=totals)


def borrow(loan: Loan, assets: int) -> Loan:
    """After borrowing so many raw units more."""
    shares = to_shares_up(assets, loan.totals)
    totals = Totals(loan.totals.assets + assets, loan.totals.shares + shares)
    return loan._replace(shares=loan.shares + shares, totals=totals)


def incentive(lltv: int) -> int:
    """Collateral value per repaid value that a liquidator takes, 1e18-scaled."""
    return min(_MOST_INCENTIVE, mul_div_down(WAD, WAD, WAD - mul_div_down(_CURSOR, WAD - lltv, WAD)))


def liquidate_all(loan: Loan, price: int, lltv: int) -> Seizure:
    """The largest liquidation: all of the debt, or all of the collateral where that does not cover it.

    There is no close factor. By shares where the collateral is enough for it, else by seized assets; each is what
    `Morpho.liquidate` makes of that input.
    """
    factor, shares, seized = incentive(lltv), loan.shares, loan.collateral
    quoted = mul_div_up(loan.collateral, price, PRICE_SCALE)
    value = mul_div_down(to_assets_down(loan.shares, loan.totals), factor, WAD)
    if price and mul_div_down(value, PRICE_SCALE, price) <= loan.collateral:
        seized = mul_div_down(value, PRICE_SCALE, price)
    else:  # then quoted ≤ value, and each rounding up stays at or under what was rounded down: never above all shares
        shares = to_shares_up(mul_div_up(quoted, WAD, factor), loan.totals)
    repaid = to_assets_up(shares, loan.totals)
    return Seizure(seized, repaid, shares, _bad_debt(loan, seized, repaid, shares))


def _bad_debt(loan: Loan, seized: int, repaid: int, shares: int) -> int:
    left = loan.shares - shares
    if seized < loan.collateral or not left:
        return 0
    totals = Totals(max(0, loan.totals.assets - repaid), loan.totals.shares - shares)
    return min(totals.assets, to_assets_up(left, totals))
