"""Aave v3 and its forks (Spark): every pool revision from 3.0 to 3.7."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from liqtui.core.factors import movers_of
from liqtui.core.model import Flag, Health, Position
from liqtui.core.units import decimal_string
from liqtui.protocols import aave_events
from liqtui.protocols.aave_v3_book import book_of
from liqtui.protocols.aave_v3_math import available_borrows
from liqtui.protocols.aave_v3_open import discover, glance, open_market
from liqtui.protocols.aave_v3_reads import refresh
from liqtui.protocols.aave_v3_scope import engine_card, worst_scope
from liqtui.protocols.adapter import Survey
from liqtui.protocols.feeds import feed_table, sequencer_feed
from liqtui.protocols.figures import fed_by, ltv

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.later import Later
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.results import Scope
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.aave_v3_book import AaveBook, Entry
    from liqtui.protocols.aave_v3_math import Rules, Totals
    from liqtui.protocols.aave_v3_state import Account, Market, Opened
    from liqtui.protocols.adapter import Adapter, Reading
    from liqtui.protocols.feeds import FeedInfo

_RESERVE_FLAGS = {
    "inactive": "is not active: it can be neither repaid nor withdrawn",
    "paused": "is paused: no supply, repayment, withdrawal or liquidation until it is unpaused",
    "frozen": "is frozen: nothing can be added to it; repaying and withdrawing work",
    "liquidation grace": "is in a liquidation grace period",
    "siloed": "is siloed: it cannot be borrowed together with another asset",
    "price capped now": "is priced at its cap, below its feed",
}
_CODES = {"liquidation grace": "grace", "price capped now": "capped"}


class AaveV3:
    """The adapter. Hints are the reserve ids in which a wallet holds something that its flags do not show."""

    protocol: ClassVar[str] = "aave-v3"

    def __init__(
        self,
        names: Callable[[int], Mapping[str, FeedInfo]] = feed_table,
        sequencer: Callable[[int], str] = sequencer_feed,
    ) -> None:
        self._names = names
        self._sequencer = sequencer

    def open(self, ref: MarketRef, block: Block) -> Plan[Opened]:  # noqa: ARG002 - the reader pins the block
        return open_market(ref, self._names(ref.chain_id), self._sequencer(ref.chain_id))

    def survey(self, opened: Opened) -> Survey:
        return Survey(
            contents=f"{len(opened.reserves)} reserves, in {opened.base_symbol}",
            revision=_told(opened.rules),
            known=opened.rules.known,
            facts=(("pool", opened.pool), ("oracle", opened.oracle)),
        )

    def discover(self, opened: Opened, wallets: Sequence[str]) -> Plan[Mapping[str, frozenset[int]]]:
        return discover(opened, wallets)

    def glance(self, opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
        return glance(opened, wallets)

    def refresh(self, opened: Opened, block: Block, hints: Mapping[str, frozenset[int]]) -> Plan[Reading]:
        return refresh(opened, block, hints)

    def event_filters(self, opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        return aave_events.event_filters(opened, wallets)

    def events(self, opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
        return aave_events.events(opened, logs)

    def evaluate(
        self, opened: Opened, block: Block, market: Market, account: Account, wallet: str
    ) -> tuple[Position, ...]:
        """One position, empty where nothing is held any more. What only a person looks at is made when it is read."""
        book = book_of(opened, market, account)
        entries, totals = book.entries, book.totals()
        return (
            Position.sketch(
                (opened, market, account, totals),
                _LATER,
                key=opened.keys[wallet],
                block=block,
                base_symbol=opened.base_symbol,
                base_decimals=opened.base_decimals,
                health=_health(opened, market.rules, account, totals, entries),
                collateral_value=totals.collateral if totals else None,
                debt_value=totals.debt if totals else None,
                max_ltv=totals.ltv if totals else None,
                threshold=totals.threshold if totals else None,
                book=book,
                holds=book.holds,
                owes=book.owes,
                fixed=movers_of(opened.base_asset),  # it is what the market counts in
            ),
        )


class _Source(NamedTuple):
    """What the rest of a position is made from."""

    opened: Opened
    market: Market
    account: Account
    totals: Totals | None


def _book(position: Position) -> AaveBook:
    return cast("AaveBook", position.book)


def _source(position: Position) -> _Source:
    return _Source(*position.source)


def _told(rules: Rules) -> str:
    return f"{rules.revision} (v{rules.version})" if rules.known else f"{rules.revision} (unknown)"


def _health(opened: Opened, rules: Rules, account: Account, totals: Totals | None, entries: Sequence[Entry]) -> Health:
    """Ours beside the pool's, with the reason in words where the two do not stand for each other."""
    raw = totals.health if totals else None
    reported = account.reported.health if account.reported else None
    if raw is not None and raw == reported and rules.known:
        return Health(raw, reported)
    reasons: list[str] = []
    if raw is None:
        missing = [e.state.reserve.asset.symbol for e in entries if e.flagged and e.terms.price is None]
        reasons.append(f"the oracle gives no price for {', '.join(missing)}")
    if reported is None:
        reasons.append(f"the pool does not tell it: {account.refusal}")
    elif raw is not None and raw != reported:
        ours, theirs = decimal_string(raw, 18), decimal_string(reported, 18)
        reasons.append(f"own arithmetic gives {ours}, the pool says {theirs}")
    if not rules.known:
        reasons.append(f"pool revision {rules.revision} of {opened.pool} is not known to this version")
    return Health(raw, reported, "; ".join(reasons))


def _category(position: Position) -> str:
    _, market, account, _ = _source(position)
    if not account.category:
        return ""
    return market.categories[account.category].label or f"eMode {account.category}"


def _flags(position: Position) -> tuple[Flag, ...]:
    market, entries, health = _source(position).market, _book(position).entries, position.health
    flags: list[Flag] = []
    if health.reason:
        flags.append(Flag("unverified", health.reason))
    for entry in entries:
        symbol = entry.state.reserve.asset.symbol
        flags += [
            Flag(_CODES.get(note, note), f"{symbol} {_RESERVE_FLAGS[note]}")
            for note in entry.state.notes
            if note in _RESERVE_FLAGS and (entry.owed or (entry.supplied and note != "siloed"))
        ]
        if entry.counts and entry.supplied and not entry.terms.ltv:
            flags.append(Flag("ltv-zero", f"{symbol} has LTV 0: other collateral cannot be withdrawn before it"))
        if entry.counts and entry.supplied and "isolated" in entry.state.notes:
            flags.append(Flag("isolated", f"{symbol} is isolated collateral: no other collateral counts beside it"))
    if market.paused:
        flags.append(Flag("paused", "the pool is paused: no deposit, repayment, withdrawal or liquidation"))
    if market.sequencer_down:
        flags.append(Flag("sequencer", "the sequencer of this chain is down: its prices stand still while others move"))
    if market.liquidation_allowed is not True:
        flags.append(Flag("sentinel", "the sequencer sentinel does not allow liquidation at health of 0.95 and more"))
    return tuple(flags)


def _scope(position: Position) -> Scope | None:
    return worst_scope(_source(position).market, _book(position))


def _engine(position: Position) -> tuple[tuple[str, str], ...]:
    opened, market, *_ = _source(position)
    return engine_card(opened, market.rules, _book(position).entries)


def _facts(position: Position) -> tuple[tuple[str, str], ...]:
    opened, market, account, totals = _source(position)
    facts = [("pool", opened.pool), ("oracle", opened.oracle)]
    if account.category:
        facts.append(("eMode category", str(account.category)))
    if totals is not None:
        room = available_borrows(totals, directed=market.rules.directed)
        facts.append(("can still borrow", f"{decimal_string(room, opened.base_decimals)} {opened.base_symbol}"))
    return tuple(facts)


_LATER: Later = {
    "legs": lambda position: _book(position).legs,
    "quotes": lambda position: tuple(_book(position).quotes.values()),
    "ltv": ltv,
    "category": _category,
    "revision": lambda position: _told(_source(position).market.rules),
    "scope": _scope,
    "engine": _engine,
    "flags": _flags,
    "feeds": lambda position: fed_by(entry.state for entry in _book(position).entries),
    "facts": _facts,
}

ADAPTER: Adapter = AaveV3()
