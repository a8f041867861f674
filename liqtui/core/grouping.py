"""One cause, one alert: drafts of one look that share their cause become one, which names every position."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liqtui.core.snapshot import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.drafts import Draft

MOST = 6
"""Alerts of one kind and severity out of one look; what is beyond is told together."""
LONGEST = 1200
"""Characters of a text that names many."""
_FIGURES = 8
"""Positions that are named with their figures; the others by name."""

_VERBS = {
    ("threshold", Severity.WARN): "under their warn threshold",
    ("threshold", Severity.CRITICAL): "under their critical threshold",
    ("recovered", Severity.OK): "recovered",
    ("liquidatable", Severity.LIQUIDATABLE): "can be liquidated now",
    ("liquidated", Severity.LIQUIDATED): "liquidated",
}
_WORDS = {
    "recovered": "better, but not over",
    "blind": "not readable",
    "sighted": "readable again",
    "velocity": "fast toward their next threshold",
    "interest": "near liquidation by interest alone",
    "parameters": "touched by it",
    "oracle": "feeds",
    "price": "feeds",
}


def group(drafts: Iterable[Draft]) -> list[Draft]:
    """In the order in which the causes first occur. Few per kind, severity and reason to be held, however many come."""
    groups: dict[tuple[object, ...], list[Draft]] = {}
    for place, draft in enumerate(drafts):
        own = draft.cause or place
        groups.setdefault((draft.kind, draft.severity, draft.held, own), []).append(draft)
    kinds: dict[tuple[object, ...], list[tuple[object, ...]]] = {}
    for key in groups:
        kinds.setdefault(key[:3], []).append(key)
    for same in kinds.values():
        if len(same) > MOST:
            _merge(groups, sorted(same, key=lambda key: (-len(groups[key]), min(d.order for d in groups[key]))))
    return [_one(each) for each in groups.values()]


def _merge(groups: dict[tuple[object, ...], list[Draft]], keys: Sequence[tuple[object, ...]]) -> None:
    """Keep what hits most, then what is worst; the rest becomes one of several causes."""
    first, *rest = keys[MOST - 1 :]
    for key in rest:
        groups[first] += groups.pop(key)
    groups[first] = [replace(draft, headline="several causes", cause="several") for draft in groups[first]]


def _one(drafts: Sequence[Draft]) -> Draft:
    if len(drafts) == 1:
        return drafts[0]
    ordered = sorted(drafts, key=lambda draft: draft.order)
    worst = ordered[0]
    cure = next((draft for draft in ordered if draft.cure), None)
    positions = dict.fromkeys(name for draft in ordered for name in (draft.positions or (draft.position,)) if name)
    count, what = len(ordered), _VERBS.get((worst.kind, worst.severity)) or _WORDS.get(worst.kind, "")
    things = what if what == "feeds" else "positions"
    heads = (what, worst.headline) if worst.kind == "blind" else (worst.headline, what)  # its reasons are long
    return replace(
        worst,
        title=f"{count} {things} {_where(ordered)}".rstrip(),
        text=_text([part for part in heads if part and part != things], ordered),
        cure=f"{cure.title}: {cure.cure}" if cure else "",
        level=max((draft.loud for draft in ordered), key=lambda level: level.rank),
        block=max((draft.block for draft in ordered if draft.block is not None), default=None),
        positions=tuple(positions),
        facts=_facts(ordered),
        about=frozenset().union(*(draft.about for draft in ordered)),
    )


def _where(drafts: Sequence[Draft]) -> str:
    """What they have in common: the wallet's label, else the chain."""
    for name in ("label", "chain"):
        found = {value for draft in drafts for key, value in draft.facts if key == name}
        if len(found) == 1:
            return found.pop()
    return ""


def _text(heads: Sequence[str], drafts: Sequence[Draft]) -> str:
    text, separator = " · ".join(heads), ": " if heads else ""
    for place, draft in enumerate(drafts):
        part = f"{draft.title} {draft.brief}" if place < _FIGURES else draft.title
        left = len(drafts) - place
        if len(text) + len(separator) + len(part) > LONGEST and left > 1:
            return f"{text}; and {left} more"
        text, separator = f"{text}{separator}{part}", "; "
    return text


def _facts(drafts: Sequence[Draft]) -> tuple[tuple[str, str], ...]:
    """What is the same for all, then a line for each."""
    common = [pair for pair in drafts[0].facts if all(pair in draft.facts for draft in drafts)]
    head = [("positions", str(len(drafts))), *([("cause", drafts[0].headline)] if drafts[0].headline else [])]
    named = {"position", "positions", "cause"}
    lines = [
        (
            draft.title if draft.positions else draft.position,
            " · ".join(part for part in (draft.title, draft.text, draft.cure) if part),
        )
        for draft in drafts
    ]
    return (*head, *(pair for pair in common if pair[0] not in named), *lines)
