"""Text from outside (token symbols, names, node errors) is hostile until it went through here."""

from __future__ import annotations

import unicodedata

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that print as nothing: Hangul fillers, the empty Braille pattern."""


def clean(text: str, limit: int = 24) -> str:
    """Printable text of at most `limit` characters.

    Control, format, surrogate, private and invisible characters go; every kind of space becomes one plain space;
    what exceeds the limit is cut with "…". Markup is left as it is: the screen never parses it.
    """
    kept: list[str] = []
    for char in text[: limit * 4]:
        category = unicodedata.category(char)
        if category[0] == "Z":
            kept.append(" ")
        elif category[0] != "C" and category not in {"Mn", "Me"} and char not in _BLANK:
            kept.append(char)
    out = " ".join("".join(kept).split())
    return out if len(out) <= limit else out[: limit - 1] + "…"


def short_address(address: str) -> str:
    """0x7F3cE0…91aE → "0x7F3c…91aE"."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
