"""Takes alerts from the outbox to their channels: one task for each, so that one that hangs holds no other.

A channel sends one message at a time. What fails is tried again after a while that doubles, or as long as the
receiver asks for; what waits meanwhile, or comes faster than the channel may send, leaves together in one message.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from typing import TYPE_CHECKING

from liqtui.engine.channels import UnsentError, sender
from liqtui.engine.outbox import REFUSALS
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.clock import Clock
    from liqtui.core.rules import ChannelSpec
    from liqtui.engine.channels import Sender
    from liqtui.engine.outbox import Entry, Outbox

BACK_OFF, BACK_OFF_MAX = 1.0, 300.0
"""Seconds after the first failure, doubled with each further one, up to the second."""
WAIT_MAX = 3600.0
"""Seconds that a receiver may ask for at most: an alert is not put off for longer."""
SINGLY = 3
"""What waits together leaves in one message when it is more than so many."""
MOST = 200
"""Alerts in one message; more wait for the next."""
_MINUTE = 60.0
_BREATH = 0.05
"""Seconds between two looks at least: a clock may stand still."""


class Courier:
    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        *,
        save: Callable[[], None],
        changed: Callable[[], None],
        make: Callable[[ChannelSpec], Sender] = sender,
    ) -> None:
        """`save` writes the outbox and the alerts; `changed` tells that a delivery ended one way or the other."""
        self._outbox = outbox
        self._clock = clock
        self._save = save
        self._changed = changed
        self._make = make
        self._under_way = 0
        self._resting = False
        self._moved = asyncio.Event()

    async def rest(self, patience: float) -> None:
        """Send nothing more, and let what is on its way arrive, for so many seconds at most."""
        self._resting = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._under_way:
                    self._moved.clear()
                    await self._moved.wait()

    async def run(self, spec: ChannelSpec) -> None:
        """Serve one channel until `rest` is asked for."""
        line = _Line(spec, self._clock, self._make)
        self._outbox.recover(spec.name)
        try:
            while True:
                entries = await self._next(line)
                if self._resting:
                    return
                self._under_way += 1
                try:
                    await self._deliver(line, entries)
                finally:
                    self._under_way -= 1
                    self._moved.set()
        finally:
            self._outbox.recover(spec.name)
            await line.close()

    async def _next(self, line: _Line) -> Sequence[Entry]:
        """What the next message is about; waits until there is something and the channel may send."""
        name = line.spec.name
        while True:
            pause = line.pause()
            if pause <= 0:
                due = self._outbox.due(name)
                if due:
                    return _batch(due, line.left())
                rests = self._outbox.rests(name)
                await self._outbox.wait(name, None if rests is None else max(rests, _BREATH))
            else:
                await asyncio.sleep(max(pause, _BREATH))

    async def _deliver(self, line: _Line, entries: Sequence[Entry]) -> None:
        self._outbox.sending(entries)
        self._save()
        fault = await line.send(entries)
        if fault is None:
            line.fails = 0
            self._outbox.delivered(entries)
        elif not (fault.refused or fault.ours):
            seconds = line.rest(fault.wait)
            self._outbox.put_off(entries, str(fault), seconds)
        elif fault.refused and len(entries) == 1 and entries[0].refused + 1 >= REFUSALS:
            self._outbox.give_up(entries, f"refused {REFUSALS} times: {fault}")
        else:
            seconds = back_off(entries[0].refused)
            self._outbox.put_off(entries, str(fault), seconds, refused=True)
        self._save()
        self._changed()


class _Line:
    """How one channel fares: its sender, its pace, and how long it rests."""

    def __init__(self, spec: ChannelSpec, clock: Clock, make: Callable[[ChannelSpec], Sender]) -> None:
        self.spec = spec
        self.fails = 0
        """Since the last success."""
        self._clock = clock
        self._make = make
        self._sender: Sender | None = None
        self._sent: deque[float] = deque(maxlen=spec.per_minute)
        self._rests_until = 0.0

    async def send(self, entries: Sequence[Entry]) -> UnsentError | None:
        """None when the receiver has it."""
        from liqtui.core.letters import letter

        self._sent.append(self._clock.monotonic())
        try:
            about = letter((entry.alert for entry in entries), self._clock.now())
            self._sender = self._sender or self._make(self.spec)
            async with asyncio.timeout(self.spec.timeout):
                await self._sender.send(about)
        except UnsentError as fault:
            return fault
        except TimeoutError:
            return UnsentError(f"not done within {self.spec.timeout:g} s")
        except Exception as fault:  # noqa: BLE001 - a fault of ours must not end the deliveries either
            return UnsentError(words(fault), ours=True)
        return None

    def left(self) -> int:
        """Messages that may still be sent within this minute."""
        since = self._clock.monotonic() - _MINUTE
        return self.spec.per_minute - sum(1 for at in self._sent if at > since)

    def pause(self) -> float:
        """Seconds until a message may be sent."""
        now = self._clock.monotonic()
        full = self._sent[0] + _MINUTE - now if self.left() <= 0 else 0.0
        return max(full, self._rests_until - now)

    def rest(self, asked: float | None) -> float:
        """Rest after a failure; returns for how many seconds."""
        seconds = back_off(self.fails) if asked is None else min(max(asked, BACK_OFF), WAIT_MAX)
        self.fails += 1
        self._rests_until = self._clock.monotonic() + seconds
        return seconds

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()


def back_off(fails: int) -> float:
    """Seconds: doubled with each failure, less up to a half by chance, so that not all come back at once."""
    return min(BACK_OFF_MAX, BACK_OFF * 2.0 ** min(fails, 30)) * random.uniform(0.5, 1.0)  # noqa: S311


def _batch(due: Sequence[Entry], left: int) -> Sequence[Entry]:
    """One at a time where few wait; else all together. What was refused goes alone, to hold up nothing else."""
    alone = next((entry for entry in due if entry.refused), None)
    if alone is not None:
        return [alone]
    return due[:MOST] if len(due) > min(left, SINGLY) else due[:1]
