"""Call data from readable signatures: ``"getPool()->address"``, ``"supply(address,uint256,address,uint16)"``.

The tests hold the program's own codec against these, so nothing here may import from liqtui.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import eth_abi
from eth_abi.grammar import parse
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@cache
def split_signature(signature: str) -> tuple[bytes, tuple[str, ...], tuple[str, ...]]:
    """Selector, argument types and result types of ``name(types)->types``."""
    call, _, results = signature.partition("->")
    selector = keccak(text=call)[:4]
    return selector, _types(call[call.index("(") :]), _types(f"({results})")


@cache
def _types(group: str) -> tuple[str, ...]:
    if group == "()":
        return ()
    return tuple(part.to_type_str() for part in parse(group).components)  # type: ignore[attr-defined]


def encode(signature: str, *args: Any) -> bytes:
    """Call data for one function."""
    selector, types, _ = split_signature(signature)
    return selector + eth_abi.encode(types, args)


def decode(signature: str, data: bytes) -> Any:
    """Results of one function: a lone value as itself, several as a tuple."""
    _, _, types = split_signature(signature)
    values = eth_abi.decode(types, data)
    return values[0] if len(values) == 1 else tuple(values)


def encode_args(types: Sequence[str], args: Sequence[Any]) -> bytes:
    """Constructor arguments."""
    return eth_abi.encode(types, args)


def event_topic(signature: str) -> str:
    """topic0 of an event."""
    return "0x" + keccak(text=signature).hex()


def constructor_types(abi: Iterable[dict[str, Any]]) -> list[str]:
    """Argument types of the constructor, none if the ABI has no constructor."""
    return next((_inputs(entry) for entry in abi if entry["type"] == "constructor"), [])


def function_types(abi: Iterable[dict[str, Any]], name: str) -> list[str]:
    """Argument types of the one function with this name."""
    return next(_inputs(entry) for entry in abi if entry["type"] == "function" and entry["name"] == name)


def error_names(abi: Iterable[dict[str, Any]]) -> dict[bytes, str]:
    """Selector to name of custom errors."""
    return {keccak(text=f"{e['name']}({','.join(_inputs(e))})")[:4]: e["name"] for e in abi}


def _inputs(entry: dict[str, Any]) -> list[str]:
    return [collapse_if_tuple(item) for item in entry["inputs"]]
