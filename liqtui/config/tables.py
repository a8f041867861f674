"""A table of a file, read by the declarations in `schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.config.errors import did_you_mean
from liqtui.config.kinds import BadValueError, shown_wad
from liqtui.core.wallet import Thresholds

if TYPE_CHECKING:
    from liqtui.config.errors import Report
    from liqtui.config.settings import Section
    from liqtui.config.toml import KeyPath


def read_table(section: Section, table: dict[str, Any], path: KeyPath, report: Report) -> dict[str, Any]:
    """Every setting of the section, read or by default. Unknown keys and bad values are reported."""
    settings = section.keys
    for key in table.keys() - settings.keys():
        report.add((*path, key), "unknown key", did_you_mean(key, settings))
    read = {key: setting.default for key, setting in settings.items()}
    for key in table.keys() & settings.keys():
        if report.knows((*path, key)):
            continue  # a variable that is missing: its stand-in is no value
        try:
            read[key] = settings[key].kind.read(table[key])
        except BadValueError as fault:
            report.add((*path, key), fault.message, fault.hint)
    return read


def read_thresholds(values: dict[str, Any], path: KeyPath, report: Report) -> Thresholds:
    """Thresholds of which warn comes before critical, as far as both are given."""
    read = Thresholds(**values)
    for upper, lower in (
        ("warn", "critical"),
        ("warn_cushion", "critical_cushion"),
        ("warn_sigmas", "critical_sigmas"),
    ):
        mine, least = values[upper], values[lower]
        if mine is not None and least is not None and mine <= least:
            if report.written((*path, upper)):
                report.add((*path, upper), _order(mine, "above", lower, least, given=report.written((*path, lower))))
            else:
                report.add((*path, lower), _order(least, "under", upper, mine, given=False))
    return read


def _order(mine: int, side: str, other: str, theirs: int, *, given: bool) -> str:
    """With both figures; what is not `given` in the file is a default."""
    default = "" if given else " by default"
    return f"is {shown_wad(mine)} and has to be {side} {other}, which is {shown_wad(theirs)}{default}"
