"""Figures of a row as short texts: what the list, the preview and the verdict print.

The model of a position and its arithmetic are not imported here but where a position is at hand: the first frame, which
shows none, would wait for them, and the engine's thread loads them after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core import format as text
from liqtui.core.sigma import LEAST_ROUNDS
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.text import clean, short_address
from liqtui.core.units import HEALTH_INFINITE, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.results import Boundary
    from liqtui.core.snapshot import Row, Volatility
    from liqtui.ui.state import AppState

SHORT_PROTOCOLS = {"compound-v3": "comp-v3", "compound-v2": "comp-v2", "morpho-blue": "morpho"}
"""Where the usual name is long."""

CALM_SIGMAS = 10.0
"""Cushion at which the pressure bar is empty."""
CALM_MOVE = 0.40
"""Distance at which it is empty when σ is not known."""

_PLAIN = {ord("▲"): "^", ord("▼"): "v", ord("∞"): "inf"}

_BLOCKS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def plainly(words: str, state: AppState) -> str:
    """A figure as it is shown: under --ascii a trend must not look like a severity, nor "no debt" like a sign."""
    return words.translate(_PLAIN) if state.settings.ascii else words


def health(raw: int | None) -> str:
    """Never longer than five cells: fewer decimals when there is more before the point."""
    if raw is not None and 10_000 * WAD <= raw < HEALTH_INFINITE:
        return ">9999"
    return text.health(raw, 3 if raw is None or raw < 10 * WAD else 2 if raw < 100 * WAD else 1)


def mark(row: Row) -> str:
    """What follows a figure: "~" when it is old, "≠" when the contract did not confirm it."""
    if row.position is None or row.position.health.shown is None:
        return ""  # "unknown" is no figure: it neither ages nor has to be confirmed
    return "~" if not row.trusted else "" if row.position.health.confirmed else "≠"


def row_health(row: Row) -> str:
    return health(row.position.health.shown if row.position else None)


def distance(row: Row) -> str:
    """How far the ranking factor may move: "−4.3%"; "none" when no price liquidates, "…" while it is asked for."""
    if row.position is None:
        return "–"
    boundary = row.cushion
    if boundary is None:
        if row.position.partial:
            return text.WAITING
        return "none" if row.position.boundaries or not row.position.has_debt else "–"
    if boundary.pending:
        return text.WAITING
    if boundary.passed:
        return "now"
    if boundary.nowhere:
        return "none" if boundary.about is None else "–"
    return text.boundary_distance(boundary)


def sigmas(row: Row) -> str:
    """The cushion in daily σ, by the exact distance."""
    return text.WAITING if row.cushion is not None and row.cushion.pending else text.sigma(row.sigmas_left)


def boundary_price(boundary: Boundary | None) -> str:
    return "" if boundary is None or boundary.price is None else text.boundary_price(boundary)


def row_age(row: Row) -> str:
    """A dot while everything is fresh; else the age that is to blame, one before its time ("−20s") before any other."""
    if row.freshness is Freshness.FRESH:
        return "·"
    from liqtui.core.severity import oracle_late  # see the module's text

    ages = [row.ages.head, row.ages.fetch, row.ages.oracle if oracle_late(row.position) else None]
    known = [each for each in ages if each is not None]
    return age(min(known) if known and min(known) < 0 else max(known, default=None))


def age(seconds: int | None) -> str:
    """In four cells: "14m"; a time that is yet to come has a sign, "−20s"."""
    return text.MINUS + text.age(-seconds) if seconds is not None and seconds < 0 else text.age(seconds)


def trend(row: Row) -> str:
    """Change of health over the stated window: "▼.021", "=" when none, "–" when not recorded."""
    return change(row.trend)


def change(of: float | None) -> str:
    """As "▼.021" or "▲1.5"; "=" when there is none to see, "–" when it is not known. Never longer than five cells."""
    if of is None:
        return "–"
    size = abs(of)
    if size < 0.0005:
        return "="
    figure = f"{size:.3f}"[1:] if size < 0.9995 else f"{size:.1f}" if size < 99.95 else f"{size:.0f}"
    return ("▼" if of < 0 else "▲") + (figure if size < 999.5 else ">999")


def spark(row: Row, width: int) -> str:
    """24 h of health between the calm and the liquidation line: a fixed scale, so a flat day looks flat.

    The lowest of so many slots to a cell as find room; blank where nothing was read in any of them.
    """
    slots = row.spark
    if not width or not slots:
        return " " * width
    size = -(-len(slots) // width)
    groups = [slots[max(0, end - size) : end] for end in range(len(slots), 0, -size)]
    lows = [min((value for value in group if value is not None), default=None) for group in reversed(groups)]
    cells = [" " if v is None else _LEVELS[max(0, min(7, int((v - 1.0) * 7 + 0.5)))] for v in lows]
    return "".join(cells).rjust(width)


def pressure(row: Row) -> float:
    """0 calm … 1 at the edge: how much ink the bar gets."""
    if row.severity in {Severity.LIQUIDATED, Severity.LIQUIDATABLE}:
        return 1.0
    if row.sigmas is not None:
        return max(0.0, min(1.0, 1 - row.sigmas / CALM_SIGMAS))
    move = row.left if row.cushion is None or row.cushion.pending else row.cushion.move
    return 0.0 if move is None else max(0.0, min(1.0, 1 - abs(move) / CALM_MOVE))


def bar(fill: float, width: int) -> tuple[str, str]:
    """(ink, rest) of a bar in eighths of a cell."""
    eighths = round(fill * width * 8)
    ink = "█" * (eighths // 8) + (_BLOCKS[eighths % 8] if eighths % 8 else "")
    return ink, "·" * (width - len(ink))


def volatility(row: Row, known: Iterable[Volatility]) -> str:
    """Which σ the cushion is measured in, and what it was taken from; empty where there is no cushion.

    "σ of ETH 3.1% a day, from 480 rounds in 12d".
    """
    boundary, position = row.cushion, row.position
    if boundary is None or position is None or position.partial:
        return ""
    from liqtui.core.rank import yardstick  # see the module's text

    chosen = yardstick(row, known)
    if chosen is None:
        return "" if row.sigmas is not None else f"σ not known: it takes {LEAST_ROUNDS + 1} oracle rounds over 6h"
    factor, daily, window, rounds = chosen
    name = next((each.label for each in position.boundaries if each.factor == factor), factor)
    of = f"{clean(name)}, the wildest of these," if factor != boundary.factor else clean(name)
    return f"σ of {of} {text.percent(daily, sign=False)} a day, from {rounds:,} rounds in {text.age(window)}"


def protocol(row: Row, state: AppState) -> str:
    """Which market: "comp-v3 eth usdc", "morpho base WETH/USDC"."""
    name = SHORT_PROTOCOLS.get(row.protocol, row.protocol)
    return " ".join(part for part in (name, state.chain_tag(row.chain), row.venue, _pair(row)) if part)


def _pair(row: Row) -> str:
    """What is held and owed where a market holds several positions of a wallet, which nothing else in a row tells."""
    several = row.key.market_id and row.position is not None
    return "/".join(dict.fromkeys(row.position.symbols)) if several and row.position else ""


def wallet(row: Row) -> str:
    """Its label, else the ends of its address."""
    return row.label or short_address(row.key.wallet)


def plain_line(row: Row, state: AppState) -> str:
    """A row as one line of plain text, for the clipboard."""
    factor = f"{row.cushion.label} {distance(row)} at {boundary_price(row.cushion)}" if row.cushion else "no boundary"
    if distance(row) == text.WAITING:
        factor = f"boundary {state.asking}"
    parts = (
        wallet(row),
        row.key.wallet,
        protocol(row, state),
        row.severity.value,
        f"HF {row_health(row)}{mark(row)}",
        factor,
    )
    return "  ".join(parts)
