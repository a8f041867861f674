"""Severity in glyphs, words and weights; colours by name; lines of an exact width.

Nothing here says a severity by colour alone: glyph, word and weight come first. Text is measured in terminal
cells, so that a wide or hostile symbol cannot push the rest of a line.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.filter import LineFilter
from textual.strip import Strip

from liqtui.core.snapshot import Severity
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.snapshot import Row


class Look(NamedTuple):
    """How a severity is told apart without colour."""

    glyph: str
    word: str
    variable: str
    bold: bool = False
    reverse: bool = False
    """In the verdict only: there it must be seen from across the room."""


LOOKS: dict[Severity, Look] = {
    Severity.LIQUIDATED: Look("✖", "LIQUIDATED", "severity-liquidated", bold=True, reverse=True),
    Severity.LIQUIDATABLE: Look("✖", "LIQUIDATABLE", "severity-liquidatable", bold=True, reverse=True),
    Severity.CRITICAL: Look("▲", "CRITICAL", "severity-critical", bold=True, reverse=True),
    Severity.WARN: Look("◆", "WARN", "severity-warn", bold=True),
    Severity.BLIND: Look("◌", "BLIND", "severity-blind"),
    Severity.UNKNOWN: Look("?", "UNKNOWN", "severity-unknown"),
    Severity.OK: Look("●", "OK", "severity-ok"),
}

DEFAULT_VARIABLES: dict[str, str] = {
    "severity-liquidated": "#ff5a47",
    "severity-liquidatable": "#ff5a47",
    "severity-critical": "#ff5a47",
    "severity-warn": "#f5e050",
    "severity-ok": "#62c4e0",
    "severity-blind": "#7f7f87",
    "severity-unknown": "#a78bda",
    "ink": "#c9d1d9",
    "strong": "#f2f5f8",
    "muted": "#7d8590",
    "faint": "#3b434d",
    "frame": "#3b434d",
    "frame-focus": "#62c4e0",
    "title": "#9aa4af",
    "key": "#62c4e0",
    "rise": "#7fa98f",
    "fall": "#d99a7c",
    "cursor": "#1c2531",
    "canvas": "#0b0e14",
}
"""Every colour name that the screens use, with what a theme that does not set it gets (a dark canvas)."""

_ASCII = str.maketrans(
    {
        "✖": "X", "✗": "x", "▲": "!", "◆": "~", "◌": "?", "●": ".", "›": ">", "▸": ">", "◂": "<", "⏎": "E", "␣": "_",
        "╭": "+", "╮": "+", "╰": "+", "╯": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+", "┌": "+", "┐": "+",
        "└": "+", "┘": "+", "─": "-", "━": "-", "│": "|", "┃": "|", "╌": "-", "┆": ":", "╶": "-", "╴": "-", "╷": "|",
        "╵": "|", "╎": ":", "≠": "?", "▶": ">", "‖": "|", "↑": "^", "↓": "v", "≤": "<", "≥": ">",
        "█": "#", "▉": "#", "▊": "#", "▋": "#", "▌": "=", "▍": "=", "▎": "-", "▏": "-", "▰": "#", "▱": "-",
        "▁": "_", "▂": "_", "▃": ".", "▄": "-", "▅": "=", "▆": "*", "▇": "#", "·": ".", "−": "-", "–": "-", "—": "-",
        "σ": "s", "∞": "*", "×": "x", "÷": "/", "±": "+", "∓": "-", "≈": "~", "…": "*", "→": ">", "←": "<", "▼": "v",
        "▴": "^", "▾": "v", "✓": "y", "½": "%", "°": "o", "“": '"', "”": '"', "‘": "'", "’": "'", " ": " ",
    }
)  # fmt: skip


@lru_cache(4096)
def to_ascii(text: str) -> str:
    """Text of the same width in cells with ASCII characters only; what has no likeness becomes "?".

    What is left out is "*", as in a pattern: a point would end a sentence, or begin decimals.
    """
    plain = _spelt(text).translate(_ASCII)
    return plain if plain.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in plain)


def _spelt(text: str) -> str:
    """With "inf" for "∞", where blanks behind it give the two cells for that: no sign says "without end"."""
    place = text.find("∞")
    while place >= 0 and (blanks := text.find("   ", place)) > 0:
        text = f"{text[:place]}inf{text[place + 1 : blanks]}{text[blanks + 2 :]}"
        place = text.find("∞", place)
    return text


class AsciiFilter(LineFilter):
    """The last thing before the terminal under `--ascii`: nothing that any widget drew gets past it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(to_ascii(text), style, control) for text, style, control in segments]


class Palette:
    """Rich styles by theme variable. One per theme; styles are made once."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._colors = {name: _color(variables.get(name), name) for name in DEFAULT_VARIABLES}
        self.flat = str(self._colors["cursor"]) == str(self._colors["canvas"])
        """The cursor has no background of its own: it has to be seen by other means."""
        self._plain = str(self._colors["muted"]) == str(self._colors["ink"])
        self._made: dict[tuple[str, bool, bool, bool, str], Style] = {}

    def style(
        self, name: str = "ink", *, bold: bool = False, reverse: bool = False, dim: bool = False, on: str = ""
    ) -> Style:
        """The style of a variable, on the canvas or on another variable.

        In a theme without greys the quiet names are dim, so that they stay quiet.
        """
        key = (name, bold, reverse, dim, on)
        style = self._made.get(key)
        if style is None:
            quiet = dim or (self._plain and name in {"muted", "faint", "frame", "severity-blind"})
            style = self._made[key] = Style(
                color=self._colors[name].rich_color,
                bgcolor=self._colors[on or "canvas"].rich_color,
                bold=bold or None,
                reverse=reverse or None,
                dim=quiet or None,
            )
        return style

    def severity(self, severity: Severity, *, verdict: bool = False, on: str = "") -> Style:
        look = LOOKS[severity]
        return self.style(look.variable, bold=look.bold, reverse=verdict and look.reverse, on=on)


def _color(value: str | None, name: str) -> Color:
    try:
        return Color.parse(value or DEFAULT_VARIABLES[name])
    except ColorParseError:
        return Color.parse(DEFAULT_VARIABLES[name])


def row_look(row: Row) -> Look:
    """Of a row: as its severity, but hollow where a calm row cannot be trusted any more.

    A row in danger keeps its alarming glyph when its figures grow old: that must never look better.
    """
    return LOOKS[Severity.BLIND if row.faded else row.severity]


@lru_cache(8192)
def fit(text: str, width: int, align: str = "left") -> str:
    """Text in exactly `width` cells: cut with "…", or padded on the side away from `align`."""
    if width <= 0:
        return ""
    if not text.isprintable():
        text = clean(text, limit=max(width, 1) + 1)
    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    pad = " " * (width - size)
    return pad + text if align == "right" else text + pad


@lru_cache(4096)
def fit_words(text: str, width: int) -> str:
    """As `fit`, but of a figure that does not fit whole nothing is left: "HF 1.…" would be another health."""
    if width <= 0 or cell_len(text) <= width:
        return fit(text, width)
    kept = set_cell_size(text, width - 1)
    before, blank, last = kept.rpartition(" ")
    cut_short = text.startswith(kept) and text[len(kept)] != " "
    if cut_short and blank and last and not last[0].isalpha() and not last.startswith("0x"):
        kept = f"{before} "
    return fit(kept.rstrip() + "…", width)


Span = tuple[str, Style]


def spans_width(spans: Iterable[Span]) -> int:
    return sum(cell_len(text) for text, _ in spans)


def _joined(spans: Iterable[Span]) -> list[Segment]:
    """Segments as few as possible: each change of style is some forty bytes for the terminal.

    Blanks show no ink, so they take the style before them where only the ink would differ.
    """
    segments: list[Segment] = []
    for text, style in spans:
        if not text:
            continue
        words = text if text.isprintable() else clean(text, limit=len(text))
        if segments:
            last, its_style, _ = segments[-1]
            if style == its_style or (not words.strip(" ") and _same_ground(style, its_style)):
                segments[-1] = Segment(last + words, its_style)
                continue
        segments.append(Segment(words, style))
    return segments


def _same_ground(one: Style, other: Style | None) -> bool:
    if other is None or one.reverse or other.reverse or one.underline or other.underline:
        return False
    return one.bgcolor == other.bgcolor


def line(spans: Iterable[Span], width: int, base: Style) -> Strip:
    """A strip of exactly `width` cells: cropped, or filled with blanks in `base`."""
    segments = _joined(spans)
    strip = Strip(segments)
    missing = width - strip.cell_length
    if missing > 0:
        return Strip(_joined([*((text, style or base) for text, style, _ in segments), (" " * missing, base)]), width)
    return strip.adjust_cell_length(width, base) if missing else strip


def clipped(spans: Iterable[Span], width: int) -> list[Span]:
    """As much as fits; where something is left out the last cell says so with "…"."""
    kept: list[Span] = []
    room = width
    for text, style in spans:
        size = cell_len(text)
        if size > room:
            if room:
                kept.append((fit(text, room), style))
            elif kept:
                last, its_style = kept[-1]
                kept[-1] = (fit(last + " ", cell_len(last)), its_style)
            break
        kept.append((text, style))
        room -= size
    return kept


def split_line(left: list[Span], right: list[Span], width: int, base: Style) -> Strip:
    """`left` at the left edge, `right` at the right edge; when they meet, the left one is cut and says so."""
    room = width - spans_width(right)
    if room < 0:
        return line(right, width, base)
    shown = left if spans_width(left) <= room else clipped(left, max(0, room - 1))
    return Strip.join([line(shown, room, base), line(right, spans_width(right), base)])
