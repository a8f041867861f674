"""Pre-liquidation contracts that an account of Morpho Blue has authorised: found, proven, counted as liquidation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.model import Change
from liqtui.core.reads import Failure, Log
from liqtui.core.results import Direction
from liqtui.core.severity import liquidatable
from liqtui.core.units import HEALTH_ONE, WAD
from liqtui.engine.logsearch import place_of
from liqtui.protocols import morpho_blue_abi as morpho
from liqtui.protocols.morpho_blue_book import _loss
from liqtui.protocols.morpho_blue_logs import learn, log_filters
from tests.protocols.fake import addr, run
from tests.protocols.morpho_fake import ADAPTER, ALICE, BLOCK, BOB, MORPHO, PANIC, Fake, Oracle, refusal

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from liqtui.protocols.abi import Function
    from tests.protocols.fake import Chain

from tests.protocols.morpho_fake import EARLY, MARKET_ORACLE, OTHER

PERCENT = WAD // 100


TERMS = (75 * PERCENT, 10 * PERCENT, 50 * PERCENT, 101 * PERCENT, 110 * PERCENT, MARKET_ORACLE)


CALM = Failure("revert", "", morpho.NOT_PRE_LIQUIDATABLE)


PAST = Failure("revert", "", morpho.PAST_PRE_LIQUIDATION)


DUE = Failure("revert", "", PANIC)


LIQUIDATE = refusal("position is healthy")


TYPES = ["uint256"] * 5 + ["address"]


def chain_of(
    fake: Fake,
    terms: tuple[Any, ...] = TERMS,
    *,
    at: str = EARLY,
    said: Failure = CALM,
    authorised: bool = True,
    owner: str = MORPHO,
    market: int = 1,
    chain: Chain | None = None,
) -> Chain:
    chain = chain or fake.chain()
    chain.set(at, morpho.PRE_ID, types="uint256", value=market)
    chain.set(at, morpho.PRE_MORPHO, types="address", value=owner)
    chain.set(at, morpho.PRE_PARAMS, types=TYPES, value=terms)
    for wallet in fake.users:
        chain.set(MORPHO, morpho.IS_AUTHORIZED, wallet, at, types="bool", value=authorised)
        chain.put(at, morpho.PRE_LIQUIDATE, wallet, 2**256 - 1, 0, (), result=said)
    return chain


def opened(fake: Fake, chain: Chain, *named: str) -> Any:
    ref = replace(fake.ref, options=(*fake.ref.options, ("pre_liquidations", ",".join(named or (EARLY,)))))
    return run(ADAPTER.open(ref, BLOCK), chain)


def accounts(fake: Fake, chain: Chain, *named: str) -> tuple[Any, Any]:
    market = opened(fake, chain, *named)
    return market, run(ADAPTER.refresh(market, BLOCK, dict.fromkeys(fake.users, (fake.id,))), chain)


def position(fake: Fake, chain: Chain, *named: str) -> Position:
    market, reading = accounts(fake, chain, *named)
    account = reading.accounts[ALICE]
    assert not isinstance(account, Exception), account
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, account, ALICE)
    return found


def at(found: Position, price: int) -> int | None:
    """Health with the collateral at another price."""
    assert found.book is not None
    return found.book.health(Change(prices={found.legs[0].asset.address: price}))


@pytest.mark.parametrize(
    ("terms", "more", "known"),
    [
        (TERMS, {}, True),
        ((0, *TERMS[1:]), {}, True),
        ((86 * PERCENT, *TERMS[1:]), {}, False),  # not below the market's own
        ((*TERMS[:1], 60 * PERCENT, *TERMS[2:]), {}, False),  # close factors the wrong way round
        ((*TERMS[:1], 2 * WAD, 3 * WAD, *TERMS[3:]), {}, False),
        ((*TERMS[:2], 3 * WAD, *TERMS[3:]), {}, True),
        ((*TERMS[:3], 99 * PERCENT, *TERMS[4:]), {}, False),
        ((*TERMS[:3], 110 * PERCENT, 101 * PERCENT, MARKET_ORACLE), {}, False),
        ((*TERMS[:4], 117 * PERCENT, MARKET_ORACLE), {}, False),  # above 1 ÷ 86 %
        (TERMS, {"owner": addr("another morpho")}, False),
        (TERMS, {"market": 2}, False),
    ],
)
def test_only_a_contract_with_terms_that_its_code_lets_through_is_one(
    terms: tuple[Any, ...], more: dict[str, Any], known: bool
) -> None:
    fake = Fake()
    assert bool(opened(fake, chain_of(fake, terms, **more)).early) is known


def test_an_authorised_contract_of_another_kind_is_none_and_harms_nothing() -> None:
    fake = Fake()
    found = position(fake, fake.chain(), addr("bundler"))
    assert (found.category, found.threshold) == ("", 8600)
    assert dict(found.facts)["pre-liquidation"] == "none of the contracts that you named is authorised"


@pytest.mark.parametrize("getter", [morpho.PRE_ID, morpho.PRE_MORPHO, morpho.PRE_PARAMS])
def test_a_contract_that_nobody_could_ask_is_not_passed_over(getter: Function) -> None:
    """Else an account that is liquidated from 75 % on would be shown as safe up to 86 %, and never asked again."""
    fake = Fake()
    chain = chain_of(fake)
    chain.put(EARLY, getter, result=Failure("unread", "no gas"))
    market, reading = accounts(fake, chain)
    assert (market.early, reading.changed) == ((), False)
    assert reading.errors == (f"{EARLY} may be a pre-liquidation contract: it cannot be asked",)
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    assert dict(found.facts)["pre-liquidation"] == f"not known of {EARLY}: it cannot be asked"

    _, hints = chain_of(fake, chain=chain), {ALICE: (fake.id,)}  # it can be asked again
    reading = run(ADAPTER.refresh(market, BLOCK, hints), chain)
    assert (reading.changed, reading.errors) == (True, ())
    chain.put(EARLY, getter, result=Failure("revert"))  # and is something else
    reading = run(ADAPTER.refresh(market, BLOCK, hints), chain)
    assert (reading.changed, reading.errors) == (False, ())


def log(topics: tuple[str, ...], address: str = MORPHO) -> Log:
    return Log(address, topics, bytes(32), 5, "0x" + "1" * 64, "0x" + "2" * 64, 0)


def topic(who: str) -> str:
    return "0x" + who[2:].rjust(64, "0")


def test_logs_tell_whom_a_wallet_has_authorised() -> None:
    ref = replace(Fake().ref, options=())
    empty = learn(ref, ())
    alice, first, then = topic(ALICE), topic(EARLY), topic(OTHER)
    said = [log((morpho.SET_AUTHORIZATION, alice, alice, who)) for who in (first, then, first)]
    learned = learn(empty, said)
    assert dict(learned.options) == {
        "market_ids": "",
        "market_ids_learned": "yes",
        "authorised": f"{EARLY},{OTHER}",
    }
    assert learn(learned, said) is learned
    assert learn(empty, [log((morpho.SET_AUTHORIZATION, alice, alice, first), addr("elsewhere"))]) is empty
    both, _ = log_filters(ref, [ALICE])
    assert both.topics == ((morpho.BORROW, morpho.SET_AUTHORIZATION), None, (alice,))


def test_a_search_for_more_than_before_begins_anew() -> None:
    class Former(type(ADAPTER)):  # type: ignore[misc]
        def log_filters(self, ref: Any, wallets: Any) -> Any:
            return super().log_filters(ref, wallets)[1:]

    ref = Fake().ref
    assert place_of(Former(), ref) != place_of(ADAPTER, ref) == place_of(type(ADAPTER)(), ref)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((("market_ids", Fake().id),), "not looked for"),
        ((("market_ids", Fake().id), ("market_ids_learned", "yes")), "as far as Morpho's log was read"),
    ],
)
def test_what_is_not_known_is_said(options: tuple[tuple[str, str], ...], words: str) -> None:
    fake = Fake()
    chain = fake.chain()
    market = run(ADAPTER.open(replace(fake.ref, options=options), BLOCK), chain)
    reading = run(ADAPTER.refresh(market, BLOCK, {ALICE: (fake.id,)}), chain)
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    assert words in dict(found.facts)["pre-liquidation"]


def test_an_account_that_has_authorised_one_is_liquidated_from_its_limit_on() -> None:
    fake = Fake()
    found = position(fake, chain_of(fake))
    # 1 WETH at 2,500 × 75 % against 1,500 USDC
    assert found.health.raw == 1875 * 10**6 * WAD // 1_500_000_000
    assert found.health.confirmed
    assert f"pre-liquidation contract {EARLY} may not act at this block" in found.health.reason
    assert (found.max_ltv, found.threshold, found.legs[0].threshold) == (8600, 7500, 7500)
    assert found.category == "pre-liquidation from 7500 bps"
    assert [flag.code for flag in found.flags] == ["pre-liquidation"]
    fall = next(each for each in boundaries(found.book, found.feeds) if each.factor == "ETH")
    assert (fall.price, fall.direction) == (2000 * 10**8 - 1, Direction.FALLS)
    facts = dict(found.facts)
    assert facts["pre-liquidation"] == (
        f"authorised: {EARLY}, from LTV 75% on 10% to 50% of the debt at a time, bonus 1% to 10%"
    )
    assert "its oracle" not in facts
    card = dict(found.engine)
    assert (
        card["how much"]
        == "from LTV 75% on 10% to 50% of the debt at a time; from 86% on any part, up to all of it at once"
    )
    assert card["bonus"] == "1% to 10% for such a part; 4.38%"
    assert found.scope is not None
    assert found.scope.max_debt == 150_000_000  # a tenth of the debt at the edge
    assert (found.scope.close_factor, found.scope.bonus) == (1_000, 10_100)
    assert EARLY in found.scope.reason
    assert found.scope.health_after is None


def test_one_that_is_not_authorised_changes_nothing() -> None:
    fake = Fake()
    found = position(fake, chain_of(fake, authorised=False))
    assert (found.category, found.threshold, found.flags) == ("", 8600, ())
    assert found.scope is not None
    assert found.scope.reason == "no close factor: all of the debt"


def test_what_is_due_is_liquidatable_in_part() -> None:
    fake = Fake(users={ALICE: (2000 * 10**12, WAD)})  # LTV 80 %: 5 of the 11 points between
    found = position(fake, chain_of(fake, said=DUE))
    assert found.health.raw == 1875 * 10**6 * WAD // 2_000_000_000
    assert found.health.verdict is True
    assert found.health.confirmed
    assert liquidatable(found)
    assert [flag.code for flag in found.flags] == ["pre-liquidation"]
    scope = found.scope
    assert scope is not None
    assert 2_818 <= scope.close_factor <= 2_819  # 10 % + 5/11 × 40 %
    assert scope.bonus == 10_509  # 101 % + 5/11 × 9 %, down
    left = (WAD - scope.seized) * 2500 * 10**6 // WAD * 75 // 100
    assert scope.health_after == pytest.approx(left * WAD // (2_000_000_000 - scope.max_debt), rel=1e-6)
    assert scope.health_after > found.health.raw
    assert (_loss(found.book, 3, 0), _loss(found.book, 0, 1)) == (0, -100)
    assert scope.loss == scope.seized * 2500 * 10**8 // WAD - scope.max_debt * 100


@pytest.mark.parametrize(
    ("said", "own", "verdict", "unverified"),
    [
        (CALM, LIQUIDATE, False, False),
        (DUE, LIQUIDATE, True, True),
        (PAST, LIQUIDATE, False, False),
        (PAST, Failure("revert", "", PANIC), True, True),
        (Failure("revert", "another reason"), LIQUIDATE, None, False),
        (Failure("gas"), LIQUIDATE, None, False),
    ],
)
def test_what_the_contracts_say_counts_and_a_contradiction_is_flagged(
    said: Failure, own: Failure, verdict: bool | None, unverified: bool
) -> None:
    fake = Fake(verdicts={ALICE: own})
    found = position(fake, chain_of(fake, said=said))
    assert found.health.verdict is verdict
    assert found.health.confirmed is (verdict is False)
    assert ("unverified" in [flag.code for flag in found.flags]) is unverified
    assert liquidatable(found) is bool(verdict)


def test_past_its_reach_morphos_own_liquidation_is_due() -> None:
    own = Failure("revert", "", PANIC)
    fake = Fake(users={ALICE: (2200 * 10**12, WAD)}, verdicts={ALICE: own})
    found = position(fake, chain_of(fake, said=PAST))
    assert liquidatable(found)
    assert found.health.confirmed
    assert found.scope is not None
    assert found.scope.reason == "no close factor: all of the debt"


def test_at_just_its_own_limit_morpho_is_not_due_yet() -> None:
    fake = Fake(users={ALICE: (2_150 * 10**12, WAD)})  # LTV 86 %
    found = position(fake, chain_of(fake, said=DUE))
    assert found.book.health() == 75 * WAD * 100 // 86 // 100
    assert found.scope is not None
    assert EARLY in found.scope.reason
    more = Fake(users={ALICE: (2_150 * 10**12 + 1, WAD)})
    found = position(more, chain_of(more, said=PAST))
    assert found.scope is not None
    assert found.scope.reason == "no close factor: all of the debt"


def test_the_first_of_several_counts() -> None:
    fake = Fake()
    later = (80 * PERCENT, *TERMS[1:])
    chain = chain_of(fake, later, at=OTHER, chain=chain_of(fake))
    found = position(fake, chain, OTHER, EARLY)
    assert (found.threshold, found.category) == (7500, "pre-liquidation from 7500 bps")
    assert [flag.code for flag in found.flags] == ["pre-liquidation"] * 2
    assert found.scope is not None
    assert EARLY in found.scope.reason


def test_the_limit_need_not_be_a_whole_basis_point() -> None:
    fake = Fake()
    terms = (753_214_567_890_123_456, *TERMS[1:])
    found = position(fake, chain_of(fake, terms))
    fall = next(each for each in boundaries(found.book, found.feeds) if each.factor == "ETH")
    assert fall.price is not None
    under, over = at(found, fall.price), at(found, fall.price + 1)
    assert under is not None
    assert over is not None
    assert under < HEALTH_ONE <= over


def test_an_oracle_of_its_own_is_read_and_taken_to_move_along() -> None:
    fake = Fake()
    chain = chain_of(fake, (*TERMS[:5], addr("its oracle")))
    chain.set(addr("its oracle"), morpho.PRICE, types="uint256", value=2400 * 10**24)
    found = position(fake, chain)
    assert found.health.raw == 1800 * 10**6 * WAD // 1_500_000_000
    assert found.threshold == 7200
    uneven = chain_of(fake, (*TERMS[:5], addr("its oracle")))
    uneven.set(addr("its oracle"), morpho.PRICE, types="uint256", value=2_400 * 10**24 - 1)
    limit = position(fake, uneven).book.limit
    assert limit == 75 * PERCENT * (2_400 * 10**24 - 1) // (2_500 * 10**24)
    assert position(fake, uneven).threshold == limit * 10_000 // WAD == 7199
    assert dict(found.facts)["its oracle"] == f"{addr('its oracle')}, taken to move as the market's does"
    half = at(found, 1250 * 10**8)
    assert half == 900 * 10**6 * WAD // 1_500_000_000


def test_past_its_reach_by_its_own_oracle_it_cannot_act() -> None:
    """Its oracle says 1,700, of which 86 % are 1,462: under the debt. By the market's oracle the loan is sound."""
    fake = Fake()
    chain = chain_of(fake, (*TERMS[:5], addr("its oracle")), said=PAST)
    chain.set(addr("its oracle"), morpho.PRICE, types="uint256", value=1_700 * 10**24)
    found = position(fake, chain)
    assert found.health.raw == 2_150 * 10**6 * WAD // 1_500_000_000
    assert (found.health.verdict, found.health.confirmed, found.threshold) == (False, True, 8_600)
    assert [flag.code for flag in found.flags] == ["pre-liquidation"]
    assert "past its reach" in found.flags[0].text
    assert found.scope is not None
    assert found.scope.reason == "no close factor: all of the debt"
    # it can act while 75 % of its oracle's price are under the debt, and 86 % are not: from 1,744.19 to 2,000
    assert found.book.liquidatable(Change(prices={found.legs[0].asset.address: 2_600 * 10**8})) is True
    assert found.book.liquidatable(Change(prices={found.legs[0].asset.address: 3_000 * 10**8})) is False


def test_without_a_price_of_its_own_health_is_unknown() -> None:
    fake = Fake()
    found = position(fake, chain_of(fake, (*TERMS[:5], addr("mute")), said=Failure("revert")))
    assert (found.health.raw, found.health.verdict, liquidatable(found)) == (None, None, None)
    assert found.threshold == 7500
    assert f"the oracle of pre-liquidation contract {EARLY} gives no price" in found.health.reason
    assert "unverified" in [flag.code for flag in found.flags]
    assert found.scope is None


def test_an_authorisation_that_is_not_told_is_not_taken_for_none() -> None:
    fake = Fake(users={ALICE: (1500 * 10**12, WAD), BOB: (1, 1)})
    chain = chain_of(fake)
    chain.put(MORPHO, morpho.IS_AUTHORIZED, ALICE, EARLY, result=Failure("unread", "timeout"))
    _, reading = accounts(fake, chain)
    assert f"whether it has authorised pre-liquidation by {EARLY} is not told" in str(reading.accounts[ALICE])
    assert not isinstance(reading.accounts[BOB], Exception)


def test_two_steps_whatever_the_number_of_wallets_and_contracts() -> None:
    fake = Fake(users={ALICE: (1500 * 10**12, WAD), BOB: (10**12, WAD)})
    chain = chain_of(fake, at=OTHER, chain=chain_of(fake))
    market = opened(fake, chain, EARLY, OTHER)
    run(ADAPTER.refresh(market, BLOCK, {ALICE: (fake.id,), BOB: (fake.id,)}), chain)
    assert chain.steps == 2


def test_a_price_of_zero_leaves_morphos_own_liquidation() -> None:
    fake = Fake(oracle=Oracle(price=0, base=None), verdicts={ALICE: refusal("max uint128 exceeded")})
    found = position(fake, chain_of(fake, said=PAST))
    assert (found.health.raw, liquidatable(found)) == (0, True)
    assert {flag.code for flag in found.flags} == {"price-zero", "bad-debt", "pre-liquidation"}
