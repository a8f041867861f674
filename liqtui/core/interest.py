"""When interest alone brings health to 1: the first crossing of two sums of exponentials."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Growth: TypeAlias = "Sequence[tuple[int, float]]"
"""(weight above 0, yearly rate as a fraction) of each leg of one side."""
_Shares: TypeAlias = "list[tuple[float, float]]"

HORIZON = 1_000.0
"""Years that are looked through."""
_CLOSE = 0.25 / (365 * 86_400)
"""Years: nearer than this is there."""
_EXACT = 1e-6
"""Or nearer than this part of the time that has gone: half a minute in a year."""
_STEPS = 200
_NOISE = 4e-15
"""What float arithmetic may be wrong by in the logarithm of health, taken off so that no answer is late."""


def crossing(health: float, held: Growth, owed: Growth) -> float | None:
    """Years until `health × Σ held·eʳᵗ ÷ Σ owed·eʳᵗ` is first 1, each sum in shares of what it is now; None: never.

    `health` above 1, both sides not empty. Never later than the true time. Where the debts win in the end, but
    not within `HORIZON`, that is the answer.

    With one rate on each side it is ln(health) ÷ (paid − earned). Otherwise this is only where the search looks
    first. The logarithm of a sum of exponentials is convex: from t to t + h that of the debt stays under its chord,
    that of the collateral over its tangent. So a step of what is left ÷ (slope of the chord − slope of the tangent)
    cannot jump a crossing. Near one it is Newton's step.
    """
    gap = log(health)
    rates_held, rates_owed = {rate for _, rate in held}, {rate for _, rate in owed}
    top_held, top_owed = max(rates_held), max(rates_owed)
    if len(rates_held) == len(rates_owed) == 1:
        gap = max(0.0, gap - _NOISE * (1 + gap))
        return min(HORIZON, gap / (top_owed - top_held)) if top_owed > top_held else None
    assets, debts = _shares(held), _shares(owed)
    if top_owed <= top_held and _covers(health, assets, debts):
        return None
    at = 0.0
    for _ in range(_STEPS):
        (grown, earned), (owing, paid) = _grown(assets, top_held, at), _grown(debts, top_owed, at)
        drift = (top_held - top_owed) * at
        noise = _NOISE * (1 + gap + abs(drift))
        left = gap + drift + grown - owing - noise
        if left <= 0 and (at or paid > earned):
            return at
        left = max(left, noise)  # at the edge now, and on the way up from it
        step = HORIZON - at
        if paid > earned:
            step = min(step, left / (paid - earned))
        lag = top_owed - earned
        fall = _grown(debts, top_owed, at + step)[0] - owing + lag * step
        while fall > 4 * left:
            step /= 4
            fall = _grown(debts, top_owed, at + step)[0] - owing + lag * step
        if fall > left:
            step *= left / fall
        at += step
        if at >= HORIZON:
            return HORIZON if top_owed > top_held else None
        if step < _CLOSE or step < _EXACT * at:
            return at
    return at


def _shares(side: Growth) -> _Shares:
    if len(side) == 1:
        return [(1.0, side[0][1])]  # most have one debt
    total = sum([weight for weight, _ in side])
    return [(weight / total, rate) for weight, rate in side]


def _covers(health: float, held: _Shares, owed: _Shares) -> bool:
    """Whether at every rate there is as much collateral that earns it or more as there is debt that costs as much.

    Then the collateral stays above the debt for ever.
    """
    terms = sorted([(-rate, 0, share * health) for share, rate in held] + [(-rate, 1, -share) for share, rate in owed])
    more = 0.0
    for _, _, share in terms:
        more += share
        if more < 0:
            return False
    return True


def _grown(side: _Shares, top: float, years: float) -> tuple[float, float]:
    """(ln Σ share·e^((rate − top)·years), the average rate then): relative to the highest rate nothing overflows."""
    if len(side) == 1:
        return 0.0, side[0][1]  # its rate is the highest
    total = weighted = 0.0
    for share, rate in side:
        part = share * exp((rate - top) * years)
        total += part
        weighted += part * rate
    return log(total), weighted / total
