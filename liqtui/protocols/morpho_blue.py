"""Morpho Blue: isolated markets of one collateral and one loan token. One position for each market of a wallet.

Where an account has authorised a pre-liquidation contract, what that contract may do counts as liquidation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from liqtui.core.model import Flag, Health, Position, PositionKey
from liqtui.core.units import BPS, WAD, decimal_string, mul_div_down, mul_div_up
from liqtui.protocols import morpho_blue_events
from liqtui.protocols.adapter import Survey
from liqtui.protocols.feeds import feed_table
from liqtui.protocols.figures import ltv
from liqtui.protocols.morpho_blue_book import MorphoBook, engine_card, percent, scope, span
from liqtui.protocols.morpho_blue_logs import early_logs, first_block, learn, log_filters, searches
from liqtui.protocols.morpho_blue_math import Loan, Totals
from liqtui.protocols.morpho_blue_math import health as health_at
from liqtui.protocols.morpho_blue_open import LEARNED, PRE_LIQUIDATIONS, discover, open_markets
from liqtui.protocols.morpho_blue_reads import refresh

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.later import Later
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Adapter, EarlyLogs, Reading
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

    def early_logs(self, ref: MarketRef) -> EarlyLogs | None:
        return early_logs(ref)

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
            [
                _position(opened, block, market.states[holding.id], holding, wallet)
                for holding in account.holdings
                if holding.shares or holding.collateral
            ]
        )


def _position(opened: Opened, block: Block, state: MarketState, holding: Holding, wallet: str) -> Position:
    """What only a person looks at is made when it is read."""
    pricing = state.pricing
    loan = Loan(holding.shares, holding.collateral, state.totals or _stored(state))
    owed = loan.owed
    known, verdict = state.totals is not None or not loan.shares, _verdict(holding)
    book = MorphoBook(state, loan, known, verdict, holding.armed)
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
        health=_health(state, holding, book.health(), verdict),
        collateral_value=held_value,
        debt_value=owed_value,
        category=_category(holding),
        quotes=pricing.quotes,
        feeds=pricing.feeds,
        book=book,
        holds=loan.collateral > 0,
        owes=owed > 0,
    )


def _category(holding: Holding) -> str:
    """So that whoever authorises a contract is told of it as an act of the owner's and not of the market.

    In words that a message leaves as they are: it takes points and signs out of names.
    """
    if not holding.armed:
        return ""
    return f"pre-liquidation from {min(each.terms.lltv for each in holding.armed) * BPS // WAD} bps"


def _stored(state: MarketState) -> Totals:
    return Totals(state.stored.borrow_assets, state.stored.borrow_shares)


def _book(position: Position) -> MorphoBook:
    return cast("MorphoBook", position.book)


def _limit(position: Position) -> int:
    return mul_div_down(_book(position).lltv, BPS, WAD)


def _threshold(position: Position) -> int:
    return mul_div_down(_book(position).limit, BPS, WAD)


def _verdict(holding: Holding) -> bool | None:
    """Yes where anyone can liquidate all of it or a part; no where Morpho and every authorised contract say so.

    Who owes nothing, by the contract's own answer, is asked no further.
    """
    if not holding.shares:
        return False
    if not holding.armed:
        return holding.verdict
    said = [holding.verdict, *(each.verdict for each in holding.armed)]
    return True if True in said else None if None in said else False


def _health(state: MarketState, holding: Holding, raw: int | None, verdict: bool | None) -> Health:
    """Ours, beside the contracts' yes or no: they give no figure."""
    reasons = ["Morpho gives no health figure"]
    if raw is None:
        reasons.append(_silent(state, holding))
    for each in holding.armed if holding.shares else ():
        word = "" if each.verdict else "not "
        said = f"could not be asked: {each.refusal}" if each.verdict is None else f"may {word}act at this block"
        reasons.append(f"pre-liquidation contract {each.terms.address} {said}")
    if holding.verdict is not None:
        word = "can" if holding.verdict else "cannot"
        reasons.append(f"by its own check at this block the position {word} be liquidated")
    elif holding.shares:
        reasons.append(f"its own check was not reached: {holding.refusal}")
    health = Health(raw, None, "; ".join(reasons), verdict)
    if raw is not None and verdict is not None and not health.confirmed:
        ours = decimal_string(raw, 18)
        return Health(raw, None, f"own arithmetic gives {ours}; {'; '.join(reasons)}", verdict)
    return health


def _silent(state: MarketState, holding: Holding) -> str:
    if state.pricing.answer is None:
        return "the market's oracle gives no price"
    if state.totals is None:
        return "the market's rate model gives no rate"
    mute = next((each.terms for each in holding.armed if each.price is None), None)
    return f"the oracle of pre-liquidation contract {mute.address} gives no price" if mute else "it is not known why"


def _flags(position: Position) -> tuple[Flag, ...]:
    state, health = _book(position).state, position.health
    flags: list[Flag] = []
    contradicted = health.raw is not None and health.verdict is not None and not health.confirmed
    if contradicted or (health.raw is None and health.verdict is None):
        flags.append(Flag("unverified", health.reason))
    if state.pricing.answer == 0:
        flags.append(Flag("price-zero", "the oracle's price is 0: all collateral can be taken for nothing"))
    book, price = _book(position), _book(position).price()
    if book.account and price is not None and health_at(book.account, price, book.lltv) < book.lltv:
        flags.append(Flag("bad-debt", "the collateral is worth less than the debt"))
    if book.loan_now.shares:
        for each in book.armed:
            text = f"a part may be liquidated from LTV {percent(each.terms.lltv)} on: it is authorised"
            if book.past(each, price):
                text += "; by its own oracle the loan is past its reach, which a higher price brings back"
            flags.append(Flag("pre-liquidation", text))
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
    return (*facts, *_early(position))


def _early(position: Position) -> tuple[tuple[str, str], ...]:
    book, options = _book(position), dict(position.source.ref.options)
    facts: list[tuple[str, str]] = []
    for terms in (each.terms for each in book.armed):
        what = f"{span(terms.close)} of the debt at a time, bonus {span(terms.incentive, above=WAD)}"
        facts.append(("pre-liquidation", f"authorised: {terms.address}, from LTV {percent(terms.lltv)} on {what}"))
        if terms.oracle != book.state.info.params.oracle:
            facts.append(("its oracle", f"{terms.oracle}, taken to move as the market's does"))
    facts += [("pre-liquidation", f"not known of {each}: it cannot be asked") for each in position.source.unsure]
    if facts:
        return tuple(facts)
    if LEARNED in options:
        return (("pre-liquidation", "no contract for it is authorised, as far as Morpho's log was read"),)
    if PRE_LIQUIDATIONS in options:
        return (("pre-liquidation", "none of the contracts that you named is authorised"),)
    return (("pre-liquidation", f"not looked for, since market ids are named: name contracts in {PRE_LIQUIDATIONS}"),)


_LATER: Later = {
    "legs": lambda position: _book(position).legs,
    "ltv": ltv,
    "max_ltv": _limit,
    "threshold": _threshold,
    "scope": lambda position: scope(_book(position)),
    "engine": lambda position: engine_card(_book(position).lltv, _book(position).armed),
    "flags": _flags,
    "facts": _facts,
}

ADAPTER: Adapter = MorphoBlue()
