"""Wallets typed or pasted: nothing typed is lost, nothing wrong is saved, what is not saved is watched all the same."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING

import pytest
from textual.widgets import TextArea

from liqtui.chain.addresses import checksum
from liqtui.config.store import WatchlistStore
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.ui.wallet_form import WalletForm
from liqtui.ui.welcome import WelcomeScreen
from tests.ui import frames
from tests.ui.stage import engine_of, stage
from tests.ui.watchlists import (
    DEGEN,
    OTHER,
    TREASURY,
    VITALIK,
    adding,
    app_on,
    fill,
    form_of,
    full_disk,
    list_of,
    lookups,
    paste,
    save,
    words,
)

if TYPE_CHECKING:
    from pathlib import Path


# Adding


async def test_add_one_with_all_its_fields(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        form = await adding(pilot, VITALIK.lower())
        fill(form, label="cold", tags="dao, cold", chains="ethereum base", warn="1.35", critical="1,1", note="a note")
        await save(pilot)
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
        form = await adding(pilot, f"{VITALIK}, cold\n{OTHER}")
        fill(form, tags="new")
        await save(pilot)
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


async def test_a_label_for_several_is_refused_in_words_not_dropped(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        app.host.add_wallets("")
        form = await form_of(pilot)
        await paste(pilot, f"{VITALIK}\n{checksum(OTHER.lower())}")
        fill(form, label="cold")
        await pilot.pause()
        assert "the label is for one wallet" in words(app)
        await save(pilot)
        assert app.screen is form
        assert len(store.current.wallets) == 2
        fill(form, label="")
        await save(pilot)
        assert len(store.current.wallets) == 4


async def test_wrong_lines_are_left_out_only_when_asked_twice(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        await adding(pilot, f"{VITALIK}\n0x12\n{TREASURY}")
        await pilot.press("ctrl+s")
        assert "ctrl+s again leaves it out and saves 1" in words(app)
        assert len(store.current.wallets) == 2
        await save(pilot)
        assert [w.address for w in store.current.wallets] == [TREASURY, DEGEN, VITALIK]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"warn": "1.1", "critical": "1.2"}, "warn has to be above critical"),
        ({"warn": "1.04"}, "warn has to be above critical, which is 1.05 where nothing is typed"),
        ({"critical": "1.9"}, "critical has to be under warn, which is 1.2 where nothing is typed"),
        ({"warn": "0.9"}, "warn has to be a decimal above 1"),
        ({"critical": "much"}, "is not a number such as 1.20"),
        ({"chains": "etherum"}, "ethereum"),
    ],
)
async def test_wrong_fields_are_said_at_once(store: WatchlistStore, fields: dict[str, str], said: str) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        form = await adding(pilot, VITALIK)
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
        await adding(pilot, "vitalik.eth")
        await lookups(pilot)
        assert "✓ vitalik.eth → 0xd8dA…6045" in frames.text(app)
        await save(pilot)
        assert (store.current.wallets[-1].address, store.current.wallets[-1].name) == (VITALIK, "vitalik.eth")


async def test_looking_up_blocks_nothing_and_saves_when_the_answer_comes(store: WatchlistStore) -> None:
    app = app_on(store)
    answer: Future[str] = Future()
    engine_of(app).resolve = lambda _: answer  # type: ignore[method-assign]
    async with stage(app) as pilot:
        form = await adding(pilot, "slow.eth")
        await save(pilot)
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
        form = await adding(pilot, "nobody.eth")
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "✗ nobody.eth has no address" in frames.text(app)
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
        await adding(pilot, f"{VITALIK}\nnobody.eth\n0x12")
        await pilot.press("ctrl+s")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert "ctrl+s again leaves it out and saves 1" in words(app)
        await save(pilot)
        assert [w.address for w in store.current.wallets] == [TREASURY, DEGEN, VITALIK]


async def test_a_name_of_a_watched_address_is_a_double(store: WatchlistStore) -> None:
    app = app_on(store)
    engine_of(app).names = {"dao.eth": TREASURY}
    async with stage(app) as pilot:
        await adding(pilot, "dao.eth")
        await lookups(pilot)
        assert "is already watched, as treasury" in frames.text(app)


# Leaving and failing


async def test_escape_gives_up_what_was_typed_only_when_asked_twice(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app) as pilot:
        form = await adding(pilot, VITALIK)
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


@pytest.mark.parametrize(("size", "height"), [((120, 36), 21), ((80, 24), 18), ((40, 10), 10)])
async def test_a_long_list_makes_the_form_no_higher_than_it_has_lines(
    store: WatchlistStore, size: tuple[int, int], height: int
) -> None:
    app = app_on(store)
    async with stage(app, size) as pilot:
        app.host.add_wallets("\n".join(f"0x{number:040x}" for number in range(1, 17)))
        await pilot.pause()
        await pilot.pause()
        assert app.screen.query_one("#form").outer_size.height == height
        assert app.screen.query_one("#addresses").size.height == max(2, size[1] // 4)


async def test_of_what_is_longer_than_its_field_the_end_is_seen(store: WatchlistStore) -> None:
    """A scroll bar would take the field's only line."""
    app = app_on(store)
    async with stage(app, (60, 24)) as pilot:
        await pilot.press("e", *"x a name that is longer than its field is wide")
        await pilot.pause()
        assert any("label" in line and "field is wide" in line for line in frames.text(app).splitlines())


async def test_a_full_disk_loses_nothing(store: WatchlistStore, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_on(store)
    before = store.path.read_bytes()
    async with stage(app) as pilot:
        screen = await list_of(app, pilot)
        form = await adding(pilot, VITALIK)
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
        await adding(pilot, VITALIK)
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
