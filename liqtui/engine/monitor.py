"""What is known of all chains together, and what it means: rows, ranks, alerts, one snapshot.

Synchronous and deterministic: outcomes, wishes and the time go in, snapshots come out, whatever clock drives it.
A chain that cannot be read blinds its own positions only; they keep their place and their last figures.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from liqtui.core import rank
from liqtui.core.model import PositionKey
from liqtui.core.reads import ReadError
from liqtui.core.rehearse import reading
from liqtui.core.severity import blind_after
from liqtui.core.snapshot import Freshness, Row, Severity, Snapshot
from liqtui.engine.alarms import Alarms
from liqtui.engine.crashes import Crashes
from liqtui.engine.held import Chain, Held, terms_of
from liqtui.engine.history import ROUNDS, Sample
from liqtui.engine.outcome import Spot
from liqtui.engine.returning import Returning
from liqtui.engine.roll import Roll
from liqtui.engine.rows import feeds_of, quiet, row_of
from liqtui.engine.setup import Link, Sign, signs, wallets_on
from liqtui.engine.sigmas import Sigmas
from liqtui.engine.tracks import DAY
from liqtui.engine.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.events import MarketEvent
    from liqtui.core.model import Position
    from liqtui.core.snapshot import Stage
    from liqtui.core.wallet import Wallet
    from liqtui.engine.history import History
    from liqtui.engine.outbox import Outbox
    from liqtui.engine.outcome import Outcome
    from liqtui.engine.setup import Setup

# Python 3.11 takes ten times as long to find a member of an enum as a name of a module
_FRESH, _STALE = Freshness.FRESH, Freshness.STALE

_AHEAD = (attrgetter("legs"), attrgetter("flags"), attrgetter("boundaries"), rank.ways, attrgetter("interest_eta"))
"""What rows and rules read of every position."""
_UNKNOWN = Sign()
"""Of a market that is no longer in the configuration."""


class _News(NamedTuple):
    """A row that the alert rules have to see."""

    held: Held
    row: Row
    basis: tuple[object, ...]
    is_new: bool
    """Something besides the time changed."""


class Monitor:
    """One engine's knowledge. Call `publish` after whatever was done to it."""

    def __init__(self, setup: Setup, history: History, now: float, outbox: Outbox | None = None) -> None:
        """`outbox`: where alerts go on to; without one they are kept only."""
        self._setup = setup
        self._history = history
        self._chains = {spec.name: Chain(spec) for spec in setup.chains}
        self._wallets: dict[str, Wallet] = {}
        self._held: dict[PositionKey, Held] = {}
        self._remarks: dict[str, str] = {}
        self._sigmas = Sigmas()
        self._signs = signs(setup)
        saved = history.load()
        self._outbox = outbox
        self._alarms = Alarms(history, saved, setup.desk, post=outbox.post if outbox is not None else None)
        self.begun_after = saved.last_alert
        """Number of the newest alert from before."""
        self._roll = Roll(setup.chains, given=setup.given)
        if outbox is not None:
            outbox.wanted = self._roll.concerns
        self._returning = Returning(saved, self._alarms.remembered, now)
        for answer in history.answers(now - ROUNDS):
            if answer.at <= now:  # an older version kept any
                self._sigmas.add(*answer)
        self._unseen = Unseen(self._alarms)
        self._crashes = Crashes(self._alarms)
        self._version = 0
        self._at = now
        """When this was last published."""

    # -- what happens --------------------------------------------------------------------------------------------

    def watch(self, wallets: Iterable[Wallet]) -> None:
        """The watchlist. Positions of others are dropped without an alert; remembered ones come back as unread.

        Of who left it while nothing ran no alert is called again, and nothing is remembered.
        """
        self._wallets = {wallet.key: wallet for wallet in wallets}
        watched = {name: set(wallets_on(name, self._wallets.values())) for name in self._chains}
        for held in list(self._held.values()):
            if held.key.wallet not in watched[held.chain.spec.name]:
                self._drop(held)
        for name, chain in self._chains.items():  # who comes back has not opened what he had
            chain.covered = frozenset(spot for spot in chain.covered if spot.wallet in watched[name])
        self._roll.watch(self._wallets)
        for key in self._returning.positions:
            chain = next((chain for chain in self._chains.values() if chain.spec.id == key.chain_id), None)
            if chain is not None and key not in self._held and key.wallet in watched[chain.spec.name]:
                before = self._returning.spell(str(key))
                self._held[key] = Held(key, chain, error="not read since the start", before=before)
            elif not self._roll.watched(str(key)):
                self._history.position(key, is_open=False)
        self._returning.watched(self._roll, self._held, self._alarms.unwatch(self._roll, self._at))
        self._unseen.nobody(self._at, left=0 if self._wallets else len(self._returning.positions))

    def progress(self, chain: str, stages: tuple[Stage, ...]) -> None:
        self._chains[chain].stages = stages

    def apply(
        self,
        chain: str,
        outcome: Outcome | ReadError,
        now: float,
        *,
        link: Link | None = None,
        next_poll: float | None = None,
        took: float | None = None,
    ) -> None:
        """Take a round of one chain, good or not; `took`: seconds."""
        self._set_back(now)
        state = self._chains[chain]
        before = state.link
        state.tried, state.next_poll, state.took = True, next_poll, took
        state.link = before if link is None else link
        if state.link.contradiction and not before.contradiction:
            self._alarms.tell(now, Severity.CRITICAL, chain, state.link.contradiction, "contradiction")
        elif before.contradiction and not state.link.contradiction:
            self._alarms.ended(chain, now, "contradiction")
        if isinstance(outcome, ReadError):
            state.error = str(outcome)
            return
        self._crashes.well(chain, now)
        state.error = state.crash = ""
        self._follow(state, outcome, now)
        state.good_at = now
        state.stages, state.notes = outcome.stages, outcome.notes
        state.fails(outcome.troubles, now)
        self._sigmas.learn(state.spec.id, outcome, self._history)
        self._positions(state, outcome, now)

    def _follow(self, chain: Chain, outcome: Outcome, now: float) -> None:
        """Take the new head, and say so where what was known before is compared with nothing."""
        was_anew = chain.anew
        chain.follow(outcome.block, outcome.replaced)
        if chain.anew:
            if not was_anew:  # an address with two chains behind it is told once, and stands
                text = f"{chain.anew}: its positions begin anew"
                self._alarms.tell(now, Severity.CRITICAL, chain.spec.name, text, "history")
            self._alarms.begin_anew(chain.spec.name)
            for held in self._held.values():
                held.cut = held.cut or held.chain is chain
        elif was_anew:
            self._alarms.ended(chain.spec.name, now, "history")

    def crashed(self, task: str, text: str, now: float) -> None:
        """A task ended and will be started again: one that reads a chain, by its name, or another one."""
        if (state := self._chains.get(task)) is not None:
            state.tried, state.crash = True, text
        self._crashes.crashed(task, text, now)

    def report(self, title: str, text: str, now: float) -> None:
        """Something is wrong around the engine that a person has to know of; empty text: it is over."""
        if text:
            self._alarms.tell(now, Severity.WARN, title, text)
        else:
            self._alarms.ended(title, now)

    def well(self, task: str, now: float) -> None:
        """Such a task, which may have been started again, does what it is for."""
        self._crashes.well(task, now)

    def remark(self, about: str, text: str) -> None:
        """A standing remark for the person; empty text takes it away."""
        self._remarks[about] = text

    def acknowledge(self, alert_id: int | None, now: float, newest: int | None = None) -> None:
        """One alert, or all with None, up to the number `newest`."""
        self._alarms.acknowledge(alert_id, now, newest)

    def snooze(self, alert_id: int, seconds: float, now: float) -> None:
        """Keep one alert quiet for so long."""
        self._alarms.snooze(alert_id, now + seconds)

    def mute(self, target: str, until: float | None) -> None:
        """Keep what is about a position id or a wallet address quiet until then; None lifts it."""
        self._alarms.mute(target, until)

    def save(self, now: float, *, last: bool = False) -> None:
        """Write what has to outlive the process. `last`: there will be no other time."""
        self._alarms.save(now, last=last)
        if self._returning.stirred:
            self._history.remember(self._returning.dump(self._held.values()), "spells")
        self._history.flush(now)

    # -- positions -----------------------------------------------------------------------------------------------

    def _positions(self, chain: Chain, outcome: Outcome, now: float) -> None:
        watched = set(wallets_on(chain.spec.name, self._wallets.values()))
        taken = [self._take(chain, found, now) for key, found in outcome.positions.items() if key.wallet in watched]
        # One step for all, then the next: the processor does it in two thirds of the time of all steps for each.
        found = [held.position for held in taken if held.position is not None]
        for step in _AHEAD:
            for position in found:
                step(position)
        for held in taken:
            self._cushion(held)
        patience = blind_after(chain.spec.poll)
        for held in taken:
            self._record(held, now, patience)
        for key, late in self._hear(chain, outcome).items():
            if key.wallet in watched:
                self._alarms.gone(self._row(Held(key, chain), now), now, events=late)
        wrong = {trouble.spot: trouble.error for trouble in outcome.troubles}
        markets = {(stage.protocol, stage.market) for stage in outcome.stages}
        for held in [held for held in self._held.values() if held.chain is chain]:
            if held.key in outcome.positions:
                continue
            spot = held.spot
            if spot in outcome.covered:
                if not held.cut:
                    last = held.row or self._row(held, now)
                    self._alarms.gone(last, now, events=held.events, own=held.explained or held.undone)
                self._drop(held)
            elif (spot.protocol, spot.market) not in markets:
                self._drop(held)
            else:
                held.error = wrong.get(spot) or wrong.get(spot._replace(wallet="")) or held.error
        known = {held.spot for held in self._held.values() if held.chain is chain} if wrong else set[Spot]()
        for spot, error in wrong.items():
            if spot.wallet in watched and spot not in known:
                key = PositionKey(chain.spec.id, *spot)
                self._held[key] = Held(key, chain, error=error)
        for spot in outcome.covered if self._returning.rowless else ():
            key = PositionKey(chain.spec.id, *spot)
            if self._returning.settle(str(key)) and key not in self._held:
                self._alarms.forget(str(key))
        chain.covered = outcome.covered

    def _hear(self, chain: Chain, outcome: Outcome) -> dict[PositionKey, list[MarketEvent]]:
        """Hand each position what the logs told of it. Returns what they told too late: of such as were gone before."""
        events: dict[PositionKey, list[MarketEvent]] = {}
        for event in outcome.events:
            events.setdefault(event.key, []).append(event)
        for key, held in self._held.items():
            if held.chain is chain:
                market = (key.protocol, key.market)
                complete, undone = market in outcome.logged, market in outcome.undone
                held.hear(events.pop(key, ()), complete=complete, undone=undone)
        return events

    def _take(self, chain: Chain, position: Position, now: float) -> Held:
        held = self._held.get(position.key)
        if held is None:
            held = self._held[position.key] = Held(position.key, chain)
            held.opened, held.cut = held.spot in chain.covered, bool(chain.anew)
        if held.position is None:
            for at, health in self._history.samples(str(position.key), now - DAY):
                if at <= now:  # the clock may have been set back meanwhile
                    held.track.add(at, health)
            self._history.position(position.key, is_open=True)
        feeds = [feed.address for feed in position.feeds]
        if held.feeds != feeds:
            held.feeds = feeds
            self._history.relies(held.id, held.key.chain_id, feeds, now)
        held.take(position, now)
        return held

    def _record(self, held: Held, now: float, patience: float) -> None:
        position = held.position
        health = position.health.shown if position is not None else None
        if position is None or health is None or not self._history.hears(held.id, now, health, patience):
            return
        point = reading(position, now, self._sigmas.by_factor(), self._cushion(held))
        if point is not None:
            kept = (point.block_at, point.nearest, point.sigmas, point.eta, point.unsafe)
            self._history.keep(Sample(held.id, now, position.block.number, health, point.distance, patience, *kept))

    def _drop(self, held: Held) -> None:
        del self._held[held.key]
        self._returning.stirred = True
        self._alarms.forget(held.id)
        self._history.position(held.key, is_open=False)

    # -- snapshot ------------------------------------------------------------------------------------------------

    def publish(self, now: float) -> Snapshot:
        """How things stand now, and what the alert rules say to it."""
        self._set_back(now)
        rows = rank.order(self._rows(now))
        self._version += 1
        self._at = now
        snapshot = Snapshot(
            version=self._version,
            at=now,
            wallets=tuple(self._wallets.values()),
            chains=tuple(chain.state(now) for chain in self._chains.values()),
            rows=rows,
            feeds=feeds_of(rows),
            engine_error=self._crashes.error,
            notices=self._notices(now),
            ready=all(chain.tried for chain in self._chains.values()),
            muted=self._alarms.muted,
            sigmas=self._sigmas.told(),
        )
        self._unseen.unheard(self._outbox.ailing() if self._outbox else {}, now)
        self._unseen.look(self._chains.values(), self._held.values(), self._wallets.values(), now)
        self._alarms.look(snapshot)
        alerts, outbox = self._alarms.alerts, self._outbox
        return replace(
            snapshot,
            alerts=alerts,
            deliveries=outbox.deliveries(alerts) if outbox else (),
            channels=outbox.channels() if outbox else (),
        )

    def _set_back(self, now: float) -> None:
        """Where the clock was set back, readings are as old as before: else old ones would be new once more."""
        back = self._at - now
        if back <= 0:
            return
        self._at = now
        for each in (*self._chains.values(), *self._held.values()):
            each.set_back(back)

    def _rows(self, now: float) -> list[Row]:
        """All, as they are now that the alert rules have seen what is new: in two steps, see `_positions`."""
        seen = [self._seen(held, now) for held in self._held.values()]
        return [found if isinstance(found, Row) else self._judged(found, now) for found in seen]

    def _seen(self, held: Held, now: float) -> Row | _News:
        before, basis = held.row, self._basis(held)
        news = bool(held.events) or basis != held.basis
        if before is not None and not news and quiet(before) and held.trust(now)[0] is _FRESH:
            return before
        row = self._row(held, now)
        return _News(held, row, basis, is_new=news or before is None or before.freshness is not row.freshness)

    def _judged(self, found: _News, now: float) -> Row:
        held, row, basis, is_new = found
        behind = row.freshness is _STALE and held.reading(now) is _STALE
        told = self._alarms.judge(
            None if held.anew else held.row, row, now, opened=held.opened, events=held.events, own=held.explained,
            undone=held.undone, news=is_new, behind=behind, anew=held.anew, figures=held.figures,
        )  # fmt: skip
        held.judged()
        if told:
            row, basis = self._row(held, now), self._basis(held)
        held.row, held.basis = row, basis
        return row

    def _basis(self, held: Held) -> tuple[object, ...]:
        wallet, liquidated = self._wallets[held.key.wallet], held.id in self._alarms.liquidated
        return held.position, held.error, wallet, liquidated, self._sigmas.version

    def _cushion(self, held: Held) -> rank.Cushion:
        """What ranks it: asked once for each reading, for the history and for the row."""
        version = self._sigmas.version
        if held.ranked is None or held.ranked[0] != version:
            held.ranked = version, rank.cushion(held.position, self._sigmas.by_factor())
        return held.ranked[1]

    def _row(self, held: Held, now: float) -> Row:
        wallet, terms = self._wallets[held.key.wallet], held.terms
        if terms is None or terms.wallet is not wallet:
            sign = self._signs.get((held.key.chain_id, held.key.protocol, held.key.market), _UNKNOWN)
            terms = held.terms = terms_of(wallet, held.key, sign, self._setup)
        spell = held.spell
        ranked, sigmas = self._cushion(held), self._sigmas.by_factor()
        row = row_of(held, terms, ranked, sigmas, now, liquidated=held.id in self._alarms.liquidated)
        self._returning.stirred |= held.spell is not spell
        return row

    def _names(self) -> dict[str, str]:
        """What a person calls the targets that are muted."""
        wallets = {key: wallet.title for key, wallet in self._wallets.items()}
        rows = [held.row for held in self._held.values() if held.row is not None] if self._alarms.muted else []
        return wallets | {row.id.lower(): f"{row.label} {row.key.protocol} {row.chain}" for row in rows}

    def _notices(self, now: float) -> tuple[str, ...]:
        told = [*self._alarms.kept_back(now, self._names()), *self._setup.notices]
        for chain in self._chains.values():
            told += [
                f"{chain.spec.name}: {text}" for text in (chain.link.notice, *chain.troubles, *chain.notes) if text
            ]
        told += [self._history.notice, *self._remarks.values(), *(self._outbox.remarks() if self._outbox else ())]
        return tuple(dict.fromkeys(text for text in told if text))
