"""Which alerts go on, as far as that is seen from what is remembered of a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.memory import Memory
    from liqtui.core.snapshot import Alert


def by_position(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    """Those that are not over, of each position that they are about."""
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        for position in alert.positions if alert.over_at is None else ():
            found.setdefault(position, []).append(alert)
    return found


def standing(alert: Alert, memory: Memory) -> bool:
    """Whether it still holds of the position that this is remembered of."""
    if alert.kind in {"threshold", "liquidatable", "recovered"}:
        return alert.severity is not Severity.OK and memory.level.rank <= alert.severity.rank
    told: Mapping[str, bool] = {
        "blind": memory.told_unseen,
        "unverified": memory.told_unverified,
        "velocity": memory.told_pace is not Severity.OK,
        "interest": memory.told_interest,
    }
    return told.get(alert.kind, False)
