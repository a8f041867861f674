"""Whether the chain that is read is the one that was read before.

A node that is begun again from another state, a fork that is reset, an endpoint that leads to another network with the
same id: the next head is just another number, and the difference of two chains looks like liquidations. A head that
goes far back gives it away (`held.REORGANISED`). Else a block that was read before is asked for by its number: where
the chain has another one there, and another one also so deep that no reorganisation reaches it, it is another chain. A
node that does not tell (pruned, behind) says nothing against it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from liqtui.engine.held import REORGANISED
from liqtui.engine.logsearch import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.reads import Block, ChainReader
    from liqtui.core.sources import ChainSpec
    from liqtui.engine.logsearch import Notebook

EVERY = 300.0
"""Seconds between two questions while there is no other reason to ask; of chain time, too."""
SETTLED = 120.0
"""Seconds' worth of blocks, and more than `REORGANISED` of them, under which a block is not replaced any more."""
STOOD, STOOD_HERE = 600.0, 60.0
"""Seconds after which that goes for a head with nothing on top of it, too; the second where all nodes run on this
machine: chains that somebody tries things on have no blocks but those, and public nodes are sometimes stuck on a block
that the others have replaced."""
_PLACE, _DEEP, _FIRST = "lineage", "deep", "first"


class Known(NamedTuple):
    """A block of the chain that was read."""

    number: int
    hash: str


@runtime_checkable
class Witness(Protocol):
    """A reader that can be asked for blocks of before. Those of a tape cannot, and have no need to be."""

    async def hash_at(self, number: int) -> str | None:
        """Of the chain as it is now; None where that is not told."""
        ...

    async def holds(self, number: int, block_hash: str) -> bool | None:
        """Whether the chain has that block there now; None where that is not told. Raises ReadError."""
        ...


def settled(spec: ChainSpec) -> int:
    """Blocks under the head at which one is not replaced any more."""
    return max(REORGANISED + 1, math.ceil(SETTLED / max(spec.block_time, 0.1)))


class Lineage:
    """Of one chain. `saw` each head; before figures are compared with those of an earlier round ask `replaced`."""

    def __init__(self, spec: ChainSpec, reader: ChainReader, notebook: Notebook | None = None) -> None:
        """`notebook`: where it outlives the process."""
        self._reader = reader
        self._notebook = notebook
        self._place = f"{spec.id}:{_PLACE}"
        self.depth = settled(spec)
        self._stands = STOOD_HERE if isinstance(reader, Witness) and _here(spec) else STOOD
        self._deep, self._first = self._recall(_DEEP), self._recall(_FIRST)
        self._stood: Known | None = None
        self._head: Block | None = None
        """Of the last good round."""
        self._since = 0.0
        """When it was first seen."""
        self._base: Block | None = None
        """The head at which all was read that figures are compared with, or one that is known to come after it."""
        self._sure: Block | None = None
        """The head of the last question that was answered well."""
        self._checked: Block | None = None
        """The head when it was last asked in due course."""
        self._next = -math.inf
        self.doubt = False
        """Something happened after which it may be another one."""
        self.reorganised = False
        """The last question found another block than was read, and that it is the same chain all the same."""

    def saw(self, block: Block, now: float, *, whole: bool) -> None:
        """A round at that block was good. `now`: seconds of a clock that runs on. `whole`: nothing was left unread."""
        if block != self._head:
            self._head, self._since = block, now
        if whole or block == self._sure or self._base is None:
            self._base = block
        if now - self._since >= self._stands:
            self._stood = Known(block.number, block.hash)

    async def replaced(self, block: Block, now: float, *, moved: bool) -> int | None:
        """The number of a settled block that was read before and is another one now; None: nothing speaks for that.

        `block`: the head now. `moved`: what somebody holds has changed, so much hangs on it. Asks in due course, and
        where there is a reason; one question then, and only if the answer is another block those that settle it.
        Raises ReadError.
        """
        self.reorganised = False
        reader, base = self._reader, self._base
        if not isinstance(reader, Witness) or block == base:
            return None
        regular = now >= self._next
        late = base is not None and block.timestamp - base.timestamp >= EVERY
        urgent, self.doubt = moved or self.doubt or late, False
        if regular:
            self._next = now + EVERY
        # What is compared is of the base; between that and the question before it may have been another chain already.
        urgent = urgent or (regular and base != self._head)
        heads = dict.fromkeys(head for head in (urgent and base, regular and self._checked) if head)
        told = [await _keeps(reader, head, block) for head in heads]
        if urgent and all(told):
            self._sure = block
        self.reorganised = bool(urgent and base) and told[0] is False
        if False in told or (regular and not heads):
            for known in self._anchors(block):
                kept = await reader.holds(*known)
                if kept is False:
                    await self._begin_anew(reader, block, now)
                    return known.number
                if kept and known == self._deep:
                    break  # so what is under it is the same, whatever a node says of it
        if regular:
            self._checked = block
            await self._learn(reader, block)
        return None

    async def _begin_anew(self, reader: Witness, block: Block, now: float) -> None:
        """It is another chain: nothing of before is known of it, and it may be left as well."""
        self._deep = self._first = self._stood = self._head = self._base = self._sure = None
        self._checked, self._next = block, now + EVERY
        await self._learn(reader, block)

    def _anchors(self, head: Block) -> Sequence[Known]:
        """What no reorganisation replaces, the newest first, as far as the chain reaches now."""
        found = {known for known in (self._stood, self._deep, self._first) if known and known.number <= head.number}
        return sorted(found, reverse=True)

    async def _learn(self, reader: Witness, head: Block) -> None:
        """Blocks to ask for the next time, of a chain that is what it was: the first one once, and a newer one."""
        if self._first is None:
            self._first = await self._told(reader, 0, _FIRST)
        if (number := head.number - self.depth) > 0:
            self._deep = await self._told(reader, number, _DEEP) or self._deep

    async def _told(self, reader: Witness, number: int, name: str) -> Known | None:
        found = await reader.hash_at(number)
        if found is None:
            return None
        if self._notebook is not None:
            self._notebook.keep_trail(self._place, name, Kept(number, found))
        return Known(number, found)

    def _recall(self, name: str) -> Known | None:
        kept = None if self._notebook is None else self._notebook.trail(self._place, name)
        return None if kept is None else Known(*kept)


async def _keeps(reader: Witness, block: Block, head: Block) -> bool | None:
    """Whether a block that was a head is there still; one that is above the head now is not."""
    return await reader.holds(block.number, block.hash) if block.number <= head.number else False


def _here(spec: ChainSpec) -> bool:
    """Whether all its nodes run on this machine."""
    from liqtui.chain.transport import on_this_machine  # a tape is played without it

    return all(map(on_this_machine, spec.rpc))
