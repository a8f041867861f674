"""Snapshots for the screen tests, with figures that agree with each other, and an engine that publishes them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from liqtui.core.clock import FrozenClock
from liqtui.core.model import (
    Asset,
    Boundary,
    Change,
    Direction,
    FactorKind,
    Feed,
    Health,
    Leg,
    Position,
    PositionKey,
    Quote,
    Rescue,
    Scope,
    Side,
)
from liqtui.core.reads import Block
from liqtui.core.snapshot import Ages, Alert, ChainState, Freshness, Row, Severity, Snapshot, Stage
from liqtui.core.units import HEALTH_INFINITE, RAY, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Wallet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liqtui.core.rehearse import Point
    from liqtui.engine.handle import Playback

NOW = 1_783_000_931.0
"""2026-07-02 14:02:11 UTC."""

CHAIN_IDS = {"ethereum": 1, "base": 8453, "arbitrum": 42161, "polygon": 137, "optimism": 10}
TAGS = {"ethereum": "eth", "arbitrum": "arb", "polygon": "pol", "optimism": "op", "base": "base"}
BLOCKS = {"ethereum": 21_993_104, "base": 24_118_902, "arbitrum": 281_004_117, "polygon": 73_220_551}
WALLETS = {
    "treasury": Wallet("0x7F3cE0a1b2C3d4E5f60718293a4B5c6D7e8F91aE", "treasury", tags=("dao",), note="multisig 3/5"),
    "degen-1": Wallet("0x1111A0a1B2c3D4e5F60718293A4b5C6d7E8f0001", "degen-1"),
    "cold-02": Wallet("0x2222a0A1b2C3D4E5f60718293a4B5C6d7e8F0002", "cold-02"),
    "family": Wallet("0x3333A0a1b2C3d4e5F60718293a4b5C6D7e8f0003", "family"),
    "cold-01": Wallet("0x4444a0A1B2c3d4E5F60718293A4B5c6D7E8f0004", "cold-01"),
    "ops-safe": Wallet("0x5555a0a1b2C3d4E5F60718293a4b5c6d7E8f0005", "ops-safe"),
}
PRICES = {
    "ETH": 241_218,
    "cbBTC": 6_269_000,
    "ARB": 70_51,
    "POL": 46_87,
    "wstETH": 290_150,
    "wBTC": 6_271_000,
    "USDC": 100,
    "DAI": 100,
}
"""Cents, except ARB and POL in hundredths of a cent."""


def price(symbol: str) -> int:
    """8 decimals."""
    return PRICES[symbol] * (10**4 if symbol in {"ARB", "POL"} else 10**6)


def asset(symbol: str) -> Asset:
    digit = f"{sum(symbol.encode()) % 256:02x}"
    return Asset("0x" + digit * 20, symbol, 6 if symbol == "USDC" else 8 if "BTC" in symbol else 18)


@dataclass(frozen=True)
class SceneBook:
    """A plain linear lending account: health = Σ amount × price × threshold ÷ Σ debt."""

    legs: tuple[Leg, ...]

    @property
    def quotes(self) -> Mapping[str, Quote]:
        return {
            leg.asset.address: Quote(
                leg.asset.address,
                "0x" + "ee" * 20,
                leg.price,
                8,
                leg.asset.symbol,
                answer=leg.price,
                feed="0x" + leg.asset.address[2:],
            )
            for leg in self.legs
        }

    def _values(self, change: Change) -> tuple[int, int]:
        power = debt = 0
        for leg in self.legs:
            moved = change.collateral if leg.side is Side.COLLATERAL else change.debt
            at = change.prices.get(leg.asset.address, leg.price)
            assert at is not None
            value = (leg.amount + moved.get(leg.asset.address, 0)) * at * 10 ** (18 - leg.asset.decimals)
            if leg.side is Side.COLLATERAL:
                power += value * leg.threshold // 10_000
            else:
                debt += value
        return power, debt

    def health(self, change: Change = Change()) -> int | None:  # noqa: B008 - an empty named tuple
        power, debt = self._values(change)
        return HEALTH_INFINITE if debt <= 0 else power * WAD // debt

    def liquidatable(self, change: Change = Change()) -> bool | None:  # noqa: B008
        health = self.health(change)
        return health is not None and health < WAD


def leg(side: Side, symbol: str, amount: float, *, threshold: int = 0, rate: float = 0.0) -> Leg:
    one = asset(symbol)
    raw = round(amount * 10**8) * 10**one.decimals // 10**8
    return Leg(
        one,
        side,
        raw,
        price(symbol),
        raw * price(symbol) // 10**one.decimals,
        threshold,
        bonus=10_500 if side is Side.COLLATERAL else 0,
        rate=int(rate * RAY),
    )


def position(key: PositionKey, legs: tuple[Leg, ...], *, factor: str, block: Block, verified: bool = True) -> Position:
    """All figures of an account from its legs; `factor` is the collateral symbol that can fall."""
    book = SceneBook(legs)
    health = book.health() or 0
    collateral = sum(one.value or 0 for one in legs if one.side is Side.COLLATERAL)
    debt = sum(one.value or 0 for one in legs if one.side is Side.DEBT)
    power = sum((one.value or 0) * one.threshold // 10_000 for one in legs)
    rest = sum((one.value or 0) * one.threshold // 10_000 for one in legs if one.asset.symbol != factor)
    now = price(factor)
    boundaries = ()
    if debt and power > rest:
        boundaries = (
            Boundary(
                factor,
                FactorKind.FACTOR,
                factor,
                Direction.FALLS,
                (factor,),
                now * (debt - rest) // (power - rest),
                now,
            ),
        )
    owed = next((one.asset for one in legs if one.side is Side.DEBT), None)
    own = next(one for one in legs if one.asset.symbol == factor)
    rescue = tuple(
        Rescue(
            target * WAD // 100,
            repay=((owed, -(-(debt * target - power * 100) // target) * 10**owed.decimals // price(owed.symbol)),),
            add=((own.asset, (debt * target - power * 100) * 100 * 10**own.asset.decimals // own.threshold // now),),
            sell=(),
        )
        for target in (110, 125, 150)
        if owed and health < target * WAD // 100
    )
    scope = None
    if owed:
        take = min(debt // 2, collateral)
        scope = Scope(
            own.asset,
            owed,
            take * 10**owed.decimals // price(owed.symbol),
            take * 105 // 100 * 10**own.asset.decimals // now,
            take * 5 // 100,
            5000,
            10_500,
            "half of the debt: health is above 0.95",
            health,
            int(0.83 * 1.05 * WAD),
        )
    return Position(
        key,
        block,
        "USD",
        8,
        Health(health, health if verified else health - 1, "" if verified else "contract says 1 wei less"),
        legs,
        collateral,
        debt,
        debt * 10_000 // collateral if collateral else None,
        8010,
        power * 10_000 // collateral,
        boundaries=boundaries,
        rescue=rescue,
        scope=scope,
        interest_eta=480 * 86_400 if debt else None,
        carry_per_year=-debt * 26 // 1000,
        revision="pool 3.3",
        feeds=(Feed("0x" + "ab" * 20, f"{factor} / USD", factor, now, 8, int(NOW) - 840, 3600),),
        book=book,
    )


def key(wallet: str, protocol: str, chain: str, market: str = "core") -> PositionKey:
    return PositionKey(CHAIN_IDS[chain], protocol, market, WALLETS[wallet].key)


SPARKS = "76543210"


def spark(levels: str) -> tuple[float | None, ...]:
    """Digits 0–7 as heights, "." for a slot without a sample."""
    return tuple(None if c == "." else 1.0 + int(c) / 7 for c in levels)


def row(  # noqa: PLR0917 - a table of rows reads best without names
    wallet: str,
    protocol: str,
    chain: str,
    severity: Severity,
    legs: tuple[Leg, ...],
    factor: str,
    sigmas: float | None,
    *,
    trend: float | None = 0.0,
    levels: str = "",
    freshness: Freshness = Freshness.FRESH,
    fetch: int = 1,
    error: str = "",
    verified: bool = True,
) -> Row:
    identity = key(wallet, protocol, chain)
    block = Block(BLOCKS.get(chain, 5_000_000), "0x" + "ab" * 32, int(NOW) - fetch)
    figures = position(identity, legs, factor=factor, block=block, verified=verified)
    return Row(
        identity,
        chain,
        wallet,
        severity,
        freshness,
        Ages(fetch, 840, fetch),
        figures,
        DEFAULT_THRESHOLDS,
        cushion=figures.nearest,
        sigmas=sigmas,
        since=NOW - 13,
        error=error,
        trend=trend,
        spark=spark(levels),
        tags=WALLETS[wallet].tags,
    )


def simple(symbol: str, health: float, debt: float, threshold: int = 8000, owed: str = "USDC") -> tuple[Leg, ...]:
    """One collateral against one stable debt, at about that health."""
    amount = health * 1.000001 * debt * 10_000 / threshold / (price(symbol) / 10**8)
    return (
        leg(Side.COLLATERAL, symbol, amount, threshold=threshold, rate=0.02),
        leg(Side.DEBT, owed, debt, rate=0.051),
    )


TREASURY = (
    leg(Side.COLLATERAL, "ETH", 812.40, threshold=8300, rate=0.02),
    leg(Side.COLLATERAL, "USDC", 140_000, threshold=7800, rate=0.03),
    leg(Side.DEBT, "USDC", 1_665_751.50, rate=0.051),
)

_OK, _WARN, _CRITICAL, _BLIND = Severity.OK, Severity.WARN, Severity.CRITICAL, Severity.BLIND

ROWS: tuple[Row, ...] = (
    row("treasury", "aave-v3", "ethereum", _CRITICAL, TREASURY, "ETH", 1.2, trend=-0.021, levels="5543210"),
    row(
        "degen-1",
        "compound-v3",
        "arbitrum",
        _WARN,
        simple("ARB", 1.164, 61_000),
        "ARB",
        2.4,
        trend=0.003,
        levels="2233334",
    ),
    row(
        "cold-02",
        "aave-v3",
        "polygon",
        _BLIND,
        simple("POL", 1.21, 118_000),
        "POL",
        3.4,
        trend=None,
        levels="4444...",
        freshness=Freshness.BLIND,
        fetch=540,
        error="timeout: polygon did not answer",
    ),
    row(
        "treasury",
        "morpho-blue",
        "base",
        _WARN,
        simple("cbBTC", 1.118, 141_000),
        "cbBTC",
        3.8,
        trend=-0.006,
        levels="4443332",
    ),
    row("degen-1", "aave-v3", "arbitrum", _OK, simple("ETH", 1.322, 9_200), "ETH", 6.8, trend=0.004, levels="5554444"),
    row("family", "maker", "ethereum", _OK, simple("ETH", 1.481, 210_000, owed="DAI"), "ETH", 9.0, levels="3333333"),
    row(
        "family",
        "spark",
        "ethereum",
        _OK,
        simple("wstETH", 1.55, 172_000, owed="DAI"),
        "wstETH",
        9.9,
        trend=0.001,
        levels="2333333",
    ),
    row("treasury", "aave-v3", "base", _OK, simple("ETH", 1.872, 96_000), "ETH", 13, trend=0.002, levels="6665555"),
    row("cold-01", "liquity", "ethereum", _OK, simple("ETH", 2.104, 80_000), "ETH", 15, trend=0.002, levels="5555555"),
    row(
        "family",
        "euler-v2",
        "ethereum",
        _OK,
        simple("ETH", 2.988, 55_000),
        "ETH",
        18,
        trend=0.001,
        levels="4444444",
        verified=False,
    ),
    row(
        "cold-01", "aave-v3", "ethereum", _OK, simple("wBTC", 2.41, 120_000), "wBTC", 21, trend=0.004, levels="3344444"
    ),
    row("cold-02", "aave-v3", "optimism", _OK, simple("ETH", 4.12, 14_000), "ETH", 21, levels="4444444"),
    *(
        row(
            wallet, protocol, chain, _OK, simple("ETH", 4.5 + n / 2, 5_000 + 100 * n), "ETH", 22.0 + n, levels="3333333"
        )
        for n, (wallet, protocol, chain) in enumerate(
            (
                ("family", "aave-v3", "ethereum"),
                ("family", "aave-v3", "base"),
                ("family", "morpho-blue", "ethereum"),
                ("cold-01", "spark", "ethereum"),
                ("cold-01", "morpho-blue", "base"),
                ("degen-1", "compound-v3", "base"),
                ("degen-1", "morpho-blue", "base"),
                ("cold-02", "spark", "ethereum"),
            )
        )
    ),
)


def chain(
    name: str, *, freshness: Freshness = Freshness.FRESH, age: int = 1, error: str = "", ok: int = 3
) -> ChainState:
    return ChainState(
        name,
        CHAIN_IDS[name],
        Block(BLOCKS[name], "0x" + "ab" * 32, int(NOW) - age),
        freshness,
        age,
        endpoints_ok=ok,
        endpoints_all=3,
        source="https://node.example/…",
        next_poll=NOW + 8,
        error=error,
        stages=(Stage("aave-v3", "core", done=True, positions=3),),
    )


CHAINS = (
    chain("ethereum"),
    chain("base"),
    chain("arbitrum"),
    chain("polygon", freshness=Freshness.BLIND, age=540, error="timeout", ok=0),
)

ALERTS = (
    Alert(
        5,
        NOW - 13,
        _CRITICAL,
        "threshold",
        "treasury aave-v3 eth",
        "HF 1.063 → 1.042 crossed 1.05 · ETH 2,441 → 2,412",
        position=str(ROWS[0].key),
        cure="repay 277,181 USDC or add 173.1 ETH",
    ),
    Alert(
        4,
        NOW - 211,
        _BLIND,
        "blind",
        "cold-02 aave-v3 pol",
        "no data 5m · polygon rpc timeout ×3, next try in 41s",
        position=str(ROWS[2].key),
    ),
    Alert(
        3,
        NOW - 1319,
        _WARN,
        "threshold",
        "degen-1 comp-v3 arb",
        "HF 1.201 → 1.164 crossed 1.20 · ARB −3.8% in 24h",
        position=str(ROWS[1].key),
    ),
    Alert(
        2,
        NOW - 6668,
        _OK,
        "recovered",
        "family spark eth",
        "HF 1.180 → 1.310 recovered · repaid 40,000 DAI",
        position=str(ROWS[6].key),
        acked_at=NOW - 6000,
    ),
    Alert(1, NOW - 18131, _OK, "opened", "family aave-v3 base", "new position, HF 5.000", acked_at=NOW - 18000),
)

FEEDS = tuple(
    (chain_name, Feed("0x" + f"{n:02x}" * 20, f"{symbol} / USD", symbol, price(symbol), 8, int(NOW) - age, heartbeat))
    for n, (chain_name, symbol, age, heartbeat) in enumerate(
        (
            ("ethereum", "ETH", 840, 3600),
            ("base", "cbBTC", 360, 3600),
            ("arbitrum", "ARB", 120, 86_400),
            ("polygon", "POL", 540, 27),
            ("ethereum", "wstETH", 840, 86_400),
        )
    )
)


def counted(rows: tuple[Row, ...]) -> dict[Severity, int]:
    return {severity: sum(1 for one in rows if one.severity is severity) for severity in Severity}


def snapshot(version: int = 1, *, rows: tuple[Row, ...] = ROWS, **changes: object) -> Snapshot:
    """The busy evening of docs/screens.md: 20 positions, one critical, one chain blind."""
    base = Snapshot(
        version, NOW, tuple(WALLETS.values()), CHAINS, rows, FEEDS, ALERTS, ready=True, counts=counted(rows)
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def loading(version: int = 1) -> Snapshot:
    stages = (
        Stage("aave-v3", "core", done=True, positions=3),
        Stage("spark", "core", done=False),
        Stage("morpho-blue", "core", done=False, error="revert: not a market"),
    )
    chains = (
        replace(CHAINS[0], stages=stages),
        replace(CHAINS[1], block=None, freshness=Freshness.BLIND, age=None, stages=()),
    )
    return Snapshot(version, NOW, tuple(WALLETS.values()), chains, ROWS[:1], counts=counted(ROWS[:1]))


def many(count: int) -> tuple[Row, ...]:
    """`count` rows, each with a key of its own."""
    return tuple(
        replace(ROWS[n % len(ROWS)], key=ROWS[n % len(ROWS)].key._replace(market_id=f"m{n}")) for n in range(count)
    )


@dataclass
class StubEngine:
    """Publishes what a test posts; remembers what the screen asked for."""

    current: Snapshot = field(default_factory=snapshot)
    playback: Playback | None = None
    listeners: list[Callable[[int], None]] = field(default_factory=list)
    started: int = 0
    stopped: int = 0
    refreshed: int = 0
    acked: list[int | None] = field(default_factory=list)
    watched: list[tuple[Wallet, ...]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    muted: list[tuple[str, float | None]] = field(default_factory=list)
    archive: tuple[Alert, ...] = ()
    """Alerts that only the log holds."""
    inspected: list[str] = field(default_factory=list)
    listed: tuple[str, ...] = ()
    recorded: list[tuple[float, float]] = field(default_factory=list)
    readings: list[Point] = field(default_factory=list)
    updated: list[tuple[int, str]] = field(default_factory=list)

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopped += 1

    def snapshot(self) -> Snapshot:
        return self.current

    def subscribe(self, listener: Callable[[int], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def post(self, newest: Snapshot) -> None:
        """May be called from any thread, as the engine's own calls are."""
        self.current = newest
        for listener in list(self.listeners):
            listener(newest.version)

    def refresh(self) -> None:
        self.refreshed += 1

    def acknowledge(self, alert_id: int | None) -> None:
        self.acked.append(alert_id)
        alerts = tuple(
            replace(alert, acked_at=alert.acked_at or NOW) if alert_id in {None, alert.id} else alert
            for alert in self.current.alerts
        )
        self.post(replace(self.current, version=self.current.version + 1, alerts=alerts))

    def snooze(self, alert_id: int, seconds: float) -> None:
        alerts = tuple(
            replace(alert, snoozed_until=NOW + seconds) if alert.id == alert_id else alert
            for alert in self.current.alerts
        )
        self.post(replace(self.current, version=self.current.version + 1, alerts=alerts))

    def mute(self, target: str, until: float | None) -> None:
        self.muted.append((target, until))

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        every = (*self.current.alerts, *self.archive)
        return [alert for alert in every if before is None or alert.id < before][:limit]

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self.watched.append(tuple(wallets))

    def inspect(self, position_id: str) -> None:
        self.inspected.append(position_id)

    def look(self, position_ids: Sequence[str]) -> None:
        self.listed = tuple(position_ids)

    def resolve(self, name: str) -> Future[str]:
        future: Future[str] = Future()
        if name in self.names:
            future.set_result(self.names[name])
        else:
            future.set_exception(LookupError(f"{name} has no address"))
        return future

    def points(self, position_id: str, since: float) -> list[Point]:
        return [point for point in self.readings if point.at >= since]

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return [(at, label) for at, label in self.updated if at >= since]

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return [(at, health) for at, health in self.recorded if at >= since]


def clock() -> FrozenClock:
    return FrozenClock(NOW)
