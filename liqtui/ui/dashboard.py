"""The main screen: what each of its keys does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on

from liqtui.core import format as fmt
from liqtui.ui import figures
from liqtui.ui.bindings import bindings
from liqtui.ui.board import Board
from liqtui.ui.filters import Filter
from liqtui.ui.grid import Positions, next_sort
from liqtui.ui.header import utc
from liqtui.ui.host import host_of
from liqtui.ui.playbar import TapeKeys
from liqtui.ui.prompt import Prompt

if TYPE_CHECKING:
    from liqtui.core.snapshot import Alert, Row


class Dashboard(TapeKeys, Board):
    """The board with its keys."""

    BINDINGS: ClassVar = [*bindings("dashboard"), *bindings("tape")]

    def say_of_tape(self, remark: str) -> None:
        self.say(remark)

    def action_back(self) -> None:
        """One step back: filter, zoom, pane, wallet, marks. Never out of the program."""
        state = self.state
        if state.filter.text:
            self.filter_by("")
        elif self.zoomed or self.active != "positions":
            self.zoomed, self.active = False, "positions"
            self.relayout()
        elif state.wallet is not None:
            self.narrow(None)
        elif state.marks:
            state.marks.clear()
            self.refresh_all()

    # What is shown

    def action_sort(self) -> None:
        self.state.sort = next_sort(self.state.sort)
        self.refresh_all()

    def action_reverse(self) -> None:
        self.state.reverse = not self.state.reverse
        self.refresh_all()

    def action_freeze(self) -> None:
        frozen = self.state.toggle_freeze()
        self.say(f"frozen at {utc(self.state.shown.at)}Z; alerts go on" if frozen else "live again")
        self.refresh_all()

    def action_mark(self) -> None:
        row = self.state.selected_row
        if row is None:
            self.say("no position here")
            return
        self.state.marks.symmetric_difference_update({row.key})
        self.positions.move(1)
        self.refresh_all()

    def filter_by(self, text: str) -> None:
        self.state.filter = Filter(text.strip())
        self.refresh_all()

    def action_filter(self) -> None:
        self._open_prompt("/", self.state.filter.text)

    def action_command_line(self) -> None:
        self.open_command("")

    def open_command(self, text: str) -> None:
        """Let the person finish a command."""
        self._open_prompt(":", text)

    def _open_prompt(self, sign: str, text: str) -> None:
        host = host_of(self)
        self.keys.say("")
        self.keys.display = False
        if sign == ":":
            self.prompt.begin(sign, text, history=host.registry.history, complete=host.complete)
        else:
            self.prompt.begin(sign, text)

    def _close_prompt(self) -> None:
        self.prompt.end()
        self.keys.display = self.plan.footer

    @on(Prompt.Typed)
    def _typed(self, message: Prompt.Typed) -> None:
        if message.sign == "/":
            self.filter_by(message.text)
            self.prompt.hint(self.state.filter.fault or fmt.counted(len(self.state.rows()), "row"))
        else:
            self.prompt.hint(host_of(self).registry.hint(message.text))

    @on(Prompt.Entered)
    def _entered(self, message: Prompt.Entered) -> None:
        self._close_prompt()
        if message.sign == ":":
            host_of(self).execute(message.text)

    @on(Prompt.Cancelled)
    def _cancelled(self) -> None:
        if self.prompt.sign == "/":
            self.filter_by("")
        self._close_prompt()

    # Acting

    def action_refresh_now(self) -> None:
        if self.state.engine.playback is not None:
            self.say("a tape is playing: it has nothing newer")
            return
        self.state.engine.refresh()
        self.say(self.state.asked("reading every chain now"))

    def action_ack(self) -> None:
        """One key under stress: the alert under the cursor, else the selected position's, else the newest."""
        alert = self._open_alert()
        if alert is None:
            self.say("nothing to acknowledge")
            return
        self.state.engine.acknowledge(alert.id)
        self.say(self.state.asked(f"acknowledged: {alert.title}"))

    def _open_alert(self) -> Alert | None:
        waiting = [alert for alert in self.state.snapshot.alerts if alert.waits]
        if self.active == "alerts":
            chosen = self.alerts.chosen
            return chosen if chosen in waiting else None
        row = self.state.selected_row
        own = [alert for alert in waiting if row is not None and row.id in alert.about]
        return (own or waiting or [None])[0]

    def action_ack_all(self) -> None:
        number = self.state.snapshot.unacked
        if not number:
            self.say("nothing to acknowledge")
            return
        self.state.engine.acknowledge(None)
        self.say(self.state.asked(f"acknowledged {fmt.counted(number, 'alert')}"))

    def action_alert_log(self) -> None:
        """With the cursor on the alert that is under it here."""
        from liqtui.ui.alert_screen import AlertScreen

        alert = self.alerts.selected if self.active == "alerts" else None
        host_of(self).app.push_screen(AlertScreen(self.state, alert=alert))

    def target_row(self) -> Row | None:
        """The position that a key is about: of the alert under the cursor, or the selected one."""
        if self.active == "alerts" and self.alerts.chosen is not None:
            return self.state.find(self.alerts.chosen.position)
        self.state.held = True
        return self.state.selected_row

    @on(Positions.Opened)
    def action_open(self) -> None:
        from liqtui.ui.detail import PositionDetail

        if self.active in {"wallets", "prices"}:
            self.action_pane("positions")
            return
        row = self.target_row()
        if row is None:
            self.say("no position here")
            return
        host_of(self).app.push_screen(PositionDetail(self.state, row.id))

    def action_copy_row(self) -> None:
        rows = [row for row in self.state.rows() if row.key in self.state.marks]
        row = self.target_row()
        rows = rows or ([row] if row is not None else [])
        if not rows:
            self.say("no position to copy")
            return
        self._copy("\n".join(figures.plain_line(row, self.state) for row in rows))

    def action_copy_address(self) -> None:
        key = self._wallet_key()
        if key is None:
            self.say("no wallet here: the list shows all of them" if self.active == "wallets" else "no wallet here")
            return
        addresses = {wallet.key: wallet.address for wallet in self.state.shown.wallets}
        self._copy(addresses.get(key, key))

    def _copy(self, text: str) -> None:
        from liqtui.ui import clipboard

        self.say(clipboard.copy(cast("Any", self).app, text).sentence)

    def action_add_wallet(self) -> None:
        host_of(self).add_wallets("")

    def action_edit_wallet(self) -> None:
        host_of(self).edit_wallet(self._wallet_key())

    def _wallet_key(self) -> str | None:
        if self.active == "wallets":
            return self.state.wallet
        row = self.target_row()
        return row.key.wallet if row is not None else self.state.wallet
