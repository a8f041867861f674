"""Plans of several markets that walk in lockstep, so that a round costs as many requests as the longest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from liqtui.core.reads import run_plans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.reads import Block, ChainReader, Plan
    from liqtui.engine.markets import MarketState

Walk: TypeAlias = "tuple[MarketState, Callable[[], Plan[Any]]]"


async def walk(
    reader: ChainReader,
    block: Block,
    walks: Sequence[Walk],
    then: Callable[[MarketState, Any], None],
    beside: Sequence[Plan[None]] = (),
) -> None:
    """Walk the plans; `then` gets each value, or the exception that ended the plan, as it comes.

    `beside`: further plans that go along and concern nobody but themselves. Raises ReadError.
    """

    def told(market: MarketState, plan: Callable[[], Plan[Any]]) -> Plan[None]:
        then(market, (yield from _contained(plan)))

    for fault in await run_plans(reader, block, [*(told(market, plan) for market, plan in walks), *beside]):
        if isinstance(fault, Exception):
            raise fault


def _contained(plan: Callable[[], Plan[Any]]) -> Plan[Any]:
    """The plan's value, or as a value whatever exception ended it: a fault stays with its market."""
    try:
        return (yield from plan())
    except Exception as fault:  # noqa: BLE001 - handed on as a value and shown
        return fault
