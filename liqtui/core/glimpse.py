"""A position of which not all is here, mostly only what a line of a list shows; the rest is with an engine elsewhere.

What is not here raises `NotHere` when it is read: nothing that was not sent may pass for "none" or for unknown.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, ClassVar

from liqtui.core.format import WAITING
from liqtui.core.model import Position
from liqtui.core.results import Boundary, Direction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liqtui.core.results import FactorKind


class NotHere(LookupError):  # noqa: N818 - an answer, not a fault
    """The figure was not sent, because nobody asked for it."""


class Glimpse(Position):
    """Made by `sketch`, with what is known."""

    partial: ClassVar[bool] = True

    def __repr__(self) -> str:
        """Whatever prints it, a report of a fault above all, may not stumble over what is not here."""
        return f"Glimpse({self.key})"

    def __rich_repr__(self) -> Iterator[object]:
        yield str(self.key)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _NAMES and name not in self.later and name not in self.finish:
                raise NotHere(name)
            return super().__getattr__(name)


_NAMES = frozenset(each.name for each in fields(Position))


class FarBoundary(Boundary):
    """A boundary of which only the factor and the rough distance are here. All else reads as not known."""

    __slots__ = ("_about",)
    _about: float | None
    pending: ClassVar[bool] = True

    def __init__(self, factor: str, kind: FactorKind, about: float | None) -> None:
        for name, value in (*_UNKNOWN, ("factor", factor), ("kind", kind), ("_about", about)):
            object.__setattr__(self, name, value)

    @property
    def about(self) -> float | None:
        return self._about


_UNKNOWN: tuple[tuple[str, Any], ...] = (
    ("label", WAITING),
    ("direction", Direction.NONE),
    ("assets", ()),
    *((each.name, each.default) for each in fields(Boundary) if each.default is not MISSING),
)
