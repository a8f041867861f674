"""The same wallet changed here and in the file: the person decides, and nothing is lost meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.ui.wallet_conflict import ConflictDialog
from tests.ui import frames
from tests.ui.stage import engine_of, stage
from tests.ui.watchlists import (
    TREASURY,
    app_on,
    fill,
    form_of,
    full_disk,
    list_of,
    save,
    words,
)

if TYPE_CHECKING:
    from textual.pilot import Pilot


def outside(store: WatchlistStore, **changes: str) -> None:
    """Another program changes the treasury."""
    other = WatchlistStore(store.path, checksum)
    other.load()
    other.edit(TREASURY, replace(other.current.wallets[0], **changes))


async def conflicting(pilot: Pilot[None], store: WatchlistStore) -> ConflictDialog:
    await pilot.press("e")
    form = await form_of(pilot)
    fill(form, label="mine", tags="one two")
    outside(store, label="theirs", note="from outside")
    await pilot.press("ctrl+s")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, ConflictDialog)
    return dialog


@pytest.mark.parametrize(
    ("key", "label", "tags", "note"),
    [
        ("m", "mine", ("one", "two"), "multisig 3/5"),
        ("f", "theirs", ("dao",), "from outside"),
        ("b", "mine", ("one", "two"), "from outside"),
    ],
)
async def test_a_conflict_is_decided_by_the_person(
    store: WatchlistStore, key: str, label: str, tags: tuple[str, ...], note: str
) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await conflicting(pilot, store)
        text = frames.text(app)
        for word in ("mine", "theirs", "from outside", "keep mine", "take the file", "merge both"):
            assert word in text
        await pilot.press(key)
        await pilot.pause()
        assert app.screen is app.dashboard
        now = WatchlistStore(store.path, checksum).load().wallets[0]
        assert (now.label, now.tags, now.note) == (label, tags, note)
        assert engine_of(app).watched[-1][0] == now


async def test_a_conflict_can_wait_and_loses_nothing(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await conflicting(pilot, store)
        await pilot.press("escape")
        await pilot.pause()
        form = await form_of(pilot)
        assert form.value("label") == "mine"
        assert WatchlistStore(store.path, checksum).load().wallets[0].label == "theirs"


async def test_edits_of_different_wallets_need_no_question(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("j", "enter")
        form = await form_of(pilot)
        fill(form, label="farm")
        outside(store, label="dao")
        await save(pilot)
        assert [w.label for w in WatchlistStore(store.path, checksum).load().wallets] == ["dao", "farm"]


async def test_an_edit_outside_is_noticed_and_watched(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        app.host.look_at_watchlist()
        assert engine_of(app).watched == [], "nothing has changed"
        outside(store, label="from outside")
        app.host.look_at_watchlist()
        await pilot.pause()
        assert engine_of(app).watched[-1][0].label == "from outside"
        assert "the watchlist was changed outside" in frames.text(app)


async def test_a_mistake_outside_keeps_the_list_and_is_named(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        store.path.write_text("[[wallet]\n")
        app.host.look_at_watchlist()
        await pilot.pause()
        assert "watchlist.toml: line 1" in frames.text(app)
        assert engine_of(app).watched == []
        assert [w.label for w in store.current.wallets] == ["treasury", "degen-1"]


async def test_an_edit_outside_during_a_dialog_waits_for_the_save(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("e")
        form = await form_of(pilot)
        fill(form, label="mine")
        outside(store, label="theirs")
        app.host.look_at_watchlist()
        await save(pilot)
        assert isinstance(app.screen, ConflictDialog)


async def test_a_conflict_while_the_disk_is_full_stays_open(
    store: WatchlistStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        dialog = await conflicting(pilot, store)
        full_disk(monkeypatch)
        await pilot.press("m")
        assert app.screen is dialog
        assert "no space left" in words(app)
