"""When to speak. Pure rules over one position's row before and after, and what was said of it already.

Hysteresis: a threshold speaks once when health goes under it, and is armed again only when health is `BAND` over it
(a cushion threshold: half as far again away). A figure that trembles around a threshold so gives one alert and,
when it is really over, one recovery. What could not be seen, or not be verified, is over when it has been well for
`SETTLE` without a break: an endpoint that answers now and then does not speak each time. What is said and what is
armed is in `Memory`, which outlives a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core import changes, messages
from liqtui.core.causes import cause
from liqtui.core.coming import coming, folded
from liqtui.core.drafts import Draft, draft
from liqtui.core.memory import Holding, Memory, dump, load
from liqtui.core.model import Change, Side
from liqtui.core.severity import BAND, by_figures, crossing, figures, oracle_freshness, turned
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.units import HEALTH_ONE, WAD

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.memory import Terms
    from liqtui.core.model import Position
    from liqtui.core.severity import Figures
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Thresholds

__all__ = ["Draft", "Holding", "Memory", "dump", "gone", "judge", "load"]

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_BLIND, _STALE = Freshness.BLIND, Freshness.STALE

UNKNOWN_PATIENCE = 60.0
"""Seconds that health may be unknown, or a new position unread, before that is said."""
STALE_PATIENCE = 600.0
"""Seconds that figures may be stale before that is said. Blind is said at once: it took minutes to get there."""
SETTLE = 60.0
"""Seconds that figures must have come again, or been the contract's own, without a break before that is over."""
BONUS = (1003, 1250)
"""Collateral lost per debt gone, in thousandths of value. Under it nobody took a bonus; over it no liquidator may
take as much. Both are the owner's own doing."""
SUSPECT = 110 * WAD // 100
"""A position that vanishes with less health than this may have been liquidated as a whole."""


def judge(
    before: Row | None,
    after: Row,
    memory: Memory,
    now: float,
    *,
    events: Sequence[str] = (),
    own: bool = False,
    undone: bool = False,
    news: bool = True,
    behind: bool = False,
    anew: bool = False,
    found: Figures | None = None,
) -> tuple[Memory, tuple[Draft, ...]]:
    """What has to be said now that `after` is known, and what to remember.

    `events`: liquidations of this position seen in the chain's log since the last time, each in a line of clean
    text. `own`: a transaction of the owner explains what changed; `undone`: a reorganisation does, and the logs that
    hold now know of no liquidation. `before` is only asked what `memory` forgot.
    `news`: something besides the time changed; without, all that can be said is that it is not seen any more.
    `behind`: its figures are stale by our reading or by the chain's head, whatever its feeds are. `anew`: its chain
    went back to another history, so that amounts and rules of before say nothing about what happened. `found`: the
    figures of `after`, where they are made already.
    """
    if anew:
        memory = memory._replace(seen=False, fresh=False, health=None, holdings=(), terms=None, read_at=None, pace=())
    if not news:
        return _sight(after, memory, now, behind=behind)
    if not memory.seen and before is not None and before.position is not None:
        was = before.position
        memory = _remembered(memory, was, changes.holdings(was), changes.terms(was))
    memory, drafts = _sight(after, memory, now, behind=behind)
    position = None if after.freshness is _BLIND else after.position
    holdings = () if position is None else changes.holdings(position)
    steady = changes.steady(memory.holdings, holdings, own=own)
    lost = () if position is None or steady else _lost(memory.holdings, position)
    known = own or undone or position is None or not lost
    taken = not known and position is not None and _taken(lost, before, position, memory.health)
    seized = bool(events) or taken
    if seized:
        drafts += (_liquidated(before, after, events or lost, memory.health, now),)
    if position is None:
        return memory, drafts
    terms = changes.terms(position, memory.terms)
    said = () if seized else _opened_or_closed(after, position, memory, now)
    done = () if said or seized or (steady and terms is memory.terms) else _done(position, terms, memory, own=own)
    drafts += said + _parameters(before, after, terms, memory, now)
    found = found or figures(position, after.sigmas)
    memory, more = _level(before, after, found, memory, now, done=done)
    if seized and not more:
        memory = memory._replace(level=_afterwards(memory.level, found, after.thresholds))
    if done and not more:
        more = (_changed(after, position, memory, now, done, own=own),)
    memory, doubts = _verified(after, position, memory, now)
    memory, soon = coming(after, position, found, memory, now, own=bool(done) or seized)
    return _remembered(memory, position, holdings, terms), (*drafts, *folded(more, soon), *doubts)


def gone(last: Row, memory: Memory, now: float, *, events: Sequence[str] = (), own: bool = False) -> tuple[Draft, ...]:
    """A position that is no longer there at all; nothing for one that had no figures or was empty.

    `events` as in `judge`. `own`: something else than a liquidation is known to explain it.
    """
    if events:
        text, cause = messages.liquidated("; ".join(events), None, memory.health, certain=True), f"gone:{last.chain}"
        return (draft(last, now, Severity.LIQUIDATED, "liquidated", text, before=memory.health, cause=cause),)
    if not memory.holdings:
        return ()
    debts = any(held.side is Side.DEBT for held in memory.holdings)
    suspect = not own and debts and memory.health is not None and memory.health < SUSPECT
    text = messages.gone(memory.health, "; ".join(map(_fall, memory.holdings)), suspect=suspect)
    how, kind = (Severity.LIQUIDATED, "liquidated") if suspect else (Severity.OK, "closed")
    return (draft(last, now, how, kind, text, before=memory.health, cause=f"{kind}:{last.chain}", brief=text),)


def _remembered(memory: Memory, position: Position, holdings: tuple[Holding, ...], terms: Terms) -> Memory:
    shown, at = position.health.shown, position.block.timestamp
    health = shown if shown is not None else memory.health
    if (memory.read_at, memory.health, memory.seen, memory.fresh) == (at, health, True, False) and (
        memory.holdings == holdings and memory.terms == terms
    ):
        return memory
    return memory.read(health, holdings, terms, at)


# -- can it be seen ------------------------------------------------------------------------------------------------


def _sight(after: Row, memory: Memory, now: float, *, behind: bool) -> tuple[Memory, tuple[Draft, ...]]:
    patience = _patience(after, behind=behind)
    if patience is None:
        return _seen_again(after, memory, now)
    if memory.unseen_since is None:
        memory = memory._replace(unseen_since=now, unseen_health=memory.health)
    elif memory.unseen_since > now:  # the clock was set back
        memory = memory._replace(unseen_since=now)
    since = now if memory.unseen_since is None else memory.unseen_since
    if memory.seen_since is not None:
        memory = memory._replace(seen_since=None)
    if memory.told_unseen or now - since < patience:
        return memory, ()
    lasted = max(now - since, float(after.ages.fetch or 0))
    stale = after.freshness is Freshness.STALE and after.severity is not Severity.UNKNOWN
    text = messages.stale(after, lasted) if stale else messages.blind(after, lasted, memory.health)
    near = memory.level.rank <= Severity.CRITICAL.rank
    told = draft(
        after,
        now,
        Severity.BLIND,
        "blind",
        text,
        before=memory.health,
        cure=True,
        level=Level.CRITICAL if near else Level.CALL,
        cause=f"blind:{after.chain}:{after.error}",
        headline=messages.reason(after),
        brief=f"last HF {messages.health(memory.health)}",
    )
    # Back to the last reading: "data again after" must not be shorter than what was told here.
    return memory._replace(told_unseen=True, unseen_since=now - lasted), (told,)


def _patience(row: Row, *, behind: bool) -> float | None:
    """How long the row may stay as it is before that is said; None when there is nothing to say.

    A stale feed is told once for all that hang on it (`feedwatch`), but says nothing of a chain that stands still.
    """
    position = row.position
    if position is None:
        return UNKNOWN_PATIENCE
    if row.freshness is _BLIND:
        return 0.0
    if position.health.shown is None and position.has_debt:
        return UNKNOWN_PATIENCE
    return STALE_PATIENCE if row.freshness is _STALE and (behind or not _feed_stale(position)) else None


def _feed_stale(position: Position) -> bool:
    return any(oracle_freshness(feed, position.block.timestamp) is Freshness.STALE for feed in position.feeds)


def _seen_again(after: Row, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    if memory.unseen_since is None:
        return memory, ()
    seen = now if memory.seen_since is None else min(memory.seen_since, now)
    if memory.told_unseen and now - seen < SETTLE:
        return (memory if seen == memory.seen_since else memory._replace(seen_since=seen)), ()
    lasted, told, health = max(0.0, seen - memory.unseen_since), memory.told_unseen, memory.unseen_health
    memory = memory._replace(unseen_since=None, unseen_health=None, seen_since=None, told_unseen=False)
    if not told:
        return memory, ()
    text = messages.sighted(after.position, lasted, health)
    told = draft(
        after,
        now,
        Severity.OK,
        "sighted",
        text,
        before=health,
        cause=f"sighted:{after.chain}:{int(lasted // 60)}",
        headline=messages.sighted(None, lasted, None),
    )
    return memory, (told,)


# -- what happened to it -------------------------------------------------------------------------------------------


def _liquidated(
    before: Row | None, after: Row, what: Sequence[str] | Sequence[Holding], health: int | None, now: float
) -> Draft:
    """`what`: lines of the chain's log, or what fell between two readings."""
    certain = any(isinstance(item, str) for item in what)
    falls = "; ".join(item if isinstance(item, str) else _fall(item) for item in what)
    text = messages.liquidated(falls, after.position, health, certain=certain)
    found = cause(before, after)
    return draft(
        after,
        now,
        Severity.LIQUIDATED,
        "liquidated",
        text,
        before=health,
        cure=True,
        cause=f"liquidated:{found.key or after.chain}",
        headline=found.words,
        brief=falls,
        more=(("lost", falls), ("certain", "yes" if certain else "no")),
    )


def _fall(held: Holding) -> str:
    return messages.fallen(held.side, held.symbol, held.decimals, held.amount)


def _lost(holdings: Iterable[Holding], position: Position) -> tuple[Holding, ...]:
    """What shrank, debt first."""
    left: dict[tuple[Side, str], int] = {}
    for leg in position.legs:
        place = (leg.side, leg.asset.address)
        left[place] = left.get(place, 0) + leg.amount
    falls: list[Holding] = []
    for held in holdings:
        by = held.amount - left.get((held.side, held.asset), 0)
        if by > held.amount // changes.ROUNDING:
            falls.append(held._replace(amount=by))
    return tuple(sorted(falls, key=lambda fall: fall.side is not Side.DEBT))


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
        text = messages.opened(after, position)
        return (draft(after, now, Severity.OK, "opened", text, cause=f"opened:{after.chain}"),)
    if memory.holdings and position.empty:
        text = messages.gone(memory.health, "", suspect=False)
        return (draft(after, now, Severity.OK, "closed", text, before=memory.health, cause=f"closed:{after.chain}"),)
    return ()


def _done(position: Position, terms: Terms, memory: Memory, *, own: bool) -> tuple[str, ...]:
    """What was done to the amounts and choices since they were last known, in words; not what interest does."""
    if not memory.seen or memory.fresh:
        return ()
    chosen = changes.chosen(memory.terms, terms) if memory.terms is not None else ()
    return (*changes.moves(memory.holdings, position, memory.read_at, own=own), *chosen)


def _changed(after: Row, position: Position, memory: Memory, now: float, done: Sequence[str], *, own: bool) -> Draft:
    text = messages.changed(position, memory.health, done, own=own)
    more = (("change", "; ".join(done)), ("own", "yes" if own else "not known"))
    return draft(after, now, Severity.OK, "changed", text, before=memory.health, more=more)


def _parameters(before: Row | None, after: Row, terms: Terms, memory: Memory, now: float) -> tuple[Draft, ...]:
    """What the market changed, with health by the old and by the new parameters at the same prices."""
    position = after.position
    if position is None or memory.terms is None or memory.terms is terms:
        return ()
    turns = changes.turns(memory.terms, terms)
    if not turns:
        return ()
    was = changes.by_parameters(before.position if before else None, position)
    was = memory.health if was is None else was
    worse = position.has_debt and any(turn.worse for turn in turns)
    words = "; ".join(turn.text for turn in turns)
    more = [pair for turn in turns for pair in (("parameter", turn.what), ("old", turn.old), ("new", turn.new))]
    told = draft(
        after,
        now,
        Severity.WARN if worse else Severity.OK,
        "parameters",
        messages.parameters(after, position, was, words),
        before=was,
        cure=worse and after.severity is not Severity.OK,
        cause=f"parameters:{after.chain}:{after.key.protocol}:{after.key.market}:{words}",
        headline=words,
        more=more,
    )
    return (told,)


def _afterwards(level: Severity, found: Figures, thresholds: Thresholds) -> Severity:
    """The level after a liquidation, without the band: the next fall is another one, and has to be said."""
    reached = by_figures(found, thresholds)
    return level if reached is Severity.UNKNOWN or reached.rank < level.rank else reached


def _level(
    before: Row | None, after: Row, figures: Figures, memory: Memory, now: float, *, done: Sequence[str]
) -> tuple[Memory, tuple[Draft, ...]]:
    """Thresholds crossed and cleared. `done`: what was done meanwhile, told along with it."""
    position, found = after.position, turned(memory.level, figures, after.thresholds)
    if position is None or found is None:
        return memory, ()
    more = (("change", "; ".join(done)),) if done else ()
    kind, why = crossing(memory.level, found), cause(before, after)
    if kind == "recovered":
        text = messages.recovered(after, position, memory.health, found)
    else:
        write = messages.liquidatable_now if kind == "liquidatable" else messages.crossed
        text = write(after, position, memory.health)
    told = draft(
        after,
        now,
        found,
        kind,
        messages.after(text, done),
        before=memory.health,
        cure=found is not Severity.OK,
        cause=f"{kind}:{why.key}" if why.key else "",
        headline=why.words,
        more=more,
    )
    return memory._replace(level=found), (told,)


def _verified(after: Row, position: Position, memory: Memory, now: float) -> tuple[Memory, tuple[Draft, ...]]:
    """Said once; armed again when the figure has been the contract's own to the last digit for `SETTLE`."""
    health = position.health
    answered = health.reported is not None or health.verdict is not None
    doubtful = health.raw is not None and answered and not health.confirmed
    if not doubtful and not any(flag.code == "unverified" for flag in position.flags):
        return _sure(memory, now), ()
    told, memory = memory.told_unverified, memory._replace(told_unverified=True, sure_since=None)
    if told:
        return memory, ()
    text = messages.unverified(position)
    cause = f"unverified:{after.chain}:{after.key.protocol}:{after.key.market}"
    return memory, (draft(after, now, Severity.WARN, "unverified", text, cause=cause, brief="not verified"),)


def _sure(memory: Memory, now: float) -> Memory:
    """The doubt, if there was one, is over after a while."""
    if not memory.told_unverified:
        return memory
    since = now if memory.sure_since is None else min(memory.sure_since, now)
    if now - since < SETTLE:
        return memory if since == memory.sure_since else memory._replace(sure_since=since)
    return memory._replace(told_unverified=False, sure_since=None)
