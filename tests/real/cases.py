"""The conformance case of each protocol: how its contracts are asked, moved, and made to liquidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import eth_abi
from eth_utils.crypto import keccak

from liqtui.core.events import EventKind
from liqtui.core.model import Asset, Change, FactorKind, Side, is_liquidatable
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_ONE, MAX_UINT256, WAD, decimal_string
from liqtui.protocols.aave_v2 import AaveV2
from liqtui.protocols.aave_v3 import AaveV3
from liqtui.protocols.compound_v2 import CompoundV2
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.lab import abi
from tests.lab.aave_v2 import Walk as AaveV2Walk
from tests.lab.compound_v2 import Walk as CompoundWalk
from tests.lab.compound_v2 import call_all
from tests.lab.feeds import Breakage
from tests.lab.market import wallet as wallet_of
from tests.lab.morpho import PARAMS, START_RATE
from tests.lab.morpho_positions import LIQUIDATOR as MORPHO_LIQUIDATOR
from tests.lab.morpho_positions import SHAPES, MorphoWalk
from tests.lab.venus import VenusMarket
from tests.lab.walk import LIQUIDATOR, Walk
from tests.real.conformance import Case
from tests.real.overrides import STUB, WhatIf, asset_at, constant, feed_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from liqtui.core.events import MarketEvent
    from liqtui.core.factors import Mover
    from liqtui.core.model import Boundary, Position, PositionKey, Scope
    from liqtui.protocols.aave_v3_state import Reported
    from tests.lab.aave_v2 import AaveV2Market
    from tests.lab.compound_v2 import CompoundMarket
    from tests.lab.lab import Lab
    from tests.lab.market import AaveMarket
    from tests.lab.morpho import MorphoLab, MorphoMarket

LIQUIDATE = "liquidationCall(address,address,address,uint256,bool)"
TRANSFER = abi.event_topic("Transfer(address,address,uint256)")
ACCRUE = abi.encode("accrueInterest()")
THREE = "e()->uint256,uint256,uint256"
_OF_SOURCES_V2 = 1
"""AaveOracle.assetsSources; slot 0 holds its owner."""


def same_as_reported(found: Position, said: Reported) -> bool:
    """All six figures of the pool's own account view."""
    room = dict(found.facts)["available to borrow"].split()[0]
    figures = (found.collateral_value, found.debt_value, room, found.threshold, found.max_ltv, found.health.raw)
    return figures == (said[0], said[1], decimal_string(said[2], found.base_decimals), *said[3:])


def holds(symbol: str) -> Callable[[Position], bool]:
    return lambda found: symbol in {leg.asset.symbol for leg in found.legs}


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
            price = answer * 10 ** (18 - self.opened.tokens[token].asset.decimals)
            slot, at = keccak(eth_abi.encode(["address", "uint256"], [token, 0])), market.oracle
            if isinstance(market, VenusMarket):
                at, price = market.source.chainlink, answer
                slot = keccak(eth_abi.encode(["address", "uint256"], [asset, market.source.price_slot]))
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
            (Side.COLLATERAL, Asset(each.token, f"{tokens[each.token]} shares", 8)): each.stored.tokens
            for each in holdings
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

    def break_source(self) -> Callable[[Position], bool]:
        broken = self.lab.assets.own.deploy("BrokenFeed", int(Breakage.REVERTS))
        market = self.market
        if isinstance(market, VenusMarket):
            market.source.list(market.underlying["LINK"], broken)
        else:
            market.do(market.oracle, "setFeed(string,address)", "LINK", broken)
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
            assert position.health.verdict is (below if owed else None)
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


# -- one of each -------------------------------------------------------------------------------------------------------


def aave_v3(lab: Lab, generation: str) -> AaveV3Case:
    market: AaveMarket = lab.markets[generation]
    ref = MarketRef("aave-v3", 31337, generation, market.provider.lower(), custom=True)
    wallets = [position.wallet.lower() for position in lab.positions[generation]]
    empty = frozenset(p.wallet.lower() for p in lab.positions[generation] if p.name == "emptied")
    reasons = 3 if generation == "aave30" else 5
    return AaveV3Case(lab, AaveV3(), ref, wallets, empty, 1, reasons, 20, choices=0, market=market)


def aave_v2(lab: Lab, market: AaveV2Market) -> AaveV2Case:
    ref = MarketRef("aave-v2", 31337, market.name, market.provider.lower(), custom=True)
    wallets = [position.wallet.lower() for position in lab.positions[market.name]]
    return AaveV2Case(lab, AaveV2(), ref, wallets, seconds=60, choices=0, market=market)


def compound_v2(market: CompoundMarket) -> CompoundCase:
    ref = MarketRef("compound-v2", 31337, market.name, market.comptroller.lower(), custom=True)
    wallets = [position.wallet.lower() for position in market.lab.positions[market.name]]
    return CompoundCase(market.lab, CompoundV2(), ref, wallets, market=market)


def morpho_blue(morpho: MorphoLab) -> MorphoCase:
    ids = ",".join(market.id for market in morpho.markets.values())
    ref = MarketRef("morpho-blue", 31337, "lab", morpho.address.lower(), (("market_ids", ids),), custom=True)
    wallets = list(dict.fromkeys(shape.wallet.lower() for shape in SHAPES))
    return MorphoCase(morpho.lab, MorphoBlue(), ref, wallets, seconds=600, reasons=2, morpho=morpho)
