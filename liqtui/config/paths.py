"""Where the program's files are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_DIR = "LIQTUI_CONFIG_DIR"
STATE_DIR = "LIQTUI_STATE_DIR"
SOCKET = "liqtui.sock"
"""Of a daemon, in the state folder, beside the lock that says whose it is."""
VERDICT = "verdict.json"
"""The last verdict, in the state folder."""


class Paths(NamedTuple):
    """A tuple: `dataclasses` would be a seventh of what `status` imports."""

    config: Path
    """config.toml, the person's."""
    config_named: bool
    """It was named by --config, so it has to exist."""
    watchlist: Path
    themes: Path
    """Directory of the person's own themes."""
    state: Path
    """Directory of what the program remembers."""
    runtime: Path
    """Directory of what lives until logout."""

    @property
    def verdict(self) -> Path:
        return self.state / VERDICT

    @property
    def history(self) -> Path:
        return self.state / "history.sqlite"

    @property
    def tapes(self) -> Path:
        return self.state / "tapes"

    @property
    def lock(self) -> Path:
        """Of the one instance that writes the history; beside it, so that both are on one file system."""
        return self.state / "liqtui.lock"

    @property
    def socket(self) -> Path:
        return self.state / SOCKET

    @property
    def clipboard(self) -> Path:
        return self.runtime / "clipboard"


def locate(config: Path | None = None, watchlist: Path | None = None, env: Mapping[str, str] | None = None) -> Paths:
    """Paths by option, then by LIQTUI_CONFIG_DIR and LIQTUI_STATE_DIR, then by the system's custom (XDG).

    --config and --watchlist each move their own file only.
    """
    from platformdirs import PlatformDirs

    env = os.environ if env is None else env
    dirs = PlatformDirs("liqtui", appauthor=False)
    config_dir = _from_env(env, CONFIG_DIR) or Path(dirs.user_config_dir)
    state_dir = _from_env(env, STATE_DIR) or Path(dirs.user_state_dir)
    return Paths(
        config=_absolute(config) if config else config_dir / "config.toml",
        config_named=config is not None,
        watchlist=_absolute(watchlist) if watchlist else config_dir / "watchlist.toml",
        themes=config_dir / "themes",
        state=state_dir,
        # Not the folder in /tmp that platformdirs falls back to: anybody could have made it before us.
        runtime=Path(env["XDG_RUNTIME_DIR"]) / "liqtui" if env.get("XDG_RUNTIME_DIR") else state_dir / "run",
    )


def private_dir(path: Path) -> Path:
    """The directory, made with mode 0700 where it is missing. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _from_env(env: Mapping[str, str], name: str) -> Path | None:
    return _absolute(Path(env[name])) if env.get(name) else None


def _absolute(path: Path) -> Path:
    """Not resolved: a symbolic link stays what the person named."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (Path.resolve would follow links)
