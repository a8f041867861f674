"""Compound v3 without a node: opening, missing answers, and what the figures say."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import pytest
from eth_utils.crypto import keccak

from liqtui.core.boundaries import boundaries
from liqtui.core.model import ENGINE_LINES, Change, Direction, Side
from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.severity import liquidatable
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD
from liqtui.protocols import compound_v3_abi as comet
from liqtui.protocols.abi import Function, encode_word
from tests.protocols.comet_fake import (
    ADAPTER,
    ALICE,
    BLOCK,
    BOB,
    COMET,
    INDEX,
    INFO,
    USDC,
    Asset,
    Fake,
    User,
    opened,
    position,
    read,
)
from tests.protocols.fake import NOW, addr, feed, run

DAY = 86_400
TEN = {"WETH": 10 * WAD}


def borrower(principal: int = 15_000 * 10**6, held: dict[str, int] | None = None, **more: Any) -> User:
    more = {"view": False, "owed": principal} | more
    return User(-principal, TEN if held is None else held, **more)


def fake(user: User | None = None, **more: Any) -> Fake:
    """10 WETH at 3,000 against 15,000 USDC; liquidation at 85 %, penalty 5 %."""
    weth = Asset("WETH", 3000, borrow_cf=8 * WAD // 10, liquidate_cf=85 * WAD // 100)
    weth.liquidation_factor = 95 * WAD // 100
    assets = [Asset("COMP", 175), weth, Asset("WBTC", 41_000, 8)]
    return Fake(users={ALICE: user or borrower()}, assets=assets, **more)


def test_every_selector_is_that_of_its_signature() -> None:
    functions = [thing for _, thing in inspect.getmembers(comet) if isinstance(thing, Function)]
    assert len(functions) == 19
    for each in functions:
        assert keccak(text=each.signature)[:4] == each.selector, each.signature


# -- opening -----------------------------------------------------------------------------------------------------------


def test_a_market_opens_in_four_steps() -> None:
    chain = fake().chain()
    market = opened(fake(), chain)
    assert chain.steps == 4  # the market, its assets, their symbols, their feeds
    assert (market.base.symbol, market.base.decimals, market.base_symbol) == ("USDC", 6, "USD")
    assert [asset.symbol for asset, _ in market.assets] == ["COMP", "WETH", "WBTC"]
    assert [asset.decimals for asset, _ in market.assets] == [18, 18, 8]
    assert (market.least_debt, market.store_front) == (100 * 10**6, WAD // 2)


def test_a_constant_feed_makes_the_base_token_the_currency() -> None:
    assert opened(fake(base_label="Constant price feed")).base_symbol == "USDC"


def test_a_known_feed_names_the_currency() -> None:
    market = fake()
    chain = market.chain()
    chain.set(COMET, comet.BASE_FEED, types="address", value=addr("feedWETH"))
    assert opened(market, chain).base_symbol == "USD"


def test_a_base_feed_that_says_nothing() -> None:
    chain = fake().chain()
    chain.set(COMET, comet.BASE_FEED, types="address", value="0x" + "0" * 40)
    assert opened(fake(), chain).base_symbol == "USDC"


@pytest.mark.parametrize(
    ("getter", "args", "result", "said"),
    [
        (comet.BASE_TOKEN, (), Failure("revert"), "is not a Compound v3 market: revert"),
        (comet.BASE_SCALE, (), encode_word(3), "make no sense"),
        (comet.BASE_SCALE, (), encode_word(10**40), "make no sense"),
        (comet.NUM_ASSETS, (), encode_word(25), "make no sense"),
        (comet.GET_ASSET_INFO, (1,), Failure("short"), "is not a Compound v3 market: short"),
        (comet.GET_ASSET_INFO, (1,), encode_word(7) * 8, "asset 1 makes no sense"),
    ],
)
def test_what_is_no_comet(getter: Function, args: tuple[int, ...], result: Any, said: str) -> None:
    chain = fake().chain()
    chain.put(COMET, getter, *args, result=result)
    with pytest.raises(PlanFailed, match=said):
        opened(fake(), chain)


@pytest.mark.parametrize(
    "info",
    [
        (0, USDC, USDC, 10**18, 0, WAD + 1, 0, 0),
        (0, USDC, USDC, 0, 0, 0, 0, 0),
        (0, USDC, USDC, 3, 0, 0, 0, 0),
        (1, USDC, USDC, 1, 0, 0, 0, 0),
    ],
)
def test_an_asset_that_makes_no_sense(info: tuple[Any, ...]) -> None:
    chain = fake().chain()
    chain.set(COMET, comet.GET_ASSET_INFO, 0, types=INFO, value=info)
    with pytest.raises(PlanFailed, match="asset 0 makes no sense"):
        opened(fake(), chain)


@pytest.mark.parametrize("decimals", [0, 2, 19])
def test_the_fewest_and_most_decimals_that_a_scale_can_have(decimals: int) -> None:
    """uint64 holds no power of ten above that."""
    user = User(-1_000 * 10**6, {"ODD": 1_000 * 10**decimals}, view=False, owed=1_000 * 10**6)
    assets = [Asset("ODD", 3, decimals, liquidate_cf=80 * WAD // 100)]
    found = position(Fake(users={ALICE: user}, assets=assets))
    held, owed = found.legs
    assert (held.asset.decimals, held.amount, held.value) == (decimals, 1_000 * 10**decimals, 3_000 * 10**8)
    assert owed.value == 1_000 * 10**8
    assert found.health.raw == 24 * WAD // 10
    assert found.health.confirmed


@pytest.mark.parametrize("said", [b"", b"\x01", b"\xff" * 64, b"ok\x1b\xe2\x80\xae".ljust(32, b"\0"), b"\xff" * 32])
def test_a_symbol_of_bytes_is_shown_or_stands_aside(said: bytes) -> None:
    chain = fake().chain()
    chain.put(addr("COMP"), comet.SYMBOL, result=said)
    symbol = opened(fake(), chain).assets[0][0].symbol
    assert symbol.isprintable()
    assert 0 < len(symbol) <= 16


def test_symbols_that_cannot_be_shown() -> None:
    chain = fake().chain()
    chain.put(addr("COMP"), comet.SYMBOL, result=Failure("revert"))
    chain.set(addr("WBTC"), comet.SYMBOL, types="string", value="\x1b[2J\n")
    chain.put(COMET, comet.STORE_FRONT, result=Failure("revert"))
    market = opened(fake(), chain)
    symbols = [asset.symbol for asset, _ in market.assets]
    assert symbols[0].startswith("0x0000…")
    assert symbols[2] == "[2J"
    assert market.store_front is None


def test_discovery() -> None:
    users = {addr(name): User() for name in ("nobody", "lends", "owes", "holds", "silent")}
    users[addr("lends")].principal = 5
    users[addr("owes")].principal = -5
    users[addr("holds")].held = {"COMP": 1}
    market = Fake(users=users)
    chain = market.chain()
    chain.put(COMET, comet.USER_BASIC, addr("silent"), result=Failure("unread"))
    found = run(ADAPTER.discover(opened(market), list(users)), chain)
    assert set(found) == {addr("lends"), addr("owes"), addr("holds"), addr("silent")}
    assert run(ADAPTER.glance(opened(market), list(users)), chain) == set(found) - {addr("silent")}
    assert chain.steps == 1


def test_what_it_says_of_itself() -> None:
    said = ADAPTER.survey(opened(Fake()))
    assert (said.contents, said.revision, said.known) == ("USDC against 3 assets", "", True)
    assert dict(said.facts).keys() == {"base_token"}


# -- figures -----------------------------------------------------------------------------------------------------------


def test_a_position() -> None:
    found = position(fake(borrow_rate=10**9))
    assert [(leg.side, leg.asset.symbol, leg.amount, leg.price, leg.value) for leg in found.legs] == [
        (Side.COLLATERAL, "WETH", 10 * WAD, 3000 * 10**8, 30_000 * 10**8),
        (Side.DEBT, "USDC", 15_000 * 10**6, 10**8, 15_000 * 10**8),
    ]
    assert found.health.raw == 17 * WAD // 10
    assert (found.health.reported, found.health.verdict, found.health.confirmed) == (None, False, True)
    assert "by its own check at this block the account is safe" in found.health.reason
    assert (found.base_symbol, found.base_decimals) == ("USD", 8)
    assert (found.ltv, found.max_ltv, found.threshold) == (5000, 8000, 8500)
    held, owed = found.legs
    assert (held.threshold, held.bonus, held.cap_room) == (8500, 10_526, 10**30 - 10**29)
    assert (owed.rate, owed.pool_cash) == (10**9 * 365 * DAY * 10**9, 10**12)
    assert [quote.factor for quote in found.quotes] == ["ETH", f"31337:{addr('feedUSDC')}"]
    assert {each.label for each in found.feeds} == {"WETH / USD", "USDC / USD"}
    assert found.flags == ()
    facts = dict(found.facts)
    assert facts["least debt"] == "100 USDC"
    assert [leg.utilization for leg in found.legs] == [None, 5_000]
    card = dict(found.engine)
    assert tuple(card) == ENGINE_LINES
    assert card["how much"] == "all collateral and all debt at once"
    assert card["bonus"].startswith("5% of the collateral is lost")
    assert card["goes to"].endswith("they may sell it 2.5% under its price to anyone")


def test_where_it_is_liquidated() -> None:
    found = position(fake())
    by_factor = {each.factor: each for each in boundaries(found.book, found.feeds)}
    eth = by_factor["ETH"]
    # 10 × p × 0.85 < 15,000 first at 1,764.70588235
    assert (eth.price, eth.direction) == (176_470_588_235, Direction.FALLS)
    dollar = by_factor[f"31337:{addr('feedUSDC')}"]
    assert (dollar.price, dollar.direction) == (170_000_001, Direction.RISES)


def test_the_storefront_is_not_needed() -> None:
    assert "under its price" not in dict(position(fake(store_front=None)).engine)["goes to"]


def test_who_only_lends_has_no_debt() -> None:
    found = position(fake(User(500 * 10**6, {}, view=False, owed=0), supply_rate=3))
    (leg,) = found.legs
    assert (leg.side, leg.amount, leg.counts, leg.rate) == (Side.COLLATERAL, 500 * 10**6, False, 3 * 365 * DAY * 10**9)
    assert "no collateral" in leg.notes[0]
    assert found.health.raw == HEALTH_INFINITE
    assert found.health.verdict is None
    assert found.scope is None
    assert (found.collateral_value, found.ltv, found.threshold) == (0, None, None)


def test_nothing_left_is_an_empty_position() -> None:
    assert position(fake(User(0, {}, view=False, owed=0))).empty


def test_what_if() -> None:
    book = position(fake()).book
    weth = addr("WETH")
    assert book.health(Change(prices={weth: 1500 * 10**8})) == 85 * WAD // 100
    assert book.liquidatable(Change(prices={weth: 1500 * 10**8})) is True
    assert book.health(Change(debt={USDC: -7500 * 10**6})) == 34 * WAD // 10
    assert book.health(Change(debt={USDC: -20_000 * 10**6})) == HEALTH_INFINITE
    assert book.health(Change(debt={USDC: 15_000 * 10**6})) == 85 * WAD // 100
    assert book.health(Change(collateral={weth: 10 * WAD})) == 34 * WAD // 10
    assert book.health(Change(collateral={weth: -20 * WAD})) == 0
    assert book.health(Change(prices={weth: 0})) is None  # BadPrice: the contract reverts
    assert book.health(Change(prices={USDC: 0})) is None
    for change in (Change(collateral={addr("COMP"): 1}), Change(debt={weth: 1}), Change(collateral={USDC: 1})):
        with pytest.raises(KeyError, match="not in this account"):
            book.health(change)


# -- interest that the view leaves out ---------------------------------------------------------------------------------


def test_interest_runs_to_the_time_of_the_block() -> None:
    market = fake(borrow_rate=10**9)
    market.totals = market.totals._replace(accrued_at=NOW - 60 * DAY)
    grown = INDEX + INDEX * 10**9 * 60 * DAY // WAD
    owed = 15_000 * 10**6 * grown // INDEX
    market.users[ALICE].owed = owed
    found = position(market)
    assert found.legs[1].amount == owed == 15_077_760_000
    assert found.health.raw == 25_500 * 10**8 * WAD // (owed * 100)
    assert found.flags == ()


def test_absorb_finds_what_the_view_does_not_yet_see() -> None:
    """After 60 quiet days the view still says safe; absorb accrues first."""
    market = fake(borrower(25_450 * 10**6), borrow_rate=10**9)
    market.totals = market.totals._replace(accrued_at=NOW - 60 * DAY)
    market.users[ALICE].owed = 25_450 * 10**6 * (INDEX + INDEX * 10**9 * 60 * DAY // WAD) // INDEX
    found = position(market)
    assert found.health.raw < HEALTH_ONE
    assert liquidatable(found) is True
    assert found.health.verdict is None
    assert "leaves out the interest" in found.health.reason
    assert found.flags == ()
    assert found.scope.health_after == HEALTH_INFINITE
    stored = replace(found.book, base=found.book.base._replace(indexes=found.book.base.indexes._replace(borrow=INDEX)))
    assert stored.liquidatable() is False
    # so the price at which it is absorbed is above the view's
    (eth,) = [each for each in boundaries(found.book) if each.factor == "ETH"]
    assert eth.passed
    assert eth.price > 25_450 * 10**8 * 10 // 85


def test_a_debt_that_differs_is_flagged() -> None:
    found = position(fake(borrower(owed=15_000 * 10**6 + 1)))
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert "own arithmetic gives a debt of 15000, the contract says 15000.000001" in found.flags[0].text


@pytest.mark.parametrize(("principal", "view"), [(15_000 * 10**6, True), (26_000 * 10**6, False)])
def test_a_view_that_differs_is_flagged_and_its_yes_counts(principal: int, view: bool) -> None:
    found = position(fake(borrower(principal, view=view)))
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert "its own check says" in found.health.reason
    assert not found.health.confirmed
    assert liquidatable(found) is True  # either of the two says so


def test_a_liquidatable_account() -> None:
    found = position(fake(borrower(26_000 * 10**6, view=True)))
    assert (found.health.verdict, found.health.confirmed, liquidatable(found)) == (True, True, True)
    assert found.flags == ()


# -- absorption --------------------------------------------------------------------------------------------------------


def test_what_an_absorption_leaves() -> None:
    scope = position(fake(borrower(26_000 * 10**6, view=True))).scope
    assert (scope.collateral.symbol, scope.debt.symbol) == ("WETH", "USDC")
    assert (scope.max_debt, scope.seized, scope.close_factor) == (26_000 * 10**6, 10 * WAD, 10_000)
    # 30,000 × 0.95 = 28,500 credited: 2,500 stay, 1,500 are lost
    assert scope.loss == 1500 * 10**8
    assert "2500 USDC stay with the account" in scope.reason
    assert (scope.bonus, scope.toxic_below, scope.blocked) == (10_526, None, "")
    assert scope.health_after == HEALTH_INFINITE


def test_what_the_reserves_bear() -> None:
    scope = position(fake(borrower(29_000 * 10**6, view=True))).scope
    assert scope.loss == 1000 * 10**8
    assert "the reserves bear 500 USDC" in scope.reason


def test_an_absorption_that_comes_out_even() -> None:
    scope = position(fake(borrower(28_500 * 10**6, view=True))).scope
    assert scope.reason == "absorb takes all collateral and closes all of the debt"


def test_the_most_valuable_collateral_names_the_scope() -> None:
    held = {"COMP": 1000 * WAD, "WETH": WAD}
    scope = position(fake(borrower(10**6, held))).scope
    assert scope.collateral.symbol == "COMP"
    assert scope.health_after is None
    market = fake(borrower(10**6, held))
    market.assets[0].liquidation_factor = 0
    assert position(market).scope.bonus == 0


def test_without_collateral_there_is_nothing_to_take() -> None:
    found = position(fake(borrower(held={}, view=True)))
    assert found.scope is None
    assert found.health.raw == 0
    assert liquidatable(found) is True


# -- flags -------------------------------------------------------------------------------------------------------------


def test_pauses_are_flagged() -> None:
    market = fake()
    market.totals = market.totals._replace(pauses=0b11111)
    found = position(market)
    assert [flag.code for flag in found.flags] == ["paused"] * 3
    assert "nothing can be repaid" in found.flags[0].text
    assert found.scope.blocked == "absorbing is paused"


def test_collateral_that_does_not_count_any_more() -> None:
    market = fake(borrower(held={"COMP": 5 * WAD, "WETH": 10 * WAD, "WBTC": 0}))
    market.assets[0].liquidate_cf = market.assets[2].liquidate_cf = 0
    found = position(market)
    assert [flag.text for flag in found.flags] == ["COMP does not count toward the debt any more"]
    assert found.health.raw == 17 * WAD // 10


# -- reads -------------------------------------------------------------------------------------------------------------


def test_two_steps_whatever_the_number_of_wallets() -> None:
    market = fake()
    market.users[BOB] = borrower(held={"COMP": 1, "WBTC": 1})
    chain = market.chain()
    known = opened(market, chain)
    run(ADAPTER.refresh(known, BLOCK, dict.fromkeys(market.users, True)), chain)
    assert chain.steps == 2


def test_all_of_24_assets() -> None:
    assets = [Asset(f"A{index}", index + 1) for index in range(24)]
    held = {asset.symbol: WAD for asset in assets}
    market = Fake(users={ALICE: User(-100 * 10**6, held, view=False, owed=100 * 10**6)}, assets=assets)
    found = position(market)
    assert len(found.legs) == 25
    assert found.health.raw == 3 * WAD  # 1 + 2 + … + 24 = 300


def test_a_price_that_is_missing_is_unknown() -> None:
    market = fake(borrower(view=None))
    market.assets[1].price = None
    found = position(market)
    assert (found.health.raw, found.collateral_value, found.scope, liquidatable(found)) == (None, None, None, None)
    assert "there is no price for WETH" in found.health.reason
    assert "its own check gives no answer: revert" in found.health.reason
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert read(market).errors == ("WETH has no price",)


def test_a_price_behind_the_one_that_covers_the_debt_is_not_needed() -> None:
    market = fake(borrower(held={"WETH": 10 * WAD, "WBTC": 1}))
    market.assets[2].price = None
    found = position(market)
    assert found.health.raw is None
    assert found.book.liquidatable() is False
    assert found.health.verdict is False


def test_a_base_without_a_price() -> None:
    found = position(fake(borrower(view=None), base_price=None))
    assert (found.health.raw, found.debt_value, found.ltv) == (None, None, None)
    assert "there is no price for USDC" in found.health.reason


def test_what_the_contract_does_not_tell_beside() -> None:
    market = fake(borrower(owed=None), cash=None)
    market.assets[1].supplied = None
    found = position(market)
    assert found.health.raw == 17 * WAD // 10
    assert found.legs[0].cap_room is None
    assert found.legs[1].pool_cash is None
    assert found.flags == ()


@pytest.mark.parametrize(
    ("getter", "args", "said"),
    [
        (comet.USER_BASIC, (ALICE,), "did not tell what the account holds"),
        (comet.USER_COLLATERAL, (ALICE, addr("WETH")), "its WETH could not be read"),
        (comet.GET_ASSET_INFO, (1,), "its WETH could not be read"),
    ],
)
def test_an_account_that_cannot_be_read(getter: Function, args: tuple[Any, ...], said: str) -> None:
    market = fake()
    market.users[BOB] = borrower(held={"COMP": 1})
    chain = market.chain()
    known = opened(market, chain)
    chain.put(COMET, getter, *args, result=Failure("unread", "timeout"))
    reading = run(ADAPTER.refresh(known, BLOCK, dict.fromkeys(market.users, True)), chain)
    assert said in str(reading.accounts[ALICE])
    assert not isinstance(reading.accounts[BOB], Exception)


@pytest.mark.parametrize("getter", [comet.TOTALS_BASIC, comet.BORROW_RATE])
def test_a_market_without_totals_or_rates_cannot_be_read(getter: Function) -> None:
    market = fake()
    chain = market.chain()
    known = opened(market, chain)
    args = () if getter is comet.TOTALS_BASIC else (market.totals.utilization,)
    chain.put(COMET, getter, *args, result=Failure("unread"))
    with pytest.raises(ValueError, match="unread"):
        run(ADAPTER.refresh(known, BLOCK, {ALICE: True}), chain)


def test_an_accrual_after_the_block_is_nonsense() -> None:
    market = fake()
    market.totals = market.totals._replace(accrued_at=NOW + 1)
    with pytest.raises(ValueError, match="after the block"):
        read(market)


@pytest.mark.parametrize("what", ["assets", "base feed", "asset feed", "least debt", "storefront"])
def test_an_upgrade_is_noticed(what: str) -> None:
    market = fake()
    chain = market.chain()
    known = opened(market, chain)
    if what == "assets":
        chain.set(COMET, comet.NUM_ASSETS, types="uint8", value=4)
    elif what == "base feed":
        chain.set(COMET, comet.BASE_FEED, types="address", value=addr("other"))
    elif what == "least debt":
        chain.set(COMET, comet.BASE_BORROW_MIN, types="uint104", value=7)
    elif what == "storefront":
        chain.set(COMET, comet.STORE_FRONT, types="uint64", value=7)
    else:
        info = (1, addr("WETH"), addr("other"), 10**18, 0, WAD // 2, WAD, 0)
        chain.set(COMET, comet.GET_ASSET_INFO, 1, types=INFO, value=info)
    assert run(ADAPTER.refresh(known, BLOCK, {ALICE: True}), chain).changed is True
    assert read(market).changed is False


def test_factors_that_change_are_taken_as_they_are_now() -> None:
    market = fake()
    chain = market.chain()
    known = opened(market, chain)
    info = (1, addr("WETH"), addr("feedWETH"), 10**18, 0, WAD // 2, WAD, 10**30)
    chain.set(COMET, comet.GET_ASSET_INFO, 1, types=INFO, value=info)
    reading = run(ADAPTER.refresh(known, BLOCK, {ALICE: True}), chain)
    (found,) = ADAPTER.evaluate(known, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    assert reading.changed is False
    assert found.health.raw == WAD


def test_feeds_are_read_whatever_they_stand_on() -> None:
    market = fake()
    chain = market.chain()
    feed(chain, addr("feedWETH"), 3000 * 10**8, "ETH / USD", updated=NOW - 7000)
    found = position(market, chain=chain)
    assert next(each for each in found.feeds if each.address == addr("feedWETH")).updated_at == NOW - 7000
