"""Logs are searched a little in every round, and what they tell outlives a failure, a restart and a reorganisation."""

from liqtui.core.reads import LogFilter, ReadError
from liqtui.engine import logsearch
from liqtui.engine.history import History
from liqtui.engine.logsearch import FIRST, MARGIN, PIECES, REST_MAX, LogSearch
from liqtui.engine.markets import MarketState
from liqtui.protocols.adapter import EarlyLogs
from tests.engine.fakes import START, address, market
from tests.engine.searching import DEPLOYED, TOPIC, Logged, Searching, rooms, search, stepped, word


async def test_a_short_chain_is_searched_in_one_round_and_its_newest_blocks_again():
    node = Logged()
    node.log(1, 7, DEPLOYED + 50)
    node.log(2, 8, DEPLOYED + 50)
    found = await stepped(search(), node)
    assert rooms(found) == word(7)
    assert (found.note, found.fault) == ("", None)
    assert found.complete(address(1))
    assert node.asked == [(DEPLOYED, node.number)]
    node.mine()
    await stepped(found, node)
    assert node.asked[1:] == [(node.number - 1 - MARGIN, node.number)]


class Speaking(Searching):
    """Its contract said something when it was made."""

    def early_logs(self, ref):
        return EarlyLogs(DEPLOYED, DEPLOYED + 9, LogFilter((ref.entry,), ((TOPIC,), None, (word(99),))))


async def test_a_node_that_has_dropped_old_logs_and_says_nothing_of_it_is_told_of():
    node = Logged()
    found = LogSearch(Speaking(), market())
    await stepped(found, node)
    assert (found.note, found.fault) == ("", None), "it found nothing, as far as that goes"
    assert found.doubt == "no node tells the logs of blocks 1,000 to 1,009"
    state = MarketState(market(), Speaking(), found)
    assert state.told()[-1].endswith("to 1,009, when its contract was made: older loans may be missed")
    asked = len(node.asked)
    await stepped(found, node, now=START + 1)
    assert (DEPLOYED, DEPLOYED + 9) not in node.asked[asked:], "not in every round"
    node.log(99, 1, DEPLOYED + 3)
    await stepped(found, node, now=START + REST_MAX)
    assert (found.doubt, state.told()) == ("", ())
    asked = len(node.asked)
    await stepped(found, node, now=START + 3 * REST_MAX)
    assert (DEPLOYED, DEPLOYED + 9) not in node.asked[asked:], "nor ever again, once they were told"


async def test_what_cannot_be_asked_is_no_doubt():
    node = Logged()
    node.fault = ReadError("tape", "not recorded")
    found = await stepped(LogSearch(Speaking(), market()), node)
    assert found.doubt == ""


async def test_a_long_chain_takes_rounds_and_says_how_far_it_is():
    node = Logged(number=1_000_000)
    found = await stepped(search(), node)
    assert len(node.asked) == PIECES
    assert node.asked[0] == (DEPLOYED, DEPLOYED + FIRST - 1)
    assert node.asked[1] == (DEPLOYED + FIRST, DEPLOYED + 3 * FIRST - 1)  # swift answers: double the length
    assert found.note == f"logs to block {node.asked[-1][1]:,} of 1,000,000"
    assert not found.complete(address(1))
    for _ in range(20):
        await stepped(found, node)
    assert found.note == ""
    read = {block for first, last in node.asked for block in range(first // 100, last // 100 + 1)}
    assert read == set(range(DEPLOYED // 100, 10_001))


async def test_requests_do_not_grow_with_wallets_and_trails_meet():
    node = Logged()
    found = search()
    await stepped(found, node, *range(1, 101))
    assert len(node.asked) == 1
    node.mine()
    await stepped(found, node, *range(1, 103))
    assert len(node.asked) == 4  # once before; those at the head, the two new ones up to them, then all together
    assert all(found.complete(address(number)) for number in range(1, 101))
    node.mine()
    node.asked = []
    await stepped(found, node, *range(1, 103))
    assert len(node.asked) == 1
    assert all(found.complete(address(number)) for number in range(1, 103))


async def test_a_failure_is_told_rested_and_forgets_nothing():
    node = Logged()
    node.log(1, 7, DEPLOYED + 50)
    found = await stepped(search(), node)
    known = found.ref
    node.mine()
    node.fault = ReadError("rpc", "range too wide")
    node.asked = []
    await stepped(found, node, now=START)
    assert str(found.fault) == "rpc: logs could not be read: range too wide"
    assert found.ref is known
    await stepped(found, node, now=START + 1)
    assert len(node.asked) == 1  # it rests
    node.fault = None
    await stepped(found, node, now=START + logsearch.REST)
    assert found.fault is None


async def test_what_hangs_ends_and_is_a_failure(monkeypatch):
    monkeypatch.setattr(logsearch, "SPEND", 0.01)
    node = Logged()
    node.slow = 60
    found = await stepped(search(), node)
    assert "timeout: logs could not be read" in str(found.fault)


async def test_a_node_that_takes_its_time_is_no_failure(monkeypatch):
    """As public ones do with long ranges. Half a minute of rest after every second range would take days for years."""
    monkeypatch.setattr(logsearch, "SPEND", 0.5)
    node = Logged(number=1_000_000)
    node.slow = 0.3
    found = await stepped(search(), node)
    await stepped(found, node)
    assert found.fault is None
    assert [first for first, _ in node.asked] == [DEPLOYED, DEPLOYED + FIRST]


async def test_shorter_ranges_after_a_failure_longer_ones_only_after_swift_answers(monkeypatch):
    node = Logged(number=1_000_000)
    node.fault = ReadError("rpc", "no")
    found = await stepped(search(), node)
    node.fault = None
    monkeypatch.setattr(logsearch, "SWIFT", -1.0)
    await stepped(found, node, now=START + 1000)
    assert [last - first + 1 for first, last in node.asked] == [FIRST, *[FIRST // 4] * PIECES]


async def test_a_log_that_came_with_a_reorganisation_is_seen():
    node = Logged()
    found = await stepped(search(), node)
    node.mine()
    node.log(1, 9, node.number - 10)
    await stepped(found, node)
    assert rooms(found) == word(9)


async def test_a_restart_goes_on_where_it_was(tmp_path):
    history = History(tmp_path)
    node = Logged(number=1_000_000)
    node.log(1, 7, DEPLOYED + 50)
    await stepped(search(history), node)
    history.flush(START)
    history.close()
    reached = node.asked[-1][1]
    node.asked = []
    history = History(tmp_path, read_only=True)
    found = await stepped(search(history), node)
    assert rooms(found) == word(7)
    assert node.asked[0][0] == reached + 1
    assert history.notice == ""
    history.close()


async def test_a_wallet_that_is_no_longer_watched_takes_its_rooms_away():
    node = Logged()
    node.log(1, 7, DEPLOYED + 50)
    node.log(2, 8, DEPLOYED + 51)
    found = await stepped(search(), node, 1, 2)
    assert rooms(found) == f"{word(7)},{word(8)}"
    await stepped(found, node, 2)
    assert rooms(found) == word(8)


async def test_a_chain_that_began_anew_is_searched_anew():
    node = Logged(number=500_000)
    found = search()
    for _ in range(20):
        await stepped(found, node)
    assert found.note == ""
    node = Logged(number=DEPLOYED + 10)
    node.log(1, 3, DEPLOYED + 5)
    await stepped(found, node)
    assert rooms(found) == word(3)


async def test_another_chain_is_searched_from_its_beginning_whatever_was_written_down():
    history = History(None)
    node = Logged()
    node.log(1, 7, DEPLOYED + 50)
    found = await stepped(search(history), node, 1, 2)
    assert rooms(found) == word(7)
    history.flush(START)
    node = Logged(number=node.number + 5)
    node.log(1, 8, DEPLOYED + 30)
    node.log(2, 9, DEPLOYED + 40)
    found.begin_anew()
    assert not found.complete(address(1))
    await stepped(found, node, 1, 2)
    assert rooms(found) == f"{word(8)},{word(9)}"
    assert node.asked == [(DEPLOYED, node.number)]
    history.flush(START)
    assert rooms(await stepped(search(history), node, 1, 2)) == f"{word(8)},{word(9)}", "and that is written down"
    history.close()


async def test_a_recording_that_goes_less_far_is_no_failure():
    class Tape(Logged):
        async def logs(self, first, last, wanted):
            if last > DEPLOYED + 900:
                raise ReadError("tape", "not on the tape")
            return await super().logs(first, last, wanted)

    node = Tape(number=10_000)
    found = search()
    for _ in range(10):
        await stepped(found, node)
    assert found.fault is None
    assert found.note == f"logs to block {DEPLOYED + 900:,} of 10,000"
