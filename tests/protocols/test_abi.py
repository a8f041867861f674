"""The word codec against eth_abi, and what it refuses."""

from __future__ import annotations

import inspect

import eth_abi
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from liqtui.core.reads import Call, Failure
from liqtui.protocols import aave_v3_abi, price_sources
from liqtui.protocols.abi import (
    Function,
    address,
    addresses,
    answer,
    array,
    as_address,
    ask,
    encode,
    encode_word,
    flag,
    function,
    ok,
    signed,
    sint,
    string,
    string_or_bytes32,
    uint,
    words,
)

UINT = st.integers(0, 2**256 - 1)
INT = st.integers(-(2**255), 2**255 - 1)
ADDRESS = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
FUNCTIONS = [
    thing
    for module in (aave_v3_abi, price_sources)
    for _, thing in inspect.getmembers(module)
    if isinstance(thing, Function)
]


def test_every_selector_is_that_of_its_signature() -> None:
    assert len(FUNCTIONS) > 40
    for each in FUNCTIONS:
        assert keccak(text=each.signature)[:4] == each.selector, each.signature


@given(ADDRESS, UINT, st.lists(ADDRESS, max_size=5), st.booleans(), st.lists(UINT, max_size=5))
def test_arguments_are_encoded_as_eth_abi_does(
    one: str, two: int, three: list[str], four: bool, five: list[int]
) -> None:
    expected = eth_abi.encode(["address", "uint256", "address[]", "bool", "uint256[]"], [one, two, three, four, five])
    assert encode(one, two, three, four, five) == expected


@given(INT)
def test_signed_words(value: int) -> None:
    assert encode_word(value) == eth_abi.encode(["int256"], [value])
    assert sint(encode_word(value)) == value
    assert signed(uint(encode_word(value))) == value


@given(st.lists(UINT, min_size=1, max_size=6), st.binary(max_size=40))
def test_words_are_decoded_as_eth_abi_does(values: list[int], trailing: bytes) -> None:
    data = eth_abi.encode(["uint256"] * len(values), values)
    assert words(data + trailing, len(values)) == values
    assert uint(data) == values[0]


@given(st.lists(ADDRESS, max_size=6), st.lists(UINT, max_size=6))
def test_arrays(some: list[str], values: list[int]) -> None:
    assert addresses(eth_abi.encode(["address[]"], [some])) == tuple(some)
    assert array(eth_abi.encode(["address[]", "uint256[]"], [some, values]), at=1) == values


@given(TEXT, UINT)
def test_strings(text: str, value: int) -> None:
    assert string(eth_abi.encode(["string"], [text])) == text
    assert string(eth_abi.encode(["uint256", "string"], [value, text]), at=1) == text
    assert string(eth_abi.encode(["(uint256,string)"], [(value, text)]), at=1, base=32) == text
    assert string_or_bytes32(eth_abi.encode(["string"], [text])) == text


@given(st.binary())
def test_nothing_but_value_errors_comes_of_any_bytes(data: bytes) -> None:
    for read in (uint, sint, flag, address, addresses, array, string, string_or_bytes32):
        try:
            read(data)
        except ValueError:
            continue


@given(st.binary(), st.integers(0, 10))
def test_a_cut_answer_is_refused(tail: bytes, count: int) -> None:
    data = tail[: max(0, 32 * count - 1)]
    assert ok(data, count) == (len(data) >= 32 * count)
    if len(data) < 32 * count:
        with pytest.raises(ValueError, match="were expected"):
            words(data, count)


def test_an_array_that_claims_more_than_there_is_is_refused() -> None:
    data = encode_word(32) + encode_word(2) + encode_word(5)
    with pytest.raises(ValueError, match="past the end"):
        array(data)
    with pytest.raises(ValueError, match="past the end"):
        array(encode_word(2**255))
    with pytest.raises(ValueError, match="past the end"):
        array(encode_word(32) + encode_word(2**200))


def test_a_string_that_claims_more_than_there_is_is_refused() -> None:
    with pytest.raises(ValueError, match="string runs past"):
        string(encode_word(32) + encode_word(33) + bytes(32))
    with pytest.raises(ValueError, match="string offset"):
        string(encode_word(32), at=1)
    with pytest.raises(ValueError, match="past the end"):
        string_or_bytes32(encode_word(2**255) * 3)


def test_old_symbols_are_32_bytes() -> None:
    assert string_or_bytes32(b"MKR".ljust(32, b"\0")) == "MKR"
    assert string_or_bytes32(b"\xff\xfe".ljust(32, b"\0")) == "��"


def test_failures_say_why() -> None:
    with pytest.raises(ValueError, match="revert paused"):
        answer(Failure("revert", "paused"))
    assert not ok(Failure("revert"))
    assert not ok(b"")
    assert ok(bytes(32))


def test_what_is_no_address_or_bool_is_refused() -> None:
    with pytest.raises(ValueError, match="not an address"):
        as_address(2**160)
    with pytest.raises(ValueError, match="not an address"):
        encode_word("0x1234")
    with pytest.raises(ValueError, match="not a bool"):
        flag(encode_word(2))
    assert flag(encode_word(1)) is True
    assert flag(encode_word(0)) is False
    with pytest.raises(OverflowError):
        encode_word(2**256)


def test_a_function_makes_calls() -> None:
    balance = function("balanceOf(address)", "70a08231")
    token = "0x" + "12" * 20
    assert balance.at(token, token) == Call(token, bytes.fromhex("70a08231") + bytes(12) + bytes.fromhex("12" * 20))
    assert function("decimals()", "313ce567").at(token).data == bytes.fromhex("313ce567")


def test_ask_is_one_step_by_key() -> None:
    calls = {"a": Call("0x01", b"1"), "b": Call("0x02", b"2")}
    plan = ask(calls)
    assert next(plan) == list(calls.values())
    with pytest.raises(StopIteration) as stop:
        plan.send([b"x", b"y"])
    assert stop.value.value == {"a": b"x", "b": b"y"}
