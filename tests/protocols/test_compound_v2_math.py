"""Compound v2's arithmetic, and the calls that its adapter packs by hand."""

from __future__ import annotations

from fractions import Fraction

import eth_abi
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.reads import Call, Failure
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols.abi import Function
from liqtui.protocols.compound_v2_math import ROUNDINGS, TRUNCATING, Line, Rounding, Sums, measure, seize, tokens_for
from liqtui.protocols.compound_v2_math import underlying_of as underlying

factors = st.integers(0, WAD)
rates = st.integers(10**8, 10**30)
prices = st.integers(1, 10**36)
amounts = st.integers(0, 10**30)
lines = st.builds(Line, st.just("0x"), amounts, amounts, rates, factors, prices)
roundings = st.sampled_from(ROUNDINGS)


def of_one(line: Line, rounding: Rounding) -> int:
    """What one cToken counts for, 1e18-scaled."""
    found = measure([line._replace(tokens=WAD, owed=0)], rounding)
    assert found is not None
    return found.collateral


@given(books=st.lists(lines, max_size=6), rounding=roundings)
def test_sums_are_near_the_real_ones(books: list[Line], rounding: Rounding) -> None:
    found = measure(books, rounding)
    assert found is not None
    debt = sum((Fraction(line.price or 0) * line.owed / WAD for line in books), Fraction())
    assert 0 <= debt - found.borrow < max(1, len(books))
    for line in books:
        exact = Fraction(line.weight * line.rate * (line.price or 0), WAD**2)
        each = of_one(line, rounding)
        first = line.weight if rounding.price_first else line.price or 0
        assert abs(each - exact) <= 1 + Fraction(first, WAD)
        assert rounding.half_up or each <= exact


@given(books=st.lists(lines, min_size=1, max_size=5), rounding=roundings)
def test_health_is_below_one_exactly_where_there_is_a_shortfall(books: list[Line], rounding: Rounding) -> None:
    found = measure(books, rounding)
    assert found is not None
    liquidity, shortfall = found.liquidity
    assert (found.health < HEALTH_ONE) is (shortfall > 0)
    assert min(liquidity, shortfall) == 0
    assert liquidity - shortfall == found.collateral - found.borrow


def test_known_sums() -> None:
    line = Line("0x", 10**8, 0, 2 * 10**16, 3 * WAD // 4, 10**28)
    assert measure([line], TRUNCATING) == Sums(15 * 10**15, 0)
    assert measure([line._replace(owed=150)], TRUNCATING) == Sums(15 * 10**15, 15 * 10**11)
    assert measure([line, line._replace(price=None)], TRUNCATING) is None
    half_up = Rounding(half_up=True)
    odd = Line("0x", WAD, 0, WAD, 3, WAD // 2)  # 3 × 0.5 = 1.5
    assert measure([odd], TRUNCATING) == Sums(1, 0)
    assert measure([odd], half_up) == Sums(2, 0)
    assert measure([odd._replace(rate=WAD // 2, weight=3, price=WAD)], half_up) == Sums(2, 0)
    assert underlying(3, WAD // 2) == 1
    assert Sums(5, 0).health == HEALTH_INFINITE
    assert Sums(5, 5).health == HEALTH_ONE
    assert Sums(5, 5).liquidity == (0, 0)


@pytest.mark.parametrize(("rounding", "tokens"), [(TRUNCATING, 30), (Rounding(half_up=True), 40)])
def test_a_seizure_multiplies_as_the_comptroller_does(rounding: Rounding, tokens: int) -> None:
    """1.8 × 2 are 3.6: cut 3, half up 4 cTokens for each of ten units."""
    debt = Line("0x", 0, 10, WAD, 0, 2)
    collateral = Line("0y", 10**6, 0, WAD // 2, 0, 2)
    assert seize(rounding, collateral, debt, 10, 18 * WAD // 10) == (10, tokens)


def test_the_roundings_differ() -> None:
    line = Line("0x", 0, 0, rate=20_000_000_001, weight=7 * WAD // 10, price=10**34 + 7)
    values = [of_one(line, rounding) for rounding in ROUNDINGS]
    assert len(set(values)) == 3


@given(held=amounts, owed=st.integers(1, 10**30), rate=rates, one=prices, two=prices, bonus=st.integers(WAD, 2 * WAD))
def test_a_seizure_takes_what_is_there_and_not_more(
    *, held: int, owed: int, rate: int, one: int, two: int, bonus: int
) -> None:
    collateral, debt = Line("a", held, 0, rate, WAD, one), Line("b", 0, owed, WAD, 0, two)
    try:
        found = seize(TRUNCATING, collateral, debt, owed, bonus)
    except ZeroDivisionError:
        assert one * rate < WAD * WAD or bonus * two // WAD * WAD < one * rate // WAD
        return
    ratio = bonus * two // WAD * WAD // (one * rate // WAD)
    assert 0 <= found.tokens <= held
    assert 0 <= found.repaid <= owed
    assert found.tokens == ratio * found.repaid // WAD
    if found.repaid < owed:  # one more would take more than there is
        assert ratio * (found.repaid + 1) // WAD > held


@given(amount=amounts, rate=rates)
def test_tokens_of_an_amount(amount: int, rate: int) -> None:
    tokens = tokens_for(amount, rate)
    assert underlying(tokens, rate) <= amount
    assert (tokens + 1) * rate > amount * WAD


addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
calls = st.builds(Call, addresses, st.binary(max_size=70))


@given(target=addresses, several=st.lists(calls, min_size=1, max_size=4))
def test_calls_in_one_are_packed_as_eth_abi_does(target: str, several: list[Call]) -> None:
    found = abi.in_one(target, several)
    expected = eth_abi.encode(["(address,bool,bytes)[]"], [[(each.target, False, each.data) for each in several]])
    assert found == Call(target, abi.AGGREGATE3.selector + expected)


@given(answers=st.lists(st.binary(max_size=70), min_size=1, max_size=4))
def test_the_last_answer_is_found(answers: list[bytes]) -> None:
    data = eth_abi.encode(["(bool,bytes)[]"], [[(True, each) for each in answers]])
    assert abi.last_of(data) == answers[-1]


@pytest.mark.parametrize("said", [b"", bytes(32), eth_abi.encode(["(bool,bytes)[]"], [[]]), bytes(31)])
def test_what_is_no_answer_is_a_failure(said: bytes) -> None:
    assert abi.last_of(said) == Failure("short")
    assert abi.last_of(Failure("revert", "why")) == Failure("revert", "why")


@given(text=st.text(max_size=70))
def test_a_text_argument_is_packed_as_eth_abi_does(text: str) -> None:
    expected = eth_abi.encode(["string"], [text])
    assert abi.with_text(abi.GET_FEED, "0x01", text).data == abi.GET_FEED.selector + expected


def test_every_selector_is_that_of_its_signature() -> None:
    known = [each for each in vars(abi).values() if isinstance(each, Function)]
    assert len(known) > 30
    for each in known:
        assert keccak(text=each.signature)[:4] == each.selector, each.signature
