"""The main screen: verdict, chain clocks, wallets, positions, preview, prices, alerts, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from liqtui.core.snapshot import Severity
from liqtui.ui import figures, layout
from liqtui.ui.bindings import bindings
from liqtui.ui.filters import Filter
from liqtui.ui.grid import Positions, next_sort
from liqtui.ui.header import Clocks, Footer, Verdict, utc
from liqtui.ui.panes import Alerts, Prices, Wallets
from liqtui.ui.playbar import Playbar
from liqtui.ui.preview import Preview
from liqtui.ui.prompt import Prompt

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from liqtui.core.snapshot import Alert, Row
    from liqtui.ui.lines import LineView
    from liqtui.ui.state import AppState


class Dashboard(Screen[None]):
    """Shows the newest snapshot. All keys act on the active pane; only the prompt takes the focus."""

    BINDINGS: ClassVar = [*bindings("dashboard"), *bindings("tape")]
    AUTO_FOCUS = ""

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self.active = "positions"
        self.zoomed = False
        self.plan = layout.plan(80, 24)
        self.verdict = Verdict(state, id="verdict")
        self.clocks_top = Clocks(state, id="clocks-top")
        self.clocks_low = Clocks(state, id="clocks-low")
        self.wallets = Wallets(state, id="wallets")
        self.prices = Prices(state, id="prices")
        self.positions = Positions(state, id="positions")
        self.preview = Preview(state, id="preview")
        self.alerts = Alerts(state, id="alerts")
        self.keys = Footer(state, id="footer")
        self.prompt = Prompt(id="prompt")
        playback = state.engine.playback
        self.playbar = Playbar(playback) if playback is not None else None
        self.panes: dict[str, Positions | Wallets | Alerts | Prices] = {
            "positions": self.positions, "wallets": self.wallets, "alerts": self.alerts, "prices": self.prices,
        }  # fmt: skip

    def compose(self) -> ComposeResult:
        yield self.clocks_top
        yield self.verdict
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield self.wallets
                yield self.prices
            with Vertical(id="main"):
                yield self.positions
                yield self.preview
        yield self.alerts
        yield self.clocks_low
        if self.playbar is not None:
            yield self.playbar
        yield self.keys
        yield self.prompt

    @property
    def views(self) -> tuple[LineView, ...]:
        return (
            self.verdict, self.clocks_top, self.clocks_low, self.wallets, self.positions, self.preview, self.prices,
            self.alerts, self.keys,
        )  # fmt: skip

    # Layout

    def on_mount(self) -> None:
        if self.state.settings.seconds:
            self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        self.clocks_top.update()
        self.clocks_low.update()

    def on_resize(self, event: events.Resize) -> None:
        self.fit_to(event.size.width, event.size.height)

    def fit_to(self, width: int, height: int) -> None:
        """Give each pane its place for this size."""
        feeds = len(self.state.shown.feeds)
        made = layout.plan(width, height, prices=feeds, zoom=self.active if self.zoomed else "")
        if not made.has(self.active):
            made = layout.plan(width, height, prices=feeds, zoom=self.active)
        self.plan = made
        zoom = made.zoom
        self.clocks_top.display = made.clocks == "top"
        self.clocks_low.display = made.clocks == "low"
        self.keys.display = made.footer and not self.prompt.open
        self._place_side(made)
        main = self.query_one("#main")
        main.display = zoom in {"", "positions"}
        self.preview.display = made.preview > 0
        self.preview.styles.height = made.preview
        self.positions.framed, self.positions.joined = made.framed, made.preview > 0
        self.alerts.display = made.alerts > 0 or zoom == "alerts"
        self.alerts.framed = made.framed or zoom == "alerts"
        self.alerts.styles.height = "1fr" if zoom == "alerts" else made.alerts
        self.query_one("#body").display = zoom != "alerts"
        for name, pane in self.panes.items():
            pane.active = name == self.active
        self.preview.active = self.positions.active
        self.refresh_all()

    def _place_side(self, made: layout.Plan) -> None:
        side = self.query_one("#side")
        alone = made.zoom in {"wallets", "prices"}
        side.display = made.side > 0 or alone
        side.styles.width = "1fr" if alone else made.side
        self.wallets.display = made.zoom != "prices"
        self.wallets.joined = made.prices > 0
        self.prices.display = made.prices > 0 or made.zoom == "prices"
        self.prices.joined = made.zoom != "prices"
        self.prices.styles.height = "1fr" if made.zoom == "prices" else made.prices

    def relayout(self) -> None:
        self.fit_to(*self.size)

    # Painting

    def refresh_all(self) -> None:
        """Build every visible pane again; each repaints only what differs."""
        self.positions.settle()
        self.preview.footnote = self.positions.position_text
        for view in self.views:
            if view.display:
                view.update()

    def restyle(self) -> None:
        """All of it, for another theme."""
        for view in self.views:
            view.repaint()

    def say(self, text: str) -> None:
        """A remark at the bottom, for a moment."""
        self.keys.say(text)

    # Moving

    def action_move(self, by: int) -> None:
        self.panes[self.active].move(by)
        self._follow()

    def action_half(self, by: int) -> None:
        self.panes[self.active].page(by / 2)
        self._follow()

    def action_page(self, by: int) -> None:
        self.panes[self.active].page(by)
        self._follow()

    def action_first(self) -> None:
        self.panes[self.active].move_to(0)
        self._follow()

    def action_last(self) -> None:
        self.panes[self.active].move_to(1 << 40)
        self._follow()

    def _follow(self) -> None:
        """The preview shows what the cursor is on."""
        if self.preview.display:
            self.preview.footnote = self.positions.position_text
            self.preview.update()

    @on(Positions.Moved)
    def _moved(self) -> None:
        self._follow()

    @on(Wallets.Chosen)
    def _chosen(self, message: Wallets.Chosen) -> None:
        self.narrow(message.wallet)

    def narrow(self, wallet: str | None) -> None:
        """List one wallet, or all."""
        self.state.wallet = wallet
        self.refresh_all()

    def action_pane(self, name: str) -> None:
        """Make a pane active; one that has no room here gets all of it."""
        if name == self.active and not self.plan.zoom:
            return
        self.active, self.zoomed = name, False
        if name == "alerts" and self.alerts.chosen is None:
            self.alerts.move_to(0)
        self.relayout()

    def action_next_pane(self, by: int) -> None:
        order = layout.PANES
        self.action_pane(order[(order.index(self.active) + by) % len(order)])

    def action_zoom(self) -> None:
        self.zoomed = not self.zoomed
        self.relayout()

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

    # The tape

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a tape mean nothing while there is none."""
        del parameters
        return self.playbar is not None if action.startswith("tape_") else True

    def action_tape_pause(self) -> None:
        if self.playbar is not None:
            self.playbar.toggle()

    def action_tape_speed(self, by: int) -> None:
        if self.playbar is not None:
            (self.playbar.faster if by > 0 else self.playbar.slower)()

    def action_tape_step(self, by: int) -> None:
        if self.playbar is not None:
            self.playbar.step(by)

    def action_tape_chapter(self, by: int) -> None:
        if self.playbar is not None:
            self.playbar.chapter(forward=by > 0)

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
        if row is not None:
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
        from liqtui.ui.host import host_of

        host = host_of(self)
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
        from liqtui.ui.host import host_of

        if message.sign == "/":
            self.filter_by(message.text)
            self.prompt.hint(f"{len(self.state.rows()):,} rows")
        else:
            self.prompt.hint(host_of(self).registry.hint(message.text))

    @on(Prompt.Entered)
    def _entered(self, message: Prompt.Entered) -> None:
        from liqtui.ui.host import host_of

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
        self.state.engine.refresh()
        self.say("reading every chain now")

    def action_ack(self) -> None:
        """One key under stress: the alert under the cursor, else the selected position's, else the newest."""
        alert = self._open_alert()
        if alert is None:
            self.say("nothing to acknowledge")
            return
        self.state.engine.acknowledge(alert.id)
        self.say(f"acknowledged: {alert.title}")

    def _open_alert(self) -> Alert | None:
        waiting = [a for a in self.state.snapshot.alerts if a.acked_at is None and a.severity is not Severity.OK]
        if self.active == "alerts":
            chosen = self.alerts.chosen
            return chosen if chosen in waiting else None
        row = self.state.selected_row
        own = [alert for alert in waiting if row is not None and alert.position == row.id]
        return (own or waiting or [None])[0]

    def action_ack_all(self) -> None:
        number = self.state.snapshot.unacked
        self.state.engine.acknowledge(None)
        self.say(f"acknowledged {number} alerts" if number != 1 else "acknowledged 1 alert")

    def target_row(self) -> Row | None:
        """The position that a key is about: of the alert under the cursor, or the selected one."""
        if self.active == "alerts" and self.alerts.chosen is not None:
            return self.state.find(self.alerts.chosen.position)
        return self.state.selected_row

    def action_open(self) -> None:
        from liqtui.ui.detail import PositionDetail

        if self.active in {"wallets", "prices"}:
            self.action_pane("positions")
            return
        row = self.target_row()
        if row is None:
            self.say("no position here")
            return
        self.app.push_screen(PositionDetail(self.state, row.id))

    def action_copy_row(self) -> None:
        rows = [row for row in self.state.rows() if row.key in self.state.marks]
        row = self.target_row()
        rows = rows or ([row] if row is not None else [])
        if rows:
            self._copy("\n".join(figures.plain_line(row, self.state) for row in rows))

    def action_copy_address(self) -> None:
        row = self.target_row()
        if row is not None:
            addresses = {wallet.key: wallet.address for wallet in self.state.shown.wallets}
            self._copy(addresses.get(row.key.wallet, row.key.wallet))

    def _copy(self, text: str) -> None:
        from liqtui.ui import clipboard

        self.say(clipboard.copy(self.app, text).sentence)

    def action_add_wallet(self) -> None:
        from liqtui.ui.host import host_of

        host_of(self).add_wallets("")

    def action_edit_wallet(self) -> None:
        from liqtui.ui.host import host_of

        host_of(self).edit_wallet(self._wallet_key())

    def _wallet_key(self) -> str | None:
        if self.active == "wallets":
            return self.state.wallet
        row = self.target_row()
        return row.key.wallet if row is not None else self.state.wallet
