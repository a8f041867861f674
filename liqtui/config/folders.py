"""The two folders of the program's files, as strings. The first text needs one of them, so nothing is imported here
that costs time: neither `pathlib` nor `typing`, and `platformdirs` only where the answer is not plain.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from platformdirs.api import PlatformDirsABC

CONFIG_DIR = "LIQTUI_CONFIG_DIR"
STATE_DIR = "LIQTUI_STATE_DIR"
VERDICT = "verdict.json"
"""The last verdict, in the state folder."""
SOCKET = "liqtui.sock"
"""Of a daemon, in the state folder, beside the lock that says whose it is."""
LOCK = "liqtui.lock"
"""Held by the one process that writes in the state folder, and there with the history: both on one file system."""


def config_dir(env: Mapping[str, str]) -> str:
    """Of config.toml, watchlist.toml and themes: by LIQTUI_CONFIG_DIR, then by the system's custom (XDG)."""
    if env.get(CONFIG_DIR):
        return absolute(env[CONFIG_DIR])
    return _plain("XDG_CONFIG_HOME", ".config", env) or _platformdirs().user_config_dir


def state_dir(env: Mapping[str, str]) -> str:
    """Of what the program remembers: by LIQTUI_STATE_DIR, then by the system's custom (XDG)."""
    if env.get(STATE_DIR):
        return absolute(env[STATE_DIR])
    return _plain("XDG_STATE_HOME", ".local/state", env) or _platformdirs().user_state_dir


def state_file(name: str) -> str:
    """Path of a file of that name in the state folder."""
    return os.path.join(state_dir(os.environ), name)  # noqa: PTH118


def absolute(path: str) -> str:
    """Not resolved: a symbolic link stays what the person named. Raises RuntimeError where `~` has no meaning."""
    expanded = os.path.expanduser(path)  # noqa: PTH111 (pathlib is what this module does without)
    if expanded.startswith("~"):
        raise RuntimeError(f"could not determine the home directory of {path!r}")
    return os.path.abspath(expanded)  # noqa: PTH100 (Path.resolve would follow links)


def _plain(xdg: str, below_home: str, env: Mapping[str, str]) -> str:
    """What platformdirs says, in the cases where every release of it says the same; else nothing.

    Its import alone would take a quarter of the time until the first text.
    """
    chosen, home = env.get(xdg, ""), env.get("HOME", "")
    if "ANDROID_DATA" in env:
        return ""
    if chosen:
        usable = sys.platform == "linux" and chosen.startswith("/") and chosen == chosen.strip()
        return os.path.join(chosen, "liqtui") if usable else ""  # noqa: PTH118
    if not home.startswith("/"):
        return ""
    usual = {"linux": below_home, "darwin": "Library/Application Support"}.get(sys.platform)
    return f"{home.rstrip('/')}/{usual}/liqtui" if usual else ""


def _platformdirs() -> PlatformDirsABC:
    from platformdirs import PlatformDirs

    return PlatformDirs("liqtui", appauthor=False)
