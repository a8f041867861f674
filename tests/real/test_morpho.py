"""Morpho Blue's own contract: every figure at every block, every boundary where it flips, every liquidation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import eth_abi
import pytest

from liqtui.core.boundaries import boundaries
from liqtui.core.factors import movers
from liqtui.core.model import Change, Direction, FactorKind, Side
from liqtui.core.reads import Log
from liqtui.core.rescue import rescue
from liqtui.core.severity import liquidatable
from liqtui.core.sources import MarketRef
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, MAX_UINT256, WAD
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.lab import abi
from tests.lab.morpho import PARAMS, START_RATE
from tests.lab.morpho_positions import LIQUIDATOR, SHAPES, MorphoWalk
from tests.real.reader import LabReader, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liqtui.core.factors import Mover
    from liqtui.core.model import Position
    from liqtui.protocols.adapter import Reading
    from tests.lab.morpho import MorphoLab, MorphoMarket

DEBTORS = [shape for shape in SHAPES if shape.part]
USERS = list(dict.fromkeys(shape.wallet for shape in SHAPES))
CALM = next(shape for shape in SHAPES if shape.user == "m-calm")


class Watch:
    """The program's view of the laboratory: all its markets and wallets."""

    def __init__(self, morpho: MorphoLab, markets: Iterable[str] | None = None) -> None:
        self.morpho = morpho
        self.adapter = MorphoBlue()
        self.reader = LabReader(morpho.lab)
        ids = ",".join(morpho.markets[name].id for name in markets or morpho.markets)
        self.ref = MarketRef("morpho-blue", 31337, "lab", morpho.address.lower(), (("market_ids", ids),), custom=True)
        self.block = self.reader.head()
        self.opened = run(self.reader, self.block, self.adapter.open(self.ref, self.block))
        wallets = [user.lower() for user in USERS]
        self.hints = run(self.reader, self.block, self.adapter.discover(self.opened, wallets))

    def read(self) -> Reading:
        self.block = self.reader.head()
        return run(self.reader, self.block, self.adapter.refresh(self.opened, self.block, self.hints))

    def positions(self) -> dict[tuple[str, str], Position]:
        """By wallet and market id, at the head."""
        reading = self.read()
        found: dict[tuple[str, str], Position] = {}
        for wallet, account in reading.accounts.items():
            assert not isinstance(account, Exception), account
            for position in self.adapter.evaluate(self.opened, self.block, reading.market, account, wallet):
                found[wallet, position.key.market_id] = position
        return found

    def position(self, shape: Any) -> Position:
        return self.positions()[shape.wallet.lower(), self.morpho.markets[shape.market].id]


class Truth(NamedTuple):
    owed: int
    collateral: int


def truths(morpho: MorphoLab, block_hash: str) -> dict[tuple[str, str], Truth]:
    """Interest accrued by the contract itself, then its totals and positions, all in one call at the block."""
    calls: list[tuple[str, bytes]] = []
    for market in morpho.markets.values():
        calls.append((morpho.address, abi.encode(f"accrueInterest({PARAMS})", market.params)))
        calls.append((morpho.address, abi.encode("market(bytes32)", market.key)))
    held = [(shape.wallet, morpho.markets[shape.market]) for shape in SHAPES]
    calls += [(morpho.address, abi.encode("position(bytes32,address)", market.key, user)) for user, market in held]
    data = abi.encode("aggregate3((address,bool,bytes)[])", [(to, False, data) for to, data in calls])
    request = {"to": morpho.lab.multicall3, "data": "0x" + data.hex()}
    answer = bytes.fromhex(morpho.lab.node.rpc("eth_call", request, {"blockHash": block_hash})[2:])
    results = [data for _, data in eth_abi.decode(["(bool,bytes)[]"], answer)[0]]
    totals = {
        market.id: eth_abi.decode(["uint128"] * 6, results[2 * at + 1])
        for at, market in enumerate(morpho.markets.values())
    }
    out: dict[tuple[str, str], Truth] = {}
    for (user, market), data in zip(held, results[2 * len(morpho.markets) :], strict=True):
        _, shares, collateral = eth_abi.decode(["uint256", "uint128", "uint128"], data)
        _, _, assets, all_shares, _, _ = totals[market.id]
        quotient, rest = divmod(shares * (assets + 1), all_shares + 10**6)
        out[user.lower(), market.id] = Truth(quotient + (rest > 0), collateral)
    return out


def amount(position: Position, side: Side) -> int:
    return sum(leg.amount for leg in position.legs if leg.side is side)


def test_every_figure_is_the_contracts_at_every_block_of_a_walk(morpho_lab: MorphoLab) -> None:
    watch, walk = Watch(morpho_lab), MorphoWalk(morpho_lab, seed=11)
    compared = unsafe = 0
    for _ in range(110):
        walk.step()
        found = watch.positions()
        expected = truths(morpho_lab, watch.block.hash)
        for key, truth in expected.items():
            if not any(truth):
                assert key not in found
                continue
            position = found[key]
            assert (amount(position, Side.DEBT), amount(position, Side.COLLATERAL)) == truth
            assert position.book is not None
            below = position.health.raw is not None and position.health.raw < HEALTH_ONE
            assert replace(position.book, verdict=None).liquidatable() is below
            assert position.health.verdict is (below if truth.owed else None)
            assert not any(flag.code == "unverified" for flag in position.flags)
            compared += 1
            unsafe += below
    assert compared > 2000
    assert 50 < unsafe < compared - 50


def test_liquidatable_is_what_a_liquidator_finds(morpho_lab: MorphoLab) -> None:
    watch, walk = Watch(morpho_lab), MorphoWalk(morpho_lab, seed=5)
    answers: list[bool] = []
    for _ in range(8):
        for _ in range(5):
            walk.step()
        found = watch.positions()
        for (user, market_id), position in found.items():
            if not position.has_debt:
                continue
            market = by_id(morpho_lab, market_id)
            tried = market.try_liquidation(LIQUIDATOR, user, watch.block.hash, shares=1)
            assert liquidatable(position) is (tried is not None)
            answers.append(tried is not None)
    assert len(answers) > 150
    assert 10 < sum(answers) < len(answers) - 10


def by_id(morpho: MorphoLab, market_id: str) -> MorphoMarket:
    return next(market for market in morpho.markets.values() if market.id == market_id)


def constant(value: int, *, rounds: bool) -> bytes:
    """Runtime code that answers one word to everything, or a round with this answer."""
    place, size = (0x20, 0xA0) if rounds else (0x00, 0x20)
    store = b"\x7f" + value.to_bytes(32, "big") + bytes([0x60, place, 0x52])
    return store + bytes([0x60, size, 0x60, 0x00, 0xF3])


def moved(market: MorphoMarket, position: Position, mover: Mover, value: int) -> Mapping[str, bytes]:
    """Contracts as they would be with the knob at `value`: the feeds where feeds move, else what stands behind."""
    feeds = {part.quote.feed: mover.knob(part, value) for part in mover.parts if part.quote and part.quote.feed}
    by_feed = mover.kind in {FactorKind.FACTOR, FactorKind.TOGETHER} and not mover.factor.startswith("own:")
    if by_feed and market.oracle.lower() not in feeds:
        return {feed: constant(answer, rounds=True) for feed, answer in feeds.items()}
    if mover.kind is FactorKind.RATIO and market.spec.rate and len(market.spec.base) < 2:
        return {market.morpho.vault: constant(value, rounds=False)}
    assert position.book is not None
    price = position.book.price(Change(prices=mover.prices(value)))  # type: ignore[attr-defined]
    return {market.oracle: constant(price, rounds=False)}


def test_each_boundary_is_where_the_contract_flips(morpho_lab: MorphoLab) -> None:
    watch = Watch(morpho_lab)
    found = watch.positions()
    kinds: dict[FactorKind, int] = dict.fromkeys(FactorKind, 0)
    feeds = 0
    for (user, market_id), position in found.items():
        book, market = position.book, by_id(morpho_lab, market_id)
        assert book is not None
        knobs = {mover.factor: mover for mover in movers(book, position.feeds)}
        for boundary in boundaries(book, position.feeds):
            if boundary.direction is Direction.NONE:
                assert boundary.kind is not FactorKind.TOGETHER or "move together" in boundary.note
                kinds[boundary.kind] += boundary.kind is FactorKind.TOGETHER
                continue
            assert boundary.price is not None
            mover = knobs[boundary.factor]
            kinds[boundary.kind] += 1
            safer = 1 if boundary.direction is Direction.FALLS else -1
            for value, expected in ((boundary.price, True), (boundary.price + safer, False)):
                code = moved(market, position, mover, value)
                feeds += market.oracle not in code
                tried = market.try_liquidation(LIQUIDATOR, user, watch.block.hash, shares=1, code=code)
                assert (tried is not None) is expected, (market.spec.name, boundary, value)
    assert min(kinds[kind] for kind in FactorKind) >= 2
    assert feeds > 60


def crash(morpho: MorphoLab) -> None:
    """Prices at which nearly everyone can be liquidated, some with a debt above all of their collateral."""
    with morpho.lab.node.batch():
        for pair, parts in {"ETH / USD": 55, "BTC / USD": 88, "LINK / USD": 60, "CRV / USD": 40}.items():
            feed = morpho.feeds[pair]
            feed.set(feed.answer * parts // 100)
        morpho.set_opaque(9 * 10**23)
        morpho.set_rate(START_RATE * 95 // 100)


def test_a_liquidation_takes_what_the_scope_says(morpho_lab: MorphoLab) -> None:
    crash(morpho_lab)
    watch = Watch(morpho_lab)
    found = watch.positions()
    seen: set[str] = set()
    for (user, market_id), position in found.items():
        if not liquidatable(position):
            continue
        scope, market = position.scope, by_id(morpho_lab, market_id)
        assert scope is not None
        _, shares, collateral = market.position(user)
        whole = "all of the debt" in scope.reason
        kind = {"shares": shares} if whole else {"seized": scope.seized}
        taken = market.try_liquidation(LIQUIDATOR, user, watch.block.hash, **kind)
        assert taken == (scope.seized, scope.max_debt)
        assert scope.seized <= collateral
        if whole:  # and there is not more to take
            assert scope.max_debt == amount(position, Side.DEBT)
        else:
            assert scope.seized == collateral
        seen.add("bad" if "lenders lose" in scope.reason else "whole" if whole else "rest")
    assert {"bad", "whole"} <= seen


@pytest.mark.parametrize("name", ["m-whale", "m-btc-edge", "m-crv", "m-stable", "m-loop"])
def test_an_executed_liquidation_leaves_what_was_predicted(morpho_lab: MorphoLab, name: str) -> None:
    """Predicted at the same block time, on a branch of the chain that is then dropped."""
    shape = next(each for each in SHAPES if each.user == name)
    market = morpho_lab.markets[shape.market]
    crash(morpho_lab)
    branch = morpho_lab.lab.snapshot()
    morpho_lab.lab.node.mine(dt=600)
    position = Watch(morpho_lab).position(shape)
    scope = position.scope
    assert scope is not None
    morpho_lab.lab.revert(branch)
    before = market.position(shape.wallet)
    with morpho_lab.lab.node.batch(dt=600):
        if "all of the debt" in scope.reason:
            market.liquidate(LIQUIDATOR, shape.wallet, shares=before[1])
        else:
            market.liquidate(LIQUIDATOR, shape.wallet, seized=scope.seized)
    after = market.position(shape.wallet)
    assert after == (0, 0, before[2] - scope.seized)
    assert scope.health_after == HEALTH_INFINITE
    topic = abi.event_topic("Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)")
    wanted = {"address": morpho_lab.address, "topics": [topic], "fromBlock": "latest"}
    (log,) = morpho_lab.lab.node.rpc("eth_getLogs", wanted)
    repaid, _, seized, bad_debt, _ = eth_abi.decode(["uint256"] * 5, bytes.fromhex(log["data"][2:]))
    assert (seized, repaid) == (scope.seized, scope.max_debt)
    assert ("lenders lose" in scope.reason) is (bad_debt > 0)
    assert position.collateral_value is not None
    assert position.debt_value is not None
    under_water = position.collateral_value < position.debt_value
    assert any(flag.code == "bad-debt" for flag in position.flags) is under_water


def on_a_branch(morpho: MorphoLab, shape: Any) -> Position:
    """The position as it will stand 60 seconds from now if nobody acts."""
    branch = morpho.lab.snapshot()
    morpho.lab.node.mine(dt=60)
    position = Watch(morpho).position(shape)
    morpho.lab.revert(branch)
    return position


@pytest.mark.parametrize("shape", [CALM, SHAPES[1], SHAPES[6], SHAPES[17], SHAPES[22]], ids=lambda shape: shape.user)
def test_what_ifs_are_what_the_contract_makes_of_them(morpho_lab: MorphoLab, shape: Any) -> None:
    market = morpho_lab.markets[shape.market]
    held, owed = market.collateral.address.lower(), market.loan.address.lower()
    now = on_a_branch(morpho_lab, shape)
    assert now.book is not None
    part, more = amount(now, Side.DEBT) // 3 + 1, amount(now, Side.COLLATERAL) // 7 + 1
    cases = [
        (Change(debt={owed: -part}), lambda: market.repay(shape.wallet, amount=part)),
        (Change(collateral={held: more}), lambda: market.supply_collateral(shape.wallet, more)),
        (
            Change(collateral={held: -(more // 40)}, debt={owed: -part}),
            lambda: (market.repay(shape.wallet, amount=part), market.withdraw_collateral(shape.wallet, more // 40)),
        ),
        (
            Change(collateral={held: 3 * more}, debt={owed: part}),
            lambda: (market.supply_collateral(shape.wallet, 3 * more), market.borrow(shape.wallet, part)),
        ),
        (
            Change(debt={owed: -amount(now, Side.DEBT)}),
            lambda: market.repay(shape.wallet, shares=market.position(shape.wallet)[1]),
        ),
    ]
    for change, act in cases:
        branch = morpho_lab.lab.snapshot()
        with morpho_lab.lab.node.batch(dt=60, check=False):
            act()
        after = Watch(morpho_lab).position(shape)
        assert after.health.raw == now.book.health(change)
        assert not after.health.verdict
        morpho_lab.lab.revert(branch)


def test_a_rescue_is_enough_and_one_unit_less_is_not(morpho_lab: MorphoLab) -> None:
    watch = Watch(morpho_lab)
    target = 125 * WAD // 100
    for position in watch.positions().values():
        if not position.has_debt or (position.health.raw or 0) >= target:
            continue
        book = position.book
        assert book is not None
        (found,) = rescue(book, [target])
        for (asset, least), kind in [
            *((each, "debt") for each in found.repay),
            *((each, "collateral") for each in found.add),
        ]:
            sign = -1 if kind == "debt" else 1
            enough = book.health(Change(**{kind: {asset.address: sign * least}}))
            short = book.health(Change(**{kind: {asset.address: sign * (least - 1)}}))
            assert enough is not None
            assert short is not None
            assert enough >= target > short


def test_a_month_of_interest_is_not_forgotten(morpho_lab: MorphoLab) -> None:
    """`market(id)` is not accrued: an account that looks safe by it can be liquidated."""
    shape = next(each for each in SHAPES if each.user == "m-tight")
    market = morpho_lab.markets[shape.market]
    morpho_lab.lab.node.mine(dt=30 * 86_400)
    position = Watch(morpho_lab).position(shape)
    assert liquidatable(position)
    _, shares, _ = market.position(shape.wallet)
    state = market.state()
    stored = -(-shares * (state[2] + 1) // (state[3] + 10**6))
    assert amount(position, Side.DEBT) > stored * 1001 // 1000
    rate = position.legs[1].rate
    assert 0.2 < rate / 10**27 < 0.5


def test_reads_do_not_grow_with_wallets(morpho_lab: MorphoLab) -> None:
    watch = Watch(morpho_lab)
    before = watch.reader.requests
    watch.read()
    assert watch.reader.requests - before == 2


def test_feeds_become_factors(morpho_lab: MorphoLab) -> None:
    watch = Watch(morpho_lab)
    found = watch.positions()

    def of(name: str) -> Position:
        shape = next(each for each in SHAPES if each.user == name)
        return found[shape.wallet.lower(), morpho_lab.markets[shape.market].id]

    feed = {pair: f"31337:{each.address.lower()}" for pair, each in morpho_lab.feeds.items()}
    calm = of("m-calm")
    assert [quote.factor for quote in calm.quotes] == [feed["ETH / USD"], feed["USDC / USD"]]
    assert all(quote.proven for quote in calm.quotes)
    assert (calm.base_symbol, calm.base_decimals) == ("oracle-USD", 8)
    assert calm.collateral_value == 100 * 2500 * 10**8
    assert {each.label for each in calm.feeds} == {"ETH / USD", "USDC / USD"}
    assert all(each.updated_at for each in calm.feeds)
    staked = of("m-staked")
    assert (staked.quotes[0].ratio, staked.quotes[0].ratio_decimals) == (START_RATE, 18)
    assert staked.quotes[0].proven
    assert staked.base_decimals == 26
    stable = of("m-stable")
    assert stable.base_symbol == "USDC"
    assert stable.quotes[0].factor == f"31337:{morpho_lab.markets['dai-usdc'].oracle.lower()}"
    assert stable.quotes[0].decimals == 24
    assert "not proven" in stable.quotes[0].notes[0]


def test_an_oracle_without_a_price_is_unknown_and_concerns_nobody_else(morpho_lab: MorphoLab) -> None:
    morpho_lab.set_opaque(MAX_UINT256)
    watch = Watch(morpho_lab)
    errors = watch.read().errors
    assert len(errors) == 1
    assert "its oracle gives no price" in errors[0]
    for (_, market_id), position in watch.positions().items():
        broken = by_id(morpho_lab, market_id).spec.name == "dai-usdc"
        assert (position.health.raw is None) is broken
        assert (liquidatable(position) is None) is broken
        assert any(flag.code == "unverified" for flag in position.flags) is broken
        if broken:
            assert "oracle gives no price" in position.health.reason
            assert position.scope is None


def test_a_negative_answer_is_unknown_and_zero_is_not(morpho_lab: MorphoLab) -> None:
    feed = morpho_lab.feeds["ETH / USD"]
    feed.set(-1)
    position = Watch(morpho_lab).position(CALM)
    assert position.health.raw is None
    assert position.base_symbol == "oracle-USD"
    feed.set(0)
    watch = Watch(morpho_lab)
    position = watch.position(CALM)
    assert position.health.raw == 0
    assert position.health.verdict is True
    assert any(flag.code == "price-zero" for flag in position.flags)
    scope, market = position.scope, morpho_lab.markets[CALM.market]
    assert scope is not None
    taken = market.try_liquidation(LIQUIDATOR, CALM.wallet, watch.block.hash, seized=scope.seized)
    assert taken == (scope.seized, scope.max_debt) == (100 * WAD, 0)


def test_logs_tell_the_markets_of_a_wallet(morpho_lab: MorphoLab) -> None:
    adapter = MorphoBlue()
    ref = MarketRef("morpho-blue", 31337, "lab", morpho_lab.address.lower())
    for user in USERS[:3] + USERS[-1:]:
        learned = adapter.learn(ref, fetched(morpho_lab, adapter, ref, user))
        ids = dict(learned.options)["market_ids"].split(",")
        expected = {morpho_lab.markets[shape.market].id for shape in SHAPES if shape.wallet == user}
        assert set(ids) == expected
        assert adapter.learn(learned, fetched(morpho_lab, adapter, ref, user)) is learned
    assert fetched(morpho_lab, adapter, ref, LIQUIDATOR) == []


def fetched(morpho: MorphoLab, adapter: MorphoBlue, ref: MarketRef, user: str) -> list[Log]:
    logs: list[Log] = []
    for wanted in adapter.log_filters(ref, [user]):
        topics = [None if each is None else list(each) for each in wanted.topics]
        query = {"address": list(wanted.addresses), "topics": topics, "fromBlock": "0x0"}
        logs += [
            Log(raw["address"].lower(), tuple(raw["topics"]), b"", 1, raw["blockHash"], raw["transactionHash"], 0)
            for raw in morpho.lab.node.rpc("eth_getLogs", query)
        ]
    return logs
