"""All watched wallets in one list: add, edit, order, import, remove, and undo each of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.cells import cell_len
from textual.message import Message
from textual.screen import Screen

from liqtui.core.snapshot import Severity
from liqtui.core.text import clean, short_address
from liqtui.core.units import decimal_string
from liqtui.ui import clipboard, figures
from liqtui.ui.apart import fit_named
from liqtui.ui.bindings import bindings
from liqtui.ui.header import Footer
from liqtui.ui.nav import app_of
from liqtui.ui.rule_fields import resolved
from liqtui.ui.sheet import Box, Sheet, draw, unframed, wrap
from liqtui.ui.style import LOOKS, fit, line, row_look
from liqtui.ui.wallet_book import WalletBook

if TYPE_CHECKING:
    from rich.style import Style
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.strip import Strip

    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Wallet
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Span
    from liqtui.ui.wallet_book import Outcome


_NONE = "no wallet here: + adds one"


class _Column(NamedTuple):
    heading: str
    width: int
    rank: int


_COLUMNS = (
    _Column("label", 16, 0),
    _Column("address", 42, 5),
    _Column("address", 13, 1),
    _Column("HF", 7, 2),
    _Column("warn/crit", 11, 3),
    _Column("tags", 14, 4),
    _Column("chains", 16, 6),
    _Column("note", 20, 7),
)


_LABEL = 42
"""Cells that a label gets at most."""


def columns(width: int, label: int = 0) -> list[_Column]:
    """By rank while they fit; the long address replaces the short one. What is left over goes to the labels, of which
    the longest needs `label` cells.
    """
    chosen: list[_Column] = []
    room = width
    for column in sorted(_COLUMNS, key=lambda column: column.rank):
        extra = column.width + 1
        if column.heading == "address" and column.width > 13:
            extra -= 14
        if extra > room:
            break
        chosen.append(column)
        room -= extra
    if any(column.heading == "address" and column.width > 13 for column in chosen):
        chosen = [column for column in chosen if not (column.heading == "address" and column.width == 13)]
    wide = _COLUMNS[0].width + max(0, min(room, min(label, _LABEL) - _COLUMNS[0].width))
    return [column._replace(width=wide) if column.rank == 0 else column for column in _COLUMNS if column in chosen]


class WalletList(Sheet):
    """Lines with a cursor."""

    class Moved(Message):
        """The cursor was moved by a key."""

    def __init__(self, state: AppState, book: WalletBook) -> None:
        super().__init__(state)
        self.book = book
        self.cursor = 0
        self.remark = ""
        self.severity: Severity | None = None
        """Of the remark; None: it is only news."""

    @property
    def chosen(self) -> Wallet | None:
        wallets = self.book.wallets
        self.cursor = min(max(self.cursor, 0), max(len(wallets) - 1, 0))
        return wallets[self.cursor] if wallets else None

    def document(self, width: int) -> list[Strip]:
        wallets = self.book.wallets
        framed = width >= 60
        inner = width - 4 if framed else width
        box = Box("wallets", right=self._state_words())
        room = inner - 3
        table = columns(room, max((cell_len(clean(wallet.title, _LABEL)) for wallet in wallets), default=0))
        if wallets:
            box.lines.append([self._span("   " + " ".join(fit(c.heading, c.width) for c in table), "muted")])
        else:
            box.lines.append([self._span("no wallet is watched; + adds one", "muted")])
        chosen = self.chosen
        box.lines += [self._line(wallet, table, room, selected=wallet is chosen) for wallet in wallets]
        if chosen is not None and chosen.note:
            box.bottom = clean(chosen.note, 60)
        return draw(self.palette, box, width) if framed else unframed(self.palette, box, width)

    def pinned(self, width: int, height: int) -> list[Strip]:
        """What happened last, where it cannot scroll away: above all, what was not saved."""
        del height
        name = LOOKS[self.severity].variable if self.severity else "muted"
        style = self.palette.style(name, bold=self.severity is not None)
        return [line([(f" {part}", style)], width, self.palette.style()) for part in wrap(self.remark, width - 2)]

    def _state_words(self) -> str:
        count = f"{len(self.book.wallets)}"
        if self.book.refusal:
            return f"{count} · cannot be changed here"
        return f"{count} · NOT SAVED, s tries again" if self.book.unsaved else count

    def _line(self, wallet: Wallet, table: list[_Column], room: int, *, selected: bool) -> list[Span]:
        on = "cursor" if selected else ""
        worst = self._worst(wallet)
        glyph = row_look(worst).glyph if worst else "·"
        style: Style = self.palette.severity(worst.severity, on=on) if worst else self.palette.style("muted", on=on)
        cells = " ".join(fit_named(self._cell(wallet, column), column.width) for column in table)
        return [
            ("›" if selected else " ", self.palette.style("key", bold=True, on=on)),
            (f"{glyph} ", style),
            (fit(cells, room), self.palette.style("ink", bold=selected, on=on)),
        ]

    def _cell(self, wallet: Wallet, column: _Column) -> str:
        match column.heading:
            case "label":
                return clean(wallet.title, _LABEL)
            case "address":
                return wallet.address if column.width > 13 else short_address(wallet.address)
            case "HF":
                return self._health(wallet)
            case "warn/crit":
                return self._limits(wallet)
            case "tags":
                return " ".join(wallet.tags)
            case "chains":
                return " ".join(wallet.chains) or "all"
            case _:
                return clean(wallet.note, 80)

    def _limits(self, wallet: Wallet) -> str:
        """Both that apply, where one is its own: beside it the other must not look like none."""
        own = wallet.thresholds
        if own.warn is None and own.critical is None:
            return ""
        found = resolved(wallet, "", self.state.settings.thresholds)
        return "/".join("–" if raw is None else decimal_string(raw, 18) for raw in (found.warn, found.critical))

    def _worst(self, wallet: Wallet) -> Row | None:
        sums = self.state.snapshot.tally.wallets.get(wallet.key)
        return sums.worst if sums else None

    def _health(self, wallet: Wallet) -> str:
        worst = self._worst(wallet)
        if worst is None:
            return "–"
        return figures.plainly(figures.row_health(worst), self.state) + figures.mark(worst)

    def _span(self, text: str, name: str) -> Span:
        return (text, self.palette.style(name))

    def action_scroll(self, lines: int) -> None:
        self.select(self.cursor + lines)

    def action_half(self, halves: int) -> None:
        self.select(self.cursor + halves * max(self.size.height // 2, 1))

    def action_edge(self, way: int) -> None:
        self.select(0 if way < 0 else len(self.book.wallets) - 1)

    def select(self, place: int) -> None:
        """Put the cursor there."""
        self.cursor = min(max(place, 0), max(len(self.book.wallets) - 1, 0))
        self.post_message(self.Moved())
        self.update()

    def build(self, width: int, height: int) -> list[Strip]:
        """Scrolled so far that the cursor is seen, also when the screen has just come or has become smaller."""
        at = self.cursor + 2
        room = max(height - len(self.pinned(width, height)) - 1, 1)
        if at <= self.top:
            self.top = 0 if self.cursor == 0 else at - 1
        elif at >= self.top + room:
            self.top = at - room + 1
        return super().build(width, height)


class WalletsScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("wallets")]
    DEFAULT_CSS = """
    WalletsScreen { background: $canvas; overflow: hidden; }
    WalletsScreen WalletList { width: 1fr; height: 1fr; }
    """

    def __init__(self, state: AppState, warning: str = "") -> None:
        super().__init__()
        self.state = state
        self.book = WalletBook(state)
        self._warning = warning
        self.list = WalletList(state, self.book)
        self.keys = Footer(state)
        self.keys.contexts = ("wallets", "page", "everywhere")
        self._removing = ""

    def compose(self) -> ComposeResult:
        yield self.list
        yield self.keys

    def on_mount(self) -> None:
        self.list.focus()
        warning = self._warning or self.book.refusal
        self.say(warning, Severity.WARN if warning else None)
        wanted = self.state.wallet or (self.state.selected.wallet if self.state.selected else None)
        keys = [wallet.key for wallet in self.book.wallets]
        if wanted in keys:
            self.list.cursor = keys.index(wanted)

    def refresh_all(self) -> None:
        self.list.update()

    def restyle(self) -> None:
        self.list.repaint()
        self.keys.repaint()

    def say(self, text: str, severity: Severity | None = None) -> None:
        """Stays until something else happens. A question that stood there is answered by no."""
        self._removing = ""
        self.list.remark, self.list.severity = text, severity
        self.list.update()

    def _report(self, outcome: Outcome, done: str) -> None:
        if outcome.done:
            self.say(done)
            return
        self.say(outcome.error, Severity.WARN)
        if outcome.conflict is not None:
            from liqtui.ui.wallet_conflict import ConflictDialog

            app_of(self).push_screen(ConflictDialog(self.book, outcome.conflict), self._settled)

    def _settled(self, decided: bool | None) -> None:
        if decided:
            self.say("decided and saved")

    def action_add(self) -> None:
        from liqtui.ui.wallet_form import WalletForm

        self._keep()
        app_of(self).push_screen(WalletForm(self.book), self._saved)

    def action_edit(self) -> None:
        from liqtui.ui.wallet_form import WalletForm

        self._keep()
        wallet = self.list.chosen
        if wallet is None:
            self.say(_NONE)
            return
        app_of(self).push_screen(WalletForm(self.book, wallet), self._saved)

    def _saved(self, saved: bool | None) -> None:
        if self.book.unsaved:
            self.say("not saved yet: the change is kept and watched until you leave; s tries again", Severity.WARN)
        elif saved:
            self.say("saved; u takes it back")
        else:
            self.list.update()

    def action_remove(self) -> None:
        """Twice: a wallet that is not watched raises no alarm."""
        wallet = self.list.chosen
        if wallet is None:
            self.say(_NONE)
            return
        if self._removing != wallet.key:
            self.say(f"stop watching {clean(wallet.title, 42)}? x again does it, anything else keeps it", Severity.WARN)
            self._removing = wallet.key
            return
        self._report(self.book.remove(wallet.key), f"{clean(wallet.title, 42)} is no longer watched; u brings it back")

    def on_wallet_list_moved(self) -> None:
        self._keep()

    def _keep(self) -> bool:
        """Going elsewhere answers no; returns whether there was a question."""
        asked = bool(self._removing)
        if asked:
            self.say("kept")
        return asked

    def action_undo(self) -> None:
        self._report(self.book.undo(), "taken back; ctrl+r does it again")

    def action_redo(self) -> None:
        self._report(self.book.redo(), "done again")

    def action_shift(self, by: int) -> None:
        wallet, before = self.list.chosen, self.list.cursor
        if wallet is None:
            self.say(_NONE)
            return
        outcome = self.book.move(wallet.key, by)
        self.list.select(next((n for n, w in enumerate(self.book.wallets) if w.key == wallet.key), 0))
        self._report(
            outcome, "" if self.list.cursor != before else f"it is the {'first' if by < 0 else 'last'} already"
        )

    def action_save(self) -> None:
        if not self.book.unsaved:
            self.say("everything is saved")
            return
        self._report(self.book.retry(), "saved")

    def action_import(self) -> None:
        from liqtui.ui.wallet_import import ImportDialog

        self._keep()
        app_of(self).push_screen(ImportDialog(), self._imported)

    def _imported(self, text: str | None) -> None:
        """The file's text goes through the form, where each line is checked and names are looked up."""
        if text is None:
            return
        from liqtui.ui.wallet_form import WalletForm

        app_of(self).push_screen(WalletForm(self.book, text=text), self._saved)

    def action_copy(self) -> None:
        wallet = self.list.chosen
        self.say(clipboard.copy(app_of(self), wallet.address).sentence if wallet is not None else _NONE)

    def action_back(self) -> None:
        if not self._keep():
            self.dismiss()
