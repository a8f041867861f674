"""Positions that are opened elsewhere show in the next round, at no request more."""

from __future__ import annotations

import pytest

from liqtui.core.sources import ChainSpec
from liqtui.engine.glances import GLANCES, Glances
from liqtui.engine.outcome import Spot
from liqtui.engine.rounds import ChainRounds
from tests.engine.fakes import START, FakeAdapter, FakeChain, _call, _value, address, chain, market

OTHER = "0x" + "bb" * 20


class Glancing(FakeAdapter):
    """One call tells whether a wallet holds something."""

    asked: int = 0

    def glance(self, opened, wallets):
        self.asked += len(wallets)
        results = yield [_call(opened[0].entry, "has", wallet) for wallet in wallets]
        return {wallet for wallet, result in zip(wallets, results, strict=True) if _value(result)}


@pytest.fixture
def world():
    made = FakeChain()
    made.hold(1, 10, 10_000)
    made.accounts = {key: made.accounts.get(key) for key in made.accounts} | {
        (entry, address(number)): made.accounts.get((entry, address(number)))
        for entry in ("0x" + "aa" * 20, OTHER)
        for number in range(1, 6)
    }
    return made


def rounds(world, adapter, *refs, count=3, **spec):
    made = ChainRounds(chain(**spec), refs or (market(),), {"fake": adapter}, world)
    made.watch([address(number) for number in range(1, count + 1)])
    return made


async def test_a_position_opened_elsewhere_is_there_a_round_later(world):
    made = rounds(world, Glancing(), market(), market("second", entry=OTHER))
    first = await made.round(START)
    assert len(first.positions) == 1
    world.hold(2, 5, 1_000)
    world.hold(3, 5, 1_000, entry=OTHER)
    world.mine()
    before = world.requests
    seen = await made.round(START + 12)
    assert len(seen.positions) == 1
    steady = world.requests - before
    assert Spot("fake", "main", address(2)) not in seen.covered, "it is known that something is not known"
    world.mine()
    found = await made.round(START + 24)
    assert {(key.market, key.wallet) for key in found.positions} == {
        ("main", address(1)), ("main", address(2)), ("second", address(3)),
    }  # fmt: skip
    world.mine()
    before = world.requests
    await made.round(START + 36)
    assert world.requests - before == steady


async def test_glances_cost_no_request(world):
    costs = []
    for adapter in (FakeAdapter(), Glancing()):
        made = rounds(world, adapter)
        await made.round(START)
        world.mine()
        before = world.requests
        await made.round(START + 12)
        costs.append(world.requests - before)
    assert costs[0] == costs[1]


async def test_without_anything_to_ride_on_nobody_is_asked(world):
    world.accounts[market().entry, address(1)] = None
    adapter = Glancing()
    made = rounds(world, adapter)
    await made.round(START)
    world.mine()
    before = world.requests
    await made.round(START + 12)
    assert (adapter.asked, world.requests - before) == (0, 1), "the head only"


async def test_a_glance_that_fails_changes_nothing(world):
    made = rounds(world, Glancing())
    await made.round(START)
    world.broken.add(market().entry)
    world.mine()
    assert not (await made.round(START + 12)).positions
    world.broken.clear()
    world.mine()
    assert len((await made.round(START + 24)).positions) == 1


class Known:
    def __init__(self, hints, searched):
        self.adapter, self.opened = Glancing(), object()
        self.hints, self.searched = dict.fromkeys(hints, True), set(searched) | set(hints)


def test_all_have_their_turn_where_not_all_have_room():
    spec = ChainSpec(1, "lab", max_calls=40)
    glances, wallets = Glances(spec), [f"w{number:02}" for number in range(70)]
    market = Known(["held"], wallets)
    seen = []
    for _ in range(3):
        ((found, chosen),) = glances.next([market])
        assert found is market
        assert len(chosen) == 40 - 8 - 4
        seen += chosen
    assert set(seen) == set(wallets)
    assert seen[:70] == wallets, "in turn"


def test_many_wallets_are_no_burden():
    ((_, chosen),) = Glances(ChainSpec(1, "lab")).next([Known(["held"], map(str, range(1_000)))])
    assert len(chosen) == GLANCES


def test_no_room_no_glance():
    assert Glances(ChainSpec(1, "lab", max_calls=10)).next([Known(["held"], ["other"])]) == []
    assert Glances(ChainSpec(1, "lab", max_calldata=3_000)).next([Known(["held"], ["other"])]) == []
    assert Glances(ChainSpec(1, "lab")).next([Known(["held"], [])]) == []
