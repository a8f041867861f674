"""Pre-liquidation: contracts beside Morpho Blue that liquidate in parts, and earlier, who has authorised them.

Source: PreLiquidation.sol of morpho-org/pre-liquidation. The contract may act while the loan-to-value is above its own
limit and not above the market's; what it takes grows in between. Its limit is compared as Morpho compares its own, so
that an account which has authorised one has, in effect, a lower liquidation loan-to-value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.reads import Failure
from liqtui.core.units import WAD, mul_div_down, mul_div_up
from liqtui.protocols.abi import address, as_address, uint, words
from liqtui.protocols.morpho_blue_abi import PRE_ID, PRE_MORPHO, PRE_PARAMS
from liqtui.protocols.morpho_blue_math import PRICE_SCALE, to_assets_down, to_assets_up
from liqtui.protocols.morpho_blue_state import PreLiquidation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.reads import Call, Result
    from liqtui.protocols.abi import Function
    from liqtui.protocols.morpho_blue_math import Loan
    from liqtui.protocols.morpho_blue_state import MarketInfo


_GETTERS = (PRE_ID, PRE_MORPHO, PRE_PARAMS)


def getters_of(candidates: Iterable[str]) -> dict[Any, Call]:
    """What tells whether an address is such a contract, by (getter, address)."""
    return {(getter, each): getter.at(each) for each in candidates for getter in _GETTERS}


def unasked(candidates: Iterable[str], found: Mapping[Any, Result]) -> tuple[str, ...]:
    """Those of which it is not known what they are, for nobody could put the questions of `getters_of` to them."""

    def failed(getter: Function, candidate: str) -> bool:
        result = found[getter, candidate]
        return isinstance(result, Failure) and result.kind == "unread"

    return tuple(each for each in candidates if any(failed(of, each) for of in _GETTERS))


def proven(
    morpho: str, candidate: str, found: Mapping[Any, Result], markets: Mapping[str, MarketInfo]
) -> PreLiquidation | None:
    """The terms of a contract for one of these markets; None for anything else, and for terms that its code refuses."""
    try:
        market, owner = f"0x{uint(found[PRE_ID, candidate]):064x}", address(found[PRE_MORPHO, candidate])
        lltv, *parts, oracle = words(found[PRE_PARAMS, candidate], 6)
        terms = PreLiquidation(candidate, market, lltv, (parts[0], parts[1]), (parts[2], parts[3]), as_address(oracle))
    except ValueError:
        return None
    if owner != morpho or market not in markets:
        return None
    (least, most), (first, last), limit = terms.close, terms.incentive, markets[market].params.lltv
    sound = lltv < limit and least <= min(most, WAD) and WAD <= first <= last <= mul_div_down(WAD, WAD, limit)
    return terms if sound else None


class Taken(NamedTuple):
    """The most that one pre-liquidation takes."""

    seized: int
    """Raw collateral units."""
    repaid: int
    """Raw loan units."""
    shares: int
    incentive: int
    """1e18-scaled."""


def take(terms: PreLiquidation, loan: Loan, price: int, limit: int) -> Taken:
    """By its largest close factor at this price; for a loan that is not in reach yet, as at the edge.

    `limit`: the market's own liquidation loan-to-value. `price`: of the contract's oracle, not 0.
    """
    quoted = mul_div_down(loan.collateral, price, PRICE_SCALE)
    ltv = mul_div_up(loan.owed, WAD, quoted) if quoted else limit
    way = mul_div_down(min(max(ltv, terms.lltv), limit) - terms.lltv, WAD, limit - terms.lltv)
    incentive, close = (low + mul_div_down(way, high - low, WAD) for low, high in (terms.incentive, terms.close))
    shares = min(loan.shares, mul_div_down(loan.shares, close, WAD))
    value = mul_div_down(to_assets_down(shares, loan.totals), incentive, WAD)
    seized = min(loan.collateral, mul_div_down(value, PRICE_SCALE, price))
    return Taken(seized, to_assets_up(shares, loan.totals), shares, incentive)
