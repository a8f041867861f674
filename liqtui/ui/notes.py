"""All that the engine remarks: where there is little room the list only says how many notes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from liqtui.core.text import clean
from liqtui.ui.lines import Frame
from liqtui.ui.sheet import Sheet, wrap

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Size
    from textual.strip import Strip

    from liqtui.ui.state import AppState
    from liqtui.ui.style import Span

_LONGEST = 600
"""Characters of a note."""


class NotesSheet(Sheet):
    """As high as its notes, each of them whole."""

    def pinned(self, width: int, height: int) -> list[Strip]:
        del height
        return [Frame(self.palette, width, focused=True).top("notes", "j k scroll  esc back")]

    def document(self, width: int) -> list[Strip]:
        palette, frame = self.palette, Frame(self.palette, width, focused=True)
        ink, faint = palette.style("ink"), palette.style("faint")
        rows: list[list[Span]] = []
        for note in self.state.snapshot.notices:
            for place, part in enumerate(wrap(clean(" ".join(note.split()), _LONGEST), frame.inner - 4)):
                rows.append([(" · " if place == 0 else "   ", faint), (part, ink)])
        rows = rows or [[(" nothing to remark", palette.style("muted"))]]
        return [*(frame.row(spans) for spans in rows), frame.bottom()]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport
        return len(self.document(width)) + 1


class NotesScreen(ModalScreen[None]):
    """Lies over what is open, and follows each snapshot."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "back", id="notes.back", tooltip="go back")]
    DEFAULT_CSS = """
    NotesScreen { align: center middle; }
    NotesScreen NotesSheet { width: 76; max-width: 100%; height: auto; max-height: 100%; }
    """

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.sheet = NotesSheet(state)

    def compose(self) -> ComposeResult:
        yield self.sheet

    def refresh_all(self) -> None:
        """There may be more notes, or fewer."""
        self.sheet.refresh(layout=True)
        self.sheet.update()

    def restyle(self) -> None:
        self.sheet.repaint()
