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


def teeth(sums: Line, now: int, sign: int) -> list[int]:
    """Places on the axis `sign` × answer, from safe to unsafe; empty where there are too many to ask.

    All turns lie between where the account would be at 1 with every threshold one basis point lower (every place
    above is safe) and where it is at 1 by the exact sum (every place below is unsafe).
    """
    far = _crossing(sums.lowered(), now, sign)
    near = _crossing(sums, now, sign)
    if far is None or near is None:
        return []
    first, last = sorted((_average(sums, sign * far, now), _average(sums, sign * near, now)))
    if last - first > MOST_TEETH:
        return []
    places = {far, near}
    for average in range(first, last + 1):
        tooth = sums.flat(average)
        places |= _around(_crossing(tooth, now, sign), tooth.noise, abs(tooth.slope), now)
        jump_slope = sums.weight_moving - tooth.weight_moving
        jump = -(-sign * (tooth.weight_rest - sums.weight_rest) * now // jump_slope) if jump_slope else None
        places |= _around(jump, sums.noise, abs(jump_slope), now)
    return sorted((place for place in places if near - 1 <= place <= far + 1), reverse=True)


def _crossing(sums: Line, now: int, sign: int) -> int | None:
    """First place at or above health 1 by the closed form, where safety lies upward."""
    if sums.slope * sign <= 0 or sums.gap * sums.slope <= 0:
        return None
    return -(-sign * sums.gap * now // sums.slope)


def _average(sums: Line, knob: int, now: int) -> int:
    there = sums.at(knob, now)
    return there.weight // max(1, there.held_moving + there.held_rest)


def _around(place: int | None, noise: int, slope: int, now: int) -> set[int]:
    """The place, its neighbour, and the two as far away as roundings can shift it."""
    if place is None:
        return set()
    reach = -(-noise * now // slope)
    return {place - reach - 1, place - 1, place, place + reach}
