"""What a feed answered before: rounds back in time, so that volatility is known from the first minute.

`latestRoundData()` and `getRoundData(uint80)` of Chainlink's aggregator interface. The high bits of a round id
are the phase (aggregators change behind a proxy); rounds of an earlier phase are not looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.protocols.abi import ask, function, ok, signed, words
from liqtui.protocols.price_sources import LATEST_ROUND_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.reads import Plan, Result

GET_ROUND_DATA = function("getRoundData(uint80)", "9a6fc8f5")
ROUNDS = 48
STRIDE = 8
"""Every eighth round: a longer window for the same number of calls, and the sum of squares is as good."""
_PHASE = 64


def past_rounds(feeds: Iterable[str]) -> Plan[Mapping[str, tuple[tuple[int, int], ...]]]:
    """Feed → (unix time, raw answer) of past rounds, oldest first. Two steps, whatever the number of feeds.

    A feed that keeps no rounds, or answers nonsense, is left out.
    """
    latest = yield from ask({feed: LATEST_ROUND_DATA.at(feed) for feed in dict.fromkeys(feeds)})
    wanted = {
        (feed, number): GET_ROUND_DATA.at(feed, number)
        for feed, result in latest.items()
        if ok(result, 5)
        for number in _back(words(result, 5)[0])
    }
    found: dict[str, list[tuple[int, int]]] = {}
    if wanted:
        rounds = yield from ask(wanted)
        for (feed, _), result in rounds.items():
            read = _round(result)
            if read is not None:
                found.setdefault(feed, []).append(read)
    return {feed: tuple(sorted(rounds)) for feed, rounds in found.items()}


def _back(latest: int) -> list[int]:
    phase, last = latest >> _PHASE << _PHASE, latest & (1 << _PHASE) - 1
    return [phase | last - back * STRIDE for back in range(1, ROUNDS + 1) if last > back * STRIDE]


def _round(result: Result) -> tuple[int, int] | None:
    """(updated at, answer); None for a round that does not exist or has no price."""
    if not ok(result, 5):
        return None
    _, answer, _, updated_at, _ = words(result, 5)
    price = signed(answer)
    return (updated_at, price) if updated_at and price > 0 else None
