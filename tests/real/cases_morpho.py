"""The conformance case of Morpho Blue: how its contracts are asked, moved, and made to liquidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import eth_abi

from liqtui.core.events import EventKind
from liqtui.core.model import Change, Side
from liqtui.core.results import FactorKind
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_ONE, WAD
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.lab import abi
from tests.lab.market import wallet as wallet_of
from tests.lab.morpho import PARAMS, START_RATE, MorphoMarket
from tests.lab.morpho import Spec as MorphoSpec
from tests.lab.morpho_positions import LIQUIDATOR as MORPHO_LIQUIDATOR
from tests.lab.morpho_positions import SHAPES, MorphoWalk
from tests.real.conformance import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from liqtui.core.factors import Mover
    from liqtui.core.model import Position, PositionKey
    from liqtui.core.results import Boundary, Scope
    from tests.lab.morpho import MorphoLab


@dataclass
class MorphoCase(Case):
    morpho: Any = None

    def walk(self, blocks: int) -> Iterator[int]:
        walk = MorphoWalk(self.morpho, seed=11)
        return (walk.step() for _ in range(blocks))

    def market_of(self, key: PositionKey) -> MorphoMarket:
        return next(market for market in self.morpho.markets.values() if market.id == key.market_id)

    def verify(self, found: Mapping[PositionKey, Position]) -> int:
        """Interest accrued by the contract itself, then its totals and positions, all in one call at the block."""
        assert (self.reading.errors, self.reading.changed) == ((), False)
        expected = self._truths()
        assert {(key.wallet, key.market_id) for key in found} == {
            each for each, truth in expected.items() if any(truth)
        }
        for key, position in found.items():
            truth = expected[key.wallet, key.market_id]
            owed, held = (
                sum(leg.amount for leg in position.legs if leg.side is side) for side in (Side.DEBT, Side.COLLATERAL)
            )
            assert (owed, held) == truth
            below = position.health.raw is not None and position.health.raw < HEALTH_ONE
            assert position.health.verdict is (below if owed else False)
            assert not any(flag.code == "unverified" for flag in position.flags)
        return len(found)

    def _truths(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Wallet and market → owed, collateral."""
        morpho = self.morpho
        calls: list[tuple[str, bytes]] = []
        for market in morpho.markets.values():
            calls.append((morpho.address, abi.encode(f"accrueInterest({PARAMS})", market.params)))
            calls.append((morpho.address, abi.encode("market(bytes32)", market.key)))
        held = [(shape.wallet, morpho.markets[shape.market]) for shape in SHAPES]
        calls += [(morpho.address, abi.encode("position(bytes32,address)", market.key, user)) for user, market in held]
        data = abi.encode("aggregate3((address,bool,bytes)[])", [(to, False, data) for to, data in calls])
        request = {"to": morpho.lab.multicall3, "data": "0x" + data.hex()}
        answer = bytes.fromhex(self.node.rpc("eth_call", request, {"blockHash": self.block.hash})[2:])
        results = [data for _, data in eth_abi.decode(["(bool,bytes)[]"], answer)[0]]
        totals = {
            market.id: eth_abi.decode(["uint128"] * 6, results[2 * at + 1])
            for at, market in enumerate(morpho.markets.values())
        }
        out: dict[tuple[str, str], tuple[int, int]] = {}
        for (user, market), data in zip(held, results[2 * len(morpho.markets) :], strict=True):
            _, shares, collateral = eth_abi.decode(["uint256", "uint128", "uint128"], data)
            _, _, assets, all_shares, _, _ = totals[market.id]
            quotient, rest = divmod(shares * (assets + 1), all_shares + 10**6)
            out[user.lower(), market.id] = (quotient + (rest > 0), collateral)
        return out

    def unsafe(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> bool:
        """By an attempt to liquidate one share."""
        market = self.market_of(found.key)
        code = moved_code(market, found, mover, answer)
        return (
            market.try_liquidation(MORPHO_LIQUIDATOR, found.key.wallet, self.block.hash, shares=1, code=code)
            is not None
        )

    def crash(self) -> None:
        """Prices at which nearly everyone can be liquidated, some with a debt above all of their collateral."""
        with self.node.batch():
            for pair, parts in {"ETH / USD": 55, "BTC / USD": 88, "LINK / USD": 60, "CRV / USD": 40}.items():
                feed = self.morpho.feeds[pair]
                feed.set(feed.answer * parts // 100)
            self.morpho.set_opaque(9 * 10**23)
            self.morpho.set_rate(START_RATE * 95 // 100)

    def liquidate(self, found: Position, scope: Scope, *, more: bool = False) -> None:
        market = self.market_of(found.key)
        whole = "all of the debt" in scope.reason
        kind = {"shares": market.position(found.key.wallet)[1]} if whole else {"seized": scope.seized}
        kind = {name: amount + more for name, amount in kind.items()}
        with self.node.batch(dt=self.seconds, check=False):
            market.liquidate(MORPHO_LIQUIDATOR, found.key.wallet, **kind)

    def act(self) -> list[tuple[EventKind, str, int]]:
        market, user = self.morpho.markets["eth-usdc"], wallet_of("owner of events")
        self.wallets = [user.lower()]
        with self.node.batch():
            market.supply_collateral(user, 3 * WAD)
            market.borrow(user, 1000 * 10**6)
            market.repay(user, amount=400 * 10**6 + 7)
            market.withdraw_collateral(user, WAD + 1)
        return [
            (EventKind.SUPPLIED, "WETH", 3 * WAD),
            (EventKind.BORROWED, "USDC", 1000 * 10**6),
            (EventKind.REPAID, "USDC", 400 * 10**6 + 7),
            (EventKind.WITHDREW, "WETH", WAD + 1),
        ]

    def list_hostile(self, user: str) -> dict[str, int]:
        tokens = self.lab.assets.new_hostile_tokens()
        added: list[MorphoMarket] = []
        with self.node.batch():
            for key in tokens:
                spec = MorphoSpec(key, key, "USDC", 625, ("CRV / USD",), ("USDC / USD",), seed=1_000)
                added.append(MorphoMarket(self.morpho, spec))
        with self.node.batch():
            for market in added:
                market.create()
        with self.node.batch():
            for market in added:
                market.supply_collateral(user, 10_000 * market.collateral.unit)
                market.borrow(user, 100 * 10**6)
        self.ref = replace(self.ref, options=(("market_ids", ",".join(market.id for market in added)),))
        return {token.address.lower(): 10_000 * token.unit for token in tokens.values()}

    def break_source(self) -> Callable[[Position], bool]:
        market = self.morpho.markets["link-eurs"]
        self.node.rpc("anvil_setCode", market.oracle, "0x60006000fd")
        return lambda found: found.key.market_id == market.id and found.has_debt


def constant_code(value: int, *, rounds: bool) -> bytes:
    """Runtime code that answers one word to everything, or a round with this answer."""
    place, size = (0x20, 0xA0) if rounds else (0x00, 0x20)
    store = b"\x7f" + value.to_bytes(32, "big") + bytes([0x60, place, 0x52])
    return store + bytes([0x60, size, 0x60, 0x00, 0xF3])


def moved_code(market: MorphoMarket, found: Position, mover: Mover, value: int) -> Mapping[str, bytes]:
    """Contracts as they would be with the knob at `value`: the feeds where feeds move, else what stands behind."""
    feeds = {part.quote.feed: mover.knob(part, value) for part in mover.parts if part.quote and part.quote.feed}
    by_feed = mover.kind in {FactorKind.FACTOR, FactorKind.TOGETHER} and not mover.factor.startswith("own:")
    if by_feed and market.oracle.lower() not in feeds:
        return {feed: constant_code(answer, rounds=True) for feed, answer in feeds.items()}
    if mover.kind is FactorKind.RATIO and market.spec.rate and len(market.spec.base) < 2:
        return {market.morpho.vault: constant_code(value, rounds=False)}
    assert found.book is not None
    price = found.book.price(Change(prices=mover.prices(value)))  # type: ignore[attr-defined]
    return {market.oracle: constant_code(price, rounds=False)}


def morpho_blue(morpho: MorphoLab) -> MorphoCase:
    ids = ",".join(market.id for market in morpho.markets.values())
    ref = MarketRef("morpho-blue", 31337, "lab", morpho.address.lower(), (("market_ids", ids),), custom=True)
    wallets = list(dict.fromkeys(shape.wallet.lower() for shape in SHAPES))
    return MorphoCase(morpho.lab, MorphoBlue(), ref, wallets, seconds=600, reasons=2, morpho=morpho)
