"""Every shape opens in every market, and a walk of users and prices is repeatable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.errors import LabRevert
from tests.lab.market import MAX
from tests.lab.positions import Position
from tests.lab.walk import LIQUIDATOR, Walk

if TYPE_CHECKING:
    from tests.lab.lab import Lab
    from tests.lab.node import Node

GENERATIONS = ("aave30", "aave36")
ONE = 10**18


def health_of(lab: Lab, generation: str) -> dict[str, int]:
    market = lab.markets[generation]
    return {position.name: market.health(position.wallet) for position in lab.positions[generation]}


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_zoo_covers_what_it_says(populated: Lab, generation: str) -> None:
    health = health_of(populated, generation)
    assert len(health) >= 40
    assert ONE < health["health 1.0001"] < ONE * 10_002 // 10_000
    assert ONE * 9_998 // 10_000 < health["health 0.9999"] < ONE
    assert health["below the close factor"] < ONE * 95 // 100 < health["above the close factor"]
    assert health["supply only"] == health["repaid"] == MAX
    market, bad = populated.markets[generation], dict(populated.positions[generation])["bad debt"]
    data = market.account_data(bad)
    assert data.debt > data.collateral > 0


@pytest.mark.parametrize("generation", GENERATIONS)
def test_liquidatable_exactly_below_one(populated: Lab, generation: str) -> None:
    market, wallets = populated.markets[generation], dict(populated.positions[generation])
    with pytest.raises(LabRevert):
        market.liquidate(LIQUIDATOR, wallets["just above one"], "LINK", "USDC", 10**6)
    receipt = market.liquidate(LIQUIDATOR, wallets["health 0.9999"], "LINK", "USDC", 10**9)
    assert receipt is not None
    assert receipt.status == 1


def trace(lab: Lab, seed: int, steps: int) -> list[tuple[int, ...]]:
    """Prices and every health factor after each step."""
    seen = []
    for _ in Walk(lab, seed).take(steps):
        prices = tuple(market.price(symbol) for market in lab.markets.values() for symbol in ("WETH", "wstETH", "EURS"))
        seen.append((*prices, *(value for name in GENERATIONS for value in health_of(lab, name).values())))
    return seen


def transactions(node: Node, first: int) -> tuple[int, int]:
    """How many transactions succeeded and failed since a block."""
    done = failed = 0
    for number in range(first, node.block_number + 1):
        for sent in node.rpc("eth_getBlockByNumber", hex(number), False)["transactions"]:
            status = node.receipt(sent).status
            done, failed = done + status, failed + 1 - status
    return done, failed


def test_walk_is_repeatable_and_lively(populated: Lab) -> None:
    first = populated.node.block_number + 1
    snapshot = populated.snapshot()
    walked = trace(populated, 7, 12)
    done, failed = transactions(populated.node, first)
    assert populated.node.block_number == first + 11
    assert done > 2 * failed
    assert len({step[:3] for step in walked}) > 5
    populated.revert(snapshot)
    again = trace(populated, 7, 12)
    assert again == walked
    assert trace(populated, 8, 1) != again[-1:]


def test_positions_are_named_wallets(populated: Lab) -> None:
    assert all(isinstance(each, Position) for each in populated.positions["aave36"])
    assert len({each.wallet for each in populated.positions["aave36"]}) == len(populated.positions["aave36"])
