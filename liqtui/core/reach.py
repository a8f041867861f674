"""Roughly where each factor takes the account to liquidation: cheap enough to rank every position of every block.

The closed form of `linear` in plain floats, in one pass over the legs. It gives a distance and the most by which that
can be off: through roundings of prices and values, the truncation of an average threshold (Aave up to 3.4), floats.
Where it cannot vouch for that, it says so, and the exact search (`boundaries`) has to tell. It is never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.factors import TOGETHER, anchored, matters
from liqtui.core.model import Side
from liqtui.core.results import FactorKind
from liqtui.core.units import BPS, WAD

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from liqtui.core.model import Leg, Quote

VAGUE = 0.01
"""Where a distance may be off by more than this part of itself, the exact one is searched for before ranking by it."""
FARTHEST = 1000
"""A rise beyond this multiple of the price now is not worth a warning and is called none."""
UNEXPLAINED = 1e-6
"""Part of the collateral by which the sum of the legs may miss the protocol's figure, beyond known roundings."""
FLOATS = 1e-12
"""Relative error of sums and differences of floats, generously."""


# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_DEBT = Side.DEBT
_FACTOR, _TOGETHER, _RATIO = FactorKind.FACTOR, FactorKind.TOGETHER, FactorKind.RATIO


class Reach(NamedTuple):
    """One factor's way to liquidation. The first fields as in `Boundary`, which it stands for while ranking."""

    factor: str
    kind: FactorKind
    assets: tuple[str, ...]
    price_now: int
    decimals: int
    about: float | None
    """Relative distance; None: no move of it liquidates."""
    error: float
    """The most by which `about` may be off; infinite: only the exact search can tell."""
    passed: bool = False

    @property
    def vague(self) -> bool:
        """Whether the estimate is too rough to rank by."""
        return self.error > VAGUE * abs(self.about or 0)

    @property
    def least(self) -> float:
        """No boundary of this factor is nearer than that."""
        return 0.0 if self.about is None else max(0.0, abs(self.about) - self.error)


class _Knob:
    """What moves with one knob, in base units."""

    __slots__ = ("assets", "capped", "debt", "decimals", "direct", "far", "legs", "now", "rough", "steady", "weight")

    def __init__(self, now: int, decimals: int, *, direct: bool = True) -> None:
        self.now, self.decimals = now, decimals
        self.direct = direct
        """Whether what tells where it stands is quoted directly."""
        self.weight = self.debt = 0.0
        self.far = 0.0
        """Weight less debt where the knob stands `FARTHEST` times as high and caps hold."""
        self.rough = 0.0
        """Most that roundings of the prices add up to."""
        self.legs = 0
        self.assets: tuple[str, ...] = ()
        self.capped = False
        self.steady = False
        """A cap holds it now, or may when it rises: not for a closed form."""

    def add(self, leg: Leg, cap: int | None, weight: float, debt: float, rough: float) -> None:
        self.weight += weight
        self.debt += debt
        self.rough += rough
        self.legs += 1
        symbol, price = leg.asset.symbol, leg.price
        if symbol not in self.assets:
            self.assets += (symbol,)
        if cap is None or not price:
            self.far += (weight - debt) * FARTHEST
        else:
            self.capped = True
            self.steady = self.steady or price >= cap
            self.far += (weight - debt) * min(FARTHEST, cap / price)

    def join(self, other: _Knob) -> None:
        self.weight += other.weight
        self.debt += other.debt
        self.far += other.far
        self.rough += other.rough
        self.legs += other.legs
        self.assets += other.assets
        self.capped = self.capped or other.capped
        self.steady = self.steady or other.steady

    @property
    def volatile(self) -> bool:
        """As `factors.volatile`."""
        return not anchored(self.now, self.decimals)


class _Account:
    """Both sides of the account, and how far they may be from the protocol's own."""

    __slots__ = ("debt", "doubt", "floats", "known", "legs", "noise", "weight")

    def __init__(self, weight: float, debt: float, legs: int, noise: float) -> None:
        self.weight, self.debt, self.legs = weight, debt, legs
        self.noise = noise + (legs + 1)
        self.floats = FLOATS * (weight + debt)
        self.doubt = 0.0
        self.known = False
        """Whether the sums explain the protocol's figure, so that they may stand for it."""

    def settle(self, health: int, cut: float) -> None:
        """`cut`: what may be lost where the average threshold is cut to basis points."""
        off = abs(health / WAD * self.debt - self.weight)
        self.doubt = max(cut, 2 * off)
        self.known = off <= cut + 2 * self.noise + UNEXPLAINED * self.weight

    def way(self, knob: _Knob) -> tuple[float | None, float]:
        """(distance, most that it may be off)."""
        if not self.known:
            return _UNKNOWN
        weight, debt = knob.weight, knob.debt
        if knob.capped and weight and debt:
            return _UNKNOWN  # a rise may turn from a rescue into a danger where a cap begins to hold one side
        if knob.legs == self.legs:
            return _NOWHERE  # all of it moves together
        slope = weight - debt
        if not slope and not weight:
            return _NOWHERE
        gap = (self.debt - debt) - (self.weight - weight)
        slack = self.noise + knob.rough + self.doubt + self.floats
        if knob.steady or abs(slope) <= 2 * slack or abs(gap) <= 2 * slack:
            return _UNKNOWN
        times = gap / slope
        if times <= 0:
            return _NOWHERE
        if slope < 0 and knob.capped:
            above = self.weight - weight - (self.debt - debt) + knob.far
            return _NOWHERE if above > slack * FARTHEST else _UNKNOWN
        if times > FARTHEST / 2:
            return _NOWHERE if times > FARTHEST * 2 else _UNKNOWN
        if times * knob.now < FARTHEST:
            return _UNKNOWN
        return times - 1, slack * max(1.0, times) / (abs(slope) - slack) + 2 / knob.now


_UNKNOWN = (None, float("inf"))
_NOWHERE = (None, 0.0)


def reaches(
    legs: Iterable[Leg], quotes: Mapping[str, Quote], health: int, fixed: Container[str] = ()
) -> tuple[Reach, ...]:
    """Every factor that ranks: feeds, ratios, everything together; in the order of `factors.movers`.

    For an account that is safe and has a finite health (1e18-scaled). `fixed`: ids that never move. Empty where a
    price is unknown, and where one side is empty: then there is no boundary.
    """
    held: list[Leg] = []
    owed: list[Leg] = []
    for leg in legs:
        if matters(leg):
            (owed if leg.side is _DEBT else held).append(leg)
    if not held or not owed:
        return ()
    shared: dict[str, _Knob] = {}
    own: dict[str, _Knob] = {}
    ratios: dict[str, _Knob] = {}
    total = owing = worth = noise = 0.0
    for leg in (*held, *owed):
        (address, _, decimals), price = leg.asset, leg.price
        if not price:
            return ()
        whole = leg.amount / 10**decimals
        value = whole * price
        weight = debt = 0.0
        if leg.side is _DEBT:
            owing += (debt := value)
        else:
            total += (weight := value * leg.threshold / BPS)
            worth += value
        quote = quotes.get(address)
        cap = None if quote is None else quote.cap
        answer = quote.answer if quote is not None and quote.proven else None
        rough = whole * (2 + (price / answer if answer else 0))
        noise += rough
        if quote is None or not answer:
            knob = _knob(own, f"own:{address}", price, 8 if quote is None else quote.decimals)
        else:
            knob = _knob(shared, quote.factor, answer, quote.answer_decimals, leads=quote.ratio is None)
            if quote.ratio:
                ratio = _knob(ratios, f"ratio:{address}", quote.ratio, quote.ratio_decimals)
                ratio.add(leg, cap, weight, debt, rough)
                ratio.steady = ratio.steady or (quote.ratio_cap is not None and debt > 0)
        knob.add(leg, cap, weight, debt, rough)
    account = _Account(total, owing, len(held) + len(owed), noise)
    # an average of several thresholds may be cut to basis points
    account.settle(health, worth / BPS if len({leg.threshold for leg in held}) > 1 else 0.0)
    knobs = [(name, _FACTOR, knob) for each in (shared, own) for name, knob in each.items() if name not in fixed]
    moving = [knob for _, _, knob in knobs if knob.volatile]
    if len(moving) > 1:
        knobs.append((TOGETHER, _TOGETHER, _joined(moving)))
    if ratios:
        knobs += [(name, _RATIO, knob) for name, knob in ratios.items()]
    found: list[Reach] = []
    for name, kind, knob in knobs:
        about, error = account.way(knob)
        found.append(Reach(name, kind, knob.assets, knob.now, knob.decimals, about, error))
    return tuple(found)


def _knob(known: dict[str, _Knob], name: str, now: int, decimals: int, *, leads: bool = True) -> _Knob:
    """The knob of that name; the first that is quoted directly tells where it stands."""
    knob = known.get(name)
    if knob is None:
        knob = known[name] = _Knob(now, decimals, direct=leads)
    elif leads and not knob.direct:
        knob.now, knob.decimals, knob.direct = now, decimals, True
    return knob


def _joined(moving: Iterable[_Knob]) -> _Knob:
    whole = _Knob(WAD, 18)
    for knob in moving:
        whole.join(knob)
    return whole
