"""A recording played through the engine, beside what the contracts themselves had answered."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqtui.chain.tape import TapeReader, load_tape
from liqtui.core.boundaries import boundaries
from liqtui.engine.reel import setup_of
from liqtui.engine.rounds import Outcome
from liqtui.engine.setup import rounds_on, shipped_adapters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.model import Position

FOLDER = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Played:
    """Every frame of a tape through the engine, and the contracts' own answers."""

    outcomes: Sequence[Outcome]
    told: Sequence[Any]

    def positions(self, at: int) -> dict[str, Position]:
        return {key.wallet: found for key, found in self.outcomes[at].positions.items()}


def play(path: Path, told: Sequence[Any], reader_of: type[TapeReader] = TapeReader) -> Played:
    tape = load_tape(path)
    setup = setup_of(tape)
    (spec,) = setup.chains
    reader = reader_of(tape, spec.id)

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

    return Played(asyncio.run(rounds()), told)


def check_turns(played: Played, more_than: int) -> None:
    """Fail unless the contracts turned exactly where we say, and at factors of all kinds."""
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
    assert kinds.total() > more_than
    assert {"31337", "asset", "together"} <= kinds.keys()


def check_no_code(path: Path, longest: int) -> None:
    """Fail where an answer on the tape is longer than any that is no code may be, in bytes."""
    for frame in load_tape(path).frames:
        for call, result in frame.results.items():
            answer = result if isinstance(result, bytes) else result.data
            assert len(answer) <= longest, call
