"""Where the figures come from, this position's alerts, and every exact integer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.core.redact import redact
from liqtui.core.results import FactorKind
from liqtui.core.text import clean
from liqtui.core.units import HEALTH_INFINITE
from liqtui.ui.detail_view import View, clock_time, pairs
from liqtui.ui.sheet import Box, wrap
from liqtui.ui.style import LOOKS, fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liqtui.core.model import Leg, Position
    from liqtui.core.results import Boundary


def asking_box(view: View, width: int) -> Box:
    """In place of all that is with the daemon and on its way."""
    words = f"{view.state.asking}: what it is made of, what takes it to 1.00, ways out, prices, rules"
    return Box("everything else", [[view.muted(part)] for part in wrap(words, width)])


def provenance_box(view: View, width: int) -> Box:
    row, position, chain = view.row, view.position, view.chain
    box = Box("where this comes from")
    if position is None:
        box.lines += pairs(view, "read", "never", width)
    else:
        moment = datetime.fromtimestamp(position.block.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        box.lines += pairs(view, "block", f"{position.block.number:,} of {moment}", width)
        box.lines += pairs(view, "hash", position.block.hash, width)
        box.lines += pairs(view, "contracts", clean(position.revision, 80) or "they tell no revision", width)
        box.lines += pairs(view, "health", view.plainly(_both(position)), width)
    ages = (("chain", row.ages.head), ("oracle at that block", row.ages.oracle), ("read", row.ages.fetch))
    text = " · ".join(f"{name} {fmt.age(age)}" for name, age in ages)
    box.lines += pairs(view, "ages", f"{text} · {row.freshness.value}", width)
    if chain is not None:
        source = clean(redact(chain.source), 120) or "no endpoint answered"
        works = f"{chain.endpoints_ok} of {chain.endpoints_all} work"
        public = ", public endpoints" if chain.public_endpoints else ""
        box.lines += pairs(view, "source", f"{source} ({works}{public})", width)
        if chain.error:
            box.lines += pairs(view, "trouble", clean(redact(chain.error), 200), width, "severity-warn")
    for label, link in (("explorer (o)", view.explorer), ("app (O)", row.app)):
        if link:
            box.lines += pairs(view, label, link, width)
    if row.error and (chain is None or row.error != chain.error):
        box.lines += pairs(view, "not read", clean(redact(row.error), 200), width, "severity-warn")
    return box


def _both(position: Position) -> str:
    health = position.health
    ours = "unknown" if health.raw is None else fmt.health(health.raw, 18)
    theirs = "no answer" if health.reported is None else fmt.health(health.reported, 18)
    return f"ours {ours} · contract {theirs}"


def alerts_box(view: View, width: int, most: int = 0) -> Box:
    """Newest first; `most` 0 means all."""
    thresholds = view.thresholds
    rules = [
        f"<{fmt.health(raw, 2)} {word}"
        for raw, word in ((thresholds.warn, "warn"), (thresholds.critical, "crit"))
        if raw is not None
    ]
    rules += [
        f"nearer than {raw * 100 / 10**18:g}% {word}"
        for raw, word in ((thresholds.warn_cushion, "warn"), (thresholds.critical_cushion, "crit"))
        if raw is not None
    ]
    box = Box("this position's alerts", right=("rules: " + " · ".join(rules)) if width > 60 else "")
    found = view.alerts
    if not found:
        box.lines.append([view.muted("none yet")])
    for alert in found[:most] if most else found:
        look = LOOKS[alert.severity]
        state = "●new" if alert.waits else "ack" if alert.acked_at is not None else "–"
        own = dict(alert.facts).get(view.row.id, alert.text)  # of an alert about several
        head = f"{clock_time(alert.at, view.now)} "
        room = width - len(head) - 2 - 6
        parts = wrap(clean(redact(own), 300), max(room, 10))
        for place, part in enumerate(parts):
            first = place == 0
            box.lines.append(
                [
                    view.muted(head if first else " " * len(head)),
                    view.loud(f"{look.glyph} " if first else "  ", alert.severity),
                    view.ink(fit(part, room)),
                    view.ink(fit(state if first else "", 6, "right"), "strong" if alert.waits else "muted"),
                ]
            )
        if alert.cure and not most and own == alert.text:
            box.lines += [[view.muted(f"{'':{len(head) + 2}}{part}")] for part in wrap(clean(alert.cure, 300), room)]
    if most and len(found) > most:
        box.bottom = f"{len(found) - most} older"
    return box


def raw_box(view: View, width: int) -> Box:
    """Every figure as the exact integer that was read or computed."""
    box = Box("raw values", right="exact integers" if width > 40 else "")
    position = view.position
    if position is None:
        box.lines.append([view.muted("never read")])
        return box
    first = 24 if width >= 60 else 14
    for label, value in raw_values(view.row.id, position):
        if not label:
            box.lines.append([view.ink(value, "title", bold=True)])
        else:
            box.lines += pairs(view, label, value, width, first=first)
    return box


def raw_values(identity: str, position: Position) -> Iterator[tuple[str, str]]:
    """(label, value); an empty label begins a group."""
    yield "", "position"
    yield "id", identity
    yield "block", f"{position.block.number} {position.block.hash}"
    yield "timestamp", str(position.block.timestamp)
    yield "health raw (1e18)", _integer(position.health.raw)
    yield "health reported (1e18)", _integer(position.health.reported)
    yield "base", f"{clean(position.base_symbol)}, {position.base_decimals} decimals"
    yield "collateral value", _integer(position.collateral_value)
    yield "debt value", _integer(position.debt_value)
    yield "ltv · max · LT (bps)", _list(position.ltv, position.max_ltv, position.threshold)
    yield "carry per year", _integer(position.carry_per_year)
    yield "interest eta (s)", _integer(position.interest_eta)
    for leg in position.legs:
        yield from _raw_leg(leg)
    for boundary in position.boundaries:
        yield from _raw_boundary(boundary)
    for quote in position.quotes:
        yield "", f"price of {quote.asset}"
        yield "source", quote.source
        yield "price · decimals", f"{_integer(quote.price)} · {quote.decimals}"
        yield "feed", quote.feed or "–"
        yield "answer · decimals", f"{_integer(quote.answer)} · {quote.answer_decimals}"
        yield "ratio · decimals", f"{_integer(quote.ratio)} · {quote.ratio_decimals}"
        yield "cap", _integer(quote.cap)
    for feed in position.feeds:
        yield "", f"feed {clean(feed.label, 40)}"
        yield "address", feed.address
        yield "answer · decimals", f"{_integer(feed.answer)} · {feed.decimals}"
        yield "updated at · heartbeat", f"{_integer(feed.updated_at)} · {_integer(feed.heartbeat)}"
    if position.scope is not None:
        scope = position.scope
        yield "", "liquidation"
        yield "max debt", f"{scope.max_debt} {scope.debt.symbol}"
        yield "seized", f"{scope.seized} {scope.collateral.symbol}"
        yield "loss", _integer(scope.loss)
        yield "close factor · bonus", f"{scope.close_factor} · {scope.bonus}"
        yield "health after (1e18)", _integer(scope.health_after)
        yield "toxic below (1e18)", _integer(scope.toxic_below)


def _raw_leg(leg: Leg) -> Iterator[tuple[str, str]]:
    yield "", f"{leg.side.value} {leg.asset.symbol}"
    yield "asset", f"{leg.asset.address}, {leg.asset.decimals} decimals"
    yield "amount", str(leg.amount)
    yield "price · value", f"{_integer(leg.price)} · {_integer(leg.value)}"
    yield "LT · bonus (bps)", f"{leg.threshold} · {leg.bonus}"
    yield "rate (ray)", _integer(leg.rate)
    yield "pool cash · cap room", f"{_integer(leg.pool_cash)} · {_integer(leg.cap_room)}"
    yield "utilization (bps)", _integer(leg.utilization)


def _raw_boundary(boundary: Boundary) -> Iterator[tuple[str, str]]:
    yield "", f"boundary {clean(boundary.factor, 64)}"
    decimals = 18 if boundary.kind is FactorKind.TOGETHER else boundary.decimals
    yield "direction", f"{boundary.direction.value}{', passed' if boundary.passed else ''}"
    yield "price · now · decimals", f"{_integer(boundary.price)} · {_integer(boundary.price_now)} · {decimals}"
    if boundary.note:
        yield "note", clean(boundary.note, 200)


def _list(*values: int | None) -> str:
    return " · ".join(_integer(value) for value in values)


def _integer(value: int | None) -> str:
    if value is None:
        return "unknown"
    return f"{value} (no debt)" if value == HEALTH_INFINITE else str(value)


def copy_text(view: View) -> str:
    """What `y` copies: the figures as plain lines, with block and source, ready to paste to a colleague."""
    row, position = view.row, view.position
    lines = [f"{clean(row.label) or view.address}  {row.protocol} {row.key.market} on {row.chain}", view.address]
    if position is None:
        return "\n".join([*lines, "never read"])
    lines.append(
        f"HF {fmt.health(position.health.shown, 6)}{view.old}  {row.severity.value}  block {position.block.number}"
    )
    lines.append(f"collateral {view.money(position.collateral_value)}  debt {view.money(position.debt_value)}")
    if position.partial:
        return "\n".join([*lines, f"the rest: {view.state.asking}"])
    lines += [
        f"liquidated when {clean(boundary.label)} {boundary.direction.value} to "
        f"{fmt.boundary_price(boundary)} ({fmt.boundary_distance(boundary)})"
        for boundary in position.boundaries
        if boundary.move is not None
    ]
    shown = position.health.shown
    for way in view.ways:
        if shown is not None and shown >= way.target:
            continue
        ways = [
            f"{verb} {fmt.amount(raw, asset.decimals, up=True)} {asset.symbol}"
            for verb, kind in (("repay", way.repay), ("add", way.add))
            for asset, raw in kind
        ]
        lines.append(f"back to {fmt.health(way.target, 2)}: {' or '.join(ways) or 'no single way'}")
    return "\n".join(lines)
