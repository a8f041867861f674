"""Events are asked for when something changed, told once, and turn guesses into certainty or into silence."""

import asyncio

import pytest

from liqtui.core.events import EventKind, MarketEvent, Moved
from liqtui.core.model import PositionKey
from liqtui.core.reads import Failure, Log, LogFilter, ReadError
from liqtui.core.snapshot import Severity
from liqtui.engine import eventlog
from liqtui.engine.eventlog import BACKLOG, Events, Found, Watched, merged
from liqtui.engine.history import History
from liqtui.engine.logsearch import MARGIN, PIECES, REST
from liqtui.engine.rounds import ChainRounds
from tests.engine.fakes import ETH, START, USDC, FakeAdapter, FakeChain, Finish, address, market, position
from tests.engine.test_monitor import Desk

ENTRY = market().entry
TAKEN, ACTED, THIRD = ("0x" + digit * 64 for digit in "123")


def word(number):
    return f"0x{number:064x}"


class Logging(FakeAdapter):
    """The fake protocol with a log: the wallet is the first field of an act, the second of a liquidation."""

    def event_filters(self, opened, wallets):
        ref, _ = opened
        who = tuple(word(int(wallet, 16)) for wallet in wallets)
        return (LogFilter((ref.entry,), ((TAKEN,), None, who)), LogFilter((ref.entry,), ((ACTED,), who)))

    def events(self, opened, logs):
        ref, _ = opened
        return tuple(self._event(ref, log) for log in logs if log.address == ref.entry)

    def _event(self, ref, log):
        taken = log.topics[0] == TAKEN
        key = PositionKey(ref.chain_id, ref.protocol, ref.name, "0x" + log.topics[2 if taken else 1][-40:])
        if not taken:
            return MarketEvent.of(log, EventKind.REPAID, key, debt=Moved(USDC, 10**8), who=key.wallet)
        moved = Moved(ETH, 10**17), Moved(USDC, 10**8)
        return MarketEvent.of(log, EventKind.LIQUIDATED, key, collateral=moved[0], debt=moved[1], who=address(0xBAD))


class Logged(FakeChain):
    """Keeps logs, and what was asked for."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.kept, self.asked, self.fault, self.slow = [], [], None, 0.0

    def log(self, topic, who, block=None, *, tx=1, index=0, entry=ENTRY):
        block = self.number if block is None else block
        topics = (TAKEN, word(7), word(who)) if topic == TAKEN else (topic, word(who))
        self.kept.append(Log(entry, topics, b"", block, word(block), word(tx), index))

    async def logs(self, first, last, wanted):
        self.asked.append((first, last))
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.fault is not None:
            raise self.fault
        return [
            log
            for log in self.kept
            if first <= log.block_number <= last
            and log.address in wanted.addresses
            and all(
                accepted is None or topic in accepted
                for topic, accepted in zip(log.topics, wanted.topics, strict=False)
            )
        ]


ADAPTER = Logging()


def watched(node, *positions, wallets=(1,), unread=False, ref=None):
    ref = ref or market()
    held = tuple(position(ref, node.block, address(who), coll, debt, node.price) for who, coll, debt in positions)
    return Watched(ref, ADAPTER, (ref, 1), tuple(address(number) for number in wallets), held, unread)


ONE = (1, 10**18, 10**9)
LESS = (1, 9 * 10**17, 9 * 10**8)


async def step(found, node, *markets, now=START):
    return await found.step(node, node.block, markets, now)


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


# -- what fails --------------------------------------------------------------------------------------------------------


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


# -- restarts ----------------------------------------------------------------------------------------------------------


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


async def test_another_chain_under_the_same_name_begins_anew():
    history = History(None)
    await started(Logged(number=5000), notebook=history)
    history.flush(START)
    node = Logged(number=10)
    found = Events(history)
    assert await step(found, node, watched(node, ONE)) == Found()
    assert node.asked == []
    history.close()


# -- what it means -----------------------------------------------------------------------------------------------------


@pytest.fixture
def desk():
    made = Desk(adapter=Logging())
    node = Logged(31337)
    node.hold(1, 1, 1000)
    made.nodes["lab"] = node
    made.restart(None)
    yield made
    made.close()


def happen(desk, *topics, hold=(0.5, 500), tx=1):
    """In the next round, the position holds this and the log tells of these."""
    node = desk.nodes["lab"]
    node.hold(1, *hold)
    for topic in topics:
        node.log(topic, 1, block=node.number + 1, tx=tx)
    return desk.round()


LOOKS_TAKEN = (0.92, 900)
"""At 1,300 dollars 104 are gone for 100 that are repaid: by amounts alone it was a liquidation."""


def texts(snapshot, kind):
    return [alert.text for alert in snapshot.alerts if alert.kind == kind]


def test_a_liquidation_is_certain(desk):
    desk.round()
    found = happen(desk, TAKEN)
    (text,) = texts(found, "liquidated")
    assert f"by 0x0000…0bad: 0.1 ETH taken, 100 USDC repaid, tx {word(1)}" in text
    assert "by hand" not in text
    assert found.rows[0].severity is Severity.LIQUIDATED
    assert texts(desk.round(), "liquidated") == [text]


def test_an_act_of_the_owner_is_no_liquidation(desk):
    desk.round(price=1300)  # critical: without the log this would look like one
    assert texts(happen(desk, ACTED, hold=LOOKS_TAKEN), "liquidated") == []


def test_both_at_once_is_a_liquidation(desk):
    desk.round(price=1300)
    (text,) = texts(happen(desk, ACTED, TAKEN, hold=LOOKS_TAKEN), "liquidated")
    assert "0.1 ETH taken" in text


def test_without_logs_it_is_a_guess(desk):
    desk.round(price=1300)
    desk.nodes["lab"].fault = ReadError("rpc", "no logs here")
    found = happen(desk, ACTED, hold=LOOKS_TAKEN)
    (text,) = texts(found, "liquidated")
    assert "liquidated, or unwound by hand" in text
    assert any("told by amounts alone" in notice for notice in found.notices)


def test_an_act_long_before_explains_nothing(desk):
    desk.round(price=1300)
    happen(desk, ACTED, hold=(0.96, 950))
    (text,) = texts(happen(desk, hold=LOOKS_TAKEN), "liquidated")
    assert "by hand" in text


def test_a_position_that_vanishes_is_told_from_one_that_was_closed(desk):
    desk.round(price=1300)
    node = desk.nodes["lab"]
    node.hold(1, 0, 0)
    node.log(TAKEN, 1, block=node.number + 1)
    found = desk.round()
    (text,) = texts(found, "liquidated")
    assert "0.1 ETH taken" in text
    assert found.rows == ()


@pytest.mark.parametrize("later", [12, 400])
def test_who_was_left_with_nothing_is_told_of_whenever_all_are_looked_for_again(desk, later):
    """Looking for wallets anew finds nothing of theirs any more in the very round that has to tell."""
    desk.round()
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.log(TAKEN, 1, block=node.number + 1)
    snapshot = desk.round(later)
    assert [alert.severity for alert in snapshot.alerts if alert.kind == "liquidated"] == [Severity.LIQUIDATED]
    assert not texts(snapshot, "closed")


def restarted(desk, folder):
    """As the program begins, with its history as the notebook."""
    desk.restart(folder)
    (spec,), node = desk.setup.chains, desk.nodes["lab"]
    adapters = {"fake": desk.adapter}
    desk.rounds["lab"] = ChainRounds(spec, desk.setup.markets, adapters, node, finish=Finish(), notebook=desk.history)
    desk.watch(*desk.setup.wallets)


def test_who_was_left_with_nothing_while_the_program_was_off_is_told_of(desk, tmp_path):
    restarted(desk, tmp_path)
    desk.round()
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.log(TAKEN, 1, block=node.number + 1)
    node.mine()
    restarted(desk, tmp_path)
    snapshot = desk.round()
    assert [alert.severity for alert in snapshot.alerts if alert.kind == "liquidated"] == [Severity.LIQUIDATED]
    assert not texts(snapshot, "closed")


def test_a_position_closed_by_its_owner_is_just_closed(desk):
    desk.round(price=1300)
    found = happen(desk, ACTED, hold=(0, 0))
    assert texts(found, "liquidated") == []
    assert len(texts(found, "closed")) == 1


def test_what_happens_while_figures_cannot_be_read_is_told_and_remembered(desk):
    desk.round(price=1300)
    node = desk.nodes["lab"]
    node.accounts[ENTRY, address(1)] = Failure("revert", "no price")
    desk.round()
    node.log(TAKEN, 1, block=node.number + 1)
    (text,) = texts(desk.round(), "liquidated")
    assert "0.1 ETH taken" in text
    desk.round()
    found = happen(desk, hold=LOOKS_TAKEN)
    assert texts(found, "liquidated") == [text]  # seen again, and no second guess


def test_the_same_block_tells_nothing_twice(desk):
    desk.round()
    happen(desk, TAKEN)
    assert len(texts(desk.round(mine=False), "liquidated")) == 1
