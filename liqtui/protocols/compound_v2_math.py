"""Compound v2's own integer arithmetic and that of its forks. Pure.

Sources: compound-protocol (Comptroller.getHypotheticalAccountLiquidityInternal, liquidateCalculateSeizeTokens,
Exponential, ExponentialNoError), venus-protocol (ComptrollerLens), isolated-pools (Comptroller), moonwell-contracts-v2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.units import HEALTH_INFINITE, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable

_HALF = WAD // 2


class Rounding(NamedTuple):
    """How a comptroller multiplies fixed-point numbers."""

    half_up: bool = False
    """Exponential.mulExp of the first comptrollers rounds half up, later ones truncate."""
    price_first: bool = False
    """(price × exchange rate) × weight, as in Venus's isolated pools; else (weight × exchange rate) × price."""

    def mul(self, a: int, b: int) -> int:
        return (a * b + (_HALF if self.half_up else 0)) // WAD


TRUNCATING = Rounding()
ROUNDINGS = (TRUNCATING, Rounding(half_up=True), Rounding(price_first=True))
"""No contract tells which is its own: it is the one that gives the contract's own answer."""


class Line(NamedTuple):
    """One entered market of an account, as the comptroller's loop sees it."""

    asset: str
    tokens: int
    """cTokens held."""
    owed: int
    """Raw units of the underlying."""
    rate: int
    """Exchange rate: raw underlying units per cToken unit, 1e18-scaled."""
    weight: int
    """Collateral factor, or liquidation threshold where there is one; 1e18-scaled."""
    price: int | None
    """Of the oracle: dollars per raw unit of the underlying, 1e36-scaled."""


class Sums(NamedTuple):
    """1e18-scaled dollars."""

    collateral: int
    """Weighted."""
    borrow: int

    @property
    def health(self) -> int:
        """Below 1e18 exactly where there is a shortfall."""
        return self.collateral * WAD // self.borrow if self.borrow else HEALTH_INFINITE

    @property
    def liquidity(self) -> tuple[int, int]:
        """(liquidity, shortfall), as getAccountLiquidity answers."""
        collateral, borrow = self
        return (collateral - borrow, 0) if collateral > borrow else (0, borrow - collateral)


def measure(lines: Iterable[Line], rounding: Rounding) -> Sums | None:
    """Comptroller.getHypotheticalAccountLiquidityInternal; None when a price is unknown."""
    collateral = borrow = 0
    half_up, price_first = rounding
    up = _HALF if half_up else 0
    for _, tokens, owed, rate, weight, price in lines:
        if price is None:
            return None
        if tokens:
            first, last = (price, weight) if price_first else (weight, price)
            # what one cToken counts for (tokensToDenom), times how many
            collateral += ((first * rate + up) // WAD * last + up) // WAD * tokens // WAD
        if owed:
            borrow += price * owed // WAD
    return Sums(collateral, borrow)


def underlying_of(tokens: int, rate: int) -> int:
    """CToken.balanceOfUnderlying."""
    return tokens * rate // WAD


def tokens_for(amount: int, rate: int) -> int:
    """cTokens that are minted for (or redeemed to get) an amount of the underlying."""
    return amount * WAD // rate


class Seizure(NamedTuple):
    repaid: int
    """Raw underlying units of the debt."""
    tokens: int
    """cTokens of the collateral, the protocol's share included."""


def seize(rounding: Rounding, collateral: Line, debt: Line, repay: int, incentive: int) -> Seizure:
    """The largest liquidation of a pair, up to `repay` raw units of debt (Comptroller.liquidateCalculateSeizeTokens).

    More than the account holds cannot be seized: the contract refuses it, so less is repaid. Raises
    ZeroDivisionError where the contract refuses for the same reason.
    """
    numerator = rounding.mul(incentive, debt.price or 0)
    ratio = numerator * WAD // rounding.mul(collateral.price or 0, collateral.rate)
    tokens = ratio * repay // WAD
    if tokens > collateral.tokens:
        repay = ((collateral.tokens + 1) * WAD - 1) // ratio
        tokens = ratio * repay // WAD
    return Seizure(repay, tokens)
