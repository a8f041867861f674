"""Our coding of aggregate3 against eth_abi, and answers that were cut or altered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.chain import multicall
from liqtui.chain.batching import chunks
from liqtui.chain.faults import Fault
from liqtui.chain.offenders import Memory
from liqtui.core.reads import Call, Failure
from tests.chain.node import decode_calls, encode_results

calls = st.builds(Call, st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()), st.binary(max_size=100))
results = st.tuples(st.booleans(), st.binary(max_size=200))


@given(st.lists(calls, max_size=12))
def test_encoding_is_read_back_by_eth_abi(wanted: list[Call]) -> None:
    encoded = multicall.encode(wanted)
    assert decode_calls(encoded) == wanted
    assert len(encoded) == 4 + 64 + sum(multicall.call_size(call) for call in wanted)


@given(st.lists(results, min_size=1, max_size=12))
def test_decoding_agrees_with_eth_abi(answers: list[tuple[bool, bytes]]) -> None:
    decoded = multicall.decode(encode_results(answers), len(answers))
    for (success, data), result in zip(answers, decoded, strict=True):
        if success and data:
            assert result == data
        else:
            assert isinstance(result, Failure)
            assert result.kind == ("short" if success else "revert")
            assert result.data == data


@given(st.lists(results, min_size=1, max_size=6), st.data())
def test_a_cut_answer_is_a_fault(answers: list[tuple[bool, bytes]], data: st.DataObject) -> None:
    whole = encode_results(answers)
    unpadded = len(whole) - (-len(answers[-1][1]) % 32)
    with pytest.raises(Fault, match="malformed"):
        multicall.decode(whole[: data.draw(st.integers(0, unpadded - 1))], len(answers))


@given(st.binary(max_size=400), st.integers(1, 4))
def test_garbage_is_a_fault_or_an_answer_of_the_right_size(garbage: bytes, count: int) -> None:
    try:
        decoded = multicall.decode(garbage, count)
    except Fault:
        return  # and no other exception
    assert len(decoded) == count


def test_an_answer_to_another_number_of_calls_is_a_fault() -> None:
    with pytest.raises(Fault, match="another number"):
        multicall.decode(encode_results([(True, b"1")] * 3), 2)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", ""),
        (bytes.fromhex("08c379a0") + b"\0" * 31 + b" " + b"\0" * 31 + b"\3" + b"\x1bno" + b"\0" * 29, "no"),
        (bytes.fromhex("4e487b71") + (0x11).to_bytes(32, "big"), "panic 0x11"),
        (bytes.fromhex("deadbeef"), "error 0xdeadbeef"),
        (bytes.fromhex("08c379a0"), "error 0x08c379a0"),
    ],
)  # fmt: skip
def test_reasons_are_readable(data: bytes, reason: str) -> None:
    assert multicall.revert_reason(data) == reason


@given(st.lists(calls, max_size=40, unique=True), st.integers(1, 10), st.integers(200, 2000), st.data())
def test_chunks_hold_every_call_once_and_greedy_ones_alone(
    wanted: list[Call], most_calls: int, most_bytes: int, data: st.DataObject
) -> None:
    memory = Memory()
    memory.greedy = dict.fromkeys(data.draw(st.lists(st.sampled_from(wanted), max_size=5)), 1) if wanted else {}
    cut = chunks(wanted, memory, most_calls, most_bytes)
    assert sorted(at for chunk in cut for at in chunk) == list(range(len(wanted)))
    for chunk in cut:
        size = sum(multicall.call_size(wanted[at]) for at in chunk)
        assert len(chunk) == 1 or (len(chunk) <= most_calls and size <= most_bytes)
        assert len(chunk) == 1 or not any(wanted[at] in memory.greedy for at in chunk)


def test_whoever_is_accused_again_has_to_prove_itself_for_longer() -> None:
    memory, one, other = Memory(), Call("0x" + "11" * 20, b"1"), Call("0x" + "22" * 20, b"2")
    fails = Failure("unread", "the node cannot run this call")
    for wanted in (1, 4, 16):
        memory.accuse(one)
        memory.acquit({one: fails})
        for place in range(wanted):
            assert one in memory.greedy, place
            memory.acquit({one: b"well"})
        assert one not in memory.greedy
    memory.accuse(one)
    memory.accuse(other)
    memory.acquit({one: Failure("revert", "no")})
    assert set(memory.greedy) == {one}, "a contract that refuses runs: it was the node"
    memory.accuse(other)
    memory.pardon([one, other])
    assert not memory.greedy
