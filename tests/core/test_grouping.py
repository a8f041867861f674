"""One cause, one alert; a bounded number of them, and everybody named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core import feedwatch
from liqtui.core.drafts import Draft
from liqtui.core.feedwatch import Mark, Seen
from liqtui.core.grouping import LONGEST, MOST, group
from liqtui.core.model import Feed
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.snapshot import Level, Severity
from liqtui.core.units import WAD
from tests.core.books import simple
from tests.core.rows import bare, row


def draft(place: int, cause: str = "threshold:price:lab:ETH", **fields: object) -> Draft:
    made = Draft(
        1.0, Severity.WARN, "threshold", f"w{place} aave-v3 lab", f"HF 1.1{place}, under 1.20",
        f"1:aave-v3:core:0x{place}",
        "repay 1 USDC to reach 1.25", 7 + place, facts=(("chain", "lab"), ("label", f"w{place}")), cause=cause,
        headline="ETH / USD 2,308.4 (−0.20%)", brief=f"HF 1.2 → 1.1{place}", order=float(place),
    )  # fmt: skip
    return replace(made, **fields)  # type: ignore[arg-type]


def test_three_hundred_of_one_cause_are_one_alert_that_names_each() -> None:
    (one,) = group([draft(place) for place in range(300)])
    assert one.title == "300 positions lab"
    assert one.text.startswith(
        "ETH / USD 2,308.4 (−0.20%) · under their warn threshold: w0 aave-v3 lab HF 1.2 → 1.10; w1 aave-v3 lab"
    )
    assert len(one.text) <= LONGEST + 30
    assert one.text.endswith(" more")
    assert one.positions == tuple(f"1:aave-v3:core:0x{place}" for place in range(300))
    facts = dict(one.facts)
    assert all(f"w{place} aave-v3 lab" in facts[f"1:aave-v3:core:0x{place}"] for place in range(300))
    assert facts["positions"] == "300"
    assert one.cure == "w0 aave-v3 lab: repay 1 USDC to reach 1.25"
    assert one.block == 306


def test_alone_it_is_left_as_it_is() -> None:
    made = [draft(1), draft(2, cause=""), draft(3, cause="")]
    assert group(made) == made


def test_what_is_held_or_of_another_severity_stays_apart() -> None:
    made = [draft(1), draft(2, held="muted"), draft(3, severity=Severity.CRITICAL), draft(4)]
    assert [len(one.positions) or 1 for one in group(made)] == [2, 1, 1]


def test_loudest_of_a_group_counts() -> None:
    (one,) = group([draft(1), draft(2, level=Level.CRITICAL)])
    assert one.loud is Level.CRITICAL


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]),
            st.sampled_from([Severity.WARN, Severity.CRITICAL]),
            st.sampled_from(["threshold", "velocity"]),
        ),
        max_size=300,
    )
)
def test_however_many_causes_few_alerts_and_none_is_lost(made: list[tuple[str, Severity, str]]) -> None:
    drafts = [draft(place, cause, severity=how, kind=kind) for place, (cause, how, kind) in enumerate(made)]
    found = group(drafts)
    assert len(found) <= 2 * 2 * MOST
    named = [name for one in found for name in (one.positions or (one.position,))]
    assert sorted(named) == sorted(one.position for one in drafts)
    assert all(len(one.text) <= LONGEST + 30 for one in found)


# -- feeds ---------------------------------------------------------------------------------------------------------

AT = 1_700_000_000


def feed(updated: int = 0, answer: int = 2000 * 10**8, **fields: object) -> Feed:
    made = Feed("0x" + "f" * 40, "ETH / USD", "ETH", answer, 8, AT + updated, 3600)
    return made._replace(**fields)  # type: ignore[arg-type]


def test_late_then_stale_then_again_each_once() -> None:
    mark, said = Mark(), []
    of = (row(bare(simple())),)
    for passed in (0, 3600, 4600, 4700, 9500, 9600):
        mark, drafts = feedwatch.watch(mark, Seen(feed(), "lab", AT + passed, of, 1.0))
        said += drafts
    assert [(one.kind, one.loud, one.cause) for one in said] == [
        ("oracle", Level.NOTICE, "oracle:lab:late"),
        ("oracle", Level.CALL, "oracle:lab:stale"),
    ]
    assert said[1].text == "stale: last update 2h ago, heartbeat 1h · 1 position on it: treasury"
    assert said[1].positions == (of[0].id,)
    mark, none = feedwatch.watch(mark, Seen(feed(9600), "lab", AT + 9610, of, 1.0))
    assert (none, mark.told) == ([], "stale"), "one update proves little"
    mark, (again,) = feedwatch.watch(mark, Seen(feed(9600), "lab", AT + 10_210, of, 1.0))
    assert (again.text[:26], again.loud, mark.told) == ("in time again, for 10m now", Level.NOTICE, "")


@pytest.mark.parametrize("ahead", [5, -9600], ids=["ahead of its block", "stale"])
def test_a_feed_that_comes_and_goes_for_1000_rounds_gives_one_alert_and_one_recovery(ahead: int) -> None:
    mark, said, of = Mark(), [], (row(bare(simple())),)
    for passed in range(1000):
        now = feed(passed + (ahead if passed % 2 else 0))
        mark, drafts = feedwatch.watch(mark, Seen(now, "lab", AT + passed, of, 1.0))
        mark = feedwatch.load(feedwatch.dump({"f": mark}))["f"]  # as across a restart
        said += drafts
    assert [one.cause for one in said] == ["oracle:lab:stale"]
    for passed in range(1000, 3000):
        mark, drafts = feedwatch.watch(mark, Seen(feed(passed), "lab", AT + passed, of, 1.0))
        said += drafts
    assert [one.cause for one in said] == ["oracle:lab:stale", "oracle:lab:again"]


def test_a_feed_late_for_a_moment_each_hour_says_so_again_only_after_it_was_calm() -> None:
    """In time for less than `SETTLE` between two spells: still the same cause."""
    mark, said, of = Mark(), [], (row(bare(simple())),)
    for updated in range(0, 50_000, 5000):  # limit 4,500 s: late for 500 s of each 5,000
        for passed in range(0, 5000, 100):
            mark, drafts = feedwatch.watch(mark, Seen(feed(updated), "lab", AT + updated + passed, of, 1.0))
            said += drafts
    assert [one.cause for one in said] == ["oracle:lab:late", "oracle:lab:again"] * 9 + ["oracle:lab:late"]
    mark, said = Mark(told="late"), []
    for turn in range(10):  # in time for 500 s, late for 500 s
        for passed in range(0, 1000, 100):
            age = 100 if passed < 500 else 5000
            at = AT + turn * 1000 + passed
            mark, drafts = feedwatch.watch(mark, Seen(feed(updated_at=at - age), "lab", at, of, 1.0))
            said += drafts
    assert said == []


def test_a_chain_that_went_back_starts_the_calm_anew() -> None:
    mark, of = Mark(told="late"), ()
    for at, told in ((5000, "late"), (400, "late"), (990, "late"), (1000, "")):
        mark, _ = feedwatch.watch(mark, Seen(feed(at), "lab", AT + at, of, 1.0))
        assert mark.told == told


def test_a_jump_between_two_rounds_by_each_ones_own_measure() -> None:
    row_ = row(bare(simple()))
    deaf = replace(row_, rules=DEFAULT_RULES._replace(price_jump=5 * WAD // 10), label="deaf")
    never = replace(row_, rules=DEFAULT_RULES._replace(price_jump=0), label="never")
    mark, drafts = feedwatch.watch(Mark(), Seen(feed(), "lab", AT, (row_, deaf, never), 1.0))
    assert drafts == []
    _, (jump,) = feedwatch.watch(mark, Seen(feed(12, 1700 * 10**8), "lab", AT + 12, (row_, deaf, never), 1.0))
    assert jump.text == "2,000.0 → 1,700.0 (−15.0%) between two rounds · 1 position on it: treasury"
    _, none = feedwatch.watch(mark, Seen(feed(12, 1900 * 10**8), "lab", AT + 12, (row_,), 1.0))
    assert none == []
    _, none = feedwatch.watch(mark, Seen(feed(7200, 1700 * 10**8), "lab", AT + 7200, (row_,), 1.0))
    assert none == [], "it had two hours"
    crossing = draft(1, cause="threshold:price:lab:ETH")
    assert feedwatch.unexplained([crossing, jump]) == [crossing]
    assert feedwatch.unexplained([jump]) == [jump]
    for quiet in (replace(crossing, held="muted"), replace(crossing, kind="recovered", severity=Severity.OK)):
        assert feedwatch.unexplained([quiet, jump]) == [quiet, jump], "who hears nothing of it knows nothing of it"
    recovered = replace(crossing, kind="recovered", severity=Severity.OK, position=row_.id)
    assert feedwatch.unexplained([recovered, jump]) == [recovered], "everybody on it hears so"
    muted = [replace(crossing, held="muted"), replace(jump, held="muted")]
    assert feedwatch.unexplained(muted) == muted[:1]


def test_a_feed_that_stood_for_a_day_and_moves_at_once_has_jumped() -> None:
    """A stable coin's feed has a heartbeat of a day: the round before its depeg is hours old."""
    of, calm = (row(bare(simple())),), feed(0, 2000 * 10**8)
    mark, _ = feedwatch.watch(Mark(), Seen(calm, "lab", AT, of, 1.0))
    mark, _ = feedwatch.watch(mark, Seen(calm, "lab", AT + 3590, of, 1.0))
    moved = feed(3600, 1700 * 10**8)
    assert [one.kind for one in feedwatch.watch(mark, Seen(moved, "lab", AT + 3602, of, 1.0))[1]] == ["price"]
    later = feed(7200, 1700 * 10**8)
    assert feedwatch.jumps(mark, later, AT + 7200) == 0.0, "nobody looked for an hour"
    assert feedwatch.jumps(mark, later, AT + 7180) > 0


def test_from_the_future_and_marks_outlive_a_restart() -> None:
    mark, (odd,) = feedwatch.watch(Mark(), Seen(feed(600), "lab", AT, (), 1.0))
    assert odd.text == "dated in the future: its time cannot be trusted"
    unread = mark._replace(answer=None, told="late")
    assert feedwatch.load(feedwatch.dump({"lab:f": unread})) == {"lab:f": unread}, "what was said of it stays said"
    assert feedwatch.load(feedwatch.dump({"lab:f": mark})) == {"lab:f": mark}
    assert [feedwatch.load(text) for text in ("", "[]", "{", '{"a":[]}', '{"a":["x"]}')] == [{}] * 5
