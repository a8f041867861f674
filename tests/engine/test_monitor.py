import asyncio
from dataclasses import replace
from math import isnan

import pytest

from liqtui.core.model import PositionKey
from liqtui.core.reads import Failure, ReadError
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.engine import history as history_module
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.rounds import ChainRounds
from liqtui.engine.setup import Link, Setup, wallets_on
from liqtui.ui.figures import spark
from tests.engine.fakes import FEED, START, FakeAdapter, FakeChain, Finish, address, chain, market, wallet


class Desk:
    """A monitor over scripted chains, driven by hand. `now` is the engine's clock and the chains' alike."""

    def __init__(self, *names, folder=None, wallets=(1,), thresholds=None, adapter=None, poll=12.0):
        names = names or ("lab",)
        specs = tuple(chain(name, 31337 + place, poll=poll) for place, name in enumerate(names))
        self.nodes = {spec.name: FakeChain(spec.id) for spec in specs}
        for node in self.nodes.values():
            node.hold(1, 1, 1000)
        refs = tuple(market("main", spec.id) for spec in specs)
        self.setup = Setup(specs, refs, tuple(wallet(number) for number in wallets), thresholds or Thresholds())
        self.adapter = adapter or FakeAdapter()
        self.now = START
        self.links = {}
        self.history = None
        self.restart(folder)
        self.folder = folder

    def restart(self, folder):
        if self.history is not None:
            self.monitor.save(self.now, last=True)
            self.history.close()
        self.history = History(folder)
        self.monitor = Monitor(self.setup, self.history, self.now)
        self.rounds = {
            spec.name: ChainRounds(spec, [ref for ref in self.setup.markets if ref.chain_id == spec.id],
                                   {"fake": self.adapter}, self.nodes[spec.name], finish=Finish())
            for spec in self.setup.chains
        }  # fmt: skip
        self.watch(*self.setup.wallets)

    def watch(self, *wallets):
        self.monitor.watch(wallets)
        for name, rounds in self.rounds.items():
            rounds.watch(wallets_on(name, wallets))

    def round(self, seconds=12, *, price=None, mine=True):
        """Time passes, blocks are mined, every chain is read."""
        self.now += seconds
        for name, node in self.nodes.items():
            if mine:
                node.mine(seconds, price)
            outcome = asyncio.run(self.rounds[name].round(self.now))
            self.monitor.apply(name, outcome, self.now, link=self.links.get(name))
        return self.monitor.publish(self.now)

    def close(self):
        self.history.close()


@pytest.fixture
def desk(request):
    made = []

    def make(*names, **more):
        made.append(Desk(*names, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def kinds(snapshot):
    return [alert.kind for alert in reversed(snapshot.alerts)]


def row(snapshot, label="w1"):
    return next(row for row in snapshot.rows if row.label == label)


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
    made.links["lab"] = Link(2, 2, "a")
    assert row(made.round()).freshness is Freshness.FRESH


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


def test_a_crash_is_told_and_forgotten_after_a_good_round(desk):
    made = desk()
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    made.monitor.crashed("lab", "TypeError: a bug", made.now)
    found = made.monitor.publish(made.now)
    assert "a bug" in found.engine_error
    assert "a bug" in found.chains[0].error
    assert kinds(found) == ["engine"]
    assert made.round().engine_error == ""
    made.monitor.crashed("", "MemoryError", made.now)
    assert "MemoryError" in made.monitor.publish(made.now).engine_error
    made.monitor.alive()
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


def test_a_restart_keeps_alerts_and_acks_and_says_nothing_twice(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round(price=1240)
    found = made.round(price=1240)
    assert kinds(found) == ["liquidatable"]
    made.monitor.acknowledge(1, made.now)
    made.restart(tmp_path)
    found = made.round(price=1240)
    assert kinds(found) == ["liquidatable"]
    assert found.alerts[0].acked_at
    found = made.round(price=2000)
    assert kinds(found) == ["liquidatable", "recovered"]
    assert found.alerts[0].id == 2


def test_after_a_restart_a_dead_chain_still_shows_what_was_open(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.nodes["lab"].down = ReadError("timeout", "slow")
    made.restart(tmp_path)
    found = made.round()
    assert row(found).severity is Severity.UNKNOWN
    assert row(found).position is None
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind"]
    made.nodes["lab"].down = None
    found = made.round()
    assert row(found).severity is Severity.OK
    for _ in range(6):
        found = made.round()
    assert kinds(found) == ["blind", "sighted"]


def test_what_closed_while_nobody_watched_is_told(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.nodes["lab"].accounts.clear()
    made.restart(tmp_path)
    found = made.round()
    assert found.rows == ()
    assert kinds(found) == ["closed"]
    made.restart(tmp_path)
    assert made.monitor.publish(made.now).rows == ()


def test_what_is_remembered_of_other_wallets_and_markets_is_dropped(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.history.position(PositionKey(31337, "fake", "main", address(9)), is_open=True)
    made.history.position(PositionKey(31337, "fake", "not configured", address(1)), is_open=True)
    made.history.position(PositionKey(99, "fake", "main", address(1)), is_open=True)
    made.restart(tmp_path)
    assert {row.key.market for row in made.monitor.publish(made.now).rows} == {"not configured"}
    assert {row.key.market for row in made.round().rows} == {"main"}


def test_trend_and_outline_come_back_after_a_restart(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round(price=2000)
    for _ in range(12):
        made.round(120, price=1900)
    made.restart(tmp_path)
    found = row(made.round(price=1900))
    assert round(found.trend, 3) == -0.08
    assert 1400 < found.trend_window < 1500
    assert found.spark[-1] == 1.52


def test_the_texture_of_a_day_is_the_same_after_a_restart_and_what_nobody_saw_is_blank(desk, tmp_path):
    made = desk(folder=tmp_path)
    for place in range(144):
        found = made.round(150, price=2000 if place < 72 else 1900)
    before = row(found).spark
    assert None not in before[-6:]
    assert {1.6, 1.52} == set(before[-6:])
    made.restart(tmp_path)
    assert row(made.round(1, price=1900)).spark == before
    made.restart(tmp_path)
    made.now += 5 * 3600
    for node in made.nodes.values():
        node.mine(5 * 3600)
    after = row(made.round(price=1900)).spark
    assert after[-1] == 1.52
    assert after[-5:-1] == (None,) * 4, "it did not run: unknown, not calm"
    assert after[-12:-6] == before[-7:-1], "and what was seen before stands where it was"
    assert spark(row(made.round(price=1900)), 24)[-5:-1] == "    "
    gaps = [at for at, health in made.history.samples(row(found).id, 0) if isnan(health)]
    assert gaps == [], "queued, not written yet"
    made.monitor.save(made.now)
    gaps = [at for at, health in made.history.samples(row(found).id, 0) if isnan(health)]
    assert gaps[-1] - gaps[-2] == 5 * 3600 + 12


def test_a_chain_that_is_read_seldom_has_no_silences(desk, tmp_path):
    made = desk(folder=tmp_path, poll=600.0)
    for _ in range(5):
        found = made.round(600)
    made.monitor.save(made.now)
    assert not any(isnan(health) for _, health in made.history.samples(row(found).id, 0))
    made.round(7000)
    made.monitor.save(made.now)
    assert sum(isnan(health) for _, health in made.history.samples(row(found).id, 0)) == 2


def test_volatility_is_learned_from_feed_rounds_and_survives(desk, tmp_path):
    made = desk(folder=tmp_path)
    for place in range(30):
        found = made.round(3600, price=2000 + 20 * (place % 2))
    assert row(found).sigmas is not None
    before = row(found).sigmas
    made.restart(tmp_path)
    after = row(made.round(price=2000)).sigmas
    assert after == pytest.approx(before, rel=0.2)


def test_a_full_disk_stops_no_watching(desk, tmp_path):
    made = desk(folder=tmp_path)
    made.round()
    made.monitor.save(made.now)
    pages = made.history._db.execute("PRAGMA page_count").fetchone()[0]
    made.history._db.execute(f"PRAGMA max_page_count = {pages}")
    for place in range(200):
        made.round(60, price=1240 if place % 2 else 2000)
        made.monitor.save(made.now)
    found = made.round(price=1240)
    assert any("cannot be written" in notice for notice in found.notices)
    assert row(found).severity is Severity.LIQUIDATABLE
    assert history_module.ALERTS_KEPT > len(found.alerts) > 100


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
