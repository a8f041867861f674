"""Changes of the watchlist as the screens make them: written to disk, told to the engine, faults as values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.config.merge import WatchlistConflict, merge
from liqtui.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liqtui.config.imports import Imported
    from liqtui.config.store import WatchlistStore
    from liqtui.config.watchlist import Watchlist
    from liqtui.core.wallet import Wallet
    from liqtui.ui.state import AppState

NOT_HERE = (
    "These wallets were named for this session only, there is no watchlist to change: start liqtui without addresses."
)
ON_TAPE = "A tape is playing: its wallets are what was recorded."


class Outcome(NamedTuple):
    """Of one change."""

    error: str = ""
    """A sentence; empty when it is done."""
    conflict: WatchlistConflict | None = None
    """The same wallet was changed in the file: the person decides."""

    @property
    def done(self) -> bool:
        return not self.error


class WalletBook:
    """The one way from the screens to the watchlist.

    A change that cannot be written is kept in memory and watched all the same: a full disk must not make blind.
    """

    def __init__(self, state: AppState) -> None:
        self.state = state

    @property
    def store(self) -> WatchlistStore | None:
        return cast("WatchlistStore | None", self.state.store)

    @property
    def refusal(self) -> str:
        """Why nothing can be changed here; empty when it can."""
        if self.state.engine.playback is not None:
            return ON_TAPE
        return NOT_HERE if self.store is None else ""

    @property
    def wallets(self) -> tuple[Wallet, ...]:
        return self.store.current.wallets if self.store is not None else self.state.snapshot.wallets

    @property
    def unsaved(self) -> bool:
        return self.store is not None and self.store.unsaved

    def find(self, key: str) -> Wallet | None:
        return next((wallet for wallet in self.wallets if wallet.key == key), None)

    def preview(self, text: str) -> Imported:
        """Wallets in a text that was typed or read. Raises ConfigError; ValueError when nothing can be changed."""
        store = self.store
        if store is None:
            raise ValueError(self.refusal)
        return store.preview(text)

    def add(self, *wallets: Wallet) -> Outcome:
        return self._do(lambda store: store.add(*wallets))

    def edit(self, key: str, changed: Wallet) -> Outcome:
        return self._do(lambda store: store.edit(key, changed))

    def remove(self, *keys: str) -> Outcome:
        return self._do(lambda store: store.remove(*keys))

    def move(self, key: str, by: int) -> Outcome:
        """One place up or down; at an end nothing happens."""
        keys = [wallet.key for wallet in self.wallets]
        place = keys.index(key) + by
        if not 0 <= place < len(keys):
            return Outcome()
        return self._do(lambda store: store.move(key, place))

    def undo(self) -> Outcome:
        return self._do(_taken_back)

    def redo(self) -> Outcome:
        return self._do(_done_again)

    def retry(self) -> Outcome:
        """Write again what could not be written."""
        return self._do(lambda store: store.save(store.current))

    def reload(self) -> Outcome:
        """Read the file again, after it was edited outside. An edit that is not in the file is written first."""
        return self._do(lambda store: store.save(store.current) if store.unsaved else store.reread())

    def keep_mine(self, conflict: WatchlistConflict) -> Outcome:
        return self._settle(conflict, _by_key(conflict.ours))

    def take_file(self, conflict: WatchlistConflict) -> Outcome:
        return self._settle(conflict, _by_key(conflict.theirs))

    def merge_both(self, conflict: WatchlistConflict) -> Outcome:
        return self._settle(conflict, merged_wallets(conflict))

    def _settle(self, conflict: WatchlistConflict, chosen: Mapping[str, Wallet]) -> Outcome:
        """For the wallets in conflict what was chosen; for all others both sides' changes."""

        def decided(side: Watchlist, wallets: Mapping[str, Wallet]) -> Watchlist:
            kept = [wallet for wallet in side.wallets if wallet.key not in conflict.keys or wallet.key in wallets]
            listed = {wallet.key for wallet in kept}
            kept += [wallet for key, wallet in wallets.items() if key in conflict.keys and key not in listed]
            return replace(side, wallets=tuple(wallets[w.key] if w.key in conflict.keys else w for w in kept))

        theirs = conflict.theirs
        base = decided(conflict.base, _by_key(theirs))
        ours = decided(conflict.ours, chosen)
        wallets = merge(base, theirs, ours)
        return self._do(lambda store: store.resolve(conflict, replace(theirs, wallets=wallets)))

    def _do(self, change: Callable[[WatchlistStore], object]) -> Outcome:
        store = self.store
        if store is None or self.refusal:
            return Outcome(self.refusal)
        before = store.current.effective
        try:
            change(store)
        except WatchlistConflict as conflict:
            outcome = Outcome(str(conflict), conflict)
        except WatchlistError as fault:
            kept = " Your change is kept and watched until you leave." if store.unsaved else ""
            outcome = Outcome(f"{redact(str(fault))}{kept}")
        except ConfigError as fault:
            outcome = Outcome(redact(mistakes(fault)))
        else:
            outcome = Outcome()
        if store.current.effective != before:
            self.state.engine.watch(store.current.effective)
        return outcome


def mistakes(fault: ConfigError) -> str:
    """What is wrong with the file: the first mistake in full, by line, and how many more there are."""
    first, *more = fault.errors
    place = f"line {first.line}: " if first.line else ""
    hint = f", {first.hint}" if first.hint else ""
    rest = f" (and {len(more)} more)" if more else ""
    return f"{Path(first.file).name}: {place}{first.key + ': ' if first.key else ''}{first.message}{hint}{rest}"


def _taken_back(store: WatchlistStore) -> None:
    if store.undo() is None:
        raise WatchlistError("Nothing to undo.")


def _done_again(store: WatchlistStore) -> None:
    if store.redo() is None:
        raise WatchlistError("Nothing to do again.")


def _by_key(side: Watchlist) -> dict[str, Wallet]:
    return {wallet.key: wallet for wallet in side.wallets}


def merged_wallets(conflict: WatchlistConflict) -> dict[str, Wallet]:
    """Field by field: what only one side changed is taken from it, what both changed from here.

    A wallet that one side removed and the other changed stays: watching too much does no harm.
    """
    base, ours, theirs = _by_key(conflict.base), _by_key(conflict.ours), _by_key(conflict.theirs)
    out: dict[str, Wallet] = {}
    for key in conflict.keys:
        mine, other, old = ours.get(key), theirs.get(key), base.get(key)
        if mine is None or other is None:
            kept = mine or other
            if kept is not None:
                out[key] = kept
        else:
            out[key] = _merged(old or other, mine, other)
    return out


_FIELDS = ("address", "label", "name", "chains", "tags", "note", "thresholds", "position_thresholds", "rules")


def _merged(old: Wallet, mine: Wallet, other: Wallet) -> Wallet:
    changes = {name: getattr(mine if getattr(mine, name) != getattr(old, name) else other, name) for name in _FIELDS}
    return replace(mine, **changes)


def differences(conflict: WatchlistConflict) -> list[tuple[str, str, str, str]]:
    """(wallet, field, here, in the file) of all that differs, for the person who decides."""
    ours, theirs = _by_key(conflict.ours), _by_key(conflict.theirs)
    rows: list[tuple[str, str, str, str]] = []
    for key in conflict.keys:
        mine, other = ours.get(key), theirs.get(key)
        known = mine or other
        title = known.title if known else key
        if mine is None or other is None:
            rows.append((title, "", "kept" if mine else "removed", "kept" if other else "removed"))
            continue
        rows += [
            (title, name, _shown(getattr(mine, name)), _shown(getattr(other, name)))
            for name in _FIELDS
            if getattr(mine, name) != getattr(other, name)
        ]
    return rows


def _shown(value: object) -> str:
    from liqtui.core.rules import Rules
    from liqtui.core.units import decimal_string
    from liqtui.core.wallet import Thresholds

    if isinstance(value, Thresholds):
        given = {name: getattr(value, name) for name in value._fields}
        return " ".join(f"{name} {decimal_string(raw, 18)}" for name, raw in given.items() if raw is not None) or "none"
    if isinstance(value, Rules):
        given = {name: getattr(value, name) for name in value._fields}
        return " ".join(f"{name} {said}" for name, said in given.items() if said is not None) or "none"
    if isinstance(value, tuple):
        return " ".join(str(part) for part in cast("tuple[object, ...]", value)) or "none"
    return str(value) or "none"
