"""What the screens share: the engine's newest snapshot, and what the person has chosen to see of it. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.clock import Clock, SystemClock
from liqtui.core.rules import DEFAULT_RULES, Rules
from liqtui.core.snapshot import Freshness, Snapshot
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, TARGETS, Thresholds
from liqtui.engine.handle import Attachment
from liqtui.ui.filters import Filter, Sieve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from liqtui.core.model import PositionKey
    from liqtui.core.snapshot import Row
    from liqtui.engine.handle import EngineHandle


class Asked(NamedTuple):
    """A chain and those of whom it is read."""

    chain: str
    public: bool
    """They are the built-in public ones."""
    hosts: tuple[str, ...]
    """Redacted, in the order in which they are asked."""


class Settings(NamedTuple):
    """What the screens take from configuration and command line."""

    ascii: bool = False
    """Only ASCII characters on the screen."""
    theme: str = "liqtui-dark"
    keymap: Mapping[str, str] = {}
    """Binding id → keys, comma separated; validated by `liqtui.config.keymap`."""
    chain_tags: Mapping[str, str] = {}
    """Chain name → short name for narrow columns."""
    thresholds: Thresholds = DEFAULT_THRESHOLDS
    rules: Rules = DEFAULT_RULES
    """Of the configuration, over the defaults."""
    targets: tuple[int, ...] = TARGETS
    """Health targets of the ways out, 1e18-scaled; `target` is the one shown first."""
    target: int = 125 * WAD // 100
    bell: bool = True
    notify: str = "auto"
    """Which notification sequence the terminal gets: auto · off · osc9 · osc99 · osc777."""
    seconds: bool = False
    """A clock and a countdown that tick each second: lively, but an idle screen then sends bytes."""
    silence_after: float = 90.0
    """Seconds without any word of a live engine, after the next poll was due, until the verdict says so."""
    path_watchlist: str = ""
    """For `:edit`."""
    asked: tuple[Asked, ...] = ()
    """Whom the engine will ask, for the welcome: known before any chain is."""


class SortBy(StrEnum):
    CUSHION = "cushion"
    """The engine's ranking."""
    SEVERITY = "severity"
    """Whoever is critical or at warn first, and by cushion among those that are as bad."""
    HEALTH = "health"
    DISTANCE = "to liq"
    DEBT = "debt"
    WALLET = "wallet"
    PROTOCOL = "protocol"
    AGE = "age"


class Searched(StrEnum):
    """How much of what is watched was looked through for positions, as far as it can be seen now."""

    ALL = "all"
    SOME = "some"
    NOTHING = "nothing"


def searched(snapshot: Snapshot) -> Searched:
    """Where not all was, nobody knows that a wallet holds nothing."""
    seen = [chain for chain in snapshot.chains if chain.block is not None and chain.freshness is not Freshness.BLIND]
    stages = [stage.done and not stage.error for chain in seen for stage in chain.stages]
    if len(seen) == len(snapshot.chains) and all(stages):
        return Searched.ALL
    return Searched.SOME if seen and (any(stages) or not stages) else Searched.NOTHING


_LAST = float("inf")


def _sort_key(by: SortBy) -> Callable[[Row], Any]:
    from liqtui.core.rank import by_severity  # with all the arithmetic: the first frame need not wait for it

    def health(row: Row) -> float:
        shown = row.position.health.shown if row.position else None
        return _LAST if shown is None else shown

    def distance(row: Row) -> float:
        return _LAST if row.left is None else row.left

    def debt(row: Row) -> float:
        value = row.position.debt_value if row.position else None
        return _LAST if value is None or row.position is None else -value / 10**row.position.base_decimals

    def age(row: Row) -> float:
        return -row.ages.fetch if row.ages.fetch is not None else -_LAST

    keys: dict[SortBy, Callable[[Row], Any]] = {
        SortBy.SEVERITY: by_severity,
        SortBy.HEALTH: health,
        SortBy.DISTANCE: distance,
        SortBy.DEBT: debt,
        SortBy.WALLET: lambda row: (row.label.casefold() or row.key.wallet, row.protocol),
        SortBy.PROTOCOL: lambda row: (row.protocol, row.chain, row.label.casefold()),
        SortBy.AGE: age,
    }
    return keys[by]


def place_of(rows: Iterable[Row], position_id: str) -> int | None:
    """Where the row with this public id is; None: nowhere.

    What an id is made of is looked at first: putting those of ten thousand rows together takes ten times as long.
    """
    for place, row in enumerate(rows):
        key = row.key
        if key.market_id in position_id and key.wallet in position_id and row.id == position_id:
            return place
    return None


@dataclass(slots=True)
class AppState:
    """The one mutable thing behind the screens. Only the UI's thread touches it."""

    engine: EngineHandle
    store: Any = None
    """The watchlist on disk (`liqtui.config.watchlist`); None: this session's wallets are not saved."""
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=SystemClock)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot(version=-1, at=0.0))
    """The newest one, whatever is shown."""
    heard_at: float = 0.0
    """Monotonic time at which it came."""
    frozen: Snapshot | None = None
    """What is shown while the display is frozen."""
    selected: PositionKey | None = None
    held: bool = False
    """The cursor was put on that position by somebody: else it is on the first of the list, whichever that is."""
    sort: SortBy = SortBy.CUSHION
    reverse: bool = False
    filter: Filter = field(default_factory=lambda: Filter(""))
    wallet: str | None = None
    """Address key of the wallet that the list is narrowed to; None: all."""
    marks: set[PositionKey] = field(default_factory=set["PositionKey"])
    _rows_key: tuple[object, ...] = ()
    _rows: tuple[Row, ...] = ()
    _sieve: Sieve = field(default_factory=Sieve)

    def accept(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.heard_at = self.clock.monotonic()

    @property
    def shown(self) -> Snapshot:
        return self.frozen or self.snapshot

    def toggle_freeze(self) -> bool:
        self.frozen = None if self.frozen else self.snapshot
        return self.frozen is not None

    def configure(self, **changes: Any) -> None:
        self.settings = self.settings._replace(**changes)

    @property
    def worst(self) -> Row | None:
        """The row that decides the verdict, of the newest snapshot."""
        return self._looked_at(self.snapshot.worst)

    @property
    def silent_for(self) -> float | None:
        """Seconds since a live engine was last heard, once that is too long; a tape may be silent."""
        if self.engine.playback is not None:
            return None
        silent = self.clock.monotonic() - self.heard_at
        polls = [chain.next_poll - self.snapshot.at for chain in self.snapshot.chains if chain.next_poll is not None]
        patience = max(self.settings.silence_after, min(polls, default=0.0) + self.settings.silence_after)
        return silent if silent > patience else None

    def asked(self, done: str) -> str:
        """What is said of a wish that goes to the engine: that it is done, unless there is none that hears it."""
        if isinstance(self.engine, Attachment) and self.engine.loss is not None:
            return f"not yet, the daemon does not answer; once it is back: {done}"
        return f"not done, no engine runs: {done}" if self.snapshot.engine_error else done

    def rows(self) -> tuple[Row, ...]:
        """What the list shows: filtered, sorted. Stable between snapshots."""
        shown = self.shown
        key = (id(shown), shown.version, self.sort, self.reverse, self.filter.text, self.wallet)
        if key != self._rows_key:
            self._rows_key, self._rows = key, self._arrange(shown.rows)
        return self._rows

    def _arrange(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        kept = self._sieve.select(self.filter, rows) if self.filter.text else rows
        if self.wallet is not None:
            kept = [row for row in kept if row.key.wallet == self.wallet]
        if self.sort is not SortBy.CUSHION:
            kept = sorted(kept, key=_sort_key(self.sort))
        return tuple(reversed(kept)) if self.reverse else tuple(kept)

    @property
    def selected_index(self) -> int | None:
        """Where the selected position is in `rows()`; None when it is not there."""
        return next((i for i, row in enumerate(self.rows()) if row.key == self.selected), None)

    @property
    def selected_row(self) -> Row | None:
        return self._looked_at(next((row for row in self.rows() if row.key == self.selected), None))

    def find(self, position_id: str) -> Row | None:
        """By public id, among all rows shown by the newest snapshot."""
        rows = self.shown.rows
        place = place_of(rows, position_id)
        return None if place is None else self._looked_at(rows[place])

    def look(self, rows: Iterable[Row]) -> None:
        """A list shows these now; and what is marked may be copied."""
        self.engine.look([*(row.id for row in rows), *map(str, self.marks)])

    @property
    def asking(self) -> str:
        """What is said in place of figures of a position that are with the daemon (`Position.partial`)."""
        if self.snapshot.engine_error:
            return "not here, and the daemon does not answer"
        return "asking the daemon" if self.frozen is None else "not part of what is frozen"

    def _looked_at(self, row: Row | None) -> Row | None:
        if row is not None:
            self.engine.inspect(row.id)
        return row

    def chain_tag(self, chain: str) -> str:
        return self.settings.chain_tags.get(chain, chain)
