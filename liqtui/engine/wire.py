"""What goes over the socket of a daemon: frames, the greeting, and values that come out as they went in.

A frame is four bytes of length (big endian) and JSON. A value that is more than JSON knows (a tuple, a dataclass, an
enum) is a list whose first item says what it is: a number for a plain container or a class of `core`, a name for a
class of `protocols`. Integers are of any size, `None` is null and 0 is 0. Nothing that is read can name anything else
than a plain value class of this program, and nothing of it is run.

Both ends are the same program on the same machine: a greeting with another protocol, version or shape is refused.
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui import __version__
from liqtui.core import model, reads, results, rules, snapshot, states, wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PROTOCOL = 3
"""Changes with the messages and the lists of `rowcode`; the classes in them are told apart by `shape`."""
LARGEST = 64 * 2**20
"""Bytes of a frame that a daemon may send."""
LARGEST_WISH = 2**20
"""Bytes of a frame that a client may send."""
HEAD = 4

_TUPLE, _SET, _DICT, _BYTES, _FLOAT = 0, 1, 2, 3, 4
_FIRST_CLASS = 10
_LEAVES = frozenset({str, int, bool, type(None)})
_NOT_FINITE = frozenset({"inf", "-inf", "nan"})
"""JSON has no such numbers: they would arrive as null, which means unknown."""
_PROTOCOL_CLASS = re.compile(r"([a-z0-9_]+)\.([A-Za-z][A-Za-z0-9]*)")


class WireError(Exception):
    """What came over the socket cannot be what this program sends. The text is safe to show."""


class Hello(NamedTuple):
    """How each end begins. The first two fields never change their place, whatever the protocol becomes."""

    protocol: int
    program: str
    """Version."""
    shape: str = ""
    """Digest of the classes that values are made of."""
    pid: int = 0
    """Of the daemon; the rest is the daemon's too."""
    started: float = 0.0
    """Unix time."""
    config: str = ""
    """Path."""
    watchlist: str = ""
    """Path."""
    digest: str = ""
    """Of the configuration file as it was read; empty: there was none."""
    targets: tuple[int, ...] = ()
    """Health that rescue amounts aim at."""
    screens: int = 0
    """Attached, not counting the one that is greeted."""


def greeting(**more: Any) -> Hello:
    return Hello(PROTOCOL, __version__, shape(), **more)


def mismatch(theirs: Hello, ours: Hello, *, them: str, us: str) -> str:
    """Why the two cannot speak to each other, in a sentence; empty when they can."""
    if theirs.program != ours.program or theirs.protocol != ours.protocol:
        return (
            f"{them} is liqtui {theirs.program} (protocol {theirs.protocol}), {us} is liqtui {ours.program} "
            f"(protocol {ours.protocol}): start the older one again"
        )
    if theirs.shape != ours.shape:
        return f"{them} runs another build of liqtui {ours.program} than {us}: start the older one again"
    return ""


def read_hello(message: Any) -> Hello:
    """Of a frame; also of a version that is not ours, as far as it can be told. Raises WireError."""
    found: Any = cast("dict[str, Any]", message).get("hello") if isinstance(message, dict) else None
    if not isinstance(found, list):
        raise WireError("no greeting came: that is no liqtui")
    parts = cast("list[Any]", found)
    if len(parts) < 2 or type(parts[0]) is not int or type(parts[1]) is not str:
        raise WireError("no greeting came: that is no liqtui")
    if parts[0] != PROTOCOL or len(parts) != len(Hello._fields):
        return Hello(parts[0], parts[1][:40])
    hello = Hello(*parts)
    if not isinstance(cast("object", hello.targets), list) or not all(type(t) is int for t in hello.targets):
        raise WireError("the greeting cannot be read")
    return hello._replace(targets=tuple(hello.targets))


# -- frames --------------------------------------------------------------------------------------------------------


def frame(message: Any) -> bytes:
    import msgspec

    data = msgspec.json.encode(message)
    return len(data).to_bytes(HEAD, "big") + data


def length(head: bytes, largest: int) -> int:
    """Bytes that follow. Raises WireError when they would be too many."""
    size = int.from_bytes(head, "big")
    if size > largest:
        raise WireError(f"a frame of {size:,} bytes came, at most {largest:,} are expected")
    return size


def message_of(data: bytes) -> Any:
    """What a frame holds. Raises WireError."""
    import msgspec

    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError) as fault:
        raise WireError("a frame came that is no JSON") from fault


# -- values --------------------------------------------------------------------------------------------------------


def pack(value: Any) -> Any:
    """What JSON knows, from which `unpack` makes an equal value. Raises WireError for what no snapshot holds."""
    kind = cast("type[Any]", type(value))
    if kind in _LEAVES:
        return value
    if kind is float:
        return value if isfinite(value) else [_FLOAT, str(value)]
    if kind is tuple or kind is list:
        return [_TUPLE, *[item if type(item) in _LEAVES else pack(item) for item in value]]
    if isinstance(value, results.Boundary) and kind is not results.Boundary:  # one that is searched for when it is read
        return pack(results.Boundary(*[getattr(value, each.name) for each in fields(results.Boundary)]))
    if kind is bytes:
        return [_BYTES, cast("bytes", value).hex()]
    return _writer(kind)(value)


def unpack(value: Any) -> Any:
    """The inverse of `pack`; lists come out as tuples. Raises WireError."""
    if type(value) is not list:
        if type(value) is dict:
            raise WireError("an object where a value is expected")
        return value
    items = cast("list[Any]", value)
    if not items:
        raise WireError("an empty value")
    mark = items[0]
    rest = [item if type(item) in _LEAVES else unpack(item) for item in items[1:]]
    if mark == _TUPLE:
        return tuple(rest)
    try:
        if mark == _SET:
            return frozenset(rest)
        if mark == _BYTES:
            (text,) = rest
            return bytes.fromhex(text)
        if mark == _FLOAT:
            (text,) = rest
            if text not in _NOT_FINITE:
                raise WireError("a number that cannot be one")  # noqa: TRY301
            return float(text)
        if mark == _DICT:
            return dict(zip(rest[::2], rest[1::2], strict=True))
        return _reader(mark)(rest)
    except WireError:
        raise
    except (TypeError, ValueError, KeyError) as fault:
        raise WireError(f"a {str(mark)[:40]} that cannot be one") from fault


def _classes() -> Iterable[type[Any]]:
    """The value classes of `core` that snapshots are made of, in the order in which the modules define them."""
    for module in (model, results, snapshot, states, wallet, reads, rules):
        for found in vars(module).values():
            if isinstance(found, type) and found.__module__ == module.__name__ and _names(found) is not None:
                yield found


@cache
def _names(kind: type[Any]) -> tuple[str, ...] | None:
    """Fields of a value class, () for an enum; None for any other class."""
    if issubclass(kind, Enum):
        return ()
    if is_dataclass(kind):
        return tuple(each.name for each in fields(kind))
    found: Any = getattr(kind, "_fields", None)
    return found if issubclass(kind, tuple) else None


@cache
def _table() -> tuple[type, ...]:
    return tuple(_classes())


@cache
def shape() -> str:
    """Short digest of the classes of `core` and their fields: two builds with the same one understand each other."""
    import hashlib

    told = [
        f"{kind.__name__}({', '.join(_names(kind) or (each.value for each in cast('type[Enum]', kind)))})"
        for kind in _table()
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


@cache
def _writer(kind: type) -> Callable[[Any], Any]:
    """For one class; a subclass of a value class is written as that one."""
    from collections.abc import Mapping

    if issubclass(kind, frozenset):
        return lambda value: [_SET, *sorted(pack(item) for item in value)]
    if issubclass(kind, Mapping):
        return lambda value: [_DICT, *[pack(part) for pair in value.items() for part in pair]]
    for known in kind.__mro__:
        mark = _mark(known)
        names = _names(known) if mark is not None else None
        if names is None:
            continue
        if issubclass(known, Enum):
            return lambda value: [mark, value.value]
        if issubclass(known, tuple):
            return lambda value: [mark, *[item if type(item) in _LEAVES else pack(item) for item in value]]
        return lambda value: [mark, *[pack(getattr(value, name)) for name in names]]
    raise WireError(f"a {kind.__name__} cannot travel")


def _mark(kind: type) -> int | str | None:
    """How a class is told on the wire; None for one that is not."""
    if kind in _table():
        return _FIRST_CLASS + _table().index(kind)
    package, _, module = kind.__module__.rpartition(".")
    return f"{module}.{kind.__qualname__}" if package == "liqtui.protocols" else None


@cache
def _reader(mark: Any) -> Callable[[list[Any]], Any]:
    kind = _class_of(mark)
    names = _names(kind)
    if names is None:
        raise WireError(f"{str(mark)[:60]} is no value")
    if not names:
        return lambda values: kind(*values)

    def build(values: list[Any]) -> Any:
        if len(values) != len(names):
            raise WireError(f"a {kind.__name__} with {len(values)} values")
        return kind(*values)

    return build


def _class_of(mark: Any) -> type:
    table = _table()
    if type(mark) is int and _FIRST_CLASS <= mark < _FIRST_CLASS + len(table):
        return table[mark - _FIRST_CLASS]
    named = _PROTOCOL_CLASS.fullmatch(mark) if type(mark) is str else None
    if named is not None:
        try:
            found = getattr(import_module(f"liqtui.protocols.{named[1]}"), named[2], None)
        except ImportError:
            found = None
        if isinstance(found, type) and found.__module__ == f"liqtui.protocols.{named[1]}":
            return found
    raise WireError(f"{str(mark)[:60]} is unknown")
