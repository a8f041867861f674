"""The conformance case of Compound v3: how its contract is asked, moved, and made to absorb."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from liqtui.core.events import EventKind
from liqtui.core.model import Side
from liqtui.core.results import FactorKind
from liqtui.core.sources import MarketRef
from liqtui.protocols.compound_v3 import CompoundV3
from tests.lab import abi
from tests.lab.comet import ABSORBER, NOT_LIQUIDATABLE, STAKED, CometMarket, Spec
from tests.lab.comet_positions import SHAPES, CometWalk
from tests.lab.market import wallet as wallet_of
from tests.real.cases_compound import answering
from tests.real.cases_morpho import constant_code
from tests.real.comet_truth import Said, check, taken_of
from tests.real.conformance import ROUNDING, Case, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from liqtui.core.factors import Mover
    from liqtui.core.model import Position, PositionKey
    from liqtui.core.results import Boundary, Scope
    from tests.lab.comet import CometLab

GAS = hex(3_000_000_000)
STUB = "0x00000000000000000000000000000000005ab5ab"


_VIEWS = (
    "borrowBalanceOf(address)->uint256",
    "balanceOf(address)->uint256",
    "isLiquidatable(address)->bool",
    "isBorrowCollateralized(address)->bool",
)


@dataclass
class CometCase(Case):
    market: Any = None

    def walk(self, blocks: int) -> Iterator[int]:
        return CometWalk(self.market, self.market.base.symbol, seed=6).take(blocks)

    # -- what the contract says ------------------------------------------------------------------------------------

    def call(
        self, calls: Sequence[tuple[str, bool, bytes]], overrides: dict[str, Any] | None = None
    ) -> list[tuple[bool, bytes]]:
        """All calls in one at the block that was read, in their order: what the first write the later see."""
        data = abi.encode("aggregate3((address,bool,bytes)[])", calls)
        request = {"to": self.lab.multicall3, "data": "0x" + data.hex(), "gas": GAS}
        answer = self.node.rpc("eth_call", request, {"blockHash": self.block.hash}, overrides or {})
        return list(abi.decode("e()->(bool,bytes)[]", bytes.fromhex(answer[2:])))

    def said(self, users: Sequence[str]) -> dict[str, Said]:
        comet, tokens = self.market.address, [self.market.token(symbol).address for symbol in self.market.specs]
        held = "collateralBalanceOf(address,address)"
        calls = [(comet, False, abi.encode(view, user)) for user in users for view in _VIEWS]
        calls += [(comet, False, abi.encode(held, user, token)) for user in users for token in tokens]
        for user in users:
            calls.append((comet, True, abi.encode("absorb(address,address[])", ABSORBER, [user])))
            calls.append((comet, False, abi.encode("balanceOf(address)", user)))
        answers = iter(self.call(calls))
        views = {user: [abi.decode(view, next(answers)[1]) for view in _VIEWS] for user in users}
        amounts = {user: tuple(abi.decode("e()->uint128", next(answers)[1]) for _ in tokens) for user in users}
        out: dict[str, Said] = {}
        for user in users:
            (done, reason), (_, left) = next(answers), next(answers)
            assert done or reason == NOT_LIQUIDATABLE
            out[user] = Said(*views[user], amounts[user], abi.decode("e()->uint256", left) if done else None)
        return out

    def verify(self, found: Mapping[PositionKey, Position]) -> int:
        assert (self.reading.errors, self.reading.changed) == ((), False)
        for user, said in self.said([key.wallet for key in found]).items():
            check(next(each for key, each in found.items() if key.wallet == user), said)
        return len(found)

    def moved(self, boundary: Boundary, mover: Mover, answer: int) -> dict[str, Any]:
        """Sources moved to this answer; for one asset alone another source that only this asset is pointed to."""
        if boundary.kind is FactorKind.ASSET:
            elsewhere = {STUB: answering(answer, 8, self.block.timestamp)}
            return self.market.repointed(mover.parts[0].asset, STUB) | elsewhere
        if boundary.kind is FactorKind.RATIO:
            if mover.assets == ("sDAI",):
                return {self.market.vault: {"code": "0x" + constant_code(answer, rounds=False).hex()}}
            return {self.lab.assets.pairs[STAKED].address: answering(answer, 18, self.block.timestamp)}
        return {
            part.quote.feed: answering(mover.knob(part, answer), 8, self.block.timestamp)
            for part in mover.parts
            if part.quote is not None
        }

    def unsafe(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> bool:
        """By an attempt to absorb."""
        call = self.market.address, True, abi.encode("absorb(address,address[])", ABSORBER, [found.key.wallet])
        ((done, reason),) = self.call([call], self.moved(boundary, mover, answer))
        assert done or reason == NOT_LIQUIDATABLE, reason
        return done

    # -- what is done to it ----------------------------------------------------------------------------------------

    def crash(self) -> None:
        parts = {"ETH / USD": 78, "BTC / USD": 74, "LINK / USD": 85, "CRV / USD": 60, "EUR / USD": 91}
        parts |= {"wstETH / ETH": 88, "BTC / ETH": 78, "LINK / ETH": 85, "CRV / ETH": 60, "USDC / ETH": 90}
        parts |= {"EURS / ETH": 80}
        with self.node.batch():
            for pair, feed in self.market.feeds.items():
                feed.set(feed.answer * parts.get(pair, 100) // 100)

    def liquidate(self, found: Position, scope: Scope, *, more: bool = False) -> None:
        with self.node.batch(dt=self.seconds, check=False):
            self.market.absorb(found.key.wallet)

    def chooses(self, scope: Scope) -> bool:
        """Nothing can be chosen: `absorb` is told no amount."""
        return False

    def settled(self, done: Settlement) -> None:
        """All collateral is gone, the debt is closed, and what is left is lent out; an entry in the log for each."""
        scope, before, base = done.scope, done.before, done.scope.debt
        assert {event.kind for event in done.events} == {EventKind.LIQUIDATED}
        seized = {event.collateral.asset: event.collateral.amount for event in done.events if event.collateral}
        assert seized == {leg.asset: leg.amount for leg in before.legs if leg.counts and leg.side is Side.COLLATERAL}
        assert seized[scope.collateral] == scope.seized
        (paid,) = [event.debt.amount for event in done.events if event.debt]
        left = taken_of(before).left
        assert done.had[Side.DEBT, base] == scope.max_debt
        assert abs(paid - scope.max_debt - left) <= ROUNDING, done
        assert done.has == ({(Side.COLLATERAL, base): left} if left else {}), done

    def act(self) -> list[tuple[EventKind, str, int]]:
        market, user, base = self.market, wallet_of("owner of events"), self.market.base
        self.wallets = [user.lower()]
        with self.node.batch():
            market.supply(user, "WBTC", 3 * 10**8)
            market.withdraw(user, base.symbol, 2 * base.unit)
            market.supply(user, base.symbol, base.unit + 7)
            market.withdraw(user, "WBTC", 10**8 + 1)
        return [
            (EventKind.SUPPLIED, "WBTC", 3 * 10**8),
            (EventKind.WITHDREW, base.symbol, 2 * base.unit),
            (EventKind.SUPPLIED, base.symbol, base.unit + 7),
            (EventKind.WITHDREW, "WBTC", 10**8 + 1),
        ]

    def break_source(self) -> Callable[[Position], bool]:
        """That of the first asset, so that nothing before it can cover a debt."""
        self.node.rpc("anvil_setCode", self.market.sources[self.market.specs["LINK"].feed], "0x60006000fd")
        hit = {spec.symbol for spec in self.market.specs.values() if spec.feed == self.market.specs["LINK"].feed}
        return lambda found: found.has_debt and not hit.isdisjoint(leg.asset.symbol for leg in found.legs)

    def list_hostile(self, user: str) -> dict[str, int]:
        market = self.market = copy(self.market)  # a contract of its own, for this test only
        tokens = self.lab.assets.new_hostile_tokens(most=19)
        source = next(iter(market.specs.values())).feed
        specs = [
            Spec(key, token.decimals, source, 5000, 5500, 9000, cap=10**12 + place)
            for place, (key, token) in enumerate(tokens.items())
        ]
        with self.node.batch():
            market.address = market.create(specs)
        with self.node.batch():
            market.supply(wallet_of("lender to the hostile"), market.base.symbol, 10**6 * market.base.unit)
            for key, token in tokens.items():
                market.supply(user, key, 10_000 * token.unit)
            market.withdraw(user, market.base.symbol, 10 * market.base.unit)
        self.ref = replace(self.ref, entry=market.address.lower())
        return {token.address.lower(): 10_000 * token.unit for token in tokens.values()}


def compound_v3(comets: CometLab, base: str) -> CometCase:
    market: CometMarket = comets.markets[base]
    ref = MarketRef("compound-v3", 31337, base.lower(), market.address.lower(), custom=True)
    wallets = {shape.wallet.lower(): shape for shape in SHAPES[base]}
    empty = frozenset(user for user, shape in wallets.items() if shape.gone)
    return CometCase(comets.lab, CompoundV3(), ref, list(wallets), empty, liquidations=10, choices=0, market=market)
