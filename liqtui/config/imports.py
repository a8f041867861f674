"""Wallets out of text that somebody pasted, exported or wrote: lines, CSV, TOML."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqtui.config.kinds import BadValueError
from liqtui.config.watchlist import find_twin, read_address
from liqtui.config.watchlist_text import parse
from liqtui.core.text import clean
from liqtui.core.wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from liqtui.config.watchlist import Checksum, Watchlist

_TOML = re.compile(r"^\s*\[\[", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s)#.*$")
_MARKS = "\t;,"
"""What may stand between cells; the first of them that a line has."""
_COLUMNS = ("address", "label", "name", "tags", "note", "chains")
_KNOWN = f"{', '.join(_COLUMNS[:-1])} and {_COLUMNS[-1]}"


_TAGS = "is the table of a tag, which is not imported: its thresholds and rules have to be written into the watchlist"


class Rejected(NamedTuple):
    line: int
    text: str
    """What stood there, safe to print."""
    reason: str
    harmless: bool = False
    """It is watched already, or stood further up; or the wallet is taken and only something beside it is not."""
    aside: bool = False
    """The last of these: it is no wallet."""


class Imported(NamedTuple):
    wallets: tuple[Wallet, ...]
    rejected: tuple[Rejected, ...]


class _Entry(NamedTuple):
    line: int
    fields: Mapping[str, str]


def import_text(text: str, watched: Watchlist, checksum: Checksum, chains: Collection[str] | None = None) -> Imported:
    """New wallets in the text, and each line that gives none, with the reason.

    Lines hold addresses or ENS names (several are fine), or an address and a label behind a comma, semicolon or
    tab; a header line names the columns of a CSV. TOML is a watchlist of its own: it is taken as a whole or, with
    any mistake, not at all (ConfigError).
    """
    if _TOML.search(text):
        found = parse(text, Path("import"), checksum, chains)
        lost = [Rejected(0, f"tag.{clean(tag.name, 40)}", _TAGS) for tag in found.tags if tag not in watched.tags]
        return _sift([(0, wallet.title, wallet) for wallet in found.wallets], lost, watched)
    candidates: list[tuple[int, str, Wallet]] = []
    rejected: list[Rejected] = []
    for entry in _entries(text.removeprefix("\ufeff"), rejected):
        shown = clean(entry.fields.get("address", ""), 60)
        try:
            candidates.append((entry.line, shown, _wallet(entry.fields, checksum, chains)))
        except BadValueError as fault:
            reason = f"{fault.message}, {fault.hint}" if fault.hint else fault.message
            rejected.append(Rejected(entry.line, shown, reason))
    return _sift(candidates, rejected, watched)


def _sift(candidates: list[tuple[int, str, Wallet]], rejected: list[Rejected], watched: Watchlist) -> Imported:
    """Leave out what is watched already, or stood further up."""
    wallets: list[Wallet] = []
    for line, shown, wallet in candidates:
        twin, double = find_twin(watched.wallets, wallet), find_twin(wallets, wallet)
        if twin:
            rejected.append(Rejected(line, shown, f"is already watched, as {twin.title}", harmless=True))
        elif double:
            rejected.append(Rejected(line, shown, "stands further up already", harmless=True))
        else:
            wallets.append(wallet)
    return Imported(tuple(wallets), tuple(sorted(rejected)))


def _entries(text: str, rejected: list[Rejected]) -> Iterator[_Entry]:
    """Adds to `rejected` what is beside an entry and not read."""
    columns: list[str] | None = None
    mark = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = _uncommented(raw)
        if not line:
            continue
        cells = _cells(line, mark)
        if columns is None and "address" in (header := [cell.lower() for cell in cells]):
            columns, mark = header, _mark(line)
            if strange := ", ".join(name for name in header if name and name not in _COLUMNS):
                rejected.append(Rejected(number, clean(strange, 60), f"not read: only {_KNOWN} are", True, True))
        elif columns is not None:
            if more := ", ".join(cells[len(columns) :]):
                rejected.append(Rejected(number, clean(more, 60), "not read: there is no such column", True, True))
            yield _Entry(number, {name: cell for name, cell in zip(columns, cells, strict=False) if name in _COLUMNS})
        else:
            yield from (_Entry(number, fields) for fields in _free(cells))


def _uncommented(raw: str) -> str:
    """Without a remark behind addresses. A label or a note may hold the sign: "Ledger #2"."""
    line = raw.strip()
    return _COMMENT.sub("", line).strip() if line.startswith("#") or not _mark(line) else line


def _mark(line: str) -> str:
    return next((mark for mark in _MARKS if mark in line), "")


def _cells(line: str, mark: str) -> list[str]:
    """Cells between tabs, semicolons or commas, whichever the line has, or its header; quotes as in CSV."""
    reader = csv.reader([line], delimiter=mark or _mark(line) or ",", skipinitialspace=True)
    return [cell.strip() for cell in next(reader)]


def _free(cells: list[str]) -> Iterator[dict[str, str]]:
    """Without a header: `address, label`, or nothing but addresses."""
    if len(cells) == 2 and len(cells[0].split()) == 1 and not _like_address(cells[1]):
        yield {"address": cells[0], "label": cells[1]}
        return
    for cell in cells:
        yield from ({"address": word} for word in cell.split())


def _like_address(text: str) -> bool:
    return text.startswith("0x") or ("." in text and " " not in text)


def _wallet(fields: Mapping[str, str], checksum: Checksum, chains: Collection[str] | None) -> Wallet:
    given = fields.get("address", "")
    if not given:
        raise BadValueError("has no address")
    for name, text in fields.items():
        if not text.isprintable():
            raise BadValueError(f"{name} holds characters that cannot be printed")
    address = read_address(given, checksum)
    on = tuple(re.split(r"[\s,;|]+", fields["chains"])) if fields.get("chains") else ()
    unknown = [chain for chain in on if chains is not None and chain not in chains]
    if unknown:
        raise BadValueError(f'names the unknown chain "{clean(unknown[0])}"')
    resolved = address[:2].lower() == "0x"
    return Wallet(
        address,
        label=fields.get("label", ""),
        name=fields.get("name", "") if resolved else address,
        chains=on,
        tags=tuple(re.split(r"[\s,;|]+", fields["tags"])) if fields.get("tags") else (),
        note=fields.get("note", ""),
    )
