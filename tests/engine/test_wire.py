"""Snapshots come out of the wire as they went in, and what cannot be one is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from liqtui.cli import lines, report
from liqtui.core import rank
from liqtui.core.glimpse import NotHere
from liqtui.core.lazy_boundaries import LazyBoundaries, LazyBoundary
from liqtui.core.model import Change, Position
from liqtui.core.rescue import LazyRescue, rescue
from liqtui.core.risk import complete
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.severity import oracle_late
from liqtui.core.snapshot import Ages, Row
from liqtui.core.states import Severity
from liqtui.core.wallet import DEFAULT_THRESHOLDS
from liqtui.engine import rowcode
from liqtui.engine.news import BATCH, FIRST, Press
from tests.protocols import test_aave_v2, test_aave_v3, test_compound_v2, test_compound_v3, test_morpho_blue
from tests.ui import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.core.reads import Block

from tests.engine.wired import GLIMPSED, Line2, glimpsed, over


def test_a_row_travels_with_the_rules_of_its_wallet() -> None:
    row = replace(scenes.ROWS[0], rules=DEFAULT_RULES._replace(off=("price",)), thresholds=DEFAULT_THRESHOLDS)
    assert over(row.rules) == row.rules
    assert over(row.thresholds) == row.thresholds


HEAVY = ("legs", "scope", "flags", "engine", "quotes", "feeds", "facts", "boundaries", "rescue", "book", "ltv",
         "max_ltv", "threshold", "category", "revision", "interest_eta")  # fmt: skip


def test_the_top_of_the_list_comes_in_full_until_a_list_tells_what_it_shows() -> None:
    shown = scenes.snapshot(rows=scenes.many(FIRST + 9))
    line = Line2()
    line.ledger.top = True
    got = line.ship(shown).rows
    assert got[:FIRST] == shown.rows[:FIRST]
    assert all(row.position is not None and row.position.partial for row in got[FIRST:])
    assert list(map(glimpsed, got)) == list(map(glimpsed, shown.rows))


def test_no_field_of_a_row_is_forgotten() -> None:
    """Fails when a row gets a field that this row leaves at its default, so that nobody knows whether it travels."""
    row = replace(
        scenes.ROWS[0], error="why", trend_window=60, tags=("a", "b"), venue="Lido", brand="spark", app="https://a",
        rules=DEFAULT_RULES._replace(off=("price",)), since=1.5, sigmas=2.5, trend=-0.5, spark=(None, 1.25),
    )  # fmt: skip
    for each in fields(Row):
        assert getattr(row, each.name) != each.default, each.name
    line = Line2()
    line.ledger.everything = True
    assert line.ship(scenes.snapshot(rows=(row,))).rows == (row,)
    changed = [each.name for each in fields(Row) if each.name != "key"]
    other = replace(row, **{name: getattr(scenes.ROWS[1], name) for name in changed})
    assert line.ship(scenes.snapshot(rows=(other,))).rows == (other,), "and none of them stays as it was"


LOANS: dict[str, Callable[[], Position]] = {
    "aave-v3": lambda: test_aave_v3.position(test_aave_v3.loan()),
    "aave-v2": lambda: test_aave_v2.position(test_aave_v2.loan().chain()),
    "compound-v2": lambda: test_compound_v2.position(test_compound_v2.loan().chain()),
    "compound-v3": lambda: test_compound_v3.position(test_compound_v3.fake()),
    "morpho-blue": lambda: test_morpho_blue.position(test_morpho_blue.Fake()),
}
"""One position of each protocol, from the protocol's own module over made-up answers of its contracts."""


@pytest.mark.parametrize("protocol", LOANS)
def test_what_is_looked_at_brings_its_book_and_computes_the_same(protocol: str) -> None:
    """Whatever a screen can ask of a position it gets to the last digit, beside the daemon or attached to it."""
    ours = complete(LOANS[protocol]())
    line = Line2()
    row = replace(scenes.ROWS[0], position=ours)
    line.ship(scenes.snapshot(rows=(row, *scenes.ROWS[1:])))
    before = line.bytes
    line.ledger.looked_at = frozenset({row.id})
    theirs = line.ship(scenes.snapshot(rows=(row, *scenes.ROWS[1:]))).rows[0].position
    assert line.bytes - before < 10_000, "only that one is sent"
    assert theirs is not None
    assert theirs.book is not None
    assert ours.book is not None
    for each in fields(Position):
        if each.name != "book":
            assert getattr(theirs, each.name) == getattr(ours, each.name), each.name
    assert isinstance(theirs.boundaries, LazyBoundaries)
    assert tuple(theirs.boundaries) == tuple(ours.boundaries)
    assert isinstance(theirs.rescue, LazyRescue)
    assert tuple(theirs.rescue) == tuple(ours.rescue)
    assert rescue(theirs.book, (3 * 10**18,)) == rescue(ours.book, (3 * 10**18,)), "and for targets of its own"
    for leg in ours.legs:
        for price in (1, (leg.price or 0) // 2, 3 * (leg.price or 0)):
            change = Change(prices={leg.asset.address: price})
            assert theirs.book.health(change) == ours.book.health(change)
            assert theirs.book.liquidatable(change) == ours.book.liquidatable(change)


def ranked(position: Position) -> Row:
    """As the engine makes it: with the boundary that ranks it, which nobody has searched for yet."""
    cushion, sigmas = rank.cushion(position, {})
    return replace(scenes.ROWS[0], key=position.key, position=position, cushion=cushion, sigmas=sigmas)


@pytest.mark.parametrize("protocol", LOANS)
def test_a_row_that_nobody_looks_at_costs_no_search_and_passes_for_nothing_else(protocol: str) -> None:
    ours = complete(LOANS[protocol]())
    row = ranked(ours)
    line = Line2()
    known = set(ours.__dict__) | {"legs", "feeds", "carry_per_year"}  # the first two the engine reads of all
    got = line.ship(scenes.snapshot(rows=(row,))).rows[0]
    assert set(ours.__dict__) <= known, "nothing else was worked out for it"
    assert isinstance(row.cushion, LazyBoundary)
    assert not isinstance(ours.boundaries, LazyBoundaries) or not ours.boundaries._search.found
    theirs = got.position
    assert theirs is not None
    assert theirs.partial
    for name in HEAVY:
        with pytest.raises(NotHere):
            getattr(theirs, name)
    assert [getattr(theirs, name) for name in GLIMPSED] == [getattr(ours, name) for name in GLIMPSED]
    assert oracle_late(theirs) is oracle_late(ours)
    assert protocol.split("-", maxsplit=1)[0] in repr(theirs), "a report of a fault can be printed"
    assert got.cushion is not None
    assert got.cushion.pending
    told = got.cushion
    assert (told.factor, told.kind, told.about) == (row.cushion.factor, row.cushion.kind, row.cushion.about)
    assert (told.price, told.move) == (None, None), "an estimate is never shown"

    line.ledger.looked_at = frozenset({row.id})
    got = line.ship(scenes.snapshot(rows=(row,))).rows[0]
    assert not ours.boundaries._search.found, "nor for one that is looked at: the screen searches"
    assert got == row
    assert got.cushion == row.cushion
    assert got.sigmas_left == row.sigmas_left


@pytest.mark.parametrize("protocol", LOANS)
def test_what_a_command_prints_is_the_same_by_socket(protocol: str) -> None:
    ours = replace(ranked(complete(LOANS[protocol]())), severity=Severity.WARN)
    shown = scenes.snapshot(rows=(ours,))
    for names in (rowcode.REPORTED, frozenset({"legs", "feeds"})):
        line = Line2()
        line.ledger.everything, line.ledger.names = True, names
        got = line.ship(shown)
        assert lines.table(got.rows) == lines.table(shown.rows)
        assert got.rows[0].cushion is not None
        assert not got.rows[0].cushion.pending
        with pytest.raises(NotHere):
            got.rows[0].position.facts  # type: ignore[union-attr]  # noqa: B018
        if names is rowcode.REPORTED:
            assert report.as_json(got) == report.as_json(shown)


def test_what_is_no_longer_looked_at_is_a_glimpse_with_the_next_figures() -> None:
    """The heavy parts of an old block never stand beside the health of a new one."""
    ours = complete(LOANS["aave-v3"]())
    row, line = ranked(ours), Line2()
    line.ledger.looked_at = frozenset({row.id})
    line.ship(scenes.snapshot(rows=(row,)))
    line.ledger.looked_at = frozenset()
    aged = replace(row, ages=Ages(9, 9, 9))
    before = line.bytes
    got = line.ship(scenes.snapshot(rows=(aged,))).rows[0]
    assert got == aged, "the same figures are still all there"
    assert line.bytes - before < 700, "and are not sent again"
    newer = ours.having(block=replace_block(ours.block), health=ours.health._replace(reason="other"))
    moved = replace(row, position=newer)
    got = line.ship(scenes.snapshot(rows=(moved,))).rows[0]
    assert got.position is not None
    assert got.position.partial
    assert glimpsed(replace(got, cushion=None)) == glimpsed(replace(moved, cushion=None))


def replace_block(block: Block) -> Block:
    return block._replace(number=block.number + 1)


def test_one_screen_looks_and_the_other_does_not() -> None:
    press, shown = Press(), scenes.snapshot()
    one, other = Line2(press), Line2(press)
    one.ledger.looked_at = frozenset({shown.rows[0].id})
    mine, theirs = one.ship(shown).rows, other.ship(shown).rows
    assert mine[0] == shown.rows[0]
    assert [row.position is not None and row.position.partial for row in mine] == [False] + [True] * (len(mine) - 1)
    assert all(row.position is not None and row.position.partial for row in theirs)
    other.ledger.looked_at = frozenset(row.id for row in shown.rows)
    assert other.ship(shown) == shown


def test_names_and_settings_are_sent_once() -> None:
    line = Line2()
    rows = tuple(replace(row, app="https://app.example/a/b/c") for row in scenes.ROWS)
    line.ship(scenes.snapshot(rows=rows))
    assert line.sent.count(b"app.example") == len(rows)
    got = line.ship(scenes.snapshot(rows=tuple(replace(row, trend=0.25) for row in rows))).rows
    assert line.sent.count(b"app.example") == len(rows)
    assert {row.app for row in got} == {"https://app.example/a/b/c"}
    got = line.ship(scenes.snapshot(rows=(replace(rows[0], label="other"), *rows[1:]))).rows
    assert [row.label for row in got[:2]] == ["other", rows[1].label]
    assert line.sent.count(b"app.example") == len(rows) + 1


def test_a_book_that_cannot_travel_leaves_the_figures_as_they_are() -> None:
    line = Line2()
    line.ledger.everything = True
    theirs, ours = line.ship(scenes.snapshot()).rows[0].position, scenes.ROWS[0].position
    assert theirs is not None
    assert ours is not None
    assert theirs == ours
    assert theirs.book is None
    assert theirs.rescue == tuple(ours.rescue)


def test_many_books_come_in_pieces_and_none_is_half_there() -> None:
    line = Line2()
    line.ledger.everything = True
    shown = scenes.snapshot(rows=scenes.many(BATCH * 2 + 3))
    news = line.ledger.news(shown)
    assert news is not None
    assert news["more"]
    got = line.mirror.take(msgspec.json.decode(msgspec.json.encode(news)))
    assert not line.mirror.whole
    assert got.rows == (), "there is no list of a part of the positions"
    assert line.ship(shown) == shown


def test_only_rows_that_changed_are_sent() -> None:
    rows = scenes.many(500)
    line = Line2()
    line.ship(scenes.snapshot(rows=rows))
    first = line.bytes
    changed = (replace(rows[0], since=1.0), *rows[1:])
    line.ship(scenes.snapshot(2, rows=changed))
    assert line.bytes - first < 3000
    assert line.bytes > 100_000
