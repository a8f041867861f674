"""What Moonwell has and the first comptroller has not: run by `python -m tests.real.built moonwell FOLDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.market import wallet as wallet_of
from tests.lab.moonwell import SEIZE_SHARE
from tests.real.cases_compound import compound_v2
from tests.real.rooms import just_fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.moonwell import MoonwellMarket

USER = wallet_of("c2 eth usdc").lower()


def caps(what: str, symbol: str, cap: int) -> Callable[[MoonwellMarket], object]:
    signature = f"_setMarket{what}Caps(address[],uint256[])"
    return lambda market: market.do(market.comptroller, signature, [market.tokens[symbol]], [cap])


CHANGES: dict[str, Callable[[MoonwellMarket], object]] = {
    "WETH supply cap none → 987,654": caps("Supply", "ETH", 987_654 * 10**18),
    "USDC borrow cap none → 987,654,321": caps("Borrow", "USDC", 987_654_321 * 10**6),
    "WETH: adding is paused": lambda market: market.do(
        market.comptroller, "_setMintPaused(address,bool)", market.tokens["ETH"], True
    ),
    "USDC: borrowing is paused": lambda market: market.do(
        market.comptroller, "_setBorrowPaused(address,bool)", market.tokens["USDC"], True
    ),
    "seizing collateral is paused": lambda market: market.do(market.comptroller, "_setSeizePaused(bool)", True),
    "WETH liquidation threshold 82.5% → 80%": lambda market: market.do(
        market.comptroller, "_setCollateralFactor(address,uint256)", market.tokens["ETH"], 8 * 10**17
    ),
}


@pytest.mark.parametrize("words", CHANGES)
def test_a_change_of_the_market_is_one_alert(moonwell: MoonwellMarket, words: str) -> None:
    before, after = compound_v2(moonwell).watched(USER, lambda: CHANGES[words](moonwell))
    assert [alert for alert in before.alerts if alert.kind == "parameters"] == []
    (told,) = [alert for alert in after.alerts if alert.kind == "parameters"]
    assert words in told.text
    facts = dict(told.facts)
    assert (facts["health"] < facts["health_before"]) == ("threshold" in words)


def test_a_cap_of_zero_is_none(moonwell: MoonwellMarket) -> None:
    caps("Supply", "ETH", 10**18)(moonwell)
    case = compound_v2(moonwell)
    (found,) = case.positions([USER]).values()
    assert (found.legs[0].cap, found.legs[0].cap_room) == (10**18, 0)
    caps("Supply", "ETH", 0)(moonwell)
    (found,) = case.positions([USER]).values()
    assert (found.legs[0].cap, found.legs[0].cap_room) == (None, None)


def test_just_what_is_said_fits_and_can_be_taken_out(moonwell: MoonwellMarket) -> None:
    just_fits(moonwell, "_setMarket{}Caps(address[],uint256[])", ("Supply", "Borrow"))


def test_the_protocols_share_is_told(moonwell: MoonwellMarket) -> None:
    (found,) = compound_v2(moonwell).positions([USER]).values()
    assert SEIZE_SHARE == 28 * 10**15
    assert dict(found.engine)["protocol fee"] == "2.8% of what is taken"
