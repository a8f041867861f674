"""A monitor with rounds as they come, on a clock of its own."""

import asyncio
from dataclasses import replace

from liqtui.core.desk import Local
from liqtui.core.rules import Desk as Rulebook
from liqtui.core.rules import Rules
from liqtui.core.wallet import Thresholds
from liqtui.engine.history import History
from liqtui.engine.lineage import Lineage
from liqtui.engine.monitor import Monitor
from liqtui.engine.rounds import ChainRounds
from liqtui.engine.setup import Setup, wallets_on
from tests.engine.fakes import START, FakeAdapter, FakeChain, Finish, chain, market, wallet


class Desk:
    """A monitor over scripted chains, driven by hand. `now` is the engine's clock and the chains' alike."""

    def __init__(self, *names, folder=None, wallets=(1,), thresholds=None, adapter=None, poll=12.0, kind=FakeChain):
        names = names or ("lab",)
        specs = tuple(chain(name, 31337 + place, poll=poll) for place, name in enumerate(names))
        self.nodes = {spec.name: kind(spec.id) for spec in specs}
        for node in self.nodes.values():
            node.hold(1, 1, 1000)
        refs = tuple(market("main", spec.id) for spec in specs)
        self.setup = Setup(specs, refs, tuple(wallet(number) for number in wallets), thresholds or Thresholds())
        self.adapter = adapter or FakeAdapter()
        self.now = START
        self.links = {}
        self.history = None
        self.restart(folder)
        self.folder = folder

    def restart(self, folder):
        if self.history is not None:
            self.monitor.save(self.now, last=True)
            self.history.close()
        self.history = History(folder)
        self.monitor = Monitor(self.setup, self.history, self.now)
        self.rounds = {
            spec.name: ChainRounds(spec, [ref for ref in self.setup.markets if ref.chain_id == spec.id],
                                   {"fake": self.adapter}, self.nodes[spec.name], finish=Finish(),
                                   lineage=Lineage(spec, self.nodes[spec.name], self.history))
            for spec in self.setup.chains
        }  # fmt: skip
        self.watch(*self.setup.wallets)

    def watch(self, *wallets):
        self.monitor.watch(wallets)
        for name, rounds in self.rounds.items():
            rounds.watch(wallets_on(name, wallets))

    def round(self, seconds=12, *, price=None, mine=True):
        """Time passes, blocks are mined, every chain is read."""
        self.now += seconds
        for name, node in self.nodes.items():
            if mine:
                node.mine(seconds, price)
            outcome = asyncio.run(self.rounds[name].round(self.now))
            self.monitor.apply(name, outcome, self.now, link=self.links.get(name))
        return self.monitor.publish(self.now)

    def close(self):
        self.history.close()


def kinds(snapshot):
    return [alert.kind for alert in reversed(snapshot.alerts)]


def row(snapshot, label="w1"):
    return next(row for row in snapshot.rows if row.label == label)


class AlarmDesk(Desk):
    """A monitor with a desk of its own, what it posted, and a wall clock that starts at noon."""

    def __init__(self, *names, rulebook=None, rules=None, **more):
        self.rulebook, self.rules_ = rulebook or Rulebook(), rules or Rules()
        self.posted = []
        super().__init__(*names, **more)

    def restart(self, folder):
        self.setup = replace(self.setup, desk=self.rulebook, rules=self.rules_)
        super().restart(folder)
        alarms = self.monitor._alarms
        alarms._post = self.posted.append
        alarms._local = noon


def noon(at):
    minutes = int(at - START) // 60 + 720
    return Local(1 + minutes // 1440, minutes % 1440)


def many(alarm_desk, count, **more):
    made = alarm_desk(wallets=range(1, count + 1), **more)
    for number in range(1, count + 1):
        made.nodes["lab"].hold(number, 1, 1000 + number / 100)
    return made
