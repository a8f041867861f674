"""One suite that every pooled lender passes on its real contracts; `test_walks` is the other half.

What concerns one protocol only has its own file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from liqtui.core.events import EventKind
from liqtui.core.model import Side
from liqtui.core.severity import liquidatable
from liqtui.core.snapshot import Severity
from tests.lab.comet import ABSORBER
from tests.lab.market import wallet
from tests.lab.morpho_positions import LIQUIDATOR as MORPHO_LIQUIDATOR
from tests.lab.walk import LIQUIDATOR
from tests.real.conformance import Settlement

if TYPE_CHECKING:
    from tests.real.conformance import Case

LIQUIDATORS = {LIQUIDATOR.lower(), MORPHO_LIQUIDATOR.lower(), ABSORBER.lower()}


def test_discovery_finds_all_that_hold_something_and_nobody_else(case: Case) -> None:
    assert set(case.hints) == set(case.wallets) - case.empty
    case.discover(["0x" + "77" * 20])
    assert case.hints == {}


def test_requests_do_not_grow_with_wallets(case: Case) -> None:
    counts: set[int] = set()
    for number in (1, 5, 12):
        before = case.reader.requests
        case.read(list(case.hints)[:number])
        counts.add(case.reader.requests - before)
    assert len(counts) == 1, counts
    assert max(counts) <= 3


def test_an_executed_liquidation_takes_what_was_said_and_the_log_tells_it(case: Case) -> None:
    case.crash()
    reasons: Counter[str] = Counter()
    for key in list(case.positions()):
        before, had = case.foreseen(key)
        if before is None or before.scope is None or not liquidatable(before):
            continue
        scope = before.scope
        assert scope.blocked == ""
        case.liquidate(before, scope)
        events = case.events([key.wallet])
        assert {event.key for event in events} == {key}, (before, events)
        after = case.positions([key.wallet]).get(key)
        (who,) = {event.who for event in events if event.kind is EventKind.LIQUIDATED}
        assert who in LIQUIDATORS
        case.settled(Settlement(scope, before, after, had, case.balances(key, after), events))
        reasons[scope.reason] += 1
    assert reasons.total() >= case.liquidations, reasons
    assert len(reasons) >= case.reasons, reasons


def test_a_unit_more_than_said_is_refused(case: Case) -> None:
    """Where the amount is the liquidator's to choose; a dusty one of Aave apart, see its own tests."""
    case.crash()
    tried = 0
    for key, found in list(case.positions().items()):
        if found.scope is None or not liquidatable(found) or not case.chooses(found.scope):
            continue
        before, _ = case.foreseen(key)
        if before is None or before.scope is None:
            continue
        branch = case.lab.snapshot()
        case.liquidate(before, before.scope, more=True)
        assert case.events([key.wallet]) == [], before
        case.lab.revert(branch)
        tried += 1
    assert tried >= case.choices


def test_what_the_owner_does_is_in_the_log(case: Case) -> None:
    expected = case.act()
    told = [(e.kind, e.collateral or e.debt, e.who) for e in case.events(case.wallets)]
    assert [(kind, moved.asset.symbol, moved.amount) for kind, moved, _ in told if moved] == expected
    assert {who for _, _, who in told} == set(case.wallets)


def test_the_engine_tells_a_liquidation_for_certain_and_an_act_for_what_it_is(case: Case) -> None:
    case.crash()
    key = next(key for key, found in case.positions().items() if found.scope is not None and liquidatable(found))
    before, _ = case.foreseen(key)
    assert before is not None
    scope = before.scope
    assert scope is not None
    first, then = case.watched(key.wallet, lambda: case.liquidate(before, scope))
    (alert,) = [alert for alert in then.alerts if alert.kind == "liquidated"]
    assert alert.severity is Severity.LIQUIDATED
    assert " taken, " in alert.text
    assert " repaid, " in alert.text
    assert "by hand" not in alert.text
    assert not [alert for alert in first.alerts if alert.kind == "liquidated"]
    case.act()
    _, quiet = case.watched(case.wallets[0], case.act)
    assert not [alert for alert in quiet.alerts if alert.kind == "liquidated"]
    assert not quiet.notices


def test_a_source_that_reverts_concerns_those_who_hold_the_asset_only(case: Case) -> None:
    concerned = case.break_source()
    if case.read().changed:
        case.open()
    unknown = known = 0
    for found in case.positions().values():
        if concerned(found):
            assert found.health.raw is None, found
            assert found.health.reported is None
            assert liquidatable(found) is None
            assert found.scope is None
            unknown += 1
        else:
            assert found.health.raw is not None, found
            assert found.health.confirmed
            known += 1
    assert unknown >= 2
    assert known > unknown


def test_tokens_without_manners_harm_nobody(case: Case) -> None:
    """Symbols that are markup, empty, huge, no string, refused, or lie; as few and as many decimals as there can be."""
    user = wallet("holds what nobody should")
    supplied = case.list_hostile(user)
    assert len(supplied) == 9
    case.wallets = [user.lower()]
    case.open()
    assert case.read().errors == ()
    seen: dict[str, int] = {}
    for found in case.positions().values():
        assert found.health.confirmed, found
        assert found.has_debt
        seen |= {leg.asset.address: leg.amount for leg in found.legs if leg.side is Side.COLLATERAL}
        for leg in found.legs:
            assert leg.asset.symbol.isprintable()
            assert 0 < len(leg.asset.symbol) <= 16
            assert leg.value
    assert seen.keys() == supplied.keys()
    assert all(abs(seen[asset] - amount) <= amount // 10**6 + 1 for asset, amount in supplied.items())
