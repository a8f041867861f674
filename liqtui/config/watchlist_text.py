"""The list of watched wallets as the text of `watchlist.toml`: read with every mistake, written with its comments."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from liqtui.config import kinds, toml
from liqtui.config.errors import ConfigError, Report, WatchlistError, did_you_mean
from liqtui.config.kinds import BadValueError, type_words
from liqtui.config.schema_alerts import threshold_settings
from liqtui.config.settings import Section, Setting
from liqtui.config.tables import read_table, read_thresholds
from liqtui.config.tags import Tag, cut, read_rules, rule_table, tag_spans
from liqtui.config.watchlist import Layout, Watchlist, find_twin, is_address, read_address
from liqtui.core.rules import Rules
from liqtui.core.units import decimal_string
from liqtui.core.wallet import Thresholds, Wallet

if TYPE_CHECKING:
    from collections.abc import Collection

    from liqtui.config.toml import KeyPath, Source
    from liqtui.config.watchlist import Checksum

WALLET = Section(
    "[[wallet]]",
    "Once for each wallet.",
    (
        Setting("address", kinds.NAME, None, "0x…, with its checksum or all in lower case; or an ENS name."),
        Setting("name", kinds.NAME, "", "The ENS name that the address resolved from; kept by the program."),
        Setting("label", kinds.TEXT, "", "Your name for it, as shown."),
        Setting("chains", kinds.NAMES, (), "Names of the chains to look at; without it all."),
        Setting("tags", kinds.NAMES, (), "Words to filter by."),
        Setting("note", kinds.TEXT, "", "A line for yourself."),
    ),
)
THRESHOLDS = Section(
    "[wallet.thresholds]",
    "Thresholds of this wallet alone; what is not given here comes from `config.toml`. "
    '`[wallet.positions."ID"]` takes the same for one position, by its id as `liqtui check --json` shows it.',
    threshold_settings(),
)
_TABLES = ("thresholds", "positions", "rules")


HEADER = "# Wallets that liqtui watches. You may edit this file too: comments are kept."
"""Top of a file that the program begins, so that an empty list is not an empty file."""


def parse(text: str, file: Path, checksum: Checksum, chains: Collection[str] | None = None) -> Watchlist:
    """The list in this text. Raises ConfigError with every mistake.

    `chains`: names that a wallet may name; None: any.
    """
    values, source = toml.parse(text, file)
    report = Report(source)
    for key in values.keys() - {"wallet", "tag"}:
        report.add((key,), "unknown key", 'each wallet begins with [[wallet]]; did you mean "wallet"?')
    tables = values.get("wallet", [])
    if not isinstance(tables, list):
        report.add(("wallet",), f"has to be a list of tables, not {type_words(tables)}", "write [[wallet]]")
        tables = []
    wallets: list[Wallet] = []
    places: list[int] = []
    for place, table in enumerate(cast("list[Any]", tables)):
        wallet = _wallet(table, ("wallet", place), checksum, chains, report)
        if wallet is None:
            continue
        twin = find_twin(wallets, wallet)
        if twin:
            line = source.line(("wallet", places[wallets.index(twin)], "address"))
            report.add(("wallet", place, "address"), f"is already watched (line {line}), as {twin.title}")
        wallets.append(wallet)
        places.append(place)
    tags = _tags(values.get("tag", {}), report)
    report.finish()
    return Watchlist(tuple(wallets), _layout(text, wallets, source), tags)


def _wallet(
    table: Any, path: KeyPath, checksum: Checksum, chains: Collection[str] | None, report: Report
) -> Wallet | None:
    if not isinstance(table, dict):
        report.add(path, f"has to be a table, not {type_words(table)}", "write [[wallet]]")
        return None
    values = cast("dict[str, Any]", table)
    known = Section("", "", (*WALLET.settings, *(Setting(key, kinds.ANY, {}, "") for key in _TABLES)))
    read = read_table(known, values, path, report)
    thresholds = _thresholds(read["thresholds"], (*path, "thresholds"), report)
    for place, chain in enumerate(read["chains"]):
        if chains is not None and chain not in chains:
            report.add((*path, "chains", place), f'unknown chain "{chain}"', did_you_mean(chain, chains))
    address = _address(read, path, checksum, report)
    if address is None:
        _positions(read["positions"], "", (*path, "positions"), report)
        return None
    positions = _positions(read["positions"], address, (*path, "positions"), report)
    name = read["name"] or ("" if is_address(address) else address)
    rules = read_rules(read["rules"], (*path, "rules"), report)
    own = (thresholds, positions, rules)
    return Wallet(address, read["label"], name, read["chains"], read["tags"], read["note"], *own)


def _tags(tables: Any, report: Report) -> tuple[Tag, ...]:
    if not isinstance(tables, dict):
        report.add(("tag",), f"has to be a table, not {type_words(tables)}", "write [tag.NAME.rules]")
        return ()
    found: list[Tag] = []
    section = Section("", "", tuple(Setting(key, kinds.ANY, {}, "") for key in ("thresholds", "rules")))
    for name, table in cast("dict[str, Any]", tables).items():
        path = ("tag", name)
        if not isinstance(table, dict):
            report.add(path, f"has to be a table, not {type_words(table)}", f"write [tag.{name}.rules]")
            continue
        read = read_table(section, cast("dict[str, Any]", table), path, report)
        thresholds = _thresholds(read["thresholds"], (*path, "thresholds"), report)
        found.append(Tag(name, thresholds, read_rules(read["rules"], (*path, "rules"), report)))
    return tuple(found)


def _address(read: dict[str, Any], path: KeyPath, checksum: Checksum, report: Report) -> str | None:
    if read["address"] is None:
        if not report.knows((*path, "address")):
            report.add(path, "address is missing")
        return None
    try:
        return read_address(read["address"], checksum)
    except BadValueError as fault:
        report.add((*path, "address"), fault.message, fault.hint)
        return None


def _thresholds(table: Any, path: KeyPath, report: Report) -> Thresholds:
    if not isinstance(table, dict):
        report.add(path, f"has to be a table, not {type_words(table)}", "write [wallet.thresholds]")
        return Thresholds()
    return read_thresholds(read_table(THRESHOLDS, cast("dict[str, Any]", table), path, report), path, report)


def _positions(table: Any, wallet: str, path: KeyPath, report: Report) -> tuple[tuple[str, Thresholds], ...]:
    """By position id, in which addresses are lower case. One that no position of `wallet` can have is a mistake."""
    if not isinstance(table, dict):
        report.add(path, f"has to be a table, not {type_words(table)}", 'write [wallet.positions."ID"]')
        return ()
    found: dict[str, Thresholds] = {}
    for name, values in cast("dict[str, Any]", table).items():
        place = (*path, name)
        parts = [part.lower() if part[:2].lower() == "0x" else part for part in name.split(":")]
        if len(parts) < 4:
            report.add(place, "is not the id of a position", "as `liqtui check --json` shows it")
        elif is_address(wallet) and parts[-1] != wallet.lower():
            report.add(place, "is not the id of a position of this wallet", "it ends with the wallet's address")
        elif ":".join(parts) in found:
            report.add(place, "stands there twice")
        found[":".join(parts)] = _thresholds(values, place, report)
    return tuple(found.items())


def _layout(text: str, wallets: list[Wallet], source: Source) -> Layout:
    """Cut the text before each [[wallet]]; comment lines right above one belong to it."""
    lines = text.replace("\r\n", "\n").split("\n")
    starts = [(source.line(("wallet", place)) or 1) - 1 for place in range(len(wallets))]
    regular = all(lines[start].lstrip().startswith("[[") for start in starts) and len(set(starts)) == len(starts)
    tags = tag_spans(lines, source)
    if not starts and tags:
        return Layout("\n".join(lines).rstrip())
    if not starts or not regular:
        return Layout(_leading_comments(lines), tail=cut(lines, tags))
    tags = [span for span in tags if span[0] > starts[0]]
    tail = cut(lines, tags)
    for first, end in tags:
        lines[first:end] = [""] * (end - first)
    tops: list[int] = []
    for place, start in enumerate(starts):
        top, floor = start, starts[place - 1] + 1 if place else 0
        while top > floor and lines[top - 1].lstrip().startswith("#"):
            top -= 1
        tops.append(top)
    blocks: dict[str, tuple[Wallet, str, str]] = {}
    for place, wallet in enumerate(wallets):
        end = tops[place + 1] if place + 1 < len(wallets) else len(lines)
        above = "\n".join(lines[tops[place] : starts[place]])
        blocks[wallet.key] = (wallet, above, "\n".join(lines[starts[place] : end]).rstrip())
    return Layout("\n".join(lines[: tops[0]]).rstrip(), blocks, tail)


def _leading_comments(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.strip() and not line.lstrip().startswith("#"):
            break
        kept.append(line)
    return "\n".join(kept).rstrip()


def serialise(watchlist: Watchlist) -> str:
    """Text of the file. Wallets that stand in the layout unchanged keep their own lines, the others their comments."""
    layout = watchlist.layout
    left = _left_over(watchlist)
    parts = [part for part in (layout.header, left.get("", "")) if part]
    for wallet in watchlist.wallets:
        place = _place(wallet, layout)
        as_read, above, lines = layout.blocks.get(place, (None, "", ""))
        body = lines if as_read == wallet else "\n\n".join(filter(None, (_table_text(wallet), _below(lines))))
        parts.append(f"{above}\n{body}" if above else body)
        if left.get(place):
            parts.append(left[place])
    if layout.tail:
        parts.append(layout.tail)
    return "\n\n".join(parts) + "\n" if parts else ""


def _place(wallet: Wallet, layout: Layout) -> str:
    """Its key in the layout, where it may still stand by a name whose address was found since."""
    name = wallet.name.lower()
    return name if wallet.key not in layout.blocks and name in layout.blocks else wallet.key


def _left_over(watchlist: Watchlist) -> dict[str, str]:
    """What stood apart behind wallets that are gone, by the one before that is still there; "": by none."""
    found: dict[str, str] = {}
    kept, before = {_place(wallet, watchlist.layout) for wallet in watchlist.wallets}, ""
    for key, (_, _, lines) in watchlist.layout.blocks.items():
        if key in kept:
            before = key
        elif below := _below(lines):
            found[before] = "\n\n".join(filter(None, (found.get(before), below)))
    return found


def _below(lines: str) -> str:
    """The comments that stand apart behind a wallet, such as a heading for those that follow."""
    kept = lines.split("\n")
    start = len(kept)
    while start and (not kept[start - 1].strip() or kept[start - 1].lstrip().startswith("#")):
        start -= 1
    while start < len(kept) and kept[start].strip():  # right below its own lines it is about these
        start += 1
    return "\n".join(kept[start:]).strip("\n")


def checked_text(watchlist: Watchlist, checksum: Checksum, chains: Collection[str] | None = None) -> str:
    """Text that reads back as exactly this list. Raises WatchlistError rather than write one that does not."""
    plain = Layout(watchlist.layout.header, tail=watchlist.layout.tail)
    for candidate in (watchlist, replace(watchlist, layout=plain)):
        text = serialise(candidate)
        try:
            if parse(text, Path("watchlist.toml"), checksum, chains) == watchlist:
                return text
        except ConfigError as fault:
            reason = str(fault.errors[0])
            continue
        reason = "it would not read back the same"
    raise WatchlistError(f"The watchlist was not saved: {reason}")


def _table_text(wallet: Wallet) -> str:
    import tomli_w

    table: dict[str, Any] = {"address": wallet.address}
    if wallet.name and wallet.name != wallet.address:
        table["name"] = wallet.name
    plain = {"label": wallet.label, "chains": list(wallet.chains), "tags": list(wallet.tags), "note": wallet.note}
    table |= {key: value for key, value in plain.items() if value}
    inner: dict[str, Any] = {}
    if wallet.thresholds != Thresholds():
        inner["thresholds"] = _threshold_table(wallet.thresholds)
    if wallet.position_thresholds:
        inner["positions"] = {name: _threshold_table(own) for name, own in wallet.position_thresholds}
    if wallet.rules != Rules():
        inner["rules"] = rule_table(wallet.rules)
    tables = tomli_w.dumps({"wallet": inner}) if inner else ""
    return f"[[wallet]]\n{tomli_w.dumps(table)}\n{tables}".strip()


def _threshold_table(thresholds: Thresholds) -> dict[str, Decimal]:
    given = {key: getattr(thresholds, key) for key in THRESHOLDS.keys}
    return {key: Decimal(decimal_string(raw, 18)) for key, raw in given.items() if raw is not None}
