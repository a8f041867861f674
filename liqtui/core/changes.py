"""What changed about a position that no price did: the market's parameters, and the amounts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.memory import Holding, Term, Terms
from liqtui.core.model import Change, Side
from liqtui.core.text import clean, phrase, word
from liqtui.core.units import RAY, SECONDS_PER_YEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.model import Leg, Position

CODES = frozenset({"paused", "frozen", "inactive", "grace", "siloed", "ltv-zero", "isolated", "forced", "sentinel"})
"""Flags that somebody sets; others follow from prices and reads."""
ROUNDING = 10**6
"""What falls by one part in so many is put down to rounding."""
MERCY = 1000
"""Amounts may move by the interest of their time three times over and by one part in so many before it is told."""


class Turn(NamedTuple):
    """One change of a market's parameters as it concerns one position."""

    what: str
    """As "WETH liquidation threshold"."""
    old: str
    new: str
    worse: bool

    @property
    def text(self) -> str:
        return f"{self.what} {self.old} → {self.new}" if self.old and self.new else f"{self.what} {self.new}".rstrip()


def terms(position: Position, known: Terms | None = None) -> Terms:
    """`known`: those of before, given back where nothing differs: nothing is kept twice, nor compared again."""
    each: list[tuple[object, ...]] = []
    for leg in position.legs:
        address, symbol, decimals = leg.asset
        each.append((leg.side, address, symbol, leg.threshold, leg.bonus, leg.counts, decimals, leg.cap))
    flags: tuple[tuple[str, str], ...] = ()
    if told := [flag for flag in position.flags if flag.code in CODES]:
        symbols = frozenset(leg.asset.symbol for leg in position.legs)
        flags = tuple([(flag.code, _named(flag.text, symbols)) for flag in told])
    found = (tuple(each), position.category, flags)
    return known if known is not None and known == found else Terms(tuple(map(Term._make, each)), *found[1:])


def holdings(position: Position) -> tuple[Holding, ...]:
    """What is held and owed, as it is remembered."""
    return tuple([Holding(leg.side, *leg.asset, leg.amount) for leg in position.legs if leg.amount])


def steady(before: Sequence[Holding], now: Sequence[Holding], *, own: bool) -> bool:
    """Whether nothing came or went, and nothing fell or grew by more than `ROUNDING` and `MERCY`: as nearly always."""
    if len(before) != len(now):
        return False
    mercy = _mercy(own=own)
    for was, held in zip(before, now, strict=True):
        if held.asset != was.asset or held.side is not was.side:
            return False
        by = held.amount - was.amount
        if abs(by) * mercy > was.amount or -by > was.amount // ROUNDING:
            return False
    return True


def _mercy(*, own: bool) -> int:
    """One part of an amount in so many by which it may move. What the owner is known to have done counts if little."""
    return 10**6 if own else MERCY


@lru_cache(maxsize=1024)
def _named(text: str, symbols: frozenset[str]) -> str:
    """With the symbols in it as a message may carry them. The same words stand at many positions, round by round."""
    for symbol in sorted(symbols):
        text = text.replace(symbol, word(symbol)) if symbol else text
    return clean(text, 160)


def turns(old: Terms, new: Terms) -> tuple[Turn, ...]:
    """What the market changed. Nothing where the owner chose another category: that is not the market's doing."""
    if old.category != new.category:
        return ()
    before = {(term.side, term.asset): term for term in old.each}
    pairs = [(before[term.side, term.asset], term) for term in new.each if (term.side, term.asset) in before]
    found = [turn for was, now in pairs if not _switched(was, now) for turn in _term(was, now)]
    same = [(t.side, t.asset, t.counts) for t in old.each] == [(t.side, t.asset, t.counts) for t in new.each]
    if same and old.flags != new.flags:  # an asset more or less brings its own flags with it
        found += [Turn(text, "", "", worse=True) for code, text in new.flags if (code, text) not in old.flags]
        found += [Turn("over:", "", text, worse=False) for code, text in old.flags if (code, text) not in new.flags]
    return tuple(found)


def _switched(old: Term, new: Term) -> bool:
    """Whether its owner decided what counts. Aave up to 3.5 counts nothing whose threshold the market set to 0."""
    return old.counts != new.counts and old.threshold == new.threshold


def _term(old: Term, new: Term) -> Iterable[Turn]:
    symbol = word(new.symbol)
    if old.threshold != new.threshold:
        worse = new.threshold < old.threshold
        yield Turn(f"{symbol} liquidation threshold", fmt.bps(old.threshold), fmt.bps(new.threshold), worse)
    if old.bonus != new.bonus:
        shown = (fmt.bps(max(0, bonus - 10_000)) for bonus in (old.bonus, new.bonus))
        yield Turn(f"{symbol} liquidation bonus", *shown, worse=new.bonus > old.bonus)
    if old.cap != new.cap:
        side = "supply" if new.side is Side.COLLATERAL else "borrow"
        shown = ("none" if cap is None else fmt.amount(cap, new.decimals) for cap in (old.cap, new.cap))
        yield Turn(f"{symbol} {side} cap", *shown, worse=False)


def by_parameters(before: Position | None, after: Position) -> int | None:
    """Health with the old parameters at the new prices, so that only the parameters differ; None: not known."""
    if before is None or before.book is None:
        return None
    prices = {leg.asset.address: leg.price for leg in after.legs if leg.price}
    return before.book.health(Change(prices=prices))


def moves(
    holdings: Sequence[Holding], position: Position, read_at: int | None, *, own: bool = False
) -> tuple[str, ...]:
    """Amounts that grew or fell by more than interest explains, as "debt +40,000 USDC"; debt first.

    `read_at`: chain time of `holdings`; None: anything may have grown meanwhile, so only what fell counts.
    `own`: the owner is known to have done something, so little things count too.
    """
    mercy = _mercy(own=own)
    held = {(each.side, each.asset): each for each in holdings}
    left: dict[tuple[Side, str], Leg] = {}
    amounts: dict[tuple[Side, str], int] = {}
    for leg in position.legs:
        place = (leg.side, leg.asset.address)
        left[place] = leg
        amounts[place] = amounts.get(place, 0) + leg.amount
    passed = None if read_at is None else max(0, position.block.timestamp - read_at)
    found: list[tuple[bool, str]] = []
    for place in dict.fromkeys((*held, *amounts)):
        was = held[place].amount if place in held else 0
        by = amounts.get(place, 0) - was
        if abs(by) * mercy <= was or (by > 0 and was and _interest(left[place], was, by, passed)):
            continue
        symbol, decimals = (held[place].symbol, held[place].decimals) if place in held else left[place].asset[1:]
        sign = "+" if by > 0 else fmt.MINUS
        found.append(
            (place[0] is not Side.DEBT, f"{place[0].value} {sign}{fmt.amount(abs(by), decimals)} {word(symbol)}")
        )
    return tuple(text for _, text in sorted(found, key=lambda pair: pair[0]))


def _interest(leg: Leg, was: int, by: int, passed: int | None) -> bool:
    if passed is None or leg.rate is None:
        return True
    return by * RAY * SECONDS_PER_YEAR <= 3 * was * leg.rate * passed + was * RAY * SECONDS_PER_YEAR // MERCY


def chosen(old: Terms, new: Terms) -> tuple[str, ...]:
    """What the owner may have switched: the category, and what counts as collateral."""
    if old is new:
        return ()
    before = {(term.side, term.asset): term for term in old.each}
    switched = (term for term in new.each if _switched(before.get((term.side, term.asset), term), term))
    found = [f"{word(t.symbol)} {'counts' if t.counts else 'does not count'} as collateral now" for t in switched]
    if old.category != new.category:
        was, now = (phrase(name) if name else "none" for name in (old.category, new.category))
        found.insert(0, f"category {was} → {now}")
    return tuple(found)
