import asyncio
from dataclasses import replace
from time import gmtime, strftime

from liqtui.core.model import PositionKey
from liqtui.core.reads import Failure, ReadError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.engine.rounds import REDISCOVER
from liqtui.engine.setup import Link
from tests.engine.desk import kinds, row
from tests.engine.fakes import FEED, START, address, market, wallet


def test_a_good_round_is_a_fresh_row(desk):
    made = desk()
    assert not made.monitor.publish(START).ready
    found = made.round()
    assert found.ready
    assert found.version == 2
    one = row(found)
    assert (one.severity, one.freshness, one.chain, one.since) == (Severity.OK, Freshness.FRESH, "lab", START + 12)
    assert (one.ages.head, one.ages.oracle, one.ages.fetch) == (0, 12, 0)
    assert one.cushion.label == "ETH"
    assert found.counts == {Severity.OK: 1}
    assert found.chains[0].freshness is Freshness.FRESH
    assert [(name, feed.address) for name, feed in found.feeds] == [("lab", FEED)]
    assert kinds(found) == []


def test_a_failing_chain_blinds_only_its_own_and_keeps_the_last_figures(desk):
    made = desk("lab", "side")
    made.round()
    made.nodes["side"].down = ReadError("timeout", "slow")
    found = made.round()
    assert {row.chain: row.freshness for row in found.rows} == {"lab": Freshness.FRESH, "side": Freshness.FRESH}
    assert found.chains[1].error == "timeout: slow"
    for _ in range(20):
        found = made.round()
    rows = {row.chain: row for row in found.rows}
    assert rows["lab"].freshness is Freshness.FRESH
    blind = rows["side"]
    assert (blind.freshness, blind.severity, blind.error) == (Freshness.BLIND, Severity.BLIND, "timeout: slow")
    assert blind.position.health.shown == 16 * WAD // 10
    assert not blind.trusted
    assert found.counts == {Severity.OK: 1, Severity.BLIND: 1}
    assert kinds(found) == ["blind"]


def test_blindness_is_said_once_and_so_is_its_end(desk):
    made = desk()
    made.round()
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(40):
        made.round()
    made.nodes["lab"].down = None
    assert kinds(made.round()) == ["blind"], "one reading may be luck"
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind", "sighted"]
    assert row(found).severity is Severity.OK


def test_blindness_never_hides_that_it_was_critical(desk):
    made = desk()
    made.round(price=1300)
    made.nodes["lab"].down = ReadError("timeout", "slow")
    for _ in range(20):
        found = made.round()
    assert row(found).freshness is Freshness.BLIND
    assert row(found).severity is Severity.CRITICAL


def test_time_alone_makes_it_blind(desk):
    made = desk()
    made.round()
    states = [row(made.monitor.publish(START + 12 + seconds)).freshness for seconds in (10, 40, 100, 400)]
    assert states == [Freshness.FRESH, Freshness.LATE, Freshness.STALE, Freshness.BLIND]


def test_a_head_that_stands_still_is_not_fresh_although_reads_succeed(desk):
    made = desk()
    made.round()
    found = [made.round(60, mine=False) for _ in range(6)]
    assert row(found[-1]).freshness is Freshness.STALE
    assert found[-1].chains[0].freshness is Freshness.STALE
    assert found[-1].chains[0].age == 0
    assert row(found[-1]).ages.fetch == 0


def test_a_head_that_stands_still_is_told_although_a_feed_was_stale_before(desk):
    """The row was stale already, by a feed that was told: that must not keep the dead chain quiet."""
    made = desk()
    made.nodes["lab"].updated_at = START - 20_000
    assert kinds(made.round()) == ["oracle"]
    for _ in range(80):
        found = made.round(mine=False)
    assert row(found).freshness is Freshness.STALE
    assert kinds(found) == ["oracle", "blind"]
    assert "block 15m" in found.alerts[0].text
    made.nodes["lab"].time = int(made.now)
    for _ in range(7):
        found = made.round()
    assert kinds(found) == ["oracle", "blind", "sighted"]


def test_endpoints_that_contradict_each_other_make_figures_doubtful(desk):
    made = desk()
    made.links["lab"] = Link(2, 2, "a")
    made.round()
    made.links["lab"] = Link(2, 2, "a", contradiction="a and b disagree about block 7")
    made.round()
    found = made.round()
    assert row(found).freshness is Freshness.STALE
    assert "disagree" in found.chains[0].error
    assert kinds(found) == ["engine"]
    made.monitor.crashed("lab", "a bug", made.now)
    made.monitor.publish(made.now)
    made.round()
    found = made.round()
    standing = [alert.text for alert in found.alerts if alert.over_at is None]
    assert standing == ["a and b disagree about block 7"], "only what is over is over"
    made.links["lab"] = Link(2, 2, "a")
    assert row(made.round()).freshness is Freshness.FRESH
    assert all(alert.over_at is not None for alert in made.round().alerts)


def begun_anew(desk, back):
    """A position that is critical, and the chain again at a lower block, where it looks like after a liquidation."""
    made = desk(wallets=(1, 2))
    made.nodes["lab"].hold(1, 10, 15_500)
    made.nodes["lab"].hold(2, 1, 1000)
    made.round()
    made.nodes["lab"].hold(1, 5.93, 7_750)
    del made.nodes["lab"].accounts["0x" + "aa" * 20, address(2)]
    made.nodes["lab"].number -= back + 1  # it mines before it is read
    return made, made.round()


def test_amounts_on_a_chain_begun_anew_tell_of_no_liquidation(desk):
    made, found = begun_anew(desk, back=20)
    assert sorted(kinds(found)) == ["engine", "recovered", "threshold"]
    told = next(alert for alert in found.alerts if alert.kind == "engine")
    assert told.title == "lab"
    assert told.text == "it went back from block 101 to 81: its positions begin anew"
    assert told.severity is Severity.CRITICAL
    assert row(found, "w1").severity is Severity.OK
    assert told.over_at is None
    found = made.round()
    assert next(alert for alert in found.alerts if alert.id == told.id).over_at is not None
    assert not {"liquidated", "changed", "closed"} & {*kinds(found)}
    made.round(price=1640)
    made.nodes["lab"].hold(1, 3.45, 3_875)
    assert "liquidated" in kinds(made.round()), "from there on it is compared again"


def test_a_reorganisation_is_no_other_history(desk):
    _, found = begun_anew(desk, back=8)
    assert "engine" not in kinds(found)
    assert "liquidated" in kinds(found)


def test_thresholds_from_the_narrowest_scope(desk):
    made = desk(wallets=(1, 2, 3), thresholds=Thresholds(warn=17 * WAD // 10))
    for number in (2, 3):
        made.nodes["lab"].hold(number, 1, 1000)
    name = str(PositionKey(31337, "fake", "main", address(3)))
    low, lower = Thresholds(warn=15 * WAD // 10), Thresholds(critical=2 * WAD)
    made.watch(wallet(1), wallet(2, thresholds=low), wallet(3, thresholds=low, position_thresholds=((name, lower),)))
    found = made.round()
    assert [row(found, label).severity for label in ("w1", "w2", "w3")] == [
        Severity.WARN,
        Severity.OK,
        Severity.CRITICAL,
    ]


def test_a_row_is_handed_on_while_nothing_in_it_changed(desk):
    made = desk()
    first = row(made.round())
    assert row(made.monitor.publish(made.now + 5)) is first
    assert row(made.monitor.publish(made.now + 50)) is not first
    assert row(made.round()) is not first


def test_since_is_when_the_severity_began(desk):
    made = desk()
    made.round()
    made.round(price=1300)
    began = made.now
    assert row(made.round(price=1301)).since == began


def test_a_closed_position_leaves_after_an_alert(desk):
    made = desk()
    made.round()
    made.nodes["lab"].hold(1, 0, 0)
    found = made.round()
    assert found.rows == ()
    assert kinds(found) == ["closed"]
    assert kinds(made.round()) == ["closed"]


def test_a_position_opened_while_watching_is_told(desk):
    made = desk(wallets=(1, 2))
    assert kinds(made.round()) == []
    made.nodes["lab"].hold(2, 1, 500)
    made.rounds["lab"].rediscover()
    found = made.round()
    assert kinds(found) == ["opened"]
    assert len(found.rows) == 2


def test_a_wallet_that_is_added_opens_nothing(desk):
    made = desk()
    made.round()
    made.nodes["lab"].hold(2, 1, 500)
    made.watch(wallet(1), wallet(2))
    found = made.round()
    assert len(found.rows) == 2
    assert kinds(found) == []


def test_a_wallet_that_is_removed_closes_nothing(desk):
    made = desk(wallets=(1, 2))
    made.nodes["lab"].hold(2, 1, 500)
    made.round()
    made.watch(wallet(2))
    found = made.monitor.publish(made.now)
    assert [row.label for row in found.rows] == ["w2"]
    assert kinds(made.round()) == []


def test_a_round_that_began_before_the_wallet_was_removed_brings_nothing_back(desk):
    made = desk(wallets=(1, 2))
    made.nodes["lab"].hold(2, 1, 500)
    made.now += 12
    outcome = asyncio.run(made.rounds["lab"].round(made.now))
    made.watch(wallet(2))
    made.monitor.apply("lab", outcome, made.now)
    assert [row.label for row in made.monitor.publish(made.now).rows] == ["w2"]


def test_a_partial_liquidation_marks_the_row_until_it_is_acknowledged(desk):
    made = desk()
    made.round(price=1240)
    made.nodes["lab"].hold(1, 0.58, 500)
    found = made.round(price=1240)
    taken = next(alert for alert in found.alerts if alert.kind == "liquidated")
    assert row(found).severity is Severity.LIQUIDATED
    made.monitor.acknowledge(taken.id, made.now)
    assert row(made.round(price=1240)).severity is not Severity.LIQUIDATED


def test_an_account_that_never_could_be_read_is_a_row_without_figures(desk):
    made = desk(wallets=(1, 2))
    made.nodes["lab"].accounts[market().entry, address(2)] = [1, 1]
    made.adapter.explode.add(address(2))
    found = made.round()
    unread = row(found, "w2")
    assert (unread.severity, unread.freshness) == (Severity.UNKNOWN, Freshness.BLIND)
    assert unread.position is None
    assert "a bug" in unread.error
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind"]
    made.adapter.explode.clear()
    made.nodes["lab"].hold(2, 1, 500)
    assert row(made.round(), "w2").severity is Severity.OK


def test_an_account_that_fails_keeps_its_figures_and_says_why(desk):
    made = desk()
    made.round()
    made.nodes["lab"].accounts[market().entry, address(1)] = Failure("revert", "no")
    found = made.round()
    assert row(found).error == "no"
    assert row(found).position.health.shown == 16 * WAD // 10
    made.nodes["lab"].hold(1, 1, 1000)
    assert row(made.round()).error == ""


def test_a_broken_market_is_told_with_the_chain(desk):
    made = desk()
    made.round()
    made.nodes["lab"].broken.add(market().entry)
    found = made.round()
    assert any(notice.startswith("lab: fake main: ") for notice in found.notices)
    assert [where for where, _ in found.unread] == ["lab: fake main"]  # once, and the chain itself was read
    assert "out of order" in row(found).error


def test_a_broken_market_is_told_with_the_time_since_when(desk):
    """One in which nobody is known to hold something has no row whose age tells it."""
    made = desk()
    made.setup = replace(made.setup, markets=(market(), market("empty", entry=address(0xA0))))
    made.restart(None)
    made.round()
    made.nodes["lab"].broken.add(address(0xA0))
    made.round(REDISCOVER)
    began = strftime("%d %b %H:%MZ", gmtime(made.now))
    for _ in range(3):
        told = [notice for notice in made.round(600).notices if notice.startswith("lab: fake empty: ")]
        assert len(told) == 1
        assert told[0].endswith(f"out of order, since {began}")
    made.nodes["lab"].broken.clear()
    assert not any("fake empty" in notice for notice in made.round(600).notices)
    made.nodes["lab"].broken.add(address(0xA0))
    (again,) = [notice for notice in made.round(REDISCOVER).notices if "fake empty" in notice]
    assert not again.endswith(f"since {began}")


def test_a_crash_is_told_and_forgotten_after_a_good_round(desk):
    made = desk()
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    found = made.monitor.publish(made.now)
    assert "a bug" in found.engine_error
    assert "a bug" in found.chains[0].error
    assert kinds(found) == ["engine"]
    assert made.round().engine_error == ""
    made.monitor.crashed("engine", "MemoryError", made.now)
    assert "MemoryError" in made.monitor.publish(made.now).engine_error
    made.monitor.well("engine", made.now)
    assert made.monitor.publish(made.now).engine_error == ""


def test_notices_are_told_once_and_taken_away(desk):
    made = desk()
    made.links["lab"] = Link(1, 1, "a", notice="add a second endpoint")
    made.history.notice = "disk full"
    made.monitor.remark("x", "remark")
    assert made.round().notices == ("lab: add a second endpoint", "disk full", "remark")
    made.history.notice = ""
    made.monitor.remark("x", "")
    made.links["lab"] = Link(1, 1, "a")
    assert made.round().notices == ()


def test_alerts_are_newest_first_bounded_and_acknowledged(desk, monkeypatch):
    from liqtui.engine import alarms

    monkeypatch.setattr(alarms, "ALERTS_KEPT", 3)
    made = desk()
    for _ in range(4):
        made.round(price=1240)
        found = made.round(price=2000)
    assert len(found.alerts) == 3
    assert [alert.id for alert in found.alerts] == [8, 7, 6]
    made.monitor.acknowledge(7, made.now)
    found = made.monitor.publish(made.now)
    assert [alert.acked_at for alert in found.alerts] == [None, made.now, None]
    made.monitor.acknowledge(None, made.now + 1)
    assert [alert.acked_at for alert in made.monitor.publish(made.now).alerts] == [made.now + 1, made.now, made.now + 1]


def test_nobody_acknowledges_what_he_has_not_seen(desk):
    made = desk()
    made.round(price=1240)
    made.round(price=2000)
    made.monitor.acknowledge(None, made.now, 1)
    assert [alert.acked_at for alert in made.monitor.publish(made.now).alerts] == [None, made.now]


def test_names_that_are_not_resolved_are_not_read(desk):
    made = desk()
    made.watch(replace(wallet(1), address="vitalik.eth"))
    found = made.round()
    assert found.rows == ()
    assert [each.address for each in found.wallets] == ["vitalik.eth"]


def test_a_feed_from_the_future_is_an_error(desk):
    made = desk()
    made.nodes["lab"].updated_at = START + 10_000
    found = row(made.round())
    assert found.ages.oracle < 0
    assert found.freshness is not Freshness.FRESH


def test_without_debt_there_is_no_health_to_record(desk):
    made = desk()
    made.nodes["lab"].hold(1, 1, 0)
    found = row(made.round())
    assert found.severity is Severity.OK
    assert found.spark[-1] is None
    assert found.trend is None


def test_of_many_markets_each_dead_one_is_told_and_the_others_are_read(desk):
    refs = [market(f"m{number}", entry=address(0xA0 + number)) for number in range(8)]
    made = desk()
    made.setup = replace(made.setup, markets=tuple(refs))
    made.restart(None)
    node = made.nodes["lab"]
    for ref in refs:
        node.hold(1, 1, 1000, entry=ref.entry)
    node.broken.update(ref.entry for ref in refs[::2])
    found = made.round()
    assert {row.key.market for row in found.rows if row.position} == {"m1", "m3", "m5", "m7"}
    assert [where for where, why in found.unread if why] == [f"lab: fake m{number}" for number in (0, 2, 4, 6)]
    assert found.chains[0].error == ""
