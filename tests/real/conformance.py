"""What every pooled lender has to pass on its real contracts: one case each, driven by `test_conformance` and
`test_walks`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.events import EventKind
from liqtui.core.factors import movers
from liqtui.core.model import Side
from liqtui.core.reads import Log
from liqtui.core.risk import complete
from liqtui.core.sources import ChainSpec
from liqtui.core.wallet import Wallet
from liqtui.engine.history import History
from liqtui.engine.monitor import Monitor
from liqtui.engine.outcome import Outcome
from liqtui.engine.setup import Setup, pool, rounds_on, shipped_adapters
from tests.real.reader import LabReader, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from liqtui.core.events import MarketEvent
    from liqtui.core.factors import Mover
    from liqtui.core.model import Asset, Position, PositionKey
    from liqtui.core.results import Boundary, Scope
    from liqtui.core.snapshot import Snapshot
    from liqtui.core.sources import MarketRef
    from liqtui.protocols.adapter import Reading
    from tests.lab.lab import Lab
    from tests.lab.node import Node

ROUNDING = 2
"""Units by which an amount that is kept in shares may miss."""


@dataclass(frozen=True)
class Settlement:
    """A liquidation that was executed: the position as foreseen for its block, and as it is then."""

    scope: Scope
    before: Position
    after: Position | None
    had: Mapping[tuple[Side, Asset], int]
    has: Mapping[tuple[Side, Asset], int]
    events: Sequence[MarketEvent]


@dataclass
class Case(ABC):
    """One protocol on its node: the program's view of a market, and what its contracts themselves say and do."""

    lab: Lab
    adapter: Any
    ref: MarketRef
    wallets: Sequence[str]
    """Lower case, of all who hold something, or did."""
    empty: frozenset[str] = frozenset()
    """Those of them who hold nothing any more."""
    seconds: int = 12
    """From the head to the block in which a liquidation is executed."""
    reasons: int = 1
    """How many rules set the amount of a liquidation, at least."""
    liquidations: int = 8
    """How many there are after `crash`, at least."""
    choices: int = 8
    """And of how many of them the liquidator may choose another amount."""
    blocks: int = 100
    """Length of the walk."""
    hints: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reader = LabReader(self.lab)
        self.open()

    @property
    def node(self) -> Node:
        return self.lab.node

    @property
    def drivers(self) -> list[object]:
        """What acts on the chain and notes addresses."""
        return [self.lab.assets, *(driver for name in ("market", "morpho") if (driver := getattr(self, name, None)))]

    # -- the program's view ----------------------------------------------------------------------------------------

    def open(self) -> None:
        self.block = self.reader.head()
        self.opened = run(self.reader, self.block, self.adapter.open(self.ref, self.block))
        self.discover()

    def discover(self, wallets: Sequence[str] | None = None) -> None:
        wanted = self.wallets if wallets is None else wallets
        self.hints = run(self.reader, self.block, self.adapter.discover(self.opened, wanted))

    def read(self, wallets: Sequence[str] | None = None) -> Reading:
        self.block = self.reader.head()
        hints = {w: hint for w, hint in self.hints.items() if wallets is None or w in wallets}
        self.reading: Reading = run(self.reader, self.block, self.adapter.refresh(self.opened, self.block, hints))
        return self.reading

    def positions(self, wallets: Sequence[str] | None = None) -> dict[PositionKey, Position]:
        """At the head, without empty ones. An account that could not be read fails the test."""
        reading = self.read(wallets)
        out: dict[PositionKey, Position] = {}
        for wallet, account in reading.accounts.items():
            assert not isinstance(account, Exception), (wallet, account)
            found = self.adapter.evaluate(self.opened, self.block, reading.market, account, wallet)
            out |= {position.key: position for position in found if not position.empty}
        return out

    def boundaries(self, found: Position) -> list[tuple[Boundary, Mover]]:
        assert found.book is not None
        knobs = {mover.factor: mover for mover in movers(found.book, found.feeds)}
        return [(each, knobs[each.factor]) for each in complete(found).boundaries]

    def events(self, wallets: Sequence[str]) -> list[MarketEvent]:
        """What the newest block's logs, asked for by the adapter's own filters, tell."""
        logs: dict[Log, None] = {}
        for wanted in self.adapter.event_filters(self.opened, wallets):
            topics = [None if accepted is None else list(accepted) for accepted in wanted.topics]
            query: dict[str, Any] = {"topics": topics, "fromBlock": "latest"}
            if wanted.addresses:
                query["address"] = list(wanted.addresses)
            logs |= dict.fromkeys(map(_log, self.node.rpc("eth_getLogs", query)))
        ordered = sorted(logs, key=lambda log: log.log_index)
        return [event for event in self.adapter.events(self.opened, ordered) if event.key.wallet in wallets]

    def foreseen(self, key: PositionKey) -> tuple[Position | None, dict[tuple[Side, Asset], int]]:
        """The position and its balances in the next block if nothing happens, on a branch that is then dropped."""
        branch = self.lab.snapshot()
        self.node.mine(dt=self.seconds)
        found = self.positions([key.wallet]).get(key)
        held = self.balances(key, found)
        self.lab.revert(branch)
        return found, held

    # -- what the contracts say and do -----------------------------------------------------------------------------

    @abstractmethod
    def walk(self, blocks: int) -> Iterator[int]:
        """Prices move, time passes, users act; gives block numbers."""

    @abstractmethod
    def verify(self, found: Mapping[PositionKey, Position]) -> int:
        """Fail unless every figure of the last reading is the contracts' own at that block; how many were compared."""

    @abstractmethod
    def unsafe(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> bool:
        """Whether the contracts let the account be liquidated at the block that was read with this one thing moved."""

    @abstractmethod
    def crash(self) -> None:
        """A day after which many can be liquidated."""

    @abstractmethod
    def liquidate(self, found: Position, scope: Scope, *, more: bool = False) -> None:
        """As much as the scope says (or a unit more), `seconds` after the head. A refusal is no exception."""

    @abstractmethod
    def act(self) -> list[tuple[EventKind, str, int]]:
        """The first wallet does what owners do, in one block; kind, symbol and raw amount of each."""

    @abstractmethod
    def break_source(self) -> Callable[[Position], bool]:
        """One price source reverts from now on; whose health then cannot be known."""

    def balances(self, key: PositionKey, found: Position | None) -> dict[tuple[Side, Asset], int]:
        """(side, asset) → what the account has in the last reading, in the units that the events count in."""
        out: dict[tuple[Side, Asset], int] = {}
        for leg in found.legs if found is not None else ():
            out[leg.side, leg.asset] = out.get((leg.side, leg.asset), 0) + leg.amount
        return out

    @abstractmethod
    def list_hostile(self, user: str) -> dict[str, int]:
        """Tokens without manners are listed, the user supplies each and borrows; asset → raw amount supplied."""

    def chooses(self, scope: Scope) -> bool:
        """Whether a unit more than the scope says can be asked for, and must be refused."""
        return True

    def settled(self, done: Settlement) -> None:
        """Fail unless the log and the contracts tell of the very liquidation that was foreseen."""
        scope, had, has = done.scope, done.had, done.has
        (taken,) = [event for event in done.events if event.kind is EventKind.LIQUIDATED]
        assert taken.collateral is not None
        assert taken.debt is not None
        off = sum(event.debt.amount for event in done.events if event.kind is EventKind.WRITTEN_OFF and event.debt)
        assert taken.debt.amount == scope.max_debt, done
        places = (Side.DEBT, taken.debt.asset), (Side.COLLATERAL, taken.collateral.asset)
        owed, held = (had[place] - has.get(place, 0) for place in places)
        assert abs(owed - taken.debt.amount - off) <= ROUNDING, done
        assert abs(held - taken.collateral.amount - self.withheld(taken)) <= ROUNDING, done
        place = (Side.COLLATERAL, scope.collateral)
        assert abs(had[place] - has.get(place, 0) - scope.seized) <= ROUNDING, done
        if done.after is not None and scope.health_after is not None:
            assert done.after.health.raw == pytest.approx(scope.health_after, rel=1e-6, abs=0), done

    def withheld(self, event: MarketEvent) -> int:
        """What went elsewhere than to the liquidator: the protocol's part."""
        return 0

    # -- the whole engine ------------------------------------------------------------------------------------------

    def watched(
        self, wallet: str, happens: Callable[[], object], *, calm: bool = True, rounds: int = 2
    ) -> list[Snapshot]:
        """A round, something that happens, and a round or more, all through the program's own reading and monitor.

        `calm`: nothing may go wrong on the way.
        """
        spec = ChainSpec(self.node.chain_id, "lab", rpc=(self.node.url,), requests_per_second=1e6, block_time=1.0)
        setup = Setup((spec,), (self.ref,), (Wallet(wallet),))
        adapters = {**shipped_adapters(), self.ref.protocol: self.adapter}

        async def run_all() -> list[Snapshot]:
            history = History(None)
            monitor = Monitor(setup, history, 0.0)
            monitor.watch(setup.wallets)
            reader = pool(spec)
            watching = rounds_on(spec, setup, adapters, reader)
            shown: list[Snapshot] = []
            for now in (60.0 * each for each in range(rounds)):
                if now == 60.0:
                    happens()
                outcome = await watching.round(now)
                assert isinstance(outcome, Outcome), outcome
                assert not (calm and outcome.troubles), outcome.troubles
                monitor.apply("lab", outcome, now)
                shown.append(monitor.publish(now))
            await reader.close()
            history.close()
            return shown

        return asyncio.run(run_all())


def holds(symbol: str) -> Callable[[Position], bool]:
    return lambda found: symbol in {leg.asset.symbol for leg in found.legs}


def _log(raw: dict[str, Any]) -> Log:
    return Log(
        raw["address"].lower(),
        tuple(raw["topics"]),
        bytes.fromhex(raw["data"][2:]),
        int(raw["blockNumber"], 16),
        raw["blockHash"],
        raw["transactionHash"],
        int(raw["logIndex"], 16),
    )
