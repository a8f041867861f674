"""The panes of the main screen: where each of them is, which of them has the keys, and when they are painted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import on
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from liqtui.ui import layout
from liqtui.ui.grid import Positions
from liqtui.ui.header import Clocks, Footer, Verdict
from liqtui.ui.panes import Alerts, Prices, Wallets
from liqtui.ui.playbar import Playbar
from liqtui.ui.preview import Preview
from liqtui.ui.prompt import Prompt

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from liqtui.ui.lines import LineView
    from liqtui.ui.state import AppState


class Board(Screen[None]):
    """Shows the newest snapshot. All keys act on the active pane; only the prompt takes the focus."""

    AUTO_FOCUS = ""

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self.active = "positions"
        self.zoomed = False
        self.plan = layout.plan(80, 24)
        self._fitted = (0, 0)
        self.verdict = Verdict(state, id="verdict")
        self.clocks_top = Clocks(state, id="clocks-top")
        self.clocks_low = Clocks(state, id="clocks-low")
        self.wallets = Wallets(state, id="wallets")
        self.prices = Prices(state, id="prices")
        self.positions = Positions(state, id="positions")
        self.preview = Preview(state, self.positions.position_text, id="preview")
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
        self.fit_to(*cast("Any", self).app.size)  # before the first frame, which would else be painted twice
        if self.state.settings.seconds:
            self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        self.clocks_top.update()
        self.clocks_low.update()

    def on_resize(self, event: events.Resize) -> None:
        if event.size != self._fitted:  # else the panes, which hear of theirs too, are as they have to be
            self.fit_to(event.size.width, event.size.height)

    def fit_to(self, width: int, height: int) -> None:
        """Give each pane its place for this size."""
        self._fitted = (width, height)
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
