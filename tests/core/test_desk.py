"""What is held back, what breaks through, who is called again; by the wall clock, whatever summer time does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core import desk as desks
from liqtui.core.desk import Local, State
from liqtui.core.drafts import Draft
from liqtui.core.rules import Desk, Maintenance, Quiet
from liqtui.core.snapshot import Alert, Freshness, Level, Severity
from tests.core.books import simple
from tests.core.rows import bare, row

NIGHT = Quiet(22 * 60, 7 * 60)
CALL = Draft(0.0, Severity.WARN, "threshold", "t", "x", "1:aave-v3:core:0xab", about=frozenset({"lab", "dao", "0xab"}))
ALERT = Alert(
    1,
    0.0,
    Severity.WARN,
    "threshold",
    "t",
    "x",
    "1:aave-v3:core:0xab",
    level=Level.CALL,
    positions=("1:aave-v3:core:0xab",),
)
NOON, MIDNIGHT = Local(1, 720), Local(1, 0)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_quiet_hours_cover_what_they_say(start: int, end: int, minute: int) -> None:
    within = (minute - start) % 1440 < (end - start) % 1440
    assert desks.quiet(Quiet(start, end), minute) is within


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 1439),
    st.sampled_from([(2026, 3, 7), (2026, 3, 28), (2026, 4, 4), (2026, 10, 3), (2026, 10, 24), (2026, 10, 31)]),
)
def test_one_summary_a_day_over_the_change_of_summer_time(zone: str, minute: int, day: tuple[int, int, int]) -> None:
    told: list[int] = []
    first = datetime(*day, tzinfo=ZoneInfo(zone))
    made, moment = first.toordinal() - 1, first.timestamp()
    for _ in range(3 * 24 * 6 - 12):
        then = datetime.fromtimestamp(moment, ZoneInfo(zone))
        slot = desks.digest_day(minute, Local(then.toordinal(), then.hour * 60 + then.minute))
        if made < slot:
            made = slot
            told.append(slot)
        moment += 600
    assert told[:2] == [first.toordinal(), first.toordinal() + 1]
    assert len(told) == len(set(told)) <= 3


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["Europe/Vienna", "America/New_York", "America/Havana", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.integers(1, 1320),
    st.sampled_from([(2026, 3, 6), (2026, 3, 27), (2026, 4, 3), (2026, 10, 2), (2026, 10, 23), (2026, 10, 30)]),
)
def test_a_summary_waits_for_the_end_of_quiet_hours_and_is_one_a_day(
    zone: str, minute: int, start: int, length: int, day: tuple[int, int, int]
) -> None:
    """Over the change of summer time too, in hours that it repeats or leaves out."""
    desk = Desk(quiet=Quiet(start, (start + length) % 1440), digest=minute)
    first = datetime(*day, tzinfo=ZoneInfo(zone))
    made, moment, told = first.toordinal() - 1, first.timestamp(), list[int]()
    for _ in range(5 * 24 * 6):
        then = datetime.fromtimestamp(moment, ZoneInfo(zone))
        local = Local(then.toordinal(), then.hour * 60 + then.minute)
        slot = desks.digest_day(minute, local)
        if made < slot and not desks.digest_waits(desk, local, blind=False):
            assert not desks.quiet(desk.quiet, local.minute)
            made = slot
            told.append(slot)
        moment += 600
    assert told == list(range(told[0], told[0] + len(told))), "each day once, in order"
    assert told[0] == first.toordinal()
    assert len(told) in {4, 5, 6}, "at most six dates begin within 120 hours"


def test_a_summary_leaves_in_quiet_hours_only_when_it_is_loud_enough_for_them() -> None:
    for breaks, blind, waits in (
        (Level.CRITICAL, False, True), (Level.CRITICAL, True, True), (Level.CALL, False, True),
        (Level.CALL, True, False), (Level.NOTICE, False, False),
    ):  # fmt: skip
        desk = Desk(quiet=NIGHT._replace(breaks=breaks), digest=0)
        assert desks.digest_waits(desk, MIDNIGHT, blind=blind) is waits, (breaks, blind)
        assert not desks.digest_waits(desk, NOON, blind=blind)
    assert not desks.digest_waits(Desk(digest=0), MIDNIGHT, blind=False)


def test_hold_by_quiet_mute_and_maintenance_and_what_breaks_through() -> None:
    desk = Desk(quiet=NIGHT)
    assert desks.hold(CALL, desk, {}, 0.0, MIDNIGHT) == "quiet hours"
    assert desks.hold(CALL, desk, {}, 0.0, NOON) == ""
    assert desks.hold(replace(CALL, severity=Severity.CRITICAL), desk, {}, 0.0, MIDNIGHT) == ""
    window = Desk(maintenance=(Maintenance(10.0, 20.0, "DAO", "upgrade"),))
    assert desks.hold(CALL, window, {}, 10.0, NOON) == "maintenance: upgrade"
    assert desks.hold(CALL, window, {}, 20.0, NOON) == ""
    assert desks.hold(replace(CALL, about=frozenset()), window, {}, 15.0, NOON) == ""
    assert desks.hold(CALL, Desk(), {"0xab": 5.0}, 4.0, NOON) == "muted"
    assert desks.hold(CALL, Desk(), {"1:aave-v3:core:0xab": 5.0}, 4.0, NOON) == "muted"
    assert desks.hold(CALL, Desk(), {"0xab": 5.0}, 5.0, NOON) == ""
    for kind, how in (("liquidated", Severity.LIQUIDATED), ("liquidatable", Severity.LIQUIDATABLE)):
        lost = replace(CALL, kind=kind, severity=how, held="off")
        all_of_it = Desk(quiet=NIGHT._replace(breaks=Level.LIQUIDATED), maintenance=(Maintenance(0.0, 99.0),))
        assert desks.hold(lost, all_of_it, {"0xab": 99.0}, 1.0, MIDNIGHT) == ""


def test_due_again_only_when_nobody_knows_and_it_still_stands() -> None:
    desk = Desk()
    assert desks.due(ALERT, desk, {}, 900.0, NOON)
    assert not desks.due(ALERT, desk, {}, 899.0, NOON)
    assert not desks.due(ALERT, desk, {1: 500.0}, 1399.0, NOON)
    assert not desks.due(ALERT, desk, {1: 500.0}, 490.0, NOON), "a step of the clock is nothing"
    assert desks.due(ALERT, desk, {1: 1e9}, 1399.0, NOON), "the clock was set back by years"
    for over in (
        {"acked_at": 1.0}, {"over_at": 1.0}, {"held": "muted"}, {"level": Level.NOTICE}, {"escalated": 3},
        {"snoozed_until": 2000.0},
    ):  # fmt: skip
        assert not desks.due(replace(ALERT, **over), desk, {}, 900.0, NOON)  # type: ignore[arg-type]
    assert not desks.due(ALERT, Desk(escalate_after=0.0), {}, 1e9, NOON)
    assert not desks.due(ALERT, Desk(quiet=NIGHT), {}, 900.0, MIDNIGHT), "a call is no reason to wake anybody"
    assert desks.due(replace(ALERT, level=Level.CRITICAL), Desk(quiet=NIGHT), {}, 900.0, MIDNIGHT)


def test_what_takes_over_from_what() -> None:
    def of(number: int, kind: str, severity: Severity, level: Level) -> Alert:
        return replace(ALERT, id=number, kind=kind, severity=severity, level=level)

    warn = of(1, "threshold", Severity.WARN, Level.CALL)
    critical = of(2, "threshold", Severity.CRITICAL, Level.CRITICAL)
    unsafe = of(3, "liquidatable", Severity.LIQUIDATABLE, Level.LIQUIDATABLE)
    lost = of(4, "liquidated", Severity.LIQUIDATED, Level.LIQUIDATED)
    ordered = (warn, critical, unsafe, lost)
    for place, higher in enumerate(ordered):
        assert [desks.outranks(higher, lower) for lower in ordered] == [at < place for at in range(4)]
    assert not desks.outranks(replace(unsafe, id=0), critical), "what was said before"
    assert not desks.outranks(replace(unsafe, over_at=1.0), critical)
    assert not desks.outranks(replace(critical, held="off"), warn)
    assert not desks.outranks(replace(lost, id=5), lost), "each liquidation is one of its own"
    assert desks.outranks(of(5, "recovered", Severity.CRITICAL, Level.CRITICAL), critical)
    again = replace(warn, level=Level.CRITICAL)
    assert not desks.outranks(of(5, "recovered", Severity.WARN, Level.CALL), again), "nothing becomes quieter"
    pace = of(1, "velocity", Severity.CRITICAL, Level.CRITICAL)
    assert desks.outranks(unsafe, pace)
    assert not desks.outranks(critical, pace), "it runs further"
    assert not desks.outranks(replace(pace, id=9), warn)
    for kind in ("blind", "interest", "parameters", "oracle"):
        assert not desks.outranks(lost, replace(warn, kind=kind))
        assert not desks.outranks(replace(critical, kind=kind), warn)


def test_louder_with_the_figures_of_now() -> None:
    once = desks.escalated(ALERT, 900.0, row(bare(simple())))
    assert (once.level, once.escalated) == (Level.CRITICAL, 1)
    assert once.text == "not acknowledged for 15m, HF now 1.041 · x"
    twice = desks.escalated(once, 1800.0, None)
    assert twice.text == "not acknowledged for 30m · x"
    assert (twice.level, twice.escalated) == (Level.CRITICAL, 2)
    assert dict(twice.facts)["unacknowledged"] == "30m"


def test_summary_of_what_was_kept_back() -> None:
    kept = [replace(ALERT, held="quiet hours"), replace(ALERT, id=2, held="quiet hours", over_at=5.0, text="y")]
    found = desks.summary(kept, 9.0)
    assert found.text == "quiet hours over: 2 alerts kept back, 1 still stands: t x; over: t y"
    assert (found.loud, found.positions) == (Level.CALL, ALERT.positions)
    over = desks.summary([replace(kept[1], level=Level.CRITICAL)], 9.0)
    assert "none stands any more" in over.text
    assert over.loud is Level.CALL


def test_a_digest_says_first_what_cannot_be_read() -> None:
    of = row(bare(simple()))
    blind = desks.digest([of], (("side", "timeout"),), [ALERT], State(gaps=[(0.0, 7200.0)]), 10.0)
    assert blind.text.startswith("NOT READABLE: side: timeout · nobody watched for 2h · 1 critical · worst treasury")
    assert blind.loud is Level.CALL
    assert "1 not acknowledged" in blind.text
    calm = desks.digest([of], (), [], State(), 10.0)
    assert "no alerts since the last summary" in calm.text
    assert calm.loud is Level.NOTICE


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"muted":1}', '{"muted":{"a":"x"}}'])
def test_state_outlives_a_restart(text: str) -> None:
    state = State({"0xab": 5.0}, {3: 4.0}, 7, 8.0, [(1.0, 2.0)], 3.0)
    assert desks.load(desks.dump(state)) == state
    assert desks.load(text) == State()


def test_what_keeps_alerts_from_ringing_is_said_with_its_end_and_what_waits() -> None:
    """In every case also what is not kept back, so that nobody takes the silence for more than it is."""
    desk = Desk(quiet=NIGHT, maintenance=(Maintenance(0.0, 3600.0, "dao", "upgrade"), Maintenance(0.0, 9e5)))
    alerts = [
        replace(ALERT, held="quiet hours"), replace(ALERT, id=2, held="quiet hours"),
        replace(ALERT, id=3, held="quiet hours", acked_at=1.0), replace(ALERT, id=4, held="off"),
        replace(ALERT, id=5, held="maintenance: upgrade"),
    ]  # fmt: skip
    muted = {"0xab": 7200.0, "0xcd": 5.0}
    told = desks.kept_back(desk, muted, alerts, 10.0, MIDNIGHT, names={"0xab": "treasury"})
    always = "; what is or can be liquidated rings all the same"
    end = f"{NIGHT.end // 60:02}:{NIGHT.end % 60:02}"
    assert told == [
        f"quiet hours until {end} local time: below critical nothing rings, 2 alerts wait{always}",
        f"maintenance: upgrade until 01:00Z: alerts about dao do not ring, 1 alert waits{always}",
        f"maintenance until 11 Jan 10:00Z: no alert rings{always}",
        f"muted: treasury until 02:00Z{always}",
    ]
    assert desks.kept_back(desk, {}, alerts, 1e6, NOON, names={}) == []


def test_many_that_are_muted_are_counted() -> None:
    muted = {f"0x{number}": 60.0 for number in range(5)}
    (told,) = desks.kept_back(Desk(), muted, [], 0.0, NOON, names={})
    assert told.startswith("muted: 0x0 until 00:01Z, 0x1 until 00:01Z, 0x2 until 00:01Z and 2 more;")


def test_a_mute_or_a_maintenance_that_comes_later_silences_what_rang_already() -> None:
    of = row(bare(simple()), label="w")
    alert = replace(ALERT, position=of.id, positions=(of.id,))
    rows, window = {of.id: of}, Maintenance(0.0, 9.0, of.chain)
    assert not desks.silenced(alert, rows, Desk(), {}, 1.0)
    assert desks.silenced(alert, rows, Desk(), {of.id.lower(): 9.0}, 1.0)
    assert desks.silenced(alert, rows, Desk(), {of.key.wallet: 9.0}, 1.0)
    assert not desks.silenced(alert, rows, Desk(), {of.key.wallet: 9.0}, 9.0)
    assert desks.silenced(alert, rows, Desk(maintenance=(window,)), {}, 1.0)
    assert not desks.silenced(alert, rows, Desk(maintenance=(window._replace(about="elsewhere"),)), {}, 1.0)
    assert desks.silenced(alert, {}, Desk(maintenance=(Maintenance(0.0, 9.0),)), {}, 1.0)
    for lost in (replace(alert, kind="liquidated"), replace(alert, level=Level.LIQUIDATABLE)):
        assert not desks.silenced(lost, rows, Desk(maintenance=(window,)), {of.id.lower(): 9.0}, 1.0)


def test_what_was_kept_back_is_told_with_the_figures_of_now() -> None:
    of = row(bare(simple()))
    kept = [replace(ALERT, position=of.id, positions=(of.id,), held="quiet hours")]
    assert "1 still stands: t HF now 1.041 · x" in desks.summary(kept, 9.0, {of.id: of}).text
    stale = replace(of, freshness=Freshness.STALE)
    assert "HF now 1.041~ · x" in desks.summary(kept, 9.0, {of.id: stale}).text
