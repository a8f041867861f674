"""An alert in one line: in the pane of the dashboard and in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.ui.apart import fit_named
from liqtui.ui.header import utc
from liqtui.ui.style import LOOKS, fit_words, line, spans_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.strip import Strip

    from liqtui.core.snapshot import Alert
    from liqtui.ui.style import Palette, Span

_DAY = 86_400
_SHORT_TITLE, _TITLE, _LONG_TITLE = 21, 26, 44
"""Cells of what it is about, so that what happened begins in one column."""


def when(at: float, now: float, *, short: bool = False) -> str:
    """Time of day, or the date of what is older than a day; always as wide."""
    if now - at < _DAY:
        return utc(at, "%H:%M" if short else "%H:%M:%S")
    return utc(at, "%b%d" if short else "%b %d  ")


def snoozed(alert: Alert, now: float) -> bool:
    """Whether it waits for somebody, but neither rings nor escalates for a while."""
    return alert.waits and (alert.snoozed_until or 0.0) > now


def _state(alert: Alert, now: float) -> tuple[str, str]:
    """What has become of it, in four letters, and the colour."""
    if snoozed(alert, now):
        return "snzd", "muted"
    if alert.waits:
        return "●new", "strong"
    return (" ack" if alert.acked_at is not None else "   –"), "faint"


def alert_line(
    palette: Palette, alert: Alert, now: float, width: int, *, chosen: bool, marks: Iterable[Span] = ()
) -> Strip:
    """When, how bad, what about, what, and what became of it; `marks`: how it was delivered, where there is room."""
    on = "cursor" if chosen else ""
    ink = palette.style("ink" if alert.waits else "muted", on=on)
    roomy = width >= 60
    head: list[Span] = [
        ("›" if chosen else " ", palette.style("key", bold=True, on=on)),
        (f"{when(alert.at, now, short=not roomy)} ", palette.style("muted", on=on)),
        (f"{LOOKS[alert.severity].glyph} ", palette.severity(alert.severity, on=on)),
    ]
    state, variable = _state(alert, now)
    tail: list[Span] = [*(marks if roomy else ())]
    tail.append((f" {state} ", palette.style(variable, bold=variable == "strong", on=on)))
    room = width - spans_width(head) - spans_width(tail)
    if roomy:
        title = min(_LONG_TITLE, max(_TITLE, width // 5)) if width >= 100 else _SHORT_TITLE
        told = fit_words(alert.text, room - title - 2)
        body: list[Span] = [(fit_named(alert.title, title), ink), ("  ", ink), (told, ink)]
    else:
        body = [(fit_words(f"{alert.title}  {alert.text}", room), ink)]
    return line([*head, *body, *tail], width, palette.style(on=on))
