"""What only the first generation has: stable-rate debt, and eMode categories with a price of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.model import Side, is_liquidatable
from liqtui.core.results import FactorKind
from tests.lab.assets import ETH_CATEGORY
from tests.lab.market import wallet
from tests.lab.positions import raw
from tests.real.cases_aave import same_as_reported
from tests.real.overrides import WhatIf, asset_at
from tests.real.reader import Watch, watches
from tests.real.test_liquidation import liquidate, look, provision, taken

if TYPE_CHECKING:
    from tests.lab.lab import Lab

STABLE = 1


def borrow_stable(lab: Lab, user: str, symbol: str, amount: str) -> None:
    market = lab.markets["aave30"]
    asset = market.tokens[symbol].address
    market.configure("setReserveStableRateBorrowing(address,bool)", asset, True)
    signature = "borrow(address,uint256,uint256,uint16,address)"
    market.node.do(market.pool, signature, asset, raw(market, symbol, amount), STABLE, 0, user, sender=user)


@pytest.mark.parametrize("seconds", [1, 2, 3, 40 * 86_400])
def test_stable_debt_counts_beside_variable_debt(populated: Lab, seconds: int) -> None:
    market, user = populated.markets["aave30"], wallet("stable borrower")
    market.supply(user, "WETH", raw(market, "WETH", "10"))
    market.borrow(user, "USDC", raw(market, "USDC", "4000"))
    borrow_stable(populated, user, "USDC", "5000")
    populated.node.mine(dt=seconds)
    watch = Watch(populated, market, [user])
    reading = watch.read()
    found = watch.evaluate(reading, user.lower())
    assert same_as_reported(found, reading.accounts[user.lower()].reported)
    (debt,) = [leg for leg in found.legs if leg.side is Side.DEBT]
    assert debt.amount >= raw(market, "USDC", "9000")
    assert debt.rate > reading.market.reserves[debt_id(watch, "USDC")].borrow_rate


def debt_id(watch: Watch, symbol: str) -> int:
    return next(i for i, reserve in watch.opened.reserves.items() if reserve.asset.symbol == symbol)


def test_stable_debt_is_liquidated_with_the_rest(populated: Lab) -> None:
    market, user = populated.markets["aave30"], wallet("stable borrower")
    provision(populated, "aave30")
    market.supply(user, "WETH", raw(market, "WETH", "10"))
    market.borrow(user, "USDC", raw(market, "USDC", "4000"))
    borrow_stable(populated, user, "USDC", "9000")
    populated.assets.pairs["ETH / USD"].set(1_570 * 10**8)
    watch = Watch(populated, market, [user])
    found = look(watch, user.lower())
    assert found.book.liquidatable()
    assert found.scope.close_factor in {4_999, 5_000}
    repaid, _ = taken(liquidate(watch, user.lower(), found.scope))
    assert 0 <= repaid - found.scope.max_debt <= 50  # half of one second's interest
    assert look(watch, user.lower()).health.verified


def test_a_category_with_a_price_of_its_own(populated: Lab) -> None:
    market = populated.markets["aave30"]
    index, feed = wallet("price of the category"), populated.assets.new_feed("ETH index / USD", 2_480 * 10**8)
    market.node.do(market.oracle, "setAssetSources(address[],address[])", [index], [feed.address])
    head = (ETH_CATEGORY.id, ETH_CATEGORY.ltv, ETH_CATEGORY.lt, ETH_CATEGORY.bonus)
    signature = "setEModeCategory(uint8,uint16,uint16,uint16,address,string)"
    market.configure(signature, *head, index, ETH_CATEGORY.label)
    watch = watches(populated)["aave30"]
    wallets = dict(populated.positions["aave30"])
    reading = watch.read()
    for name in ("staking loop", "staking loop reversed", "staking loop and wbtc", "mode without debt", "weth usdc"):
        found = watch.evaluate(reading, wallets[name].lower())
        assert same_as_reported(found, reading.accounts[wallets[name].lower()].reported), name
    ask, mixed = WhatIf(watch), watch.evaluate(reading, wallets["staking loop and wbtc"].lower())
    (turn,) = [
        each
        for each in boundaries(mixed.book, mixed.feeds)
        if each.kind is FactorKind.FACTOR and each.factor.endswith(index.lower())
    ]
    at = [ask.health(mixed.key.wallet, asset_at(watch.opened.oracle, index, turn.price + step)) for step in (0, -1, 1)]
    assert is_liquidatable(at[0])
    assert sorted(map(is_liquidatable, at)) == [False, True, True]
