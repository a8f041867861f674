"""A snapshot in plain lines: for `check`, for a tape without a terminal, for pipes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from liqtui.cli.glyphs import ASCII_GLYPHS, GLYPHS, plain
from liqtui.core import format as fmt
from liqtui.core.states import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.snapshot import Alert, Row, Snapshot

COLUMNS = ("", "state", "wallet", "protocol", "health", "to liq", "cushion", "liquidates at", "what to do")


def table(
    rows: Sequence[Row], *, ascii_only: bool = False, target: int | None = None, width: int | None = None
) -> list[str]:
    """One line per position under a header; columns as wide as they need to be.

    Where a terminal of `width` cells has no room for that, what to do stands in a line of its own.
    """
    cells = [COLUMNS, *(_cells(row, ascii_only, target) for row in rows)]
    if ascii_only:
        cells = [tuple(plain(cell) for cell in line) for line in cells]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    whole = [_joined(line, widths) for line in cells]
    if width is None or max(map(len, whole)) <= width:
        return whole
    made: list[str] = []
    for place, line in enumerate(cells):
        made.append(_joined(line[:-1], widths[:-1]))
        made += [f"   {line[-1]}"] if place and line[-1] else []
    return made


def _joined(line: Sequence[str], widths: Sequence[int]) -> str:
    right = {4, 5, 6}
    return "  ".join(
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ).rstrip()


def _cells(row: Row, ascii_only: bool, target: int | None) -> tuple[str, ...]:
    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    position = row.position
    where = place(row)
    if position is None or position.health.shown is None:
        why = row.error or (position.health.reason if position else "") or "not read"
        return (glyphs[row.severity], row.severity.upper(), row.label, where, fmt.UNKNOWN, "", "", "", why)
    return (
        glyphs[row.severity],
        row.severity.upper(),
        row.label,
        where,
        health(row),
        distance(row),
        fmt.sigma(row.sigmas_left) if row.sigmas is not None else "",
        boundary(row),
        row.error or cure(row, target),
    )


def place(row: Row) -> str:
    """As "aave-v3 ethereum Lido"; with the beginning of the market's id where a protocol has many markets."""
    return " ".join(part for part in (row.protocol, row.chain, row.venue, row.key.market_id[:10]) if part)


def health(row: Row) -> str:
    """The figure, with ~ when it is old and ≠ when the contract did not confirm it."""
    if row.position is None:
        return fmt.UNKNOWN
    text = fmt.health(row.position.health.shown)
    return text + ("" if row.trusted else "~") + ("" if row.position.health.confirmed else "≠")


def distance(row: Row) -> str:
    """How far the nearest boundary is; "none" where no price alone liquidates, "–" where that is not known."""
    found = row.cushion
    if found is None:
        known = row.position is not None and (row.position.boundaries or not row.position.has_debt)
        return "none" if known else fmt.UNKNOWN
    return "now" if found.passed else "none" if found.nowhere else fmt.boundary_distance(found)


def boundary(row: Row) -> str:
    from liqtui.core.results import Direction

    found = row.cushion
    if found is None or found.direction is Direction.NONE or found.price is None or found.passed:
        return ""
    return f"{found.label} {fmt.boundary_price(found)}"


def cure(row: Row, target: int | None = None) -> str:
    """The least that helps, for the given target, else for the lowest that ends the warning; empty where it is ok."""
    now = row.position.health.shown if row.position else None
    if row.position is None or now is None or row.severity is Severity.OK:
        return ""
    fitting = [way for way in row.position.rescue if way.target > now]
    calm = [way for way in fitting if way.target > (row.thresholds.warn or 0)] or fitting[-1:]
    chosen = next((way for way in fitting if way.target == target), calm[0] if calm else None)
    if chosen is None:
        return ""
    ways = [f"repay {fmt.amount(raw, asset.decimals, up=True)} {asset.symbol}" for asset, raw in chosen.repay[:1]]
    ways += [f"add {fmt.amount(raw, asset.decimals, up=True)} {asset.symbol}" for asset, raw in chosen.add[:1]]
    return f"to {fmt.health(chosen.target, 2)}: {' or '.join(ways)}" if ways else ""


def verdict(snapshot: Snapshot, *, ascii_only: bool = False) -> str:
    """Counts by severity, and the worst position."""
    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    faded = snapshot.faded
    counts = {severity: snapshot.counts.get(severity, 0) - faded * (severity is Severity.OK) for severity in Severity}
    parts = [f"{glyphs[severity]} {count} {severity.upper()}" for severity, count in counts.items() if count > 0]
    parts += [f"{glyphs[Severity.BLIND]} {faded} OK~"] if faded else []
    worst = snapshot.worst
    if worst is not None and worst.position is not None:
        parts.append(f"worst {health(worst)} {worst.label} {place(worst)}")
    text = "   ".join(parts) or "no positions"
    return plain(text) if ascii_only else text


def alert(entry: Alert, *, ascii_only: bool = False) -> str:
    glyphs = ASCII_GLYPHS if ascii_only else GLYPHS
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"{at}  {glyphs[entry.severity]} {entry.title}  {entry.text}" + (f"  {entry.cure}" if entry.cure else "")
    return plain(text) if ascii_only else text


def fresh_alerts(snapshot: Snapshot, known: int) -> Iterable[Alert]:
    """Alerts newer than the id given, oldest first."""
    return (entry for entry in reversed(snapshot.alerts) if entry.id > known)
