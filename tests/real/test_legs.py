"""What Aave tells of a single asset: the parts of which health is made, and what is shown beside them.

Health is compared with the pool's own account view in `test_walks`; a part could still be wrong where it counts little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.model import Side
from tests.lab import abi
from tests.lab.errors import LabRevert
from tests.lab.market import wallet as wallet_of
from tests.lab.node import RpcError
from tests.real.cases_aave import aave_v2, aave_v3
from tests.real.conformance import ROUNDING
from tests.real.reader import GENERATIONS, watches

if TYPE_CHECKING:
    from tests.lab.lab import Lab
    from tests.real.cases_aave import Aave

OF_A_USER = "getUserReserveData(address,address)->" + ",".join(["uint256"] * 7 + ["uint40", "bool"])
OF_RESERVE_V3 = "getReserveData(address)->" + ",".join(["uint256"] * 11 + ["uint40"])
OF_RESERVE_V2 = "getReserveData(address)->" + ",".join(["uint256"] * 9 + ["uint40"])
VARIABLE_RATE_V3, VARIABLE_RATE_V2 = 6, 4


@pytest.fixture(params=("aave30", "aave36", "aave-v2"))
def case(request: pytest.FixtureRequest) -> Aave:
    if request.param == "aave-v2":
        lab, _ = request.getfixturevalue("populated_aave_v2")
        return aave_v2(lab, request.getfixturevalue("aave_v2"))
    return aave_v3(request.getfixturevalue("populated"), request.param)


def test_every_leg_is_what_the_data_provider_tells_of_it(case: Aave) -> None:
    old = case.adapter.protocol == "aave-v2"
    of_reserve, place = (OF_RESERVE_V2, VARIABLE_RATE_V2) if old else (OF_RESERVE_V3, VARIABLE_RATE_V3)
    case.node.mine(dt=86_400)
    seen, at_own_rate = 0, 0
    for key, found in case.positions().items():
        for leg in found.legs:
            told = case.node.view(case.market.data_provider, OF_A_USER, leg.asset.address, key.wallet)
            supplied, fixed, variable, _, _, fixed_rate, earned, _, used = told
            if leg.side is Side.COLLATERAL:
                assert (leg.amount, leg.rate) == (supplied, earned), (found, leg)
                assert used or not leg.counts
            else:
                assert leg.amount == fixed + variable, (found, leg)
                paid = case.node.view(case.market.data_provider, of_reserve, leg.asset.address)[place]
                expected = (fixed * fixed_rate + variable * paid) // (fixed + variable)
                assert abs(leg.rate - expected) <= 1, (found, leg)
                at_own_rate += fixed > 0
            seen += 1
    assert seen > 50
    assert at_own_rate > (2 if case.adapter.protocol == "aave-v2" else -1)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_more_fits_under_a_cap_than_is_said(populated: Lab, generation: str) -> None:
    """What is put beside a limit is more than the interest of a second on all that is there."""
    market, user = populated.markets[generation], wallet_of("fills a cap")
    node, weth, usdc = market.node, market.tokens["WETH"], market.tokens["USDC"]
    market.supply(user, "WETH", 1_000 * weth.unit)
    market.borrow(user, "USDC", 1_000 * usdc.unit)
    totals = {token: node.view(market.data_provider, OF_RESERVE_V3, token.address) for token in (weth, usdc)}
    node.do(market.configurator, "setSupplyCap(address,uint256)", weth.address, sum(totals[weth][1:3]) // weth.unit + 7)
    node.do(market.configurator, "setBorrowCap(address,uint256)", usdc.address, totals[usdc][4] // usdc.unit + 700)
    watch = watches(populated)[generation]
    watch.wallets = [user.lower()]

    def rooms() -> list[int]:
        watch.discover()
        found = [leg.cap_room for leg in watch.positions()[user.lower()].legs]
        assert None not in found
        return [room for room in found if room is not None]

    little, cents = weth.unit // 100, usdc.unit
    held, _ = rooms()
    assert 6 * weth.unit < held < 8 * weth.unit
    with pytest.raises(LabRevert, match=r"SupplyCapExceeded|51"):
        market.supply(user, "WETH", held + little)
    market.supply(user, "WETH", held - little)
    _, owed = rooms()
    assert 600 * usdc.unit < owed < 800 * usdc.unit
    with pytest.raises(LabRevert, match=r"BorrowCapExceeded|50"):
        market.borrow(user, "USDC", owed + cents)
    market.borrow(user, "USDC", owed - cents)
    held, owed = rooms()
    assert (held <= little, owed <= cents) == (True, True)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_month_after_the_last_update_just_what_is_said_fits_under_a_cap(populated: Lab, generation: str) -> None:
    """The pool first mints the treasury its part of a month's interest."""
    market, user, case = populated.markets[generation], wallet_of("waits for a cap"), aave_v3(populated, generation)
    usdc, month = market.tokens["USDC"], 30 * 86_400
    market.supply(user, "WETH", 10**6 * 10**18)
    market.supply(user, "USDC", usdc.unit)
    market.borrow(user, "USDC", 1_000 * usdc.unit)
    _, _, supplied, _, owed, *_ = market.node.view(market.data_provider, OF_RESERVE_V3, usdc.address)
    for what, total in ("Supply", supplied), ("Borrow", owed):
        market.configure(f"set{what}Cap(address,uint256)", usdc.address, total // usdc.unit * 11 // 10)
    market.provision(user, "USDC", supplied)
    market.node.mine(dt=month)
    case.wallets = [user.lower()]
    case.open()
    (found,) = case.positions().values()
    rooms = {leg.side: leg.cap_room or 0 for leg in found.legs if leg.asset.symbol == "USDC"}

    def fits(side: Side, amount: int) -> bool:
        """At the block that was read."""
        supply, borrow = "supply(address,uint256,address,uint16)", "borrow(address,uint256,uint256,uint16,address)"
        how = (supply, amount, user, 0) if side is Side.COLLATERAL else (borrow, amount, 2, 0, user)
        data = "0x" + abi.encode(how[0], usdc.address, *how[1:]).hex()
        try:
            call = {"to": market.pool, "data": data, "from": user}
            market.node.rpc("eth_call", call, {"blockHash": case.block.hash})
        except RpcError:
            return False
        return True

    for side, room in rooms.items():
        assert room > 10**6 * usdc.unit
        assert fits(side, room)
        assert not fits(side, room + ROUNDING)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_no_more_is_in_a_pool_than_is_said(populated: Lab, generation: str) -> None:
    market, user = populated.markets[generation], wallet_of("empties a pool")
    unit = market.tokens["LINK"].unit
    market.supply(user, "LINK", 2_000_000 * unit // 4)
    market.supply(user, "WBTC", 500 * 10**8)
    watch = watches(populated)[generation]
    watch.wallets = [user.lower()]
    watch.discover()
    legs = {leg.asset.symbol: leg for leg in watch.positions()[user.lower()].legs}
    cash = legs["LINK"].pool_cash
    assert cash
    whole = market.node.view(market.data_provider, OF_A_USER, legs["LINK"].asset.address, user)[0]
    assert cash > whole, "others have supplied too"
    market.borrow(user, "LINK", cash - whole // 2)
    legs = {leg.asset.symbol: leg for leg in watch.positions()[user.lower()].legs if leg.side is Side.COLLATERAL}
    cash = legs["LINK"].pool_cash
    assert cash
    assert cash < whole
    with pytest.raises(LabRevert):
        market.withdraw(user, "LINK", cash + 1)
    market.withdraw(user, "LINK", cash)
    assert {leg.pool_cash for leg in watch.positions()[user.lower()].legs if leg.asset.symbol == "LINK"} == {0}
