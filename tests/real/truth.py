"""What recordings of contracts have in common: where these turned, and a file of all that they answered."""

from __future__ import annotations

import json
import lzma
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class Turn(NamedTuple):
    """Two neighbouring answers of one factor at which the contract was asked: it may be liquidated, and it may not."""

    wallet: str
    factor: str
    unsafe: int
    safe: int


def save(told: Iterable[object], path: Path) -> None:
    """A line of JSON for each block, compressed."""
    lines = (json.dumps(each, separators=(",", ":")) for each in told)
    path.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))


def rows(path: Path) -> Iterator[Any]:
    """What `save` wrote, with lists for tuples."""
    return map(json.loads, lzma.decompress(path.read_bytes()).decode().splitlines())
