"""`liqtui history export`: what was recorded, as CSV or JSON. Reads only; the monitor may go on meanwhile."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from math import isfinite
from typing import TYPE_CHECKING, Any, TextIO, cast

from liqtui.cli.arguments import UsageError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path

    from liqtui.cli.arguments import Arguments

EXIT_NONE = 1
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; the wide ones where Chinese or Japanese is written."""


def run(args: Arguments) -> int:
    """0: written, even where nothing was recorded in that time; 1: there is no history that could be read."""
    from liqtui.cli.session import locate
    from liqtui.engine.archive import COLUMNS, Archive, ArchiveError

    where = locate(args)
    wallet = _wallet(args.wallet, where.watchlist) if args.wallet else ""
    try:
        archive = Archive(where.history)
    except ArchiveError as fault:
        return _say(str(fault))
    try:
        with _output(args.output) as out:
            write(out, args.what, COLUMNS[args.what], archive.rows(args.what, args.since, wallet), args.format)
    except ArchiveError as fault:
        return _say(str(fault))
    finally:
        archive.close()
    return 0


def _say(text: str) -> int:
    print(f"liqtui: {text}", file=sys.stderr)
    return EXIT_NONE


def _wallet(text: str, watchlist: Path) -> str:
    """Lower-case address of an address, an ENS name or a label. Raises UsageError, WatchlistError."""
    from liqtui.chain.addresses import checksum
    from liqtui.config.kinds import BadValueError
    from liqtui.config.store import WatchlistStore
    from liqtui.config.watchlist import is_resolved, read_address

    if text[:2].lower() == "0x":
        try:
            return read_address(text, checksum).lower()
        except BadValueError as fault:
            raise UsageError(f"{text} {fault.message}; {fault.hint}") from fault
    known = [wallet for wallet in WatchlistStore(watchlist, checksum).load().wallets if is_resolved(wallet)]
    found = {wallet.key for wallet in known if text.lower() in {wallet.label.lower(), wallet.name.lower()}}
    if len(found) != 1:
        raise UsageError(f'"{text}" is {"no wallet" if not found else "more than one wallet"} of the watchlist')
    return found.pop()


@contextmanager
def _output(path: Path | None) -> Generator[TextIO]:
    """Standard output, or a file that takes its place when it is whole, readable by its owner only."""
    if path is None:
        yield sys.stdout
        return
    import tempfile

    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
        raise


def write(out: TextIO, what: str, columns: Iterable[str], rows: Iterable[dict[str, Any]], form: str) -> None:
    """Row by row, as they come."""
    if form == "json":
        out.write(f'{{"schema": 1, "what": "{what}", "rows": [')
        for number, row in enumerate(rows):
            out.write(",\n" if number else "\n")
            out.write(_plain_json(row))
        out.write("\n]}\n")
        return
    import csv

    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)


def _cell(value: object) -> object:
    """Lists and tables as JSON, unknown as nothing. A row is a line, and no cell begins a formula or steers a terminal.

    Text that a spreadsheet would take for a formula has an apostrophe in front; what does not print is one blank.
    """
    if isinstance(value, (list, dict)):
        return _plain_json(cast("object", value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return "" if value is None or (isinstance(value, float) and not isfinite(value)) else value
    text = "".join(char if char.isprintable() else " " for char in value).strip()
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _plain_json(value: object) -> str:
    """JSON in one line that any reader of JSON takes, with nothing in it that a terminal would obey."""
    import json

    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    """As JSON writes it with ASCII only; a character beyond the first plane as two halves."""
    import json

    return json.dumps(char)[1:-1]


def _finite(value: Any) -> Any:
    """JSON has no infinite numbers: unknown."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, Any]", value).items()}
    return [_finite(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()
