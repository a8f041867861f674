"""What alerts say: which position, health before and after, the boundary, and the cure with amounts.

Every figure is rounded against its reader: health and distances down, what has to be repaid or added up.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import format as fmt
from liqtui.core.model import Side
from liqtui.core.redact import redact
from liqtui.core.results import Direction, FactorKind
from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity
from liqtui.core.text import clean, phrase, word
from liqtui.core.units import WAD, decimal_string

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.model import Asset, Position
    from liqtui.core.results import Boundary, Rescue
    from liqtui.core.snapshot import Row
    from liqtui.core.wallet import Thresholds

LONGEST_REASON = 160


def title(row: Row) -> str:
    """As "treasury aave-v3 ethereum"; the market's id where a wallet holds several positions in one market."""
    parts = (clean(row.label, 40), row.protocol, row.chain, row.venue, row.key.market_id[:10])
    return " ".join(part for part in parts if part)


def crossed(row: Row, position: Position, before: int | None) -> str:
    """As "HF 1.063 → 1.042, under 1.05 · liquidation at ETH 2,308.5 (−4.3%)"."""
    return _joined(f"{moved(position, before)}, {limit(row, position)}", boundary(row.cushion))


def liquidatable_now(row: Row, position: Position, before: int | None) -> str:
    return _joined(f"{moved(position, before)}, can be liquidated now", _loss(position), boundary(row.cushion))


def recovered(row: Row, position: Position, before: int | None, level: Severity = Severity.OK) -> str:
    """Back over a threshold; says which one is still not cleared. `level`: what is still armed, by its band."""
    if not position.has_debt:
        return "recovered, no debt left"
    still = limit(row, position)
    words = f"still {still}" if still else "recovered" if level is Severity.OK else f"not clear of {level.value} yet"
    return _joined(f"{moved(position, before)}, {words}", boundary(row.cushion))


def liquidated(falls: str, position: Position | None, before: int | None, *, certain: bool) -> str:
    """`falls` says what fell."""
    what = "liquidated" if certain else "collateral and debt both fell: liquidated, or unwound by hand"
    if position is None:
        return _joined(what, falls)
    return _joined(what, falls, moved(position, before) if position.has_debt else "no debt left")


def fallen(side: Side, symbol: str, decimals: int, lost: int) -> str:
    """Shown as "debt −40,000 USDC"."""
    return f"{side.value} {fmt.MINUS}{fmt.amount(lost, decimals)} {word(symbol)}"


def gone(before: int | None, falls: str, *, suspect: bool) -> str:
    last = f"last HF {fmt.health(before)}"
    if suspect:
        return _joined("position gone: liquidated, or closed by hand", falls, last)
    return _joined("position closed", last)


def blind(row: Row, seconds: float, before: int | None) -> str:
    """As "no data for 5m: timeout · last HF 1.210"."""
    position = row.position
    if position is not None and position.has_debt and position.health.shown is None:
        what = "health unknown"
        reason = position.health.reason or row.error
    else:
        what, reason = f"no data for {fmt.age(seconds)}", row.error
    return _joined(_because(what, reason), f"last HF {fmt.health(before)}")


def stale(row: Row, seconds: float) -> str:
    """Figures that come, but are old: a feed or the chain stands still."""
    ages = (("oracle", row.ages.oracle), ("block", row.ages.head), ("reading", row.ages.fetch))
    told = ", ".join(f"{name} {fmt.age(age)}" for name, age in ages if age is not None)
    return _because(f"figures stale for {fmt.age(seconds)}" + (f" (age of {told})" if told else ""), row.error)


def reason(row: Row) -> str:
    """Why it is not seen, on its own."""
    return clean(redact(row.error), LONGEST_REASON)


def changed(position: Position, before: int | None, done: Sequence[str], *, own: bool) -> str:
    """As "own transaction: debt −500 USDC · HF 1.2 → 1.3". Without a log nobody knows whose it was."""
    return _joined(f"{'own transaction' if own else 'changed'}: {'; '.join(done)}", moved(position, before))


def after(text: str, done: Sequence[str]) -> str:
    return _joined(text, f"after {'; '.join(done)}") if done else text


def parameters(row: Row, position: Position, before: int | None, words: str) -> str:
    """As "WETH liquidation threshold 83% → 80% · HF 1.25 → 1.2"."""
    return _joined(f"the market changed: {words}", moved(position, before), boundary(row.cushion))


def velocity(row: Row, position: Position, limit: int, slope_now: float, eta: float) -> str:
    """As "HF 1.242, falling 4.1% an hour: 1.20 in about 12 minutes"."""
    reached = "liquidation" if limit == WAD else fmt.threshold(limit)
    text = f"{moved(position, None)}, falling {slope(slope_now)}: {reached} in about {minutes(eta)} at this pace"
    return _joined(text, boundary(row.cushion))


def slope(per_second: float) -> str:
    """Of ln health, as "4.1% an hour"."""
    return f"{fmt.percent(1 - exp(per_second * 3600), sign=False)} an hour"


def minutes(seconds: float) -> str:
    if seconds >= 2 * 3600:
        return fmt.eta(int(seconds)).removeprefix("about ")
    whole = int(seconds // 60)
    return f"{whole} minutes" if whole > 1 else "a minute"


def interest(row: Row, position: Position, eta: int) -> str:
    text = f"{moved(position, None)}: interest alone brings it to liquidation in {fmt.eta(eta)}"
    return _joined(text, boundary(row.cushion))


def boundary_name(found: Boundary | None) -> str:
    """As "ETH falls"."""
    if found is None or found.direction is Direction.NONE:
        return ""
    return f"{phrase(found.label)} {found.direction.value}"


def health(raw: int | None) -> str:
    return fmt.health(raw)


def sighted(position: Position | None, seconds: float, before: int | None) -> str:
    health = moved(position, before) if position is not None else ""
    return _joined(f"data again after {fmt.age(seconds)}", health)


def unverified(position: Position) -> str:
    """Our figure and the contract's, in full: they differ far behind the point."""
    health = position.health
    theirs = fmt.health(health.reported, 18)
    if health.reported is None and health.verdict is not None:
        theirs = "it can be liquidated" if health.verdict else "it cannot be liquidated"
    flags = "; ".join(flag.text for flag in position.flags if flag.code == "unverified")
    agreed = health.confirmed or (health.raw is not None and health.raw == health.reported)
    what = "not verified" if agreed else f"own figure {fmt.health(health.raw, 18)}, the contract says {theirs}"
    return _because(f"{what}; what-if figures are not to be trusted", health.reason or flags)


def opened(row: Row, position: Position) -> str:
    base = (position.base_decimals, position.base_symbol)
    debt, held = fmt.money(position.debt_value, *base), fmt.money(position.collateral_value, *base)
    health = f"HF {fmt.health(position.health.shown)}"
    return _joined(f"position opened, debt {debt} against {held}", health, boundary(row.cushion))


def boundary(found: Boundary | None) -> str:
    """As "liquidation at ETH 2,308.5 (−4.3%)"; passed: "safe again with ETH over 2,308.5"; else empty."""
    if found is None or found.price is None or found.direction is Direction.NONE:
        return ""
    if found.passed:
        side = "over" if found.direction is Direction.FALLS else "under"
        return f"safe again with {phrase(found.label)} {side} {fmt.boundary_price(found)}"
    away = fmt.boundary_distance(found)
    if found.kind is FactorKind.TOGETHER:
        return f"liquidation at {phrase(found.label)} {away}"
    return f"liquidation at {phrase(found.label)} {fmt.boundary_price(found)} ({away})"


class Remedy(NamedTuple):
    """What brings health to `target`: either of both is enough; empty where it does not help."""

    target: str
    repay: str
    add: str

    @property
    def text(self) -> str:
        """As "repay 277,182 USDC or add 173.06 ETH to reach 1.25"."""
        ways = [f"{verb} {what}" for verb, what in (("repay", self.repay), ("add", self.add)) if what]
        return f"{' or '.join(ways)} to reach {self.target}"


def remedy(position: Position, thresholds: Thresholds) -> Remedy | None:
    """None where nothing is needed or known.

    For the lowest target over the warn threshold. Where several assets do, the largest debt is repaid and the
    first collateral that still has room under its cap is added.
    """
    found = _target(position.rescue, thresholds.warn or WAD)
    if found is None:
        return None
    room = {leg.asset.address: leg.cap_room for leg in position.legs if leg.side is Side.COLLATERAL}
    fits = (way for way in found.add if (left := room.get(way[0].address)) is None or left >= way[1])
    add = next(fits, None)
    if not (found.repay or add) or not any(amount for _, amount in (*found.repay, *found.add)):
        return None
    repay = _upward(found.repay[0]) if found.repay else ""
    return Remedy(fmt.threshold(found.target), repay, _upward(add) if add else "")


def cure(position: Position, thresholds: Thresholds) -> str:
    """`remedy` as text; empty where there is none."""
    found = remedy(position, thresholds)
    return found.text if found else ""


def _target(rescues: Iterable[Rescue], warn: int) -> Rescue | None:
    by_target = sorted(rescues, key=lambda rescue: rescue.target)
    return next((rescue for rescue in by_target if rescue.target > warn), by_target[-1] if by_target else None)


def _upward(way: tuple[Asset, int]) -> str:
    asset, amount = way
    return f"{fmt.amount(amount, asset.decimals, up=True)} {word(asset.symbol)}"


def moved(position: Position, before: int | None) -> str:
    """As "HF 1.063 → 1.042"."""
    now = fmt.health(position.health.shown)
    return f"HF {now}" if before is None else f"HF {fmt.health(before)} → {now}"


def limit(row: Row, position: Position) -> str:
    """Which threshold is not cleared, as "under 1.05"; empty when all are."""
    health, nearest, limits = position.health.shown, position.nearest, row.thresholds
    if health is None or liquidatable(position):
        return "under 1.00" if health is not None else "health unknown"
    for least, cushion, sigmas in (
        (limits.critical, limits.critical_cushion, limits.critical_sigmas),
        (limits.warn, limits.warn_cushion, limits.warn_sigmas),
    ):
        if least is not None and health < least:
            return f"under {fmt.threshold(least)}"
        if cushion is not None and nearest is not None and abs(nearest.move or 0.0) < cushion / WAD:
            return f"{phrase(nearest.label)} nearer than {decimal_string(cushion * 100, 18)}%"
        if sigmas is not None and row.sigmas is not None and row.sigmas < sigmas / WAD:
            label = phrase(row.cushion.label) if row.cushion else "the boundary"
            return f"{label} {fmt.sigma(row.sigmas_left)} away, nearer than {decimal_string(sigmas, 18)}σ"
    found = {Severity.CRITICAL: limits.critical_sigmas, Severity.WARN: limits.warn_sigmas}.get(row.severity)
    return "" if found is None else f"another boundary nearer than {decimal_string(found, 18)}σ"


def _loss(position: Position) -> str:
    scope = position.scope
    if scope is None:
        return ""
    taken, symbol = fmt.amount(scope.seized, scope.collateral.decimals, up=True), word(scope.collateral.symbol)
    seized = f"one call may take {taken} {symbol}"
    loss = "" if scope.loss is None else f", {fmt.money(scope.loss, position.base_decimals, position.base_symbol)} lost"
    return seized + loss + (f" (held up: {scope.blocked})" if scope.blocked else "")


def _because(what: str, reason: str) -> str:
    return f"{what}: {clean(redact(reason), LONGEST_REASON)}" if reason else what


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
