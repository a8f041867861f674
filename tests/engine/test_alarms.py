"""From rows to alerts that are kept: grouped, ended, called again, over restarts."""

from liqtui.core.reads import ReadError
from liqtui.core.rules import Rules
from liqtui.core.snapshot import Level, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from tests.engine.desk import kinds, many
from tests.engine.fakes import FakeAdapter, wallet


def open_kinds(snapshot):
    return [alert.kind for alert in snapshot.alerts if alert.over_at is None]


def test_three_hundred_positions_crossing_in_one_block(alarm_desk):
    made = many(alarm_desk, 300)
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


def test_a_thousand_rounds_are_one_alert_and_one_recovery(alarm_desk):
    made = alarm_desk()
    made.round()
    for index in range(1000):
        made.round(price=1499.9 if index % 2 else 1500.1)
    found = made.round(price=1900)
    assert [kind for kind in kinds(found) if kind != "price"] == ["threshold", "recovered"]
    assert all(alert.over_at is not None for alert in found.alerts)


def test_a_chain_that_is_out_is_one_alert_and_one_return(alarm_desk):
    made = many(alarm_desk, 12)
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


def test_blind_while_near_a_threshold_is_critical(alarm_desk):
    made = alarm_desk()
    made.round(price=1300)
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(20):
        found = made.round()
    assert (found.alerts[0].kind, found.alerts[0].level) == ("blind", Level.CRITICAL)


def test_nobody_acknowledges(alarm_desk):
    made = alarm_desk()
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


def test_the_worse_takes_over_what_nobody_acknowledged(alarm_desk, tmp_path):
    made = alarm_desk(folder=tmp_path)
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


def test_who_acknowledges_the_milder_one_still_hears_the_worse(alarm_desk):
    made = alarm_desk()
    fallen(made)
    made.monitor.acknowledge(2, made.now)
    found, again = later(made, 4, 1200)
    assert again == [3]
    assert [alert.acked_at is not None for alert in found.alerts] == [False, True, True]


def test_the_milder_one_speaks_again_where_the_worse_is_over(alarm_desk):
    made = alarm_desk(rules=Rules(off=("recovered",)))
    fallen(made)
    found, again = later(made, 1, 1300)
    assert [(alert.id, alert.held) for alert in found.alerts if alert.over_at is None] == [(4, "off"), (2, ""), (1, "")]
    found, again = later(made, 3, 1300)
    assert again == [2]
    made = alarm_desk()
    fallen(made)
    found, again = later(made, 4, 1300)
    assert again == [4], "the one that tells that it is still critical has taken over"
    assert found.alerts[0].kind == "recovered"


def test_the_worse_one_is_snoozed_and_the_milder_keeps_quiet_too(alarm_desk):
    made = alarm_desk()
    fallen(made)
    made.monitor.snooze(2, 600, made.now)
    made.monitor.snooze(3, 3000, made.now)
    assert later(made, 9, 1200)[1] == []
    assert later(made, 2, 1200)[1] == [3]


def test_one_position_of_several_takes_over_only_for_itself(alarm_desk):
    made = many(alarm_desk, 2)
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


def test_acknowledged_or_over_it_stays_quiet(alarm_desk):
    made = alarm_desk()
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


def test_snoozed_it_rings_again_when_the_time_is_over(alarm_desk):
    made = alarm_desk()
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


def test_rules_of_the_wallet_go_before_those_of_its_tags_and_of_the_config(alarm_desk):
    made = many(alarm_desk, 3, rules=Rules(off=("threshold",)))
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


def test_a_feed_is_told_once_and_blinds_no_position(alarm_desk):
    made = many(alarm_desk, 40)
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


def test_a_feed_that_nothing_hangs_on_any_more_is_no_reason_to_call_again(alarm_desk, tmp_path):
    made = many(alarm_desk, 3, folder=tmp_path)
    made.round()
    for _ in range(60):
        made.round(300)
    made.restart(tmp_path)
    node = made.nodes["lab"]
    node.down = ReadError("timeout", "slow")
    assert [alert.kind for alert in made.round().alerts if alert.over_at is None] == ["oracle"], "who is not read yet"
    node.down = None
    node.accounts.clear()
    made.round()
    found = made.round(400)
    assert {alert.kind for alert in found.alerts} >= {"oracle", "closed"}
    assert all(alert.over_at is not None for alert in found.alerts)


def test_restart_in_the_middle_says_nothing_twice(alarm_desk, tmp_path):
    made = many(alarm_desk, 20, folder=tmp_path)
    made.round()
    made.round(price=1450)
    for _ in range(4):
        made.restart(tmp_path)
        found = made.round(price=1450)
        assert kinds(found) == ["threshold"]
        assert found.alerts[0].over_at is None
    made.restart(tmp_path)
    assert kinds(made.round(price=1900)) == ["threshold", "recovered"]


def test_trouble_of_the_engine_ends_with_it(alarm_desk):
    made = alarm_desk()
    made.round()
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    assert open_kinds(made.monitor.publish(made.now)) == ["engine"]
    assert open_kinds(made.round()) == []
    made.monitor.crashed("engine", "MemoryError", made.now)
    made.monitor.publish(made.now)
    made.monitor.well("engine", made.now)
    assert open_kinds(made.monitor.publish(made.now)) == []


def test_what_is_said_of_many_positions_marks_each_liquidated_row(alarm_desk):
    made = many(alarm_desk, 10)
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


def test_adapter_with_a_bug_in_every_wallet_is_one_alert(alarm_desk):
    adapter = FakeAdapter()
    made = many(alarm_desk, 30, adapter=adapter)
    made.round()
    adapter.explode |= {wallet(number).key for number in range(1, 31)}
    for _ in range(30):
        found = made.round()
    assert len(found.alerts) == 1
    assert len(found.alerts[0].positions) == 30
