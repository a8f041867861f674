"""The alert log on a screen of its own: search, acknowledge, snooze, mute, and why each one spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.screen import Screen

from liqtui.core import format as fmt
from liqtui.core.text import clean
from liqtui.ui import clipboard
from liqtui.ui.alert_log import AlertLog
from liqtui.ui.alert_parts import plain_text
from liqtui.ui.bindings import bindings
from liqtui.ui.header import Footer, Verdict, utc
from liqtui.ui.nav import app_of
from liqtui.ui.prompt import Prompt
from liqtui.ui.wish import CommandError

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from liqtui.core.snapshot import Row
    from liqtui.ui.alert_filter import Entry
    from liqtui.ui.state import AppState

HOUR = 3600.0
SNOOZE = HOUR
MUTE = 8 * HOUR
OPEN = "is:open"


class AlertScreen(Screen[None]):
    """What `l` opens."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("alerts")]
    DEFAULT_CSS = """
    AlertScreen { background: $canvas; overflow: hidden; }
    AlertScreen Verdict { height: 1; }
    AlertScreen AlertLog { width: 1fr; height: 1fr; }
    AlertScreen Prompt { display: none; height: 1; }
    """

    def __init__(self, state: AppState, text: str = "", alert: int | None = None) -> None:
        """With that filter, and the cursor on that alert."""
        super().__init__()
        self.state = state
        self.verdict = Verdict(state)
        self.log_view = AlertLog(state)
        self.log_view.selected = alert
        self.prompt = Prompt()
        self.keys = Footer(state)
        self.keys.contexts = ("alerts", "page", "everywhere")
        self._text = text

    def compose(self) -> ComposeResult:
        yield self.verdict
        yield self.log_view
        yield self.prompt
        yield self.keys

    def on_mount(self) -> None:
        self.log_view.focus()
        self.log_view.fetch()
        self.log_view.search(self._text)

    def refresh_all(self) -> None:
        """There is a newer snapshot."""
        self.verdict.update()
        self.log_view.update()

    def restyle(self) -> None:
        self.verdict.repaint()
        self.log_view.repaint()
        self.keys.repaint()

    # Searching

    def action_filter(self) -> None:
        self.keys.display = False
        words = self.log_view.filter.text
        self.prompt.begin("/", f"{words} " if words else "")

    def action_open_only(self) -> None:
        """Of what is shown, what waits for the person, or all of it again."""
        words = self.log_view.filter.text.split()
        self.log_view.search(" ".join([word for word in words if word != OPEN] if OPEN in words else [*words, OPEN]))

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        self.log_view.search(message.text)
        self.prompt.hint(fmt.counted(len(self.log_view.entries()), "alert"))

    @on(Prompt.Entered)
    def _entered(self) -> None:
        self._close_prompt()

    @on(Prompt.Cancelled)
    def _cancelled(self) -> None:
        if self.prompt.open:
            self.log_view.search("")
        self._close_prompt()

    def _close_prompt(self) -> None:
        self.prompt.end()
        self.keys.display = True
        self.log_view.focus()

    # Acting

    def action_back(self) -> None:
        if self.log_view.filter.text:
            self.log_view.search("")
        else:
            self.dismiss()

    def action_ack(self) -> None:
        entry = self.log_view.chosen
        if entry is None or not entry.open:
            self.keys.say("this one needs no acknowledgement")
            return
        self.state.engine.acknowledge(entry.alert.id)
        self.keys.say(self.state.asked(f"acknowledged: {clean(entry.alert.title, 60)}"))

    def action_ack_all(self) -> None:
        number = self.state.snapshot.unacked
        if not number:
            self.keys.say("nothing to acknowledge")
            return
        self.state.engine.acknowledge(None)
        self.keys.say(self.state.asked(f"acknowledged {fmt.counted(number, 'alert')}"))

    def action_snooze(self) -> None:
        """An hour of silence for one alert; again ends it."""
        entry = self.log_view.chosen
        if entry is None or not entry.open:
            self.keys.say("only an open alert can be snoozed")
            return
        self.state.engine.snooze(entry.alert.id, 0.0 if entry.snoozed else SNOOZE)
        until = f"snoozed until {utc(entry.now + SNOOZE, '%H:%M')}Z"
        self.keys.say(self.state.asked("it rings and escalates again" if entry.snoozed else until))

    def action_mute(self) -> None:
        """Silence for what this alert is about; again lifts it. Liquidations ring all the same."""
        entry = self.log_view.chosen
        target = entry.alert.position if entry is not None else ""
        if entry is None or not target:
            self.keys.say("this alert is about no position")
            return
        muted = dict(self.state.snapshot.muted).get(target.lower(), 0.0) > entry.now
        self.state.engine.mute(target, None if muted else entry.now + MUTE)
        until = f"{clean(entry.alert.title, 40)}: muted until {utc(entry.now + MUTE, '%H:%M')}Z, except liquidations"
        self.keys.say(self.state.asked(f"{clean(entry.alert.title, 40)}: no longer muted" if muted else until))

    def action_open(self) -> None:
        """To the position it is about; of several, the worst that is still there."""
        from liqtui.ui.detail import PositionDetail

        entry = self.log_view.chosen
        row = next((row for row in self._rows(entry) if row is not None), None)
        if row is None:
            self.keys.say(
                "its position is not there any more" if entry and entry.alert.position else "no position here"
            )
            return
        app_of(self).push_screen(PositionDetail(self.state, row.id))

    def _rows(self, entry: Entry | None) -> list[Row | None]:
        if entry is None:
            return []
        return [self.state.find(position) for position in entry.alert.about]

    def action_rules(self) -> None:
        """The rules of the wallet that the alert is about."""
        from liqtui.ui.host import host_of

        row = next((row for row in self._rows(self.log_view.chosen) if row is not None), None)
        if row is None:
            self.keys.say("its position is not there any more: :rules on the list is for those that are")
            return
        try:
            host_of(self).edit_rules(row)
        except CommandError as fault:
            self.keys.say(str(fault))

    def action_copy(self) -> None:
        entry = self.log_view.chosen
        copied = clipboard.copy(app_of(self), plain_text(entry)).sentence if entry is not None else "no alert to copy"
        self.keys.say(copied)
