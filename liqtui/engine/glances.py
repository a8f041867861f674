"""Wallets that held nothing in a market, looked at again in the requests that a round sends anyway.

Positions that are opened elsewhere would else show only when all wallets are looked for again. A glance is one call
for each wallet; as many go into a round as its first request has room for, others in the rounds after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from liqtui.protocols.adapter import Glancer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.reads import Plan
    from liqtui.core.sources import ChainSpec

GLANCES = 100
"""In one round, at most: they are to be no burden on a node either."""
MOST = 400
"""Calls in the first request of a round, glances included."""
_CALL_BYTES = 300
"""What a call with one address takes inside aggregate3, at most."""
_OF_MARKET, _OF_WALLET = 8, 4
"""Calls in the first step of a refresh, about: for the market, and for each wallet that holds something in it."""


class Watched(Protocol):
    """What is known of one deployment between rounds."""

    @property
    def adapter(self) -> Any: ...
    @property
    def opened(self) -> Any: ...
    @property
    def hints(self) -> Mapping[str, Any]: ...
    @property
    def searched(self) -> set[str]: ...


M = TypeVar("M", bound=Watched)


class Glances:
    """Whose turn it is."""

    def __init__(self, spec: ChainSpec) -> None:
        self._most = min(MOST, spec.max_calls, spec.max_calldata // _CALL_BYTES)
        self._turn = 0

    def next(self, markets: Sequence[M]) -> list[tuple[M, list[str]]]:
        """Markets with the wallets to glance at in this round; nothing where no market is read at all."""
        used = sum(_OF_MARKET + _OF_WALLET * len(m.hints) for m in markets if m.opened is not None and m.hints)
        waiting = [
            (market, wallet)
            for market in markets
            if market.opened is not None and isinstance(market.adapter, Glancer)
            for wallet in sorted(market.searched - market.hints.keys())
        ]
        if not used or not waiting:
            return []
        count = min(len(waiting), GLANCES, max(0, self._most - used))
        start = self._turn % len(waiting)
        self._turn = start + count
        chosen: dict[int, tuple[M, list[str]]] = {}
        for market, wallet in (*waiting[start:], *waiting[:start])[:count]:
            chosen.setdefault(id(market), (market, []))[1].append(wallet)
        return list(chosen.values())


def glanced(market: Watched, wallets: Sequence[str]) -> Plan[None]:
    """Whoever holds something now is looked for in the next round."""
    try:
        plan: Plan[set[str]] = market.adapter.glance(market.opened, wallets)
        found = yield from plan
    except Exception:  # noqa: BLE001 - nothing is lost: all wallets are looked for again anyway, and that tells
        return
    market.searched.difference_update(found)
