"""Pre-liquidation contracts on Morpho Blue's own contract: found by its log, asked of its state, told when they change.

The contract beside it is a stand-in: no package ships the real one. What that takes is held against recorded numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity
from liqtui.engine.once import run_once
from tests.lab.market import wallet as wallet_of
from tests.lab.morpho import PARAMS, WAD
from tests.real.cases_morpho import morpho_blue
from tests.real.test_morpho_discovery import setup_of

if TYPE_CHECKING:
    from liqtui.core.snapshot import Snapshot
    from tests.lab.morpho import MorphoLab

MARKET = "eth-usdc"
LLTV = 80 * WAD // 100
USERS = ("m-calm", "m-many")


@pytest.fixture
def early(morpho_lab: MorphoLab) -> str:
    """A contract for one market, which two wallets have authorised."""
    market = morpho_lab.markets[MARKET]
    terms = (LLTV, [WAD // 10, WAD // 2], [101 * WAD // 100, 110 * WAD // 100], market.oracle)
    made = morpho_lab.deploy_early(market, terms)
    for user in USERS:
        authorise(morpho_lab, user, made)
    return made


def authorise(morpho: MorphoLab, user: str, contract: str, *, on: bool = True) -> None:
    morpho.lab.node.do(morpho.address, "setAuthorization(address,bool)", contract, on, sender=wallet_of(user))


def shown(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    return {
        (row.key.wallet, row.key.market_id): row.position.category for row in snapshot.rows if row.position is not None
    }


def test_whoever_has_authorised_one_is_found_by_logs_alone(morpho_lab: MorphoLab, early: str) -> None:
    market = morpho_lab.markets[MARKET]
    categories = shown(run_once(setup_of(morpho_lab)))
    wanted = {(wallet_of(user).lower(), market.id) for user in USERS}
    assert {key for key, category in categories.items() if category} == wanted
    assert {categories[key] for key in wanted} == {"pre-liquidation from 8000 bps"}
    snapshot = run_once(setup_of(morpho_lab))
    (row,) = [row for row in snapshot.rows if row.key.wallet == wallet_of("m-calm").lower()]
    assert row.position is not None
    _, shares, collateral = market.position(row.key.wallet)
    morpho_lab.lab.node.do(morpho_lab.address, f"accrueInterest({PARAMS})", market.params)
    after = market.state()
    quotient, rest = divmod(shares * (after[2] + 1), after[3] + 10**6)
    most = collateral * market.price // 10**36 * LLTV // WAD
    assert row.position.health.raw == pytest.approx(most * WAD // (quotient + (rest > 0)), rel=1e-6)
    assert row.position.health.confirmed


def test_an_authorisation_is_the_owners_doing_and_no_change_of_the_market(morpho_lab: MorphoLab, early: str) -> None:
    case, user = morpho_blue(morpho_lab), "m-whale"
    case.ref = case.ref.__class__("morpho-blue", 31337, "lab", morpho_lab.address.lower(), custom=True)
    wallet = wallet_of(user).lower()
    before, after, again = case.watched(wallet, lambda: authorise(morpho_lab, user, early), rounds=3)
    assert set(shown(before).values()) == {""}
    assert set(shown(after).values()) == set(shown(again).values()) == {"pre-liquidation from 8000 bps"}
    assert [alert for alert in again.alerts if alert.kind == "parameters"] == []
    (told,) = [alert for alert in again.alerts if "category" in alert.text]
    assert "category none → pre-liquidation from 8000 bps" in told.text
    (first,), (second,) = before.rows, after.rows
    assert first.position is not None
    assert second.position is not None
    assert first.position.health.raw is not None
    assert second.position.health.raw is not None
    assert second.position.health.raw < first.position.health.raw


def test_one_that_is_taken_back_is_forgotten_at_once(morpho_lab: MorphoLab, early: str) -> None:
    case, user = morpho_blue(morpho_lab), "m-calm"
    case.ref = case.ref.__class__("morpho-blue", 31337, "lab", morpho_lab.address.lower(), custom=True)
    before, after = case.watched(wallet_of(user).lower(), lambda: authorise(morpho_lab, user, early, on=False))
    assert set(shown(before).values()) == {"pre-liquidation from 8000 bps"}
    assert set(shown(after).values()) == {""}


def test_its_own_word_makes_a_part_of_the_position_liquidatable(morpho_lab: MorphoLab, early: str) -> None:
    case, user = morpho_blue(morpho_lab), "m-calm"
    case.ref = case.ref.__class__("morpho-blue", 31337, "lab", morpho_lab.address.lower(), custom=True)

    def happens() -> None:
        """40 % of 86 % was borrowed: a price of half brings 69 %, and 43 % of it what the contract waits for."""
        feed = morpho_lab.feeds["ETH / USD"]
        feed.set(feed.answer * 42 // 100)
        morpho_lab.lab.node.do(early, "set(bool)", True)

    before, after = case.watched(wallet_of(user).lower(), happens)
    (first,), (second,) = before.rows, after.rows
    assert first.position is not None
    assert second.position is not None
    assert not liquidatable(first.position)
    assert liquidatable(second.position)
    assert second.severity is Severity.LIQUIDATABLE
    assert second.position.health.confirmed
    scope = second.position.scope
    assert scope is not None
    assert early.lower() in scope.reason
    assert 1_000 < scope.close_factor < 5_000
    assert scope.health_after is not None
    assert second.position.health.raw is not None
    assert scope.health_after > second.position.health.raw
    (told,) = [alert for alert in after.alerts if alert.kind == "liquidatable"]
    assert told.severity is Severity.LIQUIDATABLE
