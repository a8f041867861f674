"""What does not answer, changes or is no market, and what that makes of those who hold it."""

from __future__ import annotations

from typing import Any

import eth_abi
import pytest

from liqtui.core.reads import Failure, PlanFailed
from liqtui.core.sources import USUAL_MULTICALL3, ChainSpec, MarketRef, placed
from liqtui.core.units import SECONDS_PER_YEAR, WAD
from liqtui.protocols import compound_v2_abi as abi
from liqtui.protocols import price_sources
from liqtui.protocols.shipped import deployment
from tests.protocols.compound_v2_fake import (
    ADAPTER,
    BLOCK,
    ENTRY,
    ORACLE,
    REF,
    REVERT,
    WALLET,
    Fake,
    Token,
    held,
    loan,
    opened,
    position,
    read,
    venus,
)
from tests.protocols.fake import NOBODY, addr, run


def test_an_oracle_that_does_not_tell_its_feeds() -> None:
    found = position(loan(feeds="").chain())
    assert found.health.verified
    assert found.feeds == ()
    assert all("not proven" in quote.notes[0] for quote in found.quotes)


def test_a_feed_that_does_not_give_the_price_is_not_believed() -> None:
    chain = loan().chain()
    chain.set(addr("feedETH"), price_sources.LATEST_ROUND_DATA, types=["uint256"] * 5, value=[1, 7, 8, 9, 1])
    eth = position(chain).quotes[0]
    assert (eth.price, eth.source) == (2_000 * WAD, NOBODY)
    chain.put(addr("feedETH"), price_sources.DECIMALS, result=REVERT)
    assert position(chain).quotes[0].source == NOBODY


def test_prices_that_are_missing() -> None:
    chain = loan().chain()
    chain.put(ORACLE, abi.GET_UNDERLYING_PRICE, addr("cETH"), result=REVERT)
    found = position(chain)
    assert found.health.raw is None
    assert found.health.verdict is False
    assert "gives no price for ETH" in found.health.reason
    assert (found.collateral_value, found.threshold, found.scope) == (None, None, None)
    assert [name for name, _ in found.facts] == ["comptroller", "oracle"]


@pytest.mark.parametrize("getter", ["rate", "debt"])
def test_interest_that_is_not_known_is_not_ignored(getter: str) -> None:
    chain = loan().chain()
    if getter == "rate":
        chain.put(addr("cETH"), abi.EXCHANGE_RATE_CURRENT, result=REVERT)
    else:
        chain.put(addr("cUSDC"), abi.BORROW_BALANCE_CURRENT, WALLET, result=REVERT)
    found = position(chain)
    assert found.health.raw is None
    assert "up to this block is not known" in found.health.reason
    assert any("without the interest since its last update" in leg.notes for leg in found.legs)


@pytest.mark.parametrize(("error", "said"), [(13, "error 13 PRICE_ERROR"), (99, "error 99")])
def test_an_error_of_the_comptroller_is_no_zero(error: int, said: str) -> None:
    fake = loan()
    fake.users[WALLET].error = error
    found = position(fake.chain())
    assert found.health.reason.endswith(f"it answers {said}")
    assert (found.health.reported, found.health.verdict) == (None, None)


def test_without_the_comptrollers_word_nothing_is_verified() -> None:
    chain = loan().chain()
    for target, data in list(chain.results):
        if target == USUAL_MULTICALL3:
            chain.results[target, data] = REVERT
    market, reading = read(chain)
    assert reading.market.rounding is None
    (found,) = ADAPTER.evaluate(market, BLOCK, reading.market, reading.accounts[WALLET], WALLET)
    assert (found.health.raw, found.health.reported) == (16 * WAD // 10, None)
    assert found.health.reason == "the comptroller does not tell the liquidity: it does not answer"


def test_another_multicall() -> None:
    ref, elsewhere = MarketRef("compound-v2", 324, "test market", ENTRY), "0x" + "ab" * 20
    zksync = ChainSpec(324, "zksync", multicall3=elsewhere)
    assert opened(loan().chain(), placed(ref, zksync)).multicall == elsewhere
    for usual in (ChainSpec(1, "ethereum"), ChainSpec(1, "none", multicall3="")):
        assert placed(ref, usual) is ref
    own = MarketRef("compound-v2", 324, "test market", ENTRY, (("multicall3", "0x" + "CD" * 20),))
    assert opened(loan().chain(), placed(own, zksync)).multicall == "0x" + "cd" * 20


@pytest.mark.parametrize(
    ("target", "getter", "result", "said"),
    [
        (ENTRY, abi.GET_ASSETS_IN, REVERT, "did not tell which markets"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, REVERT, "its ETH could not be read: revert"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, eth_abi.encode(["uint256"] * 4, [9, 0, 0, 0]), "ETH .* error 9"),
        (addr("cETH"), abi.GET_ACCOUNT_SNAPSHOT, eth_abi.encode(["uint256"] * 4, [0, 1, 0, 0]), "rate of zero"),
        (ENTRY, abi.GET_ASSETS_IN, eth_abi.encode(["address[]"], [[addr("new")]]), "listed after"),
    ],
)
def test_an_account_that_cannot_be_read_says_why(target: str, getter: Any, result: Any, said: str) -> None:
    chain = loan().chain()
    chain.put(target, getter, WALLET, result=result)
    account = held(chain)
    assert isinstance(account, ValueError)
    with pytest.raises(ValueError, match=said):
        raise account


def test_a_market_that_cannot_be_read_is_an_error_of_its_holders() -> None:
    chain = loan().chain()
    chain.put(ENTRY, abi.MARKETS, addr("cETH"), result=REVERT)
    _, reading = read(chain)
    assert reading.errors == ("market ETH could not be read: revert",)
    assert f"its market {addr('cETH')} could not be read" in str(reading.accounts[WALLET])


def test_vai_that_cannot_be_read() -> None:
    chain = venus().chain()
    chain.put(addr("vaic"), abi.GET_VAI_REPAY_AMOUNT, WALLET, result=REVERT)
    assert isinstance(held(chain), ValueError)


def test_contracts_that_change_are_noticed() -> None:
    chain = loan().chain()
    market = opened(chain)

    def changed() -> bool:
        return run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain).changed

    assert not changed()
    chain.set(ENTRY, abi.GET_ALL_MARKETS, types="address[]", value=[addr("cETH")])
    assert changed()
    chain.put(ENTRY, abi.GET_ALL_MARKETS, result=REVERT)
    chain.put(ENTRY, abi.ORACLE, result=REVERT)
    assert not changed()
    chain.set(ENTRY, abi.ORACLE, types="address", value=addr("other"))
    assert changed()


def test_another_implementation_behind_the_comptroller_is_noticed() -> None:
    chain = loan(implementation=addr("first")).chain()
    market = opened(chain)

    def changed() -> bool:
        return run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain).changed

    assert not changed()
    chain.set(ENTRY, abi.COMPTROLLER_IMPLEMENTATION, types="address", value=addr("second"))
    assert changed()
    chain.put(ENTRY, abi.COMPTROLLER_IMPLEMENTATION, result=REVERT)
    assert not changed()


def test_one_underlying_listed_twice_is_told_apart() -> None:
    tokens = [Token("WBTC", 10**8, decimals=8), Token("WBTC2", 10**8, decimals=8, underlying=addr("WBTC"))]
    chain = Fake(tokens=tokens, users={}).chain()
    chain.set(addr("WBTC"), abi.SYMBOL, types="string", value="WBTC")
    market = opened(chain)
    assets = [info.asset for info in market.tokens.values()]
    assert [asset.address for asset in assets] == [addr("cWBTC"), addr("cWBTC2")]
    assert len({asset.symbol for asset in assets}) == 2
    assert all(asset.symbol.startswith("WBTC·") for asset in assets)


@pytest.mark.parametrize(
    ("target", "getter", "result", "said"),
    [
        (ENTRY, abi.ORACLE, REVERT, "not a comptroller"),
        (ENTRY, abi.CLOSE_FACTOR, b"", "not a comptroller"),
        (ENTRY, abi.GET_ALL_MARKETS, eth_abi.encode(["address[]"], [[]]), "makes no sense"),
        (ENTRY, abi.GET_ALL_MARKETS, eth_abi.encode(["address[]"], [[NOBODY, NOBODY]]), "makes no sense"),
        (addr("cUSDC"), abi.UNDERLYING, Failure("unread"), "cannot be read: unread"),
        (addr("USDC"), abi.DECIMALS, REVERT, "cannot be read: revert"),
        (addr("USDC"), abi.DECIMALS, eth_abi.encode(["uint256"], [77]), "77 decimals"),
    ],
)
def test_what_is_no_market_is_refused_in_words(target: str, getter: Any, result: Any, said: str) -> None:
    chain = loan().chain()
    chain.put(target, getter, result=result)
    with pytest.raises(PlanFailed, match=said):
        opened(chain)


@pytest.mark.parametrize(
    ("getter", "args"),
    [
        (abi.VAI_CONTROLLER, ()),
        (abi.LIQUIDATOR_CONTRACT, ()),
        (abi.COMPTROLLER_IMPLEMENTATION, ()),
        (abi.IS_FORCED, (addr("cETH"),)),
        (abi.IS_FORCED_FOR_USER, (ENTRY, addr("cETH"))),
        (abi.MARKETS, (addr("cETH"),)),
        (abi.LEAST_COLLATERAL, ()),
        (abi.PROTOCOL_PAUSED, ()),
    ],
)
def test_a_rule_that_nobody_could_ask_about_is_not_a_rule_that_is_not_there(getter: Any, args: tuple[str, ...]) -> None:
    """Else a debt that may be liquidated whatever the health would look safe until the market is opened again."""
    chain = venus().chain()
    chain.put(ENTRY, getter, *args, result=Failure("unread", "no gas"))
    with pytest.raises(PlanFailed, match=r"cannot be read: .* unread"):
        opened(chain)


def test_symbols_that_say_nothing() -> None:
    chain = loan().chain()
    chain.put(addr("USDC"), abi.SYMBOL, result=REVERT)
    chain.put(addr("cETH"), abi.UNDERLYING, result=Failure("short"))
    market = opened(chain)
    eth, usdc = market.tokens.values()
    assert eth.asset.symbol == "ETH"
    assert usdc.asset.symbol.startswith("0x")
    assert usdc.source == NOBODY


def test_a_close_factor_is_needed() -> None:
    chain = loan().chain()
    market = opened(chain)
    chain.put(ENTRY, abi.CLOSE_FACTOR, result=REVERT)
    with pytest.raises(ValueError, match="the comptroller tells no close factor: revert"):
        run(ADAPTER.refresh(market, BLOCK, {WALLET: frozenset()}), chain)


def test_the_shipped_paces_are_those_of_blocks() -> None:
    """Who takes an older pace shows rates that are too low, and interest that runs out too late."""
    paces = deployment("compound-v2")["blocks_per_year"]
    assert {chain: SECONDS_PER_YEAR / blocks for chain, blocks in paces.items()} == {"1": 12, "56": 0.45, "204": 0.25}
    assert REF.protocol == ADAPTER.protocol
