"""Markets that only logs tell of: looked for a little in every round, from where the last run stopped.

Each wallet has a trail: the block to go on from, and the logs that told something. Wallets at the same block are
asked for together, so the number of requests does not grow with them. Every round first follows whoever is nearest
to the head, then walks on from whoever is furthest behind, until the trails meet.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from zlib import crc32

from liqtui.core.reads import Log, ReadError
from liqtui.engine.words import words
from liqtui.protocols.adapter import Outspoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liqtui.core.model import PositionKey
    from liqtui.core.reads import Block, ChainReader
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import LogDiscovery

MARGIN = 64
"""The newest blocks are read again with the next round: a reorganisation may change them."""
PIECES = 3
"""Ranges of blocks in one round, at most."""
SPEND = 3.0
"""Seconds of one round, at most."""
SWIFT = 1.0
"""A range that took less is followed by one of double the length."""
LEAST, FIRST, MOST = 16, 2_000, 1_000_000
"""Blocks in one range: at least, to begin with, at most."""
REST, REST_MAX = 30.0, 600.0
"""Seconds without a request after a failure: doubled each time, up to the second."""
WALLETS = 200
"""Wallets in one filter."""
_KEEP_EVERY = 1_000
"""Blocks between two notes of how far a trail got, where nothing was found."""


class Kept(NamedTuple):
    """A trail as it is written down."""

    next_block: int
    found: str
    """JSON: [address, [topics], data in hex] of each log."""


class Notebook(Protocol):
    """Where trails outlive the process, and what was open when it ended."""

    def positions(self) -> tuple[PositionKey, ...]: ...
    def trail(self, place: str, wallet: str) -> Kept | None: ...
    def keep_trail(self, place: str, wallet: str, kept: Kept) -> None: ...


@dataclass(slots=True)
class _Trail:
    next: int
    """The first block that was not read for good."""
    ref: MarketRef
    """What this wallet's logs alone teach."""
    logs: list[Log]
    """Those that taught something."""
    kept: int = -1
    """`next` as last written down."""
    reached: bool = False
    """It got to the head once in this run."""


def place_of(adapter: LogDiscovery, ref: MarketRef) -> str:
    """Under which name its trails are kept: another one when it looks for something else than it did.

    A version that looks for more has to begin anew, or it would miss what lies behind it.
    """
    wanted = repr(adapter.log_filters(ref, ("0x" + 40 * "0",)))
    return f"{ref.chain_id}:{ref.protocol}:{ref.entry}:{crc32(wanted.encode()):08x}"


class LogSearch:
    """The search of one deployment. `step` it once a round; `ref` is what it taught so far."""

    def __init__(self, adapter: LogDiscovery, ref: MarketRef, notebook: Notebook | None = None) -> None:
        self._adapter = adapter
        self._base = ref
        self._notebook = notebook
        self._notebook_holds = True
        """What it says is of this chain."""
        self._place = place_of(adapter, ref)
        self._first = adapter.first_block(ref)
        self._trails: dict[str, _Trail] = {}
        self._range = FIRST
        self._rest, self._rests_until = REST, float("-inf")
        self.ref = adapter.learn(ref, ())
        """The deployment with all that is known by now; another object only when there is more or less to it."""
        self.fault: Exception | None = None
        """Why it does not get on."""
        self.news: set[str] = set()
        """Wallets of which the last step found something new, be it in a market that is known already."""
        self.note = ""
        """How far it is, in words; empty when all wallets were followed to the head."""
        self.doubt = ""
        """Why what it found may not be all, in words."""
        self._early = adapter.early_logs(ref) if isinstance(adapter, Outspoken) else None
        self._early_due = float("-inf")

    def complete(self, wallet: str) -> bool:
        """Whether the logs were read up to the head for this wallet, so that nothing of old is missing."""
        trail = self._trails.get(wallet)
        return trail is not None and trail.reached

    async def step(self, reader: ChainReader, head: Block, wallets: Sequence[str], now: float) -> None:
        """Go on for a few seconds at most. A failure stays in `fault`; what is known stays known.

        `now`: seconds of any clock that runs on between rounds.
        """
        self.news.clear()
        self._meet(wallets, head)
        await self._listen(reader, head, now)
        if now >= self._rests_until:
            try:
                async with asyncio.timeout(SPEND):
                    await self._walk(reader, head)
            except TimeoutError:
                self._failed(ReadError("timeout", f"no logs within {SPEND:.0f} s"), now)
            except ReadError as fault:
                self._failed(fault, now)
            except Exception as fault:  # noqa: BLE001 - a surprise in one market's logs must not end the round
                self._failed(ReadError("malformed", words(fault)), now)
            else:
                self.fault, self._rest = None, REST
        self._sum_up(head)

    async def _listen(self, reader: ChainReader, head: Block, now: float) -> None:
        """Ask once for logs that there are, and now and then as long as none are told."""
        early = self._early
        if early is None or now < self._early_due or not self._trails or head.number < early.last:
            return
        self._early_due = now + REST_MAX
        try:
            async with asyncio.timeout(SPEND):
                told = await reader.logs(early.first, early.last, early.wanted)
        except (TimeoutError, ReadError):
            return  # another time; that logs cannot be read is told by the search itself
        self.doubt = "" if told else f"no node tells the logs of blocks {early.first:,} to {early.last:,}"
        if told:
            self._early = None

    def _failed(self, fault: ReadError, now: float) -> None:
        self.fault = ReadError(fault.kind, f"logs could not be read: {fault.detail}")
        self._range = max(LEAST, self._range // 4)
        self._rests_until, self._rest = now + self._rest, min(self._rest * 2, REST_MAX)

    # -- trails --------------------------------------------------------------------------------------------------

    def _meet(self, wallets: Sequence[str], head: Block) -> None:
        """A trail for each wallet and for no other."""
        for wallet in self._trails.keys() - set(wallets):
            del self._trails[wallet]
        for wallet in wallets:
            if wallet not in self._trails:
                self._trails[wallet] = self._remembered(wallet)
            if self._trails[wallet].next > max(head.number, self._first):  # another chain, begun anew
                self._trails[wallet] = self._fresh()

    def begin_anew(self) -> None:
        """It is another chain: everybody is looked for from its beginning, whatever was written down."""
        self._notebook_holds = False
        self._trails.clear()

    def _fresh(self) -> _Trail:
        return _Trail(self._first, self._adapter.learn(self._base, ()), [])

    def _remembered(self, wallet: str) -> _Trail:
        trail = self._fresh()
        known = self._notebook if self._notebook_holds else None
        kept = None if known is None else known.trail(self._place, wallet)
        if kept is not None:
            try:
                logs = _logs(kept.found)
                ref = self._adapter.learn(self._base, logs)
            except (ValueError, TypeError, LookupError):  # damaged: all is looked for again
                return trail
            trail.next = trail.kept = max(self._first, kept.next_block)
            trail.logs, trail.ref = logs, ref
        return trail

    def _keep(self, wallet: str, trail: _Trail, *, found: bool) -> None:
        if self._notebook is not None and (found or trail.kept < 0 or trail.next - trail.kept >= _KEEP_EVERY):
            trail.kept = trail.next
            self._notebook.keep_trail(self._place, wallet, Kept(trail.next, _text(trail.logs)))

    def _behind(self, trail: _Trail, head: Block) -> bool:
        return not trail.reached or trail.next < head.number - MARGIN

    def _sum_up(self, head: Block) -> None:
        learned = self._adapter.learn(self._base, [log for trail in self._trails.values() for log in trail.logs])
        if learned != self.ref:
            self.ref = learned
        far = [trail.next for trail in self._trails.values() if self._behind(trail, head)]
        self.note = f"logs to block {max(0, min(far) - 1):,} of {head.number:,}" if far else ""

    # -- requests ------------------------------------------------------------------------------------------------

    async def _walk(self, reader: ChainReader, head: Block) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + SPEND
        pieces = 0
        while pieces < PIECES:
            if pieces:
                starts = [trail.next for trail in self._trails.values() if self._behind(trail, head)]
                at = min(starts, default=None)
            else:
                at = max((trail.next for trail in self._trails.values()), default=None)
            if at is None:
                return
            began, last = loop.time(), at == min(trail.next for trail in self._trails.values())
            try:
                full = await self._piece(reader, head, at)
            except ReadError as fault:
                if fault.kind != "tape":
                    raise
                if self._range == 1:  # the recording went no further, and said so then if that was a failure
                    return
                self._range //= 2
                continue
            pieces += 1
            took = loop.time() - began
            if full and took < SWIFT:
                self._range = min(MOST, self._range * 2)
                took *= 2
            if last and loop.time() + took > ends:  # one that is cut off would be a failure, and its logs be lost
                return

    async def _piece(self, reader: ChainReader, head: Block, at: int) -> bool:
        """Read one range for the wallets whose trails go on at a block; whether it was of the full length."""
        group = {wallet: trail for wallet, trail in self._trails.items() if trail.next == at}
        ahead = min((trail.next for trail in self._trails.values() if trail.next > at), default=head.number + 1)
        end = min(head.number, ahead - 1, at + self._range - 1)
        wallets = list(group)
        filters = [
            wanted
            for start in range(0, len(wallets), WALLETS)
            for wanted in self._adapter.log_filters(self._base, wallets[start : start + WALLETS])
        ]
        logs = [log for wanted in filters for log in await reader.logs(at, end, wanted)]
        found = self._learn(group, logs)
        self.news |= found
        for wallet, trail in group.items():
            trail.reached = trail.reached or end >= head.number
            trail.next = max(at, min(end + 1, head.number - MARGIN))
            self._keep(wallet, trail, found=wallet in found)
        return end == at + self._range - 1

    def _learn(self, group: dict[str, _Trail], logs: Iterable[Log]) -> set[str]:
        """Keep the logs that tell something new of the wallet that they name; returns these wallets."""
        by_topic = {"0x" + wallet.removeprefix("0x").rjust(64, "0"): wallet for wallet in group}
        news: set[str] = set()
        for log in logs:
            for wallet in {by_topic[topic] for topic in log.topics if topic in by_topic}:
                trail = group[wallet]
                ref = self._adapter.learn(trail.ref, [log])
                if ref is not trail.ref:
                    trail.ref = ref
                    trail.logs.append(log)
                    news.add(wallet)
        return news


def _text(logs: Iterable[Log]) -> str:
    return json.dumps([[log.address, log.topics, log.data.hex()] for log in logs])


def _logs(text: str) -> list[Log]:
    """As written by `_text`; of what is taught by a log, neither block nor transaction is part."""
    rows: list[Any] = json.loads(text)
    return [Log(address, tuple(topics), bytes.fromhex(data), 0, "", "", 0) for address, topics, data in rows]
