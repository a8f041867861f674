"""The two worked cases of the design, and that a boundary is the very answer at which the integer rule turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from liqtui.core.boundaries import FARTHEST, boundaries
from liqtui.core.factors import Mover, movers, volatile
from liqtui.core.model import Boundary, Change, Direction, FactorKind, Feed, Quote
from liqtui.core.units import HEALTH_ONE, WAD
from tests.core.books import UNCHANGED, USD, ReferenceBook, address, asset, quote, simple, staking_loop, two_coins
from tests.core.strategies import books

if TYPE_CHECKING:
    import random

WBTC, WSTETH, WETH, USDC, DAI = asset("WBTC", 8), asset("wstETH"), asset("WETH"), asset("USDC", 6), asset("DAI")


def by_id(book: ReferenceBook) -> dict[str, Boundary]:
    return {found.factor: found for found in boundaries(book)}


def mover_of(book: ReferenceBook, factor: str) -> Mover:
    return next(mover for mover in movers(book) if mover.factor == factor)


def unsafe_at(book: ReferenceBook, factor: str, value: int) -> bool | None:
    return book.liquidatable(Change(prices=mover_of(book, factor).prices(value)))


def assert_turns(book: ReferenceBook, found: Boundary) -> None:
    """Unsafe at the price, safe one digit nearer to safety."""
    assert found.price is not None
    step = 1 if found.direction is Direction.FALLS else -1
    assert unsafe_at(book, found.factor, found.price) is True
    assert unsafe_at(book, found.factor, found.price + step) is False


# -- the worked cases ----------------------------------------------------------------------------------------------


def test_first_worked_case() -> None:
    book = two_coins()
    health = book.health()
    assert health is not None
    assert health // 10**15 == 1743  # 1.744 rounded, 1.7439 exactly
    found = by_id(book)
    eth, btc, together = found["ETH"], found["BTC"], found["together"]
    assert (eth.direction, eth.price) == (Direction.RISES, 2_556_227_466_090)
    assert eth.assets == ("wstETH", "WETH")
    assert (btc.direction, btc.price) == (Direction.FALLS, 2_900_134_615_384)
    assert together.direction is Direction.FALLS
    assert together.price is not None
    assert f"{together.price / 1e18:.4f}" == "0.4527"
    assert together.assets == ("WBTC", "wstETH", "WETH")
    for boundary in found.values():
        if boundary.direction is not Direction.NONE:
            assert_turns(book, boundary)


def test_second_worked_case() -> None:
    book = staking_loop()
    found = by_id(book)
    assert found["ETH"].direction is Direction.NONE
    assert found["ETH"].note == "all collateral and debt move together with ETH"
    ratio = found[f"ratio:{WSTETH.address}"]
    assert ratio.kind is FactorKind.RATIO
    assert ratio.price is not None
    assert f"{ratio.price / 1e18:.4f}" == "1.1853"
    assert ratio.move is not None
    assert f"{ratio.move:.2%}" == "-2.85%"
    assert_turns(book, ratio)
    assert "together" not in found  # one volatile factor only


@pytest.mark.parametrize("make", [two_coins, staking_loop, simple])
@pytest.mark.parametrize("truncating", [False, True])
def test_few_questions(make, truncating: bool) -> None:
    book = make(truncating=truncating)
    count = len(movers(book))
    book.calls = 0
    boundaries(book)
    assert book.calls <= (12 if truncating or make is two_coins else 8) * count  # ETH on both sides: digit by digit


def test_truncation_moves_the_boundary_and_is_found_to_the_digit() -> None:
    exact, cut = by_id(simple()), by_id(simple(truncating=True))
    assert cut["ETH"].price != exact["ETH"].price
    assert_turns(simple(truncating=True), cut["ETH"])


# -- what moves along ----------------------------------------------------------------------------------------------


def feed(label: str, factor: str) -> Feed:
    return Feed("0x" + "f" * 40, label, factor, 1, 8, None, None)


def test_labels_come_from_the_feed_then_the_factor_then_the_asset() -> None:
    book = staking_loop()
    assert movers(book)[0].label == "ETH"
    assert movers(book, [feed("Ether / USD", "ETH")])[0].label == "Ether"
    book.prices = {key: replace(value, factor="0xfeed:eth-usd") for key, value in book.prices.items()}
    assert movers(book)[0].label == "WETH"
    ratio = next(mover for mover in movers(book) if mover.kind is FactorKind.RATIO)
    assert ratio.label == "wstETH ratio"
    book.prices[WSTETH] = replace(book.prices[WSTETH], ratio_label="stETH per wstETH")
    assert next(m for m in movers(book) if m.kind is FactorKind.RATIO).label == "stETH per wstETH"


def test_unproven_quote_makes_the_asset_its_own_factor() -> None:
    book = staking_loop()
    wrong = replace(book.prices[WSTETH], price=(book.prices[WSTETH].price or 0) + 1)
    book.prices[WSTETH] = wrong
    found = by_id(book)
    assert not wrong.proven
    assert found["ETH"].assets == ("WETH",)
    assert found["ETH"].direction is Direction.RISES
    own = found[f"own:{WSTETH.address}"]
    assert (own.kind, own.label, own.direction) == (FactorKind.FACTOR, "wstETH", Direction.FALLS)
    assert f"ratio:{WSTETH.address}" not in found
    assert_turns(book, own)


def test_asset_without_a_quote_is_moved_by_its_price() -> None:
    class Unquoted(ReferenceBook):
        @property
        def quotes(self) -> dict[str, Quote]:
            return {}

    plain = simple()
    book = Unquoted(plain.collateral, plain.debts, plain.prices)
    found = by_id(book)
    eth = address("ETH")
    assert found[f"own:{eth}"].price == found[f"asset:{eth}"].price == by_id(plain)["ETH"].price


def test_feeds_that_quote_the_same_keep_their_proportion() -> None:
    """Two feeds of one factor (ETH/USD and its SVR twin) differ by a little; both move by the same multiplier."""
    book = staking_loop()
    book.prices[WETH] = quote(WETH, 2_505 * USD, "ETH")
    mover = mover_of(book, "ETH")
    assert mover.now == 2_505 * USD
    moved = mover.prices(mover.now * 2)
    assert moved[WETH.address] == 5_010 * USD
    assert moved[WSTETH.address] == 6_100 * USD


def test_anchored_factors_are_not_volatile_by_rule() -> None:
    book = two_coins()
    usdc = mover_of(book, "USDC")
    assert not volatile(usdc)
    assert not volatile(replace(usdc, now=105 * USD // 100))
    assert volatile(replace(usdc, now=105 * USD // 100 + 1))
    assert volatile(replace(usdc, now=94 * USD // 100))
    assert not volatile(replace(usdc, now=None))
    book.prices[USDC] = quote(USDC, 90 * USD // 100, "USDC")
    assert "USDC" in by_id(book)["together"].assets


@pytest.mark.parametrize("answer_decimals", [8, 6])
def test_one_price_for_all_parts_on_a_plateau(answer_decimals: int) -> None:
    book = two_coins()
    answer = 2_500 * 10**answer_decimals
    book.prices[WSTETH] = quote(WSTETH, answer, "ETH", ratio=122 * WAD // 100, answer_decimals=answer_decimals)
    book.prices[WETH] = quote(WETH, answer, "ETH", answer_decimals=answer_decimals)
    for factor in ("together", f"ratio:{WSTETH.address}", "ETH"):
        mover = mover_of(book, factor)
        assert mover.now is not None
        value = mover.now * 7 // 11
        first, last = mover.plateau(value)
        assert first <= value <= last
        assert mover.prices(first) == mover.prices(value) == mover.prices(last)
        assert mover.prices(first - 1) != mover.prices(value)
        assert mover.prices(last + 1) != mover.prices(value)


# -- none, in words ------------------------------------------------------------------------------------------------


def notes(book: ReferenceBook) -> dict[str, str]:
    found = by_id(book)
    assert all(b.direction is Direction.NONE and b.price is None and b.move is None for b in found.values())
    return {factor: boundary.note for factor, boundary in found.items()}


def test_no_debt() -> None:
    book = simple()
    book.debts = {}
    assert set(notes(book).values()) == {"no debt"}


def test_no_collateral() -> None:
    book = simple()
    book.collateral = {}
    assert set(notes(book).values()) == {"no collateral counts, so no price brings it back"}


def test_unknown_price_is_named() -> None:
    book = simple()
    book.prices[asset("ETH")] = quote(asset("ETH"), None)
    assert set(notes(book).values()) == {"the price of ETH is unknown"}


def test_zero_price_is_unknown() -> None:
    book = simple()
    book.prices[asset("ETH")] = quote(asset("ETH"), 0)
    assert set(notes(book).values()) == {"health is unknown"}


def test_zero_price_that_the_protocol_accepts_cannot_be_moved() -> None:
    class Lenient(ReferenceBook):
        def health(self, change: Change = UNCHANGED) -> int | None:
            prices = {of.address: quoted.price or 0 for of, quoted in self.prices.items()} | dict(change.prices)
            return super().health(Change({a: p or 1 for a, p in prices.items()}, change.collateral, change.debt))

    plain = simple()
    book = Lenient(plain.collateral, plain.debts, plain.prices | {asset("ETH"): quote(asset("ETH"), 0)})
    assert by_id(book)[f"own:{address('ETH')}"].note == "ETH has no price above zero to move from"


def test_rest_covers_the_debt() -> None:
    book = simple()
    book.collateral[asset("USDC", 6)] = (5_000_000 * 10**6, 7800)
    assert by_id(book)["ETH"].note == "the rest covers the debt even if ETH goes to zero"


def test_what_does_not_count_moves_nothing() -> None:
    book = simple()
    book.collateral[asset("LINK")] = (WAD, 0)
    book.prices[asset("LINK")] = quote(asset("LINK"), 10 * USD)
    assert by_id(book)["LINK"].note == "LINK does not count toward health"


def test_idle_collateral_has_no_boundary() -> None:
    book = simple()
    book.idle = {asset("LINK"): 10 * WAD}
    book.prices[asset("LINK")] = quote(asset("LINK"), 10 * USD)
    assert not any("LINK" in found.assets for found in boundaries(book))


def test_alike_on_both_sides() -> None:
    book = simple()
    book.collateral[WETH] = (10 * WAD, 8000)
    book.debts[WETH] = 8 * WAD
    book.prices[WETH] = quote(WETH, 2_500 * USD, "WETH")
    assert by_id(book)["WETH"].note == "collateral and debt move alike with WETH"


def test_a_rise_beyond_a_thousandfold_is_none() -> None:
    book = simple()
    book.debts[DAI] = WAD // 1000
    book.prices[DAI] = quote(DAI, USD, "DAI")
    assert by_id(book)["DAI"].note == "not even if DAI rises 1,000 times"


def test_cap_keeps_a_rise_away() -> None:
    """A capped stable coin that is owed cannot be priced above its cap."""
    book = simple()
    usdc = asset("USDC", 6)
    book.prices[usdc] = quote(usdc, USD, "USDC", cap=104 * USD // 100)
    found = by_id(book)["USDC"]
    assert found.direction is Direction.NONE
    assert found.note == "no move of USDC reaches it, because a cap holds the oracle's price"
    assert by_id(book)[f"asset:{usdc.address}"].note == found.note
    book.prices[usdc] = quote(usdc, USD, "USDC", cap=105 * USD // 100)
    assert by_id(book)["USDC"].price == by_id(simple())["USDC"].price


def test_cap_on_the_ratio_keeps_a_rise_away() -> None:
    """Owed wstETH, held WETH: the ratio would have to rise, which the adapter allows only up to its cap."""
    book = ReferenceBook(
        {WETH: (100 * WAD, 8000)},
        {WSTETH: 60 * WAD},
        {
            WETH: quote(WETH, 2_500 * USD, "ETH"),
            WSTETH: quote(WSTETH, 2_500 * USD, "ETH", ratio=122 * WAD // 100),
        },
    )
    ratio = f"ratio:{WSTETH.address}"
    free = by_id(book)[ratio]
    assert free.direction is Direction.RISES
    assert free.price is not None
    book.prices[WSTETH] = replace(book.prices[WSTETH], ratio_cap=free.price)
    assert by_id(book)[ratio] == free
    book.prices[WSTETH] = replace(book.prices[WSTETH], ratio_cap=free.price - 1)
    assert by_id(book)[ratio].direction is Direction.NONE
    assert "a cap holds" in by_id(book)[ratio].note
    assert by_id(book)[f"asset:{WSTETH.address}"].direction is Direction.RISES


def test_answer_above_its_cap_still_gives_the_exact_answer() -> None:
    """Collateral whose feed stands above the cap: the boundary is an answer of the feed, not of the capped price."""
    book = ReferenceBook(
        {USDC: (1_000 * 10**6, 8000)},
        {WETH: 3 * WAD // 10},
        {USDC: quote(USDC, 106 * USD // 100, "USDC", cap=104 * USD // 100), WETH: quote(WETH, 2_500 * USD, "ETH")},
    )
    found = by_id(book)["USDC"]
    assert found.direction is Direction.FALLS
    assert found.price_now == 106 * USD // 100
    assert_turns(book, found)


# -- already past --------------------------------------------------------------------------------------------------


def test_passed_on_the_way_back_up() -> None:
    book = simple()
    eth = asset("ETH")
    book.prices[eth] = quote(eth, 2_200 * USD, "ETH")
    found = by_id(book)["ETH"]
    assert found.passed
    assert found.direction is Direction.FALLS
    assert found.price == by_id(simple())["ETH"].price
    assert found.move is not None
    assert found.move > 0
    assert_turns(book, found)


def test_passed_on_the_way_back_down() -> None:
    book = two_coins()
    book.prices[WETH] = quote(WETH, 30_000 * USD, "ETH")
    book.prices[WSTETH] = quote(WSTETH, 30_000 * USD, "ETH", ratio=122 * WAD // 100)
    found = by_id(book)["ETH"]
    assert found.passed
    assert (found.direction, found.price) == (Direction.RISES, by_id(two_coins())["ETH"].price)
    assert_turns(book, found)


def test_passed_and_no_price_alone_brings_it_back() -> None:
    book = two_coins()
    book.debts[USDC] = 2_000_000 * 10**6
    found = by_id(book)
    assert found["ETH"].note == "liquidatable now; no move of ETH alone brings it back"
    assert found["BTC"].passed
    tiny = replace(book, collateral=book.collateral | {WBTC: (1, 7800)})
    assert by_id(tiny)["BTC"].note == "liquidatable now; no move of BTC within reach brings it back"


def test_passed_and_a_cap_keeps_it_there() -> None:
    book = ReferenceBook(
        {USDC: (1_000 * 10**6, 8000)},
        {WETH: WAD},
        {USDC: quote(USDC, USD, "USDC", cap=104 * USD // 100), WETH: quote(WETH, 2_500 * USD, "ETH")},
    )
    found = by_id(book)
    assert "a cap holds" in found["USDC"].note
    assert found["ETH"].passed
    assert_turns(book, found["ETH"])


# -- rules that are not a sum of legs ------------------------------------------------------------------------------


class Cliff(ReferenceBook):
    """A protocol of its own mind: liquidatable when ETH is under a price, whatever the legs say."""

    cliff = 2_000 * USD
    over = False

    def health(self, change: Change = UNCHANGED) -> int | None:
        price = change.prices.get(address("ETH"), self.prices[asset("ETH")].price) or 0
        return self.cliff * WAD * 5 // price if self.over else price * WAD * 5 // self.cliff

    def liquidatable(self, change: Change = UNCHANGED) -> bool | None:
        health = self.health(change)
        return None if health is None else health < 5 * HEALTH_ONE


@pytest.mark.parametrize(
    ("price", "over", "direction", "passed", "boundary"),
    [
        (2_400, False, Direction.FALLS, False, 2_000 * USD - 1),
        (1_500, False, Direction.FALLS, True, 2_000 * USD - 1),
        (1_500, True, Direction.RISES, False, 2_000 * USD + 1),
        (2_400, True, Direction.RISES, True, 2_000 * USD + 1),
    ],
)
def test_without_a_closed_form(price: int, over: bool, direction: Direction, passed: bool, boundary: int) -> None:
    plain = simple()
    eth = asset("ETH")
    book = Cliff(plain.collateral, plain.debts, plain.prices | {eth: quote(eth, price * USD, "ETH")})
    book.over = over
    found = by_id(book)["ETH"]
    assert (found.direction, found.passed, found.price) == (direction, passed, boundary)


def test_without_a_closed_form_and_without_a_turn() -> None:
    plain = simple()
    found = by_id(Cliff(plain.collateral, plain.debts, plain.prices))["USDC"]
    assert found.direction is Direction.NONE
    assert found.note == f"not even if USDC rises {FARTHEST:,} times"


def test_no_verdict_is_not_a_liquidation() -> None:
    """Where the protocol stops to answer on the way down, there is no boundary to show."""

    class Silent(ReferenceBook):
        def liquidatable(self, change: Change = UNCHANGED) -> bool | None:
            price = change.prices.get(address("ETH"))
            return None if price is not None and price < 2_350 * USD else super().liquidatable(change)

    plain = simple()
    found = by_id(Silent(plain.collateral, plain.debts, plain.prices))["ETH"]
    assert found.direction is Direction.NONE
    assert "falls" in found.note


def test_no_verdict_is_not_a_way_back_either() -> None:
    """Owed wstETH would have to be worth nothing; the protocol does not answer at a price of zero."""
    book = ReferenceBook(
        {USDC: (100 * 10**6, 5000)},
        {WSTETH: 12 * WAD // 100, USDC: 50 * 10**6},
        {
            USDC: quote(USDC, USD, "USDC"),
            WETH: quote(WETH, 500 * USD, "ETH"),
            WSTETH: quote(WSTETH, 500 * USD, "ETH", ratio=WAD),
        },
    )
    found = by_id(book)[f"ratio:{WSTETH.address}"]
    assert found.direction is Direction.NONE
    assert found.note.startswith("liquidatable now; no move of wstETH ratio")


# -- properties ----------------------------------------------------------------------------------------------------


def nearly_neutral(*, debt: int) -> ReferenceBook:
    """ETH weighs nearly the same on both sides, so that truncation alone decides over a wide range of prices."""
    eth, usdc, dai = asset("ETH"), asset("USDC", 6), asset("DAI")
    return ReferenceBook(
        {eth: (400 * WAD, 8000), usdc: (1_000_000 * 10**6, 5000)},
        {eth: 319_990 * WAD // 1000, dai: debt * WAD},
        {eth: quote(eth, 2_500 * USD, "ETH"), usdc: quote(usdc, USD, "USDC"), dai: quote(dai, USD, "DAI")},
        truncating=True,
    )


def test_truncation_alone_makes_it_unsafe_right_below() -> None:
    """By the exact sum ETH could fall 60 %; by the protocol's figure the first digits are enough."""
    book = nearly_neutral(debt=500_010)
    assert book.liquidatable() is False
    found = by_id(book)["ETH"]
    assert found.direction is Direction.FALLS
    assert_turns(book, found)
    assert found.move is not None
    assert -0.001 < found.move < 0


def test_truncation_alone_keeps_it_unsafe_far_up() -> None:
    book = nearly_neutral(debt=500_020)
    book.collateral[asset("USDC", 6)] = (1_000_001 * 10**6, 5000)
    assert book.liquidatable() is True
    found = by_id(book)["ETH"]
    assert found.passed
    assert found.move is not None
    assert found.move > 900
    assert_turns(book, found)
    book.collateral[asset("USDC", 6)] = (300_000 * 10**6, 5000)
    book.debts = {asset("ETH"): 31_996 * WAD // 100, asset("DAI"): 150_130 * WAD}
    found = by_id(book)["ETH"]
    assert found.passed
    assert_turns(book, found)


@settings(max_examples=60, deadline=None)
@given(books(), st.randoms(use_true_random=False))
def test_boundary_is_where_the_rule_turns(book: ReferenceBook, chance: random.Random) -> None:
    now_unsafe = book.liquidatable()
    assert now_unsafe is not None
    for found in boundaries(book):
        if found.price is None or found.price_now is None:
            assert found.direction is Direction.NONE
            assert found.note
            continue
        assert found.passed is now_unsafe
        assert_turns(book, found)
        toward_safety = 1 if found.direction is Direction.FALLS else -1
        reach = found.price // 500
        near = found.price_now if not now_unsafe else found.price + toward_safety * reach
        mover = mover_of(book, found.factor)
        for _ in range(8):  # all the way from now to the price it is safe
            value = chance.randint(*sorted((found.price + toward_safety, near)))
            assert book.liquidatable(Change(prices=mover.prices(value))) is False


def test_roundings_on_both_sides_hide_no_nearer_turn() -> None:
    """Within a few digits of the boundary the rule turns back and forth: the first turn on the way counts."""
    staked, coin = asset("wstETH"), asset("WETH")
    of_staked = quote(staked, 50_000_000_000, "ETH", ratio=1_353_954_412_200_000_000)
    book = ReferenceBook(
        {staked: (388_491_662_097_631_738, 6841)},
        {coin: 336_164_696_817_271_333, staked: 17_483_530_427_366_171},
        {coin: quote(coin, 50_000_000_000, "ETH"), staked: of_staked},
        truncating=True,
    )
    own = f"asset:{staked.address}"
    unsafe = [price for price in range(67_697_720_610, 67_697_720_500, -1) if unsafe_at(book, own, price)]
    assert unsafe[:2] == [67_697_720_602, 67_697_720_597]
    assert by_id(book)[own].price == unsafe[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**5), st.integers(2_000, 9_000), st.integers(1, 10**5), st.integers(2_000, 9_000), st.data())
def test_the_first_turn_of_the_sawtooth_is_found(coins: int, high: int, cash: int, low: int, data) -> None:
    """With a truncated average the rule may turn several times: every answer nearer to safety must be safe."""
    eth, usdc, dai = asset("ETH"), asset("USDC", 6), asset("DAI")
    assume(high != low)
    least, most = cash * 100 * low * 101 // 100, (coins * 2_500 * high + cash * 100 * low) * 97 // 100
    assume(least < most)
    debt = data.draw(st.integers(least, most))
    book = ReferenceBook(
        {eth: (coins * WAD, high), usdc: (cash * 100 * 10**6, low)},
        {dai: debt * WAD // 10_000},
        {eth: quote(eth, 2_500 * USD, "ETH"), usdc: quote(usdc, USD, "USDC"), dai: quote(dai, USD, "DAI")},
        truncating=True,
    )
    assume(book.liquidatable() is False)
    found = by_id(book)["ETH"]
    assert found.price is not None
    assert_turns(book, found)
    span = found.price // 1000
    for step in range(1, 100):
        value = min(2_500 * USD, found.price + 1 + step * span // 100)
        assert book.liquidatable(Change(prices={eth.address: value})) is False, (value, found.price)
