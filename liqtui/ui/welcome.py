"""The first screen of a person who watches nothing yet: what this is, what it will ask, and the first wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.screen import Screen

from liqtui.core.redact import redact
from liqtui.core.text import clean
from liqtui.ui.bindings import CONTEXTS, bindings, keys_of
from liqtui.ui.header import Footer
from liqtui.ui.nav import app_of
from liqtui.ui.sheet import Box, Sheet, draw, pad, unframed, wrap
from liqtui.ui.style import fit
from liqtui.ui.wallet_book import WalletBook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.strip import Strip

    from liqtui.ui.state import AppState
    from liqtui.ui.style import Span

PROMISE = (
    "liqtui watches borrow positions and says in time when one comes near liquidation.",
    "It only reads. It holds no key, signs nothing and sends no transaction.",
    "It calls nobody but the nodes below and the alert channels that you configure.",
)
DEMO = "Only looking? Quit, and start `liqtui demo`: a recorded evening with a crash, without any network."


def _named(whose: str, hosts: Sequence[str], width: int) -> str:
    """As many endpoints by name as fit, the others by their number: "yours · node.example, other.example, 2 more"."""
    names = [clean(redact(host).removeprefix("https://").removesuffix("/…"), 60) for host in hosts]
    for shown in range(len(names), 0, -1):
        more = [f"{len(names) - shown} more"] if shown < len(names) else []
        text = f"{whose} · {', '.join([*names[:shown], *more])}"
        if shown == 1 or cell_len(text) <= width:
            return text
    return f"{whose} · no endpoint"


class WelcomeSheet(Sheet):
    def document(self, width: int) -> list[Strip]:
        inner = min(width, 84)
        framed = width >= 60
        room = inner - 4 if framed else inner
        boxes = [self._about(room), self._endpoints(room), self._next(room)]
        made = draw if framed else unframed
        left = (width - inner) // 2
        return [pad(self.palette, strip, left, width) for box in boxes for strip in made(self.palette, box, inner)]

    def _about(self, width: int) -> Box:
        box = Box("welcome to liqtui")
        for text in PROMISE:
            box.lines += [[(part, self.palette.style("ink"))] for part in wrap(text, width)]
        return box

    def _endpoints(self, width: int) -> Box:
        """Whom it talks to, before it is told what to look for."""
        box = Box("what it reads from")
        chains = self.state.settings.asked
        for chain in chains:
            whose = "built-in public" if chain.public else "yours"
            box.lines.append(
                [
                    (fit(clean(chain.chain, 16), 12) + " ", self.palette.style("strong")),
                    (fit(_named(whose, chain.hosts, width - 13), max(width - 13, 8)), self.palette.style("muted")),
                ]
            )
        if any(chain.public for chain in chains):
            text = "Public endpoints see which wallets you ask for. Your own go into config.toml."
            box.lines += [[(part, self.palette.style("severity-warn"))] for part in wrap(text, width)]
        return box

    def _next(self, width: int) -> Box:
        box = Box("begin")
        keymap = self.state.settings.keymap
        for binding in (*CONTEXTS["welcome"][1], *CONTEXTS["everywhere"][1][:1]):
            key, meaning = keys_of(binding, keymap), binding.tooltip
            for place, part in enumerate(wrap(meaning, max(width - 6, 10))):
                spans: list[Span] = [
                    (fit(key if place == 0 else "", 5) + " ", self.palette.style("key", bold=True)),
                    (part, self.palette.style("ink")),
                ]
                box.lines.append(spans)
        path = self.state.settings.path_watchlist
        texts = [f"Wallets are kept in {clean(path, 200)}, readable by you alone."] if path else []
        for text in (*texts, DEMO):
            box.lines += [[(part, self.palette.style("muted"))] for part in wrap(text, width)]
        return box


class WelcomeScreen(Screen[None]):
    """Over the empty dashboard; goes away with the first wallet."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("welcome")]
    DEFAULT_CSS = """
    WelcomeScreen { background: $canvas; overflow: hidden; }
    WelcomeScreen WelcomeSheet { width: 1fr; height: 1fr; }
    """

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self.state = state
        self.book = WalletBook(state)
        self.sheet = WelcomeSheet(state)
        self.keys = Footer(state)
        self.keys.contexts = ("welcome", "everywhere")

    def compose(self) -> ComposeResult:
        yield self.sheet
        yield self.keys

    def on_mount(self) -> None:
        self.sheet.focus()

    def refresh_all(self) -> None:
        self.sheet.update()

    def restyle(self) -> None:
        self.sheet.repaint()
        self.keys.repaint()

    def action_add(self) -> None:
        from liqtui.ui.wallet_form import WalletForm

        app_of(self).push_screen(WalletForm(self.book), self._saved)

    def action_import(self) -> None:
        from liqtui.ui.wallet_import import ImportDialog

        app_of(self).push_screen(ImportDialog(), self._imported)

    def _imported(self, text: str | None) -> None:
        if text is not None:
            from liqtui.ui.wallet_form import WalletForm

            app_of(self).push_screen(WalletForm(self.book, text=text), self._saved)

    def _saved(self, saved: bool | None) -> None:
        if saved or self.book.wallets:
            self.dismiss()

    def action_skip(self) -> None:
        self.dismiss()

    def action_quit(self) -> None:
        app_of(self).exit()
