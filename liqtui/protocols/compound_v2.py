"""Compound v2 and what was made of it: Venus (core and isolated pools), Moonwell and others.

These contracts give no health factor but a liquidity or a shortfall in dollars. Ours is the weighted collateral divided
by the debt, with interest up to the block; it counts as verified where collateral and debt give the comptroller's own
liquidity or shortfall at that block, after all markets of the account have accrued, to the last digit.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from liqtui.core.factors import movers_of
from liqtui.core.model import Flag, Health, Position
from liqtui.core.units import BPS, WAD, decimal_string
from liqtui.protocols import compound_v2_events
from liqtui.protocols import compound_v2_pauses as pauses
from liqtui.protocols.adapter import Survey
from liqtui.protocols.compound_v2_book import CompoundBook, drawn_of
from liqtui.protocols.compound_v2_math import TRUNCATING
from liqtui.protocols.compound_v2_open import discover, glance, open_market
from liqtui.protocols.compound_v2_reads import refresh
from liqtui.protocols.compound_v2_scope import engine_card, worst_scope
from liqtui.protocols.compound_v2_tokens import VALUE_DECIMALS
from liqtui.protocols.feeds import feed_table
from liqtui.protocols.figures import fed_by, ltv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.later import Later
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Adapter, Reading
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

    def event_filters(self, opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        return compound_v2_events.event_filters(opened, wallets)

    def events(self, opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
        return compound_v2_events.events(opened, logs)

    def evaluate(
        self, opened: Opened, block: Block, market: Market, account: Account, wallet: str
    ) -> tuple[Position, ...]:
        """One position, empty where nothing is held any more. What only a person looks at is made when it is read."""
        drawn, vai = drawn_of(opened, market, wallet, account), opened.vai
        entries, rounding = drawn.entries, market.rounding or TRUNCATING
        forced = [entry.state.info.asset.address for entry in entries if entry.owed and entry.forced]
        forced += [vai.asset.address] if vai and account.vai_forced else []
        closed = frozenset(forced) if forced else _NONE
        book = CompoundBook(entries, drawn.lines, vai, account.vai, rounding, closed, market.vai_rate)
        vars(book)["present"] = drawn.sums(rounding)  # the vote on the rounding has found it already
        held, owed = _values(entries, vai, account.vai)
        return (
            Position.sketch(
                (opened, market),
                _LATER,
                key=opened.keys[wallet],
                block=block,
                base_symbol="USD",
                base_decimals=VALUE_DECIMALS,
                health=_health(account, entries, book),
                collateral_value=held,
                debt_value=owed,
                category=f"pool {account.pool}" if account.pool else "",
                book=book,
                owes=bool(account.vai) or any(map(_OWED, entries)),
                holds=any(map(_SUPPLIED, entries)),
                fixed=movers_of(vai.asset.address) if vai and account.vai else _NONE,
            ),
        )


_NONE: frozenset[str] = frozenset()
_SUPPLIED, _OWED = attrgetter("supplied"), attrgetter("owed")


class _Source(NamedTuple):
    """What the rest of a position is made from."""

    opened: Opened
    market: Market


def _book(position: Position) -> CompoundBook:
    return cast("CompoundBook", position.book)


def _source(position: Position) -> _Source:
    return _Source(*position.source)


def _values(entries: Sequence[Entry], vai: Vai | None, owed_vai: int) -> tuple[int | None, int | None]:
    """Dollars of the collateral that counts, and of the debt; each None where a price is unknown."""
    held: int | None = 0
    owed: int | None = owed_vai * WAD // 10**vai.asset.decimals if vai else 0
    for state, holding, supplied, debt, _ in entries:
        price = state.price
        if supplied and holding.entered:
            held = None if held is None or price is None else held + price * supplied // WAD
        if debt:
            owed = None if owed is None or price is None else owed + price * debt // WAD
    return held, owed


def _health(account: Account, entries: Sequence[Entry], book: CompoundBook) -> Health:
    """Ours, and as `reported` the same where the comptroller's own liquidity and shortfall prove it."""
    sums, reported = book.sums(), account.reported
    if sums is not None and sums.liquidity == reported:  # then every price and all interest is known
        health = sums.health
        return Health(health, health, verdict=True if book.forced else None)
    reasons: list[str] = []
    entered = [(entry, entry.state.info.asset.symbol) for entry in entries if entry.holding.entered]
    unpriced = [symbol for entry, symbol in entered if entry.state.price is None]
    stale = [symbol for entry, symbol in entered if not entry.accrued]
    if unpriced:
        reasons.append(f"the oracle gives no price for {', '.join(unpriced)}")
    if stale:
        reasons.append(f"the interest of {', '.join(stale)} up to this block is not known")
    if reported is None:
        reasons.append(f"the comptroller does not tell the liquidity: {account.refusal}")
    elif sums is not None:
        mine, theirs = (decimal_string(up - down, VALUE_DECIMALS) for up, down in (sums.liquidity, reported))
        reasons.append(f"own arithmetic gives a liquidity of {mine}, the comptroller says {theirs}")
    verdict = None if reported is None else reported[1] > 0
    raw = None if sums is None else sums.health
    return Health(raw, None, "; ".join(reasons), True if book.forced else verdict)


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


def _flags(position: Position) -> tuple[Flag, ...]:
    market, entries, health = _source(position).market, _book(position).entries, position.health
    flags = [Flag("unverified", health.reason)] if health.reason else []
    for entry in entries:
        if entry.forced and entry.owed:
            symbol = entry.state.info.asset.symbol
            flags.append(
                Flag("forced", f"{symbol} debt can be liquidated whatever the health: its market is closed down")
            )
    vai = _book(position).vai
    if vai and vai.asset.address in _book(position).forced:
        flags.append(Flag("forced", f"{vai.asset.symbol} debt can be liquidated whatever the health"))
    if market.seize_paused:
        flags.append(Flag("paused", "seizing collateral is paused: nothing can be liquidated until it ends"))
    if market.paused:
        flags.append(Flag("paused", "the whole protocol is paused: no action and no liquidation until it ends"))
    for entry in entries:
        relevant = {*(pauses.OF_COLLATERAL if entry.supplied else ()), *(pauses.OF_DEBT if entry.owed else ())}
        text = pauses.words(entry.state.info.asset.symbol, entry.state.paused & relevant)
        flags += [Flag("paused", text)] if text else []
    return tuple(flags)


def _facts(position: Position) -> tuple[tuple[str, str], ...]:
    opened, book = _source(position).opened, _book(position)
    facts = [("comptroller", opened.ref.entry), ("oracle", opened.oracle)]
    sums = book.sums()
    if sums is not None:
        liquidity, shortfall = sums.liquidity
        facts.append(("liquidity", f"{decimal_string(liquidity, VALUE_DECIMALS)} USD"))
        facts.append(("shortfall", f"{decimal_string(shortfall, VALUE_DECIMALS)} USD"))
    return tuple(facts)


_LATER: Later = {
    "legs": lambda position: _book(position).legs,
    "quotes": lambda position: tuple(_book(position).quotes.values()),
    "ltv": ltv,
    "max_ltv": lambda position: _average(_book(position).entries, [each.factor for each in _book(position).entries]),
    "threshold": lambda position: _average(_book(position).entries, [each.weight for each in _book(position).entries]),
    "scope": lambda position: worst_scope(_source(position).market, _book(position)),
    "engine": lambda position: engine_card(*_source(position), _book(position).entries),
    "flags": _flags,
    "feeds": lambda position: fed_by(entry.state for entry in _book(position).entries),
    "facts": _facts,
}

ADAPTER: Adapter = CompoundV2()
