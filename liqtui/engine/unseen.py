"""What nobody looks at and no row tells of: chains and markets that are not read, a list without a wallet, a wallet
without an address, and channels on which nobody hears what is said.

What is there nobody knows, and a position that is not known has no alert. So that is an alert itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.config.watchlist import is_resolved
from liqtui.core.severity import blind_after
from liqtui.core.snapshot import Severity
from liqtui.engine.setup import wallets_on
from liqtui.engine.words import safe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from liqtui.core.wallet import Wallet
    from liqtui.engine.alarms import Alarms
    from liqtui.engine.held import Chain, Held

PATIENCE = 180.0
"""Seconds that the address of a name may be unknown before that is told."""
LONG = 3600.0
"""Seconds without a reading after which that is told of what was read before, and nobody held anything there."""


class Place(NamedTuple):
    chain: str
    market: str = ""
    """Protocol and name; empty: the chain as a whole."""

    @property
    def what(self) -> str:
        """What tells its alert from others about that chain."""
        return f"unseen {self.market}"


class Unseen:
    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._read: set[Place] = set()
        self._since: dict[Place, float] = {}
        self._told: set[Place] = set()
        self._nobody = False
        self._ailing: set[str] = set()
        self._nameless: dict[str, float] = {}
        """Since when; 0: it was told."""

    def nobody(self, now: float, *, left: int) -> None:
        """Say that the list is empty while so many positions were open that are on nobody's now; 0: that is not so."""
        if left and not self._nobody:
            were = "1 position was" if left == 1 else f"{left} positions were"
            text = f"nobody is watched: the list is empty, be it that its file is gone; {were} open when last seen"
            self._alarms.tell(now, Severity.CRITICAL, "watchlist", text)
        elif self._nobody and not left:
            self._alarms.ended("watchlist", now)
        self._nobody = bool(left)

    def unheard(self, ailing: Mapping[str, str], now: float) -> None:
        """Say which channels do not deliver, with why, and which do again."""
        for name in ailing.keys() - self._ailing:
            text = f"alerts do not arrive on this channel: {ailing[name]}"
            self._alarms.tell(now, Severity.WARN, f"channel {name}", text, "unheard")
        for name in self._ailing - ailing.keys():
            self._alarms.ended(f"channel {name}", now, "unheard")
        self._ailing = set(ailing)

    def look(self, chains: Collection[Chain], held: Iterable[Held], wallets: Collection[Wallet], now: float) -> None:
        """Say what is to be said now, and what is over."""
        self._unnamed(wallets, now)
        found = {place: (why, chain) for chain in chains for place, why in self._missing(chain, now)}
        if found:
            concerned = _without_row(found, held, wallets)
            found = {place: why for place, why in found.items() if place in concerned}
        self._since = {place: min(self._since.get(place, now), now) for place in found}
        for place in [place for place in self._told if place not in found]:
            self._told.discard(place)
            self._alarms.ended(place.chain, now, place.what)
        for place, (why, chain) in found.items():
            patience = LONG if place in self._read else blind_after(chain.spec.poll)
            if place not in self._told and now - self._since[place] >= patience:
                self._told.add(place)
                self._alarms.tell(now, Severity.WARN, place.chain, self._words(place, why), place.what)

    def _unnamed(self, wallets: Iterable[Wallet], now: float) -> None:
        """Say which names stand for nobody for long: whoever they mean is watched nowhere."""
        names = {safe(wallet.address) for wallet in wallets if not is_resolved(wallet)}
        for name in self._nameless.keys() - names:
            if not self._nameless.pop(name):
                self._alarms.ended(name, now, "unnamed")
        for name in names:
            since = min(self._nameless.get(name, now), now)
            if since and now - since >= PATIENCE:
                self._alarms.tell(
                    now, Severity.WARN, name, "not watched: its address could not be looked up", "unnamed"
                )
                since = 0.0
            self._nameless[name] = since

    def _words(self, place: Place, why: str) -> str:
        what = place.market or "the chain"
        if place in self._read:
            return f"{what} was not read for an hour, what is opened there is not seen: {why}"
        return f"{what} was not read once since the start, what is there is not known: {why}"

    def _missing(self, chain: Chain, now: float) -> Iterable[tuple[Place, str]]:
        name = chain.spec.name
        if why := chain.silent(now):
            return [(Place(name), why)]
        self._read.add(Place(name))
        stages = {Place(name, f"{stage.protocol} {stage.market}"): stage.error for stage in chain.stages}
        self._read.update(place for place, error in stages.items() if not error)
        return [(place, error) for place, error in stages.items() if error]


def _without_row(places: Collection[Place], held: Iterable[Held], wallets: Collection[Wallet]) -> Collection[Place]:
    """Those where a wallet is looked for and of which no row tells."""
    rows = {Place(each.chain.spec.name, f"{each.key.protocol} {each.key.market}") for each in held}
    rows |= {Place(place.chain) for place in rows}
    looked_at = {name for name in {place.chain for place in places} if wallets_on(name, wallets)}
    return {place for place in places if place.chain in looked_at and place not in rows}
