"""The `/` line: words that a row must (or with `!` must not) match, and comparisons such as `hf<1.2`."""

from __future__ import annotations

import re
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING

from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD, parse_decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liqtui.core.snapshot import Row

    Test = Callable[[Row], bool]

_COMPARISON = re.compile(r"^(hf|sigma|liq|debt)(<=|>=|<|>)([0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18})([km]?)$")
_COMPARED = re.compile(r"^(hf|sigma|liq|debt)[<>]")
_SPACED = re.compile(r"(?<!\S)(!?(?:hf|sigma|liq|debt))\s*(<=|>=|<|>)\s*")
"""A comparison as it is written on paper, with blanks."""
_FIELD = re.compile(r"^(sev|tag|chain|asset|wallet|protocol):(.*)$")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}

HELP = (
    ("treasury", "wallet, protocol, market, asset or chain that has these letters in this order"),
    ("!aave", "rows without a match"),
    ("hf<1.2", "health under a limit; also <= > >="),
    ("sigma<3", "cushion in daily σ"),
    ("liq<10", "distance to liquidation in percent"),
    ("debt>50k", "debt in the market's base currency"),
    ("sev:warn", "of that severity or worse; sev:blind for blind ones"),
    ("tag:dao", "wallet tag; likewise chain: asset: wallet: protocol:"),
)
"""For the help page: example and meaning."""
_EXAMPLES = {found[1]: example for example, _ in HELP if (found := _COMPARED.match(example))}


class Filter:
    """A filter as typed, in capitals or not. All words must hold; an empty one lets everything pass."""

    def __init__(self, text: str) -> None:
        self.text = text

    def select(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Those that pass, in the same order."""
        for test in self._tests:
            rows = [row for row in rows if test(row)]
        return rows

    @cached_property
    def _words(self) -> list[str]:
        return _SPACED.sub(r"\1\2", self.text.casefold()).split()

    @cached_property
    def _tests(self) -> tuple[Test, ...]:
        return tuple(_term(word) for word in self._words)

    def narrows(self, other: Filter) -> bool:
        """Whether it can let nothing pass that the other one keeps back: words were typed on, or added."""
        return len(self._words) >= len(other._words) and all(
            word == before or (word.startswith(before) and _plain(before) and _plain(word))
            for word, before in zip(self._words, other._words, strict=False)
        )

    @cached_property
    def fault(self) -> str:
        """What of it cannot be understood, so that no rows are not taken for no danger; empty: all of it can."""
        return next((said for word in self._words if (said := _fault(word.removeprefix("!")))), "")


class Sieve:
    """Filters as they are typed: of what a shorter one let pass, the longer one is the rest. Letters taken back too."""

    def __init__(self) -> None:
        self._rows: Sequence[Row] = ()
        self._passed: list[tuple[Filter, Sequence[Row]]] = []
        """Each narrows the one before."""

    def select(self, wanted: Filter, rows: Sequence[Row]) -> Sequence[Row]:
        """What passes of these rows, which are remembered by identity."""
        if rows is not self._rows:
            self._rows, self._passed = rows, []
        while self._passed and not wanted.narrows(self._passed[-1][0]):
            self._passed.pop()
        left = self._passed[-1][1] if self._passed else rows
        if not self._passed or wanted.text != self._passed[-1][0].text:
            left = wanted.select(left)
            self._passed.append((wanted, left))
        return left


def _plain(word: str) -> bool:
    """Nothing but letters that are looked for."""
    return not (word.startswith("!") or _COMPARED.match(word) or _FIELD.match(word))


def _fault(word: str) -> str:
    if (found := _COMPARED.match(word)) and not _COMPARISON.match(word):
        return f"{found[1]} is compared with a number, as in {_EXAMPLES[found[1]]}"
    if word.startswith("sev:") and not _named(word.removeprefix("sev:")):
        return f"sev: takes {', '.join(severity.value for severity in Severity)}"
    return ""


def _term(word: str) -> Test:
    if word.startswith("!") and len(word) > 1:
        inner = _term(word[1:])
        return lambda row: not inner(row)
    if found := _COMPARISON.match(word):
        return _comparison(found[1], found[2], found[3], found[4])
    if found := _FIELD.match(word):
        return _field(found[1], found[2])
    return _fuzzy(word)


def _distance(row: Row, limit: int) -> int | None:
    """Percent of `WAD`: an estimate is enough for rows that are far from the limit, of which there may be thousands."""
    boundary, left = row.cushion, row.left
    if left is None:
        return None
    about = int(left * 100 * WAD)
    if not left or abs(about - limit) * 20 > limit or boundary is None or boundary.pending:
        return about
    return None if boundary.move is None else int(abs(boundary.move) * 100 * WAD)


def _comparison(name: str, operator: str, number: str, unit: str) -> Test:
    limit = parse_decimal(number, 18) * _SCALE[unit]

    def value(row: Row) -> int | None:
        position = row.position
        match name:
            case "hf":
                return position.health.shown if position else None
            case "sigma":
                sigmas = 0.0 if row.left == 0 else row.sigmas
                return None if sigmas is None else int(sigmas * WAD)
            case "liq":
                return _distance(row, limit)
            case _:
                known = position is not None and position.debt_value is not None
                return position.debt_value * WAD // 10**position.base_decimals if known else None  # type: ignore[union-attr]

    def test(row: Row) -> bool:
        have = value(row)
        if have is None:
            return False
        match operator:
            case "<":
                return have < limit
            case "<=":
                return have <= limit
            case ">":
                return have > limit
            case _:
                return have >= limit

    return test


def _field(name: str, wanted: str) -> Test:
    if name == "sev":
        return _severity(wanted)
    getters: dict[str, Callable[[Row], tuple[str, ...]]] = {
        "tag": lambda row: row.tags,
        "chain": lambda row: (row.chain,),
        "asset": _symbols,
        "wallet": lambda row: (row.label, row.key.wallet),
        "protocol": lambda row: (row.protocol, row.key.protocol),
    }
    get = getters[name]
    one_has = _any(partial(_contains, wanted))
    return lambda row: one_has(get(row))


def _named(wanted: str) -> list[Severity]:
    return [severity for severity in Severity if severity.value.startswith(wanted)] if wanted else []


def _severity(wanted: str) -> Test:
    named = _named(wanted)
    if not named:
        return lambda _: False
    limit = named[0] if len(named) == 1 or named[0].value == wanted else named[-1]
    if limit in {Severity.BLIND, Severity.UNKNOWN, Severity.OK}:
        return lambda row: row.severity is limit
    return lambda row: row.severity.rank <= limit.rank


def _symbols(row: Row) -> tuple[str, ...]:
    return row.position.symbols if row.position else ()


def _any(holds: Callable[[str], bool]) -> Callable[[tuple[str, ...]], bool]:
    """Whether it holds of any of some texts, found out once: of ten thousand rows most say what others say."""

    @cache
    def holds_of_any(texts: tuple[str, ...]) -> bool:
        return any(map(holds, texts))

    return holds_of_any


def _fuzzy(wanted: str) -> Test:
    spells = cache(partial(_spells, wanted))
    one_spells = _any(spells)
    address = "0x".startswith(wanted[:2])

    def test(row: Row) -> bool:
        key, position = row.key, row.position
        return (
            one_spells((row.brand, key.protocol, key.market, row.chain))
            or spells(row.label)
            or (position is not None and one_spells(position.symbols))
            or (address and key.wallet.startswith(wanted))
        )

    return test


def _contains(wanted: str, text: str) -> bool:
    return wanted in text.casefold()


def _spells(wanted: str, text: str) -> bool:
    """Whether text has these letters in this order.

    Letter by letter and never back: a symbol from chain may be made so that trying again takes forever.
    """
    folded, place = text.casefold(), 0
    for letter in wanted:
        place = folded.find(letter, place) + 1
        if not place:
            return False
    return True
