"""TOML with line numbers: `tomllib` gives values, a small scanner tells where each key stands.

The scanner runs only over text that `tomllib` has accepted, so it may trust the syntax.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from liqtui.config.errors import ConfigError
from liqtui.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KeyPath: TypeAlias = tuple[str | int, ...]
"""("wallet", 0, "label"): names of tables and keys, indexes of arrays."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LITERAL = re.compile(r"[^\s,\]}#]+")
_DEEP = 100
"""Levels of lists and tables that are always read."""
_SHOWN = 120
"""Characters of a key that are shown."""
_LONG = re.compile(r"[0-9](?:_?[0-9]){4300,}")
_SYNTAX = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_SYNTAX_END = re.compile(r"\s*\(at end of document\)$")


class Source(NamedTuple):
    """A file that was read, and where its keys are."""

    file: Path
    lines: Mapping[KeyPath, int] = {}

    def line(self, path: KeyPath) -> int | None:
        """Of the key itself, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def error(self, path: KeyPath, message: str, hint: str = "") -> ConfigError:
        return ConfigError(self.file, self.line(path), dotted(path), message, hint)


def dotted(path: KeyPath) -> str:
    """("wallet", 0, "label") → "wallet[1].label": arrays counted from 1, as a person counts."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            shown = part if _BARE.fullmatch(part) else f'"{clean(part, _SHOWN)}"'
            text += f".{shown}" if text else shown
    return text


def parse(text: str, file: Path) -> tuple[dict[str, Any], Source]:
    """Values (decimals exact) and places. Raises ConfigError with the line when it is no TOML."""
    try:
        return tomllib.loads(text, parse_float=_decimal), Source(file, Scanner(text).scan())
    except tomllib.TOMLDecodeError as fault:
        raise _syntax_error(str(fault), text, file) from None
    except RecursionError:
        message = "lists and tables stand in each other too deeply"
        raise ConfigError(file, _deepest(text), "", message, f"at most {_DEEP} levels") from None
    except ValueError:  # of `int`, which takes no longer number
        found = _LONG.search(text)
        line = text.count("\n", 0, found.start()) + 1 if found else 1
        raise ConfigError(file, line, "", "holds a whole number that is too long", "at most 4,300 digits") from None


def _decimal(text: str) -> Decimal:
    """Exact; no number at all where the exponent is beyond all reason."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("nan")


def _deepest(text: str) -> int:
    """The line in which the nesting becomes too deep, roughly: it takes brackets in texts for real ones."""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        depth += sum(line.count(bracket) for bracket in "[{")
        if depth > _DEEP:
            return number
        depth = max(depth - sum(line.count(bracket) for bracket in "]}"), 0)
    return 1


def read(file: Path) -> str:
    """Text of a TOML file. Raises ConfigError in words when it cannot be read; FileNotFoundError passes."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError as fault:
        line = fault.object[: fault.start].count(b"\n") + 1
        raise ConfigError(file, line, "", "not UTF-8 text") from None
    except OSError as fault:
        raise ConfigError(file, None, "", f"cannot be read: {fault.strerror or fault}") from None


def _syntax_error(message: str, text: str, file: Path) -> ConfigError:
    found = _SYNTAX.search(message)
    line = int(found.group(1)) if found else len(text.splitlines()) or 1
    words = _SYNTAX_END.sub(" at the end of the file", _SYNTAX.sub("", message))
    return ConfigError(file, line, "", f"not valid TOML: {words[:1].lower()}{words[1:]}")


class Scanner:
    """Walks TOML once and notes the line of every key, table and array element."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.counts: dict[KeyPath, int] = {}
        """Tables seen so far of each array of tables."""

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip_blank():
            if self.text.startswith("[[", self.at):
                table = self._array_header()
            elif self._peek() == "[":
                self._advance(1)
                table = self._within_arrays(self._key())
                self._note(table)
                self._advance(1)
            else:
                self._pair(table)
        return self.lines

    def _array_header(self) -> KeyPath:
        self._advance(2)
        name = self._key()
        outer = (*self._within_arrays(name[:-1]), name[-1])
        index = self.counts.get(outer, 0)
        self.counts[outer] = index + 1
        table: KeyPath = (*outer, index)
        self._note(outer)
        self._note(table)
        self._advance(2)
        return table

    def _within_arrays(self, name: KeyPath) -> KeyPath:
        """The table that a header means: a name that is an array of tables means its last one."""
        path: KeyPath = ()
        for part in name:
            path = (*path, part)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _pair(self, table: KeyPath) -> None:
        key = self._key()
        self._note((*table, *key))
        self._skip_blank()
        self._advance(1)  # =
        self._skip_blank()
        self._value((*table, *key))

    def _key(self) -> KeyPath:
        """A dotted key; leaves off before "=" or "]"."""
        parts: list[str] = []
        while True:
            self._skip_blank()
            parts.append(self._key_part())
            self._skip_blank()
            if self._peek() != ".":
                return tuple(parts)
            self._advance(1)

    def _key_part(self) -> str:
        if self._peek() in {'"', "'"}:
            start = self.at
            self._string()
            return next(iter(tomllib.loads(f"{self.text[start : self.at]} = 0")))
        found = _BARE.match(self.text, self.at)
        word = found.group() if found else self._peek()
        self._advance(len(word))
        return word

    def _value(self, path: KeyPath) -> None:
        char = self._peek()
        if char in {'"', "'"}:
            self._string()
        elif char == "[":
            self._array(path)
        elif char == "{":
            self._inline_table(path)
        else:
            found = _LITERAL.match(self.text, self.at)
            self._advance(len(found.group()) if found else 1)

    def _array(self, path: KeyPath) -> None:
        self._advance(1)
        index = 0
        while self._skip_blank() and self._peek() != "]":
            if self._peek() == ",":
                self._advance(1)
                continue
            self._note((*path, index))
            self._value((*path, index))
            index += 1
        self._advance(1)

    def _inline_table(self, path: KeyPath) -> None:
        self._advance(1)
        while self._skip_blank() and self._peek() != "}":
            if self._peek() == ",":
                self._advance(1)
                continue
            self._pair(path)
        self._advance(1)

    def _string(self) -> None:
        quote = self._peek()
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self._advance(len(mark))
        while not self.text.startswith(mark, self.at):
            self._advance(2 if quote == '"' and self._peek() == "\\" else 1)
        self._advance(len(mark))
        while len(mark) == 3 and self._peek() == quote:  # up to two quotes may stand before the closing three
            self._advance(1)

    def _skip_blank(self) -> bool:
        """Over space, newlines and comments; False at the end."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "#":
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            elif char.isspace():
                self._advance(1)
            else:
                return True
        return False

    def _note(self, path: KeyPath) -> None:
        for end in range(1, len(path) + 1):
            self.lines.setdefault(path[:end], self.line)

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _advance(self, count: int) -> None:
        if self.at >= len(self.text):
            raise ValueError("ran over the end")  # would mean that tomllib accepted what this cannot walk
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count
