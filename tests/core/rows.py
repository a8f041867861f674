"""Positions and rows around a reference book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liqtui.core import rank
from liqtui.core.model import Health, Position, PositionKey, Side
from liqtui.core.reads import Block
from liqtui.core.results import Boundary, Direction, FactorKind
from liqtui.core.risk import complete
from liqtui.core.severity import severity
from liqtui.core.snapshot import Ages, Freshness, Row
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds

if TYPE_CHECKING:
    from tests.core.books import ReferenceBook

BLOCK = Block(21_000_000, "0x" + "ab" * 32, 1_700_000_000)
WALLET = "0x" + "1" * 40
AGES = Ages(2, 60, 1)


def key(market_id: str = "", wallet: str = WALLET) -> PositionKey:
    return PositionKey(1, "aave-v3", "core", wallet, market_id)


def bare(of: ReferenceBook, /, **fields: Any) -> Position:
    """As an adapter would evaluate it: figures without boundaries and rescue."""
    health = of.health()
    sums = {
        side: sum(leg.value or 0 for leg in of.legs if leg.side is side and leg.counts)
        for side in (Side.COLLATERAL, Side.DEBT)
    }
    plain: dict[str, Any] = {
        "key": key(),
        "block": BLOCK,
        "base_symbol": "USD",
        "base_decimals": 8,
        "health": Health(health, health),
        "legs": of.legs,
        "collateral_value": sums[Side.COLLATERAL],
        "debt_value": sums[Side.DEBT],
        "ltv": None,
        "max_ltv": None,
        "threshold": None,
        "quotes": tuple(of.quotes.values()),
        "book": of,
    }
    return Position(**(plain | fields))


def position(of: ReferenceBook, /, **fields: Any) -> Position:
    return complete(bare(of, **fields))


def row(of: Position | None, thresholds: Thresholds = DEFAULT_THRESHOLDS, **fields: Any) -> Row:
    found, sigmas = rank.cushion(of, {})
    plain: dict[str, Any] = {
        "key": of.key if of else key(),
        "chain": "ethereum",
        "label": "treasury",
        "severity": severity(of, thresholds),
        "freshness": Freshness.FRESH if of else Freshness.BLIND,
        "ages": AGES,
        "position": of,
        "thresholds": thresholds,
        "cushion": found,
        "sigmas": sigmas,
    }
    return Row(**(plain | fields))


def boundary(factor: str, price: int | None, now: int = 100, **fields: Any) -> Boundary:
    plain: dict[str, Any] = {
        "factor": factor,
        "kind": FactorKind.FACTOR,
        "label": factor,
        "direction": Direction.NONE if price is None else Direction.FALLS if price < now else Direction.RISES,
        "assets": (factor,),
        "price": price,
        "price_now": now,
        "decimals": 2,
    }
    return Boundary(**(plain | fields))
