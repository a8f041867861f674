"""Morpho Blue: isolated markets of one collateral and one loan token. One position for each market of a wallet.

Not looked at: pre-liquidation contracts that an account may have authorised (see docs/protocols-morpho-blue.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from liqtui.core.model import Flag, Health, Position, PositionKey
from liqtui.core.units import BPS, WAD, decimal_string, mul_div_down, mul_div_up
from liqtui.protocols import morpho_blue_events
from liqtui.protocols.adapter import Survey
from liqtui.protocols.feeds import feed_table
from liqtui.protocols.morpho_blue_book import MorphoBook, engine_card, scope
from liqtui.protocols.morpho_blue_logs import first_block, learn, log_filters, searches
from liqtui.protocols.morpho_blue_math import Loan, Totals
from liqtui.protocols.morpho_blue_open import discover, open_markets
from liqtui.protocols.morpho_blue_reads import refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.later import Later
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Reading
    from liqtui.protocols.feeds import FeedInfo
    from liqtui.protocols.morpho_blue_state import Account, Holding, Market, MarketState, Opened


class MorphoBlue:
    """The adapter. Hints are the ids of the markets that a wallet is in."""

    protocol: ClassVar[str] = "morpho-blue"

    def __init__(self, names: Callable[[int], Mapping[str, FeedInfo]] = feed_table) -> None:
        self._names = names

    def searches(self, ref: MarketRef) -> bool:
        return searches(ref)

    def first_block(self, ref: MarketRef) -> int:
        return first_block(ref)

    def log_filters(self, ref: MarketRef, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        return log_filters(ref, wallets)

    def learn(self, ref: MarketRef, logs: Iterable[Log]) -> MarketRef:
        return learn(ref, logs)

    def open(self, ref: MarketRef, block: Block) -> Plan[Opened]:  # noqa: ARG002 - the reader pins the block
        return open_markets(ref, self._names(ref.chain_id))

    def survey(self, opened: Opened) -> Survey:
        count = len(opened.markets)
        return Survey(contents=f"{count} markets named" if count else "its markets are found in logs")

    def discover(self, opened: Opened, wallets: Sequence[str]) -> Plan[Mapping[str, tuple[str, ...]]]:
        return discover(opened, wallets)

    def refresh(self, opened: Opened, block: Block, hints: Mapping[str, tuple[str, ...]]) -> Plan[Reading]:
        return refresh(opened, block, hints)

    def event_filters(self, opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        return morpho_blue_events.event_filters(opened, wallets)

    def events(self, opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
        return morpho_blue_events.events(opened, logs)

    def evaluate(
        self, opened: Opened, block: Block, market: Market, account: Account, wallet: str
    ) -> tuple[Position, ...]:
        """One position for each market that the wallet still has debt or collateral in."""
        return tuple(
            _position(opened, block, market.states[holding.id], holding, wallet)
            for holding in account.holdings
            if holding.shares or holding.collateral
        )


def _position(opened: Opened, block: Block, state: MarketState, holding: Holding, wallet: str) -> Position:
    """What only a person looks at is made when it is read."""
    pricing = state.pricing
    loan = Loan(holding.shares, holding.collateral, state.totals or _stored(state))
    owed = loan.owed
    book = MorphoBook(state, loan, known=state.totals is not None or not loan.shares, verdict=holding.verdict)
    held_price, owed_price = pricing.collateral, pricing.loan
    held_value = None if held_price is None else loan.collateral * held_price // 10**state.info.collateral.decimals
    owed_value = None if owed_price is None else mul_div_up(owed, owed_price, 10**state.info.loan.decimals)
    return Position.sketch(
        opened,
        _LATER,
        key=PositionKey(opened.ref.chain_id, opened.ref.protocol, opened.ref.name, wallet, state.info.id),
        block=block,
        base_symbol=pricing.currency,
        base_decimals=pricing.decimals,
        health=_health(state, holding, book.health()),
        collateral_value=held_value,
        debt_value=owed_value,
        quotes=pricing.quotes,
        feeds=pricing.feeds,
        book=book,
        holds=loan.collateral > 0,
        owes=owed > 0,
    )


def _stored(state: MarketState) -> Totals:
    return Totals(state.stored.borrow_assets, state.stored.borrow_shares)


def _book(position: Position) -> MorphoBook:
    return cast("MorphoBook", position.book)


def _ltv(position: Position) -> int | None:
    held, owed = position.collateral_value, position.debt_value
    return mul_div_up(owed, BPS, held) if held and owed is not None else None


def _limit(position: Position) -> int:
    return mul_div_down(_book(position).lltv, BPS, WAD)


def _health(state: MarketState, holding: Holding, raw: int | None) -> Health:
    """Ours, beside the contract's yes or no: it gives no figure."""
    reasons = ["Morpho gives no health figure"]
    if raw is None:
        silent = "oracle gives no price" if state.pricing.answer is None else "rate model gives no rate"
        reasons.append(f"the market's {silent}")
    if holding.verdict is not None:
        word = "can" if holding.verdict else "cannot"
        reasons.append(f"by its own check at this block the position {word} be liquidated")
    elif holding.shares:
        reasons.append(f"its own check was not reached: {holding.refusal}")
    health = Health(raw, None, "; ".join(reasons), holding.verdict)
    if raw is not None and holding.verdict is not None and not health.confirmed:
        ours = decimal_string(raw, 18)
        return Health(raw, None, f"own arithmetic gives {ours}; {'; '.join(reasons)}", holding.verdict)
    return health


def _flags(position: Position) -> tuple[Flag, ...]:
    state, health = _book(position).state, position.health
    flags: list[Flag] = []
    contradicted = health.raw is not None and health.verdict is not None and not health.confirmed
    if contradicted or (health.raw is None and health.verdict is None):
        flags.append(Flag("unverified", health.reason))
    if state.pricing.answer == 0:
        flags.append(Flag("price-zero", "the oracle's price is 0: all collateral can be taken for nothing"))
    if health.raw is not None and health.raw < state.info.params.lltv:  # then the debt is above all of the collateral
        flags.append(Flag("bad-debt", "the collateral is worth less than the debt"))
    return tuple(flags)


def _facts(position: Position) -> tuple[tuple[str, str], ...]:
    opened, state = position.source, _book(position).state
    info = state.info
    facts = [
        ("pair", f"{info.pair}, {decimal_string(info.params.lltv, 16)} %"),
        ("market id", info.id),
        ("contract", opened.ref.entry),
        ("oracle", info.params.oracle),
        ("rate model", info.params.irm),
    ]
    if state.pricing.answer is not None:
        decimals = 36 + info.loan.decimals - info.collateral.decimals
        price = decimal_string(state.pricing.answer, decimals)
        facts.append(("oracle price", f"{price} {info.loan.symbol} per {info.collateral.symbol}"))
    facts.append(("collateral", "is kept, not lent out: nothing can be missing when it is withdrawn"))
    facts.append(("pre-liquidation", "not looked at: contracts that the account has authorised may act earlier"))
    return tuple(facts)


_LATER: Later = {
    "legs": lambda position: _book(position).legs,
    "ltv": _ltv,
    "max_ltv": _limit,
    "threshold": _limit,
    "scope": lambda position: scope(_book(position)),
    "engine": lambda position: engine_card(_book(position).lltv),
    "flags": _flags,
    "facts": _facts,
}
