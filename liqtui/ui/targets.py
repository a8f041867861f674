"""The small dialog behind `t`: which health factors the ways out aim at."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from liqtui.core.text import clean
from liqtui.core.units import WAD, decimal_string, parse_decimal
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.ui.state import AppState

MOST = 8


def read_targets(text: str) -> tuple[int, ...]:
    """1e18-scaled, ascending, each once. Raises ValueError with a sentence."""
    words = text.replace(",", " ").split()
    if not words:
        raise ValueError("give at least one health factor, for example 1.10 1.25 1.50")
    if len(words) > MOST:
        raise ValueError(f"at most {MOST} at a time")
    found: set[int] = set()
    for word in words:
        try:
            target = parse_decimal(word, 18)
        except ValueError:
            raise ValueError(f"“{clean(word)}” is not a health factor, such as 1.25") from None
        if not WAD < target <= 100 * WAD:
            raise ValueError(f"“{clean(word)}” is not above 1 and at most 100")
        found.add(target)
    return tuple(sorted(found))


class TargetsDialog(ModalScreen["tuple[int, ...] | None"]):
    """Returns the targets, or None when nothing is to change."""

    BINDINGS: ClassVar = [
        Binding("escape", "dismiss", "cancel", id="targets.cancel", tooltip="keep the targets", show=False)
    ]
    DEFAULT_CSS = """
    TargetsDialog { align: center middle; }
    TargetsDialog #targets-box {
        width: 56; max-width: 100%; height: auto; border: round $frame-focus; background: $canvas; padding: 0 1;
        border-title-color: $strong;
    }
    TargetsDialog Input:focus { border: none; }
    TargetsDialog Input { border: none; height: 1; padding: 0; background: $cursor; color: $strong; }
    TargetsDialog #targets-error { color: $severity-warn; height: auto; }
    TargetsDialog #targets-hint { color: $muted; height: auto; }
    """

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state

    def compose(self) -> ComposeResult:
        text = " ".join(decimal_string(target, 18) for target in self.state.settings.targets)
        with Vertical(id="targets-box") as box:
            box.border_title = "health targets"
            yield Static("Ways out are shown for these, until the program ends.", id="targets-hint", markup=False)
            yield Input(text, select_on_focus=False)
            yield Wording("", id="targets-error")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong."""
        try:
            read_targets(event.value)
        except ValueError as fault:
            self.query_one("#targets-error", Wording).update(str(fault))
        else:
            self.query_one("#targets-error", Wording).update("⏎ use them · esc keep the old ones")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(read_targets(event.value))
        except ValueError as fault:
            self.query_one("#targets-error", Wording).update(str(fault))
