"""Moonwell as recorded on its real contracts: the adapter on the tape, against what they answered there.

No package carries their code. See docs/protocols-compound-v2.md for what was recorded and how to record it again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.chain.tape import TapeReader, load_tape
from liqtui.core.boundaries import boundaries
from liqtui.core.events import EventKind
from liqtui.engine.reel import setup_of
from liqtui.engine.rounds import Outcome
from liqtui.engine.setup import rounds_on, shipped_adapters
from tests.real.moonwell_truth import Said, Told, check, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Position

FOLDER = Path(__file__).parent / "recorded" / "moonwell"
LONGEST = 4096
"""Bytes of the longest answer that is no code: a whole multicall."""


@dataclass(frozen=True)
class Played:
    """Every frame of the tape through the engine, and the contracts' own answers."""

    outcomes: Sequence[Outcome]
    told: Sequence[Told]

    def positions(self, at: int) -> dict[str, Position]:
        return {key.wallet: found for key, found in self.outcomes[at].positions.items()}


@pytest.fixture(scope="module")
def played() -> Played:
    tape = load_tape(FOLDER / "walk.tape")
    setup = setup_of(tape)
    (spec,) = setup.chains
    reader = TapeReader(tape, spec.id)

    async def rounds() -> list[Outcome]:
        watching = rounds_on(spec, setup, shipped_adapters(), reader)
        found: list[Outcome] = []
        for number, frame in enumerate(tape.frames):
            reader.seek(number)
            outcome = await watching.round(frame.time)
            assert isinstance(outcome, Outcome)
            assert outcome.troubles == ()
            found.append(outcome)
        return found

    return Played(asyncio.run(rounds()), load(FOLDER / "walk.told.xz"))


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
    assert len(played.told) >= 40
    assert counted["owing"] >= 20 * len(played.told)
    assert counted["short"] >= 40, counted


def test_the_contracts_turned_where_we_say(played: Played) -> None:
    kinds: Counter[str] = Counter()
    for at, told in enumerate(played.told):
        found = played.positions(at)
        for user in {turn.wallet for turn in told.turns}:
            position = found[user]
            assert position.book is not None
            ours = {
                each.factor: each.price for each in boundaries(position.book, position.feeds) if each.price is not None
            }
            assert ours == {turn.factor: turn.unsafe for turn in told.turns if turn.wallet == user}, position
        kinds.update(turn.factor.partition(":")[0] for turn in told.turns)
        assert all(abs(turn.unsafe - turn.safe) == 1 for turn in told.turns)
    assert kinds.total() > 200
    assert {"31337", "asset", "together"} <= kinds.keys()


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
    for frame in load_tape(FOLDER / "walk.tape").frames:
        for call, result in frame.results.items():
            answer = result if isinstance(result, bytes) else result.data
            assert len(answer) <= LONGEST, call
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 150_000
