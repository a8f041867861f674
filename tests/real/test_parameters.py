"""A market that changes its rules under a live position says so once, with health before and after: every lender.

Markets of Morpho Blue cannot be changed; what an owner authorises there is in its own file.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.compound_v2 import WAD, raw
from tests.lab.market import wallet as wallet_of
from tests.lab.positions import Shape, open_shape
from tests.lab.upgrade import upgrade_comptroller
from tests.lab.venus import INCENTIVE
from tests.real.cases_aave import aave_v2, aave_v3
from tests.real.cases_compound import compound_v2 as case_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.market import AaveMarket
    from tests.real.conformance import Case

Changes = dict[str, "Callable[[Any], object]"]
HELD = "10"


def _aave_v2_weth(market: AaveV2Market, lt: int, bonus: int) -> None:
    signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
    market.configure(signature, market.tokens["WETH"].address, 7000, lt, bonus)


def _caps(what: str, symbol: str, cap: int) -> Callable[[CompoundMarket], object]:
    signature = f"setMarket{what}Caps(address[],uint256[])"
    return lambda market: market.do(market.comptroller, signature, [market.tokens[symbol]], [cap])


def _pauses(symbol: str, number: int) -> Callable[[CompoundMarket], object]:
    signature = "setActionsPaused(address[],uint8[],bool)"
    return lambda market: market.do(market.comptroller, signature, [market.tokens[symbol]], [number], True)


def _venus_factor(market: CompoundMarket) -> object:
    signature = "setCollateralFactor(address,uint256,uint256)"
    return market.do(market.comptroller, signature, market.tokens["ETH"], 80 * WAD // 100, 82 * WAD // 100)


def _closes(market: CompoundMarket, signature: str) -> object:
    return market.do(market.comptroller, signature, market.tokens["USDC"], True)


AAVE: Changes = {
    "threshold": lambda market: market.set_reserve_params("WETH", lt=market.reserve_params("WETH").lt - 200),
    "bonus": lambda market: market.set_reserve_params("WETH", bonus=market.reserve_params("WETH").bonus + 100),
    "supply cap": lambda market: market.configure("setSupplyCap(address,uint256)", market._asset("WETH"), 987_654),
    "borrow cap": lambda market: market.configure("setBorrowCap(address,uint256)", market._asset("USDC"), 987_654_321),
    "frozen": lambda market: market.freeze("WETH"),
    "paused": lambda market: market.pause("WETH"),
}
AAVE_V2: Changes = {
    "threshold": lambda market: _aave_v2_weth(market, 8000, 10_500),
    "bonus": lambda market: _aave_v2_weth(market, 8250, 10_600),
    "frozen": lambda market: market.configure("freezeReserve(address)", market._asset("WETH")),
    "paused": lambda market: market.configure("setPoolPause(bool)", True),
}
COMPOUND: Changes = {
    "threshold": lambda market: market.do(
        market.comptroller, "_setCollateralFactor(address,uint256)", market.tokens["ETH"], 80 * WAD // 100
    ),
    "bonus": lambda market: market.do(market.comptroller, "_setLiquidationIncentive(uint256)", 109 * WAD // 100),
    "paused": lambda market: _closes(market, "_setBorrowPaused(address,bool)"),
    "seizing": lambda market: market.do(market.comptroller, "_setSeizePaused(bool)", True),
}
VENUS: Changes = {
    "threshold": _venus_factor,
    "supply cap": _caps("Supply", "ETH", 987_654 * WAD),
    "borrow cap": _caps("Borrow", "USDC", 987_654_321 * 10**6),
    "repaying is paused": _pauses("USDC", 3),
    "seizing is paused": _pauses("ETH", 4),
}
MORE = INCENTIVE + WAD // 100
CORE: Changes = VENUS | {
    "bonus": lambda market: market.do(
        market.comptroller, "setLiquidationIncentive(address,uint256)", market.tokens["ETH"], MORE
    ),
    "whatever the health": lambda market: _closes(market, "_setForcedLiquidation(address,bool)"),
    "whole protocol is paused": lambda market: market.do(market.comptroller, "_setProtocolPaused(bool)", True),
}
POOL: Changes = VENUS | {
    "bonus": lambda market: market.do(market.comptroller, "setLiquidationIncentive(uint256)", MORE),
    "whatever the health": lambda market: _closes(market, "setForcedLiquidation(address,bool)"),
}
FAMILIES: dict[str, Changes] = {
    "aave30": AAVE,
    "aave36": AAVE,
    "aave_v2": AAVE_V2,
    "compound_v2": COMPOUND,
    "venus_core": CORE,
    "venus_pool": POOL,
}
ALL = [(family, word) for family, changes in FAMILIES.items() for word in changes]


def opened(request: pytest.FixtureRequest, family: str, name: str) -> tuple[Case, Any, str]:
    """The case, its market and a wallet that gave ten ether and owes dollars."""
    if family.startswith("aave3"):
        lab = request.getfixturevalue("populated")
        return _with_loan(aave_v3(lab, family), lab.markets[family], name)
    if family == "aave_v2":
        lab, market = request.getfixturevalue("populated_aave_v2")[0], request.getfixturevalue("aave_v2")
        return _with_loan(aave_v2(lab, market), market, name)
    market = request.getfixturevalue(family)
    user = wallet_of(name)
    with market.node.batch():
        market.supply(user, "ETH", raw(market, "ETH", HELD))
        market.enter(user, "ETH")
        market.borrow(user, "USDC", raw(market, "USDC", "12000"))
    return case_of(market), market, user


def _with_loan(case: Case, market: AaveMarket, name: str) -> tuple[Case, Any, str]:
    with case.node.batch():
        opened = open_shape(market, Shape(name, {"WETH": HELD}, {"USDC": "12000"}))
    return case, market, opened.wallet


@pytest.mark.parametrize(("family", "word"), ALL)
def test_a_change_of_the_market_is_one_alert(request: pytest.FixtureRequest, family: str, word: str) -> None:
    case, market, wallet = opened(request, family, f"rules {word}")
    before, after = case.watched(wallet.lower(), lambda: FAMILIES[family][word](market))
    assert [alert for alert in before.alerts if alert.kind == "parameters"] == []
    (told,) = [alert for alert in after.alerts if alert.kind == "parameters"]
    facts = dict(told.facts)
    assert word in f"{told.text} {facts}".lower()
    assert {"health", "health_before"} <= facts.keys(), facts
    (row,) = after.rows
    assert row.position is not None
    assert row.position.health.verified
    assert (facts["health"] < facts["health_before"]) == (word == "threshold")


def test_a_cap_that_an_upgrade_of_the_comptroller_brings_is_told_once(compound_v2: CompoundMarket) -> None:
    """The comptroller of the laboratory knows no caps."""
    case, user = case_of(compound_v2), wallet_of("c2 eth usdc").lower()
    happens = partial(upgrade_comptroller, compound_v2, asked="borrowCaps(address)", answer=987_654 * 10**6)
    *_, last = case.watched(user, happens, rounds=3)
    (alert,) = [alert for alert in last.alerts if alert.kind == "parameters"]
    assert "USDC borrow cap none → 987,654" in alert.text
