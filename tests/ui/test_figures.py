"""Short texts of a row: the age that it names is the one that is to blame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liqtui.core.model import Feed
from liqtui.core.snapshot import Ages, Freshness, Snapshot
from liqtui.ui import figures
from liqtui.ui.state import AppState
from tests.core.books import simple
from tests.core.rows import position, row
from tests.ui.stub import StubEngine

AT = position(simple()).block.timestamp
HEARTBEAT = 3600


@pytest.mark.parametrize(("label", "shown"), [("treasury of the house", "treasury of the house"), ("", "0x7f3c…91ae")])
def test_a_wallet_without_a_label_is_named_by_the_ends_of_its_address(label: str, shown: str) -> None:
    mine = row(position(simple()), label=label)
    key = mine.key._replace(wallet="0x7f3ce0a1b2c3d4e5f60718293a4b5c6d7e8f91ae")
    assert figures.wallet(replace(mine, key=key)) == shown


def test_positions_in_one_market_are_told_apart_by_their_assets() -> None:
    """As in Morpho Blue, where one contract holds every market; others need no more than the market's name."""
    mine = row(position(simple()), label="treasury")
    state = AppState(StubEngine(Snapshot(version=0, at=0.0)))
    one_of_many = replace(mine, key=mine.key._replace(market_id="0x01"))
    assert figures.protocol(one_of_many, state) == f"{figures.protocol(mine, state)} ETH/USDC"
    assert figures.protocol(replace(one_of_many, position=None), state) == figures.protocol(mine, state)


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        (None, "–"),
        (0.0004, "="),
        (-0.0214, "▼.021"),
        (0.9994, "▲.999"),
        (0.9996, "▲1.0"),
        (-99.94, "▼99.9"),
        (99.96, "▲100"),
        (298.4, "▲298"),
        (-999.4, "▼999"),
        (12_345.6, "▲>999"),
        (float("inf"), "▲>999"),
    ],
)
def test_a_change_is_never_longer_than_its_column(of: float | None, shown: str) -> None:
    """Cut it would be another number."""
    assert figures.change(of) == shown
    assert len(shown) <= 5


def feed(age: int) -> Feed:
    return Feed("0x" + "11" * 20, "ETH / USD", "ETH", 1, 8, AT - age, HEARTBEAT)


@pytest.mark.parametrize(
    ("freshness", "ages", "oracle", "shown"),
    [
        (Freshness.FRESH, Ages(3, 3000, 1), 3000, "·"),
        (Freshness.LATE, Ages(24, 4, 20), 4, "24s"),  # the node is silent; its last feed was fresh
        (Freshness.LATE, Ages(5, 2 * HEARTBEAT, 2), 2 * HEARTBEAT, "2h"),
        (Freshness.STALE, Ages(5, 4 * HEARTBEAT, 2), 4 * HEARTBEAT, "4h"),
        (Freshness.STALE, Ages(400, 4, 2), 4, "6m"),
        (Freshness.BLIND, Ages(601, 4, 600), 4, "10m"),
        (Freshness.STALE, Ages(-20, 4, 1), 4, "−20s"),
        (Freshness.STALE, Ages(2, -9, 1), -9, "−9s"),
        (Freshness.BLIND, Ages(None, None, None), 4, "–"),
    ],
)
def test_the_age_shown_is_the_one_to_blame(freshness: Freshness, ages: Ages, oracle: int, shown: str) -> None:
    of = replace(position(simple()), feeds=(feed(oracle),))
    assert figures.row_age(row(of, freshness=freshness, ages=ages)) == shown
