"""What is wrong with a file that a person wrote: where, what, and what to write instead."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from liqtui.config.toml import KeyPath, Source


_FEW = 30


class ConfigError(Exception):
    """One mistake in one file. The text is safe to show: it never holds the value of an environment variable."""

    def __init__(self, file: Path | str, line: int | None, key: str, message: str, hint: str = "") -> None:
        super().__init__(file, line, key, message, hint)
        self.file = file
        self.line = line
        """1 is the first line; None when the mistake has no place (the file cannot be read)."""
        self.key = key
        """Dotted, as written: "thresholds.warm"; empty when it concerns the whole file."""
        self.message = message
        self.hint = hint

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        """All mistakes of the file; of a single one, itself."""
        return (self,)

    def __str__(self) -> str:
        """As in `config.toml:12: thresholds.warm: unknown key, did you mean "warn"?`."""
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        text = f"{self.message}, {self.hint}" if self.hint else self.message
        return ": ".join(part for part in (place, self.key, text) if part)


class ConfigFileError(ConfigError):
    """All mistakes of a file together, in the order of their lines. Its text has one line for each."""

    def __init__(self, errors: Iterable[ConfigError]) -> None:
        found = sorted(errors, key=lambda error: error.line or 0)
        first = found[0]
        super().__init__(first.file, first.line, first.key, first.message, first.hint)
        self._errors = tuple(found)

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        return self._errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self._errors)


class WatchlistError(Exception):
    """The watchlist could not be changed, read or written. The text is a sentence for a person."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known word, or with all of them when none is near and they are few."""
    names = sorted(known)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known: {', '.join(names)}" if 0 < len(names) <= _FEW else ""


class Report:
    """Collects the mistakes of one file, so that a person sees all of them at once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.errors: list[ConfigError] = []
        self._paths: list[KeyPath] = []

    def add(self, path: KeyPath, message: str, hint: str = "") -> None:
        self.errors.append(self.source.error(path, message, hint))
        self._paths.append(path)

    def knows(self, path: KeyPath) -> bool:
        """Something at or under this key was reported already."""
        return any(reported[: len(path)] == path for reported in self._paths)

    def written(self, path: KeyPath) -> bool:
        """The key stands in the file; else its value is a default."""
        return path in self.source.lines

    def finish(self) -> None:
        """Raise ConfigFileError if anything was wrong."""
        if self.errors:
            raise ConfigFileError(self.errors)
