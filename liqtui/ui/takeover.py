"""The daemon that this screen shows is gone: say what that means, and offer to watch from here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from liqtui.engine.handle import Attachment

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.ui.app import LiqtuiApp

CHOICES = (
    ("t", "take over", "an engine runs in this screen from now on, and ends with it"),
    ("esc", "wait", "the screen attaches again when the daemon is back; :takeover does it later"),
)


class TakeoverDialog(ModalScreen["bool"]):
    """Returns whether to take over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "decide(True)", "take over", id="takeover.take", tooltip=CHOICES[0][2]),
        Binding("escape", "decide(False)", "wait", id="takeover.wait", tooltip=CHOICES[1][2]),
    ]
    DEFAULT_CSS = """
    TakeoverDialog { align: center middle; }
    TakeoverDialog #takeover {
        width: 76; max-width: 100%; height: auto; max-height: 100%; border: round $severity-critical;
        border-title-color: $severity-critical; background: $canvas; padding: 0 1; scrollbar-size: 1 1;
    }
    TakeoverDialog Static { height: auto; color: $ink; }
    """

    def __init__(self, loss: str) -> None:
        super().__init__()
        self.loss = loss

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="takeover") as box:
            box.border_title = "nobody is watching"
            said = f"{self.loss[:1].upper()}{self.loss[1:]}. All figures are old, and no alert is sent."
            yield Static(said, markup=False)
            yield Static(
                Content("\n").join(
                    Content.assemble((f"{key} ", "bold $key"), f"{label}: ", (meaning, "$muted"))
                    for key, label, meaning in CHOICES
                )
            )

    def action_decide(self, take: bool) -> None:
        self.dismiss(result=take)


def mind(app: LiqtuiApp) -> None:
    """After each snapshot: offer to take over once for each loss, and stop to offer it when the daemon is back."""
    engine = app.state.engine
    if not isinstance(engine, Attachment):
        return
    open_ = next((screen for screen in app.screen_stack if isinstance(screen, TakeoverDialog)), None)
    if not engine.loss:
        app.takeover_offered = False
        if open_ is not None and app.screen is open_:
            open_.dismiss(result=False)
    elif not app.takeover_offered and not isinstance(app.screen, ModalScreen):
        app.takeover_offered = True
        app.push_screen(TakeoverDialog(engine.loss), lambda take: app.host.take_over() if take else None)
