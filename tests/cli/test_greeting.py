"""When the first text is shown, what decides that before the command line is parsed, and what it must not do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqtui.cli import arguments, greeting
from liqtui.config import folders

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "0x" + "ab" * 20
WORDS = [
    *arguments.COMMANDS, ADDRESS, "a.eth", "ä-b.eth", "--config", "c.toml", "--config=c", "--theme", "--ascii",
    "--no-ascii", "--mouse", "--color", "16", "--", "--nope", "--json",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=5))
def test_it_agrees_with_the_parser(argv: list[str]) -> None:
    """Whatever is parsed to the screen was greeted, and nothing else was."""
    try:
        command = arguments.parse(argv).command
    except arguments.UsageError:
        return
    assert greeting.opens_screen(argv) is (command == arguments.TUI)


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["--version"], ["--ascii", "--help"], ["-hx"], [ADDRESS, "-h"]])
def test_help_is_no_screen(argv: list[str]) -> None:
    assert not greeting.opens_screen(argv)


def test_no_command_can_be_taken_for_a_wallet() -> None:
    assert not any(greeting.opens_screen([name]) for name in arguments.COMMANDS)


class Terminal:
    """A stream of a terminal that keeps what it gets."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    made = Terminal()
    streams = SimpleNamespace(stdin=made, stdout=made, stderr=made)
    monkeypatch.setattr(greeting, "sys", streams)  # not the real ones, which pytest changes between fixture and test
    monkeypatch.setenv(folders.STATE_DIR, str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / folders.VERDICT).write_text('{"at": 1, "counts": {"critical": 2}}')
    return made


@pytest.mark.parametrize(
    ("argv", "glyph"),
    [([], "▲"), (["--ascii"], "!"), (["--ascii", "--no-ascii"], "▲"), (["--no-ascii", "--ascii"], "!")],
)
def test_tells_the_last_verdict(terminal: Terminal, argv: list[str], glyph: str) -> None:
    assert greeting.greet(argv)
    assert f"{glyph} 2 CRITICAL" in terminal.text


def test_a_locale_without_utf8_gets_ascii(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert greeting.greet([])
    assert terminal.text.isascii()


@pytest.mark.parametrize("wrong", ["missing", "not text", "no home"])
def test_a_verdict_that_cannot_be_read_stops_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: str
) -> None:
    if wrong == "missing":
        (tmp_path / folders.VERDICT).unlink()
    elif wrong == "not text":
        (tmp_path / folders.VERDICT).write_bytes(b"\xff\xfe")
    else:
        monkeypatch.setenv(folders.STATE_DIR, "~nobody-of-that-name/state")
    assert greeting.greet([])
    assert "starting" in terminal.text


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_nothing_is_written_without_a_terminal(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    monkeypatch.setattr(greeting.sys, stream, None)
    assert not greeting.greet([])
    assert terminal.text == ""
