"""The Textual app: takes snapshots from the engine's thread, gives them to the screens, rings on alerts."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from textual import events, on
from textual._compositor import ChopsUpdate
from textual.app import App, SystemCommand
from textual.filter import Monochrome, NoColor
from textual.message import Message

from liqtui.ui import signals, takeover
from liqtui.ui import theme as themes
from liqtui.ui.bell import Bell
from liqtui.ui.bindings import bindings
from liqtui.ui.dashboard import Dashboard
from liqtui.ui.host import AppHost
from liqtui.ui.keyboard import Keyboard
from liqtui.ui.state import AppState, Settings
from liqtui.ui.style import DEFAULT_VARIABLES, AsciiFilter, Palette
from liqtui.ui.tight import TightUpdate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType
    from textual.binding import BindingType
    from textual.filter import LineFilter
    from textual.screen import Screen
    from textual.theme import Theme

    from liqtui.core.clock import Clock
    from liqtui.engine.handle import EngineHandle

_INTERRUPT_WITHIN = 2.0
"""Seconds between the two ctrl+c that leave."""
_LISTEN_EVERY = 5.0
"""Seconds between looks whether the engine still speaks."""


@runtime_checkable
class Restyled(Protocol):
    """A screen with lines of its own, painted in the theme's colours."""

    def restyle(self) -> None:
        """There is another theme."""
        ...


@runtime_checkable
class Refreshing(Protocol):
    """A screen that shows figures of the snapshot."""

    def refresh_all(self) -> None:
        """There is a newer snapshot."""
        ...


class LiqtuiApp(App[None]):
    """One engine, one state, and the dashboard below whatever else is open."""

    CSS_PATH = "styles.tcss"
    TITLE = "liqtui"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("everywhere")]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    class SnapshotReady(Message):
        """There is a newer snapshot. The handler reads the newest, so a backlog of any size is one repaint."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, LiqtuiApp.SnapshotReady)

    def __init__(
        self,
        engine: EngineHandle,
        store: Any = None,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        own_themes: Sequence[Theme] = (),
        more_themes: Callable[[], Sequence[Theme]] = tuple,
    ) -> None:
        """`more_themes` are what can be switched to besides, and are asked for after the first frame."""
        super().__init__()
        settings = settings or Settings()
        self.state = AppState(engine, store, settings)
        if clock is not None:
            self.state.clock = clock
        self.state.accept(engine.snapshot())
        self.own_themes: frozenset[str] = frozenset()
        for one in themes.BUILT_IN:
            self.register_theme(one)
        self._offer(own_themes)
        self._more_themes = more_themes
        self.theme = settings.theme if settings.theme in self.available_themes else "liqtui-dark"
        self.stylesheet.set_variables(self.get_css_variables())
        self._styled = self.theme
        self._palette: tuple[str, Palette] | None = None
        self._posted = False
        self._unsubscribe: Callable[[], None] | None = None
        self._interrupted = float("-inf")
        self.takeover_offered = False
        self._ascii, self._no_color = AsciiFilter(), NoColor()
        self.bell_ringer = Bell(settings, os.environ)
        self._keyboard = Keyboard(self, super().on_event)
        self.host = AppHost(self)
        self.dashboard = Dashboard(self.state)
        self.set_keymap(dict(settings.keymap))

    # Colours

    def refresh_css(self, animate: bool = True) -> None:
        """Not for the theme that all is styled in: textual would parse every style a second time at the start."""
        if self.theme != self._styled:
            super().refresh_css(animate=animate)
            self._styled = self.theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULT_VARIABLES)

    def _offer(self, own: Sequence[Theme]) -> None:
        """Themes of the person's, or of files that ship, to choose from."""
        for one in own:
            self.register_theme(one)
        self.own_themes |= {theme.name for theme in own}

    @property
    def palette(self) -> Palette:
        if self._palette is None or self._palette[0] != self.theme:
            self._palette = (self.theme, Palette(self.theme_variables))
        return self._palette[1]

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual chooses what NO_COLOR means before it knows the theme: greys, which would make black on black of the
        terminal's own colours.
        """
        plain = self.native_ansi_color
        filters = [
            self._no_color if plain and isinstance(each, Monochrome) else each for each in super().get_line_filters()
        ]
        return [*filters, self._ascii] if self.state.settings.ascii else filters

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate):
            renderable = TightUpdate.of(renderable)
        super()._display(screen, renderable)  # pyright: ignore[reportUnknownMemberType]

    # Start and end

    def get_default_screen(self) -> Screen[Any]:
        return self.dashboard

    def on_mount(self) -> None:
        self._unsubscribe = self.state.engine.subscribe(self._heard)
        self.theme_changed_signal.subscribe(self, self._restyle)
        self.set_interval(_LISTEN_EVERY, self._listen)
        self._catch_signals()
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        """The first frame is out: what was made until now lives as long as the program."""
        gc.freeze()
        gc.enable()
        self.state.engine.start()
        self.take_snapshot()
        self._ring()  # what is open already is not rung for
        self._offer(self._more_themes())
        self.host.welcome()

    def _catch_signals(self) -> None:
        if self.is_headless:
            return
        loop = asyncio.get_running_loop()

        def leave() -> None:
            loop.call_soon_threadsafe(self.exit)

        signals.on_kill(leave, self.state.engine.stop)

    def on_unmount(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        """End the engine; once is enough."""
        if self._unsubscribe is not None:
            unsubscribe, self._unsubscribe = self._unsubscribe, None
            unsubscribe()
            self.state.engine.stop()

    # Snapshots

    def _heard(self, version: int) -> None:
        """In the engine's thread: never blocks, and posts at most one message at a time."""
        del version
        if not self._posted:
            self._posted = True
            self.post_message(self.SnapshotReady())

    @on(SnapshotReady)
    def take_snapshot(self) -> None:
        self._posted = False
        before = self.state.snapshot
        newest = self.state.engine.snapshot()
        self.state.accept(newest)
        if newest is before:
            return
        if len(newest.feeds) != len(before.feeds):
            self.dashboard.relayout()
        else:
            self.dashboard.refresh_all()
        for screen in self.screen_stack:
            if screen is not self.dashboard and isinstance(screen, Refreshing):
                screen.refresh_all()
        self._ring()
        takeover.mind(self)

    def _listen(self) -> None:
        """An engine that died or stands still calls nobody: it is asked. So may the terminal be gone: then we end."""
        if not self.is_headless and signals.terminal_is_gone():
            self.state.engine.stop()
            os._exit(signals.EXIT_HANGUP)  # nobody is left to restore a screen for, and writing to it may block
        if self.state.engine.snapshot() is not self.state.snapshot:
            self.take_snapshot()
            return
        self.dashboard.verdict.update()
        self._ring()
        takeover.mind(self)

    def _ring(self) -> None:
        driver = self._driver
        written = self.bell_ringer.sequences(self.state.snapshot, self.state.clock.monotonic(), self.state.worst)
        if driver is not None and written:
            driver.write(written)

    def _restyle(self, theme: Theme) -> None:
        del theme
        self._palette = None
        for screen in self.screen_stack:
            if isinstance(screen, Restyled):
                screen.restyle()

    # Keys that work everywhere

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self._keyboard.take(event)
        else:
            await super().on_event(event)

    def action_interrupt(self) -> None:
        """ctrl+c twice leaves; once only says so."""
        now = self.state.clock.monotonic()
        if now - self._interrupted <= _INTERRUPT_WITHIN:
            self.exit()
            return
        self._interrupted = now
        self.host.say("ctrl+c once more leaves")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette lists what the command line knows."""
        del screen
        return self.host.palette_entries()

    def action_help(self) -> None:
        self.host.show_help()


def run(app: LiqtuiApp, *, mouse: bool = False) -> None:
    """Run until the person leaves. The collector rests until the first frame is painted."""
    gc.disable()
    try:
        app.run(mouse=mouse)
    finally:
        gc.enable()
        app.let_go()
