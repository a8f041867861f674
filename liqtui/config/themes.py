"""Theme files as plain data: found, read, and every colour checked before a screen is painted with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import liqtui
from liqtui.config import kinds, toml
from liqtui.config.errors import ConfigError, Report, did_you_mean
from liqtui.config.kinds import BadValueError, Kind, type_words
from liqtui.config.settings import Section, Setting
from liqtui.config.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_HUES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
ANSI_COLORS = frozenset({"ansi_default", *(f"ansi_{hue}" for hue in _HUES), *(f"ansi_bright_{hue}" for hue in _HUES)})


def _read_color(value: object) -> str:
    if not isinstance(value, str):
        raise BadValueError(f"has to be a colour in quotes, not {type_words(value)}", 'for example "#ff5a47"')
    text = value.lower()
    if not (_HEX.fullmatch(text) or text in ANSI_COLORS):
        hint = did_you_mean(text, ANSI_COLORS) if text.startswith("ansi") else ""
        raise BadValueError("is not a colour", hint or "write #rgb, #rrggbb or a name such as ansi_bright_red")
    return text


COLOR = Kind("#rgb · #rrggbb · ansi_red, ansi_bright_red, … · ansi_default", _read_color)

THEME = Section(
    "(top)",
    "",
    (
        Setting("name", kinds.NAME, "", "Its name; without it the name of the file."),
        Setting("dark", kinds.FLAG, True, "Whether the background is dark: decides what the colours left out become."),
        Setting("ansi", kinds.FLAG, False, "Uses the terminal's own palette; needed for ansi_default as background."),
        Setting("colors", kinds.ANY, None, ""),
    ),
)

_COLORS = {
    "severity-liquidated": "liquidated",
    "severity-liquidatable": "health under 1, not liquidated yet",
    "severity-critical": "critical",
    "severity-warn": "warn",
    "severity-ok": "ok",
    "severity-blind": "figures that are too old to be trusted",
    "severity-unknown": "never read",
    "ink": "text",
    "strong": "figures that matter",
    "muted": "text of less weight",
    "faint": "rules and blanks",
    "frame": "frames of panes",
    "frame-focus": "frame of the pane that has the keys",
    "title": "titles of panes",
    "key": "keys in the footer",
    "rise": "figures that went up",
    "fall": "figures that went down",
    "cursor": "background of the selected row",
    "canvas": "background",
}
COLORS = Section(
    "[colors]",
    "",
    tuple(Setting(name, COLOR, None, f"{words[:1].upper()}{words[1:]}.") for name, words in _COLORS.items()),
)


class ThemeData(NamedTuple):
    name: str
    dark: bool
    ansi: bool
    colors: Mapping[str, str]
    """Name → "#rrggbb", "#rgb" or "ansi_…"; only those that the file sets."""
    file: Path


def shipped_dir() -> Path:
    """Inside the installed package, or beside it in a checkout."""
    package = Path(liqtui.__file__).parent
    inside = package / "themes"
    return inside if inside.is_dir() else package.parent / "themes"


def names(person: Path) -> tuple[str, ...]:
    """All that can be chosen: file names without their ending."""
    files = [*_files(person), *_files(shipped_dir())]
    return tuple(sorted({file.stem for file in files}))


def find(name: str, person: Path) -> ThemeData:
    """The theme of that name: the person's own before a shipped one. Raises ConfigError."""
    for folder in (person, shipped_dir()):
        file = folder / f"{name}.toml"
        if file.name == f"{name}.toml" and file.is_file():
            return read(file)
    raise ConfigError(person / f"{name}.toml", None, "", "there is no such theme", did_you_mean(name, names(person)))


def load_all(person: Path) -> tuple[Sequence[ThemeData], Sequence[ConfigError]]:
    """Every theme that can be used, the person's in place of shipped ones of the same name, and what is wrong."""
    themes: dict[str, ThemeData] = {}
    errors: list[ConfigError] = []
    for file in (*_files(shipped_dir()), *_files(person)):
        try:
            theme = read(file)
        except ConfigError as fault:
            errors.extend(fault.errors)
        else:
            themes[theme.name] = theme
    return tuple(themes.values()), tuple(errors)


def read(file: Path) -> ThemeData:
    """Raises ConfigError with every mistake."""
    try:
        text = toml.read(file)
    except FileNotFoundError:
        raise ConfigError(file, None, "", "there is no such file") from None
    return parse(text, file)


def parse(text: str, file: Path) -> ThemeData:
    """As `read`, from text; `file` gives the name when the text has none."""
    values, source = toml.parse(text, file)
    report = Report(source)
    read_values = read_table(THEME, values, (), report)
    table: Any = read_values["colors"]
    colors: dict[str, str] = {}
    if isinstance(table, dict):
        found = read_table(COLORS, cast("dict[str, Any]", table), ("colors",), report)
        colors = {name: value for name, value in found.items() if value is not None}
    elif table is not None:
        report.add(("colors",), f"has to be a table, not {type_words(table)}", "write [colors]")
    report.finish()
    return ThemeData(read_values["name"] or file.stem, read_values["dark"], read_values["ansi"], colors, file)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []
