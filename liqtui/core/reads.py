"""The seam between what a protocol wants to know and how a chain is read.

A protocol never touches a socket. It writes a *plan*: a generator that yields batches of calls and is sent
their results, in order, until it returns its value. `run_plans` walks many plans in lockstep, so the number
of requests per round is the number of *steps* of the longest plan and does not grow with wallets or markets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

T = TypeVar("T")


class Block(NamedTuple):
    number: int
    hash: str
    """0x and 64 lower-case hex digits."""
    timestamp: int
    """Unix seconds, the chain's own."""


class Call(NamedTuple):
    target: str
    """0x and 40 lower-case hex digits."""
    data: bytes


class Failure(NamedTuple):
    """A call that has no answer. A value, never an exception: one bad contract must not blank the rest."""

    kind: str
    """revert: the contract refused · short: too few bytes · missing: not on the tape · unread: no answer."""
    detail: str = ""
    data: bytes = b""


Result: TypeAlias = bytes | Failure


class LogFilter(NamedTuple):
    addresses: tuple[str, ...]
    topics: tuple[tuple[str, ...] | None, ...]
    """Per position: the accepted values (0x + 64 hex), or None for any."""


class Log(NamedTuple):
    address: str
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class ReadError(Exception):
    """A chain could not be read at all. The text is safe to show: endpoints are redacted."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        """timeout · rate-limited · http · rpc · malformed · wrong-chain · behind · no-endpoint · no-multicall · tape"""
        self.detail = detail


class ChainReader(Protocol):
    """Reads one chain. All reads of a round name the same block."""

    @property
    def chain_id(self) -> int: ...
    async def head(self) -> Block: ...
    async def read(self, block: Block, calls: Sequence[Call]) -> list[Result]:
        """One result per call, in order, all at `block`. Raises ReadError when nothing could be read."""
        ...

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]: ...


Plan: TypeAlias = "Generator[list[Call], list[Result], T]"


class PlanFailed(Exception):  # noqa: N818 - reads as a fact at the place it is caught
    """A plan cannot go on (wrong contract, nonsense answer). The text is shown in the place it concerns."""


async def run_plans(reader: ChainReader, block: Block, plans: Sequence[Plan[Any]]) -> list[Any]:
    """Walk all plans in lockstep and return each plan's value, or the exception that ended it.

    Identical calls of one step are read once. PlanFailed and decoding faults (ValueError, IndexError,
    KeyError, ArithmeticError) end only the plan they arise in; ReadError ends the round and is raised.
    """
    values: list[Any] = [None] * len(plans)
    waiting: dict[int, list[Call]] = {}

    def step(index: int, results: list[Result] | None) -> None:
        try:
            waiting[index] = next(plans[index]) if results is None else plans[index].send(results)
        except StopIteration as stop:
            values[index] = stop.value
            waiting.pop(index, None)
        except (PlanFailed, ValueError, LookupError, ArithmeticError) as fault:
            values[index] = fault
            waiting.pop(index, None)

    for index in range(len(plans)):
        step(index, None)
    while waiting:
        places: dict[Call, int] = {}  # each call is hashed once: a round makes many thousands of them
        at = {index: [places.setdefault(call, len(places)) for call in calls] for index, calls in waiting.items()}
        answers = await reader.read(block, list(places)) if places else []
        if len(answers) != len(places):
            raise ValueError(f"{len(answers)} answers to {len(places)} calls")
        for index, wanted in at.items():
            step(index, list(map(answers.__getitem__, wanted)))
    return values
