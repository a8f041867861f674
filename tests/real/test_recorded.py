"""Compound v3 as recorded on its real contract: the adapter on the tape, against what the contract answered there.

The contract's code is in no package that a test could fetch. See docs/protocols-compound-v3.md for what was recorded
and how to record it again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.tape import TapeReader
from liqtui.core.events import EventKind
from liqtui.core.model import Change
from tests.real.comet_truth import Said, check, load
from tests.real.played import FOLDER, Played, check_no_code, check_turns, play

if TYPE_CHECKING:
    from liqtui.core.reads import Log, LogFilter

LONGEST = 1024
"""Bytes of the longest answer that is no code."""


class Recorded(TapeReader):
    """A tape whose logs answer to any filter, so that asking otherwise needs no new recording."""

    async def logs(self, first: int, last: int, wanted: LogFilter) -> list[Log]:
        assert self.frame is not None
        kept = dict.fromkeys(log for query in self.frame.logs for log in query.logs)
        return [log for log in kept if first <= log.block_number <= last and matches(log, wanted)]


def matches(log: Log, wanted: LogFilter) -> bool:
    pairs = zip(wanted.topics, log.topics, strict=False)
    return log.address in wanted.addresses and all(accepted is None or topic in accepted for accepted, topic in pairs)


@pytest.fixture(scope="module", params=["compound-v3-usdc", "compound-v3-weth"])
def played(request: pytest.FixtureRequest) -> Played:
    tape, told = FOLDER / f"{request.param}.tape", load(FOLDER / f"{request.param}.told.xz")
    return play(tape, told, Recorded)


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
            counted["lending"] += bool(said.supplied)
            counted["liquidatable"] += said.liquidatable
            counted["absorbed"] += said.absorbed is not None
            counted["not covered"] += not said.collateralized
            counted["left with something"] += bool(said.absorbed)
    assert len(played.told) >= 100
    assert counted["owing"] >= 10 * len(played.told)
    often = "liquidatable", "absorbed", "not covered", "left with something", "lending"
    assert min(counted[kind] for kind in often) >= 200, counted


def test_the_contract_turned_where_we_say(played: Played) -> None:
    check_turns(played, 1000)


def test_paying_in_leaves_what_we_say(played: Played) -> None:
    crossed: Counter[bool] = Counter()
    for at, told in enumerate(played.told):
        found = played.positions(at)
        for paid in told.repaid:
            book: Any = found[paid.wallet].book
            change = Change(debt={book.asset.address: -paid.amount})
            base, _ = book.changed(change)
            assert base.balance == (paid.supplied or -paid.owed), (found[paid.wallet], paid)
            assert book.liquidatable(change) is paid.liquidatable, (found[paid.wallet], paid)
            crossed[paid.supplied > 0] += 1
    assert min(crossed[True], crossed[False]) >= 20, crossed


def test_absorptions_are_told_as_they_were(played: Played) -> None:
    rounds = list(enumerate(played.told))[1:]  # the first only notes how far the log is
    for at, told in rounds:
        expected = {(each.wallet, None, each.paid) for each in told.absorbed}
        expected |= {(each.wallet, asset, amount) for each in told.absorbed for asset, amount in each.taken.items()}
        events = [event for event in played.outcomes[at].events if event.kind is EventKind.LIQUIDATED]
        moved = [(event.key.wallet, event.collateral, event.debt) for event in events]
        assert expected == {
            (user, taken.asset.address if taken else None, (taken or debt).amount) for user, taken, debt in moved
        }
    assert sum(len(told.absorbed) for _, told in rounds) >= 3


@pytest.mark.parametrize("field", Said._fields)
def test_one_figure_that_is_another_is_noticed(played: Played, field: str) -> None:
    at, user = next(
        (at, user)
        for at, told in enumerate(played.told)
        for user, said in told.accounts.items()
        if said.absorbed and any(said.held)
    )
    said, position = played.told[at].accounts[user], played.positions(at)[user]
    check(position, said)
    with pytest.raises(AssertionError):
        check(position, said._replace(**{field: disturbed(getattr(said, field))}))


def disturbed(value: Any) -> Any:
    """The next number, or the other answer."""
    if isinstance(value, bool):
        return not value
    return (*value[:-1], value[-1] + 1) if isinstance(value, tuple) else value + 1


def test_some_could_be_absorbed_while_the_view_still_said_no() -> None:
    """The recordings hold what is easily got wrong: the view knows no interest since the last accrual."""
    said = [said for path in FOLDER.glob("*.told.xz") for told in load(path) for said in told.accounts.values()]
    assert sum(each.absorbed is not None and not each.liquidatable for each in said) >= 10


def test_a_recording_holds_answers_and_no_code() -> None:
    tapes = sorted(FOLDER.glob("*.tape"))
    assert tapes
    for path in tapes:
        check_no_code(path, LONGEST)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 300_000
