"""Ways out, what a move would do, and what a liquidation would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.factors import movers
from liqtui.core.model import Change, Side, is_infinite
from liqtui.core.rescue import rescue
from liqtui.core.results import Direction, FactorKind
from liqtui.core.text import clean
from liqtui.core.units import WAD, mul_div_down
from liqtui.ui import figures
from liqtui.ui.detail_health import waiting
from liqtui.ui.detail_view import View, pairs
from liqtui.ui.ladder import severity_of
from liqtui.ui.sheet import Box, wrap
from liqtui.ui.style import LOOKS, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.factors import Mover
    from liqtui.core.model import Asset, Position
    from liqtui.core.results import Boundary, Rescue
    from liqtui.ui.style import Span

_SPANS = (10, 15, 20, 30, 40, 50, 60, 80)
"""Percent that the ladder reaches; the least that holds the boundary."""


def rescue_for(position: Position, targets: Sequence[int]) -> tuple[Rescue, ...]:
    """Ways to each target: those of the engine where it has them, else computed from the frozen book."""
    known = {way.target: way for way in position.rescue}
    missing = [target for target in targets if target not in known]
    if missing and position.book is not None:
        known |= {found.target: found for found in rescue(position.book, missing)}
    return tuple(known[target] for target in targets if target in known)


def ways_box(view: View, width: int) -> Box:
    position = view.position
    box = Box("ways out", right=_doubt(view) or ("t targets · y copies" if width > 50 else ""))
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    if is_infinite(position.health.shown) or not position.has_debt:
        box.lines.append([view.muted("nothing to repay")])
        return box
    targets = view.state.settings.targets
    shown = position.health.shown
    widths = _way_widths(width)
    words = _WAYS if widths[0] >= cell_len(_WAYS[0]) else ("to HF", *_WAYS[1:])
    heads = [fit(text, size, "right") for text, size in zip(words, widths, strict=False)]
    box.lines.append([view.muted("  ".join(heads))])
    ways = {way.target: way for way in view.ways}
    for target in targets:
        box.lines += _way_lines(view, target, ways.get(target), shown, widths)
    box.lines.append([])
    box.lines += [[view.muted(part)] for text in _SMALL_PRINT for part in wrap(text, width)]
    return box


_SMALL_PRINT = (
    "Each alone is enough, rounded up; selling at the oracle price.",
    "Read only: liqtui never signs; copy the numbers to your own tool.",
)
_WAYS = ("reach HF", "repay debt", "add", "sell to repay")


def _way_widths(width: int) -> list[int]:
    if width < 46:
        room = max((width - 6 - 4) // 2, 8)
        return [6, room, room]
    room = (width - 8 - 6) // 3
    return [8, room, room, room]


def _way_lines(view: View, target: int, way: Rescue | None, shown: int | None, widths: list[int]) -> list[list[Span]]:
    chosen = target == view.state.settings.target
    head = view.ink(fit(fmt.health(target, 2), widths[0], "right"), "strong" if chosen else "ink", bold=chosen)
    if shown is not None and shown >= target:
        return [[head, view.muted("  reached already")]]
    if way is None:
        return [[head, view.muted("  not known: needs every price and the live book")]]
    kinds = (way.repay, way.add, way.sell)[: len(widths) - 1]
    lines: list[list[Span]] = []
    for place in range(max(1, *(len(kind) for kind in kinds))):
        spans = [head if place == 0 else view.ink(" " * widths[0])]
        for kind, size in zip(kinds, widths[1:], strict=False):
            text = _amount(kind[place], size) if place < len(kind) else ("–" if place == 0 else "")
            spans.append(view.ink("  " + fit(text, size, "right"), "strong" if chosen else "ink"))
        lines.append(spans)
    return lines


def _amount(pair: tuple[Asset, int], width: int) -> str:
    """What has to be moved, rounded up as coarsely as the width asks; the number itself is never cut."""
    asset, raw = pair
    whole = -(-raw // 10**asset.decimals)
    for text in (fmt.amount(raw, asset.decimals, up=True), f"{whole:,}"):
        if len(text) + 1 + cell_len(asset.symbol) <= width:
            return f"{text} {asset.symbol}"
    room = width - len(f"{whole:,}") - 1
    return f"{whole:,} {fit(asset.symbol, room)}" if room > 1 else f"{whole:,}" if room >= -1 else "see raw"


def ladder_mover(position: Position, boundary: Boundary | None) -> Mover | None:
    """The knob that the ladder turns: of the ranking boundary, else the first factor of the collateral."""
    if position.book is None:
        return None
    found = [mover for mover in movers(position.book, position.feeds, position.base_symbol) if mover.now]
    if boundary is not None:
        for mover in found:
            if mover.factor == boundary.factor:
                return mover
        # A boundary may name its factor otherwise than the book's quotes do; the label is the same.
        for mover in found:
            if mover.label == boundary.label:
                return mover
    return next((mover for mover in found if mover.kind is FactorKind.FACTOR), None)


def steps(boundary: Boundary | None) -> list[float]:
    """Moves from good to bad, in percent, wide enough to hold the boundary."""
    move = abs(boundary.move) * 100 if boundary is not None and boundary.move is not None else 0
    span = next((size for size in _SPANS if size >= move * 1.4), _SPANS[-1])
    shape = [1, 0.5, 0, -0.3, -0.5, -1]
    rises = boundary is not None and boundary.direction is Direction.RISES
    return [(-share if rises else share) * span for share in shape]


def ladder_box(view: View, width: int) -> Box:
    """Health by the protocol's own arithmetic at other prices; amounts stay."""
    position = view.position
    boundary = view.row.cushion
    mover = ladder_mover(position, boundary) if position else None
    box = Box(f"if {clean(mover.label, 16)} moves" if mover else "if prices move")
    if position is None or mover is None or not mover.now or position.book is None:
        text = "never read" if position is None else "not known here: the prices or the live book are missing"
        if position is not None and not position.has_debt:
            text = "no debt, nothing to liquidate"
        box.lines += [[view.muted(part)] for part in wrap(text, width)]
        return box
    for step in steps(boundary):
        value = mul_div_down(mover.now, 10_000 + round(step * 100), 10_000)
        change = Change(prices=mover.prices(value))
        health = position.book.health(change)
        box.lines.append(_step_line(view, step, health, taken=position.book.liquidatable(change), width=width))
    box.right = _doubt(view)
    return box


def _doubt(view: View) -> str:
    """What is to be said of every figure that is computed from this position; empty when nothing is."""
    if view.old:
        return "from old figures"
    return "" if view.position is None or view.position.health.confirmed else "unverified"


def _step_line(view: View, step: float, health: int | None, *, taken: bool | None, width: int) -> list[Span]:
    severity = severity_of(health, view.thresholds)
    sign = "+" if step > 0 else "−" if step < 0 else " "
    line: list[Span] = [
        view.ink(fit(f"{sign}{abs(step):g}%", 7, "right") + "  ", "strong" if step == 0 else "ink"),
        (
            fit(view.plainly(fmt.health(health)), 6, "right") + f" {LOOKS[severity].glyph} ",
            view.palette.severity(severity),
        ),
    ]
    room = min(width - 18, 24)
    if taken:
        line.append((" can be liquidated" if room >= 18 else "", view.palette.severity(severity)))
    elif health is not None and room > 4:
        fill = 0.0 if is_infinite(health) else max(0.0, min(1.0, (2 * WAD - health) / WAD))
        ink, rest = figures.bar(fill, room)
        line += [(ink, view.palette.severity(severity)), view.ink(rest, "faint")]
    return line


def scope_box(view: View, width: int) -> Box:
    """What one liquidation may take, what it costs, and where it only makes things worse."""
    position = view.position
    box = Box("if it is liquidated", right=_doubt(view))
    if position is None or position.scope is None:
        text = "not known" if position is None or position.has_debt else "no debt, nothing to liquidate"
        box.lines.append([view.muted(text)])
        return box
    scope = position.scope
    if scope.blocked:
        box.lines += pairs(view, "cannot happen now", clean(scope.blocked, 160), width, "severity-warn")
    repaid = f"{fmt.amount(scope.max_debt, scope.debt.decimals)} {scope.debt.symbol}"
    seized = f"{fmt.amount(scope.seized, scope.collateral.decimals)} {scope.collateral.symbol}"
    box.lines += pairs(view, "one call repays", f"{repaid} ({fmt.bps(scope.close_factor)} of it)", width)
    box.lines += pairs(view, "because", clean(scope.reason, 160), width)
    box.lines += pairs(view, "it takes", f"{seized}, bonus {fmt.bps(scope.bonus - 10_000)}", width)
    box.lines += pairs(view, "you lose", f"≈ {view.money(scope.loss)}", width, "severity-critical")
    if scope.health_after is not None:
        box.lines += pairs(view, "HF after it", view.plainly(fmt.health(scope.health_after)), width)
    if scope.toxic_below is not None:
        text = f"under HF {fmt.health(scope.toxic_below, 4)} each liquidation lowers health"
        box.lines += pairs(view, "toxic", text, width)
    return box


def engine_box(view: View, width: int) -> Box:
    """How a liquidation goes in this market: whoever may do it, how much, what for, and who bears the rest."""
    position = view.position
    box = Box("how a liquidation goes")
    if position is None or not position.engine:
        box.lines.append([view.muted("never read" if position is None else "not known")])
        return box
    for label, text in position.engine:
        box.lines += pairs(view, label, clean(text, 240), width, first=13)
    return box


def safety_box(view: View, width: int) -> Box:
    """Flags, the cost of waiting, and whether the way out is open."""
    position = view.position
    box = Box("what else to know")
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    for flag in position.flags:
        box.lines += pairs(view, clean(flag.code, 16), clean(flag.text, 200), width, "severity-warn")
    if not position.flags:
        box.lines += pairs(view, "flags", "none", width)
    if position.has_debt:
        box.lines += pairs(view, "left alone", f"reaches 1.00 {waiting(position)}", width)
    for leg in position.legs:
        if leg.pool_cash is not None:
            collateral = leg.side is Side.COLLATERAL
            text = f"{fmt.amount(leg.pool_cash, leg.asset.decimals)} {leg.asset.symbol} in the pool"
            text += "" if leg.utilization is None else f", {fmt.bps(leg.utilization)} lent out"
            short = collateral and leg.pool_cash < leg.amount
            what = "can withdraw" if collateral else "left to borrow"
            box.lines += pairs(view, what, text, width, "severity-warn" if short else "ink")
        if leg.cap_room is not None:
            what = "may supply" if leg.side is Side.COLLATERAL else "may borrow"
            text = f"{fmt.amount(leg.cap_room, leg.asset.decimals)} {leg.asset.symbol} under the cap"
            box.lines += pairs(view, what, text, width)
    for label, value in position.facts:
        box.lines += pairs(view, clean(label, 16), clean(value, 160), width)
    return box
