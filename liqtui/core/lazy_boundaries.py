"""Boundaries that are searched for when somebody looks at them, and what is known of how near they are before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, overload

from liqtui.core.boundaries import boundary_of, no_boundary, read_account
from liqtui.core.factors import movers
from liqtui.core.reach import Reach, reaches
from liqtui.core.results import Boundary, FactorKind
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE

if TYPE_CHECKING:
    from collections.abc import Collection

    from liqtui.core.boundaries import Account
    from liqtui.core.factors import Mover
    from liqtui.core.model import Book, Position


class LazyBoundaries(Sequence[Boundary]):
    """`boundaries` of a book, each searched for when somebody looks at it; how near they are is known before.

    Most positions of most blocks only have to be ranked.
    """

    def __init__(self, book: Book, position: Position, fixed: Collection[str] = ()) -> None:
        """The book of a position, which is asked for its health and feeds. `fixed`: ids of what never moves there."""
        self._book = book
        self._position = position
        self.fixed = fixed
        self._found: dict[str, Boundary] = {}
        self._handed: dict[str, LazyBoundary] = {}

    @cached_property
    def reaches(self) -> tuple[Reach, ...]:
        """How far each factor that ranks is from its boundary, as far as a cheap estimate can tell: see `settled`."""
        health = self._position.health
        calm = health.verdict is not True and (health.reported is None or health.reported >= HEALTH_ONE)
        if health.raw is not None and calm and HEALTH_ONE <= health.raw < HEALTH_INFINITE:
            return reaches(self._book.legs, self._book.quotes, health.raw, self.fixed)
        ranking = (mover for mover in self._movers.values() if mover.kind is not FactorKind.ASSET)
        return tuple(self._exact(mover.factor) for mover in ranking)

    @cached_property
    def ranked(self) -> tuple[Reach, ...]:
        """What is known well goes first: mostly it is near enough that the rest need not be searched for."""
        return _known_first(self.reaches)

    def settled(self, reach: Reach) -> Reach:
        """The same with an `error` that is small beside `about`: searched for where the estimate is vague."""
        return self._exact(reach.factor) if reach.vague else reach

    def _exact(self, factor: str) -> Reach:
        return _reach(self.of(factor))

    def at(self, reach: Reach) -> Boundary:
        """The boundary that was reached for, searched for when its price is read. The same object every time."""
        if reach.factor not in self._handed:
            self._handed[reach.factor] = LazyBoundary(self, reach)
        return self._handed[reach.factor]

    def nearer(self, reach: Reach, limit: float) -> bool:
        """Whether its boundary is nearer than that, by the boundary itself where the estimate leaves any doubt."""
        distance = reach.about
        if reach.error and (distance is None or abs(abs(distance) - limit) <= reach.error):
            distance = self.of(reach.factor).move
        return distance is not None and abs(distance) < limit

    def of(self, factor: str) -> Boundary:
        """To the last digit. KeyError for a factor that this account does not hang on."""
        if factor not in self._found:
            mover = self._movers[factor]
            try:
                self._found[factor] = boundary_of(self._account, mover)
            except Exception as fault:  # noqa: BLE001 - it must not end the thread that looks: it is shown
                self._found[factor] = no_boundary(mover, f"could not be worked out: {type(fault).__name__}")
        return self._found[factor]

    @cached_property
    def _account(self) -> Account:
        return read_account(self._book)

    @cached_property
    def _movers(self) -> dict[str, Mover]:
        found = movers(self._book, self._position.feeds)
        return {mover.factor: mover for mover in found if mover.factor not in self.fixed}

    def __len__(self) -> int:
        return len(self._movers)

    @overload
    def __getitem__(self, place: int) -> Boundary: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Boundary, ...]: ...
    def __getitem__(self, place: int | slice) -> Boundary | tuple[Boundary, ...]:
        names = tuple(self._movers)
        return self.of(names[place]) if isinstance(place, int) else tuple(map(self.of, names[place]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyBoundaries | tuple) and tuple(self) == tuple(cast("Sequence[Boundary]", other))

    def __hash__(self) -> int:
        return hash(tuple(self))


def _reach(found: Boundary) -> Reach:
    return Reach(
        found.factor, found.kind, found.assets, found.price_now or 0, found.decimals, found.about, 0.0, found.passed
    )


def _known_first(reaches: tuple[Reach, ...]) -> tuple[Reach, ...]:
    vague = [reach for reach in reaches if reach.vague]
    return (*(reach for reach in reaches if not reach.vague), *vague) if vague else reaches


class FoundBoundaries:
    """Boundaries that are there, to rank by like those that are searched for when somebody looks."""

    def __init__(self, found: Sequence[Boundary]) -> None:
        self._named = {each.factor: each for each in found if each.kind is not FactorKind.ASSET}
        self.reaches = tuple(map(_reach, self._named.values()))
        self.ranked = _known_first(self.reaches)

    def settled(self, reach: Reach) -> Reach:
        return reach

    def at(self, reach: Reach) -> Boundary:
        return self._named[reach.factor]


class LazyBoundary(Boundary):
    """A boundary of which only the factor and the rough distance are known until anything else of it is read."""

    __slots__ = ("_among", "_reach")
    _among: LazyBoundaries
    _reach: Reach

    def __init__(self, among: LazyBoundaries, reach: Reach) -> None:
        for name, value in (("_among", among), ("_reach", reach), ("factor", reach.factor), ("kind", reach.kind)):
            object.__setattr__(self, name, value)

    @property
    def about(self) -> float | None:
        return self._reach.about

    def __getattr__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise AttributeError(name)
        found = self._among.of(self._reach.factor)
        for each in _FIELDS:
            object.__setattr__(self, each, getattr(found, each))
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Boundary):
            return NotImplemented
        return self is other or all(getattr(self, each) == getattr(other, each) for each in _FIELDS)

    __hash__ = Boundary.__hash__


_FIELDS = tuple(each.name for each in fields(Boundary))
