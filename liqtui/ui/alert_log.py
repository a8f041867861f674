"""The whole alert log as a list with a cursor; under it the chosen alert with all that is known of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from liqtui.ui.alert_filter import AlertFilter, Entry
from liqtui.ui.alert_parts import alert_box, log_line
from liqtui.ui.bindings import bindings
from liqtui.ui.lines import Frame, LineView
from liqtui.ui.sheet import draw, unframed
from liqtui.ui.style import line

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.strip import Strip

    from liqtui.core.snapshot import Alert, Delivery, Snapshot
    from liqtui.ui.sheet import Box
    from liqtui.ui.state import AppState

FRAMED = 60
"""Columns from which the list has a frame."""
_BATCH = 500
"""Older alerts that are fetched at once."""
_LEAST_ROWS = 5


class AlertLog(LineView, can_focus=True):
    """The cursor belongs to an alert, not to a place: it stays there when newer ones come."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page")]

    def __init__(self, state: AppState) -> None:
        super().__init__(state)
        self.filter = AlertFilter()
        self.selected: int | None = None
        """Id of the alert under the cursor; None: the newest."""
        self.top = 0
        self._older: list[Alert] = []
        self._whole = False
        """The log has nothing older than what was fetched."""
        self._entries: tuple[tuple[object, ...], list[Entry]] = ((), [])
        self._seats = 1

    # What there is

    def entries(self) -> list[Entry]:
        """Newest first, filtered. Made once per snapshot, filter and batch."""
        snapshot = self.state.snapshot
        key = (snapshot.version, id(snapshot), self.filter.text, len(self._older))
        if key != self._entries[0]:
            self._entries = key, [entry for entry in self._all(snapshot) if self.filter.matches(entry)]
        return self._entries[1]

    def _all(self, snapshot: Snapshot) -> list[Entry]:
        sent: dict[int, list[Delivery]] = {}
        for delivery in snapshot.deliveries:
            sent.setdefault(delivery.alert, []).append(delivery)
        newest = snapshot.alerts[0].id if snapshot.alerts else 0
        older = (alert for alert in self._older if alert.id < newest)
        known = {alert.id: alert for alert in (*older, *snapshot.alerts)}
        alerts = [known[number] for number in sorted(known, reverse=True)]
        return [Entry(alert, tuple(sent.get(alert.id, ())), snapshot.at) for alert in alerts]

    def fetch(self) -> None:
        """Ask the engine for older ones than are known without a gap: of the oldest in memory some are missing."""
        if self._whole:
            return
        known = self._older[-1:] or self.state.snapshot.alerts
        gaps = (one for one, then in pairwise(known) if then.id != one.id - 1)
        last = next(gaps, known[-1]) if known else None
        found = self.state.engine.alerts(last.id, _BATCH) if last else []
        self._whole = len(found) < _BATCH
        self._older += found

    def search(self, text: str) -> None:
        """Show only what matches. A search looks through the whole log."""
        self.filter = AlertFilter(text.strip())
        while self.filter.text and not self._whole:
            self.fetch()
        self.update()

    @property
    def place(self) -> int:
        return next((n for n, entry in enumerate(self.entries()) if entry.alert.id == self.selected), 0)

    @property
    def chosen(self) -> Entry | None:
        entries = self.entries()
        return entries[self.place] if entries else None

    # Moving

    def to(self, place: int) -> None:
        if place >= len(self.entries()) - 1:
            self.fetch()
        entries = self.entries()
        if entries:
            self.selected = entries[max(0, min(place, len(entries) - 1))].alert.id
        self.update()

    def action_scroll(self, lines: int) -> None:
        self.to(self.place + lines)

    def action_half(self, halves: int) -> None:
        self.to(self.place + halves * max(self._seats // 2, 1))

    def action_edge(self, way: int) -> None:
        while way > 0 and not self._whole:
            self.fetch()
        self.to(0 if way < 0 else len(self.entries()) - 1)

    # Drawing

    def build(self, width: int, height: int) -> list[Strip]:
        framed = width >= FRAMED
        chosen = self.chosen
        below: list[Strip] = []
        if chosen is not None and height >= 2 * _LEAST_ROWS + 4:
            box = alert_box(self.palette, chosen, width - 4 if framed else width)
            room = height - _LEAST_ROWS - 2
            hidden = len(box.lines) + (2 if framed else 1) - room
            if hidden > 0:
                box.lines = box.lines[: -hidden - 1] if not framed else box.lines[:-hidden]
                self._say_cut(box, hidden, framed=framed)
            below = draw(self.palette, box, width) if framed else unframed(self.palette, box, width)
        edges = 2 if framed else 0
        self._seats = max(1, height - len(below) - edges)
        return [*self._list(width, framed=framed), *below]

    def _say_cut(self, box: Box, hidden: int, *, framed: bool) -> None:
        """That there is more of the alert than finds room, and how to come by it."""
        if framed:
            box.bottom = f"{hidden} more lines · y copies all"
        else:
            box.lines.append([(f"{hidden + 1} more lines; y copies all", self.palette.style("muted"))])

    def _list(self, width: int, *, framed: bool) -> list[Strip]:
        entries, place, seats = self.entries(), self.place, self._seats
        self.top = max(0, min(self.top, place, len(entries) - seats))
        self.top = max(self.top, place - seats + 1)
        frame = Frame(self.palette, width, focused=True)
        inner = frame.inner if framed else width
        shown = entries[self.top : self.top + seats]
        body = [
            log_line(self.palette, entry, inner, chosen=number == place) for number, entry in enumerate(shown, self.top)
        ]
        if not body:
            body = [line([(f" {self._nothing()}", self.palette.style("muted"))], inner, self.palette.style())]
        body += [line([], inner, self.palette.style())] * (seats - len(body))
        if not framed:
            return body
        title = f"log / {self.filter.text}" if self.filter.text else "log"
        return [frame.top(title, self._open()), *(frame.row(strip) for strip in body), frame.bottom(self._span())]

    def _nothing(self) -> str:
        return "nothing matches; esc shows all again" if self.filter.text else "no alert yet"

    def _open(self) -> str:
        waiting = self.state.snapshot.unacked
        return f"{waiting} unacked" if waiting else "all acked"

    def _span(self) -> str:
        total = len(self.entries())
        last = min(total, self.top + self._seats)
        more = "" if self._whole or not total else "+"
        return f"{self.top + 1:,}–{last:,} of {total:,}{more}" if total else "none"
