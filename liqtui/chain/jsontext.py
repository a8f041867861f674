"""JSON from strangers.

Deep nesting is refused before the parser sees it: where a library has raised Python's recursion limit, a few
kilobytes of "[" would overflow the stack of the parser and end the whole process, without any exception.
"""

from __future__ import annotations

import json
from typing import Any

LEVELS = 32
"""Levels that may hold any number of objects and lists; JSON-RPC needs six."""
SPARE = 200
"""Brackets that may be left after that: some stand in the texts of messages."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse(text: bytes | str) -> Any:
    """The value of a JSON text. Raises ValueError for broken JSON, and for JSON that is nested too deep."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    brackets = raw.translate(None, _NO_BRACKETS)
    for _ in range(LEVELS):
        if len(brackets) <= SPARE:
            break
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if len(brackets) > SPARE:
        raise ValueError("JSON that is nested too deep")
    return json.loads(raw)
