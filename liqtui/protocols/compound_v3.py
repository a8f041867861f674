"""Compound v3 (Comet): one borrowable base token, up to 24 collaterals that earn nothing."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar, NamedTuple, cast

from liqtui.core.model import Flag, Health, Position
from liqtui.core.units import BPS, HEALTH_ONE, decimal_string, mul_div_down
from liqtui.protocols import compound_v3_events
from liqtui.protocols.adapter import Survey
from liqtui.protocols.compound_v3_book import CometBook, engine_card, scope
from liqtui.protocols.compound_v3_math import Base, Indexes, Line, covered, short, weighted, worth
from liqtui.protocols.compound_v3_open import discover, glance, open_market
from liqtui.protocols.compound_v3_reads import refresh
from liqtui.protocols.compound_v3_state import (
    ABSORB_PAUSED,
    PRICE_DECIMALS,
    SUPPLY_PAUSED,
    WITHDRAW_PAUSED,
)
from liqtui.protocols.feeds import feed_table
from liqtui.protocols.figures import fed_by, ltv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.later import Later
    from liqtui.core.model import Feed
    from liqtui.core.reads import Block, Log, LogFilter, Plan
    from liqtui.core.results import Scope
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Adapter, Reading
    from liqtui.protocols.compound_v3_state import Account, AssetState, Market, Opened
    from liqtui.protocols.feeds import FeedInfo

_PAUSES = {
    SUPPLY_PAUSED: "supplying is paused: nothing can be repaid or added",
    WITHDRAW_PAUSED: "withdrawing and borrowing are paused",
    ABSORB_PAUSED: "absorbing is paused: no liquidation until it is unpaused",
}


class CompoundV3:
    """The adapter. A hint says only that the wallet is in the market."""

    protocol: ClassVar[str] = "compound-v3"

    def __init__(self, names: Callable[[int], Mapping[str, FeedInfo]] = feed_table) -> None:
        self._names = names

    def open(self, ref: MarketRef, block: Block) -> Plan[Opened]:  # noqa: ARG002 - the reader pins the block
        return open_market(ref, self._names(ref.chain_id))

    def survey(self, opened: Opened) -> Survey:
        return Survey(
            contents=f"{opened.base.symbol} against {len(opened.assets)} assets",
            facts=(("base_token", opened.base.address),),
        )

    def discover(self, opened: Opened, wallets: Sequence[str]) -> Plan[Mapping[str, bool]]:
        return discover(opened, wallets)

    def glance(self, opened: Opened, wallets: Sequence[str]) -> Plan[set[str]]:
        return glance(opened, wallets)

    def refresh(self, opened: Opened, block: Block, hints: Mapping[str, bool]) -> Plan[Reading]:
        return refresh(opened, block, hints)

    def event_filters(self, opened: Opened, wallets: Sequence[str]) -> tuple[LogFilter, ...]:
        return compound_v3_events.event_filters(opened, wallets)

    def events(self, opened: Opened, logs: Sequence[Log]) -> tuple[MarketEvent, ...]:
        return compound_v3_events.events(opened, logs)

    def evaluate(
        self, opened: Opened, block: Block, market: Market, account: Account, wallet: str
    ) -> tuple[Position, ...]:
        """One position, empty where nothing is held any more. What only a person looks at is made when it is read."""
        base = Base(account.principal, market.indexes, market.base_price, opened.base_scale)
        balance = base.balance
        held = tuple([(market.assets[index], amount) for index, amount in account.holdings])
        lines = tuple([_line(state, amount) for state, amount in held])
        values = worth(lines)
        weights = weighted(values, [line.factor for line in lines])
        book = CometBook(market, held, opened.base, base, lines, account.view)
        doubts = _doubts(opened, market, account, -balance if balance < 0 else 0, weights)
        return (
            Position.sketch(
                (opened, market, doubts),
                _LATER,
                key=opened.keys[wallet],
                block=block,
                base_symbol=opened.base_symbol,
                base_decimals=PRICE_DECIMALS,
                health=_health(account, covered(base, weights), book, doubts),
                collateral_value=_total(values),
                debt_value=base.debt_value,
                book=book,
                owes=balance < 0,
                holds=balance > 0 or any(map(_AMOUNT, lines)),
            ),
        )


class _Source(NamedTuple):
    """What the rest of a position is made from."""

    opened: Opened
    market: Market
    doubts: list[str]


def _book(position: Position) -> CometBook:
    return cast("CometBook", position.book)


def _source(position: Position) -> _Source:
    return _Source(*position.source)


def _part(position: Position, factor: Callable[[AssetState], int]) -> int | None:
    """Of the collateral, each asset weighted by a factor."""
    book = _book(position)
    return _share(
        _total(weighted(worth(book.lines), [factor(state) for state, _ in book.held])), position.collateral_value
    )


_AMOUNT = attrgetter("amount")


def _scope(position: Position) -> Scope | None:
    paused = bool(_source(position).market.totals.pauses & ABSORB_PAUSED)
    return scope(_book(position), [state for state, _ in _book(position).held], paused=paused)


def _line(state: AssetState, amount: int) -> Line:
    return Line(state.asset.address, amount, state.price, state.info.scale, state.info.liquidate_factor)


def _total(values: Iterable[int | None]) -> int | None:
    """None where a price is unknown."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _share(part: int | None, whole: int | None) -> int | None:
    return mul_div_down(part, BPS, whole) if part is not None and whole else None


def _feeds(position: Position) -> tuple[Feed, ...]:
    market, held = _source(position).market, _book(position).held
    return fed_by((state for state, _ in held), market.base_feeds)


def _health(account: Account, raw: int | None, book: CometBook, doubts: Sequence[str]) -> Health:
    """Ours, beside the contract's yes or no. Its view knows no interest since the last accrual; `absorb` does."""
    verdict = account.view
    reasons = [*doubts, "Compound gives no health figure"]
    if raw is None:
        silent = ", ".join(leg.asset.symbol for leg in book.legs if leg.price is None)
        reasons.append(f"there is no price for {silent}")
    if verdict is None:
        reasons.append(f"its own check gives no answer: {account.refusal}")
    elif raw is not None and raw < HEALTH_ONE and not verdict:  # no word on what absorb finds
        verdict = None
        reasons.append("its view still says safe, but it leaves out the interest that absorb adds first")
    else:
        reasons.append(f"by its own check at this block the account is {_word(verdict)}")
    return Health(raw, None, "; ".join(reasons), verdict)


def _doubts(opened: Opened, market: Market, account: Account, owed: int, weights: Sequence[int | None]) -> list[str]:
    """Where the contract's debt, or its yes or no, is another than ours."""
    found: list[str] = []
    if account.owed is not None and account.owed != owed:
        ours, theirs = (decimal_string(amount, opened.base.decimals) for amount in (owed, account.owed))
        found.append(f"own arithmetic gives a debt of {ours}, the contract says {theirs}")
    # its view knows the indexes of the last accrual
    indexes = Indexes(market.totals.supply_index, market.totals.borrow_index)
    expected = short(Base(account.principal, indexes, market.base_price, opened.base_scale), weights)
    if account.view is not None and expected is not None and account.view != expected:
        found.append(f"its own check says {_word(account.view)}, own arithmetic {_word(expected)}")
    return found


def _word(verdict: bool) -> str:
    return "liquidatable" if verdict else "safe"


def _flags(position: Position) -> tuple[Flag, ...]:
    _, market, doubts = _source(position)
    held, health = _book(position).held, position.health
    flags = [Flag("unverified", health.reason)] if doubts or health.raw is None else []
    flags += [Flag("paused", text) for bit, text in _PAUSES.items() if market.totals.pauses & bit]
    flags += [
        Flag("ltv-zero", f"{state.asset.symbol} does not count toward the debt any more")
        for state, amount in held
        if amount and not state.info.liquidate_factor
    ]
    return tuple(flags)


def _facts(position: Position) -> tuple[tuple[str, str], ...]:
    opened = _source(position).opened
    return (
        ("contract", opened.ref.entry),
        ("base price feed", opened.base_feed),
        ("least debt", f"{decimal_string(opened.least_debt, opened.base.decimals)} {opened.base.symbol}"),
        ("collateral", "is kept, not lent out: nothing can be missing when it is withdrawn"),
    )


_LATER: Later = {
    "legs": lambda position: _book(position).legs,
    "quotes": lambda position: tuple(_book(position).quotes.values()),
    "ltv": ltv,
    "max_ltv": lambda position: _part(position, lambda state: state.info.borrow_factor),
    "threshold": lambda position: _part(position, lambda state: state.info.liquidate_factor),
    "scope": _scope,
    "engine": lambda position: engine_card(_source(position).opened, [state for state, _ in _book(position).held]),
    "flags": _flags,
    "feeds": _feeds,
    "facts": _facts,
}

ADAPTER: Adapter = CompoundV3()
