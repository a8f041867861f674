"""A page of finished lines that is longer than the screen: boxes set above and beside each other, and scrolling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.strip import Strip

from liqtui.ui.bindings import bindings
from liqtui.ui.lines import Frame, LineView
from liqtui.ui.style import line, split_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events
    from textual.binding import BindingType

    from liqtui.ui.style import Palette, Span


@dataclass(slots=True)
class Box:
    """What stands in one frame."""

    title: str
    lines: list[list[Span]] = field(default_factory=list["list[Span]"])
    right: str = ""
    """Remark at the right of the upper edge."""
    bottom: str = ""
    """Remark at the right of the lower edge."""


def draw(palette: Palette, box: Box, width: int, height: int = 0) -> list[Strip]:
    """The box in `width` cells and at least `height` lines inside."""
    frame = Frame(palette, width)
    rows = [frame.row([(" ", palette.style()), *spans]) for spans in box.lines]
    rows += [frame.row([])] * (height - len(rows))
    return [frame.top(box.title, box.right), *rows, frame.bottom(box.bottom)]


def unframed(palette: Palette, box: Box, width: int) -> list[Strip]:
    """The same where each cell counts: a heading line instead of a frame."""
    base, faint = palette.style(), palette.style("faint")
    head: list[Span] = [("╌ ", faint), (box.title, palette.style("title")), (" ", faint)]
    rest = width - sum(cell_len(text) for text, _ in head)
    return [
        line([*head, ("╌" * max(rest, 0), faint)], width, base),
        *(line(spans, width, base) for spans in box.lines),
    ]


def pad(palette: Palette, strip: Strip, left: int, width: int) -> Strip:
    """The strip with blanks before it, in `width` cells."""
    base = palette.style()
    return Strip.join([Strip.blank(left, base), strip]).adjust_cell_length(width, base) if left else strip


def beside(palette: Palette, boxes: Sequence[tuple[Box, int]]) -> list[Strip]:
    """Boxes with their widths, left to right, all as high as the highest."""
    height = max(len(box.lines) for box, _ in boxes)
    columns = [draw(palette, box, width, height) for box, width in boxes]
    return [Strip.join(cells) for cells in zip(*columns, strict=True)]


def wrap(text: str, width: int) -> list[str]:
    """Words in lines of at most `width` cells; a word that is longer is cut into pieces."""
    lines: list[str] = []
    current = ""
    for word in text.split():
        rest = word
        while cell_len(rest) > width > 0:
            if current:
                lines.append(current)
                current = ""
            size = width
            while cell_len(rest[:size]) > width:
                size -= 1
            size = max(size, 1)
            lines.append(rest[:size])
            rest = rest[size:]
        joined = f"{current} {rest}" if current else rest
        if cell_len(joined) <= width:
            current = joined
        else:
            lines.append(current)
            current = rest
    return [*lines, current] if current else lines


class Sheet(LineView, can_focus=True):
    """A LineView with a window on `document(width)`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("page")]

    top: int = 0
    _length: int = 0
    _room: int = 1

    def document(self, width: int) -> list[Strip]:
        """All lines of exactly `width` cells."""
        raise NotImplementedError

    def pinned(self, width: int, height: int) -> list[Strip]:
        """Lines that stay above what scrolls."""
        del width, height
        return []

    def build(self, width: int, height: int) -> list[Strip]:
        pinned = self.pinned(width, height)[:height]
        lines = self.document(width)
        room = height - len(pinned)
        self._length, self._room = len(lines), room
        self.top = min(max(self.top, 0), max(len(lines) - room, 0))
        shown = lines[self.top : self.top + room]
        below = len(lines) - self.top - room
        if shown and below > 0:
            shown[-1] = self._more(below + 1, width)
        return [*pinned, *shown]

    def _more(self, count: int, width: int) -> Strip:
        """In the place of the last line: how much is below, so that nobody takes the page for all of it."""
        muted = self.palette.style("muted")
        return split_line([], [(f"▼ {count} more lines ", muted)], width, self.palette.style())

    def to(self, line_number: int) -> None:
        self.top = line_number
        self.update()

    def action_scroll(self, lines: int) -> None:
        self.to(self.top + lines)

    def action_half(self, halves: int) -> None:
        """The line that the remark covers is not skipped."""
        self.to(self.top + halves * max((self._room - 1) // 2, 1))

    def action_edge(self, way: int) -> None:
        self.to(0 if way < 0 else self._length)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll(-3)
