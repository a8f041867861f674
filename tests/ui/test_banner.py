"""The first line on the screen, from whatever the saved verdict holds."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.engine import verdict
from liqtui.ui.banner import ALTERNATE_SCREEN, banner
from tests.ui import scenes


def test_tells_the_last_verdict_and_its_age(tmp_path) -> None:
    verdict.write(verdict.of(scenes.snapshot()), tmp_path)
    saved = (tmp_path / verdict.FILE).read_text(encoding="utf-8")
    line = banner(saved, scenes.NOW + 3 * 3600, 160)
    assert line.startswith(ALTERNATE_SCREEN)
    assert "last seen 3 h ago:  ▲ 1 CRITICAL  ◆ 2 WARN  ● 16 OK  ◌ 1 BLIND  worst 1.042~ treasury" in line
    plain = banner(saved, scenes.NOW, 160, ascii_only=True).removeprefix(ALTERNATE_SCREEN)
    assert plain.isascii()
    assert "! 1 CRITICAL" in plain


@pytest.mark.parametrize(
    "saved", ["", "{", "[]", "7", '{"at": "x", "counts": 3, "health": [1], "title": {}}', '{"at": 1e999}']
)
def test_a_broken_file_costs_only_the_verdict(saved: str) -> None:
    assert banner(saved, scenes.NOW, 80).startswith(f"{ALTERNATE_SCREEN} liqtui   starting …")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("at", "counts", "health", "title"), json_values)),
       st.integers(1, 200))  # fmt: skip
def test_nothing_in_the_file_can_break_the_start(values: dict[str, object], width: int) -> None:
    line = banner(json.dumps(values), scenes.NOW, width).removeprefix(ALTERNATE_SCREEN)
    assert len(line) <= width
    assert "\x1b" not in line
    assert "\n" not in line


def test_it_needs_neither_textual_nor_rich() -> None:
    code = "import sys, liqtui.ui.banner; print([m for m in ('textual', 'rich', 'httpx', 'web3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
