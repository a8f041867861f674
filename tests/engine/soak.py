"""A monitor in a world of dice, and a naive checker that holds what must be true after every look."""

import random
from collections import defaultdict

from liqtui.core.desk import Local
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.rules import Maintenance, Quiet
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import Thresholds
from liqtui.engine import verdict
from liqtui.engine.history import ALERTS_KEPT, History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outcome import Outcome, Spot
from liqtui.engine.setup import Link, Setup
from tests.engine.fakes import address, wallet
from tests.engine.world import World

ORDER = (Severity.WARN, Severity.CRITICAL, Severity.LIQUIDATABLE)
STEPS = {"threshold", "recovered", "liquidatable", "liquidated"}
BLIND = 180
"""Seconds after which a chain that is read every 12 s is not seen."""
PATIENCE = 320
"""Seconds after which anything that is not seen, however it came, was said."""
SLACK = 200
AN_HOUR = 16
"""Alerts of one kind about one position in an hour: to be blind takes three minutes, to be seen again one."""


def local(at):
    minute = int(at // 60)
    return Local(minute // 1440, minute % 1440)


class Known:
    """What the checker knows of a position: the last figures that the engine was given."""

    def __init__(self):
        self.read_at = None
        self.wall = self.limits = self.health = None
        self.block_at = self.feed_at = 0
        self.dark = None
        """True time since which figures come without a health."""
        self.unread = 0.0
        """True time since which it is unread, be it since a restart or that it was looked for."""
        self.told = None
        """Worst level that an alert told, until health was a band over it."""


class Soak:
    def __init__(self, seed, folder=None):
        self.dice = random.Random(seed)
        self.world = World(random.Random(seed + 1))
        self.folder = folder
        self.posted, self.log = {}, []
        """Alert id → true time when it was last posted; and what was posted since the last look."""
        self.known, self.hushed, self.snoozes, self.mutes = {}, defaultdict(float), {}, {}
        self.jumped = -1e9
        self.times = defaultdict(list)
        self.limits, self.rulebook = {"warn": 120, "critical": 105}, Rulebook()
        self.history = None
        self.start()
        self.last = self.monitor.publish(self.world.wall)

    def start(self, *, killed=False):
        world = self.world
        if self.history is not None:
            if not killed:
                self.monitor.save(world.wall, last=True)
            if self.folder is not None:
                self.history.close()
                self.history = None
        self.history = self.history or History(self.folder)
        limits = Thresholds(*(self.limits[name] * WAD // 100 for name in ("warn", "critical")))
        specs = tuple(node.spec for node in world.nodes.values())
        refs = tuple(ref for node in world.nodes.values() for ref in node.refs)
        setup = Setup(specs, refs, tuple(map(wallet, (1, 2, 3))), limits, desk=self.rulebook)
        self.monitor = Monitor(setup, self.history, world.wall)
        self.monitor._alarms._post = self._post
        self.monitor._alarms._local = local
        self.monitor.watch(setup.wallets)

    def _post(self, alert):
        self.posted[alert.id] = self.world.true
        self.log.append(alert)

    def close(self):
        self.history.close()

    # -- one round -----------------------------------------------------------------------------------------------

    def round(self):
        world, skew = self.world, self.world.skew
        world.step()
        if world.skew != skew:
            self.jumped = world.true
        self._person()
        if self.dice.random() < 0.012:
            self._restart()
        elif self.dice.random() < 0.004:
            self._killed()
        said = set()
        for name in world.nodes:
            outcome, link = world.read(name), Link(2, 2, "a")
            if world.wrong("contradiction", name):
                link = link._replace(contradiction="a and b disagree")
            self.monitor.apply(name, outcome, world.wall, link=link)
            if isinstance(outcome, Outcome):
                said |= self._given(outcome)
        self.log.clear()
        found = self.monitor.publish(world.wall)
        self.monitor.save(world.wall)
        self._check(found, said)
        self.last = found

    def _person(self):
        """Acknowledges, snoozes and mutes."""
        dice, monitor, now = self.dice, self.monitor, self.world.wall
        alerts = [alert for alert in monitor._alarms.alerts if alert.acked_at is None]
        if alerts and dice.random() < 0.02:
            monitor.acknowledge(dice.choice(alerts[:8]).id, now)
        elif alerts and dice.random() < 0.005:
            monitor.acknowledge(None, now)
        if alerts and dice.random() < 0.01:
            which, seconds = dice.choice(alerts[:8]).id, dice.uniform(60, 3600)
            monitor.snooze(which, seconds, now)
            self.snoozes[which] = self.world.true + seconds
        if dice.random() < 0.003:
            seconds, target = dice.uniform(60, 7200), address(dice.randrange(1, 4))
            monitor.mute(target, now + seconds)
            self.mutes[target] = self.world.true + seconds

    def _restart(self):
        """Sometimes with other thresholds, quiet hours or a maintenance window; nothing may be told or lost by it."""
        dice, now = self.dice, self.world.wall
        before = self._standing(self.last)
        if dice.random() < 0.5:
            old = self.limits
            self.limits = dice.choice(({"warn": 120, "critical": 105}, {"warn": 130, "critical": 110}))
            minute = local(now).minute
            hours = Quiet(minute, (minute + dice.randrange(10, 200)) % 1440) if dice.random() < 0.5 else None
            window = Maintenance(now + dice.uniform(-100, 500), now + dice.uniform(500, 4000), dice.choice(("", "lab")))
            self.rulebook = Rulebook(quiet=hours, maintenance=(window,) if dice.random() < 0.5 else ())
            for known in self.known.values() if old != self.limits else ():
                known.told = None
        self.start()
        self.log.clear()
        found = self.monitor.publish(now)
        told = [alert for alert in self.log if alert.kind != "held" and not alert.escalated and not alert.snoozed_until
                and alert.id not in before]  # fmt: skip
        assert not [alert for alert in told if alert.kind != "blind"], f"told again after a restart: {told}"
        waiting = {number for number, alert in before.items() if alert.acked_at is None}
        lost = waiting - self._standing(found).keys()
        assert not lost, f"stood before the restart and does not after: {[before[number] for number in lost]}"
        for known in self.known.values():
            known.unread = self.world.true

    def _killed(self):
        """Without a last save: what was said since the one before may be said again, and nothing may be lost."""
        self.start(killed=True)
        self.log.clear()
        self.monitor.publish(self.world.wall)
        for known in self.known.values():
            known.unread, known.told = self.world.true, None
        self.times.clear()

    @staticmethod
    def _standing(found):
        return {alert.id: alert for alert in found.alerts if alert.over_at is None and alert.kind != "engine"}

    # -- what the engine was given -------------------------------------------------------------------------------

    def _given(self, outcome):
        """Note the figures; returns (position, level) of each crossing that has to be said in this look."""
        said = set()
        for key, position in outcome.positions.items():
            known = self.known.setdefault(key, Known())
            old, health = known.health, position.health.shown
            known.read_at, known.wall = self.world.true, self.world.wall
            known.block_at, known.feed_at = outcome.block.timestamp, position.feeds[0].updated_at
            if not position.has_debt:
                health = HEALTH_INFINITE
            if health is None:
                known.dark = self.world.true if known.dark is None else known.dark
                continue
            known.dark = None
            for level, limit in self._levels():
                if old is not None and old >= limit * 1.021 and health < limit and known.limits == self.limits:
                    said.add((key, level))
                if health >= limit * 1.02 and known.told in ORDER and ORDER.index(known.told) >= ORDER.index(level):
                    place = ORDER.index(level)
                    known.told = ORDER[place - 1] if place else None
            known.health, known.limits = health, self.limits
        gone = [key for key in self.known if Spot(*key[1:4]) in outcome.covered
                and key.chain_id == outcome.chain_id and key not in outcome.positions]  # fmt: skip
        for key in gone:
            del self.known[key]
        return said

    def _levels(self):
        limits = {name: value * WAD // 100 for name, value in self.limits.items()}
        return zip(ORDER, (limits["warn"], limits["critical"], WAD), strict=True)

    # -- what must hold ------------------------------------------------------------------------------------------

    def _check(self, found, said):
        now, rows = self.world.true, {row.key: row for row in found.rows}
        standing = defaultdict(list)
        for alert in self._standing(found).values():
            for position in alert.about:
                standing[position].append(alert)
        assert self.known.keys() <= rows.keys(), "a position that is open has no row"
        for key, known in self.known.items():
            self._position(rows[key], known, standing[str(key)], now)
        for key, level in said:
            loud = [alert for alert in self.log if str(key) in alert.about and alert.severity.rank <= level.rank]
            assert loud, f"{key} crossed {level} and nothing was said"
        self._endless(now)
        self._verdict(found)
        self._desk(found, now)
        self._small(found)

    def _position(self, row, known, alerts, now):
        unread = now - max(known.read_at, 0)
        steady = self.jumped < known.read_at
        if unread > BLIND + 1:
            assert not row.trusted, f"{row.id} is {row.freshness} and unread for {unread}"
        if unread > BLIND + 1 and steady:
            assert row.freshness is Freshness.BLIND, f"{row.id} is {row.freshness}, unread for {unread}"
        since = known.read_at if known.dark is None else known.dark
        if now - max(since, self.jumped, known.unread) > PATIENCE:
            assert any(alert.kind == "blind" for alert in alerts), f"{row.id} unread for {unread} and nothing stands"
        if row.freshness is Freshness.FRESH:
            assert known.wall - known.block_at <= 96 or not steady
            assert 0 <= known.block_at - known.feed_at <= 3600 + 900, f"{row.id} is fresh by an old feed"
        level = self._level(known)
        if level is not None:
            loud = [alert for alert in alerts if alert.kind in STEPS and alert.severity.rank <= level.rank]
            assert loud, f"{row.id} is {level} by {known.health / WAD} and nothing of that stands"
            assert any(alert.id in self.posted for alert in loud)
            if row.position is not None and row.position.health.shown is not None:
                assert row.severity.rank <= level.rank, f"{row.id} is {level} and shown as {row.severity}"

    def _level(self, known):
        if known.health is None or known.limits is None:
            return None
        limits = {name: value * WAD // 100 for name, value in known.limits.items()}
        levels = zip(ORDER, (limits["warn"], limits["critical"], WAD), strict=True)
        return max((level for level, limit in levels if known.health < limit), key=ORDER.index, default=None)

    def _endless(self, now):
        """What was said is not said again before health was a band over it; nothing comes too often."""
        names = {str(key): known for key, known in self.known.items()}
        for alert in self.log:
            for position in alert.about if not alert.escalated else ():
                known = names.get(position, Known())
                if alert.kind in {"threshold", "liquidatable"}:
                    assert known.told is None or ORDER.index(alert.severity) > ORDER.index(known.told), (
                        f"again: {alert}"
                    )
                    known.told = alert.severity
                if alert.kind == "liquidated":
                    known.told = None
                if alert.kind in {"blind", "sighted", "oracle", "unverified"}:
                    times = self.times[alert.kind, position]
                    times[:] = [at for at in times if at > now - 3600] + [now]
                    assert len(times) <= AN_HOUR, f"{len(times)} times in an hour: {alert}"

    def _verdict(self, found):
        bad = any(row.severity is not Severity.OK for row in found.rows)
        told = verdict.of(found)
        assert not (bad and told.worst == "ok")
        for chain in found.chains:
            if chain.freshness is Freshness.BLIND:
                assert any(where == chain.name for where, _ in found.unread)

    def _desk(self, found, now):
        wall = found.at
        hours, windows = self.rulebook.quiet, [w for w in self.rulebook.maintenance if w.start <= wall < w.end]
        minute = local(wall).minute
        quiet = hours is not None and ((hours.start <= minute < hours.end) if hours.start <= hours.end
                                       else minute >= hours.start or minute < hours.end)  # fmt: skip
        muted = [target for target, until in found.muted if until > wall]
        for target in muted:
            assert now <= self.mutes[target] + SLACK, f"{target} is muted for longer than was asked for"
        by = defaultdict(list)
        for alert in found.alerts:
            for position in alert.about if alert.over_at is None else ():
                by[position].append(alert)
        for alert in found.alerts:
            if alert.held:
                assert {"quiet hours": quiet, "muted": bool(muted)}.get(alert.held, bool(windows)), f"held: {alert}"
            asleep = alert.snoozed_until is not None
            if asleep and not muted and not windows:
                assert now <= self.snoozes[alert.id] + SLACK, f"snoozed for longer than was asked for: {alert}"
            worse = all(any(other.id > alert.id and other.severity.rank <= alert.severity.rank and not other.held
                            and other.kind in STEPS for other in by[position]) or self._cleared(alert, position)
                        for position in alert.about)  # fmt: skip
            waits = (alert.acked_at is None and alert.over_at is None and alert.level.rank >= Level.CALL.rank
                     and alert.escalated < self.rulebook.escalate_times)  # fmt: skip
            if not waits or alert.held or asleep or muted or windows or quiet or worse or not found.ready:
                self.hushed[alert.id] = now
            else:
                since = max(self.posted.get(alert.id, 0), self.hushed.get(alert.id, 0), self.jumped)
                assert now - since <= self.rulebook.escalate_after + SLACK, f"not called again: {alert}"

    def _cleared(self, alert, position):
        """Whether an alert about several positions no longer stands for this one."""
        known = next((known for key, known in self.known.items() if str(key) == position), None)
        limit = dict(self._levels()).get(alert.severity)
        return known is None or (limit is not None and known.health is not None and known.health >= limit * 1.02)

    def _small(self, found):
        alarms, positions = self.monitor._alarms, len(self.monitor._held)
        assert len(alarms._memories.keys() - self.monitor._returning.rowless) <= positions
        assert len(alarms._feeds._marks) <= len(self.world.nodes)
        assert len(alarms._state.sent) <= ALERTS_KEPT
        assert len(found.alerts) <= 2 * ALERTS_KEPT
        assert len(found.rows) == positions <= 12
        assert not self.history._facts
