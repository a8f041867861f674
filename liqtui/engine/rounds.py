"""One chain, round by round: open its markets, find the wallets in them, read all at one block, evaluate.

Every market walks in lockstep (`run_plans`), so a round costs a constant number of requests, whatever the
number of wallets and markets. What fails is a value with its reason and stays with the market or wallet that
it concerns; only a chain that cannot be read at all ends the round, as a `ReadError`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.reads import PlanFailed, ReadError, run_plans
from liqtui.core.risk import complete
from liqtui.core.sources import placed
from liqtui.engine.eventlog import Events, Found, Watched
from liqtui.engine.glances import Glances, glanced
from liqtui.engine.lockstep import walk
from liqtui.engine.markets import adapter_of, market_of
from liqtui.engine.outcome import Outcome, Trouble
from liqtui.engine.words import safe, words
from liqtui.protocols.adapter import EventLog
from liqtui.protocols.feed_history import past_rounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from liqtui.core.model import Feed, Position, PositionKey
    from liqtui.core.reads import Block, ChainReader, Plan
    from liqtui.core.snapshot import Stage
    from liqtui.core.sources import ChainSpec, MarketRef
    from liqtui.engine.lineage import Lineage
    from liqtui.engine.lockstep import Walk
    from liqtui.engine.logsearch import Notebook
    from liqtui.engine.markets import MarketState
    from liqtui.engine.outcome import Spot
    from liqtui.protocols.adapter import Adapter, Reading

REDISCOVER = 300.0
"""Seconds after which all wallets are looked for again in every market."""
REOPEN = 60.0
"""Seconds before a market that did not open is tried again."""
_YIELD_EVERY = 8
"""Evaluations between two breaths of the event loop."""


class _Known(NamedTuple):
    """A finished position and the bare figures that it was finished from."""

    bare: Position
    whole: Position


class ChainRounds:
    """The state of one chain between rounds. One round at a time, in one event loop."""

    def __init__(
        self,
        spec: ChainSpec,
        refs: Iterable[MarketRef],
        adapters: Mapping[str, Adapter],
        reader: ChainReader,
        *,
        rediscover: float = REDISCOVER,
        finish: Callable[[Position], Position] = complete,
        notebook: Notebook | None = None,
        lineage: Lineage | None = None,
    ) -> None:
        """`finish` adds boundaries and rescue amounts to a position; `notebook` keeps how far logs were searched;
        `lineage` looks whether it is the same chain still, where rounds are compared with what was known before.

        Raises LookupError in a sentence when a market's protocol has no adapter.
        """
        self.spec = spec
        self.reader = reader
        self._markets = [market_of(placed(ref, spec), adapter_of(adapters, ref), notebook) for ref in refs]
        remembered = () if notebook is None else notebook.positions()
        for market in self._markets:
            market.recall(remembered)
        self._every = rediscover
        self._finish = finish
        self._wallets: tuple[str, ...] = ()
        self._known: dict[PositionKey, _Known] = {}
        self._last: Outcome | None = None
        self._events = Events(notebook)
        self._glances = Glances(spec)
        self._lineage = lineage
        self._replaced: int | None = None
        self._met: set[str] = set()
        """Feeds whose past was asked for."""

    def watch(self, wallets: Iterable[str]) -> None:
        """Addresses to look at from the next round on. New ones are searched for then."""
        self._wallets = tuple(dict.fromkeys(wallet.lower() for wallet in wallets))
        self._last = None

    def rediscover(self) -> None:
        """Look for all wallets again in the next round."""
        for market in self._markets:
            market.searched_at = None

    @property
    def stages(self) -> tuple[Stage, ...]:
        return tuple(market.stage(self._wallets) for market in self._markets)

    async def round(
        self, now: float, progress: Callable[[tuple[Stage, ...]], None] | None = None
    ) -> Outcome | ReadError:
        """Read everything once, at the block that is the head now.

        `now`: seconds of any clock that runs on between rounds; one that can be set would put off what is due.
        """
        try:
            outcome = await self._round(now, progress)
        except ReadError as error:
            if self._lineage is not None:
                self._lineage.doubt = True
            return error
        if self._lineage is not None:
            self._lineage.saw(outcome.block, now, whole=not outcome.troubles)
        return outcome

    async def _round(self, now: float, progress: Callable[[tuple[Stage, ...]], None] | None) -> Outcome:
        block = await self.reader.head()
        wallets, last = self._wallets, self._last
        if last is not None and last.block == block and self._complete(last, now):
            return last
        self._forget(wallets)
        report = progress or _quiet
        outcome, moved = await self._figures(block, wallets, now, report)
        if self._lineage is not None and (found := await self._lineage.replaced(block, now, moved=moved)) is not None:
            self._replaced = found  # until a round is over that says so
            self._begin_anew()
            outcome, _ = await self._figures(block, wallets, now, report)
        past = await self._past(block, outcome.feeds)
        outcome = await self._happened(block, outcome, now)  # the last to be waited for: events are told once
        if self._wallets == wallets:
            self._last = replace(outcome, events=()) if outcome.events else outcome
        replaced, self._replaced = self._replaced, None
        undone = outcome.logged & self._reorganised(block)
        if past or undone or replaced is not None:
            return replace(outcome, past=past, undone=undone, replaced=replaced)
        return outcome

    def _reorganised(self, block: Block) -> frozenset[tuple[str, str]]:
        """(protocol, market) whose logs were read from before a reorganisation on, if there was one."""
        found = self._lineage
        return self._events.read_from(block.number - found.depth) if found and found.reorganised else frozenset()

    async def _figures(
        self, block: Block, wallets: Sequence[str], now: float, progress: Callable[[tuple[Stage, ...]], None]
    ) -> tuple[Outcome, bool]:
        """What is read and evaluated, and whether anybody holds something else than before."""
        readings = await self._read(block, wallets, now, progress)
        outcome = await self._evaluate(block, readings, wallets)
        return outcome, self._events.look(block, self._watched(outcome))

    def _complete(self, last: Outcome, now: float) -> bool:
        """Whether nothing would come out differently at the same block."""
        due = any(market.due(now, self._every) for market in self._markets)
        return not (last.troubles or last.notes or (self._wallets and due))

    def _begin_anew(self) -> None:
        """It is another chain: nothing that was found out goes for it, nor what was written down."""
        for market in self._markets:
            market.begin_anew()
        self._events.begin_anew()
        self._known.clear()
        self._last = None

    def _forget(self, wallets: Sequence[str]) -> None:
        """Drop what is kept for wallets that are no longer watched."""
        watched = set(wallets)
        for market in self._markets:
            market.searched &= watched
            market.hints = {wallet: hint for wallet, hint in market.hints.items() if wallet in watched}
            market.met = {wallet: None for wallet in market.met if wallet in watched}

    # -- reads ---------------------------------------------------------------------------------------------------

    async def _read(
        self, block: Block, wallets: Sequence[str], now: float, progress: Callable[[tuple[Stage, ...]], None]
    ) -> list[tuple[MarketState, Reading]]:
        """Readings of the markets that could be read. Contracts that changed are opened again once."""

        def report() -> None:
            progress(self.stages)

        if not wallets:
            return []
        await self._search(block, wallets, now)
        await self._open(block, now, report)
        await self._discover(block, wallets, now, report)
        glances = [glanced(market, chosen) for market, chosen in self._glances.next(self._markets)]
        readings = await self._refresh(block, self._markets, glances)
        changed = [market for market, reading in readings if reading.changed]
        if changed:
            for market in changed:
                market.close()
            await self._open(block, now, report)
            await self._discover(block, wallets, now, report)
            readings = [pair for pair in readings if not pair[1].changed]
            for market, reading in await self._refresh(block, changed):
                if reading.changed:
                    market.note("refresh", PlanFailed("its contracts changed while they were read"))
                    market.close()
                else:
                    readings.append((market, reading))
        return readings

    async def _past(self, block: Block, feeds: Iterable[Feed]) -> Mapping[str, tuple[tuple[int, int], ...]]:
        """Past rounds of feeds not met before. Asked for once: volatility is worth a request, not a failed round."""
        new = [feed.address for feed in feeds if feed.address not in self._met]
        if not new:
            return {}
        self._met.update(new)
        try:
            found = (await run_plans(self.reader, block, [past_rounds(new)]))[0]
        except ReadError:
            return {}
        return {} if isinstance(found, Exception) else found

    async def _happened(self, block: Block, outcome: Outcome, now: float) -> Outcome:
        """The round with what the logs tell of the positions in it."""
        found = await self._events.step(self.reader, block, now)
        if found == Found():
            return outcome
        notes = (*outcome.notes, found.note) if found.note else outcome.notes
        return replace(outcome, events=found.events, logged=found.logged, notes=notes)

    def _watched(self, outcome: Outcome) -> Iterator[Watched]:
        positions: dict[tuple[str, str], list[Position]] = {}
        for key, position in outcome.positions.items():
            positions.setdefault((key.protocol, key.market), []).append(position)
        failed = {(trouble.spot.protocol, trouble.spot.market) for trouble in outcome.troubles}
        for market in self._markets:
            adapter, place = market.adapter, (market.ref.protocol, market.ref.name)
            if market.opened is not None and isinstance(adapter, EventLog):
                held = tuple(positions.get(place, ()))
                yield Watched(market.ref, adapter, market.opened, tuple(market.met), held, place in failed)

    async def _search(self, block: Block, wallets: Sequence[str], now: float) -> None:
        """Where logs have to tell, look at some more of them."""
        searching = [(market, market.search) for market in self._markets if market.search is not None]
        await asyncio.gather(*(search.step(self.reader, block, wallets, now) for _, search in searching))
        for market, search in searching:
            market.note("search", search.fault)
            market.searched -= search.news

    async def _open(self, block: Block, now: float, report: Callable[[], None]) -> None:
        """Open what is closed, and what there is more to know of; until that works the market stays as it was."""

        def opened(market: MarketState, value: Any) -> None:
            market.tried_at, market.opened_ref = now, market.wanted
            if isinstance(value, Exception):
                market.note("open", value)
            else:
                market.note("open", None)
                market.opened, market.searched_at = value, None
                market.searched = set()
            report()

        def due(market: MarketState) -> bool:
            if market.opened_ref is not market.wanted or market.tried_at is None:
                return True
            return (market.opened is None or "open" in market.faults) and now - market.tried_at >= REOPEN

        closed = [market for market in self._markets if due(market)]
        await walk(self.reader, block, [(m, partial(m.adapter.open, m.wanted, block)) for m in closed], opened)

    async def _discover(self, block: Block, wallets: Sequence[str], now: float, report: Callable[[], None]) -> None:
        asked: dict[int, list[str]] = {}

        def found(market: MarketState, value: Any) -> None:
            missing = asked[id(market)]
            if isinstance(value, Exception):
                market.note("discover", value)
            else:
                market.note("discover", None)
                market.hints = {w: h for w, h in market.hints.items() if w not in missing} | dict(value)
                market.met |= dict.fromkeys(market.hints)
                market.searched.update(missing)
                if len(missing) == len(wallets):
                    market.searched_at = now
            report()

        walks: list[Walk] = []
        for market in self._markets:
            again = market.due(now, self._every)
            missing = [wallet for wallet in wallets if again or wallet not in market.searched]
            if market.opened is not None and missing:
                asked[id(market)] = missing
                walks.append((market, partial(market.adapter.discover, market.opened, missing)))
        await walk(self.reader, block, walks, found)

    async def _refresh(
        self, block: Block, markets: Sequence[MarketState], beside: Sequence[Plan[None]] = ()
    ) -> list[tuple[MarketState, Reading]]:
        readings: list[tuple[MarketState, Reading]] = []

        def refreshed(market: MarketState, value: Any) -> None:
            if isinstance(value, Exception):
                market.note("refresh", value)
            else:
                market.note("refresh", None)
                market.notes = tuple(safe(text) for text in value.errors)
                readings.append((market, value))

        walks = [
            (m, partial(m.adapter.refresh, m.opened, block, m.hints))
            for m in markets
            if m.opened is not None and m.hints
        ]
        await walk(self.reader, block, walks, refreshed, beside)
        return readings

    # -- figures -------------------------------------------------------------------------------------------------

    async def _evaluate(
        self, block: Block, readings: Sequence[tuple[MarketState, Reading]], wallets: Sequence[str]
    ) -> Outcome:
        positions: dict[PositionKey, Position] = {}
        failed: dict[Spot, str] = {m.spot(): m.trouble for m in self._markets if m.trouble}
        covered = {m.spot(w) for m in self._markets for w in m.searched if w not in m.hints and m.knows(w)}
        feeds: dict[str, Feed] = {}
        done = 0
        for market, reading in readings:
            feeds |= {feed.address: feed for feed in reading.feeds}
            for wallet in wallets:
                if wallet not in market.hints:
                    continue
                found = self._account(market, reading, block, wallet)
                if isinstance(found, str):
                    failed[market.spot(wallet)] = found
                    continue
                if market.knows(wallet):
                    covered.add(market.spot(wallet))
                positions |= {position.key: position for position in found}
                done += 1
                if not done % _YIELD_EVERY:
                    await asyncio.sleep(0)
        self._known = {key: known for key, known in self._known.items() if key in positions}
        return Outcome(
            chain_id=self.spec.id,
            block=block,
            positions=positions,
            covered=frozenset(covered),
            feeds=tuple(feeds.values()),
            troubles=tuple(Trouble(spot, error) for spot, error in failed.items()),
            notes=tuple(note for market in self._markets for note in market.told()),
            stages=self.stages,
        )

    def _account(self, market: MarketState, reading: Reading, block: Block, wallet: str) -> list[Position] | str:
        """The account's positions, or why it has none to show."""
        account = reading.accounts.get(wallet)
        if account is None:
            return "the market gave no answer for this wallet"
        if isinstance(account, Exception):
            return words(account)
        try:
            bare = market.adapter.evaluate(market.opened, block, reading.market, account, wallet)
            return [self._whole(position) for position in bare if not position.empty]
        except Exception as fault:  # noqa: BLE001 - one account's surprise must not blank the others; it is shown
            return words(fault)

    def _whole(self, bare: Position) -> Position:
        """The position with boundaries and rescue, reused while nothing but the block changed."""
        known = self._known.get(bare.key)
        if known is not None and bare.alike(known.bare):
            whole = known.whole.having(block=bare.block, book=bare.book)
        else:
            whole = self._finish(bare)
        self._known[bare.key] = _Known(bare, whole)
        return whole


def _quiet(_stages: tuple[Stage, ...]) -> None:
    """Nobody wants to know how far it is."""
