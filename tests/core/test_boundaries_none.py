"""Where nothing turns, or has already: no boundary, in words, and the way back."""

from __future__ import annotations

from dataclasses import replace

from liqtui.core.boundaries import boundaries
from liqtui.core.model import Change
from liqtui.core.results import Direction
from liqtui.core.units import WAD
from tests.core.books import UNCHANGED, USD, ReferenceBook, address, asset, quote, simple, two_coins
from tests.core.turning import DAI, USDC, WBTC, WETH, WSTETH, assert_turns, by_id


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
