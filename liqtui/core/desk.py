"""What happens to alerts after the rules have spoken: what is held back and let go, who is called again.

Pure: the time, the local time and what is muted are arguments. `engine/alarms.py` drives it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.drafts import OFF, Draft
from liqtui.core.drafts import names as names_of
from liqtui.core.rules import ALWAYS
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from liqtui.core.rules import Desk, Maintenance, Quiet
    from liqtui.core.snapshot import Alert, Row

QUIET, MUTED, MAINTENANCE = "quiet hours", "muted", "maintenance"
LONGEST = 1500
GAP = 300.0
"""Seconds without a look after which the daily summary says that nobody watched."""


class Local(NamedTuple):
    """A moment as the wall clock shows it."""

    day: int
    """Counted from some day on, without gaps."""
    minute: int
    """Of the day, 0 to 1439."""


@dataclass
class State:
    """What the desk has to remember; outlives a restart."""

    muted: dict[str, float] = field(default_factory=dict[str, float])
    """Position id or wallet address, lower case → unix time of the end."""
    sent: dict[int, float] = field(default_factory=dict[int, float])
    """Alert id → when it last went out again."""
    digest_day: int | None = None
    """Local day of which the last summary was."""
    looked_at: float | None = None
    gaps: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """Stretches since the last summary in which the program did not run."""
    digest_at: float | None = None


# -- kept back -----------------------------------------------------------------------------------------------------


def quiet(hours: Quiet | None, minute: int) -> bool:
    """Whether that minute of the day is within. By the wall clock, so a change of summer time moves nothing."""
    if hours is None:
        return False
    if hours.start <= hours.end:
        return hours.start <= minute < hours.end
    return minute >= hours.start or minute < hours.end


def hold(draft: Draft, desk: Desk, muted: Mapping[str, float], now: float, local: Local) -> str:
    """Why a new alert is kept from ringing; empty: it is not. What is lost or about to be rings always."""
    if draft.kind in ALWAYS or draft.loud.rank >= Level.LIQUIDATABLE.rank:
        return ""
    if draft.held:
        return draft.held
    if _is_muted(draft.about, draft.positions or ((draft.position,) if draft.position else ()), muted, now):
        return MUTED
    window = next((w for w in desk.maintenance if w.start <= now < w.end and _concerns(w, draft.about)), None)
    if window is not None:
        return _maintenance(window)
    return _hush(draft.loud, desk, local)


def hold_still(alert: Alert, desk: Desk, muted: Mapping[str, float], now: float, local: Local) -> str:
    """The same for an alert that was kept back, now."""
    if alert.held == OFF:
        return OFF
    if alert.held == MUTED and _is_muted((), alert.positions, muted, now):
        return MUTED
    windows = (_maintenance(window) for window in desk.maintenance if window.start <= now < window.end)
    if alert.held in windows:
        return alert.held
    return _hush(alert.level, desk, local)


def _hush(level: Level, desk: Desk, local: Local) -> str:
    hours = desk.quiet
    return QUIET if hours is not None and level.rank < hours.breaks.rank and quiet(hours, local.minute) else ""


def _is_muted(about: Collection[str], positions: Iterable[str], muted: Mapping[str, float], now: float) -> bool:
    """All of its positions are; or it names what is."""
    targets = {target for target, until in muted.items() if until > now}
    if not targets:
        return False
    listed = [name.lower() for name in positions]
    if listed:
        return all(name in targets or name.rpartition(":")[2] in targets for name in listed)
    return any(name in targets for name in about)


def _concerns(window: Maintenance, about: Collection[str]) -> bool:
    return not window.about or window.about.lower() in about


def _maintenance(window: Maintenance) -> str:
    what = window.reason or window.about
    return f"{MAINTENANCE}: {clean(what, 60)}" if what else MAINTENANCE


def kept_back(
    desk: Desk,
    muted: Mapping[str, float],
    alerts: Iterable[Alert],
    now: float,
    local: Local,
    *,
    names: Mapping[str, str],
) -> list[str]:
    """What keeps alerts from ringing now, until when, and how many wait for its end: a sentence for each reason.

    `names`: what a muted target, a position id or a wallet address, is called.
    """
    waiting = Counter(alert.held for alert in alerts if alert.held and alert.held != OFF and alert.acked_at is None)
    told: list[str] = []
    hours = desk.quiet
    if hours is not None and quiet(hours, local.minute):
        end = f"{hours.end // 60:02}:{hours.end % 60:02}"
        told.append(
            f"quiet hours until {end} local time: below {hours.breaks.value} nothing rings{_wait(waiting[QUIET])}"
        )
    for window in desk.maintenance:
        if window.start <= now < window.end:
            about = f"alerts about {clean(window.about, 60)} do not ring" if window.about else "no alert rings"
            until, held = _until(window.end, now), _maintenance(window)
            told.append(f"{held} until {until}: {about}{_wait(waiting[held])}")
    live = [(names.get(target, target), until) for target, until in muted.items() if until > now]
    if live:
        first = ", ".join(f"{clean(name, 40)} until {_until(until, now)}" for name, until in live[:3])
        more = f" and {len(live) - 3} more" if len(live) > 3 else ""
        told.append(f"muted: {first}{more}{_wait(waiting[MUTED])}")
    return [f"{text}; what is or can be liquidated rings all the same" for text in told]


def _wait(count: int) -> str:
    return f", {_count(count, 'alert')} wait{'s' if count == 1 else ''}" if count else ""


def _until(at: float, now: float) -> str:
    """In UTC, with the day where it is not soon."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%MZ" if at - now < 72_000 else "%d %b %H:%MZ")


def silenced(alert: Alert, rows: Mapping[str, Row], desk: Desk, muted: Mapping[str, float], now: float) -> bool:
    """Whether a mute or a maintenance that came after it keeps an alert that rang already from ringing again."""
    if alert.kind in ALWAYS or alert.level.rank >= Level.LIQUIDATABLE.rank:
        return False
    if _is_muted((), alert.positions, muted, now):
        return True
    windows = [window for window in desk.maintenance if window.start <= now < window.end]
    found = [rows[position] for position in alert.positions if position in rows] if windows else []
    about = frozenset(name for row in found for name in names_of(row))
    return any(_concerns(window, about) for window in windows)


# -- again, louder -------------------------------------------------------------------------------------------------


def due(alert: Alert, desk: Desk, sent: Mapping[int, float], now: float, local: Local) -> bool:
    """Whether it goes out again: nobody acknowledged it, it is not over, and it is loud enough for this hour."""
    if (
        alert.acked_at is not None
        or alert.over_at is not None
        or alert.held
        or alert.level.rank < Level.CALL.rank
        or not desk.escalate_after
        or alert.escalated >= desk.escalate_times
        or (alert.snoozed_until is not None and now < alert.snoozed_until)
        or (alert.kind not in ALWAYS and _hush(alert.level, desk, local))
    ):
        return False
    # As far ahead of now, the clock was set back meanwhile: that must not silence it until the old time comes again.
    return abs(now - sent.get(alert.id, alert.at)) >= desk.escalate_after


def outranks(higher: Alert, lower: Alert) -> bool:
    """Whether what was said later tells the same and worse, so that only it goes out again while it stands.

    A milder threshold gives way to a worse one or its own renewal, a pace to what is worse than it, what could be
    liquidated to what was. Liquidations give way to nothing, and nothing to what is kept back or not as loud.
    """
    worse = higher.severity.rank - lower.severity.rank
    return (
        higher.id > lower.id
        and higher.kind in _STEPS
        and lower.kind in _STEPS - {"liquidated"} | {"velocity"}
        and (worse < 0 or (worse == 0 and lower.kind in _STEPS))
        and higher.over_at is None
        and not higher.held
        and higher.level.rank >= lower.level.rank
    )


def escalated(alert: Alert, now: float, row: Row | None) -> Alert:
    """One step louder. `row`: the position as it is now, since the figures of the text are of then."""
    again = f"not acknowledged for {_span(now - alert.at)}"
    facts = [pair for pair in alert.facts if pair[0] not in _AGAIN]
    text = alert.text.removeprefix(dict(alert.facts).get("again", ""))
    if health := _health_now(alert, row):
        again = f"{again}, HF now {health}"
        facts.append(("health_now", health))
    again = f"{again} · "
    facts += [("again", again), ("unacknowledged", _span(now - alert.at))]
    return replace(alert, level=alert.level.next, escalated=alert.escalated + 1, text=again + text, facts=tuple(facts))


def _health_now(alert: Alert, row: Row | None) -> str:
    """Of an alert about one position; empty where that is not known."""
    if row is None or row.position is None or len(alert.positions) > 1:
        return ""
    trusted = "" if row.freshness in {Freshness.FRESH, Freshness.LATE} else "~"
    return f"{fmt.health(row.position.health.shown)}{trusted}"


def _now(alert: Alert, rows: Mapping[str, Row]) -> str:
    health = _health_now(alert, rows.get(alert.position))
    return f"HF now {health} · " if health else ""


_STEPS = frozenset({"threshold", "recovered", "liquidatable", "liquidated"})
"""Kinds that tell how near a position is to liquidation, or that it is past it."""
_AGAIN = {"again", "unacknowledged", "health_now"}


def _span(seconds: float) -> str:
    return fmt.age(max(seconds, 0.0))


# -- told together -------------------------------------------------------------------------------------------------


def summary(alerts: Sequence[Alert], now: float, rows: Mapping[str, Row] | None = None) -> Draft:
    """What was kept back, in one message; `alerts` with their reasons still in `held`, oldest first.

    `rows`: the positions as they are now, since the figures of each text are of then.
    """
    reasons = ", ".join(dict.fromkeys(alert.held for alert in alerts))
    stand = [alert for alert in alerts if alert.over_at is None]
    ordered = sorted(stand, key=lambda alert: -alert.level.rank)
    over = [alert for alert in alerts if alert.over_at is not None]
    loudest = max((alert.level for alert in stand or over), key=lambda level: level.rank)
    level = loudest if stand else min(loudest, Level.CALL, key=lambda level: level.rank)
    standing = f"{len(stand)} still stand" if len(stand) != 1 else "1 still stands"
    text = f"{reasons} over: {_count(len(alerts), 'alert')} kept back, {standing if stand else 'none stands any more'}"
    return Draft(
        now,
        min((alert.severity for alert in stand), key=lambda severity: severity.rank, default=Severity.OK),
        "held",
        f"after {reasons}",
        _listed(
            text,
            [f"{alert.title} {_now(alert, rows or {})}{alert.text}" for alert in ordered]
            + [f"over: {alert.title} {alert.text}" for alert in over],
        ),
        level=level,
        positions=tuple(dict.fromkeys(name for alert in ordered for name in alert.positions)),
        facts=(
            ("kept_back", str(len(alerts))),
            ("still_stand", str(len(stand))),
            *((f"alert {alert.id}", f"{alert.title} · {_now(alert, rows or {})}{alert.text}") for alert in ordered),
            *((f"alert {alert.id}", f"{alert.title} · {alert.text}") for alert in over),
        ),
    )


def digest_day(minute: int, local: Local) -> int:
    """The day whose summary is the last that had to be made by now; one that was missed is made late."""
    return local.day if local.minute >= minute else local.day - 1


def digest_waits(desk: Desk, local: Local, *, blind: bool) -> bool:
    """Whether the summary waits for the end of quiet hours. `blind`: something cannot be read, so it is louder."""
    return bool(_hush(_loud(blind=blind), desk, local))


def _loud(*, blind: bool) -> Level:
    return Level.CALL if blind else Level.NOTICE


def digest(
    rows: Sequence[Row], unread: Sequence[tuple[str, str]], alerts: Sequence[Alert], state: State, now: float
) -> Draft:
    """The daily summary. What cannot be read comes first: a quiet day of a blind program is no quiet day."""
    since = state.digest_at if state.digest_at is not None else now - 86_400
    counts = {severity: sum(row.severity is severity for row in rows) for severity in Severity}
    told = ", ".join(f"{count} {severity.value}" for severity, count in counts.items() if count)
    recent = [alert for alert in alerts if alert.at > since and alert.kind not in {"digest", "held", "test"}]
    open_ones = [alert for alert in alerts if _open(alert)]
    levels = {level: sum(alert.level is level for alert in recent) for level in reversed(Level)}
    spoken = ", ".join(f"{count} {level.value}" for level, count in levels.items() if count)
    blinds = sum(1 for alert in recent if alert.kind == "blind")
    away = sum(end - start for start, end in state.gaps)
    parts = [f"NOT READABLE: {'; '.join(f'{where}: {why}' for where, why in unread[:5])}" if unread else ""]
    parts += [f"nobody watched for {_span(away)}" if away else "", f"blind {_count(blinds, 'time')}" if blinds else ""]
    parts += [told or "no positions", _worst(rows)]
    parts += [f"since the last summary: {spoken}" if spoken else "no alerts since the last summary"]
    parts += [f"{len(open_ones)} not acknowledged" if open_ones else ""]
    return Draft(
        now,
        Severity.BLIND if unread else Severity.OK,
        "digest",
        "daily summary",
        _listed(" · ".join(part for part in parts if part), []),
        level=_loud(blind=bool(unread)),
        facts=(
            *((severity.value, str(count)) for severity, count in counts.items() if count),
            ("alerts", str(len(recent))),
            ("not_acknowledged", str(len(open_ones))),
            ("unread", str(len(unread))),
            ("not_watched", f"{away:.0f} s"),
            *((where, why) for where, why in unread),
        ),
    )


def _open(alert: Alert) -> bool:
    return alert.acked_at is None and alert.over_at is None and alert.level.rank >= Level.CALL.rank


def _worst(rows: Sequence[Row]) -> str:
    worst = min(rows, key=lambda row: row.severity.rank, default=None)
    if worst is None or worst.position is None:
        return ""
    old = "" if worst.trusted else "~"
    return f"worst {worst.label} {worst.key.protocol} {worst.chain} HF {fmt.health(worst.position.health.shown)}{old}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(head: str, parts: Sequence[str]) -> str:
    text, separator = clean(head, LONGEST), ": "
    for place, part in enumerate(parts):
        if len(text) + len(separator) + len(part) > LONGEST:
            return f"{text}; and {len(parts) - place} more"
        text, separator = f"{text}{separator}{part}", "; "
    return text


# -- across restarts -----------------------------------------------------------------------------------------------


def dump(state: State) -> str:
    return json.dumps(
        {
            "muted": state.muted,
            "sent": {str(number): at for number, at in state.sent.items()},
            "digest_day": state.digest_day,
            "digest_at": state.digest_at,
            "looked_at": state.looked_at,
            "gaps": state.gaps,
        }
    )


def load(text: str) -> State:
    """Inverse of `dump`; damaged text gives an empty one."""
    try:
        found: dict[str, Any] = json.loads(text)
        return State(
            muted={str(target): float(until) for target, until in found["muted"].items()},
            sent={int(number): float(at) for number, at in found["sent"].items()},
            digest_day=found["digest_day"],
            looked_at=found["looked_at"],
            gaps=[(float(start), float(end)) for start, end in found["gaps"]],
            digest_at=found["digest_at"],
        )
    except (ValueError, TypeError, AttributeError, LookupError):
        return State()
