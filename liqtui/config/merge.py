"""Two edits of one list brought together, wallet by wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.config.errors import WatchlistError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.config.watchlist import Watchlist
    from liqtui.core.wallet import Wallet


class WatchlistConflict(WatchlistError):  # noqa: N818 (a conflict is an outcome with two values, not a fault)
    """The same wallet was changed here and in the file. Nothing was written; both versions are whole."""

    def __init__(
        self, base: Watchlist, theirs: Watchlist, ours: Watchlist, keys: Sequence[str], reason: str = ""
    ) -> None:
        titles = ", ".join(_title(key, theirs, ours) for key in keys)
        super().__init__(reason or f"Changed both here and in the file: {titles}. Nothing was written.")
        self.base = base
        self.theirs = theirs
        """As it is in the file."""
        self.ours = ours
        """As it is in memory."""
        self.keys = tuple(keys)
        """Wallet keys that are in conflict."""


def _title(key: str, *lists: Watchlist) -> str:
    return next((wallet.title for entry in lists for wallet in entry.wallets if wallet.key == key), key)


def merge(base: Watchlist, theirs: Watchlist, ours: Watchlist) -> tuple[Wallet, ...]:
    """The change from `base` to `ours`, applied to `theirs`. Raises WatchlistConflict."""
    was, here, there = ({wallet.key: wallet for wallet in side.wallets} for side in (base, ours, theirs))
    merged: dict[str, Wallet] = {}
    conflicts: list[str] = []
    for key in was | there | here:
        old, mine, other = was.get(key), here.get(key), there.get(key)
        if mine != old and other not in (old, mine):
            conflicts.append(key)
        chosen = other if mine == old else mine
        if chosen is not None:
            merged[key] = chosen
    if conflicts:
        raise WatchlistConflict(base, theirs, ours, conflicts)
    return tuple(merged[key] for key in _order(list(was), list(there), list(here)) if key in merged)


def _order(base: list[str], theirs: list[str], ours: list[str]) -> list[str]:
    """Our order where we moved something, else theirs; what only the other side has follows its neighbour there."""
    moved = [key for key in ours if key in base] != [key for key in base if key in ours]
    first, second = (ours, theirs) if moved else (theirs, ours)
    order = list(first)
    for place, key in enumerate(second):
        if key not in order:
            before = [order.index(other) for other in second[:place] if other in order]
            order.insert(before[-1] + 1 if before else 0, key)
    return order
