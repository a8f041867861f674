"""What rules would have said, in words: on the stored history, or on a tape."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liqtui.core import format as fmt
from liqtui.core.rehearse import Said
from liqtui.core.snapshot import Severity
from liqtui.core.text import clean
from liqtui.ui.header import utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.rehearse import Rehearsal
    from liqtui.engine.backtest import Record
    from liqtui.engine.trial import Trial

NOTHING_RECORDED = (
    "nothing is recorded of this position yet, so there is nothing to try the rules on; ctrl+r tries a tape"
)
NOTHING_BUT_HEALTH = (
    "The stored history has no block times, σ or interest yet, so σ, pace and interest rules cannot be told from it, "
    "nor prices, feeds and parameters. ctrl+r tries all rules on a tape."
)
_RECENT = 3
_LAG = 3600.0
"""Seconds by which the record of something may begin later without a word."""
_WORDS = {
    Severity.WARN: "warn",
    Severity.CRITICAL: "critical",
    Severity.LIQUIDATABLE: "liquidatable",
}
_KINDS = {"velocity": "pace", "unverified": "doubt", "oracle": "feed"}
_APART = frozenset({"recovered", "sighted"})
"""Kinds that tell that something is over."""


def word(said: Said) -> str:
    """As "critical", "pace"."""
    if said.kind in {"threshold", "liquidatable"}:
        return _WORDS.get(said.level, said.level.value)
    return _KINDS.get(said.kind, clean(said.kind, 20))


def told(said: Iterable[Said]) -> str:
    """As "3 warn, 1 critical, 2 pace, 4 recovered"; "nothing"."""
    heard, quiet = list[Said](), 0
    for each in said:
        if each.quiet:
            quiet += 1
        else:
            heard.append(each)
    heard.sort(key=lambda each: each.kind in _APART)
    parts = [f"{number} {name}" for name, number in Counter(map(word, heard)).items()]
    return ", ".join([*parts, *([f"{quiet} only logged"] if quiet else [])]) or "nothing"


def on_record(found: Rehearsal, before: Rehearsal, now: float) -> list[str]:
    """What typed rules would have said, beside what those say that hold now."""
    if found.start is None:
        return [NOTHING_RECORDED]
    lines = [f"on the last {fmt.age(now - found.start)} on record: {told(found.said)}"]
    lines += _beside(found.said, before.said)
    worse = [each for each in found.said if each.worse and not each.quiet][-_RECENT:]
    if worse:
        lines.append(f"  last: {' · '.join(f'{_when(each.at)} {word(each)}' for each in worse)}")
    return [*lines, limits(found)]


def _beside(said: Sequence[Said], before: Sequence[Said]) -> list[str]:
    """What the rules that hold now would have said, where it differs."""
    if tuple(said) == tuple(before):
        return []
    now = told(before)
    return [f"  as it is now: {now if now != told(said) else 'as often, at other times'}"]


def _when(at: float) -> str:
    return utc(at, "%b %d %H:%MZ")


def limits(found: Rehearsal) -> str:
    """What the record cannot tell, and why."""
    if found.start is None:
        return NOTHING_RECORDED
    if found.full is None:
        return NOTHING_BUT_HEALTH
    parts: list[str] = []
    if found.full > found.start + _LAG:
        parts.append(f"σ and interest since {_when(found.full)}")
    if found.paced is None:
        parts.append("no pace, readings are too far apart")
    elif found.paced > found.start + _LAG:
        parts.append(f"pace since {_when(found.paced)}, older readings are too far apart")
    if not found.measured:
        parts.append("σ was never known")
    parts.append("no prices, feeds or parameters")
    return f"On record: {'; '.join(parts)}. ctrl+r tries all rules on a tape."


def on_tape(found: Trial, before: Trial | None) -> list[str]:
    """The result: first all together, then what happened to each position."""
    report = found.report
    whose = "your wallet on it" if found.own else "your wallet is not on it: each of its wallets under these rules"
    heading = clean(report.title, 60) or "the tape"
    lines = [f"{heading}, {fmt.age(report.end - report.start)}; {whose}", f"told: {told(found.all_said)}"]
    lines += _beside(found.all_said, before.all_said) if before is not None else []
    lines.append(_liquidations(found.records))
    return [*lines, "", *(_position(record, found) for record in _worst_first(found))]


def _liquidations(records: Sequence[Record]) -> str:
    hits = [hit for record in records for hit in record.liquidations]
    if not hits:
        return "no liquidation among them: no lead was tested"
    missed = sum(hit.missed for hit in hits)
    leads = [hit.lead for hit in hits if hit.lead]
    least = f", the least lead {fmt.age(min(leads))}" if leads else ""
    return f"{len(hits)} liquidated, {missed or 'none'} without a warning in time{least}"


def _worst_first(found: Trial) -> list[Record]:
    def place(record: Record) -> tuple[int, int, str]:
        said = found.said.get(record.id, ())
        return -len(record.liquidations), min((each.level.rank for each in said), default=99), record.label

    return sorted(found.records, key=place)


def _position(record: Record, found: Trial) -> str:
    name = f"{clean(record.label, 20)} {clean(record.protocol, 14)} {clean(record.chain, 10)}"
    unread = "" if record.read else " (never read)"
    return f"  {name}{unread}: {told(found.said.get(record.id, ()))}"
