"""What is added to an evaluated position, and what-ifs along its factors."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core import risk, stress
from liqtui.core.boundaries import boundaries
from liqtui.core.model import Change, Health, Leg, Position, Side
from liqtui.core.rescue import rescue
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from tests.core.books import USD, ReferenceBook, asset, quote, simple, staking_loop, two_coins
from tests.core.rows import bare, boundary, position
from tests.core.strategies import books

WSTETH, WETH, USDC, ETH = asset("wstETH"), asset("WETH"), asset("USDC", 6), asset("ETH")
DAY = 86_400


def with_rates(of: Position, paid: float, earned: float) -> Position:
    def rated(leg: Leg) -> Leg:
        return leg._replace(rate=int((paid if leg.side is Side.DEBT else earned) * 10**9) * RAY // 10**9)

    return replace(of, legs=tuple(rated(leg) for leg in of.legs))


# -- complete ------------------------------------------------------------------------------------------------------


def test_complete_adds_everything() -> None:
    plain = with_rates(bare(simple()), 0.051, 0.02)
    made = risk.complete(plain)
    assert made.book is not None
    assert made.boundaries == boundaries(made.book)
    assert made.rescue == rescue(made.book, risk.TARGETS)
    assert [found.target for found in risk.complete(plain, (2 * WAD,)).rescue] == [2 * WAD]
    assert made.interest_eta == risk.interest_eta(plain)
    assert made.carry_per_year == risk.carry_per_year(plain)
    assert (made.health, made.legs) == (plain.health, plain.legs)


def test_complete_keeps_what_the_protocol_found_itself() -> None:
    own = (boundary("band 12", 90),)
    made = risk.complete(bare(simple(), boundaries=own))
    assert made.boundaries == own
    assert made.rescue


def test_complete_without_a_book_changes_nothing() -> None:
    plain = bare(simple(), book=None)
    assert risk.complete(plain) is plain


def test_complete_makes_nothing_up() -> None:
    book = simple()
    book.prices[ETH] = quote(ETH, None)
    made = risk.complete(bare(book, health=Health(None, None)))
    assert made.rescue == ()
    assert all(found.price is None and found.note for found in made.boundaries)
    assert made.interest_eta is None
    assert made.carry_per_year is None
    assert risk.complete(bare(simple(), health=Health(None, None))).rescue == ()


# -- interest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "days"), [(0.03, 240.9), (0.40, 18.07)])
def test_interest_alone(rate: float, days: float) -> None:
    """product.md: HF 1.02 at 3 % a year is 241 days, at 40 % 18 days."""
    book = staking_loop()
    of = with_rates(bare(book, health=Health(102 * WAD // 100, None)), rate, 0.0)
    eta = risk.interest_eta(of)
    assert eta is not None
    assert eta / DAY == pytest.approx(days, abs=0.05)


def test_interest_counts_what_counts() -> None:
    """Idle collateral that earns a lot does not delay the end; collateral counts by value and threshold."""
    book = two_coins()
    book.idle = {asset("LINK"): 10**6 * WAD}
    book.prices[asset("LINK")] = quote(asset("LINK"), 10 * USD)
    of = bare(book)
    rates = {"wstETH": RAY // 50, "LINK": RAY, "USDC": RAY // 20, "WETH": RAY // 40}
    of = replace(of, legs=tuple(leg._replace(rate=rates.get(leg.asset.symbol, 0)) for leg in of.legs))
    eta = risk.interest_eta(of)
    assert eta is not None
    years = eta / (365 * DAY)
    collateral = 600_000 * 0.78 + 125_050 * 0.79 * exp(0.02 * years)
    assert collateral / (200_000 * exp(0.05 * years) + 125_000 * exp(0.025 * years)) == pytest.approx(1.0, abs=1e-5)


def test_interest_never_or_now() -> None:
    of = bare(simple())
    assert risk.interest_eta(with_rates(of, 0.02, 0.03)) is None
    assert risk.interest_eta(with_rates(of, 0.0, 0.0)) is None
    assert risk.interest_eta(with_rates(replace(of, health=Health(WAD, WAD)), 0.1, 0.0)) == 0
    assert risk.interest_eta(with_rates(replace(of, health=Health(0, 0)), 0.1, 0.0)) == 0
    assert risk.interest_eta(replace(of, health=Health(HEALTH_INFINITE, None))) is None
    free = simple()
    free.debts = {}
    assert risk.interest_eta(bare(free)) is None
    unvalued = tuple(leg._replace(value=None) for leg in of.legs)
    assert risk.interest_eta(replace(of, legs=unvalued)) is None
    worthless = tuple(leg._replace(value=0) for leg in of.legs)
    assert risk.interest_eta(replace(of, legs=worthless)) is None


def test_carry_is_rounded_against_the_owner() -> None:
    of = with_rates(bare(staking_loop()), 0.05, 0.03)
    earned, paid = 100 * 3_050 * 0.03, 112.6 * 2_500 * 0.05
    carry = risk.carry_per_year(of)
    assert carry is not None
    assert carry / USD == pytest.approx(earned - paid, abs=1e-6)
    third = tuple(leg._replace(value=1, rate=RAY // 3) for leg in of.legs)
    assert risk.carry_per_year(replace(of, legs=third)) == -1
    assert risk.carry_per_year(replace(of, legs=tuple(leg._replace(value=None) for leg in of.legs))) is None


def test_a_rate_that_is_not_known_is_not_a_rate_of_nothing() -> None:
    """Then it is not known either when interest ends it, or what it earns: "never" would be a guess."""
    of = with_rates(bare(staking_loop()), 0.05, 0.03)
    assert risk.interest_eta(of) is not None
    assert risk.interest_known(of)
    for blind in (0, 1):
        legs = tuple(leg._replace(rate=None) if at == blind else leg for at, leg in enumerate(of.legs))
        assert risk.interest_eta(replace(of, legs=legs)) is None
        assert risk.carry_per_year(replace(of, legs=legs)) is None
        assert not risk.interest_known(replace(of, legs=legs))
    idle = (*of.legs, of.legs[0]._replace(counts=False, rate=None))
    assert risk.interest_eta(replace(of, legs=idle)) == risk.interest_eta(of)
    assert risk.interest_known(replace(of, legs=idle))
    assert risk.carry_per_year(replace(of, legs=idle)) is None


def test_recovery() -> None:
    of = bare(simple())
    assert of.collateral_value == 209_965_503_200_000
    assert risk.recovery(of, 0.0) == 10_000
    assert risk.recovery(of, 0.30, bonus=10_500) == int(2_099_655.032 * 0.7 / 1.05 / 1_665_752.11 * 10_000)
    assert risk.recovery(of, 1.5) == 0
    assert risk.recovery(replace(of, collateral_value=None), 0.1) is None
    assert risk.recovery(replace(of, debt_value=0), 0.1) is None


# -- what if -------------------------------------------------------------------------------------------------------


def test_ladder_of_the_screens() -> None:
    """ux: if ETH moves −5 % 0.993, −3 % 1.013, now 1.042, +3 % 1.072 (1.0713), +10 % 1.140."""
    steps = risk.ladder(position(simple()))
    assert [move for move, _ in steps] == [-0.05, -0.03, 0.0, 0.03, 0.10]
    assert [None if health is None else f"{health / WAD:.3f}" for _, health in steps] == [
        "0.993",
        "1.013",
        "1.042",
        "1.071",
        "1.140",
    ]
    assert steps[2][1] == simple().health()


def test_ladder_along_another_factor_and_without_one() -> None:
    of = position(two_coins())
    assert risk.ladder(of, (0.5,), "USDC") == ((0.5, stress.under(two_coins(), {"USDC": 0.5})),)
    assert risk.ladder(replace(of, boundaries=())) == ()
    assert risk.ladder(replace(of, book=None)) == ()


def test_a_move_to_the_boundary_gives_health_at_one() -> None:
    book = two_coins()
    for found in boundaries(book):
        if found.move is not None:
            health = stress.under(book, {found.factor: found.move})
            assert health is not None
            assert health / WAD == pytest.approx(1.0, abs=1e-7)


def test_moves_add_up() -> None:
    book = two_coins()

    def prices(btc: int, wsteth: int, weth: int, usdc: int) -> int | None:
        named = (("WBTC", btc), ("wstETH", wsteth), ("WETH", weth), ("USDC", usdc))
        return book.health(Change(prices={asset(symbol).address: price * USD // 100 for symbol, price in named}))

    ratio = f"ratio:{WSTETH.address}"
    assert stress.under(book, {}) == book.health()
    assert stress.under(book, {"together": -0.5}) == prices(3_000_000, 152_500, 125_000, 100)
    assert stress.under(book, {"together": -0.5, "ETH": -0.5}) == prices(3_000_000, 76_250, 62_500, 100)
    assert stress.under(book, {ratio: -0.5, "USDC": 0.1}) == prices(6_000_000, 152_500, 250_000, 110)
    assert stress.under(book, {f"asset:{WSTETH.address}": 0.2, "ETH": 0.5}) == prices(6_000_000, 549_000, 375_000, 100)
    assert stress.under(book, {"nobody": -0.9}) == book.health()
    assert stress.under(book, {"ETH": -1.5}) is None


def test_stress_respects_caps_and_leaves_the_unknown_alone() -> None:
    book = simple()
    book.prices[USDC] = quote(USDC, USD, cap=104 * USD // 100)
    at_cap = book.health(Change(prices={USDC.address: 104 * USD // 100}))
    assert stress.under(book, {"USDC": 0.2}) == at_cap
    assert stress.under(book, {f"asset:{USDC.address}": 0.2}) == at_cap
    book.prices[ETH] = quote(ETH, None)
    assert stress.under(book, {"USDC": 0.2, f"own:{ETH.address}": -0.1}) is None


class Unquoted(ReferenceBook):
    @property
    def quotes(self):
        return {}


def test_stress_without_quotes() -> None:
    plain = simple()
    book = Unquoted(plain.collateral, plain.debts, plain.prices)
    assert stress.under(book, {f"own:{ETH.address}": -0.05}) == stress.under(plain, {"ETH": -0.05})


@settings(max_examples=60, deadline=None)
@given(books(), st.floats(-0.9, 3.0), st.floats(-0.9, 3.0))
def test_health_moves_one_way_with_a_factor(book: ReferenceBook, one: float, other: float) -> None:
    """More of a factor that protects never hurts, beyond what truncation and rounding do."""
    low, high = sorted((one, other))
    for found in boundaries(book):
        worse, better = (stress.under(book, {found.factor: move}) for move in (low, high))
        assert worse is not None
        assert better is not None
        if found.direction.value == "rises":
            worse, better = better, worse
        if found.direction.value != "none":
            assert worse <= better * 1001 // 1000
