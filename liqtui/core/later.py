"""Values of which a part is worked out only when somebody looks.

Most positions of most blocks are never looked at: what a list does not show need not be made. What is worked out is
a pure function of what was read, so whichever thread looks first does it; two that come together do the same twice.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

S = TypeVar("S")

Later: TypeAlias = "Mapping[str, Callable[[Any], Any]]"
"""Field → what makes it of the value that lacks it, which finds what it needs in `source`."""

_NOTHING: Later = {}


class Sketched:
    """Base of a frozen dataclass (`eq=False`, no slots) whose fields may be missing until they are read."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    lost: ClassVar[Mapping[str, Callable[[Exception], Any]]] = {}
    """Field → what stands there when it cannot be worked out; others raise what went wrong."""

    if TYPE_CHECKING:
        source: Any
        """Whatever the functions of `later` need."""
        later: Later
        finish: Later
        """Goes before `later`."""

    else:

        def __getattr__(self, name: str) -> Any:
            found = self.__dict__
            if name in {"later", "finish"}:
                return _NOTHING
            work = found.get("finish", _NOTHING).get(name) or found.get("later", _NOTHING).get(name)
            if work is not None:
                try:
                    value = work(self)
                except Exception as fault:
                    if name not in self.lost:
                        raise
                    value = self.lost[name](fault)
                found[name] = value
                return value
            if name in type(self).defaults:
                value = found[name] = type(self).defaults[name]
                return value
            raise AttributeError(name)

    @classmethod
    def sketch(cls, source: Any, later: Later, **known: Any) -> Self:
        """With the fields that are known now; those named in `later` are worked out when they are looked at.

        What is no field can be given too, for `peek`.
        """
        known["source"], known["later"] = source, later
        return _with(cls, known)

    def having(self, **values: Any) -> Self:
        """A copy with other values. Unlike `dataclasses.replace` it works nothing out."""
        return _with(type(self), {**self.__dict__, **values})

    def finished(self, finish: Later, **values: Any) -> Self:
        """A copy with other values, and with more that is worked out when it is looked at."""
        found = {**self.__dict__, **values, "finish": finish}
        if not finish.keys().isdisjoint(found):
            for name in finish:
                found.pop(name, None)
        return _with(type(self), found)

    def peek(self, name: str) -> Any:
        """The field if it is known by now, else None."""
        return self.__dict__.get(name)


def _with(kind: type[S], found: dict[str, Any]) -> S:
    """One with these fields, whatever its class makes of `__init__` and `__setattr__`."""
    made = _new(kind)
    _set(made, "__dict__", found)
    return made


_new, _set = object.__new__, object.__setattr__


def bare_class(kind: type[Any]) -> None:
    """Take the defaults of a dataclass off the class itself, where they would hide what is worked out later."""
    kind.defaults = {each.name: each.default for each in fields(kind) if each.default is not MISSING}
    for name in kind.defaults:
        delattr(kind, name)
