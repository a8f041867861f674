"""What a setting of a file is, and a section of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.config import kinds

if TYPE_CHECKING:
    from liqtui.config.kinds import Kind


class Setting(NamedTuple):
    key: str
    kind: Kind
    default: Any
    """As read (1e18-scaled for decimals); None: nothing."""
    help: str
    shown: str = ""
    """The default as a person writes it; empty: none."""


class Section(NamedTuple):
    heading: str
    """As in the file: "[chains.NAME]"."""
    help: str
    settings: tuple[Setting, ...]

    @property
    def keys(self) -> dict[str, Setting]:
        return {setting.key: setting for setting in self.settings}


def wad(key: str, kind: Kind, default: int | None, words: str) -> Setting:
    """Of a decimal number; `default` is 1e18-scaled."""
    return Setting(key, kind, default, words, "" if default is None else kinds.shown_wad(default))
