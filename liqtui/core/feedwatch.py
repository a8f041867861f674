"""When a price feed deserves a word: late or stale against its heartbeat, or a jump between two of its rounds.

Each feed once, however many positions hang on it; and once more only after it has been in time for a while, so that
one that comes and goes around its limit does not speak each time.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.drafts import OFF, Draft
from liqtui.core.severity import oracle_age, oracle_freshness
from liqtui.core.snapshot import Freshness, Level, Severity
from liqtui.core.text import clean, phrase
from liqtui.core.units import WAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.model import Feed
    from liqtui.core.snapshot import Row

NEAR = 3600
"""Seconds beyond which a move is no jump: since the round before, and since anybody saw that one stand.

A feed that stood for a day and then moves at once had a day between two rounds, and it is a jump all the same.
"""


SETTLE = 600
"""Seconds of chain time that a feed has to be in time without a break before it is called so again."""


class Mark(NamedTuple):
    """What is known and said of one feed."""

    answer: int | None = None
    updated_at: int | None = None
    read_at: int = 0
    """Chain time of the reading."""
    told: str = ""
    """late · stale; empty: it is in time."""
    calm_since: int | None = None
    """Chain time since which one that was called late or stale is in time."""


class Seen(NamedTuple):
    """A reading of a feed."""

    feed: Feed
    chain: str
    at: int
    """Chain time."""
    rows: Sequence[Row]
    """What hangs on it."""
    now: float


def watch(mark: Mark, seen: Seen) -> tuple[Mark, list[Draft]]:
    """What has to be said of a feed now, and what to remember of it."""
    feed = seen.feed
    now = {Freshness.LATE: "late", Freshness.STALE: "stale"}.get(oracle_freshness(feed, seen.at), "")
    told, since = mark.told, None
    drafts: list[Draft] = []
    if now and told not in {now, "stale"}:
        drafts.append(_late(seen, now))
        told = now
    elif told and not now:
        # A chain that went back, as after another node took over, has shown nothing of what it has yet to reach.
        since = seen.at if mark.calm_since is None else min(mark.calm_since, seen.at)
        if seen.at - since >= SETTLE:
            drafts.append(_draft(seen, "oracle", "again", f"in time again, for {fmt.age(seen.at - since)} now"))
            told, since = "", None
    drafts += _jump(mark, seen)
    return Mark(feed.answer, feed.updated_at, seen.at, told, since), drafts


def jumps(mark: Mark, feed: Feed, at: int) -> float:
    """Size of the move since the last round that was seen, as a fraction; 0.0: none, or it may have taken long."""
    if mark.answer is None or feed.answer is None or mark.answer <= 0 or feed.answer == mark.answer:
        return 0.0
    timed = mark.updated_at is not None and feed.updated_at is not None
    unseen = at - mark.read_at
    apart = (feed.updated_at or 0) - (mark.updated_at or 0) if timed else unseen
    soon = 0 <= apart <= NEAR or (apart > NEAR and 0 <= unseen <= NEAR)
    return abs(feed.answer / mark.answer - 1) if soon else 0.0


def unexplained(drafts: Sequence[Draft]) -> list[Draft]:
    """Without the jumps of which everybody hears by what they did.

    That is by a draft that names the jump as its cause and is at least as loud, or by one for each position on the
    feed. One that is held back tells nobody.
    """
    told: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.kind != "price":
            told.setdefault(draft.cause.partition(":")[2], []).append(draft)

    def known(jump: Draft) -> bool:
        """At a first reading nobody knows which price it was: any may be the cause."""
        named = [*told.get(jump.cause, ()), *told.get(f"first:{jump.headline}", ())]
        heard = [draft for draft in named if draft.held in {"", jump.held}]
        listed = {draft.position for draft in heard}
        return any(draft.loud.rank >= jump.loud.rank for draft in heard) or (
            bool(heard) and listed >= {*jump.positions}
        )

    return [draft for draft in drafts if draft.kind != "price" or not known(draft)]


def _jump(mark: Mark, seen: Seen) -> list[Draft]:
    feed, size = seen.feed, jumps(mark, seen.feed, seen.at)
    listed = [row for row in seen.rows if (least := row.rules.price_jump) and size >= least / WAD]
    if not listed or not size or mark.answer is None or feed.answer is None:
        return []
    old, new = fmt.price(mark.answer, feed.decimals), fmt.price(feed.answer, feed.decimals)
    moved = fmt.percent(feed.answer / mark.answer - 1)
    text = f"{old} → {new} ({moved}) between two rounds"
    more = (("old", old), ("new", new), ("move", moved))
    return [_draft(seen._replace(rows=listed), "price", feed.factor, text, how=Severity.WARN, more=more)]


def _late(seen: Seen, told: str) -> Draft:
    feed, age = seen.feed, oracle_age(seen.feed, seen.at)
    if age is not None and age < 0:
        text = "dated in the future: its time cannot be trusted"
    else:
        beat = "" if feed.heartbeat is None else f", heartbeat {fmt.age(feed.heartbeat)}"
        guess = " (assumed)" if feed.assumed_heartbeat else ""
        text = f"{told}: last update {fmt.age(age)} ago{beat}{guess}"
    how = Severity.WARN if told == "stale" else Severity.OK
    more = (("age", fmt.age(age)), ("heartbeat", fmt.age(feed.heartbeat)))
    return _draft(seen, "oracle", told, text, how=how, more=more)


def _draft(
    seen: Seen,
    kind: str,
    cause: str,
    text: str,
    *,
    how: Severity = Severity.OK,
    more: Sequence[tuple[str, str]] = (),
) -> Draft:
    feed, chain, ordered = seen.feed, seen.chain, sorted(seen.rows, key=_health)
    label = phrase(feed.label)
    hit = f"{len(ordered)} position{'s' if len(ordered) != 1 else ''}"
    off = ordered and all(kind in (row.rules.off or ()) for row in ordered)
    facts = (("feed", feed.address), ("feed_label", label), ("chain", chain), *more, ("positions", str(len(ordered))))
    listed = ", ".join(dict.fromkeys(clean(row.label, 40) for row in ordered[:8]))
    return Draft(
        seen.now,
        how,
        kind,
        f"{label} {chain}",
        f"{text} · {hit} on it: {listed}" if listed else text,
        ordered[0].id if ordered else "",
        level=Level.CALL if how is Severity.WARN else Level.NOTICE,
        positions=tuple(row.id for row in ordered),
        facts=(*facts, *((row.id, f"{row.label} HF {fmt.health(_shown(row))}") for row in ordered)),
        cause=f"{kind}:{chain}:{cause}",
        held=OFF if off else "",
        headline=chain,
        brief=text,
        about=frozenset({chain.lower(), label.lower()}),
    )


def _shown(row: Row) -> int | None:
    return row.position.health.shown if row.position else None


def _health(row: Row) -> float:
    shown = _shown(row)
    return float("inf") if shown is None else float(shown)


def dump(marks: Mapping[str, Mark]) -> str:
    plain = {name: (None if mark.answer is None else str(mark.answer), *mark[1:]) for name, mark in marks.items()}
    return json.dumps(plain)


def load(text: str) -> dict[str, Mark]:
    """Inverse of `dump`; damaged text gives nothing."""
    try:
        found: dict[str, Any] = json.loads(text)
        read = {name: (None if answer is None else int(answer), *rest) for name, (answer, *rest) in found.items()}
        return {name: Mark(*mark) for name, mark in read.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
