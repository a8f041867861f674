"""What holds for every test: no outside network, and none of the developer's own files."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pathlib import Path

# Hundreds of children and every worker would otherwise compile the program and the tests anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts what it puts in the background deaf to Ctrl-C, and every child of it would be.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines that run tests are busy: what hypothesis finds must not hang on the time that it took.
# The same examples each time, so that a red run is about the change in it; LIQTUI_EXPLORE=1 looks for new ones.
settings.register_profile(
    "liqtui",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("LIQTUI_EXPLORE"),
)
settings.load_profile("liqtui")

pytest_plugins = [
    "tests.lab.fixtures",
    "tests.lab.morpho_fixtures",
    "tests.lab.aave_v2_fixtures",
    "tests.lab.compound_v2_fixtures",
    "tests.lab.venus_fixtures",
    "tests.lab.comet_fixtures",
    "tests.lab.compound_later_fixtures",
    "tests.lab.moonwell_fixtures",
]


LONGEST = ("tests/real/test_walks.py", "tests/e2e/", "tests/real/", "tests/engine/")
"""Where tests wait most, for programs, nodes and receivers: begun first, so that no worker is left with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        return next((at for at, folder in enumerate(LONGEST) if item.nodeid.startswith(folder)), len(LONGEST))

    items.sort(key=turn)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some worker waits at any time."""
    return (os.cpu_count() or 1) + 1


class OutsideNetwork(AssertionError):  # noqa: N818 - reads as what happened
    """A test tried to leave this machine."""


def refuse_outside(address: Any) -> None:
    """Raise OutsideNetwork unless `address`, as given to `socket.connect`, is this machine."""
    if not isinstance(address, tuple) or not address:
        return  # a Unix socket path
    host = address[0]
    if host == "localhost":
        return
    try:
        inside = ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise OutsideNetwork(f"a test tried to reach {host}")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    lookup = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse_outside(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse_outside(address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        refuse_outside(rest[-1])
        return sendto(self, data, *rest)

    def guarded_lookup(host: Any, *rest: Any, **options: Any) -> Any:
        if host is not None:
            refuse_outside((host.decode() if isinstance(host, bytes) else host,))
        return lookup(host, *rest, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket.socket, "sendto", guarded_sendto)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty home for configuration, state, cache and data; subprocesses inherit it."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LIQTUI_CONFIG_DIR", str(home / "liqtui"))
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return home
