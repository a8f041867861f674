"""What the service manager hears, on a socket of its kind."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from liqtui.cli.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A bound datagram socket, and how it stands in the environment."""
    if request.param == "path":
        address = told = str(tmp_path / "notify")
    else:
        address, told = f"\0liqtui-test-{os.getpid()}", f"@liqtui-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(5)
        yield listening, told


def test_each_word_is_one_datagram(manager: tuple[socket.socket, str]) -> None:
    listening, told = manager
    notify = Notifier({"NOTIFY_SOCKET": told})
    before = time.monotonic()
    notify.ready()
    notify.status("2 critical; worst 1.036 tight — ok")
    notify.alive()
    notify.reloading()
    notify.stopping()
    heard = [listening.recv(4096).decode() for _ in range(5)]
    assert heard[:3] == ["READY=1", "STATUS=2 critical; worst 1.036 tight — ok", "WATCHDOG=1"]
    assert heard[4] == "STOPPING=1"
    reloading, at = heard[3].splitlines()
    assert reloading == "RELOADING=1"
    name, _, microseconds = at.partition("=")
    assert name == "MONOTONIC_USEC", "the manager orders reloads by it"
    assert before * 1e6 - 1 <= int(microseconds) <= time.monotonic() * 1e6


def test_where_nobody_listens_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    Notifier({}).ready()
    Notifier({"NOTIFY_SOCKET": ""}).alive()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    Notifier({"NOTIFY_SOCKET": "@nobody-at-all"}).ready()


def test_a_manager_that_does_not_read_holds_nothing(manager: tuple[socket.socket, str]) -> None:
    listening, told = manager
    notify = Notifier({"NOTIFY_SOCKET": told})
    for _ in range(2000):  # more than any such socket keeps
        notify.alive()
    assert listening.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_a_sign_of_life_is_expected(told: dict[str, str], expected: float | None) -> None:
    assert Notifier(told).watchdog == expected
