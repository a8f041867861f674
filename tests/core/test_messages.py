from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core import messages
from liqtui.core.model import Health, Side
from liqtui.core.results import Direction, FactorKind, Rescue, Scope
from liqtui.core.snapshot import Ages, Freshness
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.books import asset, simple
from tests.core.rows import bare, boundary, key, position, row

ETH, USDC = asset("ETH"), asset("USDC", 6)


def test_title_tells_positions_apart() -> None:
    plain = row(bare(simple()))
    assert messages.title(plain) == "treasury aave-v3 ethereum"
    assert messages.title(replace(plain, venue="prime")) == "treasury aave-v3 ethereum prime"
    assert messages.title(replace(plain, key=key("0x0123456789abcdef"))) == "treasury aave-v3 ethereum 0x01234567"


def test_boundary_in_words() -> None:
    falls = boundary("ETH", 230_842, now=241_218)
    assert messages.boundary(falls) == "liquidation at ETH 2,308.5 (−4.3%)"
    assert messages.boundary(replace(falls, passed=True)) == "safe again with ETH over 2,308.5"
    rises = boundary("ETH", 230_842, now=200_000)
    assert messages.boundary(rises) == "liquidation at ETH 2,308.4 (+15.4%)"
    assert messages.boundary(replace(rises, passed=True)) == "safe again with ETH under 2,308.4"
    together = boundary("all volatile", 45, kind=FactorKind.TOGETHER)
    assert messages.boundary(together) == "liquidation at all volatile −55.0%"
    assert messages.boundary(None) == ""
    assert messages.boundary(boundary("ETH", None)) == ""
    assert messages.boundary(replace(falls, direction=Direction.NONE)) == ""


def test_cure_reaches_over_the_warn_threshold() -> None:
    of = position(simple())
    assert messages.cure(of, DEFAULT_THRESHOLDS).endswith("to reach 1.25")
    assert messages.cure(of, Thresholds()).endswith("to reach 1.10")
    assert messages.cure(of, Thresholds(warn=2 * WAD)).endswith("to reach 1.50")
    assert messages.cure(replace(of, rescue=()), DEFAULT_THRESHOLDS) == ""


def test_cure_never_says_too_little() -> None:
    """277,181.168752 USDC is the least: cut to cents it would not be enough."""
    of = position(simple())
    assert "repay 277,181.17 USDC" in messages.cure(of, DEFAULT_THRESHOLDS)


def test_cure_offers_only_what_can_be_added() -> None:
    of = position(simple())
    full = replace(of, legs=tuple(leg._replace(cap_room=0) if leg.asset == ETH else leg for leg in of.legs))
    assert messages.cure(full, DEFAULT_THRESHOLDS) == "repay 277,181.17 USDC or add 444,200.6 USDC to reach 1.25"
    none = replace(of, legs=tuple(leg._replace(cap_room=0) if leg.side is Side.COLLATERAL else leg for leg in of.legs))
    assert messages.cure(none, DEFAULT_THRESHOLDS) == "repay 277,181.17 USDC to reach 1.25"
    only_add = replace(of, rescue=(Rescue(2 * WAD, (), ((ETH, WAD),)),))
    assert messages.cure(only_add, DEFAULT_THRESHOLDS) == "add 1 ETH to reach 2.00"
    nothing = replace(of, rescue=(Rescue(2 * WAD, (), ()),))
    assert messages.cure(nothing, DEFAULT_THRESHOLDS) == ""
    met = replace(of, rescue=(Rescue(2 * WAD, ((USDC, 0),), ((ETH, 0),)),))
    assert messages.cure(met, DEFAULT_THRESHOLDS) == ""


def scope(loss: int | None, blocked: str = "") -> Scope:
    return Scope(ETH, USDC, 1, 363 * WAD // 10, loss, 5000, 10_500, "half", None, None, blocked)


def test_liquidatable_says_what_is_lost() -> None:
    of = bare(simple(), health=Health(99 * WAD // 100, 99 * WAD // 100))
    assert messages.liquidatable_now(row(of), of, WAD) == "HF 1.000 → 0.990, can be liquidated now"
    seen = replace(of, scope=scope(4_160_000_000_000))
    text = messages.liquidatable_now(row(seen), seen, None)
    assert text == "HF 0.990, can be liquidated now · one call may take 36.3 ETH, $41.6k lost"
    seen = replace(of, scope=scope(None, "pool paused"))
    assert messages.liquidatable_now(row(seen), seen, None).endswith(
        "one call may take 36.3 ETH (held up: pool paused)"
    )


@pytest.mark.parametrize(
    ("health", "limits", "said"),
    [
        (1.04, DEFAULT_THRESHOLDS, "under 1.05"),
        (1.1, DEFAULT_THRESHOLDS, "under 1.20"),
        (1.1, Thresholds(warn=1_125 * WAD // 1000), "under 1.125"),
        (3.0, Thresholds(critical_cushion=WAD // 10), "ETH nearer than 10%"),
        (3.0, Thresholds(warn_cushion=WAD // 100), ""),
        (0.9, DEFAULT_THRESHOLDS, "under 1.00"),
    ],
)
def test_which_threshold(health: float, limits: Thresholds, said: str) -> None:
    raw = round(health * 1000) * WAD // 1000
    of = bare(simple(), health=Health(raw, raw), boundaries=(boundary("ETH", 95),))
    assert said in messages.crossed(row(of, limits), of, None)
    back = messages.recovered(row(of, limits), of, None)
    assert f"still {said}" in back if said else "recovered" in back


def test_unknown_health_in_a_recovery() -> None:
    of = bare(simple(), health=Health(None, None))
    assert messages.recovered(row(of), of, WAD) == "HF 1.000 → –, still health unknown"


def test_reasons_are_cleaned_and_redacted() -> None:
    dead = row(bare(simple()), error="\x1b[31mat https://node.example/v2/KEY\u202e " + "x" * 500)
    text = messages.blind(dead, 61, None)
    assert text.startswith("no data for 1m: [31mat https://node.example/… xxx")
    assert "KEY" not in text
    assert "\x1b" not in text
    assert len(text) < 220


def test_blind_with_unknown_health_falls_back_to_the_rows_error() -> None:
    of = bare(simple(), health=Health(None, None))
    assert messages.blind(row(of, error="no price"), 5, None) == "health unknown: no price · last HF –"
    assert messages.blind(row(of), 5, WAD) == "health unknown · last HF 1.000"


def test_stale_tells_the_ages_it_knows() -> None:
    of = bare(simple())
    old = row(of, freshness=Freshness.STALE, ages=Ages(None, -5, None), error="feed from the future")
    assert messages.stale(old, 700) == "figures stale for 11m (age of oracle future!): feed from the future"
    assert messages.stale(replace(old, ages=Ages(None, None, None), error=""), 700) == "figures stale for 11m"


def test_sighted_without_figures() -> None:
    assert messages.sighted(None, 61, None) == "data again after 1m"
