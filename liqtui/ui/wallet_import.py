"""Which file to take wallets from. Its text then goes through the form, where every line is checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from liqtui.core.text import clean
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

LARGEST = 1_000_000
"""Bytes that a list of wallets may have."""


class ImportDialog(ModalScreen["str | None"]):
    """Returns the file's text, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="import.cancel", tooltip="import nothing", show=False)
    ]
    DEFAULT_CSS = """
    ImportDialog { align: center middle; }
    ImportDialog #import {
        width: 76; max-width: 100%; height: auto; border: round $frame-focus; border-title-color: $strong;
        background: $canvas; padding: 0 1;
    }
    ImportDialog Input:focus { border: none; }
    ImportDialog Input { border: none; height: 1; padding: 0; background: $cursor; color: $strong; }
    ImportDialog Static { height: auto; color: $muted; }
    ImportDialog #import-fault { color: $severity-warn; }
    """

    def compose(self) -> ComposeResult:
        with Vertical(id="import") as box:
            box.border_title = "import wallets"
            yield Static("A file of addresses or names, a CSV with a header, or a watchlist.", markup=False)
            yield Input(placeholder="~/wallets.csv", select_on_focus=False)
            yield Wording("", id="import-fault")
            yield Static("⏎ read it and show what it holds · esc cancel", markup=False)

    def on_input_changed(self) -> None:
        self.query_one("#import-fault", Wording).update("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(read_import(event.value))
        except ValueError as fault:
            self.query_one("#import-fault", Wording).update(str(fault))

    def action_cancel(self) -> None:
        self.dismiss(None)


def read_import(path: str) -> str:
    """Text of a file that was named. Raises ValueError with a sentence."""
    if not path.strip():
        raise ValueError("name a file")
    file = Path(path.strip()).expanduser()
    try:
        if not file.is_file():
            raise ValueError(f"{clean(str(file), 80)}: there is no such file")
        if file.stat().st_size > LARGEST:
            raise ValueError("that file is larger than a megabyte: not a list of wallets")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("that file is not text") from None
    except OSError as fault:
        raise ValueError(f"{clean(str(file), 80)}: {fault.strerror or fault}") from None
