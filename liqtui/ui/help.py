"""The help page: the keys that work here, the commands, and what each sign on the screen means.

All of it is made from the tables that make the thing itself, so that it cannot be out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import ModalScreen

from liqtui.core.snapshot import Severity
from liqtui.ui import bindings, figures, filters
from liqtui.ui.header import Footer
from liqtui.ui.sheet import Box, Sheet, draw, unframed, wrap
from liqtui.ui.style import LOOKS, Span, fit, split_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult
    from textual.strip import Strip

    from liqtui.ui.commands import Command, Registry
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Palette

SEVERITIES: tuple[tuple[Severity, str], ...] = (
    (Severity.LIQUIDATED, "a liquidation of this wallet was seen"),
    (Severity.LIQUIDATABLE, "health is under 1: anyone may liquidate now"),
    (Severity.CRITICAL, "under the critical threshold"),
    (Severity.WARN, "under the warning threshold"),
    (Severity.BLIND, "cannot be read now; the figures are old"),
    (Severity.UNKNOWN, "never read, or a figure is missing"),
    (Severity.OK, "above the thresholds, and read just now"),
)

SIGNS: tuple[tuple[str, str], ...] = (
    ("1.21~", "an old value: it was not confirmed lately"),
    ("–", "unknown; it never means zero or safe"),
    ("…", "left out for want of room; by itself: the daemon is asked for it"),
    ("∞", "no debt, so nothing to liquidate"),
    ("2.988≠", "not confirmed: the contract's answer differs from our arithmetic, or is missing"),
    ("·", "fresh; an age is printed only once it is late"),
    ("◌", "an old row; in danger it keeps its own sign"),
    ("▲.021", "change of health over the last hour"),
)

COLUMNS: tuple[tuple[str, str], ...] = (
    ("HF", "health factor, as the contract answers; under 1 anyone may liquidate"),
    ("pressure", "the bar grows as the cushion shrinks; calm rows have none"),
    ("cush", "distance to liquidation in usual daily moves (σ) of what moves it"),
    ("to liq", "how far that price has to move, and which way"),
    ("liquidates at", "the price of that asset at which health is 1"),
    ("24h", "health over the last day"),
    ("debt", "what is owed, in the market's base currency; on wide screens"),
    ("age", "since the last good read, once that is late"),
)


class HelpSheet(Sheet):
    """`contexts` name the tables of keys that work on the screen from which help was called."""

    def __init__(self, state: AppState, contexts: Sequence[str], registry: Registry | None = None) -> None:
        super().__init__(state)
        self.contexts = tuple(contexts)
        self.registry = registry

    def document(self, width: int) -> list[Strip]:
        palette = self.palette
        keys = [
            Box(
                bindings.CONTEXTS[name][0].lower(),
                self._table(self._keys(name), column_width(width)),
            )
            for name in self.contexts
        ]
        legend = [
            Box("how bad", self._severities(column_width(width))),
            Box("signs", self._table(self._signs(), column_width(width))),
            Box("columns", self._table(COLUMNS, column_width(width))),
            Box("filter  /", self._table(filters.HELP, column_width(width))),
        ]
        if self.registry is not None:
            commands = [(command.usage, command.help + self._key_of(command)) for command in self.registry]
            way = ":" if "dashboard" in self.contexts else "ctrl+p"  # the line is on the main screen only
            legend.append(Box(f"commands  {way}", self._table(commands, column_width(width), first=22)))
        return arrange(palette, keys, legend, width)

    def pinned(self, width: int, height: int) -> list[Strip]:
        del height
        palette = self.palette
        left: list[Span] = [(" help", palette.style("strong", bold=True))]
        right: list[Span] = [("esc back  j k scroll ", palette.style("muted"))]
        return [split_line(left, right, width, palette.style())]

    def _keys(self, context: str) -> Iterable[tuple[str, str]]:
        settings = self.state.settings
        for key in bindings.CONTEXTS[context][1]:
            names = settings.keymap.get(key.id, key.keys).split(",")
            yield " ".join(bindings.show_key(name.strip(), plain=settings.ascii) for name in names), key.tooltip

    def _key_of(self, command: Command) -> str:
        """The key that does the same on the screen that was called from, where there is one."""
        settings = self.state.settings
        here = (key for context in self.contexts for key in bindings.CONTEXTS[context][1])
        key = next((key for key in here if key.id == command.key), None)
        return f" ({bindings.keys_of(key, settings.keymap, plain=settings.ascii)})" if key else ""

    def _signs(self) -> Iterable[tuple[str, str]]:
        return ((figures.plainly(sign, self.state), meaning) for sign, meaning in SIGNS)

    def _table(self, rows: Iterable[tuple[str, str]], width: int, first: int = 14) -> list[list[Span]]:
        """Name and meaning; a long meaning goes on under itself, a long name stands on a line of its own."""
        name_style, text_style = self.palette.style("key"), self.palette.style("ink")
        room = width - first - 4
        lines: list[list[Span]] = []
        for name, meaning in rows:
            parts = wrap(meaning, room) or [""]
            if len(name) >= first:
                lines.append([(fit(name, width - 4), name_style)])
                name = ""  # noqa: PLW2901 - printed already
            for place, part in enumerate(parts):
                lines.append([(fit(name if place == 0 else "", first), name_style), (part, text_style)])
        return lines

    def _severities(self, width: int) -> list[list[Span]]:
        ink = self.palette.style("ink")
        lines: list[list[Span]] = []
        for severity, meaning in SEVERITIES:
            look = LOOKS[severity]
            for place, part in enumerate(wrap(meaning, width - 20)):
                head = f"{look.glyph} {look.word}" if place == 0 else ""
                lines.append([(fit(head, 16), self.palette.severity(severity)), (part, ink)])
        return lines


def column_width(width: int) -> int:
    return (width + 1) // 2 if width >= 100 else width


def arrange(palette: Palette, left: list[Box], right: list[Box], width: int) -> list[Strip]:
    """Two columns on a wide screen, one under the other on a narrow one, without frames on a tiny one."""
    if width < 60:
        return [strip for box in (*left, *right) for strip in unframed(palette, box, width)]
    if width < 100:
        return [strip for box in (*left, *right) for strip in draw(palette, box, width)]
    half = column_width(width)
    first = [strip for box in left for strip in draw(palette, box, half)]
    second = [strip for box in right for strip in draw(palette, box, width - half)]
    return join_columns(palette, first, half, second, width - half)


def join_columns(
    palette: Palette, left: list[Strip], left_width: int, right: list[Strip], right_width: int
) -> list[Strip]:
    """Two columns of finished lines; the shorter one is filled with blank lines."""
    from textual.strip import Strip

    height = max(len(left), len(right))
    left = left + [Strip.blank(left_width, palette.style())] * (height - len(left))
    right = right + [Strip.blank(right_width, palette.style())] * (height - len(right))
    return [Strip.join(pair) for pair in zip(left, right, strict=True)]


class Remark(Footer):
    """Takes a line only while something is said in it."""

    contexts = ()

    def say(self, remark: str, seconds: float = 5.0) -> None:
        self.display = True
        super().say(remark, seconds)

    def _unsay(self, remark: str) -> None:
        super()._unsay(remark)
        self.display = bool(self.said)


class HelpScreen(ModalScreen[None]):
    """Help for the screen below it; any of ? esc q goes back."""

    BINDINGS: ClassVar = [
        ("escape,q,question_mark", "dismiss", "back"),
    ]
    DEFAULT_CSS = """
    HelpScreen { background: $canvas; overflow: hidden; }
    HelpScreen HelpSheet { width: 1fr; height: 1fr; }
    HelpScreen Remark { display: none; }
    """

    def __init__(self, state: AppState, contexts: Sequence[str], registry: Registry | None = None) -> None:
        super().__init__()
        self.state = state
        self.contexts = contexts
        self.registry = registry

    def compose(self) -> ComposeResult:
        yield HelpSheet(self.state, self.contexts, self.registry)
        yield Remark(self.state)
