"""Wallets by keyboard: nothing typed is lost, nothing wrong is saved, what cannot be saved is watched all the same."""

from __future__ import annotations

import asyncio
import errno
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from textual.events import Paste
from textual.widgets import Input, Static, TextArea

from liqtui.chain.addresses import checksum
from liqtui.config import atomic
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist
from liqtui.core.snapshot import Snapshot
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.ui.commands import CommandError
from liqtui.ui.wallet_conflict import ConflictDialog
from liqtui.ui.wallet_form import WalletForm
from liqtui.ui.wallet_host import editor
from liqtui.ui.wallet_import import ImportDialog
from liqtui.ui.wallet_screens import WalletsScreen, columns
from liqtui.ui.welcome import WelcomeScreen
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, stage

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

    from liqtui.ui.app import LiqtuiApp

VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
OTHER = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"
TREASURY, DEGEN = (checksum(scenes.WALLETS[name].address.lower()) for name in ("treasury", "degen-1"))


@pytest.fixture
def store(tmp_path: Path) -> WatchlistStore:
    made = WatchlistStore(tmp_path / "liqtui" / "watchlist.toml", checksum)
    made.load()
    made.save(
        Watchlist(
            (
                Wallet(TREASURY, "treasury", tags=("dao",), note="multisig 3/5"),
                Wallet(DEGEN, "degen-1", thresholds=Thresholds(warn_cushion=WAD // 10)),
            )
        )
    )
    return made


def app_on(store: WatchlistStore | None) -> LiqtuiApp:
    return make(store=store, path_watchlist="watchlist.toml")


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(Paste(text))
    await pilot.pause()


async def lookups(pilot: Pilot[None]) -> None:
    """Let the pause at the keyboard pass, and the names be answered."""
    form = pilot.app.screen
    assert isinstance(form, WalletForm)
    form._ask_names()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def form_of(pilot: Pilot[None]) -> WalletForm:
    await pilot.pause()
    form = pilot.app.screen
    assert isinstance(form, WalletForm)
    return form


async def list_of(app: LiqtuiApp, pilot: Pilot[None]) -> WalletsScreen:
    app.host.manage_wallets()
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, WalletsScreen)
    return screen


def words(app: LiqtuiApp) -> str:
    """All that the dialog on top says, whatever the line breaks."""
    return " ".join(str(static.content) for static in app.screen.query(Static))


def fill(form: WalletForm, **values: str) -> None:
    for name, value in values.items():
        form.query_one(f"#{name}", Input).value = value


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic, "write", write)


# Frames


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_frames(store: WatchlistStore, size: tuple[int, int]) -> None:
    app = app_on(store)
    name = f"{size[0]}x{size[1]}"
    async with stage(app, size) as pilot:
        await list_of(app, pilot)
        frames.check(f"wallets-{name}", frames.text(app))
        await pilot.press("plus")
        await paste(pilot, f"{VITALIK}\n{TREASURY}\n0x12")
        await pilot.pause()
        frames.check(f"wallet-form-{name}", frames.text(app))


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 10)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_welcome_frame(tmp_path: Path, size: tuple[int, int]) -> None:
    empty = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    empty.load()
    chains = tuple(replace(chain, public_endpoints=chain.name != "base") for chain in scenes.CHAINS)
    app = make(Snapshot(1, scenes.NOW, chains=chains, ready=True), store=empty, path_watchlist="~/watchlist.toml")
    async with stage(app, size):
        assert isinstance(app.screen, WelcomeScreen)
        text = frames.text(app)
        frames.check(f"welcome-{size[0]}x{size[1]}", text)
        assert "sign" in text


# Adding


async def test_add_one_with_all_its_fields(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, VITALIK.lower())
        fill(form, label="cold", tags="dao, cold", chains="ethereum base", warn="1.35", critical="1,1", note="a note")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert app.screen is app.dashboard
        added = store.current.wallets[-1]
        assert added == Wallet(
            VITALIK, "cold", "", ("ethereum", "base"), ("dao", "cold"), "a note",
            Thresholds(135 * WAD // 100, 110 * WAD // 100),
        )  # fmt: skip
        assert WatchlistStore(store.path, checksum).load().wallets[-1] == added
        assert engine_of(app).watched[-1][-1] == added
        assert "saved" in frames.text(app)


async def test_several_are_pasted_at_once(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, f"{VITALIK}, cold\n{OTHER}")
        fill(form, label="ignored", tags="new")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert [(w.address, w.label, w.tags) for w in store.current.wallets[2:]] == [
            (VITALIK, "cold", ("new",)),
            (OTHER, "", ("new",)),
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0x12", "0x and 40 hex digits are needed"),
        (VITALIK[:-1] + "6", "wrong checksum"),
        (VITALIK.replace("dA6B", "DA6B"), "wrong checksum"),
        (TREASURY, "is already watched, as treasury"),
        (f"{VITALIK}\n{VITALIK.lower()}", "stands further up already"),
        ("not an address", "neither an address nor an ENS name"),
        ("\x1b[31mevil", "✗"),
        ("[[wallet]]\nlabel = 1", "✗"),
    ],
)
async def test_what_is_wrong_is_said_while_typing_and_never_saved(store: WatchlistStore, text: str, said: str) -> None:
    app = app_on(store)
    before = store.path.read_bytes()
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        form.query_one(TextArea).text = text
        await pilot.pause()
        assert said in words(app)
        await pilot.press("ctrl+s")
        assert app.screen is form
        assert "Nothing was saved" in words(app)
        assert store.path.read_bytes() == before


async def test_wrong_lines_are_left_out_only_when_asked_twice(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        await paste(pilot, f"{VITALIK}\n0x12\n{TREASURY}")
        await pilot.press("ctrl+s")
        assert "ctrl+s again leaves it out and saves 1" in words(app)
        assert len(store.current.wallets) == 2
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert [w.address for w in store.current.wallets] == [TREASURY, DEGEN, VITALIK]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"warn": "1.1", "critical": "1.2"}, "warn has to be above critical"),
        ({"warn": "0.9"}, "warn has to be decimal above 1"),
        ({"critical": "much"}, "is not a number such as 1.20"),
        ({"chains": "etherum"}, "ethereum"),
    ],
)
async def test_wrong_fields_are_said_at_once(store: WatchlistStore, fields: dict[str, str], said: str) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, VITALIK)
        fill(form, **fields)
        await pilot.pause()
        assert said in frames.text(app)
        await pilot.press("ctrl+s")
        assert app.screen is form
        assert len(store.current.wallets) == 2


# Names


async def test_a_name_is_looked_up_and_kept_beside_its_address(store: WatchlistStore) -> None:
    app = app_on(store)
    engine_of(app).names = {"vitalik.eth": VITALIK}
    async with stage(app) as pilot:
        await pilot.press("plus")
        await paste(pilot, "vitalik.eth")
        await lookups(pilot)
        assert "✓ vitalik.eth → 0xd8dA…6045" in frames.text(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert (store.current.wallets[-1].address, store.current.wallets[-1].name) == (VITALIK, "vitalik.eth")


async def test_looking_up_blocks_nothing_and_saves_when_the_answer_comes(store: WatchlistStore) -> None:
    app = app_on(store)
    answer: Future[str] = Future()
    engine_of(app).resolve = lambda _: answer  # type: ignore[method-assign]
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, "slow.eth")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "… slow.eth: asking who that is" in frames.text(app)
        assert "Saved as soon as the name is found" in frames.text(app)
        assert app.screen is form
        await asyncio.get_running_loop().run_in_executor(None, answer.set_result, OTHER)
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.screen is app.dashboard
        assert store.current.wallets[-1].address == OTHER


async def test_a_name_that_is_not_found_is_said_in_place_and_asked_again(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, "nobody.eth")
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "✗ nobody.eth: nobody.eth has no address" in frames.text(app)
        assert "Nothing was saved" in words(app)
        assert "ctrl+s asks again for names" in words(app)
        assert app.screen is form
        engine_of(app).names = {"nobody.eth": OTHER}
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert store.current.wallets[-1].name == "nobody.eth"


async def test_a_name_that_is_not_found_can_be_left_out(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        await paste(pilot, f"{VITALIK}\nnobody.eth\n0x12")
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "ctrl+s again leaves it out and saves 1" in words(app)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert [w.address for w in store.current.wallets] == [TREASURY, DEGEN, VITALIK]


async def test_a_name_of_a_watched_address_is_a_double(store: WatchlistStore) -> None:
    app = app_on(store)
    engine_of(app).names = {"dao.eth": TREASURY}
    async with stage(app) as pilot:
        await pilot.press("plus")
        await paste(pilot, "dao.eth")
        await lookups(pilot)
        assert "is already watched, as treasury" in frames.text(app)


# Leaving and failing


async def test_escape_gives_up_what_was_typed_only_when_asked_twice(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, VITALIK)
        await pilot.press("escape")
        assert app.screen is form
        assert form.text == VITALIK
        assert "esc once more gives up" in frames.text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is app.dashboard
        assert len(store.current.wallets) == 2


async def test_escape_leaves_at_once_when_nothing_was_typed(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await pilot.press("e", "escape")
        await pilot.pause()
        assert app.screen is app.dashboard


async def test_a_full_disk_loses_nothing(store: WatchlistStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(store)
    before = store.path.read_bytes()
    async with stage(app) as pilot:
        screen = await list_of(app, pilot)
        await pilot.press("plus")
        form = await form_of(pilot)
        await paste(pilot, VITALIK)
        with monkeypatch.context() as patch:
            full_disk(patch)
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert app.screen is form, "what was typed is still there"
            assert form.text == VITALIK
            assert "there is no space left on the disk" in words(app)
            assert store.path.read_bytes() == before
            assert engine_of(app).watched[-1][-1].address == VITALIK, "watched all the same"
            await pilot.press("escape", "escape")
            await pilot.pause()
            assert app.screen is screen
            assert "NOT SAVED, s tries again" in frames.text(app)
            await pilot.press("s")
            assert "no space left" in frames.text(app)
        await pilot.press("s")
        assert "saved" in frames.text(app)
        assert "NOT SAVED" not in frames.text(app)
        assert WatchlistStore(store.path, checksum).load().wallets[-1].address == VITALIK


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    store = WatchlistStore(blocker / "watchlist.toml", checksum)
    app = app_on(store)
    async with stage(app) as pilot:
        if isinstance(app.screen, WelcomeScreen):
            await pilot.press("escape")
        await pilot.press("plus")
        await form_of(pilot)
        await paste(pilot, VITALIK)
        await pilot.press("ctrl+s")
        assert "The watchlist was not saved" in frames.text(app)
        assert isinstance(app.screen, WalletForm)


async def test_without_a_watchlist_nothing_can_be_changed_and_it_says_so() -> None:
    app = app_on(None)
    async with stage(app) as pilot:
        await pilot.press("plus")
        assert "no watchlist to change" in words(app)
        await pilot.press("escape")
        await list_of(app, pilot)
        await pilot.press("x", "x")
        assert len(app.state.snapshot.wallets) == 6


# The list


async def test_edit_keeps_what_the_form_does_not_show(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await list_of(app, pilot)
        await pilot.press("j", "enter")
        form = await form_of(pilot)
        fill(form, label="farm", warn="1.5")
        await pilot.press("ctrl+s")
        await pilot.pause()
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
        assert "[bold]x[/] yyyy" in frames.text(app)
        await pilot.press("enter")
        await form_of(pilot)
        assert "[bold]x[/]" in frames.text(app)


def test_columns_of_the_list_fit() -> None:
    for width in range(17, 250):
        table = columns(width)
        assert sum(column.width + 1 for column in table) <= width + 1
        assert len([column for column in table if column.heading == "address"]) <= 1


# Changed in two places


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
        await pilot.press("ctrl+s")
        await pilot.pause()
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
        await pilot.press("ctrl+s")
        await pilot.pause()
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


# The first run, and commands about wallets


async def test_the_first_wallet_ends_the_welcome(tmp_path: Path) -> None:
    empty = WatchlistStore(tmp_path / "watchlist.toml", checksum)
    empty.load()
    app = make(Snapshot(1, scenes.NOW, chains=scenes.CHAINS, ready=True), store=empty)
    async with stage(app) as pilot:
        assert isinstance(app.screen, WelcomeScreen)
        await pilot.press("enter")
        await form_of(pilot)
        await paste(pilot, VITALIK)
        await pilot.press("ctrl+s")
        await pilot.pause()
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
