"""What only Compound v3 has, on its contract: run by `python -m tests.real.built compound-v3 FOLDER`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.model import Side
from liqtui.core.severity import liquidatable
from tests.lab.comet_positions import DAY, SHAPES
from tests.real.cases_comet import CometCase, compound_v3
from tests.real.comet_truth import check

if TYPE_CHECKING:
    from liqtui.core.model import Position
    from tests.lab.comet import CometLab


@pytest.fixture(params=["USDC", "WETH"])
def case(request: pytest.FixtureRequest, comets: CometLab) -> CometCase:
    return compound_v3(comets, request.param)


def named(case: CometCase, name: str) -> Position:
    user = next(shape.wallet for shape in SHAPES[case.market.base.symbol] if shape.name == name).lower()
    return next(found for key, found in case.positions([user]).items() if key.wallet == user)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("supply", "supplying is paused"),
        ("withdraw", "withdrawing and borrowing are paused"),
        ("absorb", "absorbing is"),
    ],
)
def test_a_pause_is_flagged(case: CometCase, what: str, text: str) -> None:
    case.market.pause(**{what: True})
    for found in case.positions().values():
        (flag,) = found.flags
        assert flag.code == "paused"
        assert flag.text.startswith(text)
        assert found.scope is None or found.scope.blocked == ("absorbing is paused" if what == "absorb" else "")


def test_after_quiet_weeks_absorb_finds_what_the_view_does_not_see(case: CometCase) -> None:
    """Nobody acts for sixty days. Each of those is then absorbed, and the contract lets nobody else be."""
    case.lab.refresh_feeds(dt=60 * DAY)
    found = case.positions()
    said = case.said([key.wallet for key in found])
    lagging = [
        key.wallet for key in found if said[key.wallet].absorbed is not None and not said[key.wallet].liquidatable
    ]
    assert len(lagging) >= 2
    for key, position in found.items():
        check(position, said[key.wallet])
        if key.wallet in lagging:
            assert liquidatable(position) is True
            assert position.health.verdict is None
            assert "leaves out the interest" in position.health.reason
            case.market.absorb(key.wallet)
            left = case.positions([key.wallet]).get(key)
            assert left is None or not any(leg.side is Side.DEBT or leg.counts for leg in left.legs)


def test_a_broken_source_behind_what_covers_the_debt_hinders_nothing(comets: CometLab) -> None:
    case = compound_v3(comets, "USDC")
    before = named(case, "k lender with collateral"), named(case, "k all and calm")
    case.node.rpc("anvil_setCode", case.market.sources["CRV / USD"], "0x60006000fd")
    lender, calm = named(case, "k lender with collateral"), named(case, "k all and calm")
    assert lender.health.raw == before[0].health.raw
    assert before[1].health.raw is not None
    assert calm.health.raw is None
    assert calm.health.verdict is False
    assert liquidatable(calm) is False
    assert case.said([calm.key.wallet])[calm.key.wallet].absorbed is None
