"""Whatever a snapshot can hold travels unchanged, and nothing else is made of bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import snapshot as snapshots
from liqtui.core.model import Health, PositionKey
from liqtui.core.reads import Block
from liqtui.core.snapshot import Alert, ChannelState, Delivery, DeliveryState, Snapshot
from liqtui.core.states import Freshness, Level, Severity
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.engine import wire
from liqtui.engine.news import Mirror, Press
from liqtui.engine.wire import WireError
from tests.engine.wired import NUMBERS, TEXTS, TIMES, Line2, glimpsed, over, some
from tests.ui import scenes

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
    notices=some(TEXTS), ready=st.booleans(),
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
