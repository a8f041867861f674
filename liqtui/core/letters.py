"""What channels send: subject, plain text, Markdown, HTML and the JSON event, each with its length cap.

Names come from chain, and services make links, mentions and formatting out of what they are sent. So every word
from outside goes through `plain`, which leaves nothing that any of them would obey; our own marks come after it.
`docs/channels.md` describes the JSON.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liqtui.core import format as fmt
from liqtui.core.snapshot import Alert
from liqtui.core.states import Level, Severity
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SCHEMA = 1
TEST = "test"
LATE = 120.0
"""Seconds after which a message says how late it comes."""
LINE, SUBJECT, FACTS = 400, 150, 12
"""Characters of one line and of the subject; facts of one alert that are spelled out."""

_ALIKE = str.maketrans("<>&@`*_~|#[]\\", "‹›＆＠'∗ˍ∼¦♯()∖")
"""Signs that some service takes for markup or a mention → ones that look alike and mean nothing."""
_SCHEME = re.compile(r":(?=//)")
_DOMAIN = re.compile(r"(?<=\w)[.．。｡․](?!eth\b(?![.．。｡․]\w))(?=[^\W\d_]{2})")
"""The dot of what a service would make a link of; an ENS name is none."""
_LEADING = re.compile(r"[-+=]|\d+[.)]")


def plain(text: str, limit: int = LINE) -> str:
    """One line that no service finds a link, a mention or markup in."""
    return _DOMAIN.sub("(.)", _SCHEME.sub(": ", clean(text, limit)).translate(_ALIKE))


def trial(channel: str, now: float) -> Alert:
    """What `liqtui alert test` sends: marked, and about nothing."""
    text = f"This is a test of the channel {channel}. Nothing has happened; nothing has to be done."
    return Alert(0, now, Severity.OK, TEST, "TEST of liqtui", text, facts=(("channel", channel),))


def key(alert: Alert) -> str:
    """Of one sending of an alert: the same in every repetition, another when it escalates or another log begins."""
    return f"{alert.id}.{alert.escalated}.{int(alert.at)}"


@dataclass(frozen=True)
class Letter:
    """One message about one alert or several."""

    alerts: tuple[Alert, ...]
    """At least one; worst first, those about one position together and in their order."""
    now: float

    @property
    def level(self) -> Level:
        return max((alert.level for alert in self.alerts), key=lambda level: level.rank)

    @property
    def kind(self) -> str:
        """test · digest · alert"""
        kinds = {alert.kind for alert in self.alerts}
        return kinds.pop() if len(kinds) == 1 and kinds <= {TEST, "digest"} else "alert"

    def subject(self, limit: int = SUBJECT) -> str:
        first = self.alerts[0]
        if len(self.alerts) == 1:
            return clean(_headline(first), limit)
        return clean(f"{len(self.alerts)} alerts, worst {_loud(self.level)}: {plain(first.title)}", limit)

    def text(self, limit: int) -> str:
        """Plain, without the subject of a single alert; at most `limit` bytes of UTF-8."""
        return self._body(limit, "\n", str, str)

    def markdown(self, limit: int) -> str:
        """As `text`, in marks that every dialect of Markdown has. Each line is a paragraph."""
        return self._body(limit, "\n\n", _not_a_list, lambda words: f"**{words}**")

    def html(self, limit: int) -> str:
        """As `text`, with <b> and <br> only."""
        return self._body(limit, "<br>\n", _escaped, lambda words: f"<b>{_escaped(words)}</b>")

    def event(self, *, marks: bool = True, limit: int = 8000) -> dict[str, Any]:
        """The JSON event. `marks`: with the Markdown form, which a receiver may refuse."""
        body = {"subject": self.subject(), "text": self.text(limit)}
        if marks:
            body["markdown"] = self.markdown(limit)
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "sent_at": _time(self.now),
            "level": self.level.value,
            **body,
            "alerts": [_event(alert) for alert in self.alerts],
        }

    def _body(self, limit: int, gap: str, words: Callable[[str], str], bold: Callable[[str], str]) -> str:
        if len(self.alerts) == 1:
            lines = [words(line) for line in self._lines(self.alerts[0])]
            return _fitting([_cut(lines[0], limit - 4 - len(gap)), *lines[1:]], limit, gap, lambda _: "…")
        entries = [f"{bold(_headline(alert))}{gap}{words(_brief(alert))}" for alert in self.alerts]
        return _fitting(entries, limit, gap, lambda left: words(f"and {left} more"))

    def _lines(self, alert: Alert) -> list[str]:
        lines = [plain(alert.text)]
        if alert.cure:
            lines.append(f"Do: {plain(alert.cure)}")
        lines += [f"{plain(name.replace('_', ' '), 60)}: {plain(value)}" for name, value in alert.facts[:FACTS]]
        if alert.escalated:
            lines.append(f"sent again, {_times(alert.escalated)}: nobody has acknowledged it")
        late = self.now - alert.at
        when = f"{_time(alert.at)}{f', block {alert.block}' if alert.block is not None else ''}"
        lines.append(when + (f", sent {fmt.age(late)} late" if late > LATE and not alert.escalated else ""))
        return lines


def letter(alerts: Iterable[Alert], now: float) -> Letter:
    """Each alert once, as it stands after its last escalation, in the order of a `Letter`."""
    newest: dict[int, Alert] = {}
    for alert in alerts:
        newest[alert.id] = max(newest.get(alert.id, alert), alert, key=lambda one: one.escalated)
    groups: list[tuple[set[str], list[Alert]]] = []
    for alert in sorted(newest.values(), key=lambda one: one.id):
        about = set(places(alert))
        mine = [group for group in groups if group[0] & about]
        members = [one for group in mine for one in group[1]]
        groups = [group for group in groups if group not in mine]
        groups.append((about.union(*(group[0] for group in mine)), [*members, alert]))
    groups.sort(key=lambda group: (-max(alert.level.rank for alert in group[1]), group[1][0].id))
    ordered = (alert for group in groups for alert in sorted(group[1], key=lambda one: one.id))
    return Letter(tuple(ordered), now)


def places(alert: Alert) -> Sequence[str]:
    """What it is about, for the order in which alerts leave: positions, else what it is titled."""
    return alert.positions or ((alert.position,) if alert.position else (f"{alert.kind} {alert.title}",))


def _headline(alert: Alert) -> str:
    if alert.kind == TEST:
        return plain(alert.title)
    more = f" (+{len(alert.positions) - 1})" if len(alert.positions) > 1 else ""
    return f"{_loud(alert.level)} · {plain(alert.title)}{more}"


def _brief(alert: Alert) -> str:
    time = datetime.fromtimestamp(alert.at, UTC).strftime("%H:%M:%S")
    cure = f" · do: {plain(alert.cure)}" if alert.cure else ""
    return f"{time} {plain(alert.text)}{cure}"


def _loud(level: Level) -> str:
    return level.value.upper()


def _times(count: int) -> str:
    return "louder" if count == 1 else f"{count} times by now"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _escaped(words: str) -> str:
    return html.escape(words, quote=False)


def _not_a_list(line: str) -> str:
    return f"· {line}" if _LEADING.match(line) else line


def _fitting(entries: Sequence[str], limit: int, gap: str, rest: Callable[[int], str]) -> str:
    """As many as fit into `limit` bytes, whole, and then what `rest` says of the number left out."""
    for kept in range(len(entries), 0, -1):
        left = len(entries) - kept
        text = gap.join([*entries[:kept], *([rest(left)] if left else [])])
        if len(text.encode()) <= limit:
            return text
    return rest(len(entries))


def _cut(line: str, limit: int) -> str:
    """Its beginning, in `limit` bytes."""
    raw = line.encode()
    return line if len(raw) <= limit else raw[: max(0, limit - 3)].decode(errors="ignore") + "…"


def _event(alert: Alert) -> dict[str, Any]:
    facts: dict[str, list[str]] = {}
    for name, value in alert.facts:
        facts.setdefault(clean(name, 60), []).append(clean(value, LINE))
    return {
        "key": key(alert),
        "id": alert.id,
        "at": _time(alert.at),
        "kind": alert.kind,
        "level": alert.level.value,
        "severity": alert.severity.value,
        "title": clean(alert.title, LINE),
        "text": clean(alert.text, LINE),
        "cure": clean(alert.cure, LINE),
        "position": alert.position or None,
        "positions": list(alert.positions),
        "block": alert.block,
        "facts": {name: " · ".join(values) for name, values in facts.items()},
        "escalated": alert.escalated,
    }
