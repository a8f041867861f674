"""The public JSON of a snapshot (`check --json`, schema 1; documented in docs/check.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liqtui.core import format as fmt
from liqtui.core.model import Side, is_infinite
from liqtui.core.rank import yardstick
from liqtui.core.redact import redact
from liqtui.core.results import FactorKind
from liqtui.core.snapshot import Severity
from liqtui.core.units import HEALTH_INFINITE, WAD, decimal_string

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liqtui.core.model import Health, Leg, Position
    from liqtui.core.results import Boundary, Rescue, Scope
    from liqtui.core.snapshot import ChainState, Row, Snapshot, Volatility

SCHEMA = 1

EXIT_OK, EXIT_WARN, EXIT_CRITICAL, EXIT_BLIND = 0, 1, 2, 3

_CRITICAL = {Severity.LIQUIDATED, Severity.LIQUIDATABLE, Severity.CRITICAL}
_BLIND = {Severity.BLIND, Severity.UNKNOWN}


def worst_severity(snapshot: Snapshot, unresolved: Sequence[tuple[str, str]] = ()) -> Severity:
    """What the exit code goes by: critical or worse, then blind, then warn, then ok.

    `unresolved`: (name, why) of wallets that nobody looked at because their name has no address.
    """
    severities = {row.severity for row in snapshot.rows}
    if severities & _CRITICAL:
        return min(severities & _CRITICAL, key=lambda severity: severity.rank)
    if unresolved or snapshot.unread:
        return Severity.BLIND
    return Severity.WARN if Severity.WARN in severities else Severity.OK


def exit_code(snapshot: Snapshot, unresolved: Sequence[tuple[str, str]] = ()) -> int:
    """As monitoring plugins do: 0 ok, 1 warn, 2 critical or worse, 3 blind or unknown."""
    worst = worst_severity(snapshot, unresolved)
    if worst in _CRITICAL:
        return EXIT_CRITICAL
    if worst in _BLIND:
        return EXIT_BLIND
    return EXIT_WARN if worst is Severity.WARN else EXIT_OK


def as_json(snapshot: Snapshot, unresolved: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    errors = [{"scope": where, "kind": "unread", "detail": redact(why)} for where, why in snapshot.unread]
    errors += [{"scope": name, "kind": "ens", "detail": redact(why)} for name, why in unresolved]
    addresses = {wallet.key: wallet.address for wallet in snapshot.wallets}
    return {
        "schema": SCHEMA,
        "generated_at": datetime.fromtimestamp(snapshot.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "worst": worst_severity(snapshot, unresolved).value,
        "chains": [_chain(chain) for chain in snapshot.chains],
        "positions": [_row(row, addresses, snapshot.sigmas) for row in snapshot.rows],
        "searching": [{"scope": where, "detail": how_far} for where, how_far in snapshot.searching],
        "errors": errors,
    }


def _chain(chain: ChainState) -> dict[str, Any]:
    block = chain.block
    return {
        "chain": chain.name,
        "chain_id": chain.chain_id,
        "block": block.number if block else None,
        "block_hash": block.hash if block else None,
        "block_time": block.timestamp if block else None,
        "freshness": chain.freshness.value,
        "endpoints": {"ok": chain.endpoints_ok, "all": chain.endpoints_all},
    }


def _row(row: Row, addresses: Mapping[str, str], sigmas: Sequence[Volatility]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": row.id,
        "wallet": addresses.get(row.key.wallet, row.key.wallet),
        "label": row.label,
        "chain": row.chain,
        "chain_id": row.key.chain_id,
        "protocol": row.key.protocol,
        "brand": row.brand or None,
        "market": row.key.market,
        "severity": row.severity.value,
        "freshness": row.freshness.value,
        "ages": {"head": row.ages.head, "oracle": row.ages.oracle, "fetch": row.ages.fetch},
        "error": redact(row.error) or None,
    }
    if row.key.market_id:
        out["market_id"] = row.key.market_id
    return out | (_position(row.position, row, sigmas) if row.position else {"health": None})


def _position(position: Position, row: Row, known: Sequence[Volatility]) -> dict[str, Any]:
    base = position.base_decimals
    return {
        "block": position.block.number,
        "block_hash": position.block.hash,
        "base": {"symbol": position.base_symbol, "decimals": base},
        "revision": position.revision,
        "category": position.category or None,
        "health": _health(position.health),
        "collateral_value": _scaled(position.collateral_value, base),
        "debt_value": _scaled(position.debt_value, base),
        "ltv_bps": position.ltv,
        "max_ltv_bps": position.max_ltv,
        "threshold_bps": position.threshold,
        "collateral": [_leg(leg, position) for leg in position.legs if leg.side is Side.COLLATERAL],
        "debt": [_leg(leg, position) for leg in position.legs if leg.side is Side.DEBT],
        "boundaries": [_boundary(boundary) for boundary in position.boundaries],
        "cushion": _cushion(row, known),
        "rescue": [_rescue(rescue) for rescue in position.rescue],
        "liquidation": _scope(position.scope, base) if position.scope else None,
        "liquidation_rules": [{"name": name, "text": text} for name, text in position.engine],
        "interest_eta_seconds": position.interest_eta,
        "carry_per_year": _scaled(position.carry_per_year, base),
        "flags": [{"code": flag.code, "text": flag.text} for flag in position.flags],
    }


def _health(health: Health) -> dict[str, Any]:
    shown = health.shown
    return {
        "value": None if shown is None else "infinity" if is_infinite(shown) else decimal_string(shown, 18),
        "raw": _text(health.raw),
        "reported": _text(health.reported),
        "verified": health.verified,
        "verdict": health.verdict,
        "confirmed": health.confirmed,
        "reason": health.reason or None,
    }


def _leg(leg: Leg, position: Position) -> dict[str, Any]:
    out: dict[str, Any] = {
        "asset": leg.asset.address,
        "symbol": leg.asset.symbol,
        "decimals": leg.asset.decimals,
        "amount": str(leg.amount),
        "price": _text(leg.price),
        "price_decimals": position.base_decimals,
        f"value_{position.base_symbol.lower()}": _scaled(leg.value, position.base_decimals),
        "rate": _scaled(leg.rate, 27),
        "utilization": _scaled(leg.utilization, 4),
        "pool_cash": _text(leg.pool_cash),
        "cap": _text(leg.cap),
        "cap_room": _text(leg.cap_room),
    }
    if leg.side is Side.COLLATERAL:
        out |= {"threshold": decimal_string(leg.threshold, 4), "bonus": decimal_string(leg.bonus, 4)}
        out["counts"] = leg.counts
    return out | {"notes": list(leg.notes)}


def _boundary(boundary: Boundary) -> dict[str, Any]:
    decimals = 18 if boundary.kind is FactorKind.TOGETHER else boundary.decimals
    return {
        "factor": boundary.label if boundary.kind is FactorKind.FACTOR else boundary.factor,
        "factor_id": boundary.factor,
        "kind": boundary.kind.value,
        "label": boundary.label,
        "direction": boundary.direction.value,
        "assets": list(boundary.assets),
        "price": _scaled(boundary.price, decimals),
        "price_now": _scaled(boundary.price_now, decimals),
        "move": fmt.boundary_fraction(boundary) or None,
        "passed": boundary.passed,
        "exact": boundary.exact,
        "note": boundary.note or None,
    }


def _cushion(row: Row, known: Sequence[Volatility]) -> dict[str, Any] | None:
    if row.cushion is None or row.cushion.move is None:
        return None
    sigmas = None if row.sigmas is None else round(row.sigmas_left or 0.0, 2)
    move, measured = fmt.boundary_fraction(row.cushion), yardstick(row, known)
    return {"factor": row.cushion.factor, "move": move, "sigmas": sigmas, "sigma": _sigma(measured)}


def _sigma(found: Volatility | None) -> dict[str, Any] | None:
    if found is None:
        return None
    daily, window = f"{found.daily:.6f}", round(found.window)
    return {"factor": found.factor, "daily": daily, "window_seconds": window, "rounds": found.rounds}


def _rescue(rescue: Rescue) -> dict[str, Any]:
    """`repay` and `add` are the first of the alternatives; all of them stand in the lists."""
    ways = {"repay": rescue.repay, "add": rescue.add, "sell": rescue.sell}
    listed = {
        name: [{"asset": asset.address, "symbol": asset.symbol, "amount": str(amount)} for asset, amount in amounts]
        for name, amounts in ways.items()
    }
    first = {name: (found[0] if found else None) for name, found in listed.items()}
    return {"target": decimal_string(rescue.target, 18), **first, "alternatives": listed}


def _scope(scope: Scope, base_decimals: int) -> dict[str, Any]:
    return {
        "collateral": scope.collateral.address,
        "debt": scope.debt.address,
        "max_debt": str(scope.max_debt),
        "seized": str(scope.seized),
        "loss": _scaled(scope.loss, base_decimals),
        "close_factor": decimal_string(scope.close_factor, 4),
        "bonus": decimal_string(scope.bonus, 4),
        "reason": scope.reason,
        "health_after": None
        if scope.health_after is None
        else "infinity"
        if scope.health_after == HEALTH_INFINITE
        else decimal_string(scope.health_after, 18),
        "toxic_below": _scaled(scope.toxic_below, len(str(WAD)) - 1),
        "blocked": scope.blocked or None,
    }


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _scaled(value: int | None, decimals: int) -> str | None:
    return None if value is None else decimal_string(value, decimals)
