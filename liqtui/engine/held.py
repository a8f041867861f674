"""What is kept between rounds: of a chain, and of a position."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from time import gmtime, strftime
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.ages import age
from liqtui.core.model import is_infinite
from liqtui.core.rules import DEFAULT_RULES
from liqtui.core.severity import blind_after, fetch_freshness, head_freshness, oracle_age, oracle_freshness, worst
from liqtui.core.snapshot import Ages, ChainState, Freshness, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from liqtui.engine.outcome import Spot
from liqtui.engine.setup import Link, Sign
from liqtui.engine.tracks import DAY, Track

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.model import Feed, Position, PositionKey
    from liqtui.core.rank import Cushion
    from liqtui.core.reads import Block
    from liqtui.core.rules import Rules
    from liqtui.core.severity import Figures
    from liqtui.core.snapshot import Row, Stage
    from liqtui.core.sources import ChainSpec
    from liqtui.core.wallet import Wallet
    from liqtui.engine.outcome import Trouble
    from liqtui.engine.setup import Setup

REORGANISED = 8
"""Blocks that a chain may go back by itself. Farther back is another history: a node begun anew, a rollup set back."""
DANGER = frozenset(severity for severity in Severity if severity.rank <= Severity.WARN.rank)
"""What goes on while it is not seen: that makes nothing better."""


class Spell(NamedTuple):
    """How bad a position is, and since when."""

    severity: Severity
    since: float
    """Unix time."""


@dataclass(slots=True)
class Chain:
    """What the last rounds of a chain told of the chain itself."""

    spec: ChainSpec
    link: Link = field(default_factory=Link)
    block: Block | None = None
    good_at: float | None = None
    tried: bool = False
    error: str = ""
    """Why the last round failed; empty after a good one."""
    crash: str = ""
    """Why the task that reads it ended; empty after a good round."""
    troubles: tuple[str, ...] = ()
    """Markets that could not be read while the chain could, why, and since when."""
    failing: dict[str, float] = field(default_factory=dict[str, float])
    """Of these, the time of the first round in which each failed."""
    notes: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    covered: frozenset[Spot] = frozenset()
    next_poll: float | None = None
    took: float | None = None
    """Seconds that the last round took."""
    anew: str = ""
    """Why nothing of the last good round can be compared with what was known before; empty: it can."""

    def follow(self, block: Block, replaced: int | None = None) -> None:
        """Take the head of a good round. `replaced`: a settled block that is another one than when it was read."""
        before, self.block, self.anew = self.block, block, ""
        if before is not None and before.number - block.number > REORGANISED:
            self.anew = f"it went back from block {before.number} to {block.number}"
        elif replaced is not None:
            self.anew = f"it is another chain, or in another state: its block {replaced} is not the one of before"

    def fails(self, troubles: Iterable[Trouble], now: float) -> None:
        """Take what a round could not read. The time is told, not the age: a remark that changed would be a new one."""
        wrong = {f"{at.protocol} {at.market}": error for at, error in troubles if not at.wallet}
        self.failing = {place: self.failing.get(place, now) for place in wrong}
        self.troubles = tuple(
            f"{place}: {error}, since {strftime('%d %b %H:%MZ', gmtime(self.failing[place]))}"
            for place, error in wrong.items()
        )

    def set_back(self, seconds: float) -> None:
        """The clock was."""
        self.failing = {place: at - seconds for place, at in self.failing.items()}
        self.good_at = None if self.good_at is None else self.good_at - seconds

    def silent(self, now: float) -> str:
        """Why nothing is known of it as it is now; empty: something is."""
        if self.good_at is None or fetch_freshness(now - self.good_at, self.spec.poll) is Freshness.BLIND:
            return self.error or self.crash or "no answer yet"
        if self.block is not None and self._head_freshness(self.good_at, self.block) is Freshness.STALE:
            passed = int(self.good_at - self.block.timestamp)
            return "its newest block is dated in the future" if passed < 0 else f"its newest block is {age(passed)} old"
        return ""

    def _head_freshness(self, good_at: float, block: Block) -> Freshness:
        return head_freshness(good_at - block.timestamp, self.spec.block_time)

    def state(self, now: float) -> ChainState:
        passed = None if self.good_at is None else now - self.good_at
        states = [fetch_freshness(passed, self.spec.poll)]
        if self.block is not None and self.good_at is not None:
            states.append(self._head_freshness(self.good_at, self.block))
        if self.link.contradiction:
            states.append(Freshness.STALE)
        told = (self.error, self.crash, self.link.contradiction)
        return ChainState(
            name=self.spec.name,
            chain_id=self.spec.id,
            block=self.block,
            freshness=worst(states),
            age=None if passed is None else int(passed),
            endpoints_ok=self.link.ok,
            endpoints_all=self.link.all,
            source=self.link.source,
            next_poll=self.next_poll,
            took=self.took,
            error="; ".join(text for text in told if text),
            stages=self.stages,
            public_endpoints=self.spec.public,
            explorer=self.spec.explorer.rstrip("/"),
        )


class Terms(NamedTuple):
    """What the person's settings say about a position; worked out once for each change of its wallet."""

    wallet: Wallet
    title: str
    """Of the wallet."""
    thresholds: Thresholds
    rules: Rules
    sign: Sign
    """Of its market."""
    app: str
    """The page of the protocol's own app."""


def terms_of(wallet: Wallet, key: PositionKey, sign: Sign, setup: Setup) -> Terms:
    """The narrowest scope first: position (by its id), wallet, tags, configuration, defaults."""
    own = dict(wallet.position_thresholds).get(str(key), Thresholds())
    wide = wallet.tag_thresholds.over(setup.thresholds).over(DEFAULT_THRESHOLDS)
    rules = wallet.rules.over(wallet.tag_rules).over(setup.rules).over(DEFAULT_RULES)
    return Terms(wallet, wallet.title, own.over(wallet.thresholds).over(wide), rules, sign, sign.link(key))


@dataclass(slots=True)
class Held:
    """A position between rounds."""

    key: PositionKey
    chain: Chain
    position: Position | None = None
    read_at: float | None = None
    error: str = ""
    track: Track = field(default_factory=Track)
    figures: Figures | None = None
    """What its row was judged by; None: without a position."""
    spell: Spell | None = None
    before: Spell | None = None
    """How it was when the last run ended; None: that was not known, or it was read since."""
    row: Row | None = None
    """As last published."""
    basis: tuple[object, ...] = ()
    """What that row was made from, besides the time."""
    oracle: tuple[Freshness, int | None] = (Freshness.FRESH, None)
    """State and age of its feeds, on chain time, when it was read."""
    feeds: list[str] | None = None
    """Addresses of those that it hangs on, as the history knows them; None: it was not told yet."""
    ranked: tuple[int, Cushion] | None = None
    """What ranks it, by which version of the σ; None: not asked since it was read."""
    opened: bool = False
    """It was not there when it was first looked for."""
    events: tuple[MarketEvent, ...] = ()
    """What the logs told and the alert rules have not seen yet."""
    logged: bool = False
    """The logs were read up to the block of the last round."""
    told_at: int = -1
    """Newest block with an event."""
    undone: bool = False
    """A reorganisation came between its figures and those of before, and the logs know of no liquidation."""
    judged_at: int = -1
    """Block of the figures that the alert rules saw last."""
    cut: bool = False
    """Its chain began another history after its figures were read."""
    anew: bool = False
    """Its figures come of another history of the chain than what the alert rules saw."""
    terms: Terms | None = None
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = str(self.key)

    @property
    def spot(self) -> Spot:
        return Spot(self.key.protocol, self.key.market, self.key.wallet)

    @property
    def health(self) -> int | None:
        """1e18-scaled; None when unknown or without debt."""
        shown = self.position.health.shown if self.position is not None else None
        return None if is_infinite(shown) else shown

    def take(self, position: Position, now: float) -> None:
        """Figures of a good round."""
        if self.cut:
            self.anew, self.cut = True, False
            self.track.begin_anew()
        self.position, self.read_at, self.error, self.ranked = position, now, "", None
        self.oracle = _oracle(position.feeds, position.block.timestamp)
        health = self.health
        if health is not None:
            self.track.add(now, health / WAD)

    def stands(self, severity: Severity, now: float) -> float:
        """How bad it is now; returns since when. That goes on after a restart, if it was read soon or is danger."""
        spell, before = self.spell, self.before
        if before is not None and spell is not None and before.severity not in DANGER:
            before = before if now - spell.since <= blind_after(self.chain.spec.poll) else None
        if spell is None or spell.severity is not severity:
            spell = before if before is not None and before.severity is severity else Spell(severity, now)
        self.spell, self.before = spell, before if self.position is None else None
        return spell.since

    def set_back(self, seconds: float) -> None:
        """The clock was."""
        self.spell = self.spell and self.spell._replace(since=self.spell.since - seconds)
        self.read_at = None if self.read_at is None else self.read_at - seconds
        self.track.set_back(seconds)

    def hear(self, events: Sequence[MarketEvent], *, complete: bool, undone: bool) -> None:
        """What the logs told in a round. `complete`: there is no more up to its block. `undone`: nor in what a
        reorganisation may have put in the place of other blocks.
        """
        self.logged = complete
        self.undone = complete and (self.undone or undone)
        if events:
            self.events += tuple(events)
            self.told_at = max(self.told_at, *(event.block_number for event in events))

    @property
    def explained(self) -> bool:
        """Whether the logs say why the figures changed since the alert rules saw them."""
        return self.logged and self.told_at > self.judged_at

    def judged(self) -> None:
        """The alert rules have seen it as it is now."""
        self.events, self.anew, self.undone = (), False, False
        if self.position is not None:
            self.judged_at = self.position.block.number

    def trust(self, now: float) -> tuple[Freshness, Ages]:
        """By the worst of three ages: the block when it was read, each feed on chain time, and our own reading."""
        if self.position is None or self.read_at is None:
            return Freshness.BLIND, Ages(None, None, None)
        spec, read = self.chain.spec, (self.read_at, self.position.block.timestamp)
        return _trust(now, read, (spec.poll, spec.block_time), self.chain.link.contradiction, self.oracle)

    def reading(self, now: float) -> Freshness:
        """By the block when it was read and our own reading alone, whatever its feeds are."""
        if self.position is None or self.read_at is None:
            return Freshness.BLIND
        spec, read = self.chain.spec, (self.read_at, self.position.block.timestamp)
        return _reading(now, read, (spec.poll, spec.block_time), self.chain.link.contradiction)


# Many positions are read at once and hang on the same feeds: for those of a block the same is asked again and again.


@lru_cache(maxsize=256)
def _reading(now: float, read: tuple[float, int], pace: tuple[float, float], contradiction: str) -> Freshness:
    """`read`: when it was read, and the time of its block; `pace`: seconds between rounds, and between blocks."""
    (read_at, block_at), (poll, block_time) = read, pace
    states = [fetch_freshness(now - read_at, poll), head_freshness(read_at - block_at, block_time)]
    if contradiction:
        states.append(Freshness.STALE)
    return worst(states)


@lru_cache(maxsize=256)
def _trust(
    now: float,
    read: tuple[float, int],
    pace: tuple[float, float],
    contradiction: str,
    oracle: tuple[Freshness, int | None],
) -> tuple[Freshness, Ages]:
    """With the state and age of the feeds."""
    (read_at, block_at), (state, age) = read, oracle
    by_reading = _reading(now, read, pace, contradiction)
    return worst((by_reading, state)), Ages(int(now - block_at), age, int(now - read_at))


@lru_cache(maxsize=256)
def _oracle(feeds: tuple[Feed, ...], at: int) -> tuple[Freshness, int | None]:
    """The worst feed's state, and the age of the one that is oldest against its heartbeat; a negative age first."""
    state = worst(oracle_freshness(feed, at) for feed in feeds)
    ages = [(age / (feed.heartbeat or DAY), age) for feed in feeds if (age := oracle_age(feed, at)) is not None]
    negative = min((age for _, age in ages if age < 0), default=None)
    if negative is not None:
        return state, negative
    return state, max(ages)[1] if ages else None
