"""What rules say of rows that come one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.core.alerts import Draft, Memory, judge
from liqtui.core.model import Health, Position
from liqtui.core.reads import Block
from liqtui.core.snapshot import Ages, Freshness
from tests.core.books import asset, simple
from tests.core.rows import BLOCK, bare, row

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row

ETH, USDC = asset("ETH"), asset("USDC", 6)


def at(health: float, seconds: int = 0, **fields: Any) -> Position:
    """Same amounts, another health, so many seconds later: as prices move."""
    raw = round(health * 10**9) * 10**9
    block = Block(BLOCK.number + seconds // 12, BLOCK.hash, BLOCK.timestamp + seconds)
    return bare(simple(), health=Health(raw, raw), **({"book": None, "block": block} | fields))


class Story:
    """Rows one after the other, a round every 12 seconds."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.last: Row | None = None
        self.now = 1_000.0

    def __call__(self, after: Row | Position, wait: float = 12.0, **known: Any) -> list[Draft]:
        self.now += wait
        after = row(after) if isinstance(after, Position) else after
        self.memory, drafts = judge(self.last, after, self.memory, self.now, **known)
        self.last = after
        return list(drafts)


def kinds(drafts: list[Draft]) -> list[str]:
    return [draft.kind for draft in drafts]


def blind(of: Position | None, fetch: int = 300) -> Row:
    return row(of, freshness=Freshness.BLIND, ages=Ages(fetch, 60, fetch), error="timeout at https://node.example/KEY")
