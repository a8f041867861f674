"""What goes where on a terminal of any size: a pure function, so that every size can be tested."""

from __future__ import annotations

from typing import NamedTuple

PANES = ("positions", "wallets", "alerts", "prices")
"""In the order of the keys 1–4."""

SIDE_WIDTH = 28


class Plan(NamedTuple):
    """Heights and widths in cells; 0 means not shown. Positions take what is left."""

    framed: bool
    clocks: str
    """top · low · none: where the line of chain clocks is."""
    side: int
    """Width of the column of wallets and prices."""
    prices: int
    """Height of the prices under the wallets."""
    preview: int
    alerts: int
    footer: bool
    zoom: str = ""
    """The pane that has the body to itself."""

    def has(self, pane: str) -> bool:
        """Whether that pane can be seen."""
        if self.zoom:
            return pane == self.zoom
        rooms = {"positions": 1, "wallets": self.side, "alerts": self.alerts, "prices": self.side and self.prices}
        return bool(rooms[pane])


def plan(width: int, height: int, *, zoom: str = "", prices: int = 5) -> Plan:
    """Degrade, never blank: first the side column goes, then the preview, frames, alerts, clocks, footer.

    `prices` is how many price lines there are to show.
    """
    footer = height >= 6
    if width < 60 or height < 12:
        clocks = "low" if width >= 60 and height >= 8 else "none"
        alerts = 1 if height >= 8 and width >= 30 else 0
        return _zoomed(Plan(False, clocks, 0, 0, 0, alerts, footer), zoom)
    wide = width >= 106 and height >= 20
    tall = height >= 30
    alerts = min(10, height // 4 - 1) if tall else 4 if height >= 22 else 3 if height >= 16 else 0
    preview = 9 if wide and tall else 4 if height >= 23 else 3 if height >= 18 else 0
    return _zoomed(
        Plan(
            framed=True,
            clocks="top" if wide else "low",
            side=min(34, SIDE_WIDTH + (width - 120) // 8 if width > 120 else SIDE_WIDTH) if wide else 0,
            prices=min(prices + 2, max(4, (height - alerts - 3) // 3)) if wide else 0,
            preview=preview,
            alerts=alerts,
            footer=footer,
        ),
        zoom,
    )


def _zoomed(made: Plan, zoom: str) -> Plan:
    if not zoom:
        return made
    return made._replace(side=0, prices=0, alerts=0, preview=made.preview if zoom == "positions" else 0, zoom=zoom)
