"""The list of wallets by keyboard: order, removal and its undo, import."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Input

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist
from liqtui.core.snapshot import Snapshot
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.ui.state import Asked
from liqtui.ui.wallet_import import ImportDialog
from liqtui.ui.wallet_screens import WalletsScreen, columns
from liqtui.ui.welcome import WelcomeScreen
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage
from tests.ui.watchlists import (
    TREASURY,
    VITALIK,
    adding,
    app_on,
    fill,
    form_of,
    list_of,
    save,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frames(store: WatchlistStore, size: tuple[int, int]) -> None:
    app = app_on(store)
    name = f"{size[0]}x{size[1]}"
    async with stage(app, size) as pilot:
        await list_of(app, pilot)
        frames.check(f"wallets-{name}", frames.text(app))
        await adding(pilot, f"{VITALIK}\n{TREASURY}\n0x12")
        frames.check(f"wallet-form-{name}", await frames.settled(pilot, "line 2"))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_welcome_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    empty = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    empty.load()
    many = ("https://node.example", "https://rpc.other.example/…", *(f"https://{name}.example" for name in "abcdefg"))
    asked = (
        Asked("ethereum", public=True, hosts=many),
        Asked("base", public=False, hosts=("http://127.0.0.1:8545", "wss://node.example/…")),
        Asked("arbitrum", public=True, hosts=many[:1]),
        Asked("lab", public=False, hosts=()),
    )
    app = make(Snapshot(1, scenes.NOW), store=empty, path_watchlist="~/watchlist.toml", asked=asked)
    async with stage(app, size):
        assert isinstance(app.screen, WelcomeScreen)
        text = frames.text(app)
        frames.check(f"welcome-{size[0]}x{size[1]}", text)
        assert "sign" in text
        assert "0 endpoints" not in text, "nothing has to be read before it is told whom it asks"


# The list


async def test_edit_keeps_what_the_form_does_not_show(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("j", "enter")
        form = await form_of(pilot)
        fill(form, label="farm", warn="1.5")
        await save(pilot)
        edited = store.current.wallets[1]
        assert edited.label == "farm"
        assert edited.thresholds == Thresholds(warn=15 * WAD // 10, warn_cushion=WAD // 10)


async def test_enter_in_the_last_field_saves(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("e")
        form = await form_of(pilot)
        form.query_one("#note", Input).focus()
        await pilot.press(*" new", "enter")
        await pilot.pause()
        assert store.current.wallets[0].note == "multisig 3/5 new"


async def test_remove_asks_and_undo_brings_it_back_where_it_was(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("x")
        assert "stop watching treasury?" in frames.text(app)
        await pilot.press("j", "k", "x")
        assert len(store.current.wallets) == 2, "going elsewhere answered no"
        await pilot.press("escape")
        assert isinstance(app.screen, WalletsScreen), "escape answered no"
        await pilot.press("x", "x")
        assert [w.label for w in store.current.wallets] == ["degen-1"]
        assert [w.label for w in engine_of(app).watched[-1]] == ["degen-1"]
        await pilot.press("u")
        assert [w.label for w in store.current.wallets] == ["treasury", "degen-1"]
        assert [w.label for w in engine_of(app).watched[-1]] == ["treasury", "degen-1"]
        await pilot.press("ctrl+r")
        assert [w.label for w in store.current.wallets] == ["degen-1"]


@pytest.mark.parametrize("keys", [("enter", "escape"), ("plus", "escape"), ("i", "escape"), ("y",), ("r", "s")])
async def test_whatever_came_between_the_question_is_asked_again(store: WatchlistStore, keys: tuple[str, ...]) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        screen = await list_of(app, pilot)
        for key in ("x", *keys, "x"):
            await pilot.press(key)
            await pilot.pause()
        assert len(store.current.wallets) == 2
        assert screen.list.remark.startswith("stop watching treasury?")
        await pilot.press("x")
        await pilot.pause()
        assert [wallet.label for wallet in store.current.wallets] == ["degen-1"]


async def test_beside_an_own_threshold_the_other_that_applies_is_shown(store: WatchlistStore) -> None:
    treasury = store.current.wallets[0]
    store.edit(treasury.key, replace(treasury, thresholds=Thresholds(warn=135 * WAD // 100)))
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        assert "1.35/1.05" in frames.text(app)


async def test_the_list_opens_where_its_cursor_is(tmp_path: Path) -> None:
    """On the wallet of the selected position; what would be removed has to be seen."""
    store = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    store.load()
    many = tuple(Wallet(checksum(f"0x{n:040x}"), f"wallet {n}") for n in range(1, 101))
    store.save(Watchlist(many))
    app = app_on(store)
    async with stage(app, (80, 24)) as pilot:
        app.state.wallet = many[70].key
        await list_of(app, pilot)
        assert "› · wallet 71" in frames.text(app).replace("›·", "› ·")
        await pilot.resize_terminal(80, 12)
        await pilot.pause()
        assert "wallet 71" in frames.text(app)
        await pilot.press("G")
        await pilot.pause()
        assert "wallet 100" in frames.text(app)


async def test_undo_with_nothing_done_says_so(tmp_path: Path, store: WatchlistStore) -> None:
    fresh = WatchlistStore(store.path, checksum)
    fresh.load()
    app = app_on(fresh)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("u")
        assert "Nothing to undo" in frames.text(app)


async def test_order_by_keys_and_the_cursor_goes_along(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        screen = await list_of(app, pilot)
        await pilot.press("J")
        assert [w.label for w in store.current.wallets] == ["degen-1", "treasury"]
        assert screen.list.chosen is not None
        assert screen.list.chosen.label == "treasury"
        await pilot.press("J")
        assert [w.label for w in store.current.wallets] == ["degen-1", "treasury"], "the end is the end"
        await pilot.press("shift+up")
        assert [w.label for w in WatchlistStore(store.path, checksum).load().wallets] == ["treasury", "degen-1"]


async def test_at_an_end_and_without_a_wallet_the_keys_say_so(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        screen = await list_of(app, pilot)
        await pilot.press("g", "K")
        assert screen.list.remark == "it is the first already"
        await pilot.press("G", "J")
        assert screen.list.remark == "it is the last already"
        store.remove(*(wallet.address for wallet in store.current.wallets))
        for key in ("enter", "x", "K", "y"):
            screen.say("")
            await pilot.press(key)
            assert screen.list.remark == "no wallet here: + adds one", key
            assert app.screen is screen


async def test_import_shows_what_the_file_holds_before_saving(store: WatchlistStore, tmp_path: Path) -> None:
    file = tmp_path / "wallets.csv"
    file.write_text(f"address,label,tags\n{VITALIK},cold,a b\n{TREASURY},again,\n")
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("i")
        assert isinstance(app.screen, ImportDialog)
        await pilot.press(*"/nowhere", "enter")
        assert "there is no such file" in frames.text(app)
        app.screen.query_one(Input).value = str(file)
        await pilot.press("enter")
        await form_of(pilot)
        assert f"✓ {VITALIK}  cold" in frames.text(app)
        assert "is already watched" in frames.text(app)
        await pilot.press("ctrl+s", "ctrl+s")
        await pilot.pause()
        assert (store.current.wallets[-1].label, store.current.wallets[-1].tags) == ("cold", ("a", "b"))


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff\xfe\x00", "not text"), (b"x" * 1_000_001, "larger than a megabyte"), (None, "name a file")],
)
async def test_import_refuses_in_words(store: WatchlistStore, tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "list"
    if content is not None:
        file.write_bytes(content)
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("i")
        app.screen.query_one(Input).value = str(file) if content is not None else ""
        await pilot.press("enter")
        assert said in frames.text(app)


async def test_hostile_labels_print_as_text(store: WatchlistStore) -> None:
    evil = replace(store.current.wallets[0], label="[bold]x[/] " + "y" * 200, note="[link=x]n[/]" * 30)
    store.edit(TREASURY, evil)
    app = app_on(store)
    async with stage(app, (80, 24)) as pilot:
        await list_of(app, pilot)
        assert {strip.cell_length for strip in frames.strips(app)} == {80}
        assert "[bold]x[/]" in frames.text(app)
        await pilot.press("enter")
        await form_of(pilot)
        assert "[bold]x[/]" in frames.text(app)


def test_columns_of_the_list_fit() -> None:
    for width in range(17, 250):
        for label in (0, 20, 99):
            table = columns(width, label)
            assert sum(column.width + 1 for column in table) <= width + 1
            assert len([column for column in table if column.heading == "address"]) <= 1
    assert columns(113, 14)[0].width == 16
    assert columns(150, 30)[0].width == 30, "a label is not cut where there is room for all of it"
