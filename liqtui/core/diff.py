"""What changed between two snapshots, so that only that is painted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import PositionKey
    from liqtui.core.snapshot import Row


class Diff(NamedTuple):
    changed: frozenset[PositionKey]
    """In both, with other content."""
    added: frozenset[PositionKey]
    removed: frozenset[PositionKey]
    reordered: bool
    """The rows that are in both stand in another order, or rows came or went."""


def rows(before: Sequence[Row], after: Sequence[Row]) -> Diff:
    """Rows are compared by identity first: an engine hands on the same row while nothing in it changed.

    As long as the same positions stand in the same places they are walked side by side, without looking any up.
    """
    if len(before) == len(after):
        pairs = [(one, other) for one, other in zip(before, after, strict=True) if one is not other]
        if all(one.key == other.key for one, other in pairs):
            return Diff(frozenset(new.key for old, new in pairs if old != new), frozenset(), frozenset(), False)
    old = {row.key: row for row in before}
    new = {row.key: row for row in after}
    changed = frozenset(key for key, row in new.items() if key in old and old[key] is not row and old[key] != row)
    added, removed = frozenset(new.keys() - old.keys()), frozenset(old.keys() - new.keys())
    return Diff(changed, added, removed, bool(added or removed) or list(old) != list(new))
