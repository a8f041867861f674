"""The screen: `liqtui [ADDRESS…]`, and the same screen on a tape."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from liqtui.cli.greeting import is_terminal
from liqtui.cli.terminal import Terminal, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.theme import Theme

    from liqtui.cli.arguments import Arguments
    from liqtui.config.load import Config
    from liqtui.config.paths import Paths
    from liqtui.config.store import WatchlistStore
    from liqtui.engine.handle import EngineHandle
    from liqtui.ui.state import Settings

EXIT_USAGE = 64


def run(args: Arguments) -> int:
    if not is_terminal():
        print(
            "liqtui: the screen needs a terminal that can draw one; `liqtui check` prints once, `status` a line",
            file=sys.stderr,
        )
        return EXIT_USAGE
    gc.disable()  # the collector would only walk through imports; the app turns it on after the first frame
    try:
        from liqtui.cli.attach import engine_for
        from liqtui.cli.session import begin

        session = begin(args)
        return show(engine_for(args, session), session.store, args, session.config, session.paths)
    finally:
        gc.enable()


def terminal_for(args: Arguments, config: Config) -> Terminal:
    def switch(option: bool | None, setting: str) -> str:
        return setting if option is None else "on" if option else "off"

    ui = config.ui
    return prepare(args.color or ui.color, switch(args.ascii, ui.ascii), switch(args.mouse, ui.mouse), os.environ)


def show(engine: EngineHandle, store: WatchlistStore | None, args: Arguments, config: Config, paths: Paths) -> int:
    """Run the screen on an engine until the person leaves."""
    terminal = terminal_for(args, config)
    terminal.apply(os.environ)  # before textual is imported: it reads its environment then
    gc.disable()  # the collector would only walk through imports; the app turns it on after the first frame
    from liqtui.ui.app import LiqtuiApp
    from liqtui.ui.app import run as run_app

    chosen = _theme(args.theme or config.ui.theme or terminal.theme, paths.themes)
    settings = _settings(config, terminal, chosen.name, paths)
    app = LiqtuiApp(engine, store, settings, own_themes=(chosen,), more_themes=lambda: _themes(paths.themes))
    run_app(app, mouse=terminal.mouse)
    return app.return_code or 0


def _theme(wanted: str, person: Path) -> Theme:
    """Raises ConfigError when it is unusable."""
    from liqtui.config.themes import find
    from liqtui.ui import theme

    return theme.of(find(wanted, person))


def _themes(person: Path) -> Sequence[Theme]:
    """All that can be switched to."""
    from liqtui.config.themes import load_all
    from liqtui.ui import theme

    return [theme.of(data) for data in load_all(person)[0]]


def _settings(config: Config, terminal: Terminal, theme: str, paths: Paths) -> Settings:
    from liqtui.core.redact import redact_url
    from liqtui.ui.bindings import actions
    from liqtui.ui.state import Asked, Settings

    ui = config.ui
    return Settings(
        ascii=terminal.ascii,
        theme=theme,
        keymap=config.keymap(actions()),
        chain_tags={name: chain.tag for name, chain in config.chains.items()},
        thresholds=config.thresholds,
        rules=config.rules,
        targets=config.targets,
        target=config.target,
        bell=ui.bell,
        seconds=ui.seconds,
        notify=ui.notify if ui.notify in {"auto", "off"} else f"osc{ui.notify}",
        path_watchlist=str(paths.watchlist),
        asked=tuple(
            Asked(name, chain.public, tuple(redact_url(url) for url in (*chain.rpc, *chain.ws)))
            for name, chain in config.chains.items()
        ),
    )
