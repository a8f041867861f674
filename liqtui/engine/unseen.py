"""Chains and markets that were not read once since the start, and of which no row tells.

What is on them nobody knows, and a position that is not known has no alert. So that is an alert itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.severity import blind_after

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from liqtui.engine.held import Chain


class Place(NamedTuple):
    chain: str
    market: str = ""
    """Protocol and name; empty: the chain as a whole."""

    @property
    def what(self) -> str:
        """What tells its alert from others about that chain."""
        return f"unseen {self.market}"


class Unseen:
    def __init__(self) -> None:
        self._read: set[Place] = set()
        self._since: dict[Place, float] = {}
        self._told: set[Place] = set()

    def look(
        self, chains: Iterable[Chain], concerns: Callable[[Collection[Place]], Collection[Place]], now: float
    ) -> tuple[list[tuple[Place, str]], list[Place]]:
        """What has to be said now, with its sentence, and what is over.

        `concerns`: those where a wallet is looked for and of which no row tells; only asked where something is wrong.
        """
        found = {place: (why, chain) for chain in chains for place, why in self._missing(chain)}
        if found:
            concerned = concerns(found)
            found = {place: why for place, why in found.items() if place in concerned}
        self._since = {place: min(self._since.get(place, now), now) for place in found}
        over = [place for place in self._told if place not in found]
        self._told.difference_update(over)
        due = {
            place: f"{place.market or 'the chain'} was not read once since the start, what is there is not known: {why}"
            for place, (why, chain) in found.items()
            if place not in self._told and now - self._since[place] >= blind_after(chain.spec.poll)
        }
        self._told.update(due)
        return list(due.items()), over

    def _missing(self, chain: Chain) -> Iterable[tuple[Place, str]]:
        name = chain.spec.name
        if chain.good_at is None:
            return [(Place(name), chain.error or chain.crash or "no answer yet")]
        stages = {Place(name, f"{stage.protocol} {stage.market}"): stage.error for stage in chain.stages}
        self._read.update(place for place, error in stages.items() if not error)
        return [(place, error) for place, error in stages.items() if error and place not in self._read]
