"""What keeps a liquidationCall of Aave v3 from going through although health allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import eth_abi
import pytest

from liqtui.core.units import MAX_UINT256
from tests.lab import abi
from tests.lab.errors import LabRevert
from tests.lab.market import wallet as wallet_of
from tests.lab.walk import LIQUIDATOR
from tests.real.cases_aave import LIQUIDATE
from tests.real.reader import GENERATIONS, watches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.model import Position
    from liqtui.core.results import Scope
    from tests.lab.lab import Lab
    from tests.lab.node import Receipt
    from tests.real.reader import Watch

EVENT = abi.event_topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")


def provision(lab: Lab, generation: str) -> None:
    market = lab.markets[generation]
    with market.node.batch():
        for symbol, token in market.tokens.items():
            market.provision(LIQUIDATOR, symbol, 10**9 * token.unit)


def look(watch: Watch, wallet: str, later: int = 0) -> Position:
    watch.hints = {wallet: frozenset()}
    return watch.evaluate(watch.read(later), wallet)


def liquidate(watch: Watch, wallet: str, scope: Scope, amount: int = MAX_UINT256) -> Receipt:
    """In the next block, one second after the head."""
    watch.lab.node.rpc("evm_setNextBlockTimestamp", watch.lab.node.timestamp + 1)
    pair = scope.collateral.address, scope.debt.address
    done = watch.lab.node.do(watch.market.pool, LIQUIDATE, *pair, wallet, amount, False, sender=LIQUIDATOR)
    assert done is not None
    return done


def taken(receipt: Receipt) -> tuple[int, int]:
    """Debt repaid, and collateral that the liquidator got."""
    (event,) = [log for log in receipt.logs if log.topics[0] == EVENT]
    repaid, got, _, _ = eth_abi.decode(["uint256", "uint256", "address", "bool"], event.data)
    return repaid, got


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_paused_reserve_blocks_what_health_allows(populated: Lab, generation: str) -> None:
    provision(populated, generation)
    populated.markets[generation].pause("LINK")
    watch = watches(populated)[generation]
    wallet = dict(populated.positions[generation])["large and liquidatable"].lower()
    found = look(watch, wallet)
    assert found.book.liquidatable()
    assert found.scope.blocked == "LINK is paused"
    assert ("paused" in {flag.code for flag in found.flags}, found.health.verified) == (True, True)
    with pytest.raises(LabRevert, match=r"ReservePaused|29"):
        liquidate(watch, wallet, found.scope)


def test_a_grace_period_blocks_until_it_is_over(populated: Lab) -> None:
    provision(populated, "aave36")
    populated.markets["aave36"].set_grace_period("LINK", 3_600)
    watch = watches(populated)["aave36"]
    wallet = dict(populated.positions["aave36"])["large and liquidatable"].lower()
    found = look(watch, wallet)
    assert found.scope.blocked == "LINK is in a liquidation grace period"
    assert "grace" in {flag.code for flag in found.flags}
    with pytest.raises(LabRevert, match="LiquidationGraceSentinelCheckFailed"):
        liquidate(watch, wallet, found.scope)
    populated.node.mine(dt=3_600)
    found = look(watch, wallet, later=1)
    assert found.scope.blocked == ""
    assert taken(liquidate(watch, wallet, found.scope))[0] == found.scope.max_debt


def test_an_amount_that_leaves_dust_is_refused_and_ours_is_not(populated: Lab) -> None:
    provision(populated, "aave36")
    market, user = populated.markets["aave36"], wallet_of("dusty")
    market.supply(user, "WETH", 10**18)
    market.supply(user, "USDC", 1_000 * 10**6)
    market.borrow(user, "DAI", 2_450 * 10**18)
    populated.assets.pairs["ETH / USD"].set(2_010 * 10**8)
    watch = watches(populated)["aave36"]
    found = look(watch, user.lower(), later=1)
    assert (found.scope.reason, found.scope.collateral.symbol) == ("what leaves no dust", "WETH")
    with pytest.raises(LabRevert, match="MustNotLeaveDust"):
        liquidate(watch, user, found.scope)
    # a unit of DAI more may round to the same WETH; a thousandth of a cent more does not
    found = look(watch, user.lower(), later=1)
    with pytest.raises(LabRevert, match="MustNotLeaveDust"):
        liquidate(watch, user, found.scope, found.scope.max_debt + 10**13)
    found = look(watch, user.lower(), later=1)
    assert taken(liquidate(watch, user, found.scope, found.scope.max_debt))[0] == found.scope.max_debt


@pytest.mark.parametrize(
    ("supplied", "owed", "ether", "reason"),
    [
        ({"WETH": 10**18}, {"DAI": 1_900 * 10**18}, 2_250, "small position: all of this debt"),
        (
            {"WETH": 10**18, "USDC": 1_500 * 10**6},
            {"DAI": 2_800 * 10**18},
            1_950,
            "all of this collateral",
        ),
        (
            {"WETH": 2 * 10**18},
            {"DAI": 2_500 * 10**18, "EURS": 1_200 * 10**2},
            2_230,
            "what leaves no dust",
        ),
    ],
    ids=["a debt under 2,000", "a collateral under 2,000", "too little debt left"],
)
def test_either_side_alone_may_be_small(
    populated: Lab, supplied: Mapping[str, int], owed: Mapping[str, int], ether: int, reason: str
) -> None:
    """Health is between 0.95 and 1 throughout, and only one of the two sides is near its limit."""
    provision(populated, "aave36")
    market, user = populated.markets["aave36"], wallet_of(f"one side small at {ether}")
    for symbol, amount in supplied.items():
        market.supply(user, symbol, amount)
    for symbol, amount in owed.items():
        market.borrow(user, symbol, amount)
    populated.assets.pairs["ETH / USD"].set(ether * 10**8)
    watch = watches(populated)["aave36"]
    found = look(watch, user.lower(), later=1)
    assert 95 * 10**16 < found.health.raw < 10**18
    scope = found.scope
    assert (scope.reason, scope.blocked, scope.debt.symbol) == (reason, "", "DAI")
    if reason == "what leaves no dust":
        with pytest.raises(LabRevert, match="MustNotLeaveDust"):
            liquidate(watch, user, scope)
        found = look(watch, user.lower(), later=1)
        with pytest.raises(LabRevert, match="MustNotLeaveDust"):
            liquidate(watch, user, scope, found.scope.max_debt + 10**13)
        scope = look(watch, user.lower(), later=1).scope
    amount = scope.max_debt if reason == "what leaves no dust" else MAX_UINT256
    assert taken(liquidate(watch, user, scope, amount))[0] == scope.max_debt
