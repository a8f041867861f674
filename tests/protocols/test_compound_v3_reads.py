"""What a round reads of a Comet, what does not answer, and contracts that change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.reads import Failure
from liqtui.core.severity import liquidatable
from liqtui.core.units import WAD
from liqtui.protocols import compound_v3_abi as comet
from tests.protocols.comet_fake import (
    ADAPTER,
    ALICE,
    BLOCK,
    BOB,
    COMET,
    INFO,
    Asset,
    Fake,
    User,
    borrower,
    fake,
    opened,
    position,
    read,
)
from tests.protocols.fake import NOW, addr, feed, run

if TYPE_CHECKING:
    from liqtui.protocols.abi import Function


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
