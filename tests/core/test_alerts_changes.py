"""What became of a position between two rounds: liquidated, opened, closed, gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import changes
from liqtui.core.alerts import (
    Memory,
    dump,
    gone,
    judge,
    load,
)
from liqtui.core.model import Health
from liqtui.core.snapshot import Severity
from tests.core.books import USD, ReferenceBook, quote, simple
from tests.core.rows import bare, position, row
from tests.core.story import ETH, USDC, Story, at, blind, kinds

if TYPE_CHECKING:
    from liqtui.core.model import Position


def book_at(price: float, eth: float, usdc: float, debt: float) -> ReferenceBook:
    book = simple()
    book.collateral = {ETH: (int(eth * 10**6) * 10**12, 8300), USDC: (int(usdc * 10**6), 7800)}
    book.debts = {USDC: int(debt * 10**6)}
    book.prices[ETH] = quote(ETH, int(price * USD), "ETH")
    return book


BEFORE = (812.4, 140_000.0, 1_665_752.0)


@pytest.mark.parametrize(
    ("price_before", "price_after", "sold", "repaid", "speaks"),
    [
        (2_300, 2_300, 38.0, 83_000, True),  # was liquidatable
        (2_412, 2_300, 38.0, 83_000, True),  # would have been, at today's prices
        (2_900, 2_900, 30.1, 83_000, True),  # somebody took 5 %: a wick between two readings
        (2_900, 2_900, 28.63, 83_000, False),  # own unwinding: sold for what was repaid
        (2_900, 2_900, 60.0, 83_000, False),  # repaid by hand and withdrew more than any bonus
        (2_900, 2_900, 38.0, 0, False),  # a withdrawal
        (2_900, 2_900, 0.0, 83_000, False),  # a repayment
    ],
)
def test_liquidation_by_balances(
    price_before: float, price_after: float, sold: float, repaid: float, speaks: bool
) -> None:
    tell = Story()
    tell(position(book_at(price_before, *BEFORE)))
    said = tell(position(book_at(price_after, BEFORE[0] - sold, BEFORE[1], BEFORE[2] - repaid)))
    taken = [draft for draft in said if draft.kind == "liquidated"]
    assert bool(taken) is speaks
    if taken:
        assert taken[0].severity is Severity.LIQUIDATED
        assert taken[0].text.startswith(
            "collateral and debt both fell: liquidated, or unwound by hand · debt −83,000 USDC; collateral −"
        )


def test_owners_own_transaction_is_no_liquidation() -> None:
    tell = Story()
    tell(position(book_at(2_300, *BEFORE)))
    assert "liquidated" not in kinds(tell(position(book_at(2_300, 774.4, 140_000, 1_582_752)), own=True))


def test_events_of_the_chain_are_certain_even_when_blind() -> None:
    line = "38 ETH taken for 83,000 USDC in tx 0x8e1f…22c0"
    tell = Story()
    tell(at(1.5))
    said = tell(blind(at(1.5)), events=(line,))
    assert kinds(said) == ["blind", "liquidated"]
    tell = Story()
    said = tell(blind(None), events=(line,))
    assert [draft.text for draft in said] == [f"liquidated · {line}"]
    tell = Story()
    tell(at(1.5))
    (draft,) = tell(at(1.4), events=(line, line), own=True)
    assert draft.text == f"liquidated · {line}; {line} · HF 1.500 → 1.400"


def test_what_was_liquidated_and_falls_again_is_said_again() -> None:
    """A liquidation leaves it barely safe, within the band: the next fall under 1 is not the same one."""
    tell = Story()
    assert kinds(tell(at(0.99))) == ["liquidatable"]
    assert kinds(tell(at(1.01), events=("3 ETH taken for 5,000 USDC",))) == ["liquidated"]
    assert tell.memory.level is Severity.CRITICAL
    assert kinds(tell(at(0.995))) == ["liquidatable"]
    assert kinds(tell(at(0.98), events=("1 ETH taken for 2,000 USDC",))) == ["liquidated"]
    assert tell.memory.level is Severity.LIQUIDATABLE, "it still stands"
    unknown = bare(simple(), health=Health(None, None, "no price for ETH"), book=None)
    assert kinds(tell(unknown, events=("1 ETH taken for 2,000 USDC",))) == ["liquidated"]
    assert tell.memory.level is Severity.LIQUIDATABLE, "nobody knows"


def test_liquidation_while_the_engine_was_down() -> None:
    """What was held is remembered across a restart; the row before is gone."""
    tell = Story()
    tell(position(book_at(2_400, *BEFORE)))
    again = Story(load(dump({"id": tell.memory}))["id"])
    said = again(position(book_at(2_900, 774.4, 140_000, 1_582_752)))
    assert kinds(said) == ["liquidated", "recovered"]


def test_liquidation_while_blind() -> None:
    tell = Story()
    tell(position(book_at(2_900, *BEFORE)))
    tell(blind(position(book_at(2_900, *BEFORE))))
    assert kinds(tell(position(book_at(2_900, 752.4, 140_000, 1_582_752)))) == ["liquidated"]


def test_what_has_no_price_counts_as_taken() -> None:
    def unpriced(of: Position) -> Position:
        return replace(of, legs=tuple(leg._replace(price=None) for leg in of.legs), book=None)

    tell = Story()
    tell(unpriced(position(book_at(2_900, *BEFORE))))
    assert kinds(tell(unpriced(position(book_at(2_900, 783.77, 140_000, 1_582_752))))) == ["liquidated"]


def test_liquidated_to_nothing_left() -> None:
    tell = Story()
    tell(position(book_at(2_000, *BEFORE)))
    empty = simple()
    empty.collateral, empty.debts = {}, {}
    said = tell(bare(empty))
    assert kinds(said) == ["liquidated", "recovered"]
    assert said[0].text.endswith("no debt left")


def test_the_row_before_is_asked_what_memory_forgot() -> None:
    before = row(position(book_at(2_300, *BEFORE)))
    after = row(position(book_at(2_300, 774.4, 140_000, 1_582_752)))
    memory, drafts = judge(before, after, Memory(), 1.0)
    assert "liquidated" in kinds(list(drafts))
    assert memory.seen


def test_rounding_and_interest_are_no_liquidation() -> None:
    tell = Story()
    tell(position(simple()))
    book = simple()
    book.collateral[ETH] = (book.collateral[ETH][0] - 2, 8300)
    book.debts[USDC] -= 2
    assert kinds(tell(position(book))) == []


def empty() -> Position:
    book = simple()
    book.collateral, book.debts = {}, {}
    return bare(book)


def test_opened_only_when_known_to_be_new() -> None:
    assert kinds(Story()(at(1.5))) == []
    tell = Story(Memory(fresh=True))
    (draft,) = tell(at(1.5))
    assert (draft.kind, draft.severity) == ("opened", Severity.OK)
    assert draft.text == "position opened, debt $1.67M against $2.10M · HF 1.500"
    assert tell(at(1.5)) == []


def test_closed_and_opened_again() -> None:
    tell = Story()
    tell(at(1.5))
    (draft,) = tell(empty())
    assert (draft.kind, draft.text) == ("closed", "position closed · last HF 1.500")
    assert tell(empty()) == []
    assert kinds(tell(at(1.5))) == ["opened"]


def test_gone() -> None:
    tell = Story()
    tell(at(1.5))
    last = tell.last
    assert last is not None
    (closed,) = gone(last, tell.memory, 5.0)
    assert (closed.kind, closed.severity, closed.at) == ("closed", Severity.OK, 5.0)
    tell(at(1.09))
    (taken,) = gone(last, tell.memory, 5.0)
    assert (taken.kind, taken.severity) == ("liquidated", Severity.LIQUIDATED)
    assert taken.text.startswith("position gone: liquidated, or closed by hand · collateral −812.4 ETH; ")
    assert taken.text.endswith("debt −1,665,752.11 USDC · last HF 1.090")
    assert gone(last, Memory(), 5.0) == ()


AMOUNT = st.integers(0, 3) | st.integers(0, 3 * 10**6) | st.integers(10**9 - 2_000, 10**9 + 2 * 10**6)


@given(st.tuples(AMOUNT, AMOUNT), st.tuples(AMOUNT, AMOUNT), st.booleans())
def test_where_all_is_steady_there_is_nothing_to_say(was: tuple[int, int], now: tuple[int, int], own: bool) -> None:
    """`steady` only spares the long way: whatever that one would tell is never steady."""

    def holding(held: int, owed: int) -> Position:
        book = simple()
        book.collateral, book.debts = {ETH: (held, 8300)}, {USDC: owed}
        return bare(book)

    before, after = changes.holdings(holding(*was)), holding(*now)
    told = changes.moves(before, after, after.block.timestamp, own=own)
    fell = [old - new for old, new in zip(was, now, strict=True) if old - new > old // changes.ROUNDING]
    if changes.steady(before, changes.holdings(after), own=own):
        assert not told
        assert not fell
    assert changes.steady(before, before, own=own)
