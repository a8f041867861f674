"""The heads of a chain as they were seen, so that it does not run backwards without good reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.chain.faults import Fault, malformed

if TYPE_CHECKING:
    from liqtui.chain.endpoint import Deadline, Endpoint
    from liqtui.core.clock import Clock
    from liqtui.core.reads import Block

MEMORY = 256


class HeadLine:
    """Accepts newer heads, tells a node that lags from a chain that was reorganised."""

    def __init__(self, clock: Clock, grace: float) -> None:
        self._clock = clock
        self._grace = grace
        self._seen: list[Block] = []
        self._seen_at = 0.0
        self._rolled_back: Block | None = None

    @property
    def newest(self) -> Block | None:
        return self._seen[-1] if self._seen else None

    def settled(self, depth: int) -> Block | None:
        """The newest seen block that is at least `depth` under the head."""
        if not self._seen:
            return None
        return self.anchor(self._seen[-1].number - depth)

    def anchor(self, number: int) -> Block | None:
        """The newest seen block that is not above `number`."""
        return next((block for block in reversed(self._seen) if block.number <= number), None)

    async def ask(self, endpoint: Endpoint, deadline: Deadline) -> Block:
        """The newest head by this endpoint. Raises Fault `behind` when it is older than what was seen.

        A head that is lower, or another block at the same height, of a chain that no longer holds what was
        seen before, is kept as a candidate (`rolled_back`) for the case that no other endpoint knows better.
        """
        found = await endpoint.header("eth_getBlockByNumber", "latest", deadline)
        if found is None:
            raise malformed("no latest block")
        block, parent = found
        endpoint.head = block.number
        newest = self.newest
        if newest is None or block == newest:
            return self._accept(block)
        if block.number > newest.number:
            if block.number == newest.number + 1 and parent != newest.hash:
                self._drop(newest.number)
            return self._accept(block)
        if await self._left_the_chain(endpoint, block, deadline) or self._overdue():
            self._rolled_back = block
        raise Fault("behind", f"at block {block.number}, and {newest.number} was seen already")

    def begin(self) -> None:
        """A new pass over the endpoints."""
        self._rolled_back = None

    def roll_back(self) -> Block | None:
        """Accept what the pass found in the place of the head that was seen before, if anything."""
        return None if self._rolled_back is None else self._accept(self._rolled_back)

    def forget(self, block: Block) -> None:
        """Nobody can serve this head: do not hold others to it."""
        self._seen = [seen for seen in self._seen if seen.hash != block.hash]

    def unlearn(self, number: int) -> None:
        """The chain has another block there than was seen, so what lies under it may be another one, too."""
        self._seen = [seen for seen in self._seen if seen.number > number]

    def _accept(self, block: Block) -> Block:
        self._drop(block.number)
        self._seen = [*self._seen[-(MEMORY - 1) :], block]
        self._seen_at = self._clock.monotonic()
        return block

    def _drop(self, number: int) -> None:
        self._seen = [seen for seen in self._seen if seen.number < number]

    def _overdue(self) -> bool:
        """So long without the head that was seen, that the one who answers is more to be believed."""
        return self._clock.monotonic() - self._seen_at > self._grace

    async def _left_the_chain(self, endpoint: Endpoint, block: Block, deadline: Deadline) -> bool:
        """Whether this node, asked block by block, has a canonical chain without what was seen."""
        anchor = self.anchor(block.number)
        if anchor is None:
            return False
        there = block if anchor.number == block.number else await endpoint.by_number(anchor.number, deadline)
        if there is None or there.hash == anchor.hash:
            return False
        canonical = await endpoint.by_number(block.number, deadline)
        by_hash = await endpoint.by_block_hash(block.hash, deadline)
        if canonical != block or by_hash != block:
            raise malformed(f"a head at {block.number} that it does not have when asked for it")
        return True
