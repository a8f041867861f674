"""The daemon that this screen shows does not answer it: say what that means, and offer to watch from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from liqtui.engine.handle import Attachment
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.engine.handle import Loss
    from liqtui.ui.app import LiqtuiApp

WAIT = "the screen attaches again as soon as it can; :takeover takes over later"


class Words(NamedTuple):
    title: str
    said: str
    take: str
    """What taking over does."""


def words(loss: Loss, daemon: int | None) -> Words:
    """What is known of who watches now, and nothing beyond that. `daemon`: process that was attached to."""
    why, watcher = f"{loss.why[:1].upper()}{loss.why[1:]}.", loss.watcher
    who = f"process {watcher}" if watcher else "another process"
    if watcher is None:
        said = "Nobody watches: all figures are old, and no alert is sent."
        return Words(
            "nobody is watching", f"{why} {said}", "an engine runs in this screen from now on, and ends with it"
        )
    if loss.refused:
        said = "It goes on watching and sends its alerts. Only the figures here are old."
        take = f"an engine of its own runs in this screen, for the figures; the alerts stay with {who}"
        return Words("this screen is not served", f"{why} {said}", take)
    if watcher != daemon:
        said = f"A liqtui, {who}, holds its place: that one watches and sends the alerts. The figures here are old."
        take = f"an engine of its own runs in this screen, for the figures; the alerts stay with {who}"
        return Words("another one is watching", f"{why} {said}", take)
    said = "It still runs: whether it watches and sends alerts cannot be told from here. All figures are old."
    take = f"an engine runs in this screen; it sends alerts only if {who} ends within seconds"
    return Words("the daemon does not answer", f"{why} {said}", take)


class TakeoverDialog(ModalScreen["bool"]):
    """Returns whether to take over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "decide(True)", "take over", id="takeover.take", tooltip="Run an engine in this screen."),
        Binding("escape", "decide(False)", "wait", id="takeover.wait", tooltip="Wait for the daemon."),
    ]
    DEFAULT_CSS = """
    TakeoverDialog { align: center middle; }
    TakeoverDialog #takeover {
        width: 76; max-width: 100%; height: auto; max-height: 100%; border: round $severity-critical;
        border-title-color: $severity-critical; background: $canvas; padding: 0 1; scrollbar-size: 1 1;
    }
    TakeoverDialog Static { height: auto; color: $ink; }
    """

    def __init__(self, loss: Loss, daemon: int | None) -> None:
        super().__init__()
        self._told = words(loss, daemon)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="takeover"):
            yield Wording(id="said")
            yield Wording(id="choices")

    def on_mount(self) -> None:
        self._show()

    def tell(self, loss: Loss, daemon: int | None) -> None:
        """It is known better, or has changed."""
        told = words(loss, daemon)
        if told != self._told:
            self._told = told
            self._show()

    def _show(self) -> None:
        title, said, take = self._told
        self.query_one("#takeover").border_title = title
        self.query_one("#said", Wording).update(said)
        choices = (("t", "take over", take), ("esc", "wait", WAIT))
        lines = [
            Content.assemble((f"{key} ", "bold $key"), f"{label}: ", (means, "$muted")) for key, label, means in choices
        ]
        self.query_one("#choices", Wording).update(Content("\n").join(lines))

    def action_decide(self, take: bool) -> None:
        self.dismiss(result=take)


def mind(app: LiqtuiApp) -> None:
    """After each snapshot: offer to take over once for each loss, and stop to offer it when the daemon is back."""
    engine = app.state.engine
    if not isinstance(engine, Attachment):
        return
    loss = engine.loss
    open_ = next((screen for screen in app.screen_stack if isinstance(screen, TakeoverDialog)), None)
    if loss is None:
        app.takeover_offered = False
        if open_ is not None and app.screen is open_:
            open_.dismiss(result=False)
    elif open_ is not None:
        open_.tell(loss, engine.daemon)
    elif not app.takeover_offered and not isinstance(app.screen, ModalScreen):
        app.takeover_offered = True
        app.push_screen(TakeoverDialog(loss, engine.daemon), lambda take: app.host.take_over() if take else None)
