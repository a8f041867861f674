"""Alert rules of one wallet or position, by keyboard, with what they would have said on the recorded history."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.markup import escape
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from liqtui.core import format as fmt
from liqtui.core.rehearse import Point, Said, rehearse
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.snapshot import Severity
from liqtui.core.text import clean
from liqtui.core.wallet import Thresholds
from liqtui.ui import clipboard
from liqtui.ui.header import utc
from liqtui.ui.nav import app_of
from liqtui.ui.rule_fields import SHAPES, Applied, resolved, settings, text_of, toml
from liqtui.ui.wallet_entries import FieldError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Wallet
    from liqtui.ui.wallet_book import Outcome, WalletBook

LOOK_BACK = 30 * 86_400.0
"""Seconds of history that the preview goes through."""
_RECENT = 3
_WORDS = {
    Severity.WARN: "warn",
    Severity.CRITICAL: "critical",
    Severity.LIQUIDATABLE: "liquidatable",
}
UNSEEN = "by health and distance; pace, σ, interest, prices and parameters cannot be told from what is recorded"


class RuleForm(ModalScreen["bool"]):
    """Returns whether something was saved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="rules.save", tooltip="save", priority=True),
        Binding("ctrl+t", "scope", "scope", id="rules.scope", tooltip="wallet or this position", priority=True),
        Binding("ctrl+y", "copy", "copy", id="rules.copy", tooltip="copy as lines for config.toml", priority=True),
        Binding("escape", "cancel", "cancel", id="rules.cancel", tooltip="give up; asks when something was typed"),
    ]
    DEFAULT_CSS = """
    RuleForm { align: center middle; }
    RuleForm #rules {
        width: 78; max-width: 100%; height: auto; max-height: 100%;
        border: round $frame-focus; border-title-color: $strong; border-subtitle-color: $muted;
        background: $canvas; padding: 0 1;
    }
    RuleForm #fields { height: auto; max-height: 100%; scrollbar-size: 1 1; }
    RuleForm .line { height: 1; }
    RuleForm .name { width: 18; color: $muted; }
    RuleForm .unit { width: 9; color: $muted; padding: 0 0 0 1; }
    RuleForm Input { width: 1fr; border: none; height: 1; padding: 0; background: $cursor; color: $strong; }
    RuleForm Input:focus { border: none; }
    RuleForm #below { height: auto; dock: bottom; }
    RuleForm #preview { height: auto; color: $ink; }
    RuleForm #fault { height: auto; color: $severity-warn; }
    RuleForm #hint { height: auto; color: $muted; }
    """

    def __init__(self, book: WalletBook, wallet: Wallet, row: Row) -> None:
        super().__init__()
        self.book = book
        self.wallet = wallet
        self.row = row
        self.whole = True
        """The wallet's rules; else the thresholds of the position alone."""
        self._points: list[Point] | None = None
        self._before: dict[str, str] = {}
        self._warned = False

    def compose(self) -> ComposeResult:
        with Vertical(id="rules") as form:
            form.border_title = "alert rules"
            with VerticalScroll(id="fields", can_focus=False):
                for shape in SHAPES:
                    with Horizontal(classes="line", id=f"line-{shape.key}"):
                        yield Static(shape.label, classes="name", markup=False)
                        yield Input("", id=shape.key, select_on_focus=False)
                        yield Static(shape.unit, classes="unit", markup=False)
            with Vertical(id="below"):
                yield Static("", id="preview", markup=False)
                yield Static("", id="fault", markup=False)
                yield Static(
                    "ctrl+s save · ctrl+t wallet/position · ctrl+y copy for config.toml · esc cancel",
                    id="hint",
                    markup=False,
                )

    def on_mount(self) -> None:
        self._fill()
        self.query_one("#warn", Input).focus()
        if self.book.refusal:
            self._fault(self.book.refusal)

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
        return Applied(found, self.wallet.tag_rules.over(DEFAULT_RULES))

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
        self._look()

    def _typed(self) -> dict[str, str]:
        shown = [shape for shape in SHAPES if self.whole or shape.threshold]
        return {shape.key: self.query_one(f"#{shape.key}", Input).value for shape in shown}

    @property
    def changed(self) -> bool:
        return self._typed() != self._before

    def on_input_changed(self) -> None:
        self._warned = False
        self._look()

    def _look(self) -> None:
        """Say at once what is wrong, or what it would have said."""
        try:
            changed = settings(self._typed(), self.wallet, self._position)
        except FieldError as fault:
            self._fault(str(fault))
            return
        self._fault(self.book.refusal)
        self.query_one("#preview", Static).update("\n".join(self._preview(changed)))

    # What it would have said

    def _preview(self, changed: Wallet) -> list[str]:
        now = self.book.state.snapshot.at
        if self._points is None:
            self._points = self.book.state.engine.points(self.row.id, now - LOOK_BACK)
        points, configured = self._points, self.book.state.settings.thresholds
        if not points:
            return ["nothing is recorded of this position yet, so there is nothing to try the rules on"]
        said = rehearse(points, resolved(changed, self.row.id, configured))
        before = rehearse(points, resolved(self.wallet, self.row.id, configured))
        span = fmt.age(now - points[0].at)
        lines = [f"on the last {span} on record: {told(said)}" + ("" if said == before else f"  (now: {told(before)})")]
        worse = [each for each in said if each.worse][-_RECENT:]
        lines += [f"  {utc(each.at, '%b %d %H:%M')}Z {_WORDS.get(each.level, each.level.value)}" for each in worse]
        return [*lines, UNSEEN]

    def _fault(self, sentence: str) -> None:
        self.query_one("#fault", Static).update(sentence)

    # Keys

    def action_scope(self) -> None:
        if self.changed and not self._warned:
            self._warned = True
            self._fault("Not saved yet: ctrl+t once more gives up what you typed, ctrl+s saves it.")
            return
        self._warned = False
        self.whole = not self.whole
        self._fill()

    def action_copy(self) -> None:
        """For all wallets: config.toml is the person's own file, so the lines are handed over."""
        try:
            text = toml(self._typed())
        except FieldError as fault:
            self._fault(str(fault))
            return
        self._fault(clipboard.copy(app_of(self), text).sentence if text else "Nothing is typed, so nothing is copied.")

    def on_input_submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Keys that arrived in the same moment still wait for their field: first those, then this."""
        (self.focused or self).call_later(self._save)

    def _save(self) -> None:
        if self.book.refusal:
            self._fault(self.book.refusal)
            return
        try:
            changed = settings(self._typed(), self.wallet, self._position)
        except FieldError as fault:
            self._fault(str(fault))
            return
        self._close_with(self.book.edit(self.wallet.key, changed))

    def _close_with(self, outcome: Outcome) -> None:
        if outcome.done:
            self.dismiss(result=True)
            return
        self._fault(outcome.error)
        if outcome.conflict is not None:
            from liqtui.ui.wallet_conflict import ConflictDialog

            app_of(self).push_screen(ConflictDialog(self.book, outcome.conflict), self._settled)

    def _settled(self, decided: bool | None) -> None:
        if decided:
            self.dismiss(result=True)

    def action_cancel(self) -> None:
        """Escape may come from a slow link by accident."""
        if self.changed and not self._warned:
            self._warned = True
            self._fault("Not saved yet: esc once more gives up what you typed, ctrl+s saves it.")
            return
        self.dismiss(result=False)


def _without(wallet: Wallet, position: str, *, whole: bool) -> Wallet:
    """The wallet as if what is edited said nothing."""
    if whole:
        return replace(wallet, thresholds=Thresholds(), position_thresholds=())
    kept = tuple(pair for pair in wallet.position_thresholds if pair[0] != position)
    return replace(wallet, position_thresholds=kept)


def told(said: Sequence[Said]) -> str:
    """As "3 warn, 1 critical, 4 recovered"; "nothing"."""
    worse = Counter(each.level for each in said if each.worse)
    parts = [f"{number} {_WORDS.get(level, level.value)}" for level, number in worse.items()]
    better = sum(1 for each in said if not each.worse)
    parts += [f"{better} recovered"] if better else []
    return ", ".join(parts) or "nothing"
