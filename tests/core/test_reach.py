"""The estimate that ranks: it never is off by more than it says, and whoever shows a boundary gets the exact one."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core import rank
from liqtui.core.boundaries import boundaries
from liqtui.core.lazy_boundaries import LazyBoundaries
from liqtui.core.model import Health
from liqtui.core.reach import Reach, reaches
from liqtui.core.results import Boundary, Direction, FactorKind
from liqtui.core.severity import severity
from liqtui.core.snapshot import Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from tests.core.books import USD, ReferenceBook, asset, quote, simple, staking_loop, two_coins
from tests.core.rows import bare, position, row
from tests.core.strategies import books

WSTETH, WETH, USDC, ETH = asset("wstETH"), asset("WETH"), asset("USDC", 6), asset("ETH")


def lazy(book: ReferenceBook, fixed: tuple[str, ...] = ()) -> LazyBoundaries:
    return LazyBoundaries(book, bare(book), fixed)


def assert_vouched(book: ReferenceBook) -> list[Reach]:
    """Every estimate against the exact search."""
    health = book.health()
    assert health is not None
    exact = {found.factor: found for found in boundaries(book)}
    found = reaches(book.legs, book.quotes, health)
    for reach in found:
        known = exact[reach.factor]
        assert (reach.kind, set(reach.assets)) == (known.kind, set(known.assets))
        assert (reach.price_now, reach.decimals) == (known.price_now, known.decimals)
        if reach.error == float("inf"):
            continue
        if reach.about is None:
            assert known.direction is Direction.NONE, reach
        else:
            assert known.move is not None, reach
            assert abs(reach.about - known.move) <= reach.error, (reach, known.move)
    return [reach for reach in found if reach.error != float("inf")]


@settings(max_examples=400, deadline=None)
@given(books(least=101))
def test_an_estimate_is_off_by_no_more_than_it_says(book: ReferenceBook) -> None:
    assert_vouched(book)


@settings(max_examples=200, deadline=None)
@given(books(least=101), st.integers(90, 130), st.integers(101, 120))
def test_nor_under_caps(book: ReferenceBook, cap: int, ratio_cap: int) -> None:
    capped = {"USDC": cap * USD // 100, "DAI": 104 * USD // 100}
    for of, known in list(book.prices.items()):
        if of.symbol in capped:
            made = replace(known, cap=capped[of.symbol])
            book.prices[of] = replace(made, price=made.at(known.answer or 0))
        if known.ratio is not None:
            book.prices[of] = replace(known, ratio_cap=known.ratio * ratio_cap // 100)
    health = book.health()
    if health is not None and health >= WAD:
        assert_vouched(book)


@settings(max_examples=300, deadline=None)
@given(books(least=101), st.lists(st.floats(0.001, 0.1), min_size=1, max_size=5))
def test_what_ranks_is_the_nearest_by_the_exact_search(book: ReferenceBook, spread: list[float]) -> None:
    """What was not searched for is farther: the cushion in σ is that of all boundaries, within 3 %."""
    exact = boundaries(book)
    sigmas = {found.factor: spread[place % len(spread)] for place, found in enumerate(exact)}
    known, expected = rank.cushion(replace(bare(book), boundaries=exact), sigmas)
    chosen, counted = rank.cushion(position(book), sigmas)
    assert (chosen is None) == (known is None)
    assert counted == (None if expected is None else pytest.approx(expected, rel=0.03))


@pytest.mark.parametrize("truncating", [False, True])
@pytest.mark.parametrize("make", [simple, two_coins, staking_loop])
def test_usual_accounts_are_ranked_without_a_question(make, truncating: bool) -> None:
    book = make(truncating=truncating)
    assert len(assert_vouched(book)) == sum(found.kind is not FactorKind.ASSET for found in boundaries(book))
    of = position(book)
    book.calls = 0
    found, _ = rank.cushion(of, {})
    assert found is not None
    assert found.about is not None
    rank.order([row(of), row(of)])
    assert severity(of, Thresholds(warn=12 * WAD // 10)) is not None
    assert book.calls == 0
    assert found.price is not None
    assert book.calls > 0


def test_the_cushion_is_the_exact_boundary_once_it_is_looked_at() -> None:
    of, exact = position(two_coins()), {found.factor: found for found in boundaries(two_coins())}
    found, _ = rank.cushion(of, {})
    assert found == exact["BTC"]
    assert exact["BTC"] == found
    assert found != exact["ETH"]
    assert (found == "BTC") is False
    assert hash(found) == hash(exact["BTC"])
    assert found is rank.cushion(of, {})[0]
    assert found is not None
    assert (found.price, found.move, found.exact) == (2_900_134_615_384, exact["BTC"].move, True)
    assert repr(found) == repr(exact["BTC"]).replace("Boundary(", "LazyBoundary(")


def test_sigmas_that_are_shown_are_exact() -> None:
    of = position(two_coins(truncating=True))
    exact = next(found for found in boundaries(two_coins(truncating=True)) if found.factor == "BTC")
    cushion, sigmas = rank.cushion(of, {"BTC": 0.05, "ETH": 0.01, "together": 0.01})
    shown = row(of, cushion=cushion, sigmas=sigmas).sigmas_left
    assert sigmas == pytest.approx(shown, rel=1e-2)
    assert shown == pytest.approx(abs(exact.move or 0) / 0.05, rel=1e-12)
    assert row(of, cushion=None, sigmas=None).sigmas_left is None


def test_as_a_sequence_it_is_the_exact_boundaries() -> None:
    book = two_coins()
    exact, made = boundaries(book), lazy(book)
    assert made == exact
    assert made == lazy(book)
    assert made != exact[1:]
    assert made != list(exact)
    assert hash(made) == hash(exact)
    assert (len(made), made[0], made[1:3]) == (len(exact), exact[0], exact[1:3])
    with pytest.raises(KeyError):
        made.of("nothing")


def test_what_never_moves_has_none() -> None:
    fixed = (f"own:{USDC.address}", f"asset:{USDC.address}")
    book = simple()
    book.prices[USDC] = replace(quote(USDC, USD), price=USD + 1)
    names = [found.factor for found in lazy(book)]
    left = lazy(book, fixed)
    assert [found.factor for found in left] == [name for name in names if name not in fixed]
    assert {reach.factor for reach in left.reaches} == {"ETH"}


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (Health(99 * WAD // 100, 99 * WAD // 100), "liquidatable"),
        (Health(2 * WAD, 99 * WAD // 100), "liquidatable by the contract"),
        (Health(2 * WAD, None, verdict=True), "liquidatable by the contract's word"),
        (Health(None, None), "unknown"),
    ],
)
def test_what_is_not_calm_is_searched_for(health: Health, why: str) -> None:
    del why
    book = two_coins()
    found = LazyBoundaries(book, bare(book, health=health))
    exact = [each for each in boundaries(book) if each.kind is not FactorKind.ASSET]
    assert [(reach.factor, reach.about, reach.error) for reach in found.reaches] == [
        (each.factor, each.move, 0.0) for each in exact
    ]


def test_passed_boundaries_leave_no_cushion() -> None:
    book = simple()
    book.debts = {USDC: 3 * 10**12}
    of = position(book)
    found, sigmas = rank.cushion(of, {"ETH": 0.04})
    assert found is not None
    assert (found.passed, sigmas) == (True, None)


def test_sums_that_do_not_explain_the_figure_are_not_trusted() -> None:
    """Health 1 % away from what the legs give: every factor is searched for."""
    book = simple()
    found = reaches(book.legs, book.quotes, (book.health() or 0) * 101 // 100)
    assert {reach.error for reach in found} == {float("inf")}


def test_nothing_is_made_up() -> None:
    book, unpriced = simple(), simple()
    unpriced.prices[ETH] = quote(ETH, None)
    assert reaches(unpriced.legs, unpriced.quotes, WAD) == ()
    held, owed = [leg for leg in book.legs if leg.side.value == "collateral"], book.legs[2:]
    assert reaches(held, book.quotes, WAD) == ()
    assert reaches(owed, book.quotes, WAD) == ()


@pytest.mark.parametrize("truncating", [False, True])
def test_a_cushion_limit_is_judged_by_the_exact_distance(truncating: bool) -> None:
    """A limit on the very distance, and one digit on either side of it."""
    book = simple(truncating=truncating)
    of = position(book)
    nearest = of.nearest
    assert nearest is not None
    assert nearest.move is not None
    at = round(abs(nearest.move) * WAD)
    for limit, expected in ((at - 1000, Severity.OK), (at + 1000, Severity.WARN)):
        assert severity(position(simple(truncating=truncating)), Thresholds(warn_cushion=limit)) is expected
    book.calls = 0
    assert severity(position(book), Thresholds(warn_cushion=WAD // 2)) is Severity.WARN
    assert severity(position(book), Thresholds(warn_cushion=WAD // 100)) is Severity.OK


def test_a_plain_boundary_tells_its_own_distance() -> None:
    of = Boundary("ETH", FactorKind.FACTOR, "ETH", Direction.FALLS, ("ETH",), 90, 100)
    assert of.about == of.move == -0.1


def test_what_is_let_go_is_gone_at_once() -> None:
    """A circle would keep every position of every block until Python's collector comes."""
    book = two_coins()
    found = lazy(book)
    _, handed = found.at(found.ranked[0]), weakref.ref(book)
    gc.disable()
    try:
        del book, found, _
        assert handed() is None
    finally:
        gc.enable()
