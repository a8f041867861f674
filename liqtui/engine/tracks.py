"""How health went lately, small enough to keep for every position: the trend of an hour, the outline of a day."""

from __future__ import annotations

from collections import deque
from math import isfinite

HOUR = 3600.0
SLOTS = 24
"""An hour each: where there is little room, several are drawn as one."""
DAY = 24 * HOUR
SLOT = DAY / SLOTS
_SPACING = 60.0


class Track:
    """One position's health over time, in plain floats for display; fed oldest first."""

    def __init__(self) -> None:
        self._hour: deque[tuple[float, float]] = deque()
        self._day: dict[int, float] = {}
        self._spark: tuple[int, tuple[float | None, ...]] | None = None
        """The outline as last asked for, and its last slot; None: it is another one by now."""

    def add(self, at: float, health: float) -> None:
        """Takes one sample a minute for the trend, and the lowest of each slot for the outline.

        What is no figure is left out: infinite without debt, NaN where nothing is known.
        """
        if not isfinite(health):
            return
        if not self._hour or at - self._hour[-1][0] >= _SPACING:
            self._hour.append((at, health))
        while len(self._hour) > 1 and self._hour[1][0] <= at - HOUR:
            self._hour.popleft()
        slot = int(at // SLOT)
        lowest = self._day.get(slot)
        if lowest is not None and health >= lowest:
            return
        self._day[slot], self._spark = health, None
        if lowest is None:
            for old in [other for other in self._day if other <= slot - SLOTS]:
                del self._day[old]

    def set_back(self, seconds: float) -> None:
        """The clock was: what is known is as old as before."""
        self._hour = deque((at - seconds, value) for at, value in self._hour)
        slots = round(seconds / SLOT)
        self._day, self._spark = {slot - slots: value for slot, value in self._day.items()}, None

    def begin_anew(self) -> None:
        """What comes is not to be measured by what was."""
        self._hour.clear()

    def trend(self, now: float, health: float) -> tuple[float | None, int]:
        """Change up to `health` now, and the seconds that it is measured over (at most an hour)."""
        for at, before in self._hour:
            if at >= now - HOUR - _SPACING:
                return (health - before, min(int(now - at), int(HOUR))) if now - at >= _SPACING else (None, int(HOUR))
        return None, int(HOUR)

    def spark(self, now: float) -> tuple[float | None, ...]:
        """Lowest health in each of the slots of the last 24 h, oldest first; None where nothing was seen."""
        last = int(now // SLOT)
        if self._spark is None or self._spark[0] != last:
            self._spark = last, tuple(map(self._day.get, range(last - SLOTS + 1, last + 1)))
        return self._spark[1]
