"""Whether just so much as is said fits under the caps of a Compound v2 market, and is there to be taken out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.model import Side
from tests.lab import abi
from tests.lab.market import wallet
from tests.lab.node import RpcError
from tests.real.cases_compound import compound_v2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.compound_v2 import CompoundMarket

SYMBOL = "USDC"
_GETTERS = ("getCash()->uint256", "totalBorrows()->uint256", "totalReserves()->uint256")
_MINUTES = 60


def just_fits(market: CompoundMarket, signature: str = "", kinds: Sequence[str] = ()) -> None:
    """Blocks after the last interest, a unit more than is said is refused: to supply, to borrow and to take out.

    `kinds`: "Supply", "Borrow", where there are such caps; `signature`: of what sets one, with {} for its kind.
    """
    user, token = wallet("tries limits"), market.tokens[SYMBOL]
    cash, lent, kept = (market.node.view(token, each) for each in _GETTERS)
    assert kept
    with market.node.batch():
        market.supply(user, SYMBOL, 2 * cash)
        market.supply(user, "WBTC", 10**6 * market.units["WBTC"])
        market.enter(user, SYMBOL, "WBTC")
        market.borrow(user, SYMBOL, cash + cash // 2)
        market.do(market.underlying[SYMBOL], "provision(address,address,uint256)", user, token, 10 * cash, sender=user)
        for kind in kinds:
            most = lent + (4 if kind == "Supply" else 2) * cash
            market.do(market.comptroller, signature.format(kind), [token], [most])
    market.node.mine(_MINUTES, dt=60)
    case = compound_v2(market)
    case.wallets = [user.lower()]
    case.open()
    (found,) = case.positions().values()
    legs = {leg.side: leg for leg in found.legs if leg.asset.symbol == SYMBOL}

    def done(what: str, amount: int) -> bool:
        request = {"to": token, "data": "0x" + abi.encode(f"{what}(uint256)", amount).hex(), "from": user}
        try:
            answer = market.node.rpc("eth_call", request, {"blockHash": case.block.hash})
        except RpcError:
            return False
        return not int(answer, 16)

    held, owed = legs[Side.COLLATERAL], legs[Side.DEBT]
    limits = {"redeemUnderlying": held.pool_cash, "borrow": owed.cap_room if "Borrow" in kinds else owed.pool_cash}
    limits |= {"mint": held.cap_room} if "Supply" in kinds else {}
    for what, limit in limits.items():
        assert limit, what
        assert done(what, limit), (what, limit)
        assert not done(what, limit + 1), (what, limit)
