"""What was said of each price feed, kept over rounds and restarts: `core.feedwatch` judges one feed at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import feedwatch
from liqtui.core.severity import oracle_freshness
from liqtui.core.snapshot import Freshness

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from liqtui.core.drafts import Draft
    from liqtui.core.model import Feed
    from liqtui.core.snapshot import Alert, Row, Snapshot


class Look(NamedTuple):
    """What came of a look at all feeds."""

    drafts: Sequence[Draft]
    changed: bool
    """There is something else to remember."""
    turned: bool
    """What was said of some feed may be over."""


class Feeds:
    def __init__(self, remembered: str) -> None:
        """`remembered`: what `dump` gave."""
        self._marks = feedwatch.load(remembered)

    def dump(self) -> str:
        return feedwatch.dump(self._marks)

    def begin_anew(self, chain: str) -> None:
        """What the feeds of a chain answered before is compared with nothing; what was said of them stays said."""
        for name, mark in self._marks.items():
            if name.startswith(f"{chain}:"):
                self._marks[name] = mark._replace(answer=None, updated_at=None)

    def look(self, snapshot: Snapshot) -> Look:
        """Each feed of a chain whose block is known. A look that fails remembers nothing: none goes untold."""
        times = {chain.name: chain.block.timestamp for chain in snapshot.chains if chain.block is not None}
        gone = self._gone(snapshot, times)
        marks = {name: mark for name, mark in self._marks.items() if name not in gone}
        changed = turned = bool(gone)
        said: list[Draft] = []
        rows: Mapping[tuple[str, str], list[Row]] | None = None
        for chain, feed in snapshot.feeds:
            at, name = times.get(chain), f"{chain}:{feed.address}"
            if at is None:
                continue
            mark = marks.get(name)
            known = mark or feedwatch.Mark()
            if mark is None or _may_speak(known, feed, at):
                rows = _by_feed(snapshot.rows) if rows is None else rows
                hanging = rows.get((chain, feed.address), ())
                new, drafts = feedwatch.watch(known, feedwatch.Seen(feed, chain, at, hanging, snapshot.at))
                said += drafts
                turned |= new.told != known.told
            else:
                new = known._replace(answer=feed.answer, updated_at=feed.updated_at, read_at=at)
            if new != known:
                marks[name] = new
                changed = True
        self._marks = marks
        return Look(said, changed, turned)

    def stands(self, alert: Alert) -> bool:
        """Whether a feed is still as late as this alert says."""
        state = alert.cause.rpartition(":")[2]
        chain = dict(alert.facts).get("chain", "")
        told = {mark.told for name, mark in self._marks.items() if not chain or name.startswith(f"{chain}:")} - {""}
        return state in told or (state == "several" and bool(told))

    def _gone(self, snapshot: Snapshot, read: Collection[str]) -> set[str]:
        """Those that nothing hangs on any more, on chains where every position is read."""
        left = self._marks.keys() - {f"{chain}:{feed.address}" for chain, feed in snapshot.feeds}
        unread = {row.chain for row in snapshot.rows if row.position is None} if left else ()
        return {name for name in left if (chain := name.rpartition(":")[0]) in read and chain not in unread}


def _may_speak(mark: feedwatch.Mark, feed: Feed, at: int) -> bool:
    """Whether the rules may have something to say: only then it is looked up what hangs on the feed."""
    late = oracle_freshness(feed, at) in {Freshness.LATE, Freshness.STALE}
    return late or bool(mark.told) or feedwatch.jumps(mark, feed, at) > 0


def _by_feed(rows: Iterable[Row]) -> Mapping[tuple[str, str], list[Row]]:
    """(chain name, address of a feed) → what hangs on it, in the order of the rows."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.position is not None:
            for address in {feed.address for feed in row.position.feeds}:
                found.setdefault((row.chain, address), []).append(row)
    return found
