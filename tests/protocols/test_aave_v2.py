"""Aave v2: what differs from v3, without a chain. The figures themselves are held against the real contracts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import eth_abi
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.model import Side
from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.risk import complete
from liqtui.core.sources import MarketRef
from liqtui.core.units import BPS, HEALTH_INFINITE, RAY, SECONDS_PER_YEAR, WAD
from liqtui.protocols import aave_v2_abi as v2
from liqtui.protocols import aave_v3_abi as aave
from liqtui.protocols.aave_v2 import AaveV2, reserve_data, rules
from liqtui.protocols.aave_v3_math import Side as Part
from liqtui.protocols.aave_v3_math import compounded, normalized_debt, seize
from tests.protocols.fake import BLOCK, NOBODY, NOW, ORACLE, POOL, PROVIDER, USDC, WETH, Asset, Chain, Fake, User, addr
from tests.protocols.fake import run as run_plan

if TYPE_CHECKING:
    from liqtui.protocols.abi import Function

REF = MarketRef("aave-v2", 31337, "test market", PROVIDER)
ADAPTER = AaveV2()
WALLET = addr("user")
RATES = st.integers(0, 5 * RAY)
TIMES = st.integers(0, 10 * SECONDS_PER_YEAR)


class FakeV2(Fake):
    """The v3 fake in v2's words: prices in ether, no caps, no categories."""

    def chain(self) -> Chain:
        self.revision = 1  # stable debt tokens, no virtual accounting
        chain = super().chain()
        chain.set(PROVIDER, v2.GET_LENDING_POOL, types="address", value=POOL)
        chain.set(POOL, v2.LENDINGPOOL_REVISION, types="uint256", value=2)
        chain.set(POOL, aave.PAUSED, types="bool", value=False)
        chain.set(ORACLE, aave.WETH, types="address", value=self.asset("WETH").address)
        for getter in (aave.BASE_CURRENCY, aave.BASE_CURRENCY_UNIT):
            chain.put(ORACLE, getter, result=Failure("revert"))
        for asset in self.assets:
            chain.set(POOL, aave.GET_RESERVE_DATA, asset.address, types=TYPES, value=raw_data(asset))
        return chain


TYPES = ["uint256"] * 7 + ["address"] * 4 + ["uint8"]


def raw_data(asset: Asset) -> list[Any]:
    tokens = [asset.token("a"), asset.token("s"), asset.token("v"), NOBODY]
    rates = [asset.index, asset.debt_index, asset.supply_rate, asset.borrow_rate, 0]
    return [asset.config, *rates, asset.updated, *tokens, asset.id]


def loan(**change: Any) -> FakeV2:
    """Two ether against 3,000 USDC at 4e14 wei each: 0.8250 × 2 ÷ 1.2."""
    assets = [replace(WETH, price=WAD, fee=0), replace(USDC, price=4 * 10**14, fee=0, **change)]
    said = (2 * WAD, 12 * WAD // 10, 4 * WAD // 10, 8250, 8000, 1_375 * 10**15)
    user = User({"WETH": 2 * WAD}, {"USDC": 3_000 * 10**6}, reported=said)
    return FakeV2(assets=assets, users={WALLET: user})


def opened(chain: Chain) -> Any:
    return run_plan(ADAPTER.open(REF, BLOCK), chain)


def read(chain: Chain) -> Any:
    market = opened(chain)
    return market, run_plan(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)


def position(chain: Chain) -> Any:
    market, reading = read(chain)
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[WALLET], WALLET)
    return found


def test_a_loan_in_ether() -> None:
    chain = loan().chain()
    found = position(chain)
    assert found.health.verified
    assert (found.base_symbol, found.base_decimals, found.health.raw) == ("ETH", 18, 1_375 * 10**15)
    assert (found.collateral_value, found.debt_value) == (2 * WAD, 12 * WAD // 10)
    assert [leg.side for leg in found.legs] == [Side.COLLATERAL, Side.DEBT]
    assert found.scope.max_debt == 1_500 * 10**6
    assert found.scope.seized == 63 * WAD // 100
    assert chain.steps == 2
    assert [each.label for each in complete(found).boundaries] == ["USDC", "USDC"]
    assert str(found.key) == f"31337:aave-v2:test market:{WALLET}"


def test_without_debt_there_is_nothing_to_reach() -> None:
    fake = loan()
    fake.users[WALLET] = User({"WETH": WAD}, reported=(WAD, 0, 0, 8250, 8000, HEALTH_INFINITE))
    found = position(fake.chain())
    assert found.health.verified
    assert complete(found).boundaries == ()


def test_stable_debt_counts_by_its_own_balance() -> None:
    fake = loan()
    fake.users[WALLET].fixed["USDC"] = 600 * 10**6
    found = position(fake.chain())
    assert found.legs[1].amount == 3_600 * 10**6
    assert found.legs[1].rate == RAY // 60  # a sixth of it at a tenth
    assert not found.health.verified


@pytest.mark.parametrize(("said", "codes"), [(True, ["paused"]), (False, [])])
def test_a_pause_of_the_pool_is_said(said: bool, codes: list[str]) -> None:
    chain = loan().chain()
    chain.set(POOL, aave.PAUSED, types="bool", value=said)
    found = position(chain)
    assert [flag.code for flag in found.flags] == codes
    assert found.scope.blocked == ("the pool is paused" if said else "")


def test_a_pool_that_does_not_tell_whether_it_is_paused_is_an_error() -> None:
    chain = loan().chain()
    chain.put(POOL, aave.PAUSED, result=Failure("revert"))
    _, reading = read(chain)
    assert reading.errors == ("the pool does not tell whether it is paused",)
    assert not reading.market.paused


def test_an_unknown_revision_is_always_marked() -> None:
    chain = loan().chain()
    chain.set(POOL, v2.LENDINGPOOL_REVISION, types="uint256", value=7)
    found = position(chain)
    assert found.health.raw == found.health.reported
    assert not found.health.confirmed
    assert "revision 7" in found.health.reason
    assert [flag.code for flag in found.flags] == ["unverified"]
    assert found.revision == "7 (unknown)"


@pytest.mark.parametrize("mark", [NOBODY, "0x10f7fc1f91ba351f9c629c5947ad69bd03c05b96"])
def test_a_market_in_dollars(mark: str) -> None:
    chain = loan().chain()
    chain.put(ORACLE, aave.WETH, result=Failure("revert"))
    chain.set(ORACLE, aave.BASE_CURRENCY, types="address", value=mark)
    chain.set(ORACLE, aave.BASE_CURRENCY_UNIT, types="uint256", value=10**8)
    market = opened(chain)
    assert (market.base_symbol, market.base_decimals, market.base_asset) == ("USD", 8, NOBODY)


@pytest.mark.parametrize(
    ("target", "function", "said"),
    [
        (PROVIDER, v2.GET_LENDING_POOL, r"is not the LendingPoolAddressesProvider .*: getLendingPool\(\)"),
        (POOL, v2.LENDINGPOOL_REVISION, "its pool .* gave revert"),
        (ORACLE, aave.WETH, "its pool .* or oracle .* gave revert"),
    ],
)
def test_what_is_no_market_is_refused_in_words(target: str, function: Function, said: str) -> None:
    chain = loan().chain()
    chain.put(target, function, result=Failure("revert"))
    with pytest.raises(PlanFailed, match=said):
        opened(chain)


def test_the_order_of_v3_is_refused() -> None:
    chain, weth = loan().chain(), replace(WETH, supply_rate=RAY // 50)
    types = ["uint256"] * 8 + ["address"] * 4 + ["uint256"] * 3
    tokens = [weth.token(kind) for kind in "asv"]
    chain.set(
        POOL,
        aave.GET_RESERVE_DATA,
        weth.address,
        types=types,
        value=[weth.config, RAY, RAY // 50, RAY, 0, 0, NOW, 0, *tokens, NOBODY, 0, 0, 0],
    )
    with pytest.raises(PlanFailed, match="is this an Aave v2 pool"):
        opened(chain)


def test_reserve_data_in_its_own_order() -> None:
    asset = replace(USDC, index=2 * RAY, debt_index=3 * RAY, supply_rate=4, borrow_rate=5)
    found = reserve_data(eth_abi.encode(TYPES, raw_data(asset)))
    assert (found.income, found.debt_index, found.supply_rate, found.borrow_rate) == (2 * RAY, 3 * RAY, 4, 5)
    assert (found.updated_at, found.id, found.a_token) == (NOW, 1, asset.token("a"))
    assert (found.stable_debt, found.variable_debt) == (asset.token("s"), asset.token("v"))
    with pytest.raises(ValueError, match="352 bytes"):
        reserve_data(bytes(352))


@given(rate=RATES, seconds=TIMES)
def test_interest_is_cut_to_whole_rays_per_second(rate: int, seconds: int) -> None:
    found = compounded(rate, seconds, polynomial=False, per_second=True)
    x = Fraction(rate // SECONDS_PER_YEAR, RAY)
    series = 1 + x * seconds
    series += x**2 * seconds * max(0, seconds - 1) / 2
    series += x**3 * seconds * max(0, seconds - 1) * max(0, seconds - 2) / 6
    off = Fraction(2 + seconds**2 + seconds**3, RAY)  # half a ray in the square and in the cube of the rate
    assert abs(Fraction(found, RAY) - series) <= off
    assert found >= RAY
    index = normalized_debt(3 * RAY, rate, seconds, polynomial=False, per_second=True)
    assert index == 3 * RAY if not seconds else abs(index - 3 * found) <= 2


amounts = st.integers(1, 10**30)
prices = st.integers(1, 10**22)
units = st.integers(0, 24).map(lambda places: 10**places)


@given(held=amounts, owed=amounts, paid=prices, asked=prices, one=units, two=units, bonus=st.integers(BPS, 2 * BPS))
def test_a_seizure_rounds_after_the_bonus(
    *, held: int, owed: int, paid: int, asked: int, one: int, two: int, bonus: int
) -> None:
    repay = (owed + 1) // 2
    found = seize(rules(2), Part(held, paid, one), Part(owed, asked, two), repay, bonus=bonus, fee=0)
    exact = Fraction(asked * repay * one * bonus, paid * two * BPS)
    assert found.fee == 0
    assert 0 <= found.seized <= held
    if found.seized < held:
        assert found.repaid == repay
        assert abs(found.seized - exact) <= 1 + Fraction(1, paid * two)


def test_rules_of_all_revisions_are_one() -> None:
    assert rules(1)._replace(revision=2) == rules(2)
    assert rules(3)._replace(revision=2, known=True) == rules(2)
    assert [revision for revision in range(5) if rules(revision).known] == [1, 2]
    assert rules(2).stable_debt


def test_every_selector_is_that_of_its_signature() -> None:
    for each in (v2.GET_LENDING_POOL, v2.LENDINGPOOL_REVISION, aave.PAUSED, aave.WETH):
        assert keccak(text=each.signature)[:4] == each.selector
