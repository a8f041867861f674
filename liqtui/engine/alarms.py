"""Alerts as they are kept: numbered, stored, acknowledged, called again; and what the rules remember.

The rules see one row at a time (`judge`, `gone`) and what they say waits until the look is over (`look`): only then
it is known what shares a cause. A liquidation marks its row at once.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from liqtui.core import desk as desks
from liqtui.core import feedwatch
from liqtui.core.alerts import gone, judge
from liqtui.core.desk import Local
from liqtui.core.drafts import OFF, Draft
from liqtui.core.events import liquidation_lines
from liqtui.core.grouping import group
from liqtui.core.memory import Memory, dump, load
from liqtui.core.rules import Desk
from liqtui.core.snapshot import Severity
from liqtui.engine.feeds import Feeds
from liqtui.engine.history import ALERTS_KEPT
from liqtui.engine.shelf import MOST, crowded, pending, trim
from liqtui.engine.standing import by_position, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.severity import Figures
    from liqtui.core.snapshot import Alert, Row, Snapshot
    from liqtui.engine.history import History, Saved
    from liqtui.engine.roll import Roll

SPACING = 60.0
"""Seconds between two writings of what the rules remember while they say nothing: it grows with the positions."""
_EVENTS = frozenset({"liquidated", "parameters", "test"})
"""Kinds of what happened and is not over until somebody has seen it."""
_GAPS = 50


def local_time(at: float) -> Local:
    """By the machine's own time zone."""
    then = time.localtime(at)
    return Local(date(then.tm_year, then.tm_mon, then.tm_mday).toordinal(), then.tm_hour * 60 + then.tm_min)


class Alarms:
    def __init__(
        self,
        history: History,
        saved: Saved,
        desk: Desk | None = None,
        *,
        post: Callable[[Alert], None] | None = None,
        local: Callable[[float], Local] = local_time,
    ) -> None:
        """`post` takes each alert that is new, and again when it is called louder, or let go after a snooze.

        One that is `held` is posted too: it does not ring, and its reason is told where it would have gone.
        """
        self._history = history
        self._alerts = list(saved.alerts)
        self._last = saved.last_alert
        self._memories = load(saved.memory)
        self._feeds = Feeds(saved.feeds)
        self._state = desks.load(saved.desk)
        self._desk = desk or Desk()
        self._post = post or _nothing
        self._local = local
        self._drafts: list[Draft] = []
        self._changed = self._urgent = False
        self._turned = True
        """What was said of some position may be over."""
        self._lost = 0
        """Alerts that were not done with and had to go."""
        self._saved_at: float | None = None
        self._end("engine", "", 0.0)
        self.liquidated = self._liquidated()
        """Positions with a liquidation that nobody has acknowledged yet."""

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Newest first, bounded: beside the newest, older ones that stand or are kept back."""
        return tuple(self._alerts)

    @property
    def remembered(self) -> frozenset[str]:
        """Ids of the positions of which the rules remember something."""
        return frozenset(self._memories)

    # -- what the rules see --------------------------------------------------------------------------------------

    def judge(
        self,
        before: Row | None,
        after: Row,
        now: float,
        *,
        opened: bool = False,
        events: Sequence[MarketEvent] = (),
        own: bool = False,
        undone: bool = False,
        news: bool = True,
        behind: bool = False,
        anew: bool = False,
        figures: Figures | None = None,
    ) -> bool:
        """Let the rules see a row; returns whether they had something to say, which `look` will number.

        `opened`: it is known that this position was not there before. `events`: what the logs told of it since the
        last time. `own`: and this explains all that changed. The rest as in `core.alerts.judge`.
        """
        position = after.id
        known = self._memories.get(position)
        memory = Memory(fresh=opened) if known is None else known
        lines = liquidation_lines(events) if events else ()
        remembered, drafts = judge(
            before, after, memory, now, events=lines, own=own, undone=undone,
            news=news, behind=behind, anew=anew, found=figures,
        )  # fmt: skip
        if remembered is not known:
            self._memories[position] = remembered
            self._changed = True
            if remembered.standing != memory.standing:
                self._turned = self._urgent = True
        self._take(drafts)
        return bool(drafts)

    def gone(self, last: Row, now: float, *, events: Sequence[MarketEvent] = (), own: bool = False) -> None:
        """A position is not there any more. `events` and `own` as in `core.alerts.gone`."""
        memory = self._memories.get(last.id, Memory())
        self._take(gone(last, memory, now, events=liquidation_lines(events), own=own))
        self.forget(last.id)

    def forget(self, position: str) -> None:
        """A position is not watched any more."""
        if self._memories.pop(position, None) is not None:
            self._changed = self._turned = True

    def unwatch(self, roll: Roll, now: float) -> frozenset[str]:
        """Be done with all that is about nobody who is watched. Returns the positions that are forgotten."""
        gone = frozenset(position for position in self._memories if not roll.watched(position))
        for position in gone:
            self.forget(position)
        for place, alert in enumerate(self._alerts):
            if pending(alert) and not roll.concerns(alert):
                over = now if alert.over_at is None else alert.over_at
                self._replace(place, over_at=over, held=OFF if alert.held else "")
        return gone

    def begin_anew(self, chain: str) -> None:
        """A chain has another history from now on: no price of before says that one jumped."""
        self._feeds.begin_anew(chain)

    def tell(self, now: float, how: Severity, title: str, text: str, what: str = "") -> None:
        """Something about the engine itself, or about the chain of that title; `what` tells it from others there."""
        cause = _engine(title, what)
        self._take([Draft(now, how, "engine", title, text, cause=cause, about=frozenset({title.lower()}))])

    def ended(self, title: str, now: float, what: str = "") -> None:
        """What was told under that title is over."""
        self._end("engine", _engine(title, what), now)

    def look(self, snapshot: Snapshot) -> None:
        """The round is over: number what was said, call again what nobody acknowledged, let go what was held."""
        now, by_hour = snapshot.at, self._desk.quiet is not None or self._desk.digest is not None
        local = self._local(now) if by_hour else Local(0, 0)
        self._set_back(now)
        self._look_at_feeds(snapshot)
        muted, waiting = self._state.muted, self._drafts
        self._drafts = []
        held = [replace(draft, held=desks.hold(draft, self._desk, muted, now, local)) for draft in waiting]
        for draft in group(feedwatch.unexplained(held)):
            self._keep(draft)
        if self._turned:
            self._turned = False
            for place, alert in enumerate(self._alerts):
                if alert.over_at is None and not self._stands(alert):
                    self._replace(place, over_at=now)
        self._release(snapshot, local)
        if snapshot.ready:
            self._call_again(snapshot, local)
        self._summarise(snapshot, local)
        self._pulse(now)

    # -- what the person does ------------------------------------------------------------------------------------

    def acknowledge(self, alert_id: int | None, now: float, newest: int | None = None) -> None:
        """One alert, or all with None up to the number `newest`; and what a worse one took over: it is known then."""
        for place, alert in enumerate(self._alerts):
            seen = newest is None or alert.id <= newest
            if alert.acked_at is None and (alert.id == alert_id or (alert_id is None and seen)):
                self._replace(place, acked_at=now)
        self._lost = 0 if alert_id is None else self._lost
        known = by_position(alert for alert in self._alerts if alert.acked_at is not None)
        for place, alert in enumerate(self._alerts):
            if alert.acked_at is None and alert.over_at is None and self._taken_over(alert, known):
                self._replace(place, acked_at=now)
        self.liquidated = self._liquidated()

    def snooze(self, alert_id: int, until: float) -> None:
        """Keep one alert quiet until then; it rings again when it still stands."""
        for place, alert in enumerate(self._alerts):
            if alert.id == alert_id:
                self._replace(place, snoozed_until=until)

    def mute(self, target: str, until: float | None) -> None:
        """Keep what is about a position id or a wallet address quiet until then; None lifts it."""
        if until is None:
            self._state.muted.pop(target.lower(), None)
        else:
            self._state.muted[target.lower()] = until
        self._changed = self._urgent = True

    @property
    def muted(self) -> tuple[tuple[str, float], ...]:
        """Target and unix time of the end."""
        return tuple(self._state.muted.items())

    def kept_back(self, now: float, names: Mapping[str, str]) -> list[str]:
        """What keeps alerts from ringing now, in sentences. `names` of what may be muted."""
        local = self._local(now) if self._desk.quiet is not None else Local(0, 0)
        told = desks.kept_back(self._desk, self._state.muted, self._alerts, now, local, names=names)
        return [*told, crowded(self._lost)] if self._lost else told

    def save(self, now: float, *, last: bool = False) -> None:
        """Hand what has to be remembered to the history: at once what was said, else from time to time."""
        if not self._changed:
            return
        due = self._saved_at is None or not 0 <= now - self._saved_at < SPACING
        if not (due or self._urgent or last):
            return
        self._history.remember(dump(self._memories))
        self._history.remember(desks.dump(self._state), "desk")
        self._history.remember(self._feeds.dump(), "feeds")
        self._changed = self._urgent = False
        self._saved_at = now

    # -- the desk ------------------------------------------------------------------------------------------------

    def _look_at_feeds(self, snapshot: Snapshot) -> None:
        drafts, changed, turned = self._feeds.look(snapshot)
        self._take(drafts)
        self._changed |= changed
        self._turned |= turned

    def _take(self, drafts: Iterable[Draft]) -> None:
        for draft in drafts:
            self._drafts.append(draft)
            if draft.kind == "liquidated":
                self.liquidated |= {draft.position}

    def _keep(self, draft: Draft) -> None:
        self._last += 1
        alert = draft.numbered(self._last)
        if not self._stands(alert):
            alert = replace(alert, over_at=alert.at)
        self._alerts.insert(0, alert)
        self._lost += trim(self._alerts, ALERTS_KEPT, MOST)
        self._history.alert(alert)
        self._changed = self._urgent = True
        self._post(alert)

    def _replace(self, place: int, **fields: object) -> Alert:
        alert = self._alerts[place] = replace(self._alerts[place], **fields)  # type: ignore[arg-type]
        self._history.alert(alert)
        return alert

    def _stands(self, alert: Alert) -> bool:
        """Whether what it is about goes on; what merely happened is over at once."""
        if alert.kind in _EVENTS:
            return alert.severity is not Severity.OK
        if alert.kind == "engine":
            return True
        if alert.kind == "oracle":
            return self._feeds.stands(alert)
        return any(self._holds(alert, position) for position in alert.positions)

    def _holds(self, alert: Alert, position: str) -> bool:
        """Whether it still holds of that one of its positions."""
        memory = self._memories.get(position)
        return alert.kind in _EVENTS or (memory is not None and standing(alert, memory))

    def _taken_over(self, alert: Alert, by: Mapping[str, Sequence[Alert]]) -> bool:
        """Whether worse alerts tell of all positions that it still holds of. `by`: the alerts of each position."""
        left = [position for position in alert.positions if self._holds(alert, position)]
        return bool(left) and all(
            any(desks.outranks(each, alert) and self._holds(each, position) for each in by.get(position, ()))
            for position in left
        )

    def _end(self, kind: str, cause: str, now: float) -> None:
        """What stands of that cause, or of the kind as a whole, is over; at its own time with `now` 0."""
        for place, alert in enumerate(self._alerts):
            if alert.kind == kind and alert.over_at is None and cause in {"", alert.cause}:
                self._replace(place, over_at=now or alert.at)

    def _release(self, snapshot: Snapshot, local: Local) -> None:
        """Let go what is no longer to be held, told in one message."""
        now = snapshot.at
        let_go: list[Alert] = []
        for place in reversed(range(len(self._alerts))):
            alert = self._alerts[place]
            if alert.held and alert.held != OFF:
                reason = desks.hold_still(alert, self._desk, self._state.muted, now, local)
                if not reason and alert.acked_at is None:
                    let_go.append(alert)
                if reason != alert.held:
                    self._state.sent[alert.id] = now
                    self._replace(place, held=reason)
        if let_go:
            self._keep(desks.summary(let_go, now, {row.id: row for row in snapshot.rows}))

    def _call_again(self, snapshot: Snapshot, local: Local) -> None:
        now = snapshot.at
        rows: dict[str, Row] = {}
        by: dict[str, list[Alert]] = {}
        for place in reversed(range(len(self._alerts))):
            alert = self._alerts[place]
            woken = alert.snoozed_until is not None and now >= alert.snoozed_until
            if not woken and not desks.due(alert, self._desk, self._state.sent, now, local):
                continue
            rows = rows or {row.id: row for row in snapshot.rows}
            if desks.silenced(alert, rows, self._desk, self._state.muted, now):
                continue
            if woken:
                alert = self._replace(place, snoozed_until=None)
            woken = woken and alert.acked_at is None and alert.over_at is None and not alert.held
            by = by or by_position(self._alerts)
            if self._taken_over(alert, by):
                continue
            if woken or desks.due(alert, self._desk, self._state.sent, now, local):
                again = desks.escalated(alert, now, rows.get(alert.position))
                self._alerts[place] = again if not woken else replace(again, level=alert.level)
                self._history.alert(self._alerts[place])
                self._again(self._alerts[place], now)

    def _again(self, alert: Alert, now: float) -> None:
        known = {each.id for each in self._alerts}
        self._state.sent = {number: at for number, at in self._state.sent.items() if number in known} | {alert.id: now}
        self._changed = self._urgent = True
        self._post(alert)

    def _summarise(self, snapshot: Snapshot, local: Local) -> None:
        state, minute = self._state, self._desk.digest
        if minute is None:
            return
        day = desks.digest_day(minute, local)
        # The first is made when its hour comes; likewise after the clock was set back by days.
        if state.digest_day is None or state.digest_day > day + 1:
            state.digest_day, state.digest_at = day, snapshot.at
        waits = desks.digest_waits(self._desk, local, blind=bool(snapshot.unread))
        if snapshot.ready and state.digest_day < day and not waits:
            self._keep(desks.digest(snapshot.rows, snapshot.unread, self._alerts, state, snapshot.at))
            state.digest_day, state.digest_at, state.gaps = day, snapshot.at, []

    def _set_back(self, now: float) -> None:
        """Where the clock was set back since the last look, what is quiet for a while ends as much earlier, and what
        goes out again does so as much earlier. Set back from a wrong year, it would all be quiet for that year.
        """
        back = 0.0 if self._state.looked_at is None else self._state.looked_at - now
        if back < 1.0:
            return
        self._state.muted = {target: until - back for target, until in self._state.muted.items()}
        sent = self._state.sent
        for place, alert in enumerate(self._alerts):
            if alert.acked_at is None:
                sent[alert.id] = sent.get(alert.id, alert.at) - back
            if alert.snoozed_until is not None:
                self._replace(place, snoozed_until=alert.snoozed_until - back)

    def _pulse(self, now: float) -> None:
        """Remember that somebody watched, and when nobody did."""
        last = self._state.looked_at
        if last is not None and now - last > desks.GAP:
            self._state.gaps = [*self._state.gaps, (last, now)][-_GAPS:]
        self._state.looked_at = now
        self._state.muted = {target: until for target, until in self._state.muted.items() if until > now}
        self._changed = True

    def _liquidated(self) -> frozenset[str]:
        return frozenset(
            position
            for alert in self._alerts
            if alert.kind == "liquidated" and alert.acked_at is None
            for position in alert.positions
        )


def _engine(title: str, what: str) -> str:
    return f"engine:{title}:{what}" if what else f"engine:{title}"


def _nothing(alert: Alert) -> None:
    """There is nowhere to post to."""
