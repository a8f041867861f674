"""Rules tried on a tape: the count is what the engine tells, and the record of the same hours tells the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from liqtui.core.rehearse import TOLD, Point, rehearse
from liqtui.core.rules import DEFAULT_RULES, Rules
from liqtui.core.snapshot import Alert
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds, Wallet
from liqtui.engine.reel import Reel, run_through, setup_of
from liqtui.engine.setup import shipped_adapters
from liqtui.engine.trial import DEMO, Terms, Trial, TrialError, open_tape, try_on

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.chain.tape import Tape


STRANGER = Wallet("0x" + "11" * 20)


@pytest.fixture(scope="module")
def tape() -> Tape:
    """The first fifty minutes of the demo: a fall through every level, with a pace."""
    whole = open_tape(DEMO)
    return replace(whole, frames=whole.frames[:110])


class Live(NamedTuple):
    """What the engine tells on the tape under the default rules, and what it records."""

    told: dict[int, Alert]
    points: dict[str, list[Point]]


@pytest.fixture(scope="module")
def live(tape: Tape) -> Live:
    reel, told = Reel(tape, shipped_adapters(), setup_of(tape)), dict[int, Alert]()
    points: dict[str, list[Point]] = {}
    for snapshot in run_through(reel):
        told |= {alert.id: alert for alert in snapshot.alerts}
        if reel.over:
            points = {row.id: reel.history.points(row.id, 0) for row in snapshot.rows}
    return Live(told, points)


def terms(wallet: Wallet, limits: Thresholds = DEFAULT_THRESHOLDS, **rules: object) -> Terms:
    wallet = replace(wallet, thresholds=limits, rules=Rules(**rules))  # type: ignore[arg-type]
    return Terms(wallet, limits, DEFAULT_THRESHOLDS, DEFAULT_RULES)


def tried(tape: Tape, settings: Terms) -> Trial:
    found = try_on(tape, settings, lambda played, all_: True)
    assert found is not None
    return found


def test_a_stranger_sees_every_wallet_of_the_tape_under_his_rules(tape: Tape, live: Live) -> None:
    found = tried(tape, terms(STRANGER, off=("velocity",)))
    assert not found.own
    kinds = sorted(said.kind for said in found.all_said)
    assert kinds == sorted(alert.kind for alert in live.told.values() for _ in alert.positions)
    assert {"threshold", "velocity"} <= set(kinds)
    assert all(said.quiet == (said.kind == "velocity") for said in found.all_said)


def test_an_own_wallet_counts_alone(tape: Tape) -> None:
    tape = replace(tape, frames=tape.frames[:30])
    mine = next(wallet for wallet in tape.header.wallets if wallet.label == "degen-1")
    lower = Thresholds(102 * WAD // 100, 101 * WAD // 100)
    found = tried(tape, terms(mine, lower))
    assert found.own
    assert {record.label for record in found.records} == {"degen-1"}
    assert "threshold" not in {said.kind for said in found.all_said}
    assert "threshold" in {said.kind for said in tried(tape, terms(mine)).all_said}


def test_the_record_of_the_same_hours_tells_the_same(live: Live) -> None:
    told = {
        position: [
            (alert.at, alert.kind) for alert in live.told.values() if position in alert.positions and alert.kind in TOLD
        ]
        for position in live.points
    }
    found = {position: rehearse(each, DEFAULT_THRESHOLDS, DEFAULT_RULES) for position, each in live.points.items()}
    assert {position: [(said.at, said.kind) for said in each.said] for position, each in found.items()} == told
    assert {"threshold", "velocity", "liquidatable"} <= {kind for said in told.values() for _, kind in said}
    assert any(each.measured for each in found.values())


def test_it_stops_when_it_is_no_longer_wanted(tape: Tape) -> None:
    seen: list[tuple[int, int]] = []

    def watch(played: int, all_: int) -> bool:
        seen.append((played, all_))
        return played < 3

    assert try_on(tape, terms(STRANGER), watch) is None
    assert [played for played, _ in seen] == [1, 2, 3]
    assert seen[0][1] > 100


def test_what_is_no_tape_is_told(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("0x1\n")
    with pytest.raises(TrialError, match="No such file"):
        open_tape(tmp_path / "none.tape")
    with pytest.raises(TrialError, match=r"list\.txt"):
        open_tape(tmp_path / "list.txt")
    with pytest.raises(TrialError, match="directory"):
        open_tape(tmp_path)


def test_a_tape_of_a_protocol_that_is_not_known(tape: Tape) -> None:
    with pytest.raises(TrialError, match="cannot be played"):
        try_on(tape, terms(STRANGER), lambda played, all_: True, adapters={})
