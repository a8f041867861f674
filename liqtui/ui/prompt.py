"""The line that opens at the bottom for a filter or a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from liqtui.ui.nav import app_of
from liqtui.ui.style import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual import events
    from textual.app import ComposeResult


_AROUND = 5
"""Cells for the sign, the cursor and what keeps the hint apart."""
_LEAST = 8
"""Cells of a hint under which it says nothing."""


class PromptInput(Input, can_focus=False):
    """Up and down recall, tab completes, escape gives up. Takes the focus only while the line is open."""

    BINDINGS: ClassVar = [
        Binding("escape", "cancel", "cancel", id="prompt.cancel", tooltip="give up", show=False),
        Binding("tab", "complete", "complete", id="prompt.complete", tooltip="complete the word", show=False),
        Binding("up", "recall(-1)", "earlier", id="prompt.earlier", tooltip="what was typed before", show=False),
        Binding("down", "recall(1)", "later", id="prompt.later", tooltip="what was typed after", show=False),
    ]

    def action_cancel(self) -> None:
        self.post_message(Prompt.Cancelled())

    def action_complete(self) -> None:
        self.post_message(Prompt.Completing())

    def action_recall(self, by: int) -> None:
        self.post_message(Prompt.Recalled(by))

    def on_blur(self, event: events.Blur) -> None:
        """Something else has the focus: give up. Not when the terminal lost it: who comes back goes on typing."""
        del event
        if app_of(self).app_focus and self.screen.focused is not self:
            self.post_message(Prompt.Cancelled())


class Prompt(Horizontal):
    """One line: a sign, the input, and a hint at the right."""

    class Cancelled(Message):
        """Nothing is to be done."""

    class Completing(Message):
        """Tab was pressed."""

    class Recalled(Message):
        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    class Typed(Message):
        """The text changed while open."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign, self.text = sign, text

    class Entered(Message):
        """The text is final."""

        def __init__(self, sign: str, text: str) -> None:
            super().__init__()
            self.sign, self.text = sign, text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.sign = ""
        self._history: list[str] = []
        self._place = 0
        self._complete: Callable[[str], Sequence[str]] = lambda _: ()
        self._offers: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static("", id="prompt-sign", markup=False)
        yield PromptInput(id="prompt-input", compact=True, select_on_focus=False)
        yield Static("", id="prompt-hint", markup=False)

    @property
    def open(self) -> bool:
        return bool(self.sign)

    def begin(
        self,
        sign: str,
        text: str,
        *,
        history: Sequence[str] = (),
        complete: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        self.sign = sign
        self._history, self._place, self._complete, self._offers = list(history), len(history), complete, []
        self.query_one("#prompt-sign", Static).update(f" {sign}")
        self.hint("")
        self.display = True
        entry = self.query_one(PromptInput)
        entry.can_focus = True
        entry.value = text
        entry.cursor_position = len(text)
        entry.focus()

    def end(self) -> None:
        """Textual gives the focus back to whom it took it from when the terminal is left, also to what is hidden by
        then: a closed line must not take it, or it would swallow every key.
        """
        if self.open:
            self.sign = ""
            self.display = False
            self.query_one(PromptInput).can_focus = False
            self.screen.set_focus(None)

    def hint(self, text: str) -> None:
        """At the right, as much of it as what is typed leaves room for."""
        room = app_of(self).size.width - cell_len(self.query_one(PromptInput).value) - _AROUND
        shown = text if cell_len(text) <= room else fit(text, room) if room >= _LEAST else ""
        self.query_one("#prompt-hint", Static).update(f"{shown} " if shown else "")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.open:
            self.post_message(self.Typed(self.sign, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.open:
            sign = self.sign
            self.end()
            self.post_message(self.Entered(sign, event.value))

    def on_prompt_completing(self, event: Completing) -> None:
        event.stop()
        entry = self.query_one(PromptInput)
        if entry.value not in self._offers:
            self._offers = [*self._complete(entry.value)]
            following = 0
        else:
            following = self._offers.index(entry.value) + 1
        if self._offers:
            entry.value = self._offers[following % len(self._offers)]
            entry.cursor_position = len(entry.value)

    def on_prompt_recalled(self, event: Recalled) -> None:
        event.stop()
        if not self._history:
            return
        self._place = max(0, min(self._place + event.by, len(self._history)))
        entry = self.query_one(PromptInput)
        entry.value = self._history[self._place] if self._place < len(self._history) else ""
        entry.cursor_position = len(entry.value)
