"""Snapshots come out of the wire as they went in, and what cannot be one is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.cli import lines, report
from liqtui.core import rank
from liqtui.core import snapshot as snapshots
from liqtui.core.boundaries import LazyBoundaries, LazyBoundary
from liqtui.core.glimpse import NotHere
from liqtui.core.model import Change, Health, Position, PositionKey
from liqtui.core.reads import Block
from liqtui.core.rescue import LazyRescue, rescue
from liqtui.core.risk import TARGETS, complete
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.severity import oracle_late
from liqtui.core.snapshot import Ages, Alert, ChannelState, Delivery, DeliveryState, Row, Snapshot
from liqtui.core.states import Freshness, Level, Severity
from liqtui.core.units import HEALTH_INFINITE
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds, Wallet
from liqtui.engine import rowcode, wire
from liqtui.engine.news import BATCH, FIRST, Ledger, Mirror, Press
from liqtui.engine.wire import WireError
from tests.protocols import test_aave_v2, test_aave_v3, test_compound_v2, test_compound_v3, test_morpho_blue
from tests.ui import scenes

if TYPE_CHECKING:
    from collections.abc import Callable


def over(value: Any) -> Any:
    """To JSON and back."""
    return wire.unpack(msgspec.json.decode(msgspec.json.encode(wire.pack(value))))


class Line2:
    """A client and what it is sent, with the bytes counted."""

    def __init__(self, press: Press | None = None) -> None:
        self.ledger = Ledger(press or Press())
        self.ledger.top = False
        self.mirror = Mirror(TARGETS)
        self.bytes = 0
        self.sent = b""

    def ship(self, snapshot: Snapshot) -> Snapshot:
        while (news := self.ledger.news(snapshot)) is not None:
            data = msgspec.json.encode(news)
            self.bytes += len(data)
            self.sent += data
            self.mirror.take(msgspec.json.decode(data))
            if self.mirror.whole:
                break
        return self.mirror.snapshot


def test_a_row_travels_with_the_rules_of_its_wallet() -> None:
    row = replace(scenes.ROWS[0], rules=replace(DEFAULT_RULES, off=("price",)), thresholds=DEFAULT_THRESHOLDS)
    assert over(row.rules) == row.rules
    assert over(row.thresholds) == row.thresholds


GLIMPSED = (
    "key", "block", "base_symbol", "base_decimals", "health", "collateral_value", "debt_value", "carry_per_year",
    "has_debt", "empty", "symbols",
)  # fmt: skip
"""What a line of the list, sums and filters are made of."""
HEAVY = ("legs", "scope", "flags", "engine", "quotes", "feeds", "facts", "boundaries", "rescue", "book", "ltv",
         "max_ltv", "threshold", "category", "revision", "interest_eta")  # fmt: skip


def glimpsed(row: Row) -> tuple[Any, ...]:
    """What travels of a row that nobody looks at."""
    position = row.position
    seen = None if position is None else [getattr(position, name) for name in GLIMPSED]
    return replace(row, position=None), seen, oracle_late(position)


NUMBERS = st.one_of(
    st.none(), st.sampled_from([0, 1, 2**53 + 1, 2**63, 2**64, HEALTH_INFINITE]), st.integers(0, 2**256)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = st.one_of(st.none(), st.floats(0, 2e9), st.integers(0, 2**31).map(float))


def some(values: Any) -> Any:
    return st.lists(values, max_size=3).map(tuple)


THRESHOLDS = st.builds(Thresholds, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
WALLETS = st.builds(
    Wallet, TEXTS, TEXTS, TEXTS, some(TEXTS), some(TEXTS), TEXTS, THRESHOLDS, some(st.tuples(TEXTS, THRESHOLDS))
)
ALERTS = st.builds(
    Alert, st.integers(1, 10**6), st.floats(0, 2e9), st.sampled_from(Severity), TEXTS, TEXTS, TEXTS, TEXTS, TEXTS,
    TIMES, NUMBERS, st.sampled_from(Level), some(TEXTS), some(st.tuples(TEXTS, TEXTS)), TEXTS, TIMES, TIMES,
    st.integers(0, 9), TEXTS,
)  # fmt: skip
DELIVERIES = st.builds(
    Delivery,
    st.integers(1, 99),
    TEXTS,
    st.sampled_from(DeliveryState),
    tries=st.just(0),
    at=st.floats(0, 2e9),
    reason=TEXTS,
    next_at=TIMES,
)
POSITIONS = st.builds(
    lambda raw, reported, verdict, value, facts: replace(
        scenes.ROWS[0].position,  # type: ignore[type-var]
        health=Health(raw, reported, "", verdict), debt_value=value, collateral_value=value, interest_eta=value,
        facts=facts,
    ),
    NUMBERS, NUMBERS, st.sampled_from([None, True, False]), NUMBERS, some(st.tuples(TEXTS, TEXTS)),
)  # fmt: skip
ROWS = st.builds(
    lambda number, position, freshness, severity, spark, trend, error: replace(
        scenes.ROWS[0], key=PositionKey(number, "aave-v3", "core", "0xab", ""), position=position, freshness=freshness,
        severity=severity, spark=spark, trend=trend, error=error,
    ),
    st.integers(1, 4), st.one_of(st.none(), POSITIONS), st.sampled_from(Freshness), st.sampled_from(Severity),
    some(TIMES), TIMES, TEXTS,
)  # fmt: skip
SNAPSHOTS = st.builds(
    Snapshot,
    version=st.integers(0, 2**40), at=st.floats(0, 2e9), wallets=some(WALLETS),
    chains=st.sampled_from([scenes.CHAINS, scenes.loading().chains, ()]),
    rows=st.lists(ROWS, max_size=4, unique_by=lambda row: row.id).map(tuple), feeds=st.just(scenes.FEEDS),
    alerts=st.lists(ALERTS, max_size=4, unique_by=lambda alert: alert.id).map(tuple), engine_error=TEXTS,
    notices=some(TEXTS), ready=st.booleans(), counts=st.dictionaries(st.sampled_from(Severity), st.integers(0, 9)),
    deliveries=some(DELIVERIES), channels=some(st.builds(ChannelState, TEXTS, TEXTS, pending=st.just(2), error=TEXTS, delivered_at=TIMES)),  # noqa: E501
)  # fmt: skip


@given(SNAPSHOTS)
def test_a_snapshot_comes_out_equal(snapshot: Snapshot) -> None:
    whole = over(snapshot_without_positions(snapshot))
    assert whole == snapshot_without_positions(snapshot)
    line = Line2()
    line.ledger.everything = True
    got = line.ship(snapshot)
    assert got == snapshot
    assert list(got.counts) == list(snapshot.counts)
    for one, other in zip(got.rows, snapshot.rows, strict=True):
        assert type(one.severity) is Severity
        if other.position is not None:
            assert one.position is not None
            assert tuple(one.position.rescue) == tuple(other.position.rescue)
            assert one.position.boundaries == other.position.boundaries


def snapshot_without_positions(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, rows=tuple(replace(row, position=None) for row in snapshot.rows))


@given(st.lists(SNAPSHOTS, min_size=2, max_size=4))
def test_differences_lead_to_the_newest_whatever_came_before(shown: list[Snapshot]) -> None:
    press = Press()
    line, late = Line2(press), Line2(press)
    for snapshot in shown:
        got = line.ship(snapshot)
        assert still(replace(got, rows=())) == still(replace(snapshot, rows=()))
        assert list(map(glimpsed, got.rows)) == list(map(glimpsed, snapshot.rows))
    late.ship(shown[0])
    found, last = late.ship(shown[-1]), line.mirror.snapshot
    assert still(replace(found, rows=())) == still(replace(last, rows=()))
    assert list(map(glimpsed, found.rows)) == list(map(glimpsed, last.rows)), (
        "one that slept through the middle has the same in the end"
    )
    assert line.ledger.news(shown[-1]) is None


def still(snapshot: Snapshot) -> Snapshot:
    """Without what is no news by itself."""
    return replace(snapshot, version=0, at=0.0)


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
        rules=replace(DEFAULT_RULES, off=("price",)), since=1.5, sigmas=2.5, trend=-0.5, spark=(None, 1.25),
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
    assert not isinstance(ours.boundaries, LazyBoundaries) or not ours.boundaries._found
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
    assert not ours.boundaries._found, "nor for one that is looked at: the screen searches"
    assert got == row
    assert got.cushion == row.cushion
    assert got.sigmas_left == row.sigmas_left


@pytest.mark.parametrize("protocol", LOANS)
def test_what_a_command_prints_is_the_same_by_socket(protocol: str) -> None:
    ours = replace(ranked(complete(LOANS[protocol]())), severity=Severity.WARN)
    shown = scenes.snapshot(rows=(ours,))
    for names in (rowcode.REPORTED, rowcode.LISTED):
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


def test_classes_of_every_snapshot_are_known() -> None:
    """A class that is added to the snapshot travels without being named anywhere."""
    known = {kind.__name__ for kind in wire._table()}
    assert {"Snapshot", "Row", "Position", "Alert", "Delivery", "ChannelState", "Block", "Wallet"} <= known
    assert all(isinstance(name, str) for name in snapshots.__dict__)


@pytest.mark.parametrize(
    "value",
    [
        [], [[]], {}, [999, 1], [-1], ["os.system", "true"], ["aave_v3_book.AaveBook"], ["aave_v3_book.replace", 1],
        ["no_such_module.Thing", 1], ["registry.import_module", "os"], [2, "key"], [10], [None], [True, 1], [1.5],
        ["aave_v3_math.measure", 1, 2], [[0], 1],
    ],
)  # fmt: skip
def test_nothing_but_values_is_made(value: Any) -> None:
    if value == [True, 1]:
        assert wire.unpack(value) == frozenset({1})
        return
    with pytest.raises(WireError):
        wire.unpack(value)


@given(
    st.recursive(st.one_of(st.none(), st.integers(), TEXTS), lambda inner: st.lists(inner, max_size=4), max_leaves=9)
)
def test_garbage_is_a_wire_error_or_a_value(value: Any) -> None:
    for read in (
        wire.unpack,
        Mirror(()).take,
        lambda found: Mirror(()).take({"fields": {"rows": found}, "rows": found}),
    ):
        try:
            read(value)
        except WireError:
            continue


def test_what_no_snapshot_holds_cannot_be_packed() -> None:
    for value in (object(), bytearray(b"bytes"), print, {1, 2}):
        with pytest.raises(WireError):
            wire.pack(value)
    assert over(frozenset({"b", "a"})) == frozenset({"a", "b"})
    assert over({"a": (1, None), "b": ()}) == {"a": (1, None), "b": ()}
    assert over(Block(2**70, "0x", 0)) == Block(2**70, "0x", 0)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), -0.0, 0.1, 1e300, 5e-324])
def test_a_number_that_json_does_not_know_stays_itself(value: float) -> None:
    assert repr(over((value,))) == repr((value,))
    assert over(Delivery(1, "c", DeliveryState.WAITING, at=value)) == Delivery(
        1, "c", DeliveryState.WAITING, at=value
    ), "in a class too"


def test_no_number_is_no_number() -> None:
    assert repr(over((float("nan"), None))) == "(nan, None)"
    for wrong in ([4, "1"], [4, 1], [4], [4, "inf", "inf"], [4, "infinity"], [4, None]):
        with pytest.raises(WireError):
            wire.unpack(wrong)


def test_greetings() -> None:
    ours = wire.greeting(pid=7, targets=(1, 2**80))
    sent = wire.message_of(wire.frame({"hello": ours})[wire.HEAD :])
    theirs = wire.read_hello(sent)
    assert theirs == ours
    assert wire.mismatch(theirs, ours, them="a", us="b") == ""
    older = wire.read_hello({"hello": [0, "0.0.9", "whatever"]})
    assert "a is liqtui 0.0.9 (protocol 0), b is liqtui" in wire.mismatch(older, ours, them="a", us="b")
    other = ours._replace(shape="0")
    assert "another build" in wire.mismatch(other, ours, them="a", us="b")
    for wrong in (None, [], {}, {"hello": 1}, {"hello": []}, {"hello": ["1", "0"]}, {"hello": [*ours[:8], [None], 0]}):
        with pytest.raises(WireError):
            wire.read_hello(wrong)


def test_frames() -> None:
    with pytest.raises(WireError, match="at most"):
        wire.length(b"\xff\xff\xff\xff", wire.LARGEST)
    for wrong in (b"", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(WireError):
            wire.message_of(wrong)
