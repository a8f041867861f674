"""Addresses as people write them, with the EIP-55 checksum."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def is_address(text: str) -> bool:
    """Whether `text` has the form of an address; says nothing of its checksum."""
    return _ADDRESS.fullmatch(text) is not None


def checksum(address: str) -> str:
    """The address with its EIP-55 checksum.

    Raises ValueError, in a sentence, for what is no address, and for mixed case whose checksum is wrong: one
    mistyped character would otherwise watch a wallet that is always empty, and so always safe.
    """
    text = address.strip()
    if not is_address(text):
        raise ValueError(f"{_shown(text)} is no address: expected 0x and 40 hex digits, {_difference(text)}")
    digits = text[2:]
    right = "0x" + _with_case(digits.lower())
    if digits not in {digits.lower(), digits.upper()} and digits != right[2:]:
        wrong = next(at for at, (mine, theirs) in enumerate(zip(digits, right[2:], strict=True)) if mine != theirs)
        raise ValueError(
            f"{text} has a wrong checksum (first at digit {wrong + 1}): a character is mistyped; copy the address again"
        )
    return right


def keccak(data: bytes) -> bytes:
    """Keccak-256, 32 bytes."""
    from Crypto.Hash import keccak as hashes

    return hashes.new(digest_bits=256, data=data).digest()


def _with_case(digits: str) -> str:
    digest = keccak(digits.encode()).hex()
    return "".join(
        char.upper() if int(nibble, 16) >= 8 else char for char, nibble in zip(digits, digest[:40], strict=True)
    )


def _shown(text: str) -> str:
    from liqtui.core.text import clean

    return repr(clean(text, 48))


def _difference(text: str) -> str:
    if text[:2].lower() != "0x":
        return "it does not begin with 0x"
    if len(text) != 42:
        return f"it has {len(text) - 2}"
    return "it has other characters"
