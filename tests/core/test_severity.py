from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core.model import Feed, Health
from liqtui.core.severity import (
    fetch_freshness,
    head_freshness,
    liquidatable,
    oracle_age,
    oracle_freshness,
    severity,
    worst,
)
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.books import simple
from tests.core.rows import bare, boundary

FRESH, LATE, STALE, BLIND = Freshness.FRESH, Freshness.LATE, Freshness.STALE, Freshness.BLIND


@pytest.mark.parametrize(
    ("age", "poll", "state"),
    [
        (None, 12, BLIND),
        (-1, 12, STALE),
        (0, 12, FRESH),
        (30, 12, FRESH),
        (31, 12, LATE),
        (60, 12, LATE),
        (61, 12, STALE),
        (180, 12, STALE),
        (181, 12, BLIND),
        (10, 2, FRESH),
        (11, 2, LATE),
        (600, 60, STALE),
        (601, 60, BLIND),
    ],
)
def test_fetch(age: int | None, poll: float, state: Freshness) -> None:
    assert fetch_freshness(age, poll) is state


@pytest.mark.parametrize(
    ("age", "block_time", "state"),
    [
        (None, 12, BLIND),
        (-1, 12, LATE),
        (-15, 12, LATE),
        (-16, 12, STALE),
        (0, 12, FRESH),
        (96, 12, FRESH),
        (97, 12, LATE),
        (300, 12, LATE),
        (301, 12, STALE),
        (60, 0.25, FRESH),
        (61, 0.25, LATE),
        (10**6, 12, STALE),
    ],
)
def test_head(age: int | None, block_time: float, state: Freshness) -> None:
    assert head_freshness(age, block_time) is state


def feed(updated_at: int | None, heartbeat: int | None) -> Feed:
    return Feed("0x" + "f" * 40, "ETH / USD", "ETH", 1, 8, updated_at, heartbeat)


@pytest.mark.parametrize(
    ("age", "heartbeat", "state"),
    [
        (3600, 3600, FRESH),
        (3600 + 900, 3600, FRESH),
        (3600 + 901, 3600, LATE),
        (2 * 4500, 3600, LATE),
        (2 * 4500 + 1, 3600, STALE),
        (86_400 + 8_640, 86_400, FRESH),
        (86_400 + 8_641, 86_400, LATE),
        (-1, 3600, STALE),
        (-1, None, STALE),
        (10**9, None, FRESH),
    ],
)
def test_oracle(age: int, heartbeat: int | None, state: Freshness) -> None:
    now = 1_700_000_000
    assert oracle_age(feed(now - age, heartbeat), now) == age
    assert oracle_freshness(feed(now - age, heartbeat), now) is state


def test_a_feed_that_does_not_tell() -> None:
    assert oracle_age(feed(None, 3600), 5) is None
    assert oracle_freshness(feed(None, 3600), 5) is FRESH


def test_worst() -> None:
    assert worst([LATE, BLIND, FRESH]) is BLIND
    assert worst([FRESH, STALE, LATE]) is STALE
    assert worst([]) is FRESH


def at(health: int | None, **fields):
    return bare(simple(), health=Health(health, health), **fields)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (120, Severity.OK),
        (119, Severity.WARN),
        (105, Severity.WARN),
        (104, Severity.CRITICAL),
        (100, Severity.CRITICAL),
        (99, Severity.LIQUIDATABLE),
        (0, Severity.LIQUIDATABLE),
    ],
)
def test_by_health(percent: int, expected: Severity) -> None:
    assert severity(at(percent * WAD // 100), DEFAULT_THRESHOLDS) is expected


def test_by_cushion() -> None:
    limits = Thresholds(warn_cushion=WAD // 10, critical_cushion=WAD // 20)
    of = at(3 * WAD)
    for price, expected in ((89, Severity.OK), (91, Severity.WARN), (109, Severity.WARN), (96, Severity.CRITICAL)):
        assert severity(replace(of, boundaries=(boundary("ETH", price),)), limits) is expected
    assert severity(of, limits) is Severity.OK


def test_unset_thresholds_do_not_count() -> None:
    assert severity(at(WAD), Thresholds()) is Severity.OK
    assert severity(at(WAD - 1), Thresholds()) is Severity.LIQUIDATABLE


def test_unknown_and_no_debt() -> None:
    assert severity(None, DEFAULT_THRESHOLDS) is Severity.UNKNOWN
    assert severity(at(None, book=None), DEFAULT_THRESHOLDS) is Severity.UNKNOWN
    free = simple()
    free.debts = {}
    assert severity(bare(free), DEFAULT_THRESHOLDS) is Severity.OK
    assert severity(bare(free, health=Health(None, None)), DEFAULT_THRESHOLDS) is Severity.OK
    assert severity(at(HEALTH_INFINITE), DEFAULT_THRESHOLDS) is Severity.OK


def test_liquidated_above_all() -> None:
    assert severity(None, DEFAULT_THRESHOLDS, liquidated=True) is Severity.LIQUIDATED


def test_the_contracts_word_decides() -> None:
    ours, theirs = 99 * WAD // 100, 101 * WAD // 100
    assert severity(bare(simple(), health=Health(ours, theirs)), DEFAULT_THRESHOLDS) is Severity.CRITICAL
    assert severity(bare(simple(), health=Health(theirs, ours)), DEFAULT_THRESHOLDS) is Severity.LIQUIDATABLE


def test_without_the_contracts_word_the_protocols_own_rule_then_health() -> None:
    of = bare(simple(), health=Health(WAD // 2, None))
    assert liquidatable(of) is False  # the book says 1.042
    assert liquidatable(replace(of, book=None)) is True
    assert liquidatable(replace(of, book=None, health=Health(None, None))) is None
    assert severity(replace(of, health=Health(None, None)), DEFAULT_THRESHOLDS) is Severity.UNKNOWN
