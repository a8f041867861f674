"""Which alert goes to which channel, and how far it got.

What stands here is kept in the history, written in the transaction of the alert itself; where the history cannot be
used, it is kept in memory and leaves all the same. One sending of one alert to one channel has one entry, whatever
happens to it; an escalation is a sending of its own. All of it is touched in the engine's thread only.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.letters import places
from liqtui.core.snapshot import ChannelState, Delivery, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liqtui.core.clock import Clock
    from liqtui.core.rules import ChannelSpec
    from liqtui.core.snapshot import Alert
    from liqtui.engine.history import History

GIVE_UP = 86_400.0
"""Seconds of trying in one run after which an alert that could not be delivered is given up."""
FORGET = 7 * 86_400.0
"""Seconds after which what is held is no longer looked at."""
AILING = 900.0
"""Seconds for which a channel may fail while something waits before that is an alert, for the other channels."""
REFUSALS = 4
"""How often one message alone may be refused, in its plainest form, before it is given up."""
NOBODY = "not sent: its wallet is not watched any more"
NOWHERE = "its channel is not configured any more"
_KEPT = 5_000
"""Finished entries that stay in memory for the screen."""
_OPEN = (DeliveryState.WAITING, DeliveryState.SENDING)

Key = tuple[int, str, int]
"""(alert id, channel, escalation)"""


class Sending(NamedTuple):
    """One sending of one alert to one channel, as it is kept."""

    alert: int
    """Alert id."""
    channel: str
    escalation: int
    """0: the alert itself."""
    state: str
    """Of `snapshot.DeliveryState`."""
    tries: int
    made_at: float
    at: float
    """Of the last change of state."""
    next_at: float | None
    reason: str


@dataclass(slots=True)
class Entry:
    """One sending of one alert to one channel."""

    alert: Alert
    sending: Sending
    posted: float
    """Monotonic time, in this run: a clock that is set must give up nothing, nor one that was set when an earlier run
    posted it.
    """
    tried: bool = False
    """In this run."""
    refused: int = 0
    """How often this message, and not the channel, was found at fault, by the channel or by an error of ours."""
    rests_until: float = 0.0
    """Monotonic time before which a refused message is not tried again."""

    @property
    def key(self) -> Key:
        return self.sending[:3]

    @property
    def state(self) -> DeliveryState:
        return DeliveryState(self.sending.state)


class Outbox:
    def __init__(self, channels: Sequence[ChannelSpec], history: History, clock: Clock) -> None:
        """With what earlier runs left: what was being sent is sent again, because nobody knows how far it got."""
        self.version = 0
        """Grows with every change."""
        self.wanted: Callable[[Alert], bool] = lambda _: True
        """Whether an alert still concerns anybody: what does not is given up, whatever it waited for."""
        self._channels = {spec.name: spec for spec in channels}
        self._history = history
        self._clock = clock
        self._entries: dict[Key, Entry] = {}
        self._open: dict[str, dict[Key, Entry]] = {name: {} for name in self._channels}
        self._errors: dict[str, str] = {}
        self._lost: dict[str, int] = {}
        self._good: dict[str, float] = {}
        self._moved_at: dict[str, float] = {}
        """Monotonic time of the last delivery."""
        self._asked: tuple[int, int, int] | None = None
        self._shown: tuple[Delivery, ...] = ()
        self._woken = {name: asyncio.Event() for name in self._channels}
        stranded: list[Entry] = []
        for alert, kept in history.sendings() if channels else ():
            sending = Sending(*kept)
            entry = Entry(replace(alert, escalated=sending.escalation), sending, clock.monotonic())
            self._note(entry)
            if sending.channel not in self._channels and entry.state in _OPEN:
                stranded.append(entry)
            if sending.state == DeliveryState.DELIVERED:
                self._good[sending.channel] = max(sending.at, self._good.get(sending.channel, 0.0))
        for name in self._channels:
            self.recover(name)
        for entry in stranded:  # renamed, or another one in its place: who has it already is not sent it twice
            self._move(entry, DeliveryState.FAILED, NOWHERE)
            self.post(entry.alert)

    # -- alerts come in ------------------------------------------------------------------------------------------

    def post(self, alert: Alert) -> None:
        """Take an alert that is new, escalated, or held no longer, for every channel that wants it.

        Whatever already has its entry keeps it: posting twice sends once. One of another time is another one: the log
        that numbered it was lost.
        """
        for name, spec in self._channels.items():
            if not _wants(spec, alert):
                continue
            found = self._entries.get((alert.id, name, alert.escalated))
            state = DeliveryState.HELD if alert.held else DeliveryState.WAITING
            if found is not None and found.state is not DeliveryState.HELD and found.alert.at == alert.at:
                continue
            now = self._clock.now()
            sending = Sending(alert.id, name, alert.escalated, state, 0, now, now, None, alert.held)
            self._put(Entry(alert, sending, self._clock.monotonic()))
            self._woken[name].set()

    # -- and go out ----------------------------------------------------------------------------------------------

    def due(self, channel: str) -> list[Entry]:
        """What may be sent now, oldest first. Nothing overtakes an earlier alert about the same position."""
        moment = self._clock.monotonic()
        found: list[Entry] = []
        behind: set[str] = set()
        for entry in list(self._open[channel].values()):
            if not self.wanted(entry.alert):
                self._move(entry, DeliveryState.FAILED, NOBODY)
                continue
            if entry.tried and moment - entry.posted > GIVE_UP:
                why = f"given up after {entry.sending.tries} tries in 24 h: {entry.sending.reason or 'not tried'}"
                self.give_up([entry], why)
                continue
            about = places(entry.alert)
            if entry.rests_until > moment or behind.intersection(about):
                behind.update(about)
            else:
                found.append(entry)
        return found

    def rests(self, channel: str) -> float | None:
        """Seconds until something that rests may be tried again; None where nothing does."""
        moment = self._clock.monotonic()
        return min((entry.rests_until - moment for entry in self._open[channel].values()), default=None)

    async def wait(self, channel: str, seconds: float | None) -> None:
        """Until something comes in, or so long."""
        event = self._woken[channel]
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    def sending(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            entry.tried = True
            self._move(entry, DeliveryState.SENDING)

    def delivered(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._move(entry, DeliveryState.DELIVERED)
            name = entry.sending.channel
            self._good[name], self._moved_at[name] = self._clock.now(), self._clock.monotonic()
            self._errors.pop(name, None)
            self._lost.pop(name, None)

    def put_off(self, entries: Iterable[Entry], reason: str, seconds: float, *, refused: bool = False) -> None:
        """It did not leave and is tried again. `refused`: because of what it says, so it alone has to rest."""
        for entry in entries:
            if refused:
                entry.refused += 1
                entry.rests_until = self._clock.monotonic() + seconds
            self._move(entry, DeliveryState.WAITING, reason, self._clock.now() + seconds)
            self._errors[entry.sending.channel] = reason

    def give_up(self, entries: Iterable[Entry], reason: str) -> None:
        for entry in entries:
            self._move(entry, DeliveryState.FAILED, reason)
            name = entry.sending.channel
            self._errors[name] = reason
            self._lost[name] = self._lost.get(name, 0) + 1

    def recover(self, channel: str) -> None:
        """What was being sent when nobody saw its end waits again."""
        for entry in list(self._open[channel].values()):
            if entry.state is DeliveryState.SENDING:
                self._move(entry, DeliveryState.WAITING, "interrupted", self._clock.now())

    # -- how it stands -------------------------------------------------------------------------------------------

    def deliveries(self, alerts: Sequence[Alert]) -> tuple[Delivery, ...]:
        """Of these alerts, newest first; of each alert and channel the last escalation."""
        asked = (self.version, len(alerts), alerts[0].id if alerts else 0)
        if asked != self._asked:
            self._asked, self._shown = asked, self._deliveries({alert.id for alert in alerts})
        return self._shown

    def _deliveries(self, wanted: set[int]) -> tuple[Delivery, ...]:
        newest: dict[tuple[int, str], Sending] = {}
        for number, name, escalation in self._entries:
            if number in wanted:
                known = newest.get((number, name))
                if known is None or known.escalation < escalation:
                    newest[number, name] = self._entries[number, name, escalation].sending
        return tuple(
            Delivery(one.alert, one.channel, DeliveryState(one.state), one.tries, one.at, one.next_at, one.reason)
            for one in newest.values()
        )

    def channels(self) -> tuple[ChannelState, ...]:
        errors = {**self.ailing(), **self._errors}
        return tuple(
            ChannelState(name, spec.kind, len(self._open[name]), self._good.get(name), errors.get(name, ""))
            for name, spec in self._channels.items()
        )

    def ailing(self) -> Mapping[str, str]:
        """Channels that have taken nothing for long while something waits, and why."""
        moment, found = self._clock.monotonic(), dict[str, str]()
        for name, waiting in self._open.items():
            since = min((entry.posted for entry in waiting.values()), default=moment)
            if moment - max(since, self._moved_at.get(name, since)) >= AILING:
                found[name] = self._errors.get(name, "it hangs")
        return found

    def remarks(self) -> tuple[str, ...]:
        """What the person has to know: that alerts do not arrive."""
        return tuple(
            f"channel {name}: alerts do not arrive ({waiting}{given}): {error}"
            for name, error in self._errors.items()
            for waiting in (f"{len(self._open[name])} wait",)
            for given in (f", {self._lost[name]} given up" if name in self._lost else "",)
        )

    # -- keeping -------------------------------------------------------------------------------------------------

    def _move(self, entry: Entry, state: DeliveryState, reason: str = "", next_at: float | None = None) -> None:
        old = entry.sending
        tries = old.tries + (state is DeliveryState.SENDING)
        entry.sending = old._replace(state=state, tries=tries, at=self._clock.now(), next_at=next_at, reason=reason)
        self._put(entry)

    def _put(self, entry: Entry) -> None:
        self._note(entry)
        self._history.sending(entry.sending)
        if len(self._entries) > _KEPT:
            self._forget()

    def _note(self, entry: Entry) -> None:
        self.version += 1
        self._entries[entry.key] = entry
        mine = self._open.get(entry.sending.channel)
        if mine is not None:
            if entry.state in _OPEN:
                mine[entry.key] = entry  # keeps its place where it has one: that is the order
            else:
                mine.pop(entry.key, None)

    def _forget(self) -> None:
        """The oldest that are finished, and what was held for too long."""
        old = self._clock.now() - FORGET
        over = [
            key
            for key, entry in self._entries.items()
            if entry.state not in _OPEN and (entry.state is not DeliveryState.HELD or entry.sending.made_at < old)
        ]
        for key in sorted(over)[: len(self._entries) - _KEPT // 2]:
            del self._entries[key]


def _wants(spec: ChannelSpec, alert: Alert) -> bool:
    if alert.kind == "digest":
        return spec.digest
    return alert.level.rank >= spec.level.rank
