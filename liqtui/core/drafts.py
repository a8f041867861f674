"""An alert before it has a number: what a rule says about one position, with its figures as pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.core import messages
from liqtui.core.results import Direction
from liqtui.core.snapshot import Alert, Level, Severity
from liqtui.core.states import level_of
from liqtui.core.text import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.snapshot import Row

OFF = "off"
"""Why an alert is held whose kind the person switched off: it is only logged."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Fields as in `snapshot.Alert`, and what is needed to bring several together."""

    at: float
    severity: Severity
    kind: str
    title: str
    text: str
    position: str = ""
    cure: str = ""
    block: int | None = None
    level: Level | None = None
    """None: what the severity stands for."""
    positions: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    cause: str = ""
    """Drafts of one kind, severity and cause in one look become one alert; empty: this one stands alone."""
    held: str = ""
    headline: str = ""
    """The cause in words, where it hits many: "ETH / USD 2,308.4 (−0.2%)"."""
    brief: str = ""
    """This position's part of a text about many: "HF 1.063 → 1.042"."""
    order: float = float("inf")
    """Among many the least stands first: the health."""
    about: frozenset[str] = frozenset()
    """Names that a mute or a maintenance window may use for it, lower case."""

    @property
    def loud(self) -> Level:
        return self.level or level_of(self.severity)

    def numbered(self, number: int) -> Alert:
        return Alert(
            number,
            self.at,
            self.severity,
            self.kind,
            self.title,
            self.text,
            self.position,
            self.cure,
            block=self.block,
            level=self.loud,
            positions=self.positions or ((self.position,) if self.position else ()),
            facts=self.facts,
            cause=self.cause,
            held=self.held,
        )


def draft(
    row: Row,
    now: float,
    how: Severity,
    kind: str,
    text: str,
    *,
    before: int | None = None,
    cure: bool = False,
    level: Level | None = None,
    cause: str = "",
    headline: str = "",
    brief: str = "",
    more: Iterable[tuple[str, str]] = (),
) -> Draft:
    """About one row. `before`: its last health; `more`: what this rule alone knows."""
    position = row.position
    remedy = messages.remedy(position, row.thresholds) if cure and position is not None else None
    shown = position.health.shown if position is not None else None
    facts = [*_identity(row), ("health", fmt.health(shown))]
    if before is not None:
        facts.append(("health_before", fmt.health(before)))
    if position is not None and position.has_debt:
        facts += _danger(row)
    if remedy is not None:
        facts += [("target", remedy.target), ("repay", remedy.repay), ("add", remedy.add)]
    if headline:
        facts.append(("cause", headline))
    if position is not None:
        facts.append(("block", str(position.block.number)))
    return Draft(
        now,
        how,
        kind,
        messages.title(row),
        text,
        row.id,
        remedy.text if remedy else "",
        position.block.number if position is not None else None,
        level,
        facts=tuple((name, value) for name, value in (*facts, *more) if value),
        cause=cause,
        held=OFF if row.rules.logs_only(kind) else "",
        headline=headline,
        brief=brief or (messages.moved(position, before) if position is not None else f"last HF {fmt.health(before)}"),
        order=float("inf") if shown is None else float(shown),
        about=names(row),
    )


def names(row: Row) -> frozenset[str]:
    key = row.key
    found = (row.chain, key.protocol, row.brand, key.market, row.label, key.wallet, row.id, row.venue, *row.tags)
    return frozenset(name.lower() for name in found if name)


def _identity(row: Row) -> list[tuple[str, str]]:
    key = row.key
    return [
        ("wallet", key.wallet),
        ("label", row.label),
        ("chain", row.chain),
        ("protocol", key.protocol),
        ("market", key.market),
        ("market_id", key.market_id),
        ("position", row.id),
    ]


def _danger(row: Row) -> list[tuple[str, str]]:
    """Which threshold it is under, and how far liquidation is."""
    found: list[tuple[str, str]] = []
    if row.position is not None and row.severity in {Severity.WARN, Severity.CRITICAL}:
        found.append(("threshold", messages.limit(row, row.position)))
    boundary = row.cushion
    if boundary is not None and boundary.price is not None and boundary.direction is not Direction.NONE:
        found.append(("boundary", f"{phrase(boundary.label)} {fmt.boundary_price(boundary)}"))
        if not boundary.passed:
            found.append(("distance", fmt.boundary_distance(boundary)))
    if row.sigmas is not None:
        found.append(("sigmas", fmt.sigma(row.sigmas_left)))
    return found
