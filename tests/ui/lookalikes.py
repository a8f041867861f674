"""Positions for the detail that the shared scenes do not have: capped ratios, flags, every kind of boundary, lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liqtui.core.model import ENGINE_LINES, Asset, Feed, Flag, Health, Leg, Position, Quote, Side
from liqtui.core.reads import Block
from liqtui.core.results import Scope
from liqtui.core.risk import complete
from liqtui.core.snapshot import Ages, Alert, Freshness, Row, Severity
from liqtui.core.units import RAY, WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS
from tests.ui import scene_rows, scenes

if TYPE_CHECKING:
    from collections.abc import Mapping

WSTETH = Asset("0x" + "5a" * 20, "wstETH", 18)
WETH = Asset("0x" + "e7" * 20, "WETH", 18)
ETH_FEED = Feed("0x" + "fe" * 20, "ETH / USD", "eth", 2_500 * 10**8, 8, int(scenes.NOW) - 1800, 3600)
RATIO = 1_220 * 10**15
EVIL = "\x1b[31mETH\x1b]0;owned\x07[bold red]x[/]\u202e\n\r"
"""A name as a hostile token could have it."""


@dataclass(frozen=True)
class QuotedBook(scene_rows.SceneBook):
    made: tuple[Quote, ...] = ()

    @property
    def quotes(self) -> Mapping[str, Quote]:
        return {quote.asset: quote for quote in self.made}


ENGINE = (
    "anyone but the account itself",
    (
        "all of one debt in a call once health is 0.95 or less, or where that debt or that collateral is under "
        "2,000 USD; else up to half of the total debt. A part has to leave 1,000 USD of both"
    ),
    "1%",
    "10% of the bonus",
    "the liquidator; the fee to the protocol's treasury",
    "becomes a deficit of the protocol",
)


def looped(**changes: object) -> Position:
    """100 wstETH against 112.6 WETH at LT 0.95: no ETH price liquidates it, the ratio does at −2.85 %."""
    price = RATIO * ETH_FEED.answer // WAD  # type: ignore[operator]
    legs = (
        Leg(
            WSTETH, Side.COLLATERAL, 100 * WAD, price, 100 * price, 9500, 10_100, rate=RAY // 1000,
            pool_cash=40 * WAD, cap_room=1_200 * WAD, notes=("supply paused", "LTV 0"), utilization=9_925,
        ),
        Leg(
            WETH, Side.DEBT, 1126 * 10**17, 2_500 * 10**8, 281_500 * 10**8, rate=27 * RAY // 1000,
            pool_cash=21_400 * WAD, utilization=8_210,
        ),
    )  # fmt: skip
    quotes = (
        Quote(
            WSTETH.address, "0x" + "0a" * 20, price, 8, "eth", ETH_FEED.answer, 8, ETH_FEED.address, RATIO, 18,
            "wstETH / ETH", 3_200 * 10**8, ("rate capped at +9.68% a year",),
        ),
        Quote(WETH.address, ETH_FEED.address, 2_500 * 10**8, 8, "eth", ETH_FEED.answer, 8, ETH_FEED.address),
    )  # fmt: skip
    book = QuotedBook(legs, quotes)
    health = book.health()
    position = Position(
        key=scene_rows.key("family", "aave-v3", "ethereum"),
        block=Block(21_993_104, "0x" + "cd" * 32, int(scenes.NOW) - 1),
        base_symbol="USD", base_decimals=8, health=Health(health, health), legs=legs,
        collateral_value=305_000 * 10**8, debt_value=281_500 * 10**8, ltv=9229, max_ltv=9300, threshold=9500,
        category="ETH correlated", revision="pool 3.6",
        scope=Scope(
            WSTETH, WETH, 563 * 10**17, 466 * 10**17, 2_815 * 10**8, 5000, 10_100, "half: health is above 0.95",
            1_031 * 10**15, 9_595 * 10**14, "grace period until 14:30",
        ),
        engine=tuple(zip(ENGINE_LINES, ENGINE, strict=True)),
        flags=(Flag("paused", "wstETH: nothing can be supplied or withdrawn"),),
        quotes=quotes, feeds=(ETH_FEED,), facts=(("leverage", "13.0×"),), book=book,
    )  # fmt: skip
    return replace(complete(position), **changes)  # type: ignore[arg-type]


def row(position: Position | None, **changes: object) -> Row:
    key = position.key if position else scene_rows.key("family", "aave-v3", "ethereum")
    app = "https://app.example.org/?marketName=proto_mainnet_v3"
    base = Row(
        key, "ethereum", "family", Severity.WARN, Freshness.FRESH, Ages(1, 1800, 1), position, DEFAULT_THRESHOLDS,
        cushion=position.nearest if position else None, sigmas=5.5, since=scenes.NOW - 7200, app=app,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def hostile() -> Row:
    """Whatever can come from outside is full of control sequences, markup and far too long."""
    long = EVIL * 20
    position = looped()
    bad = tuple(leg._replace(asset=leg.asset._replace(symbol=EVIL), notes=(long,)) for leg in position.legs)
    return row(
        replace(
            position, legs=bad, category=long, revision=long, flags=(Flag(EVIL, long),), facts=((EVIL, long),),
            engine=((EVIL, long),),
            boundaries=tuple(replace(b, label=EVIL, note=long) for b in position.boundaries),
            quotes=tuple(q._replace(notes=(long,), ratio_label=long) if hasattr(q, "_replace")
                         else replace(q, notes=(long,), ratio_label=long) for q in position.quotes),
            feeds=(ETH_FEED._replace(label=long),), health=position.health._replace(reported=None, reason=long),
        ),
        label=EVIL,
        error=f"{long} https://user:secret@node.example/v2/KEY",
        freshness=Freshness.STALE,
    )  # fmt: skip


def alert(position_id: str, number: int, text: str = "HF 1.10 → 1.03 crossed 1.05") -> Alert:
    return Alert(
        number, scenes.NOW - number * 60, Severity.CRITICAL, "threshold", "family", text, position=position_id,
        cure="repay 10 WETH",
    )  # fmt: skip
