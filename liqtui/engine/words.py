"""A fault in words that are safe to show."""

from __future__ import annotations

from liqtui.core.reads import PlanFailed, ReadError
from liqtui.core.redact import redact
from liqtui.core.text import clean

_LIMIT = 200


def safe(text: str) -> str:
    """Bounded, printable, and without endpoints."""
    return clean(redact(text), _LIMIT)


def words(fault: object) -> str:
    """Why; with the kind of exception where it is not one of ours."""
    text = safe(str(fault))
    if isinstance(fault, PlanFailed | ReadError):
        return text
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__
