"""Taking oracle prices apart: feeds, ratios, caps, discounts, and what cannot be proven."""

from __future__ import annotations

from typing import Any

import pytest

from liqtui.core.model import Asset, Quote
from liqtui.core.reads import Failure
from liqtui.core.units import WAD
from liqtui.protocols import price_sources as src
from liqtui.protocols.feeds import ASSUMED_HEARTBEAT, FeedInfo
from liqtui.protocols.price_sources import PriceBook, probe
from tests.protocols.fake import NOBODY, NOW, Chain, addr, feed, run

ETH, ADAPTER, TOKEN = addr("feedETH"), addr("adapter"), Asset(addr("wstETH"), "wstETH", 18)
ETH_PRICE = 2_500 * 10**8


def chain_with_eth(answer: int = ETH_PRICE) -> Chain:
    chain = Chain()
    feed(chain, ETH, answer, "ETH / USD")
    return chain


def adapter(chain: Chain, **getters: Any) -> Chain:
    """Getter → (type, value) on the adapter's address."""
    for name, (kind, value) in getters.items():
        chain.set(ADAPTER, getattr(src, name), types=kind, value=value)
    return chain


def ratio_adapter(chain: Chain, ratio: int = 12 * 10**17, base: str = ETH) -> Chain:
    return adapter(
        chain,
        BASE_TO_USD_AGGREGATOR=("address", base),
        RATIO_DECIMALS=("uint8", 18),
        GET_RATIO=("int256", ratio),
        DESCRIPTION=("string", "Capped wstETH / stETH(ETH) / USD"),
    )


def book(chain: Chain, *sources: str, names: dict[str, FeedInfo] | None = None) -> PriceBook:
    """Probed, read and taken apart at NOW."""
    sources = sources or (ADAPTER,)
    opened = PriceBook(1, run(probe(sources), chain), names or {})
    calls = opened.reads(sources)
    return opened.at({key: chain.answer(call) for key, call in calls.items()}, NOW)


def quote(chain: Chain, price: int | None, source: str = ADAPTER, **options: Any) -> tuple[PriceBook, Quote]:
    found = book(chain, source, **options)
    return found, found.quote(TOKEN, source, price, 8)


def test_a_plain_feed_is_its_own_factor() -> None:
    found, made = quote(chain_with_eth(), ETH_PRICE, ETH)
    assert made.proven
    assert (made.factor, made.feed, made.answer, made.ratio, made.notes) == (f"1:{ETH}", ETH, ETH_PRICE, None, ())
    (one,) = found.feeds(made)
    assert (one.label, one.answer, one.decimals, one.updated_at) == ("ETH / USD", ETH_PRICE, 8, NOW - 60)
    assert (one.factor, one.heartbeat, one.assumed_heartbeat) == (f"1:{ETH}", ASSUMED_HEARTBEAT, True)


def test_a_feed_that_nobody_could_ask_at_the_opening_still_tells_its_age() -> None:
    """A feed that tells none counts as fresh, however old its price."""
    chain = chain_with_eth()
    kept = chain.results[ETH, src.LATEST_ROUND_DATA.selector]
    chain.put(ETH, src.LATEST_ROUND_DATA, result=Failure("unread", "no gas"))
    opened = PriceBook(1, run(probe([ETH]), chain), {})
    chain.put(ETH, src.LATEST_ROUND_DATA, result=kept)
    now = opened.at({key: chain.answer(call) for key, call in opened.reads([ETH]).items()}, NOW)
    (one,) = now.feeds(now.quote(TOKEN, ETH, ETH_PRICE, 8))
    assert (one.updated_at, one.heartbeat) == (NOW - 60, ASSUMED_HEARTBEAT)


def test_a_known_feed_has_its_named_factor_and_heartbeat() -> None:
    names = {ETH: FeedInfo("ETH / USD", "ETH", 3600), addr("x"): FeedInfo("X / USD", "", None)}
    found, made = quote(chain_with_eth(), ETH_PRICE, ETH, names=names)
    assert made.factor == "ETH"
    (one,) = found.feeds(made)
    assert (one.factor, one.heartbeat, one.assumed_heartbeat) == ("ETH", 3600, False)
    assert found.factor(addr("x")) == f"1:{addr('x')}"


def test_a_ratio_adapter_gives_feed_and_ratio() -> None:
    chain = ratio_adapter(chain_with_eth())
    found, made = quote(chain, ETH_PRICE * 12 // 10)
    assert chain.steps == 2
    assert made.proven
    assert (made.factor, made.feed, made.answer) == (f"1:{ETH}", ETH, ETH_PRICE)
    assert (made.ratio, made.ratio_decimals, made.ratio_label) == (12 * 10**17, 18, "wstETH/ETH")
    assert made.at(2 * ETH_PRICE) == ETH_PRICE * 24 // 10
    assert [one.address for one in found.feeds(made)] == [ETH]


@pytest.mark.parametrize(
    ("growth", "limit"),
    [
        # per second in ratio units; finer by 10⁶ where the adapter has that too
        ({"GET_MAX_RATIO_GROWTH": ("uint256", 10**12)}, 10**18 + 10**15),
        (
            {"GET_MAX_RATIO_GROWTH": ("uint256", 0), "GET_MAX_RATIO_GROWTH_SCALED": ("uint256", 1_500_000)},
            10**18 + 1_500,
        ),
    ],
)
def test_a_ratio_that_grew_too_fast_is_capped(growth: dict[str, Any], limit: int) -> None:
    chain = ratio_adapter(chain_with_eth())
    adapter(chain, GET_SNAPSHOT_RATIO=("uint256", 10**18), GET_SNAPSHOT_TIMESTAMP=("uint256", NOW - 1_000), **growth)
    found, made = quote(chain, ETH_PRICE * limit // WAD)
    assert made.proven
    assert made.ratio == limit
    assert found.capped(ADAPTER)
    assert made.notes == ("price capped now",)


def test_limits_that_are_not_told_leave_the_ratio_as_it_is() -> None:
    chain = ratio_adapter(chain_with_eth())
    adapter(chain, GET_SNAPSHOT_RATIO=("uint256", 10**18), GET_SNAPSHOT_TIMESTAMP=("uint256", NOW))
    assert quote(chain, ETH_PRICE * 12 // 10)[1].ratio == 12 * 10**17


def test_what_does_not_reproduce_the_price_moves_as_one() -> None:
    chain = ratio_adapter(chain_with_eth())
    found, made = quote(chain, ETH_PRICE * 12 // 10 + 1)
    assert made.proven
    assert (made.factor, made.feed, made.answer, made.ratio) == (
        f"1:{ADAPTER}",
        ADAPTER,
        ETH_PRICE * 12 // 10 + 1,
        None,
    )
    assert "moves as one" in made.notes[-1]
    # the feed behind it still tells how old the price is; the adapter itself tells nothing
    assert {one.address: one.updated_at for one in found.feeds(made)} == {ADAPTER: None, ETH: NOW - 60}
    heartbeats = {one.address: one.heartbeat for one in found.feeds(made)}
    assert heartbeats == {ADAPTER: None, ETH: ASSUMED_HEARTBEAT}


@pytest.mark.parametrize("price", [10**8, 98 * 10**6])
def test_a_stable_cap_lets_falls_through(price: int) -> None:
    chain = adapter(
        chain_with_eth(price), ASSET_TO_USD_AGGREGATOR=("address", ETH), GET_PRICE_CAP=("int256", 104 * 10**6)
    )
    found, made = quote(chain, price)
    assert made.proven
    assert (made.cap, made.at(110 * 10**6), made.notes) == (104 * 10**6, 104 * 10**6, ())
    assert not found.capped(ADAPTER)


def test_a_stable_cap_that_holds_is_said() -> None:
    chain = adapter(
        chain_with_eth(106 * 10**6), ASSET_TO_USD_AGGREGATOR=("address", ETH), GET_PRICE_CAP=("int256", 104 * 10**6)
    )
    found, made = quote(chain, 104 * 10**6)
    assert made.proven
    assert made.answer == 106 * 10**6
    assert found.capped(ADAPTER)
    assert made.notes == ("price capped now",)


def test_an_asset_adapter_of_unknown_cap_is_its_feed_while_that_holds() -> None:
    chain = adapter(chain_with_eth(10**8), ASSET_TO_USD_AGGREGATOR=("address", ETH))
    assert quote(chain, 10**8)[1].factor == f"1:{ETH}"
    assert quote(chain, 10**8 - 1)[1].factor == f"1:{ADAPTER}"


def test_a_discount_is_a_ratio() -> None:
    chain = adapter(
        chain_with_eth(10**8),
        ASSET_TO_USD_AGGREGATOR=("address", ETH),
        GET_CURRENT_DISCOUNT=("uint256", 3 * 10**16),
    )
    made = quote(chain, 97 * 10**6)[1]
    assert made.proven
    assert (made.ratio, made.feed) == (97 * 10**16, ETH)


def test_a_peg_is_a_ratio_that_is_a_feed() -> None:
    chain = chain_with_eth(60_000 * 10**8)
    feed(chain, addr("peg"), 99_900_000, "WBTC / BTC", updated=NOW - 5_000)
    adapter(chain, PEG_TO_BASE=("address", ETH), ASSET_TO_PEG=("address", addr("peg")))
    found, made = quote(chain, 5_994_000_000_000)
    assert made.proven
    assert (made.feed, made.ratio, made.ratio_decimals) == (ETH, 99_900_000, 8)
    assert {one.address: one.updated_at for one in found.feeds(made)} == {ETH: NOW - 60, addr("peg"): NOW - 5_000}


def test_a_peg_whose_decimals_are_not_told_is_not_guessed() -> None:
    chain = chain_with_eth(60_000 * 10**8)
    feed(chain, addr("peg"), 99_900_000, "WBTC / BTC", decimals=99)
    adapter(chain, PEG_TO_BASE=("address", ETH), ASSET_TO_PEG=("address", addr("peg")))
    assert quote(chain, 5_994_000_000_000)[1].factor == f"1:{ADAPTER}"


# -- Comet's wrappers --------------------------------------------------------------------------------------------------

WIDE = addr("feedWide")
"""A feed of 18 decimals."""


def rounds_of_its_own(chain: Chain, answer: int) -> Chain:
    """The wrapper tells a round like a feed does."""
    chain.set(ADAPTER, src.LATEST_ROUND_DATA, types=["uint256"] * 5, value=[1, answer, NOW, NOW, 1])
    return adapter(chain, DECIMALS=("uint8", 8))


def product(chain: Chain, first: str, second: str, **more: Any) -> Chain:
    feeds = {"PRICE_FEED_A": ("address", first), "PRICE_FEED_B": ("address", second)}
    return adapter(chain, **feeds, **more)


def test_a_product_of_two_feeds_hangs_on_the_second() -> None:
    """So that it moves together with whatever else hangs on that feed."""
    chain = chain_with_eth()
    feed(chain, WIDE, 9995 * 10**14, "stETH / ETH", decimals=18, updated=NOW - 7_000)
    product(rounds_of_its_own(chain, ETH_PRICE * 9995 // 10_000), WIDE, ETH, COMBINED_SCALE=("int256", 10**26))
    found, made = quote(chain, ETH_PRICE * 9995 // 10_000)
    assert made.proven
    assert (made.factor, made.feed, made.answer, made.answer_decimals) == (f"1:{ETH}", ETH, ETH_PRICE, 8)
    assert (made.ratio, made.ratio_decimals, made.ratio_label) == (9995 * 10**14, 18, "wstETH/ETH")
    assert made.at(3_000_00000007) == 3_000_00000007 * 9995 // 10_000
    assert {one.address for one in found.feeds(made)} == {ADAPTER, ETH, WIDE}


def test_the_older_product_for_wbtc_too() -> None:
    chain = chain_with_eth(60_000 * 10**8)
    feed(chain, addr("peg"), 99_900_000, "WBTC / BTC")
    adapter(
        rounds_of_its_own(chain, 5_994_000_000_000),
        WBTC_TO_BTC_PRICE_FEED=("address", addr("peg")),
        BTC_TO_USD_PRICE_FEED=("address", ETH),
        COMBINED_SCALE=("int256", 10**16),
    )
    made = quote(chain, 5_994_000_000_000)[1]
    assert made.proven
    assert (made.factor, made.ratio, made.ratio_decimals) == (f"1:{ETH}", 99_900_000, 8)


def test_a_quotient_of_two_feeds_is_no_product_even_where_both_come_out_alike() -> None:
    chain = chain_with_eth()
    feed(chain, addr("one"), 10**8, "ONE / USD")
    product(rounds_of_its_own(chain, ETH_PRICE), ETH, addr("one"))
    made = quote(chain, ETH_PRICE)[1]
    assert (made.factor, made.ratio) == (f"1:{ADAPTER}", None)


@pytest.mark.parametrize(("answer", "decimals"), [(6 * 10**15 + 12_345, 18), (60_123, 5)])
def test_a_feed_brought_to_other_decimals(answer: int, decimals: int) -> None:
    price = answer * 10**8 // 10**decimals
    chain = Chain()
    feed(chain, WIDE, answer, "LINK / ETH", decimals=decimals)
    adapter(rounds_of_its_own(chain, price), UNDERLYING_PRICE_FEED=("address", WIDE))
    made = quote(chain, price)[1]
    assert made.proven
    assert (made.factor, made.feed, made.answer, made.answer_decimals) == (f"1:{WIDE}", WIDE, answer, decimals)
    assert made.at(2 * answer) == 2 * answer * 10**8 // 10**decimals


def test_what_rounds_between_two_others_moves_as_one() -> None:
    """No single formula gives it: two divisions."""
    scaled, chain = addr("scaled"), chain_with_eth()
    feed(chain, WIDE, 3 * 10**18, "LINK / ETH", decimals=18)
    feed(chain, scaled, 3 * 10**8, "LINK / ETH")
    chain.set(scaled, src.UNDERLYING_PRICE_FEED, types="address", value=WIDE)
    product(rounds_of_its_own(chain, 3 * ETH_PRICE), ETH, scaled, COMBINED_SCALE=("int256", 10**16))
    made = quote(chain, 3 * ETH_PRICE)[1]
    assert (made.factor, made.ratio) == (f"1:{ADAPTER}", None)


@pytest.mark.parametrize(
    ("growth", "limit"),
    [(2 * 10**20, 12 * 10**17), (10**20, 11 * 10**17), (None, 12 * 10**17)],  # per second, 10¹⁰ times finer
)
def test_its_ratio_adapter_caps_the_growth(growth: int | None, limit: int) -> None:
    price = ETH_PRICE * limit // WAD
    getters: dict[str, Any] = {"ASSET_TO_BASE_AGGREGATOR": ("address", ETH), "COMET_RATIO_DECIMALS": ("uint8", 18)}
    getters |= {"GET_RATIO": ("int256", 12 * 10**17), "SNAPSHOT_RATIO": ("uint256", WAD)}
    getters |= {"SNAPSHOT_TIMESTAMP": ("uint48", NOW - 10_000_000)}
    if growth is not None:
        getters["MAX_RATIO_GROWTH"] = ("uint256", growth)
    found, made = quote(adapter(rounds_of_its_own(chain_with_eth(), price), **getters), price)
    assert made.proven
    assert (made.factor, made.feed, made.ratio, made.ratio_decimals) == (f"1:{ETH}", ETH, limit, 18)
    assert found.capped(ADAPTER) is (limit < 12 * 10**17)
    assert made.at(2 * ETH_PRICE) == 2 * price


def test_a_rate_that_is_no_feed_moves_as_one() -> None:
    """Comet's wrappers of exchange rates name their provider as others name a feed."""
    chain = adapter(rounds_of_its_own(Chain(), 10**8), UNDERLYING_PRICE_FEED=("address", addr("provider")))
    made = quote(chain, 10**8)[1]
    assert (made.factor, made.answer) == (f"1:{ADAPTER}", 10**8)


# -- what is odd -------------------------------------------------------------------------------------------------------


def test_a_cap_under_a_ratio_scales_with_it() -> None:
    stable, chain = addr("stable"), chain_with_eth(110 * 10**6)
    chain.set(stable, src.ASSET_TO_USD_AGGREGATOR, types="address", value=ETH)
    chain.set(stable, src.GET_PRICE_CAP, types="int256", value=104 * 10**6)
    chain.set(stable, src.LATEST_ANSWER, types="int256", value=104 * 10**6)
    ratio_adapter(chain, base=stable)
    found, made = quote(chain, 104 * 12 * 10**5)
    assert made.proven
    assert (made.cap, made.feed) == (104 * 12 * 10**5, ETH)
    assert found.capped(ADAPTER)


def test_the_tighter_of_two_caps_holds() -> None:
    lower, chain = addr("lower"), chain_with_eth(110 * 10**6)
    chain.set(lower, src.ASSET_TO_USD_AGGREGATOR, types="address", value=ETH)
    chain.set(lower, src.GET_PRICE_CAP, types="int256", value=103 * 10**6)
    adapter(chain, ASSET_TO_USD_AGGREGATOR=("address", lower), GET_PRICE_CAP=("int256", 104 * 10**6))
    assert quote(chain, 103 * 10**6)[1].cap == 103 * 10**6


def test_two_ratios_on_top_of_each_other_move_as_one() -> None:
    upper, chain = addr("upper"), ratio_adapter(chain_with_eth())
    chain.set(upper, src.BASE_TO_USD_AGGREGATOR, types="address", value=ADAPTER)
    chain.set(upper, src.RATIO_DECIMALS, types="uint8", value=18)
    chain.set(upper, src.GET_RATIO, types="int256", value=10**18)
    made = quote(chain, ETH_PRICE * 12 // 10, upper)[1]
    assert (made.factor, made.ratio) == (f"1:{upper}", None)


def test_a_ring_of_adapters_ends() -> None:
    chain = ratio_adapter(Chain(), base=addr("other"))
    chain.set(addr("other"), src.ASSET_TO_USD_AGGREGATOR, types="address", value=ADAPTER)
    made = quote(chain, 7)[1]
    assert (made.factor, made.answer) == (f"1:{ADAPTER}", 7)


def test_adapters_are_followed_four_deep_at_most() -> None:
    chain = Chain()
    for at in range(9):
        chain.set(addr(f"n{at}"), src.ASSET_TO_USD_AGGREGATOR, types="address", value=addr(f"n{at + 1}"))
    found = run(probe([addr("n0")]), chain)
    assert chain.steps == 4
    assert set(found) == {addr(f"n{at}") for at in range(4)}
    assert PriceBook(1, found, {}).quote(TOKEN, addr("n0"), 5, 8).factor == f"1:{addr('n0')}"


def test_a_source_that_tells_no_time_is_read_by_its_answer() -> None:
    chain = Chain()
    chain.set(ADAPTER, src.LATEST_ANSWER, types="int256", value=10**8)
    found, made = quote(chain, 10**8)
    assert made.proven
    (one,) = found.feeds(made)
    assert (one.answer, one.updated_at, one.heartbeat, one.decimals) == (10**8, None, None, 8)
    assert one.label == "0x0000…6572"  # nameless


def test_an_asset_without_a_source_is_a_factor_of_its_own() -> None:
    found = book(Chain(), NOBODY)
    made = found.quote(TOKEN, NOBODY, 10**8, 8)
    assert (made.factor, made.feed, made.proven) == (f"1:{TOKEN.address}", "", True)
    assert found.feeds(made) == ()


def test_an_unknown_price_stays_unknown() -> None:
    found, made = quote(chain_with_eth(), None, ETH)
    assert (made.price, made.answer, made.proven) == (None, None, False)
    assert found.feeds(made)[0].answer is None


def test_a_source_that_stops_answering_moves_as_one() -> None:
    chain = ratio_adapter(chain_with_eth())
    opened = PriceBook(1, run(probe([ADAPTER]), chain), {})
    silent = {key: Failure("revert") for key in opened.reads([ADAPTER])}
    assert opened.at(silent, NOW).quote(TOKEN, ADAPTER, 7, 8).factor == f"1:{ADAPTER}"
    assert opened.quote(TOKEN, ADAPTER, 7, 8).answer == 7


def test_getters_that_answer_nonsense_are_no_adapter() -> None:
    chain = chain_with_eth()
    for getter in (src.BASE_TO_USD_AGGREGATOR, src.ASSET_TO_USD_AGGREGATOR, src.PEG_TO_BASE, src.ASSET_TO_PEG):
        chain.put(ETH, getter, result=b"\xff" * 32)
    chain.put(ETH, src.DESCRIPTION, result=b"\xff" * 7)
    source = run(probe([ETH]), chain)[ETH]
    assert (source.base, source.ratio, source.rounds, source.label) == ("", "", True, "0x0000…5448")


def test_feeds_that_fall_silent_keep_their_place() -> None:
    opened = PriceBook(1, run(probe([ETH]), chain_with_eth()), {})
    silent = opened.at({key: Failure("revert") for key in opened.reads([ETH])}, NOW)
    made = silent.quote(TOKEN, ETH, 5, 8)
    (one,) = silent.feeds(made)
    assert (one.answer, one.updated_at) == (5, None)
