"""How a market's oracle makes its price, so that each feed in it is a factor of its own.

MorphoChainlinkOracleV2 (and ChainlinkOracle before it) answers

    price = SCALE × vault × base feed 1 × base feed 2 ÷ (quote feed 1 × quote feed 2)

with what is absent counted as 1. The two products are taken as the prices of collateral and loan in the currency
that the feeds share. Both stay whole numbers, so nothing is rounded before the oracle's own division and every
what-if is exact. A shape is only believed while it gives the oracle's own answer to the last digit; otherwise, and
for oracles of other kinds, the answer itself is the one factor and the loan token is the currency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Feed, Quote
from liqtui.core.text import clean
from liqtui.protocols.abi import address, ok, uint
from liqtui.protocols.morpho_blue_abi import (
    BASE_FEED_1,
    BASE_FEED_2,
    BASE_VAULT,
    BASE_VAULT_SAMPLE,
    CONVERT_TO_ASSETS,
    PRICE,
    QUOTE_FEED_1,
    QUOTE_FEED_2,
    QUOTE_VAULT,
    SCALE_FACTOR,
    VAULT,
    VAULT_SAMPLE,
)
from liqtui.protocols.price_sources import ZERO_ADDRESS, Numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Asset
    from liqtui.core.reads import Call, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.morpho_blue_state import MarketInfo
    from liqtui.protocols.price_sources import PriceBook, Source

GETTERS = (
    BASE_FEED_1,
    BASE_FEED_2,
    QUOTE_FEED_1,
    QUOTE_FEED_2,
    BASE_VAULT,
    BASE_VAULT_SAMPLE,
    QUOTE_VAULT,
    SCALE_FACTOR,
    VAULT,
    VAULT_SAMPLE,
)
_FEEDS = (BASE_FEED_1, BASE_FEED_2, QUOTE_FEED_1, QUOTE_FEED_2)
_MAX_DECIMALS = 77
_CURRENCY_LENGTH = 12


class Parts(NamedTuple):
    """What an oracle says of itself. Addresses are empty where it has no such part."""

    base: tuple[str, ...]
    quote: tuple[str, ...]
    vault: str
    sample: int
    """Shares of the vault that are converted."""
    scale: int
    """Decimal exponent of SCALE_FACTOR."""


class Shape(NamedTuple):
    """Parts with the decimals that make two prices of them. The first feed of a side is the one that leads it."""

    parts: Parts
    decimals: int
    """Of both prices."""
    lift: int
    """Power of ten by which the collateral side is greater than the loan side as the oracle multiplies them."""
    base_decimals: int
    """Of the answer of the leading base feed; 0 without one."""
    ratio_decimals: int
    """Of vault × second base feed."""
    quote_decimals: int
    """Of the answer of the leading quote feed; 0 without one."""
    currency: str
    """What both prices are in; empty: the loan token."""


class Pricing(NamedTuple):
    """The oracle at one block, as prices of the two tokens with `decimals`; None where it gives none."""

    answer: int | None
    """What `price()` says."""
    collateral: int | None
    loan: int | None
    decimals: int
    lift: int
    """`answer` = collateral × 10**lift ÷ loan, cut, wherever there is one."""
    currency: str
    quotes: tuple[Quote, Quote]
    """Of collateral and loan."""
    feeds: tuple[Feed, ...]


def parts_of(found: Mapping[Function, Result]) -> Parts | None:
    """None for an oracle that is not of this kind, or has a part that is not understood here."""
    feeds = [_address(found[getter]) for getter in _FEEDS]
    scale = _exponent(found[SCALE_FACTOR])
    if scale is None or None in feeds or _address(found[QUOTE_VAULT]):
        return None
    base, quote = (tuple(feed for feed in side if feed) for side in (feeds[:2], feeds[2:]))
    getters = (BASE_VAULT, BASE_VAULT_SAMPLE) if ok(found[BASE_VAULT]) else (VAULT, VAULT_SAMPLE)
    vault, sample = _address(found[getters[0]]) or "", found[getters[1]]
    if not (base or quote or vault):
        return None
    return Parts(base, quote, vault, uint(sample) if vault and ok(sample) else 1, scale)


def _address(result: Result) -> str | None:
    """Empty for the zero address; None where nothing answers."""
    try:
        found = address(result)
    except ValueError:
        return None
    return "" if found == ZERO_ADDRESS else found


def _exponent(result: Result) -> int | None:
    """n of an answer of 10**n."""
    if not ok(result):
        return None
    value = uint(result)
    exponent = len(str(value)) - 1
    return exponent if value == 10**exponent else None


def shape_of(parts: Parts, collateral: Asset, loan: Asset, prices: PriceBook) -> Shape | None:
    """None where the decimals of the parts do not fit together."""
    base, quote = (_leading_first(side, prices) for side in (parts.base, parts.quote))
    base_decimals, quote_decimals = ([_decimals(prices, feed) for feed in side] for side in (base, quote))
    if None in (*base_decimals, *quote_decimals):
        return None
    lift = 36 + loan.decimals - collateral.decimals
    excess = parts.scale - lift
    decimals = sum(each or 0 for each in quote_decimals) + max(0, -excess)
    lead = (base_decimals[0] or 0) if base else 0
    ratio_decimals = decimals - lead - max(0, excess)
    has_ratio = bool(parts.vault) or len(base) > 1
    if ratio_decimals < 0 or decimals > _MAX_DECIMALS or (ratio_decimals and not has_ratio):
        return None
    return Shape(
        parts._replace(base=base, quote=quote),
        decimals,
        lift,
        lead,
        ratio_decimals,
        (quote_decimals[0] or 0) if quote else 0,
        _currency(parts.quote[-1], prices) if parts.quote else "",
    )


def _leading_first(feeds: tuple[str, ...], prices: PriceBook) -> tuple[str, ...]:
    """A feed of a named factor leads, else the last: the first is a rate over it (wstETH/ETH, then ETH/USD)."""
    named = [feed for feed in feeds if feed in prices.names and prices.names[feed].factor]
    return tuple(dict.fromkeys((*named, *reversed(feeds))))


def _decimals(prices: PriceBook, feed: str) -> int | None:
    source = prices.sources.get(feed)
    return None if source is None else source.decimals


def _currency(feed: str, prices: PriceBook) -> str:
    """Right side of the feed's pair. Anyone can deploy a feed that calls itself dollars: only a known one is."""
    if feed in prices.names:
        return clean(prices.names[feed].pair.partition("/")[2], _CURRENCY_LENGTH).partition(" ")[0] or "oracle-units"
    said = clean(prices.sources[feed].label.partition("/")[2], _CURRENCY_LENGTH)
    return f"oracle-{said or 'units'}"


def price_calls(info: MarketInfo) -> dict[tuple[str, Function], Call]:
    """What is read of an oracle beside its feeds."""
    oracle = info.params.oracle
    calls = {(oracle, PRICE): PRICE.at(oracle)}
    if info.shape is not None and info.shape.parts.vault:
        vault, sample = info.shape.parts.vault, info.shape.parts.sample
        calls[oracle, CONVERT_TO_ASSETS] = CONVERT_TO_ASSETS.at(vault, sample)
    return calls


def feeds_of(info: MarketInfo) -> tuple[str, ...]:
    return () if info.shape is None else (*info.shape.parts.base, *info.shape.parts.quote)


def pricing(info: MarketInfo, found: Mapping[tuple[str, Function], Result], prices: PriceBook) -> Pricing:
    """The market's prices at one block, from the answers of `price_calls` and the feeds in `prices`."""
    said = found[info.params.oracle, PRICE]
    answer = uint(said) if ok(said) else None
    if info.shape is not None:
        converted = found.get((info.params.oracle, CONVERT_TO_ASSETS))
        vault = 1 if converted is None else uint(converted) if ok(converted) else None
        derived = _derived(info, info.shape, answer, vault, prices)
        if derived is not None:
            return derived
    return _opaque(info, answer, prices)


def _derived(
    info: MarketInfo, shape: Shape, answer: int | None, vault: int | None, prices: PriceBook
) -> Pricing | None:
    """None where the parts do not give the oracle's answer. An oracle without an answer keeps its currency."""
    parts, decimals, lift = shape.parts, shape.decimals, shape.lift
    excess = parts.scale - lift
    base = [prices.numbers.get(feed, Numbers()).answer for feed in parts.base]
    quote = [prices.numbers.get(feed, Numbers()).answer for feed in parts.quote]
    collateral = _product([vault, *base], max(0, excess))
    loan = _product([*quote], max(0, -excess))
    if answer is None:
        collateral = loan = None
    elif collateral is None or not loan or collateral * 10**lift // loan != answer:
        return None
    ratio = _product([vault, *base[1:]], 0) if parts.vault or len(base) > 1 else None
    held = Quote(
        info.collateral.address,
        info.params.oracle,
        collateral,
        decimals,
        _factor(parts.base, info.collateral, prices),
        answer=base[0] if base else None,
        answer_decimals=shape.base_decimals,
        feed=parts.base[0] if base else "",
        ratio=ratio,
        ratio_decimals=shape.ratio_decimals,
        ratio_label="" if ratio is None else f"{info.collateral.symbol} rate",
    )
    owed = Quote(
        info.loan.address,
        info.params.oracle,
        loan,
        decimals,
        _factor(parts.quote, info.loan, prices),
        answer=quote[0] if quote else None,
        answer_decimals=shape.quote_decimals,
        feed=parts.quote[0] if quote else "",
        ratio=_product(quote[1:], 0) if len(quote) > 1 else None,
        ratio_decimals=max(0, decimals - shape.quote_decimals - max(0, -excess)),
        ratio_label=f"{info.loan.symbol} rate" if len(quote) > 1 else "",
    )
    currency = shape.currency or _own_currency(info)
    feeds = tuple(feed for link in (*parts.base, *parts.quote) for feed in _feeds(link, prices))
    return Pricing(answer, collateral, loan, decimals, lift, currency, (held, owed), tuple(dict.fromkeys(feeds)))


def _product(factors: list[int | None], zeros: int) -> int | None:
    """None where one of them is not known, or negative: the oracle refuses such an answer."""
    product = 10**zeros
    for factor in factors:
        if factor is None or factor < 0:
            return None
        product *= factor
    return product


def _factor(feeds: tuple[str, ...], token: Asset, prices: PriceBook) -> str:
    return prices.factor(feeds[0] if feeds else token.address)


def _feeds(link: str, prices: PriceBook) -> tuple[Feed, ...]:
    source: Source = prices.sources[link]
    answer = prices.numbers.get(link, Numbers()).answer
    quote = Quote("", link, answer, source.decimals or 0, "", answer, source.decimals or 0, feed=link)
    return prices.feeds(quote)


def _opaque(info: MarketInfo, answer: int | None, prices: PriceBook) -> Pricing:
    """The oracle's answer as the one factor; prices in units of the loan token."""
    oracle, decimals = info.params.oracle, 36 + info.loan.decimals - info.collateral.decimals
    loan = None if answer is None else 10**decimals
    factor = prices.factor(oracle)
    note = "moves as one: how its oracle makes the price is not proven"
    held = Quote(
        info.collateral.address,
        oracle,
        answer,
        decimals,
        factor,
        answer=answer,
        answer_decimals=decimals,
        feed=oracle,
        notes=(note,),
    )
    owed = Quote(info.loan.address, oracle, loan, decimals, prices.factor(info.loan.address))
    feed = Feed(oracle, f"{info.pair} oracle", factor, answer, decimals, None, None)
    behind = tuple(each for link in feeds_of(info) for each in _feeds(link, prices))
    return Pricing(answer, answer, loan, decimals, decimals, _own_currency(info), (held, owed), (feed, *behind))


def _own_currency(info: MarketInfo) -> str:
    """The loan token's symbol, unless it would pass for dollars."""
    symbol = info.loan.symbol
    return f"{symbol} token" if symbol.strip().upper() in {"USD", "$"} else symbol
