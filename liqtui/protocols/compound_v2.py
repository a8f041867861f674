"""Compound v2 and what was made of it: Venus (core and isolated pools), Moonwell and others.

These contracts give no health factor but a liquidity or a shortfall in dollars. Ours is the weighted collateral divided
by the debt, with interest up to the block; it counts as verified where collateral and debt give the comptroller's own
liquidity or shortfall at that block, after all markets of the account have accrued, to the last digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from liqtui.core.model import Flag, Health, Leg, Position, PositionKey, Quote, Side
from liqtui.core.units import BPS, WAD, decimal_string, mul_div_up
from liqtui.protocols.aave_v2 import with_boundaries
from liqtui.protocols.adapter import Survey
from liqtui.protocols.compound_v2_book import CompoundBook, engine_card, entries_of, lines_of, worst_scope
from liqtui.protocols.compound_v2_math import TRUNCATING
from liqtui.protocols.compound_v2_open import discover, glance, open_market
from liqtui.protocols.compound_v2_reads import VALUE_DECIMALS, refresh
from liqtui.protocols.feeds import feed_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.core.model import Feed
    from liqtui.core.reads import Block, Plan
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Reading
    from liqtui.protocols.compound_v2_book import Entry
    from liqtui.protocols.compound_v2_state import Account, Market, Opened, Vai
    from liqtui.protocols.feeds import FeedInfo


class CompoundV2:
    """The adapter. Hints are the cTokens that a wallet holds without having entered their market."""

    protocol: ClassVar[str] = "compound-v2"

    def __init__(self, names: Callable[[int], Mapping[str, FeedInfo]] = feed_table) -> None:
        self._names = names

    def open(self, ref: MarketRef, block: Block) -> Plan[Opened]:  # noqa: ARG002 - the reader pins the block
        return open_market(ref, self._names(ref.chain_id))

    def survey(self, opened: Opened) -> Survey:
        return Survey(contents=f"{len(opened.tokens)} markets")

    def discover(self, opened: Opened, wallets: Sequence[str]) -> Plan[Mapping[str, frozenset[str]]]:
        return discover(opened, wallets)

    def glance(self, opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
        return glance(opened, wallets)

    def refresh(self, opened: Opened, block: Block, hints: Mapping[str, frozenset[str]]) -> Plan[Reading]:
        return refresh(opened, block, hints)

    def evaluate(
        self, opened: Opened, block: Block, market: Market, account: Account, wallet: str
    ) -> tuple[Position, ...]:
        """One position, empty where nothing is held any more."""
        entries = entries_of(market, account)
        book = CompoundBook(
            legs=_legs(opened, account, entries),
            quotes=_quotes(opened, account, entries),
            lines=lines_of(opened, account, entries),
            decimals=_decimals(opened, entries),
            rounding=market.rounding or TRUNCATING,
            forced=frozenset(entry.state.info.asset.address for entry in entries if entry.forced and entry.owed),
        )
        health = _health(account, entries, book)
        held, owed = _value(book, Side.COLLATERAL), _value(book, Side.DEBT)
        found = Position(
            key=PositionKey(opened.ref.chain_id, opened.ref.protocol, opened.ref.name, wallet),
            block=block,
            base_symbol="USD",
            base_decimals=VALUE_DECIMALS,
            health=health,
            legs=book.legs,
            collateral_value=held,
            debt_value=owed,
            ltv=mul_div_up(owed, BPS, held) if held and owed is not None else None,
            max_ltv=_average(entries, [entry.factor for entry in entries]),
            threshold=_average(entries, [entry.weight for entry in entries]),
            scope=worst_scope(market, book, entries),
            engine=engine_card(opened, market, entries),
            flags=_flags(market, entries, health),
            quotes=tuple(book.quotes.values()),
            feeds=_feeds(entries),
            facts=_facts(opened, book),
            book=book,
        )
        return (with_boundaries(found, fixed=opened.vai.asset.address) if opened.vai and account.vai else found,)


def _legs(opened: Opened, account: Account, entries: Sequence[Entry]) -> tuple[Leg, ...]:
    legs = [_collateral_leg(entry) for entry in entries if entry.supplied]
    legs += [_debt_leg(entry) for entry in entries if entry.owed]
    if opened.vai and account.vai:
        legs.append(_vai_leg(opened.vai, account.vai))
    return tuple(legs)


def _collateral_leg(entry: Entry) -> Leg:
    state, amount = entry.state, entry.supplied
    notes = state.notes if entry.holding.entered else (*state.notes, "not used as collateral")
    return Leg(
        asset=state.info.asset,
        side=Side.COLLATERAL,
        amount=amount,
        price=state.quote.price,
        value=None if state.price is None else state.price * amount // WAD,
        threshold=entry.weight * BPS // WAD,
        bonus=entry.incentive * BPS // WAD,
        counts=entry.holding.entered,
        rate=state.supply_rate,
        pool_cash=state.cash,
        cap_room=state.supply_room,
        utilization=state.utilization,
        notes=notes if entry.accrued else (*notes, "without the interest since its last update"),
    )


def _debt_leg(entry: Entry) -> Leg:
    state, amount = entry.state, entry.owed
    return Leg(
        asset=state.info.asset,
        side=Side.DEBT,
        amount=amount,
        price=state.quote.price,
        value=None if state.price is None else state.price * amount // WAD,
        rate=state.borrow_rate,
        pool_cash=state.cash,
        cap_room=state.borrow_room,
        utilization=state.utilization,
        notes=state.notes if entry.accrued else (*state.notes, "without the interest since its last update"),
    )


def _vai_leg(vai: Vai, owed: int) -> Leg:
    note = "counts as one dollar, whatever its price"
    return Leg(vai.asset, Side.DEBT, owed, WAD, owed * WAD // 10**vai.asset.decimals, notes=(note,))


def _quotes(opened: Opened, account: Account, entries: Sequence[Entry]) -> dict[str, Quote]:
    quotes = {entry.state.info.asset.address: entry.state.quote for entry in entries}
    if opened.vai and account.vai:
        at = opened.vai.asset.address
        quotes[at] = Quote(at, opened.vai.controller, WAD, VALUE_DECIMALS, f"base:{at}", notes=("always one dollar",))
    return quotes


def _decimals(opened: Opened, entries: Sequence[Entry]) -> dict[str, int]:
    assets = [entry.state.info.asset for entry in entries]
    if opened.vai:
        assets.append(opened.vai.asset)
    return {asset.address: asset.decimals for asset in assets}


def _health(account: Account, entries: Sequence[Entry], book: CompoundBook) -> Health:
    """Ours, and as `reported` the same where the comptroller's own liquidity and shortfall prove it."""
    reasons: list[str] = []
    sums, reported = book.sums(), account.reported
    entered = [(entry, entry.state.info.asset.symbol) for entry in entries if entry.holding.entered]
    unpriced = [symbol for entry, symbol in entered if entry.state.price is None]
    stale = [symbol for entry, symbol in entered if not entry.accrued]
    if unpriced:
        reasons.append(f"the oracle gives no price for {', '.join(unpriced)}")
    if stale:
        reasons.append(f"the interest of {', '.join(stale)} up to this block is not known")
    if reported is None:
        reasons.append(f"the comptroller does not tell the liquidity: {account.refusal}")
    elif sums is not None and sums.liquidity != reported:
        mine, theirs = (decimal_string(up - down, VALUE_DECIMALS) for up, down in (sums.liquidity, reported))
        reasons.append(f"own arithmetic gives a liquidity of {mine}, the comptroller says {theirs}")
    proven = sums is not None and sums.liquidity == reported
    verdict = None if proven or reported is None else reported[1] > 0
    raw = None if sums is None else sums.health
    return Health(raw, raw if proven else None, "; ".join(reasons), True if book.forced else verdict)


def _value(book: CompoundBook, side: Side) -> int | None:
    """Dollars on one side that count; None where a price is unknown."""
    total = 0
    for leg in book.legs:
        if leg.side is side and leg.counts:
            if leg.value is None:
                return None
            total += leg.value
    return total


def _average(entries: Sequence[Entry], weights: Sequence[int]) -> int | None:
    """Of the entered collateral by value, basis points rounded down; None without any or without its prices."""
    total = weighted = 0
    for entry, weight in zip(entries, weights, strict=True):
        if entry.holding.entered and entry.supplied:
            if entry.state.price is None:
                return None
            total += entry.state.price * entry.supplied
            weighted += entry.state.price * entry.supplied * weight
    return weighted * BPS // (total * WAD) if total else None


def _flags(market: Market, entries: Sequence[Entry], health: Health) -> tuple[Flag, ...]:
    flags = [Flag("unverified", health.reason)] if health.reason else []
    for entry in entries:
        if entry.forced and entry.owed:
            symbol = entry.state.info.asset.symbol
            flags.append(
                Flag("forced", f"{symbol} debt can be liquidated whatever the health: its market is closed down")
            )
    if market.seize_paused:
        flags.append(Flag("paused", "seizing collateral is paused: nothing can be liquidated until it ends"))
    return tuple(flags)


def _feeds(entries: Sequence[Entry]) -> tuple[Feed, ...]:
    feeds = {feed.address: feed for entry in entries for feed in entry.state.feeds}
    return tuple(feeds.values())


def _facts(opened: Opened, book: CompoundBook) -> tuple[tuple[str, str], ...]:
    facts = [("comptroller", opened.ref.entry), ("oracle", opened.oracle)]
    sums = book.sums()
    if sums is not None:
        liquidity, shortfall = sums.liquidity
        facts.append(("liquidity", f"{decimal_string(liquidity, VALUE_DECIMALS)} USD"))
        facts.append(("shortfall", f"{decimal_string(shortfall, VALUE_DECIMALS)} USD"))
    return tuple(facts)
