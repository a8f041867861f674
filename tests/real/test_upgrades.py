"""Proxies that change under live positions: what was read once is read again, what nobody knows is said to be so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity
from tests.lab.market import wallet as wallet_of
from tests.lab.positions import Shape, open_shape
from tests.lab.upgrade import implementation, upgrade, upgrade_comptroller
from tests.real.cases_aave import aave_v2, aave_v3
from tests.real.cases_compound import compound_v2 as compound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.snapshot import Row
    from tests.lab.compound_v2 import CompoundMarket
    from tests.real.cases_aave import Aave

FAMILIES = ("aave30", "aave36", "aave-v2")
UNKNOWN = 99


@pytest.fixture(params=FAMILIES)
def case(request: pytest.FixtureRequest) -> Aave:
    if request.param == "aave-v2":
        lab, _ = request.getfixturevalue("populated_aave_v2")
        return aave_v2(lab, request.getfixturevalue("aave_v2"))
    return aave_v3(request.getfixturevalue("populated"), request.param)


def install(case: Aave, *, revision: int, forgotten: str = "") -> None:
    """Through the market's own registry, as its owner does it."""
    old = case.adapter.protocol == "aave-v2"
    new = upgrade(
        case.lab,
        implementation(case.lab, case.market.pool),
        asked="LENDINGPOOL_REVISION()" if old else "POOL_REVISION()",
        answer=revision,
        forgotten=forgotten,
    )
    case.node.do(case.market.provider, "setLendingPoolImpl(address)" if old else "setPoolImpl(address)", new)


def borrower(case: Aave) -> str:
    with case.node.batch():
        opened = open_shape(case.market, Shape("under an upgrade", {"WETH": "10"}, {"USDC": "12000"}))
    return opened.wallet.lower()


def told(before: Sequence[Row], after: Sequence[Row]) -> None:
    """Why there is no new figure; the old one stays, under its old block."""
    (first,), (second,) = before, after
    print(
        first.error,
        "|",
        second.error,
        "|",
        second.severity,
        second.freshness,
        second.position and second.position.block.number,
        first.position.block.number,
    )
    assert first.error == ""
    assert second.error
    assert first.position is not None
    assert second.position is None or second.position.block == first.position.block


def test_an_unknown_revision_is_marked_in_the_very_round_and_after_opening_again(case: Aave) -> None:
    wallet = borrower(case)
    before, after = case.watched(wallet, lambda: install(case, revision=UNKNOWN))
    (first,), (second,) = before.rows, after.rows
    assert first.position is not None
    assert second.position is not None
    assert first.position.health.confirmed
    health = second.position.health
    assert health.shown == health.reported == case.market.health(wallet)
    assert not health.confirmed
    assert f"revision {UNKNOWN}" in health.reason
    assert [alert.kind for alert in before.alerts if alert.kind == "unverified"] == []
    (alert,) = [alert for alert in after.alerts if alert.kind == "unverified"]
    assert alert.severity is Severity.WARN
    assert f"revision {UNKNOWN} of {case.market.pool.lower()} is not known" in alert.text
    case.wallets = [wallet]
    case.open()
    (again,) = case.positions().values()
    assert not again.health.confirmed
    assert again.revision == f"{UNKNOWN} (unknown)"
    assert dict(again.engine)["how much"] == "not known for this revision of the pool"


def test_an_upgrade_opens_the_market_again_with_the_parameters_of_now(case: Aave) -> None:
    wallet, known = borrower(case), case.opened.rules.revision
    case.wallets = [wallet]
    case.open()
    (before,) = case.positions().values()
    with case.node.batch():
        install(case, revision=UNKNOWN)
        if case.adapter.protocol == "aave-v2":
            signature = "configureReserveAsCollateral(address,uint256,uint256,uint256)"
            case.market.configure(signature, case.market.tokens["WETH"].address, 7000, 7600, 10_700)
        else:
            case.market.set_reserve_params("WETH", ltv=7000, lt=7600, bonus=10_700)
    assert case.read().changed
    (during,) = case.positions().values()
    case.open()
    assert not case.read().changed
    (after,) = case.positions().values()
    for found in (during, after):
        assert (found.legs[0].threshold, found.legs[0].bonus) == (7600, 10_700)
        assert found.health.shown is not None
        assert found.health.shown == case.market.health(wallet)
        assert before.health.shown is not None
        assert found.health.shown < before.health.shown
    install(case, revision=known)
    assert case.read().changed
    case.open()
    (back,) = case.positions().values()
    assert back.health.verified
    assert back.flags == before.flags


@pytest.mark.parametrize("forgotten", ["getReserveData(address)", "getUserConfiguration(address)"])
def test_what_an_upgrade_no_longer_tells_is_an_error_and_no_figure(case: Aave, forgotten: str) -> None:
    wallet = borrower(case)
    happens = lambda: install(case, revision=UNKNOWN, forgotten=forgotten)  # noqa: E731
    before, after = case.watched(wallet, happens, calm=False)
    told(before.rows, after.rows)


def test_an_upgrade_that_does_not_tell_health_leaves_our_own_figure_marked(case: Aave) -> None:
    wallet = borrower(case)
    happens = lambda: install(case, revision=UNKNOWN, forgotten="getUserAccountData(address)")  # noqa: E731
    _, after = case.watched(wallet, happens)
    (row,) = after.rows
    assert row.position is not None
    assert row.position.health.reported is None
    assert not row.position.health.confirmed
    assert "the pool does not tell it" in row.position.health.reason


# -- comptrollers, which tell no revision ----------------------------------------------------------------------------


@pytest.fixture(params=["compound_v2", "venus_core"])
def unitroller(request: pytest.FixtureRequest) -> CompoundMarket:
    return request.getfixturevalue(request.param)


def test_a_rule_that_an_upgrade_of_the_comptroller_brings_holds_at_once(compound_v2: CompoundMarket) -> None:
    """Debts of closed markets can then be liquidated whatever the health, which the first comptroller did not know."""
    user = wallet_of("c2 eth usdc").lower()
    happens = lambda: upgrade_comptroller(compound_v2, asked="isDeprecated(address)", answer=1)  # noqa: E731
    before, after = compound(compound_v2).watched(user, happens)
    (first,), (second,) = before.rows, after.rows
    assert first.position is not None
    assert second.position is not None
    assert not liquidatable(first.position)
    assert liquidatable(second.position)
    assert second.severity is Severity.LIQUIDATABLE
    assert [flag.code for flag in second.position.flags] == ["forced"]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"asked": "getAccountLiquidity(address)"}, "does not tell the liquidity"),
        ({"forgotten": "getAccountLiquidity(address)"}, "does not tell the liquidity"),
        ({"forgotten": "getAccountLiquidity(address)", "asked": "oracle()"}, "gives no price"),
    ],
)
def test_a_comptroller_that_no_longer_confirms_leaves_nothing_verified(
    unitroller: CompoundMarket, how: dict[str, str], reason: str
) -> None:
    user = wallet_of("c2 eth usdc").lower()
    happens = lambda: upgrade_comptroller(unitroller, **how)  # noqa: E731
    before, after = compound(unitroller).watched(user, happens, calm=False)
    (first,), (second,) = before.rows, after.rows
    assert first.position is not None
    assert first.position.health.verified
    assert second.position is not None
    assert second.position.block != first.position.block
    assert not second.position.health.confirmed
    assert reason in second.position.health.reason
    assert [flag.code for flag in second.position.flags] == ["unverified"]


@pytest.mark.parametrize("forgotten", ["getAssetsIn(address)", "markets(address)", "closeFactorMantissa()"])
def test_what_a_comptroller_no_longer_tells_is_an_error_and_no_figure(
    unitroller: CompoundMarket, forgotten: str
) -> None:
    user = wallet_of("c2 eth usdc").lower()
    happens = lambda: upgrade_comptroller(unitroller, forgotten=forgotten)  # noqa: E731
    before, after = compound(unitroller).watched(user, happens, calm=False)
    told(before.rows, after.rows)
