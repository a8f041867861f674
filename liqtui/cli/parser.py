"""What the command line understands, with argparse and nothing heavier; see `arguments` for when that is needed."""

from __future__ import annotations

import argparse
import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from liqtui import __version__
from liqtui.cli.arguments import COMMANDS, TUI, UsageError

_ADDRESS = r"0[xX][0-9a-fA-F]{40}"
_NAME = r"[^\s.,/\\]+(\.[^\s.,/\\]+)+"
_DURATION = r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)"
_LEAD = "a liquidation with less warning counts as missed"
_WINDOW = "a warning that is over by itself within this is a false alarm"


class Parser(argparse.ArgumentParser):
    """No abbreviations: what `--wa` means would change with each new option."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, usage=self.format_usage(), prog=self.prog)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(f"liqtui {__version__}")
        parser.exit()


class _Tuple(argparse.Action):
    """nargs="*" and "+" as a tuple."""

    def __call__(self, _: argparse.ArgumentParser, namespace: Any, values: Any, *__: Any) -> None:
        setattr(namespace, self.dest, tuple(values))


def address(text: str) -> str:
    """An address or an ENS name by its form."""
    if re.fullmatch(_ADDRESS, text) or (re.fullmatch(_NAME, text) and not text.startswith("0x")):
        return text
    reason = "0x and 40 hex digits are needed" if text[:2].lower() == "0x" else _command_hint(text)
    raise argparse.ArgumentTypeError(f'"{text}" is no address and no ENS name: {reason}')


def _command_hint(text: str) -> str:
    import difflib

    near = difflib.get_close_matches(text, COMMANDS, n=1)
    return f'did you mean "liqtui {near[0]}"?' if near else "0x and 40 hex digits, name.eth, or a command"


def duration(text: str) -> float:
    """Seconds: "90s", "15m", "2h", "7d", or a number of seconds."""
    found = re.fullmatch(_DURATION, text)
    if found is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no stretch of time: 90s, 15m, 2h or 7d is meant')
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "": 1}[found[2]]


def moment(text: str) -> float:
    """Unix time: so long ago ("7d"), or a date or time by ISO 8601, in UTC unless it says otherwise."""
    import time
    from datetime import UTC, datetime

    if re.fullmatch(_DURATION, text):
        return time.time() - duration(text)
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f'"{text}" is neither a date nor a stretch of time: 2026-01-31, 7d') from None


def names(text: str) -> tuple[str, ...]:
    """Parts between commas: `a, b` → ("a", "b"); nothing → ()."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def build(only: str = "") -> Parser:
    """The whole parser, of which shell completions are made; or that of a line that begins with the command `only`."""
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
        "alert": _add_alert,
        "markets": _add_markets,
        "record": _add_record,
        "replay": _add_replay,
        "backtest": _add_backtest,
        "history": _add_history,
        "daemon": _add_daemon,
        "doctor": _add_nothing,
        "completion": _add_completion,
    }
    for name in [only] if only in adders else adders:
        words: dict[str, Any] = {"help": COMMANDS[name]} if name in COMMANDS else {"prog": "liqtui"}
        adders[name](commands.add_parser(name, description=COMMANDS.get(name), parents=[_common()], **words))
    return parser


@cache
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
    parser.add_argument(
        "--fresh", "--no-daemon", action="store_true", help="read the chains even if a daemon could be asked"
    )


def _add_daemon(parser: Parser) -> None:
    parser.add_argument("--foreground", action="store_true", help="stay in the foreground: it always does")
    parser.add_argument(
        "--log",
        choices=("auto", "text", "json"),
        default="auto",
        help="form of the log on standard error: text for terminals and the journal, else JSON lines",
    )
    parser.add_argument("--verbose", action="store_true", help="log every round too")


def _add_markets(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--live", action="store_true", help="also ask the chains what each watched one is now")


def _add_record(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="recording to write")
    _add_addresses(parser)


def _add_replay(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="recording to play")


def _add_backtest(parser: Parser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="recording to play")
    parser.add_argument("--lead", type=duration, metavar="TIME", default=0.0, help=f"{_LEAD}: 15m, 2h; default 0s")
    parser.add_argument("--window", type=duration, metavar="TIME", default=86_400.0, help=f"{_WINDOW}; default 24h")
    parser.add_argument("--json", action="store_true", help="JSON instead of tables")


def _add_history(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    words = "write what was recorded as CSV or JSON, to standard output or to a file"
    export = actions.add_parser("export", help=words, description=words, parents=[_common()])
    export.add_argument("what", choices=("samples", "silences", "alerts", "prices"), help="which record")
    export.add_argument("--format", choices=("csv", "json"), default="csv", help="default csv")
    export.add_argument("--since", type=moment, metavar="TIME", help="from then on: 7d, 12h, 2026-01-31; default: all")
    export.add_argument("--wallet", default="", metavar="WALLET", help="of one wallet: address, ENS name or label")
    export.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output; replaced when whole")


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


def _add_alert(parser: Parser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    words = "send a marked test to one channel or to all, and print how it went"
    test = actions.add_parser("test", help=words, description=words, parents=[_common()])
    test.add_argument("channel", nargs="?", metavar="CHANNEL", help="its name in config.toml; without it all")


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
