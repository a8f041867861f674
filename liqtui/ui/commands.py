"""Every command, once: what the `:` line, the palette, the help page and docs/commands.md are made from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from liqtui.ui.state import AppState

HISTORY_LENGTH = 200


class CommandError(Exception):
    """Why a command was not done, as a sentence to show under the line that was typed."""


class Host(Protocol):
    """What commands may ask of the app. Every method may raise CommandError."""

    @property
    def state(self) -> AppState: ...
    def leave(self) -> None: ...
    def show_help(self) -> None: ...
    def narrow(self, wallet: str | None) -> None:
        """List one wallet (its lower-case address), or all."""
        ...

    def add_wallets(self, text: str) -> None:
        """Open the dialog for new wallets with this in it."""
        ...

    def manage_wallets(self) -> None: ...
    def edit_watchlist(self) -> None: ...
    def use_theme(self, name: str) -> None: ...
    def themes(self) -> Sequence[str]: ...
    def sort_by(self, key: str) -> None: ...
    def filter_by(self, text: str) -> None: ...
    def read_now(self) -> None: ...
    def acknowledge(self, every: bool) -> None: ...
    def toggle_freeze(self) -> None: ...
    def go_to(self, number: int) -> None:
        """Select the row of that number, 1 is the first."""
        ...

    def copy_row(self) -> None: ...
    def set_thresholds(self, warn: int, critical: int) -> None:
        """Of the wallet of the selected row; 1e18-scaled."""
        ...


def _nothing(_: Host) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    help: str
    run: Callable[[Host, str], None]
    """Raises CommandError."""
    argument: str = ""
    """As in a usage line: NAME where it is needed, [NAME] where it may be left out."""
    choices: Callable[[Host], Sequence[str]] = _nothing
    """What the argument can be, for completion."""
    aliases: tuple[str, ...] = ()
    key: str = ""
    """Id of the binding that does the same, for the help page."""

    @property
    def usage(self) -> str:
        return f":{self.name} {self.argument}".rstrip()

    @property
    def needs_argument(self) -> bool:
        return bool(self.argument) and not self.argument.startswith("[")


class Typed(NamedTuple):
    """A line taken apart."""

    name: str
    argument: str
    spaced: bool
    """Whether the name is finished."""


def split(text: str) -> Typed:
    """From " :Wallet treasury" to ("wallet", "treasury", True); the colon may be absent."""
    body = text.lstrip().removeprefix(":").lstrip()
    name, space, argument = body.partition(" ")
    return Typed(name.casefold(), argument.strip(), bool(space))


@dataclass(slots=True)
class Registry:
    """The commands in the order in which they are listed, and what was typed before."""

    commands: list[Command] = field(default_factory=list[Command])
    history: list[str] = field(default_factory=list[str])
    """Oldest first."""

    def add(self, *commands: Command) -> None:
        taken = set(self._names())
        for command in commands:
            names = {command.name, *command.aliases}
            if names & taken:
                raise ValueError(f"two commands have the name {sorted(names & taken)}")
            taken |= names
            self.commands.append(command)

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands)

    def _names(self) -> Iterator[str]:
        for command in self.commands:
            yield command.name
            yield from command.aliases

    def find(self, name: str) -> Command:
        """By name, alias or unique beginning. Raises CommandError with the nearest name."""
        for command in self.commands:
            if name == command.name or name in command.aliases:
                return command
        started = [command for command in self.commands if name and command.name.startswith(name)]
        if len(started) == 1:
            return started[0]
        if started:
            raise CommandError(f"“{name}” could be {_either([command.name for command in started])}")
        near = difflib.get_close_matches(name, list(self._names()), n=1, cutoff=0.5)
        raise CommandError(
            f"there is no “{name}”" + (f", did you mean “:{near[0]}”?" if near else "; ? lists them all")
        )

    def run(self, host: Host, text: str) -> None:
        """Do what was typed, and remember it either way. An empty line does nothing. Raises CommandError."""
        typed = split(text)
        if not typed.name and not typed.argument:
            return
        self.remember(text.strip().removeprefix(":").strip())
        command = self.find(typed.name)
        if command.needs_argument and not typed.argument:
            raise CommandError(f"{command.usage} needs to know: {command.help}")
        if typed.argument and not command.argument:
            raise CommandError(f":{command.name} takes nothing more")
        command.run(host, typed.argument)

    def remember(self, text: str) -> None:
        if text in self.history:
            self.history.remove(text)
        self.history.append(text)
        del self.history[:-HISTORY_LENGTH]

    def completions(self, host: Host, text: str) -> list[str]:
        """Whole lines that begin with what was typed: names first, then what their argument can be."""
        typed = split(text)
        if not typed.spaced:
            return [command.name + (" " if command.argument else "") for command in self._started(typed.name)]
        try:
            command = self.find(typed.name)
        except CommandError:
            return []
        wanted = typed.argument.casefold()
        choices = command.choices(host)
        first = [choice for choice in choices if choice.casefold().startswith(wanted)]
        return [f"{command.name} {choice}" for choice in first if choice.casefold() != wanted]

    def _started(self, name: str) -> list[Command]:
        return [command for command in self.commands if command.name.startswith(name)]

    def hint(self, text: str) -> str:
        """Usage and meaning of the command that is being typed; empty while there is none."""
        typed = split(text)
        if not typed.name:
            return ""
        try:
            command = self.find(typed.name)
        except CommandError:
            names = [command.name for command in self._started(typed.name)]
            return "  ".join(names[:8])
        return f"{command.usage}  {command.help}"


def _either(words: Iterable[str]) -> str:
    *most, last = [f"“{word}”" for word in words]
    return f"{', '.join(most)} or {last}" if most else last


def as_markdown(registry: Registry) -> str:
    """The table in docs/commands.md."""
    rows = ["| command | does |", "|---|---|"]
    for command in registry:
        also = f" Also {', '.join(f'`:{alias}`' for alias in command.aliases)}." if command.aliases else ""
        usage = command.usage.replace("|", "\\|")
        rows.append(f"| `{usage}` | {command.help[0].upper()}{command.help[1:]}.{also} |")
    return "\n".join(rows) + "\n"
