"""The `/` line of the alert log: words that an alert must (or with `!` must not) match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from liqtui.core.snapshot import DeliveryState
from liqtui.core.states import Level, Severity
from liqtui.ui.alert_line import snoozed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from liqtui.core.snapshot import Alert, Delivery

    Test = Callable[["Entry"], bool]

_FIELD = re.compile(r"^(kind|level|sev|is|channel):(.*)$")

HELP = (
    ("treasury", "title, text, cure or wallet holds these letters together"),
    ("!blind", "alerts without a match"),
    ("kind:velocity", "of that rule"),
    ("level:critical", "that loud or louder"),
    ("sev:warn", "about something as bad or worse"),
    ("is:open", "waiting for you; also is:acked is:over is:snoozed is:held is:failed"),
    ("channel:ntfy", "that went, or is to go, to that channel"),
)
"""For the help page: example and meaning."""


@dataclass(frozen=True)
class Entry:
    """An alert with how it fares on the channels."""

    alert: Alert
    deliveries: Collection[Delivery] = ()
    now: float = 0.0

    @property
    def open(self) -> bool:
        """Waiting for somebody's acknowledgement."""
        return self.alert.waits

    @property
    def snoozed(self) -> bool:
        return snoozed(self.alert, self.now)


@dataclass(frozen=True)
class AlertFilter:
    """A filter as typed. All words must hold; an empty one lets everything pass."""

    text: str = ""

    def matches(self, entry: Entry) -> bool:
        return all(test(entry) for test in self._tests)

    @cached_property
    def _tests(self) -> tuple[Test, ...]:
        return tuple(_term(word) for word in self.text.casefold().split())


def _term(word: str) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _term(word[1:])
        return lambda entry: not inner(entry)
    if found := _FIELD.match(word):
        return _field(found[1], found[2])

    def holds(entry: Entry) -> bool:
        alert = entry.alert
        places = (alert.title, alert.text, alert.cure, *alert.positions, *(value for _, value in alert.facts))
        return any(word in place.casefold() for place in places)

    return holds


def _field(name: str, wanted: str) -> Test:
    match name:
        case "kind":
            return lambda entry: entry.alert.kind.startswith(wanted)
        case "level":
            floor = next((level.rank for level in Level if wanted and level.value.startswith(wanted)), None)
            return lambda entry: floor is not None and entry.alert.level.rank >= floor
        case "sev":
            worst = next((each.rank for each in Severity if wanted and each.value.startswith(wanted)), -1)
            return lambda entry: entry.alert.severity.rank <= worst
        case "channel":
            return lambda entry: any(delivery.channel.casefold().startswith(wanted) for delivery in entry.deliveries)
        case _:
            return _state(wanted)


def _state(wanted: str) -> Test:
    states: dict[str, Test] = {
        "open": lambda entry: entry.open,
        "acked": lambda entry: entry.alert.acked_at is not None,
        "over": lambda entry: entry.alert.over_at is not None,
        "snoozed": lambda entry: entry.snoozed,
        "held": lambda entry: bool(entry.alert.held),
        "failed": lambda entry: any(delivery.state is DeliveryState.FAILED for delivery in entry.deliveries),
    }
    found = [test for state, test in states.items() if wanted and state.startswith(wanted)]
    return found[0] if found else _never


def _never(entry: Entry) -> bool:
    del entry
    return False
