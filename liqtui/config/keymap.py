"""Keys that the person sets: well formed, for actions that exist, and each meaning one thing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.config.errors import Report, did_you_mean
from liqtui.config.kinds import type_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from liqtui.config.toml import KeyPath, Source


class Action(NamedTuple):
    id: str
    keys: str
    """By default, separated by commas: "r,ctrl+r"."""
    context: str = ""
    """Where they work: the name of a screen or pane; empty: everywhere."""


MODIFIERS = ("ctrl", "shift", "alt", "super")

_PUNCTUATION = {
    "!": "exclamation_mark",
    '"': "quotation_mark",
    "#": "number_sign",
    "$": "dollar_sign",
    "%": "percent_sign",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "left_parenthesis",
    ")": "right_parenthesis",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "full_stop",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less_than_sign",
    "=": "equals_sign",
    ">": "greater_than_sign",
    "?": "question_mark",
    "@": "at",
    "[": "left_square_bracket",
    "\\": "backslash",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "_": "underscore",
    "`": "grave_accent",
    "{": "left_curly_bracket",
    "|": "vertical_line",
    "}": "right_curly_bracket",
    "~": "tilde",
}
_MOVES = {"up", "down", "left", "right", "home", "end", "pageup", "pagedown"}
_EDITS = {"enter", "escape", "tab", "space", "backspace", "insert", "delete"}
_FUNCTIONS = {f"f{number}" for number in range(1, 25)}

KEY_NAMES = frozenset(_MOVES | _EDITS | _FUNCTIONS | set(_PUNCTUATION.values()))
"""Names of keys that are not a letter or digit."""

_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+space": "ctrl+at"}
"""Keys that a terminal cannot tell apart."""

_FIXED = {"ctrl+c": "it ends the program"}
_LETTER = re.compile(r"[A-Za-z0-9]")


class BadKeyError(ValueError):
    """Why a key cannot be used, and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def normal(key: str) -> str:
    """The one spelling of a key: "/" → "slash", "shift+a" → "A". Raises BadKeyError."""
    *modifiers, name = key.split("+") if key != "+" else ["+"]
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            raise BadKeyError(f'"{key}" is not a key', did_you_mean(modifier, MODIFIERS))
    if len(set(modifiers)) < len(modifiers):
        raise BadKeyError(f'"{key}" names a modifier twice')
    name = _PUNCTUATION.get(name, name)
    if not (_LETTER.fullmatch(name) or name in KEY_NAMES):
        raise BadKeyError(f'"{key}" is not a key', did_you_mean(name, KEY_NAMES) if len(name) > 1 else "")
    if modifiers == ["shift"] and len(name) == 1:
        if not name.isalpha():
            raise BadKeyError(f'"{key}" is not a key', "write the character that it types")
        return name.upper()
    if "ctrl" in modifiers and len(name) == 1:
        name = name.lower()
    full = "+".join((*sorted(modifiers), name))
    full = _SAME.get(full, full)
    if full in _FIXED:
        raise BadKeyError(f'"{key}" cannot be set', _FIXED[full])
    return full


def read(table: dict[str, Any], report: Report) -> dict[str, str]:
    """[keys]: action → keys in normal spelling. Reports what is no key."""
    keys: dict[str, str] = {}
    for path, value in _leaves(table, ("keys",)):
        action = ".".join(path[1:])
        if not isinstance(value, str):
            report.add(path, f"has to be text, not {type_words(value)}", f'for example {action} = "r,ctrl+r"')
            continue
        try:
            keys[action] = ",".join(dict.fromkeys(normal(part.strip()) for part in _split(value)))
        except BadKeyError as fault:
            report.add(path, fault.message, fault.hint)
    return keys


def _leaves(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """An action such as `list.up` is a table in a table unless it is quoted."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(cast("dict[str, Any]", value), (*path, name))
        else:
            yield (*path, name), value


def _place(action: str, source: Source) -> KeyPath:
    quoted = ("keys", action)
    return quoted if quoted in source.lines else ("keys", *action.split("."))


def _split(value: str) -> list[str]:
    if not value.strip():
        raise BadKeyError("has no key", "leave the line out to keep the usual ones")
    if value.strip() == ",":
        return ["comma"]
    parts = value.split(",")
    if any(not part.strip() for part in parts):
        raise BadKeyError("has an empty place between commas", 'the comma itself is written "comma"')
    return parts


def resolve(keys: Mapping[str, str], actions: Sequence[Action], source: Source | None) -> dict[str, str]:
    """The keymap for the screen: only what differs from the defaults.

    Raises ConfigFileError for unknown actions, and where a key would mean two things in one place.
    """
    known = {action.id: action for action in actions}
    if source is None:
        return dict(keys)
    report = Report(source)
    for action in keys:
        if action not in known:
            report.add(_place(action, source), "unknown action", did_you_mean(action, known))
    held = {action.id: keys.get(action.id, _normal_list(action.keys)).split(",") for action in actions}
    for action_id in keys:
        if action_id in known:
            _refuse_shared(known[action_id], held, known, keys, report)
    report.finish()
    return dict(keys)


def _refuse_shared(
    mine: Action, held: dict[str, list[str]], known: dict[str, Action], keys: Mapping[str, str], report: Report
) -> None:
    """Each key of this action that another one has in the same place; each pair is named once."""
    places = list(keys)
    for other in known.values():
        apart = mine.context and other.context and mine.context != other.context
        told = other.id in keys and places.index(other.id) < places.index(mine.id)
        if other.id == mine.id or apart or told:
            continue
        for key in held[mine.id]:
            if key in held[other.id]:
                where = mine.context or other.context
                place = f" in {where}" if where else ""
                report.add(
                    _place(mine.id, report.source),
                    f'"{key}" already means "{other.id}"{place}',
                    f'give "{other.id}" another key too, or use another one here',
                )


def _normal_list(keys: str) -> str:
    """Default keys in normal spelling; what this module does not know as a key passes as it is."""
    found: list[str] = []
    for key in keys.split(","):
        try:
            found.append(normal(key.strip()))
        except BadKeyError:
            found.append(key.strip())
    return ",".join(found)
