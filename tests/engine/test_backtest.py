"""What counts as a warning, a lead, a miss and a false alarm, on made-up stories."""

from __future__ import annotations

from dataclasses import replace

from liqtui.core.snapshot import Alert, Freshness, Level, Row, Severity, Snapshot
from liqtui.core.units import WAD
from liqtui.engine.backtest import Judge, Outcome, Record
from tests.core import rows as made
from tests.core.books import simple

KIND = {Severity.WARN: "threshold", Severity.CRITICAL: "threshold", Severity.LIQUIDATABLE: "liquidatable"}
LEVELS = {Severity.WARN: Level.CALL, Severity.CRITICAL: Level.CRITICAL, Severity.LIQUIDATABLE: Level.LIQUIDATABLE}


class Story:
    """Minute by minute: figures of one position, and what the rules say."""

    def __init__(self, lead: float = 0.0, window: float = 86_400.0) -> None:
        self.judge = Judge(lead, window)
        self.alerts: list[Alert] = []
        self.at = 0.0
        self.row = made.row(made.position(simple()))

    def tick(self, *fresh: Alert, minutes: int = 1, read: bool = True, rows: tuple[Row, ...] | None = None) -> None:
        self.at += 60 * minutes
        for alert in fresh:
            self.alerts.insert(0, replace(alert, id=len(self.alerts) + 1, at=self.at))
        if read:
            assert self.row.position is not None
            self.row = replace(self.row, freshness=Freshness.FRESH, position=replace(self.row.position))
        else:
            self.row = replace(self.row, freshness=Freshness.BLIND)
        shown = (self.row,) if rows is None else rows
        self.judge.take(Snapshot(1, self.at, rows=shown, alerts=tuple(self.alerts)))

    def change(self, number: int, **fields: object) -> None:
        """An alert that is no longer what it was."""
        place = next(place for place, alert in enumerate(self.alerts) if alert.id == number)
        self.alerts[place] = replace(self.alerts[place], **fields)  # pyright: ignore[reportArgumentType]

    def amount(self, side: int, factor: float) -> None:
        """Another amount of the leg of that number."""
        assert self.row.position is not None
        legs = list(self.row.position.legs)
        legs[side] = legs[side]._replace(amount=int(legs[side].amount * factor))
        self.row = replace(self.row, position=replace(self.row.position, legs=tuple(legs)))

    def alert(self, severity: Severity = Severity.WARN, kind: str = "", **fields: object) -> Alert:
        level = LEVELS.get(severity, Level.LIQUIDATED if severity is Severity.LIQUIDATED else Level.NOTICE)
        base = Alert(0, 0, severity, kind or KIND[severity], "w", "text", self.row.id, level=level)
        return replace(base, **fields)  # pyright: ignore[reportArgumentType]

    @property
    def hit(self) -> Alert:
        return self.alert(Severity.LIQUIDATED, "liquidated")

    @property
    def recovered(self) -> Alert:
        return self.alert(Severity.OK, "recovered")

    @property
    def record(self) -> Record:
        self.judge.finish()
        return self.judge.records[self.row.id]


def test_the_lead_ends_with_the_last_reading_before_the_liquidation() -> None:
    story = Story()
    story.tick()
    story.tick(story.alert())
    story.tick(minutes=10)
    story.tick(read=False, minutes=30)
    story.tick(story.hit)
    (hit,) = story.record.liquidations
    assert hit.lead == 600
    assert not hit.missed
    assert story.record.least_lead == 600


def test_no_warning_is_a_miss_and_so_is_one_of_the_same_round() -> None:
    story = Story()
    story.tick()
    story.tick(story.hit)
    story.tick(story.alert(), story.hit)
    assert [hit.lead for hit in story.record.liquidations] == [None, None]
    assert story.record.missed == 2
    assert story.record.least_lead is None


def test_a_warning_that_came_with_the_last_reading_left_no_time() -> None:
    story = Story()
    story.tick()
    story.tick(story.alert(Severity.LIQUIDATABLE))
    story.tick(story.hit)
    (hit,) = story.record.liquidations
    assert hit.lead == 0
    assert hit.missed


def test_less_than_the_lead_that_is_asked_for_is_a_miss() -> None:
    for lead, missed in ((300.0, 0), (301.0, 1)):
        story = Story(lead)
        story.tick(story.alert())
        story.tick(minutes=5)
        story.tick(story.hit)
        assert story.record.missed == missed


def test_a_warning_that_was_over_counts_for_no_later_liquidation() -> None:
    story = Story()
    story.tick(story.alert())
    story.tick(story.recovered)
    story.tick(story.hit)
    (hit,) = story.record.liquidations
    assert hit.missed
    assert story.record.warnings[0].outcome is Outcome.FALSE


def test_still_under_a_threshold_is_not_over() -> None:
    story = Story()
    story.tick(story.alert(Severity.CRITICAL))
    story.tick(story.alert(Severity.WARN, "recovered"))
    story.tick(minutes=3)
    story.tick(story.hit)
    assert story.record.missed == 0
    assert len(story.record.warnings) == 1


def test_an_alert_that_is_over_ends_the_warning_when_it_was_the_last() -> None:
    story = Story()
    story.tick(story.alert())
    story.tick(story.alert(kind="velocity"))
    story.change(2, over_at=story.at)
    story.tick()
    assert story.judge.records[story.row.id].warnings[0].ended_at is None
    story.change(1, over_at=story.at)
    story.tick()
    assert story.record.warnings[0].ended_at == story.at
    assert story.record.warnings[0].outcome is Outcome.FALSE


def test_what_is_held_back_warns_nobody_until_it_is_let_go() -> None:
    story = Story()
    story.tick(story.alert(held="quiet hours"))
    story.tick(minutes=60)
    story.change(1, held="")
    story.tick()
    story.tick(minutes=5)
    story.tick(story.hit)
    (hit,) = story.record.liquidations
    assert hit.lead == 300
    assert story.record.messages == 2
    silent = Story()
    silent.tick(silent.alert(held="muted"))
    silent.tick(minutes=60)
    silent.tick(silent.hit)
    assert silent.record.missed == 1
    assert silent.record.messages == 1, "the liquidation itself"


def test_what_the_owner_did_is_no_false_alarm_and_interest_is_not_the_owner() -> None:
    collateral, debt = 0, 2
    for side, factor, outcome in (
        (debt, 0.9, Outcome.ACTED),
        (collateral, 1.5, Outcome.ACTED),
        (debt, 1.0001, Outcome.FALSE),
        (collateral, 1.0001, Outcome.FALSE),
        (collateral, 0.9, Outcome.FALSE),
    ):
        story = Story()
        story.tick(story.alert())
        story.amount(side, factor)
        story.tick(story.recovered)
        assert story.record.warnings[0].outcome is outcome, (side, factor)


def test_what_a_liquidator_repaid_is_not_the_owner_s_doing() -> None:
    story = Story()
    story.tick(story.alert())
    story.amount(2, 0.5)
    story.amount(0, 0.5)
    story.tick(story.hit)
    assert not story.record.warnings[0].acted
    assert story.record.warnings[0].outcome is Outcome.LIQUIDATED


def test_the_edge_of_liquidation_is_no_false_alarm() -> None:
    story = Story()
    story.tick(story.alert())
    assert story.row.position is not None
    health = story.row.position.health
    low = health._replace(raw=WAD * 99 // 100, reported=WAD * 99 // 100)
    story.row = replace(story.row, position=replace(story.row.position, health=low))
    story.tick()
    story.tick(story.recovered)
    assert story.record.warnings[0].outcome is Outcome.LIQUIDATABLE


def test_a_warning_that_lasts_and_one_that_is_open_are_no_false_alarms() -> None:
    story = Story(window=600)
    story.tick(story.alert())
    story.tick(minutes=11)
    story.tick(story.recovered)
    story.tick(story.alert())
    assert [warning.outcome for warning in story.record.warnings] == [Outcome.LASTED, Outcome.OPEN]
    assert story.record.false_alarms == 0


def test_a_position_that_was_closed_was_acted_upon() -> None:
    story = Story()
    story.tick(story.alert())
    story.tick(story.alert(Severity.OK, "closed"), rows=())
    assert story.record.warnings[0].outcome is Outcome.ACTED


def test_what_is_no_warning() -> None:
    for kind in ("blind", "engine", "unverified", "price", "oracle"):
        story = Story()
        story.tick(story.alert(kind=kind))
        story.tick(minutes=9)
        story.tick(story.hit)
        assert story.record.missed == 1, kind
        assert story.record.messages == 2, kind


def test_messages_count_escalations_and_an_alert_about_several_positions_once() -> None:
    story = Story()
    other = replace(story.row, key=made.key(wallet="0x" + "2" * 40))
    story.tick(story.alert(positions=(story.row.id, other.id)), rows=(story.row, other))
    story.change(1, escalated=1, level=Level.CRITICAL)
    story.tick()
    story.change(1, escalated=3)
    story.tick()
    story.tick(story.alert(Severity.OK, "opened"))
    assert story.judge.messages == 4
    assert story.judge.notices == 1
    assert story.record.messages == 4
    assert story.judge.records[other.id].messages == 4
    assert len(story.judge.records[other.id].warnings) == 1


def test_what_was_never_read_is_said() -> None:
    story = Story()
    story.tick(rows=(replace(story.row, position=None, freshness=Freshness.BLIND),))
    assert not story.record.read
