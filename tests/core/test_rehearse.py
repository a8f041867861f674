"""A rehearsal says what the rules would have said."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.rehearse import Point, rehearse
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.rows import row
from tests.core.test_alerts import Story, at

LIMITS = st.builds(
    lambda warn, gap: Thresholds(warn=warn * WAD // 100, critical=(warn - gap) * WAD // 100),
    st.integers(106, 135),
    st.integers(2, 5),
)


@given(healths=st.lists(st.integers(900, 1400), min_size=1, max_size=60), limits=LIMITS)
def test_the_same_moments_as_the_rules_themselves(healths: list[int], limits: Thresholds) -> None:
    tell = Story()
    points: list[Point] = []
    told: list[tuple[float, Severity]] = []
    for thousandths in healths:
        found = at(thousandths / 1000)
        drafts = tell(row(found, thresholds=limits.over(DEFAULT_THRESHOLDS)))
        told += [(tell.now, d.severity) for d in drafts if d.kind in {"threshold", "liquidatable", "recovered"}]
        points.append(Point(tell.now, found.health.shown or 0, None))
    assert [(said.at, said.level) for said in rehearse(points, limits)] == told


def test_a_threshold_that_is_straddled_speaks_once() -> None:
    healths = [(120 + (1 if n % 2 else -1)) * WAD // 100 for n in range(1000)]
    said = rehearse([Point(60.0 * n, h, None) for n, h in enumerate([*healths, 2 * WAD])], DEFAULT_THRESHOLDS)
    assert [(each.level, each.worse) for each in said] == [(Severity.WARN, True), (Severity.OK, False)]


def test_distance_counts_where_a_cushion_is_set() -> None:
    near = [Point(0, 2 * WAD, -0.3), Point(60, 2 * WAD, -0.08), Point(120, 2 * WAD, 0.11), Point(180, 2 * WAD, None)]
    limits = replace(DEFAULT_THRESHOLDS, warn_cushion=WAD // 10)
    assert [(each.at, each.level) for each in rehearse(near, limits)] == [(60, Severity.WARN), (180, Severity.OK)]
    assert rehearse(near, DEFAULT_THRESHOLDS) == ()


def test_no_debt_is_no_danger() -> None:
    said = rehearse([Point(0, WAD, None), Point(1, HEALTH_INFINITE, None)], DEFAULT_THRESHOLDS)
    assert [each.level for each in said] == [Severity.CRITICAL, Severity.OK]
