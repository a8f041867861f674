"""Every key is found on the line on which a person sees it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from liqtui.config import toml
from liqtui.config.errors import ConfigError

FILE = Path("config.toml")

SAMPLE = '''\
# a comment with [brackets] and "quotes"
top = """
[not.a.table]
key = 1 \\""" still text"""
a.b = 1
[chains."odd name"]
rpc = [
  "https://x/#not-a-comment",   # "a comment"
  'literal \\',
]
inline = { one = 1, two = { three = [1, {four = 4}] } }
date = 1979-05-27 07:32:00   # with a space
[[wallet]]
address = "x"
[wallet.thresholds]
warn = 1.2
[[wallet]]
  "address" = \'\'\'two\'\'\'\'\'
[wallet.positions."a:b"]
critical = 1
'''


def test_lines_of_a_file_with_everything() -> None:
    values, source = toml.parse(SAMPLE, FILE)
    assert values["wallet"][1]["address"] == "two''"
    expected = {
        ("top",): 2,
        ("a", "b"): 5,
        ("chains", "odd name"): 6,
        ("chains", "odd name", "rpc"): 7,
        ("chains", "odd name", "rpc", 0): 8,
        ("chains", "odd name", "rpc", 1): 9,
        ("chains", "odd name", "inline", "two", "three", 1, "four"): 11,
        ("chains", "odd name", "date"): 12,
        ("wallet", 0): 13,
        ("wallet", 0, "thresholds", "warn"): 16,
        ("wallet", 1): 17,
        ("wallet", 1, "address"): 18,
        ("wallet", 1, "positions", "a:b", "critical"): 20,
    }
    assert {path: source.line(path) for path in expected} == expected


def test_what_is_not_there_is_placed_at_what_is_around_it() -> None:
    _, source = toml.parse(SAMPLE, FILE)
    assert source.line(("wallet", 1, "label")) == 17
    assert source.line(("nowhere",)) is None
    assert str(source.error(("wallet", 1, "label"), "is missing")) == "config.toml:17: wallet[2].label: is missing"


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ('x = "', 1), ("ok = 1\n\n[t\n", 3), ("a = nope", 1)],
)
def test_syntax_errors_carry_their_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        toml.parse(text, FILE)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"config.toml:{line}: not valid TOML: ")


def test_windows_line_ends_count_once() -> None:
    _, source = toml.parse("a = 1\r\n\r\nb = 2\r\n", FILE)
    assert source.line(("b",)) == 3


def test_text_that_is_not_utf8_is_placed(tmp_path: Path) -> None:
    (file := tmp_path / "config.toml").write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(ConfigError) as caught:
        toml.read(file)
    assert caught.value.line == 2


KEYS = st.text(st.sampled_from("ab-_.é \"'#[]=\\\n"), min_size=1, max_size=4)
SCALARS = st.one_of(
    st.integers(-(2**60), 2**60), st.booleans(), st.text(st.sampled_from("ab\"'#[]{}=,\\\n "), max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found |= paths(inner, (*path, key))
    return found


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_every_key_of_any_file_is_found(values: dict[str, object], multiline: bool) -> None:
    text = tomli_w.dumps(values, multiline_strings=multiline)
    assert tomllib.loads(text) == values
    _, source = toml.parse(text, FILE)
    assert paths(values) <= set(source.lines)
    count = len(text.split("\n"))
    assert all(1 <= line <= count for line in source.lines.values())
