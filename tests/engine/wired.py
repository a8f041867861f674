"""Both ends of a socket without one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from liqtui.core.risk import TARGETS
from liqtui.core.severity import oracle_late
from liqtui.core.units import HEALTH_INFINITE
from liqtui.engine import wire
from liqtui.engine.news import Ledger, Mirror, Press

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row, Snapshot


def over(value: Any) -> Any:
    """To JSON and back."""
    return wire.unpack(msgspec.json.decode(msgspec.json.encode(wire.pack(value))))


class Line2:
    """A client and what it is sent, with the bytes counted."""

    def __init__(self, press: Press | None = None) -> None:
        self.ledger = Ledger(press or Press())
        self.ledger.top = False
        self.mirror = Mirror(TARGETS)
        self.bytes = 0
        self.sent = b""

    def ship(self, snapshot: Snapshot) -> Snapshot:
        while (news := self.ledger.news(snapshot)) is not None:
            data = msgspec.json.encode(news)
            self.bytes += len(data)
            self.sent += data
            self.mirror.take(msgspec.json.decode(data))
            if self.mirror.whole:
                break
        return self.mirror.snapshot


GLIMPSED = (
    "key", "block", "base_symbol", "base_decimals", "health", "collateral_value", "debt_value", "carry_per_year",
    "has_debt", "empty", "symbols",
)  # fmt: skip
"""What a line of the list, sums and filters are made of."""


def glimpsed(row: Row) -> tuple[Any, ...]:
    """What travels of a row that nobody looks at."""
    position = row.position
    seen = None if position is None else [getattr(position, name) for name in GLIMPSED]
    return replace(row, position=None), seen, oracle_late(position)


NUMBERS = st.one_of(
    st.none(), st.sampled_from([0, 1, 2**53 + 1, 2**63, 2**64, HEALTH_INFINITE]), st.integers(0, 2**256)
)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


TIMES = st.one_of(st.none(), st.floats(0, 2e9), st.integers(0, 2**31).map(float))


def some(values: Any) -> Any:
    return st.lists(values, max_size=3).map(tuple)
