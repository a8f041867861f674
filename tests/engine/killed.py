"""Runs deliveries in a process that kills itself at step K: `python -m tests.engine.killed FOLDER PORT K`.

A step is any statement that reaches the database, and both sides of every sending. K = 0 kills nothing: what is left
is delivered to its end. Posts the alerts that the log does not have yet, as rules would whose memory was lost too.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from liqtui.core.clock import SystemClock
from liqtui.core.rules import ChannelSpec
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.engine import courier as courier_module
from liqtui.engine.channels import sender
from liqtui.engine.courier import Courier
from liqtui.engine.history import History
from liqtui.engine.outbox import Outbox

AT = time.time() - 60
ALERTS = tuple(
    Alert(number, AT + number, Severity.CRITICAL, "threshold", f"t{number}", "text", f"p{number % 2}",
          level=Level.CRITICAL, positions=(f"p{number % 2}",))
    for number in range(1, 5)
)  # fmt: skip


class Steps:
    def __init__(self, last):
        self.last, self.taken = last, 0

    def __call__(self, *_):
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Stepping:
    """A sender with a step on each side of it."""

    def __init__(self, spec, step):
        self._sender, self._step = sender(spec), step

    async def send(self, letter):
        self._step()
        await self._sender.send(letter)
        self._step()

    async def close(self):
        await self._sender.close()


async def main(folder, port, last):
    courier_module._BREATH = 0.002
    step, clock = Steps(last), SystemClock()
    history = History(folder)
    history._db.set_trace_callback(step)
    spec = ChannelSpec("hook", "webhook", url=f"http://127.0.0.1:{port}/{folder.name}", per_minute=600, timeout=20.0)
    outbox = Outbox([spec], history, clock)
    courier = Courier(
        outbox, clock, save=lambda: history.flush(clock.now()), changed=lambda: None,
        make=lambda found: Stepping(found, step),
    )  # fmt: skip
    task = asyncio.create_task(courier.run(spec))
    known = {alert.id for alert in history.alerts()}
    for alert in ALERTS:
        if alert.id not in known:
            history.alert(alert)
            outbox.post(alert)
            history.flush(clock.now())
        await asyncio.sleep(0.003)
    while outbox.channels()[0].pending:  # noqa: ASYNC110 - nothing else tells
        await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    history.flush(clock.now())
    history.close()


def forked(folder, port, last):
    """Whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        asyncio.run(main(folder, port, last))
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


if __name__ == "__main__":
    where, at = Path(sys.argv[1]), int(sys.argv[2])
    (where / "k0").mkdir()
    asyncio.run(main(where / "k0", at, 0))  # once before the forks, for all that is imported on the way
    number = 1
    while True:
        place = where / f"k{number}"
        place.mkdir()
        whole = forked(place, at, number)
        if not forked(place, at, 0):
            sys.exit(f"step {number}: what was left could not be delivered")
        if whole:
            break
        number += 1
    print(number - 1)
