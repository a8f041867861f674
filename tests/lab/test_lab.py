"""The laboratory proves itself: these are the protocols' own contracts, and they behave."""

from __future__ import annotations

import httpx
import pytest

from tests.lab.assets import STEEP_RATES, AssetSpec
from tests.lab.errors import LabRevert
from tests.lab.feeds import Breakage
from tests.lab.lab import MULTICALL3, Lab
from tests.lab.market import MAX, AaveMarket, wallet
from tests.lab.node import Node

ALICE, BOB = wallet("alice"), wallet("bob")
ETHER = 10**18


@pytest.fixture(params=["aave30", "aave36"])
def market(request: pytest.FixtureRequest, lab_state: Lab) -> AaveMarket:
    return lab_state.markets[request.param]


def borrow_against_weth(market: AaveMarket, user: str = ALICE) -> None:
    market.supply(user, "WETH", 10 * ETHER)
    market.borrow(user, "USDC", 19_000 * 10**6)


def test_generations(lab: Lab) -> None:
    assert {name: market.revision for name, market in lab.markets.items()} == {"aave30": 1, "aave36": 10}


def test_account_data_is_what_was_supplied_and_borrowed(market: AaveMarket) -> None:
    borrow_against_weth(market)
    data = market.account_data(ALICE)
    assert data.collateral == pytest.approx(25_000 * 10**8, rel=1e-8)
    assert data.debt == pytest.approx(19_000 * 10**8, rel=1e-8)
    assert (data.ltv, data.threshold) == (8000, 8250)
    assert data.health / 1e18 == pytest.approx(25_000 * 0.8250 / 19_000, rel=1e-6)


def test_interest_accrues(market: AaveMarket) -> None:
    borrow_against_weth(market)
    before = market.account_data(ALICE)
    market.node.mine(dt=86400)
    after = market.account_data(ALICE)
    assert after.debt > before.debt
    assert after.collateral > before.collateral


def test_a_feed_moves_every_price_built_on_it(market: AaveMarket) -> None:
    market.feeds["WETH"].set(2_000 * 10**8)
    assert market.price("WETH") == 2_000 * 10**8
    assert market.price("wstETH") == 2_440 * 10**8
    assert market.feeds["WETH"].updated_at == market.node.timestamp
    market.ratio.set(120 * 10**16)
    assert market.price("wstETH") == 2_400 * 10**8


def test_swapped_aggregator_keeps_the_proxy(market: AaveMarket) -> None:
    feed = market.feeds["LINK"]
    before = feed.aggregator
    feed.replace_aggregator(14 * 10**8)
    assert feed.aggregator != before
    assert market.price("LINK") == 14 * 10**8
    feed.set(13 * 10**8)
    assert market.price("LINK") == 13 * 10**8


def test_liquidation_only_below_one(market: AaveMarket) -> None:
    borrow_against_weth(market)
    with pytest.raises(LabRevert) as refused:
        market.liquidate(BOB, ALICE, "WETH", "USDC")
    assert refused.value.reason == ("45" if market.revision == 1 else "HealthFactorNotBelowThreshold")
    market.feeds["WETH"].set(2_200 * 10**8)
    assert market.health(ALICE) < ETHER
    receipt = market.liquidate(BOB, ALICE, "WETH", "USDC")
    assert receipt is not None
    assert receipt.status == 1
    assert receipt.logs
    assert market.account_data(ALICE).debt < 19_000 * 10**8


def test_efficiency_mode_raises_the_threshold(market: AaveMarket) -> None:
    market.set_emode(ALICE, 1)
    market.supply(ALICE, "wstETH", 10 * ETHER)
    market.borrow(ALICE, "WETH", 11 * ETHER)
    assert market.account_data(ALICE).threshold == 9500


def test_two_decimals(market: AaveMarket) -> None:
    market.supply(ALICE, "EURS", 1_000_00)
    market.borrow(ALICE, "EURS", 333_33)
    data = market.account_data(ALICE)
    assert data.collateral == pytest.approx(1080 * 10**8, abs=2 * 10**6)
    assert market.owed(ALICE, "EURS") in (333_33, 333_34)


def test_isolation_lends_only_what_isolation_may(market: AaveMarket) -> None:
    market.supply(ALICE, "CRV", 10_000 * ETHER)
    if not market.account_data(ALICE).collateral:
        market.set_collateral(ALICE, "CRV", True)
    with pytest.raises(LabRevert):
        market.borrow(ALICE, "WETH", ETHER // 10)
    market.borrow(ALICE, "DAI", 1_000 * ETHER)
    assert market.account_data(ALICE).threshold == 6000


def test_base_threshold_zero_counts_in_its_category(aave36: AaveMarket) -> None:
    aave36.set_emode(ALICE, 3)
    aave36.supply(ALICE, "PT-sUSDe", 1_000 * ETHER)
    if not aave36.account_data(ALICE).collateral:
        aave36.set_collateral(ALICE, "PT-sUSDe", True)
    aave36.borrow(ALICE, "USDC", 800 * 10**6)
    assert aave36.account_data(ALICE).threshold == 9000


def test_changed_threshold_reaches_live_positions(market: AaveMarket) -> None:
    borrow_against_weth(market)
    before = market.health(ALICE)
    market.set_reserve_params("WETH", ltv=7000, lt=7500)
    assert market.health(ALICE) < before
    market.set_ltv_zero("WETH")
    assert market.reserve_params("WETH") == (0, 7500, 10500)


def test_pauses(market: AaveMarket) -> None:
    borrow_against_weth(market)
    market.feeds["WETH"].set(2_200 * 10**8)
    market.pause("USDC")
    with pytest.raises(LabRevert):
        market.liquidate(BOB, ALICE, "WETH", "USDC")
    market.pause("USDC", False)
    market.pause_pool()
    with pytest.raises(LabRevert):
        market.repay(ALICE, "USDC", 10**6)
    market.pause_pool(False)
    market.freeze("USDC")
    market.repay(ALICE, "USDC")
    assert market.account_data(ALICE).health == MAX


def test_grace_period(aave36: AaveMarket) -> None:
    borrow_against_weth(aave36)
    aave36.feeds["WETH"].set(2_200 * 10**8)
    aave36.set_grace_period("WETH", 3600)
    with pytest.raises(LabRevert):
        aave36.liquidate(BOB, ALICE, "WETH", "USDC")
    aave36.node.mine(dt=3601)
    assert aave36.liquidate(BOB, ALICE, "WETH", "USDC") is not None


HOSTILE = "[bold red]E\x1b[31mVIL\u202e[/]\n"


def test_hostile_symbols_can_be_listed(market: AaveMarket) -> None:
    assets = market.assets
    assets.new_bytes32_token("MKR", 18)
    assets.new_feed("MKR / USD", 1_800 * 10**8)
    for symbol in (HOSTILE, "MKR"):
        market.list_asset(AssetSpec(symbol, 18, "MKR / USD", 6000, 7000, 10700, STEEP_RATES, 0, 0))
        market.supply(ALICE, symbol, 3 * ETHER)
    market.borrow(ALICE, "MKR", ETHER)
    assert assets.node.view(market.tokens[HOSTILE].address, "symbol()->string") == HOSTILE
    assert assets.node.view(market.tokens["MKR"].address, "symbol()->bytes32").rstrip(b"\0") == b"MKR"
    assert market.account_data(ALICE).collateral == pytest.approx(6 * 1_800 * 10**8, rel=1e-8)


@pytest.mark.parametrize("breakage", Breakage)
def test_a_broken_source_hides_the_account(market: AaveMarket, breakage: Breakage) -> None:
    borrow_against_weth(market)
    market.supply(ALICE, "LINK", ETHER)
    market.break_source("LINK", breakage)
    with pytest.raises(LabRevert):
        market.account_data(ALICE)
    market.mend_source("LINK")
    assert market.health(ALICE) > ETHER


def test_a_hanging_node_answers_later(lab: Lab) -> None:
    with Node(lab.node.binary) as node:
        node.hang()
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(node.url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}, timeout=0.2)
        node.resume()
        assert node.block_number == 0


def test_snapshot_restores_everything(lab_state: Lab) -> None:
    node, market = lab_state.node, lab_state.markets["aave36"]
    snapshot, block, moment = node.snapshot(), node.block_number, node.timestamp
    borrow_against_weth(market)
    market.feeds["WETH"].set(10**8)
    node.mine(dt=10**6)
    node.revert(snapshot)
    assert (node.block_number, node.timestamp) == (block, moment)
    assert market.price("WETH") == 2_500 * 10**8
    assert market.account_data(ALICE).collateral == 0
    node.mine()
    assert node.timestamp == moment + 1


def test_multicall_is_at_its_canonical_address(lab: Lab) -> None:
    assert lab.node.view(MULTICALL3, "getCurrentBlockTimestamp()->uint256") == lab.node.timestamp
    assert lab.node.view(MULTICALL3, "getBlockNumber()->uint256") == lab.node.block_number


def test_outage_keeps_the_chain(lab: Lab) -> None:
    with Node(lab.node.binary) as node:
        node.mine(3)
        node.rpc("anvil_setCode", ALICE, "0x60")
        port, moment = node.port, node.timestamp
        node.stop()
        node.start()
        assert (node.port, node.block_number, node.timestamp) == (port, 3, moment)
        assert node.rpc("eth_getCode", ALICE, "latest") == "0x60"
        node.mine()
        assert node.timestamp == moment + 1
