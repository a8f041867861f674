"""Fixed-point integers and their roundings.

Every amount of money is a Python int with known decimals; the rounding is in the name of each function.
Half-up forms follow Aave's WadRayMath and PercentageMath.
"""

from __future__ import annotations

WAD = 10**18
RAY = 10**27
BPS = 10_000
SECONDS_PER_YEAR = 365 * 86_400
MAX_UINT256 = 2**256 - 1

HEALTH_ONE = WAD
"""A health factor of exactly 1, the boundary of liquidation."""
HEALTH_INFINITE = MAX_UINT256
"""What Aave answers for an account without debt."""


def mul_div_down(x: int, y: int, d: int) -> int:
    return x * y // d


def mul_div_up(x: int, y: int, d: int) -> int:
    return -(-x * y // d)


def ray_mul(a: int, b: int) -> int:
    """a × b in ray, half up (WadRayMath.rayMul)."""
    return (a * b + RAY // 2) // RAY


def ray_mul_down(a: int, b: int) -> int:
    return a * b // RAY


def ray_mul_up(a: int, b: int) -> int:
    return -(-a * b // RAY)


def wad_div(a: int, b: int) -> int:
    """a ÷ b in wad, half up (WadRayMath.wadDiv)."""
    return (a * WAD + b // 2) // b


def percent_mul(value: int, bps: int) -> int:
    """value × bps ÷ 10,000, half up (PercentageMath.percentMul)."""
    return (value * bps + BPS // 2) // BPS


def percent_div(value: int, bps: int) -> int:
    """value × 10,000 ÷ bps, half up (PercentageMath.percentDiv)."""
    return (value * BPS + bps // 2) // bps


def decimal_string(raw: int, decimals: int) -> str:
    """Exact decimal text of raw ÷ 10**decimals, without trailing zeros: (1042001700000000000, 18) → "1.0420017"."""
    sign, raw = ("-", -raw) if raw < 0 else ("", raw)
    whole, part = divmod(raw, 10**decimals)
    text = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{sign}{whole}.{text}" if text else f"{sign}{whole}"


def parse_decimal(text: str, decimals: int) -> int:
    """Exact inverse of `decimal_string`.

    Raises ValueError for text that is no plain decimal number or has more digits than `decimals`.
    """
    body = text.strip()
    sign = -1 if body.startswith("-") else 1
    whole, _, part = body.removeprefix("-").partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit():
        raise ValueError(f"not a decimal number: {text!r}")
    if len(part) > decimals:
        raise ValueError(f"more than {decimals} decimals: {text!r}")
    return sign * (int(whole or "0") * 10**decimals + int(part.ljust(decimals, "0") or "0"))
