"""The two worked cases of the design, and that a boundary is the very answer at which the integer rule turns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.factors import movers, volatile
from liqtui.core.model import Feed, Quote
from liqtui.core.results import Direction, FactorKind
from liqtui.core.units import WAD
from tests.core.books import USD, ReferenceBook, address, quote, simple, staking_loop, two_coins
from tests.core.turning import USDC, WETH, WSTETH, assert_turns, by_id, mover_of


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


def feed(label: str, factor: str) -> Feed:
    return Feed("0x" + "f" * 40, label, factor, 1, 8, None, None)


def test_labels_come_from_the_feed_then_the_factor_then_the_asset() -> None:
    book = staking_loop()
    assert movers(book)[0].label == "ETH"
    assert movers(book, [feed("Ether / USD", "ETH")])[0].label == "Ether"
    assert movers(book, [feed("LINK / ETH", "ETH")])[0].label == "LINK/ETH", "0.004 of what"
    assert movers(book, [feed("Capped wstETH / stETH(ETH) / USD", "ETH")])[0].label == "Capped wstETH"
    assert movers(book, [feed("ETH", "ETH")])[0].label == "ETH"
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
