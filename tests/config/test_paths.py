from __future__ import annotations

import sys
from pathlib import Path

import platformdirs
import pytest
from platformdirs.macos import MacOS
from platformdirs.unix import Unix

from liqtui.config import folders
from liqtui.config.paths import locate, private_dir


def test_options_then_environment_then_custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    usual = locate(env={})
    assert tmp_path in usual.config.parents
    assert usual.config.name == "config.toml"
    assert usual.watchlist == usual.config.with_name("watchlist.toml")
    assert not usual.config_named
    env = {"LIQTUI_CONFIG_DIR": "/c", "LIQTUI_STATE_DIR": "/s"}
    moved = locate(env=env)
    assert (moved.config, moved.watchlist, moved.themes) == (
        Path("/c/config.toml"),
        Path("/c/watchlist.toml"),
        Path("/c/themes"),
    )
    assert (moved.history, moved.lock) == (Path("/s/history.sqlite"), Path("/s/liqtui.lock"))


def test_each_option_moves_its_own_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("elsewhere.toml")
    env = {"LIQTUI_CONFIG_DIR": "/c"}
    named = locate(config=Path("a/../my.toml"), env=env)
    assert (named.config, named.config_named) == (tmp_path / "my.toml", True)
    assert named.watchlist == Path("/c/watchlist.toml")
    assert locate(watchlist=Path("link"), env=env).watchlist == tmp_path / "link"
    assert locate(watchlist=Path("~/w.toml"), env=env).watchlist == Path.home() / "w.toml"


def test_folders_are_private(tmp_path: Path) -> None:
    made = private_dir(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    assert private_dir(made) == made


@pytest.mark.parametrize(("system", "custom"), [("linux", Unix), ("darwin", MacOS)])
@pytest.mark.parametrize("home", ["/home/me", "/home/me/", "/", "/with space/me", "relative", "", None])
@pytest.mark.parametrize("xdg", ["/x", "/x/", "/", "/x y//z", "relative", "~/x", "", None])
def test_folders_are_those_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, system: str, custom: type[Unix | MacOS], home: str | None, xdg: str | None
) -> None:
    """What is worked out without it, and what is left to it."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platformdirs, "PlatformDirs", custom)
    monkeypatch.delenv(folders.CONFIG_DIR, raising=False)
    monkeypatch.delenv(folders.STATE_DIR, raising=False)
    for name, value in (("HOME", home), ("XDG_CONFIG_HOME", xdg), ("XDG_STATE_HOME", xdg)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    found, theirs = locate(), custom("liqtui", appauthor=False)
    assert found.config.parent == Path(theirs.user_config_dir)
    assert found.state == Path(theirs.user_state_dir)


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_the_plain_cases_do_without_platformdirs(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setitem(sys.modules, "platformdirs", None)  # an import of it fails
    state = {"linux": "/h/.local/state/liqtui", "darwin": "/h/Library/Application Support/liqtui"}[system]
    assert folders.state_dir({"HOME": "/h"}) == state
    assert folders.state_dir({"HOME": "/h", folders.STATE_DIR: "/s"}) == "/s"


def test_other_systems_are_left_to_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def __init__(self, *_: object, **__: object) -> None:
            self.user_config_dir = self.user_state_dir = "/theirs"

    monkeypatch.setattr(platformdirs, "PlatformDirs", Other)
    assert folders.state_dir({"HOME": "/h", "ANDROID_DATA": "/data"}) == "/theirs"
    monkeypatch.setattr(sys, "platform", "win32")
    assert folders.config_dir({"HOME": "/h", "XDG_CONFIG_HOME": "/x"}) == "/theirs"
