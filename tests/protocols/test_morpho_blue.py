"""Morpho Blue without a node: opening, hostile tokens, missing answers, and what the figures say."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak

from liqtui.core.model import ENGINE_LINES, Change, Side
from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.risk import interest_known
from liqtui.core.severity import liquidatable
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.protocols import morpho_blue_abi as morpho
from liqtui.protocols.abi import Function, encode_word
from liqtui.protocols.adapter import LogDiscovery
from liqtui.protocols.morpho_blue_logs import learn
from liqtui.protocols.shipped import deployment
from tests.protocols.fake import NOBODY, NOW, addr, run
from tests.protocols.morpho_fake import (
    ADAPTER,
    ALICE,
    BLOCK,
    BOB,
    MORPHO,
    PANIC,
    Fake,
    Oracle,
    opened,
    position,
    read,
    refusal,
)

DAY = 86_400


def test_every_selector_and_topic_is_that_of_its_signature() -> None:
    functions = [thing for _, thing in inspect.getmembers(morpho) if isinstance(thing, Function)]
    assert len(functions) > 15
    for each in functions:
        assert keccak(text=each.signature)[:4] == each.selector, each.signature
    borrow = "Borrow(bytes32,address,address,address,uint256,uint256)"
    assert "0x" + keccak(text=borrow).hex() == morpho.BORROW
    assert "0x" + keccak(text="SupplyCollateral(bytes32,address,address,uint256)").hex() == morpho.SUPPLY_COLLATERAL


def test_every_search_has_a_block_to_begin_at() -> None:
    assert all(row["deploy_block"] > 0 for row in deployment("morpho-blue")["market"])


def test_a_market_opens_in_three_steps() -> None:
    fake = Fake()
    chain = fake.chain()
    market = opened(fake, chain).markets[fake.id]
    assert chain.steps == 3  # parameters, tokens and oracle, feeds
    assert (market.pair, market.number, market.params) == ("WETH / USDC", 1, fake.params)
    assert market.shape is not None
    assert market.shape.decimals == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "no market ids are known"),
        ((("market_ids", "0x12"),), "'0x12' is no market id"),
        ((("market_ids", "0x" + "0" * 63 + "2"),), "idToMarketParams gave revert"),
    ],
)
def test_ids_that_do_not_do(options: tuple[tuple[str, str], ...], said: str) -> None:
    ref = replace(Fake().ref, options=options)
    with pytest.raises(PlanFailed, match=said):
        run(ADAPTER.open(ref, BLOCK), Fake().chain())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((NOBODY, NOBODY, NOBODY, NOBODY, 0), "does not exist at 0x"),
        ((addr("a"), addr("b"), addr("c"), addr("d"), WAD), "makes no sense"),
    ],
)
def test_parameters_that_are_no_market(values: tuple[Any, ...], said: str) -> None:
    fake = Fake()
    chain = fake.chain()
    types = ["address"] * 4 + ["uint256"]
    chain.set(MORPHO, morpho.ID_TO_MARKET_PARAMS, 1, types=types, value=values)
    with pytest.raises(PlanFailed, match=said):
        opened(fake, chain)


def test_looked_for_and_not_found_is_an_open_market_without_ids() -> None:
    ref = learn(replace(Fake().ref, options=()), ())
    chain = Fake().chain()
    with pytest.raises(PlanFailed, match="is not a Morpho Blue"):
        run(ADAPTER.open(ref, BLOCK), chain)
    types = ["address"] * 4 + ["uint256"]
    chain.set(MORPHO, morpho.ID_TO_MARKET_PARAMS, 0, types=types, value=(NOBODY, NOBODY, NOBODY, NOBODY, 0))
    market = run(ADAPTER.open(ref, BLOCK), chain)
    assert market.markets == {}
    assert run(ADAPTER.discover(market, [ALICE]), Fake().chain()) == {}


def test_a_learned_market_that_is_none_any_more_is_left_out() -> None:
    fake = Fake()
    chain = fake.chain()
    types = ["address"] * 4 + ["uint256"]
    chain.set(MORPHO, morpho.ID_TO_MARKET_PARAMS, 2, types=types, value=(NOBODY, NOBODY, NOBODY, NOBODY, 0))
    ids = ("market_ids", f"{fake.id},0x{2:064x}")
    with pytest.raises(PlanFailed, match="does not exist"):
        run(ADAPTER.open(replace(fake.ref, options=(ids,)), BLOCK), chain)
    market = run(ADAPTER.open(replace(fake.ref, options=(ids, ("market_ids_learned", "yes"))), BLOCK), chain)
    assert list(market.markets) == [fake.id]


def test_who_named_markets_is_not_searched_for() -> None:
    ref = Fake().ref
    assert not ADAPTER.searches(ref)
    assert ADAPTER.searches(replace(ref, options=()))
    assert isinstance(ADAPTER, LogDiscovery)


def test_a_token_without_decimals_or_symbol_is_shown_in_raw_units() -> None:
    fake = Fake(symbols=("\x1b[31m", "USD"), decimals=(None, 6))
    fake.oracle = Oracle(price=2500 * 10**24, base=None)
    found = position(fake)
    held = found.legs[0]
    assert held.asset.decimals == 0
    assert "\x1b" not in held.asset.symbol
    assert held.notes == ("[31m does not tell its decimals: amounts are raw units",)
    assert found.base_symbol == "USD token"  # never taken for dollars
    assert found.health.raw == 2150 * 10**6 * WAD // 1_500_000_000


def test_a_symbol_that_cannot_be_read_is_the_address() -> None:
    fake = Fake()
    chain = fake.chain()
    chain.put(fake.params[1], morpho.SYMBOL, result=Failure("revert"))
    assert position(fake, chain=chain).legs[0].asset.symbol == "0x0000…6f6c6c"[:7] + fake.params[1][-4:]


def test_a_token_that_takes_the_name_of_another_is_told_apart() -> None:
    """Anybody may create a market of a token of any name, and give of it to anybody."""
    found = position(Fake(symbols=("USDC", "USDC")))
    assert [leg.asset.symbol for leg in found.legs] == [f"USDC·{leg.asset.address[-4:]}" for leg in found.legs]


def test_only_debt_and_collateral_are_positions() -> None:
    fake = Fake(users={ALICE: (0, 0), BOB: (0, WAD)})
    assert run(ADAPTER.discover(opened(fake), [ALICE, BOB]), fake.chain()) == {BOB: (fake.id,)}


def test_what_could_not_be_read_counts_as_held() -> None:
    fake = Fake(users={})
    chain = fake.chain()
    chain.put(MORPHO, morpho.POSITION, 1, ALICE, result=Failure("unread"))
    assert run(ADAPTER.discover(opened(fake), [ALICE]), chain) == {ALICE: (fake.id,)}


def test_a_position() -> None:
    found = position(Fake())
    # 1 WETH at 2,500 × 86 % against 1,500 USDC
    assert [(leg.side, leg.amount, leg.price, leg.value) for leg in found.legs] == [
        (Side.COLLATERAL, WAD, 2500 * 10**8, 2500 * 10**8),
        (Side.DEBT, 1_500_000_000, 10**8, 150_000_000_000),
    ]
    assert found.health.raw == 2150 * 10**6 * WAD // 1_500_000_000
    assert (found.health.reported, found.health.verdict, found.health.confirmed) == (None, False, True)
    assert not found.health.verified
    assert "gives no health figure" in found.health.reason
    assert "cannot be liquidated" in found.health.reason
    assert (found.base_symbol, found.base_decimals) == ("USD", 8)
    assert [quote.factor for quote in found.quotes] == ["ETH", f"31337:{addr('feedUSDC')}"]
    assert (found.ltv, found.max_ltv, found.threshold) == (6000, 8600, 8600)
    assert (found.legs[0].bonus, found.legs[0].threshold) == (10_438, 8600)
    assert found.legs[1].rate == 10**9 * 365 * DAY * 10**9
    assert found.legs[1].pool_cash == 5 * 10**12
    assert str(found.key) == f"31337:morpho-blue:test:{Fake().id}:{ALICE}"
    assert dict(found.facts)["pair"] == "WETH / USDC, 86 %"
    assert dict(found.facts)["oracle price"] == "2500 USDC per WETH"
    assert [leg.utilization for leg in found.legs] == [None, 5_000]
    assert dict(found.facts)["pre-liquidation"].startswith("not looked for")
    card = dict(found.engine)
    assert tuple(card) == ENGINE_LINES
    assert (card["bonus"], card["protocol fee"]) == ("4.38%", "none")
    assert found.flags == ()


def test_both_prices_move_the_account() -> None:
    book = position(Fake()).book
    held, owed, *_ = Fake().params[1], Fake().params[0]
    half = book.health(Change(prices={held: 1250 * 10**8}))
    assert half == book.health(Change(prices={owed: 2 * 10**8})) == 1075 * 10**6 * WAD // 1_500_000_000
    assert book.liquidatable() is False
    assert book.liquidatable(Change(prices={held: 1744 * 10**8})) is True
    assert book.liquidatable(Change(prices={held: 1745 * 10**8})) is False
    assert book.health(Change(prices={owed: 0})) is None
    assert book.health(Change(prices={held: -1})) is None
    assert book.liquidatable(Change(prices={held: -1})) is None


def test_amounts_that_move() -> None:
    book = position(Fake()).book
    owed, held = Fake().params[:2]
    assert book.health(Change(debt={owed: -(10**12)})) == HEALTH_INFINITE
    assert book.health(Change(debt={owed: 100 * 10**6})) == 2150 * 10**6 * WAD // 1_600_000_000
    assert book.health(Change(collateral={held: WAD})) == 4300 * 10**6 * WAD // 1_500_000_000
    assert book.health(Change(collateral={held: -2 * WAD})) == 0
    with pytest.raises(KeyError, match="not in this market"):
        book.health(Change(collateral={owed: 1}))
    with pytest.raises(KeyError, match="not in this market"):
        book.health(Change(debt={held: 1}))


def test_interest_runs_to_the_time_of_the_block() -> None:
    fake = Fake()
    fake.totals = (*fake.totals[:4], NOW - 30 * DAY, 0)
    found = position(fake)
    growth = 10**9 * 30 * DAY  # 0.2592 %, and half its square
    assert found.legs[1].amount == pytest.approx(1500 * 10**6 * (1 + growth / WAD + (growth / WAD) ** 2 / 2), rel=1e-8)
    assert found.legs[1].notes == ()


def test_without_a_rate_model_there_is_no_interest() -> None:
    fake = Fake(irm=NOBODY)
    fake.totals = (*fake.totals[:4], NOW - 30 * DAY, 0)
    found = position(fake)
    assert (found.legs[1].amount, found.legs[1].rate) == (1_500_000_000, 0)
    assert found.health.raw is not None


@pytest.mark.parametrize("updated", [NOW - 60, NOW + 60])
def test_a_rate_model_without_a_rate_is_unknown(updated: int) -> None:
    fake = Fake(rate=None, verdicts={ALICE: refusal("rate model is broken")})
    fake.totals = (*fake.totals[:4], updated, 0)
    found = position(fake)
    assert (found.health.raw, found.health.verdict, liquidatable(found)) == (None, None, None)
    assert "rate model gives no rate" in found.health.reason
    assert "its own check was not reached: rate model is broken" in found.health.reason
    assert found.legs[1].notes == ("without the interest since its last update",)
    assert found.scope is None
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert read(fake).errors == (f"market WETH / USDC ({fake.id[:10]}…): its interest rate model gives no rate",)


def test_no_rate_is_needed_in_the_block_of_the_last_update() -> None:
    found = position(Fake(rate=None))
    assert found.health.raw is not None
    assert found.legs[1].rate is None
    assert not interest_known(found)


@pytest.mark.parametrize("user", [(0, WAD), (1500 * 10**12, 0)])
def test_without_a_debt_or_collateral_there_is_nothing_to_take(user: tuple[int, int]) -> None:
    found = position(Fake(users={ALICE: user}))
    assert found.health.raw is not None
    assert found.scope is None


def test_who_owes_nothing_needs_neither_rate_nor_price() -> None:
    fake = Fake(users={ALICE: (0, WAD)}, rate=None, oracle=Oracle(price=None))
    fake.totals = (*fake.totals[:4], NOW - 60, 0)
    found = position(fake)
    assert found.health.raw == HEALTH_INFINITE
    assert (found.health.verdict, found.health.confirmed) == (False, True)
    assert [leg.side for leg in found.legs] == [Side.COLLATERAL]
    assert not any(flag.code == "unverified" for flag in found.flags)
    assert found.scope is None


def test_nothing_left_is_no_position() -> None:
    fake = Fake()
    market, reading = opened(fake), read(fake)
    gone = reading.accounts[ALICE]._replace(
        holdings=(reading.accounts[ALICE].holdings[0]._replace(shares=0, collateral=0),)
    )
    assert ADAPTER.evaluate(market, BLOCK, reading.market, gone, ALICE) == ()


def test_an_empty_market_has_no_utilization() -> None:
    fake = Fake(users={ALICE: (0, WAD)}, totals=(0, 0, 0, 0, NOW, 0))
    assert [leg.utilization for leg in position(fake).legs] == [None] * len(position(fake).legs)


BELOW = {"users": {ALICE: (2200 * 10**12, WAD)}}


@pytest.mark.parametrize("said", [Failure("revert", "panic 0x11", PANIC), refusal("max uint128 exceeded")])
def test_past_the_health_check_is_liquidatable(said: Failure) -> None:
    found = position(Fake(**BELOW, verdicts={ALICE: said}))  # type: ignore[arg-type]
    assert found.health.raw < HEALTH_ONE
    assert (found.health.verdict, found.health.confirmed, liquidatable(found)) == (True, True, True)
    assert "can be liquidated" in found.health.reason
    assert found.flags == ()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (refusal("transfer paused"), "transfer paused"),
        (Failure("revert", "error 0x12345678", bytes.fromhex("12345678")), "error 0x12345678"),
        (Failure("revert", "", b""), "gave no reason"),
        (Failure("revert", "", bytes.fromhex("08c379a0") + encode_word(32) + encode_word(9999)), "gave no reason"),
        (Failure("unread", "no gas"), "was not answered"),
        (b"\x00" * 64, "was not answered"),
    ],
)
def test_any_other_answer_is_no_verdict(said: Any, why: str) -> None:
    found = position(Fake(**BELOW, verdicts={ALICE: said}))  # type: ignore[arg-type]
    assert found.health.verdict is None
    assert why in found.health.reason
    assert liquidatable(found) is True  # by our own arithmetic


def test_an_overflow_of_the_oracle_itself_is_no_verdict() -> None:
    found = position(Fake(oracle=Oracle(price=None), verdicts={ALICE: Failure("revert", "panic 0x11", PANIC)}))
    assert (found.health.verdict, found.health.raw, liquidatable(found)) == (None, None, None)
    assert "oracle gives no price" in found.health.reason
    assert [flag.code for flag in found.flags] == ["unverified"]


@pytest.mark.parametrize(
    ("shares", "said", "expected"),
    [(1500 * 10**12, Failure("revert", "", PANIC), True), (2200 * 10**12, refusal("position is healthy"), False)],
)
def test_where_the_contract_disagrees_its_word_counts_and_it_is_flagged(
    shares: int, said: Failure, expected: bool
) -> None:
    found = position(Fake(users={ALICE: (shares, WAD)}, verdicts={ALICE: said}))
    assert liquidatable(found) is expected
    assert not found.health.confirmed
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert "own arithmetic gives" in found.flags[0].text
    what_if = found.book.liquidatable(Change(prices={Fake().params[1]: 2500 * 10**8}))
    assert what_if is not expected  # a what-if is ours alone


def test_the_scope_of_a_safe_account_is_what_it_would_lose() -> None:
    scope = position(Fake()).scope
    assert scope is not None
    assert (scope.max_debt, scope.close_factor, scope.bonus) == (1_500_000_000, 10_000, 10_438)
    assert scope.seized == 626_304_801_600_000_000
    assert scope.loss == scope.seized * 2500 * 10**8 // WAD - 1_500_000_000 * 100
    assert scope.reason == "no close factor: all of the debt"
    assert scope.health_after is None
    assert scope.toxic_below == 86 * 1_043_841_336_116_910_229 // 100


def test_the_scope_under_water() -> None:
    fake = Fake(users={ALICE: (3000 * 10**12, WAD)}, verdicts={ALICE: Failure("revert", "", PANIC)})
    found = position(fake)
    scope = found.scope
    assert scope is not None
    assert scope.seized == WAD
    assert scope.max_debt == 2_395_000_001
    assert 7980 < scope.close_factor < 7990
    assert "all of the collateral; the lenders lose 604.99" in scope.reason
    assert scope.health_after == HEALTH_INFINITE
    assert [flag.code for flag in found.flags] == ["bad-debt"]


def test_a_price_of_zero_is_a_price() -> None:
    fake = Fake(oracle=Oracle(price=0, base=None), verdicts={ALICE: refusal("max uint128 exceeded")})
    found = position(fake)
    assert (found.health.raw, liquidatable(found)) == (0, True)
    assert {flag.code for flag in found.flags} == {"price-zero", "bad-debt"}
    assert found.scope.seized == WAD
    assert found.scope.max_debt == 0
    assert found.ltv is None
