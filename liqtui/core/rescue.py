"""The least that brings an account back: repay, add, or sell and repay.

The closed form gives a guess, the protocol's own integer health decides, to the raw unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast, overload

from liqtui.core.factors import matters
from liqtui.core.linear import line
from liqtui.core.model import Change, Side
from liqtui.core.results import Rescue
from liqtui.core.search import halve, least, stride
from liqtui.core.units import BPS, HEALTH_INFINITE, WAD, mul_div_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from liqtui.core.linear import Line
    from liqtui.core.model import Asset, Book, Leg

AIMS = 4
"""How often the guess is aimed anew at what the protocol made of it."""
FAR = 4**30
"""Steps beyond the guess that are looked at, in growing strides, where there is no limit.

Where an average threshold is cut to basis points, an account can be short of a target that it is past by the closed
form, which then asks for nothing.
"""


class LazyRescue(Sequence[Rescue]):
    """`rescue` of a book, worked out when somebody looks: most positions of most blocks are never looked at."""

    def __init__(self, book: Book, targets: Sequence[int]) -> None:
        self._book = book
        self._targets = targets
        self._found: tuple[Rescue, ...] | None = None

    @property
    def found(self) -> tuple[Rescue, ...]:
        if self._found is None:
            self._found = rescue(self._book, self._targets)
        return self._found

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, place: int) -> Rescue: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Rescue, ...]: ...
    def __getitem__(self, place: int | slice) -> Rescue | tuple[Rescue, ...]:
        return self.found[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyRescue | tuple) and self.found == tuple(cast("Sequence[Rescue]", other))

    def __hash__(self) -> int:
        return hash(self.found)


def rescue(book: Book, targets: Sequence[int]) -> tuple[Rescue, ...]:
    """One `Rescue` per target (1e18-scaled health), in their order.

    Empty without debt and when health is unknown. A target that is met already asks for zero. An asset is absent
    where no amount of it is enough.
    """
    counting = [leg for leg in book.legs if matters(leg) and leg.price]
    sums, health = line(book.legs), book.health()
    if sums is None or health is None or not sums.debt:
        return ()
    debts = sorted((leg for leg in counting if leg.side is Side.DEBT), key=_worth, reverse=True)
    collateral = [leg for leg in counting if leg.side is Side.COLLATERAL and leg.threshold]
    repay = [_repay(sums, leg) for leg in debts]
    add = [_add(sums, leg) for leg in collateral]
    sell = [_sell(sums, leg, debts) for leg in collateral]
    return tuple(
        Rescue(target, *(_amounts(book, ways, target, met=health >= target) for ways in (repay, add, sell)))
        for target in targets
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """One asset, one way to use it.

    Between two *steps* the value of the asset, in whole base units, stays the same; searching by steps instead
    of raw units asks few questions.
    """

    asset: Asset
    need: Callable[[int], int | None]
    """Target → value that the closed form asks for, in the scale of `Line`; None where it has no answer."""
    change: Callable[[int], Change]
    """Raw amount → what it does."""
    amount: Callable[[int], int]
    """Step → raw amount, growing."""
    step: Callable[[int], int]
    """Raw amount → the step it stands on, or one less."""
    raw: Callable[[int], int]
    """Value in the scale of `Line` → raw amount, rounded up."""
    most: int | None
    """Raw amount that there is; None without limit."""
    estimate: bool = False
    known: dict[int, int] = field(default_factory=dict[int, int])


def _amounts(book: Book, ways: Sequence[_Way], target: int, *, met: bool) -> tuple[tuple[Asset, int], ...]:
    found = ((way.asset, 0 if met else _least(book, way, target)) for way in ways)
    return tuple((asset, amount) for asset, amount in found if amount is not None)


def _least(book: Book, way: _Way, target: int) -> int | None:
    """Least raw amount after which health is at least `target`."""

    def health(amount: int) -> int:
        if amount not in way.known:
            answer = book.health(way.change(amount))
            way.known[amount] = -1 if answer is None else answer
        return way.known[amount]

    def enough(amount: int) -> bool:
        return health(amount) >= target

    guess = _guess(way, target, health)
    if guess is None:
        return None
    last = way.step(guess) * 4 + FAR if way.most is None else way.step(way.most) + 1
    if way.estimate:
        found = _first(lambda step: enough(way.amount(step)), way.step(guess) + 1, last)
        return None if found is None else way.amount(found)
    found = least(lambda step: enough(way.amount(step)), way.step(guess), 0, last)
    return None if found is None else _to_the_unit(enough, way.amount(found - 1), way.amount(found))


def _first(holds: Callable[[int], bool], start: int, last: int) -> int | None:
    """The first step met that is enough, not the least: good for an estimate, and asks little."""
    place = min(start, last)
    return place if holds(place) else stride(holds, place, last)[1]


def _guess(way: _Way, target: int, health: Callable[[int], int]) -> int | None:
    """The closed form's amount, aimed again at what the protocol makes of it."""
    aim = target
    guess = _closed(way, aim)
    for _ in range(AIMS):
        reached = None if guess is None else health(guess)
        if reached is None or not 0 < reached < HEALTH_INFINITE:
            break
        aim = aim * target // reached
        again = _closed(way, aim)
        if again == guess:
            break
        guess = again
    return guess


def _closed(way: _Way, target: int) -> int | None:
    need = way.need(target)
    if need is None:
        return None
    amount = max(0, way.raw(need))
    return amount if way.most is None else min(way.most, amount)


def _to_the_unit(enough: Callable[[int], bool], short: int, good: int) -> int:
    """Least enough amount above `short` up to `good`; mostly one of the two ends, so these are asked first."""
    if good - short <= 1 or not enough(good - 1):
        return good
    return short + 1 if enough(short + 1) else halve(enough, short + 1, good - 1)


def _worth(leg: Leg) -> int:
    return leg.amount * (leg.price or 0) * 10**36 // 10**leg.asset.decimals


def _raw(sums: Line, leg: Leg) -> Callable[[int], int]:
    return lambda value: mul_div_up(value, 10**leg.asset.decimals, (leg.price or 1) * BPS * sums.unit)


def _pace(leg: Leg) -> tuple[int, int]:
    """(price, unit) such that step k lies at k × unit ÷ price raw units; a raw unit worth more is a step itself."""
    price, unit = leg.price or 1, 10**leg.asset.decimals
    return (1, 1) if price >= unit else (price, unit)


def _repay(sums: Line, leg: Leg) -> _Way:
    price, unit = _pace(leg)
    whole = mul_div_up(leg.amount, price, unit)
    return _Way(
        asset=leg.asset,
        need=lambda target: sums.debt - sums.weight * WAD // target,
        change=lambda amount: Change(debt={leg.asset.address: -amount}),
        amount=lambda step: max(0, leg.amount - max(0, whole - step) * unit // price),
        step=lambda amount: whole - mul_div_up(leg.amount - amount, price, unit),
        raw=_raw(sums, leg),
        most=leg.amount,
    )


def _add(sums: Line, leg: Leg) -> _Way:
    price, unit = _pace(leg)
    whole = leg.amount * price // unit
    return _Way(
        asset=leg.asset,
        need=lambda target: (target * sums.debt // WAD - sums.weight) * BPS // leg.threshold,
        change=lambda amount: Change(collateral={leg.asset.address: amount}),
        amount=lambda step: max(0, mul_div_up(whole + step, unit, price) - leg.amount),
        step=lambda amount: (leg.amount + amount) * price // unit - whole,
        raw=_raw(sums, leg),
        most=None,
    )


def _sell(sums: Line, leg: Leg, debts: Sequence[Leg]) -> _Way:
    """Sold at the oracle price, without fee or slippage: an estimate. The largest debt is repaid first."""
    price, unit = _pace(leg)

    def need(target: int) -> int | None:
        spread = target * BPS - leg.threshold * WAD
        return (target * sums.debt - sums.weight * WAD) * BPS // spread if spread > 0 else None

    def change(amount: int) -> Change:
        proceeds = amount * (leg.price or 0) // 10**leg.asset.decimals
        repaid: dict[str, int] = {}
        for debt in debts:
            paid = min(debt.amount, proceeds * 10**debt.asset.decimals // (debt.price or 1))
            proceeds -= mul_div_up(paid, debt.price or 0, 10**debt.asset.decimals)
            repaid[debt.asset.address] = -paid
        return Change(collateral={leg.asset.address: -amount}, debt=repaid)

    return _Way(
        asset=leg.asset,
        need=need,
        change=change,
        amount=lambda step: min(leg.amount, mul_div_up(step, unit, price)),
        step=lambda amount: amount * price // unit,
        raw=_raw(sums, leg),
        most=leg.amount,
        estimate=True,
    )
