"""Snapshots over a wire: only what changed since the last one that this client was sent.

The daemon has one `Press` for all clients, which writes each part of a row once, and a `Ledger` per client, which
knows what that client has. The client has a `Mirror`, which makes the snapshot again. A client that was busy for a
while gets one difference, from what it has to how things are now: versions in between are skipped.

A row is a list of its number and the parts that changed, see `rowcode`; 0 stands for one that did not, and what is
left out at the end did not either. Rows are in groups with the block of their figures before them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.core.snapshot import Snapshot
from liqtui.engine import rowcode
from liqtui.engine.wire import WireError, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from liqtui.core.model import Position, PositionKey
    from liqtui.core.reads import Block
    from liqtui.core.snapshot import Alert, Row

_WHOLE = tuple(each.name for each in fields(Snapshot) if each.name not in {"rows", "alerts", "version", "at"})
"""Fields that are sent whole when they changed: they are small, or change rarely."""
BATCH = 100
"""Rows that are sent in full in one piece of news: one takes some tenths of a millisecond."""
FIRST = 40
"""Rows from the top that are sent in full until a list has told what it shows: those that it shows first."""
_SAME = 0


class _Who(NamedTuple):
    told: tuple[Any, ...]
    edition: int
    written: Any


class Press:
    """Parts of rows as JSON, each made once for all clients; kept while they are the newest of their position."""

    def __init__(self) -> None:
        self._numbers: dict[PositionKey, int] = {}
        self._ids: dict[str, int] = {}
        self._who: dict[int, _Who] = {}
        self._now: dict[int, tuple[Row, Any]] = {}
        self._figures: dict[int, tuple[Position, Any]] = {}
        self._more: dict[tuple[int, frozenset[str]], tuple[Position, Any]] = {}

    def number(self, row: Row) -> int:
        """Short name of a position on the wire."""
        number = self._numbers.get(row.key)
        if number is None:
            number = self._numbers[row.key] = self._ids[row.id] = len(self._numbers) + 1
        return number

    def numbers(self, ids: Collection[str]) -> frozenset[int]:
        """Of the positions that were met."""
        return frozenset(self._ids[each] for each in ids if each in self._ids)

    def who(self, row: Row, number: int) -> _Who:
        told, known = rowcode.who(row), self._who.get(number)
        if known is None or known.told != told:
            known = self._who[number] = _Who(told, 1 if known is None else known.edition + 1, _json(pack(told)))
        return known

    def now(self, row: Row, number: int) -> Any:
        known = self._now.get(number)
        if known is None or known[0] is not row:
            known = self._now[number] = (row, _json(rowcode.now(row)))
        return known[1]

    def figures(self, position: Position, number: int) -> Any:
        known = self._figures.get(number)
        if known is None or known[0] is not position:
            known = self._figures[number] = (position, _json(rowcode.figures(position)))
        return known[1]

    def more(self, position: Position, number: int, names: frozenset[str]) -> Any:
        known = self._more.get((number, names))
        if known is None or known[0] is not position:
            known = self._more[number, names] = (position, _json(rowcode.more(position, names)))
        return known[1]

    def forget(self, present: Mapping[int, Row]) -> None:
        """Let go of what is not in the newest snapshot any more. Numbers stay theirs."""
        for kept in (self._now, self._figures):
            for number in kept.keys() - present.keys():
                del kept[number]
        # An old position holds the whole market at its block.
        for key in [
            key
            for key, (held, _) in self._more.items()
            if key[0] not in present or present[key[0]].position is not held
        ]:
            del self._more[key]


def _json(value: Any) -> Any:
    import msgspec

    return msgspec.Raw(msgspec.json.encode(value))


class _Had(NamedTuple):
    """What a client has of a row."""

    row: Row
    edition: int
    """Of `who`."""
    whole: bool
    """With all of its position."""


class Ledger:
    """What one client has."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self._had: dict[str, Any] = {}
        self._rows: dict[int, _Had] = {}
        self._order: list[int] = []
        self._alerts: dict[int, Alert] = {}
        self._alert_order: list[int] = []
        self.looked_at: frozenset[str] = frozenset()
        """Ids of positions that are sent in full."""
        self.top = True
        """So are those at the top of the list."""
        self.everything = False
        """Every position is, and none before it can be."""
        self.names = rowcode.ALL
        """Fields that come with a position in full."""

    def news(self, snapshot: Snapshot) -> dict[str, Any] | None:
        """What the client lacks, None when it lacks nothing. It counts as had from now on.

        `more` in it says that this is not all: ask again.
        """
        fields: dict[str, Any] = {}
        for name in _WHOLE:
            value = getattr(snapshot, name)
            if name not in self._had or not _same(self._had[name], value):
                self._had[name] = value
                fields[name] = pack(value)
        news: dict[str, Any] = {"fields": fields} if fields else {}
        news |= self._row_news(snapshot.rows) | self._alert_news(snapshot.alerts)
        if not news:
            return None
        return {"version": snapshot.version, "at": snapshot.at, **news}

    def _row_news(self, rows: tuple[Row, ...]) -> dict[str, Any]:
        press, had_rows = self._press, self._rows
        order = [press.number(row) for row in rows]
        top = order if self.everything else order[:FIRST] if self.top else ()
        looked = press.numbers(self.looked_at).union(top)
        groups: dict[Block | None, list[Any]] = {}
        left, late = BATCH, False
        for row, number in zip(rows, order, strict=True):
            had, whole = had_rows.get(number), number in looked
            if had is not None and had.row is row and (had.whole or not whole):
                continue
            if whole and not left and not (had is not None and had.whole and had.row.position is row.position):
                late, whole = True, False
                if self.everything or (had is not None and had.row is row):
                    continue
            self._rows[number], told, block = self._told(row, number, had, whole=whole)
            left -= len(told) > 4
            groups.setdefault(block, []).append(told)
        news: dict[str, Any] = {"rows": [[pack(block), told] for block, told in groups.items()]} if groups else {}
        if late:
            news["more"] = True
        if order != self._order and not (late and self.everything):
            for number in set(self._order) - set(order):
                had_rows.pop(number, None)
            self._order = order
            news["order"] = order
        if groups:
            press.forget(dict(zip(order, rows, strict=True)))
        return news

    def _told(self, row: Row, number: int, had: _Had | None, *, whole: bool) -> tuple[_Had, list[Any], Block | None]:
        """What the client has then, what it is sent, and the block of the figures in it."""
        press, position = self._press, row.position
        who = press.who(row, number)
        told: list[Any] = [number, press.now(row, number), _SAME]
        known = had is not None and had.row.position is position and (had.whole or not whole)
        fresh_who = had is None or had.edition != who.edition
        block = None
        if position is None:
            told[2], whole = None, True
        elif known:
            whole = had is not None and had.whole
        else:
            told[2], block = press.figures(position, number), position.block
        if fresh_who:
            told.append(who.written)
        if position is not None and not known and whole:
            told += [*([] if fresh_who else [_SAME]), press.more(position, number, self.names)]
        return _Had(row, who.edition, whole), told, block

    def _alert_news(self, alerts: tuple[Alert, ...]) -> dict[str, Any]:
        changed = [alert for alert in alerts if self._alerts.get(alert.id) is not alert]
        changed = [alert for alert in changed if self._alerts.get(alert.id) != alert]
        self._alerts = {alert.id: alert for alert in alerts}
        news: dict[str, Any] = {"alerts": [pack(alert) for alert in changed]} if changed else {}
        order = [alert.id for alert in alerts]
        if order != self._alert_order:
            self._alert_order = order
            news["alert_order"] = order
        return news


def _same(old: Any, new: Any) -> bool:
    return old is new or old == new


class Mirror:
    """What the daemon's snapshots were, made again from its news."""

    def __init__(self, targets: tuple[int, ...]) -> None:
        self._targets = targets
        self._who: dict[int, rowcode.Who] = {}
        self._rows: dict[int, Row] = {}
        self._order: list[int] = []
        self._alerts: dict[int, Alert] = {}
        self._alert_order: list[int] = []
        self.snapshot = Snapshot(-1, 0.0)
        self.whole = False
        """Nothing that was asked for is still on its way."""

    def take(self, news: Any) -> Snapshot:
        """The snapshot after the news. Raises WireError; then this mirror is of no more use."""
        if not isinstance(news, dict):
            raise WireError("news that are none")
        try:
            return self._take(cast("dict[str, Any]", news))
        except (TypeError, ValueError, KeyError, AttributeError, IndexError) as fault:
            raise WireError("news that cannot be read") from fault

    def _take(self, news: dict[str, Any]) -> Snapshot:
        changes: dict[str, Any] = {name: unpack(value) for name, value in news.get("fields", {}).items()}
        if "rows" in news or "order" in news:
            for packed, rows in news.get("rows", ()):
                block = unpack(packed)
                for told in rows:
                    self._row(block, [*told, _SAME, _SAME][:5])
            if "order" in news:
                self._order = news["order"]
                self._rows = {number: self._rows[number] for number in self._order}
                self._who = {number: self._who[number] for number in self._order}
            changes["rows"] = tuple([self._rows[number] for number in self._order])
        if "alerts" in news or "alert_order" in news:
            self._alerts |= {alert.id: alert for alert in map(unpack, news.get("alerts", ()))}
            self._alert_order = news.get("alert_order", self._alert_order)
            self._alerts = {number: self._alerts[number] for number in self._alert_order}
            changes["alerts"] = tuple(self._alerts.values())
        self.snapshot = replace(self.snapshot, version=news["version"], at=news["at"], **changes)
        self.whole = not news.get("more", False)
        return self.snapshot

    def _row(self, block: Any, told: list[Any]) -> None:
        number, now, figures, who, more = told
        if who != _SAME:
            self._who[number] = rowcode.read_who(who)
        known = self._who[number]
        if figures is None:
            position = None
        elif figures == _SAME:
            position = self._rows[number].position
        else:
            position = rowcode.read_position(known, figures, block, more or None, self._targets)
        self._rows[number] = rowcode.read_row(known, now, position)
