"""What is known of one deployment between rounds: whether it is open, who holds something in it, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqtui.core.snapshot import Stage
from liqtui.engine.logsearch import LogSearch
from liqtui.engine.outcome import Spot
from liqtui.engine.words import safe, words
from liqtui.protocols.adapter import LogDiscovery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import PositionKey
    from liqtui.core.sources import MarketRef
    from liqtui.engine.logsearch import Notebook
    from liqtui.protocols.adapter import Adapter


@dataclass(slots=True)
class MarketState:
    """What is known of one deployment between rounds."""

    ref: MarketRef
    adapter: Adapter
    search: LogSearch | None = None
    """Where only logs tell what there is to open."""
    opened: Any = None
    opened_ref: MarketRef | None = None
    """What `opened` was opened for; or was tried, and is not better known."""
    tried_at: float | None = None
    hints: dict[str, Any] = field(default_factory=dict[str, Any])
    searched: set[str] = field(default_factory=set[str])
    """Wallets that were looked for since `opened`; without a hint they hold nothing here."""
    searched_at: float | None = None
    """When all wallets were last looked for."""
    met: dict[str, None] = field(default_factory=dict[str, None])
    """Wallets that held something here at any time, also before a restart: the log tells what left them nothing."""
    faults: dict[str, str] = field(default_factory=dict[str, str])
    """Step (open, discover, refresh) → why it failed the last time it was tried."""
    notes: tuple[str, ...] = ()

    @property
    def wanted(self) -> MarketRef:
        """The deployment with what is known of it by now."""
        return self.ref if self.search is None else self.search.ref

    def knows(self, wallet: str) -> bool:
        """Whether it is known where to look for all that this wallet may hold."""
        return self.search is None or self.search.complete(wallet)

    def spot(self, wallet: str = "") -> Spot:
        return Spot(self.ref.protocol, self.ref.name, wallet)

    @property
    def trouble(self) -> str:
        return "; ".join(self.faults.values())

    def told(self) -> tuple[str, ...]:
        """What the person should know although nothing failed."""
        if self.search is None:
            return self.notes
        found = [f"still looking for positions, {self.search.note}"] if self.search.note else []
        if self.search.doubt:
            found.append(f"{self.search.doubt}, when its contract was made: older loans may be missed")
        return (*self.notes, *(safe(f"{self.ref.protocol} {self.ref.name}: {text}") for text in found))

    def note(self, step: str, fault: Exception | None) -> None:
        """Keep or clear the reason for which a step failed."""
        self.faults.pop(step, None)
        if fault is not None:
            self.faults[step] = words(fault)

    def recall(self, keys: Iterable[PositionKey]) -> None:
        """Who held something here when an earlier run ended."""
        place = (self.ref.chain_id, self.ref.protocol, self.ref.name)
        self.met |= {key.wallet: None for key in keys if (key.chain_id, key.protocol, key.market) == place}

    def close(self) -> None:
        self.opened, self.tried_at, self.searched_at = None, None, None
        self.hints, self.searched = {}, set()

    def begin_anew(self) -> None:
        """It is another chain: nobody was met there."""
        self.close()
        self.met.clear()
        if self.search is not None:
            self.search.begin_anew()

    def due(self, now: float, every: float) -> bool:
        return self.searched_at is None or now - self.searched_at >= every

    def stage(self, wallets: Iterable[str]) -> Stage:
        note = "" if self.search is None else self.search.note
        done = self.opened is not None and not note and self.searched.issuperset(wallets)
        return Stage(self.ref.protocol, self.ref.name, done, len(self.hints), self.trouble, note)


def market_of(ref: MarketRef, adapter: Adapter, notebook: Notebook | None) -> MarketState:
    if isinstance(adapter, LogDiscovery) and adapter.searches(ref):
        return MarketState(ref, adapter, LogSearch(adapter, ref, notebook))
    return MarketState(ref, adapter)


def adapter_of(adapters: Mapping[str, Adapter], ref: MarketRef) -> Adapter:
    if ref.protocol not in adapters:
        raise LookupError(f"{safe(ref.name)}: this liqtui does not know the protocol {safe(ref.protocol)}")
    return adapters[ref.protocol]
