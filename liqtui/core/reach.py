"""Roughly where each factor takes the account to liquidation: cheap enough to rank every position of every block.

The closed form of `linear` in plain floats, in one pass over the legs. It gives a distance and the most by which that
can be off: through roundings of prices and values, the truncation of an average threshold (Aave up to 3.4), floats.
Where it cannot vouch for that, it says so, and the exact search (`boundaries`) has to tell. It is never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.factors import ANCHOR_PERCENT, TOGETHER, matters
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

    def __init__(self) -> None:
        self.weight = self.debt = 0.0
        self.far = 0.0
        """Weight less debt where the knob stands `FARTHEST` times as high and caps hold."""
        self.rough = 0.0
        """Most that roundings of the prices add up to."""
        self.legs = 0
        self.assets: list[str] = []
        self.now = self.decimals = 0
        self.capped = self.direct = False
        self.steady = False
        """A cap holds it now, or may when it rises: not for a closed form."""

    def add(self, leg: Leg, quote: Quote | None, weight: float, debt: float, rough: float) -> None:
        self.weight += weight
        self.debt += debt
        self.rough += rough
        self.legs += 1
        if leg.asset.symbol not in self.assets:
            self.assets.append(leg.asset.symbol)
        cap, price = (None if quote is None else quote.cap), leg.price or 0
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
        unit = 10**self.decimals
        return abs(self.now - unit) * 100 > unit * ANCHOR_PERCENT


class _Account:
    """Both sides of the account, and how far they may be from the protocol's own."""

    def __init__(self) -> None:
        self.weight = self.debt = self.held = self.noise = 0.0
        self.legs = 0
        self.thresholds: set[int] = set()
        self.doubt = 0.0

    def settle(self, health: int) -> bool:
        """Whether the sums explain the protocol's figure, so that they may stand for it."""
        self.noise += self.legs + 1
        off = abs(health / WAD * self.debt - self.weight)
        cut = self.held / BPS if len(self.thresholds) > 1 else 0.0  # the average threshold may be cut to basis points
        self.doubt = max(cut, 2 * off)
        return off <= cut + 2 * self.noise + UNEXPLAINED * self.weight

    def way(self, knob: _Knob) -> tuple[float | None, float]:
        """(distance, most that it may be off)."""
        if knob.capped and knob.weight and knob.debt:
            return None, _UNSURE  # a rise may turn from a rescue into a danger where a cap begins to hold one side
        if knob.legs == self.legs:
            return None, 0.0  # all of it moves together
        slope = knob.weight - knob.debt
        if not slope and not knob.weight:
            return None, 0.0
        gap = (self.debt - knob.debt) - (self.weight - knob.weight)
        slack = self.noise + knob.rough + self.doubt + FLOATS * (self.weight + self.debt)
        if knob.steady or abs(slope) <= 2 * slack or abs(gap) <= 2 * slack:
            return None, _UNSURE
        times = gap / slope
        if times <= 0:
            return None, 0.0
        if slope < 0 and knob.capped:
            above = self.weight - knob.weight - (self.debt - knob.debt) + knob.far
            return None, 0.0 if above > slack * FARTHEST else _UNSURE
        if times > FARTHEST / 2:
            return None, 0.0 if times > FARTHEST * 2 else _UNSURE
        if times * knob.now < FARTHEST:
            return None, _UNSURE
        return times - 1, slack * max(1.0, times) / (abs(slope) - slack) + 2 / knob.now


_UNSURE = float("inf")


def reaches(
    legs: Iterable[Leg], quotes: Mapping[str, Quote], health: int, fixed: Container[str] = ()
) -> tuple[Reach, ...]:
    """Every factor that ranks: feeds, ratios, everything together; in the order of `factors.movers`.

    For an account that is safe and has a finite health (1e18-scaled). `fixed`: ids that never move. Empty where a
    price is unknown, and where one side is empty: then there is no boundary.
    """
    account, shared, own, ratios = _Account(), dict[str, _Knob](), dict[str, _Knob](), dict[str, _Knob]()
    for leg in sorted(filter(matters, legs), key=_is_debt):
        address, price = leg.asset.address, leg.price
        if not price:
            return ()
        whole = leg.amount / 10**leg.asset.decimals
        value = whole * price
        weight, debt = (0.0, value) if leg.side is Side.DEBT else (value * leg.threshold / BPS, 0.0)
        account.legs += 1
        account.weight += weight
        account.debt += debt
        if not debt:
            account.held += value
            account.thresholds.add(leg.threshold)
        quote = quotes.get(address)
        answer = quote.answer if quote is not None and quote.proven else None
        rough = whole * (2 + (price / answer if answer else 0))
        account.noise += rough
        if quote is None or not answer:
            knob = _knob(own, f"own:{address}", price, 8 if quote is None else quote.decimals)
        else:
            knob = _knob(shared, quote.factor, answer, quote.answer_decimals, leads=quote.ratio is None)
            if quote.ratio:
                ratio = _knob(ratios, f"ratio:{address}", quote.ratio, quote.ratio_decimals)
                ratio.add(leg, quote, weight, debt, rough)
                ratio.steady = ratio.steady or (quote.ratio_cap is not None and debt > 0)
        knob.add(leg, quote, weight, debt, rough)
    if not account.debt or not account.held:
        return ()
    known = account.settle(health)
    factors = [(name, knob) for name, knob in (*shared.items(), *own.items()) if name not in fixed]
    knobs = [(name, FactorKind.FACTOR, knob) for name, knob in factors]
    moving = [knob for _, knob in factors if knob.volatile]
    if len(moving) > 1:
        knobs.append((TOGETHER, FactorKind.TOGETHER, _joined(moving)))
    knobs += [(name, FactorKind.RATIO, knob) for name, knob in ratios.items()]
    return tuple(
        Reach(name, kind, tuple(knob.assets), knob.now, knob.decimals, *(account.way(knob) if known else _UNKNOWN))
        for name, kind, knob in knobs
    )


_UNKNOWN = (None, _UNSURE)


def _is_debt(leg: Leg) -> bool:
    return leg.side is Side.DEBT


def _knob(known: dict[str, _Knob], name: str, now: int, decimals: int, *, leads: bool = True) -> _Knob:
    """The knob of that name; the first that is quoted directly tells where it stands."""
    knob = known.get(name)
    if knob is None:
        knob = known[name] = _Knob()
        knob.now, knob.decimals = now, decimals
        knob.direct = leads
    elif leads and not knob.direct:
        knob.now, knob.decimals, knob.direct = now, decimals, True
    return knob


def _joined(moving: Iterable[_Knob]) -> _Knob:
    whole = _Knob()
    for knob in moving:
        whole.join(knob)
    whole.now, whole.decimals = WAD, 18
    return whole
