"""Realised volatility from irregular rounds."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400.0
LEAST_ROUNDS = 12
LEAST_WINDOW = 6 * 3600.0
"""Under six hours a day's volatility would be a guess."""


def daily_sigma(samples: Sequence[tuple[float, float]]) -> float | None:
    """Daily σ of ln(price): √(Σ r² ÷ elapsed days), over (unix time, price) in order of time.

    The sum of squared log returns is the realised variance of the window, however irregular the rounds.
    None with fewer than `LEAST_ROUNDS` changes or a window under `LEAST_WINDOW`, and for a price that never moved.
    """
    rounds = [(at, price) for at, price in samples if price > 0]
    if len(rounds) <= LEAST_ROUNDS or rounds[-1][0] - rounds[0][0] < LEAST_WINDOW:
        return None
    squares = sum(math.log(after / before) ** 2 for (_, before), (_, after) in itertools.pairwise(rounds))
    return math.sqrt(squares / ((rounds[-1][0] - rounds[0][0]) / DAY)) or None
