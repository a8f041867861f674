"""What the command line understands. Only argparse: this runs before anything heavy is imported."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_USAGE = 64
"""EX_USAGE: argparse's own 2 would read as "critical" where `check` is a monitoring plugin."""

TUI = "tui"
"""The command that runs when none is named."""

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")
_NAME = re.compile(r"[^\s.,/\\]+(\.[^\s.,/\\]+)+")


class UsageError(Exception):
    """Wrong words on the command line that only the command itself could notice; ends with 64."""


class Arguments(argparse.Namespace):
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
    file: Path = Path("-")
    shell: str = ""

    action: str = ""
    """Of `wallet`: add · list · remove · import · edit."""
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


class Parser(argparse.ArgumentParser):
    """No abbreviations: what `--wa` means would change with each new option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"liqtui {version('liqtui')}")
        parser.exit()


class _Tuple(argparse.Action):
    """nargs="*" and "+" as a tuple."""

    def __call__(self, _: argparse.ArgumentParser, namespace: Any, values: Any, *__: Any) -> None:
        setattr(namespace, self.dest, tuple(values))


def address(text: str) -> str:
    """An address or an ENS name by its form."""
    if _ADDRESS.fullmatch(text) or (_NAME.fullmatch(text) and not text.startswith("0x")):
        return text
    reason = "0x and 40 hex digits are needed" if text[:2].lower() == "0x" else _command_hint(text)
    raise argparse.ArgumentTypeError(f'"{text}" is no address and no ENS name: {reason}')


def _command_hint(text: str) -> str:
    import difflib

    near = difflib.get_close_matches(text, COMMANDS, n=1)
    return f'did you mean "liqtui {near[0]}"?' if near else "0x and 40 hex digits, name.eth, or a command"


def names(text: str) -> tuple[str, ...]:
    """Parts between commas: `a, b` → ("a", "b"); nothing → ()."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse(argv: Sequence[str]) -> Arguments:
    """Arguments of the command line. Ends the process for --help, --version and wrong usage (64)."""
    parser = build()
    return parser.parse_args(with_command(list(argv)), namespace=Arguments())


def with_command(argv: list[str]) -> list[str]:
    """`liqtui 0x…` means `liqtui tui 0x…`: put the command in front of the first thing that is no option."""
    place = 0
    while place < len(argv) and argv[place].startswith("-") and argv[place] not in {"-", "--"}:
        place += 2 if argv[place] in _WITH_VALUE else 1
    if place >= len(argv):
        return argv if {"-h", "--help", "--version"} & set(argv) else [*argv, TUI]
    return argv if argv[place] in {*COMMANDS, TUI} else [*argv[:place], TUI, *argv[place:]]


def build() -> Parser:
    """The whole parser; also what shell completions are made from."""
    parser = Parser(
        prog="liqtui",
        description="Watch borrow positions: exact health factors, liquidation prices, alerts. Read-only.",
        epilog="Without a command: the screen, on the watchlist or on the addresses given.",
        parents=[_common()],
        usage="liqtui [OPTION…] [ADDRESS…]\n       liqtui [OPTION…] COMMAND …",
    )
    parser.add_argument("--version", action=_Version, nargs=0, dest=argparse.SUPPRESS, help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser, prog="liqtui")
    adders = {
        TUI: _add_addresses,
        "demo": _add_nothing,
        "check": _add_check,
        "status": _add_nothing,
        "wallet": _add_wallet,
        "record": _add_record,
        "replay": _add_replay,
        "doctor": _add_nothing,
        "completion": _add_completion,
    }
    for name, add in adders.items():
        words: dict[str, Any] = {"help": COMMANDS[name]} if name in COMMANDS else {"prog": "liqtui"}
        add(commands.add_parser(name, description=COMMANDS.get(name), parents=[_common()], **words))
    return parser


COMMANDS = {
    "demo": "the screen on the recording that ships: no network, no configuration",
    "check": "read everything once and print it; the exit code tells the worst",
    "status": "one line from the last saved state, for status bars",
    "wallet": "change the watchlist",
    "record": "record what the chains answer",
    "replay": "play a recording",
    "doctor": "examine configuration, endpoints and terminal",
    "completion": "print the completion script of a shell",
}

_WITH_VALUE = {"--config", "--watchlist", "--color", "--theme"}


def _common() -> Parser:
    """Options that go before or after the command. SUPPRESS: what one parser has read, the next must not reset."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    group = common.add_argument_group("options of every command")
    group.add_argument("--config", type=Path, metavar="FILE", help="configuration instead of the usual config.toml")
    group.add_argument("--watchlist", type=Path, metavar="FILE", help="instead of the usual watchlist.toml")
    group.add_argument("--color", choices=("auto", "truecolor", "256", "16", "mono"), help="colours of the terminal")
    group.add_argument("--theme", metavar="NAME", help="theme of the screen")
    group.add_argument("--ascii", action=argparse.BooleanOptionalAction, help="draw with ASCII only")
    group.add_argument("--mouse", action=argparse.BooleanOptionalAction, help="mouse support")
    return common


def _add_nothing(parser: Parser) -> None:
    """The command has no options of its own."""
    del parser


def _add_addresses(parser: Parser) -> None:
    parser.add_argument(
        "addresses",
        nargs="*",
        type=address,
        action=_Tuple,
        default=(),
        metavar="ADDRESS",
        help="address or ENS name; without any the watchlist",
    )


def _add_check(parser: Parser) -> None:
    _add_addresses(parser)
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")


def _add_record(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="recording to write")
    _add_addresses(parser)


def _add_replay(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="recording to play")


def _add_completion(parser: Parser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="shell that will read the script")


def _add_wallet(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)

    def action(name: str, words: str) -> Parser:
        return actions.add_parser(name, help=words, description=words, parents=[_common()])

    add = action("add", "watch one or more wallets")
    add.add_argument("addresses", nargs="+", type=address, action=_Tuple, metavar="ADDRESS", help="address or ENS name")
    _add_details(add)
    listing = action("list", "print the watchlist")
    listing.add_argument("--json", action="store_true", help="JSON instead of a table")
    remove = action("remove", "stop watching wallets")
    remove.add_argument("wallets", nargs="+", action=_Tuple, metavar="WALLET", help="address, ENS name or label")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")
    edit = action("edit", 'change what is said about a wallet; "" takes a value away')
    edit.add_argument("wallet", metavar="WALLET", help="address, ENS name or label")
    _add_details(edit)
    load = action("import", "watch the wallets in a file: addresses, ENS names, CSV or TOML")
    load.add_argument("file", type=Path, metavar="FILE", help="file to read; - for standard input")


def _add_details(parser: Parser) -> None:
    parser.add_argument("--label", help="your name for it")
    parser.add_argument("--tags", type=names, metavar="A,B", help="words to filter by")
    parser.add_argument("--chains", type=names, metavar="A,B", help="chains to look at; without it all")
    parser.add_argument("--note", help="a line for yourself")
    parser.add_argument("--warn", metavar="HF", help="health factor under which it is WARN")
    parser.add_argument("--critical", metavar="HF", help="health factor under which it is CRITICAL")
    parser.add_argument("--warn-cushion", metavar="PART", help="WARN when the boundary is nearer: 0.10 is 10 %%")
    parser.add_argument("--critical-cushion", metavar="PART", help="CRITICAL when the boundary is nearer")
    parser.add_argument("--warn-sigmas", metavar="NUMBER", help="WARN when it is fewer daily σ away")
    parser.add_argument("--critical-sigmas", metavar="NUMBER", help="CRITICAL when it is fewer daily σ away")
