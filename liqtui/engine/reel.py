"""A tape being played: the same rounds and the same monitor as the live engine, on the tape's clock.

What is shown at a frame depends on the tape alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

from liqtui.chain.tape import TapeReader
from liqtui.core.wallet import Thresholds
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.setup import Link, Setup, rounds_on, shipped_adapters, wallets_on
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from liqtui.chain.tape import Tape
    from liqtui.core.snapshot import Snapshot
    from liqtui.core.wallet import Wallet
    from liqtui.engine.rounds import ChainRounds
    from liqtui.protocols.adapter import Adapter

LULL = 30.0
"""Where the tape is silent for longer, ages are looked at every so many tape seconds."""
_MOST_LULLS = 60
"""After half an hour everything is blind and nothing new happens; a tape may also come from a stranger."""
_TAPE = Link(1, 1, "tape")


class _Event(NamedTuple):
    """A frame, or a look at the ages in a lull before it."""

    at: float
    """Tape time."""
    frame: int | None


class Reel:
    """A tape with everything that playing it builds up. Deterministic; knows no real time."""

    def __init__(self, tape: Tape, adapters: Mapping[str, Adapter], setup: Setup) -> None:
        self.tape = tape
        self.setup = setup
        self._adapters = adapters
        self.events = tuple(_events(tape, {spec.id for spec in setup.chains}))
        self._wallets = setup.wallets
        self._readers = {spec.id: TapeReader(tape, spec.id) for spec in setup.chains}
        self.history = History(None)
        self.rewind()

    def rewind(self) -> None:
        """Before the first frame, as if nothing had been played. Raises LookupError for an unknown protocol."""
        self.history.close()
        self.history = History(None)
        self.place = 0
        """Events played."""
        self.monitor = Monitor(self.setup, self.history, self.tape.start)
        self._rounds: dict[int, ChainRounds] = {}
        for spec in self.setup.chains:
            self._rounds[spec.id] = rounds_on(spec, self.setup, self._adapters, self._readers[spec.id])
        self.watch(self._wallets)

    def watch(self, wallets: Sequence[Wallet]) -> None:
        """Look at other wallets; what was never read for them is not on the tape."""
        self._wallets = tuple(wallets)
        self.monitor.watch(self._wallets)
        for spec in self.setup.chains:
            self._rounds[spec.id].watch(wallets_on(spec.name, self._wallets))

    async def play(self) -> Snapshot:
        """Play the next event, and how things stand after it."""
        at, number = self.events[self.place]
        self.place += 1
        if number is not None:
            frame = self.tape.frames[number]
            name = next(spec.name for spec in self.setup.chains if spec.id == frame.chain_id)
            self._readers[frame.chain_id].seek(number)
            try:
                outcome = await self._rounds[frame.chain_id].round(at)
            except Exception as fault:  # noqa: BLE001 - shown as the live engine shows it
                self.monitor.crashed(name, words(fault), at)
            else:
                self.monitor.apply(name, outcome, at, link=_TAPE)
        snapshot = self.monitor.publish(at)
        self.monitor.save(at)
        return snapshot

    @property
    def over(self) -> bool:
        return self.place >= len(self.events)

    @property
    def frame(self) -> int:
        """The last frame that was played; 0 before."""
        return next((f for _, f in reversed(self.events[: self.place]) if f is not None), 0)

    def end_of(self, frame: int) -> int:
        """Events up to and including a frame, or the next one of a chain that is known."""
        frames = ((place, event.frame) for place, event in enumerate(self.events) if event.frame is not None)
        return next((place + 1 for place, number in frames if number >= frame), len(self.events))


def _events(tape: Tape, chains: set[int]) -> Iterator[_Event]:
    last: float | None = None
    for number, frame in enumerate(tape.frames):
        if frame.chain_id not in chains:
            continue
        at = frame.time if last is None else max(frame.time, last)
        if last is not None:
            for lull in range(1, min(int((at - last) // LULL), _MOST_LULLS) + 1):
                if last + lull * LULL < at:
                    yield _Event(last + lull * LULL, None)
        yield _Event(at, number)
        last = at


def setup_of(tape: Tape, thresholds: Thresholds | None = None) -> Setup:
    """What the tape was recorded with."""
    header = tape.header
    return Setup(header.chains, header.markets, header.wallets, thresholds or Thresholds())


def fast_forward(
    tape: Tape, adapters: Mapping[str, Adapter] | None = None, thresholds: Thresholds | None = None
) -> Iterator[Snapshot]:
    """The snapshot after each frame, and in lulls, without waiting. Not from within an event loop."""
    yield from run_through(Reel(tape, shipped_adapters() if adapters is None else adapters, setup_of(tape, thresholds)))


def run_through(reel: Reel) -> Generator[Snapshot]:
    """As `fast_forward`, for a reel that was put together elsewhere; its history is closed afterwards."""
    with asyncio.Runner() as runner, contextlib.closing(reel.history):
        loop = runner.get_loop()  # its own `run` handles signals anew each time, which costs more than a frame
        while not reel.over:
            yield loop.run_until_complete(reel.play())
