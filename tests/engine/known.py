"""What a naive checker knows of a position, and how bad it is by that."""

from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, WAD

ORDER = (Severity.WARN, Severity.CRITICAL, Severity.LIQUIDATABLE)


class Known:
    """What the checker knows of a position: the last figures that the engine was given."""

    def __init__(self):
        self.read_at = None
        self.wall = self.limits = self.health = self.distance = None
        self.block_at = self.feed_at = 0
        self.dark = None
        """True time since which figures come without a health."""
        self.unread = 0.0
        """True time since which it is unread, be it since a restart or that it was looked for."""
        self.told = None
        """Worst level that an alert told, until health was a band over it."""

    def level(self, daily, band=1.0, wide=1.0):
        """The worst that is reached; with a band the worst that is not clear of it. `daily`: σ, where it is known."""
        if self.health is None or self.limits is None:
            return None
        limits, far = self.limits, self.distance is None or self.health == HEALTH_INFINITE

        def reached(name):
            near, sigma = limits.get(f"{name}_cushion"), limits.get(f"{name}_sigmas")
            return (self.health < limits[name] * WAD // 100 * band
                    or bool(not far and near and self.distance < near / 100 * wide)
                    or bool(not far and sigma and daily and self.distance / daily < sigma / 100 * wide))  # fmt: skip

        if self.health < WAD * band:
            return Severity.LIQUIDATABLE
        return Severity.CRITICAL if reached("critical") else Severity.WARN if reached("warn") else None
