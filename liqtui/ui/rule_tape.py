"""Rules that are being typed, tried on a tape: all of them, by the engine itself, in a thread of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from liqtui.core.redact import redact
from liqtui.ui.rule_preview import on_tape
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.engine.trial import Terms, Trial

LOOK_EVERY = 0.2
"""Seconds between two looks at how far it is."""
_CELLS = 24


class _Run:
    """What the thread and the screen share: how far it is, and whether it is still wanted."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        """Times that the tape is played."""
        self.round = self.played = 0
        self.all = 0
        """Events of the tape; 0: it is still being read."""
        self.wanted = True

    def watch(self, played: int, all_: int) -> bool:
        """Called by the thread; returns whether to go on."""
        self.played, self.all = played, all_
        return self.wanted

    @property
    def share(self) -> float:
        return (self.round + self.played / self.all) / self.rounds if self.all else 0.0


class TapeTrial(ModalScreen[None]):
    """Shows what the typed settings would have told on a recording, beside what those that hold would have."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="trial.back", tooltip="stop, or go back"),
        Binding("pageup", "page(-1)", "up", id="trial.up", priority=True, show=False),
        Binding("pagedown", "page(1)", "down", id="trial.down", priority=True, show=False),
    ]
    DEFAULT_CSS = """
    TapeTrial { align: center middle; }
    TapeTrial #trial {
        width: 78; max-width: 100%; height: auto; max-height: 100%; border: round $frame-focus;
        border-title-color: $strong; background: $canvas; padding: 0 1;
    }
    TapeTrial Input { border: none; height: 1; padding: 0; background: $cursor; color: $strong; }
    TapeTrial Input:focus { border: none; }
    TapeTrial #found { height: auto; max-height: 16; scrollbar-size: 1 1; }
    TapeTrial Static { height: auto; color: $muted; }
    TapeTrial #result { color: $ink; }
    TapeTrial #trial-fault { color: $severity-warn; }
    """

    def __init__(self, typed: Terms, saved: Terms) -> None:
        super().__init__()
        self.typed = typed
        self.saved = saved
        self._run: _Run | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="trial") as box:
            box.border_title = "try these rules on a tape"
            yield Static("A recording of `liqtui record`; empty: the one that ships.", id="ask", markup=False)
            yield Input(placeholder="the demo that ships", select_on_focus=False)
            yield Wording("", id="trial-fault")
            yield Wording("", id="progress")
            with VerticalScroll(id="found", can_focus=False):
                yield Wording("", id="result")
            yield Wording("", id="trial-hint")

    def on_mount(self) -> None:
        self.query_one("#found").display = False
        self.set_interval(LOOK_EVERY, self._look)
        self._look()

    # Running

    @property
    def running(self) -> bool:
        return self._run is not None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not self.running:
            self.run_worker(self._try(event.value.strip()), exclusive=True)

    def on_input_changed(self) -> None:
        self._say("#trial-fault", "")

    async def _try(self, name: str) -> None:
        from liqtui.engine.trial import TrialError

        run = self._run = _Run(1 if self.typed == self.saved else 2)
        self._say("#trial-fault", "")
        self.query_one("#found").display = False
        self._look()
        found: tuple[Trial, Trial | None] | None = None
        try:
            found = await asyncio.to_thread(_played, name, self.typed, self.saved, run)
        except asyncio.CancelledError:  # the screen is gone: the thread need not go on
            run.wanted = False
            raise
        except TrialError as fault:
            self._say("#trial-fault", redact(str(fault)))
        except Exception as fault:  # noqa: BLE001 - a tape may come from a stranger: the editor stays, and says so
            self._say("#trial-fault", f"this tape cannot be tried: {type(fault).__name__}")
        finally:
            self._run = None
        if found is not None:
            self._say("#result", "\n".join(on_tape(*found)))
            self.query_one("#found").display = True
        elif not run.wanted:
            self._say("#trial-fault", "stopped: nothing was counted")
        self._look()

    def _stop(self) -> None:
        if self._run is not None:
            self._run.wanted = False

    # Looking

    def _look(self) -> None:
        """How far it is; a screen on which nothing runs sends nothing."""
        run = self._run
        hint = "⏎ try them · PgUp PgDn scroll · esc back to the rules"
        told = ""
        if run is not None:
            full = int(run.share * _CELLS)
            bar = "▰" * full + "▱" * (_CELLS - full)
            told = f"{bar} {int(run.share * 100)}%" if run.all else "reading the tape …"
            hint = "stopping …" if not run.wanted else "esc stop"
        self._say("#progress", told)
        self._say("#trial-hint", hint)

    def _say(self, where: str, text: str) -> None:
        found = self.query_one(where, Wording)
        if found.content != text:
            found.update(text)
        found.display = bool(text)

    # Keys

    def action_leave(self) -> None:
        """Stops what runs; then back."""
        if self.running:
            self._stop()
            self._look()
        else:
            self.dismiss()

    def action_page(self, way: int) -> None:
        found = self.query_one("#found", VerticalScroll)
        found.scroll_relative(y=way * max(found.size.height - 1, 1), animate=False)


def _played(name: str, typed: Terms, saved: Terms, run: _Run) -> tuple[Trial, Trial | None] | None:
    """In the thread: the tape under what is typed, then under what holds. None when it was stopped."""
    from liqtui.engine.trial import DEMO, open_tape, try_on

    tape = open_tape(Path(name).expanduser() if name else DEMO)
    found = try_on(tape, typed, run.watch)
    if found is None or run.rounds == 1:
        return None if found is None else (found, None)
    run.round, run.played = 1, 0
    before = try_on(tape, saved, run.watch)
    return None if before is None else (found, before)
