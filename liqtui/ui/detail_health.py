"""The first look: how healthy, how near, which way, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.model import is_infinite
from liqtui.core.redact import redact
from liqtui.core.results import Boundary, Direction, FactorKind
from liqtui.core.risk import interest_known
from liqtui.core.snapshot import Severity
from liqtui.core.text import clean, short_address
from liqtui.ui import chart, figures
from liqtui.ui.apart import cut
from liqtui.ui.detail_view import View, clock_time
from liqtui.ui.sheet import Box, wrap
from liqtui.ui.style import LOOKS, fit, spans_width

if TYPE_CHECKING:
    from rich.style import Style

    from liqtui.core.model import Position
    from liqtui.ui.style import Span

_DIGITS = {
    "0": ("┏━┓", "┃ ┃", "┗━┛"), "1": ("╺┓ ", " ┃ ", "╺┻╸"), "2": ("╺━┓", "┏━┛", "┗━╸"), "3": ("╺━┓", " ━┫", "╺━┛"),
    "4": ("╻ ╻", "┗━┫", "  ╹"), "5": ("┏━╸", "┗━┓", "╺━┛"), "6": ("┏━╸", "┣━┓", "┗━┛"), "7": ("╺━┓", "  ┃", "  ╹"),
    "8": ("┏━┓", "┣━┫", "┗━┛"), "9": ("┏━┓", "┗━┫", "╺━┛"), ".": (" ", " ", "▪"), ",": (" ", " ", ","),
    "–": ("   ", "╺━╸", "   "), "∞": ("┏━┳━┓", "┃ ┃ ┃", "┗━┻━┛"), "~": ("   ", "╭╮╭", "╯╰╯"),
    "≠": (" ╱ ", "═╪═", " ╱ "),
}  # fmt: skip
"""Digits of three cells by three, so that the figure is seen from across the room."""
_NAME = 12
"""Cells for what moves."""
_ROUND = 1800.0
"""Seconds by which what was recorded may be short of a day and be called one."""


def big(text: str) -> tuple[str, str, str]:
    rows = ["", "", ""]
    for char in text:
        for place, part in enumerate(_DIGITS.get(char, (char, char, char))):
            rows[place] += part
    return rows[0], rows[1], rows[2]


def header(view: View, width: int, place: str) -> tuple[list[Span], list[Span]]:
    """Left and right end of the line above all boxes."""
    row = view.row
    look = LOOKS[row.severity]
    name = cut(clean(row.label, 80), 20) or short_address(row.key.wallet)
    where = figures.protocol(row, view.state)
    address = short_address(view.address)
    since = f" since {clock_time(row.since, view.now)}Z" if row.since and width >= 80 else ""
    left: list[Span] = [view.ink(f" {name}", "strong", bold=True), view.muted(" ▸ "), view.ink(where)]
    if width < 60:
        return left, [view.loud(f"{look.glyph} ")]
    right = [view.loud(f" {look.glyph} {look.word} "), view.muted(f"{since}  {place} " if width >= 80 else since)]
    more = [view.muted(address)]
    if row.key.market not in {"", "core"} and width >= 100:
        more.append(view.ink(clean(row.key.market, 24)))
    for span in more:  # what has no room is left out: the beginning of an address says nothing
        if spans_width([*left, *right, span]) + 4 <= width:
            left += [view.muted(" ▸ "), span]
    return left, right


def health_box(view: View, width: int) -> Box:
    """Big figure, its trend, pressure, the nearest boundary, what a liquidation costs, and whether it is proven."""
    row, position = view.row, view.position
    block = f"block …{position.block.number % 1000:03d} · {fmt.age(row.ages.fetch)}" if position else "never read"
    box = Box("health factor", right=block)
    shown = position.health.shown if position else None
    figure = view.plainly(fmt.health(shown)) + figures.mark(row)
    side: list[list[Span]] = [_trend_line(view), _day_line(view), _low_line(view)]
    style = view.palette.severity(row.severity)
    rows = ("", f"{figure:>6} ", "") if view.state.settings.ascii else big(figure)
    blank = " " * max(cell_len(row) for row in rows)
    for left, right in zip((f"{row}{blank}"[: len(blank)] for row in rows), side, strict=True):
        box.lines.append([(f" {left}   ", style), *right])
    box.lines.append([])
    box.lines += _pressure_lines(view, width)
    box.lines += verdict_lines(view, width)
    return box


def _trend_line(view: View) -> list[Span]:
    row = view.row
    if row.trend is None:
        return [view.muted("no trend yet")]
    hours = row.trend_window / 3600
    return _change(view, f"{hours:.0f}h" if hours >= 1 else f"{row.trend_window // 60}m", row.trend)


def _day_line(view: View) -> list[Span]:
    """The change over a day, or over as much of it as is recorded."""
    day = view.day
    if len(day) < 2:
        return [view.muted("24h –")]
    recorded = view.now - day[0][0]
    return _change(view, fmt.age(recorded) if recorded < chart.DAY - _ROUND else "24h", day[-1][1] - day[0][1])


def _change(view: View, window: str, change: float) -> list[Span]:
    text = figures.change(change)
    return [view.muted(f"{window:4}"), view.ink(view.plainly(text), {"▼": "fall", "▲": "rise"}.get(text[0], "muted"))]


def _low_line(view: View) -> list[Span]:
    values = [value for _, value in view.day]
    # rounded down, as health is everywhere: a low must not stand above the figure that it is the low of
    low = fmt.health(round(min(values) * 10**12) * 10**6) if values else "–"
    return [view.muted("low "), view.ink(view.plainly(low)) if values else view.muted(low)]


def _pressure_lines(view: View, width: int) -> list[list[Span]]:
    row = view.row
    ink, rest = figures.bar(figures.pressure(row), max(min(width - 24, 14), 4))
    bar = [view.muted("pressure "), view.loud(ink), view.ink(rest, "faint")]
    left = f" {figures.sigmas(row)} left" if row.sigmas is not None else " σ not known yet"
    nearest = [view.muted("to 1.00  "), *nearest_spans(view)]
    if spans_width(nearest) <= width:
        return [[*bar, view.muted(left)], nearest]
    return [[*bar, view.muted(left)], nearest[:-2], [view.muted(" " * 9), *nearest[-2:]]]


def nearest_spans(view: View) -> list[Span]:
    """The boundary that ranks the row: "ETH −4.3% at 2,308.4"."""
    position, boundary = view.position, view.row.cushion
    if position is None:
        return [view.muted("–")]
    if position.partial:
        return [view.muted(view.state.asking)]
    if boundary is None:
        if is_infinite(position.health.shown) or not position.has_debt:
            return [view.muted("no debt")]
        return [view.muted("no price alone" if position.boundaries else "not known")]
    if boundary.passed:
        return [
            view.loud(f"passed: {clean(boundary.label, 16)}"),
            view.muted(" back to "),
            view.ink(fmt.boundary_price(boundary)),
        ]
    return [
        view.ink(f"{clean(boundary.label)} "),
        view.loud(fmt.boundary_distance(boundary)),
        view.muted("  at "),
        view.ink(fmt.boundary_price(boundary)),
    ]


def verdict_lines(view: View, width: int) -> list[list[Span]]:
    """Whether the figure is proven, and what makes it old; wrapped, never cut."""
    position, row = view.position, view.row
    lines: list[list[Span]] = []
    if position is not None:
        mark, text, severity = proof(view)
        for place, part in enumerate(wrap(text, max(width - 4, 10))):
            lines.append([(f"{mark if place == 0 else ' '} ", view.palette.style(severity)), view.ink(part)])
    if row.error or not row.trusted:
        read, oracle = figures.age(row.ages.fetch), figures.age(row.ages.oracle)
        ages = f"{row.freshness.value}, read {read} ago, oracle {oracle} at that block"
        text = "never read" if position is None else ages
        text += f": {clean(redact(row.error), 200)}" if row.error else ""
        for place, part in enumerate(wrap(text, max(width - 4, 10))):
            lines.append([view.loud(f"{'◌' if place == 0 else ' '} {part}", Severity.WARN)])
    return lines


def proof(view: View) -> tuple[str, str, str]:
    """(mark, sentence, colour) on whether our arithmetic equals the contract's answer."""
    position = view.position
    if position is None:
        return "?", "never read", "severity-unknown"
    health, block = position.health, position.block.number
    if health.shown is None:
        return "?", f"health unknown at block {block:,}" + _because(health.reason), "severity-unknown"
    if health.verified:
        return "✓", f"verified to the wei at block {block:,}", "severity-ok"
    if health.confirmed:
        return "✓", f"confirmed by the contract's own yes or no at block {block:,}; it gives no figure", "severity-ok"
    if health.reported is None:
        text = f"not verified: the contract gave no figure at block {block:,}"
    else:
        text = "not verified: the contract's figure is shown"
    return "≠", text + _because(health.reason), "severity-warn"


def _because(reason: str) -> str:
    return f" ({clean(reason, 120)})" if reason else ""


def boundary_box(view: View, width: int) -> Box:
    """Each factor alone: which way, at which price, how far. "none" is said in words."""
    position = view.position
    box = Box("what takes it to 1.00", right="alone")
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    if not position.boundaries:
        text = "no debt, so no price can" if not position.has_debt else "not known: a price or a rule is missing"
        box.lines += [[view.muted(part)] for part in wrap(text, width)]
    for boundary in sorted(position.boundaries, key=_nearness):
        box.lines += _boundary_lines(view, boundary, width)
    if position.has_debt:
        for text in (f"interest alone: {waiting(position)}", figures.volatility(view.row, view.snapshot.sigmas)):
            box.lines += [[view.muted(part)] for part in wrap(text, width)]
    return box


def waiting(position: Position) -> str:
    """When interest alone brings health to 1, at today's rates and prices."""
    eta = position.interest_eta
    if eta is None:
        return "never at today's rates" if interest_known(position) else "not known"
    return fmt.eta(eta) if eta <= 0 else f"in {fmt.eta(eta)}"


def _nearness(boundary: Boundary) -> tuple[int, float]:
    """Nearest first; single assets after whole factors; those that never come last."""
    group = 0 if boundary.kind is not FactorKind.ASSET else 1
    return (group, abs(boundary.move)) if boundary.move is not None else (group, 9e9)


def _boundary_lines(view: View, boundary: Boundary, width: int) -> list[list[Span]]:
    name = clean(boundary.label, 16)
    if boundary.kind is FactorKind.ASSET and not name.endswith("alone"):
        name += " only"
    if boundary.direction is Direction.NONE or boundary.price is None:
        text = f"none{': ' + clean(boundary.note, 160) if boundary.note else ', at any price'}"
        names = [name]
        return [
            [view.ink(fit(names.pop() if names else "", _NAME) + " "), view.muted(part)]
            for part in wrap(text, max(width - _NAME - 1, 10))
        ]
    arrow = "▼" if boundary.direction is Direction.FALLS else "▲"
    price = fmt.boundary_price(boundary)
    line: list[Span] = [
        view.ink(fit(name, _NAME)),
        view.ink(f" {view.plainly(arrow)} ", "fall" if arrow == "▼" else "rise"),
        view.ink(price.rjust(9)),
        (("passed" if boundary.passed else fmt.boundary_distance(boundary)).rjust(7), _move_style(view, boundary)),
    ]
    used = sum(cell_len(text) for text, _ in line)
    sigma = _sigma_of(view, boundary)
    if sigma and used + 5 <= width:
        line.append(view.muted(fit(sigma, 5, "right")))
    if not boundary.exact and used + 8 <= width:
        line.append(view.muted(" about"))
    return [line]


def _move_style(view: View, boundary: Boundary) -> Style:
    if boundary == view.row.cushion:
        return view.palette.severity(view.row.severity)
    return view.palette.style("ink")


def _sigma_of(view: View, boundary: Boundary) -> str:
    """Known for the boundary that ranks the row."""
    cushion = view.row.cushion
    same = cushion is not None and cushion.factor == boundary.factor
    return fmt.sigma(view.row.sigmas_left) if same and view.row.sigmas is not None else ""
