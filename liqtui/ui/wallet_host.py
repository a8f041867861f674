"""What commands and keys ask about wallets and help: the dialogs behind `liqtui.ui.host`."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from liqtui.core.text import clean
from liqtui.ui.wallet_book import WalletBook
from liqtui.ui.wish import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liqtui.core.snapshot import Row
    from liqtui.ui.app import LiqtuiApp
    from liqtui.ui.wallet_book import Outcome

LOOK_EVERY = 3.0
"""Seconds between two looks whether the file was changed outside; a look costs one `stat`."""


class WalletWishes:
    """A part of AppHost. Raises CommandError where a wish cannot be met."""

    app: LiqtuiApp

    def say(self, remark: str) -> None:
        """At the bottom of whatever screen is open."""
        raise NotImplementedError

    @property
    def book(self) -> WalletBook:
        return WalletBook(self.app.state)

    def welcome(self) -> None:
        """After the first frame. Without a wallet there is nothing to show: explain, and lead to the first one."""
        book = self.book
        if book.refusal:
            return
        self.app.set_interval(LOOK_EVERY, self.look_at_watchlist)
        if not book.wallets:
            from liqtui.ui.welcome import WelcomeScreen

            self.app.push_screen(WelcomeScreen(self.app.state))

    def look_at_watchlist(self) -> None:
        """Take over what was changed in the file outside.

        Not while a dialog is open: what is being typed there began from the list as it was, and a change of the
        same wallet has to come up as a conflict when it is saved.
        """
        book = self.book
        dialog = any(isinstance(screen, ModalScreen) for screen in self.app.screen_stack)
        if book.store is None or dialog or not book.store.changed_outside():
            return
        outcome = book.reload()
        if outcome.error:  # said again for as long as it is so: an edit that is not watched must not be forgotten
            self.say(f"{outcome.error.rstrip('.')}. The list before it stays.")
        else:
            self.say("the watchlist was changed outside")

    def add_wallets(self, text: str) -> None:
        from liqtui.ui.wallet_form import WalletForm

        self.app.push_screen(WalletForm(self.book, text=text), self._remark)

    def edit_wallet(self, key: str | None) -> None:
        """The wallet of this lower-case address; without one, all of them."""
        from liqtui.ui.wallet_form import WalletForm

        book = self.book
        wallet = book.find(key) if key else None
        if wallet is None:
            self.manage_wallets()
        else:
            self.app.push_screen(WalletForm(book, wallet), self._remark)

    def edit_rules(self, row: Row | None = None) -> None:
        """Of the wallet of that row, or of the selected one."""
        from liqtui.ui.rule_form import RuleForm

        row = row or self.app.state.selected_row
        book = self.book
        wallet = book.find(row.key.wallet) if row is not None else None
        if row is None or wallet is None:
            raise CommandError("select a position first" if row is None else "its wallet is not watched any more")
        self.app.push_screen(RuleForm(book, wallet, row), self._remark)

    def manage_wallets(self, warning: str = "") -> None:
        from liqtui.ui.wallet_screens import WalletsScreen

        self.app.push_screen(WalletsScreen(self.app.state, warning))

    def _remark(self, saved: bool | None) -> None:
        if self.book.unsaved:
            self.say("the watchlist is not saved: :wallets shows it, s there tries again")
        elif saved:
            self.say("saved; u in :wallets takes it back")

    def set_thresholds(self, warn: int, critical: int) -> None:
        state, book = self.app.state, self.book
        key = state.selected.wallet if state.selected else state.wallet
        wallet = book.find(key) if key else None
        if wallet is None:
            raise CommandError("select a position of the wallet first")
        changed = replace(wallet, thresholds=wallet.thresholds._replace(warn=warn, critical=critical))
        self._say_outcome(book.edit(wallet.key, changed), f"thresholds of {clean(wallet.title, 42)} saved")

    def _say_outcome(self, outcome: Outcome, done: str) -> None:
        if outcome.conflict is not None:
            from liqtui.ui.wallet_conflict import ConflictDialog

            self.app.push_screen(ConflictDialog(self.book, outcome.conflict))
        elif not outcome.done:
            raise CommandError(outcome.error)
        else:
            self.say(done)

    def edit_watchlist(self) -> None:
        """Give the terminal to the person's editor, then read what came of it."""
        book = self.book
        if book.refusal or book.store is None:
            raise CommandError(book.refusal)
        if book.unsaved:
            raise CommandError("there is a change that is not saved yet: :wallets, then s")
        command = editor(os.environ)
        path = book.store.path
        if not path.exists():
            outcome = book.retry()
            if not outcome.done:
                raise CommandError(outcome.error)
        self._suspended([*command, str(path)])
        outcome = book.reload()
        if not outcome.done:
            self.manage_wallets(f"{outcome.error}. The list before it stays; :edit again corrects the file.")
            return
        self.say(f"{len(book.wallets)} wallets after the edit")

    def _suspended(self, command: list[str]) -> None:
        from textual.app import SuspendNotSupported

        failed: OSError | None = None
        try:
            with self.app.suspend():
                # ctrl+c is the editor's: it must not end the watch. Not ignored, which the editor would inherit
                before = signal.signal(signal.SIGINT, _unheard)
                try:
                    subprocess.run(command, check=False)  # noqa: S603 - the person's own editor
                except OSError as fault:  # not past textual, which would leave the terminal as it is then: blank
                    failed = fault
                finally:
                    signal.signal(signal.SIGINT, before)
        except SuspendNotSupported:
            raise CommandError(f"the screen cannot be given away here: edit {command[-1]} in another one") from None
        if failed is not None:
            raise CommandError(f"{command[0]} could not be started: {failed.strerror}")


def _unheard(_number: int, _frame: object) -> None:
    """A signal that is meant for somebody else."""


def editor(environment: Mapping[str, str]) -> list[str]:
    """The person's editor as a command. Raises CommandError when there is none."""
    for name in ("VISUAL", "EDITOR"):
        if environment.get(name, "").strip():
            try:
                return shlex.split(environment[name])
            except ValueError:
                raise CommandError(f"{name} cannot be understood as a command") from None
    for program in ("sensible-editor", "nano", "vi"):
        found = shutil.which(program)
        if found:
            return [str(Path(found))]
    raise CommandError("set EDITOR to your editor")
