"""One account in one Comet: its health under what-ifs, and what an absorption would make of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from liqtui.core.format import bps_of
from liqtui.core.model import Change, Leg, Side
from liqtui.core.results import Scope
from liqtui.core.units import BPS, HEALTH_INFINITE, RAY, SECONDS_PER_YEAR, WAD, decimal_string, mul_div_down
from liqtui.core.values import value
from liqtui.protocols.compound_v3_math import absorb, health, liquidatable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.model import Asset, Quote
    from liqtui.protocols.compound_v3_math import Base, Line
    from liqtui.protocols.compound_v3_state import AssetState, Market, Opened

NO_CHANGE = Change()


@value
class CometBook:
    """The account frozen at one block, with interest up to it. See `core.model.Book`."""

    market: Market
    held: tuple[tuple[AssetState, int], ...]
    """Collateral and its amounts, in the order of the assets."""
    asset: Asset
    """The base token."""
    base: Base
    lines: tuple[Line, ...]
    """Of `held`."""
    view: bool | None = None
    """isLiquidatable as the contract answers it."""

    @cached_property
    def legs(self) -> tuple[Leg, ...]:
        return _legs(self.market, self.asset, self.base, self.held)

    @cached_property
    def quotes(self) -> Mapping[str, Quote]:
        base = self.market.base_quote
        return {state.asset.address: state.quote for state, _ in self.held} | {base.asset: base}

    def changed(self, change: Change) -> tuple[Base, Sequence[Line]]:
        """The account under the change. Raises KeyError for an asset that it does not hold or owe."""
        if change is NO_CHANGE:
            return self.base, self.lines
        foreign = change.collateral.keys() - {line.address for line in self.lines}
        foreign |= change.debt.keys() - {self.asset.address}
        if foreign:
            raise KeyError(f"not in this account: {', '.join(sorted(foreign))}")
        prices = {asset: price if price > 0 else None for asset, price in change.prices.items()}  # BadPrice
        base = self.base._replace(price=prices.get(self.asset.address, self.base.price))
        lines = [
            line._replace(
                price=prices.get(line.address, line.price),
                amount=max(0, line.amount + change.collateral.get(line.address, 0)),
            )
            for line in self.lines
        ]
        return base.after(-change.debt.get(self.asset.address, 0)), lines

    def health(self, change: Change = NO_CHANGE) -> int | None:
        return health(*self.changed(change))

    def liquidatable(self, change: Change = NO_CHANGE) -> bool | None:
        """What `absorb` would find, for it accrues first. A yes of the contract's own view always counts."""
        if self.view and not any(change):
            return True
        return liquidatable(*self.changed(change))


def scope(book: CometBook, held: list[AssetState], *, paused: bool) -> Scope | None:
    """What an absorption takes at today's prices: always everything. Named for the most valuable collateral.

    None without debt or collateral, and where a price is unknown.
    """
    owed = max(0, -book.base.balance)
    taken = absorb(book.base, book.lines, [state.info.liquidation_factor for state in held])
    if taken is None or not owed or not held or book.base.price is None:
        return None
    state, line = max(
        zip(held, book.lines, strict=True),
        key=lambda pair: mul_div_down(pair[1].amount, pair[1].price or 0, pair[1].scale),
    )
    reason = "absorb takes all collateral and closes all of the debt"
    if taken.left:
        left = decimal_string(taken.left, book.asset.decimals)
        reason += f"; {left} {book.asset.symbol} stay with the account"
    elif taken.unpaid:
        unpaid = decimal_string(taken.unpaid, book.asset.decimals)
        reason += f"; the reserves bear {unpaid} {book.asset.symbol}"
    return Scope(
        collateral=state.asset,
        debt=book.asset,
        max_debt=owed,
        seized=line.amount,
        loss=taken.value - mul_div_down(owed + taken.left, book.base.price, book.base.scale),
        close_factor=BPS,
        bonus=bonus(state.info.liquidation_factor),
        reason=reason,
        health_after=HEALTH_INFINITE if book.liquidatable() else None,
        toxic_below=None,
        blocked="absorbing is paused" if paused else "",
    )


def engine_card(opened: Opened, held: Sequence[AssetState]) -> tuple[tuple[str, str], ...]:
    """See `Position.engine`."""
    penalties = {state.asset.symbol: (WAD - state.info.liquidation_factor) * BPS // WAD for state in held}
    goes, lost = "the protocol's reserves, which pay the debt and take the collateral", any(penalties.values())
    if lost and opened.store_front is not None:
        off = {symbol: each * opened.store_front // WAD for symbol, each in penalties.items()}
        goes += f"; they may sell it {bps_of(off)} under its price to anyone"
    return (
        ("who", "anyone, by absorb; it pays the caller nothing"),
        ("how much", "all collateral and all debt at once"),
        ("bonus", f"{bps_of(penalties)} of the collateral is lost; what is left beyond the debt stays as a balance"),
        ("protocol fee", "all of that penalty" if lost else "none"),
        ("goes to", goes),
        ("bad debt", "the protocol's reserves bear it"),
    )


def bonus(liquidation_factor: int) -> int:
    """Collateral value taken per value credited, basis points; 0 where nothing is credited."""
    return mul_div_down(WAD, BPS, liquidation_factor) if liquidation_factor else 0


def _legs(market: Market, asset: Asset, base: Base, held: Sequence[tuple[AssetState, int]]) -> tuple[Leg, ...]:
    legs = [_collateral_leg(state, amount) for state, amount in held if amount]
    if base.balance > 0:
        legs.append(_base_leg(market, asset, base, Side.COLLATERAL))
    if base.balance < 0:
        legs.append(_base_leg(market, asset, base, Side.DEBT))
    return tuple(legs)


def _collateral_leg(state: AssetState, amount: int) -> Leg:
    info, price = state.info, state.price
    return Leg(
        asset=state.asset,
        side=Side.COLLATERAL,
        amount=amount,
        price=price,
        value=None if price is None else mul_div_down(amount, price, info.scale),
        threshold=mul_div_down(info.liquidate_factor, BPS, WAD),
        bonus=bonus(info.liquidation_factor),
        cap_room=state.room,
        cap=info.supply_cap,
    )


def _base_leg(market: Market, asset: Asset, base: Base, side: Side) -> Leg:
    owed = side is Side.DEBT
    amount, rate = abs(base.balance), market.borrow_rate if owed else market.supply_rate
    return Leg(
        asset=asset,
        side=side,
        amount=amount,
        price=base.price,
        value=None if base.price is None else mul_div_down(amount, base.price, base.scale),
        counts=owed,
        rate=rate * SECONDS_PER_YEAR * (RAY // WAD),
        pool_cash=market.cash,
        utilization=market.totals.utilization * BPS // WAD,
        notes=() if owed else ("lent out: the base token is no collateral",),
    )
