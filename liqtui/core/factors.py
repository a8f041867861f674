"""What can move by itself, and which oracle prices follow when it does.

Every price is feed answer × ratio (`Quote`). A *mover* is one knob: a feed answer, a ratio, one asset's price,
or the multiplier of everything volatile. Turning it gives the prices that a what-if replaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Side
from liqtui.core.results import FactorKind
from liqtui.core.search import halve
from liqtui.core.units import WAD, mul_div_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.model import Book, Feed, Leg, Quote

TOGETHER = "together"
ANCHOR_PERCENT = 5
"""A factor within this distance of one base unit is anchored to the base currency, not volatile."""

DOLLAR = "USD"
"""The unit of a price that goes without saying."""
_WORD = re.compile(r"\w+")

FINEST = 10_000
"""Units of a price under which one unit more or less is a matter of rounding."""


class Part(NamedTuple):
    """One asset's share in a mover."""

    asset: str
    knob: int
    """What is turned, as it stands now: the feed's answer, the ratio or the price itself. Positive."""
    quote: Quote | None
    kind: FactorKind
    """FACTOR turns the answer, RATIO the ratio, ASSET the price."""

    def price(self, knob: int) -> int:
        """Oracle price at another knob value, caps respected."""
        return self._price(self.quote, knob)

    def free_price(self, knob: int) -> int:
        """The same as if no cap held; linear in the knob but for rounding."""
        quote = self.quote
        return self._price(quote.uncapped() if quote is not None and self.capped else quote, knob)

    @property
    def capped(self) -> bool:
        """Whether a cap may keep the price from following the knob upward."""
        quote = self.quote
        if quote is None:
            return False
        return quote.cap is not None or (self.kind is FactorKind.RATIO and quote.ratio_cap is not None)

    def _price(self, quote: Quote | None, knob: int) -> int:
        if quote is None:
            return knob
        if self.kind is FactorKind.FACTOR:
            return quote.at(knob)
        if self.kind is FactorKind.RATIO:
            return quote.at(quote.answer or 0, knob)
        return knob if quote.cap is None else min(knob, quote.cap)

    @property
    def derived(self) -> bool:
        """Whether the price is computed from the knob, and so rounded once more."""
        quote = self.quote
        return (
            quote is not None
            and self.kind is not FactorKind.ASSET
            and (quote.ratio is not None or quote.answer_decimals != quote.decimals)
        )


@dataclass(frozen=True, slots=True)
class Mover:
    factor: str
    kind: FactorKind
    label: str
    assets: tuple[str, ...]
    """Symbols, collateral first."""
    now: int | None
    """Raw value of the knob; None (or not positive) when unknown."""
    decimals: int
    parts: tuple[Part, ...]

    def knob(self, part: Part, value: int) -> int:
        """A part's own knob when the mover stands at `value`: parts of one mover keep their proportions."""
        return value if part.knob == self.now else part.knob * value // (self.now or 1)

    def prices(self, value: int) -> dict[str, int]:
        return {part.asset: part.price(self.knob(part, value)) for part in self.parts}

    def plateau(self, value: int) -> tuple[int, int]:
        """First and last value of the knob around `value` that give the very same prices to every part."""
        spans = [self._span(part, value) for part in self.parts]
        return max(first for first, _ in spans), min(last for _, last in spans)

    def _span(self, part: Part, value: int) -> tuple[int, int]:
        """The plateau of one part: where factor × value ÷ unit stays on the same digit."""
        unit, factor = self.now or 1, part.knob
        if self.kind is FactorKind.RATIO and part.quote is not None:
            quote = part.quote
            finer = max(0, quote.decimals - quote.answer_decimals)
            unit, factor = 10**quote.ratio_decimals, (quote.answer or 1) * 10**finer
        if factor >= unit:
            return value, value
        digit = factor * value // unit
        return mul_div_up(digit, unit, factor), mul_div_up(digit + 1, unit, factor) - 1

    def bends(self, highest: int) -> tuple[int, ...]:
        """Values up to `highest` from which on a cap holds a part; ascending."""

        def held(part: Part) -> int:
            most = part.price(self.knob(part, highest))
            return halve(lambda value: part.price(self.knob(part, value)) >= most, 0, highest)

        return tuple(sorted({held(part) for part in self.parts if part.capped}))

    def lowest(self) -> int:
        """The least value at which no part's price is so small that roundings decide."""

        def fine(value: int) -> bool:
            return all(part.price(self.knob(part, value)) >= FINEST for part in self.parts)

        return halve(fine, 0, self.now or 1)

    @property
    def capped(self) -> bool:
        return any(part.capped for part in self.parts)


@lru_cache(maxsize=256)
def movers_of(asset: str) -> frozenset[str]:
    """Ids of the movers of that asset alone: there are no such boundaries where its price never moves."""
    return frozenset({f"own:{asset}", f"asset:{asset}"})


@lru_cache(maxsize=1024)
def anchored(price: int, decimals: int) -> bool:
    """Whether it stands within `ANCHOR_PERCENT` of one base unit."""
    one = 10**decimals
    return abs(price - one) * 100 <= one * ANCHOR_PERCENT


def matters(leg: Leg) -> bool:
    """Whether the leg takes part in the health factor."""
    return leg.amount > 0 and (leg.counts or leg.side is Side.DEBT)


def movers(book: Book, feeds: Sequence[Feed] = (), base: str = DOLLAR) -> tuple[Mover, ...]:
    """Every knob that this account hangs on: factors, everything volatile, ratios, single assets.

    Labels are made from those of the `feeds` and, for factors in base units, from the symbol of the `base`.
    """
    symbols = _symbols(book.legs)
    prices = {leg.asset.address: leg.price for leg in book.legs if matters(leg)}
    quotes = book.quotes
    names = {asset: _priced(symbol, base) for asset, symbol in symbols.items()}
    factors = _factors(symbols, names, prices, quotes, {feed.factor: feed.label for feed in feeds if feed.label})
    return (
        *factors,
        *_together(factors, symbols),
        *(_ratio(quotes[asset], symbols[asset]) for asset in symbols if _has_ratio(quotes.get(asset))),
        *(_single(asset, symbols[asset], symbols[asset], prices[asset], quotes.get(asset)) for asset in symbols),
    )


def _symbols(legs: Iterable[Leg]) -> dict[str, str]:
    """Address → symbol of what counts, collateral first."""
    counting = sorted((leg for leg in legs if matters(leg)), key=lambda leg: leg.side is Side.DEBT)
    return {leg.asset.address: leg.asset.symbol for leg in counting}


def _factors(
    symbols: Mapping[str, str],
    names: Mapping[str, str],
    prices: Mapping[str, int | None],
    quotes: Mapping[str, Quote],
    labels: Mapping[str, str],
) -> tuple[Mover, ...]:
    shared: dict[str, list[Quote]] = {}
    own: list[str] = []
    for asset in symbols:
        quote = quotes.get(asset)
        if quote is None or not quote.proven or not quote.answer:
            own.append(asset)
        else:
            shared.setdefault(quote.factor, []).append(quote)
    return (
        *(_shared(factor, members, symbols, names, labels.get(factor, "")) for factor, members in shared.items()),
        *(_single(asset, symbols[asset], names[asset], prices[asset], quotes.get(asset), own=True) for asset in own),
    )


def _shared(
    factor: str, members: list[Quote], symbols: Mapping[str, str], names: Mapping[str, str], label: str
) -> Mover:
    """All assets whose proven quote hangs on the factor; the one that is quoted directly leads."""
    lead = min(members, key=lambda quote: quote.ratio is not None)
    if factor.isalnum() and len(factor) <= 10:
        named = factor
    else:  # what a ratio turns into base units need not be quoted in them
        named = names[lead.asset] if lead.ratio is None else symbols[lead.asset]
    return Mover(
        factor=factor,
        kind=FactorKind.FACTOR,
        label=_quoted(label) or named,
        assets=tuple(symbols[quote.asset] for quote in members),
        now=lead.answer,
        decimals=lead.answer_decimals,
        parts=tuple(Part(quote.asset, quote.answer or 0, quote, FactorKind.FACTOR) for quote in members),
    )


@lru_cache(maxsize=1024)
def _quoted(label: str) -> str:
    """What a feed quotes, by its description, and in what: "ETH / USD" → "ETH", "LINK / ETH" → "LINK/ETH"."""
    name, _, rest = label.partition("/")
    unit = _WORD.search(rest.rpartition("/")[2])
    return _priced(name.strip(), unit.group() if unit else DOLLAR)


def _priced(name: str, unit: str) -> str:
    return name if unit == DOLLAR or not name else f"{name}/{unit}"


def _single(asset: str, symbol: str, name: str, price: int | None, quote: Quote | None, *, own: bool = False) -> Mover:
    """One asset's oracle price alone; `own` where nothing better is proven and the asset is its own factor."""
    return Mover(
        factor=f"{'own' if own else 'asset'}:{asset}",
        kind=FactorKind.FACTOR if own else FactorKind.ASSET,
        label=name,
        assets=(symbol,),
        now=price,
        decimals=quote.decimals if quote is not None else 8,
        parts=(Part(asset, price or 0, quote, FactorKind.ASSET),),
    )


def _has_ratio(quote: Quote | None) -> bool:
    return quote is not None and quote.proven and bool(quote.ratio)


def _ratio(quote: Quote, symbol: str) -> Mover:
    return Mover(
        factor=f"ratio:{quote.asset}",
        kind=FactorKind.RATIO,
        label=quote.ratio_label or f"{symbol} ratio",
        assets=(symbol,),
        now=quote.ratio,
        decimals=quote.ratio_decimals,
        parts=(Part(quote.asset, quote.ratio or 0, quote, FactorKind.RATIO),),
    )


def volatile(mover: Mover) -> bool:
    """Whether a factor is not anchored to the base currency: a rule, not a list of stable coins."""
    if mover.now is None:
        return False
    unit = 10**mover.decimals
    return abs(mover.now - unit) * 100 > unit * ANCHOR_PERCENT


def _together(factors: Sequence[Mover], symbols: Mapping[str, str]) -> tuple[Mover, ...]:
    moving = [mover for mover in factors if mover.now and volatile(mover)]
    if len(moving) < 2:
        return ()
    parts = tuple(part for mover in moving for part in mover.parts)
    held = {part.asset for part in parts}
    return (
        Mover(
            factor=TOGETHER,
            kind=FactorKind.TOGETHER,
            label="all volatile",
            assets=tuple(symbol for asset, symbol in symbols.items() if asset in held),
            now=WAD,
            decimals=18,
            parts=parts,
        ),
    )
