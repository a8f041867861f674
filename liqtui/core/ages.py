"""How old something is, as people read it. Apart from `format`, so that `status` need not load decimals."""

from __future__ import annotations

UNKNOWN = "–"


def age(seconds: float | None) -> str:
    """1s 14m 3h 9d; a negative age is an error and says so."""
    if seconds is None:
        return UNKNOWN
    if seconds < 0:
        return "future!"
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"
