from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liqtui.config.paths import locate, private_dir

if TYPE_CHECKING:
    import pytest


def test_options_then_environment_then_custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    usual = locate(env={})
    assert tmp_path in usual.config.parents
    assert usual.config.name == "config.toml"
    assert usual.watchlist == usual.config.with_name("watchlist.toml")
    assert not usual.config_named
    env = {"LIQTUI_CONFIG_DIR": "/c", "LIQTUI_STATE_DIR": "/s", "XDG_RUNTIME_DIR": "/run/user/1"}
    moved = locate(env=env)
    assert (moved.config, moved.watchlist, moved.themes) == (
        Path("/c/config.toml"),
        Path("/c/watchlist.toml"),
        Path("/c/themes"),
    )
    assert (moved.history, moved.tapes, moved.lock) == (
        Path("/s/history.sqlite"),
        Path("/s/tapes"),
        Path("/s/liqtui.lock"),
    )
    assert moved.clipboard == Path("/run/user/1/liqtui/clipboard")
    assert locate(env={"LIQTUI_STATE_DIR": "/s"}).runtime == Path("/s/run")


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
