"""Widgets made of finished lines, which repaint only the cells that have changed.

The terminal may be at the far end of a slow link. So each pane builds its lines, compares them with those on
the screen and asks for a refresh of the runs that differ; when nothing differs, not one byte is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from liqtui.ui.style import Span, clipped, fit, line, spans_width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style
    from textual import events

    from liqtui.ui.app import LiqtuiApp
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Palette

_GAP = 6
"""Unchanged cells between two changes that are cheaper to send again than to move the cursor over."""


def _cells(strip: Strip) -> Iterator[tuple[str, Style | None]]:
    for text, style, _ in strip:
        for char in text:
            yield char, style


def changed_runs(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """(first, end) of the runs of cells that differ; everything when wide characters are about."""
    before, after = list(_cells(old)), list(_cells(new))
    if len(after) != new.cell_length or len(before) != len(after):
        return [(0, max(old.cell_length, new.cell_length))]
    runs: list[tuple[int, int]] = []
    for x, (a, b) in enumerate(zip(before, after, strict=True)):
        if a == b:
            continue
        if runs and x - runs[-1][1] < _GAP:
            runs[-1] = (runs[-1][0], x + 1)
        else:
            runs.append((x, x + 1))
    return runs


class LineView(Widget):
    """A widget whose content is `build(width, height)`."""

    def __init__(self, state: AppState, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.state = state
        self._lines: list[Strip] = []

    @property
    def palette(self) -> Palette:
        return cast("LiqtuiApp", cast("Any", self).app).palette

    def build(self, width: int, height: int) -> list[Strip]:
        """At most `height` lines of exactly `width` cells."""
        raise NotImplementedError

    def update(self) -> None:
        """Build again, and repaint what differs."""
        width, height = self.size
        if not width or not height:
            self._lines = []
            return
        old, new = self._lines, self._built(width, height)
        self._lines = new
        if len(old) != len(new) or (old and old[0].cell_length != width):
            self.refresh()
            return
        regions = [
            Region(first, y, end - first, 1)
            for y, (before, after) in enumerate(zip(old, new, strict=True))
            if before is not after and before != after
            for first, end in changed_runs(before, after)
        ]
        if regions:
            self.refresh(*regions)

    def _built(self, width: int, height: int) -> list[Strip]:
        lines = self.build(width, height)[:height]
        blank = Strip.blank(width, self.palette.style())
        return lines + [blank] * (height - len(lines))

    def on_resize(self, event: events.Resize) -> None:
        del event
        self.update()

    def repaint(self) -> None:
        """All of it, for another theme."""
        self._lines = []
        self.update()

    def render_line(self, y: int) -> Strip:
        if not self._lines:
            self._lines = self._built(*self.size)
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.palette.style())


class Frame:
    """Draws the rounded box of a pane, with a title at the left and a remark at the right of its edges."""

    def __init__(self, palette: Palette, width: int, *, focused: bool = False) -> None:
        self.palette = palette
        self.width = width
        self.edge = palette.style("frame-focus" if focused else "frame")
        self.title = palette.style("strong" if focused else "title", bold=focused)

    @property
    def inner(self) -> int:
        return max(0, self.width - 2)

    def top(self, title: str = "", right: str = "", *, joined: bool = False) -> Strip:
        left, end = ("├", "┤") if joined else ("╭", "╮")
        return self._edge(left, [(title, self.title)] if title else [], right, end)

    def bottom(self, right: str = "") -> Strip:
        return self._edge("╰", [], right, "╯")

    def _edge(self, left: str, title: list[Span], right: str, end: str) -> Strip:
        room = self.width - 2
        spans: list[Span] = [(left, self.edge)]
        used = 0
        if title and room > 8:
            text = fit(title[0][0], min(room - 4, spans_width(title)))
            spans += [("─ ", self.edge), (text, title[0][1]), (" ", self.edge)]
            used = 3 + spans_width([(text, self.edge)])
        tail: list[Span] = []
        if right and room - used > 8:
            text = fit(right, min(room - used - 4, spans_width([(right, self.edge)])))
            tail = [(" ", self.edge), (text, self.palette.style("muted")), (" ─", self.edge)]
        spans.append(("─" * max(0, room - used - spans_width(tail)), self.edge))
        return line([*spans, *tail, (end, self.edge)], self.width, self.palette.style())

    def row(self, spans: list[Span] | Strip) -> Strip:
        content = spans
        if not isinstance(content, Strip):
            content = line(clipped(content, self.inner), self.inner, self.palette.style())
        side = line([("│", self.edge)], 1, self.edge)
        return Strip.join([side, content, side])

    def rule(self, title: str = "", right: str = "") -> Strip:
        """A faint inner divider with an optional heading: "╌ oracle ╌╌╌ 24h ╌"."""
        faint, muted = self.palette.style("faint"), self.palette.style("muted")
        inner = self.inner - 2
        head: list[Span] = [("╌ ", faint), (title, muted), (" ", faint)] if title else []
        tail: list[Span] = [(" ", faint), (right, muted)] if right else []
        dashes = "╌" * max(0, inner - spans_width(head) - spans_width(tail))
        return self.row([(" ", faint), *head, (dashes, faint), *tail])
