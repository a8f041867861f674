"""What a position is made of: its legs, the arithmetic over them, and how each price is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.linear import line as sums
from liqtui.core.model import Side, is_infinite
from liqtui.core.text import clean, short_address
from liqtui.core.units import BPS, WAD
from liqtui.ui.detail_view import View, exact
from liqtui.ui.sheet import Box, wrap
from liqtui.ui.style import fit

if TYPE_CHECKING:
    from liqtui.core.model import Feed, Leg, Position, Quote
    from liqtui.ui.style import Span


class Column(NamedTuple):
    heading: str
    width: int
    align: str
    rank: int
    """Who stays when there is little room; 0 always does."""


COLUMNS = (
    Column("side", 4, "left", 0),
    Column("asset", 8, "left", 0),
    Column("amount", 14, "right", 0),
    Column("price", 11, "right", 2),
    Column("value", 12, "right", 1),
    Column("LT", 6, "right", 3),
    Column("counts as", 12, "right", 4),
    Column("share", 6, "right", 6),
    Column("yearly", 7, "right", 7),
    Column("oracle", 16, "left", 8),
    Column("age", 4, "right", 5),
)


def columns(width: int) -> list[Column]:
    """By rank while they fit; in the order of the table."""
    chosen: list[Column] = []
    room = width
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        if column.width + 1 > room + 1 and chosen:
            break
        chosen.append(column)
        room -= column.width + 1
    return [column for column in COLUMNS if column in chosen]


def parts_box(view: View, width: int) -> Box:
    position = view.position
    box = Box("what it is made of", right=_summary(position) if position and width > 60 else "")
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    table = columns(width)
    box.lines.append([view.muted(" ".join(fit(column.heading, column.width, column.align) for column in table))])
    for leg in sorted(position.legs, key=lambda leg: (leg.side is Side.DEBT, -(leg.value or 0))):
        cells = _cells(view, position, leg)
        box.lines.append(
            [
                view.ink(
                    fit(cells[column.heading], column.width, column.align) + " ",
                    "ink" if leg.counts or leg.side is Side.DEBT else "muted",
                )
                for column in table
            ]
        )
        if leg.notes:
            text = " · ".join(clean(note, 80) for note in leg.notes)
            box.lines += [[view.ink(f"     └ {part}", "severity-warn")] for part in wrap(text, width - 7)]
    box.lines.append([view.ink("╌" * width, "faint")])
    box.lines += arithmetic(view, position, width)
    if all(column.heading != "yearly" for column in table):
        box.lines += [[view.muted(part)] for part in wrap(_rates(position), width)]
    return box


_WITH_CATEGORIES = {"aave-v3"}
"""Protocols in which a position without a category could have one."""
_WITHOUT_MODES = {"morpho-blue"}
"""Protocols whose categories are no efficiency modes."""


def _summary(position: Position) -> str:
    parts: list[str] = []
    if position.category or position.key.protocol in _WITH_CATEGORIES:
        mode = "" if position.key.protocol in _WITHOUT_MODES else "e-mode "
        parts.append(f"{mode}{clean(position.category, 30)}" if position.category else "e-mode off")
    if position.ltv is not None:
        parts.append(f"LTV {fmt.bps(position.ltv)} of {fmt.bps(position.max_ltv)}")
    if position.threshold is not None:
        parts.append(f"LT {fmt.bps(position.threshold)}")
    return " · ".join(parts)


def _cells(view: View, position: Position, leg: Leg) -> dict[str, str]:
    debt = leg.side is Side.DEBT
    quote = next((quote for quote in position.quotes if quote.asset == leg.asset.address), None)
    feed = feed_of(position, leg, quote)
    counted = counts_as(leg)
    total = position.debt_value if debt else _weight(position)
    share = "–" if counted is None or not total else f"{counted * 100 / total:.1f}%"
    return {
        "side": "debt" if debt else "coll",
        "asset": leg.asset.symbol,
        "amount": fmt.amount(leg.amount, leg.asset.decimals),
        "price": fmt.price(leg.price, position.base_decimals),
        "value": view.money(leg.value),
        "LT": "" if debt else fmt.bps(leg.threshold),
        "counts as": view.money(counted) if leg.counts or debt else "nothing",
        "share": share if leg.counts or debt else "",
        "yearly": _yearly(leg.rate),
        "oracle": _oracle_name(quote, feed),
        "age": fmt.age(view.now - feed.updated_at) if feed and feed.updated_at is not None else "–",
    }


def _yearly(rate: int | None) -> str:
    return "unknown" if rate is None else fmt.rate(rate) if rate else "–"


def counts_as(leg: Leg) -> int | None:
    """Base units that the leg puts on its side of the health factor."""
    if leg.value is None:
        return None
    if leg.side is Side.DEBT:
        return leg.value
    return leg.value * leg.threshold // BPS if leg.counts else 0


def _weight(position: Position) -> int | None:
    parts = [counts_as(leg) for leg in position.legs if leg.side is Side.COLLATERAL]
    return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)


def feed_of(position: Position, leg: Leg, quote: Quote | None) -> Feed | None:
    """The feed behind a leg's price: by the quote's address, else by the factor of that name."""
    if quote is not None and quote.feed:
        found = next((feed for feed in position.feeds if feed.address == quote.feed.lower()), None)
        if found is not None:
            return found
    factor = quote.factor if quote is not None else leg.asset.symbol
    return next((feed for feed in position.feeds if feed.factor == factor), None)


def _oracle_name(quote: Quote | None, feed: Feed | None) -> str:
    if feed is not None:
        return clean(feed.label, 24)
    if quote is not None and quote.source:
        return short_address(quote.source)
    return "not read"


def arithmetic(view: View, position: Position, width: int) -> list[list[Span]]:
    """The division itself, with the badge; and what it leaves over."""
    lines: list[list[Span]] = []
    shown = position.health.shown
    weight, debt = _weight(position), position.debt_value
    health = position.health
    mark = ("≠ not verified", "severity-warn")
    if health.confirmed:
        mark = ("✓ verified" if health.verified else "✓ confirmed", "severity-ok")
    if is_infinite(shown) or not position.has_debt:
        lines.append([view.ink("no debt: health is infinite", "strong"), view.ink(f"   {mark[0]}", mark[1])])
    elif weight is None or not debt or shown is None:
        lines.append([view.ink("no arithmetic: a price or an amount is missing", "severity-warn")])
    else:
        lines.append(
            [
                view.ink(
                    f"HF = {view.money(weight)} ÷ {view.money(debt)} = {fmt.health(shown, 4)}{view.old}",
                    "strong",
                    bold=True,
                ),
                view.ink(f"   {mark[0]}", mark[1]),
            ]
        )
        if differs(position, shown):
            text = "the protocol rounds or weighs in its own way: the figure is its own, not this quotient"
            lines += [[view.muted(part)] for part in wrap(text, width)]
    lines += [[view.muted(part)] for part in wrap(_leftover(view, position), width)]
    return lines


def differs(position: Position, shown: int) -> bool:
    """Whether the shown health is not the plain quotient to a part in a thousand."""
    line = sums(position.legs)
    return line is None or not line.debt or abs(line.weight * WAD // line.debt - shown) * 1000 > shown


def _leftover(view: View, position: Position) -> str:
    parts: list[str] = []
    if position.collateral_value is not None and position.debt_value is not None:
        parts.append(f"net worth {view.money(position.collateral_value - position.debt_value)}")
    if position.carry_per_year is not None:
        parts.append(f"carry {view.money(_per_day(position.carry_per_year))} a day")
    return " · ".join(parts)


def _rates(position: Position) -> str:
    """What each leg earns or costs, where there is no room for a column of it."""
    told = (
        f"{leg.asset.symbol} {'costs' if leg.side is Side.DEBT else 'earns'} {_yearly(leg.rate)}"
        for leg in position.legs
        if leg.rate != 0
    )
    return f"a year: {' · '.join(told) or 'nothing is earned or paid'}"


def _per_day(yearly: int) -> int:
    """Truncated toward zero."""
    return -(-yearly // 365) if yearly < 0 else yearly // 365


def oracle_box(view: View, width: int) -> Box:
    """feed × ratio, not above a cap: whether these parts give the price that the market uses."""
    position = view.position
    box = Box("how the prices are made", right="feed × ratio, under its cap" if width > 60 else "")
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    seen: set[str] = set()
    for leg in position.legs:
        if leg.asset.address in seen:
            continue
        seen.add(leg.asset.address)
        quote = next((quote for quote in position.quotes if quote.asset == leg.asset.address), None)
        box.lines += _oracle_lines(view, position, leg, quote, width)
    return box


def _oracle_lines(view: View, position: Position, leg: Leg, quote: Quote | None, width: int) -> list[list[Span]]:
    name = view.ink(fit(leg.asset.symbol, 9) + " ")
    price = view.ink(exact(leg.price, position.base_decimals), "strong")
    if quote is None:
        return [[name, price, view.muted("  source not read")]]
    feed = feed_of(position, leg, quote)
    texts: list[str] = []
    if quote.answer is not None:
        label = clean(feed.label, 24) if feed else short_address(quote.feed) if quote.feed else "feed"
        texts.append(f"= {label} {exact(quote.answer, quote.answer_decimals)}")
    if quote.ratio is not None:
        ratio = exact(quote.ratio, quote.ratio_decimals, 12)
        texts.append(f"× {clean(quote.ratio_label, 24) or 'ratio'} {ratio}")
    if quote.cap is not None:
        texts.append(f"capped at {exact(quote.cap, quote.decimals)}")
    texts += [clean(note, 80) for note in quote.notes]
    if feed is not None:
        texts.append(_feed_age(view, feed))
    proven = (
        view.ink("✓ proven", "severity-ok") if quote.proven else view.ink("≠ the parts do not give it", "severity-warn")
    )
    parts = wrap(" · ".join(texts).replace("= ", "", 1), width - 12) if texts else ["the parts are not known"]
    lines: list[list[Span]] = [[name, price, view.muted("  "), proven]]
    lines += [[view.muted(f"{'':10}{part}")] for part in parts]
    return lines


def _feed_age(view: View, feed: Feed) -> str:
    if feed.updated_at is None:
        return "age not told"
    age = int(view.now - feed.updated_at)
    if feed.heartbeat is None:
        return f"updated {fmt.age(age)} ago"
    usual = f"{fmt.age(feed.heartbeat)}{' assumed' if feed.assumed_heartbeat else ''}"
    late = ", LATE" if age > feed.heartbeat or age < 0 else ""
    return f"updated {fmt.age(age)} ago of {usual}{late}"
