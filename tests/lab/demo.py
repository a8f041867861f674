"""Records the tape of `liqtui demo`: `python -m tests.lab.demo [FILE]`.

Two local nodes with the real contracts of seven markets (`demo_markets`), read by the program's own recorder. Every
price, loan, liquidation and outage on the tape happened on these nodes, minute by minute of chain time. Compound v3 has
to be built first, see `tests.lab.built`.
"""

from __future__ import annotations

import asyncio
import math
import random
import sys
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqtui.chain.tape import compact
from liqtui.core.sources import ChainSpec
from liqtui.core.wallet import Wallet
from liqtui.engine.recording import Recorder
from liqtui.engine.setup import Setup
from tests.lab.assets import FEEDS, USD
from tests.lab.built import folder_of
from tests.lab.demo_markets import East, West, person
from tests.lab.lab import Lab
from tests.lab.market import wallet
from tests.lab.packages import default_cache
from tests.lab.positions import raw

if TYPE_CHECKING:
    from collections.abc import Collection

    from liqtui.core.snapshot import Snapshot
    from tests.lab.market import AaveMarket

TITLE = "liqtui demo: Aave, Compound, Morpho and Venus on two local chains"
TAPE = Path(__file__).parents[2] / "liqtui" / "demo.tape"
MINUTE = 60
PAST_ROUNDS, PAST_GAP = 220, 3600
"""Oracle rounds before the tape begins, so that volatility is known: their number, and seconds between them."""
LEAD = PAST_ROUNDS * PAST_GAP + 86400
"""The story ends before today."""
DAILY_SIGMA = {"ETH / USD": 0.032, "BTC / USD": 0.024, "LINK / USD": 0.045, "EUR / USD": 0.004, "CRV / USD": 0.05}
STABLE_SIGMA = 0.0004
LIQUIDATOR = wallet("liquidator")
WHALE = wallet("whale of the pool")

LABELS = {
    "treasury": ("dao",),
    "ops-safe": ("dao",),
    "grants": ("dao",),
    "family": ("home",),
    "cold-01": ("home",),
    "cold-02": ("home",),
    "degen-1": ("trading",),
    "degen-2": ("trading",),
    "stakers": ("trading",),
    "shorteth": ("trading",),
    "twofold": ("trading",),
    "btc-fund": ("clients",),
    "eurodesk": ("clients",),
    "carry": ("trading",),
}


class Scene(NamedTuple):
    """A stretch of the story: until which minute, what it is called, and where prices go by its end."""

    until: int
    title: str
    goal: dict[str, float]
    """Pair → multiple of its starting price at the end of the scene; others drift on where they are."""
    noise: float


SCENES = (
    Scene(22, "calm", {}, 0.0006),
    Scene(52, "the crash", {"ETH / USD": 0.815, "BTC / USD": 0.90, "LINK / USD": 0.76, "CRV / USD": 0.7}, 0.0022),
    Scene(64, "after the crash", {"ETH / USD": 0.835, "BTC / USD": 0.91, "LINK / USD": 0.78}, 0.001),
    Scene(84, "west cannot be read", {"ETH / USD": 0.84}, 0.0006),
    Scene(96, "west is back", {"ETH / USD": 0.845}, 0.0006),
    Scene(150, "interest alone", {}, 0.0),
    Scene(166, "quiet again", {"ETH / USD": 0.86, "LINK / USD": 0.77}, 0.0006),
)
LIQUIDATED, REPAID, DOWN, UP, CARRY, WINDING = 53, 60, 64, 84, 97, 158


class ChainClock:
    """The recorder's clock: that of the chains, a moment after each block."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Prices:
    """A seeded path through the scenes, for both chains alike."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.start = {pair: float(answer) for pair, answer in FEEDS.items()}
        self.now = dict(self.start)

    def past(self) -> list[dict[str, int]]:
        """Rounds before the story that end at the starting prices."""
        paths = {pair: self._bridge(pair, answer) for pair, answer in self.start.items()}
        return [{pair: round(path[at]) for pair, path in paths.items()} for at in range(PAST_ROUNDS)]

    def _bridge(self, pair: str, end: float) -> list[float]:
        step = DAILY_SIGMA.get(pair, STABLE_SIGMA) * math.sqrt(PAST_GAP / 86400)
        logs = [0.0]
        for _ in range(PAST_ROUNDS - 1):
            logs.append(logs[-1] + self.rng.gauss(0, step))
        return [end * math.exp(value - logs[-1]) for value in logs]

    def step(self, minute: int) -> dict[str, int]:
        """Prices that are published in this minute: what moved by a tenth of a percent, as feeds do."""
        scene = next(scene for scene in SCENES if minute < scene.until)
        for pair, multiple in scene.goal.items():
            way = 1 / max(1, scene.until - minute)
            self.now[pair] += (self.start[pair] * multiple - self.now[pair]) * way
        if scene.noise:
            for pair in DAILY_SIGMA:
                size = scene.noise * (0.2 if pair == "EUR / USD" else 1)
                self.now[pair] *= math.exp(self.rng.gauss(0, size))
        return {pair: round(value) for pair, value in self.now.items()}


def publish(lab: Lab, prices: dict[str, int], dt: int, *, heartbeat: int = 1800) -> None:
    """One block in which feeds publish what moved, or what is due; also those that quote in ether."""
    feeds, due = lab.assets.pairs, dict[str, int]()
    for pair, price in (prices | _in_ether(prices, feeds)).items():
        answer = feeds[pair].answer
        if abs(price - answer) > answer // 1000 or lab.node.timestamp - feeds[pair].updated_at >= heartbeat:
            due[pair] = price
    with lab.node.batch(dt=dt):
        for pair, price in due.items():
            feeds[pair].set(price)


def _in_ether(prices: dict[str, int], feeds: Collection[str]) -> dict[str, int]:
    """Pair → price with 18 decimals, of those that there are feeds for."""
    found: dict[str, int] = {}
    for pair, price in prices.items():
        quoted = pair.replace(" / USD", " / ETH")
        if quoted in feeds:
            found[quoted] = price * 10**18 // prices["ETH / USD"]
    return found


def live_past(lab: Lab, rounds: list[dict[str, int]]) -> None:
    for prices in rounds:
        publish(lab, prices, PAST_GAP, heartbeat=0)


def open_carry(market: AaveMarket) -> None:
    """A loan that interest alone takes over the edge: LINK is nearly all lent out, so that borrowing it is dear."""
    whale_collateral = raw(market, "WETH", "20000")
    market.supply(WHALE, "WETH", whale_collateral)
    atoken, _ = market.reserve_tokens("LINK")
    cash = int(market.node.view(market.tokens["LINK"].address, "balanceOf(address)->uint256", atoken))
    user = person("carry")
    market.supply(user, "USDC", raw(market, "USDC", "60000"))
    price = market.price("LINK")
    most = 60000 * USD * 75 // 100 * 10**18 // price
    market.borrow(user, "LINK", most * 999 // 1000)
    market.borrow(WHALE, "LINK", (cash - most) * 998 // 1000)
    # the oracle then rises until health is a few parts in ten thousand above one
    feed = market.feeds["LINK"]
    health = market.health(user)
    target = Decimal("1.00028")
    feed.set(int(feed.answer * Decimal(health) / 10**18 / target))


def setup_for(lenders: dict[str, East | West]) -> Setup:
    chains = tuple(
        ChainSpec(
            id=each.lab.node.chain_id,
            name=name,
            rpc=(each.lab.node.url,),
            block_time=float(MINUTE),
            poll=float(MINUTE),
            timeout=2.0,
            requests_per_second=1000.0,
        )
        for name, each in lenders.items()
    )
    markets = tuple(ref for each in lenders.values() for ref in each.refs())
    wallets = tuple(Wallet(person(label), label, tags=tags) for label, tags in LABELS.items())
    return Setup(chains, markets, wallets)


class Story:
    """Minute by minute."""

    def __init__(self, east: East, west: West, recorder: Recorder, clock: ChainClock, prices: Prices) -> None:
        self.labs = {"east": east.lab, "west": west.lab}
        self.east, self.west = east.aave, west.aave
        self.recorder = recorder
        self.clock = clock
        self.prices = prices
        self.carry_price = 0

    async def tell(self) -> Snapshot:
        titles = {0: SCENES[0].title} | {scene.until: after.title for scene, after in pairwise(SCENES)}
        titles |= {LIQUIDATED: "a liquidation", REPAID: "treasury repays"}
        snapshot: Snapshot | None = None
        for minute in range(SCENES[-1].until):
            moved = self.prices.step(minute)
            if self.carry_price and minute < SCENES[-2].until:
                moved["LINK / USD"] = self.carry_price
            self.clock.at += MINUTE
            for name in self.labs:
                self._block(name, minute, moved)
            self._happens(minute)
            for name in self.labs:
                title = titles.get(minute, "") if name == "east" else ""
                snapshot = await self.recorder.round(name, chapter=title)
        assert snapshot is not None
        return snapshot

    def _block(self, name: str, minute: int, moved: dict[str, int]) -> None:
        lab = self.labs[name]
        if name == "west" and DOWN <= minute < UP:
            return
        publish(lab, moved, max(1, int(self.clock.at) - 2 - lab.node.timestamp))

    def _happens(self, minute: int) -> None:
        """What people do; each thing in a block or two of its own, within the minute."""
        if minute == LIQUIDATED:
            self._liquidate(self.east, "degen-1", "WETH")
            self._liquidate(self.west, "degen-2", "LINK")
        elif minute == REPAID:
            self.east.repay(person("treasury"), "USDC", raw(self.east, "USDC", "280000"))
        elif minute == DOWN:
            self.west.node.stop()
        elif minute == UP - 1:
            self.west.node.start()
        elif minute == CARRY:
            open_carry(self.east)
            self.carry_price = self.east.feeds["LINK"].answer
            self.prices.now["LINK / USD"] = float(self.carry_price)
        elif minute == WINDING:
            self.east.repay(WHALE, "LINK")
            self.east.repay(person("carry"), "LINK")
        self.clock.at = float(max(self.clock.at, self.east.node.timestamp + 1))

    def _liquidate(self, market: AaveMarket, label: str, collateral: str) -> None:
        health = market.health(person(label))
        assert health < 10**18, f"{label} has health {health / 10**18:.4f} and cannot be liquidated"
        market.liquidate(LIQUIDATOR, person(label), collateral, "USDC")


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TAPE
    draft = target.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    prices, clock = Prices(random.Random(7)), ChainClock()
    cache, comet = default_cache(), folder_of("compound-v3")
    with (
        Lab.build(generations=("aave36",), chain_id=31401, margin=LEAD) as eastern,
        Lab.build(generations=("aave30",), chain_id=31402, margin=LEAD) as western,
    ):
        east, west = East(eastern, cache, comet), West(western, cache)
        past = prices.past()
        for lab in (eastern, western):
            live_past(lab, past)
        east.open()
        west.open()
        clock.at = float(max(eastern.node.timestamp, western.node.timestamp) + 2)
        recorder = Recorder(setup_for({"east": east, "west": west}), draft, title=TITLE, mark_alerts=False, clock=clock)

        async def tell() -> Snapshot:
            story = Story(east, west, recorder, clock, prices)
            try:
                return await story.tell()
            finally:
                await recorder.close()

        snapshot = asyncio.run(tell())
    target.unlink(missing_ok=True)
    compact(draft, target)
    draft.unlink()
    print(f"{target}: {recorder.frames} frames, {target.stat().st_size:,} bytes, {len(snapshot.alerts)} alerts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
