"""Recording a walk: the tape of what the program read, and what the contracts themselves answered at each block."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from liqtui.core.results import Direction
from liqtui.core.sources import ChainSpec
from liqtui.engine.recording import Recorder
from liqtui.engine.setup import Setup
from tests.lab.demo import ChainClock
from tests.real.truth import Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liqtui.core.model import Position
    from liqtui.core.wallet import Wallet
    from tests.real.conformance import Case

T = TypeVar("T")


async def walked(
    case: Case,
    wallets: Sequence[Wallet],
    step: Callable[[int], Callable[[], T]],
    path: Path,
    *,
    title: str,
    blocks: int,
) -> list[T]:
    """Record a round after each step, which moves the chain.

    A step gives what asks the contracts, called once the program has read the same block; the answers are returned.
    """
    node, clock = case.node, ChainClock()
    spec = ChainSpec(node.chain_id, "lab", rpc=(node.url,), requests_per_second=1e6, block_time=12.0, poll=12.0)
    clock.at = float(node.timestamp + 1)
    recorder = Recorder(Setup((spec,), (case.ref,), tuple(wallets)), path, title=title, mark_alerts=False, clock=clock)
    out: list[T] = []
    try:
        for number in range(blocks):
            ask = step(number)
            clock.at = float(node.timestamp + 1)
            await recorder.round(spec.name)
            out.append(ask())
    finally:
        await recorder.close()
    return out


def turns_of(case: Case, found: Position) -> list[Turn]:
    """Where we say that each boundary lies, once the contract has been asked on both sides of it."""
    out: list[Turn] = []
    for boundary, mover in case.boundaries(found):
        if boundary.price is None:
            continue
        safe = boundary.price + (1 if boundary.direction is Direction.FALLS else -1)
        assert case.unsafe(found, boundary, mover, boundary.price), (found, boundary)
        assert not case.unsafe(found, boundary, mover, safe), (found, boundary)
        out.append(Turn(found.key.wallet, boundary.factor, boundary.price, safe))
    return out
