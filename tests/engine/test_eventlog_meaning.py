"""What a monitor makes of logs: a liquidation for certain, an act for what it is, and who was left with nothing."""

import asyncio

import pytest

from liqtui.core.reads import Failure, ReadError
from liqtui.core.snapshot import Severity
from liqtui.engine.logsearch import REST
from liqtui.engine.rounds import ChainRounds
from liqtui.engine.watch import one_round
from tests.engine.desk import Desk
from tests.engine.fakes import Finish, address, wallet
from tests.engine.logged import ACTED, ENTRY, TAKEN, Logged, Logging, word


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


def test_a_liquidation_that_the_logs_tell_too_late_is_told_all_the_same(desk):
    """By amounts alone it looked like a position that was closed, and it is not there any more."""
    desk.round()
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.log(TAKEN, 1, block=node.number + 1)
    node.fault = ReadError("rpc", "no logs now")
    found = desk.round(400)
    assert (texts(found, "liquidated"), len(texts(found, "closed"))) == ([], 1)
    node.fault = None
    found = desk.round(REST)
    (told,) = (alert for alert in found.alerts if alert.kind == "liquidated")
    assert "0.1 ETH taken" in told.text
    assert (told.over_at, told.title) == (None, "w1 fake lab")
    assert found.rows == ()
    assert len(texts(desk.round(), "liquidated")) == 1


def test_a_liquidation_long_ago_while_the_program_was_off_is_told_when_its_log_is_reached(desk, tmp_path):
    restarted(desk, tmp_path)
    desk.round()
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.number += 20_000
    node.time += 20_000
    desk.now += 20_000
    node.log(TAKEN, 1, block=node.number - 100)
    restarted(desk, tmp_path)
    assert texts(desk.round(), "liquidated") == []
    for _ in range(4):
        desk.round()
    assert len(texts(desk.round(), "liquidated")) == 1
    restarted(desk, tmp_path)
    assert len(texts(desk.round(), "liquidated")) == 1


def test_a_liquidation_is_told_although_the_round_ran_out_of_time_for_what_is_less_urgent(desk, monkeypatch):
    """The logs come last in a round: what they told once they do not tell again."""
    desk.round()
    node, read = desk.nodes["lab"], desk.nodes["lab"].read
    node.hold(2, 1, 1000)
    desk.watch(*(wallet(number) for number in (1, 2)))
    desk.rounds["lab"]._met.clear()

    async def hangs(block, calls):
        if any(not call.data.startswith(b"[") for call in calls):
            await asyncio.Event().wait()
        return await read(block, calls)

    node.read = hangs
    node.log(TAKEN, 1, block=node.number + 1)
    node.hold(1, 0.5, 500)
    node.mine()
    desk.now += 12
    outcome = asyncio.run(one_round(desk.rounds["lab"], desk.now, 0.05))
    assert isinstance(outcome, ReadError)
    node.read = read
    assert len(texts(desk.round(), "liquidated")) == 1


def test_what_the_owner_did_to_a_position_that_is_gone_needs_no_word(desk):
    desk.round()
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.log(ACTED, 1, block=node.number + 1)
    node.fault = ReadError("rpc", "no logs now")
    desk.round(400)
    node.fault = None
    assert [alert.kind for alert in desk.round(REST).alerts] == ["closed"]


def test_a_position_that_is_met_after_it_was_liquidated_in_part_is_told_of(desk):
    node = desk.nodes["lab"]
    node.accounts.clear()
    node.hold(2, 1, 1000)
    desk.watch(*(wallet(number) for number in (1, 2)))
    desk.round()
    node.hold(1, 1, 1000)
    node.log(TAKEN, 1, block=node.number + 1)
    found = desk.round(400)
    assert next(row.severity for row in found.rows if row.label == "w1") is Severity.LIQUIDATED


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
