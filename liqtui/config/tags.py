"""What a watchlist says beside its wallets' own figures: alert rules, and the tables of tags."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from liqtui.config.errors import did_you_mean
from liqtui.config.kinds import type_words
from liqtui.config.schema_alerts import rule_settings
from liqtui.config.settings import Section
from liqtui.config.tables import read_table
from liqtui.core.rules import Rules
from liqtui.core.text import clean
from liqtui.core.units import decimal_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.config.errors import Report
    from liqtui.config.toml import KeyPath, Source
    from liqtui.core.wallet import Thresholds, Wallet

RULES = Section("[wallet.rules]", "Alert rules of this wallet alone.", rule_settings())


class Tag(NamedTuple):
    """What all wallets of a tag have in common, `[tag.NAME.thresholds]` and `[tag.NAME.rules]`."""

    name: str
    thresholds: Thresholds
    rules: Rules


def without_wallet(tags: Iterable[Tag], wallets: Sequence[Wallet]) -> list[tuple[str, str]]:
    """(name, remark) of each table that holds for no wallet: thresholds that guard nobody look like safety."""
    carried = {name for wallet in wallets for name in wallet.tags}
    return [
        (tag.name, f"its table holds for nobody: no wallet has that tag; {hint}".rstrip("; "))
        for tag in tags
        if tag.name not in carried
        for hint in [clean(did_you_mean(tag.name, carried), 160)]
    ]


def read_rules(table: Any, path: KeyPath, report: Report) -> Rules:
    if not isinstance(table, dict):
        report.add(path, f"has to be a table, not {type_words(table)}", "write [wallet.rules]")
        return Rules()
    return Rules(**read_table(RULES, cast("dict[str, Any]", table), path, report))


def rule_table(rules: Rules) -> dict[str, Any]:
    jump = rules.price_jump
    given: dict[str, Any] = {
        "reaction": rules.reaction,
        "interest_days": rules.interest_days,
        "price_jump": None if jump is None else Decimal(decimal_string(jump, 18)),
        "off": None if rules.off is None else list(rules.off),
    }
    return {key: value for key, value in given.items() if value is not None}


def tag_spans(lines: list[str], source: Source) -> list[tuple[int, int]]:
    """(first line, line after the last) of each table of a tag, with the comment lines right above it."""

    def is_header(line: int) -> bool:
        return lines[line].lstrip().startswith("[")

    heads = sorted({line - 1 for line in source.lines.values() if is_header(line - 1)})
    tags = {line - 1 for path, line in source.lines.items() if path[0] == "tag" and is_header(line - 1)}
    tops: dict[int, int] = {}
    for head in heads:
        tops[head] = head
        while tops[head] and lines[tops[head] - 1].lstrip().startswith("#"):
            tops[head] -= 1
    ends = {head: tops[after] for head, after in pairwise(heads)}
    return [(tops[head], ends.get(head, len(lines))) for head in heads if head in tags]


def cut(lines: list[str], spans: list[tuple[int, int]]) -> str:
    return "\n\n".join("\n".join(lines[first:end]).strip("\n") for first, end in spans)
