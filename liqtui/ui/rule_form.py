"""Alert rules of one wallet or position, by keyboard, with what they would have said on the recorded history."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.markup import escape
from textual.widgets import Input, Static

from liqtui.core.rehearse import rehearse
from liqtui.core.rules import Rules
from liqtui.core.text import clean
from liqtui.core.wallet import Thresholds
from liqtui.ui import clipboard
from liqtui.ui.form import Form
from liqtui.ui.nav import app_of
from liqtui.ui.rule_fields import SHAPES, Applied, resolved, resolved_rules, settings, text_of, toml
from liqtui.ui.rule_preview import on_record
from liqtui.ui.wallet_entries import FieldError
from liqtui.ui.wording import Wording

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Wallet
    from liqtui.engine.trial import Terms
    from liqtui.ui.wallet_book import WalletBook

PAUSE = 0.1
"""Seconds of silence at the keyboard before the rules are tried."""
LOOK_BACK = 30 * 86_400.0
"""Seconds of history that the preview goes through."""


class RuleForm(Form):
    """Returns whether something was saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="rules.save", tooltip="save", priority=True),
        Binding("ctrl+t", "scope", "scope", id="rules.scope", tooltip="wallet or this position", priority=True),
        Binding("ctrl+r", "tape", "tape", id="rules.tape", tooltip="try them on a tape", priority=True),
        Binding("ctrl+y", "copy", "copy", id="rules.copy", tooltip="copy as lines for config.toml", priority=True),
        Binding("escape", "cancel", "cancel", id="rules.cancel", tooltip="give up; asks when something was typed"),
    ]
    DEFAULT_CSS = """
    RuleForm .box { width: 78; }
    RuleForm .name { width: 18; }
    RuleForm .unit { width: 9; color: $muted; padding: 0 0 0 1; }
    RuleForm #preview { height: auto; color: $ink; }
    """

    def __init__(self, book: WalletBook, wallet: Wallet, row: Row) -> None:
        super().__init__(book)
        self.wallet = wallet
        self.row = row
        self.whole = True
        """The wallet's rules; else the thresholds of the position alone."""
        self._points: list[Point] | None = None
        self._before: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="rules", classes="box") as form:
            form.border_title = "alert rules"
            with VerticalScroll(id="fields", can_focus=False):
                for shape in SHAPES:
                    with Horizontal(classes="line", id=f"line-{shape.key}"):
                        yield Static(shape.label, classes="name", markup=False)
                        yield Input("", id=shape.key, select_on_focus=False)
                        yield Static(shape.unit, classes="unit", markup=False)
            with Vertical(id="below"):
                yield Wording("going through the record …", id="preview")
                yield Wording("", id="fault")
                yield Wording("", id="hint")

    def on_mount(self) -> None:
        self._fill()
        self.query_one("#warn", Input).focus()
        if self.book.refusal:
            self.fault(self.book.refusal)

    # What is edited

    @property
    def _position(self) -> str:
        """Of the thresholds that are edited; empty: the wallet's."""
        return "" if self.whole else self.row.id

    def _own(self) -> Thresholds:
        if self.whole:
            return self.wallet.thresholds
        return dict(self.wallet.position_thresholds).get(self.row.id, Thresholds())

    def _applied(self) -> Applied:
        """What holds where nothing is typed."""
        bare = _without(self.wallet, self._position, whole=self.whole)
        found = resolved(bare, self.row.id, self.book.state.settings.thresholds)
        return Applied(found, resolved_rules(replace(bare, rules=Rules()), self.book.state.settings.rules))

    def _fill(self) -> None:
        own, applied = self._own(), self._applied()
        for shape in SHAPES:
            entry = self.query_one(f"#{shape.key}", Input)
            value = getattr(own if shape.threshold else self.wallet.rules, shape.key)
            entry.value, entry.placeholder = text_of(shape, value), applied.hint(shape)
            self.query_one(f"#line-{shape.key}").display = self.whole or shape.threshold
        self._before = self._typed()
        whose = f"all of {clean(self.wallet.title, 30)}" if self.whole else f"this {clean(self.row.key.protocol)} only"
        self.query_one("#rules").border_subtitle = escape(whose)
        other = "position" if self.whole else "wallet"
        hint = f"ctrl+s save · ctrl+t {other} · ctrl+r tape · ctrl+y copy · esc cancel"
        self.query_one("#hint", Wording).update(hint)
        self._look()

    def _changed(self) -> Wallet:
        """Raises FieldError."""
        return settings(self._typed(), self.wallet, self._position, self._applied().thresholds)

    def _typed(self) -> dict[str, str]:
        shown = [shape for shape in SHAPES if self.whole or shape.threshold]
        return {shape.key: self.query_one(f"#{shape.key}", Input).value for shape in shown}

    @property
    def changed(self) -> bool:
        return self._typed() != self._before

    def on_input_changed(self) -> None:
        self._warned = ""
        self._look()

    def _look(self) -> None:
        """Say at once what is wrong, or what it would have said."""
        try:
            changed = self._changed()
        except FieldError as fault:
            self.fault(str(fault))
            return
        self.fault(self.book.refusal)
        self.run_worker(partial(self._show_preview, changed), group="preview", exclusive=True)

    # What it would have said

    async def _show_preview(self, changed: Wallet) -> None:
        """A month on record may take a second: in a thread, which ends early when something else is typed."""
        task = _Rehearsals(self, changed)
        try:
            await asyncio.sleep(PAUSE)
            lines = await asyncio.to_thread(task.lines)
        finally:
            task.wanted = False
        self.query_one("#preview", Wording).update("\n".join(lines))

    def points(self) -> list[Point]:
        """On record of the position, read once. From any thread."""
        if self._points is None:
            self._points = self.book.state.engine.points(self.row.id, self.book.state.snapshot.at - LOOK_BACK)
        return self._points

    def resolved(self, wallet: Wallet) -> tuple[Thresholds, Rules]:
        """What applies to the position under that wallet."""
        configured = self.book.state.settings
        return resolved(wallet, self.row.id, configured.thresholds), resolved_rules(wallet, configured.rules)

    def _terms(self, wallet: Wallet) -> Terms:
        from liqtui.engine.trial import Terms

        configured = self.book.state.settings
        limits = resolved(wallet, self._position, configured.thresholds)
        return Terms(wallet, limits, configured.thresholds, configured.rules, self._position)

    # Keys

    def action_scope(self) -> None:
        if self.warned("ctrl+t"):
            self._warned = ""
            self.whole = not self.whole
            self._fill()

    def action_tape(self) -> None:
        """Try what is typed on a recording; nothing typed is lost."""
        from liqtui.ui.rule_tape import TapeTrial

        try:
            changed = self._changed()
        except FieldError as fault:
            self.fault(str(fault))
            return
        app_of(self).push_screen(TapeTrial(self._terms(changed), self._terms(self.wallet)))

    def action_copy(self) -> None:
        """For all wallets: config.toml is the person's own file, so the lines are handed over."""
        try:
            text = toml(self._typed())
        except FieldError as fault:
            self.fault(str(fault))
            return
        self.fault(clipboard.copy(app_of(self), text).sentence if text else "Nothing is typed, so nothing is copied.")

    def on_input_submitted(self) -> None:
        self.action_save()

    def write(self) -> None:
        changed = self._changed()
        self.close_with(self.book.edit(self.wallet.key, changed))


class _Rehearsals:
    """What is typed beside what holds, for a thread."""

    def __init__(self, form: RuleForm, changed: Wallet) -> None:
        self._points = form.points
        self._now = form.book.state.snapshot.at
        self._settings = [form.resolved(wallet) for wallet in (changed, form.wallet)]
        self.wanted = True

    def lines(self) -> list[str]:
        points = self._points()
        found, before = (
            rehearse(takewhile(lambda _: self.wanted, points), limits, rules) for limits, rules in self._settings
        )
        return on_record(found, before, self._now)


def _without(wallet: Wallet, position: str, *, whole: bool) -> Wallet:
    """The wallet as if what is edited said nothing."""
    if whole:
        return replace(wallet, thresholds=Thresholds(), position_thresholds=())
    kept = tuple(pair for pair in wallet.position_thresholds if pair[0] != position)
    return replace(wallet, position_thresholds=kept)
