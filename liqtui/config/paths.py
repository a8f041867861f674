"""Where the program's files are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from liqtui.config import folders

if TYPE_CHECKING:
    from collections.abc import Mapping


class Paths(NamedTuple):
    config: Path
    """config.toml, the person's."""
    config_named: bool
    """It was named by --config, so it has to exist."""
    watchlist: Path
    themes: Path
    """Directory of the person's own themes."""
    state: Path
    """Directory of what the program remembers."""

    @property
    def history(self) -> Path:
        return self.state / "history.sqlite"

    @property
    def lock(self) -> Path:
        return self.state / folders.LOCK

    @property
    def socket(self) -> Path:
        return self.state / folders.SOCKET


def locate(config: Path | None = None, watchlist: Path | None = None, env: Mapping[str, str] | None = None) -> Paths:
    """Paths by option, then by LIQTUI_CONFIG_DIR and LIQTUI_STATE_DIR, then by the system's custom (XDG).

    --config and --watchlist each move their own file only.
    """
    env = os.environ if env is None else env
    config_dir, state_dir = Path(folders.config_dir(env)), Path(folders.state_dir(env))
    return Paths(
        config=_absolute(config) if config else config_dir / "config.toml",
        config_named=config is not None,
        watchlist=_absolute(watchlist) if watchlist else config_dir / "watchlist.toml",
        themes=config_dir / "themes",
        state=state_dir,
    )


def private_dir(path: Path) -> Path:
    """The directory, made with mode 0700 where it is missing. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _absolute(path: Path) -> Path:
    return Path(folders.absolute(str(path)))
