"""The engine that watches real chains.

One supervised task per chain reads and hands outcomes to the `Monitor`; a task that dies is started again, and
says so. A stalled terminal stops the screen's loop, not this one: see `EngineThread`.
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from liqtui.core.clock import SystemClock
from liqtui.core.snapshot import Snapshot
from liqtui.engine.crashes import ENGINE
from liqtui.engine.setup import Owner, ownership, pool, resolve_name, rounds_on, shipped_adapters, until_free
from liqtui.engine.thread import EngineThread
from liqtui.engine.words import words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from liqtui.config.lock import InstanceLock
    from liqtui.core.clock import Clock
    from liqtui.core.reads import ReadError
    from liqtui.core.rehearse import Point
    from liqtui.core.snapshot import Alert, Stage
    from liqtui.core.sources import ChainSpec
    from liqtui.core.wallet import Wallet
    from liqtui.engine.handle import Playback
    from liqtui.engine.history import History
    from liqtui.engine.metrics import Metrics
    from liqtui.engine.outcome import Outcome
    from liqtui.engine.ping import Pinger
    from liqtui.engine.rounds import ChainRounds
    from liqtui.engine.setup import Link, Reader, ReaderFactory, Setup
    from liqtui.engine.watch import ChainWatch
    from liqtui.protocols.adapter import Adapter

TICK = 2.0
"""Seconds between two looks at the ages; also the heartbeat and the pace of the history."""
RESTART, RESTART_MAX = 1.0, 60.0
"""Seconds before a task that died is started again: doubled each time, up to the second."""
REMARKS = {
    Owner.SELF: "",
    Owner.OTHER: "another liqtui kept the history when this one started: this one writes none and sends no alerts",
    Owner.NOBODY: "the state folder cannot be used: nothing is kept",
}
LASTS = 60.0
"""Seconds after which a task that died and was started again counts as well: one that dies again and again does not."""
ARRIVE = 2.0
"""Seconds that a message on its way may take to arrive before the engine ends: cut off, it would be sent again."""
_PROGRESS = 0.25


class LiveEngine(EngineThread):
    """Implements `EngineHandle`."""

    def __init__(
        self,
        setup: Setup,
        *,
        reader_factory: ReaderFactory = pool,
        adapters: Mapping[str, Adapter] | None = None,
        clock: Clock | None = None,
        history: History | None = None,
        lock: InstanceLock | None = None,
        patience: float = 0.0,
        whole: Callable[[], Setup] | None = None,
    ) -> None:
        """With the shipped adapters, and a history opened from `setup`, unless told otherwise.

        `lock` of the state folder, where the caller holds it for longer than one engine lives; else so many seconds
        of `patience` with who is about to let go of it. `whole` is the same setup with all that takes time to read:
        asked for in the engine's own thread before anything is watched, and if it cannot be had the engine dies of it.
        """
        clock = clock or SystemClock()
        super().__init__(clock, Snapshot(0, clock.now(), wallets=setup.wallets, notices=setup.notices))
        self._setup = setup
        self._whole = whole
        self._factory = reader_factory
        self._adapters = adapters
        self._history = history
        self._lock_held = lock
        self._patience = patience
        self._wallets = setup.wallets
        self._chains: tuple[ChainWatch, ...] = ()
        self._metrics: Metrics | None = None
        self._shown_at = 0.0
        self._newest: tuple[Alert, ...] = ()
        self.begun_after: int | None = None
        """Number of the newest alert from before this engine: those over it are its own, whatever the clock says.
        None as long as there are none."""
        self._pinger: Pinger | None = None

    # -- any thread ----------------------------------------------------------------------------------------------

    @property
    def playback(self) -> Playback | None:
        return None

    def refresh(self) -> None:
        """Look for positions again and read every chain, not sooner than 2 s after the last time."""

        def wake() -> None:
            for chain in self._chains:
                chain.wake(rediscover=True)

        self.tell(wake)

    def acknowledge(self, alert_id: int | None, newest: int | None = None) -> None:
        last = self.newest_alert if newest is None else newest

        def acknowledge() -> None:
            self._monitor.acknowledge(alert_id, self.clock.now(), last)
            self._show()

        self.tell(acknowledge)

    def snooze(self, alert_id: int, seconds: float) -> None:
        def snooze() -> None:
            self._monitor.snooze(alert_id, seconds, self.clock.now())
            self._show()

        self.tell(snooze)

    def mute(self, target: str, until: float | None) -> None:
        def mute() -> None:
            self._monitor.mute(target, until)
            self._show()

        self.tell(mute)

    def remark(self, about: str, text: str) -> None:
        """A standing remark about the program around the engine; empty text takes it away."""

        def remark() -> None:
            self._monitor.remark(about, text)
            self._show()

        self.tell(remark)

    def report(self, title: str, text: str) -> None:
        """An alert about the program around the engine; empty text: what was told under that title is over."""

        def report() -> None:
            self._monitor.report(title, text, self.clock.now())
            self._show()

        self.tell(report)

    def alerts(self, before: int | None = None, limit: int = 500) -> list[Alert]:
        return self._history.alerts(before, limit) if self._history else []

    def watch(self, wallets: Sequence[Wallet]) -> None:
        self._wallets = tuple(wallets)

        def watch() -> None:
            self._names.watch(self._wallets)
            self._spread()

        self.tell(watch)

    def resolve(self, name: str) -> Future[str]:
        answer: Future[str] = Future()

        def ask() -> None:
            task = asyncio.ensure_future(self._look_up(name))
            task.add_done_callback(lambda done: _hand_over(done, answer))

        if not self.tell(ask):
            answer.set_exception(LookupError("the engine is not running"))
        return answer

    def samples(self, position_id: str, since: float) -> list[tuple[float, float]]:
        return self._history.samples(position_id, since) if self._history else []

    def points(self, position_id: str, since: float) -> list[Point]:
        return self._history.points(position_id, since) if self._history else []

    def updates(self, position_id: str, since: float) -> list[tuple[int, str]]:
        return self._history.updates(position_id, since) if self._history else []

    # -- the engine's thread -------------------------------------------------------------------------------------

    async def serve(self, ended: asyncio.Event) -> None:
        # Loaded here, in the engine's own thread: the first frame does not wait for them.
        from liqtui.engine.courier import Courier
        from liqtui.engine.history import History
        from liqtui.engine.monitor import Monitor
        from liqtui.engine.names import Names
        from liqtui.engine.outbox import Outbox
        from liqtui.engine.ping import Pinger
        from liqtui.engine.verdict import Keeper
        from liqtui.engine.watch import ChainWatch

        if self._whole is not None:
            self._setup = self._whole()
        setup = self._setup
        if setup.state is not None and self._patience:
            await until_free(setup.state, self._patience)
        with ownership(setup.state, self._lock_held) as owner:
            history = self._history = self._history or History(
                setup.state,
                read_only=owner is not Owner.SELF,
                keep_days=setup.keep_days,
                price_days=setup.price_days,
                alert_days=setup.alert_days,
            )
            self._keeper = Keeper(setup.state) if setup.state is not None and owner is Owner.SELF else None
            sends = owner is not Owner.OTHER
            outbox = Outbox(setup.channels if sends else (), history, self.clock)
            courier = Courier(outbox, self.clock, save=self._save, changed=self._show)
            self._pinger = Pinger(setup.ping, self.clock, self._show) if setup.ping and sends else None
            self._monitor = Monitor(setup, history, self.clock.now(), outbox)
            self.begun_after = self._monitor.begun_after
            self._names = Names(self._look_up, self._spread)
            self._monitor.remark("owner", REMARKS[owner])
            adapters = self._adapters if self._adapters is not None else shipped_adapters()

            def connect(spec: ChainSpec) -> tuple[Reader, ChainRounds]:
                reader = self._factory(spec)
                return reader, rounds_on(spec, setup, adapters, reader, history)

            self._chains = tuple(ChainWatch(spec, self.clock, connect, self) for spec in setup.chains)
            self._names.watch(self._wallets)
            self._spread()
            works = {ENGINE: self._tick, "wallet names": self._names.run}
            works |= {chain.spec.name: chain.run for chain in self._chains}
            works |= {f"channel {spec.name}": partial(courier.run, spec) for spec in (setup.channels if sends else ())}
            works |= {"dead-man ping": self._pinger.run} if self._pinger else {}
            tasks = [asyncio.create_task(self._supervised(name, work)) for name, work in works.items()]
            self._monitor.remark("metrics", self._open_metrics())
            self.up()
            try:
                await ended.wait()
                await courier.rest(ARRIVE)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                with contextlib.suppress(Exception):  # where nothing can be shown, all else is to be kept
                    self._show()
                self._save(last=True)
                history.close()
                if self._metrics is not None:
                    await asyncio.to_thread(self._metrics.close)

    def _open_metrics(self) -> str:
        """Begin to answer Prometheus, where that is wanted; why it cannot be, else nothing."""
        if self._setup.metrics is None:
            return ""
        from liqtui.engine.metrics import Metrics

        self._metrics = Metrics(self.snapshot, self.clock, self._monitor.begun_after)
        return self._metrics.open(*self._setup.metrics)

    async def _supervised(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run for ever; what ends with an exception is told, and started again a little later.

        It is told by an alert, by the snapshot and by the chain's state; until there is a good round of the chain, and
        of other tasks until they have lasted for a while.
        """
        chains = {chain.spec.name for chain in self._chains}
        delay, loop, task = RESTART, asyncio.get_running_loop(), asyncio.current_task()
        while True:
            started = loop.time()
            lasts = None if name in chains else loop.call_later(LASTS, self._well, name)
            try:
                await work()
            except (Exception, asyncio.CancelledError) as fault:
                if isinstance(fault, asyncio.CancelledError) and (task is None or task.cancelling()):
                    raise  # nobody asked for any other one: it leaked from somewhere
                delay = RESTART if loop.time() - started > RESTART_MAX else min(delay * 2, RESTART_MAX)
                self._crashed(name, words(fault))
            finally:
                if lasts is not None:
                    lasts.cancel()
            await asyncio.sleep(delay)

    def _well(self, task: str) -> None:
        self._monitor.well(task, self.clock.now())

    def _crashed(self, task: str, why: str) -> None:
        """Tell it; where that is what fails, the heart stops, which tells it too, and there will be another try."""
        try:
            self._monitor.crashed(task, why, self.clock.now())
            self._show()
        except Exception as fault:  # noqa: BLE001 - see above
            self.ails = words(fault)

    async def _tick(self) -> None:
        while True:
            self._show()
            self.beat()
            self._save()
            self._well(ENGINE)
            await asyncio.sleep(TICK)

    async def _look_up(self, name: str) -> str:
        return await resolve_name(name, self._setup.chains, self._factory)

    def _spread(self) -> None:
        """The wallets, with the addresses that are known, to all who look at them."""
        wallets = self._names.wallets()
        self._monitor.remark("names", self._names.remark())
        self._monitor.watch(wallets)
        for chain in self._chains:
            chain.watch(wallets)
        self._show()

    def took(self, spec: ChainSpec, outcome: Outcome | ReadError, link: Link, next_poll: float, seconds: float) -> None:
        self._monitor.apply(spec.name, outcome, self.clock.now(), link=link, next_poll=next_poll, took=seconds)
        self._show()

    def progressed(self, spec: ChainSpec, stages: tuple[Stage, ...]) -> None:
        self._monitor.progress(spec.name, stages)
        if asyncio.get_running_loop().time() - self._shown_at >= _PROGRESS:
            self._show()

    def _show(self) -> None:
        """Publish how things stand now."""
        self._shown_at = asyncio.get_running_loop().time()
        self._monitor.remark("listener", self.listener_fault and f"the screen missed a snapshot: {self.listener_fault}")
        if self._pinger is not None:
            self._monitor.remark("ping", self._pinger.remark)
        snapshot = self._monitor.publish(self.clock.now())
        if self._pinger is not None:
            snapshot = replace(snapshot, channels=(*snapshot.channels, self._pinger.state))
        self.publish(snapshot)
        if self._pinger is not None:  # not before it is there for everybody: a ping says that all is well
            self._pinger.saw(snapshot)
        if self._metrics is not None:
            self._metrics.heard(snapshot)
        if snapshot.alerts[:1] != self._newest:  # an alert goes into the log at once, not with the next tick
            self._newest = snapshot.alerts[:1]
            self._save()
        if self._keeper is not None:
            self._monitor.remark("verdict", self._keeper.keep(snapshot))

    def _save(self, *, last: bool = False) -> None:
        self._monitor.save(self.clock.now(), last=last)


def _hand_over(done: asyncio.Future[str], answer: Future[str]) -> None:
    """Give a task's end to who waits in another thread."""
    if done.cancelled():
        answer.set_exception(LookupError("the engine has ended"))
    elif (fault := done.exception()) is not None:
        answer.set_exception(fault if isinstance(fault, LookupError) else LookupError(words(fault)))
    else:
        answer.set_result(done.result())
