"""Aave v3's own contracts: what the conformance suite does not ask of every protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.results import Direction, FactorKind
from tests.lab.walk import LIQUIDATOR
from tests.real.overrides import WhatIf, feed_at
from tests.real.reader import GENERATIONS, watches

if TYPE_CHECKING:
    from tests.lab.lab import Lab

TOO_HEALTHY = {"45", "HealthFactorNotBelowThreshold"}


def test_discovery_finds_all_that_hold_something_and_nobody_else(populated: Lab) -> None:
    for name, watch in watches(populated).items():
        wallets = {position.wallet.lower(): position.name for position in populated.positions[name]}
        missing = {wallets[wallet] for wallet in wallets.keys() - watch.hints.keys()}
        assert missing == {"emptied"}
        held = {wallets[wallet]: hint for wallet, hint in watch.hints.items()}
        ids = {reserve.asset.symbol: i for i, reserve in watch.opened.reserves.items()}
        assert held["all switched off"] == {ids["USDC"]}
        assert held["one switched off"] == {ids["WBTC"]}
        assert held["supply only, never collateral"] == {ids["PT-sUSDe"]}
        assert held["weth usdc"] == frozenset()


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_liquidation_goes_through_on_one_side_only(populated: Lab, generation: str) -> None:
    market = populated.markets[generation]
    with market.node.batch():
        for symbol, token in market.tokens.items():
            market.provision(LIQUIDATOR, symbol, 10**9 * token.unit)
    watch = watches(populated)[generation]
    ask, tried = WhatIf(watch), 0
    for wallet, found in watch.positions().items():
        for boundary in boundaries(found.book, found.feeds):
            if boundary.price is None or boundary.kind is not FactorKind.FACTOR or found.scope is None:
                continue
            safer = 1 if boundary.direction is Direction.FALLS else -1
            feed = boundary.factor.rpartition(":")[2]
            here = ask.refusal(wallet, found.scope, feed_at(feed, boundary.price))
            there = ask.refusal(wallet, found.scope, feed_at(feed, boundary.price + safer))
            assert here in {"", "MustNotLeaveDust"}, (here, found, boundary)
            assert there in TOO_HEALTHY, (there, found, boundary)
            tried += 1
    assert tried >= 60
