"""The checksum in the case of an address's letters (EIP-55)."""

from __future__ import annotations


def checksum(address: str) -> str:
    """0x and 40 hex digits in any case → with the case that EIP-55 gives them."""
    from Crypto.Hash import keccak  # not eth_utils: this runs before the first frame, and that takes 300 ms to import

    digits = address[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode("ascii")).hexdigest()
    marked = zip(digits, digest, strict=False)
    return "0x" + "".join(digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in marked)
