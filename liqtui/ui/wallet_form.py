"""The dialog for new wallets and for one that is there: everything is checked while it is typed.

It stays open until what was typed is on disk, or the person gives it up; a failed save loses nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from liqtui.core.redact import redact
from liqtui.core.text import clean
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.ui.form import Form
from liqtui.ui.rule_fields import resolved
from liqtui.ui.wallet_entries import (
    Entries,
    FieldError,
    Lookup,
    read_chains,
    read_entries,
    read_line,
    read_thresholds,
    read_words,
    threshold_text,
    with_fields,
)
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from liqtui.ui.wallet_book import WalletBook

PAUSE = 0.4
"""Seconds of silence at the keyboard before a name is looked up."""
_LISTED = 8
"""Entries that are spelled out; of more only those in trouble and a count."""

FIELDS = (
    ("label", "label", "your name for it"),
    ("tags", "tags", "words to filter by"),
    ("chains", "chains", "empty: all"),
    ("warn", "warn below", "empty: as everywhere"),
    ("critical", "critical below", "empty: as everywhere"),
    ("note", "note", "a line for yourself"),
)
"""(id, label, placeholder) in the order of the form."""


class Addresses(TextArea):
    """Several lines may be pasted; enter goes on instead of breaking the line, tab leaves."""

    class Entered(Message):
        """Enter was pressed."""

    def __init__(self, text: str) -> None:
        super().__init__(text, id="addresses", tab_behavior="focus", compact=True, soft_wrap=True)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.post_message(self.Entered())
            return
        await super()._on_key(event)


class WalletForm(Form):
    """`wallet` None adds, else edits. Returns whether something was saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="form.save", tooltip="save", priority=True),
        Binding("escape", "cancel", "cancel", id="form.cancel", tooltip="give up; asks when something was typed"),
    ]
    DEFAULT_CSS = """
    WalletForm #ask { height: auto; color: $muted; }
    WalletForm Addresses:focus { border: none; }
    WalletForm Addresses {
        border: none; padding: 0; height: auto; background: $cursor; color: $strong;
    }
    WalletForm .fixed { width: 1fr; color: $ink; }
    WalletForm #notes { height: auto; color: $ink; }
    """

    def __init__(self, book: WalletBook, wallet: Wallet | None = None, text: str = "") -> None:
        super().__init__(book)
        self.wallet = wallet
        self._start_text = text
        self._lookup = Lookup({}, {})
        self._asked: set[str] = set()
        self._saving = False
        """Save as soon as the names are known."""
        self._skipping = False
        """Entries that are wrong may be left out."""
        self._before = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="form", classes="box") as form:
            form.border_title = "edit wallet" if self.wallet else "watch wallets"
            with VerticalScroll(id="fields", can_focus=False):
                yield from self._compose_fields()
            with Vertical(id="below"):
                yield Wording("", id="fault")
                yield Wording("ctrl+s save · tab next · esc cancel", id="hint")

    def _compose_fields(self) -> ComposeResult:
        if self.wallet is None:
            yield Static("Address or ENS name; several at once can be pasted.", id="ask", markup=False)
            yield Addresses(self._start_text)
            yield Wording("", id="notes")
        else:
            with Horizontal(classes="line"):
                yield Static("address", classes="name", markup=False)
                yield Static(self.wallet.address, classes="fixed", markup=False)
            if self.wallet.name:
                with Horizontal(classes="line"):
                    yield Static("name", classes="name", markup=False)
                    yield Static(clean(self.wallet.name, 60), classes="fixed", markup=False)
        values = self._values()
        for name, label, placeholder in FIELDS:
            with Horizontal(classes="line"):
                yield Static(label, classes="name", markup=False)
                yield Input(values[name], placeholder=placeholder, id=name, select_on_focus=False)

    def _values(self) -> dict[str, str]:
        wallet = self.wallet
        if wallet is None:
            return {name: "" for name, _, _ in FIELDS}
        return {
            "label": wallet.label,
            "tags": " ".join(wallet.tags),
            "chains": " ".join(wallet.chains),
            "warn": threshold_text(wallet.thresholds.warn),
            "critical": threshold_text(wallet.thresholds.critical),
            "note": wallet.note,
        }

    def on_mount(self) -> None:
        first = self.query_one(Addresses) if self.wallet is None else self.query_one("#label", Input)
        first.focus()
        self._before = self._typed()
        if self.book.refusal:
            self.fault(self.book.refusal)
        self._look()

    def on_resize(self, event: events.Resize) -> None:
        """A quarter of the screen for addresses; said in cells, since textual counts a share as if there was none."""
        if self.wallet is None:
            self.query_one(Addresses).styles.max_height = max(2, event.size.height // 4)

    # What was typed

    @property
    def text(self) -> str:
        return self.query_one(Addresses).text if self.wallet is None else ""

    def value(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value

    def _typed(self) -> str:
        return "\0".join([self.text, *(self.value(name) for name, _, _ in FIELDS)])

    @property
    def changed(self) -> bool:
        return self._typed() != self._before

    def _entries(self) -> Entries:
        return read_entries(self.text, self.book, self._lookup)

    def on_text_area_changed(self) -> None:
        self._look()
        self._check()
        self.set_timer(PAUSE, self._ask_names)

    def on_input_changed(self) -> None:
        self._check()

    def _check(self) -> None:
        """Say at once what is wrong with the fields; forget the question about leaving."""
        self._warned = ""
        self._saving = self._skipping = False
        try:
            self._fields()
        except FieldError as fault:
            self.fault(str(fault))
        else:
            self.fault("")

    def _fields(self) -> dict[str, object]:
        """Raises FieldError."""
        known = {chain.name for chain in self.book.state.snapshot.chains}
        before = self.wallet.thresholds if self.wallet else Thresholds()
        bare = replace(self.wallet, thresholds=Thresholds()) if self.wallet else Wallet("")
        applied = resolved(bare, "", self.book.state.settings.thresholds)
        label = read_line("label", self.value("label"))
        if label and self.wallet is None and len(self._entries().wallets) > 1:
            raise FieldError("the label is for one wallet: empty it, and name them one by one once they are added")
        return {
            "label": label,
            "tags": read_words(read_line("tags", self.value("tags"))),
            "chains": read_chains(read_line("chains", self.value("chains")), known),
            "note": read_line("note", self.value("note")),
            "thresholds": read_thresholds(self.value("warn"), self.value("critical"), before, applied),
        }

    # Looking

    def _look(self) -> None:
        """One line for each entry, in words."""
        if self.wallet is not None:
            return
        notes = list(self._entries().notes)
        good = sum(1 for mark, _ in notes if mark == "✓")
        if len(notes) > _LISTED:
            trouble = [note for note in notes if note[0] != "✓"]
            notes = [("✓", f"{good} good ones")] * bool(good) + trouble[: _LISTED - 1]
            if len(trouble) > _LISTED - 1:
                notes.append(("✗", f"and {len(trouble) - _LISTED + 1} more"))
        colors = {"✓": "$severity-ok", "✗": "$severity-warn", "…": "$muted"}
        lines = [Content.assemble((f"{mark} ", colors[mark]), sentence) for mark, sentence in notes]
        shown = self.query_one("#notes", Wording)
        shown.display = bool(lines)
        shown.update(Content("\n").join(lines))

    # Names

    def _ask_names(self) -> None:
        for name in self._entries().waiting:
            if name not in self._asked:
                self._asked.add(name)
                self.run_worker(self._ask(name), group="names", exit_on_error=False)

    async def _ask(self, name: str) -> None:
        """Ask the engine, in its own thread; the answer comes back here."""
        address, error = "", ""
        try:
            address = await asyncio.wrap_future(self.book.state.engine.resolve(name))
        except LookupError as fault:
            error = str(fault.args[0]) if fault.args else "there is no such name"
        except (OSError, RuntimeError, TimeoutError) as fault:
            error = f"could not be asked: {redact(str(fault))}"
        known = self._lookup
        if address:
            self._lookup = Lookup({**known.addresses, name: address}, known.errors)
        else:
            self._lookup = Lookup(known.addresses, {**known.errors, name: error})
        if self.is_attached:
            self._look()
            if self._saving and not self._entries().waiting:
                self._saving = False
                self._save_entries()

    def _ask_again(self) -> None:
        """Names that were not found may be found now: the chain may have been out of reach."""
        self._asked -= set(self._lookup.errors)
        self._lookup = Lookup(self._lookup.addresses, {})

    # Leaving

    def on_addresses_entered(self) -> None:
        self.query_one("#label", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the next field, and saves in the last one."""
        names = [name for name, _, _ in FIELDS]
        place = names.index(event.input.id or "")
        if place + 1 < len(names) and self.wallet is None and not self._entries().wallets:
            self.query_one(Addresses).focus()
        else:
            self.action_save()

    def write(self) -> None:
        fields = self._fields()
        if self.wallet is not None:
            self.close_with(self.book.edit(self.wallet.key, replace(self.wallet, **fields)))  # type: ignore[arg-type]
            return
        if not self._skipping:
            self._ask_again()
        if self._entries().waiting:
            self._saving = True
            self.fault("Saved as soon as the name is found.")
            self._look()
            self._ask_names()
        else:
            self._save_entries()

    def _save_entries(self) -> None:
        """Every name is answered. What is wrong is left out only when that was asked for."""
        entries = self._entries()
        if entries.wrong and not self._skipping:
            good = len(entries.wallets)
            self._skipping = good > 0
            rest = f" ctrl+s again leaves it out and saves {good}." if good else ""
            rest = rest or (" ctrl+s asks again for names." if self._lookup.errors else "")
            self.fault(f"Nothing was saved: correct or remove what is marked ✗.{rest}")
        elif not entries.wallets:
            self.fault("An address or a name is needed.")
            self.query_one(Addresses).focus()
        else:
            self.close_with(self.book.add(*with_fields(entries.wallets, **self._fields())))
