"""Watchlists on the screen: what the tests of wallets share."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from textual.events import Paste
from textual.widgets import Input, Static

from liqtui.chain.addresses import checksum
from liqtui.config import atomic
from liqtui.config.store import WatchlistStore
from liqtui.config.watchlist import Watchlist
from liqtui.core.units import WAD
from liqtui.core.wallet import Thresholds, Wallet
from liqtui.ui.wallet_form import WalletForm
from liqtui.ui.wallet_screens import WalletsScreen
from tests.ui import scenes
from tests.ui.stage import make

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    from liqtui.ui.app import LiqtuiApp

VITALIK = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
OTHER = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"
TREASURY, DEGEN = (checksum(scenes.WALLETS[name].address.lower()) for name in ("treasury", "degen-1"))


def two_wallets(tmp_path: Path) -> WatchlistStore:
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


async def adding(pilot: Pilot[None], text: str) -> WalletForm:
    """The form of a new wallet, with this pasted into it."""
    await pilot.press("plus")
    form = await form_of(pilot)
    await paste(pilot, text)
    return form


async def save(pilot: Pilot[None]) -> None:
    await pilot.press("ctrl+s")
    await pilot.pause()


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
