"""A rehearsal says what the rules would have said."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core.model import Health, Position
from liqtui.core.reads import Block
from liqtui.core.rehearse import TOLD, Point, Rehearsal, Said, reading, rehearse
from liqtui.core.rules import DEFAULT_RULES, Rules
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.books import simple
from tests.core.rows import BLOCK, bare, boundary, position, row
from tests.core.story import Story

SILENT = Rules(0.0, 0.0, 0, ())
"""Neither pace nor interest."""
SETTINGS = st.builds(
    Thresholds,
    warn=st.integers(111, 135).map(lambda percent: percent * WAD // 100),
    critical=st.integers(102, 110).map(lambda percent: percent * WAD // 100),
    warn_cushion=st.none() | st.integers(1, 40).map(lambda percent: percent * WAD // 100),
    critical_sigmas=st.none() | st.integers(5, 40).map(lambda tenths: tenths * WAD // 10),
)
RULES = st.builds(
    Rules,
    st.sampled_from([0.0, 1800.0, 7200.0]),
    st.sampled_from([0.0, 7.0, 30.0]),
    st.just(0),
    st.sampled_from([(), ("velocity",), ("recovered", "interest")]),
)
STEPS = st.lists(
    st.tuples(
        st.floats(-0.012, 0.008),  # of ln health
        st.sampled_from([12, 30, 60]),
        st.none() | st.integers(5, 60),  # tenths of a σ
        st.none() | st.integers(0, 60),  # days until interest is there
        st.integers(1, 50),  # percent to the nearest boundary
    ),
    min_size=20,
    max_size=60,
)


def seen(health: float, seconds: int, eta: int | None = None, percent: int = 50) -> Position:
    raw = round(health * 10**9) * 10**9
    return bare(
        simple(),
        health=Health(raw, raw),
        book=None,
        block=Block(BLOCK.number + seconds // 12, BLOCK.hash, BLOCK.timestamp + seconds),
        interest_eta=eta,
        boundaries=(boundary("ETH", 100 - percent),),
    )


def kept(found: Position, at: float, sigmas: float | None) -> Point:
    made = reading(found, at, {})
    assert made is not None
    return made._replace(sigmas=sigmas)


@settings(max_examples=25)
@given(
    steps=STEPS, start=st.floats(1.0, 1.7), limits=SETTINGS, rules=RULES, trend=st.sampled_from([0.0, -0.003, -0.005])
)
def test_the_same_moments_as_the_rules_themselves(
    steps: list[tuple[float, int, int | None, int | None, int]],
    start: float,
    limits: Thresholds,
    rules: Rules,
    trend: float,
) -> None:
    tell, told, points = Story(), list[Said](), list[Point]()
    log, seconds = 0.0, 0
    for step, wait, tenths, days, percent in steps:
        log, seconds = log + step * (trend == 0.0) + trend, seconds + wait
        found = seen(start * exp(log), seconds, None if days is None else days * 86_400, percent)
        sigmas = None if tenths is None else tenths / 10
        drafts = tell(replace(row(found, limits.over(DEFAULT_THRESHOLDS), rules=rules), sigmas=sigmas), wait=wait)
        for draft in drafts:
            if draft.kind in TOLD:
                level = Severity(dict(draft.facts)["next"]) if draft.kind == "velocity" else draft.severity
                told.append(Said(tell.now, level, draft.kind, bool(draft.held)))
        points.append(kept(found, tell.now, sigmas))
    assert list(rehearse(points, limits.over(DEFAULT_THRESHOLDS), rules).said) == told


def falling(minutes: int, a_minute: float, *, apart: int = 60) -> list[Point]:
    return [
        kept(seen(1.5 * exp(-a_minute * apart / 60 * place), apart * place), 1e6 + apart * place, None)
        for place in range(minutes * 60 // apart)
    ]


def test_a_pace_is_told_from_readings_a_minute_apart() -> None:
    found = rehearse(falling(15, 0.01), DEFAULT_THRESHOLDS, DEFAULT_RULES)
    assert [(each.kind, each.level) for each in found.said] == [("velocity", Severity.WARN)]
    assert found.paced == 1e6 + 9 * 60
    assert rehearse(falling(15, 0.01), DEFAULT_THRESHOLDS, DEFAULT_RULES._replace(reaction=0.0)).said == ()


def test_readings_that_were_thinned_have_no_pace_and_say_so() -> None:
    found = rehearse(falling(120, 0.001, apart=600), DEFAULT_THRESHOLDS, DEFAULT_RULES)
    assert found.said == ()
    assert found.paced is None


def test_what_somebody_did_begins_the_pace_anew() -> None:
    points = falling(15, 0.01)
    points[8] = points[8]._replace(moved=True)
    assert rehearse(points, DEFAULT_THRESHOLDS, DEFAULT_RULES).said == ()


def test_a_reading_of_an_older_version_tells_health_and_distance_alone() -> None:
    old = [Point(60.0 * n, round(1.3 * 0.99**n * WAD), -0.2) for n in range(12)]
    found = rehearse(old, DEFAULT_THRESHOLDS._replace(warn_sigmas=9 * WAD), DEFAULT_RULES)
    assert [each.kind for each in found.said] == ["threshold"]
    assert found == Rehearsal(found.said, 0.0)


def test_a_sigma_threshold() -> None:
    limits = DEFAULT_THRESHOLDS._replace(warn_sigmas=3 * WAD)
    points = [kept(seen(1.5, 60 * n), 60.0 * n, sigmas) for n, sigmas in enumerate([5.0, None, 2.9, 3.1, 4.6])]
    found = rehearse(points, limits, SILENT)
    assert [(each.at, each.kind) for each in found.said] == [(120, "threshold"), (240, "recovered")]
    assert found.measured
    assert not rehearse(points[1:2], limits, SILENT).measured


def test_interest_alone() -> None:
    points = [kept(seen(1.3, 60 * n, days * 86_400), 60.0 * n, None) for n, days in enumerate([30, 6, 10, 15, 6])]
    said = rehearse(points, DEFAULT_THRESHOLDS, SILENT._replace(interest_days=7.0, off=("interest",))).said
    assert [(each.at, each.kind, each.quiet) for each in said] == [(60, "interest", True), (240, "interest", True)]


def test_a_threshold_that_is_straddled_speaks_once() -> None:
    healths = [(120 + (1 if n % 2 else -1)) * WAD // 100 for n in range(1000)]
    points = [Point(60.0 * n, h, None) for n, h in enumerate([*healths, 2 * WAD])]
    said = rehearse(points, DEFAULT_THRESHOLDS, SILENT).said
    assert [(each.level, each.worse) for each in said] == [(Severity.WARN, True), (Severity.OK, False)]


def test_distance_counts_where_a_cushion_is_set() -> None:
    near = [Point(0, 2 * WAD, -0.3), Point(60, 2 * WAD, -0.08), Point(120, 2 * WAD, 0.11), Point(180, 2 * WAD, None)]
    limits = DEFAULT_THRESHOLDS._replace(warn_cushion=WAD // 10)
    said = rehearse(near, limits, SILENT).said
    assert [(each.at, each.level) for each in said] == [(60, Severity.WARN), (180, Severity.OK)]
    assert rehearse(near, DEFAULT_THRESHOLDS, SILENT).said == ()


def test_the_nearest_boundary_counts_even_where_another_ranks() -> None:
    point = Point(0, 2 * WAD, -0.3, block_at=0, nearest=0.05, unsafe=False)
    limits = DEFAULT_THRESHOLDS._replace(critical_cushion=WAD // 10)
    assert [each.level for each in rehearse([point], limits, SILENT).said] == [Severity.CRITICAL]


def test_the_contracts_word_decides_what_is_liquidatable() -> None:
    point = Point(0, 2 * WAD, None, block_at=0, unsafe=True)
    assert [each.kind for each in rehearse([point], DEFAULT_THRESHOLDS, SILENT).said] == ["liquidatable"]


def test_no_debt_is_no_danger() -> None:
    points = [Point(0, WAD, None), Point(1, HEALTH_INFINITE, None)]
    said = rehearse(points, DEFAULT_THRESHOLDS, SILENT).said
    assert [each.level for each in said] == [Severity.CRITICAL, Severity.OK]


def test_nothing_on_record() -> None:
    assert rehearse([], DEFAULT_THRESHOLDS, DEFAULT_RULES) == Rehearsal()


def test_a_reading_is_what_the_position_says() -> None:
    found = position(simple())
    made = reading(found, 5.0, {"ETH": 0.03})
    assert made is not None
    assert (made.at, made.health, made.block_at) == (5.0, found.health.shown, BLOCK.timestamp)
    assert made.nearest is not None
    assert made.nearest == pytest.approx(0.043, abs=0.001)
    assert made.sigmas == pytest.approx(made.nearest / 0.03)
    assert made.unsafe is False
    assert reading(replace(found, health=Health(None, None)), 5.0, {}) is None
