"""Health after named moves of factors, ratios and single assets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.factors import TOGETHER, movers, volatile
from liqtui.core.model import Change
from liqtui.core.results import FactorKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.factors import Mover, Part
    from liqtui.core.model import Book, Feed

PARTS = 10**9
"""Moves are relative numbers and are taken to this many parts of the whole."""


def under(book: Book, moves: Mapping[str, float], feeds: Sequence[Feed] = ()) -> int | None:
    """Health (1e18-scaled) after relative moves, −0.15 for a fall of 15 %; None when unknown.

    Keys are the ids of `Boundary.factor`. They add up as they do in the market: "together" moves every volatile
    factor, a factor of its own moves on top, a ratio on top of its base, a single asset on top of all. Ids that
    this account does not hang on change nothing. A fall by all of the price or more leaves nothing to tell.
    """
    return book.health(Change(prices=moved_prices(movers(book, feeds), moves)))


def moved_prices(knobs: Sequence[Mover], moves: Mapping[str, float]) -> dict[str, int]:
    """Oracle prices of the assets that the moves reach."""
    prices: dict[str, int] = {}
    ratios = {mover.parts[0].asset: _share(moves, mover.factor) for mover in knobs if mover.kind is FactorKind.RATIO}
    singles = {mover.parts[0].asset: _share(moves, mover.factor) for mover in knobs if mover.kind is FactorKind.ASSET}
    for mover in knobs:
        if mover.kind is not FactorKind.FACTOR or not mover.now:
            continue
        share = _share(moves, mover.factor)
        if volatile(mover):
            share = share * _share(moves, TOGETHER) // PARTS
        for part in mover.parts:
            asset = part.asset
            price = _price(part, share, ratios.get(asset, PARTS), singles.get(asset, PARTS))
            if price != part.price(part.knob):
                prices[asset] = price
    return prices


def _share(moves: Mapping[str, float], factor: str) -> int:
    return max(0, PARTS + round(moves.get(factor, 0.0) * PARTS))


def _price(part: Part, factor: int, ratio: int, single: int) -> int:
    knob = part.knob * factor // PARTS
    quote = part.quote
    if part.kind is FactorKind.FACTOR and quote is not None and quote.ratio is not None and ratio != PARTS:
        price = quote.at(knob, quote.ratio * ratio // PARTS)
    else:
        price = part.price(knob)
    price = price * single // PARTS
    return price if quote is None or quote.cap is None else min(price, quote.cap)
