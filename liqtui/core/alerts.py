"""When to speak. Pure rules over one position's row before and after, and what was said of it already.

Hysteresis: a threshold speaks once when health goes under it, and is armed again only when health is `BAND` over it
(a cushion threshold: half as far again away). A figure that trembles around a threshold so gives one alert and,
when it is really over, one recovery. What is said and what is armed is in `Memory`, which outlives a restart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core import messages
from liqtui.core.model import Change, Side
from liqtui.core.severity import severity
from liqtui.core.snapshot import Alert, Freshness, Level, Severity
from liqtui.core.states import level_of
from liqtui.core.units import HEALTH_ONE, WAD
from liqtui.core.wallet import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.model import Position
    from liqtui.core.snapshot import Row

BAND = 2 * WAD // 100
"""A health threshold T is armed again at T × 1.02."""
CUSHION_BAND = 150
"""A cushion threshold is armed again at this percentage of it."""
UNKNOWN_PATIENCE = 60.0
"""Seconds that health may be unknown, or a new position unread, before that is said."""
STALE_PATIENCE = 600.0
"""Seconds that figures may be stale before that is said. Blind is said at once: it took minutes to get there."""
BONUS = (1003, 1250)
"""Collateral lost per debt gone, in thousandths of value. Under it nobody took a bonus; over it no liquidator may
take as much. Both are the owner's own doing."""
SUSPECT = 110 * WAD // 100
"""A position that vanishes with less health than this may have been liquidated as a whole."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An alert before it has a number. Fields as in `snapshot.Alert`."""

    at: float
    severity: Severity
    kind: str
    title: str
    text: str
    position: str = ""
    cure: str = ""
    block: int | None = None
    level: Level | None = None
    """None: what the severity stands for."""
    positions: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    cause: str = ""

    def numbered(self, number: int) -> Alert:
        return Alert(
            number,
            self.at,
            self.severity,
            self.kind,
            self.title,
            self.text,
            self.position,
            self.cure,
            block=self.block,
            level=self.level or level_of(self.severity),
            positions=self.positions or ((self.position,) if self.position else ()),
            facts=self.facts,
            cause=self.cause,
        )


class Holding(NamedTuple):
    side: Side
    asset: str
    symbol: str
    decimals: int
    amount: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known and said of one position."""

    level: Severity = Severity.OK
    """The worst that was said and is not over: ok, warn, critical or liquidatable."""
    health: int | None = None
    """Last known; None when never known."""
    holdings: tuple[Holding, ...] = ()
    """Last known amounts."""
    seen: bool = False
    """Figures were judged before."""
    fresh: bool = False
    """Set by the engine for a position that turned up after the first round: it is announced."""
    unseen_since: float | None = None
    """When its figures stopped to come, or to be new."""
    told_unseen: bool = False
    told_unverified: bool = False
    liquidated_at: float | None = None
    """Unix time of the last liquidation that was noticed."""


def judge(
    before: Row | None,
    after: Row,
    memory: Memory,
    now: float,
    *,
    events: Sequence[str] = (),
    own: bool = False,
) -> tuple[Memory, tuple[Draft, ...]]:
    """What has to be said now that `after` is known, and what to remember.

    `events`: liquidations of this position seen in the chain's log since the last time, each in a line of clean
    text. `own`: a transaction of the owner explains what changed. `before` is only asked what `memory` forgot.
    """
    if not memory.seen and before is not None and before.position is not None:
        memory = _remembered(memory, before.position)
    memory, drafts = _sight(after, memory, now)
    position = None if after.freshness is Freshness.BLIND else after.position
    lost = () if position is None else _lost(memory.holdings, position)
    taken = position is not None and not own and _taken(lost, before, position, memory.health)
    old = memory
    if events or taken:
        memory = replace(memory, liquidated_at=now)
        drafts += (_liquidated(after, events or lost, memory.health, now),)
    if position is None:
        return memory, drafts
    if old is memory:
        drafts += _opened_or_closed(after, position, memory, now)
    memory, more = _level(after, position, memory, now)
    memory, doubts = _verified(after, position, memory, now)
    return _remembered(memory, position), (*drafts, *more, *doubts)


def gone(last: Row, memory: Memory, now: float, *, events: Sequence[str] = (), own: bool = False) -> tuple[Draft, ...]:
    """A position that is no longer there at all; nothing for one that had no figures or was empty.

    `events` and `own` as in `judge`.
    """
    if events:
        text = messages.liquidated("; ".join(events), None, memory.health, certain=True)
        return (_draft(last, now, Severity.LIQUIDATED, "liquidated", text),)
    if not memory.holdings:
        return ()
    debts = any(held.side is Side.DEBT for held in memory.holdings)
    suspect = not own and debts and memory.health is not None and memory.health < SUSPECT
    text = messages.gone(memory.health, "; ".join(map(_fall, memory.holdings)), suspect=suspect)
    how, kind = (Severity.LIQUIDATED, "liquidated") if suspect else (Severity.OK, "closed")
    return (_draft(last, now, how, kind, text),)


def _draft(row: Row, now: float, how: Severity, kind: str, text: str, *, cure: bool = False) -> Draft:
    position = row.position
    advice = messages.cure(position, row.thresholds) if cure and position is not None else ""
    block = position.block.number if position is not None else None
    return Draft(now, how, kind, messages.title(row), text, row.id, advice, block)


def _remembered(memory: Memory, position: Position) -> Memory:
    shown = position.health.shown
    holdings = tuple(
        Holding(leg.side, leg.asset.address, leg.asset.symbol, leg.asset.decimals, leg.amount)
        for leg in position.legs
        if leg.amount
    )
    health = shown if shown is not None else memory.health
    if memory.seen and not memory.fresh and holdings == memory.holdings and health == memory.health:
        return memory
    return replace(memory, seen=True, fresh=False, health=health, holdings=holdings)


# -- can it be seen ------------------------------------------------------------------------------------------------


def _sight(after: Row, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    patience = _patience(after)
    if patience is None:
        return _seen_again(after, memory, now)
    since = now if memory.unseen_since is None else memory.unseen_since
    memory = replace(memory, unseen_since=since)
    if memory.told_unseen or now - since < patience:
        return memory, ()
    lasted = max(now - since, float(after.ages.fetch or 0))
    if after.freshness is Freshness.STALE and after.severity is not Severity.UNKNOWN:
        text = messages.stale(after, lasted)
    else:
        text = messages.blind(after, lasted, memory.health)
    return replace(memory, told_unseen=True), (_draft(after, now, Severity.BLIND, "blind", text, cure=True),)


def _patience(row: Row) -> float | None:
    """How long the row may stay as it is before that is said; None when there is nothing to say."""
    position = row.position
    if position is None:
        return UNKNOWN_PATIENCE
    if row.freshness is Freshness.BLIND:
        return 0.0
    if position.has_debt and position.health.shown is None:
        return UNKNOWN_PATIENCE
    return STALE_PATIENCE if row.freshness is Freshness.STALE else None


def _seen_again(after: Row, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    if memory.unseen_since is None:
        return memory, ()
    lasted, told = now - memory.unseen_since, memory.told_unseen
    memory = replace(memory, unseen_since=None, told_unseen=False)
    if not told:
        return memory, ()
    text = messages.sighted(after.position, lasted, memory.health)
    return memory, (_draft(after, now, Severity.OK, "sighted", text),)


# -- what happened to it -------------------------------------------------------------------------------------------


def _liquidated(after: Row, what: Sequence[str] | Sequence[Holding], health: int | None, now: float) -> Draft:
    """`what`: lines of the chain's log, or what fell between two readings."""
    certain = any(isinstance(item, str) for item in what)
    falls = "; ".join(item if isinstance(item, str) else _fall(item) for item in what)
    text = messages.liquidated(falls, after.position, health, certain=certain)
    return _draft(after, now, Severity.LIQUIDATED, "liquidated", text, cure=True)


def _fall(held: Holding) -> str:
    return messages.fallen(held.side, held.symbol, held.decimals, held.amount)


def _lost(holdings: Iterable[Holding], position: Position) -> tuple[Holding, ...]:
    """What shrank, debt first; a millionth is put down to rounding."""
    left: dict[tuple[Side, str], int] = {}
    for leg in position.legs:
        place = (leg.side, leg.asset.address)
        left[place] = left.get(place, 0) + leg.amount
    falls = [held._replace(amount=held.amount - left.get((held.side, held.asset), 0)) for held in holdings]
    kept = [fall for fall, held in zip(falls, holdings, strict=True) if fall.amount > held.amount // 10**6]
    return tuple(sorted(kept, key=lambda fall: fall.side is not Side.DEBT))


def _taken(lost: Sequence[Holding], before: Row | None, new: Position, health: int | None) -> bool:
    """Whether it looks like a liquidation: collateral and debt both fell, and somebody gained or could have.

    Somebody gained when more value went than was repaid, by as much as a bonus may be. Where prices moved
    meanwhile that says little: what was near liquidation by its last health, or would be at today's prices, or
    was not watched meanwhile, counts in any case. Taking all of a healthy account is no liquidation:
    something would be left.
    """
    if {held.side for held in lost} != {Side.COLLATERAL, Side.DEBT}:
        return False
    near = HEALTH_ONE + BAND
    if health is not None and health < near:
        return True
    if new.empty and health is not None and health >= SUSPECT:
        return False
    if before is None or before.position is None or before.freshness is Freshness.BLIND:
        return True
    old = before.position
    prices = {leg.asset.address: leg.price for leg in (*old.legs, *new.legs) if leg.price}
    then = old.book.health(Change(prices=prices)) if old.book is not None else None
    if (then is not None and then < near) or any(held.asset not in prices for held in lost):
        return True
    gone, repaid = (_value(lost, side, prices) for side in (Side.COLLATERAL, Side.DEBT))
    return repaid * BONUS[0] <= gone * 1000 <= repaid * BONUS[1]


def _value(lost: Iterable[Holding], side: Side, prices: Mapping[str, int]) -> int:
    return sum(prices[held.asset] * held.amount * WAD // 10**held.decimals for held in lost if held.side is side)


def _opened_or_closed(after: Row, position: Position, memory: Memory, now: float) -> tuple[Draft, ...]:
    was_empty = memory.fresh or (memory.seen and not memory.holdings)
    if was_empty and not position.empty:
        return (_draft(after, now, Severity.OK, "opened", messages.opened(after, position)),)
    if memory.holdings and position.empty:
        return (_draft(after, now, Severity.OK, "closed", messages.gone(memory.health, "", suspect=False)),)
    return ()


def _level(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    found = severity(position, after.thresholds)
    if found is Severity.UNKNOWN:
        return memory, ()
    if found.rank < memory.level.rank:
        if found is Severity.LIQUIDATABLE:
            kind, text = "liquidatable", messages.liquidatable_now(after, position, memory.health)
        else:
            kind, text = "threshold", messages.crossed(after, position, memory.health)
        return replace(memory, level=found), (_draft(after, now, found, kind, text, cure=True),)
    cleared = _cleared(position, after.thresholds)
    if cleared.rank <= memory.level.rank:
        return memory, ()
    text = messages.recovered(after, position, memory.health)
    draft = _draft(after, now, cleared, "recovered", text, cure=cleared is not Severity.OK)
    return replace(memory, level=cleared), (draft,)


def _cleared(position: Position, thresholds: Thresholds) -> Severity:
    """The level by thresholds that are `BAND` wider: what is not over yet."""
    health = position.health.shown
    if position.has_debt and health is not None and health < HEALTH_ONE + BAND:
        return Severity.LIQUIDATABLE
    return severity(position, _wider(thresholds))


def _wider(thresholds: Thresholds) -> Thresholds:
    def health(limit: int | None) -> int | None:
        return None if limit is None else limit * (WAD + BAND) // WAD

    def cushion(limit: int | None) -> int | None:
        return None if limit is None else limit * CUSHION_BAND // 100

    return Thresholds(
        health(thresholds.warn),
        health(thresholds.critical),
        cushion(thresholds.warn_cushion),
        cushion(thresholds.critical_cushion),
    )


def _verified(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    """Said once; armed again when the figure is the contract's own to the last digit."""
    health = position.health
    answered = health.reported is not None or health.verdict is not None
    doubtful = (health.raw is not None and answered and not health.confirmed) or any(
        flag.code == "unverified" for flag in position.flags
    )
    if doubtful == memory.told_unverified:
        return memory, ()
    memory = replace(memory, told_unverified=doubtful)
    if not doubtful:
        return memory, ()
    return memory, (_draft(after, now, Severity.WARN, "unverified", messages.unverified(position)),)


# -- across restarts -----------------------------------------------------------------------------------------------


def dump(memories: Mapping[str, Memory]) -> str:
    """Text to keep, position id → memory."""
    return json.dumps({name: _plain(memory) for name, memory in memories.items()}, separators=(",", ":"))


def load(text: str) -> dict[str, Memory]:
    """Exact inverse of `dump`. Text that is not one (empty, cut short, of another version) gives nothing."""
    try:
        return {name: _memory(plain) for name, plain in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError, LookupError):
        return {}


def _plain(memory: Memory) -> dict[str, Any]:
    return {
        "level": memory.level.value,
        "health": None if memory.health is None else str(memory.health),
        "holdings": [(*held[:4], str(held.amount)) for held in memory.holdings],
        "seen": memory.seen,
        "fresh": memory.fresh,
        "unseen_since": memory.unseen_since,
        "told_unseen": memory.told_unseen,
        "told_unverified": memory.told_unverified,
        "liquidated_at": memory.liquidated_at,
    }


def _memory(plain: dict[str, Any]) -> Memory:
    holdings = tuple(
        Holding(Side(side), asset, symbol, decimals, int(amount))
        for side, asset, symbol, decimals, amount in plain.pop("holdings")
    )
    level, health = Severity(plain.pop("level")), plain.pop("health")
    return Memory(level=level, health=None if health is None else int(health), holdings=holdings, **plain)
