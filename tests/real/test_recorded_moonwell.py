"""Moonwell as recorded on its real contracts: the adapter on the tape, against what they answered there.

No package carries their code. See docs/protocols-compound-v2.md for what was recorded and how to record it again.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from liqtui.core.events import EventKind
from tests.real.moonwell_truth import Said, check, load
from tests.real.played import FOLDER as RECORDED
from tests.real.played import Played, check_no_code, check_turns, play

FOLDER = RECORDED / "moonwell"
LONGEST = 4096
"""Bytes of the longest answer that is no code: a whole multicall."""


@pytest.fixture(scope="module")
def played() -> Played:
    return play(FOLDER / "walk.tape", load(FOLDER / "walk.told.xz"))


def test_every_figure_is_the_contracts_at_every_block(played: Played) -> None:
    counted: Counter[str] = Counter()
    for at, told in enumerate(played.told):
        assert played.outcomes[at].block.number == told.block
        found = played.positions(at)
        assert found.keys() == {user for user, said in told.accounts.items() if said.holds}
        for user, position in found.items():
            said = told.accounts[user]
            check(position, said)
            counted["owing"] += bool(said.owed)
            counted["short"] += said.shortfall > 0
    assert len(played.told) >= 100
    assert counted["owing"] >= 20 * len(played.told)
    assert counted["short"] >= 100, counted


def test_the_contracts_turned_where_we_say(played: Played) -> None:
    check_turns(played, 200)


def test_liquidations_are_told_as_they_were(played: Played) -> None:
    rounds = list(enumerate(played.told))[1:]  # the first only notes how far the log is
    for at, told in rounds:
        events = [event for event in played.outcomes[at].events if event.kind is EventKind.LIQUIDATED]
        found = [
            (event.key.wallet, event.debt.amount, event.collateral.amount)
            for event in events
            if event.debt and event.collateral
        ]
        assert sorted(found) == sorted((each.wallet, each.repaid, each.seized) for each in told.taken)
    assert sum(len(told.taken) for _, told in rounds) >= 3


@pytest.mark.parametrize("field", Said._fields)
def test_one_figure_that_is_another_is_noticed(played: Played, field: str) -> None:
    at, user = next(
        (at, user)
        for at, told in enumerate(played.told)
        for user, said in told.accounts.items()
        if said.held and said.owed
    )
    said, position = played.told[at].accounts[user], played.positions(at)[user]
    check(position, said)
    value: Any = getattr(said, field)
    more = value + 1 if isinstance(value, int) else {key: amount + 1 for key, amount in value.items()}
    with pytest.raises(AssertionError):
        check(position, said._replace(**{field: more}))


def test_the_recording_holds_answers_and_no_code() -> None:
    check_no_code(FOLDER / "walk.tape", LONGEST)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 250_000
