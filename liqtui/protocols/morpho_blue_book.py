"""One account in one Morpho Blue market: its health under what-ifs, and what a liquidation would take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from liqtui.core.format import bps
from liqtui.core.model import Change, Leg, Scope, Side, is_liquidatable
from liqtui.core.units import (
    BPS,
    HEALTH_INFINITE,
    RAY,
    SECONDS_PER_YEAR,
    WAD,
    decimal_string,
    mul_div_down,
    mul_div_up,
)
from liqtui.protocols.morpho_blue_math import borrow, health, incentive, liquidate_all, repay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset, Quote
    from liqtui.protocols.morpho_blue_math import Loan
    from liqtui.protocols.morpho_blue_state import MarketState

NO_CHANGE = Change()


@dataclass(frozen=True)
class MorphoBook:
    """One account in one market, frozen at one block, in Morpho's own arithmetic. See `core.model.Book`."""

    state: MarketState
    loan_now: Loan
    """As stored where the interest up to the block is not known."""
    known: bool = True
    """Whether it is."""
    verdict: bool | None = None
    """The contract's own answer for the account as it stands."""

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        legs = (_collateral_leg(self.state, self.loan_now), _debt_leg(self.state, self.loan_now))
        return tuple(leg for leg in legs if leg.amount)

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        return {quote.asset: quote for quote in self.state.pricing.quotes}

    @property
    def account(self) -> Loan | None:
        """None where the interest up to the block is not known."""
        return self.loan_now if self.known else None

    @property
    def collateral(self) -> Asset:
        return self.state.info.collateral

    @property
    def loan(self) -> Asset:
        return self.state.info.loan

    @property
    def held_price(self) -> int | None:
        """Of collateral, in the units of `morpho_blue_oracle.Pricing`."""
        return self.state.pricing.collateral

    @property
    def owed_price(self) -> int | None:
        return self.state.pricing.loan

    @property
    def lltv(self) -> int:
        return self.state.info.params.lltv

    def price(self, change: Change = NO_CHANGE) -> int | None:
        """What the oracle's `price()` answers under the change; None when it answers nothing."""
        if change is NO_CHANGE:
            held, owed = self.held_price, self.owed_price
        else:
            held = change.prices.get(self.collateral.address, self.held_price)
            owed = change.prices.get(self.loan.address, self.owed_price)
        if held is None or held < 0 or owed is None or owed <= 0:
            return None
        return held * 10**self.state.pricing.lift // owed

    def changed(self, change: Change) -> Loan | None:
        """The account after the change's amounts. Raises KeyError for an asset that is not in this market."""
        if change is NO_CHANGE:
            return self.account
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


def _collateral_leg(state: MarketState, loan: Loan) -> Leg:
    info, price = state.info, state.pricing.collateral
    return Leg(
        asset=info.collateral,
        side=Side.COLLATERAL,
        amount=loan.collateral,
        price=price,
        value=None if price is None else mul_div_down(loan.collateral, price, 10**info.collateral.decimals),
        threshold=mul_div_down(info.params.lltv, BPS, WAD),
        bonus=mul_div_down(incentive(info.params.lltv), BPS, WAD),
        notes=info.notes,
    )


def _debt_leg(state: MarketState, loan: Loan) -> Leg:
    info, price, amount = state.info, state.pricing.loan, loan.owed
    notes = info.notes if state.totals is not None else (*info.notes, "without the interest since its last update")
    return Leg(
        asset=info.loan,
        side=Side.DEBT,
        amount=amount,
        price=price,
        value=None if price is None else mul_div_up(amount, price, 10**info.loan.decimals),
        rate=(state.rate or 0) * SECONDS_PER_YEAR * (RAY // WAD),
        pool_cash=max(0, state.stored.supply_assets - state.stored.borrow_assets),
        utilization=state.stored.borrow_assets * BPS // state.stored.supply_assets
        if state.stored.supply_assets
        else None,
        notes=notes,
    )
