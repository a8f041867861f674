"""The search of logs as part of a round: what it finds is opened and read, what fails stays with its market."""

import pytest

from liqtui.core.model import PositionKey
from liqtui.core.reads import ReadError
from liqtui.core.sources import MarketRef
from liqtui.core.units import WAD
from liqtui.engine.history import History
from liqtui.engine.logsearch import Kept
from liqtui.engine.outcome import Spot
from liqtui.engine.rounds import REOPEN, ChainRounds
from tests.engine.fakes import START, Finish, address, chain, market
from tests.engine.searching import DEPLOYED, ENTRY, Logged, Searching, search, word


@pytest.fixture
def world():
    node = Logged()
    node.hold(1, 1, 1000)
    return node


def rounds(world, *refs, adapter=None):
    made = ChainRounds(chain(), refs or [market()], {"fake": adapter or Searching()}, world, finish=Finish())
    made.watch([address(1)])
    return made


def healths(outcome):
    return [position.health.shown for position in outcome.positions.values()]


async def test_one_round_finds_and_reads(world):
    world.log(1, 7, DEPLOYED + 50)
    outcome = await rounds(world).round(START)
    assert healths(outcome) == [16 * WAD // 10]
    assert outcome.covered == {Spot("fake", "main", address(1))}
    assert outcome.stages[0].done
    assert (outcome.troubles, outcome.notes) == ((), ())


async def test_a_market_that_knows_no_room_is_searching_and_no_error(world):
    world.number = 1_000_000
    outcome = await rounds(world).round(START)
    (stage,) = outcome.stages
    assert (stage.done, stage.error) == (False, "")
    assert stage.note.startswith("logs to block ")
    assert outcome.troubles == ()
    assert "still looking for positions, logs to block" in outcome.notes[0]
    assert outcome.covered == frozenset()  # nothing is known to be gone


async def test_a_room_that_is_found_later_is_opened_then(world):
    made = rounds(world)
    assert healths(await made.round(START)) == []
    world.mine()
    world.log(1, 7, world.number)
    assert healths(await made.round(START + 12)) == [16 * WAD // 10]


async def test_who_enters_a_room_that_is_known_is_seen_at_once(world):
    world.accounts[ENTRY, address(2)] = None
    world.log(1, 7, DEPLOYED + 50)
    made = rounds(world)
    made.watch([address(1), address(2)])
    assert len(healths(await made.round(START))) == 1
    world.mine()
    assert len(healths(await made.round(START + 12))) == 1
    world.hold(2, 1, 500)
    world.log(2, 7, world.number)
    world.mine()
    assert len(healths(await made.round(START + 24))) == 2


async def test_while_logs_fail_known_positions_are_read(world):
    world.log(1, 7, DEPLOYED + 50)
    made = rounds(world)
    await made.round(START)
    world.mine(price=1900)
    world.fault = ReadError("http", "503")
    outcome = await made.round(START + 12)
    assert healths(outcome) == [152 * WAD // 100]
    (trouble,) = outcome.troubles
    assert trouble.spot == Spot("fake", "main", "")
    assert trouble.error == "http: logs could not be read: 503"


async def test_a_surprise_in_the_logs_of_a_market_stays_there(world, monkeypatch):
    world.log(1, 7, DEPLOYED + 50)
    made = rounds(world)
    await made.round(START)
    world.mine(price=1900)
    world.log(1, 8, world.number)
    learn = Searching.learn

    def surprised(self, ref, logs):
        return learn(self, ref, [log for log in logs if log.topics[1] != word(8) or 1 // 0])

    monkeypatch.setattr(Searching, "learn", surprised)
    outcome = await made.round(START + 12)
    assert healths(outcome) == [152 * WAD // 100]
    assert "ZeroDivisionError" in outcome.troubles[0].error


@pytest.mark.parametrize("text", ["[[", '[["0x", 5, "zz"]]', "[1]"])
async def test_a_trail_that_is_damaged_is_walked_again(text):
    history, node = History(None), Logged()
    node.log(1, 7, DEPLOYED + 50)
    found = search(history)
    await found.step(node, node.block, [address(1)], START)
    history.keep_trail(found._place, address(1), Kept(node.number, text))
    history.flush(START)
    again = search(history)
    await again.step(node, node.block, [address(1)], START)
    assert again.ref == found.ref
    assert again.fault is None
    history.close()


async def test_a_new_room_that_does_not_open_leaves_the_others_as_they_were(world):
    class Picky(Searching):
        def open(self, ref, block):
            if word(13) in dict(ref.options)["rooms"]:
                raise ValueError("room 13")
            return super().open(ref, block)

    world.log(1, 7, DEPLOYED + 50)
    made = rounds(world, adapter=Picky())
    await made.round(START)
    world.mine(price=1900)
    world.log(1, 13, world.number)
    outcome = await made.round(START + 12)
    assert healths(outcome) == [152 * WAD // 100]
    assert "room 13" in outcome.troubles[0].error
    opened = world.seen.count(("open", ENTRY))
    world.mine()
    await made.round(START + 12 + REOPEN / 2)
    assert world.seen.count(("open", ENTRY)) == opened


async def test_who_named_the_rooms_is_not_searched_for(world):
    ref = MarketRef("fake", 31337, "main", ENTRY, (("rooms", word(7)),))
    outcome = await rounds(world, ref).round(START)
    assert healths(outcome) == [16 * WAD // 10]
    assert world.asked == []


async def test_a_remembered_position_stays_until_the_search_is_over(world):
    world.number = 1_000_000
    made = rounds(world)
    outcome = await made.round(START)
    key = PositionKey(31337, "fake", "main", address(1))
    assert Spot(key.protocol, key.market, key.wallet) not in outcome.covered
    now = START
    while not outcome.covered:
        now += 12
        outcome = await made.round(now)  # at the same head: the search goes on all the same
        assert now < START + 1000
    assert outcome.stages[0].done
