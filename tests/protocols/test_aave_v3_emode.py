"""What an eMode category replaces for its members, and what happens when it does not answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liqtui.core.reads import Failure
from liqtui.protocols import aave_v3_abi as aave
from tests.protocols.aave_v3_loan import ALICE, LOAN, codes, loan, with_asset
from tests.protocols.fake import (
    ORACLE,
    POOL,
    Category,
    Fake,
    addr,
    position,
    read,
)


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
