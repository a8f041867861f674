"""Chains that live by dice: what they are like, what a round of each tells, and what people and markets do to them.

Time is `true`: chains go by it. The engine's clock is `wall`, which jumps.
"""

from dataclasses import dataclass, field, replace

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.model import Feed, Health, PositionKey
from liqtui.core.reads import Block, ReadError
from liqtui.core.snapshot import Stage
from liqtui.core.units import WAD
from liqtui.engine.outcome import Outcome, Spot, Trouble
from tests.engine.fakes import ETH, FEED, LT, START, USDC, Finish, address, chain, market, position

HEARTBEAT = 3600
WHOLE = 10**18
_FINISH = Finish()


@dataclass
class Node:
    """One chain with one feed and two markets."""

    spec: object
    refs: tuple
    price: int = 2000 * 10**8
    updated_at: int = START
    number: int = 100
    time: int = START
    fork: int = 0
    accounts: dict = field(default_factory=dict)
    """(market, wallet) → [collateral, debt] raw."""
    threshold: dict = field(default_factory=dict)
    events: list = field(default_factory=list)
    past: list = field(default_factory=list)
    """(unix time, answer) of the feed's rounds before the beginning: how wild it is."""


class World:
    def __init__(self, dice, names=("lab", "side")):
        self.dice, self.true, self.skew = dice, float(START), 0.0
        self.trouble = {}
        """What is wrong, as (what, chain, which) → true time of its end."""
        self.nodes = {}
        for place, name in enumerate(names):
            spec = chain(name, 31337 + place)
            refs = tuple(market(kind, spec.id, f"0x{place}{other}" + "a" * 38) for other, kind in enumerate("ab"))
            node = self.nodes[name] = Node(spec, refs, threshold=dict.fromkeys("ab", LT))
            for hour in range(48, 0, -1):
                past = node.past[-1][1] if node.past else node.price
                node.past.append((START - hour * 3600, int(past * dice.uniform(0.98, 1.02))))
            for number in (1, 2, 3):
                for ref in refs:
                    if dice.random() < 0.7:
                        node.accounts[ref.name, address(number)] = [WHOLE, dice.randrange(900, 1200) * 10**6]

    @property
    def wall(self):
        return self.true + self.skew

    def wrong(self, *what):
        return self.trouble.get(what, 0) > self.true

    # -- what happens ------------------------------------------------------------------------------------------

    def step(self):
        dice = self.dice
        self.true += dice.choice((12, 12, 12, 12, 12, 30, 60))
        if dice.random() < 0.006:
            self.skew = dice.choice((0.0, 0.0, -120.0, -300.0, -900.0, 300.0, -3600.0, 3600.0, -86_400.0))
        for name, node in self.nodes.items():
            if not self.wrong("stuck", name):
                passed = max(1, int(self.true - node.time) // 12)
                if dice.random() < 0.02:
                    node.fork, passed = node.fork + 1, -dice.randrange(4)
                node.number, node.time = node.number + passed, int(self.true)
            self._move(name, node)
            self._break(name, node)
            for key in list(node.accounts):
                self._live(name, node, *key)

    def _move(self, name, node):
        dice, luck = self.dice, self.dice.random()
        if self.wrong("flap", name):
            node.price = int(self.center * dice.uniform(0.995, 1.005))
        elif luck < 0.004:
            node.price = int(node.price * dice.uniform(0.7, 0.95))
        elif luck < 0.008:
            node.price = int(node.price * dice.uniform(1.05, 1.3))
        elif luck < 0.012 and (worst := self._owing(node)):
            where, (collateral, debt) = dice.choice(worst)
            limit = dice.choice((1.2, 1.05, 1.0))
            self.center = limit * debt * 100 * 10_000 * WHOLE / (collateral * node.threshold[where[0]])
            self.trouble["flap", name] = self.true + dice.uniform(100, 4000)
        else:
            node.price = int(node.price * dice.uniform(0.998, 1.002))
        node.price = min(max(node.price, 500 * 10**8), 8000 * 10**8)
        if self.wrong("future", name):
            node.updated_at = node.time + 500
        elif not self.wrong("feed", name):
            node.updated_at = node.time
        else:
            node.updated_at = min(node.updated_at, node.time)

    @staticmethod
    def _owing(node):
        return [item for item in node.accounts.items() if all(item[1])]

    def _break(self, name, node):
        dice = self.dice
        for what, odds in (("down", 0.004), ("stuck", 0.002), ("feed", 0.001), ("future", 0.001),
                           ("contradiction", 0.001), ("flicker", 0.001)):  # fmt: skip
            if dice.random() < odds and not self.wrong(what, name):
                self.trouble[what, name] = self.true + dice.expovariate(
                    1 / (8000 if what == "feed" else dice.choice((100, 400, 4000)))
                )
        if self.wrong("flicker", name) and dice.random() < 0.5:
            self.trouble["down", name] = self.true + dice.uniform(0, 250)
        for what, odds in (("market", 0.002), ("wallet", 0.003), ("unknown", 0.003), ("doubt", 0.002)):
            if dice.random() < odds:
                which = dice.choice("ab"), address(dice.randrange(1, 4)) if what != "market" else ""
                self.trouble[what, name, *which] = self.true + dice.expovariate(1 / 200)
        if dice.random() < 0.001:
            node.threshold[dice.choice("ab")] = dice.choice((7500, 8000, 8200))
        if dice.random() < 0.003:
            where = dice.choice("ab"), address(dice.randrange(1, 4))
            debt = int(node.price * LT // 10_000 // 100 / dice.uniform(1.1, 2.0))
            node.accounts.setdefault(where, [WHOLE, debt])

    def _live(self, name, node, kind, who):
        """Interest; what the owner does; what liquidators do."""
        account, dice = node.accounts[kind, who], self.dice
        account[1] = account[1] * 1_000_000_1 // 10**7
        luck, health = dice.random(), self.health(node, kind, who)
        if health is not None and health < WAD and luck < 0.1:
            self._liquidate(name, node, kind, who)
        elif luck > 0.997:
            account[1] = account[1] * dice.choice((0, 60, 80, 110)) // 100
            self._log(node, kind, who, EventKind.REPAID)
        elif luck > 0.994:
            account[0] = account[0] * dice.choice((95, 110, 130)) // 100
            self._log(node, kind, who, EventKind.SUPPLIED)
        elif luck > 0.9935:
            del node.accounts[kind, who]
            self._log(node, kind, who, EventKind.WITHDREW)

    def _liquidate(self, name, node, kind, who):
        account = node.accounts[kind, who]
        repaid = account[1] // 2
        taken = min(account[0], repaid * 100 * WHOLE * 105 // 100 // node.price)
        account[0], account[1] = account[0] - taken, account[1] - repaid
        if account[0] < WHOLE // 1000:
            del node.accounts[kind, who]
        if self.dice.random() < 0.5:
            self._log(node, kind, who, EventKind.LIQUIDATED, Moved(ETH, taken), Moved(USDC, repaid))

    def _log(self, node, kind, who, what, *moved):
        key = PositionKey(node.spec.id, "fake", kind, who)
        tx = f"0x{self.dice.getrandbits(256):064x}"
        node.events.append(MarketEvent(what, key, tx, 0, node.number, f"0x{node.number:064x}", *moved))

    # -- what a round tells ------------------------------------------------------------------------------------

    @staticmethod
    def health(node, kind, who):
        """1e18-scaled; None without debt."""
        collateral, debt = node.accounts[kind, who]
        return collateral * node.price // WHOLE * node.threshold[kind] * WAD // 10_000 // (debt * 100) if debt else None

    def read(self, name, watched=(1, 2, 3)):
        node = self.nodes[name]
        if self.wrong("down", name):
            return ReadError("timeout", "slow")
        block = Block(node.number, f"0x{node.fork:032x}{node.number:032x}", node.time)
        feed = Feed(FEED, "ETH / USD", "eth", node.price, 8, node.updated_at, HEARTBEAT)
        found, covered, troubles, stages = {}, set(), [], []
        for ref in node.refs:
            broken = self.wrong("market", name, ref.name, "")
            stages.append(Stage("fake", ref.name, done=True, error="out of order" if broken else ""))
            if broken:
                troubles.append(Trouble(Spot("fake", ref.name, ""), "out of order"))
                continue
            for number in watched:
                spot = Spot("fake", ref.name, address(number))
                if self.wrong("wallet", name, ref.name, spot.wallet):
                    troubles.append(Trouble(spot, "reverted"))
                    continue
                covered.add(spot)
                if (ref.name, spot.wallet) in node.accounts:
                    made = self._position(name, node, ref, block, spot.wallet, feed)
                    found[made.key] = made
        events, node.events = tuple(node.events), []
        logged = frozenset(("fake", ref.name) for ref in node.refs)
        return Outcome(node.spec.id, block, found, frozenset(covered), (feed,), tuple(troubles), (), tuple(stages),
                       {FEED: tuple(node.past)}, events, logged)  # fmt: skip

    def _position(self, name, node, ref, block, who, feed):  # noqa: PLR0917
        collateral, debt = node.accounts[ref.name, who]
        made = _FINISH(position(ref, block, who, collateral, debt, node.price, feed))
        if node.threshold[ref.name] != LT and debt:
            health, legs = self.health(node, ref.name, who), made.legs
            legs = (legs[0]._replace(threshold=node.threshold[ref.name]), *legs[1:])
            made = replace(made, health=Health(health, health), legs=legs)
        if debt and self.wrong("unknown", name, ref.name, who):
            return replace(made, health=Health(None, None))
        if debt and self.wrong("doubt", name, ref.name, who):
            return replace(made, health=Health(made.health.raw + 5, made.health.raw))
        return made
