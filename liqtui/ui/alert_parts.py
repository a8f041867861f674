"""How an alert looks: its line in the log, and everything about it in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.rules import KINDS
from liqtui.core.snapshot import DeliveryState
from liqtui.core.text import clean
from liqtui.ui.alert_line import alert_line, when
from liqtui.ui.header import utc
from liqtui.ui.sheet import Box, wrap
from liqtui.ui.style import fit, spans_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.strip import Strip

    from liqtui.core.snapshot import Delivery
    from liqtui.ui.alert_filter import Entry
    from liqtui.ui.style import Palette, Span

_NAMED = frozenset({"wallet", "label", "chain", "protocol", "market", "market_id", "position"})
"""Facts that say which position it is: the title and the id say the same."""
_LABEL = 8
_DELIVERY_MARKS = {
    DeliveryState.DELIVERED: ("✓", "severity-ok"),
    DeliveryState.FAILED: ("✗", "severity-critical"),
    DeliveryState.HELD: ("–", "muted"),
    DeliveryState.SENDING: ("…", "muted"),
    DeliveryState.WAITING: ("…", "muted"),
}
_WORDS = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.FAILED: "given up",
    DeliveryState.HELD: "held back",
    DeliveryState.SENDING: "being sent",
    DeliveryState.WAITING: "waiting",
}


def log_line(palette: Palette, entry: Entry, width: int, *, chosen: bool) -> Strip:
    """One alert in one line, with how it was delivered."""
    marks = _marks(palette, entry.deliveries, "cursor" if chosen else "")
    return alert_line(palette, entry.alert, entry.now, width, chosen=chosen, marks=marks)


def _marks(palette: Palette, deliveries: Iterable[Delivery], on: str) -> list[Span]:
    """A sign for each kind of fate, with its number: " ✓2 ✗1"."""
    count: dict[tuple[str, str], int] = {}
    for delivery in deliveries:
        look = _DELIVERY_MARKS[delivery.state]
        count[look] = count.get(look, 0) + 1
    looks = [look for look in dict.fromkeys(_DELIVERY_MARKS.values()) if look in count]
    return [(f" {mark}{count[mark, variable]}", palette.style(variable, on=on)) for mark, variable in looks]


def alert_box(palette: Palette, entry: Entry, width: int) -> Box:
    """Why it spoke, with the figures; what to do; where it went; what became of it. `width` cells inside."""
    alert = entry.alert
    box = Box(f"{alert.kind} · {clean(alert.title, 60)}", right=alert.level.value)
    strong = palette.style("strong", bold=True)
    box.lines += [[(text, strong)] for text in wrap(alert.text, width)]
    if alert.cure:
        box.lines += [[(text, palette.style("key"))] for text in wrap(alert.cure, width)]
    box.lines += _labelled(palette, "why", KINDS.get(alert.kind, alert.kind), width)
    several = alert.positions if len(alert.positions) > 1 else ()
    known = {*several, *(_NAMED if alert.position else ())}
    box.lines += _facts(palette, [fact for fact in alert.facts if fact[0] not in known], width)
    if alert.position and not several:
        box.lines += _labelled(palette, "about", clean(alert.position, 200), width)
    box.lines += _labelled(palette, "since", _life(entry), width)
    box.lines += [_delivery(palette, delivery, entry.now, width) for delivery in entry.deliveries]
    told = dict(alert.facts)
    for place, position in enumerate(several):
        box.lines += _labelled(palette, "" if place else "each", clean(told.get(position, position), 300), width)
    return box


def _labelled(palette: Palette, label: str, words: str, width: int) -> list[list[Span]]:
    """Label and text, which goes on under itself: nothing is cut."""
    return [
        [(fit("" if place else label, _LABEL), palette.style("muted")), (part, palette.style())]
        for place, part in enumerate(wrap(words, max(width - _LABEL, 8)))
    ]


def _facts(palette: Palette, facts: Iterable[tuple[str, str]], width: int) -> list[list[Span]]:
    """Name and value side by side, as many to a line as fit."""
    lines: list[list[Span]] = []
    head: Span = (fit("figures", _LABEL), palette.style("muted"))
    current: list[Span] = []
    for name, value in facts:
        pair: list[Span] = [
            (f"{clean(name.replace('_', ' '))} ", palette.style("muted")),
            (f"{clean(value, 60)}   ", palette.style()),
        ]
        if current and spans_width([head, *current, *pair]) > width:
            lines.append([head, *current])
            head, current = (" " * _LABEL, palette.style()), []
        current += pair
    return [*lines, [head, *current]] if current else lines


def _life(entry: Entry) -> str:
    alert, now = entry.alert, entry.now
    parts = [f"{when(alert.at, now).strip()} raised"]
    if alert.escalated:
        parts.append(f"escalated {alert.escalated}×")
    if alert.acked_at is not None:
        parts.append(f"acknowledged {when(alert.acked_at, now).strip()}")
    if entry.snoozed and alert.snoozed_until is not None:
        parts.append(f"snoozed until {utc(alert.snoozed_until, '%H:%M')}Z")
    if alert.over_at is not None:
        parts.append(f"over {when(alert.over_at, now).strip()}")
    if alert.held:
        parts.append(f"kept quiet: {clean(alert.held, 60)}")
    return " · ".join(parts)


def _delivery(palette: Palette, delivery: Delivery, now: float, width: int) -> list[Span]:
    mark, variable = _DELIVERY_MARKS[delivery.state]
    words = f"{_WORDS[delivery.state]} {when(delivery.at, now).strip()}"
    if delivery.tries > 1:
        words += f", {delivery.tries} tries"
    if delivery.reason:
        words += f": {clean(delivery.reason, 120)}"
    if delivery.next_at is not None and delivery.state is DeliveryState.WAITING:
        words += f"; again {utc(delivery.next_at)}"
    name = fit(clean(delivery.channel), 12)
    return [
        ("sent    ", palette.style("muted")),
        (f"{mark} ", palette.style(variable)),
        (f"{name} ", palette.style()),
        (fit(words, max(0, width - 23)), palette.style("muted")),
    ]


def plain_text(entry: Entry) -> str:
    """For the clipboard."""
    alert = entry.alert
    lines = [f"{utc(alert.at, '%Y-%m-%d %H:%M:%SZ')} {alert.level.value} {alert.title}: {alert.text}"]
    lines += [alert.cure] if alert.cure else []
    lines += [f"{name}: {value}" for name, value in alert.facts]
    lines += [f"{d.channel}: {_WORDS[d.state]}{f', {d.reason}' if d.reason else ''}" for d in entry.deliveries]
    return "\n".join(lines)
