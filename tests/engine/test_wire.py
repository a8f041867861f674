"""Snapshots come out of the wire as they went in, and what cannot be one is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import snapshot as snapshots
from liqtui.core.model import Change, Health, Position, PositionKey
from liqtui.core.reads import Block
from liqtui.core.rescue import LazyRescue, rescue
from liqtui.core.risk import TARGETS, complete
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.snapshot import Alert, ChannelState, Delivery, DeliveryState, Row, Snapshot
from liqtui.core.states import Freshness, Level, Severity
from liqtui.core.units import HEALTH_INFINITE
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds, Wallet
from liqtui.engine import wire
from liqtui.engine.news import BATCH, Ledger, Mirror, Press
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
        self.mirror = Mirror(TARGETS)
        self.bytes = 0

    def ship(self, snapshot: Snapshot) -> Snapshot:
        while (news := self.ledger.news(snapshot)) is not None:
            data = msgspec.json.encode(news)
            self.bytes += len(data)
            self.mirror.take(msgspec.json.decode(data))
            if self.mirror.whole:
                break
        return self.mirror.snapshot


def test_a_row_travels_with_the_rules_of_its_wallet() -> None:
    row = replace(bare(scenes.ROWS[0]), rules=replace(DEFAULT_RULES, off=("price",)), thresholds=DEFAULT_THRESHOLDS)
    assert over(row.rules) == row.rules
    assert over(row.thresholds) == row.thresholds


def bare(row: Row) -> Row:
    """What travels of a row that nobody looks at."""
    return replace(row, position=row.position and replace(row.position, boundaries=(), rescue=(), book=None))


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
        assert [bare(row) for row in got.rows] == [bare(row) for row in snapshot.rows]
    late.ship(shown[0])
    assert still(late.ship(shown[-1])) == still(line.mirror.snapshot), (
        "one that slept through the middle has the same in the end"
    )
    assert line.ledger.news(shown[-1]) is None


def still(snapshot: Snapshot) -> Snapshot:
    """Without what is no news by itself."""
    return replace(snapshot, version=0, at=0.0)


def test_the_busy_evening_of_the_screens() -> None:
    line = Line2()
    got = line.ship(scenes.snapshot())
    assert replace(got, rows=()) == replace(scenes.snapshot(), rows=())
    row = got.rows[0]
    assert row.cushion == scenes.ROWS[0].cushion
    assert row.position is not None
    assert row.position.boundaries == (row.cushion,), "for `none` and `–` in the list"
    assert (row.position.book, row.position.rescue) == (None, ())


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
    assert line.bytes - before < 40_000, "only that one is sent"
    assert theirs is not None
    assert theirs.book is not None
    assert ours.book is not None
    for name in ("health", "legs", "quotes", "feeds", "flags", "facts", "engine", "scope", "carry_per_year"):
        assert getattr(theirs, name) == getattr(ours, name), name
    assert theirs.boundaries == tuple(ours.boundaries)
    assert isinstance(theirs.rescue, LazyRescue)
    assert tuple(theirs.rescue) == tuple(ours.rescue)
    assert rescue(theirs.book, (3 * 10**18,)) == rescue(ours.book, (3 * 10**18,)), "and for targets of its own"
    for leg in ours.legs:
        for price in (1, (leg.price or 0) // 2, 3 * (leg.price or 0)):
            change = Change(prices={leg.asset.address: price})
            assert theirs.book.health(change) == ours.book.health(change)
            assert theirs.book.liquidatable(change) == ours.book.liquidatable(change)


def test_a_book_that_cannot_travel_leaves_the_figures_as_they_are() -> None:
    line = Line2()
    line.ledger.everything = True
    theirs, ours = line.ship(scenes.snapshot()).rows[0].position, scenes.ROWS[0].position
    assert theirs is not None
    assert ours is not None
    assert theirs == ours
    assert theirs.book is None
    assert theirs.rescue == tuple(ours.rescue)


def test_many_books_come_in_pieces() -> None:
    line = Line2()
    line.ledger.everything = True
    shown = scenes.snapshot(rows=scenes.many(BATCH * 2 + 3))
    news = line.ledger.news(shown)
    assert news is not None
    assert news["more"]
    line.mirror.take(msgspec.json.decode(msgspec.json.encode(news)))
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
