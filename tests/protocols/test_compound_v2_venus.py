"""What Venus adds: thresholds, incentives by market, e-mode pools, VAI, pauses, forced liquidation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liqtui.core.events import EventKind, Moved
from liqtui.core.model import Change, Side
from liqtui.core.reads import Log
from liqtui.core.risk import complete
from liqtui.core.sources import USUAL_MULTICALL3
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols import compound_v2_events
from liqtui.protocols.abi import encode_word
from liqtui.protocols.compound_v2_math import Line, Rounding
from liqtui.protocols.compound_v2_whole import collateral_of
from tests.protocols.compound_v2_fake import (
    ADAPTER,
    BLOCK,
    ENTRY,
    ETH,
    REVERT,
    USDC,
    VAI,
    VAI_CONTROLLER,
    WALLET,
    Fake,
    Token,
    User,
    held,
    loan,
    opened,
    position,
    venus,
)
from tests.protocols.fake import addr, run


@pytest.mark.parametrize("kind", ["isolated", "core"])
@pytest.mark.parametrize(
    ("eth", "usdc", "flags", "blocked"),
    [
        (("adding",), (), ["ETH: adding is paused"], ""),
        (("repaying", "liquidating"), (), [], ""),  # nothing is owed in it
        (("adding", "withdrawing", "seizing"), (), ["ETH: adding and withdrawing and seizing are paused"], "seizing"),
        ((), ("seizing",), [], ""),
        ((), ("borrowing",), ["USDC: borrowing is paused"], ""),
        ((), ("repaying",), ["USDC: repaying is paused"], "repaying"),
        ((), ("liquidating",), ["USDC: liquidating is paused"], "liquidating"),
    ],
)
def test_paused_actions_of_venus(
    kind: str, eth: tuple[str, ...], usdc: tuple[str, ...], flags: list[str], blocked: str
) -> None:
    threshold = 80 * WAD // 100
    tokens = [Token(**ETH, threshold=threshold, paused=eth), Token(**USDC, threshold=threshold, paused=usdc)]
    found = position(loan(kind=kind, tokens=tokens).chain())
    assert [(flag.code, flag.text) for flag in found.flags] == [("paused", text) for text in flags]
    assert found.scope.blocked.partition(" ")[0] == blocked
    assert found.health.verified


def test_a_core_pool_that_is_paused_as_a_whole() -> None:
    fake = venus()
    fake.paused = True
    found = position(fake.chain())
    assert [flag.code for flag in found.flags] == ["paused"]
    assert found.scope.blocked == "the whole protocol is paused"


def test_an_isolated_pool_weighs_by_its_threshold() -> None:
    tokens = [Token(**ETH, factor=70 * WAD // 100, threshold=75 * WAD // 100), Token(**USDC, threshold=88 * WAD // 100)]
    found = position(loan(kind="isolated", tokens=tokens).chain())
    assert found.health.verified
    assert (found.health.raw, found.threshold, found.max_ltv) == (15 * WAD // 10, 7_500, 7_000)


@pytest.mark.parametrize(
    ("caps", "told"), [((0, 0), (0, 0)), ((7, 0), (0, 7)), ((2**256 - 1, 2**256 - 1), (None, None))]
)
def test_a_cap_of_zero_closes_a_market_of_venus(caps: tuple[int, int], told: tuple[int | None, int | None]) -> None:
    sizes, threshold = (3 * 10**24, 0, 10**24), 80 * WAD // 100
    tokens = [Token(**each, sizes=sizes, threshold=threshold, caps=caps) for each in (ETH, USDC)]
    held, owed = position(loan(kind="isolated", tokens=tokens).chain()).legs
    assert (held.cap, owed.cap) == told
    assert (held.cap_room, owed.cap_room) == tuple(None if cap is None else 0 for cap in told)


def test_what_an_isolated_pool_has_to_give_and_under_its_caps() -> None:
    """Reserves are not given away; written off debt is in the way of borrowing, and counts as lent."""
    rest: dict[str, Any] = {"threshold": 80 * WAD // 100, "caps": (10_000, 10_000), "rate": 2 * WAD}
    more: dict[str, Any] = {"sizes": (3_000, 500, 2_000), "grown": (70, 20), "bad": 1_000, "cash": 4_000}
    fake = Fake("isolated", [Token(**each, **rest, **more) for each in (ETH, USDC)], least=WAD)
    fake.users[WALLET] = User({"ETH": WAD}, {"USDC": 10**6}, entered=("ETH", "USDC"))
    held, owed = position(fake.chain()).legs
    assert (held.pool_cash, owed.pool_cash) == (4_000 - 520, 4_000 - 520)
    assert (held.cap_room, owed.cap_room) == (10_000 - 4_000, 10_000 - 3_070 - 1_000)
    assert held.utilization == owed.utilization == 4_000 * 10_000 // (4_000 + 3_000 + 1_000 - 500)
    chain = fake.chain()
    for token in fake.tokens:
        chain.put(token.address, abi.BAD_DEBT, result=REVERT)
    held, owed = position(chain).legs
    assert (owed.cap_room, held.utilization) == (None, None)
    chain = fake.chain()
    call = abi.in_one(USUAL_MULTICALL3, [of.at(addr("cETH")) for of in (abi.ACCRUE_INTEREST, abi.TOTAL_RESERVES)])
    chain.results[call.target, call.data] = REVERT
    assert position(chain).legs[0].pool_cash is None
    fake.tokens = [replace(token, sizes=(0, 500, 2_001), rate=WAD // 2) for token in fake.tokens]
    held, _ = position(fake.chain()).legs
    assert held.utilization == 1_000 * 10_000 // (4_000 + 1_000 - 500)
    assert held.cap_room == 10_000 - 1_000  # 1,000.5 are there
    core = venus()
    core.tokens = [replace(token, sizes=(3_000, 500, 2_000), cash=4_000) for token in core.tokens]
    assert position(core.chain()).legs[0].pool_cash == 4_000


def test_venus_weighs_by_threshold_and_has_incentives_by_market() -> None:
    found = position(venus().chain())
    assert found.health.verified
    assert (found.health.raw, found.legs[0].bonus) == (17 * WAD // 10, 11_000)
    assert all(quote.proven for quote in found.quotes)


def test_a_forced_liquidation_that_is_not_told_is_not_taken_for_none() -> None:
    chain = venus().chain()
    chain.put(ENTRY, abi.IS_FORCED_FOR_USER, WALLET, addr("cUSDC"), result=REVERT)
    assert isinstance(held(chain), ValueError)
    chain = loan().chain()
    market = opened(chain)
    chain.put(ENTRY, abi.IS_DEPRECATED, addr("cUSDC"), result=REVERT)
    reading = run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)
    assert reading.errors == ("market USDC could not be read: revert",)


def test_an_e_mode_pool_of_venus() -> None:
    weights = {"ETH": (90 * WAD // 100, 92 * WAD // 100, 104 * WAD // 100)}
    found = position(venus(weights=weights, pool=3).chain())
    assert found.health.verified
    assert (found.threshold, found.max_ltv, found.legs[0].bonus) == (9_200, 9_000, 10_400)
    assert found.category == "pool 3"
    assert position(venus(weights=weights).chain()).category == ""


def test_vai_is_a_debt_of_one_dollar_each() -> None:
    found = position(venus(vai=360 * WAD).chain())
    assert found.health.verified
    assert found.health.raw == 125 * WAD // 100
    leg = found.legs[-1]
    assert (leg.asset.symbol, leg.asset.address, leg.side, leg.value) == ("VAI", VAI, Side.DEBT, 360 * WAD)
    assert found.debt_value == 1_360 * WAD
    assert {each.label for each in complete(found).boundaries} == {"ETH", "USDC"}
    assert found.book.health(Change(debt={VAI: -360 * WAD})) == 17 * WAD // 10


def test_vai_is_owed_with_interest_up_to_the_block() -> None:
    """Its controller accrues only when somebody mints, repays or liquidates VAI, or asks it to."""
    found = position(venus(vai=360 * WAD, stored_vai=350 * WAD).chain())
    assert found.health.verified
    assert found.health.raw == 125 * WAD // 100
    assert (found.legs[-1].amount, found.legs[-1].rate) == (360 * WAD, 4 * RAY // 100)


def test_vai_that_does_not_accrue_is_not_verified() -> None:
    chain = venus(vai=360 * WAD, stored_vai=350 * WAD).chain()
    for target, data in list(chain.results):
        if target == USUAL_MULTICALL3:
            chain.results[target, data] = REVERT
    found = position(chain)
    assert (found.legs[-1].amount, found.health.confirmed) == (350 * WAD, False)


@pytest.mark.parametrize("alone", [True, False])
def test_a_debt_in_vai_can_be_liquidated_by_force_too(alone: bool) -> None:
    fake = venus(vai=360 * WAD, forced=("VAI",) if alone else ())
    fake.vai_forced = not alone
    found = position(fake.chain())
    assert found.health.verdict is True
    assert found.book.liquidatable() is True
    assert [flag.code for flag in found.flags] == ["forced"]
    assert found.flags[0].text == "VAI debt can be liquidated whatever the health"
    assert found.book.liquidatable(Change(debt={VAI: -360 * WAD})) is False
    fake.users[WALLET].vai = 0
    assert position(fake.chain()).flags == ()


def test_whether_vai_is_forced_has_to_be_known_by_who_owes_it() -> None:
    chain = venus(vai=360 * WAD).chain()
    chain.put(ENTRY, abi.IS_FORCED, VAI_CONTROLLER, result=REVERT)
    assert str(held(chain)) == "revert"
    chain = venus().chain()
    chain.put(ENTRY, abi.IS_FORCED, VAI_CONTROLLER, result=REVERT)
    assert position(chain).health.verified


def test_a_liquidation_of_vai_is_told_by_its_controller_and_nobody_else() -> None:
    market, words = opened(venus().chain()), (addr("eve"), WALLET, 5 * WAD, addr("cETH"), 3)
    data = b"".join(encode_word(each) for each in words)
    topic = compound_v2_events.LIQUIDATE_VAI.topic
    written = Log(VAI_CONTROLLER, (topic,), data, 1, "0x1", "0x2", 0)
    (told,) = ADAPTER.events(market, [written])
    assert (told.kind, told.who, told.key.wallet) == (EventKind.LIQUIDATED, addr("eve"), WALLET)
    assert told.debt == Moved(market.vai.asset, 5 * WAD)
    assert told.collateral is not None
    assert told.collateral.amount == 3
    borrow = written._replace(topics=(compound_v2_events.LIQUIDATE_BORROW.topic,))
    assert ADAPTER.events(market, [written._replace(address=addr("cETH")), borrow]) == ()
    first, *_ = ADAPTER.event_filters(market, [WALLET])
    assert VAI_CONTROLLER in first.addresses
    assert topic in first.topics[0]


@pytest.mark.parametrize("kind", ["market", "account"])
def test_forced_liquidation_of_venus(kind: str) -> None:
    fake = venus(forced=("USDC",) if kind == "account" else ())
    fake.token("USDC").deprecated = kind == "market"
    found = position(fake.chain())
    assert found.health.verdict is True
    assert [flag.code for flag in found.flags] == ["forced"]


def small(eth: int, usdc: int, dai: int = 0, **change: Any) -> Fake:
    """Cents of ether's worth at 2,000 against USDC and DAI, in an isolated pool that closes accounts up to 100 USD."""
    threshold = 85 * WAD // 100
    dai_token = {"symbol": "DAI", "price": 10**8}
    tokens = [Token(**each, threshold=threshold) for each in (ETH, USDC, dai_token)]
    user = User(
        {"ETH": eth * WAD // 200_000}, {"USDC": usdc * 10**4, "DAI": dai * 10**16}, entered=("ETH", "USDC", "DAI")
    )
    rounding = Rounding(price_first=True)
    return Fake("isolated", tokens, {WALLET: user}, least=100 * WAD, feeds="token", rounding=rounding, **change)


@pytest.mark.parametrize(
    ("fake", "repaid", "cents", "loss", "reason"),
    [
        (small(9_000, 8_000), 80 * 10**6, 8_640, 640, "so small an account is closed as a whole"),
        (small(9_000, 6_000, 2_000), 60 * 10**6, 6_480, 640, "so small an account is closed as a whole"),
        # 81.00 are just what the incentive takes on 75.00; of two debts each is repaid in part
        (small(8_100, 8_000), 75 * 10**6, 8_100, 600, "all of the collateral is taken and the pool writes off"),
        (small(8_100, 6_000, 2_000), 5_625 * 10**4, 8_100, 600, "all of the collateral is taken"),
        (small(8_640, 8_000), 80 * 10**6, 8_640, 640, "all of the collateral is taken"),  # just enough is not more
        (small(10_001, 9_000), 45 * 10**6, 4_860, 360, "50 % of this debt"),
        (small(10_000, 9_000), 90 * 10**6, 9_720, 720, "so small an account is closed as a whole"),
    ],
)
def test_a_small_account_of_an_isolated_pool_is_closed_as_a_whole(
    fake: Fake, repaid: int, cents: int, loss: int, reason: str
) -> None:
    found = position(fake.chain())
    assert found.health.verified
    assert (found.scope.max_debt, found.scope.seized) == (repaid, cents * WAD // 200_000)
    assert found.scope.loss == loss * WAD // 100
    assert reason in found.scope.reason
    assert ("writes off" in found.scope.reason) == (
        fake.users[WALLET].tokens["ETH"] in {81 * WAD // 2_000, 864 * WAD // 20_000}
    )
    whole = "%" not in reason
    part = repaid * 10_000 // found.book.entries[1].owed
    assert (found.scope.close_factor, found.scope.bonus) == (part, 10_800)
    assert (found.scope.health_after == HEALTH_INFINITE, found.scope.toxic_below is None) == (whole, whole)


def test_of_a_small_account_that_is_closed_every_figure_is_cut() -> None:
    """80.99 dollars take 1.08 on 74.99 of 80: 93.7384 % of the debt."""
    scope = position(small(8_099, 8_000).chain()).scope
    part = 8_099 * 10**16 * WAD // (80 * WAD * 108 // 100)
    assert (scope.max_debt, scope.close_factor) == (part * 80 * 10**6 // WAD, 9_373)
    assert part * 80 * 10**6 % WAD, "something to cut"


def test_what_a_small_account_holds_is_cut() -> None:
    line = Line("0x", 10, 0, WAD + 1, 0, 3 * WAD + WAD // 2)
    assert collateral_of([line]) == (WAD + 1) * (3 * WAD + WAD // 2) // WAD * 10 // WAD == 35
    assert collateral_of([line._replace(rate=1, price=WAD - 1, tokens=WAD)]) == 0


def test_a_small_account_that_is_safe_or_held_up() -> None:
    safe = position(small(9_000, 5_000).chain()).scope
    assert (safe.reason, safe.health_after) == ("so small an account is closed as a whole", None)
    for symbol, action, why in (
        ("ETH", "seizing", "seizing this collateral is paused"),
        ("USDC", "liquidating", "liquidating this debt is paused"),
    ):
        fake = small(9_000, 8_000)
        fake.token(symbol).paused = (action,)
        assert position(fake.chain()).scope.blocked == why


@pytest.mark.parametrize(("owed", "bonus"), [({"USDC": 10**9}, 10_400), ({}, 11_000)])
def test_vai_is_liquidated_at_the_collaterals_own_incentive_whatever_the_pool(owed: dict[str, int], bonus: int) -> None:
    """1.100050 are 11,000 basis points and half of one."""
    weights = {"ETH": (80 * WAD // 100, 85 * WAD // 100, 104 * WAD // 100)}
    fake = venus(weights=weights, pool=1, owed=owed, vai=0 if owed else 1_000 * WAD)
    fake.tokens = [replace(each, incentive=110_005 * WAD // 100_000) for each in fake.tokens]
    found = position(fake.chain())
    assert found.health.verified
    assert found.scope.bonus == bonus


def test_of_a_liquidation_every_figure_is_cut() -> None:
    """A collateral of 300 dollars and some cannot pay for half of 1,000."""
    fake = venus(tokens={"ETH": 15 * WAD // 100})
    fake.tokens = [replace(each, price=200_012_345_678) if each.symbol == "ETH" else each for each in fake.tokens]
    found = position(fake.chain())
    scope, price = found.scope, 200_012_345_678 * 10**10
    assert scope.reason == "all of this collateral"
    assert scope.close_factor == scope.max_debt * 10_000 // (1_000 * 10**6)
    assert scope.max_debt * 10_000 % (1_000 * 10**6), "something to cut"
    assert price * scope.seized % WAD, "something to cut"
    assert scope.loss == price * scope.seized // WAD - scope.max_debt * 10**12


def test_what_a_small_account_is_may_change_and_forced_liquidation_does_not_ask() -> None:
    chain = small(9_000, 8_000).chain()
    market = opened(chain)
    for least, reason in ((89 * WAD, "50 % of this debt"), (0, "50 % of this debt"), (None, "so small an account")):
        result = REVERT if least is None else least.to_bytes(32)
        chain.put(ENTRY, abi.LEAST_COLLATERAL, result=result)
        reading = run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)
        (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[WALLET], WALLET)
        assert found.scope.reason.startswith(reason)
    forced = small(9_000, 8_000)
    forced.token("USDC").deprecated = True
    assert position(forced.chain()).scope.reason == "all of this debt"
    beside = small(9_000, 1_000, 7_500)
    beside.token("USDC").deprecated = True
    scope = position(beside.chain()).scope
    assert (scope.debt.symbol, scope.reason, scope.blocked) == ("USDC", "all of this debt", "")


def test_a_small_account_without_debt_has_nothing_to_close() -> None:
    assert position(small(9_000, 0).chain()).scope is None
    assert position(small(0, 8_000).chain()).scope is None
