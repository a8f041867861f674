"""Snapshots over a wire: only what changed since the last one that this client was sent.

The daemon has one `Press` for all clients, which packs each row once, and a `Ledger` per client, which knows what
that client has. The client has a `Mirror`, which makes the snapshot again. A client that was busy for a while gets
one difference, from what it has to how things are now: versions in between are skipped.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

from liqtui.core.snapshot import Row, Snapshot
from liqtui.engine.wire import WireError, pack, pack_position, unpack, unpack_position

if TYPE_CHECKING:
    from collections.abc import Collection

    from liqtui.core.snapshot import Alert

_ROW = tuple(each.name for each in fields(Row) if each.name != "position")
_WHOLE = tuple(each.name for each in fields(Snapshot) if each.name not in {"rows", "alerts", "version", "at"})
"""Fields that are sent whole when they changed: they are small, or change rarely."""
BATCH = 50
"""Rows with books that one piece of news holds at most: working out all of a row takes a millisecond or two."""


class Press:
    """Rows as JSON, each made once for all clients; kept while the row is the newest one of its position."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._plain: dict[int, tuple[Row, Any]] = {}
        self._full: dict[int, tuple[Row, Any]] = {}

    def number(self, row: Row) -> int:
        """Short name of a position on the wire."""
        return self._numbers.setdefault(row.id, len(self._numbers) + 1)

    def row(self, row: Row, number: int, *, book: bool) -> Any:
        import msgspec

        kept = self._full if book else self._plain
        known = kept.get(number)
        if known is not None and known[0] is row:
            return known[1]
        plain = [pack(getattr(row, name)) for name in _ROW]
        position = None if row.position is None else pack_position(row.position, book=book)
        made = msgspec.Raw(msgspec.json.encode([plain, position]))
        kept[number] = (row, made)
        return made

    def forget(self, present: Collection[int]) -> None:
        """Let go of rows that are no longer there."""
        for kept in (self._plain, self._full):
            for number in kept.keys() - set(present):
                del kept[number]


class Ledger:
    """What one client has."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self._had: dict[str, Any] = {}
        self._rows: dict[int, tuple[Row, bool]] = {}
        self._order: list[int] = []
        self._alerts: dict[int, Alert] = {}
        self._alert_order: list[int] = []
        self.looked_at: frozenset[str] = frozenset()
        """Ids of positions that are sent with their books."""
        self.everything = False
        """Every position is."""

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
        order: list[int] = []
        changed: dict[str, Any] = {}
        left = BATCH
        late = False
        for row in rows:
            number = self._press.number(row)
            order.append(number)
            had = self._rows.get(number)
            book = self.everything or row.id in self.looked_at
            if had is not None and had[0] is row and (had[1] or not book):
                continue
            if book and not left:
                late, book = True, False
                if had is not None and had[0] is row:
                    continue
            left -= book
            changed[str(number)] = self._press.row(row, number, book=book)
            self._rows[number] = (row, book)
        news: dict[str, Any] = {"rows": changed} if changed else {}
        if order != self._order:
            for number in set(self._order) - set(order):
                self._rows.pop(number, None)
            self._order = order
            self._press.forget(order)
            news["order"] = order
        return news | ({"more": True} if late else {})

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
        self._rows: dict[int, Row] = {}
        self._order: list[int] = []
        self._alerts: dict[int, Alert] = {}
        self._alert_order: list[int] = []
        self.snapshot = Snapshot(-1, 0.0)
        self.whole = False
        """Nothing that was asked for is still on its way."""

    def take(self, news: Any) -> Snapshot:
        """The snapshot after the news. Raises WireError; what was known before then stays."""
        if not isinstance(news, dict):
            raise WireError("news that are none")
        try:
            return self._take(cast("dict[str, Any]", news))
        except (TypeError, ValueError, KeyError, AttributeError) as fault:
            raise WireError("news that cannot be read") from fault

    def _take(self, news: dict[str, Any]) -> Snapshot:
        changes: dict[str, Any] = {name: unpack(value) for name, value in news.get("fields", {}).items()}
        if "rows" in news or "order" in news:
            self._rows |= {int(number): self._row(packed) for number, packed in news.get("rows", {}).items()}
            self._order = news.get("order", self._order)
            self._rows = {number: self._rows[number] for number in self._order}
            changes["rows"] = tuple(self._rows.values())
        if "alerts" in news or "alert_order" in news:
            self._alerts |= {alert.id: alert for alert in map(unpack, news.get("alerts", ()))}
            self._alert_order = news.get("alert_order", self._alert_order)
            self._alerts = {number: self._alerts[number] for number in self._alert_order}
            changes["alerts"] = tuple(self._alerts.values())
        self.snapshot = replace(self.snapshot, version=news["version"], at=news["at"], **changes)
        self.whole = not news.get("more", False)
        return self.snapshot

    def _row(self, packed: Any) -> Row:
        plain, position = packed
        named = {name: unpack(part) for name, part in zip(_ROW, plain, strict=True)}
        found = None if position is None else unpack_position(position, named["cushion"], self._targets)
        return Row(position=found, **named)
