"""What the detail says of pools and liquidations, against what the contracts themselves answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.format import bps, bps_of
from liqtui.core.model import ENGINE_LINES, Side
from liqtui.core.units import BPS, WAD
from tests.real.reader import Watch
from tests.real.test_aave_v2 import V2Watch
from tests.real.test_compound_v2 import Watch as CompoundWatch
from tests.real.test_morpho import Watch as MorphoWatch

if TYPE_CHECKING:
    from liqtui.core.model import Leg, Position
    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket
    from tests.lab.morpho import MorphoLab


def legs_of(positions: dict[str, Position]) -> dict[str, Leg]:
    """One leg for each asset that anybody holds or owes."""
    return {leg.asset.address: leg for found in positions.values() for leg in found.legs}


def aave_utilization(market: AaveMarket | AaveV2Market, asset: str, *, virtual: bool) -> int:
    """Debt tokens ÷ (debt tokens + what can be withdrawn), basis points, by the tokens' own words."""
    node = market.node
    getter = "getReserveTokensAddresses(address)->address,address,address"
    held, fixed, variable = node.view(market.data_provider, getter, asset)
    lent = sum(node.view(each, "totalSupply()->uint256") for each in (fixed, variable) if int(each, 16))
    cash = node.view(asset, "balanceOf(address)->uint256", held)
    if virtual:
        cash = node.view(market.pool, "getVirtualUnderlyingBalance(address)->uint256", asset)
    return lent * BPS // (lent + cash) if lent else 0


@pytest.mark.parametrize("name", ["aave30", "aave36"])
def test_aave_v3(populated: Lab, name: str) -> None:
    market = populated.markets[name]
    watch = Watch(populated, market, [position.wallet for position in populated.positions[name]])
    found = watch.positions()
    lent = {asset: leg.utilization for asset, leg in legs_of(found).items()}
    assert lent == {asset: aave_utilization(market, asset, virtual=name == "aave36") for asset in lent}
    assert max(lent.values()) > 0
    for position in found.values():
        assert tuple(dict(position.engine)) == ENGINE_LINES
        taken = [leg for leg in position.legs if leg.side is Side.COLLATERAL and leg.counts]
        getter = "getLiquidationProtocolFee(address)->uint256"
        fees = {leg.asset.symbol: populated.node.view(market.data_provider, getter, leg.asset.address) for leg in taken}
        said = dict(position.engine)
        assert said["protocol fee"] == (f"{bps_of(fees)} of the bonus" if any(fees.values()) else "none")
        assert said["bonus"] == bps_of({leg.asset.symbol: max(0, leg.bonus - BPS) for leg in taken})


def test_aave_v2(populated_aave_v2: tuple[Lab, AaveV2Market]) -> None:
    lab, market = populated_aave_v2
    found = V2Watch(lab, market).positions()
    lent = {asset: leg.utilization for asset, leg in legs_of(found).items()}
    assert lent == {asset: aave_utilization(market, asset, virtual=False) for asset in lent}
    assert max(lent.values()) > 0
    said = {dict(position.engine)["how much"] for position in found.values()}
    assert said == {"up to half of one debt in a call"}


def test_compound_v2(populated_compound_v2: CompoundMarket) -> None:
    market, watch = populated_compound_v2, CompoundWatch(populated_compound_v2)
    reading = watch.read()
    node = market.node
    close = node.view(market.comptroller, "closeFactorMantissa()->uint256")
    incentive = node.view(market.comptroller, "liquidationIncentiveMantissa()->uint256")
    states = {state.info.address: state for state in reading.market.tokens.values()}
    assert states
    for token, state in states.items():
        cash, lent, kept = (
            node.view(token, f"{name}()->uint256") for name in ("getCash", "totalBorrows", "totalReserves")
        )
        assert (state.utilization, state.cash) == (lent * BPS // (cash + lent - kept), cash)
        assert (state.borrow_room, state.supply_room, state.info.share) == (None, None, None), "before caps and shares"
    for wallet, account in reading.accounts.items():
        (position,) = watch.adapter.evaluate(watch.opened, watch.block, reading.market, account, wallet)
        said = dict(position.engine)
        assert tuple(said) == ENGINE_LINES
        assert said["how much"].startswith(f"up to {bps(close * BPS // WAD)} of one debt in a call")
        if any(leg.side is Side.COLLATERAL and leg.counts for leg in position.legs):
            assert said["bonus"] == bps((incentive - WAD) * BPS // WAD)
            assert said["protocol fee"] == "none told"


def test_morpho(populated_morpho: MorphoLab) -> None:
    watch = MorphoWatch(populated_morpho)
    node, seen = populated_morpho.lab.node, 0
    for position in watch.positions().values():
        market = "market(bytes32)->uint128,uint128,uint128,uint128,uint128,uint128"
        supplied, _, lent, *_ = node.view(populated_morpho.address, market, bytes.fromhex(position.key.market_id[2:]))
        owed = [leg.utilization for leg in position.legs if leg.side is Side.DEBT]
        assert owed in ([], [lent * BPS // supplied])
        assert {leg.pool_cash for leg in position.legs if leg.side is Side.DEBT} <= {supplied - lent}
        seen += len(owed)
        assert tuple(dict(position.engine)) == ENGINE_LINES
    assert seen
