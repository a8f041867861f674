"""The guard in conftest.py really bites."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from tests.conftest import OutsideNetwork

OUTSIDE = "192.0.2.1"  # reserved for documentation: reaches nobody even without the guard


def test_connecting_outside_fails() -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        with pytest.raises(OutsideNetwork):
            sock.connect((OUTSIDE, 9))
        with pytest.raises(OutsideNetwork):
            sock.connect_ex((OUTSIDE, 9))


def test_sending_outside_fails() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, pytest.raises(OutsideNetwork):
        sock.sendto(b"", (OUTSIDE, 9))


def test_looking_a_name_up_fails() -> None:
    with pytest.raises(OutsideNetwork):
        socket.getaddrinfo("node.example", 443)


async def test_asyncio_is_guarded_too() -> None:
    with pytest.raises(OutsideNetwork):
        await asyncio.open_connection(OUTSIDE, 9)


def test_loopback_is_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_the_developers_own_files_are_out_of_reach(own_folders: Path) -> None:
    assert not list(own_folders.iterdir())
    for name in ("LIQTUI_CONFIG_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        assert Path(os.environ[name]).is_relative_to(own_folders)
