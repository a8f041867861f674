"""Snapshots for the screen tests."""

from __future__ import annotations

from dataclasses import replace

from liqtui.core.clock import FrozenClock
from liqtui.core.model import (
    Feed,
    Side,
)
from liqtui.core.reads import Block
from liqtui.core.snapshot import Alert, ChainState, Freshness, Row, Severity, Snapshot, Stage
from tests.ui.scene_rows import BLOCKS, CHAIN_IDS, NOW, WALLETS, leg, price, row, simple

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


def snapshot(version: int = 1, *, rows: tuple[Row, ...] = ROWS, **changes: object) -> Snapshot:
    """The busy evening of docs/screens.md: 20 positions, one critical, one chain blind."""
    bare = tuple(replace(chain, stages=(Stage("aave-v3", "core", done=True),)) for chain in CHAINS)
    chains = CHAINS if rows else bare
    base = Snapshot(version, NOW, tuple(WALLETS.values()), chains, rows, FEEDS, ALERTS, ready=True)
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
    return Snapshot(version, NOW, tuple(WALLETS.values()), chains, ROWS[:1])


def many(count: int) -> tuple[Row, ...]:
    """`count` rows, each with a key of its own."""
    return tuple(
        replace(ROWS[n % len(ROWS)], key=ROWS[n % len(ROWS)].key._replace(market_id=f"m{n}")) for n in range(count)
    )


def clock() -> FrozenClock:
    return FrozenClock(NOW)
