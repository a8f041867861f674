import pytest

from liqtui.core.reads import Failure, ReadError
from liqtui.core.sources import MarketRef
from liqtui.core.units import WAD
from liqtui.engine.outcome import Spot
from liqtui.engine.rounds import REDISCOVER, REOPEN, ChainRounds
from tests.engine.fakes import START, FakeAdapter, FakeChain, Finish, address, chain, market

OTHER = "0x" + "bb" * 20


def rounds(world, *refs, **more):
    made = ChainRounds(
        chain(),
        refs or [market()],
        {"fake": more.pop("adapter", FakeAdapter())},
        world,
        **({"finish": Finish()} | more),
    )
    made.watch([address(1)])
    return made


def healths(outcome):
    return {key.wallet: position.health.shown for key, position in outcome.positions.items()}


async def test_first_round_opens_discovers_and_reads(world):
    outcome = await rounds(world).round(START)
    assert healths(outcome) == {address(1): 16 * WAD // 10}
    assert outcome.block == world.block
    assert outcome.covered == {Spot("fake", "main", address(1))}
    assert outcome.stages[0].done
    assert outcome.stages[0].positions == 1
    assert [feed.label for feed in outcome.feeds] == ["ETH / USD"]
    (whole,) = outcome.positions.values()
    assert whole.boundaries


async def test_later_rounds_only_refresh(world):
    made = rounds(world)
    await made.round(START)
    world.requests, world.seen = 0, []
    world.mine(price=1900)
    outcome = await made.round(START + 12)
    assert [what for what, *_ in world.seen] == ["market", "account"]
    assert world.requests == 2
    assert healths(outcome) == {address(1): 152 * WAD // 100}


async def test_requests_do_not_grow_with_wallets_or_markets(world):
    async def requests(wallets, refs):
        node = FakeChain()
        for number in range(1, wallets + 1):
            node.hold(number, 1, 1000)
        made = rounds(node, *refs)
        made.watch(address(number) for number in range(1, wallets + 1))
        first = await made.round(START)
        assert len(first.positions) == wallets
        after_first = node.requests
        node.mine()
        await made.round(START + 12)
        return after_first, node.requests - after_first

    few = await requests(1, [market()])
    many = await requests(500, [market(), market("second", entry=OTHER)])
    assert few == many == (5, 2)  # open, discover, two steps of reading, the past of the feeds; then two steps


async def test_same_head_costs_one_request(world):
    made = rounds(world)
    first = await made.round(START)
    world.requests = 0
    assert await made.round(START + 2) is first
    assert world.requests == 1


async def test_finishing_is_reused_while_nothing_changed(world):
    finish = Finish()
    made = rounds(world, finish=finish)
    await made.round(START)
    world.mine()
    same = await made.round(START + 12)
    assert finish.calls == 1
    (kept,) = same.positions.values()
    assert kept.block == world.block
    assert kept.boundaries
    world.mine(price=1999)
    await made.round(START + 24)
    assert finish.calls == 2


async def test_a_broken_market_leaves_the_other_alone(world):
    world.hold(1, 2, 1000, entry=OTHER)
    made = rounds(world, market(), market("second", entry=OTHER))
    await made.round(START)
    world.broken.add(OTHER)
    world.mine()
    outcome = await made.round(START + 12)
    assert [key.market for key in outcome.positions] == ["main"]
    (trouble,) = outcome.troubles
    assert trouble.spot == Spot("fake", "second", "")
    assert "out of order" in trouble.error
    assert Spot("fake", "second", address(1)) not in outcome.covered
    world.broken.clear()
    world.mine()
    healed = await made.round(START + 36)
    assert not healed.troubles
    assert len(healed.positions) == 2


async def test_a_market_that_does_not_open_is_tried_again(world):
    world.broken.add(OTHER)
    made = rounds(world, market(), market("second", entry=OTHER))
    outcome = await made.round(START)
    assert len(outcome.positions) == 1
    assert not outcome.stages[1].done
    assert "out of order" in outcome.stages[1].error
    world.broken.clear()
    world.hold(1, 2, 1000, entry=OTHER)
    assert len((await made.round(START + REOPEN - 1)).positions) == 1
    assert len((await made.round(START + REOPEN)).positions) == 2


async def test_one_account_that_fails_leaves_the_others(world):
    world.hold(2, 1, 1000)
    world.hold(3, 1, 1000)
    adapter = FakeAdapter()
    made = rounds(world, adapter=adapter)
    made.watch([address(1), address(2), address(3)])
    await made.round(START)
    world.accounts[market().entry, address(2)] = Failure("revert", "no")
    adapter.explode.add(address(3))
    world.mine()
    outcome = await made.round(START + 12)
    assert list(healths(outcome)) == [address(1)]
    errors = {trouble.spot.wallet: trouble.error for trouble in outcome.troubles}
    assert errors == {address(2): "no", address(3): "TypeError: a bug"}
    assert outcome.covered == {Spot("fake", "main", address(1))}


async def test_changed_contracts_are_opened_again_in_the_same_round(world):
    made = rounds(world)
    await made.round(START)
    world.generation[market().entry] = 2
    world.mine()
    world.seen = []
    outcome = await made.round(START + 12)
    assert [what for what, *_ in world.seen] == ["market", "account", "open", "has", "market", "account"]
    assert len(outcome.positions) == 1
    assert not outcome.troubles


async def test_contracts_that_keep_changing_are_not_believed(world):
    made = rounds(world)
    await made.round(START)

    def change():
        world.generation[market().entry] = world.generation.get(market().entry, 1) + 1

    world.during = change
    world.mine()
    outcome = await made.round(START + 12)
    assert not outcome.positions
    assert not outcome.covered
    assert "changed" in outcome.troubles[0].error


async def test_new_wallets_are_searched_alone_and_old_ones_forgotten(world):
    world.hold(2, 1, 500)
    made = rounds(world)
    await made.round(START)
    world.seen = []
    made.watch([address(2)])
    outcome = await made.round(START + 2)
    assert [rest for what, _, *rest in world.seen if what == "has"] == [[address(2)]]
    assert list(healths(outcome)) == [address(2)]


async def test_watch_in_the_middle_of_a_round_counts_from_the_next(world):
    world.hold(2, 1, 500)
    made = rounds(world)
    world.during = lambda: made.watch([address(1), address(2)])
    assert list(healths(await made.round(START))) == [address(1)]
    world.during = None
    assert list(healths(await made.round(START + 2))) == [address(1), address(2)]


async def test_everybody_is_looked_for_again_on_schedule_and_on_demand(world):
    made = rounds(world)
    made.watch([address(1), address(2)])
    await made.round(START)
    world.hold(2, 1, 500)
    world.mine()
    assert list(healths(await made.round(START + 12))) == [address(1)]
    made.rediscover()
    assert list(healths(await made.round(START + 14))) == [address(1), address(2)]
    world.seen = []
    world.mine()
    await made.round(START + 14 + REDISCOVER)
    assert sum(what == "has" for what, *_ in world.seen) == 2


async def test_a_closed_position_is_covered_and_gone(world):
    made = rounds(world)
    await made.round(START)
    world.hold(1, 0, 0)
    world.mine()
    outcome = await made.round(START + 12)
    assert not outcome.positions
    assert outcome.covered == {Spot("fake", "main", address(1))}


async def test_a_chain_that_cannot_be_read_is_a_value(world):
    made = rounds(world)
    world.down = ReadError("timeout", "slow")
    outcome = await made.round(START)
    assert outcome is world.down
    world.down = None
    assert len((await made.round(START + 12)).positions) == 1


async def test_progress_is_told_market_by_market(world):
    seen = []
    await rounds(world, market(), market("second", entry=OTHER)).round(
        START, lambda stages: seen.append([(stage.done, stage.positions) for stage in stages])
    )
    assert seen[-1] == [(True, 1), (True, 0)]
    assert [(True, 1), (False, 0)] in seen


async def test_nothing_to_watch_asks_for_the_head_only(world):
    made = rounds(world)
    made.watch([])
    outcome = await made.round(START)
    assert world.requests == 1
    assert not outcome.positions


async def test_errors_never_show_an_endpoint(world):
    world.accounts[market().entry, address(1)] = (1, 1)
    made = rounds(world)
    await made.round(START)
    world.accounts[market().entry, address(1)] = Failure("unread", "https://user:key@node.example/v2/SECRET failed")
    world.mine()
    (trouble,) = (await made.round(START + 12)).troubles
    assert "SECRET" not in trouble.error
    assert "node.example" in trouble.error


@pytest.mark.parametrize("step", ["open", "discover", "refresh"])
async def test_a_bug_in_a_protocol_stays_with_its_market(world, step):
    class Buggy(FakeAdapter):
        protocol = "buggy"

    def bug(self, *args):
        raise AttributeError("a bug")

    setattr(Buggy, step, bug)
    world.hold(1, 2, 1000, entry=OTHER)
    made = ChainRounds(
        chain(),
        [market(), MarketRef("buggy", 31337, "b", OTHER)],
        {"fake": FakeAdapter(), "buggy": Buggy()},
        world,
        finish=Finish(),
    )
    made.watch([address(1)])
    outcome = await made.round(START)
    assert [key.market for key in outcome.positions] == ["main"]
    assert "AttributeError: a bug" in outcome.troubles[0].error


async def test_a_search_that_fails_leaves_what_is_known(world):
    made = rounds(world)
    await made.round(START)
    world.accounts[market().entry, address(2)] = Failure("revert", "no")
    made.watch([address(1), address(2)])
    world.mine()
    outcome = await made.round(START + 12)
    assert list(healths(outcome)) == [address(1)]
    assert "no" in outcome.troubles[0].error
    assert not outcome.stages[0].done
    del world.accounts[market().entry, address(2)]
    world.mine()
    outcome = await made.round(START + 24)
    assert not outcome.troubles
    assert outcome.stages[0].done


async def test_an_account_without_an_answer_is_told(world):
    class Forgetful(FakeAdapter):
        def refresh(self, opened, block, hints):
            reading = yield from super().refresh(opened, block, hints)
            reading.accounts.clear()
            return reading

    outcome = await rounds(world, adapter=Forgetful()).round(START)
    assert "no answer" in outcome.troubles[0].error


async def test_a_protocol_is_told_where_multicall3_is_on_its_chain(world):
    """Of its own it knows only the usual place, where some chains have nothing."""

    class Noting(FakeAdapter):
        def open(self, ref, block):
            told.append(dict(ref.options))
            return super().open(ref, block)

    told: list[dict[str, str]] = []
    for spec in (chain(), chain(multicall3="0x" + "cc" * 20)):
        made = ChainRounds(spec, [market()], {"fake": Noting()}, world, finish=Finish())
        made.watch([address(1)])
        assert healths(await made.round(START))
    assert told == [{}, {"multicall3": "0x" + "cc" * 20}]


def test_a_protocol_without_an_adapter_is_a_sentence(world):
    with pytest.raises(LookupError, match="does not know the protocol fake"):
        ChainRounds(chain(), [market()], {}, world)
