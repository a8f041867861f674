"""History, outbox and courier, and what is sent with them."""

import asyncio
import contextlib
from dataclasses import replace

from liqtui.core.clock import SystemClock
from liqtui.core.rules import ChannelSpec
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.engine.courier import Courier
from liqtui.engine.history import History
from liqtui.engine.outbox import Outbox

SECRET = "s3cret-t0ken"


PATIENCE = 5.0


def alert(number, position="p1", **more):
    fields = {"level": Level.CRITICAL, "positions": (position,), "position": position, "text": f"HF 1.{number:03}"}
    now = SystemClock().now()
    fields |= {"kind": "threshold", "title": f"t{number}"}
    return Alert(number, now, Severity.CRITICAL, **(fields | more))


def webhook(receiver, name="hook", **more):
    url = f"http://127.0.0.1:{receiver.port}/{SECRET}"
    return ChannelSpec(name, "webhook", **({"url": url, "timeout": 5.0, "per_minute": 600} | more))


class Corrected(SystemClock):
    """The machine learns what day it is; or wakes up on another."""

    def __init__(self):
        self.ahead = 0.0

    def now(self):
        return super().now() + self.ahead


class Office:
    """History, outbox and courier, as the engine has them."""

    def __init__(self, *specs, folder=None, clock=None):
        self.specs, self.clock = specs, clock or SystemClock()
        self.history = History(folder)
        self.outbox = Outbox(specs, self.history, self.clock)
        self.changes = 0
        self.courier = Courier(self.outbox, self.clock, save=self.save, changed=self.change)

    def save(self):
        self.history.flush(self.clock.now())

    def change(self):
        self.changes += 1

    def post(self, *alerts):
        for one in alerts:
            self.history.alert(one)
            self.outbox.post(one)
        self.alerts = alerts
        self.save()

    @contextlib.asynccontextmanager
    async def open(self):
        tasks = [asyncio.create_task(self.courier.run(spec)) for spec in self.specs]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.save()

    def close(self):
        self.history.close()

    def states(self, *alerts):
        found = {(one.alert, one.channel): one for one in self.outbox.deliveries(alerts or self.alerts)}
        return {number: one.state for (number, _), one in sorted(found.items())}

    def delivery(self, number):
        (one,) = [one for one in self.outbox.deliveries([replace(self.alerts[0], id=number)]) if one.alert == number]
        return one

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - the condition lies in another thread
                await asyncio.sleep(0.005)

    async def over(self):
        """Until nothing waits any more."""
        await self.until(lambda: not any(channel.pending for channel in self.outbox.channels()))
