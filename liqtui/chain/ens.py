"""ENS names to addresses, by the registry on Ethereum, through our own reader.

Names are normalised as ENSIP-15 says. A name that is not written in its normal form is refused: two names that
look alike must not silently be two wallets.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from liqtui.chain.addresses import checksum, keccak
from liqtui.core.reads import Call, Failure
from liqtui.core.text import clean

if TYPE_CHECKING:
    from liqtui.core.reads import ChainReader

REGISTRY = "0x00000000000c2e074ec69a0dfb2997ba6c7d2e1e"
CHAIN_ID = 1
RESOLVER = bytes.fromhex("0178b8bf")
"""resolver(bytes32 node)"""
ADDR = bytes.fromhex("3b3b57de")
"""addr(bytes32 node)"""
_PLAIN = re.compile(r"_*[a-z0-9$-]+|_+")
OFFCHAIN_LOOKUP = bytes.fromhex("556f1830")
"""EIP-3668: the answer is on a web server."""


def looks_like_name(text: str) -> bool:
    """Whether this is to be resolved rather than read as an address."""
    return "." in text and not text.lower().startswith("0x")


def node_of(name: str) -> bytes:
    """The 32-byte node of a name in its normal form. Raises LookupError, in a sentence, for any other name."""
    shown = clean(name, 48)
    normal = name.lower() if _is_plain(name.lower()) else _normalised(name, shown)
    if normal != name:
        raise LookupError(
            f"{shown} is not in its normal form; write it as {clean(normal, 48)}, if that is what you mean"
        )
    node = bytes(32)
    for label in reversed(name.split(".")):
        node = keccak(node + keccak(label.encode()))
    return node


def _is_plain(name: str) -> bool:
    """Whether every label is of the ASCII kind that ENSIP-15 leaves as it is; saves loading its large tables."""
    labels = name.split(".")
    return all(_PLAIN.fullmatch(label) is not None and label[2:4] != "--" for label in labels)


def _normalised(name: str, shown: str) -> str:
    from ens.exceptions import InvalidName  # pyright: ignore[reportMissingTypeStubs]
    from ens.utils import normalize_name  # pyright: ignore[reportMissingTypeStubs]

    try:
        return normalize_name(name)
    except InvalidName as error:
        raise LookupError(f"{shown} is no valid ENS name: {clean(str(error), 120)}") from None
    except (AttributeError, TypeError):  # web3's tables and the pyunormalize that is installed do not fit together
        raise LookupError(f"{shown} cannot be checked with the libraries installed here; use its address") from None


async def resolve(reader: ChainReader, name: str) -> str:
    """The checksummed address that a name points to now. Raises LookupError with a sentence, or ReadError."""
    shown = clean(name, 48)
    if reader.chain_id != CHAIN_ID:
        raise LookupError(f"{shown}: ENS names are resolved on Ethereum, which is not configured")
    if not looks_like_name(name):
        raise LookupError(f"{shown} is neither an address nor an ENS name")
    node = await asyncio.to_thread(node_of, name)  # the tables take a moment to load
    block = await reader.head()
    [found] = await reader.read(block, [Call(REGISTRY, RESOLVER + node)])
    resolver = _address(found)
    if resolver is None:
        raise LookupError(f"{shown} is not registered, or has no resolver of its own")
    [answer] = await reader.read(block, [Call(resolver, ADDR + node)])
    if isinstance(answer, Failure) and answer.data[:4] == OFFCHAIN_LOOKUP:
        raise LookupError(f"{shown} is kept off chain, on a web server that liqtui does not ask; use its address")
    address = _address(answer)
    if address is None:
        raise LookupError(f"{shown} is registered but points to no address")
    return checksum(address)


def _address(answer: bytes | Failure) -> str | None:
    """The address in a 32-byte answer; None for a failure, a wrong size or the zero address."""
    if isinstance(answer, Failure) or len(answer) != 32 or any(answer[:12]) or not any(answer):
        return None
    return "0x" + answer[12:].hex()
