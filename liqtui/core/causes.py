"""Why health moved between two readings of a position: which feed, or what else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.model import Side
from liqtui.core.snapshot import Freshness
from liqtui.core.text import phrase, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Leg, Position, Quote
    from liqtui.core.snapshot import Row

FAINT = 1e-6
"""Parts of the position's worth that a price has to have moved it by to be the cause of anything."""


class Cause(NamedTuple):
    key: str
    """Same key, same cause; empty: this position's own affair."""
    words: str = ""
    """As "ETH / USD 2,308.4 (−0.2%)"."""


def cause(before: Row | None, after: Row) -> Cause:
    """The price that did most to health; its own doing where amounts moved more than any price.

    As long as nothing could be read, all of a chain is one cause.
    """
    new = after.position
    old = before.position if before is not None else None
    if new is None:
        return Cause("")
    if old is None:
        return Cause(f"first:{after.chain}", "at the first reading")
    if before is not None and before.freshness is Freshness.BLIND:
        return Cause(f"first:{after.chain}", "at the first reading since blind")
    then = {(leg.side, leg.asset.address): leg for leg in old.legs}
    quotes = {quote.asset: quote for quote in new.quotes}
    effects: dict[str, float] = {}
    moved: dict[str, tuple[float, Leg, Leg]] = {}
    own = total = 0.0
    for leg in new.legs:
        was = then.pop((leg.side, leg.asset.address), None)
        worth = float(leg.value or 0) * (leg.threshold / 10_000 if leg.side is Side.COLLATERAL else 1.0)
        total += worth
        if was is None:
            own += worth
            continue
        own += worth * abs(leg.amount - was.amount) / max(leg.amount, was.amount, 1)
        if not leg.price or not was.price or leg.price == was.price:
            continue
        factor = _factor(quotes, leg)
        change = leg.price / was.price - 1
        effect = worth * change * (1 if leg.side is Side.COLLATERAL else -1)
        effects[factor] = effects.get(factor, 0.0) + effect
        if factor not in moved or abs(effect) > moved[factor][0]:
            moved[factor] = abs(effect), was, leg
    own += sum(float(leg.value or 0) for leg in then.values())
    factor = max(effects, key=lambda name: abs(effects[name]), default="")
    most = abs(effects.get(factor, 0.0))
    if own > max(most, FAINT * total):
        return Cause("")
    if most <= FAINT * total:
        return Cause(f"time:{after.chain}", "interest")
    _, was, leg = moved[factor]
    return Cause(f"price:{after.chain}:{factor}", _words(new, quotes, was, leg))


def _factor(quotes: Mapping[str, Quote], leg: Leg) -> str:
    quote = quotes.get(leg.asset.address)
    return quote.factor if quote is not None else f"asset:{leg.asset.address}"


def _words(position: Position, quotes: Mapping[str, Quote], was: Leg, leg: Leg) -> str:
    """The feed and its answer where there is one, else the asset and its price."""
    change = fmt.percent(((leg.price or 0) / (was.price or 1) - 1), 2)
    quote = quotes.get(leg.asset.address)
    feed = next((feed for feed in position.feeds if quote is not None and feed.address == quote.feed), None)
    if feed is not None and feed.answer is not None and quote is not None and quote.ratio is None:
        return f"{phrase(feed.label)} {fmt.price(feed.answer, feed.decimals)} ({change})"
    return f"{word(leg.asset.symbol)} {fmt.price(leg.price, position.base_decimals)} ({change})"
