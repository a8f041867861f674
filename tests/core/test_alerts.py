"""When to speak, when to be silent, and that silence never hides a liquidation or a blindness."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqtui.core.alerts import (
    BAND,
    SETTLE,
    STALE_PATIENCE,
    UNKNOWN_PATIENCE,
    Draft,
    Memory,
    dump,
    load,
)
from liqtui.core.model import Feed, Flag, Health
from liqtui.core.snapshot import Ages, Alert, Freshness, Level, Row, Severity
from liqtui.core.units import WAD
from liqtui.core.wallet import DEFAULT_THRESHOLDS, Thresholds
from tests.core.books import simple
from tests.core.rows import BLOCK, bare, boundary, position, row
from tests.core.story import Story, at, blind, kinds


def test_a_thousand_rounds_around_a_threshold_give_one_alert_and_one_recovery() -> None:
    tell = Story()
    said = tell(at(1.30))
    for index in range(1000):
        said += tell(at(1.1995 if index % 2 else 1.2005))
    said += tell(at(1.30))
    assert [(draft.kind, draft.severity) for draft in said] == [
        ("threshold", Severity.WARN),
        ("recovered", Severity.OK),
    ]


def test_alert_and_recovery_again_after_it_was_over() -> None:
    tell = Story()
    said = [draft for health in (1.30, 1.19, 1.30, 1.19, 1.30) for draft in tell(at(health))]
    assert kinds(said) == ["threshold", "recovered"] * 2


def test_each_step_down_is_said_once_and_each_step_up() -> None:
    tell = Story()
    said = {health: [(d.kind, d.severity) for d in tell(at(health))] for health in (1.3, 1.19, 1.04, 0.99, 0.98)}
    assert said == {
        1.3: [],
        1.19: [("threshold", Severity.WARN)],
        1.04: [("threshold", Severity.CRITICAL)],
        0.99: [("liquidatable", Severity.LIQUIDATABLE)],
        0.98: [],
    }
    back = {health: [(d.kind, d.severity) for d in tell(at(health))] for health in (1.001, 1.03, 1.08, 1.21, 1.23)}
    assert back == {
        1.001: [],
        1.03: [("recovered", Severity.CRITICAL)],
        1.08: [("recovered", Severity.WARN)],
        1.21: [],
        1.23: [("recovered", Severity.OK)],
    }


def test_a_fall_through_everything_is_one_alert() -> None:
    tell = Story()
    assert kinds(tell(at(1.5))) == []
    assert kinds(tell(at(0.9))) == ["liquidatable"]
    assert kinds(tell(at(1.5))) == ["recovered"]


def test_first_sight_of_a_thin_position_is_said() -> None:
    (draft,) = Story()(position(simple()))
    assert draft.kind == "threshold"
    assert draft.severity is Severity.CRITICAL
    assert draft.title == "treasury aave-v3 ethereum"
    assert draft.text == "HF 1.041, under 1.05 · liquidation at ETH 2,308.5 (−4.3%)"
    assert draft.cure == "repay 277,181.17 USDC or add 173.06 ETH to reach 1.25"
    assert draft.position == "1:aave-v3:core:0x1111111111111111111111111111111111111111"
    assert draft.block == 21_000_000


def test_by_cushion_with_its_own_band() -> None:
    limits = Thresholds(warn_cushion=WAD // 10)

    def cushioned(price: int) -> Row:
        return row(at(3.0, boundaries=(boundary("ETH", price),)), limits)

    tell = Story()
    said = [kinds(tell(cushioned(price))) for price in (80, 91, 89, 91, 86, 84, 91)]
    assert said == [[], ["threshold"], [], [], [], ["recovered"], ["threshold"]]


def test_repaying_everything_is_a_recovery() -> None:
    tell = Story()
    tell(at(1.1))
    free = simple()
    free.debts = {}
    (draft,) = tell(bare(free))
    assert (draft.kind, draft.severity) == ("recovered", Severity.OK)
    assert draft.text == "recovered, no debt left · after debt −1,665,752.11 USDC"
    assert draft.cure == ""


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.5, 2.0), max_size=40))
def test_never_silent_under_a_threshold_and_never_twice(path: list[float]) -> None:
    tell = Story()
    said: list[Draft] = []
    for health in path:
        said += tell(at(health))
        current = tell.last
        assert current is not None
        assert tell.memory.level.rank <= current.severity.rank
    for one, other in pairwise(draft for draft in said if draft.kind in {"threshold", "liquidatable", "recovered"}):
        down = other.kind != "recovered"
        assert other.severity.rank < one.severity.rank if down else other.severity.rank > one.severity.rank


@pytest.mark.parametrize("seed", range(4))
def test_trembling_inside_the_band_is_said_once(seed: int) -> None:
    chance = random.Random(seed)
    tell = Story()
    said = tell(at(1.5))
    for _ in range(100):
        said += tell(at(chance.uniform(1.20 * 0.99, 1.20 * (1 + BAND / WAD) * 0.9999)))
    assert len(said) <= 1


def test_blind_once_then_sighted_once() -> None:
    tell = Story()
    tell(at(1.5))
    (lost,) = tell(blind(at(1.5)))
    assert (lost.kind, lost.severity) == ("blind", Severity.BLIND)
    assert lost.text == "no data for 5m: timeout at https://node.example/… · last HF 1.500"
    assert [draft for _ in range(100) for draft in tell(blind(at(1.5)))] == []
    assert tell(at(1.4), wait=600) == [], "one reading may be luck"
    assert tell(at(1.3), wait=SETTLE - 1) == []
    (found,) = tell(at(1.4), wait=1)
    assert (found.kind, found.severity) == ("sighted", Severity.OK)
    assert found.text == "data again after 35m · HF 1.500 → 1.400"
    assert kinds(tell(blind(at(1.4)))) == ["blind"]


def test_what_is_seen_now_and_then_is_one_alert_and_one_recovery() -> None:
    tell, said = Story(), []
    for turn in range(1000):
        said += tell(at(1.4) if turn % 20 == 0 else blind(at(1.4)))
        tell.memory = load(dump({"id": tell.memory}))["id"]
    for _ in range(20):
        said += tell(at(1.4))
    assert kinds(said) == ["blind", "sighted"]
    assert said[1].text.startswith("data again after 3h")


def test_old_figures_raise_no_new_threshold_alert_while_blind() -> None:
    tell = Story()
    tell(at(1.5))
    assert kinds(tell(blind(at(1.0)))) == ["blind"]
    assert kinds(tell(at(1.0))) == ["threshold"]
    assert kinds(tell(at(1.0), wait=SETTLE)) == ["sighted"]


@pytest.mark.parametrize("wait", [0, UNKNOWN_PATIENCE])
def test_a_clock_that_is_set_back_puts_off_no_word_of_blindness(wait: float) -> None:
    """What was not seen since a time that is yet to come would not be told until then."""
    tell = Story()
    unseen = blind(at(1.5)) if not wait else blind(None)
    tell(at(1.5))
    if wait:
        assert tell(unseen) == []
    else:
        tell.memory = tell.memory._replace(unseen_since=tell.now + 7200)
    assert kinds(tell(unseen, wait=-7200) + tell(unseen, wait=wait + 1)) == ["blind"]


def test_blind_carries_the_cure() -> None:
    tell = Story()
    tell(position(simple()))
    (draft,) = tell(blind(position(simple())))
    assert draft.cure.startswith("repay 277,181.17 USDC")


def test_stale_figures_are_judged_and_said_only_when_they_stay_stale() -> None:
    def stale(health: float) -> Row:
        return row(at(health), freshness=Freshness.STALE, ages=Ages(5, 9_000, 3), error="")

    tell = Story()
    tell(at(1.5))
    assert kinds(tell(stale(1.1))) == ["threshold"]
    assert tell(stale(1.1), wait=STALE_PATIENCE - 1) == []
    (draft,) = tell(stale(1.1), wait=1)
    assert (draft.kind, draft.severity) == ("blind", Severity.BLIND)
    assert draft.text == "figures stale for 10m (age of oracle 2h, block 5s, reading 3s)"
    tell(at(1.1))
    assert kinds(tell(at(1.1), wait=SETTLE)) == ["sighted"]
    tell(stale(1.1))
    assert tell(at(1.1)) == []  # short staleness: neither said nor taken back


def test_a_clock_that_was_set_back_delays_no_alert_for_ever() -> None:
    """A year ahead until the network told the time; what it showed then says nothing about how long."""
    tell = Story(Memory(unseen_since=1_000.0 + 365 * 86_400, unseen_health=WAD, health=WAD, seen=True))
    assert kinds(tell(blind(at(1.5)))) == ["blind"]
    tell = Story()
    tell(row(at(1.5), freshness=Freshness.STALE))
    tell.now -= 86_400
    assert tell(row(at(1.5), freshness=Freshness.STALE)) == []
    (draft,) = tell(row(at(1.5), freshness=Freshness.STALE), wait=STALE_PATIENCE)
    assert draft.text.startswith("figures stale for 10m")
    tell = Story()
    tell(blind(at(1.5)))
    tell.now -= 86_400
    tell(at(1.5))
    (draft,) = tell(at(1.5), wait=SETTLE)
    assert draft.text == "data again after 0s · HF 1.500"


def test_a_chain_that_stands_still_is_told_though_a_feed_is_stale_too() -> None:
    """The stale feed is told once for all that hang on it; that must not hide that nothing new is read at all."""
    old = Feed("0x" + "f" * 40, "ETH / USD", "ETH", 1, 8, BLOCK.timestamp - 100_000, 3600)
    stale = row(at(1.5, feeds=(old,)), freshness=Freshness.STALE, ages=Ages(4_000, 100_000, 3))
    tell = Story()
    tell(stale, behind=True)
    (draft,) = tell(stale, wait=STALE_PATIENCE, behind=True, news=False)
    assert draft.text == "figures stale for 10m (age of oracle 1d, block 1h, reading 3s)"
    assert tell(stale) == []
    assert kinds(tell(stale, wait=SETTLE)) == ["sighted"], "the feed alone is left"


def test_better_but_not_clear_of_the_band_is_not_called_recovered() -> None:
    """Under it again nothing is said, since it was never over: nobody may have been told that it was."""
    tell = Story()
    tell(at(1.04))
    (draft,) = tell(at(1.21))
    assert (draft.kind, draft.severity) == ("recovered", Severity.WARN)
    assert draft.text.startswith("HF 1.040 → 1.210, not clear of warn yet")
    assert tell(at(1.19)) == []
    (draft,) = tell(at(1.23))
    assert draft.text.startswith("HF 1.190 → 1.230, recovered")


def test_a_position_that_cannot_be_read_from_the_start_is_said_after_a_while() -> None:
    tell = Story()
    assert tell(blind(None)) == []
    assert tell(blind(None), wait=UNKNOWN_PATIENCE - 1) == []
    (draft,) = tell(blind(None), wait=1)
    assert draft.kind == "blind"
    assert draft.text.endswith("last HF –")
    assert (draft.block, draft.cure) == (None, "")
    assert tell(at(1.5)) == []
    assert kinds(tell(at(1.5), wait=SETTLE)) == ["sighted"]


def test_unknown_health_is_said_and_changes_no_level() -> None:
    unknown = bare(simple(), health=Health(None, None, "no price for ETH"), book=None)
    tell = Story()
    tell(at(1.1))
    assert tell(unknown) == []
    (draft,) = tell(unknown, wait=UNKNOWN_PATIENCE)
    assert draft.text == "health unknown: no price for ETH · last HF 1.100"
    assert tell.memory.level is Severity.WARN
    assert tell.memory.health == 11 * WAD // 10
    stale = row(unknown, freshness=Freshness.STALE)
    again = Story()
    again(stale)
    assert again(stale, wait=UNKNOWN_PATIENCE)[0].text.startswith("health unknown")


def test_unverified_once_and_armed_again() -> None:
    health = 15 * WAD // 10
    off = bare(simple(), health=Health(health, health + 1, "revision 99 is not known"), book=None)
    tell = Story()
    (draft,) = tell(off)
    assert (draft.kind, draft.severity) == ("unverified", Severity.WARN)
    assert draft.text == (
        "own figure 1.500000000000000000, the contract says 1.500000000000000001; "
        "what-if figures are not to be trusted: revision 99 is not known"
    )
    assert [draft for index in range(1000) for draft in tell(at(1.5) if index % 2 else off)] == []
    assert tell(at(1.5), wait=SETTLE) == []
    assert kinds(tell(off)) == ["unverified"]


def test_unverified_by_flag_and_by_a_contracts_no() -> None:
    flagged = at(1.5, flags=(Flag("unverified", "unknown revision"), Flag("paused", "paused")))
    (draft,) = Story()(flagged)
    assert draft.text == "not verified; what-if figures are not to be trusted: unknown revision"
    (draft,) = Story()(bare(simple(), health=Health(15 * WAD // 10, None, verdict=False), book=None)) or [None]
    assert draft is None
    said = Story()(bare(simple(), health=Health(15 * WAD // 10, None, verdict=True), book=None))
    assert kinds(said) == ["liquidatable", "unverified"]
    assert "1.500000000000000000, the contract says it can be liquidated" in said[1].text
    said = Story()(bare(simple(), health=Health(WAD // 2, None, verdict=False), book=None))
    assert "the contract says it cannot be liquidated" in said[-1].text


def test_a_contract_that_does_not_answer_is_no_doubt() -> None:
    assert Story()(bare(simple(), health=Health(15 * WAD // 10, None), book=None)) == []


@given(
    st.builds(
        Memory,
        level=st.sampled_from(Severity),
        health=st.none() | st.integers(0, 2**256 - 1),
        holdings=st.just(()),
        seen=st.booleans(),
        fresh=st.booleans(),
        unseen_since=st.none() | st.floats(0, 1e10),
        unseen_health=st.none() | st.integers(0, 2**256 - 1),
        seen_since=st.none() | st.floats(0, 1e10),
        told_unseen=st.booleans(),
        sure_since=st.none() | st.floats(0, 1e10),
        told_unverified=st.booleans(),
        terms=st.none(),
        read_at=st.none() | st.integers(0, 2**40),
        told_pace=st.sampled_from(Severity),
        told_interest=st.booleans(),
        pace=st.just(()),  # it begins anew
    )
)
def test_memory_outlives_a_restart(memory: Memory) -> None:
    tell = Story()
    tell(at(1.1))
    kept = {"a": memory, "b": memory._replace(holdings=tell.memory.holdings)}
    assert load(dump(kept)) == kept


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"a":1}', '{"a":{}}', '{"a":{"holdings":[[1]],"level":"ok"}}', '{"a":{"holdings":3}}'],
)
def test_damaged_memory_gives_nothing(text: str) -> None:
    assert load(text) == {}


def test_memory_of_another_version_is_not_lost_as_a_whole() -> None:
    kept = Memory(level=Severity.WARN, health=WAD, seen=True)
    written = json.loads(dump({"id": kept}))
    written["id"] |= {"liquidated_at": 5.0, "of_a_later_version": [1]}
    assert load(json.dumps(written)) == {"id": kept}


def test_what_did_not_change_is_the_same_memory() -> None:
    tell = Story()
    tell(at(1.5))
    before = tell.memory
    tell(at(1.5))
    assert tell.memory is before


def test_draft_becomes_an_alert() -> None:
    draft = Draft(1.0, Severity.WARN, "threshold", "t", "x", "p", "c", 7)
    assert draft.numbered(3) == Alert(
        3, 1.0, Severity.WARN, "threshold", "t", "x", "p", "c", None, 7, Level.CALL, ("p",)
    )


def test_default_thresholds_are_those_of_the_design() -> None:
    assert Thresholds(120 * WAD // 100, 105 * WAD // 100) == DEFAULT_THRESHOLDS
