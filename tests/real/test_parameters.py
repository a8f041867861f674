"""A market that changes its rules under a live position says so once, with health before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.positions import Shape, open_shape
from tests.real.cases_aave import aave_v3

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

CHANGES: dict[str, Callable[[AaveMarket], object]] = {
    "threshold": lambda market: market.set_reserve_params("WETH", lt=market.reserve_params("WETH").lt - 200),
    "bonus": lambda market: market.set_reserve_params("WETH", bonus=market.reserve_params("WETH").bonus + 100),
    "cap": lambda market: market.configure("setSupplyCap(address,uint256)", market._asset("WETH"), 987_654),
    "frozen": lambda market: market.freeze("WETH"),
    "paused": lambda market: market.pause("WETH"),
}


@pytest.mark.parametrize("word", CHANGES)
def test_a_change_of_the_market_is_one_alert(populated: Lab, word: str) -> None:
    case = aave_v3(populated, "aave36")
    market = populated.markets["aave36"]
    with case.node.batch():
        wallet = open_shape(market, Shape(f"rules {word}", {"WETH": "10"}, {"USDC": "12000"})).wallet

    def happens() -> None:
        CHANGES[word](market)

    before, after = case.watched(wallet.lower(), happens)
    assert [alert for alert in before.alerts if alert.kind == "parameters"] == []
    (told,) = [alert for alert in after.alerts if alert.kind == "parameters"]
    facts = dict(told.facts)
    assert word in f"{told.text} {facts}".lower()
    assert {"health", "health_before"} <= facts.keys(), facts
    row = after.rows[0]
    assert row.position is not None
    assert (facts["health"] < facts["health_before"]) == (word == "threshold")
