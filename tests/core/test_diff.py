from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from liqtui.core import diff
from liqtui.core.model import Health, PositionKey
from tests.core.books import simple
from tests.core.rows import bare, row

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row

BASE = row(bare(simple()))


def rows(*names: str) -> list[Row]:
    return [replace(BASE, key=PositionKey(1, "aave-v3", "core", name)) for name in names]


def names(keys: frozenset[PositionKey]) -> str:
    return "".join(sorted(key.wallet for key in keys))


def test_nothing_changed() -> None:
    before = rows("a", "b")
    assert diff.rows(before, list(before)) == (frozenset(), frozenset(), frozenset(), False)
    assert diff.rows(before, [replace(one) for one in before]) == (frozenset(), frozenset(), frozenset(), False)
    assert diff.rows([], []) == (frozenset(), frozenset(), frozenset(), False)


def test_changed_added_removed() -> None:
    a, b, c, d = rows("a", "b", "c", "d")
    moved = replace(b, position=replace(bare(simple()), health=Health(1, 1)))
    found = diff.rows([a, b, c], [a, moved, d])
    assert (names(found.changed), names(found.added), names(found.removed), found.reordered) == ("b", "d", "c", True)


def test_order() -> None:
    a, b = rows("a", "b")
    found = diff.rows([a, b], [b, a])
    assert (found.changed, found.added, found.removed, found.reordered) == (frozenset(), frozenset(), frozenset(), True)


@given(st.permutations("abcdef"), st.sets(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_a_screen_that_applies_the_diff_shows_the_new_rows(order, gone: set[str], touched: set[str]) -> None:
    before = rows(*"abcd")
    known = {one.key: one for one in before}
    after = [
        replace(one, label="new") if one.key.wallet in touched else known.get(one.key, one)
        for one in rows(*(name for name in order if name not in gone))
    ]
    found = diff.rows(before, after)
    shown = {key: one for key, one in known.items() if key not in found.removed}
    fresh = {one.key: one for one in after}
    shown |= {key: fresh[key] for key in found.changed | found.added}
    assert shown == fresh
    if not found.reordered:
        assert [one.key for one in before] == [one.key for one in after]
