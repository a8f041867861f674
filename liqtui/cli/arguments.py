"""What the command line says. The parser itself is loaded only where there is something to parse."""

from __future__ import annotations

from liqtui.cli.greeting import first_word

TYPE_CHECKING = False  # the module `typing` would take longer to load than all that is done here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXIT_USAGE = 64
"""EX_USAGE: argparse's own 2 would read as "critical" where `check` is a monitoring plugin."""

TUI = "tui"
"""The command that runs when none is named."""

COMMANDS = {
    "demo": "the screen on the recording that ships: no network, no configuration",
    "check": "read everything once and print it; the exit code tells the worst",
    "status": "one line for status bars, from the daemon or the last saved state",
    "wallet": "change the watchlist",
    "alert": "try the channels that alerts go to",
    "markets": "list the deployments that are known, and which are watched",
    "record": "record what the chains answer",
    "replay": "play a recording",
    "backtest": "play a recording through your rules: would they have warned?",
    "history": "export what was recorded: samples, silences, alerts, prices",
    "daemon": "watch and alert without a screen; screens attach to it",
    "doctor": "examine configuration, endpoints and terminal",
    "completion": "print the completion script of a shell",
}

ALONE = {TUI, "demo", "check", "status", "markets", "daemon", "doctor"}
"""Commands that can stand without another word: all that they know then are the defaults of `Arguments`."""


class UsageError(Exception):
    """Wrong words on the command line; ends with 64."""

    def __init__(self, message: str, *, usage: str = "", prog: str = "liqtui") -> None:
        super().__init__(message)
        self.told = f"{usage}{prog}: {message}"


class Arguments:
    """What `run(args)` of each command gets. None: not given, so the configuration decides."""

    command: str = TUI
    config: Path | None = None
    watchlist: Path | None = None
    color: str | None = None
    ascii: bool | None = None
    mouse: bool | None = None
    theme: str | None = None

    addresses: tuple[str, ...] = ()
    """Of the form of an address or an ENS name; checksums are the command's business."""
    json: bool = False
    live: bool = False
    """Of `markets`: ask the chains too."""
    file: Path
    """Of those that need one: `record`, `replay`, `backtest`, `wallet import`."""
    lead: float = 0.0
    """Of `backtest`: seconds."""
    window: float = 86_400.0
    """Of `backtest`: seconds."""
    what: str = ""
    """Of `history export`: samples · silences · alerts · prices."""
    format: str = "csv"
    since: float | None = None
    """Unix time."""
    output: Path | None = None
    fresh: bool = False
    foreground: bool = False
    log: str = "auto"
    verbose: bool = False
    shell: str = ""

    action: str = ""
    """Of `wallet`: add · list · remove · import · edit; of `alert`: test."""
    channel: str | None = None
    label: str | None = None
    tags: tuple[str, ...] | None = None
    chains: tuple[str, ...] | None = None
    note: str | None = None
    warn: str | None = None
    critical: str | None = None
    warn_cushion: str | None = None
    critical_cushion: str | None = None
    warn_sigmas: str | None = None
    critical_sigmas: str | None = None
    wallet: str = ""
    wallets: tuple[str, ...] = ()
    yes: bool = False


def parse(argv: Sequence[str]) -> Arguments:
    """Arguments of the command line. Raises UsageError; ends the process for --help and --version.

    A command by itself says nothing more, and needs no parser: a status bar asks every few seconds. Behind a command
    that comes first nothing else can be meant, so the parsers of the others are not made.
    """
    words = with_command(list(argv))
    if len(words) == 1 and words[0] in ALONE:
        found = Arguments()
        found.command = words[0]
        return found
    from liqtui.cli.parser import build

    return build(words[0]).parse_args(words, namespace=Arguments())


def with_command(argv: list[str]) -> list[str]:
    """`liqtui 0x…` means `liqtui tui 0x…`: put the command in front of the first thing that is no option."""
    place = first_word(argv)
    if place >= len(argv):
        return argv if {"-h", "--help", "--version"} & set(argv) else [*argv, TUI]
    return argv if argv[place] in {*COMMANDS, TUI} else [*argv[:place], TUI, *argv[place:]]
