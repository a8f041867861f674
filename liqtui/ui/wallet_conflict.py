"""The same wallet was changed here and in the file: both versions are shown, and the person chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from liqtui.core.text import clean
from liqtui.ui.wallet_book import differences
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.config.merge import WatchlistConflict
    from liqtui.ui.wallet_book import Outcome, WalletBook

CHOICES = (
    ("m", "keep mine", "what was changed here; the rest of the file stays"),
    ("f", "take the file", "what stands in the file; the change made here is dropped"),
    ("b", "merge both", "field by field; where both changed the same one, mine"),
)


class ConflictDialog(ModalScreen["bool"]):
    """Returns whether it was decided and written. Escape decides nothing: both versions stay as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "choose('keep_mine')", "keep mine", id="conflict.mine", tooltip=CHOICES[0][2]),
        Binding("f", "choose('take_file')", "take the file", id="conflict.file", tooltip=CHOICES[1][2]),
        Binding("b", "choose('merge_both')", "merge both", id="conflict.both", tooltip=CHOICES[2][2]),
        Binding("escape", "later", "later", id="conflict.later", tooltip="decide later, nothing is written"),
    ]
    DEFAULT_CSS = """
    ConflictDialog { align: center middle; }
    ConflictDialog #conflict {
        width: 76; max-width: 100%; height: auto; max-height: 100%; border: round $severity-warn;
        border-title-color: $severity-warn; background: $canvas; padding: 0 1; scrollbar-size: 1 1;
    }
    ConflictDialog Static { height: auto; color: $ink; }
    ConflictDialog #conflict-fault { color: $severity-warn; }
    """

    def __init__(self, book: WalletBook, conflict: WatchlistConflict) -> None:
        super().__init__()
        self.book = book
        self.conflict = conflict

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="conflict") as box:
            box.border_title = "changed in two places"
            yield Static(self._table(), id="conflict-table")
            yield Wording(str(self.conflict), id="conflict-fault")
            yield Static(self._choices(), id="conflict-choices")

    def _table(self) -> Content:
        parts: list[Content] = []
        title = ""
        for wallet, name, mine, other in differences(self.conflict):
            if wallet != title:
                title = wallet
                parts.append(Content.styled(clean(wallet, 42), "bold $strong"))
            head = f"  {name.replace('_', ' ')}: " if name else "  "
            parts.append(
                Content.assemble(
                    (head, "$muted"), ("mine ", "$muted"), clean(mine, 80), ("  file ", "$muted"), clean(other, 80)
                )
            )
        return Content("\n").join(parts)

    def _choices(self) -> Content:
        lines = [
            Content.assemble((f"{key} ", "bold $key"), f"{label}: ", (meaning, "$muted"))
            for key, label, meaning in CHOICES
        ]
        lines.append(Content.assemble(("esc ", "bold $key"), "later: ", ("nothing is written", "$muted")))
        return Content("\n").join(lines)

    def action_choose(self, way: str) -> None:
        ways = {
            "keep_mine": self.book.keep_mine,
            "take_file": self.book.take_file,
            "merge_both": self.book.merge_both,
        }
        self._close_with(ways[way](self.conflict))

    def _close_with(self, outcome: Outcome) -> None:
        if outcome.done:
            self.dismiss(result=True)
            return
        if outcome.conflict is not None:
            self.conflict = outcome.conflict
            self.query_one("#conflict-table", Static).update(self._table())
        self.query_one("#conflict-fault", Wording).update(outcome.error)

    def action_later(self) -> None:
        self.dismiss(result=False)
