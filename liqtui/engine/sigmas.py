"""Daily volatility of each factor, from the oracle rounds that were seen."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from liqtui.core.sigma import daily_sigma
from liqtui.core.snapshot import Volatility

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.engine.history import History
    from liqtui.engine.outcome import Outcome

WINDOW = 30 * 86_400
SPACING = 1800
"""Least seconds between two rounds that count, so that busy feeds stay small; a jump between is not lost."""


class Sigmas:
    """Kept per feed, since two feeds of one factor differ in decimals and times; a factor takes its wildest feed."""

    def __init__(self) -> None:
        self._rounds: dict[str, dict[tuple[int, str], deque[tuple[float, float]]]] = {}
        self._stale: set[str] = set()
        self._known: dict[str, float] = {}
        self._told: dict[str, Volatility] = {}
        self.version = 0
        """Grows when a σ may have changed."""

    def add(self, chain_id: int, feed: str, factor: str, at: int, answer: int) -> None:
        """A round of a feed: raw answer and chain time, oldest first."""
        rounds = self._rounds.setdefault(factor, {}).setdefault((chain_id, feed), deque())
        if rounds and at - rounds[-1][0] < SPACING:
            return
        rounds.append((float(at), float(answer)))
        while rounds[0][0] < at - WINDOW:
            rounds.popleft()
        self._stale.add(factor)
        self.version += 1

    def seed(self, chain_id: int, feed: str, factor: str, past: Iterable[tuple[int, int]]) -> None:
        """Rounds (unix time, raw answer) from before; those that are known already stay."""
        known = self._rounds.setdefault(factor, {}).pop((chain_id, feed), deque())
        for at, answer in sorted({*past, *((int(at), int(answer)) for at, answer in known)}):
            self.add(chain_id, feed, factor, at, answer)

    def learn(self, chain_id: int, outcome: Outcome, history: History) -> None:
        """Keep what feeds answered; not what is dated after the block: nothing that comes would be newer for long."""
        latest = outcome.block.timestamp
        for feed in outcome.feeds:
            past = [each for each in outcome.past.get(feed.address, ()) if each[0] <= latest]
            if past:
                self.seed(chain_id, feed.address, feed.factor, past)
            if feed.answer is None or feed.updated_at is None or feed.updated_at > latest:
                continue
            if history.round(chain_id, feed):
                self.add(chain_id, feed.address, feed.factor, feed.updated_at, feed.answer)

    def by_factor(self) -> Mapping[str, float]:
        """Factor id → daily σ; only those that are known."""
        if not self._stale:
            return self._known
        for factor in self._stale:
            found = [
                Volatility(factor, sigma, rounds[-1][0] - rounds[0][0], len(rounds))
                for rounds in self._rounds[factor].values()
                if (sigma := daily_sigma(rounds)) is not None
            ]
            self._known.pop(factor, None)
            self._told.pop(factor, None)
            if found:
                self._told[factor] = wildest = max(found, key=lambda each: each.daily)
                self._known[factor] = wildest.daily
        self._stale.clear()
        return self._known

    def told(self) -> tuple[Volatility, ...]:
        """Of the factors where it is known, with what it comes from."""
        self.by_factor()
        return tuple(self._told.values())
