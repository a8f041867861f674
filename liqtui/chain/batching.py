"""Many calls at one block from one node, whatever that node can take.

Normally one `aggregate3`. What the node finds too large, too slow or too expensive is asked for in halves, down
to single calls, and what was learned stays with the endpoint. Without Multicall3: a JSON-RPC batch, or one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.chain import multicall
from liqtui.chain.faults import Cure, Fault, hex_bytes, malformed
from liqtui.chain.offenders import is_unread
from liqtui.core.reads import Block, Call, Failure, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.chain.endpoint import Deadline, Endpoint
    from liqtui.chain.offenders import Memory
    from liqtui.core.sources import ChainSpec

MOST_WITHOUT_MULTICALL = 400
"""More single calls than this in one read would only bring rate limits."""
MOST_DOUBTS = 12
"""Extra requests per chunk to find out which calls failed only because another one took all the gas."""
MOST_PARTS = 48
"""Requests for one chunk, however it has to be cut: bad calls may cost themselves, not the round."""
MOST_ALONE = 16
"""Greedy calls that are asked in one round, in turn."""
FEW = 12
"""No node takes fewer calls than this at once only because they are too many."""
SMALLEST_AFTER_TIMEOUT = 25
NEAR = 100_000
"""A block number within this of ours is meant to be ours; chains that answer another chain's are far away."""
OWN_CLOCK = frozenset({324, 300, 232, 388, 2741, 11124})
"""Chains of the ZKsync family: what a contract sees as time is not the timestamp of the block that was named."""


class BlockReader:
    """Reads at one block from one endpoint."""

    def __init__(self, spec: ChainSpec, endpoint: Endpoint, memory: Memory, block: Block, deadline: Deadline) -> None:
        self._spec = spec
        self._endpoint = endpoint
        self._memory = memory
        self._block = block
        self._deadline = deadline
        self._by_number = endpoint.by_hash is False
        self._parts = 0
        self._answered = False
        self._ran = 0
        """Most calls that ran in one request."""
        self._odd: list[Sequence[Call]] = []
        """What did not run at once, and does in halves."""
        self.blamed: list[Call] = []
        """Calls that it could not run even alone."""

    async def read(self, calls: Sequence[Call], total: int) -> list[Result]:
        """One result per call, of `total` in this round. Raises Fault when this endpoint cannot answer."""
        if self._by_number:
            return await self._read_by_number(calls, total)
        try:
            return await self._read(calls, total)
        except Fault as fault:
            if fault.cure is not Cure.OTHER_PIN or self._endpoint.by_hash:
                raise
        self._by_number = True
        results = await self._read_by_number(calls, total)
        self._endpoint.by_hash = False
        return results

    async def _read_by_number(self, calls: Sequence[Call], total: int) -> list[Result]:
        """For nodes without EIP-1898: the hash at that number must be ours before and after."""
        await self._same_chain()
        results = await self._read(calls, total)
        await self._same_chain()
        return results

    async def _same_chain(self) -> None:
        found = await self._endpoint.by_number(self._block.number, self._deadline)
        if found is None or found.hash != self._block.hash:
            raise Fault("behind", f"no block {self._block.number} with that hash")

    async def _read(self, calls: Sequence[Call], total: int) -> list[Result]:
        if await self._has_multicall():
            return await self._doubted(calls)
        if total > MOST_WITHOUT_MULTICALL:
            raise Fault("no-multicall", missing_multicall(self._spec))
        return await self._without_multicall(calls)

    # -- with Multicall3 -------------------------------------------------------------------------

    async def _has_multicall(self) -> bool:
        endpoint, memory = self._endpoint, self._memory
        if not self._spec.multicall3:
            return False
        if endpoint.multicall is None:
            code = await endpoint.request("eth_getCode", [self._spec.multicall3, "latest"], self._deadline)
            there = len(hex_bytes(code, "contract code")) > 0
            if memory.multicall_exists and not there:
                raise malformed("denies a contract that other nodes have (Multicall3)")
            endpoint.multicall = there
            memory.multicall_exists = memory.multicall_exists or there
        return endpoint.multicall

    async def _doubted(self, calls: Sequence[Call]) -> list[Result]:
        """Results in which no call failed only because another one of its batch had taken the gas.

        An inner call may burn 63/64 of the gas: those after it then fail without a word, in a batch that
        succeeds. So whoever fails without a word is asked again. Who is believed stands at the end from then on,
        where it harms nobody but its like.
        """
        memory = self._memory
        if memory.mute:
            order = memory.safe_order(calls)
            answers = await self._run([calls[at] for at in order])
            results = [answer for _, answer in sorted(zip(order, answers, strict=True), key=lambda pair: pair[0])]
        else:
            results = await self._run(calls)
        if len(calls) > 1 and not await self._all_the_same(calls, results):
            await self._one_by_one(calls, results)
        if memory.mute:
            memory.mute.difference_update(
                call for call, result in zip(calls, results, strict=True) if not isinstance(result, Failure)
            )
        return results

    async def _all_the_same(self, calls: Sequence[Call], results: list[Result]) -> bool:
        """Whether those that failed without a word fail in other orders too: last first, and from the middle on.

        Most are questions whether a contract has some function at all, dozens when a market is opened. Were gas the
        reason, some would be answered as soon as they stand before whoever burns it.
        """
        doubts = [at for group in self._doubts(calls, results) for at in group]
        half = len(doubts) // 2
        orders = [doubts[::-1], doubts[half:] + doubts[:half]]
        for order in orders[: min(2, len(doubts))]:
            again = await self._run([calls[at] for at in order])
            for at, result in zip(order, again, strict=True):
                results[at] = result
            if not all(map(_is_mute, again)):
                return False
        for at in doubts:
            self._memory.hush(calls[at])
        return True

    async def _one_by_one(self, calls: Sequence[Call], results: list[Result]) -> None:
        """Ask those that failed without a word apart from other contracts; who fails at the front is believed."""
        left = MOST_DOUBTS
        while left > 0 and (doubts := self._doubts(calls, results)):
            for group in doubts[:left]:
                left -= 1
                again = await self._run([calls[at] for at in group])
                for at, result in zip(group, again, strict=True):
                    results[at] = result
                if _is_mute(again[0]):
                    self._memory.hush(calls[group[0]])
        for group in self._doubts(calls, results):
            for at in group:
                results[at] = Failure("unread", "failed without a reason, perhaps only for lack of gas")

    def _doubts(self, calls: Sequence[Call], results: Sequence[Result]) -> list[list[int]]:
        """Places of the calls that failed without a word and are not known to, by contract."""
        groups: dict[str, list[int]] = {}
        for at, (call, result) in enumerate(zip(calls, results, strict=True)):
            if _is_mute(result) and call not in self._memory.mute:
                groups.setdefault(call.target, []).append(at)
        return list(groups.values())

    async def _run(self, calls: Sequence[Call]) -> list[Result]:
        """`_split`, and what is to be learned of it: was it too many calls, or is one among them too heavy for others?

        As many others ran at once: then it is one of these few, and they are asked alone. Else one heavy call would cut
        all requests down to a size in which they no longer fit into a round.
        """
        results = await self._split(calls)
        for few in self._odd:
            if len(few) > max(self._ran, FEW):
                self._endpoint.shrink_calls(self._ran)
            else:
                self._accuse(few)
        self._odd.clear()
        return results

    def _accuse(self, calls: Iterable[Call]) -> None:
        for call in calls:
            self._memory.accuse(call)
            self.blamed.append(call)

    async def _split(self, calls: Sequence[Call]) -> list[Result]:
        """`_once`, in halves where the node finds it too much. A call that is too much alone is a Failure."""
        half = len(calls) // 2
        if len(calls) > self._endpoint.most_calls:
            return [*await self._split(calls[:half]), *await self._split(calls[half:])]
        if self._parts >= MOST_PARTS:
            return [Failure("unread", "among calls that the node cannot run")] * len(calls)
        try:
            results = await self._once(calls)
        except Fault as fault:
            if fault.cure is Cure.WITHOUT_GAS and self._endpoint.gas is not None:
                self._endpoint.gas = None
                return await self._split(calls)
            if fault.kind == "timeout" and half >= SMALLEST_AFTER_TIMEOUT:
                self._endpoint.shrink_calls(half)  # for the next time; in this round there is no time left to try
            if fault.cure not in {Cure.SMALLER, Cure.NONE, Cure.WITHOUT_GAS}:
                raise
            if len(calls) == 1:
                return [await self._blame(calls[0], fault)]
        else:
            self._ran = max(self._ran, len(calls))
            return results
        if self._odd and FEW <= self._ran < len(calls):  # the second that is too much for it
            self._endpoint.shrink_calls(self._ran)
        known = len(self._odd)
        results = [*await self._split(calls[:half]), *await self._split(calls[half:])]
        if len(self._odd) == known and not any(map(is_unread, results)):
            self._odd.append(calls)
        return results

    async def _blame(self, call: Call, fault: Fault) -> Failure:
        """What a call is that the node cannot run even alone. Raises Fault when the node runs nothing at all."""
        if call not in self._memory.greedy:
            if not self._answered:
                await self._once([])
            self._accuse([call])
        return Failure("unread", f"the node cannot run this call: {fault.detail}", fault.data)

    async def _once(self, calls: Sequence[Call]) -> list[Result]:
        """One `aggregate3`, with the block's own number and time read in the same breath."""
        contract = self._spec.multicall3
        checks = [Call(contract, multicall.GET_BLOCK_NUMBER), Call(contract, multicall.GET_BLOCK_TIMESTAMP)]
        wanted = [*checks, *calls]
        self._parts += 1
        answer = await self._eth_call(contract, multicall.encode(wanted))
        number, time, *results = multicall.decode(answer, len(wanted))
        self._check_block(number, time)
        self._answered = True
        return results

    def _check_block(self, number: Result, time: Result) -> None:
        """A node that quietly answers for another block than the one that was named gives itself away here."""
        if isinstance(number, Failure) or isinstance(time, Failure) or len(number) != 32 or len(time) != 32:
            raise malformed("Multicall3 does not tell its block")
        seen, stamp = int.from_bytes(number, "big"), int.from_bytes(time, "big")
        other_time = stamp != self._block.timestamp and self._spec.id not in OWN_CLOCK
        other_number = seen != self._block.number and abs(seen - self._block.number) < NEAR
        if other_time or (other_number and self._spec.id not in OWN_CLOCK):
            raise malformed(f"answered for block {seen} (time {stamp}) when asked for block {self._block.number}")

    # -- without ---------------------------------------------------------------------------------

    async def _without_multicall(self, calls: Sequence[Call]) -> list[Result]:
        if not self._endpoint.batches or len(calls) == 1:
            return [await self._single(call) for call in calls]
        try:
            return await self._batch(calls)
        except Fault as fault:
            if fault.kind not in {"rpc", "malformed", "http"}:
                raise
        results = [await self._single(call) for call in calls]
        self._endpoint.batches = False  # one by one works where a batch does not
        return results

    async def _batch(self, calls: Sequence[Call]) -> list[Result]:
        requests = [("eth_call", self._params(call.target, call.data)) for call in calls]
        try:
            answers = await self._endpoint.batch(requests, self._deadline)
        except Fault as fault:
            if fault.cure is not Cure.SMALLER or len(calls) == 1:
                raise
            half = len(calls) // 2
            return [*await self._batch(calls[:half]), *await self._batch(calls[half:])]
        return [_alone(answer) for answer in answers]

    async def _single(self, call: Call) -> Result:
        try:
            return _alone("0x" + (await self._eth_call(call.target, call.data)).hex())
        except Fault as fault:
            return _alone(fault)

    # -- requests --------------------------------------------------------------------------------

    async def _eth_call(self, target: str, data: bytes) -> bytes:
        answer = await self._endpoint.request("eth_call", self._params(target, data), self._deadline)
        if not self._by_number:
            self._endpoint.by_hash = True
        return hex_bytes(answer, "the answer to a call")

    def _params(self, target: str, data: bytes) -> list[Any]:
        call: dict[str, str] = {"to": target, "data": "0x" + data.hex()}
        if self._endpoint.gas is not None:
            call["gas"] = hex(self._endpoint.gas)
        return [call, self._pin()]

    def _pin(self) -> str | dict[str, Any]:
        if self._by_number:
            return hex(self._block.number)
        return {"blockHash": self._block.hash, "requireCanonical": True}


def missing_multicall(spec: ChainSpec) -> str:
    """What to configure, in a sentence."""
    at = spec.multicall3 or "any configured address"
    return f'no Multicall3 at {at}; set multicall3 = "0x…" under [chains.{spec.name}] to where it is deployed'


def _is_mute(result: Result) -> bool:
    return isinstance(result, Failure) and result.kind == "revert" and not result.data


def _alone(answer: object) -> Result:
    """A call's own answer, read outside of Multicall3."""
    if isinstance(answer, Fault):
        if answer.cure is Cure.NONE:
            return Failure("revert", multicall.revert_reason(answer.data) or answer.detail, answer.data)
        if answer.cure in {Cure.SMALLER, Cure.WITHOUT_GAS}:
            return Failure("unread", answer.detail)
        raise answer
    data = hex_bytes(answer, "the answer to a call")
    return data or Failure("short", "nothing returned: no contract there, or not this function")


def chunks(calls: Sequence[Call], memory: Memory, most_calls: int, most_bytes: int) -> list[list[int]]:
    """Places of `calls`, cut into requests by count and by size; greedy calls each alone.

    When there are many greedy ones, only some have their turn: the places of the others are in no request.
    """
    out: list[list[int]] = []
    size = 0
    open_chunk: list[int] = []
    for at, call in enumerate(calls):
        if call in memory.greedy:
            continue
        need = multicall.call_size(call)
        if open_chunk and (len(open_chunk) >= most_calls or size + need > most_bytes):
            out.append(open_chunk)
            open_chunk, size = [], 0
        open_chunk.append(at)
        size += need
    if open_chunk:
        out.append(open_chunk)
    alone = [at for at, call in enumerate(calls) if call in memory.greedy]
    memory.turn += 1 if len(alone) <= MOST_ALONE else MOST_ALONE
    return out + [[at] for at in memory.rotated(alone)[:MOST_ALONE]]
