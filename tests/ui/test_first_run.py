"""The first run, and commands about wallets."""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.core.snapshot import Freshness, Snapshot, Stage
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds
from liqtui.ui.commands import CommandError
from liqtui.ui.wallet_host import editor
from liqtui.ui.welcome import WelcomeScreen
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, post, stage
from tests.ui.watchlists import (
    OTHER,
    VITALIK,
    app_on,
    form_of,
    paste,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


async def test_the_first_wallet_ends_the_welcome(tmp_path: Path) -> None:
    empty = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    empty.load()
    app = make(Snapshot(1, scenes.NOW, chains=scenes.CHAINS, ready=True), store=empty)
    async with stage(app) as pilot:
        assert isinstance(app.screen, WelcomeScreen)
        await pilot.press("enter")
        await form_of(pilot)
        await paste(pilot, VITALIK)
        await save(pilot)
        assert app.screen is app.dashboard
        assert empty.path.stat().st_mode & 0o777 == 0o600


async def test_the_welcome_can_be_left_and_does_not_come_where_wallets_are(
    store: WatchlistStore, tmp_path: Path
) -> None:
    app = app_on(store)
    async with stage(app):
        assert app.screen is app.dashboard
    empty = WatchlistStore(tmp_path / "none.toml", checksum)
    app = make(Snapshot(1, scenes.NOW), store=empty)
    async with stage(app) as pilot:
        await pilot.press("question_mark", "escape", "escape")
        await pilot.pause()
        assert app.screen is app.dashboard


@pytest.mark.parametrize(
    "stages",
    [
        (Stage("aave-v3", "core", done=False),),
        (Stage("aave-v3", "core", done=True, positions=16),),
        (Stage("aave-v3", "core", done=True), Stage("spark", "spark", done=False)),
    ],
    ids=["asked", "found, not read", "one of two"],
)
async def test_while_new_wallets_are_looked_for_nobody_says_that_they_hold_nothing(stages: tuple[Stage, ...]) -> None:
    """An engine that was ready for the list before is so for this one too."""
    chain = replace(scenes.CHAINS[0], stages=stages, error="", freshness=Freshness.FRESH)
    app = make(scenes.snapshot(rows=(), chains=(chain,), ready=True))
    async with stage(app) as pilot:
        text = frames.text(app)
        assert "no positions" not in text
        assert "no borrow positions" not in text
        assert text.count("reading the chains") == 2, "verdict and list"
        none = replace(
            chain, stages=(Stage("aave-v3", "core", done=True), Stage("spark", "spark", done=False, error="x"))
        )
        await post(pilot, scenes.snapshot(2, rows=(), chains=(none,), ready=True))
        text = frames.text(app)
        assert "none in what was read" in text
        assert "in what was read: no borrow positions of 6 wallets" in text


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10), (30, 6)])
async def test_where_nothing_was_read_nobody_says_that_there_is_nothing(size: tuple[int, int]) -> None:
    """No endpoint answers: silence must never look like safety."""
    dead = tuple(
        replace(chain, block=None, stages=(), error="no endpoint answers", freshness=Freshness.BLIND)
        for chain in scenes.CHAINS
    )
    app = make(scenes.snapshot(rows=(), feeds=(), alerts=(), chains=dead, ready=True))
    async with stage(app, size):
        text = frames.text(app)
    assert "no positions" not in text
    assert "no borrow positions" not in text
    assert "nothing was read" in text.splitlines()[0 if size[1] < 30 else 1]
    assert "nothing could be read" in text
    assert "4" in text.splitlines()[0 if size[1] < 30 else 1], "chains that are unread"


async def test_thresholds_command_edits_the_selected_wallet(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        app.host.execute("thresholds 1.4 1.15")
        await pilot.pause()
        assert store.current.wallets[0].thresholds == Thresholds(140 * WAD // 100, 115 * WAD // 100)
        assert "thresholds of treasury saved" in frames.text(app)


async def test_edit_reads_what_the_editor_left(store: WatchlistStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(store)
    async with stage(app) as pilot:

        def edited(command: list[str]) -> None:
            assert command[-1] == str(store.path)
            store.path.write_text(f'[[wallet]]\naddress = "{OTHER}"\nlabel = "by hand"\n')

        monkeypatch.setattr(app.host, "_suspended", edited)
        monkeypatch.setenv("EDITOR", "ed -s")
        app.host.execute("edit")
        await pilot.pause()
        assert [w.label for w in store.current.wallets] == ["by hand"]
        assert engine_of(app).watched[-1][0].address == OTHER

        monkeypatch.setattr(app.host, "_suspended", lambda _: store.path.write_text('[[wallet]]\naddress = "0x12"\n'))
        app.host.execute("edit")
        await pilot.pause()
        assert "is not an address" in frames.text(app)
        assert [w.label for w in store.current.wallets] == ["by hand"], "the list before the mistake stays"


def test_the_editor_is_the_persons() -> None:
    assert editor({"VISUAL": "", "EDITOR": "emacs -nw"}) == ["emacs", "-nw"]
    assert editor({"VISUAL": "vim", "EDITOR": "ed"}) == ["vim"]
    with pytest.raises(CommandError, match="EDITOR"):
        editor({"EDITOR": "'unclosed"})


async def test_an_editor_that_does_not_start_leaves_no_blank_terminal(
    store: WatchlistStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Textual takes the terminal back only where nothing goes wrong meanwhile."""
    back: list[str] = []

    @contextmanager
    def given_away() -> Iterator[None]:
        yield
        back.append("taken back")

    monkeypatch.setenv("VISUAL", "no-such-editor --wait")
    app = app_on(store)
    async with stage(app) as pilot:
        monkeypatch.setattr(app, "suspend", given_away)
        app.host.execute("edit")
        await pilot.pause()
        assert back == ["taken back"]
        assert "no-such-editor could not be started: No such file" in frames.text(app).splitlines()[-1]


async def test_an_interrupt_while_the_editor_has_the_terminal_does_not_end_the_watch(
    store: WatchlistStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys make signals again there, for everybody who is in the foreground."""
    monkeypatch.setenv("VISUAL", "sh -c 'kill -INT $PPID; sleep 0.1; kill -INT $$'")
    before = signal.getsignal(signal.SIGINT)
    app = app_on(store)
    async with stage(app) as pilot:
        monkeypatch.setattr(app, "suspend", nullcontext)
        app.host.execute("edit")
        await pilot.pause()
        assert "2 wallets after the edit" in frames.text(app).splitlines()[-1]
    assert signal.getsignal(signal.SIGINT) is before
