"""Morpho Blue's own contract: what the conformance suite does not ask of every protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from liqtui.core.model import Change, Side
from liqtui.core.reads import Log
from liqtui.core.rescue import rescue
from liqtui.core.severity import liquidatable
from liqtui.core.sources import MarketRef
from liqtui.core.units import WAD
from liqtui.protocols.morpho_blue import MorphoBlue
from tests.lab.morpho import START_RATE
from tests.lab.morpho_positions import LIQUIDATOR, SHAPES, MorphoWalk
from tests.real.reader import LabReader, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liqtui.core.model import Position
    from liqtui.protocols.adapter import Reading
    from tests.lab.morpho import MorphoLab, MorphoMarket

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


def amount(position: Position, side: Side) -> int:
    return sum(leg.amount for leg in position.legs if leg.side is side)


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


def test_a_rate_model_that_reverts_makes_its_borrowers_unknown_and_nobody_else(morpho_lab: MorphoLab) -> None:
    """Then neither repaying nor liquidating goes through, until it answers again."""
    morpho_lab.lab.node.rpc("anvil_setCode", morpho_lab.irm, "0x60006000fd")
    morpho_lab.lab.node.mine(dt=60)
    with_it = {each.id for each in morpho_lab.markets.values() if each.params[3] == morpho_lab.irm}
    found = Watch(morpho_lab).positions()
    unknown = known = 0
    for (_, market), position in found.items():
        if market in with_it and position.has_debt:
            assert (position.health.raw, position.health.verdict, liquidatable(position)) == (None, None, None)
            assert "rate model gives no rate" in position.health.reason
            assert [flag.code for flag in position.flags] == ["unverified"]
            assert position.scope is None
            unknown += 1
        else:
            assert position.health.confirmed
            known += 1
    assert unknown >= 5
    assert known >= 10
