"""One account in one Morpho Blue market: its health under what-ifs, and what a liquidation would take."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from liqtui.core.format import bps
from liqtui.core.model import Change, Leg, Side, is_liquidatable
from liqtui.core.results import Scope
from liqtui.core.units import (
    BPS,
    HEALTH_INFINITE,
    HEALTH_ONE,
    RAY,
    SECONDS_PER_YEAR,
    WAD,
    decimal_string,
    mul_div_down,
    mul_div_up,
)
from liqtui.core.values import value
from liqtui.protocols.morpho_blue_early import take
from liqtui.protocols.morpho_blue_math import Totals, borrow, health, incentive, liquidate_all, repay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.model import Asset, Quote
    from liqtui.protocols.morpho_blue_math import Loan
    from liqtui.protocols.morpho_blue_state import Armed, MarketState

NO_CHANGE = Change()


@value
class MorphoBook:
    """One account in one market, frozen at one block, in Morpho's own arithmetic. See `core.model.Book`."""

    state: MarketState
    loan_now: Loan
    """As stored where the interest up to the block is not known."""
    known: bool = True
    """Whether it is."""
    verdict: bool | None = None
    """The contract's own answer for the account as it stands, or that of a pre-liquidation contract where it is yes."""
    armed: tuple[Armed, ...] = ()
    """Pre-liquidation contracts that the account has authorised."""

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        legs = (_collateral_leg(self), _debt_leg(self.state, self.loan_now))
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

    @cached_property
    def limit(self) -> int:
        """Loan-to-value from which somebody may liquidate, by the market's price; 1e18-scaled."""
        price = self.price()
        early = [
            each.terms.lltv if not price or each.price is None else mul_div_down(each.terms.lltv, each.price, price)
            for each in self.armed
            if not self.past(each, price)
        ]
        return min(self.lltv, *early) if early else self.lltv

    def price(self, change: Change = NO_CHANGE) -> int | None:
        """What the oracle's `price()` answers under the change; None when it answers nothing."""
        if change is NO_CHANGE:
            return self.state.pricing.answer
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
        if price is None:
            return None
        found = health(account, price, self.lltv)
        for each in self.armed:
            at = self.price_of(each, price)
            if at is None:
                return None
            if not self._past(account, price, at):
                found = min(found, health(account, at, each.terms.lltv))
        return found

    def past(self, armed: Armed, price: int | None) -> bool:
        """Whether a contract's own oracle alone puts the account past its reach while the market's answers `price`.

        It then refuses to act, and Morpho's own liquidation, which would be due by then, is not.
        """
        at = None if price is None else self.price_of(armed, price)
        if at is None or price is None or self.account is None or not self.account.shares:
            return False
        return self._past(self.account, price, at)

    def _past(self, account: Loan, price: int, at: int) -> bool:
        """`at`: what that oracle answers."""
        return health(account, at, self.lltv) < HEALTH_ONE <= health(account, price, self.lltv)

    def price_of(self, armed: Armed, price: int) -> int | None:
        """What a pre-liquidation contract's oracle answers while the market's answers `price`.

        Mostly they are the same. One of its own is taken to move as the market's does.
        """
        if armed.terms.oracle == self.state.info.params.oracle:
            return price
        now = self.price()
        return armed.price if armed.price is None or not now else mul_div_down(armed.price, price, now)

    def first(self) -> Armed | None:
        """The authorised contract that may act first; None without one, and where Morpho's own liquidation is due."""
        account, price = self.account, self.price()
        if account is None or price is None or health(account, price, self.lltv) < HEALTH_ONE:
            return None
        priced = [
            (at, each)
            for each in self.armed
            if (at := self.price_of(each, price)) and not self._past(account, price, at)
        ]
        return min(priced, key=lambda pair: health(account, pair[0], pair[1].terms.lltv))[1] if priced else None

    def liquidatable(self, change: Change = NO_CHANGE) -> bool | None:
        """For the account as it stands what the contract itself says, where it says something."""
        if self.verdict is not None and not any(change):
            return self.verdict
        found = self.health(change)
        return None if found is None else is_liquidatable(found)


def engine_card(lltv: int, armed: Sequence[Armed] = ()) -> tuple[tuple[str, str], ...]:
    """See `Position.engine`. It follows from the market's liquidation loan-to-value, and from what is authorised."""
    early = [each.terms for each in armed]
    parts = [f"from LTV {percent(terms.lltv)} on {span(terms.close)} of the debt at a time" for terms in early]
    bonuses = [f"{span(terms.incentive, above=WAD)} for such a part" for terms in early]
    return (
        ("who", "anyone"),
        (
            "how much",
            "; ".join((*parts, f"{f'from {percent(lltv)} on ' * bool(early)}any part, up to all of it at once")),
        ),
        ("bonus", "; ".join((*bonuses, bps((incentive(lltv) - WAD) * BPS // WAD)))),
        ("protocol fee", "none"),
        ("goes to", "the liquidator"),
        ("bad debt", "the lenders of this market bear it at once"),
    )


def percent(share: int) -> str:
    return bps(mul_div_down(share, BPS, WAD))


def span(limits: tuple[int, int], above: int = 0) -> str:
    """Both ends, as "10–50 %"; 1e18-scaled, `above` taken off."""
    low, high = (percent(min(each - above, WAD)) for each in limits)
    return low if low == high else f"{low} to {high}"


def scope(book: MorphoBook) -> Scope | None:
    """What one liquidation takes at today's price: there is no close factor, so it takes all.

    Where a pre-liquidation contract may act first: what that takes. None without debt or collateral, and where the
    price or the debt is unknown.
    """
    account, price = book.account, book.price()
    held, owed = book.held_price, book.owed_price
    if account is None or price is None or held is None or owed is None or book.health() is None:
        return None
    if not account.shares or not account.collateral:
        return None
    early = book.first()
    if early is not None:
        return _early_scope(book, early, account, price)
    taken, factor = liquidate_all(account, price, book.lltv), incentive(book.lltv)
    reason = "no close factor: all of the debt"
    if taken.shares < account.shares:
        lost = decimal_string(taken.bad_debt, book.loan.decimals)
        reason = f"no close factor: all of the collateral; the lenders lose {lost} {book.loan.symbol}"
    return Scope(
        collateral=book.collateral,
        debt=book.loan,
        max_debt=taken.repaid,
        seized=taken.seized,
        loss=_loss(book, taken.seized, taken.repaid),
        close_factor=min(BPS, mul_div_up(taken.repaid, BPS, account.owed)),
        bonus=mul_div_down(factor, BPS, WAD),
        reason=reason,
        health_after=HEALTH_INFINITE if book.liquidatable() else None,
        toxic_below=mul_div_down(book.lltv, factor, WAD),
    )


def _loss(book: MorphoBook, seized: int, repaid: int) -> int:
    """Base units; both prices have to be known."""
    worth = mul_div_down(seized, book.held_price or 0, 10**book.collateral.decimals)
    return worth - mul_div_down(repaid, book.owed_price or 0, 10**book.loan.decimals)


def _early_scope(book: MorphoBook, early: Armed, account: Loan, price: int) -> Scope:
    terms = early.terms
    taken = take(terms, account, book.price_of(early, price) or price, book.lltv)
    totals = Totals(max(0, account.totals.assets - taken.repaid), account.totals.shares - taken.shares)
    after = account._replace(
        shares=account.shares - taken.shares, collateral=account.collateral - taken.seized, totals=totals
    )
    unsafe = book.liquidatable()
    return Scope(
        collateral=book.collateral,
        debt=book.loan,
        max_debt=taken.repaid,
        seized=taken.seized,
        loss=_loss(book, taken.seized, taken.repaid),
        close_factor=min(BPS, mul_div_up(taken.repaid, BPS, account.owed)),
        bonus=mul_div_down(taken.incentive, BPS, WAD),
        reason=f"pre-liquidation by {terms.address}, which the account has authorised: a part at a time",
        health_after=replace(book, loan_now=after, verdict=None).health() if unsafe else None,
        toxic_below=mul_div_down(terms.lltv, taken.incentive, WAD),
    )


def _collateral_leg(book: MorphoBook) -> Leg:
    info, loan, price = book.state.info, book.loan_now, book.held_price
    return Leg(
        asset=info.collateral,
        side=Side.COLLATERAL,
        amount=loan.collateral,
        price=price,
        value=None if price is None else mul_div_down(loan.collateral, price, 10**info.collateral.decimals),
        threshold=mul_div_down(book.limit, BPS, WAD),
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
        rate=None if state.rate is None else state.rate * SECONDS_PER_YEAR * (RAY // WAD),
        pool_cash=max(0, state.stored.supply_assets - state.stored.borrow_assets),
        utilization=state.stored.borrow_assets * BPS // state.stored.supply_assets
        if state.stored.supply_assets
        else None,
        notes=notes,
    )
