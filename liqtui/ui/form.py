"""What the dialogs that change the watchlist share: how they are left, and how they save.

One stays open until what was typed is on disk, or the person gives it up; a failed save loses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import ModalScreen

from liqtui.ui.nav import app_of
from liqtui.ui.wallet_entries import FieldError
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.binding import BindingType

    from liqtui.ui.wallet_book import Outcome, WalletBook


class Form(ModalScreen["bool"]):
    """Returns whether something was saved. Has a box of class "box" with `#fields`, `#fault` and `#hint`."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    Form { align: center middle; }
    Form .box {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: round $frame-focus; border-title-color: $strong; border-subtitle-color: $muted;
        background: $canvas; padding: 0 1;
    }
    Form #fields { height: auto; max-height: 100%; scrollbar-size: 1 1; }
    Form .line { height: 1; }
    Form .name { width: 15; color: $muted; }
    Form Input { width: 1fr; border: none; height: 1; padding: 0; background: $cursor; color: $strong; }
    Form Input:focus { border: none; }
    Form #below { height: auto; dock: bottom; }
    Form #fault { height: auto; color: $severity-warn; }
    Form #hint { height: auto; color: $muted; }
    """

    def __init__(self, book: WalletBook) -> None:
        super().__init__()
        self.book = book
        self._warned = ""
        """The key that gives up what was typed and was pressed once; another one has to ask anew."""

    @property
    def changed(self) -> bool:
        """Whether something is typed that is not saved."""
        raise NotImplementedError

    def write(self) -> None:
        """Save what was typed. Raises FieldError."""
        raise NotImplementedError

    def fault(self, sentence: str) -> None:
        """Say what is wrong; empty: nothing is."""
        self.query_one("#fault", Wording).update(sentence)

    def warned(self, key: str) -> bool:
        """Whether what was typed may be given up: nothing was, or the key was pressed before."""
        if not self.changed or self._warned == key:
            return True
        self._warned = key
        way = "" if self.book.refusal else ", ctrl+s saves it"
        self.fault(f"Not saved yet: {key} once more gives up what you typed{way}.")
        return False

    def action_cancel(self) -> None:
        """Escape may come from a slow link by accident: what was typed is given up only when asked for twice."""
        if self.warned("esc"):
            self.dismiss(result=False)

    def action_save(self) -> None:
        """Keys that arrived in the same moment still wait for their field: first those, then this."""
        (self.focused or self).call_later(self._save)

    def _save(self) -> None:
        if self.book.refusal:
            self.fault(self.book.refusal)
            return
        try:
            self.write()
        except FieldError as fault:
            self.fault(str(fault))

    def close_with(self, outcome: Outcome) -> None:
        """Leave when it is done; else say why it is not, and let a conflict be settled."""
        if outcome.done:
            self.dismiss(result=True)
            return
        self.fault(outcome.error)
        if outcome.conflict is not None:
            from liqtui.ui.wallet_conflict import ConflictDialog

            app_of(self).push_screen(ConflictDialog(self.book, outcome.conflict), self._settled)

    def _settled(self, decided: bool | None) -> None:
        if decided:
            self.dismiss(result=True)
