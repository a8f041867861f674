"""One account in one Morpho Blue market: its health under what-ifs, and what a liquidation would take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqtui.core.format import bps
from liqtui.core.model import Change, Scope, is_liquidatable
from liqtui.core.units import BPS, HEALTH_INFINITE, WAD, decimal_string, mul_div_down, mul_div_up
from liqtui.protocols.morpho_blue_math import borrow, health, incentive, liquidate_all, repay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset, Leg, Quote
    from liqtui.protocols.morpho_blue_math import Loan

NO_CHANGE = Change()


@dataclass(frozen=True, slots=True)
class MorphoBook:
    """The account frozen at one block, in Morpho's own arithmetic. See `core.model.Book`."""

    legs: tuple[Leg, ...]
    quotes: Mapping[str, Quote]
    collateral: Asset
    loan: Asset
    account: Loan | None
    """None where the interest up to the block is not known."""
    held_price: int | None
    """Of collateral, in the units of `morpho_blue_oracle.Pricing`."""
    owed_price: int | None
    lift: int
    lltv: int
    verdict: bool | None = None
    """The contract's own answer for the account as it stands."""

    def price(self, change: Change = NO_CHANGE) -> int | None:
        """What the oracle's `price()` answers under the change; None when it answers nothing."""
        held = change.prices.get(self.collateral.address, self.held_price)
        owed = change.prices.get(self.loan.address, self.owed_price)
        if held is None or held < 0 or owed is None or owed <= 0:
            return None
        return held * 10**self.lift // owed

    def changed(self, change: Change) -> Loan | None:
        """The account after the change's amounts. Raises KeyError for an asset that is not in this market."""
        foreign = [asset for asset in change.collateral if asset != self.collateral.address]
        foreign += [asset for asset in change.debt if asset != self.loan.address]
        if foreign:
            raise KeyError(f"not in this market: {', '.join(foreign)}")
        if self.account is None:
            return None
        added = change.collateral.get(self.collateral.address, 0)
        more = change.debt.get(self.loan.address, 0)
        account = self.account._replace(collateral=max(0, self.account.collateral + added))
        return borrow(account, more) if more > 0 else repay(account, -more) if more else account

    def health(self, change: Change = NO_CHANGE) -> int | None:
        account = self.changed(change)
        if account is None:
            return None
        if not account.shares:
            return HEALTH_INFINITE
        price = self.price(change)
        return None if price is None else health(account, price, self.lltv)

    def liquidatable(self, change: Change = NO_CHANGE) -> bool | None:
        """For the account as it stands what the contract itself says, where it says something."""
        if self.verdict is not None and not any(change):
            return self.verdict
        found = self.health(change)
        return None if found is None else is_liquidatable(found)


def engine_card(lltv: int) -> tuple[tuple[str, str], ...]:
    """See `Position.engine`. All of it follows from the market's liquidation loan-to-value."""
    return (
        ("who", "anyone"),
        ("how much", "any part, up to all of it at once"),
        ("bonus", bps((incentive(lltv) - WAD) * BPS // WAD)),
        ("protocol fee", "none"),
        ("goes to", "the liquidator"),
        ("bad debt", "the lenders of this market bear it at once"),
    )


def scope(book: MorphoBook) -> Scope | None:
    """What one liquidation takes at today's price: there is no close factor, so it takes all.

    None without debt or collateral, and where the price or the debt is unknown.
    """
    account, price = book.account, book.price()
    held, owed = book.held_price, book.owed_price
    if account is None or price is None or held is None or owed is None:
        return None
    if not account.shares or not account.collateral:
        return None
    taken, factor = liquidate_all(account, price, book.lltv), incentive(book.lltv)
    reason = "no close factor: all of the debt"
    if taken.shares < account.shares:
        lost = decimal_string(taken.bad_debt, book.loan.decimals)
        reason = f"no close factor: all of the collateral; the lenders lose {lost} {book.loan.symbol}"
    worth = mul_div_down(taken.seized, held, 10**book.collateral.decimals)
    paid = mul_div_down(taken.repaid, owed, 10**book.loan.decimals)
    return Scope(
        collateral=book.collateral,
        debt=book.loan,
        max_debt=taken.repaid,
        seized=taken.seized,
        loss=worth - paid,
        close_factor=min(BPS, mul_div_up(taken.repaid, BPS, account.owed)),
        bonus=mul_div_down(factor, BPS, WAD),
        reason=reason,
        health_after=HEALTH_INFINITE if book.liquidatable() else None,
        toxic_below=mul_div_down(book.lltv, factor, WAD),
    )
