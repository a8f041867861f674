"""A second opinion, now and then and in the background, so that no single node is simply believed.

One task at most is under way. It either looks whether an endpoint that rested works again, or compares with
another endpoint what the first one said: the hash of a settled block, or the results of a read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from liqtui.chain.batching import BlockReader, Memory
from liqtui.chain.endpoint import Deadline, Endpoint
from liqtui.chain.faults import Fault
from liqtui.core.reads import Block, Call, Failure, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from liqtui.chain.headline import HeadLine
    from liqtui.core.clock import Clock
    from liqtui.core.sources import ChainSpec

T = TypeVar("T")

SETTLED = 3
"""Blocks under the head at which nodes should agree."""
SAMPLE = 50
"""Calls that are compared at a time."""


class CrossCheck:
    def __init__(
        self, spec: ChainSpec, endpoints: Sequence[Endpoint], memory: Memory, clock: Clock, every: float
    ) -> None:
        self.contradiction = ""
        self._spec = spec
        self._endpoints = endpoints
        self._memory = memory
        self._clock = clock
        self._every = every
        self._next = {"head": 0.0, "data": 0.0}
        self._offset = 0
        self._task: asyncio.Task[None] | None = None

    def head(self, source: str, line: HeadLine) -> None:
        """After a head was read: look after those who rested, or compare a settled block."""
        rested = next((end for end in self._endpoints if end.trouble and not end.resting and not end.refused), None)
        if rested is not None:
            self._start(self._revive(rested, line))
            return
        block = line.settled(SETTLED)
        if block is not None and self._due("head"):
            self._start(self._compare_hash(source, block))

    def data(self, source: str, block: Block, calls: Sequence[Call], results: Sequence[Result]) -> None:
        """After a read: compare some of its results, others each time."""
        if not self._due("data"):
            return
        easy = [at for at, call in enumerate(calls) if call not in self._memory.greedy]
        if not easy:
            return
        start = self._offset % len(easy)
        self._offset += SAMPLE
        sample = easy[start : start + SAMPLE]
        asked, answered = [calls[at] for at in sample], [results[at] for at in sample]
        self._start(self._compare_data(source, block, asked, answered))

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        """Wait for what is under way."""
        if self._task is not None:
            await asyncio.gather(self._task)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        if self._task is not None and not self._task.done():
            work.close()
            return
        self._task = asyncio.create_task(self._quietly(work))

    async def _quietly(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Fault:
            return  # the endpoint's own trouble is noted there; there is no second opinion today

    def _due(self, what: str) -> bool:
        now = self._clock.monotonic()
        if not self._every or len(self._endpoints) < 2 or now < self._next[what]:
            return False
        self._next[what] = now + self._every
        return True

    async def _revive(self, endpoint: Endpoint, line: HeadLine) -> None:
        await self._asked(endpoint, lambda resting: self._caught_up(resting, line))
        endpoint.worked()

    async def _caught_up(self, endpoint: Endpoint, line: HeadLine) -> None:
        found = await endpoint.header("eth_getBlockByNumber", "latest", Deadline(self._spec.timeout))
        newest = line.newest
        if found is None or newest is None or found[0].number + SETTLED < newest.number:
            raise Fault("behind", f"at block {found[0].number if found else '?'}")
        endpoint.head = found[0].number

    async def _compare_hash(self, source: str, block: Block) -> None:
        async def hash_by(endpoint: Endpoint) -> str | None:
            found = await endpoint.by_number(block.number, Deadline(self._spec.timeout))
            return None if found is None else found.hash

        def agree(mine: str | None, theirs: str | None) -> bool:
            return mine == theirs or theirs is None

        await self._weigh(source, f"block {block.number}", block.hash, hash_by, agree)

    async def _compare_data(self, source: str, block: Block, calls: Sequence[Call], results: Sequence[Result]) -> None:
        async def results_by(endpoint: Endpoint) -> Sequence[Result]:
            reader = BlockReader(self._spec, endpoint, self._memory, block, Deadline(self._spec.timeout))
            return await reader.read(calls, len(calls))

        await self._weigh(source, f"contract data at block {block.number}", results, results_by, _same_data)

    async def _weigh(
        self,
        source: str,
        about: str,
        mine: T,
        ask: Callable[[Endpoint], Awaitable[T]],
        agree: Callable[[T, T], bool],
    ) -> None:
        """Hear a second endpoint, and a third one where the second disagrees: the one that is outvoted rests."""
        others = [end for end in self._endpoints if not end.refused and not end.trouble and end.name != source]
        if not others:
            return
        theirs = await self._asked(others[0], ask)
        if agree(mine, theirs):
            self.contradiction = ""
            return
        text = f"{source} and {others[0].name} disagree about {about}"
        third = others[1] if len(others) > 1 else None
        opinion = None if third is None else await self._asked(third, ask)
        loser: Endpoint | None = None
        if third is not None and opinion is not None:
            if agree(mine, opinion):
                loser = others[0]
            elif agree(theirs, opinion):
                loser = next((end for end in self._endpoints if end.name == source), None)
        if loser is not None and third is not None:
            text += f"; {third.name} contradicts {loser.name}, which is left out for now"
            loser.distrust(f"contradicted by two others about {about}")
        self.contradiction = text

    async def _asked(self, endpoint: Endpoint, ask: Callable[[Endpoint], Awaitable[T]]) -> T:
        try:
            await endpoint.verify(Deadline(self._spec.timeout))
            return await ask(endpoint)
        except Fault as fault:
            if endpoint.trouble or fault.kind != "behind":  # nodes are rarely at the very same block
                endpoint.failed(fault)
            raise


def _same_data(mine: Sequence[Result], theirs: Sequence[Result]) -> bool:
    """Equal wherever both have an answer; what a refusal looks like differs between kinds of node."""
    pairs = zip(mine, theirs, strict=True)
    return all(one == two for one, two in pairs if not isinstance(one, Failure) and not isinstance(two, Failure))
