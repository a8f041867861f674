"""What the boxes of the detail are drawn from: one row, its surroundings, and texts that all boxes share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.ui import figures
from liqtui.ui.chart import DAY, SPANS, Span
from liqtui.ui.sheet import wrap
from liqtui.ui.style import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Position
    from liqtui.core.results import Rescue
    from liqtui.core.snapshot import Alert, ChainState, Row, Severity, Snapshot
    from liqtui.core.wallet import Thresholds
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Palette
    from liqtui.ui.style import Span as Piece


@dataclass(frozen=True)
class View:
    """One position as the detail shows it. Nothing here changes between two snapshots."""

    state: AppState
    palette: Palette
    snapshot: Snapshot
    row: Row
    samples: Sequence[tuple[float, float]] = ()
    """(unix time, health) of the span, a day at least; as `EngineHandle.samples` tells them."""
    ways: Sequence[Rescue] = ()
    """To the targets that are asked for now."""
    span: Span = SPANS[0]
    """How far back the chart goes."""
    updates: Sequence[tuple[int, str]] = ()
    """(unix time, feed label) of the oracle updates in the span."""

    @property
    def position(self) -> Position | None:
        return self.row.position

    @property
    def day(self) -> list[tuple[float, float]]:
        """What is known of the last 24 h, whatever the chart shows."""
        return [(at, health) for at, health in self.samples if at >= self.now - DAY and isfinite(health)]

    @property
    def now(self) -> float:
        """The engine's time of the snapshot: with it, ages change only when something is read."""
        return self.snapshot.at

    @property
    def thresholds(self) -> Thresholds:
        return self.row.thresholds.over(self.state.settings.thresholds)

    @property
    def chain(self) -> ChainState | None:
        return next((chain for chain in self.snapshot.chains if chain.name == self.row.chain), None)

    @property
    def alerts(self) -> list[Alert]:
        return [alert for alert in self.snapshot.alerts if self.row.id in alert.about]

    @property
    def address(self) -> str:
        """Checksummed where the watchlist has it so."""
        key = self.row.key.wallet
        return next((wallet.address for wallet in self.snapshot.wallets if wallet.key == key), key)

    @property
    def explorer(self) -> str:
        """The wallet's page; empty where no explorer is set."""
        chain = self.chain
        return f"{chain.explorer}/address/{self.address}" if chain is not None and chain.explorer else ""

    @property
    def old(self) -> str:
        """What is written behind a figure that was not confirmed lately."""
        return "" if self.row.trusted else "~"

    def ink(self, text: str, name: str = "ink", *, bold: bool = False) -> Piece:
        return (text, self.palette.style(name, bold=bold))

    def muted(self, text: str) -> Piece:
        return (text, self.palette.style("muted"))

    def plainly(self, text: str) -> str:
        """As `figures.plainly`."""
        return figures.plainly(text, self.state)

    def loud(self, text: str, severity: Severity | None = None) -> Piece:
        return (text, self.palette.severity(severity or self.row.severity))

    def money(self, raw: int | None) -> str:
        position = self.position
        if position is None:
            return "–"
        return fmt.money_whole(raw, position.base_decimals, position.base_symbol)


def exact(raw: int | None, decimals: int, room: int = 14) -> str:
    """Every digit of a price where they fit, without zeros at the end; else five that count."""
    text = fmt.price_exact(raw, decimals)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if len(text) <= room else fmt.price(raw, decimals)


def clock_time(at: float, now: float) -> str:
    """UTC time of day, with the date once it is another day."""
    moment = datetime.fromtimestamp(at, UTC)
    same_day = moment.date() == datetime.fromtimestamp(now, UTC).date()
    return moment.strftime("%H:%M:%S" if same_day else "%b %d %H:%M")


def pairs(view: View, label: str, text: str, width: int, name: str = "ink", *, first: int = 17) -> list[list[Piece]]:
    """Label and text, in lines of `width`; the text goes on under itself."""
    first = min(first, max(width // 3, 6))
    parts = wrap(text, max(width - first - 1, 8)) or [""]
    return [
        [view.muted(fit(label if place == 0 else "", first) + " "), view.ink(part, name)]
        for place, part in enumerate(parts)
    ]
