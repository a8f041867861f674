"""What stands behind an oracle price: the feed where it enters, and the adapters on the way.

Known shapes (getters read in aave-capo and cl-synchronicity-price-adapter):

- a feed: `latestRoundData`
- ratio adapter: base × min(getRatio, snapshot + growth × time), for staked and wrapped tokens
- peg adapter: PEG_TO_BASE × ASSET_TO_PEG
- discount adapter (Pendle PT): asset × (1 − discount)
- capped adapter: min(asset, cap)
- Comet's wrappers (its contracts/pricefeeds and compound-capo): a feed in other decimals, the product of two feeds,
  and a ratio adapter of its own

A shape is only a guess until it reproduces the oracle's price to the last digit (`Quote.proven`); otherwise
the asset's source counts as a factor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core.model import Feed, Quote
from liqtui.core.reads import Failure
from liqtui.core.text import clean, short_address
from liqtui.core.units import WAD
from liqtui.protocols.abi import address, ask, function, ok, signed, sint, uint, words
from liqtui.protocols.feeds import ASSUMED_HEARTBEAT
from liqtui.protocols.naming import decimals_said, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.model import Asset
    from liqtui.core.reads import Call, Plan, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.feeds import FeedInfo

ZERO_ADDRESS = "0x" + "0" * 40

DESCRIPTION = function("description()", "7284e416")
DECIMALS = function("decimals()", "313ce567")
LATEST_ROUND_DATA = function("latestRoundData()", "feaf968c")
LATEST_ANSWER = function("latestAnswer()", "50d25bcd")
BASE_TO_USD_AGGREGATOR = function("BASE_TO_USD_AGGREGATOR()", "d221087c")
RATIO_DECIMALS = function("RATIO_DECIMALS()", "a83622e0")
GET_RATIO = function("getRatio()", "ec1ebd7a")
GET_SNAPSHOT_RATIO = function("getSnapshotRatio()", "fe4d9e79")
GET_SNAPSHOT_TIMESTAMP = function("getSnapshotTimestamp()", "deb8c641")
GET_MAX_RATIO_GROWTH = function("getMaxRatioGrowthPerSecond()", "f6ba77de")
GET_MAX_RATIO_GROWTH_SCALED = function("getMaxRatioGrowthPerSecondScaled()", "82294d3c")
ASSET_TO_USD_AGGREGATOR = function("ASSET_TO_USD_AGGREGATOR()", "4ebdc284")
GET_PRICE_CAP = function("getPriceCap()", "4c7afe60")
GET_CURRENT_DISCOUNT = function("getCurrentDiscount()", "f0eb737a")
PEG_TO_BASE = function("PEG_TO_BASE()", "de4aedab")
ASSET_TO_PEG = function("ASSET_TO_PEG()", "910bb70c")
UNDERLYING_PRICE_FEED = function("underlyingPriceFeed()", "2ac0a1a5")
PRICE_FEED_A = function("priceFeedA()", "383cae1d")
PRICE_FEED_B = function("priceFeedB()", "14c04ff1")
COMBINED_SCALE = function("combinedScale()", "2b9357df")
WBTC_TO_BTC_PRICE_FEED = function("WBTCToBTCPriceFeed()", "2c3596f2")
BTC_TO_USD_PRICE_FEED = function("BTCToUSDPriceFeed()", "1de5ffd5")
ASSET_TO_BASE_AGGREGATOR = function("assetToBaseAggregator()", "a5bbbccb")
COMET_RATIO_DECIMALS = function("ratioDecimals()", "1518af76")
SNAPSHOT_RATIO = function("snapshotRatio()", "31b38fee")
SNAPSHOT_TIMESTAMP = function("snapshotTimestamp()", "9c43eb54")
MAX_RATIO_GROWTH = function("maxRatioGrowthPerSecond()", "42090736")

_PROBES = (
    DESCRIPTION,
    DECIMALS,
    LATEST_ROUND_DATA,
    BASE_TO_USD_AGGREGATOR,
    RATIO_DECIMALS,
    GET_RATIO,
    ASSET_TO_USD_AGGREGATOR,
    GET_PRICE_CAP,
    GET_CURRENT_DISCOUNT,
    PEG_TO_BASE,
    ASSET_TO_PEG,
    UNDERLYING_PRICE_FEED,
    PRICE_FEED_A,
    PRICE_FEED_B,
    COMBINED_SCALE,
    WBTC_TO_BTC_PRICE_FEED,
    BTC_TO_USD_PRICE_FEED,
    ASSET_TO_BASE_AGGREGATOR,
    COMET_RATIO_DECIMALS,
)
_LIMITS = (GET_SNAPSHOT_RATIO, GET_SNAPSHOT_TIMESTAMP, GET_MAX_RATIO_GROWTH, GET_MAX_RATIO_GROWTH_SCALED)
_GROWTH_SCALE = 10**6
"""PriceCapAdapterBase.SCALING_FACTOR."""
_COMET_LIMITS = (SNAPSHOT_RATIO, SNAPSHOT_TIMESTAMP, MAX_RATIO_GROWTH)
_COMET_GROWTH_SCALE = 10**10
"""GROWTH_RATIO_SCALE of compound-capo's PriceCapAdapterBase."""
_MAX_DEPTH = 4


class Source(NamedTuple):
    """A price source as it was found when the market was opened."""

    address: str
    label: str
    decimals: int | None
    rounds: bool
    """Whether it tells when its answer was updated."""
    base: str = ""
    """The source that this one stands on; empty for a feed."""
    ratio: str = ""
    """How it multiplies: "" not at all, "growth", "comet growth", "discount", or the address of a second feed."""
    ratio_decimals: int = 18
    capped: bool = False
    scaled: bool = False
    """Whether it brings what it stands on to its own decimals; else it passes the digits on."""


class Numbers(NamedTuple):
    """What a source said at one block. None: no answer."""

    answer: int | None = None
    updated_at: int | None = None
    ratio: int | None = None
    limit: int | None = None
    """The most that the ratio may be now."""
    cap: int | None = None

    @property
    def used_ratio(self) -> int | None:
        if self.ratio is None or self.limit is None:
            return self.ratio
        return min(self.ratio, self.limit)

    @property
    def ratio_is_capped(self) -> bool:
        return self.ratio is not None and self.limit is not None and self.ratio > self.limit


def probe(sources: Iterable[str]) -> Plan[dict[str, Source]]:
    """Look at each source and at what it stands on. One step per level, at most four."""
    known: dict[str, Source] = {}
    wanted = [source for source in dict.fromkeys(sources) if source != ZERO_ADDRESS]
    for _ in range(_MAX_DEPTH):
        if not wanted:
            break
        found = yield from ask({(source, getter): getter.at(source) for source in wanted for getter in _PROBES})
        for source in wanted:
            known[source] = _shape(source, {getter: found[source, getter] for getter in _PROBES})
        below = [link for source in wanted for link in _links(known[source])]
        wanted = [link for link in dict.fromkeys(below) if link not in known]
    return known


def _shape(source: str, found: Mapping[Function, Result]) -> Source:
    label = clean(text_of(found[DESCRIPTION]), 40) or short_address(source)
    told = found[LATEST_ROUND_DATA]
    # who could not be asked is asked again every round: else a feed would count as one that tells no age
    rounds = ok(told, 5) or (isinstance(told, Failure) and told.kind == "unread")
    plain = Source(source, label, decimals_said(found[DECIMALS]), rounds=rounds)
    ratio_decimals = decimals_said(found[RATIO_DECIMALS])
    base, asset = some_address(found[BASE_TO_USD_AGGREGATOR]), some_address(found[ASSET_TO_USD_AGGREGATOR])
    peg, to_peg = some_address(found[PEG_TO_BASE]), some_address(found[ASSET_TO_PEG])
    if base and ratio_decimals is not None and ok(found[GET_RATIO]):
        return plain._replace(base=base, ratio="growth", ratio_decimals=ratio_decimals)
    if asset and ok(found[GET_CURRENT_DISCOUNT]):
        return plain._replace(base=asset, ratio="discount")
    if asset:
        return plain._replace(base=asset, capped=ok(found[GET_PRICE_CAP]))
    if peg and to_peg:
        return plain._replace(base=peg, ratio=to_peg)
    return _comet_shape(plain, found)


def _comet_shape(plain: Source, found: Mapping[Function, Result]) -> Source:
    """Comet's wrappers. A quotient of two feeds looks like a product but for its combined scale, and stays whole."""
    for first, second in ((PRICE_FEED_A, PRICE_FEED_B), (WBTC_TO_BTC_PRICE_FEED, BTC_TO_USD_PRICE_FEED)):
        ratio, base = some_address(found[first]), some_address(found[second])
        if ratio and base:
            return plain._replace(base=base, ratio=ratio, scaled=True) if ok(found[COMBINED_SCALE]) else plain
    base, decimals = some_address(found[ASSET_TO_BASE_AGGREGATOR]), decimals_said(found[COMET_RATIO_DECIMALS])
    if base and decimals is not None and ok(found[GET_RATIO]):
        return plain._replace(base=base, ratio="comet growth", ratio_decimals=decimals, scaled=True)
    underlying = some_address(found[UNDERLYING_PRICE_FEED])
    return plain._replace(base=underlying, scaled=True) if underlying else plain


def _links(source: Source) -> tuple[str, ...]:
    return tuple(link for link in (source.base, source.ratio) if link.startswith("0x"))


def some_address(result: Result) -> str:
    """Empty for what is none, and for the zero address."""
    try:
        found = address(result)
    except ValueError:
        return ""
    return "" if found == ZERO_ADDRESS else found


@dataclass(frozen=True)
class PriceBook:
    """The sources behind a set of assets, and what they said at one block."""

    chain_id: int
    sources: Mapping[str, Source]
    names: Mapping[str, FeedInfo]
    numbers: Mapping[str, Numbers] = field(default_factory=dict[str, Numbers])

    def reads(self, wanted: Iterable[str]) -> dict[tuple[str, Function], Call]:
        """The calls that answer for these sources and for all that they stand on."""
        calls: dict[tuple[str, Function], Call] = {}
        for source in self._closure(wanted):
            for getter in _getters(source):
                calls[source.address, getter] = getter.at(source.address)
        return calls

    def at(self, found: Mapping[tuple[str, Function], Result], timestamp: int) -> PriceBook:
        """A copy with the answers of `reads`, at a block of that time."""
        by_source: dict[str, dict[Function, Result]] = {}
        for (source, getter), result in found.items():
            by_source.setdefault(source, {})[getter] = result
        numbers = {source: _numbers(answers, timestamp) for source, answers in by_source.items()}
        for source in self.sources.values():
            if source.address in numbers and source.ratio in numbers:
                peg = numbers[source.ratio].answer
                numbers[source.address] = numbers[source.address]._replace(ratio=peg)
        return PriceBook(self.chain_id, self.sources, self.names, numbers)

    def quote(self, asset: Asset, source: str, price: int | None, decimals: int) -> Quote:
        """How the oracle's `price` of the asset comes about: from the feed where proven, else from its source."""
        found = self._derived(asset, source, price, decimals)
        if found is not None and found.proven:
            return found
        known = source in self.sources
        return Quote(
            asset.address,
            source,
            price,
            decimals,
            self.factor(source if known else asset.address),
            answer=price,
            answer_decimals=decimals,
            feed=source if known else "",
            notes=(*self._notes(source), "moves as one: how its source makes the price is not proven"),
        )

    def feeds(self, quote: Quote) -> tuple[Feed, ...]:
        """The feeds that a quote hangs on: its own, and whatever else behind it tells when it was updated."""
        behind = [link.address for link in self._closure((quote.source,)) if link.rounds or link.address == quote.feed]
        return tuple(self._feed(link, quote) for link in behind)

    def capped(self, source: str) -> bool:
        """Whether a cap holds the price down now."""
        for link in self._chain(source):
            mine = self.numbers.get(link.address, Numbers())
            below = self.numbers.get(link.base, Numbers()).answer
            if mine.ratio_is_capped or (mine.cap is not None and below is not None and below > mine.cap):
                return True
        return False

    def _feed(self, link: str, quote: Quote) -> Feed:
        source, numbers = self.sources[link], self.numbers.get(link, Numbers())
        info = self.names.get(link)
        known = info.heartbeat if info else None
        return Feed(
            link,
            source.label,
            self.factor(link),
            quote.answer if link == quote.feed else numbers.answer,
            quote.answer_decimals if source.decimals is None else source.decimals,
            numbers.updated_at,
            known or (ASSUMED_HEARTBEAT if source.rounds else None),
            assumed_heartbeat=known is None and source.rounds,
        )

    def _derived(self, asset: Asset, source: str, price: int | None, decimals: int) -> Quote | None:
        chain = self._chain(source)
        rescaled = any(link.scaled for link in chain)
        if not chain or (rescaled and len(chain) > 2):  # rounded twice, which no single formula gives
            return None
        ratio: int | None = None
        limit: int | None = None
        ratio_decimals, cap = 18, None
        for link in chain[:-1]:
            mine = self.numbers.get(link.address, Numbers())
            if link.ratio:
                if ratio is not None or mine.used_ratio is None:
                    return None
                ratio, limit, ratio_decimals = mine.used_ratio, mine.limit, self._ratio_decimals(link)
            if mine.cap is not None:
                scaled = mine.cap if ratio is None else mine.cap * ratio // 10**ratio_decimals
                cap = scaled if cap is None else min(cap, scaled)
        feed = chain[-1]
        return Quote(
            asset.address,
            source,
            price,
            decimals,
            self.factor(feed.address),
            answer=self.numbers.get(feed.address, Numbers()).answer,
            answer_decimals=decimals if feed.decimals is None or not rescaled else feed.decimals,
            feed=feed.address,
            ratio=ratio,
            ratio_decimals=ratio_decimals,
            ratio_label="" if ratio is None else f"{asset.symbol}/{feed.label.split('/')[0].strip()}",
            cap=cap,
            notes=self._notes(source),
            ratio_cap=limit,
        )

    def _ratio_decimals(self, link: Source) -> int:
        second = self.sources.get(link.ratio)
        if second is None or second.decimals is None:
            return link.ratio_decimals
        return second.decimals

    def _notes(self, source: str) -> tuple[str, ...]:
        return ("price capped now",) if self.capped(source) else ()

    def factor(self, source: str) -> str:
        """Named where the feed table names it, else the source itself."""
        info = self.names.get(source)
        return info.factor if info and info.factor else f"{self.chain_id}:{source}"

    def _chain(self, source: str) -> list[Source]:
        """The source and what it stands on, down to the feed."""
        chain: list[Source] = []
        while source in self.sources and len(chain) <= _MAX_DEPTH:
            chain.append(self.sources[source])
            source = chain[-1].base
        return chain

    def _closure(self, wanted: Iterable[str]) -> list[Source]:
        found: dict[str, Source] = {}
        for start in wanted:
            for link in self._chain(start):
                found[link.address] = link
                if link.ratio in self.sources:
                    found[link.ratio] = self.sources[link.ratio]
        return list(found.values())


def _getters(source: Source) -> tuple[Function, ...]:
    how: tuple[Function, ...] = (LATEST_ROUND_DATA if source.rounds else LATEST_ANSWER,)
    if source.ratio == "growth":
        how += (GET_RATIO, *_LIMITS)
    elif source.ratio == "comet growth":
        how += (GET_RATIO, *_COMET_LIMITS)
    elif source.ratio == "discount":
        how += (GET_CURRENT_DISCOUNT,)
    return (*how, GET_PRICE_CAP) if source.capped else how


def _numbers(found: Mapping[Function, Result], timestamp: int) -> Numbers:
    out = Numbers()
    if LATEST_ROUND_DATA in found and ok(found[LATEST_ROUND_DATA], 5):
        _, answer, _, updated_at, _ = words(found[LATEST_ROUND_DATA], 5)
        out = out._replace(answer=signed(answer), updated_at=updated_at)
    elif LATEST_ANSWER in found and ok(found[LATEST_ANSWER]):
        out = out._replace(answer=sint(found[LATEST_ANSWER]))
    if GET_RATIO in found and ok(found[GET_RATIO]):
        out = out._replace(ratio=sint(found[GET_RATIO]), limit=_ratio_limit(found, timestamp))
    if GET_CURRENT_DISCOUNT in found and ok(found[GET_CURRENT_DISCOUNT]):
        out = out._replace(ratio=WAD - uint(found[GET_CURRENT_DISCOUNT]))
    if GET_PRICE_CAP in found and ok(found[GET_PRICE_CAP]):
        out = out._replace(cap=sint(found[GET_PRICE_CAP]))
    return out


def _ratio_limit(found: Mapping[Function, Result], timestamp: int) -> int | None:
    """PriceCapAdapterBase._getMaxRatio; None where the adapter does not tell its parameters.

    Newer adapters keep the growth per second 10⁶ times finer.
    """
    if SNAPSHOT_RATIO in found:
        ratio, since, growth = _told(found, _COMET_LIMITS)
        if ratio is None or since is None or growth is None:
            return None
        return ratio + growth * (timestamp - since) // _COMET_GROWTH_SCALE
    ratio, since, growth, finer = _told(found, _LIMITS)
    if ratio is None or since is None:
        return None
    if finer is not None:
        return ratio + finer * (timestamp - since) // _GROWTH_SCALE
    return None if growth is None else ratio + growth * (timestamp - since)


def _told(found: Mapping[Function, Result], getters: Iterable[Function]) -> list[int | None]:
    return [uint(found[getter]) if ok(found[getter]) else None for getter in getters]
