"""Every command, once: what the `:` line, the palette, the help page and docs/commands.md are made from."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from liqtui.core.text import clean
from liqtui.core.units import WAD, parse_decimal
from liqtui.ui.state import SortBy
from liqtui.ui.wish import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from liqtui.ui.state import AppState

HISTORY_LENGTH = 200


class Host(Protocol):
    """What commands may ask of the app. Every method may raise CommandError."""

    @property
    def state(self) -> AppState: ...
    def leave(self) -> None: ...
    def show_help(self) -> None: ...
    def show_notes(self) -> None:
        """Open all that the engine remarks."""
        ...

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
    def alert_log(self, text: str) -> None:
        """Open the alert log with this filter."""
        ...

    def toggle_freeze(self) -> None: ...
    def take_over(self) -> None: ...
    def go_to(self, number: int) -> None:
        """Select the row of that number, 1 is the first."""
        ...

    def copy_row(self) -> None: ...
    def edit_rules(self) -> None:
        """Open the rules of the wallet of the selected row."""
        ...

    def set_thresholds(self, warn: int, critical: int) -> None:
        """Of the wallet of the selected row; 1e18-scaled."""
        ...


_FEW = 9
"""Choices that are named in a remark; of more the help of the command is told."""


def _nothing(_: Host) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Command:
    """What can be typed behind a colon."""

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
            raise CommandError(f"“{clean(name)}” could be {_either([command.name for command in started])}")
        near = difflib.get_close_matches(name, list(self._names()), n=1, cutoff=0.5)
        raise CommandError(
            f"there is no “{clean(name)}”" + (f", did you mean “:{near[0]}”?" if near else "; ? lists them all")
        )

    @staticmethod
    def _lacks(command: Command, host: Host) -> str:
        """What is to follow the name: the choices where they are few, else what the command does."""
        choices = command.choices(host)
        what = _either(choices) if 0 < len(choices) <= _FEW else command.help
        return f"{command.usage} needs {command.argument}: {what}"

    def run(self, host: Host, text: str) -> None:
        """Do what was typed, and remember it either way. An empty line does nothing. Raises CommandError."""
        typed = split(text)
        if not typed.name and not typed.argument:
            return
        self.remember(text.strip().removeprefix(":").strip())
        command = self.find(typed.name)
        if command.needs_argument and not typed.argument:
            raise CommandError(self._lacks(command, host))
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


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise CommandError(f"“{clean(text)}” is not a number, 1 is the first row")
    return int(text)


def _health(text: str) -> int:
    try:
        value = parse_decimal(text, 18)
    except ValueError:
        raise CommandError(f"“{clean(text)}” is not a health factor, such as 1.20") from None
    if not WAD < value < 100 * WAD:
        raise CommandError("a threshold is above 1 and under 100")
    return value


def _thresholds(host: Host, argument: str) -> None:
    words = argument.split()
    if len(words) != 2:
        raise CommandError("two health factors are needed, warn and critical, for example :thresholds 1.35 1.10")
    warn, critical = _health(words[0]), _health(words[1])
    if critical >= warn:
        raise CommandError("the first one (warn) has to be above the second (critical)")
    host.set_thresholds(warn, critical)


def _wallet(host: Host, argument: str) -> None:
    """By address, name or label; a unique part of a label is enough."""
    wanted = argument.casefold()
    if wanted in {"", "all"}:
        host.narrow(None)
        return
    wallets = host.state.shown.wallets
    same = [wallet for wallet in wallets if wanted in {wallet.key, wallet.name.casefold(), wallet.label.casefold()}]
    found = same or [wallet for wallet in wallets if wanted in wallet.title.casefold() or wallet.key.startswith(wanted)]
    if len(found) == 1:
        host.narrow(found[0].key)
    elif found:
        raise CommandError(f"“{clean(argument)}” could be {_either([clean(wallet.title) for wallet in found[:4]])}")
    else:
        near = difflib.get_close_matches(wanted, [wallet.title.casefold() for wallet in wallets], n=1, cutoff=0.5)
        hint = f", did you mean “{near[0]}”?" if near else ""
        raise CommandError(f"no wallet is called “{clean(argument)}”{hint}")


def _wallet_names(host: Host) -> Sequence[str]:
    return ["all", *(clean(wallet.title, 42) for wallet in host.state.shown.wallets)]


def _sort(host: Host, argument: str) -> None:
    names = [by.value for by in SortBy]
    wanted = argument.casefold()
    found = [name for name in names if name == wanted] or [name for name in names if name.startswith(wanted)]
    if len(found) != 1:
        raise CommandError(f"sort by {_either(names)}")
    host.sort_by(found[0])


def _theme(host: Host, argument: str) -> None:
    names = list(host.themes())
    if argument not in names:
        near = difflib.get_close_matches(argument, names, n=1, cutoff=0.4)
        hint = f"did you mean “{near[0]}”?" if near else f"there are {', '.join(names)}"
        raise CommandError(f"no theme is called “{clean(argument)}”; {hint}")
    host.use_theme(argument)


def _acknowledge(host: Host, argument: str) -> None:
    if argument not in {"", "all"}:
        raise CommandError("say :ack for one alert, :ack all for all of them")
    host.acknowledge(argument == "all")


def _tape(host: Host, argument: str) -> None:
    from liqtui.ui.playbar import tape_command

    try:
        tape_command(host.state.engine.playback, argument)
    except ValueError as fault:
        raise CommandError(str(fault)) from None


def _tape_choices(host: Host) -> Sequence[str]:
    playback = host.state.engine.playback
    if playback is None:
        return ()
    return ["pause", "play", "speed 1", "speed 4", "step 1", *(f"jump {title}" for _, title in playback.chapters)]


def registry() -> Registry:
    """All commands of the program."""
    made = Registry()
    made.add(
        Command("wallet", "list one wallet only, or all", _wallet, "NAME", _wallet_names, ("w",)),
        Command("filter", "show only rows that match; nothing shows all", _filter, "[TEXT]", key="list.filter"),
        Command("sort", "order the list", _sort, "KEY", lambda _: [by.value for by in SortBy], key="list.sort"),
        Command("goto", "select the row of that number", lambda host, text: host.go_to(_whole(text)), "N"),
        Command("refresh", "read every chain now", lambda host, _: host.read_now(), key="view.refresh"),
        Command("ack", "acknowledge one alert, or all", _acknowledge, "[all]", lambda _: ("all",), key="alert.ack"),
        Command("alerts", "the alert log, or what of it matches", lambda host, text: host.alert_log(text), "[TEXT]",
                key="alert.log"),
        Command("notes", "all that the engine remarks, each in full", lambda host, _: host.show_notes()),
        Command("freeze", "hold the display still, or let it go on", lambda host, _: host.toggle_freeze(),
                key="view.freeze"),
        Command("copy", "copy the selected or the marked rows", lambda host, _: host.copy_row(), key="list.copy"),
        Command("thresholds", "health at which the selected wallet turns to warn and to critical", _thresholds,
                "WARN CRITICAL"),
        Command("rules", "alert rules of the selected wallet or position, tried on its history",
                lambda host, _: host.edit_rules(), key="alerts.rules"),
        Command("add", "watch another wallet, or several", lambda host, text: host.add_wallets(text), "[ADDRESS]",
                key="wallet.add"),
        Command("wallets", "edit, order, import and remove wallets", lambda host, _: host.manage_wallets()),
        Command("edit", "open the watchlist in $EDITOR", lambda host, _: host.edit_watchlist()),
        Command("takeover", "run the engine in this screen when the daemon that it shows is gone",
                lambda host, _: host.take_over()),
        Command("theme", "change the colours", _theme, "NAME", lambda host: host.themes()),
        Command("tape", "control a tape: pause, play, speed 4, step 1, jump 120 or the name of a chapter", _tape,
                "pause|play|speed|step|jump", _tape_choices),
        Command("help", "keys, commands and signs", lambda host, _: host.show_help(), key="app.help", aliases=("h",)),
        Command("quit", "leave", lambda host, _: host.leave(), aliases=("q",), key="app.leave"),
    )  # fmt: skip
    return made


def _filter(host: Host, argument: str) -> None:
    host.filter_by(argument)
