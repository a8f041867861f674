"""All endpoints of one chain behind the one `ChainReader` that the engine reads from.

The person's order of endpoints is kept among those that work. One that fails rests, longer each time, and is
looked at again in the background; one that serves another chain is never used. A round that nobody can serve
ends as a ReadError within its deadline.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from liqtui.chain.batching import BlockReader, chunks, missing_multicall
from liqtui.chain.crosscheck import CrossCheck
from liqtui.chain.endpoint import Deadline, Endpoint, EndpointStatus
from liqtui.chain.faults import Fault, hex_bytes, safe
from liqtui.chain.headline import HeadLine
from liqtui.chain.logs import read_logs
from liqtui.chain.offenders import Memory, ran_none
from liqtui.chain.transport import MAX_ANSWER
from liqtui.core.clock import Clock, SystemClock
from liqtui.core.reads import Block, Call, Failure, Log, LogFilter, ReadError, Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from liqtui.chain.endpoint import Sleep
    from liqtui.core.sources import ChainSpec

T = TypeVar("T")

_NOT_ASKED = Failure("unread", "not asked this time: it took all gas before, like many others")

ROUND_TIMEOUTS = 3.0
"""A round may take this many request timeouts: two endpoints may hang, and the third still answers."""
AT_ONCE = 4
"""Requests of one round under way at the same time."""


class EndpointPool:
    """Implements `ChainReader`. Belongs to one event loop; `close` it there."""

    def __init__(
        self,
        spec: ChainSpec,
        clock: Clock | None = None,
        *,
        round_timeout: float | None = None,
        cross_check_every: float = 60.0,
        rollback_grace: float | None = None,
        max_answer: int = MAX_ANSWER,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`cross_check_every`: seconds between comparisons with a second endpoint, 0 for never.

        `rollback_grace`: seconds for which a head that was seen holds against nodes that do not have it.
        """
        clock = SystemClock() if clock is None else clock
        self._spec = spec
        self._round_timeout = ROUND_TIMEOUTS * spec.timeout if round_timeout is None else round_timeout
        self._endpoints = [Endpoint(url, spec, clock, sleep, max_answer) for url in spec.rpc]
        self._memory = Memory()
        grace = max(60.0, 20 * spec.block_time) if rollback_grace is None else rollback_grace
        self._line = HeadLine(clock, grace)
        self._sleep = sleep
        self._read_hash = ""
        self._announcer: Endpoint | None = None
        self._source = ""
        self._cross = CrossCheck(spec, self._endpoints, self._memory, clock, cross_check_every)

    def __repr__(self) -> str:
        return f"EndpointPool({self._spec.name!r}, {len(self._endpoints)} endpoints)"

    @property
    def chain_id(self) -> int:
        return self._spec.id

    # -- reading ---------------------------------------------------------------------------------

    async def head(self) -> Block:
        """The newest block. Never older than one that was returned, except after a reorganisation."""
        deadline = Deadline(self._round_timeout)
        self._line.begin()
        try:
            source, block = await self._first(self._line.ask, deadline)
        except ReadError:
            rolled_back = self._line.roll_back()
            if rolled_back is None:
                raise
            return rolled_back
        self._announcer = source
        self._cross.head(source, self._line)
        return block

    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        """One result per call, in order, all at `block`. Raises ReadError within the round's deadline."""
        if not calls:
            return []
        deadline = Deadline(self._round_timeout)
        chunked = chunks(calls, self._memory, self._spec.max_calls, self._spec.max_calldata)
        known = frozenset(self._memory.greedy)
        gate = asyncio.Semaphore(AT_ONCE)
        results: list[Result | None] = [None] * len(calls)
        sources: set[Endpoint] = set()

        async def fill(chunk: list[int]) -> None:
            spare: list[tuple[Endpoint, list[Result]]] = []
            blamed: list[Call] = []

            async def ask(endpoint: Endpoint, deadline: Deadline) -> list[Result]:
                reader = BlockReader(self._spec, endpoint, self._memory, block, deadline)
                found = await reader.read([calls[at] for at in chunk], len(calls))
                if len(self._endpoints) > 1 and ran_none(found):
                    spare.append((endpoint, found))
                    blamed.extend(reader.blamed)
                    raise Fault("rpc", f"runs none of {len(found)} calls")
                return found

            async with gate:
                try:
                    source, answers = await self._patiently(ask, deadline)
                except ReadError:
                    if not spare:
                        raise
                    source, answers = spare[0]  # nobody runs them: it is the calls
                else:
                    self._memory.pardon(blamed)
            sources.add(source)
            for at, answer in zip(chunk, answers, strict=True):
                results[at] = answer

        try:
            async with asyncio.TaskGroup() as tasks:
                for chunk in chunked:
                    tasks.create_task(fill(chunk))
        except* ReadError as group:
            fault = _first_leaf(group)
        else:
            self._read_hash = block.hash
            alone = [chunk[0] for chunk in chunked if len(chunk) == 1 and calls[chunk[0]] in known]
            self._memory.acquit({calls[at]: results[at] or _NOT_ASKED for at in alone})
            done = [_NOT_ASKED if result is None else result for result in results]
            if len(sources) == 1:
                self._cross.data(sources.pop(), block, calls, done)
            return done
        if fault.kind == "behind" and block.hash != self._read_hash:
            self._disown(block)
        raise ReadError(fault.kind, fault.detail)

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        """Logs of the blocks `first` to `last`, both included. Raises ReadError within the round's deadline.

        A long range is asked in pieces of the size that the node accepts; ask for years in several calls.
        """
        if first > last:
            return []
        deadline = Deadline(self._round_timeout)
        _, found = await self._first(lambda endpoint, left: read_logs(endpoint, first, last, wanted, left), deadline)
        return found

    async def has_code(self, address: str, block: int | None = None) -> bool:
        """Whether there is a contract at the address now, or after that block. Raises ReadError within the round's
        deadline; of the past most nodes know nothing.
        """

        async def ask(endpoint: Endpoint, deadline: Deadline) -> bool:
            at = "latest" if block is None else hex(block)
            code = await endpoint.request("eth_getCode", [address, at], deadline)
            return bool(hex_bytes(code, "code"))

        _, found = await self._first(ask, Deadline(self._round_timeout))
        return found

    async def hash_at(self, number: int) -> str | None:
        """Of the block at that height, by whoever told the newest head; None where it tells none."""
        found = await self.block_at(number)
        return None if found is None else found.hash

    async def block_at(self, number: int) -> Block | None:
        """The block at that height, likewise."""
        return None if self._announcer is None else await self._block_by(self._announcer, number)

    async def holds(self, number: int, block_hash: str) -> bool | None:
        """Whether the chain still has that block at that height; None where whoever told the newest head tells none.

        Raises ReadError where it has another one and a second endpoint has this one: then the first is left out.
        """
        source, found = self._announcer, await self.hash_at(number)
        if source is None or found is None:
            return None
        if found == block_hash:
            return True
        for other in self._cross.others(source)[:2]:
            there = await self._block_by(other, number)
            if there is not None and there.hash == block_hash:
                text = f"has another block {number} than before, and {other.name} has the same"
                source.distrust(text)
                raise ReadError("malformed", f"{source.name} {text}")
        self._line.unlearn(number)
        return False

    async def _block_by(self, endpoint: Endpoint, number: int) -> Block | None:
        """Whatever is wrong with the answer is no answer: nodes refuse what they have pruned in many ways."""
        deadline = Deadline(self._spec.timeout)
        try:
            await endpoint.verify(deadline)
            return await endpoint.by_number(number, deadline)
        except Fault as fault:
            if fault.kind in {"rate-limited", "wrong-chain"}:
                endpoint.failed(fault)
            return None

    async def close(self) -> None:
        await self._cross.close()
        for endpoint in self._endpoints:
            await endpoint.wire.close()

    # -- what may be shown -----------------------------------------------------------------------

    def endpoints(self) -> list[EndpointStatus]:
        return [endpoint.status() for endpoint in self._endpoints]

    def counts(self) -> tuple[int, int]:
        """(without trouble, all). One that was not needed yet counts as without trouble."""
        return sum(1 for status in self.endpoints() if status.healthy), len(self._endpoints)

    @property
    def last_source(self) -> str:
        """The endpoint that answered last, redacted."""
        return self._source

    @property
    def requests(self) -> int:
        """HTTP requests so far, of all endpoints."""
        return sum(endpoint.wire.requests for endpoint in self._endpoints)

    @property
    def contradiction(self) -> str:
        """Two endpoints disagree about the same block, in a sentence; empty while none is known."""
        return self._cross.contradiction

    @property
    def notice(self) -> str:
        """What the person could configure better, in a sentence; or empty."""
        lacking = any(endpoint.multicall is False for endpoint in self._endpoints)
        return missing_multicall(self._spec) if lacking or not self._spec.multicall3 else ""

    # -- choosing --------------------------------------------------------------------------------

    def _candidates(self) -> list[Endpoint]:
        """Those without trouble in the person's order, then the others, the one that rests least first."""
        usable = [endpoint for endpoint in self._endpoints if not endpoint.refused and not endpoint.held]
        well = [endpoint for endpoint in usable if endpoint.trouble == 0]
        ill = sorted((endpoint for endpoint in usable if endpoint.trouble), key=lambda ill: ill.rests_until)
        return sorted(well, key=lambda endpoint: endpoint.by_hash is False) + ill

    async def _patiently(
        self, ask: Callable[[Endpoint, Deadline], Awaitable[T]], deadline: Deadline
    ) -> tuple[Endpoint, T]:
        """`_first`, and once more after a moment when all are behind: a new block takes time to get around."""
        try:
            return await self._first(ask, deadline)
        except ReadError as error:
            moment = min(1.0, self._spec.block_time / 4)
            if error.kind != "behind" or deadline.left <= moment:
                raise
        await self._sleep(moment)
        return await self._first(ask, deadline)

    def _disown(self, block: Block) -> None:
        """Nobody has a head that was announced: whoever announced it is at fault, and not those who lack it."""
        self._line.forget(block)
        for endpoint in self._endpoints:
            if endpoint is self._announcer:
                endpoint.distrust(f"announced block {block.number}, and does not have it")
            elif endpoint.error.startswith("behind"):
                endpoint.worked()

    async def _first(self, ask: Callable[[Endpoint, Deadline], Awaitable[T]], deadline: Deadline) -> tuple[Endpoint, T]:
        """(endpoint, the first good answer). Raises ReadError with what each endpoint said."""
        faults: list[tuple[Endpoint, Fault]] = []
        for endpoint in self._candidates():
            if faults and deadline.left <= 0:
                break
            try:
                async with asyncio.timeout(deadline.left):
                    await endpoint.verify(deadline)
                    answer = await ask(endpoint, deadline)
            except TimeoutError:
                fault = Fault("timeout", f"no answer within the round's {self._round_timeout:.3g} s")
                endpoint.failed(fault)
                faults.append((endpoint, fault))
                break
            except Fault as fault:
                endpoint.failed(fault)
                faults.append((endpoint, fault))
            else:
                endpoint.worked()
                self._source = endpoint.name
                return endpoint, answer
        raise self._verdict(faults)

    def _verdict(self, faults: list[tuple[Endpoint, Fault]]) -> ReadError:
        if not self._endpoints:
            return ReadError(
                "no-endpoint", f"no RPC endpoint for {self._spec.name}: add rpc under [chains.{self._spec.name}]"
            )
        if not faults:
            held = [endpoint for endpoint in self._endpoints if not endpoint.refused]
            if held:
                return ReadError("rate-limited", safe("; ".join(f"{end.name}: {end.error}" for end in held)))
            return ReadError("wrong-chain", safe("; ".join(endpoint.refused for endpoint in self._endpoints)))
        told = "; ".join(f"{endpoint.name}: {fault.detail}" for endpoint, fault in faults)
        return ReadError(faults[0][1].kind, safe(told))


def _first_leaf(group: BaseExceptionGroup[ReadError]) -> ReadError:
    leaf = group.exceptions[0]
    return _first_leaf(leaf) if isinstance(leaf, BaseExceptionGroup) else leaf
