"""A watched wallet, the thresholds that apply to its positions, and what a rescue aims at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from liqtui.core.rules import Rules
from liqtui.core.units import WAD


class Thresholds(NamedTuple):
    """When a position turns to warn and critical. Health 1e18-scaled; cushion as a positive fraction of 1e18.

    None falls back to the next wider scope (position → wallet → tag → config → default).
    """

    warn: int | None = None
    critical: int | None = None
    warn_cushion: int | None = None
    """Warn when the nearest boundary is nearer than this fraction (0.10 → 10 %)."""
    critical_cushion: int | None = None
    warn_sigmas: int | None = None
    """Warn when a boundary whose σ is known is fewer than so many daily σ away, 1e18-scaled."""
    critical_sigmas: int | None = None

    def over(self, wider: Thresholds) -> Thresholds:
        """These where set, else the wider ones."""
        return Thresholds(
            self.warn if self.warn is not None else wider.warn,
            self.critical if self.critical is not None else wider.critical,
            self.warn_cushion if self.warn_cushion is not None else wider.warn_cushion,
            self.critical_cushion if self.critical_cushion is not None else wider.critical_cushion,
            self.warn_sigmas if self.warn_sigmas is not None else wider.warn_sigmas,
            self.critical_sigmas if self.critical_sigmas is not None else wider.critical_sigmas,
        )


PAIRS = (("warn", "critical"), ("warn_cushion", "critical_cushion"), ("warn_sigmas", "critical_sigmas"))
"""What comes first, and what after it."""


def crossed(own: Thresholds, wider: Thresholds) -> tuple[str, str, int] | None:
    """The first of `own` that leaves no room between warn and critical together with what applies where it says
    nothing: its name, the other one's and the other one's value. None where all is in order.
    """
    applied = own.over(wider)
    for upper, lower in PAIRS:
        warn, critical = getattr(applied, upper), getattr(applied, lower)
        if warn is None or critical is None or warn > critical:
            continue
        if getattr(own, upper) is not None:
            return upper, lower, critical
        if getattr(own, lower) is not None:
            return lower, upper, warn
    return None


DEFAULT_THRESHOLDS = Thresholds(warn=120 * WAD // 100, critical=105 * WAD // 100)
TARGETS = (110 * WAD // 100, 125 * WAD // 100, 150 * WAD // 100)
"""Health that rescue amounts aim at where nobody said otherwise."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """Whose positions are looked at, and what the person says of them."""

    address: str
    """Checksummed as shown; compare with `key`."""
    label: str = ""
    name: str = ""
    """The ENS name that it resolved from."""
    chains: tuple[str, ...] = ()
    """Names of the chains to look at; empty: all."""
    tags: tuple[str, ...] = ()
    note: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)
    position_thresholds: tuple[tuple[str, Thresholds], ...] = ()
    """Position id → thresholds of that one."""
    rules: Rules = field(default_factory=Rules)
    tag_thresholds: Thresholds = field(default_factory=Thresholds)
    """What its tags say: the first of them that says something counts."""
    tag_rules: Rules = field(default_factory=Rules)

    @property
    def key(self) -> str:
        return self.address.lower()

    @property
    def title(self) -> str:
        return self.label or self.name or f"{self.address[:6]}…{self.address[-4:]}"
