"""A row on the wire, in four parts that are sent apart, each when it changed.

* who: what hardly ever changes, names and settings;
* now: state, ages, trend, and what ranks it;
* figures: of the position, as far as a list shows them;
* more: the rest of the position with the account's book, for positions that somebody looks at. Boundaries and rescue
  amounts are not in it: the other end works them out of the book, by the same arithmetic, when they are read.

The first three are flat lists, since every row of every block is written, and nothing is searched for to write them.
"""

from __future__ import annotations

from dataclasses import fields
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.core.glimpse import FarBoundary, Glimpse
from liqtui.core.lazy_boundaries import LazyBoundaries, LazyBoundary
from liqtui.core.model import Health, Position
from liqtui.core.reach import Reach
from liqtui.core.rescue import LazyRescue
from liqtui.core.results import Boundary, FactorKind
from liqtui.core.risk import interest_eta
from liqtui.core.severity import oracle_late
from liqtui.core.snapshot import Ages, Row
from liqtui.core.states import Freshness, Severity
from liqtui.engine.wire import WireError, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from liqtui.core.later import Later
    from liqtui.core.model import Book
    from liqtui.core.reads import Block

_NOW = {
    "severity", "freshness", "ages", "since", "error", "sigmas", "trend", "trend_window", "spark", "cushion",
    "position",
}  # fmt: skip
_WHO = tuple(each.name for each in fields(Row) if each.name not in _NOW)
_FIGURES = {
    "key", "block", "base_symbol", "base_decimals", "health", "collateral_value", "debt_value", "carry_per_year",
}  # fmt: skip
_OF_BOOK: Mapping[str, Callable[[Book], Any]] = {
    "legs": lambda book: tuple(book.legs),
    "quotes": lambda book: tuple(book.quotes.values()),
}
"""What mostly is the book's own, and then is not sent beside it."""
_APART = {"book", "boundaries", "rescue", "interest_eta"}
_MORE = tuple(each.name for each in fields(Position) if each.name not in _FIGURES | _APART)
ALL = frozenset(_MORE)
"""Fields of a position that can be asked for by name; with any of them comes the book."""
REPORTED = ALL - {"facts", "quotes"}
"""Those that `check --json` prints."""
_LEFT_OUT: list[Any] = []
_LATER: Later = {
    **{name: (lambda position, of=of: of(position.book)) for name, of in _OF_BOOK.items()},
    "interest_eta": interest_eta,
}


# -- writing -------------------------------------------------------------------------------------------------------


def who(row: Row) -> tuple[Any, ...]:
    """What to compare, and to write with `pack`."""
    told, position = tuple([getattr(row, name) for name in _WHO]), row.position
    if position is None:
        return (*told, None)
    key = None if position.key == row.key else position.key
    return (*told, (position.base_symbol, position.base_decimals, position.symbols, key))


def now(row: Row) -> list[Any]:
    """All but the position."""
    ages, cushion, spark = row.ages, row.cushion, row.spark
    if cushion is None:
        near: Any = None
    elif isinstance(cushion, LazyBoundary):
        near = [cushion.factor, cushion.kind.value, _float(cushion.about)]
    else:
        near = pack(cushion)
    return [
        row.severity.value, row.freshness.value, ages.head, ages.oracle, ages.fetch, _float(row.since), row.error,
        _float(row.sigmas), _float(row.trend), row.trend_window, [_float(level) for level in spark], near,
    ]  # fmt: skip


def figures(position: Position) -> list[Any]:
    health = position.health
    return [
        health.raw, health.reported, health.reason, health.verdict, position.collateral_value, position.debt_value,
        position.carry_per_year, position.has_debt, not position.empty, oracle_late(position),
    ]  # fmt: skip


def more(position: Position, names: Collection[str] = ALL) -> list[Any]:
    """The rest, as far as it is asked for. Boundaries and rescue amounts where the other end cannot find them."""
    book, bounds = position.book, position.boundaries
    try:
        carried = None if book is None else pack(book)
    except WireError:
        carried = None  # a book that cannot travel leaves what-ifs unknown, and the figures as they are
    told: list[Any] = []
    for name in _MORE:
        if name not in names:
            told.append(_LEFT_OUT)
            continue
        value, of = getattr(position, name), _OF_BOOK.get(name)
        derived = carried is not None and of is not None and value == of(cast("Book", book))
        told.append(None if derived else pack(value))
    if carried is not None and isinstance(bounds, LazyBoundaries):
        return [told, carried, sorted(bounds.fixed), None, None, None]
    eta = pack(position.interest_eta)
    rescue = None if carried is not None else pack(tuple(position.rescue))
    return [told, carried, None, pack(tuple(bounds)), rescue, [eta]]


def _float(value: float | None) -> Any:
    """As `pack`, at less cost."""
    return value if value is None or isfinite(value) else pack(value)


# -- reading -------------------------------------------------------------------------------------------------------


class Who(NamedTuple):
    row: dict[str, Any]
    """Fields of `Row`."""
    position: tuple[str, int, tuple[str, ...], Any] | None
    """Base symbol and decimals, symbols, its key where that is not the row's."""


def read_who(packed: Any) -> Who:
    *told, position = unpack(packed)
    return Who(dict(zip(_WHO, told, strict=True)), position)


def read_row(known: Who, told: list[Any], position: Position | None) -> Row:
    severity, freshness, head, oracle, fetch, since, error, sigmas, trend, window, spark, near = told
    return Row(
        **known.row,
        severity=_SEVERITIES[severity],
        freshness=_FRESHNESS[freshness],
        ages=Ages(head, oracle, fetch),
        position=position,
        cushion=_cushion(near, position),
        sigmas=_read_float(sigmas),
        since=_read_float(since),
        error=error,
        trend=_read_float(trend),
        trend_window=window,
        spark=tuple([_read_float(level) for level in spark]),
    )


def read_position(known: Who, told: list[Any], block: Block, rest: Any, targets: tuple[int, ...]) -> Position:
    """`rest`: what `more` wrote; None: it was not sent. `targets`: of rescue amounts, 1e18-scaled."""
    raw, reported, reason, verdict, collateral, debt, carry, owes, holds, late = told
    symbol, decimals, symbols, key = cast("tuple[str, int, tuple[str, ...], Any]", known.position)
    found: dict[str, Any] = {
        "key": key or known.row["key"],
        "block": block,
        "base_symbol": symbol,
        "base_decimals": decimals,
        "health": Health(raw, reported, reason, verdict),
        "collateral_value": collateral,
        "debt_value": debt,
        "carry_per_year": carry,
        "owes": owes,
        "holds": holds,
    }
    if rest is None:
        return Glimpse.sketch(None, {}, **found, symbols_known=symbols, oracle_late_known=late)
    return _whole(found, rest, targets)


def _whole(found: dict[str, Any], rest: Any, targets: tuple[int, ...]) -> Position:
    parts, packed, fixed, bounds, rescue, eta = rest
    book = cast("Book | None", unpack(packed))
    left_out = {name for name, part in zip(_MORE, parts, strict=True) if part == _LEFT_OUT}
    kind = Glimpse if left_out else Position
    for name, part in zip(_MORE, parts, strict=True):
        if name not in left_out and (part is not None or book is None or name not in _OF_BOOK):
            found[name] = unpack(part)
    found["book"] = book
    if eta is not None:
        found["interest_eta"] = unpack(eta[0])
    # As the engine would: only where health is known is there anything to aim at.
    aims = found["health"].shown is not None
    found["rescue"] = LazyRescue(book, targets) if book is not None and aims else unpack(rescue) or ()
    later = {name: work for name, work in _LATER.items() if name not in found and name not in left_out}
    if book is None or fixed is None:
        return kind.sketch(None, later, **found, boundaries=unpack(bounds))
    bare = kind.sketch(None, later, **found)
    return bare.having(boundaries=LazyBoundaries(book, bare, frozenset(fixed)))


def _cushion(near: Any, position: Position | None) -> Boundary | None:
    if near is None:
        return None
    if type(near[0]) is not str:
        return cast("Boundary", unpack(near))
    factor, kind, about = near[0], _KINDS[near[1]], _read_float(near[2])
    bounds = None if position is None else position.peek("boundaries")
    if bounds is None:
        return FarBoundary(factor, kind, about)
    if isinstance(bounds, LazyBoundaries):
        return bounds.at(Reach(factor, kind, (), 0, 0, about, 0.0))
    found = next((each for each in bounds if each.factor == factor), None)
    if found is None:
        raise WireError("a row that hangs on nothing")
    return found


def _read_float(value: Any) -> Any:
    return unpack(value) if type(value) is list else value


_SEVERITIES = {each.value: each for each in Severity}
_FRESHNESS = {each.value: each for each in Freshness}
_KINDS = {each.value: each for each in FactorKind}
