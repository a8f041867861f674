"""What the engine publishes and everything else reads: immutable, complete, newest wins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from operator import is_
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.rules import DEFAULT_RULES, Rules
from liqtui.core.states import Freshness, Level, Severity
from liqtui.core.tally import Tally, tally
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Feed, Position, PositionKey
    from liqtui.core.reads import Block
    from liqtui.core.results import Boundary
    from liqtui.core.wallet import Thresholds, Wallet


class Ages(NamedTuple):
    """Seconds, each None when not known; negative is an error and never fresh."""

    head: int | None
    """Since the timestamp of the block that was read."""
    oracle: int | None
    """Of the feed that is worst against its heartbeat."""
    fetch: int | None
    """Since our last good read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A position as it stands now: its last figures, and how far they can be trusted."""

    key: PositionKey
    chain: str
    """Name of the chain."""
    label: str
    """Of the wallet."""
    severity: Severity
    freshness: Freshness
    ages: Ages
    position: Position | None
    """Last known figures; None when never read."""
    thresholds: Thresholds
    cushion: Boundary | None = None
    """The boundary that ranks this row."""
    sigmas: float | None = None
    """Distance to it in daily σ, for ranking: by an estimate where the boundary was not looked at; None: not known."""
    since: float = 0.0
    """Unix time at which the present severity began."""
    error: str = ""
    """Why it is blind or unknown, safe to show."""
    trend: float | None = None
    """Change of health over the last hour (or over what is recorded, see `trend_window`)."""
    trend_window: int = 3600
    spark: tuple[float | None, ...] = ()
    """Health over the last 24 h in equal slots, oldest first; None where nothing was recorded."""
    tags: tuple[str, ...] = ()
    venue: str = ""
    """Which market, where the chain has several of that protocol; cleaned and short, empty for the main one."""
    rules: Rules = DEFAULT_RULES
    """Which alert rules speak for it; resolved like the thresholds."""
    brand: str = ""
    """The name that the market goes by, where that is not the protocol's: "spark"."""
    app: str = ""
    """The page of the protocol's own app; empty: not known."""

    @property
    def id(self) -> str:
        return str(self.key)

    @property
    def protocol(self) -> str:
        """As shown: "spark", else "aave-v3"."""
        return self.brand or self.key.protocol

    @property
    def sigmas_left(self) -> float | None:
        """`sigmas` by the exact distance, for showing."""
        boundary, sigmas = self.cushion, self.sigmas
        if sigmas is None or boundary is None or boundary.move is None or not boundary.about:
            return sigmas
        return sigmas * abs(boundary.move / boundary.about)

    @property
    def left(self) -> float | None:
        """What is left of the cushion, to rank by, as a relative distance; None: no price ends it, and it is calm.

        Where no price liquidates (the same asset on both sides, say) there is no boundary to measure by, yet interest
        may end it: critical, nothing is left; under warn it is what health leaves of the collateral, 1 − 1 ÷ HF.
        """
        if self.severity is Severity.LIQUIDATABLE:
            return 0.0
        if self.cushion is not None and self.cushion.about is not None:
            return abs(self.cushion.about)
        health = self.position.health.shown if self.position is not None else None
        if self.severity is Severity.CRITICAL and health is not None:
            return 0.0
        return 1 - WAD / health if self.severity is Severity.WARN and health else None

    @property
    def trusted(self) -> bool:
        """Whether figures are shown without the `~` of an old value."""
        return self.freshness in {Freshness.FRESH, Freshness.LATE}

    @property
    def faded(self) -> bool:
        """Calm by figures that are too old to say so: it is counted apart, and drawn hollow."""
        return self.severity is Severity.OK and not self.trusted


class Stage(NamedTuple):
    """How far discovery of one market on one chain is."""

    protocol: str
    market: str
    done: bool
    positions: int = 0
    error: str = ""
    note: str = ""
    """How far a search that takes many rounds is: "logs to block 5 of 9"; empty: none is under way."""


@dataclass(frozen=True, slots=True)
class ChainState:
    """How far one chain is read, and from where."""

    name: str
    chain_id: int
    block: Block | None
    freshness: Freshness
    age: int | None
    """Seconds since the last good read."""
    endpoints_ok: int = 0
    endpoints_all: int = 0
    source: str = ""
    """Redacted endpoint that served the last round."""
    next_poll: float | None = None
    """Unix time."""
    error: str = ""
    stages: tuple[Stage, ...] = ()
    public_endpoints: bool = False
    """Runs on the built-in public endpoints."""
    took: float | None = None
    """Seconds that the last round took, good or not."""
    explorer: str = ""
    """Address of the chain's block explorer, without a slash at its end; empty: none known."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a rule said, and what became of it."""

    id: int
    at: float
    """Unix time of the engine's clock."""
    severity: Severity
    kind: str
    """Which rule spoke, see `core.rules.KINDS`."""
    title: str
    """What it is about: "treasury aave-v3 eth"."""
    text: str
    """One line, with the figures."""
    position: str = ""
    """Position id, or empty."""
    cure: str = ""
    """What to do, with amounts."""
    acked_at: float | None = None
    block: int | None = None
    level: Level = Level.NOTICE
    """How loud it is now; escalation raises it."""
    positions: tuple[str, ...] = ()
    """All position ids where one cause hit several, worst first; `position` is the first of them."""
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value of the figures behind it, clean text: why this rule fired, and what channels send as fields."""
    cause: str = ""
    """What makes two alerts one: same cause, same moment. Never shown."""
    snoozed_until: float | None = None
    """Unix time until which it neither rings nor escalates."""
    over_at: float | None = None
    """When what it is about was over: recovered, sighted, closed."""
    escalated: int = 0
    """How often it was sent again, louder, because nobody acknowledged it."""
    held: str = ""
    """Why it is kept from ringing and from channels: quiet hours, maintenance, muted; empty: it is not."""

    @property
    def about(self) -> tuple[str, ...]:
        """Ids of all positions that it speaks of, worst first."""
        return self.positions or ((self.position,) if self.position else ())

    @property
    def waits(self) -> bool:
        """For somebody's acknowledgement."""
        return self.acked_at is None and self.severity is not Severity.OK


class DeliveryState(StrEnum):
    WAITING = "waiting"
    """In the outbox, not tried yet or due for another try."""
    SENDING = "sending"
    DELIVERED = "delivered"
    FAILED = "failed"
    """Given up; `reason` says why."""
    HELD = "held"
    """Kept back by quiet hours, a maintenance window, a snooze or a mute; `reason` says which."""


class Delivery(NamedTuple):
    """How one alert fares on one channel."""

    alert: int
    """Alert id."""
    channel: str
    state: DeliveryState
    tries: int = 0
    at: float = 0.0
    """Unix time of the last change of state."""
    next_at: float | None = None
    """Unix time of the next try."""
    reason: str = ""
    """Of the last failure, redacted and clean."""


class ChannelState(NamedTuple):
    """How one channel fares as a whole."""

    name: str
    kind: str
    """webhook · command · apprise · ping"""
    pending: int = 0
    delivered_at: float | None = None
    """Unix time of the last success."""
    error: str = ""
    """Why the last try failed; empty after a success."""


class Volatility(NamedTuple):
    """Realised σ of one factor, and what it was taken from."""

    factor: str
    """Id."""
    daily: float
    """As a fraction."""
    window: float
    """Seconds from the first round to the last."""
    rounds: int
    """Oracle rounds in it that count."""


@dataclass(frozen=True)
class Snapshot:
    """All that is known at one moment."""

    version: int
    at: float
    """Unix time of the engine's clock when this was made."""
    wallets: tuple[Wallet, ...] = ()
    chains: tuple[ChainState, ...] = ()
    rows: tuple[Row, ...] = ()
    """Ranked: worst cushion first."""
    feeds: tuple[tuple[str, Feed], ...] = ()
    """(chain name, feed) of what the positions hang on."""
    alerts: tuple[Alert, ...] = ()
    """Newest first, bounded."""
    engine_error: str = ""
    """Not empty: the engine is dead or limping, in words."""
    notices: tuple[str, ...] = ()
    """Standing remarks, e.g. that public endpoints are used."""
    ready: bool = False
    """The first round of every chain is over."""
    deliveries: tuple[Delivery, ...] = ()
    """Of the alerts above, in no order."""
    channels: tuple[ChannelState, ...] = ()
    sigmas: tuple[Volatility, ...] = ()
    """Of the factors where it is known."""
    muted: tuple[tuple[str, float], ...] = ()
    """Position id or wallet address, lower case, and the Unix time until which it is muted."""

    def abandoned(self, why: str) -> Snapshot:
        """The same when nobody keeps it up any more: what was fresh is old from now on, and no age goes on."""
        unknown = Ages(None, None, None)
        blind = Freshness.BLIND
        rows = (
            replace(row, freshness=blind if row.freshness is blind else Freshness.STALE, ages=unknown)
            for row in self.rows
        )
        return replace(self, engine_error=why, rows=tuple(rows))

    @cached_property
    def tally(self) -> Tally:
        """Counts and sums over all rows, made by whoever asks first."""
        return tally(self.rows)

    def take_stock(self, before: Snapshot) -> None:
        """Make the tally now, not when somebody asks; where every row is the very one of `before`, so is the tally."""
        same = len(self.rows) == len(before.rows) and all(map(is_, self.rows, before.rows))
        self.__dict__["tally"] = before.tally if same else tally(self.rows)

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Rows of each severity that occurs."""
        return self.tally.counts

    @property
    def worst(self) -> Row | None:
        """The row that decides the verdict: by severity, then by rank in the list."""
        return self.tally.every.worst

    @property
    def faded(self) -> int:
        """How many of the calm rows are so by figures that are too old to say so."""
        return self.tally.faded

    @property
    def none_found(self) -> bool:
        """Whether there are known to be no positions. `ready` stays true while wallets are looked for that were added
        since, and what was found of them is counted before it is read.
        """
        stages = [stage for chain in self.chains for stage in chain.stages]
        searched = all((stage.done and not stage.positions) or stage.error for stage in stages)
        return self.ready and not self.rows and searched

    @property
    def unread(self) -> tuple[tuple[str, str], ...]:
        """(where, why) of everything that could not be read, so that no silence passes for safety."""
        places: list[tuple[str, str]] = []
        for chain in self.chains:
            if chain.error or chain.freshness is Freshness.BLIND or chain.block is None:
                places.append((chain.name, chain.error or "not read"))
            wrong = (stage for stage in chain.stages if stage.error)
            places.extend((f"{chain.name}: {stage.protocol} {stage.market}", stage.error) for stage in wrong)
        lost = (Severity.BLIND, Severity.UNKNOWN)
        places.extend((row.id, row.error or "not readable") for row in self.rows if row.severity in lost)
        if self.engine_error:
            places.append(("engine", self.engine_error))
        return tuple(places)

    @property
    def searching(self) -> tuple[tuple[str, str], ...]:
        """(where, how far) of every search that takes many rounds: there may be positions that are not shown yet."""
        return tuple(
            (f"{chain.name}: {stage.protocol} {stage.market}", stage.note)
            for chain in self.chains
            for stage in chain.stages
            if stage.note
        )

    @property
    def unacked(self) -> int:
        return sum(1 for alert in self.alerts if alert.waits)
