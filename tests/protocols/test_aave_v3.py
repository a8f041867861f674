"""A round of a market: what is read, what one account's figures become, and what happens when answers are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liqtui.core.model import Change, Side
from liqtui.core.reads import Failure
from liqtui.core.units import BPS, HEALTH_INFINITE, HEALTH_ONE, RAY, SECONDS_PER_YEAR, WAD
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols import price_sources as sources
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.abi import encode_word
from tests.protocols.fake import (
    ADAPTER,
    BLOCK,
    NOBODY,
    NOW,
    ORACLE,
    POOL,
    PROVIDER,
    REF,
    USDC,
    WBTC,
    WETH,
    Category,
    Chain,
    Fake,
    User,
    addr,
    feed,
    opened,
    position,
    read,
    run,
)

ALICE = addr("user")
LOAN = User(supplied={"WETH": 10 * 10**18}, owed={"USDC": 15_000 * 10**6})
LOAN_HEALTH = 25_000 * 8_250 * WAD // 15_000 // BPS
REPORTED = (25_000 * 10**8, 15_000 * 10**8, 5_000 * 10**8, 8_250, 8_000, LOAN_HEALTH)


def loan(revision: int = 10, **changes: Any) -> Fake:
    return Fake(revision=revision, users={ALICE: replace(LOAN, **{"reported": REPORTED, **changes})})


def with_asset(fake: Fake, symbol: str, **changes: Any) -> Fake:
    return replace(fake, assets=[replace(a, **changes) if a.symbol == symbol else a for a in fake.assets])


def codes(found: Any) -> list[str]:
    return [flag.code for flag in found.flags]


# -- a plain loan ----------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", range(1, 12))
def test_a_plain_loan_in_every_revision(revision: int) -> None:
    found = position(loan(revision))
    assert found.health.raw == LOAN_HEALTH == found.health.reported
    assert found.health.verified
    assert found.health.reason == ""
    assert (found.collateral_value, found.debt_value) == (25_000 * 10**8, 15_000 * 10**8)
    assert (found.ltv, found.max_ltv, found.threshold) == (6_000, 8_000, 8_250)
    assert str(found.key) == f"31337:aave-v3:test market:{ALICE}"
    assert found.block == BLOCK
    assert found.flags == ()
    assert found.category == ""
    collateral, debt = found.legs
    assert (collateral.side, collateral.amount, collateral.value) == (Side.COLLATERAL, 10**19, 25_000 * 10**8)
    assert (collateral.threshold, collateral.bonus, collateral.counts, collateral.notes) == (8_250, 10_500, True, ())
    assert (debt.side, debt.amount, debt.value, debt.threshold) == (Side.DEBT, 15 * 10**9, 15_000 * 10**8, 0)
    assert [quote.factor for quote in found.quotes] == [f"31337:{addr('feedWETH')}", f"31337:{addr('feedUSDC')}"]
    assert [one.label for one in found.feeds] == ["WETH / USD", "USDC / USD"]
    assert dict(found.facts)["can still borrow"] == "5000 USD"


def test_a_round_takes_two_steps_however_many_wallets() -> None:
    users = {addr(f"user{i}"): replace(LOAN) for i in range(40)}
    fake = Fake(users=users)
    chain = fake.chain()
    _, reading = read(fake, chain)
    assert chain.steps == 2
    assert len(reading.accounts) == 40
    assert (reading.changed, reading.errors) == (False, ())
    assert {one.address for one in reading.feeds} == {addr("feedWETH"), addr("feedUSDC")}


def test_no_wallets_is_no_work() -> None:
    fake = Fake()
    _, reading = read(fake, hints={})
    assert (reading.accounts, reading.feeds, reading.changed) == ({}, (), False)


def test_interest_runs_to_the_time_of_the_block() -> None:
    half, rate = SECONDS_PER_YEAR // 2, RAY // 10
    fake = with_asset(loan(), "WETH", supply_rate=rate, updated=NOW - half)
    fake = with_asset(fake, "USDC", borrow_rate=rate, updated=NOW - half)
    collateral, debt = position(fake).legs
    assert collateral.amount == 10**19 * 105 // 100
    assert debt.amount == 15_769_062_500  # 1 + x + x²/2 + x³/6 at x = 0.05, up
    assert (collateral.rate, debt.rate) == (rate, rate)
    older = replace(fake, revision=7)
    assert position(older).legs[1].amount < debt.amount  # compounds by the second, cut each time


def test_an_account_that_holds_nothing_any_more_is_empty() -> None:
    found = position(Fake(users={ALICE: User(reported=(0, 0, 0, 0, 0, HEALTH_INFINITE))}))
    assert found.empty
    assert found.health.verified
    assert found.health.raw == HEALTH_INFINITE
    assert (found.scope, found.ltv, found.quotes) == (None, None, ())


def test_supplied_but_not_used_as_collateral_is_shown_and_does_not_count() -> None:
    user = User(supplied={"WETH": 10**18, "WBTC": 10**8}, owed={"USDC": 10**9}, off=("WBTC",))
    found = position(Fake(users={ALICE: user}), hint=frozenset({2}))
    legs = {leg.asset.symbol: leg for leg in found.legs}
    assert not legs["WBTC"].counts
    assert legs["WBTC"].notes == ("not used as collateral",)
    assert legs["WETH"].counts
    assert found.collateral_value == 2_500 * 10**8


def test_the_own_asset_can_be_on_both_sides() -> None:
    found = position(Fake(users={ALICE: User(supplied={"WETH": 10**19}, owed={"WETH": 7 * 10**18})}))
    assert [leg.side for leg in found.legs] == [Side.COLLATERAL, Side.DEBT]
    assert found.health.raw == 1_178_571_428_571_428_571


# -- eMode -----------------------------------------------------------------------------------------


def in_category(revision: int, **changes: Any) -> Fake:
    """WETH and WBTC are members, by either generation's way."""
    fake = loan(revision, category=1)
    fake = with_asset(with_asset(fake, "WETH", category=1), "WBTC", category=1)
    return replace(fake, categories=[Category(1, members=0b101, **changes)])


@pytest.mark.parametrize("revision", range(1, 12))
def test_a_category_replaces_threshold_ltv_and_bonus(revision: int) -> None:
    found = position(in_category(revision))
    assert found.category == "ETH correlated"
    assert (found.threshold, found.max_ltv) == (9_300, 9_000)
    assert found.legs[0].bonus == 10_200
    assert found.scope.bonus == 10_200
    assert dict(found.facts)["eMode category"] == "1"


@pytest.mark.parametrize("revision", [1, 10])
def test_what_is_not_in_the_category_keeps_its_own_parameters(revision: int) -> None:
    user = replace(LOAN, supplied={"USDC": 10**10}, owed={"WETH": 10**18}, category=1)
    found = position(replace(in_category(revision), users={ALICE: user}))
    assert (found.threshold, found.max_ltv) == (7_800, 7_500)


@pytest.mark.parametrize("label", ["", "\x1b[2J"])
def test_a_category_without_a_usable_label_goes_by_its_number(label: str) -> None:
    expected = "[2J" if label else "eMode 1"
    assert position(in_category(10, label=label)).category == expected


def test_a_category_whose_label_does_not_decode_still_counts() -> None:
    fake = in_category(10)
    chain = fake.chain()
    chain.put(POOL, aave.GET_CATEGORY_LABEL, 1, result=Failure("revert"))
    found = position(fake, chain=chain)
    assert (found.category, found.threshold) == ("eMode 1", 9_300)


@pytest.mark.parametrize(
    ("revision", "getter"),
    [(1, aave.GET_CATEGORY_DATA), (9, aave.GET_CATEGORY_CONFIG), (10, aave.GET_CATEGORY_LTV_ZERO)],
)
def test_a_category_that_does_not_answer_makes_its_accounts_unknown(revision: int, getter: Any) -> None:
    fake = in_category(revision)
    other = addr("other")
    fake.users[other] = replace(LOAN)
    chain = fake.chain()
    chain.put(POOL, getter, 1, result=Failure("revert"))
    _, reading = read(fake, chain)
    assert str(reading.accounts[ALICE]) == "eMode category 1 could not be read"
    assert not isinstance(reading.accounts[other], Exception)
    assert "eMode category 1 could not be read: revert" in reading.errors


def test_ltv_zero_inside_a_category() -> None:
    zero = position(in_category(10, ltv_zero=0b001))
    assert (zero.max_ltv, zero.threshold) == (0, 9_300)
    assert codes(zero)[-1] == "ltv-zero"
    # to 3.5 it is the reserve's own LTV that decides
    older = position(with_asset(in_category(9), "WETH", ltv=0))
    assert (older.max_ltv, older.threshold) == (0, 9_300)
    assert position(with_asset(in_category(10), "WETH", ltv=0)).max_ltv == 9_000


def test_an_isolated_category_gives_ltv_to_its_members_only() -> None:
    user = replace(LOAN, supplied={"USDC": 10**11}, owed={"WETH": 10**18}, category=1)
    for isolated, ltv in ((True, 0), (False, 7_500)):
        found = position(replace(in_category(11, isolated=isolated), users={ALICE: user}))
        assert (found.max_ltv, found.threshold) == (ltv, 7_800)


def test_a_category_price_stands_for_its_members() -> None:
    fake = in_category(1, price_source=addr("index"))
    chain = fake.chain()
    chain.set(ORACLE, aave.GET_ASSET_PRICE, addr("index"), types="uint256", value=2_000 * 10**8)
    found = position(fake, chain=chain)
    assert chain.steps == 3
    weth, usdc = found.legs
    assert (weth.price, usdc.price) == (2_000 * 10**8, 10**8)
    quotes = {quote.asset: quote for quote in found.quotes}
    assert quotes[weth.asset.address].factor == f"31337:{addr('index')}"
    assert quotes[weth.asset.address].proven
    assert found.collateral_value == 20_000 * 10**8


def test_a_category_price_of_zero_falls_back_and_none_is_unknown() -> None:
    fake = in_category(1, price_source=addr("index"))
    chain = fake.chain()
    chain.set(ORACLE, aave.GET_ASSET_PRICE, addr("index"), types="uint256", value=0)
    assert position(fake, chain=chain).legs[0].price == 2_500 * 10**8
    chain.put(ORACLE, aave.GET_ASSET_PRICE, addr("index"), result=Failure("revert"))
    found = position(fake, chain=chain)
    assert (found.legs[0].price, found.health.raw) == (None, None)


# -- flags of reserves -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "note"),
    [
        ({"paused": True}, "paused", "paused"),
        ({"frozen": True}, "frozen", "frozen"),
        ({"active": False}, "inactive", "inactive"),
        ({"grace": NOW}, "grace", "liquidation grace"),
        ({"ltv": 0}, "ltv-zero", "LTV 0"),
        ({"debt_ceiling": 100}, "isolated", "isolated"),
    ],
)
def test_flags_of_a_reserve_reach_the_leg_and_the_position(change: dict[str, Any], code: str, note: str) -> None:
    found = position(with_asset(loan(), "WETH", **change))
    assert codes(found) == [code]
    assert note in found.legs[0].notes
    assert found.legs[1].notes == ()
    assert found.health.verified


def test_siloed_matters_to_debt_only() -> None:
    found = position(with_asset(loan(), "USDC", siloed=True))
    assert codes(found) == ["siloed"]
    assert found.legs[1].notes == ("siloed",)
    assert codes(position(with_asset(loan(), "WETH", siloed=True))) == []


def test_isolation_is_gone_in_the_newest_revision() -> None:
    assert codes(position(with_asset(loan(11), "WETH", debt_ceiling=100))) == []


def test_a_grace_period_that_is_over_is_not_mentioned() -> None:
    assert codes(position(with_asset(loan(), "WETH", grace=NOW - 1))) == []


def test_flags_of_what_is_only_left_over_are_not_mentioned() -> None:
    fake = with_asset(loan(supplied={"WETH": 10**19, "WBTC": 0}), "WBTC", paused=True)
    found = position(fake)
    assert codes(found) == []
    assert len(found.quotes) == 3  # but the pool still asks for its price


@pytest.mark.parametrize("revision", [9, 10])
def test_a_threshold_of_zero_counts_since_3_6_only(revision: int) -> None:
    user = User(supplied={"WETH": 10**19, "WBTC": 10**8}, owed={"USDC": 10**9})
    fake = with_asset(Fake(revision=revision, users={ALICE: user}), "WBTC", threshold=0, ltv=0, bonus=0)
    found = position(fake)
    legs = {leg.asset.symbol: leg for leg in found.legs}
    assert legs["WBTC"].counts is (revision == 10)
    assert found.collateral_value == (25_000 + 60_000 * (revision == 10)) * 10**8
    assert found.scope.collateral.symbol == "WETH"  # without a bonus nothing can be seized


def test_the_capped_price_of_an_asset_is_a_flag() -> None:
    fake = with_asset(loan(), "USDC", price=104 * 10**6)
    chain = fake.chain()
    feed(chain, addr("plain"), 106 * 10**6, "USDC / USD")
    source = addr("feedUSDC")
    chain.put(source, sources.LATEST_ROUND_DATA, result=Failure("revert"))
    chain.set(source, sources.ASSET_TO_USD_AGGREGATOR, types="address", value=addr("plain"))
    chain.set(source, sources.GET_PRICE_CAP, types="int256", value=104 * 10**6)
    found = position(fake, chain=chain)
    assert "capped" in codes(found)
    assert found.quotes[1].cap == 104 * 10**6


# -- rates, caps, cash -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("revision", "virtual", "cash"),
    [(1, True, 500), (4, True, 499), (4, False, 500), (7, False, 500), (8, False, 499), (11, False, 499)],
)
def test_cash_is_what_the_pool_accounts_for(revision: int, virtual: bool, cash: int) -> None:
    found = position(with_asset(loan(revision), "WETH", cash=500, virtual=virtual))
    assert found.legs[0].pool_cash == cash


def test_room_under_the_caps() -> None:
    fake = with_asset(loan(), "WETH", supply_cap=100, supplied=40 * 10**18, treasury=10**18, index=2 * RAY)
    fake = with_asset(fake, "USDC", borrow_cap=1_000, owed=900 * 10**6)
    collateral, debt = position(fake).legs
    assert collateral.cap_room == 18 * 10**18
    assert debt.cap_room == 100 * 10**6
    full = with_asset(fake, "WETH", supply_cap=10, supplied=40 * 10**18)
    assert position(full).legs[0].cap_room == 0
    assert position(loan()).legs[0].cap_room is None


def test_room_that_cannot_be_told_is_unknown() -> None:
    fake = with_asset(with_asset(loan(), "WETH", supply_cap=100), "USDC", borrow_cap=100)
    chain = fake.chain()
    chain.put(addr("aWETH"), aave.SCALED_TOTAL_SUPPLY, result=b"")
    chain.put(addr("vUSDC"), aave.SCALED_TOTAL_SUPPLY, result=Failure("revert"))
    chain.put(POOL, aave.GET_VIRTUAL_BALANCE, addr("WETH"), result=bytes(31))
    collateral, debt = position(fake, chain=chain).legs
    assert (collateral.cap_room, debt.cap_room, collateral.pool_cash) == (None, None, None)


def test_stable_debt_counts_up_to_3_1() -> None:
    user = User(supplied={"WETH": 10**19}, owed={"USDC": 10**10}, fixed={"USDC": 5 * 10**9})
    fake = with_asset(Fake(revision=4, users={ALICE: user}), "USDC", borrow_rate=RAY // 25, borrow_cap=10**6)
    debt = position(fake).legs[1]
    assert debt.amount == 15 * 10**9
    assert debt.rate == (2 * (RAY // 25) + RAY // 10) // 3
    assert debt.cap_room == 0
    assert position(replace(fake, revision=5)).legs[1].amount == 10**10


def test_a_stable_rate_that_is_not_told_is_counted_as_none() -> None:
    user = User(supplied={"WETH": 10**19}, fixed={"USDC": 5 * 10**9})
    fake = Fake(revision=1, users={ALICE: user})
    chain = fake.chain()
    chain.put(addr("sUSDC"), aave.GET_USER_STABLE_RATE, ALICE, result=Failure("revert"))
    assert position(fake, chain=chain).legs[1].rate == 0


def test_debt_outside_virtual_accounting_goes_by_its_balance_in_3_3() -> None:
    user = User(supplied={"WETH": 10**19}, owed={"USDC": 10**10}, fixed={"USDC": 9 * 10**9})
    fake = with_asset(Fake(revision=7, users={ALICE: user}), "USDC", virtual=False, borrow_rate=RAY // 50)
    debt = position(fake).legs[1]
    assert (debt.amount, debt.rate) == (9 * 10**9, RAY // 50)
    assert position(with_asset(fake, "USDC", virtual=True)).legs[1].amount == 10**10


# -- what is missing -------------------------------------------------------------------------------


def test_one_bad_price_is_unknown_for_its_holders_only() -> None:
    fake = loan()
    other = addr("other")
    fake.users[other] = User(supplied={"WBTC": 10**8}, owed={"USDC": 10**9}, reported=None)
    chain = fake.chain()
    chain.put(ORACLE, aave.GET_ASSET_PRICE, addr("WBTC"), result=Failure("revert"))
    assert position(fake, chain=chain).health.verified
    found = position(fake, other, chain=chain)
    assert (found.health.raw, found.health.reported, found.health.shown) == (None, None, None)
    assert (
        found.health.reason
        == "the oracle gives no price for WBTC; the pool does not tell it: revert execution reverted"
    )
    assert codes(found)[0] == "unverified"
    assert (found.collateral_value, found.debt_value, found.ltv, found.scope) == (None, None, None, None)
    assert found.legs[0].value is None
    assert found.book.liquidatable() is None
    assert "can still borrow" not in dict(found.facts)


@pytest.mark.parametrize("result", [encode_word(0), b"", Failure("revert")])
def test_a_price_of_zero_is_no_price(result: Any) -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(ORACLE, aave.GET_ASSET_PRICE, addr("USDC"), result=result)
    found = position(fake, chain=chain)
    assert found.health.raw is None
    assert found.health.shown == LOAN_HEALTH  # what the pool says still stands
    assert found.legs[1].value is None


def test_a_difference_is_said_and_the_pool_is_shown() -> None:
    found = position(loan(reported=(*REPORTED[:5], LOAN_HEALTH + 1)))
    assert not found.health.verified
    assert found.health.shown == LOAN_HEALTH + 1
    assert found.health.reason == "own arithmetic gives 1.375, the pool says 1.375000000000000001"
    assert codes(found) == ["unverified"]


def test_an_unknown_revision_is_said_even_when_equal() -> None:
    found = position(loan(12))
    assert found.health.raw == found.health.reported
    assert not found.health.confirmed
    assert found.health.reason == f"pool revision 12 of {POOL} is not known to this version"
    assert found.revision == "12 (unknown)"
    assert codes(found) == ["unverified"]


def test_a_pool_that_does_not_report_leaves_our_own_figure() -> None:
    found = position(loan(reported=None))
    assert (found.health.raw, found.health.reported) == (LOAN_HEALTH, None)
    assert "does not tell" in found.health.reason


def account(chain: Chain, fake: Fake, hint: frozenset[int] = frozenset()) -> tuple[Any, Any]:
    _, reading = read(fake, chain, {ALICE: hint})
    return reading.accounts[ALICE], reading


@pytest.mark.parametrize(
    ("target", "getter", "said"),
    [
        (POOL, aave.GET_USER_CONFIGURATION, "the pool did not tell what the account holds: short"),
        (POOL, aave.GET_USER_EMODE, "the pool did not tell what the account holds: short"),
        (addr("aWETH"), aave.SCALED_BALANCE_OF, "its WETH could not be read: short"),
        (addr("vUSDC"), aave.SCALED_BALANCE_OF, "its USDC could not be read: short"),
    ],
)
def test_an_account_that_cannot_be_read_is_an_error_in_words(target: str, getter: Any, said: str) -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(target, getter, ALICE, result=Failure("short"))
    found, _ = account(chain, fake)
    assert isinstance(found, ValueError)
    assert str(found) == said


@pytest.mark.parametrize("result", [Failure("revert"), bytes(14 * 32)], ids=["silent", "short"])
def test_a_reserve_that_cannot_be_read_blinds_its_holders(result: Any) -> None:
    reading = after(loan(), lambda chain: chain.put(POOL, aave.GET_RESERVE_DATA, addr("WETH"), result=result))
    assert str(reading.accounts[ALICE]) == "its WETH could not be read: the reserve did not answer"
    assert any(error.startswith("reserve WETH could not be read") for error in reading.errors)


def test_a_reserve_updated_after_the_block_makes_no_sense() -> None:
    _, reading = read(with_asset(loan(), "WETH", updated=NOW + 1))
    assert reading.errors == ("reserve WETH could not be read: its indexes make no sense",)


def test_what_is_only_supplied_and_unreadable_is_an_error_beside_the_rest() -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(addr("aWBTC"), aave.SCALED_BALANCE_OF, ALICE, result=Failure("revert"))
    found, reading = account(chain, fake, frozenset({2}))
    assert not isinstance(found, Exception)
    assert reading.errors == (f"{ALICE}: its WBTC could not be read: revert",)


def test_without_a_revision_there_is_no_reading() -> None:
    fake = loan()
    chain = fake.chain()
    market, _ = read(fake, chain)
    chain.put(POOL, aave.POOL_REVISION, result=Failure("unread"))
    with pytest.raises(ValueError, match="unread"):
        run(ADAPTER.refresh(market, BLOCK, {}), chain)


# -- changed contracts -----------------------------------------------------------------------------


def after(fake: Fake, change: Any) -> Any:
    """The reading when something on chain changed after the market was opened."""
    chain = fake.chain()
    market = opened(fake, chain)
    change(chain)
    return run(ADAPTER.refresh(market, BLOCK, {ALICE: frozenset()}), chain)


@pytest.mark.parametrize(
    "change",
    [
        lambda chain: chain.set(POOL, aave.POOL_REVISION, types="uint256", value=11),
        lambda chain: chain.set(PROVIDER, aave.GET_POOL, types="address", value=addr("other")),
        lambda chain: chain.set(PROVIDER, aave.GET_PRICE_ORACLE, types="address", value=addr("other")),
        lambda chain: chain.set(POOL, aave.GET_RESERVES_LIST, types="address[]", value=[addr("WETH")]),
        lambda chain: chain.set(ORACLE, aave.GET_SOURCE, addr("WETH"), types="address", value=addr("other")),
    ],
    ids=["revision", "pool", "oracle", "reserves", "source"],
)
def test_changed_contracts_are_noticed(change: Any) -> None:
    assert after(loan(), change).changed


@pytest.mark.parametrize(
    ("target", "getter"),
    [(PROVIDER, aave.GET_POOL), (PROVIDER, aave.GET_PRICE_ORACLE), (POOL, aave.GET_RESERVES_LIST)],
)
def test_what_does_not_answer_is_no_change(target: str, getter: Any) -> None:
    assert not after(loan(), lambda chain: chain.put(target, getter, result=Failure("unread"))).changed


def test_a_reserve_listed_since_makes_its_holder_unknown_until_opened_again() -> None:
    link = replace(WBTC, symbol="LINK", id=3)

    def listed(chain: Chain) -> None:
        grown = Fake(
            assets=[WETH, USDC, WBTC, link], users={ALICE: User(supplied={"LINK": 10**8, "WETH": 1}, owed={"USDC": 1})}
        )
        chain.results.update(grown.chain().results)

    reading = after(loan(), listed)
    assert reading.changed
    assert "listed after the market was opened" in str(reading.accounts[ALICE])


def test_the_flag_of_a_dropped_reserve_means_nothing() -> None:
    def left_over(chain: Chain) -> None:
        chain.set(POOL, aave.GET_USER_CONFIGURATION, ALICE, types="uint256", value=0b1000_0000_0110)

    reading = after(loan(), left_over)
    assert not reading.changed
    assert [holding.id for holding in reading.accounts[ALICE].holdings] == [0, 1]


# -- sentinel --------------------------------------------------------------------------------------


def sentinel(revision: int, result: Any) -> Any:
    fake = replace(loan(revision), sentinel=addr("sentinel"))
    chain = fake.chain()
    chain.put(addr("sentinel"), aave.IS_LIQUIDATION_ALLOWED, result=result)
    return position(fake, chain=chain)


def test_the_sentinel_is_asked_up_to_3_6() -> None:
    assert codes(sentinel(10, encode_word(1))) == []
    waiting = sentinel(10, encode_word(0))
    assert codes(waiting) == ["sentinel"]
    assert "waits until health is under 0.95" in waiting.scope.blocked
    silent = sentinel(10, Failure("revert"))
    assert codes(silent) == ["sentinel"]
    assert "does not answer" in silent.scope.blocked
    assert codes(sentinel(11, encode_word(0))) == []


def sequencer(result: Any) -> tuple[list[str], tuple[str, ...]]:
    """Flags and errors of a round on a chain whose uptime feed answers this."""
    fake, adapter = loan(), AaveV3(sequencer=lambda _: addr("uptime"))
    chain = fake.chain()
    chain.put(addr("uptime"), sources.LATEST_ROUND_DATA, result=result)
    market = run(adapter.open(REF, BLOCK), chain)
    reading = run(adapter.refresh(market, BLOCK, {ALICE: frozenset()}), chain)
    (found,) = adapter.evaluate(market, BLOCK, reading.market, reading.accounts[ALICE], ALICE)
    return codes(found), reading.errors


def test_a_sequencer_that_is_down_is_said() -> None:
    def answers(down: int) -> bytes:
        return b"".join(map(encode_word, (1, down, NOW, NOW, 1)))

    assert sequencer(answers(0)) == ([], ())
    assert sequencer(answers(1)) == (["sequencer"], ())
    assert sequencer(b"") == ([], ("the sequencer uptime feed does not answer",))


def test_no_sentinel_is_none() -> None:
    fake = loan()
    chain = fake.chain()
    chain.put(PROVIDER, aave.GET_PRICE_ORACLE_SENTINEL, result=Failure("revert"))
    assert codes(position(fake, chain=chain)) == []
    assert fake.sentinel == NOBODY


# -- the book --------------------------------------------------------------------------------------


def test_the_book_answers_what_ifs_in_the_same_arithmetic() -> None:
    found = position(loan())
    book = found.book
    weth, usdc = addr("WETH"), addr("USDC")
    assert book.health() == found.health.raw
    assert book.legs == found.legs
    assert book.quotes[weth].price == 2_500 * 10**8
    price = 15_000 * BPS * 10**8 // 82_500
    assert book.liquidatable(Change(prices={weth: price}))
    assert not book.liquidatable(Change(prices={weth: price + 1}))
    assert book.health(Change(debt={usdc: -15_000 * 10**6})) == HEALTH_INFINITE
    assert book.health(Change(debt={usdc: -(10**30)})) == HEALTH_INFINITE  # never below nothing
    assert book.health(Change(collateral={weth: -(10**19)})) == 0
    assert book.health(Change(collateral={weth: 10**19})) == 2 * LOAN_HEALTH
    assert book.liquidatable() is False
    assert book.health(Change(prices={addr("WBTC"): 1})) == LOAN_HEALTH


def test_the_book_refuses_what_the_account_does_not_hold() -> None:
    with pytest.raises(KeyError, match="not in this account"):
        position(loan()).book.health(Change(debt={addr("WBTC"): 1}))


def test_exactly_one_is_safe() -> None:
    user = User(supplied={"WETH": 10**18}, owed={"USDC": 2_062_500_000})
    found = position(Fake(users={ALICE: user}))
    assert found.health.raw == HEALTH_ONE
    assert found.book.liquidatable() is False
