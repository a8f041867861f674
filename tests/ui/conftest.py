"""Screens look the same whatever terminal the tests are started from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from textual.css.stylesheet import Stylesheet

from tests.ui.idle import until_idle
from tests.ui.watchlists import two_wallets

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.config.store import WatchlistStore


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TMUX", "TERM_PROGRAM", "KITTY_WINDOW_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


_RULES: dict[Any, Any] = {}


@pytest.fixture(autouse=True)
def sheets_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same style sheets in the same colours need not be parsed for each of hundreds of apps."""
    parse = Stylesheet._parse_rules

    def remembered(sheet: Stylesheet, *args: Any, **named: Any) -> Any:
        key = (args, *named.items(), *sheet._variables.items())
        if key not in _RULES:
            _RULES[key] = parse(sheet, *args, **named)
        return _RULES[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", remembered)


@pytest.fixture(autouse=True)
def patient_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pilot", "app"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", until_idle)


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    """A watchlist of two wallets, in a file."""
    return two_wallets(tmp_path)
