"""One endpoint of a chain: its pace, its health, and what was learned about it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from liqtui.chain.faults import Cure, Fault, fixed_hex, malformed, quantity
from liqtui.chain.transport import MAX_ANSWER, Wire
from liqtui.core.reads import Block

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from liqtui.core.clock import Clock
    from liqtui.core.sources import ChainSpec

    Sleep = Callable[[float], Awaitable[object]]

LONGEST_REST = 300.0
DISTRUST = 120.0
LONGEST_HOLD = 60.0
"""A node that asks for more is asked again after this."""
LATENCY_WEIGHT = 0.3
SIZE_MEMORY = 600.0


class Deadline:
    """The moment by which a whole round must have ended, in the time of the running loop."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time() + seconds

    @property
    def left(self) -> float:
        return self._at - self._loop.time()


class TokenBucket:
    """At most `rate` requests per second, in bursts of at most one second's worth."""

    def __init__(self, rate: float, clock: Clock, sleep: Sleep) -> None:
        self._rate = rate
        self._size = max(1.0, rate)
        self._clock = clock
        self._sleep = sleep
        self._tokens = self._size
        self._at = clock.monotonic()

    async def take(self, patience: float) -> None:
        """Wait for one token. Raises Fault at once when that would take longer than `patience` seconds."""
        if self._rate <= 0:
            return
        now = self._clock.monotonic()
        self._tokens = min(self._size, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        wait = (1 - self._tokens) / self._rate
        if wait > patience:
            raise Fault("rate-limited", "our own limit of requests per second", Cure.WAIT)
        self._tokens -= 1  # before the wait, so that those who come later wait longer
        if wait > 0:
            await self._sleep(wait)


class Limit:
    """What a node was found to take at most. Forgotten after a while: limits change."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._value = 0
        self._until = 0.0

    @property
    def value(self) -> int | None:
        return self._value if self._clock.monotonic() < self._until else None

    def learn(self, most: int) -> None:
        self._value = max(1, min(most, self.value or most))
        self._until = self._clock.monotonic() + SIZE_MEMORY


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """What may be shown of an endpoint."""

    name: str
    """Redacted: scheme and host only."""
    healthy: bool
    """No trouble standing. An endpoint that was not needed yet counts as healthy."""
    refused: str
    """Why it is never used again (it serves another chain), or empty."""
    latency: float | None
    """Seconds, averaged; None before the first answer."""
    error: str
    """The last trouble, also after it is over; empty when there was none."""
    failures: int
    """In a row, up to now."""
    rests: float
    """Seconds until it is asked again as an equal; 0 when it may be asked now."""
    head: int | None
    """The newest block number that it answered."""
    chain_id: int | None
    """As it answered; None when not asked yet."""
    multicall: bool | None
    by_hash: bool | None
    """Whether it serves reads by block hash (EIP-1898); None when not known yet."""
    requests: int


class Endpoint:
    """Mutable; belongs to one pool and one event loop."""

    def __init__(self, url: str, spec: ChainSpec, clock: Clock, sleep: Sleep, max_answer: int = MAX_ANSWER) -> None:
        self.wire = Wire(url, timeout=spec.timeout, max_answer=max_answer)
        self.name = self.wire.name
        self.head: int | None = None
        self.chain_id: int | None = None
        self.multicall: bool | None = None
        self.by_hash: bool | None = None
        self.batches = True
        self.gas = spec.gas
        self.refused = ""
        self.trouble = 0
        self.error = ""
        self.latency: float | None = None
        self._spec = spec
        self._clock = clock
        self._bucket = TokenBucket(spec.requests_per_second, clock, sleep)
        self._rest_until = 0.0
        self._hold_until = 0.0
        self._doubt_until = 0.0
        self._calls = Limit(clock)
        self._blocks = Limit(clock)
        self._verified = False
        self._verifying = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"

    # -- size of requests ------------------------------------------------------------------------

    @property
    def most_calls(self) -> int:
        """Most inner calls in one request, as configured or as learned in the last minutes."""
        return min(max(1, self._spec.max_calls), self._calls.value or sys.maxsize)

    def shrink_calls(self, most: int) -> None:
        self._calls.learn(most)

    @property
    def most_blocks(self) -> int | None:
        """Longest range of blocks in one request for logs, as configured or as learned in the last minutes."""
        limits = [most for most in (self._spec.max_blocks, self._blocks.value) if most]
        return min(limits, default=None)

    def shrink_blocks(self, most: int) -> None:
        self._blocks.learn(most)

    # -- health ----------------------------------------------------------------------------------

    @property
    def resting(self) -> bool:
        return self._clock.monotonic() < max(self._rest_until, self._hold_until)

    @property
    def held(self) -> bool:
        """The node asked to be left alone, and is."""
        return self._clock.monotonic() < self._hold_until

    @property
    def rests_until(self) -> float:
        return max(self._rest_until, self._hold_until)

    def worked(self) -> None:
        """All is well again, unless it is doubted: an answer that was on its way then says nothing against that."""
        if self._clock.monotonic() < self._doubt_until:
            return
        self.trouble = 0
        self._rest_until = self._hold_until = 0.0

    def failed(self, fault: Fault) -> None:
        """Rest for a time that doubles with each failure in a row. Failures while resting count once."""
        self.error = str(fault)
        if fault.kind == "wrong-chain":
            self.refused = fault.detail
        if fault.kind != "rate-limited":
            self._verified = False  # what answers after a fault need not be what answered before it
        if self.resting:
            return
        self.trouble += 1
        now, back_off = self._clock.monotonic(), 2.0 ** min(self.trouble, 12)
        if fault.kind == "behind" and fault.wait is None:  # it most often catches up within a block or two
            self._rest_until = now + min(30.0, max(1.0, self._spec.block_time))
        elif fault.cure is Cure.WAIT:
            self._hold_until = now + min(LONGEST_HOLD, back_off if fault.wait is None else fault.wait)
        else:
            self._rest_until = now + min(LONGEST_REST, max(back_off, fault.wait or 0.0))

    def distrust(self, detail: str, kind: str = "malformed") -> None:
        """It said what others, or it itself, do not confirm: a long rest at once."""
        self._doubt_until = 0.0
        self.worked()
        self.failed(Fault(kind, detail, wait=DISTRUST))
        self._doubt_until = self._rest_until

    def status(self) -> EndpointStatus:
        return EndpointStatus(
            name=self.name,
            healthy=not self.refused and self.trouble == 0,
            refused=self.refused,
            latency=self.latency,
            error=self.error,
            failures=self.trouble,
            rests=max(0.0, self.rests_until - self._clock.monotonic()),
            head=self.head,
            chain_id=self.chain_id,
            multicall=self.multicall,
            by_hash=self.by_hash,
            requests=self.wire.requests,
        )

    # -- requests --------------------------------------------------------------------------------

    async def request(self, method: str, params: Sequence[Any], deadline: Deadline) -> Any:
        return await self._timed(deadline, lambda left: self.wire.call(method, params, left))

    async def batch(self, requests: Sequence[tuple[str, Sequence[Any]]], deadline: Deadline) -> list[Any]:
        return await self._timed(deadline, lambda left: self.wire.batch(requests, left))

    async def _timed(self, deadline: Deadline, ask: Callable[[float], Awaitable[Any]]) -> Any:
        await self._bucket.take(deadline.left)
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await ask(deadline.left)
        took = loop.time() - started
        self.latency = took if self.latency is None else self.latency + LATENCY_WEIGHT * (took - self.latency)
        return answer

    async def verify(self, deadline: Deadline) -> None:
        """Make sure, before the first use and after each fault, that this node serves the chain it should."""
        async with self._verifying:
            if self._verified:
                return
            self.chain_id = quantity(await self.request("eth_chainId", [], deadline), "chain id")
            if self.chain_id != self._spec.id:
                wanted = f"{self._spec.name} is {self._spec.id}"
                raise Fault("wrong-chain", f"{self.name} serves chain {self.chain_id}, but {wanted}: not used")
            self._verified = True

    async def header(self, method: str, which: str, deadline: Deadline) -> tuple[Block, str] | None:
        """(block, parent hash) by `eth_getBlockByNumber` or `eth_getBlockByHash`; None when it has no such block."""
        reply = await self.request(method, [which, False], deadline)
        if reply is None:
            return None
        if not isinstance(reply, dict):
            raise malformed("a block that is no object")
        fields = cast("dict[str, Any]", reply)
        number = quantity(fields.get("number"), "block number")
        block_hash = fixed_hex(fields.get("hash"), 32, "block hash")
        block = Block(number, block_hash, quantity(fields.get("timestamp"), "block timestamp"))
        return block, fixed_hex(fields.get("parentHash"), 32, "parent hash")

    async def by_number(self, number: int, deadline: Deadline) -> Block | None:
        found = await self.header("eth_getBlockByNumber", hex(number), deadline)
        if found is not None and found[0].number != number:
            raise malformed(f"block {found[0].number} in the place of {number}")
        return None if found is None else found[0]

    async def by_block_hash(self, block_hash: str, deadline: Deadline) -> Block | None:
        found = await self.header("eth_getBlockByHash", block_hash, deadline)
        if found is not None and found[0].hash != block_hash:
            raise malformed("another block than the one asked for by its hash")
        return None if found is None else found[0]
