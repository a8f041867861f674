"""A second opinion, now and then and in the background, so that no single node is simply believed.

One task at most is under way. It either looks whether an endpoint that rested works again, or compares with
another endpoint what the first one said: how far the chain is where that was long ago, the hash of a settled block,
or the results of a read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from liqtui.chain.batching import BlockReader
from liqtui.chain.endpoint import Deadline, Endpoint
from liqtui.chain.faults import Fault, malformed
from liqtui.core.reads import Block, Call, Failure, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from liqtui.chain.headline import HeadLine
    from liqtui.chain.offenders import Memory
    from liqtui.core.clock import Clock
    from liqtui.core.sources import ChainSpec

T = TypeVar("T")

SETTLED = 3
"""Blocks under the head at which nodes should agree."""
SAMPLE = 50
"""Calls that are compared at a time."""
OLD, OLD_BLOCKS = 60.0, 8
"""Age of a head, in seconds and in block times, from which others are asked whether they are further."""


class CrossCheck:
    def __init__(
        self, spec: ChainSpec, endpoints: Sequence[Endpoint], memory: Memory, clock: Clock, every: float
    ) -> None:
        self._spec = spec
        self._endpoints = endpoints
        self._memory = memory
        self._clock = clock
        self._every = every
        self._next = {"head": 0.0, "data": 0.0}
        self._found = {"head": "", "data": ""}
        self._offset = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def contradiction(self) -> str:
        """What two endpoints disagree about, each until they agree about the same; empty while nothing is known."""
        return "; ".join(text for text in self._found.values() if text)

    def head(self, source: Endpoint, line: HeadLine) -> None:
        """After a head was read: look after those who rested, or compare it and a settled block."""
        rested = next((end for end in self._endpoints if end.trouble and not end.resting and not end.refused), None)
        if rested is not None:
            self._start(self._revive(rested, line))
            return
        old, settled = self._old(line.newest), line.settled(SETTLED)
        if (old is not None or settled is not None) and self._due("head"):
            self._start(self._compare_heads(source, old, settled))

    def data(self, source: Endpoint, block: Block, calls: Sequence[Call], results: Sequence[Result]) -> None:
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

    @property
    def _busy(self) -> bool:
        return self._task is not None and not self._task.done()

    def _start(self, work: Coroutine[object, object, None]) -> None:
        if self._busy:
            work.close()
            return
        self._task = asyncio.create_task(self._quietly(work))

    async def _quietly(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Fault:
            return  # the endpoint's own trouble is noted there; there is no second opinion today

    def _due(self, what: str) -> bool:
        """Whether it is time, and there is: what finds the other one under way stays due."""
        now = self._clock.monotonic()
        if not self._every or len(self._endpoints) < 2 or now < self._next[what] or self._busy:
            return False
        self._next[what] = now + self._every
        return True

    async def _revive(self, endpoint: Endpoint, line: HeadLine) -> None:
        await self._asked(endpoint, lambda resting: self._caught_up(resting, line))
        endpoint.worked()

    async def _caught_up(self, endpoint: Endpoint, line: HeadLine) -> None:
        found, newest = await self._latest(endpoint), line.newest
        if newest is None or found.number + SETTLED < newest.number:
            raise Fault("behind", f"at block {found.number}")

    def _old(self, head: Block | None) -> Block | None:
        """The head, if it should have been followed by another one long ago."""
        limit = max(OLD, OLD_BLOCKS * self._spec.block_time)
        return head if head is not None and self._clock.now() - head.timestamp > limit else None

    def others(self, source: Endpoint) -> list[Endpoint]:
        """Who may give a second opinion."""
        return [end for end in self._endpoints if not end.refused and not end.trouble and end.name != source.name]

    async def _compare_heads(self, source: Endpoint, old: Block | None, settled: Block | None) -> None:
        if old is not None:
            await self._overtaken(source, old)
        if settled is not None and not source.trouble:
            await self._compare_hash(source, settled)

    async def _overtaken(self, source: Endpoint, head: Block) -> None:
        """A node that stands still answers well for ever: look whether another one is further."""
        for other in self.others(source):
            try:
                found = await self._asked(other, self._latest)
            except Fault:
                continue
            if found.number > head.number + SETTLED:
                source.distrust(f"at block {head.number}, and {other.name} is at {found.number}", "behind")
                return

    async def _latest(self, endpoint: Endpoint) -> Block:
        found = await endpoint.header("eth_getBlockByNumber", "latest", Deadline(self._spec.timeout))
        if found is None:
            raise malformed("no latest block")
        endpoint.head = found[0].number
        return found[0]

    async def _compare_hash(self, source: Endpoint, block: Block) -> None:
        async def hash_by(endpoint: Endpoint) -> str | None:
            found = await endpoint.by_number(block.number, Deadline(self._spec.timeout))
            return None if found is None else found.hash

        await self._weigh(source, f"block {block.number}", block.hash, hash_by, str.__eq__, what="head")

    async def _compare_data(
        self, source: Endpoint, block: Block, calls: Sequence[Call], results: Sequence[Result]
    ) -> None:
        async def results_by(endpoint: Endpoint) -> Sequence[Result]:
            reader = BlockReader(self._spec, endpoint, self._memory, block, Deadline(self._spec.timeout))
            return await reader.read(calls, len(calls))

        about = f"contract data at block {block.number}"
        await self._weigh(source, about, results, results_by, _same_data, what="data")
        if self._found["data"]:
            self._offset -= SAMPLE  # the same ones again, until they agree

    async def _weigh(
        self,
        source: Endpoint,
        about: str,
        mine: T,
        ask: Callable[[Endpoint], Awaitable[T | None]],
        agree: Callable[[T, T], bool],
        *,
        what: str,
    ) -> None:
        """Hear a second endpoint, and a third one where the second disagrees: the one that is outvoted rests.

        None is no opinion.
        """
        others = self.others(source)
        theirs = await self._asked(others[0], ask) if others else None
        if theirs is None:
            return
        if agree(mine, theirs):
            self._found[what] = ""
            return
        text = f"{source.name} and {others[0].name} disagree about {about}"
        third = others[1] if len(others) > 1 else None
        opinion = None if third is None else await self._asked(third, ask)
        loser: Endpoint | None = None
        if third is not None and opinion is not None:
            if agree(mine, opinion):
                loser = others[0]
            elif agree(theirs, opinion):
                loser = source
        if loser is not None and third is not None:
            text += f"; {third.name} contradicts {loser.name}, which is left out for now"
            loser.distrust(f"contradicted by two others about {about}")
        self._found[what] = text

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
