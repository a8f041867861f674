"""Pace, interest, parameters, own changes, σ thresholds, causes: what single rules say."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from math import exp
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core import pace
from liqtui.core.alerts import dump, load
from liqtui.core.causes import cause
from liqtui.core.model import Asset, Flag, Health, Position
from liqtui.core.rules import DEFAULT_RULES, Rules
from liqtui.core.snapshot import Freshness, Level, Row, Severity
from liqtui.core.text import phrase, word
from liqtui.core.units import RAY, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.books import USD, ReferenceBook, quote, simple
from tests.core.rows import BLOCK, boundary, position, row
from tests.core.story import ETH, USDC, Story, at, kinds

# -- pace ----------------------------------------------------------------------------------------------------------


def test_a_steady_fall_is_told_before_the_threshold_and_once() -> None:
    tell, said = Story(), []
    for place in range(66):
        said += tell(at(1.5 * exp(-0.0002 * 30 * place), 30 * place))
    first = said[0]
    assert kinds(said) == ["velocity", "threshold", "threshold"]
    assert first.level is Level.CALL or first.loud is Level.CALL
    assert "falling 51.3% an hour: 1.20 in about" in first.text
    facts = dict(first.facts)
    assert facts["next"] == "warn"
    assert facts["slope"] == "51.3% an hour"
    assert said[-1].severity is Severity.CRITICAL
    assert "under 1.05 · falling 51.3% an hour, liquidatable in about 3 minutes at this pace" in said[-1].text
    assert dict(said[-1].facts)["velocity_eta"] == "3 minutes"


def test_a_fall_that_ends_arms_it_again() -> None:
    tell, said, at_second = Story(), [], 0
    for _ in range(2):
        for place in range(30):
            at_second += 30
            said += tell(at(1.6 * exp(-0.00015 * 30 * place), at_second))
        for _ in range(60):
            at_second += 30
            said += tell(at(1.6, at_second))
    assert kinds(said) == ["velocity", "velocity"]


@pytest.mark.parametrize("seed", range(60))
def test_trembling_has_no_pace(seed: int) -> None:
    chance = random.Random(seed)
    samples: pace.Samples = ()
    for place in range(60):
        samples = pace.add(samples, at(1.21 + chance.uniform(-0.01, 0.01), 20 * place))
        assert pace.pace(samples, 12 * WAD // 10, 1800) is None
    assert len(samples) <= pace.WINDOW // pace.SPACING + 1


def test_one_outlier_bends_no_slope() -> None:
    def samples(odd: float) -> pace.Samples:
        made: pace.Samples = ()
        for place in range(20):
            made = pace.add(made, at(odd if place == 10 else 1.5 * exp(-0.0001 * 30 * place), 30 * place))
        return made

    straight, bent = pace.pace(samples(1.46), WAD, 7200), pace.pace(samples(1.2), WAD, 7200)
    assert straight is not None
    assert bent is not None
    assert bent.slope == pytest.approx(-0.0001, rel=0.05)
    assert straight.slope == pytest.approx(-0.0001, rel=0.05)


def test_pace_needs_time_debt_and_a_known_health() -> None:
    few: pace.Samples = ()
    for place in range(pace.LEAST_SAMPLES - 1):
        few = pace.add(few, at(1.5 - 0.04 * place, 30 * place))
    assert pace.pace(few, 11 * WAD // 10, 10_000) is None
    assert pace.add(few, replace(at(1.1, 30 * 7), health=Health(None, None))) == ()
    assert pace.add(few, at(1.1, 0)) == (), "a chain that went back is another story"
    assert pace.add(few, at(1.1, 30 * (pace.LEAST_SAMPLES - 2))) is few
    never = replace(row(at(1.5)), rules=Rules(reaction=0.0, interest_days=0.0))
    tell, said = Story(), []
    for place in range(60):
        said += tell(replace(never, position=at(1.5 * exp(-0.0002 * 30 * place), 30 * place)))
    assert set(kinds(said)) == {"threshold"}


# -- interest ------------------------------------------------------------------------------------------------------


def test_interest_alone_is_told_once_with_room_to_tremble() -> None:
    def due(days: float) -> Position:
        return at(1.3, interest_eta=int(days * 86_400))

    tell = Story()
    said = [tell(due(days)) for days in (30, 7.1, 6.9, 7.1, 6.5, 13.9, 6.0, 15, 6.9)]
    assert [kinds(drafts) for drafts in said] == [[], [], ["interest"], [], [], [], [], [], ["interest"]]
    assert said[2][0].text == "HF 1.300: interest alone brings it to liquidation in about 6 days"
    assert tell(at(1.3, interest_eta=0)) == []
    assert tell.memory.told_interest


# -- the market changes --------------------------------------------------------------------------------------------


def lowered(threshold: int = 8000, **fields: Any) -> ReferenceBook:
    book = simple()
    book.collateral[ETH] = (book.collateral[ETH][0], threshold)
    return book


def test_a_lower_threshold_is_told_with_health_before_and_after() -> None:
    def healthy(threshold: int) -> Position:
        book = lowered(threshold)
        book.debts[USDC] = 1_200_000 * 10**6
        return position(book)

    tell = Story()
    tell(healthy(8300))
    (draft,) = tell(healthy(8000))
    assert (draft.kind, draft.severity) == ("parameters", Severity.WARN)
    assert draft.text.startswith("the market changed: ETH liquidation threshold 83% → 80% · HF 1.446 → 1.397")
    facts = dict(draft.facts)
    assert (facts["parameter"], facts["old"], facts["new"]) == ("ETH liquidation threshold", "83%", "80%")
    assert (facts["health_before"], facts["health"]) == ("1.446", "1.397")
    assert tell(healthy(8000)) == []
    (better,) = tell(healthy(8300))
    assert (better.severity, better.loud) == (Severity.OK, Level.NOTICE)


def test_a_threshold_of_zero_that_ends_counting_is_the_markets_doing() -> None:
    """Aave up to 3.5 counts no asset whose threshold is 0: its owner switched nothing."""
    held = position(lowered(8300))
    ended = tuple(leg._replace(threshold=0, counts=False) if leg.asset == ETH else leg for leg in held.legs)
    own = tuple(leg._replace(counts=False) if leg.asset == ETH else leg for leg in held.legs)
    tell = Story()
    tell(held)
    said = {draft.kind: draft for draft in tell(replace(held, legs=ended))}
    assert said.keys() == {"parameters"}
    assert said["parameters"].severity is Severity.WARN
    assert "ETH liquidation threshold 83% → 0%" in said["parameters"].text
    tell = Story()
    tell(held)
    (draft,) = tell(replace(held, legs=own))
    assert draft.kind == "changed"


def test_parameters_alone_make_the_difference_not_prices() -> None:
    """The price fell in the same block: health before is the one that the old threshold gives at the new price."""

    def healthy(threshold: int, price: int) -> Position:
        book = lowered(threshold)
        book.debts[USDC] = 1_000_000 * 10**6
        book.prices[ETH] = quote(ETH, price * USD, "ETH")
        return position(book)

    tell = Story()
    tell(healthy(8300, 2412))
    (draft,) = tell(healthy(8000, 2200))
    alone = healthy(8300, 2200).health.shown
    assert alone is not None
    assert dict(draft.facts)["health_before"] == f"{alone // 10**15 / 1000:.3f}"


def test_pause_bonus_and_cap_are_told_and_what_ends() -> None:
    calm = at(1.5)
    legs = tuple(leg._replace(bonus=10_500, cap=10**24) if leg.asset == ETH else leg for leg in calm.legs)
    changed = tuple(leg._replace(bonus=11_000, cap=5 * 10**23) if leg.asset == ETH else leg for leg in calm.legs)
    tell = Story()
    tell(replace(calm, legs=legs))
    (draft,) = tell(replace(calm, legs=changed, flags=(Flag("paused", "ETH is paused"), Flag("capped", "x"))))
    said = "ETH liquidation bonus 5% → 10%; ETH supply cap 1,000,000 → 500,000; ETH is paused"
    assert said in draft.text
    (over,) = tell(replace(calm, legs=changed))
    assert "the market changed: over: ETH is paused" in over.text
    assert over.severity is Severity.OK


def test_parameters_are_remembered_across_a_restart() -> None:
    tell = Story()
    tell(at(1.5, flags=(Flag("frozen", "ETH is frozen"),)))
    again = Story(load(dump({"id": tell.memory}))["id"])
    assert again.memory.terms == tell.memory.terms
    (draft,) = again(at(1.5))
    assert draft.kind == "parameters"


def test_another_category_is_the_owners_doing() -> None:
    calm = at(1.5)
    legs = tuple(leg._replace(threshold=9000) if leg.asset == ETH else leg for leg in calm.legs)
    tell = Story()
    tell(calm)
    (draft,) = tell(replace(calm, legs=legs, category="ETH correlated"))
    assert (draft.kind, draft.text) == ("changed", "changed: category none → ETH correlated · HF 1.500 → 1.500")
    (draft,) = tell(replace(calm, legs=tuple(leg._replace(counts=False) for leg in legs), category="ETH correlated"))
    assert "ETH does not count as collateral now" in draft.text


# -- the owner changes ---------------------------------------------------------------------------------------------


def owing(amount: int, seconds: int = 0, rate: int = 0) -> Position:
    book = simple()
    book.debts[USDC] = amount
    found = at(1.5, seconds)
    legs = tuple(leg._replace(amount=amount, rate=rate) if leg.side.value == "debt" else leg for leg in found.legs)
    return replace(found, legs=legs)


def test_own_transaction() -> None:
    tell = Story()
    tell(owing(10**12))
    (draft,) = tell(owing(9 * 10**11, 12), own=True)
    assert (draft.kind, draft.loud) == ("changed", Level.NOTICE)
    assert draft.text == "own transaction: debt −100,000 USDC · HF 1.500 → 1.500"
    assert dict(draft.facts)["own"] == "yes"
    (draft,) = tell(owing(12 * 10**11, 24))
    assert draft.text == "changed: debt +300,000 USDC · HF 1.500 → 1.500"
    (tiny,) = tell(owing(12 * 10**11 - 10**8, 36), own=True)
    assert "−100 USDC" in tiny.text


def test_interest_is_nobodys_transaction() -> None:
    year, tenth = 365 * 86_400, RAY // 10
    tell = Story()
    tell(owing(10**12, 0, tenth))
    assert tell(owing(11 * 10**11, year, tenth)) == []
    (draft,) = tell(owing(16 * 10**11, 2 * year, tenth))
    assert draft.kind == "changed"


def test_a_crossing_tells_what_was_done_along_with_it() -> None:
    tell = Story()
    tell(at(1.5))
    book = simple()
    legs = tuple(leg._replace(amount=2 * leg.amount) if leg.side.value == "debt" else leg for leg in at(1.1).legs)
    del book
    (draft,) = tell(at(1.1, legs=legs))
    assert draft.kind == "threshold"
    assert draft.text.endswith("· after debt +1,665,752.11 USDC")
    assert draft.cause == "", "nobody else shares it"


# -- thresholds in σ -----------------------------------------------------------------------------------------------


def sigmas(value: float | None) -> Row:
    limits = Thresholds(warn_sigmas=3 * WAD, critical_sigmas=WAD)
    found = at(3.0, boundaries=(boundary("ETH", 80),))
    from liqtui.core.severity import severity

    return row(found, limits, sigmas=value, severity=severity(found, limits, sigmas=value))


def test_by_sigmas_with_its_own_band() -> None:
    tell = Story()
    said = [kinds(tell(sigmas(value))) for value in (6, 3.1, 2.9, 3.1, 4.4, 4.6, 2.9, 0.9, None)]
    assert said == [[], [], ["threshold"], [], [], ["recovered"], ["threshold"], ["threshold"], ["recovered"]]


def test_a_thousand_rounds_around_a_threshold_in_sigmas() -> None:
    tell, said = Story(), []
    said += tell(sigmas(6))
    for index in range(1000):
        said += tell(sigmas(2.99 if index % 2 else 3.01))
    said += tell(sigmas(6))
    assert kinds(said) == ["threshold", "recovered"]
    assert "ETH 2.9σ away, nearer than 3σ" in said[0].text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.1, 8.0), max_size=40))
def test_sigmas_are_never_silent_and_never_twice(path: list[float]) -> None:
    tell, said = Story(), []
    for value in path:
        said += tell(sigmas(value))
        assert tell.last is not None
        assert tell.memory.level.rank <= tell.last.severity.rank
    for one, other in pairwise(said):
        worse = other.severity.rank < one.severity.rank
        assert worse is (other.kind == "threshold")


# -- causes --------------------------------------------------------------------------------------------------------


def test_the_price_that_did_most_is_the_cause() -> None:
    def priced(price: int) -> Row:
        book = simple()
        book.prices[ETH] = quote(ETH, price * USD, "ETH")
        return row(position(book))

    found = cause(priced(2412), priced(2388))
    assert (found.key, found.words) == ("price:ethereum:ETH", "ETH 2,388.0 (−1.00%)")
    assert cause(None, priced(2412)) == ("first:ethereum", "at the first reading")
    blind = replace(priced(2500), freshness=Freshness.BLIND)
    assert cause(blind, priced(2412)) == ("first:ethereum", "at the first reading since blind")
    assert cause(priced(2412), priced(2412)).key == "time:ethereum"
    assert cause(priced(2412), row(None)).key == ""


# -- facts, switched off, hostile names ----------------------------------------------------------------------------


def test_every_alert_carries_wallet_health_boundary_and_cure_as_pairs() -> None:
    (draft,) = Story()(position(simple()))
    facts = dict(draft.facts)
    assert facts["wallet"] == "0x" + "1" * 40
    assert (facts["label"], facts["chain"], facts["protocol"]) == ("treasury", "ethereum", "aave-v3")
    assert (facts["health"], facts["threshold"]) == ("1.041", "under 1.05")
    assert (facts["boundary"], facts["distance"]) == ("ETH 2,308.5", "−4.3%")
    assert (facts["target"], facts["repay"], facts["add"]) == ("1.25", "277,181.17 USDC", "173.06 ETH")
    assert facts["block"] == "21000000"


def test_a_kind_that_is_off_is_only_logged_but_never_a_liquidation() -> None:
    quiet = replace(row(at(1.1)), rules=DEFAULT_RULES._replace(off=("threshold", "liquidatable")))
    (draft,) = Story()(quiet)
    assert draft.held == "off"
    (draft,) = Story()(replace(quiet, position=at(0.9)))
    assert (draft.kind, draft.held) == ("liquidatable", "")


HOSTILE = (
    "evil.com",
    "https://x.y/z",
    "@everyone",
    "<b>ETH</b>",
    "[a](b)",
    "ETH · HF 9.9",
    "\x1b[31mETH",
    "a\nb",
    "\u202eETH",
)


@pytest.mark.parametrize("symbol", HOSTILE)
def test_nothing_is_injected_from_chain_text(symbol: str) -> None:
    bad = Asset(ETH.address, symbol, 18)
    book = simple()
    book.collateral = {bad: book.collateral[ETH]}
    book.prices = {bad: quote(bad, 2412 * USD, symbol), USDC: book.prices[USDC]}
    first = position(book)
    said = Story()(row(first))
    tell = Story()
    tell(first)
    legs = tuple(leg._replace(amount=leg.amount // 2, threshold=7000) for leg in first.legs)
    said += tell(replace(first, legs=legs, flags=(Flag("paused", f"{symbol} is paused"),)))
    assert len(said) >= 3
    for draft in said:
        everything = " ".join(
            (draft.title, draft.text, draft.cure, draft.headline, draft.brief, *dict(draft.facts).values())
        )
        assert not any(char in everything for char in "\n\x1b<>[]@\u202e"), everything
        assert "evil.com" not in everything
        assert "://" not in everything
        assert "9.9" not in everything


def test_words_and_phrases() -> None:
    assert [word(text) for text in ("USDC.e", "wstETH", "evil.com", "USD₮0", "", "a b", "x.yz")] == [
        "USDC.e", "wstETH", "evilcom", "USD₮0", "?", "ab", "xyz",
    ]  # fmt: skip
    assert phrase("ETH / USD") == "ETH / USD"
    assert phrase("<> @") == "?"


def test_a_stale_feed_is_no_blind_position() -> None:
    from liqtui.core.alerts import STALE_PATIENCE
    from liqtui.core.model import Feed

    old = Feed("0x" + "f" * 40, "ETH / USD", "ETH", 1, 8, BLOCK.timestamp - 100_000, 3600)
    late = row(at(1.5, feeds=(old,)), freshness=Freshness.STALE)
    tell = Story()
    tell(late)
    assert tell(late, wait=STALE_PATIENCE + 1) == [], "feedwatch tells it, once for all"
    assert DEFAULT_THRESHOLDS.warn_sigmas is None
