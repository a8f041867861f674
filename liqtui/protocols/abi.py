"""A small codec for contract calls: 32-byte words, sliced.

It knows only what the protocols here need: static words, one dynamic array of words, and strings. Every
reader checks the length first and raises ValueError; nothing is ever decoded from too few bytes.
Layout: https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from liqtui.core.reads import Call, Failure
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import TypeGuard

    from liqtui.core.reads import Log, Result

K = TypeVar("K")

WORD = 32
CALLS_KEPT = 1 << 15
"""Some 15 MiB when all are used, which takes thousands of positions."""
_SIGN = 1 << 255
_ADDRESS_LIMIT = 1 << 160

Argument: TypeAlias = "str | int | Sequence[str | int]"
"""An address (0x…), an integer or bool, or one dynamic array of these."""


class Function(NamedTuple):
    """A contract function: its canonical signature, for people and tests, and its 4-byte selector."""

    signature: str
    selector: bytes

    def at(self, target: str, *args: Argument) -> Call:
        if not args:
            return Call(target, self.selector)
        try:
            return _call(self.selector, target, args)
        except TypeError:  # a list among the arguments
            return Call(target, self.selector + encode(*args))


@lru_cache(maxsize=CALLS_KEPT)
def _call(selector: bytes, target: str, args: tuple[Argument, ...]) -> Call:
    """The same calls are made every round: making one anew takes five times as long as finding it."""
    return Call(target, selector + encode(*args))


Question: TypeAlias = "tuple[Function, str, tuple[Argument, ...]]"
"""A getter, the contract that is asked, and arguments behind the wallet."""


class Asked(dict[str, tuple[Call, ...]]):
    """Wallet → the same questions about it. Kept: they are asked every round, by the same calls."""

    def __init__(self, questions: tuple[Question, ...]) -> None:
        super().__init__()
        self._questions = questions

    def __missing__(self, wallet: str) -> tuple[Call, ...]:
        calls = tuple([getter.at(target, wallet, *more) for getter, target, more in self._questions])
        self[wallet] = calls
        return calls


@lru_cache(maxsize=1024)
def asked(questions: tuple[Question, ...]) -> Asked:
    """For accounts that are asked the same: those that are in the same reserves, say."""
    return Asked(questions)


def function(signature: str, selector: str) -> Function:
    """A function by signature and hex selector; the tests hold the two together."""
    return Function(signature, bytes.fromhex(selector))


class Event(NamedTuple):
    """A contract's event: its canonical signature, for people and tests, and its first topic."""

    signature: str
    topic: str
    indexed: int
    """How many of its fields are topics."""
    words: int
    """How many are words of data."""

    def fields(self, log: Log) -> list[int] | None:
        """Topics, then words of data, as unsigned integers; None for a log that is no such event."""
        if not log.topics or log.topics[0] != self.topic:
            return None
        if len(log.topics) != self.indexed + 1 or len(log.data) != self.words * WORD:
            return None
        try:
            topics = [int(topic, 16) for topic in log.topics[1:]]
        except ValueError:
            return None
        return topics + [int.from_bytes(log.data[at : at + WORD], "big") for at in range(0, len(log.data), WORD)]


def event(signature: str, topic: str, *, indexed: int, words: int) -> Event:
    """An event by signature and topic; the tests hold the two together."""
    return Event(signature, topic, indexed, words)


def topic_of(address: str) -> str:
    """An address as a topic."""
    return "0x" + address.removeprefix("0x").lower().rjust(2 * WORD, "0")


def encode_word(value: str | int) -> bytes:
    """One static argument. Addresses are right-aligned, negative integers two's complement."""
    if isinstance(value, str):
        raw = bytes.fromhex(value.removeprefix("0x"))
        if len(raw) != 20:
            raise ValueError(f"not an address: {value!r}")
        return bytes(12) + raw
    return value.to_bytes(WORD, "big", signed=value < 0)


def encode(*args: Argument) -> bytes:
    """Arguments in head/tail form. Raises ValueError or OverflowError for what does not fit a word."""
    head: list[bytes] = []
    tail: list[bytes] = []
    for arg in args:
        if isinstance(arg, (str, int)):
            head.append(encode_word(arg))
        else:
            head.append(encode_word(len(args) * WORD + sum(map(len, tail))))
            tail.append(encode_word(len(arg)) + b"".join(map(encode_word, arg)))
    return b"".join(head + tail)


def ok(result: Result, count: int = 1) -> TypeGuard[bytes]:
    """Whether the result is an answer of at least `count` words."""
    return type(result) is bytes and len(result) >= count * WORD


def answer(result: Result, count: int = 1) -> bytes:
    """The bytes of an answer of at least `count` words; ValueError in words otherwise."""
    if isinstance(result, Failure):
        raise ValueError(f"{result.kind} {clean(result.detail, 80)}".strip())  # noqa: TRY004 - a value, not a type fault
    if len(result) < count * WORD:
        raise ValueError(f"{len(result)} bytes where {count * WORD} were expected")
    return result


def words(result: Result, count: int) -> list[int]:
    """The first `count` words as unsigned integers."""
    if type(result) is not bytes or len(result) < count * WORD:  # hardly ever
        result = answer(result, count)
    return list(map(_number, _CUTS[count](result)))


_CUTS = [Struct(f"{WORD}s" * count).unpack_from for count in range(33)]
"""Cut off so many words, at a third of the cost of slices."""
_number = int.from_bytes


def uint(result: Result) -> int:
    if type(result) is bytes and len(result) == WORD:  # nearly always
        return _number(result)
    return _number(answer(result)[:WORD])


def known(result: Result) -> int | None:
    """The first word as unsigned integer; None where it was not answered."""
    if type(result) is bytes and len(result) == WORD:  # nearly always
        return _number(result)
    return uint(result) if ok(result) else None


def signed(word: int) -> int:
    """An unsigned word as int256."""
    return word - (1 << 256) if word >= _SIGN else word


def sint(result: Result) -> int:
    return signed(uint(result))


def flag(result: Result) -> bool:
    """A bool; ValueError for anything but 0 and 1."""
    value = uint(result)
    if value > 1:
        raise ValueError("not a bool")
    return bool(value)


def as_address(word: int) -> str:
    """A word as lower-case address; ValueError where the upper 12 bytes are not zero."""
    if word >= _ADDRESS_LIMIT:
        raise ValueError("not an address")
    return f"0x{word:040x}"


def address(result: Result) -> str:
    return as_address(uint(result))


def array(result: Result, at: int = 0) -> list[int]:
    """The dynamic array of words whose offset stands in word `at`."""
    data = answer(result, at + 1)
    start = int.from_bytes(data[at * WORD : (at + 1) * WORD], "big")
    length = _length(data, start)
    if length > (len(data) - start - WORD) // WORD:
        raise ValueError("array runs past the end")
    first = start + WORD
    return [int.from_bytes(data[i : i + WORD], "big") for i in range(first, first + length * WORD, WORD)]


@lru_cache(maxsize=1024)
def addresses(result: Result) -> tuple[str, ...]:
    """Kept: a list of markets or reserves is the same every round, and for many accounts."""
    return tuple(map(as_address, array(result)))


def string(result: Result, at: int = 0, base: int = 0) -> str:
    """The string whose offset, counted from byte `base`, stands in word `at` after `base`. Not yet cleaned."""
    data = answer(result)
    head = base + at * WORD
    if len(data) < head + WORD:
        raise ValueError("string offset runs past the end")
    start = base + int.from_bytes(data[head : head + WORD], "big")
    length = _length(data, start)
    if length > len(data) - start - WORD:
        raise ValueError("string runs past the end")
    return data[start + WORD : start + WORD + length].decode("utf-8", "replace")


def string_or_bytes32(result: Result) -> str:
    """What `symbol()` answers: a string, or in old tokens 32 bytes padded with zeros. Not yet cleaned."""
    data = answer(result)
    if len(data) == WORD:
        return data.rstrip(b"\0").decode("utf-8", "replace")
    return string(data)


def _length(data: bytes, start: int) -> int:
    if start + WORD > len(data):
        raise ValueError("offset runs past the end")
    return int.from_bytes(data[start : start + WORD], "big")


def ask_all(
    asks: Mapping[K, Call], more: Sequence[Call]
) -> Generator[list[Call], list[Result], tuple[dict[K, Result], list[Result]]]:
    """One step of a plan: some calls under their keys, and many more in their order."""
    results = yield [*asks.values(), *more]
    return dict(zip(asks, results, strict=False)), results[len(asks) :]


def ask(asks: Mapping[K, Call]) -> Generator[list[Call], list[Result], dict[K, Result]]:
    """One step of a plan: every call under its key."""
    results = yield list(asks.values())
    return dict(zip(asks, results, strict=True))
