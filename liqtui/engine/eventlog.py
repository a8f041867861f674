"""What happened to positions, from the logs: liquidations for certain, and what the owners did themselves.

Logs are asked for only when what somebody holds has changed, or cannot be read: a liquidation always takes something.
While nothing changes a round costs no request, and after a change the newest blocks are read again until a
reorganisation can no longer rewrite them. All markets of a chain that stand at the same block are asked for together.
A failure is a note; it never holds up a round.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from liqtui.core.reads import LogFilter, ReadError
from liqtui.engine.logsearch import FIRST, LEAST, MARGIN, MOST, PIECES, REST, REST_MAX, SPEND, WALLETS, Kept
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.model import Position, PositionKey
    from liqtui.core.reads import Block, ChainReader
    from liqtui.core.sources import MarketRef
    from liqtui.engine.logsearch import Notebook
    from liqtui.protocols.adapter import EventLog

BACKLOG = 50_000
"""Blocks: what happened further back, while nobody watched, is not looked for."""
ROUNDING = 2
"""Units by which an amount may fall by rounding alone, beside a billionth of it."""
GROWTH = 100_000
"""An amount that grows by more than one part in this many between two rounds grew by more than interest."""
_KEEP_EVERY = 1_000

_Amounts: TypeAlias = "dict[PositionKey, dict[tuple[str, str], int]]"
_Topics: TypeAlias = "tuple[tuple[str, ...] | None, ...]"


class Watched(NamedTuple):
    """One opened market as a round found it."""

    ref: MarketRef
    adapter: EventLog
    opened: Any
    wallets: tuple[str, ...]
    """Who holds something here or did, as far as it is known."""
    positions: tuple[Position, ...]
    unread: bool
    """Some of them could not be read."""


class Found(NamedTuple):
    events: tuple[MarketEvent, ...] = ()
    """Not told before, of the watched wallets, in the order in which they happened."""
    logged: frozenset[tuple[str, str]] = frozenset()
    """(protocol, market) whose logs were read up to the round's block: there is no other event."""
    note: str = ""


class _Read(NamedTuple):
    """What one step read of one market's logs."""

    next: int = 0
    """The first block that it did not reach."""
    events: tuple[MarketEvent, ...] = ()


@dataclass(slots=True)
class _Cursor:
    """How far one market's logs are read."""

    first: int
    """The watching began here; blocks before it are not read again."""
    next: int
    """The first block of which nothing is known yet."""
    stirred: int
    """Up to this block the newest blocks are read anew in every round; until it is reached, however long that takes."""
    held: _Amounts
    kept: int = -1


class Events:
    """The logs of one chain's markets. In each round one `look`, then one `step`, in one event loop."""

    def __init__(self, notebook: Notebook | None = None) -> None:
        self._notebook = notebook
        self._notebook_holds = True
        """What it says is of this chain."""
        self._cursors: dict[str, _Cursor] = {}
        self._asked: dict[str, Watched] = {}
        """Markets whose logs are due, by place."""
        self._moved = False
        self._told: dict[tuple[object, ...], int] = {}
        """What was told already → its block."""
        self._since: dict[tuple[str, str], int] = {}
        """(protocol, market) → the first block that the last step read."""
        self._range = FIRST
        self._rest, self._rests_until = REST, float("-inf")
        self._fault = ""

    def look(self, block: Block, markets: Iterable[Watched]) -> bool:
        """Take what a round found. Returns whether anybody holds something else than before, beside interest."""
        self._moved = False
        self._asked = {_place(market): market for market in markets if self._due(market, block)}
        return self._moved

    def begin_anew(self) -> None:
        """It is another chain: what its logs told before, and what was written down of them, is nothing to it."""
        self._notebook_holds = False
        self._cursors.clear()
        self._told.clear()

    async def step(self, reader: ChainReader, block: Block, now: float) -> Found:
        """Read what is due, for a few seconds at most. `now`: seconds of any clock that runs on between rounds."""
        due = self._asked
        self._since = {}
        if not due or now < self._rests_until:
            return Found(note=self._fault if due else "")
        read: dict[str, _Read] = {}
        done, note = list[str](), ""
        try:
            async with asyncio.timeout(SPEND):
                done = await self._walk(reader, block, due, read)
        except TimeoutError:
            note = self._failed(ReadError("timeout", f"over {SPEND:.0f} s"), now)
        except Exception as fault:  # noqa: BLE001 - a surprise in a log must not end the round; it is shown
            note = self._failed(fault, now)
        else:
            self._fault, self._rest = "", REST
        logged = frozenset((due[at].ref.protocol, due[at].ref.name) for at in done)
        return Found(self._told_of(read), logged, note)

    def read_from(self, number: int) -> frozenset[tuple[str, str]]:
        """(protocol, market) of which the last step read all from that block on, as far as it got."""
        return frozenset(place for place, start in self._since.items() if start <= number)

    def _told_of(self, read: Mapping[str, _Read]) -> tuple[MarketEvent, ...]:
        """What is new in what was read. Nothing is waited for from here until the alert is on its way to the history:
        a place that were written down earlier would be a liquidation that nobody hears of, if the process ends between.
        """
        for place, found in read.items():
            cursor = self._cursors[place]
            cursor.next = max(cursor.next, found.next)
            self._keep(place, cursor, found=bool(found.events))
        return self._news([event for found in read.values() for event in found.events])

    def _failed(self, fault: Exception, now: float) -> str:
        """A recording that knows no logs of this range is no failure."""
        if isinstance(fault, ReadError) and fault.kind == "tape":
            return ""
        self._range = max(LEAST, self._range // 4)
        self._rests_until, self._rest = now + self._rest, min(self._rest * 2, REST_MAX)
        self._fault = f"logs could not be read, so liquidations are told by amounts alone: {words(fault)}"
        return self._fault

    # -- what is due ---------------------------------------------------------------------------------------------

    def _due(self, market: Watched, block: Block) -> bool:
        held = _amounts(market.positions)
        cursor = self._cursors.get(_place(market))
        if cursor is None:
            cursor = self._cursors[_place(market)] = self._begun(market, block, held)
        if cursor.next > block.number + 1:  # the head went back
            cursor.next, cursor.first = block.number + 1, min(cursor.first, block.number + 1)
            cursor.stirred = block.number + MARGIN
        moved = _moved(cursor.held, held)
        self._moved |= moved and not market.unread
        if market.unread or moved:
            cursor.stirred = block.number + MARGIN
        cursor.held = cursor.held | held if market.unread else held
        if block.number <= cursor.stirred or (market.wallets and cursor.next <= cursor.stirred):
            return bool(market.wallets)
        cursor.next = block.number + 1
        self._keep(_place(market), cursor, found=False)
        return False

    def _begun(self, market: Watched, block: Block, held: _Amounts) -> _Cursor:
        """From where the last run stopped, if that is not too long ago; else from now on."""
        known = self._notebook if self._notebook_holds else None
        kept = None if known is None else known.trail(_place(market), "")
        if kept is None or kept.next_block > block.number + 1:
            return _Cursor(block.number + 1, block.number + 1, -1, held)
        return _Cursor(kept.next_block, kept.next_block, block.number, held, kept.next_block)

    def _keep(self, place: str, cursor: _Cursor, *, found: bool) -> None:
        if self._notebook is not None and (found or cursor.kept < 0 or cursor.next - cursor.kept >= _KEEP_EVERY):
            cursor.kept = cursor.next
            self._notebook.keep_trail(place, "", Kept(cursor.next, "[]"))

    # -- requests ------------------------------------------------------------------------------------------------

    async def _walk(
        self, reader: ChainReader, block: Block, due: Mapping[str, Watched], read: dict[str, _Read]
    ) -> list[str]:
        """Read ranges, the newest first, into `read`; returns the places of those that were read up to the block."""
        oldest = block.number - BACKLOG
        starts = {at: max(self._cursors[at].first, self._cursors[at].next - MARGIN, oldest) for at in due}
        self._since = {(due[at].ref.protocol, due[at].ref.name): start for at, start in starts.items()}
        for _ in range(PIECES):
            behind = [at for at in starts.values() if at <= block.number]
            if not behind:
                break
            first = max(behind)
            last = min(block.number, first + self._range - 1)
            group = {place: due[place] for place, at in starts.items() if at == first}
            await self._piece(reader, first, last, group, read)
            starts |= dict.fromkeys(group, last + 1)
            if last < block.number:
                self._range = min(MOST, self._range * 2)
        return [place for place, at in starts.items() if at > block.number]

    async def _piece(
        self, reader: ChainReader, first: int, last: int, group: Mapping[str, Watched], read: dict[str, _Read]
    ) -> None:
        logs = [log for wanted in merged(list(group.values())) for log in await reader.logs(first, last, wanted)]
        logs = list(dict.fromkeys(logs))
        for place, market in group.items():
            mine = [event for event in market.adapter.events(market.opened, logs) if event.key.wallet in market.wallets]
            before = read.get(place, _Read())
            read[place] = _Read(max(before.next, last + 1), (*before.events, *mine))

    # -- what is new ---------------------------------------------------------------------------------------------

    def _news(self, events: Sequence[MarketEvent]) -> tuple[MarketEvent, ...]:
        """Those not told before. A transaction that a reorganisation moved to another block is the same one."""
        oldest = min((cursor.next for cursor in self._cursors.values()), default=0) - 2 * MARGIN
        self._told = {what: at for what, at in self._told.items() if at >= oldest}
        news: list[MarketEvent] = []
        like: Counter[tuple[object, ...]] = Counter()
        for event in sorted(events, key=lambda each: (each.block_number, each.log_index)):
            what = (event.tx_hash, event.kind, event.key, event.collateral, event.debt, event.who)
            like[what] += 1
            if (*what, like[what]) not in self._told:
                news.append(event)
            self._told[(*what, like[what])] = event.block_number
        return tuple(news)


def merged(markets: Sequence[Watched]) -> list[LogFilter]:
    """The filters of all markets, made one where they name the same wallets in the same place."""
    wallets = list(dict.fromkeys(wallet for market in markets for wallet in market.wallets))
    groups: dict[tuple[bool, _Topics], tuple[dict[str, None], dict[str, None]]] = {}
    for market in markets:
        for start in range(0, len(wallets), WALLETS):
            for wanted in market.adapter.event_filters(market.opened, wallets[start : start + WALLETS]):
                addresses, kinds = groups.setdefault((bool(wanted.addresses), wanted.topics[1:]), ({}, {}))
                addresses |= dict.fromkeys(wanted.addresses)
                kinds |= dict.fromkeys(wanted.topics[0] or ())
    return [LogFilter(tuple(where), (tuple(kinds), *rest)) for (_, rest), (where, kinds) in groups.items()]


def _place(market: Watched) -> str:
    return f"{market.ref.chain_id}:{market.ref.protocol}:{market.ref.entry}:events"


def _amounts(positions: Iterable[Position]) -> _Amounts:
    """By position: (side, asset) → raw units."""
    out: _Amounts = {}
    for position in positions:
        found = out.setdefault(position.key, {})
        for leg in position.legs:
            what = (leg.side.value, leg.asset.address)
            found[what] = found.get(what, 0) + leg.amount
    return out


def _moved(before: _Amounts, now: _Amounts) -> bool:
    """Whether more happened than interest and rounding."""
    if before.keys() != now.keys():
        return True
    changes = (
        (before[key].get(what, 0), new.get(what, 0)) for key, new in now.items() for what in before[key].keys() | new
    )
    return any(old - new > ROUNDING + old // 10**9 or new - old > ROUNDING + old // GROWTH for old, new in changes)
