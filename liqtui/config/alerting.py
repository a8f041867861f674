"""The tables of `config.toml` about alerts, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from liqtui.config.kinds import type_words
from liqtui.config.schema_alerts import MAINTENANCE
from liqtui.config.tables import read_table
from liqtui.core.rules import Desk, Maintenance, Quiet
from liqtui.core.states import Level

if TYPE_CHECKING:
    from liqtui.config.errors import Report


def read_desk(alerts: dict[str, Any], windows: Any, report: Report) -> Desk:
    """`alerts`: the table as read by its section; `windows`: [[maintenance]] as it stands in the file."""
    hours = alerts["quiet"]
    quiet = None if hours is None else Quiet(*hours, breaks=Level(alerts["quiet_breaks"]))
    return Desk(
        escalate_after=alerts["escalate_after"],
        escalate_times=alerts["escalate_times"],
        quiet=quiet,
        digest=alerts["digest"],
        maintenance=_maintenance(windows, report),
    )


def _maintenance(tables: Any, report: Report) -> tuple[Maintenance, ...]:
    if not isinstance(tables, list):
        report.add(("maintenance",), f"has to be a list of tables, not {type_words(tables)}", "write [[maintenance]]")
        return ()
    found: list[Maintenance] = []
    for place, table in enumerate(cast("list[Any]", tables)):
        path = ("maintenance", place)
        if not isinstance(table, dict):
            report.add(path, f"has to be a table, not {type_words(table)}", "write [[maintenance]]")
            continue
        read = read_table(MAINTENANCE, cast("dict[str, Any]", table), path, report)
        missing = [key for key in ("start", "end") if read[key] is None]
        for key in missing:
            if not report.knows((*path, key)):
                report.add(path, f"{key} is missing")
        if missing:
            continue
        if read["end"] <= read["start"]:
            report.add((*path, "end"), "has to be after start")
            continue
        found.append(Maintenance(**read))
    return tuple(found)
