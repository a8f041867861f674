"""Figures of a row as short texts: what the list, the preview and the verdict print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.model import Direction, FactorKind
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.text import short_address
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from liqtui.core.model import Boundary
    from liqtui.core.snapshot import Row
    from liqtui.ui.state import AppState

SHORT_PROTOCOLS = {"compound-v3": "comp-v3", "compound-v2": "comp-v2", "morpho-blue": "morpho"}
"""Where the usual name is long."""

CALM_SIGMAS = 10.0
"""Cushion at which the pressure bar is empty."""
CALM_MOVE = 0.40
"""Distance at which it is empty when σ is not known."""

_BLOCKS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def health(raw: int | None) -> str:
    """Rounded down, never up over a threshold: "1.042"; "∞" without debt, "–" when unknown."""
    if raw is None:
        return "–"
    if raw >= 10_000 * WAD:
        return "∞"
    digits = 3 if raw < 10 * WAD else 2 if raw < 100 * WAD else 1
    scaled = raw * 10**digits // WAD
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}"


def mark(row: Row) -> str:
    """What follows a figure: "~" when it is old, "≠" when the contract did not confirm it."""
    if not row.trusted:
        return "~"
    if row.position and row.position.health.shown is not None and not row.position.health.verified:
        return "≠"
    return ""


def row_health(row: Row) -> str:
    return health(row.position.health.shown if row.position else None)


def percent(move: float | None) -> str:
    if move is None:
        return "–"
    text = f"{abs(move) * 100:.1f}%"
    return f"−{text}" if move < 0 else f"+{text}"


def distance(row: Row) -> str:
    """How far the ranking factor may move: "−4.3%"; "none" when no price liquidates."""
    if row.position is None:
        return "–"
    boundary = row.cushion
    if boundary is None:
        return "none" if row.position.boundaries else "–"
    if boundary.passed:
        return "now"
    return "none" if boundary.direction is Direction.NONE else percent(boundary.move)


def sigmas(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}σ" if value < 9.95 else f"{value:.0f}σ" if value < 1000 else ">999σ"


def price(raw: int | None, decimals: int) -> str:
    """About five significant digits: 2,308.4 · 0.6057 · 56,045."""
    if raw is None:
        return "–"
    value = raw / 10**decimals
    size = abs(value)
    digits = (
        0
        if size >= 10_000
        else 1
        if size >= 1000
        else 2
        if size >= 100
        else 3
        if size >= 10
        else 4
        if size >= 0.1
        else 6
    )
    return f"{value:,.{digits}f}".replace("-", "−")


def boundary_price(boundary: Boundary | None) -> str:
    if boundary is None or boundary.price is None:
        return ""
    if boundary.kind is FactorKind.TOGETHER:
        return f"×{boundary.price / WAD:.4f}"
    return price(boundary.price, boundary.decimals)


def age(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    if seconds < 0:
        return "<0"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def row_age(row: Row) -> str:
    """A dot while everything is fresh; else the age that is to blame."""
    if row.freshness is Freshness.FRESH:
        return "·"
    return age(row.ages.fetch if row.freshness is not Freshness.LATE or row.ages.oracle is None else row.ages.oracle)


def compact(value: float) -> str:
    """1.96M · 86.4k · 140."""
    size = abs(value)
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= limit * 0.9995:
            scaled = value / limit
            digits = 2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0
            return f"{scaled:.{digits}f}{unit}".replace("-", "−")
    return f"{value:.0f}".replace("-", "−")


def money(raw: int | None, decimals: int, symbol: str) -> str:
    if raw is None:
        return "–"
    text = compact(raw / 10**decimals)
    if symbol != "USD":
        return f"{text} {symbol}"
    return f"−${text[1:]}" if text.startswith("−") else f"${text}"


def amount(raw: int, decimals: int) -> str:
    """Whole units from 10,000 on, else up to four digits after the point: 277,181 · 173.1 · 0.4127."""
    value = raw / 10**decimals
    size = abs(value)
    digits = 0 if size >= 10_000 else 1 if size >= 100 else 2 if size >= 10 else 4
    return f"{value:,.{digits}f}".replace("-", "−")


def trend(row: Row) -> str:
    """Change of health over the stated window: "▼.021", "=" when none, "–" when not recorded."""
    if row.trend is None:
        return "–"
    thousandths = round(abs(row.trend) * 1000)
    if not thousandths:
        return "="
    figure = f".{thousandths:03d}" if thousandths < 1000 else f"{thousandths / 1000:.1f}"
    return ("▼" if row.trend < 0 else "▲") + figure


def spark(row: Row, width: int) -> str:
    """24 h of health between the calm and the liquidation line: a fixed scale, so a flat day looks flat."""
    values = row.spark[-width:] if width else ()
    cells = [" " if v is None else _LEVELS[max(0, min(7, int((v - 1.0) * 7 + 0.5)))] for v in values]
    return "".join(cells).rjust(width)


def pressure(row: Row) -> float:
    """0 calm … 1 at the edge: how much ink the bar gets."""
    if row.severity in {Severity.LIQUIDATED, Severity.LIQUIDATABLE}:
        return 1.0
    if row.sigmas is not None:
        return max(0.0, min(1.0, 1 - row.sigmas / CALM_SIGMAS))
    move = row.cushion.move if row.cushion else None
    return 0.0 if move is None else max(0.0, min(1.0, 1 - abs(move) / CALM_MOVE))


def bar(fill: float, width: int) -> tuple[str, str]:
    """(ink, rest) of a bar in eighths of a cell."""
    eighths = round(fill * width * 8)
    ink = "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")
    return ink, "·" * (width - len(ink))


def protocol(row: Row, state: AppState) -> str:
    name = SHORT_PROTOCOLS.get(row.key.protocol, row.key.protocol)
    return f"{name} {state.chain_tag(row.chain)}"


def wallet(row: Row) -> str:
    return row.label or short_address(row.key.wallet)


def plain_line(row: Row, state: AppState) -> str:
    """A row as one line of plain text, for the clipboard."""
    factor = f"{row.cushion.label} {distance(row)} at {boundary_price(row.cushion)}" if row.cushion else "no boundary"
    parts = (
        wallet(row),
        row.key.wallet,
        protocol(row, state),
        row.severity.value,
        f"HF {row_health(row)}{mark(row)}",
        factor,
    )
    return "  ".join(parts)
