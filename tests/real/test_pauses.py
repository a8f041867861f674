"""Actions that Venus and Compound pause, and caps, on their own contracts: what is said, and what they then refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.severity import liquidatable
from liqtui.protocols.compound_v2_pauses import Action
from tests.lab.market import wallet as wallet_of
from tests.real.cases_compound import compound_v2 as case_of

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.venus import VenusCore, VenusMarket
    from tests.real.cases_compound import CompoundCase

NUMBERS = {action: number for number, action in enumerate(Action)}
NAME = "c2 eth usdc tight"
USER = wallet_of(NAME).lower()


@pytest.fixture(params=["venus_core", "venus_pool"])
def venus(request: pytest.FixtureRequest) -> VenusMarket:
    return request.getfixturevalue(request.param)


def pause(market: VenusMarket, symbol: str, action: Action, *, on: bool = True) -> None:
    signature = "setActionsPaused(address[],uint8[],bool)"
    market.do(market.comptroller, signature, [market.tokens[symbol]], [NUMBERS[action]], on)


def position(case: CompoundCase) -> Position:
    (found,) = case.positions([USER]).values()
    return found


def refused(case: CompoundCase, found: Position) -> bool:
    """Whether the contracts refuse the liquidation that was said; nothing stays of the attempt."""
    assert found.scope is not None
    branch = case.lab.snapshot()
    case.liquidate(found, found.scope)
    told = case.events([USER])
    case.lab.revert(branch)
    return not told


@pytest.mark.parametrize(
    ("symbol", "action", "stops"),
    [
        ("ETH", Action.SEIZE, True),
        ("USDC", Action.LIQUIDATE, True),
        ("USDC", Action.REPAY, True),
        ("USDC", Action.BORROW, False),
        ("ETH", Action.ADD, False),
        ("ETH", Action.WITHDRAW, False),
        ("ETH", Action.LIQUIDATE, False),
        ("USDC", Action.SEIZE, False),
        ("LINK", Action.SEIZE, False),
    ],
)
def test_what_is_paused_is_said_and_stops_what_it_stops(
    venus: VenusMarket, symbol: str, action: Action, stops: bool
) -> None:
    venus.set_price("ETH", 2_000 * 10**8)
    pause(venus, symbol, action)
    case = case_of(venus)
    found = position(case)
    assert liquidatable(found)
    assert found.health.verified
    assert found.scope is not None
    mine = (symbol == "ETH" and action in {Action.ADD, Action.WITHDRAW, Action.SEIZE}) or (
        symbol == "USDC" and action in {Action.BORROW, Action.REPAY, Action.LIQUIDATE}
    )
    text = [flag.text for flag in found.flags if flag.code == "paused"]
    shown = {"ETH": "WETH"}.get(symbol, symbol)
    assert text == ([f"{shown}: {action} is paused"] if mine else [])
    assert bool(found.scope.blocked) is stops
    assert refused(case, found) is stops


def test_a_paused_core_pool_liquidates_nobody(venus_core: VenusCore) -> None:
    venus_core.set_price("ETH", 2_000 * 10**8)
    venus_core.do(venus_core.comptroller, "_setProtocolPaused(bool)", True)
    case = case_of(venus_core)
    found = position(case)
    assert found.health.verified
    assert found.scope is not None
    assert found.scope.blocked == "the whole protocol is paused"
    assert refused(case, found)


def test_a_cap_of_zero_takes_nothing_more(venus: VenusMarket) -> None:
    """In Venus. In Compound it is none."""
    tokens = venus.tokens
    for what, symbol in (("Supply", "ETH"), ("Borrow", "USDC")):
        venus.do(venus.comptroller, f"setMarket{what}Caps(address[],uint256[])", [tokens[symbol]], [0])
    held, owed = position(case_of(venus)).legs
    assert (held.cap, held.cap_room, owed.cap, owed.cap_room) == (0, 0, 0, 0)
    before = [venus.node.view(tokens[each], "totalSupply()->uint256") for each in ("ETH", "USDC")]
    with venus.node.batch(check=False):
        venus.supply(USER, "ETH", 10**18)
        venus.borrow(USER, "USDC", 10**6)
    assert [venus.node.view(tokens[each], "totalSupply()->uint256") for each in ("ETH", "USDC")] == before
    held_after, _ = position(case_of(venus)).legs
    assert abs(held_after.amount - held.amount) <= held.amount // 10**5


def test_pauses_of_compound_are_said(compound_v2: CompoundMarket) -> None:
    market = compound_v2
    for action, symbol in (("Mint", "ETH"), ("Borrow", "USDC")):
        market.do(market.comptroller, f"_set{action}Paused(address,bool)", market.tokens[symbol], True)
    found = position(case_of(market))
    assert found.health.verified
    assert [flag.text for flag in found.flags] == ["ETH: adding is paused", "USDC: borrowing is paused"]
    assert found.scope is not None
    assert found.scope.blocked == ""
