"""Past rounds of a feed: which are asked for, and which answers count."""

from liqtui.core.reads import Failure
from liqtui.protocols.feed_history import GET_ROUND_DATA, ROUNDS, STRIDE, past_rounds

FEED, MUTE = "0x" + "fe" * 20, "0x" + "aa" * 20
PHASE = 3 << 64


def round_data(number, answer, updated_at):
    words = (number, answer, updated_at, updated_at, number)
    return b"".join(word.to_bytes(32, "big", signed=word < 0) for word in words)


def run(plan, answer):
    steps, results = [], None
    try:
        while True:
            calls = plan.send(results)
            steps.append(calls)
            results = [answer(call) for call in calls]
    except StopIteration as stop:
        return stop.value, steps


def number_of(call):
    return int.from_bytes(call.data[4:], "big") if call.data[:4] == GET_ROUND_DATA.selector else None


def test_every_eighth_round_back_in_the_same_phase_oldest_first():
    def answer(call):
        number = number_of(call)
        if number is None:
            return round_data(PHASE | 1000, 500, 9_000)
        return round_data(number, number - PHASE, (number - PHASE) * 9)

    found, steps = run(past_rounds([FEED, FEED]), answer)
    assert [len(step) for step in steps] == [1, ROUNDS]
    assert found == {FEED: tuple(((1000 - back * STRIDE) * 9, 1000 - back * STRIDE) for back in range(ROUNDS, 0, -1))}


def test_a_young_phase_has_few_rounds_and_a_mute_feed_none():
    def answer(call):
        if call.target == MUTE:
            return Failure("revert")
        number = number_of(call)
        return round_data(PHASE | 17, 5, 1) if number is None else round_data(number, 5, number - PHASE)

    found, steps = run(past_rounds([FEED, MUTE]), answer)
    assert found == {FEED: ((1, 5), (9, 5))}
    assert {call.target for call in steps[1]} == {FEED}


def test_rounds_that_do_not_exist_or_have_no_price_are_left_out():
    answers = {992: round_data(992, 7, 70), 984: round_data(984, -7, 60), 976: round_data(976, 7, 0), 968: b"\0" * 64}

    def answer(call):
        number = number_of(call)
        return round_data(1000, 8, 80) if number is None else answers.get(number, Failure("revert"))

    assert run(past_rounds([FEED]), answer)[0] == {FEED: ((70, 7),)}


def test_without_a_feed_that_tells_nothing_more_is_asked():
    found, steps = run(past_rounds([MUTE]), lambda _call: b"\0" * 32)
    assert found == {}
    assert len(steps) == 1
