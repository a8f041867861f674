"""Integer search for the place where a yes/no rule turns, with few questions when the guess is near."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GROWTH = 4
"""How much longer each stride is than the one before, while the turn is not yet enclosed."""


def least(holds: Callable[[int], bool], guess: int, low: int, high: int) -> int | None:
    """Least n in low..high for which `holds(n)`: strides from `guess`, then halves what is enclosed.

    Exact where the rule stays true once it is true. Where it does not, the answer still holds and its
    predecessor does not. None when it holds nowhere on the way to `high`.
    """
    start = max(low, min(high, guess))
    if holds(start):
        good, bad = stride(lambda n: not holds(n), start, low)
        return low if bad is None else halve(holds, bad, good)
    bad, found = stride(holds, start, high)
    return None if found is None else halve(holds, bad, found)


def stride(wanted: Callable[[int], bool], start: int, limit: int, step: int = 1) -> tuple[int, int | None]:
    """Walk from `start` (not asked) to `limit` in growing strides: (last not wanted, first wanted or None)."""
    here, sign = start, 1 if limit > start else -1
    while here != limit:
        there = min(limit, here + step) if sign > 0 else max(limit, here - step)
        if wanted(there):
            return here, there
        here, step = there, step * GROWTH
    return here, None


def halve(
    holds: Callable[[int], bool], bad: int, good: int, plateau: Callable[[int], tuple[int, int]] | None = None
) -> int:
    """Least n above `bad` (does not hold) up to `good` (holds) at which the rule turns.

    `plateau(n)` gives the first and last number around n that are known to have the same answer.
    """
    while good - bad > 1:
        middle = (good + bad) // 2
        first, last = plateau(middle) if plateau else (middle, middle)
        if holds(middle):
            good = max(first, bad + 1)
        else:
            bad = min(last, good - 1)
    return good
