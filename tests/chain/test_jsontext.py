"""JSON that would end the process is refused, and all other JSON is read as usual."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.chain.jsontext import parse

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_ordinary_values_are_read(value: Any) -> None:
    assert parse(json.dumps(value)) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


def test_brackets_in_texts_are_no_nesting() -> None:
    value = [{"message": "expected ] or }, not {[("}] * 10
    assert parse(json.dumps(value)) == value


def test_wide_is_not_deep() -> None:
    value = [{"topics": [["a"], []], "data": {}}] * 5000
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"nul"])
def test_broken_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_no_nesting_ends_the_process_even_with_a_raised_recursion_limit() -> None:
    script = """
import sys
from liqtui.chain.jsontext import parse
sys.setrecursionlimit(10**6)
for text in (b"[" * 10**6, b'{"a":' * 10**6, b"[" * 10**6 + b"]" * 10**6, b"[{},[" * 10**5):
    try:
        parse(text)
    except ValueError:
        print("refused")
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout.split()) == (0, ["refused"] * 4)
