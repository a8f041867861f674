"""Calls that harm others in a request, and for how long that is held against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core.reads import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.reads import Call, Result

MEMORY = 4096
NONE_OF = 4
"""Where so many calls or more were asked and none of them runs, it may be the node that is at fault."""


class Memory:
    """What calls and nodes of one chain did before, so that a bad call costs extra requests once, not every round."""

    def __init__(self) -> None:
        self.greedy: dict[Call, int] = {}
        """Took all gas, or broke the request → how often it has to run alone until it is asked with others again."""
        self._accused: dict[Call, int] = {}
        """How often that was said of each."""
        self.mute: set[Call] = set()
        """Fail without a word by themselves: asked last, where they cannot take the gas of others."""
        self.turn = 0
        """Grows with each read: who of the bad ones comes first, or has its turn at all."""
        self.multicall_exists = False
        """Some node of this chain has it: one that denies it is broken."""

    def safe_order(self, calls: Sequence[Call]) -> list[int]:
        """Places of `calls`, mute ones last, and another one of them first each time: it may have recovered."""
        good = [at for at, call in enumerate(calls) if call not in self.mute]
        bad = [at for at, call in enumerate(calls) if call in self.mute]
        return good + self.rotated(bad)

    def rotated(self, places: list[int]) -> list[int]:
        first = self.turn % len(places) if places else 0
        return places[first:] + places[:first]

    def hush(self, call: Call) -> None:
        """It fails without a word."""
        if len(self.mute) >= MEMORY:
            self.mute.clear()
        self.mute.add(call)

    def accuse(self, call: Call) -> None:
        """It cannot be run with others, nor alone. Each time it has to prove for longer that it can."""
        if len(self._accused) >= MEMORY:
            self.greedy.clear()
            self._accused.clear()
        self._accused[call] = times = self._accused.get(call, 0) + 1
        self.greedy[call] = 4 ** min(times - 1, 5)

    def pardon(self, calls: Iterable[Call]) -> None:
        """It was the node, and not they."""
        for call in calls:
            self.greedy.pop(call, None)
            self._accused.pop(call, None)

    def acquit(self, alone: Mapping[Call, Result]) -> None:
        """What greedy calls answered by themselves. Whoever runs is let off after a while.

        Where all of them run, it was the node that had a bad spell, and not they: the others are let off as well. As
        many as fail in a spell would else have their turn every so many rounds for ever, and no market be whole.
        """
        ran = [call for call, result in alone.items() if not is_unread(result)]
        for call in ran:
            self.greedy[call] = self.greedy.get(call, 1) - 1
        well = bool(alone) and len(ran) == len(alone)
        self.greedy = {
            call: left for call, left in self.greedy.items() if left > 0 and not (well and self._accused[call] == 1)
        }


def ran_none(results: Sequence[Result]) -> bool:
    """Whether it looks as if it were the node that is at fault, and not each of the calls."""
    return len(results) >= NONE_OF and all(map(is_unread, results))


def is_unread(result: Result) -> bool:
    return isinstance(result, Failure) and result.kind == "unread"
