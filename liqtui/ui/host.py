"""What commands and keys ask of the app: the one place where a wish becomes a dialog, a change or a remark."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from liqtui.config.errors import ConfigError, WatchlistError
from liqtui.core.redact import redact
from liqtui.engine.handle import Attachment
from liqtui.ui.state import SortBy
from liqtui.ui.wallet_host import WalletWishes
from liqtui.ui.wish import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import SystemCommand
    from textual.screen import Screen

    from liqtui.ui.app import LiqtuiApp
    from liqtui.ui.commands import Registry
    from liqtui.ui.dashboard import Dashboard
    from liqtui.ui.state import AppState


class AppHost(WalletWishes):
    """Implements `liqtui.ui.commands.Host` over the app."""

    def __init__(self, app: LiqtuiApp) -> None:
        self.app = app

    @cached_property
    def registry(self) -> Registry:
        """Made when the first command is typed or listed: the first frame needs none."""
        from liqtui.ui.commands import registry

        return registry()

    @property
    def state(self) -> AppState:
        return self.app.state

    @property
    def dashboard(self) -> Dashboard:
        return self.app.dashboard

    def complete(self, text: str) -> list[str]:
        return self.registry.completions(self, text)

    def execute(self, text: str) -> None:
        """Do a typed command; what went wrong is said at the bottom."""
        try:
            self.registry.run(self, text)
        except CommandError as fault:
            self.say(str(fault))

    def say(self, remark: str) -> None:
        """At the bottom of whatever screen is open; of the one below a dialog, which has no such line."""
        from liqtui.ui.header import Footer
        from liqtui.ui.prompt import Prompt

        screen = next(screen for screen in reversed(self.app.screen_stack) if screen.query(Footer))
        screen.query_one(Footer).say(remark)
        for prompt in screen.query(Prompt):
            if prompt.open:  # in the place of that line
                prompt.hint(remark)

    def palette_entries(self) -> Iterator[SystemCommand]:
        """A line for each command, or for each thing that its argument can be."""
        from textual.app import SystemCommand

        for command in self.registry:
            choices = command.choices(self)
            for choice in choices:
                yield SystemCommand(
                    f"{command.name} {choice}", command.help, partial(self.execute, f"{command.name} {choice}")
                )
            if not command.needs_argument:
                yield SystemCommand(command.name, command.help, partial(self.execute, command.name))
            elif not choices:
                yield SystemCommand(
                    command.usage[1:], command.help, partial(self.dashboard.open_command, f"{command.name} ")
                )

    def show_help(self) -> None:
        from liqtui.ui.header import Footer
        from liqtui.ui.help import HelpScreen

        contexts = next((keys.contexts for keys in self.app.screen.query(Footer)), ("dashboard", "everywhere"))
        if self.state.engine.playback is not None:
            contexts = (*contexts, "tape")
        self.app.push_screen(HelpScreen(self.state, contexts, self.registry))

    def show_notes(self) -> None:
        from liqtui.ui.notes import NotesScreen

        self.app.push_screen(NotesScreen(self.state))

    def leave(self) -> None:
        self.app.exit()

    def narrow(self, wallet: str | None) -> None:
        self.dashboard.narrow(wallet)

    def themes(self) -> Sequence[str]:
        return sorted(
            name for name in self.app.available_themes if name.startswith("liqtui") or name in self.app.own_themes
        )

    def use_theme(self, name: str) -> None:
        self.app.theme = name

    def sort_by(self, key: str) -> None:
        self.state.sort = SortBy(key)
        self.dashboard.refresh_all()

    def filter_by(self, text: str) -> None:
        self.dashboard.filter_by(text)

    def read_now(self) -> None:
        self.dashboard.action_refresh_now()

    def take_over(self) -> None:
        """Run an engine here in place of a daemon that is gone."""
        engine = self.state.engine
        if not isinstance(engine, Attachment):
            raise CommandError("no daemon was attached to: the engine runs here")
        if engine.daemon is None:
            raise CommandError("the engine runs here already")
        if engine.loss is None:
            trouble = self.state.snapshot.engine_error
            how = "is there, and starts its engine again by itself" if trouble else "is well"
            raise CommandError(f"the daemon {how}: end process {engine.daemon} first, then take over")
        try:
            engine.take_over()
        except (ConfigError, WatchlistError) as fault:
            self.say(f"not taken over: {redact(str(fault)).splitlines()[0]}")
            return
        self.app.take_snapshot()
        self.say("the engine runs here from now on, and ends with this screen")

    def acknowledge(self, every: bool) -> None:
        if every:
            self.dashboard.action_ack_all()
        else:
            self.dashboard.action_ack()

    def alert_log(self, text: str) -> None:
        from liqtui.ui.alert_screen import AlertScreen

        self.app.push_screen(AlertScreen(self.state, text))

    def toggle_freeze(self) -> None:
        self.dashboard.action_freeze()

    def go_to(self, number: int) -> None:
        rows = len(self.state.rows())
        if not 1 <= number <= rows:
            raise CommandError(f"there are rows 1 to {rows}" if rows else "the list is empty")
        self.dashboard.positions.move_to(number - 1)

    def copy_row(self) -> None:
        self.dashboard.action_copy_row()


def host_of(screen: Screen[Any]) -> AppHost:
    return cast("LiqtuiApp", cast("Any", screen).app).host
