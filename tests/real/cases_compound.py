"""The conformance case of Compound v2 and Venus: how its contracts are asked, moved, and made to liquidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eth_abi
from eth_utils.crypto import keccak

from liqtui.core.events import EventKind
from liqtui.core.model import Asset, Side
from liqtui.core.results import FactorKind
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_ONE, WAD
from liqtui.protocols.compound_v2 import CompoundV2
from tests.lab import abi
from tests.lab.compound_v2 import Spec, call_all
from tests.lab.compound_v2 import Walk as CompoundWalk
from tests.lab.feeds import Breakage
from tests.lab.market import wallet as wallet_of
from tests.real.conformance import Case, holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from liqtui.core.factors import Mover
    from liqtui.core.model import Position, PositionKey
    from liqtui.core.results import Boundary, Scope
    from tests.lab.compound_v2 import CompoundMarket

ACCRUE = abi.encode("accrueInterest()")
THREE = "e()->uint256,uint256,uint256"


@dataclass
class CompoundCase(Case):
    market: Any = None

    def walk(self, blocks: int) -> Iterator[int]:
        return CompoundWalk(self.market, seed=4).take(blocks)

    def verify(self, found: Mapping[PositionKey, Position]) -> int:
        assert (self.reading.errors, self.reading.changed) == ((), False)
        market, users = self.market, [key.wallet for key in found]
        calls = [(token, ACCRUE) for token in market.tokens.values()]
        calls += [(market.comptroller, abi.encode("getAccountLiquidity(address)", user)) for user in users]
        snapshot = "getAccountSnapshot(address)"
        calls += [(token, abi.encode(snapshot, user)) for user in users for token in market.tokens.values()]
        answers = iter(call_all(market, calls, self.block.hash)[len(market.tokens) :])
        said = {user: abi.decode(THREE, next(answers)) for user in users}
        info = {each.asset.address: token for token, each in self.opened.tokens.items()}
        for key, position in found.items():
            books = {at.lower(): abi.decode(THREE + ",uint256", next(answers))[1:] for at in market.tokens.values()}
            error, liquidity, shortfall = said[key.wallet]
            assert not error
            assert position.book is not None
            assert position.book.sums().liquidity == (liquidity, shortfall), (self.block, position)  # type: ignore[attr-defined]
            for leg in position.legs:
                tokens, owed, rate = books[info[leg.asset.address]]
                assert leg.amount == (tokens * rate // WAD if leg.side is Side.COLLATERAL else owed)
            assert {at for at, (_, owed, _) in books.items() if owed} == {
                info[leg.asset.address] for leg in position.legs if leg.side is Side.DEBT
            }
            assert position.health.verified
            assert not position.flags
            assert position.health.raw is not None
            assert position.book.liquidatable() is (position.health.raw < HEALTH_ONE) is (shortfall > 0)
            assert all(quote.proven for quote in position.quotes)
        return len(found)

    def _override(self, boundary: Boundary, mover: Mover, answer: int) -> dict[str, Any]:
        """Feeds moved to this answer; for one asset alone a price that the oracle is told."""
        market = self.market
        if boundary.kind is FactorKind.ASSET:
            asset = mover.parts[0].asset
            token = next(token for token, info in self.opened.tokens.items() if info.asset.address == asset)
            decimals = self.opened.tokens[token].asset.decimals
            at, place, price = market.told_price(token, asset, answer, decimals)
            slot = keccak(eth_abi.encode(["address", "uint256"], place))
            return {at: {"stateDiff": {"0x" + slot.hex(): "0x" + price.to_bytes(32, "big").hex()}}}
        out: dict[str, Any] = {}
        for part in mover.parts:
            assert part.quote is not None
            feed = next(feed for feed in market.feeds.values() if feed.address.lower() == part.quote.feed)
            out |= {feed.address: answering(mover.knob(part, answer), feed.decimals, self.block.timestamp)}
        return out

    def unsafe(self, found: Position, boundary: Boundary, mover: Mover, answer: int) -> bool:
        """Whether the contracts, all accrued, find a shortfall."""
        market = self.market
        calls = [(token, False, ACCRUE) for token in market.tokens.values()]
        calls.append((market.comptroller, False, abi.encode("getAccountLiquidity(address)", found.key.wallet)))
        data = abi.encode("aggregate3((address,bool,bytes)[])", calls)
        request = {"to": market.lab.multicall3, "data": "0x" + data.hex(), "gas": hex(500_000_000)}
        overrides = self._override(boundary, mover, answer)
        said = market.node.rpc("eth_call", request, {"blockHash": self.block.hash}, overrides)
        results = abi.decode("e()->(bool,bytes)[]", bytes.fromhex(said[2:]))
        error, _, shortfall = abi.decode(THREE, results[-1][1])
        assert not error
        return shortfall > 0

    def crash(self) -> None:
        parts = {"ETH": 74, "WBTC": 70, "LINK": 60, "CRV": 30, "EURS": 88}
        with self.node.batch():
            for symbol, part in parts.items():
                self.market.set_price(symbol, self.market.feeds[symbol].answer * part // 100)

    def liquidate(self, found: Position, scope: Scope, *, more: bool = False) -> None:
        names = {self.opened.tokens[at.lower()].asset.address: symbol for symbol, at in self.market.tokens.items()}
        with self.node.batch(dt=self.seconds, check=False):
            for token in self.market.tokens.values():
                self.market.do(token, "accrueInterest()")
            pair = names[scope.collateral.address], names[scope.debt.address]
            self.market.liquidate(found.key.wallet, *pair, scope.max_debt + more)

    def balances(self, key: PositionKey, found: Position | None) -> dict[tuple[Side, Asset], int]:
        """Also the cTokens, which the events count in."""
        account = self.reading.accounts.get(key.wallet)
        holdings = () if account is None else account.holdings
        tokens = {each.token: self.opened.tokens[each.token].asset.symbol for each in holdings}
        shares = {
            (Side.COLLATERAL, Asset(each.token, f"{tokens[each.token]} shares", 8)): each.tokens for each in holdings
        }
        return super().balances(key, found) | shares

    def act(self) -> list[tuple[EventKind, str, int]]:
        """Only redeeming is looked for."""
        market, user = self.market, wallet_of("owner of events")
        self.wallets = [user.lower()]
        market.supply(user, "DAI", 100 * WAD)
        rate = market.node.view(market.tokens["DAI"], "exchangeRateStored()->uint256")
        shares = 30 * 10**8
        market.do(market.tokens["DAI"], "redeem(uint256)", shares, sender=user)
        assert rate > 0
        return [(EventKind.WITHDREW, "DAI shares", shares)]

    def list_hostile(self, user: str) -> dict[str, int]:
        market = self.market
        tokens = self.lab.assets.new_hostile_tokens(most=market.most_decimals)
        with self.node.batch():
            for key, token in tokens.items():
                market.underlying[key], market.units[key] = token.address, token.unit
                market.feeds[key] = market.feeds["CRV"]
                market.list_odd(Spec(key, token.decimals, "CRV / USD", 5500, 0, 0))
        with self.node.batch():
            for key, token in tokens.items():
                market.weigh(Spec(key, token.decimals, "CRV / USD", 5500, 0, 0))
        with self.node.batch():
            for key, token in tokens.items():
                market.supply(user, key, 10_000 * token.unit)
            market.enter(user, *tokens)
            market.borrow(user, "USDC", 100 * 10**6)
        assert not market.failures()
        return {token.address.lower(): 10_000 * token.unit for token in tokens.values()}

    def break_source(self) -> Callable[[Position], bool]:
        broken = self.lab.assets.own.deploy("BrokenFeed", int(Breakage.REVERTS))
        self.market.point("LINK", broken)
        return holds("LINK")


def answering(answer: int, decimals: int, now: int) -> dict[str, str]:
    """Runtime code of a feed: its decimals for `decimals()`; for anything else a round of this answer.

    `latestAnswer` reads the first word, `latestRoundData` the second, third and fourth, so that all are the answer or
    the time.
    """
    word = answer.to_bytes(32, "big")

    def store(value: bytes, at: int) -> bytes:
        return b"\x7f" + value + b"\x60" + bytes([at]) + b"\x52"

    round_ = store(word, 0) + store(word, 32) + store(now.to_bytes(32, "big"), 64) + store(now.to_bytes(32, "big"), 96)
    round_ += store((1).to_bytes(32, "big"), 128) + bytes.fromhex("60a06000f3")
    place = 16 + len(round_)
    dispatch = bytes.fromhex("60003560e01c63313ce56714") + b"\x61" + place.to_bytes(2, "big") + b"\x57"
    tail = b"\x5b\x60" + bytes([decimals]) + bytes.fromhex("60005260206000f3")
    return {"code": "0x" + (dispatch + round_ + tail).hex()}


def compound_v2(market: CompoundMarket) -> CompoundCase:
    ref = MarketRef("compound-v2", 31337, market.name, market.comptroller.lower(), custom=True)
    wallets = [position.wallet.lower() for position in market.lab.positions[market.name]]
    return CompoundCase(market.lab, CompoundV2(), ref, wallets, market=market)
