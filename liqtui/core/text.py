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


_MARKS = frozenset("-_+/$₮₿")


def word(text: str, limit: int = 24) -> str:
    """A name from chain as one word for a message that leaves the screen: letters, digits and a few marks.

    Nothing in it can be taken for markup, a mention, an address of the web or a second sentence. A point stays only
    before a last single letter ("USDC.e"). Empty becomes "?".
    """
    plain = "".join(clean(text, limit).split())
    kept = "".join(char for place, char in enumerate(plain) if _is_plain(plain, place))
    return kept or "?"


def _is_plain(text: str, place: int) -> bool:
    char = text[place]
    return char.isalnum() or char in _MARKS or (char == "." and 0 < place == len(text) - 2 and text[-1].isalpha())


def phrase(text: str, limit: int = 40) -> str:
    """Some words from chain, such as a feed's description, each as `word` leaves it."""
    return " ".join(word(part) for part in clean(text, limit).split() if word(part) != "?") or "?"
