"""The conformance cases of Aave: how its contracts are asked, moved, and made to liquidate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import eth_abi
from eth_utils.crypto import keccak

from liqtui.core.events import EventKind
from liqtui.core.model import Side, is_liquidatable
from liqtui.core.results import FactorKind
from liqtui.core.sources import MarketRef
from liqtui.core.units import MAX_UINT256, WAD, decimal_string
from liqtui.protocols.aave_v2 import AaveV2
from liqtui.protocols.aave_v3 import AaveV3
from tests.lab import abi
from tests.lab.aave_v2 import SPECS as AAVE_V2_SPECS
from tests.lab.aave_v2 import Walk as AaveV2Walk
from tests.lab.aave_v2 import list_reserve as list_in_v2
from tests.lab.assets import ASSETS
from tests.lab.feeds import Breakage
from tests.lab.market import wallet as wallet_of
from tests.lab.walk import LIQUIDATOR, Walk
from tests.real.conformance import Case, holds
from tests.real.overrides import STUB, WhatIf, asset_at, constant, feed_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from liqtui.core.events import MarketEvent
    from liqtui.core.factors import Mover
    from liqtui.core.model import Position, PositionKey
    from liqtui.core.results import Boundary, Scope
    from liqtui.protocols.aave_v3_state import Reported
    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket

LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"
TRANSFER = abi.event_topic("Transfer(address,address,uint256)")
_OF_SOURCES_V2 = 1
"""AaveOracle.assetsSources; slot 0 holds its owner."""


def same_as_reported(found: Position, said: Reported) -> bool:
    """All six figures of the pool's own account view."""
    room = dict(found.facts)["can still borrow"].split()[0]
    figures = (found.collateral_value, found.debt_value, room, found.threshold, found.max_ltv, found.health.raw)
    return figures == (said[0], said[1], decimal_string(said[2], found.base_decimals), *said[3:])


@dataclass
class Aave(Case):
    market: Any = None

    def verify(self, found: Mapping[PositionKey, Position]) -> int:
        assert (self.reading.errors, self.reading.changed) == ((), False)
        for position in found.values():
            account = self.reading.accounts[position.key.wallet]
            assert same_as_reported(position, account.reported), (self.block, position, account)
            assert position.health.verified
            base = self.opened.base_asset
            assert all(quote.proven for quote in position.quotes if quote.asset != base)
        return len(found)

    def overrides(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> dict[str, Any]:
        """The contracts with this one thing moved; no source of a capped asset answers above its cap."""
        raise NotImplementedError

    def unsafe(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> bool:
        ask = WhatIf(self)  # type: ignore[arg-type]
        return is_liquidatable(ask.health(found.key.wallet, self.overrides(found, boundary, mover, answer)))

    def liquidate(self, found: Position, scope: Scope, *, more: bool = False) -> None:
        dusty = scope.reason == "what leaves no dust"
        amount = scope.max_debt + more if dusty else MAX_UINT256
        with self.node.batch(dt=self.seconds, check=False):
            pair = scope.collateral.address, scope.debt.address
            self.node.do(self.market.pool, LIQUIDATE, *pair, found.key.wallet, amount, False, sender=LIQUIDATOR)

    def chooses(self, scope: Scope) -> bool:
        """The pool takes less than it is offered."""
        return False

    def withheld(self, event: MarketEvent) -> int:
        """The protocol's part of the bonus goes to the treasury, as aTokens."""
        assert event.collateral is not None
        asset = event.collateral.asset.address
        token = next(each.a_token for each in self.opened.reserves.values() if each.asset.address == asset)
        who = "0x" + event.key.wallet[2:].rjust(64, "0")
        logs = self.node.rpc("eth_getLogs", {"address": token, "topics": [TRANSFER, who], "fromBlock": "latest"})
        return sum(int(log["data"], 16) for log in logs if int(log["topics"][2], 16))

    def act(self) -> list[tuple[EventKind, str, int]]:
        market, user = self.market, wallet_of("owner of events")
        self.wallets = [user.lower()]
        unit = market.tokens["USDC"].unit
        with self.node.batch():
            market.supply(user, "WETH", 3 * WAD)
            market.borrow(user, "USDC", 1000 * unit)
            market.repay(user, "USDC", 400 * unit + 7)
            market.withdraw(user, "WETH", WAD + 1)
        return [
            (EventKind.SUPPLIED, "WETH", 3 * WAD),
            (EventKind.BORROWED, "USDC", 1000 * unit),
            (EventKind.REPAID, "USDC", 400 * unit + 7),
            (EventKind.WITHDREW, "WETH", WAD + 1),
        ]

    def break_source(self) -> Callable[[Position], bool]:
        source = self.lab.assets.own.deploy("BrokenFeed", int(Breakage.REVERTS))
        asset = self.market.tokens["LINK"].address
        self.node.do(self.market.oracle, "setAssetSources(address[],address[])", [asset], [source])
        return lambda found: (
            holds("LINK")(found)
            and any(leg.asset.symbol == "LINK" and (leg.counts or leg.side is Side.DEBT) for leg in found.legs)
        )


@dataclass
class AaveV3Case(Aave):
    def list_hostile(self, user: str) -> dict[str, int]:
        market, least = self.market, 6 if self.ref.name == "aave36" else 0
        tokens, spec = self.lab.assets.new_hostile_tokens(least), next(each for each in ASSETS if each.symbol == "CRV")
        for key, token in tokens.items():
            market.list_asset(replace(spec, symbol=key, decimals=token.decimals, isolated_ceiling=0))
        with self.node.batch():
            for key, token in tokens.items():
                market.supply(user, key, 10_000 * token.unit)
            market.borrow(user, "USDC", 100 * 10**6)
        return {token.address.lower(): 10_000 * token.unit for token in tokens.values()}

    def walk(self, blocks: int) -> Iterator[int]:
        return Walk(self.lab, seed=7, markets=[self.ref.name]).take(blocks)

    def overrides(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> dict[str, Any]:
        assert found.book is not None
        _, _, at = boundary.factor.rpartition(":")
        if boundary.kind is FactorKind.ASSET:
            cap = found.book.quotes[at].cap
            return asset_at(self.opened.oracle, at, answer if cap is None else min(answer, cap))
        if boundary.kind is FactorKind.RATIO:
            return feed_at(self.lab.assets.ratio.provider, answer)
        return moved_feeds(mover, answer)

    def crash(self) -> None:
        with self.node.batch():
            for pair, price in {"ETH / USD": 1_400, "BTC / USD": 33_000}.items():
                self.lab.assets.pairs[pair].set(price * 10**8)
            for symbol, token in self.market.tokens.items():
                self.market.provision(LIQUIDATOR, symbol, 10**9 * token.unit)


def moved_feeds(mover: Mover, answer: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for part in mover.parts:
        assert part.quote is not None
        out |= feed_at(part.quote.feed, mover.knob(part, answer))
    return out


@dataclass
class AaveV2Case(Aave):
    def list_hostile(self, user: str) -> dict[str, int]:
        market, tokens = self.market, self.lab.assets.new_hostile_tokens()
        spec = next(each for each in AAVE_V2_SPECS if each.symbol == "CRV")
        with self.node.batch():
            sources = [market.feeds["CRV"].address] * len(tokens)
            signature = "setAssetSources(address[],address[])"
            self.node.do(market.oracle, signature, [token.address for token in tokens.values()], sources)
            for key, token in tokens.items():
                market.tokens[key] = token
                list_in_v2(market, market.make, spec._replace(symbol=key, decimals=token.decimals), token)
        with self.node.batch():
            for key, token in tokens.items():
                market.supply(user, key, 10_000 * token.unit)
            market.borrow(user, "USDC", 100 * 10**6)
        return {token.address.lower(): 10_000 * token.unit for token in tokens.values()}

    def walk(self, blocks: int) -> Iterator[int]:
        return AaveV2Walk(self.market, seed=3).take(blocks)

    def overrides(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> dict[str, Any]:
        if boundary.kind is FactorKind.ASSET:
            slot = keccak(eth_abi.encode(["address", "uint256"], [mover.parts[0].asset, _OF_SOURCES_V2]))
            word = "0x" + bytes.fromhex(STUB[2:]).rjust(32, b"\0").hex()
            return {self.opened.oracle: {"stateDiff": {"0x" + slot.hex(): word}}, STUB: constant(answer)}
        return moved_feeds(mover, answer)

    def crash(self) -> None:
        """Ether falls against all others, and some more."""
        with self.node.batch():
            for symbol, feed in self.market.feeds.items():
                feed.set(feed.answer * {"stETH": 93, "LINK": 60, "CRV": 50}.get(symbol, 190) // 100)


def aave_v3(lab: Lab, generation: str) -> AaveV3Case:
    market: AaveMarket = lab.markets[generation]
    ref = MarketRef("aave-v3", 31337, generation, market.provider.lower(), custom=True)
    wallets = [position.wallet.lower() for position in lab.positions[generation]]
    empty = frozenset(p.wallet.lower() for p in lab.positions[generation] if p.name == "emptied")
    reasons = 3 if generation == "aave30" else 5
    return AaveV3Case(lab, AaveV3(), ref, wallets, empty, 1, reasons, 20, choices=0, blocks=200, market=market)


def aave_v2(lab: Lab, market: AaveV2Market) -> AaveV2Case:
    ref = MarketRef("aave-v2", 31337, market.name, market.provider.lower(), custom=True)
    wallets = [position.wallet.lower() for position in lab.positions[market.name]]
    return AaveV2Case(lab, AaveV2(), ref, wallets, seconds=60, choices=0, market=market)
