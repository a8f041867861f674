"""The very first text: the last known verdict, written raw while the rest is still being loaded.

It must be on the screen in some tens of milliseconds, so nothing of Textual or Rich is imported here, and
whatever is wrong with the saved verdict, a line is printed and the start goes on.
"""

from __future__ import annotations

import json
import math

from liqtui.core.text import clean

TYPE_CHECKING = False  # the module `typing` would take longer to load than all that is done here
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeGuard

_WORDS = {
    "liquidated": ("✖", "X"),
    "liquidatable": ("✖", "X"),
    "critical": ("▲", "!"),
    "warn": ("◆", "~"),
    "ok": ("●", "."),
    "blind": ("◌", "?"),
    "unknown": ("?", "?"),
}

ALTERNATE_SCREEN = "\x1b[?1049h\x1b[H"
ORDINARY_SCREEN = "\x1b[?1049l"


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def _is_table(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def summary(verdict: Mapping[str, Any], now: float, *, ascii_only: bool = False) -> str:
    """One line from the saved verdict: as `liqtui.engine.verdict` writes it. Never raises."""
    parts: list[str] = []
    at = verdict.get("at")
    if isinstance(at, (int, float)) and math.isfinite(at) and 0 < at <= now + 60:
        parts.append(f"last seen {_age(now - at)}:")
    counts = verdict.get("counts")
    if _is_table(counts):
        for severity, glyphs in _WORDS.items():
            number = counts.get(severity)
            if isinstance(number, int) and number > 0:
                parts.append(f"{glyphs[ascii_only]} {number} {severity.upper()}")
    health, title = verdict.get("health"), verdict.get("title")
    if health and title:
        parts.append(f"worst {clean(str(health), 12).removesuffix('~')}~ {clean(str(title), 60)}")
    return "  ".join(parts)


def banner(saved: str, now: float, width: int, *, ascii_only: bool = False) -> str:
    """What to write before anything else is imported: the alternate screen and one line of at most `width` cells.

    `saved` is the content of the saved verdict, JSON; empty or unreadable content only leaves its part out.
    """
    try:
        verdict: Any = json.loads(saved) if saved else {}
    except ValueError:
        verdict = {}
    told = summary(verdict, now, ascii_only=ascii_only) if _is_table(verdict) else ""
    dots = "..." if ascii_only else "…"
    text = f" liqtui   starting {dots}   {told}".rstrip()
    return f"{ALTERNATE_SCREEN}{text[:width]}"
