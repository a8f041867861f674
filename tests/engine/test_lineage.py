"""Another chain at the same address, which stands higher than the one before: nothing is made up of the difference."""

import asyncio

import pytest

from liqtui.chain.pool import EndpointPool
from liqtui.core.reads import Call, Failure, ReadError
from liqtui.core.snapshot import Severity
from liqtui.engine import lineage
from liqtui.engine.lineage import EVERY, SETTLED, STOOD_HERE, Lineage, settled
from liqtui.engine.rounds import ChainRounds
from tests.chain.node import nodes, spec_of
from tests.engine.desk import kinds, row
from tests.engine.fakes import START, address, chain, market
from tests.engine.logged import TAKEN, Logging
from tests.engine.witness import Told

ENTRY = "0x" + "aa" * 20


@pytest.fixture
def lab(desk):
    """Read for some minutes; one position of two is critical."""

    def make(**more):
        made = desk(wallets=(1, 2), kind=Told, adapter=Logging(), **more)
        node = made.nodes["lab"]
        node.number = 1000
        node.hold(1, 10, 15_500)
        node.hold(2, 1, 1000)
        for _ in range(12):
            found = made.round()
        assert kinds(found) == ["threshold"]
        return made, node

    return make


def elsewhere(node, **where):
    """Another chain: there it looks as after a liquidation, one position is not there, and the price is another."""
    node.leave(**where)
    node.hold(1, 5.93, 7_750)
    node.accounts.pop((ENTRY, address(2)), None)
    node.price, node.updated_at = 1_500 * 10**8, node.time


def told(found):
    return next(alert for alert in found.alerts if alert.kind == "engine")


MADE_UP = {"liquidated", "closed", "changed", "opened", "price", "velocity"}


def test_amounts_of_another_chain_tell_of_no_liquidation(lab):
    made, node = lab()
    elsewhere(node, since=0, number=5000)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    alert = told(found)
    assert (alert.title, alert.severity, alert.over_at) == ("lab", Severity.CRITICAL, None)
    assert alert.text == (
        "it is another chain, or in another state: its block 991 is not the one of before: its positions begin anew"
    )
    assert {one.label for one in found.rows} == {"w1"}
    assert row(found).trend is None
    found = made.round()
    assert told(found).over_at is not None
    assert not MADE_UP & {*kinds(found)}
    made.round(price=1640)
    node.hold(1, 3.45, 3_875)
    assert "liquidated" in kinds(made.round()), "from there on it is compared again"
    assert kinds(found).count("engine") == 1


def test_what_its_logs_tell_of_the_time_before_is_its_own_affair(lab):
    made, node = lab()
    elsewhere(node, since=0, number=5000)
    node.log(TAKEN, 1, 4990)
    node.log(TAKEN, 2, 4991)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    node.hold(1, 5, 7000)
    node.log(TAKEN, 1, node.number + 1, tx=2)
    found = made.round()
    assert [alert.kind for alert in found.alerts].count("liquidated") == 1
    assert min(first for first, _ in node.asked[-2:]) >= 5001


@pytest.mark.parametrize("depth", [1, 5, 9])
def test_a_reorganisation_of_a_few_blocks_is_none(lab, depth):
    made, node = lab()
    node.leave(since=node.number - depth + 1)
    node.hold(1, 5.93, 7_750)
    node.log(TAKEN, 1, block=node.number)
    found = made.round()
    assert "engine" not in kinds(found)
    assert "liquidated" in kinds(found)
    node.leave(since=node.number - depth + 1, number=node.number - depth)
    found = made.round()
    assert "engine" not in kinds(found)


def test_what_only_blocks_that_are_not_settled_tell_costs_a_line(lab):
    """What was paid in and borrowed in them is undone: by amounts that is a liquidation, but no log knows of one."""
    made, node = lab()
    node.leave(since=node.number)
    node.hold(1, 5.93, 7_750)
    node.accounts.pop((ENTRY, address(2)))
    found = made.round()
    told_by = {alert.kind: alert.text for alert in found.alerts}
    assert kinds(found) == ["threshold", "closed", "recovered"]
    assert "after debt −7,750 USDC" in told_by["recovered"]
    node.hold(2, 1, 1000)
    node.hold(1, 5.93, 9_100)
    assert kinds(made.round())[3:] == ["threshold", "opened"], "and it goes on as before"
    node.hold(1, 3.6, 4_900)
    assert "liquidated" in kinds(made.round())[5:]


def test_where_logs_fail_a_reorganisation_may_hide_a_liquidation(lab):
    made, node = lab()
    node.fault = ReadError("http", "no logs here")
    node.leave(since=node.number)
    node.hold(1, 5.93, 7_750)
    node.accounts.pop((ENTRY, address(2)))
    assert "liquidated" in kinds(made.round())


def test_what_a_node_does_not_tell_is_no_difference(lab):
    made, node = lab()
    node.mute = True
    node.hold(1, 5.93, 7_750)
    found = made.round()
    assert "engine" not in kinds(found)
    assert "liquidated" in kinds(found)


def test_it_is_asked_for_seldom_and_where_much_hangs_on_it(lab):
    made, node = lab()
    rounds = 1000
    node.asked_for.clear()
    for _ in range(rounds):
        made.round()
    assert 0 < len(node.asked_for) <= 2 * rounds * 12 / EVERY + 2
    for debt in (15_400, 15_300, 15_200):
        made.round()
        node.hold(1, 10, debt)
        node.asked_for.clear()
        last = node.number
        made.round()
        assert node.asked_for[0] == last
    node.asked_for.clear()
    made.round()
    assert node.asked_for == []
    node.down = ReadError("timeout", "slow")
    made.round()
    node.down = None
    last = node.number - 1
    made.round()
    assert node.asked_for[0] == last, "what answers after a fault need not be what answered before it"


def test_nobody_is_asked_where_the_head_stands_still(lab):
    made, node = lab()
    node.asked_for.clear()
    for _ in range(100):
        made.round(mine=False)
    assert node.asked_for == []


def test_another_chain_is_told_although_nothing_looks_different_there(lab):
    made, node = lab()
    node.leave(since=0, number=5000)
    for _ in range(int(EVERY / 12) + 1):
        found = made.round()
    assert kinds(found) == ["threshold", "engine"]


@pytest.mark.parametrize("leaves", [True, False])
def test_a_price_of_another_chain_did_not_jump(lab, leaves):
    made, node = lab()
    if leaves:
        node.leave(since=0, number=5000)
        made.rounds["lab"]._lineage.doubt = True
    assert ("price" in kinds(made.round(price=2400))) != leaves
    assert "price" in kinds(made.round(price=2900))


def test_the_pace_of_one_chain_is_not_measured_on_another(lab):
    made, node = lab()
    for _ in range(20):
        made.round(30, price=2000)
    node.leave(since=0, number=5000)
    made.rounds["lab"]._lineage.doubt = True
    for place in range(9):
        found = made.round(30, price=1900 - 7 * place)
    assert "engine" in kinds(found)
    assert "velocity" not in kinds(found)
    assert len(made.monitor._alarms._memories[row(found, "w2").id].pace) == 9


def test_after_a_failure_it_is_told_at_once(lab):
    made, node = lab()
    node.down = ReadError("http", "connection refused")
    made.round()
    node.down = None
    node.leave(since=0, number=5000)
    assert kinds(made.round()) == ["threshold", "engine"]


def test_a_little_lower_is_another_chain_too(lab):
    made, node = lab()
    elsewhere(node, since=0, number=node.number - 6)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    assert "another chain" in told(found).text


def test_a_fork_that_is_reset_has_no_blocks_but_its_last_ones(lab):
    """All that is deep is the same: of the network that both were forked from."""
    made, node = lab()
    for _ in range(int(STOOD_HERE / 12) + 2):
        made.round(mine=False)
    elsewhere(node, since=node.number - 3, number=node.number + 400)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    assert "another chain" in told(found).text


def test_a_public_node_that_was_stuck_on_a_block_that_was_replaced_is_no_other_chain():
    spec = chain(block_time=12.0)
    object.__setattr__(spec, "rpc", ("https://example.org/",))
    node = Told(number=1000)

    async def go():
        made = Lineage(spec, node)
        assert await made.replaced(node.block, START, moved=False) is None
        made.saw(node.block, START, whole=True)
        made.saw(node.block, START + 500, whole=True)
        node.leave(since=1000, number=1050)
        return await made.replaced(node.block, START + 512, moved=True)

    assert asyncio.run(go()) is None
    assert node.asked_for[-3:] == [1000, 990, 1040]


def test_a_chain_that_was_left_while_nothing_ran(lab, tmp_path):
    made, node = lab(folder=tmp_path)
    elsewhere(node, since=0, number=5000)
    made.restart(tmp_path)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    assert "another chain" in told(found).text


def test_a_shorter_one_that_was_begun_while_nothing_ran(lab, tmp_path):
    made, node = lab(folder=tmp_path)
    elsewhere(node, since=0, number=40)
    made.restart(tmp_path)
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    assert "its block 0 is not" in told(found).text


def test_the_same_chain_after_a_restart_is_compared(lab, tmp_path):
    made, node = lab(folder=tmp_path)
    node.hold(1, 5.93, 7_750)
    made.restart(tmp_path)
    found = made.round()
    assert "engine" not in kinds(found)
    assert "liquidated" in kinds(found)


def test_what_cannot_be_read_at_first_begins_anew_when_it_can(lab):
    made, node = lab()
    elsewhere(node, since=0, number=5000)
    node.broken = {ENTRY}
    for _ in range(3):
        found = made.round()
    assert "engine" not in kinds(found), "there is nothing to compare"
    node.broken = set()
    found = made.round(60)
    assert row(found).position.block.number > 5000
    assert not MADE_UP & {*kinds(found)}
    assert told(found).over_at is None


def test_what_cannot_be_read_when_it_is_found_begins_anew_when_it_can(lab):
    made, node = lab()
    elsewhere(node, since=0, number=5000)
    node.broken = {ENTRY}
    made.rounds["lab"]._lineage.doubt = True
    assert told(made.round()).over_at is None
    assert told(made.round()).over_at is not None
    node.broken = set()
    found = made.round(60)
    assert row(found).position.block.number > 5000
    assert not MADE_UP & {*kinds(found)}


def test_it_is_told_although_the_round_that_finds_it_fails(lab):
    made, node = lab()
    elsewhere(node, since=0, number=5000)
    ask, answers = node.hash_at, []

    async def then_fails(number):
        answers.append(await ask(number))
        if len(answers) == 2:  # the last one, and a settled one: so much is known
            node.during = fail
        return answers[-1]

    def fail():
        node.during = None
        raise ReadError("timeout", "slow")

    node.hash_at = then_fails
    assert "engine" not in kinds(made.round())
    found = made.round()
    assert not MADE_UP & {*kinds(found)}
    assert "another chain" in told(found).text


def test_two_chains_behind_one_address_are_told_once(lab):
    made, node = lab()
    for number in range(5000, 10_000, 1000):
        elsewhere(node, since=0, number=number)
        made.rounds["lab"]._lineage.doubt = True
        found = made.round()
        assert not MADE_UP & {*kinds(found)}
        assert told(found).over_at is None
    assert kinds(found).count("engine") == 1
    found = made.round()
    assert told(found).over_at is not None


def test_what_a_node_says_of_the_first_block_says_nothing_against_a_settled_one(lab, tmp_path):
    """Some serve the beginning of a chain from elsewhere, or not as others do."""
    made, node = lab(folder=tmp_path)
    ask = node.hash_of
    node.hash_of = lambda number: ask(number) if number else "0x" + "77" * 32
    node.leave(since=node.number)
    made.restart(tmp_path)
    assert "engine" not in kinds(made.round())
    node.leave(since=node.number)
    node.hold(1, 5.93, 7_750)
    node.log(TAKEN, 1, block=node.number)
    assert "liquidated" in kinds(made.round())


def test_how_deep_is_deep():
    assert settled(chain(block_time=12.0)) == 10
    assert settled(chain(block_time=2.0)) == 60
    assert settled(chain(block_time=0.25)) == 480
    assert settled(chain(block_time=60.0)) == 9
    assert settled(chain(block_time=0.0)) == SETTLED * 10
    assert lineage.STOOD > SETTLED


async def test_over_a_real_connection():
    """A node that is begun again from another state behind the same address, between two rounds."""
    async with nodes() as [node]:
        state = Told()
        state.hold(1, 10, 15_500)

        def serve(data, block):
            answer = state._answer(Call(ENTRY, data))
            return None if isinstance(answer, Failure) else answer

        node.chain.contracts[ENTRY] = serve
        spec = spec_of(node)
        pool = EndpointPool(spec)
        made = ChainRounds(spec, [market()], {"fake": Logging()}, pool, lineage=Lineage(spec, pool))
        made.watch([address(1)])
        try:
            assert (await made.round(START)).replaced is None
            quiet = []
            for place in range(1, 25):
                node.chain.grow()
                before = len(node.seen)
                assert (await made.round(START + 12 * place)).replaced is None
                quiet.append(len(node.seen) - before)
            assert set(quiet) == {2}, "the head, and the figures"
            node.chain.cut(0)
            node.chain.grow(300, fork="begun again")
            state.hold(1, 5.93, 7_750)
            outcome = await made.round(START + 300)
            assert outcome.replaced == 89
            assert outcome.block == node.chain.head
            (found,) = outcome.positions.values()
            assert found.legs[0].amount == 5_930_000_000_000_000_000
            node.chain.grow()
            assert (await made.round(START + 312)).replaced is None, "it is said once"
        finally:
            await pool.close()
