"""A scripted chain and a protocol of three calls, so that the engine is tested without either."""

import json
from dataclasses import dataclass, field, replace

from liqtui.core.model import Asset, Feed, Health, Leg, Position, PositionKey, Quote, Side
from liqtui.core.reads import Block, Call, Failure, PlanFailed, ReadError
from liqtui.core.results import Boundary, Direction, FactorKind
from liqtui.core.sources import ChainSpec, MarketRef
from liqtui.core.units import HEALTH_INFINITE, WAD
from liqtui.core.wallet import Wallet
from liqtui.engine.setup import Setup
from liqtui.protocols.adapter import Reading

START = 1_700_000_000
ETH = Asset("0x" + "e0" * 20, "ETH", 18)
USDC = Asset("0x" + "c0" * 20, "USDC", 6)
FEED = "0x" + "fe" * 20
LT = 8000


def address(number):
    return f"0x{number:040x}"


def wallet(number, **more):
    return Wallet(address(number), label=f"w{number}", **more)


def chain(name="lab", ident=31337, **more):
    return ChainSpec(ident, name, rpc=("http://127.0.0.1:1/secret",), **({"block_time": 12.0, "poll": 12.0} | more))


def market(name="main", chain_id=31337, entry="0x" + "aa" * 20):
    return MarketRef("fake", chain_id, name, entry)


def setup(*chains, **more):
    """One wallet and a market on each chain, read as often as there is time."""
    chains = chains or (chain(poll=0.01),)
    return Setup(chains, tuple(market("main", spec.id) for spec in chains), (wallet(1),), **more)


@dataclass
class FakeChain:
    """State of a chain, and the reader that answers from it. Change it between rounds."""

    chain_id: int = 31337
    number: int = 100
    time: int = START
    price: int = 2000 * 10**8
    updated_at: int = START
    accounts: dict = field(default_factory=dict)
    """(entry, wallet) → (collateral raw, debt raw), or Failure."""
    broken: set = field(default_factory=set)
    """Entries that answer nothing."""
    generation: dict = field(default_factory=dict)
    """Entry → contract revision."""
    down: ReadError | None = None
    crash: BaseException | None = None
    requests: int = 0
    seen: list = field(default_factory=list)
    during: object = None
    """Called at each read, to change things in the middle of a round."""

    def hold(self, number, collateral, debt, entry="0x" + "aa" * 20):
        """Whole tokens."""
        self.accounts[entry, address(number)] = (int(collateral * 10**18), int(debt * 10**6))

    def mine(self, seconds=12, price=None):
        self.number += 1
        self.time += seconds
        if price is not None:
            self.price, self.updated_at = int(price * 10**8), self.time

    @property
    def block(self):
        return Block(self.number, f"0x{self.number:064x}", self.time)

    async def head(self):
        self.requests += 1
        self._fault()
        return self.block

    async def read(self, block, calls):
        self.requests += 1
        self._fault()
        if self.during is not None:
            self.during()
        return [self._answer(call) for call in calls]

    async def logs(self, first, last, wanted):
        return []

    async def close(self):
        self.closed = True

    def _fault(self):
        if self.crash is not None:
            raise self.crash
        if self.down is not None:
            raise self.down

    def _answer(self, call):
        if not call.data.startswith(b"["):
            return Failure("revert", "no feed")
        try:
            what, *rest = json.loads(call.data)
        except ValueError:  # a call that is not this protocol's
            return Failure("revert", "no such function")
        self.seen.append((what, call.target, *rest))
        if call.target in self.broken:
            return Failure("revert", "out of order")
        if what == "open":
            return json.dumps(self.generation.get(call.target, 1)).encode()
        if what == "market":
            return json.dumps([self.price, self.updated_at, self.generation.get(call.target, 1)]).encode()
        account = self.accounts.get((call.target, rest[0]))
        return account if isinstance(account, Failure) else json.dumps(account).encode()


def _call(entry, *what):
    return Call(entry, json.dumps(what).encode())


def _value(result):
    if isinstance(result, Failure):
        raise PlanFailed(f"{result.kind}: {result.detail}")
    return json.loads(result)


class FakeAdapter:
    protocol = "fake"

    def __init__(self):
        self.explode = set()
        """Wallets whose evaluation has a bug."""

    def open(self, ref, block):
        (result,) = yield [_call(ref.entry, "open")]
        return (ref, _value(result))

    def discover(self, opened, wallets):
        ref, _ = opened
        results = yield [_call(ref.entry, "has", wallet) for wallet in wallets]
        return {wallet: ref.entry for wallet, result in zip(wallets, results, strict=True) if _value(result)}

    def refresh(self, opened, block, hints):
        ref, generation = opened
        results = yield [_call(ref.entry, "market"), *(_call(ref.entry, "account", wallet) for wallet in hints)]
        price, updated_at, now = _value(results[0])
        accounts = {}
        for wallet, result in zip(hints, results[1:], strict=True):
            accounts[wallet] = (
                PlanFailed(result.detail) if isinstance(result, Failure) else json.loads(result) or (0, 0)
            )
        feed = Feed(FEED, "ETH / USD", "eth", price, 8, updated_at, 3600)
        return Reading((price, feed), accounts, (feed,), changed=now != generation)

    def evaluate(self, opened, block, market, account, wallet):
        if wallet in self.explode:
            raise TypeError("a bug")
        ref, _ = opened
        price, feed = market
        collateral, debt = account
        return (position(ref, block, wallet, collateral, debt, price, feed),)


def position(ref, block, wallet, collateral, debt, price, feed=None):  # noqa: PLR0917
    value, owed = collateral * price // 10**18, debt * 10**8 // 10**6
    health = value * LT * WAD // 10_000 // owed if owed else HEALTH_INFINITE
    return Position(
        key=PositionKey(ref.chain_id, ref.protocol, ref.name, wallet),
        block=block,
        base_symbol="USD",
        base_decimals=8,
        health=Health(health, health),
        legs=(
            Leg(ETH, Side.COLLATERAL, collateral, price, value, LT, 10_500),
            Leg(USDC, Side.DEBT, debt, 10**8, owed),
        ),
        collateral_value=value,
        debt_value=owed,
        ltv=None,
        max_ltv=None,
        threshold=LT,
        quotes=(Quote(ETH.address, FEED, price, 8, "eth", price, 8, FEED),),
        feeds=(feed,) if feed else (),
    )


class Finish:
    """Adds the one boundary, and counts how often it had to."""

    def __init__(self):
        self.calls = 0

    def __call__(self, bare):
        self.calls += 1
        collateral, debt = bare.legs[0], bare.legs[1]
        if not debt.amount:
            return bare
        at = debt.value * 10_000 * 10**18 // (collateral.amount * LT)
        boundary = Boundary(
            "eth", FactorKind.FACTOR, "ETH", Direction.FALLS, ("ETH",), at, collateral.price, 8,
            passed=bare.health.raw < WAD,
        )  # fmt: skip
        return replace(bare, boundaries=(boundary,))
