"""Numbers as people read them, the same on the screen, in messages and in commands.

Money stays in integers until it is text. What is unknown is "–", never 0; no debt is "∞"; a minus is a real one.
Health is always cut toward less safe, so that 0.9999 never reads as 1.000.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from typing import TYPE_CHECKING

from liqtui.core.ages import UNKNOWN
from liqtui.core.ages import age as age  # noqa: PLC0414 (one of these, wherever it is)
from liqtui.core.units import HEALTH_INFINITE, WAD, decimal_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.results import Boundary

INFINITE = "∞"
WAITING = "…"
"""Stands for a figure that is asked for: see `core.glimpse`."""
MINUS = "−"

_WIDE = Context(prec=100)


def health(raw: int | None, digits: int = 3) -> str:
    """1.042; cut, not rounded. 1000 and more in whole numbers, a million and more as ">999k"."""
    if raw is None:
        return UNKNOWN
    if raw == HEALTH_INFINITE:
        return INFINITE
    if raw >= 10**6 * WAD:
        return ">999k"
    if raw >= 1000 * WAD:
        return f"{raw // WAD:,}"
    scaled = raw * 10**digits // WAD
    whole, part = divmod(scaled, 10**digits)
    return f"{whole}.{part:0{digits}d}" if digits else str(whole)


def money(raw: int | None, decimals: int, symbol: str = "USD") -> str:
    """Short: $1.96M, $86.4k, $318.40, −$41.6k; another base behind the number: 12.4 ETH."""
    if raw is None:
        return UNKNOWN
    value = Decimal(abs(raw)).scaleb(-decimals, _WIDE)
    if symbol == "USD":
        return _signed(raw, _short(value, 2), symbol)
    return _signed(raw, _fine(value) if value < 1 else _short(value, 2 if value < 10 else 1), symbol)


def money_whole(raw: int | None, decimals: int, symbol: str = "USD") -> str:
    """Long: $1,959,655; with cents under 1,000."""
    if raw is None:
        return UNKNOWN
    value = Decimal(abs(raw)).scaleb(-decimals, _WIDE)
    if symbol != "USD" and value < 1:
        return _signed(raw, _fine(value), symbol)
    return _signed(raw, f"{_round(value, 2 if value < 1000 else 0):,}", symbol)


def _signed(raw: int, text: str, symbol: str) -> str:
    sign = MINUS if raw < 0 else ""
    return f"{sign}${text}" if symbol == "USD" else f"{sign}{text} {symbol}"


def _fine(value: Decimal) -> str:
    """Less than one ether or bitcoin: three significant digits, eight decimals at most, and never 0 for something."""
    rounded = _round(value, min(8, 2 - value.adjusted()) if value else 2)
    return f"{rounded:f}" if rounded or not value else "<0.00000001"


def amount(raw: int | None, decimals: int, *, up: bool = False) -> str:
    """Token units: 1,665,752.11 · 173.1 · 0.00042; five significant digits under 10,000, else two decimals.

    `up` rounds away from zero, for what has to be repaid or added.
    """
    if raw is None:
        return UNKNOWN
    value = Decimal(abs(raw)).scaleb(-decimals, _WIDE)
    digits = _digits(value)
    rounded = value.quantize(Decimal(1).scaleb(-digits), ROUND_UP if up else ROUND_DOWN, _WIDE)
    text = f"{rounded:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if text == "0" and raw:
        text = f"<{Decimal(1).scaleb(-digits):f}"
    return (MINUS if raw < 0 else "") + text


def _digits(value: Decimal) -> int:
    """Decimals that leave five significant digits; at least two, at most eight."""
    if value == 0:
        return 0
    return min(8, max(2, 4 - value.adjusted()))


def price(raw: int | None, decimals: int) -> str:
    """62,690 · 2,412.1 · 0.7051 · 0.00001234: about five significant digits."""
    if raw is None:
        return UNKNOWN
    return (MINUS if raw < 0 else "") + _scaled(abs(raw), decimals, ROUND_HALF_EVEN)


def price_exact(raw: int | None, decimals: int) -> str:
    """All digits: 2,308.41000000."""
    if raw is None:
        return UNKNOWN
    return f"{Decimal(raw).scaleb(-decimals, _WIDE):,f}".replace("-", MINUS)


def boundary_price(boundary: Boundary) -> str:
    """The boundary's price, rounded toward safety: what is shown is never safe by less. "–" where there is none."""
    if boundary.price is None:
        return UNKNOWN
    from liqtui.core.results import Direction, FactorKind

    rounding = ROUND_CEILING if boundary.direction is Direction.FALLS else ROUND_FLOOR
    return ("×" if boundary.kind is FactorKind.TOGETHER else "") + _scaled(boundary.price, boundary.decimals, rounding)


def boundary_distance(boundary: Boundary) -> str:
    """As "−4.3%" or "+250%", cut: never farther away than it is. Two digits under 1 %, none from 100 % on."""
    if boundary.price is None or not boundary.price_now:
        return UNKNOWN
    gap = boundary.price - boundary.price_now
    whole, part = divmod(abs(gap) * 10_000 // boundary.price_now, 100)
    digits = f".{part:02d}" if not whole else f".{part // 10}" if whole < 100 else ""
    return f"{MINUS if gap < 0 else '+'}{whole:,}{digits}%"


def boundary_fraction(boundary: Boundary) -> str:
    """For programs: "-0.0434", cut like `boundary_distance`; empty where there is none."""
    if boundary.price is None or not boundary.price_now:
        return ""
    gap = boundary.price - boundary.price_now
    return ("-" if gap < 0 else "") + decimal_string(abs(gap) * 10_000 // boundary.price_now, 4)


def threshold(raw: int) -> str:
    """A health that a person chose: 1.05, 1.25, 1.125; at least two digits behind the point, all that there are."""
    whole, _, part = decimal_string(raw, 18).partition(".")
    return f"{whole}.{part.ljust(2, '0')}"


def percent(fraction: float | None, digits: int = 1, *, sign: bool = True) -> str:
    """−0.043 → "−4.3%"; with `sign` a rise has a plus."""
    if fraction is None:
        return UNKNOWN
    text = f"{fraction * 100:+.{digits}f}%" if sign else f"{fraction * 100:.{digits}f}%"
    return text.replace("-", MINUS)


def bps(value: int | None) -> str:
    """8300 → "83%", 8250 → "82.5%"."""
    if value is None:
        return UNKNOWN
    whole, part = divmod(value, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%" if part else f"{whole}%"


def bps_of(values: Mapping[str, int]) -> str:
    """By asset: {"WETH": 500, "WBTC": 650} → "WETH 5%, WBTC 6.5%"; once where all are equal; "none" without any."""
    different = set(values.values())
    if not different - {0}:
        return "none"
    if len(different) == 1:
        return bps(different.pop())
    return ", ".join(f"{name} {bps(value)}" for name, value in values.items())


def rate(ray: int) -> str:
    """A yearly rate in ray: "5.1%"."""
    return f"{_round(Decimal(ray).scaleb(-25, _WIDE), 1)}%".replace("-", MINUS)


def sigma(value: float | None) -> str:
    """A distance in σ, cut: 1.2σ, 13σ; unknown –."""
    if value is None:
        return UNKNOWN
    return ">99σ" if value > 99 else f"{int(value * 10) / 10:.1f}σ" if value < 10 else f"{int(value)}σ"


def eta(seconds: int | None) -> str:
    """About how long, for interest: "never", "about 18 days", "about 5 hours"."""
    if seconds is None:
        return "never"
    if seconds <= 0:
        return "now"
    if seconds < 3600:
        return "under an hour"
    if seconds < 2 * 86_400:
        return f"about {seconds // 3600} hours"
    if seconds < 3 * 365 * 86_400:
        return f"about {seconds // 86_400} days"
    years = seconds // (365 * 86_400)
    return f"about {years} years" if years < 100 else "over 100 years"


def counted(number: int, noun: str) -> str:
    """As "1 row", "1,234 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _scaled(raw: int, decimals: int, rounding: str) -> str:
    value = Decimal(raw).scaleb(-decimals, _WIDE)
    digits = 0 if value == 0 else min(max(decimals, 0), max(0, 4 - value.adjusted()))
    return f"{value.quantize(Decimal(1).scaleb(-digits), rounding, _WIDE):,f}"


def _short(value: Decimal, cents: int) -> str:
    """`cents`: decimals under a thousand."""
    for suffix, place in (("B", 9), ("M", 6), ("k", 3)):
        if value >= Decimal("0.99995") * 10**place:
            scaled = value.scaleb(-place, _WIDE)
            digits = 2 if scaled < 10 else 1 if scaled < 1000 else 0
            return f"{_round(scaled, digits):,}{suffix}"
    return f"{_round(value, cents)}"


def _round(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, _WIDE)
