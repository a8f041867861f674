"""Deployments held against the chain: do they open, what are they, and is that what the shipped data say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.reads import PlanFailed, ReadError, run_plans
from liqtui.core.redact import redact
from liqtui.core.text import clean
from liqtui.protocols.adapter import LogDiscovery, Survey, Surveyor
from liqtui.protocols.feed_check import FeedsFound, look

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.chain.pool import EndpointPool
    from liqtui.core.reads import Block, Plan
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Adapter
    from liqtui.protocols.registry import About

REPLACEABLE = {"oracle"}
"""Facts that a protocol's governance changes now and then; another one says that the shipped data are old."""

PACED = 1000
"""Blocks by which a chain's pace is told."""


class Difference(NamedTuple):
    fact: str
    """As in the deployment data: pool, oracle, base_token."""
    shipped: str
    chain: str

    @property
    def grave(self) -> bool:
        """What should never change: this is another market than the one that is meant."""
        return self.fact not in REPLACEABLE


@dataclass(frozen=True)
class Examined:
    """One deployment as the chain answered for it."""

    ref: MarketRef
    survey: Survey | None
    """None: it did not open."""
    error: str = ""
    """Why not, safe to show."""
    differences: tuple[Difference, ...] = ()
    """Between the shipped data and the chain."""
    begins: int = 0
    """The block in which a search of logs for it begins, where there is one."""
    missed: bool | None = None
    """Whether the contract was there before that block, so that older positions are missed; None: not known."""


async def examine(
    pool: EndpointPool, refs: Sequence[MarketRef], adapters: Mapping[str, Adapter], about: Callable[[MarketRef], About]
) -> list[Examined]:
    """All deployments of one chain, in a constant number of requests. Raises ReadError when nothing answered."""
    block = await pool.head()
    found = await run_plans(pool, block, [_look(adapters[ref.protocol], ref, block) for ref in refs])
    examined = [await _examined(pool, ref, each, about(ref)) for ref, each in zip(refs, found, strict=True)]
    return [await _dated(pool, each, adapters[each.ref.protocol]) for each in examined]


async def feeds(pool: EndpointPool) -> FeedsFound | None:
    """The shipped feeds of this chain as it answers for them. None: nobody answered, and that is told elsewhere."""
    try:
        (found,) = await run_plans(pool, await pool.head(), [look(pool.chain_id)])
    except ReadError:
        return None
    return found if isinstance(found, FeedsFound) else None


async def block_time(pool: EndpointPool) -> float | None:
    """Seconds from block to block, over the newest `PACED`; None where that many are not told."""
    try:
        newest = await pool.head()
    except ReadError:
        return None
    older = await pool.block_at(newest.number - PACED) if newest.number > PACED else None
    return None if older is None else (newest.timestamp - older.timestamp) / PACED


async def _dated(pool: EndpointPool, found: Examined, adapter: Adapter) -> Examined:
    """With whether a search of its logs begins early enough, as far as any node still knows."""
    if found.survey is None or not isinstance(adapter, LogDiscovery) or not adapter.searches(found.ref):
        return found
    begins = adapter.first_block(found.ref)
    try:
        missed = await pool.has_code(found.ref.entry, begins - 1) if begins else None
    except ReadError:
        missed = None
    return replace(found, begins=begins, missed=missed)


def _look(adapter: Adapter, ref: MarketRef, block: Block) -> Plan[Survey]:
    ready = adapter.learn(ref, ()) if isinstance(adapter, LogDiscovery) and adapter.searches(ref) else ref
    opened: Any = yield from adapter.open(ready, block)
    return adapter.survey(opened) if isinstance(adapter, Surveyor) else Survey("opens")


async def _examined(pool: EndpointPool, ref: MarketRef, found: object, about: About) -> Examined:
    if isinstance(found, Survey):
        on_chain = dict(found.facts)
        told = [(key, wanted, on_chain[key]) for key, wanted in about.facts if key in on_chain]
        return Examined(ref, found, "", tuple(Difference(*each) for each in told if each[1] != each[2]))
    text = str(found) if isinstance(found, PlanFailed) else f"{type(found).__name__}: {found}"
    try:
        if not await pool.has_code(ref.entry):
            text = f"there is no contract at {ref.entry} on this chain"
    except ReadError:
        pass  # nobody told: the reason stays what it was
    return Examined(ref, None, clean(redact(text), 200))
