"""A monitor in a world of dice, and a naive checker that holds what must be true after every look."""

import random
from collections import defaultdict

from liqtui.core.desk import Local
from liqtui.core.drafts import OFF
from liqtui.core.rules import ChannelSpec, Maintenance, Quiet
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import Thresholds
from liqtui.engine import verdict
from liqtui.engine.history import ALERTS_KEPT, History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outbox import Outbox
from liqtui.engine.outcome import Outcome, Spot
from liqtui.engine.setup import Link, Setup
from liqtui.engine.shelf import pending
from tests.engine.fakes import address, wallet
from tests.engine.known import ORDER, Known
from tests.engine.post import Post
from tests.engine.world import World

STEPS = {"threshold", "recovered", "liquidatable", "liquidated"}
BLIND = 180
"""Seconds after which a chain that is read every 12 s is not seen."""
PATIENCE = 320
"""Seconds after which anything that is not seen, however it came, was said."""
SLACK = 200
WALLETS = (1, 2, 3)
LIMITS = (
    {"warn": 120, "critical": 105},
    {"warn": 130, "critical": 110},
    {"warn": 110, "critical": 102, "warn_cushion": 20, "critical_cushion": 8},
    {"warn": 110, "critical": 102, "warn_sigmas": 400, "critical_sigmas": 150},
)
"""Hundredths."""
AN_HOUR = 16
"""Alerts of one kind about one position in an hour: to be blind takes three minutes, to be seen again one."""


def local(at):
    minute = int(at // 60)
    return Local(minute // 1440, minute % 1440)


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
        self.limits, self.rulebook = LIMITS[0], Rulebook()
        self.history, self.watched, self.came = None, WALLETS, set()
        self.summed, self.asked_at = set(), None
        """Days of which there was a summary; and when it was asked for, as the wall clock showed it."""
        self.post = Post(self.world, random.Random(seed + 2))
        self.start()
        self.last = self.monitor.publish(self.world.wall)

    def start(self, *, killed=False, watched=None):
        world = self.world
        if self.history is not None:
            if not killed:
                self.monitor.save(world.wall, last=True)
            if self.folder is not None:
                self.history.close()
                self.history = None
        self.history = self.history or History(self.folder)
        limits = Thresholds(**{name: value * WAD // 100 for name, value in self.limits.items()})
        specs = tuple(node.spec for node in world.nodes.values())
        refs = tuple(ref for node in world.nodes.values() for ref in node.refs)
        setup = Setup(specs, refs, tuple(map(wallet, WALLETS)), limits, desk=self.rulebook)
        outbox = Outbox((ChannelSpec("hook", "webhook"),), self.history, self.post)
        self.monitor = Monitor(setup, self.history, world.wall, outbox)
        self.post.opens(outbox)
        self.monitor._alarms._post = self._post
        self.monitor._alarms._local = local
        self._watch(self.watched if watched is None else watched)

    def _watch(self, numbers):
        """Whoever is taken off is forgotten; an empty list only comes by accident."""
        self.monitor.watch(tuple(map(wallet, numbers)))
        if numbers:
            self.came |= {address(number) for number in numbers} - {address(number) for number in self.watched}
            self.watched = tuple(numbers)
        who = {address(number) for number in self.watched}
        self.known = {key: known for key, known in self.known.items() if key.wallet in who}

    def _concerns(self, alert):
        who = {address(number) for number in self.watched}
        return not alert.positions or any(position.rpartition(":")[2] in who for position in alert.positions)

    def _post(self, alert):
        self.posted[alert.id] = self.world.true
        self.log.append(alert)
        self.post.takes(alert)

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
            outcome, link = world.read(name, self.watched), Link(2, 2, "a")
            if world.wrong("contradiction", name):
                link = link._replace(contradiction="a and b disagree")
            self.monitor.apply(name, outcome, world.wall, link=link)
            if isinstance(outcome, Outcome):
                said |= self._given(outcome)
        self.log.clear()
        found = self.monitor.publish(world.wall)
        self.monitor.save(world.wall)
        self._check(found, said)
        self.post.round(self._concerns, lambda: self.monitor.save(world.wall))
        self.last = found
        self.came.clear()

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
            until = self.world.true + seconds
            self.snoozes[which] = max(until, self.snoozes.get(which, 0.0))  # a kill may lose a shorter one
        if dice.random() < 0.004:
            self._watch(dice.choice(((1, 2, 3), (1, 2), (2, 3), (1,), (3, 1))))
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
            self.limits = dice.choice(LIMITS)
            minute = local(now).minute
            digest = (minute + dice.randrange(1, 90)) % 1440 if dice.random() < 0.5 else self.rulebook.digest
            if digest != self.rulebook.digest:  # at another hour than before the next one may be tomorrow's
                self.asked_at = local(now) if self.rulebook.digest is None else None
            hours = Quiet(minute, (minute + dice.randrange(10, 200)) % 1440) if dice.random() < 0.5 else None
            window = Maintenance(now + dice.uniform(-100, 500), now + dice.uniform(500, 4000), dice.choice(("", "lab")))
            windows = (window,) if dice.random() < 0.5 else ()
            self.rulebook = Rulebook(quiet=hours, maintenance=windows, digest=digest)
            for known in self.known.values() if old != self.limits else ():
                known.told = None
        luck, who = dice.random(), self.watched
        lost_file, other = luck < 0.1, dice.choice(((1, 2), (2, 3), (1, 2, 3)))
        self.start(watched=() if lost_file else other if luck < 0.2 else None)
        if lost_file:
            self.monitor.publish(now)
            self._watch(self.watched)
        self.log.clear()
        found = self.monitor.publish(now)
        told = [alert for alert in self.log if alert.kind not in {"held", "digest", "engine"} and not alert.escalated
                and not alert.snoozed_until and alert.id not in before]  # fmt: skip
        assert not [alert for alert in told if alert.kind != "blind"], f"told again after a restart: {told}"
        waiting = {number for number, alert in before.items() if alert.acked_at is None and self._concerns(alert)}
        if self.watched != who:  # of those that are left, one about several may be over
            waiting = {number for number in waiting if len(before[number].about) == 1}
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
            calm = self._level(known, 1.021, 1.51) if known.limits == self.limits and old is not None else ORDER[-1]
            nearest = position.nearest if position.has_debt else None
            known.health, known.limits = health, self.limits
            known.distance = abs(nearest.move) if nearest is not None else None
            level = self._level(known)
            if level is not None and (calm is None or ORDER.index(level) > ORDER.index(calm)):
                said.add((key, level))
        gone = [key for key in self.known if Spot(*key[1:4]) in outcome.covered
                and key.chain_id == outcome.chain_id and key not in outcome.positions]  # fmt: skip
        for key in gone:
            del self.known[key]
        return said

    def _daily(self):
        """σ, as the engine has it: that it is right is another test's affair."""
        return self.monitor._sigmas.by_factor().get("eth")

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
        self._people(found)
        self._digest(found)
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
        seen = row.position is not None and row.freshness is not Freshness.BLIND and known.limits == self.limits
        level = self._level(known, sigmas=seen)  # by a σ that changed since it was read nobody is judged
        if level is not None:
            loud = [alert for alert in alerts if alert.kind in STEPS and alert.severity.rank <= level.rank]
            assert loud, f"{row.id} is {level} by {known.health / WAD} and nothing of that stands"
            assert any(alert.id in self.posted for alert in loud)
            if row.position is not None and row.position.health.shown is not None:
                assert row.severity.rank <= level.rank, f"{row.id} is {level} and shown as {row.severity}"

    def _level(self, known, band=1.0, wide=1.0, *, sigmas=True):
        return known.level(self._daily() if sigmas else None, band, wide)

    def _endless(self, now):
        """What was said is not said again before it was a band over it; nothing comes too often."""
        names = {str(key): known for key, known in self.known.items()}
        for known in self.known.values():
            cleared = self._level(known, 1.02, 1.5)
            if known.told in ORDER and (cleared is None or ORDER.index(cleared) < ORDER.index(known.told)):
                known.told = cleared
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

    def _people(self, found):
        """Nobody but who is watched has a row, is called, or is told to have opened what he had before."""
        who = {address(number) for number in self.watched}
        assert {row.key.wallet for row in found.rows} <= who
        for alert in found.alerts:
            assert self._concerns(alert) or not pending(alert), f"about nobody: {alert}"
        for alert in self.log:
            assert self._concerns(alert) or alert.over_at is not None, f"told of nobody: {alert}"
            came = [position for position in alert.about if position.rpartition(":")[2] in self.came]
            assert not came or alert.kind != "opened", f"was there before: {alert}"

    def _digest(self, found):
        """One a day, at its hour or when the quiet hours end."""
        at, minute = local(found.at), self.rulebook.digest
        told = [alert for alert in self.log if alert.kind == "digest"]
        if minute is None:
            assert not told
            return
        day = at.day if at.minute >= minute else at.day - 1
        if self.jumped > self.world.true - 172_800:
            self.summed.update([day] if told else [])
            return
        assert len(told) <= 1
        if told:
            assert day not in self.summed, "a second summary of a day"
        elif self.asked_at is not None and day == self.asked_at.day and self.asked_at.minute < minute:
            assert day in self.summed or self._quiet(found.at) or not found.ready, "no summary"
        self.summed.update([day] if told else [])

    def _quiet(self, wall):
        hours, minute = self.rulebook.quiet, local(wall).minute
        return hours is not None and ((hours.start <= minute < hours.end) if hours.start <= hours.end
                                      else minute >= hours.start or minute < hours.end)  # fmt: skip

    def _verdict(self, found):
        bad = any(row.severity is not Severity.OK for row in found.rows)
        told = verdict.of(found)
        assert not (bad and told.worst == "ok")
        for chain in found.chains:
            if chain.freshness is Freshness.BLIND:
                assert any(where == chain.name for where, _ in found.unread)

    def _desk(self, found, now):
        wall = found.at
        windows, quiet = [w for w in self.rulebook.maintenance if w.start <= wall < w.end], self._quiet(wall)
        muted = [target for target, until in found.muted if until > wall]
        for target in muted:
            assert now <= self.mutes[target] + SLACK, f"{target} is muted for longer than was asked for"
        by = defaultdict(list)
        for alert in found.alerts:
            for position in alert.about if alert.over_at is None else ():
                by[position].append(alert)
        for alert in found.alerts:
            if alert.held and alert.held != OFF:
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
        if known is None:
            return True
        level = self._level(known, 1.02, 1.5)
        return alert.severity in ORDER and (level is None or ORDER.index(level) < ORDER.index(alert.severity))

    def _small(self, found):
        alarms, positions = self.monitor._alarms, len(self.monitor._held)
        assert len(alarms._memories.keys() - self.monitor._returning.rowless) <= positions
        assert len(alarms._feeds._marks) <= len(self.world.nodes)
        assert len(alarms._state.sent) <= ALERTS_KEPT
        assert len(found.alerts) <= 2 * ALERTS_KEPT
        assert len(found.rows) == positions <= 12
        assert not self.history._facts
