"""The closed form: health as a ratio of two sums that are linear in one knob.

With W = Σ amount × price × threshold over counting collateral and D = Σ amount × price over debt, split into what
moves with the knob (f) and the rest (r), health is (W_r + x·W_f) / (D_r + x·D_f) and reaches 1 at
x* = (D_r − W_r) / (W_f − D_f). It only ever gives candidates; the protocol's own integers decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.factors import matters
from liqtui.core.model import Side
from liqtui.core.units import BPS, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.factors import Mover
    from liqtui.core.model import Leg


class Line(NamedTuple):
    """Sums in a common scale: base units × 10**`scale` × 10,000."""

    weight_moving: int
    weight_rest: int
    debt_moving: int
    debt_rest: int
    held_moving: int
    """Collateral before its threshold is applied, in base units × 10**`scale`."""
    held_rest: int
    noise: int
    """Most that roundings of prices and values can add up to."""
    unit: int
    """One base unit in this scale, without the 10,000: 10**`scale`."""

    @property
    def weight(self) -> int:
        return self.weight_moving + self.weight_rest

    @property
    def debt(self) -> int:
        return self.debt_moving + self.debt_rest

    @property
    def slope(self) -> int:
        """Positive: a fall is dangerous. Negative: a rise."""
        return self.weight_moving - self.debt_moving

    @property
    def gap(self) -> int:
        return self.debt_rest - self.weight_rest

    def off(self, health: int) -> int:
        """How far `health` is from this line's own, as the weight that is missing or too much."""
        return abs(health * self.debt // WAD - self.weight)

    def at(self, knob: int, now: int) -> Line:
        """The sums with the knob moved from `now` to `knob`. What was rounded at `now` grows with it."""
        return self._replace(
            noise=self.noise * max(1, -(-knob // now)),
            weight_moving=self.weight_moving * knob // now,
            debt_moving=self.debt_moving * knob // now,
            held_moving=self.held_moving * knob // now,
        )

    def crossing(self, now: int, sign: int) -> int:
        """First place on the axis `sign` × knob at or above health 1. Needs a slope that is not zero."""
        return -(-sign * self.gap * now // self.slope)

    def flat(self, threshold: int) -> Line:
        """The same with one threshold (basis points) for all collateral."""
        return self._replace(weight_moving=self.held_moving * threshold, weight_rest=self.held_rest * threshold)

    def lowered(self) -> Line:
        """The same with every threshold one basis point lower."""
        return self._replace(
            weight_moving=self.weight_moving - self.held_moving, weight_rest=self.weight_rest - self.held_rest
        )


def line(legs: Iterable[Leg], mover: Mover | None = None) -> Line | None:
    """Sums of what counts; None when a price among it is unknown."""
    counting = [leg for leg in legs if matters(leg)]
    scale = max((leg.asset.decimals for leg in counting), default=0)
    moving, rough = _moving(mover)
    sums = [0] * 6
    noise = (len(counting) + 1) * 10**scale * BPS
    for leg in counting:
        address = leg.asset.address
        price = moving.get(address, leg.price)
        if price is None:
            return None
        units = leg.amount * 10 ** (scale - leg.asset.decimals)
        noise += units * rough.get(address, 0) * BPS
        rest = int(address not in moving)
        if leg.side is Side.DEBT:
            sums[2 + rest] += units * price * BPS
        else:
            sums[rest] += units * price * leg.threshold
            sums[4 + rest] += units * price
    return Line(*sums, noise=noise, unit=10**scale)


def _moving(mover: Mover | None) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Prices now of what moves, as if no cap held, and by how many units rounding may shift each."""
    if mover is None or not mover.now:
        return {}, {}
    prices: dict[str, int] = {}
    rough: dict[str, int] = {}
    for part in mover.parts:
        price = part.free_price(part.knob)
        prices[part.asset] = price
        step = 0 if part.knob == mover.now else -(-price // part.knob)
        rough[part.asset] = step + int(part.derived)
    return prices, rough
