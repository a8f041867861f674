"""The screen: `liqtui [ADDRESS…]`, and the same screen on a tape."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

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
    from liqtui.config import paths

    if not is_terminal():
        print("liqtui: the screen needs a terminal; `liqtui check` prints once, `status` a line", file=sys.stderr)
        return EXIT_USAGE
    show_banner(paths.locate(args.config, args.watchlist).verdict, ascii_only=_ascii_at_first(args))
    gc.disable()  # the collector would only walk through imports; the app turns it on after the first frame
    try:
        from liqtui.cli.attach import engine_for
        from liqtui.cli.session import begin

        session = begin(args)
        return show(engine_for(args, session), session.store, args, session.config, session.paths)
    except BaseException:
        gc.enable()
        leave_banner()  # what is wrong has to be read on the ordinary screen
        raise


def is_terminal() -> bool:
    """Whether there is a person at both ends: Textual reads keys from stdin and draws on stderr."""
    return sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def terminal_for(args: Arguments, config: Config) -> Terminal:
    def switch(option: bool | None, setting: str) -> str:
        return setting if option is None else "on" if option else "off"

    ui = config.ui
    return prepare(args.color or ui.color, switch(args.ascii, ui.ascii), switch(args.mouse, ui.mouse), os.environ)


def _ascii_at_first(args: Arguments) -> bool:
    """Before the configuration is read: by option and locale."""
    wanted = "auto" if args.ascii is None else "on" if args.ascii else "off"
    return prepare("auto", wanted, "auto", os.environ).ascii


def show_banner(verdict: Path, *, ascii_only: bool) -> None:
    """The last verdict at once, raw, before anything is read or loaded that it does not need."""
    from liqtui.ui.banner import banner

    try:
        saved = verdict.read_text(encoding="utf-8")
    except (OSError, ValueError):
        saved = ""
    width = shutil.get_terminal_size().columns
    sys.stderr.write(banner(saved, time.time(), width, ascii_only=ascii_only))
    sys.stderr.flush()


def leave_banner() -> None:
    from liqtui.ui.banner import ORDINARY_SCREEN

    sys.stderr.write(ORDINARY_SCREEN)
    sys.stderr.flush()


def show(engine: EngineHandle, store: WatchlistStore | None, args: Arguments, config: Config, paths: Paths) -> int:
    """Run the screen on an engine until the person leaves."""
    terminal = terminal_for(args, config)
    terminal.apply(os.environ)  # before textual is imported: it reads its environment then
    gc.disable()  # the collector would only walk through imports; the app turns it on after the first frame
    from liqtui.ui.app import LiqtuiApp
    from liqtui.ui.app import run as run_app

    name, themes = _themes(args.theme or config.ui.theme or terminal.theme, paths.themes)
    app = LiqtuiApp(engine, store, _settings(config, terminal, name, paths), own_themes=themes)
    run_app(app, mouse=terminal.mouse)
    return app.return_code or 0


def _themes(wanted: str, person: Path) -> tuple[str, Sequence[Theme]]:
    """The theme to use and all that can be switched to. Raises ConfigError when the wanted one is unusable."""
    from liqtui.config.themes import find, load_all
    from liqtui.ui import theme

    chosen = find(wanted, person)
    themes, _ = load_all(person)
    return chosen.name, [theme.of(data) for data in themes]


def _settings(config: Config, terminal: Terminal, theme: str, paths: Paths) -> Settings:
    from liqtui.ui.bindings import actions
    from liqtui.ui.state import Settings

    ui = config.ui
    return Settings(
        ascii=terminal.ascii,
        theme=theme,
        keymap=config.keymap(actions()),
        chain_tags={name: chain.tag for name, chain in config.chains.items()},
        thresholds=config.thresholds,
        targets=config.targets,
        target=config.target,
        bell=ui.bell,
        notify=ui.notify if ui.notify in {"auto", "off"} else f"osc{ui.notify}",
        path_watchlist=str(paths.watchlist),
    )
