"""Which columns of the list fit, how wide they are, and what a row says in each."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich.cells import cell_len

from liqtui.core import format as text
from liqtui.core.snapshot import Freshness, Severity
from liqtui.ui import figures
from liqtui.ui.apart import cut
from liqtui.ui.style import Span, fit, row_look

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.style import Style

    from liqtui.core.snapshot import Row
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Palette


class Column(NamedTuple):
    name: str
    heading: str
    width: int
    align: str
    rank: int
    """Who comes first when there is little room; 0 is always there."""
    gap: int = 1
    """Blank cells after it."""


COLUMNS = (
    Column("wallet", "wallet", 8, "left", 2),
    Column("protocol", "protocol", 12, "left", 4),
    Column("health", "HF", 6, "right", 0),
    Column("bar", "pressure", 8, "left", 7),
    Column("cushion", "cush", 4, "right", 5),
    Column("distance", "to liq", 6, "right", 3),
    Column("factor", "liquidates at", 6, "left", 8),
    Column("price", "", 8, "right", 8),
    Column("trend", "1h", 5, "left", 9),
    Column("spark", "24h", 7, "right", 10),
    Column("debt", "debt", 7, "right", 11),
    Column("age", "age", 4, "right", 6),
)
"""In the order of the screen."""

_NEEDS = (("protocol", 16), ("wallet", 14))
"""Who gets what its longest text needs before anybody grows, up to which width: cut short, two of them look alike."""
_GIVES = {"bar": 6, "spark": 5}
"""Who gives up cells for that, down to which width."""
_GROWTH = (
    ("factor", 8), ("wallet", 20), ("protocol", 22), ("bar", 14), ("debt", 11), ("spark", 24), ("factor", 12),
    ("wallet", 32), ("protocol", 30), ("bar", 24),
)  # fmt: skip
"""Who gets what is left over, up to which width, in turn; names no more than they need."""

LEAD = 3
"""Cursor, glyph and a blank."""


@lru_cache(64)
def layout(width: int, label: int = 0, market: int = 0) -> tuple[Column, ...]:
    """The columns for an inner width: by rank while they fit, then those that may grow get the rest.

    `label`, `market`: cells that the longest label needs, and the longest name of a market.
    """
    chosen, room = _chosen(width)
    needs = {"wallet": label, "protocol": market}
    widths = {name: column.width for name, column in chosen.items()}
    for name, most in _NEEDS:
        if name not in widths:
            continue
        wanted = min(needs[name], most) - widths[name]
        for giver, least in _GIVES.items():
            if giver in widths and wanted > room:
                given = min(wanted - room, max(0, widths[giver] - least))
                widths[giver] -= given
                room += given
        extra = max(0, min(room, wanted))
        widths[name] += extra
        room -= extra
    for name, most in _GROWTH:
        if name in widths:
            extra = max(0, min(room, min(most, needs.get(name, most)) - widths[name]))
            widths[name] += extra
            room -= extra
    return tuple(chosen[each.name]._replace(width=widths[each.name]) for each in COLUMNS if each.name in chosen)


def _chosen(width: int) -> tuple[dict[str, Column], int]:
    """Who finds room, by name, and the cells that are left."""
    room = width - LEAD
    chosen: list[Column] = []
    for rank in sorted({column.rank for column in COLUMNS}):
        group = [column for column in COLUMNS if column.rank == rank]
        need = sum(column.width + column.gap for column in group)
        if need > room + (0 if chosen else 1) and chosen:
            if rank == 9 and room >= 2:
                chosen.append(group[0]._replace(width=1, heading=""))
                room -= 2
            break
        chosen += group
        room -= need
    return {column.name: column for column in chosen}, room + 1


class Cells(NamedTuple):
    """All that a line of the list shows; equal cells look the same."""

    severity: Severity
    freshness: Freshness
    look: str
    ink: str
    rest: str
    texts: tuple[str, ...]
    falling: int
    """−1, 0, 1: direction of the trend."""


Short: TypeAlias = "Mapping[str, Mapping[str, str]]"
"""Column → name → how it is told from others in that column; a name that is not in it is cut."""


def cells(row: Row, columns: tuple[Column, ...], state: AppState, short: Short) -> Cells:
    ink = rest = ""
    texts: list[str] = []
    for column in columns:
        if column.name == "bar":
            ink, rest = figures.bar(figures.pressure(row), column.width)
            texts.append("")
        else:
            words = figures.plainly(_text(column, row, state), state)
            if column.name in short:
                words = short[column.name].get(words) or cut(words, column.width)
            texts.append(fit(words, column.width, column.align))
            if column.name == "price":
                texts[-2:] = shared(_factor(row), words, *map(cell_len, texts[-2:]))
    look = row_look(row)
    falling = {"▼": -1, "▲": 1}.get(figures.trend(row)[0], 0)
    return Cells(row.severity, row.freshness, look.glyph, ink, rest, tuple(texts), falling)


def _factor(row: Row) -> str:
    """What has to move. That all prices do is told in a word, which has room in every list."""
    if row.cushion is None:
        return ""
    from liqtui.core.results import FactorKind  # the first frame has no boundaries

    return "all" if row.cushion.kind is FactorKind.TOGETHER else row.cushion.label


def shared(label: str, price: str, left: int, right: int) -> tuple[str, str]:
    """The cells of a factor and of its price: each may stand in those that the other leaves blank.

    "wstETH/ETH" is not "wstETH", and of a price no digit is cut: one that has no room at all is left out.
    """
    size = cell_len(price)
    if size > left + right:
        return fit(label, left), fit("…", right, "right")
    room = min(left + right - size, max(left, cell_len(label)))
    return fit(label, room), fit(price, left + right - room, "right")


def _text(column: Column, row: Row, state: AppState) -> str:
    match column.name:
        case "wallet":
            return figures.wallet(row)
        case "protocol":
            return figures.protocol(row, state)
        case "health":
            return figures.row_health(row) + (figures.mark(row) or " ")
        case "cushion":
            return figures.sigmas(row)
        case "distance":
            words = figures.distance(row)
            return words if cell_len(words) <= column.width else f">{words[0]}999%"
        case "factor":
            return _factor(row)
        case "price":
            return figures.boundary_price(row.cushion)
        case "trend":
            return figures.trend(row)[: column.width]
        case "spark":
            return figures.spark(row, column.width)
        case "debt":
            position = row.position
            if position is None:
                return "–"
            words = text.money(position.debt_value, position.base_decimals, position.base_symbol)
            number = words.split(" ")[0]
            return words if cell_len(words) <= column.width or cell_len(number) < column.width else "…"
        case _:
            return figures.row_age(row)


def paint(made: Cells, columns: tuple[Column, ...], palette: Palette, *, selected: bool, marked: bool) -> list[Span]:
    """The spans of a line. A row that cannot be trusted is quiet as a whole, its glyph and age are not."""
    on = "cursor" if selected else ""
    alive = made.freshness in {Freshness.FRESH, Freshness.LATE}
    bad = made.severity.rank <= Severity.WARN.rank
    loud = palette.severity(made.severity, on=on)
    quiet = palette.style("severity-blind" if not alive and not bad else "muted", on=on)
    name = palette.style("ink" if alive else "muted", on=on, bold=selected and alive, reverse=selected and palette.flat)
    plain = palette.style("ink", on=on)
    styles: dict[str, Style] = {
        "wallet": name,
        "protocol": palette.style("ink" if alive else "muted", on=on),
        "health": loud if bad else name,
        "cushion": loud if bad and alive else name,
        "distance": loud if bad and alive else name,
        "factor": plain if alive else quiet,
        "price": plain if alive else quiet,
        "trend": palette.style({-1: "fall", 0: "faint", 1: "rise"}[made.falling], on=on),
        "spark": palette.style("muted", on=on),
        "debt": plain if alive else quiet,
        "age": palette.style("faint", on=on)
        if made.freshness is Freshness.FRESH
        else palette.style("severity-warn", on=on),
    }
    pad = palette.style(on=on)
    cursor = "›" if selected else "+" if marked else " "
    spans: list[Span] = [(cursor, palette.style("key", bold=True, on=on)), (made.look, loud), (" ", pad)]
    for column, words in zip(columns, made.texts, strict=True):
        if column.name == "bar":
            spans += [(made.ink, loud if alive else quiet), (made.rest, palette.style("faint", on=on))]
        else:
            spans.append((words, styles[column.name]))
        spans.append((" " * column.gap, pad))
    return spans


_SHORT_HEADS = {"pressure": "press"}
"""Headings where a column is narrow."""
_ORDERED = {"to liq": "distance"}


def heading(columns: tuple[Column, ...], ordered_by: str) -> list[tuple[str, bool]]:
    """(text, whether the list is ordered by it) for the line above the rows."""
    name = _ORDERED.get(ordered_by, ordered_by)
    made: list[tuple[str, bool]] = []
    for column in columns:
        if column.name == "price":
            continue
        width = column.width
        if column.name == "factor":
            width += column.gap + next(other.width for other in columns if other.name == "price")
        head = f"{column.heading} " if column.name == "health" else column.heading
        head = _SHORT_HEADS.get(head, head) if cell_len(head) > width else head
        made.append((fit(head, width, column.align) + " " * column.gap, column.name == name))
    return made
