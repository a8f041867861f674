"""`[channels.NAME]` and `[ping]` of `config.toml`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from liqtui.config.kinds import WEB, BadValueError, type_words
from liqtui.config.schema_alerts import CHANNEL, CHANNELS
from liqtui.config.tables import read_table
from liqtui.core.rules import ChannelSpec, Ping
from liqtui.core.states import Level

if TYPE_CHECKING:
    from liqtui.config.errors import Report
    from liqtui.config.toml import KeyPath

_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
_SERVICE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def read_channels(tables: dict[str, Any], report: Report) -> tuple[ChannelSpec, ...]:
    """In the order of the file. Mistakes are reported and never repeat an address, a command or a secret."""
    found: list[ChannelSpec] = []
    for name, table in tables.items():
        path = ("channels", name)
        if not isinstance(table, dict):
            report.add(path, f"has to be a table, not {type_words(table)}", "write [channels.NAME]")
        elif not _NAME.fullmatch(name) or name == "ping":
            report.add(path, "a channel's name has up to 32 letters, digits, dots, dashes or underscores; not ping")
        else:
            before = len(report.errors)
            read = read_table(CHANNEL, cast("dict[str, Any]", table), path, report)
            _check(read, path, report)
            if len(report.errors) == before:
                given: dict[str, Any] = {key: value for key, value in read.items() if value is not None}
                given["level"] = Level(given["level"])
                found.append(ChannelSpec(name, **given))
    return tuple(found)


def read_ping(read: dict[str, Any], given: dict[str, Any], report: Report) -> Ping | None:
    if read["url"] is not None:
        return Ping(read["url"], read["every"])
    if given and not report.knows(("ping", "url")):
        report.add(("ping",), "url is missing")
    return None


def _check(read: dict[str, Any], path: KeyPath, report: Report) -> None:
    kind = read["kind"]
    if kind is None:
        if not report.knows((*path, "kind")):
            report.add(path, "kind is missing", f"one of {', '.join(CHANNELS)}")
        return
    mine = CHANNELS[kind]
    if read[mine[0]] is None and not report.knows((*path, mine[0])):
        report.add(path, f"{mine[0]} is missing")
    for key in ("url", "command", "secret"):
        if key not in mine and read[key] is not None:
            report.add((*path, key), f"does not belong to a {kind}", f"it takes {' and '.join(mine)}")
    if "url" not in mine or read["url"] is None:
        return
    if kind == "apprise":
        if not _SERVICE.fullmatch(read["url"]):
            report.add((*path, "url"), "is not an address of apprise", "as in tgram://TOKEN/CHAT")
        return
    try:
        WEB.read(read["url"])
    except BadValueError as fault:
        report.add((*path, "url"), fault.message, fault.hint)
