"""Where to look when a protocol truncates the average liquidation threshold to whole basis points.

Aave up to 3.4 does, with the effect that health is a sawtooth in the price: up to a basis point of the collateral
under the exact sum, jumping wherever the average crosses a whole basis point. Near the boundary it may so turn
unsafe, safe and unsafe again. Between two jumps it is smooth, so the first turn is found by asking at both ends of
each tooth and where the tooth's own closed form crosses 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liqtui.core.linear import Line

MOST_TEETH = 24
"""Teeth that are looked at, from the safe end. In each the truncation runs through a whole basis point, so the first
turn is among the first few."""


def teeth(sums: Line, now: int, sign: int, highest: int) -> list[int]:
    """Places on the axis `sign` × answer to ask about, from safe to unsafe.

    All turns lie between where the account would be at 1 with every threshold one basis point lower (every place
    above is safe; `highest` where there is no such place below it) and where it is at 1 by the exact sum (every
    place below is unsafe).
    """
    near = min(highest, sums.crossing(now, sign))
    lowered = sums.lowered()
    solvable = lowered.slope * sign > 0 and lowered.gap * lowered.slope > 0
    far = min(highest, lowered.crossing(now, sign)) if solvable else highest
    first, last = _average(sums, sign * far, now), _average(sums, sign * near, now)
    step = 1 if last >= first else -1
    places = {far, near, near - 1}
    for average in range(first, last + step, step)[:MOST_TEETH]:
        tooth = sums.flat(average)
        if tooth.slope:
            places |= _around(tooth.crossing(now, sign), tooth.noise, abs(tooth.slope), now)
        rising = sums.weight_moving - tooth.weight_moving
        if rising:
            jump = -(-sign * (tooth.weight_rest - sums.weight_rest) * now // rising)
            places |= _around(jump, sums.noise, abs(rising), now)
    return sorted((place for place in places if near - 1 <= place <= far), reverse=True)


def _average(sums: Line, knob: int, now: int) -> int:
    there = sums.at(knob, now)
    return there.weight // max(1, there.held_moving + there.held_rest)


def _around(place: int, noise: int, slope: int, now: int) -> set[int]:
    """The place, its neighbour, and the two as far away as roundings can shift it."""
    reach = -(-noise * now // slope)
    return {place - reach - 1, place - 1, place, place + reach}
