"""A channel that lives by dice, driven by hand in the place of the courier, and an account of what it was owed."""

from liqtui.core.snapshot import DeliveryState, Level

LATE = 1500
"""Seconds after which what a channel could take was sent."""


class Post:
    """Also the outbox's clock: its wall is the world's, and nobody sets the time that passes."""

    def __init__(self, world, dice):
        self._world, self._dice = world, dice
        self._down = self._well = 0.0
        """True time until which it takes nothing, and since when it does."""
        self.owed = {}
        """(alert, escalation) → true time since which it waits."""
        self.given, self._unsure = set(), set()
        self._alerts = {}

    def now(self):
        return self._world.wall

    def monotonic(self):
        return self._world.true

    def opens(self, outbox):
        """Another run begins: what was being sent when the one before ended may have arrived."""
        self._outbox = outbox

    def takes(self, alert):
        """What the desk posts."""
        self._outbox.post(alert)
        wanted = alert.kind == "digest" or alert.level.rank >= Level.CALL.rank
        key = alert.id, alert.escalated
        if wanted and not alert.held and key not in self.given:
            self.owed.setdefault(key, self._world.true)
            self._alerts[key] = alert

    def round(self, concerns, save):
        """Send what is due, as well as it goes. `concerns`: whether an alert is about somebody who is watched."""
        world, dice, outbox = self._world, self._dice, self._outbox
        if dice.random() < 0.004:
            self._down = world.true + dice.expovariate(1 / 900)
        if world.true < self._down:
            self._well = world.true
        entries = outbox.due("hook")
        for _ in range(4):
            if not entries or dice.random() < 0.1:
                break
            outbox.sending(entries[:1])
            save()
            self._send(entries[0])
            save()
            entries = outbox.due("hook")
        self.owed = {key: at for key, at in self.owed.items() if concerns(self._alerts[key])}
        for key, at in self.owed.items():
            assert world.true - max(at, self._well) < LATE, f"never left: {self._alerts[key]}"
        assert len(outbox._open["hook"]) <= len(self.owed) + len(self._unsure) + 1

    def _send(self, entry):
        key = entry.alert.id, entry.sending.escalation
        if self._world.true < self._down or self._dice.random() < 0.05:
            self._outbox.put_off([entry], "no luck", 30)
            return
        if self._dice.random() < 0.02:  # it arrives, and nobody hears that it did
            self._unsure.add(key)
            self.given.add(key)
            return
        assert key not in self.given or key in self._unsure, f"twice: {entry.alert}"
        self.given.add(key)
        self._unsure.discard(key)
        self.owed.pop(key, None)
        self._outbox.delivered([entry])
        assert entry.state is DeliveryState.DELIVERED
