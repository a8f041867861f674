"""What goes wrong between us and one node, and what can be done about it.

Nodes agree on little: the same trouble comes as an HTTP status, as a JSON-RPC code or only as words. This is
the one place that reads them.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from liqtui.core.reads import ReadError
from liqtui.core.redact import redact
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

DETAIL_LIMIT = 160


class Cure(Enum):
    """What may help."""

    ELSEWHERE = "ask another node"
    WAIT = "ask this node later"
    SMALLER = "ask for less at once"
    WITHOUT_GAS = "leave the gas to the node"
    OTHER_PIN = "name the block by its number"
    NONE = "the contract itself refused; every node will say the same"


class Fault(ReadError):  # noqa: N818 - as the errors it is read from: a fact, not a mistake of ours
    """One node did not give a usable answer. The text is redacted, cleaned and bounded."""

    def __init__(
        self, kind: str, detail: str, cure: Cure = Cure.ELSEWHERE, *, wait: float | None = None, data: bytes = b""
    ) -> None:
        super().__init__(kind, safe(detail))
        self.cure = cure
        self.wait = wait
        """Seconds that the node asks to be left alone."""
        self.data = data
        """Revert data."""


def safe(text: str) -> str:
    """Text that may be shown: no URL beyond its host, no control characters, bounded."""
    return clean(redact(text), DETAIL_LIMIT)


def malformed(detail: str) -> Fault:
    return Fault("malformed", detail)


_BEHIND = (
    "header not found", "unknown block", "block not found", "header for hash not found", "not currently canonical",
    "could not find block", "missing trie node", "state not available", "state is not available", "historical state",
    "block is not available", "beyond current head", "after last accepted block", "blockoutofrange",
    "block height is", "resource not found", "unknownblock", "no state available", "distance to target block",
    "is pruned", "pruned history", "hash is not canonical", "unfinalized data", "block with id",
    "block does not exist", "hash not found", "pruned state", "state pruned",
)  # fmt: skip
_RATE = (
    "rate limit", "ratelimit", "rate-limit", "too many requests", "compute units", "request limit",
    "requests per second", "quota", "throughput", "throttle", "daily limit", "call rate", "over capacity",
    "limit exceeded", "exceeded limit",
)  # fmt: skip
_TOO_MUCH = (
    "query returned more than", "block range", "range is too", "range too", "ranges over", "too large", "too big",
    "too wide", "too many blocks", "size exceeded", "response size", "max results", "maximum results",
    "logs matched", "execution timeout", "timed out", "timeout", "execution aborted", "out of gas", "outofgas",
    "batch limit", "batch size", "exceeds maximum", "exceed maximum", "exceeds max", "calldata limit",
    "blocks distance", "range limit", "limited to", "maximum block",
)  # fmt: skip
_GAS_REFUSED = ("gas limit", "gas required exceeds", "exceeds block gas", "gas cap", "gas allowance", "intrinsic gas")
_PIN_REFUSED = (
    "unmarshal",
    "blockhash",
    "invalid block",
    "block number or",
    "eip-1898",
    "expected a string",
    "hex string",
)
_REVERT = ("revert", "invalid opcode", "invalid jump", "stack underflow", "vm execution error", "invalidfeopcode")

_RATE_CODES = frozenset({429, -32005, -32007, -32016, -32029, -32090})
_HEX = re.compile(r"0x((?:[0-9a-fA-F]{2})*)\b")


def refusal(error: object, scrub: Callable[[str], str] = str) -> Fault:
    """The Fault that a JSON-RPC error object stands for. `scrub` takes the endpoint's own secrets out."""
    if not isinstance(error, dict):
        return malformed("an error that is no object")
    fields = cast("dict[str, Any]", error)
    code, message = fields.get("code"), str(fields.get("message") or "no message")
    low = f"{message} {fields.get('data') if isinstance(fields.get('data'), str) else ''}".lower()[:2000]
    text = scrub(message) + (f" ({code})" if isinstance(code, int) else "")

    def says(words: tuple[str, ...]) -> bool:
        return any(word in low for word in words)

    if code == 3 or says(_REVERT):
        return Fault("rpc", text, Cure.NONE, data=_revert_data(fields.get("data")))
    if says(_BEHIND):
        return Fault("behind", text)
    if says(_TOO_MUCH):
        return Fault("rpc", text, Cure.SMALLER)
    if code in _RATE_CODES or says(_RATE):
        return Fault("rate-limited", text, Cure.WAIT)
    if says(_GAS_REFUSED):
        return Fault("rpc", text, Cure.WITHOUT_GAS)
    if code == -32602 or says(_PIN_REFUSED):
        return Fault("rpc", text, Cure.OTHER_PIN)
    return Fault("rpc", text)


def _revert_data(data: object) -> bytes:
    if isinstance(data, dict):
        data = cast("dict[str, object]", data).get("data")
    found = _HEX.search(data) if isinstance(data, str) else None
    return bytes.fromhex(found.group(1)) if found else b""


def quantity(value: object, what: str) -> int:
    """A JSON-RPC hex number of at most 256 bits."""
    if isinstance(value, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,64}", value):
        return int(value, 16)
    raise malformed(f"{what} is no hex number")


def hex_bytes(value: object, what: str) -> bytes:
    """JSON-RPC hex data."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:]) if value.isascii() and " " not in value else _no_hex(what)
        except ValueError:
            pass
    return _no_hex(what)


def _no_hex(what: str) -> bytes:
    raise malformed(f"{what} is no hex data")


def fixed_hex(value: object, size: int, what: str) -> str:
    """Hex text of exactly `size` bytes, in lower case."""
    if isinstance(value, str) and re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * size}}}", value):
        return value.lower()
    raise malformed(f"{what} is no hex of {size} bytes")
