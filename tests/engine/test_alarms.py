"""From rows to alerts that are kept: grouped, ended, held, called again, over restarts."""

from dataclasses import replace

import pytest

from liqtui.core.desk import Local
from liqtui.core.reads import ReadError
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.rules import Maintenance, Quiet, Rules
from liqtui.core.snapshot import Level, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from tests.engine.desk import Desk, kinds
from tests.engine.fakes import START, FakeAdapter, wallet


class Office(Desk):
    """A monitor with a desk of its own, what it posted, and a wall clock that starts at noon."""

    def __init__(self, *names, rulebook=None, rules=None, **more):
        self.rulebook, self.rules_ = rulebook or Rulebook(), rules or Rules()
        self.posted = []
        super().__init__(*names, **more)

    def restart(self, folder):
        self.setup = replace(self.setup, desk=self.rulebook, rules=self.rules_)
        super().restart(folder)
        alarms = self.monitor._alarms
        alarms._post = self.posted.append
        alarms._local = noon


def noon(at):
    minutes = int(at - START) // 60 + 720
    return Local(1 + minutes // 1440, minutes % 1440)


@pytest.fixture
def office():
    made = []

    def make(*names, **more):
        made.append(Office(*names, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def many(office, count, **more):
    made = office(wallets=range(1, count + 1), **more)
    for number in range(1, count + 1):
        made.nodes["lab"].hold(number, 1, 1000 + number / 100)
    return made


def open_kinds(snapshot):
    return [alert.kind for alert in snapshot.alerts if alert.over_at is None]


def test_three_hundred_positions_crossing_in_one_block(office):
    made = many(office, 300)
    made.round()
    found = made.round(price=1450)
    (alert,) = found.alerts
    assert len(made.posted) == 1
    assert (alert.kind, alert.level, alert.title) == ("threshold", Level.CALL, "300 positions lab")
    assert alert.text.startswith("ETH / USD 1,450.0 (−27.50%) · under their warn threshold: w300 fake lab HF 1.")
    assert set(alert.positions) == {row.id for row in found.rows}
    assert all(row.id in dict(alert.facts) for row in found.rows)
    found = made.round(price=1100)
    assert [alert.kind for alert in found.alerts] == ["liquidatable", "threshold"]
    found = made.round(price=2000)
    assert len(found.alerts) == 3
    assert open_kinds(found) == []


def test_a_thousand_rounds_are_one_alert_and_one_recovery(office):
    made = office()
    made.round()
    for index in range(1000):
        made.round(price=1499.9 if index % 2 else 1500.1)
    found = made.round(price=1900)
    assert [kind for kind in kinds(found) if kind != "price"] == ["threshold", "recovered"]
    assert all(alert.over_at is not None for alert in found.alerts)


def test_a_chain_that_is_out_is_one_alert_and_one_return(office):
    made = many(office, 12)
    made.round()
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(30):
        found = made.round()
    (alert,) = found.alerts
    assert (alert.kind, alert.title, len(alert.positions)) == ("blind", "12 positions lab", 12)
    assert alert.text.startswith("not readable · timeout: slow: ")
    made.nodes["lab"].down = None
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind", "sighted"]
    assert found.alerts[1].over_at == made.now


def test_blind_while_near_a_threshold_is_critical(office):
    made = office()
    made.round(price=1300)
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(20):
        found = made.round()
    assert (found.alerts[0].kind, found.alerts[0].level) == ("blind", Level.CRITICAL)


def test_nobody_acknowledges(office):
    made = office()
    made.round()
    made.round(price=1450)
    for _ in range(400):
        found = made.round(price=1450)
    alert = found.alerts[0]
    assert (alert.level, alert.escalated) == (Level.CRITICAL, 3)
    assert [post.escalated for post in made.posted if post.id == alert.id] == [0, 1, 2, 3]
    assert alert.text.startswith("not acknowledged for 45m, HF now 1.160 · HF 1.600 → 1.160, under 1.20")


def later(made, rounds, price):
    """The last snapshot, and which alerts went out again meanwhile: their ids."""
    before = len(made.posted)
    for _ in range(rounds):
        found = made.round(300, price=price)
    return found, [post.id for post in made.posted[before:] if post.escalated]


def fallen(made):
    """Warn, critical and liquidatable of one position, with the ids 1 to 3."""
    made.round()
    for price in (1450, 1300, 1200):
        found = made.round(price=price)
    assert [(alert.id, alert.kind, alert.severity) for alert in found.alerts] == [
        (3, "liquidatable", Severity.LIQUIDATABLE),
        (2, "threshold", Severity.CRITICAL),
        (1, "threshold", Severity.WARN),
    ]


def test_the_worse_takes_over_what_nobody_acknowledged(office, tmp_path):
    made = office(folder=tmp_path)
    fallen(made)
    found, again = later(made, 4, 1200)
    assert again == [3]
    made.restart(tmp_path)
    found, again = later(made, 10, 1200)
    assert again == [3, 3]
    assert [alert.escalated for alert in found.alerts] == [3, 0, 0]
    assert [alert.acked_at for alert in found.alerts] == [None] * 3
    made.monitor.acknowledge(3, made.now)
    found, again = later(made, 10, 1200)
    assert again == []
    assert [alert.acked_at is not None for alert in found.alerts] == [True] * 3, "and the log keeps them all"


def test_who_acknowledges_the_milder_one_still_hears_the_worse(office):
    made = office()
    fallen(made)
    made.monitor.acknowledge(2, made.now)
    found, again = later(made, 4, 1200)
    assert again == [3]
    assert [alert.acked_at is not None for alert in found.alerts] == [False, True, True]


def test_the_milder_one_speaks_again_where_the_worse_is_over(office):
    made = office(rules=Rules(off=("recovered",)))
    fallen(made)
    found, again = later(made, 1, 1300)
    assert [(alert.id, alert.held) for alert in found.alerts if alert.over_at is None] == [(4, "off"), (2, ""), (1, "")]
    found, again = later(made, 3, 1300)
    assert again == [2]
    made = office()
    fallen(made)
    found, again = later(made, 4, 1300)
    assert again == [4], "the one that tells that it is still critical has taken over"
    assert found.alerts[0].kind == "recovered"


def test_the_worse_one_is_snoozed_and_the_milder_keeps_quiet_too(office):
    made = office()
    fallen(made)
    made.monitor.snooze(2, 600, made.now)
    made.monitor.snooze(3, 3000, made.now)
    assert later(made, 9, 1200)[1] == []
    assert later(made, 2, 1200)[1] == [3]


def test_one_position_of_several_takes_over_only_for_itself(office):
    made = many(office, 2)
    made.nodes["lab"].hold(2, 1, 1003)
    made.round()
    made.round(price=1300)
    assert len(made.round(price=1253).alerts[0].positions) == 1
    again = later(made, 4, 1253)[1]
    assert again == [1, 2], "the other one is still only critical, and nobody knows"
    made.monitor.acknowledge(2, made.now)
    assert made.round(price=1253).alerts[1].acked_at is None
    made.round(price=1200)
    assert later(made, 4, 1200)[1] == [3]
    made.monitor.acknowledge(3, made.now)
    assert [alert.acked_at is not None for alert in made.round(price=1200).alerts] == [True] * 3


def test_acknowledged_or_over_it_stays_quiet(office):
    made = office()
    made.round()
    first = made.round(price=1450)
    made.monitor.acknowledge(first.alerts[0].id, made.now)
    for _ in range(100):
        found = made.round(price=1450)
    assert found.alerts[0].escalated == 0
    made.round(price=1900)
    made.round(price=1450)
    made.round(price=1900)
    for _ in range(100):
        found = made.round(price=1900)
    assert all(alert.escalated == 0 for alert in found.alerts)
    assert len(made.posted) == len(found.alerts)


def test_snoozed_it_rings_again_when_the_time_is_over(office):
    made = office()
    made.round()
    found = made.round(price=1450)
    made.monitor.snooze(found.alerts[0].id, 3600, made.now)
    for _ in range(299):
        made.round(price=1450)
    assert len(made.posted) == 1
    for _ in range(2):
        found = made.round(price=1450)
    assert [(post.escalated, post.level) for post in made.posted] == [(0, Level.CALL), (1, Level.CALL)]
    assert found.alerts[0].snoozed_until is None


def test_quiet_hours_hold_a_call_let_a_crisis_through_and_tell_at_their_end(office):
    made = many(office, 2, rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    made.round()
    made.round(3700, price=1450)
    (held,) = made.monitor.publish(made.now).alerts
    assert held.held == "quiet hours"
    assert held.level is Level.CALL
    made.round(1500, price=1450)
    assert [post.escalated for post in made.posted] == [0], "what is held is not called louder"
    found = made.round(price=1200)
    assert (found.alerts[0].kind, found.alerts[0].held) == ("liquidatable", "")
    made.round(price=1900)
    for _ in range(10):
        found = made.round(300, price=1900)
    summary = next(alert for alert in found.alerts if alert.kind == "held")
    assert summary.text.startswith("quiet hours over: ")
    assert "none stands any more" in summary.text
    assert [alert.held for alert in found.alerts] == [""] * len(found.alerts)
    assert sum(alert.kind == "held" for alert in found.alerts) == 1


def test_what_still_stands_after_the_quiet_is_called_again(office):
    made = office(rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    made.round()
    made.round(3700, price=1450)
    for _ in range(400):
        found = made.round(price=1450)
    summary = next(alert for alert in found.alerts if alert.kind == "held")
    assert "1 alert kept back, 1 still stands: w1 fake lab HF now 1.160 · HF 1.600 → 1.160" in summary.text
    assert summary.level is Level.CALL
    assert found.alerts[-1].escalated == 1


def test_muting_what_rings_silences_it_and_says_so_until_it_ends(office):
    made = office()
    made.round()
    made.round(price=1450)
    made.round(price=1450)
    assert [post.escalated for post in made.posted] == [0]
    made.monitor.mute(wallet(1).address, made.now + 3000)
    for _ in range(5):
        found = made.round(600, price=1450)
        muted = [notice for notice in found.notices if notice.startswith("muted: w1 until ")]
        assert len(muted) == (found.at < made.now + 1 and dict(found.muted).get(wallet(1).key, 0) > found.at)
    assert [post.escalated for post in made.posted] == [0, 1], "again only when the mute has ended"
    assert not any(notice.startswith("muted") for notice in found.notices)


def test_quiet_hours_are_said_with_how_many_wait(office):
    made = office(rulebook=Rulebook(quiet=Quiet(13 * 60, 14 * 60)))
    assert made.round().notices == ()
    made.round(3700, price=1450)
    (told,) = made.round(price=1450).notices
    assert told.startswith("quiet hours until 14:00 local time: below critical nothing rings, 1 alert waits;")


def test_mute_outlives_a_restart_and_never_hides_a_liquidation(office, tmp_path):
    made = office(folder=tmp_path)
    made.round()
    made.monitor.mute(wallet(1).address.upper().replace("0X", "0x"), made.now + 90_000)
    made.restart(tmp_path)
    made.round(price=1450)
    found = made.round(price=1450)
    assert [alert.held for alert in found.alerts] == ["muted"]
    assert found.muted
    found = made.round(price=1200)
    assert (found.alerts[0].kind, found.alerts[0].held) == ("liquidatable", "")
    made.monitor.mute(wallet(1).address, None)
    found = made.round(price=1200)
    assert found.alerts[0].kind == "held"
    assert found.alerts[0].text.startswith("muted over: 1 alert kept back, 1 still stands")


def test_maintenance_is_told_when_it_ends(office):
    window = Maintenance(START, START + 600, "lab", "upgrade")
    made = office(rulebook=Rulebook(maintenance=(window,)))
    made.round()
    assert [alert.held for alert in made.round(price=1450).alerts] == ["maintenance: upgrade"]
    found = made.round(700, price=1450)
    assert found.alerts[0].text.startswith("maintenance: upgrade over: 1 alert kept back")


def test_rules_of_the_wallet_go_before_those_of_its_tags_and_of_the_config(office):
    made = many(office, 3, rules=Rules(off=("threshold",)))
    own = Rules(off=())
    made.watch(wallet(1), wallet(2, tag_rules=own), wallet(3, rules=own, tag_rules=Rules(off=("threshold",))))
    made.round()
    found = made.round(price=1450)
    assert {alert.held: len(alert.positions) for alert in found.alerts} == {"off": 1, "": 2}
    narrow = Thresholds(warn=2 * WAD)
    made.watch(wallet(1, tag_thresholds=narrow), wallet(2), wallet(3))
    made.round(price=1900)
    assert {row.label: row.severity for row in made.round(price=1900).rows} == {
        "w1": Severity.WARN, "w2": Severity.OK, "w3": Severity.OK,
    }  # fmt: skip


def test_a_digest_a_day_over_a_restart_with_the_hours_nobody_watched(office, tmp_path):
    made = office(folder=tmp_path, rulebook=Rulebook(digest=13 * 60))
    made.round()
    assert made.round(3000).alerts == ()
    found = made.round(700)
    assert [alert.kind for alert in found.alerts] == ["digest"]
    made.restart(tmp_path)
    assert kinds(made.round(3600)).count("digest") == 1
    found = made.round(86_400 - 3600)
    first, second = (alert for alert in reversed(found.alerts) if alert.kind == "digest")
    assert second.at - first.at == 86_400
    assert "nobody watched for" in second.text
    assert "1 ok" in second.text


def test_a_digest_of_quiet_hours_comes_when_they_end_once_over_restarts(office, tmp_path):
    """Due at 13:00, quiet from 12:30 to 15:00; it tells of what was said meanwhile."""
    made = office(folder=tmp_path, rulebook=Rulebook(digest=780, quiet=Quiet(750, 900)))
    made.round()
    made.round(3600 - 12, price=1450)
    for _ in range(3):
        made.restart(tmp_path)
        assert "digest" not in kinds(made.round(1800, price=1450))
    found = made.round(1800, price=1450)
    assert made.now - START == 3 * 3600
    (told,) = (alert for alert in found.alerts if alert.kind == "digest")
    assert "1 warn" in told.text
    assert "since the last summary: 1 call" in told.text
    made.restart(tmp_path)
    for _ in range(40):
        found = made.round(1800, price=1450)
    days = [alert.at for alert in found.alerts if alert.kind == "digest"]
    assert days == [told.at]
    found = made.round(4 * 3600, price=1450)
    assert [alert.at - told.at for alert in found.alerts if alert.kind == "digest"] == [86_400, 0]


def test_a_feed_is_told_once_and_blinds_no_position(office):
    made = many(office, 40)
    made.round()
    for _ in range(60):
        found = made.round(300)
    late = [alert for alert in found.alerts if alert.kind == "oracle"]
    first = {post.id: post.level for post in reversed(made.posted)}
    assert [first[alert.id] for alert in late] == [Level.CALL, Level.NOTICE]
    assert [len(alert.positions) for alert in late] == [40, 40]
    assert kinds(found) == ["oracle", "oracle"]
    assert all(alert.over_at is None for alert in late[:1])
    made.round(12, price=2001)
    found = made.round(600, price=2002)
    assert all(alert.over_at is not None for alert in found.alerts)


def test_restart_in_the_middle_says_nothing_twice(office, tmp_path):
    made = many(office, 20, folder=tmp_path)
    made.round()
    made.round(price=1450)
    for _ in range(4):
        made.restart(tmp_path)
        found = made.round(price=1450)
        assert kinds(found) == ["threshold"]
        assert found.alerts[0].over_at is None
    made.restart(tmp_path)
    assert kinds(made.round(price=1900)) == ["threshold", "recovered"]


def test_trouble_of_the_engine_ends_with_it(office):
    made = office()
    made.round()
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    assert open_kinds(made.monitor.publish(made.now)) == ["engine"]
    assert open_kinds(made.round()) == []
    made.monitor.crashed("", "MemoryError", made.now)
    made.monitor.publish(made.now)
    made.monitor.alive()
    assert open_kinds(made.monitor.publish(made.now)) == []


def test_what_is_said_of_many_positions_marks_each_liquidated_row(office):
    made = many(office, 10)
    made.round(price=1240)
    for number in range(1, 11):
        made.nodes["lab"].hold(number, 0.58, 500)
    found = made.round(price=1240)
    assert {row.severity for row in found.rows} == {Severity.LIQUIDATED}
    (alert,) = [alert for alert in found.alerts if alert.kind == "liquidated"]
    assert len(alert.positions) == 10
    assert "debt −500" in alert.text
    made.monitor.acknowledge(alert.id, made.now)
    assert Severity.LIQUIDATED not in {row.severity for row in made.round(price=1240).rows}


def test_adapter_with_a_bug_in_every_wallet_is_one_alert(office):
    adapter = FakeAdapter()
    made = many(office, 30, adapter=adapter)
    made.round()
    adapter.explode |= {wallet(number).key for number in range(1, 31)}
    for _ in range(30):
        found = made.round()
    assert len(found.alerts) == 1
    assert len(found.alerts[0].positions) == 30
