"""What the newest Compound v2 has and the first has not: run by `python -m tests.real.built compound-v2 FOLDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.severity import liquidatable
from liqtui.core.units import WAD
from tests.lab.compound_v2 import raw
from tests.lab.market import wallet as wallet_of
from tests.real.cases_compound import compound_v2
from tests.real.rooms import just_fits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.compound_later import LaterMarket

USER = wallet_of("c2 eth usdc").lower()
CHANGES: dict[str, Callable[[LaterMarket], object]] = {
    "USDC borrow cap none → 987,654,321": lambda market: market.do(
        market.comptroller, "_setMarketBorrowCaps(address[],uint256[])", [market.tokens["USDC"]], [987_654_321 * 10**6]
    ),
    "ETH: adding is paused": lambda market: market.do(
        market.comptroller, "_setMintPaused(address,bool)", market.tokens["ETH"], True
    ),
    "seizing collateral is paused": lambda market: market.do(market.comptroller, "_setSeizePaused(bool)", True),
}


@pytest.mark.parametrize("words", CHANGES)
def test_a_change_of_the_market_is_one_alert(compound_later: LaterMarket, words: str) -> None:
    _, after = compound_v2(compound_later).watched(USER, lambda: CHANGES[words](compound_later))
    (told,) = [alert for alert in after.alerts if alert.kind == "parameters"]
    assert words in told.text


def test_just_what_is_said_can_be_taken_out_and_fits_under_a_cap(compound_later: LaterMarket) -> None:
    just_fits(compound_later, "_setMarket{}Caps(address[],uint256[])", ("Borrow",))


def test_the_protocols_share_is_told(compound_later: LaterMarket) -> None:
    (found,) = compound_v2(compound_later).positions([USER]).values()
    assert dict(found.engine)["protocol fee"] == "2.8% of what is taken"


def close_down(market: LaterMarket, symbol: str) -> None:
    token = market.tokens[symbol]
    market.do(market.comptroller, "_setCollateralFactor(address,uint256)", token, 0)
    market.do(market.comptroller, "_setBorrowPaused(address,bool)", token, True)
    market.do(token, "_setReserveFactor(uint256)", WAD)


@pytest.mark.parametrize(("eth", "debt"), [("40", "EURS"), ("33.5", "USDC")])
def test_beside_a_debt_that_is_closed_down_another_needs_a_shortfall(
    compound_later: LaterMarket, eth: str, debt: str
) -> None:
    """A little EURS and much USDC. What the scope names goes through, all of it or half; the other does not."""
    market, user = compound_later, wallet_of("owes in a closed market")
    with market.node.batch():
        market.supply(user, "ETH", raw(market, "ETH", "40"))
        market.enter(user, "ETH")
        market.borrow(user, "EURS", raw(market, "EURS", "5000"))
        market.borrow(user, "USDC", raw(market, "USDC", "60000"))
    with market.node.batch():
        market.redeem(user, "ETH", raw(market, "ETH", "40") - raw(market, "ETH", eth))
    close_down(market, "EURS")
    case = compound_v2(market)
    case.wallets = [user.lower()]
    case.discover()
    if debt == "USDC":
        market.set_price("ETH", 2_300 * 10**8)
    ((key, _),) = case.positions().items()
    found, _ = case.foreseen(key)
    assert found is not None
    assert liquidatable(found)
    assert found.scope is not None
    assert (found.scope.debt.symbol, found.scope.blocked) == (debt, "")
    case.liquidate(found, found.scope)
    assert [event.debt.amount for event in case.events([key.wallet]) if event.debt] == [found.scope.max_debt]
