"""Events are asked for when something changed, told once, and turn guesses into certainty or into silence."""

import asyncio

import pytest

from liqtui.core.events import EventKind
from liqtui.core.reads import LogFilter, ReadError
from liqtui.engine import eventlog
from liqtui.engine.eventlog import BACKLOG, Events, Found, Watched, merged
from liqtui.engine.history import History
from liqtui.engine.logsearch import MARGIN, PIECES, REST
from tests.engine.fakes import START, address, market, position
from tests.engine.logged import ACTED, ENTRY, TAKEN, Logged, Logging, word

ADAPTER = Logging()


def watched(node, *positions, wallets=(1,), unread=False, ref=None):
    ref = ref or market()
    held = tuple(position(ref, node.block, address(who), coll, debt, node.price) for who, coll, debt in positions)
    return Watched(ref, ADAPTER, (ref, 1), tuple(address(number) for number in wallets), held, unread)


ONE = (1, 10**18, 10**9)


LESS = (1, 9 * 10**17, 9 * 10**8)


async def step(found, node, *markets, now=START):
    found.look(node.block, markets)
    return await found.step(node, node.block, now)


async def started(node, *held, notebook=None):
    found = Events(notebook)
    assert await step(found, node, watched(node, *(held or (ONE,)))) == Found()
    return found


async def test_while_nothing_changes_nothing_is_asked():
    node = Logged()
    found = await started(node)
    for extra in (0, 5000, 4998, 12_000):  # interest and rounding
        node.mine()
        assert await step(found, node, watched(node, (1, 10**18, 10**9 + extra))) == Found()
    assert node.asked == []


async def test_a_change_is_asked_about_and_what_it_was_is_told_once():
    node = Logged()
    found = await started(node)
    node.log(TAKEN, 1)  # before the watching began
    node.mine()
    node.mine()
    node.log(TAKEN, 1, tx=2)
    told = await step(found, node, watched(node, LESS))
    assert [event.tx_hash for event in told.events] == [word(2)]
    assert (told.logged, told.note) == ({("fake", "main")}, "")
    assert node.asked == [(101, 102)] * 2  # one request for each place of the wallet
    for _ in range(3):
        node.mine()
        assert await step(found, node, watched(node, LESS)) == Found(logged=frozenset({("fake", "main")}))
    assert node.asked[-1] == (101, 105)


async def test_the_newest_blocks_are_read_again_until_they_are_settled():
    node = Logged()
    found = await started(node)
    node.mine()
    changed = node.number
    await step(found, node, watched(node, LESS))
    node.mine()
    node.log(TAKEN, 1, block=changed)  # a reorganisation put it there
    told = await step(found, node, watched(node, LESS))
    assert len(told.events) == 1
    for _ in range(2 * MARGIN):
        node.mine()
        await step(found, node, watched(node, LESS))
    assert node.asked[-1][1] == changed + MARGIN
    assert node.asked[-1][0] == changed  # and not further back than the watching


async def test_a_transaction_that_moves_to_another_block_is_told_once():
    node = Logged()
    found = await started(node)
    node.mine()
    node.log(TAKEN, 1, index=3)
    node.log(TAKEN, 1, index=4)  # two like events of one transaction are two
    assert len((await step(found, node, watched(node, LESS))).events) == 2
    node.kept.clear()
    node.mine()
    node.log(TAKEN, 1, index=1)
    node.log(TAKEN, 1, index=2)
    assert (await step(found, node, watched(node, LESS))).events == ()
    node.log(TAKEN, 1, index=5)
    assert len((await step(found, node, watched(node, LESS))).events) == 1


async def test_a_head_that_goes_back_is_read_again():
    node = Logged()
    found = await started(node)
    for _ in range(10):
        node.mine()
        await step(found, node, watched(node, ONE))
    node.number -= 5
    node.log(TAKEN, 1)
    assert len((await step(found, node, watched(node, ONE))).events) == 1


@pytest.mark.parametrize(
    "now",
    [
        [(1, 10**18, 10**9 + 10**5)],
        [(1, 10**18 - 2 * 10**9, 10**9)],
        [],
        [ONE, (2, 1, 0)],
    ],
)
async def test_what_counts_as_a_change(now):
    node = Logged()
    found = await started(node)
    node.mine()
    await step(found, node, watched(node, *now))
    assert node.asked


async def test_a_market_that_cannot_be_read_is_asked_about_in_every_round():
    node = Logged()
    found = await started(node)
    for _ in range(3):
        node.mine()
        await step(found, node, watched(node, unread=True))
    assert len(node.asked) == 6
    node.log(TAKEN, 1)
    told = await step(found, node, watched(node, unread=True))
    assert len(told.events) == 1


async def test_nobody_s_log_is_not_asked_for():
    node = Logged()
    found = await started(node)
    node.mine()
    assert await step(found, node, watched(node, wallets=())) == Found()
    assert node.asked == []


async def test_others_are_not_told_of():
    node = Logged()
    found = await started(node)
    node.mine()
    node.log(TAKEN, 2)
    both = [watched(node, LESS), watched(node, (2, 1, 1), wallets=(2,), ref=market("side", entry="0x" + "bb" * 20))]
    assert (await step(found, node, *both)).events == ()


async def test_markets_at_the_same_block_are_asked_for_together():
    node = Logged()
    names = [("main", ENTRY), ("side", "0x" + "bb" * 20), ("third", "0x" + "cc" * 20)]
    refs = [market(name, entry=entry) for name, entry in names]
    found = Events()

    def all_of(*held):
        return [watched(node, *held, ref=ref, wallets=(1, 2)) for ref in refs]

    await step(found, node, *all_of(ONE))
    node.mine()
    for _, entry in names:
        node.log(TAKEN, 1, entry=entry)
        node.log(ACTED, 2, entry=entry)
    told = await step(found, node, *all_of(LESS))
    assert len(node.asked) == 2
    assert {(event.key.market, event.kind) for event in told.events} == {
        (name, kind) for name, _ in names for kind in (EventKind.LIQUIDATED, EventKind.REPAID)
    }
    assert told.logged == {("fake", name) for name, _ in names}


def test_filters_are_merged_by_the_place_of_the_wallets(monkeypatch):
    monkeypatch.setattr(eventlog, "WALLETS", 2)
    node = Logged()
    one = watched(node, wallets=(1, 2, 3))
    other = watched(node, wallets=(3, 4), ref=market("side", entry="0x" + "bb" * 20))
    found = merged([one, other])
    who = [(word(1), word(2)), (word(3), word(4))]
    both = (ENTRY, "0x" + "bb" * 20)
    assert sorted(found) == sorted(
        LogFilter(both, ((topic,), *rest, pair)) for topic, rest in ((TAKEN, (None,)), (ACTED, ())) for pair in who
    )


@pytest.mark.parametrize("fault", [ReadError("rpc", "http://u:secret@h/ says no"), ValueError("nonsense")])
async def test_a_failure_is_a_note_and_rests(fault):
    node = Logged()
    found = await started(node)
    node.mine()
    node.fault = fault
    told = await step(found, node, watched(node, LESS))
    assert told.note.startswith("logs could not be read, so liquidations are told by amounts alone: ")
    assert "secret" not in told.note
    assert not told.logged
    asked = len(node.asked)
    node.fault = None
    again = await step(found, node, watched(node, LESS), now=START + REST - 1)
    assert (len(node.asked), again.note) == (asked, told.note)
    node.log(TAKEN, 1)
    told = await step(found, node, watched(node, LESS), now=START + REST)
    assert (len(told.events), told.note) == (1, "")


async def test_logs_that_hang_hold_no_round_up(monkeypatch):
    monkeypatch.setattr(eventlog, "SPEND", 0.02)
    node = Logged()
    found = await started(node)
    node.mine()
    node.slow = 30.0
    assert "timeout" in (await step(found, node, watched(node, LESS))).note


async def test_a_recording_without_logs_is_no_failure():
    node = Logged()
    found = await started(node)
    node.mine()
    node.fault = ReadError("tape", "not on the tape")
    assert await step(found, node, watched(node, LESS)) == Found()


async def test_an_adapter_s_surprise_ends_no_round(monkeypatch):
    node = Logged()
    found = await started(node)
    node.mine()
    node.log(TAKEN, 1)
    monkeypatch.setattr(ADAPTER, "_event", lambda *_: 1 // 0, raising=False)
    assert "ZeroDivisionError" in (await step(found, node, watched(node, LESS))).note


async def test_a_restart_goes_on_where_the_last_run_stopped():
    history = History(None)
    node = Logged()
    await started(node, notebook=history)
    history.flush(START)
    for _ in range(20):
        node.mine()
    node.log(TAKEN, 1, block=110)
    told = await step(Events(history), node, watched(node, LESS))
    assert len(told.events) == 1
    assert node.asked[0] == (101, 120)
    history.flush(START)
    node.asked.clear()
    assert (await step(Events(history), node, watched(node, LESS))).events == ()  # told by the run before
    history.close()


async def test_how_far_it_got_is_written_down_with_what_it_told(open_history, monkeypatch):
    """Killed, or given up, between two pieces: what the first told would never be heard of."""
    monkeypatch.setattr(eventlog, "FIRST", 16)
    history, node = open_history(), Logged()
    found = await started(node, notebook=history)
    node.number += 40
    node.log(TAKEN, 1, block=105)
    ask = node.logs

    async def killed(first, last, wanted):
        if len(node.asked) >= 2:
            history.flush(START)
            raise asyncio.CancelledError
        return await ask(first, last, wanted)

    node.logs = killed
    with pytest.raises(asyncio.CancelledError):
        await step(found, node, watched(node, LESS))
    node.logs = ask
    told = await step(Events(history), node, watched(node, LESS))
    assert [event.kind for event in told.events] == [EventKind.LIQUIDATED]
    told = await step(found, node, watched(node, LESS))
    assert [event.kind for event in told.events] == [EventKind.LIQUIDATED], "and in the same run"


async def test_a_long_absence_is_read_in_pieces_and_not_without_bound():
    history = History(None)
    node = Logged()
    await started(node, notebook=history)
    history.flush(START)
    node.number += 10 * BACKLOG
    found = Events(history)
    told = await step(found, node, watched(node, LESS))
    assert not told.logged
    assert len(node.asked) == 2 * PIECES
    assert node.asked[0][0] == node.number - BACKLOG
    for _ in range(20):
        told = await step(found, node, watched(node, LESS))
        if told.logged:
            break
    assert node.asked[-1][1] == node.number
    read = {block for first, last in node.asked for block in range(first // 100, last // 100 + 1)}
    assert read == set(range((node.number - BACKLOG) // 100, node.number // 100 + 1))
    history.close()


async def test_what_takes_more_than_one_round_is_read_although_nothing_changes_meanwhile():
    history = History(None)
    node = Logged()
    await started(node, notebook=history)
    history.flush(START)
    node.number += BACKLOG // 2
    node.log(TAKEN, 1, block=node.number - 100)
    found, told = Events(history), ()
    for _ in range(10):
        told += (await step(found, node, watched(node))).events
        node.mine()
    assert len(told) == 1
    asked = len(node.asked)
    node.mine()
    await step(found, node, watched(node))
    assert len(node.asked) == asked, "it is over some time"
    history.close()


async def test_logs_that_fail_for_longer_than_blocks_may_change_are_read_when_they_come():
    node = Logged()
    found = await started(node)
    node.mine()
    node.log(TAKEN, 1)
    node.fault = ReadError("rpc", "not now")
    await step(found, node, watched(node, LESS))
    node.number += 2 * MARGIN
    node.fault = None
    told = await step(found, node, watched(node, LESS), now=START + REST)
    assert [event.block_number for event in told.events] == [101]
    assert told.logged


async def test_of_another_chain_nothing_is_read_that_was_before():
    """Whatever was written down of the one before, and however high this one stands."""
    history = History(None)
    found = await started(Logged(), notebook=history)
    history.flush(START)
    node = Logged(number=500)
    node.log(TAKEN, 1, block=450)
    found.begin_anew()
    assert await step(found, node, watched(node, LESS)) == Found()
    assert node.asked == []
    node.mine()
    node.log(TAKEN, 1, tx=2)
    assert len((await step(found, node, watched(node, ONE))).events) == 1
    assert node.asked[0] == (501, 501)
    history.close()


async def test_another_chain_under_the_same_name_begins_anew():
    history = History(None)
    await started(Logged(number=5000), notebook=history)
    history.flush(START)
    node = Logged(number=10)
    found = Events(history)
    assert await step(found, node, watched(node, ONE)) == Found()
    assert node.asked == []
    history.close()
