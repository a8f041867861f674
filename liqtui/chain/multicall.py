"""Coding of Multicall3's `aggregate3((address target, bool allowFailure, bytes callData)[])`, by words.

Every offset and length in an answer is checked before it is used: an answer that was cut or altered in its
structure is a Fault, never a shorter list.
"""

from __future__ import annotations

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
    return value.to_bytes(WORD, "big")


def call_size(call: Call) -> int:
    """Bytes that a call takes in the call data of `aggregate3`."""
    return 5 * WORD + -(-len(call.data) // WORD) * WORD


def encode(calls: Sequence[Call]) -> bytes:
    """Call data in which every call may fail by itself."""
    offsets: list[bytes] = []
    bodies: list[bytes] = []
    place = len(calls) * WORD
    for call in calls:
        padded = call.data.ljust(-(-len(call.data) // WORD) * WORD, b"\0")
        target = bytes.fromhex(call.target.removeprefix("0x")).rjust(WORD, b"\0")
        body = target + _word(1) + _word(3 * WORD) + _word(len(call.data)) + padded
        offsets.append(_word(place))
        bodies.append(body)
        place += len(body)
    return b"".join([AGGREGATE3, _word(WORD), _word(len(calls)), *offsets, *bodies])


def decode(data: bytes, count: int) -> list[Result]:
    """The results of `count` calls. Raises Fault for anything that is not exactly such an answer."""

    def word(place: int) -> int:
        if not 0 <= place <= len(data) - WORD:
            raise malformed("a multicall answer that is cut short")
        return int.from_bytes(data[place : place + WORD], "big")

    if not data:
        raise malformed("an empty multicall answer")
    start = word(0)
    if word(start) != count:
        raise malformed("a multicall answer to another number of calls")
    base = start + WORD
    results: list[Result] = []
    for index in range(count):
        item = base + word(base + index * WORD)
        success, inner = word(item), item + word(item + WORD)
        size, body = word(inner), inner + WORD
        if success > 1 or size > len(data) - body:
            raise malformed("a multicall answer that is cut short or garbled")
        results.append(_result(bool(success), data[body : body + size]))
    return results


def _result(success: bool, data: bytes) -> Result:
    if not success:
        return Failure("revert", revert_reason(data), data)
    if not data:
        return Failure("short", "nothing returned: no contract there, or not this function")
    return data


def revert_reason(data: bytes) -> str:
    """Readable form of revert data: the text of Error(string), the code of Panic(uint256), else the selector."""
    if data[:4] == bytes.fromhex("08c379a0") and len(data) >= 68:
        size = int.from_bytes(data[36:68], "big")
        return clean(data[68 : 68 + min(size, 400)].decode("utf-8", "replace"), 120)
    if data[:4] == bytes.fromhex("4e487b71") and len(data) == 36:
        return f"panic {int.from_bytes(data[4:], 'big'):#x}"
    return f"error 0x{data[:4].hex()}" if len(data) >= 4 else ""
