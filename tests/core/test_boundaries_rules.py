"""Boundaries of rules that are not a sum of legs, and properties of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from liqtui.core import rank
from liqtui.core.boundaries import FARTHEST, boundaries
from liqtui.core.factors import movers
from liqtui.core.model import Change
from liqtui.core.results import Direction
from liqtui.core.units import HEALTH_ONE, WAD
from tests.core.books import UNCHANGED, USD, ReferenceBook, address, asset, quote, simple
from tests.core.rows import position
from tests.core.strategies import books

if TYPE_CHECKING:
    import random

from tests.core.turning import DAI, USDC, WETH, WSTETH, assert_turns, by_id, mover_of, unsafe_at


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


# -- caps with both sides on one factor ------------------------------------------------------------------------------


def capped_loop() -> ReferenceBook:
    """Collateral that the oracle caps at 1.04, debt of the same feed without a cap, and a little of something else."""
    bridged = asset("USDC.e", 6)
    return ReferenceBook(
        collateral={bridged: (1_150 * 10**6, 9500)},
        debts={USDC: 1_000 * 10**6, DAI: 50 * WAD},
        prices={
            bridged: quote(bridged, USD, "USDC", cap=104 * USD // 100),
            USDC: quote(USDC, USD, "USDC"),
            DAI: quote(DAI, USD, "DAI"),
        },
    )


def test_a_rise_past_the_cap_of_one_side_is_nearer_than_the_fall() -> None:
    """The fall alone, −45.9 %, is what the closed form without caps sees."""
    book = capped_loop()
    found = by_id(book)["USDC"]
    assert found.direction is Direction.RISES
    assert found.move == pytest.approx((1_150 * 0.95 * 1.04 - 50) / 1_000 - 1, abs=1e-6)
    assert_turns(book, found)
    cushion, _ = rank.cushion(position(book), {})
    assert cushion == found


def test_all_of_it_on_one_factor_has_a_boundary_where_a_cap_parts_the_sides() -> None:
    book = capped_loop()
    book.debts[DAI] = 0
    found = by_id(book)["USDC"]
    assert found.move == pytest.approx(1_150 * 0.95 * 1.04 / 1_000 - 1, abs=1e-6)
    assert_turns(book, found)
    assert rank.cushion(position(book), {})[0] == found


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_turn_is_nearer_than_the_boundary_where_caps_hold(data: st.DataObject) -> None:
    """Asked of the rule itself, at moves of whole per cents either way."""
    bridged = asset("USDC.e", 6)
    answer = data.draw(st.integers(90_000_000, 103_000_000), label="answer")
    caps = [data.draw(st.none() | st.integers(answer, 110_000_000), label="cap") for _ in range(2)]
    pool = (USDC, bridged, WETH)
    prices = {
        USDC: quote(USDC, answer, "USDC", cap=caps[0]),
        bridged: quote(bridged, answer, "USDC", cap=caps[1]),
        WETH: quote(WETH, 2_000 * USD, "ETH"),
    }
    worth = st.integers(10, 10_000).map(lambda dollars: dollars * USD)
    amounts = [{of: data.draw(worth) * 10**of.decimals // (prices[of].price or 1) for of in pool} for _ in range(2)]
    book = ReferenceBook({of: (amount, 9000) for of, amount in amounts[0].items()}, amounts[1], prices)
    health = book.health()
    assert health is not None
    wanted = data.draw(st.integers(102, 200), label="health") * WAD // 100
    book.debts = {of: owed * health // wanted + 1 for of, owed in book.debts.items()}
    for mover in movers(book):
        told, now = by_id(book)[mover.factor].move, mover.now or 0
        for percent in (*range(-90, 0), *range(1, 100), 200, 500, 1000, 3000):
            at = now + now * percent // 100
            if told is None or abs(at - now) < abs(told) * now * 0.999:
                assert book.liquidatable(Change(prices=mover.prices(at))) is False, (mover.factor, percent, told)
