"""What was known when the last run ended, until it is read again or known to be nobody's any more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from liqtui.core.desk import GAP, load
from liqtui.core.snapshot import Severity
from liqtui.engine.held import DANGER, Spell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from liqtui.core.model import PositionKey
    from liqtui.engine.held import Held
    from liqtui.engine.recall import Saved
    from liqtui.engine.roll import Roll


class Returning:
    def __init__(self, saved: Saved, remembered: Iterable[str], now: float) -> None:
        """`remembered`: ids of the positions of which the alert rules know something."""
        self.positions = saved.positions
        """Open when last seen, and nobody has come back for them yet."""
        self.rowless = frozenset(remembered) - {str(key) for key in saved.positions}
        """What was never read and is remembered all the same, until it is known to be nothing."""
        self.stirred = False
        """Some position is as bad as it is since another time."""
        until = load(saved.desk).looked_at
        self._spells = _load(saved.spells, now, watched=until is not None and now - until <= GAP)

    def spell(self, position: str) -> Spell | None:
        """How it was when the last run ended."""
        return self._spells.get(position)

    def watched(self, roll: Roll, held: Collection[PositionKey], forgotten: Collection[str]) -> None:
        """The list is another one: what is a row now, or known to be nobody's, is not for us any more."""
        # Whose name is not looked up yet may come back.
        self.positions = () if roll.whole else tuple(key for key in self.positions if key not in held)
        self.rowless = self.rowless.difference(forgotten)

    def settle(self, position: str) -> bool:
        """It is known what is there; returns whether it was not until now."""
        known, self.rowless = self.rowless, self.rowless - {position}
        return position in known

    def dump(self, rows: Iterable[Held]) -> str:
        """What to remember of how bad each is. Whoever has no row yet is as he was when the last run ended."""
        self.stirred = False
        spells = {str(key): self._spells[str(key)] for key in self.positions if str(key) in self._spells}
        for held in rows:
            if (spell := held.before or held.spell) is not None:
                spells[held.id] = spell
        return _dump(spells)


def _dump(spells: Mapping[str, Spell]) -> str:
    """Position id → severity, and since when."""
    return json.dumps({name: [severity.value, since] for name, (severity, since) in spells.items()})


def _load(text: str, now: float, *, watched: bool) -> dict[str, Spell]:
    """Inverse of `_dump`; damaged text gives nothing. `watched`: until just now, so that what is calm has been so.

    Where the clock was set back, nothing began later than now.
    """
    try:
        found: dict[str, Any] = json.loads(text)
        spells = {name: Spell(Severity(how), min(float(since), now)) for name, (how, since) in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {name: spell for name, spell in spells.items() if watched or spell.severity in DANGER}
