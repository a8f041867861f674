"""Boundaries that are searched for when somebody looks at them, and what is known of how near they are before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast, overload

from liqtui.core.boundaries import boundary_of, no_boundary, read_account
from liqtui.core.factors import movers
from liqtui.core.reach import Reach, reaches
from liqtui.core.results import Boundary, FactorKind
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from liqtui.core.boundaries import Account
    from liqtui.core.factors import Mover
    from liqtui.core.model import Book, Position


class _Search:
    """The exact boundaries of one account, each searched for once.

    Apart from `LazyBoundaries`, so that what that one hands out does not hold it: in a circle they would keep all
    that is known of the account until Python's collector comes.
    """

    __slots__ = ("_account", "_movers", "book", "fixed", "found", "position")

    def __init__(self, book: Book, position: Position, fixed: Collection[str]) -> None:
        self.book, self.position, self.fixed = book, position, fixed
        self.found: dict[str, Boundary] = {}
        self._account: Account | None = None
        self._movers: dict[str, Mover] | None = None

    @property
    def movers(self) -> dict[str, Mover]:
        if self._movers is None:
            found = movers(self.book, self.position.feeds, self.position.base_symbol)
            self._movers = {mover.factor: mover for mover in found if mover.factor not in self.fixed}
        return self._movers

    def of(self, factor: str) -> Boundary:
        """To the last digit. KeyError for a factor that this account does not hang on."""
        if factor not in self.found:
            mover = self.movers[factor]
            try:
                if self._account is None:
                    self._account = read_account(self.book)
                self.found[factor] = boundary_of(self._account, mover)
            except Exception as fault:  # noqa: BLE001 - it must not end the thread that looks: it is shown
                self.found[factor] = no_boundary(mover, f"could not be worked out: {type(fault).__name__}")
        return self.found[factor]


class LazyBoundaries(Sequence[Boundary]):
    """`boundaries` of a book, each searched for when somebody looks at it; how near they are is known before.

    Most positions of most blocks only have to be ranked.
    """

    __slots__ = ("_handed", "_ranked", "_reaches", "_search")

    def __init__(self, book: Book, position: Position, fixed: Collection[str] = ()) -> None:
        """The book of a position, which is asked for its health and feeds. `fixed`: ids of what never moves there."""
        self._search = _Search(book, position, fixed)
        self._handed: dict[str, LazyBoundary] = {}
        self._reaches: tuple[Reach, ...] | None = None
        self._ranked: tuple[Reach, ...] | None = None

    @property
    def fixed(self) -> Collection[str]:
        return self._search.fixed

    @property
    def reaches(self) -> tuple[Reach, ...]:
        """How far each factor that ranks is from its boundary, as far as a cheap estimate can tell: see `settled`."""
        if self._reaches is None:
            self._reaches = self._look()
        return self._reaches

    def _look(self) -> tuple[Reach, ...]:
        search = self._search
        raw, reported, _, verdict = search.position.health
        calm = verdict is not True and (reported is None or reported >= HEALTH_ONE)
        if raw is not None and calm and HEALTH_ONE <= raw < HEALTH_INFINITE:
            return reaches(search.book.legs, search.book.quotes, raw, search.fixed)
        ranking = (mover for mover in search.movers.values() if mover.kind is not FactorKind.ASSET)
        return tuple(_reach(search.of(mover.factor)) for mover in ranking)

    @property
    def ranked(self) -> tuple[Reach, ...]:
        """Without those that are known to lead nowhere. What is known well goes first: mostly it is near enough that
        the rest need not be searched for.
        """
        if self._ranked is None:
            self._ranked = _known_first(self.reaches)
        return self._ranked

    def settled(self, reach: Reach) -> Reach:
        """The same with an `error` that is small beside `about`: searched for where the estimate is vague."""
        return _reach(self.of(reach.factor)) if reach.vague else reach

    def at(self, reach: Reach) -> Boundary:
        """The boundary that was reached for, searched for when its price is read. The same object every time."""
        handed = self._handed.get(reach.factor)
        if handed is None:
            handed = self._handed[reach.factor] = LazyBoundary(self._search, reach)
        return handed

    def nearer(self, reach: Reach, limit: float) -> bool:
        """Whether its boundary is nearer than that, by the boundary itself where the estimate leaves any doubt."""
        distance = reach.about
        if reach.error and (distance is None or abs(abs(distance) - limit) <= reach.error):
            distance = self.of(reach.factor).move
        return distance is not None and abs(distance) < limit

    def of(self, factor: str) -> Boundary:
        """To the last digit. KeyError for a factor that this account does not hang on."""
        return self._search.of(factor)

    def __len__(self) -> int:
        return len(self._search.movers)

    @overload
    def __getitem__(self, place: int) -> Boundary: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Boundary, ...]: ...
    def __getitem__(self, place: int | slice) -> Boundary | tuple[Boundary, ...]:
        names = tuple(self._search.movers)
        return self.of(names[place]) if isinstance(place, int) else tuple(map(self.of, names[place]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyBoundaries | tuple) and tuple(self) == tuple(cast("Sequence[Boundary]", other))

    def __hash__(self) -> int:
        return hash(tuple(self))


def _reach(found: Boundary) -> Reach:
    return Reach(
        found.factor, found.kind, found.assets, found.price_now or 0, found.decimals, found.about, 0.0, found.passed
    )


def _known_first(reaches: Iterable[Reach]) -> tuple[Reach, ...]:
    known: list[Reach] = []
    vague: list[Reach] = []
    for reach in reaches:
        if reach.vague:
            vague.append(reach)
        elif reach.about is not None:
            known.append(reach)
    return (*known, *vague)


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


_set = object.__setattr__
"""What a frozen dataclass is filled with."""


class LazyBoundary(Boundary):
    """A boundary of which only the factor and the rough distance are known until anything else of it is read."""

    __slots__ = ("_reach", "_search")
    _search: _Search
    _reach: Reach

    def __init__(self, search: _Search, reach: Reach) -> None:
        _set(self, "_search", search)
        _set(self, "_reach", reach)
        _set(self, "factor", reach.factor)
        _set(self, "kind", reach.kind)

    @property
    def about(self) -> float | None:
        return self._reach.about

    def __getattr__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise AttributeError(name)
        found = self._search.of(self._reach.factor)
        for each in _FIELDS:
            _set(self, each, getattr(found, each))
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Boundary):
            return NotImplemented
        return self is other or all(getattr(self, each) == getattr(other, each) for each in _FIELDS)

    __hash__ = Boundary.__hash__


_FIELDS = tuple(each.name for each in fields(Boundary))
