"""Coding of Multicall3's `aggregate3((address target, bool allowFailure, bytes callData)[])`, by words.

Every offset and length in an answer is checked before it is used: an answer that was cut or altered in its
structure is a Fault, never a shorter list.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

from liqtui.chain.faults import malformed
from liqtui.core.reads import Call, Failure, Result
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

AGGREGATE3 = bytes.fromhex("82ad56cb")
GET_BLOCK_NUMBER = bytes.fromhex("42cbb15c")
GET_BLOCK_TIMESTAMP = bytes.fromhex("0f28c97d")
WORD = 32


def _word(value: int) -> bytes:
    return value.to_bytes(WORD)


_FLAGS = _word(1) + _word(3 * WORD)
"""allowFailure, and where the call data stand."""
_HEADS = {_word(1) + _word(2 * WORD) + _word(size): size for size in range(WORD, 33 * WORD, WORD)}
"""What stands before nearly every answer (success, where it stands, its size) → its size: one look for all three."""


def call_size(call: Call) -> int:
    """Bytes that a call takes in the call data of `aggregate3`."""
    return 5 * WORD + -(-len(call.data) // WORD) * WORD


def encode(calls: Sequence[Call]) -> bytes:
    """Call data in which every call may fail by itself."""
    bodies = list(map(_body, calls))
    offsets: list[bytes] = []
    place = len(calls) * WORD
    for body in bodies:
        offsets.append(place.to_bytes(WORD))
        place += len(body)
    return b"".join([AGGREGATE3, _word(WORD), _word(len(calls)), *offsets, *bodies])


@lru_cache(maxsize=1 << 15)
def _body(call: Call) -> bytes:
    """One call as an item of the list. Kept: the same calls are made every round."""
    target, data = call
    padded = data.ljust(-(-len(data) // WORD) * WORD, b"\0")
    return b"".join([bytes.fromhex(target.removeprefix("0x")).rjust(WORD, b"\0"), _FLAGS, _word(len(data)), padded])


def decode(data: bytes, count: int) -> list[Result]:
    """The results of `count` calls. Raises Fault for anything that is not exactly such an answer."""
    if not data:
        raise malformed("an empty multicall answer")
    start = _word_at(data, 0)
    if _word_at(data, start) != count:
        raise malformed("a multicall answer to another number of calls")
    base, end = start + WORD, len(data)
    if base + count * WORD > end:
        raise malformed("a multicall answer that is cut short")
    results: list[Result] = []
    for offset in map(int.from_bytes, _cut(count).unpack_from(data, base)):
        item = base + offset
        body = item + 3 * WORD
        size = _HEADS.get(data[item:body])
        if size is not None and body + size <= end:
            results.append(data[body : body + size])
        else:
            results.append(_unusual(data, item))
    return results


def _unusual(data: bytes, item: int) -> Result:
    """The result at `item`, word by word."""
    success = _word_at(data, item)
    if success > 1:
        raise malformed("a multicall answer that is cut short or garbled")
    inner = item + _word_at(data, item + WORD)
    size, body = _word_at(data, inner), inner + WORD
    if size > len(data) - body:
        raise malformed("a multicall answer that is cut short or garbled")
    return _result(success == 1, data[body : body + size])


@lru_cache(maxsize=16)
def _cut(count: int) -> Struct:
    """Cuts off so many words, at a fraction of the cost of slices."""
    return Struct(f"{WORD}s" * count)


def _word_at(data: bytes, place: int) -> int:
    if place > len(data) - WORD:
        raise malformed("a multicall answer that is cut short")
    return int.from_bytes(data[place : place + WORD])


def _result(success: bool, data: bytes) -> Result:
    if not success:
        return Failure("revert", revert_reason(data), data)
    if not data:
        return Failure("short", "nothing returned: no contract there, or not this function")
    return data


@lru_cache(maxsize=256)
def revert_reason(data: bytes) -> str:
    """Readable form of revert data: the text of Error(string), the code of Panic(uint256), else the selector."""
    if data[:4] == bytes.fromhex("08c379a0") and len(data) >= 68:
        size = int.from_bytes(data[36:68], "big")
        return clean(data[68 : 68 + min(size, 400)].decode("utf-8", "replace"), 120)
    if data[:4] == bytes.fromhex("4e487b71") and len(data) == 36:
        return f"panic {int.from_bytes(data[4:], 'big'):#x}"
    return f"error 0x{data[:4].hex()}" if len(data) >= 4 else ""
