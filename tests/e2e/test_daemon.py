"""`liqtui daemon` with the real program on a local node: screens attach, wishes go back, and every bad ending."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.program import PATIENCE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal

SECRET = "a1b2c3d4e5f6SECRETKEY"


class Daemon:
    """The program as a service would run it, its log read line by line."""

    def __init__(self, home: Home, *words: str) -> None:
        self.home = home
        self.process: subprocess.Popen[str] = home.start("daemon", *words)
        self.raw: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.raw.append(line)

    def events(self, name: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in list(self.raw) if line.startswith("{")]
        return [one for one in found if one["event"] == name]

    def until(self, name: str, count: int = 1, **wanted: object) -> dict[str, Any]:
        """The newest such event, once there are so many of them."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = [one for one in self.events(name) if wanted.items() <= one.items()]
            if len(found) >= count:
                return found[-1]
            time.sleep(0.03)
        raise AssertionError(f"no {name} {wanted} in\n{''.join(self.raw)}")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


def command(screen: Terminal, name: str) -> None:
    screen.wait(screen.is_quiet)
    screen.type(":")
    screen.wait(screen.is_quiet)
    screen.type(f"{name}\r")


@pytest.fixture
def serve() -> Iterator[Callable[..., Daemon]]:
    begun: list[Daemon] = []

    def begin(home: Home, *words: str) -> Daemon:
        begun.append(Daemon(home, *words))
        return begun[-1]

    yield begin
    for daemon in begun:
        daemon.close()


def test_two_screens_show_it_and_what_one_does_the_other_sees(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal], serve: Callable[..., Daemon]
) -> None:
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"])
    daemon = serve(lab_home)
    daemon.until("alert", title="tight aave-v3 lab")
    pid = daemon.process.pid
    path = lab_home.state / "liqtui.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(lab_home.state.stat().st_mode) == 0o700

    first, second = sit(), sit()
    for screen in (first, second):
        shown = screen.see("1–2 of 2", "▲ 1 CRITICAL", f"daemon {pid}", "1.03")
        assert "another liqtui kept the history" not in shown
        # What needs the account's own arithmetic is there too: the ladder of the preview and the way back.
        screen.see("if ETH moves", "back to 1.25", "repay")
    daemon.until("screen attached", 2)
    first.type("a")
    daemon.until("acknowledged", title="tight aave-v3 lab")
    daemon.until("wish", wish="acknowledge")
    first.type("\r")
    second.type("\r")
    for screen in (first, second):
        screen.see("what takes it to 1.00", "WETH only", "ways out", "can be liquidated", "sell to repay")
    second.type("\x1b")
    second.see("1–2 of 2")

    stage.price("WETH", 0.9)
    second.see("✖ 1 LIQUIDATABLE")
    daemon.until("alert", severity="liquidatable")
    # The watchlist goes back too: changed on one screen, watched by the daemon, shown on the other.
    second.type("+")
    second.see("Address or ENS name")
    second.type(stage.wallets["saver"])
    second.see("✓")
    second.type("\x13")
    second.see("of 3")
    first.type("\x1b")
    first.see("of 3")
    daemon.until("wish", wish="watch")
    assert second.end(signal.SIGTERM) == 0
    assert daemon.until("screen left")["screens"] == 1
    assert daemon.end() == 0
    assert not path.exists()
    first.see(f"the daemon (process {pid}) was ended")


def test_when_it_is_killed_the_screen_says_so_at_once_and_takes_over(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal], serve: Callable[..., Daemon]
) -> None:
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"])
    daemon = serve(lab_home)
    pid = daemon.process.pid
    daemon.until("alert", title="tight aave-v3 lab")
    screen = sit()
    screen.see("1–2 of 2", f"daemon {pid}")
    command(screen, "takeover")
    screen.see("the daemon is well")
    daemon.end(signal.SIGKILL)
    screen.see("ENGINE DEAD", f"the daemon (process {pid}) is gone", "take over", seconds=2)

    left = lab_home.run("status")
    assert left.returncode == 3
    assert "the daemon has died" in left.stdout
    done = lab_home.run("doctor")
    assert "ended without a word" in done.stdout

    screen.type("t")
    shown = screen.see("1–2 of 2", "▲ 1 CRITICAL", "rpc 1/1")
    assert "ENGINE DEAD" not in shown
    assert f"daemon {pid}" not in shown
    assert "another liqtui" not in shown, "the lock of the dead is free"
    second = serve(lab_home)
    assert second.process.wait(timeout=PATIENCE) == 75, "two never write"
    assert f"process {screen.process.pid} is watching already" in "".join(second.raw)
    command(screen, "takeover")
    screen.see("runs here already")


def test_a_daemon_that_comes_back_is_attached_to_again_and_repeats_no_alert(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal], serve: Callable[..., Daemon]
) -> None:
    lab_home.watch(tight=stage.wallets["tight"])
    first = serve(lab_home)
    first.until("alert", title="tight aave-v3 lab")
    screen = sit()
    screen.see("1–1 of 1", f"daemon {first.process.pid}")
    first.end(signal.SIGKILL)
    screen.see("take over", "wait")
    second = serve(lab_home)
    second.until("verdict", worst="critical")
    screen.see(f"daemon {second.process.pid}", "▲ 1 CRITICAL")
    assert screen.wait(lambda: "take over" not in screen.text())
    assert second.events("alert") == []
    assert second.end(signal.SIGINT) == 0


def test_hangup_reads_the_configuration_again_a_broken_one_changes_nothing(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal], serve: Callable[..., Daemon]
) -> None:
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"])
    daemon = serve(lab_home)
    daemon.until("alert", title="tight aave-v3 lab")
    screen = sit()
    screen.see("1–2 of 2")

    lab_home.configure(stage.config() + "[thresholds]\nwarm = 1.9\n")
    daemon.process.send_signal(signal.SIGHUP)
    failed = daemon.until("reload failed")
    assert "config.toml" in failed["why"]
    assert "warm" in failed["why"]
    alert = daemon.until("alert", title="daemon configuration")
    assert "configuration not taken over" in alert["text"]
    screen.see("configuration not taken over", "▲ 1 CRITICAL")

    lab_home.configure(stage.config() + "[thresholds]\nwarn = 1.9\n")
    daemon.until("notice", count=1)
    daemon.process.send_signal(signal.SIGHUP)
    assert daemon.until("reloaded")["engine"] == "started again"
    daemon.until("alert", title="calm aave-v3 lab", severity="warn")
    screen.see("◆ 1 WARN", "▲ 1 CRITICAL")
    assert len([one for one in daemon.events("alert") if one["title"] == "tight aave-v3 lab"]) == 1

    lab_home.watchlist.write_text("[[wallet]]\nadress = 1\n")
    daemon.until("watchlist not read")
    lab_home.watch(tight=stage.wallets["tight"])
    assert daemon.until("watchlist read")["wallets"] == 1
    screen.see("1–1 of 1")
    assert daemon.end() == 0


def test_check_and_doctor_ask_it(lab_home: Home, stage: Stage, serve: Callable[..., Daemon]) -> None:
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"], saver=stage.wallets["saver"])
    daemon = serve(lab_home)
    daemon.until("verdict", worst="critical")
    asked = lab_home.run("check", "--json")
    assert f"answered by the daemon (process {daemon.process.pid})" in asked.stderr
    fresh = lab_home.run("check", "--json", "--fresh")
    assert "daemon" not in fresh.stderr
    assert asked.returncode == fresh.returncode == 2
    told, read = (json.loads(done.stdout) for done in (asked, fresh))
    moving = {"ages", "block", "block_hash", "block_time", "generated_at", "since", "sigmas"}

    def still(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: still(part) for name, part in value.items() if name not in moving}
        return [still(part) for part in value] if isinstance(value, list) else value

    assert still(told["positions"]) == still(read["positions"]), "boundaries and rescue amounts to the last digit"
    done = lab_home.run("doctor")
    assert re.search(rf"daemon +process {daemon.process.pid}, since ", done.stdout)

    elsewhere = lab_home.run("check", "--json", stage.wallets["near"])
    assert "daemon" not in elsewhere.stderr
    lab_home.configure(stage.config() + "[thresholds]\nwarn = 1.9\n")
    newer = lab_home.run("check", "--json")
    assert "has not read config.toml as it is now; reading the chains" in newer.stderr
    assert lab_home.run("status").returncode == 2
    kept = lab_home.state / "verdict.json"
    kept.unlink()
    assert lab_home.run("status").returncode == 2, "it is the daemon that was asked"
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        stuck = lab_home.run("status")
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    assert stuck.returncode == 3
    assert "the daemon does not answer" in stuck.stdout


def test_no_secret_leaves_it(lab_home: Home, stage: Stage, serve: Callable[..., Daemon], dead_url: str) -> None:
    """The key of an endpoint that fails in every way it can: not in the log, not on the socket, not in `check`."""
    endpoints = f'"{dead_url}/v2/{SECRET}?key={SECRET}", "ws{dead_url[4:]}/{SECRET}"'
    lab_home.configure(f"{stage.config()}[chains.dead]\nid = 99\nrpc = [{endpoints}]\n")
    lab_home.watch(calm=stage.wallets["calm"])
    daemon = serve(lab_home, "--verbose")
    daemon.until("chain", chain="dead")
    daemon.until("round", chain="lab")
    heard = listen(lab_home)
    assert b"lab 3.6" in heard
    asked = lab_home.run("check", "--json")
    assert daemon.end() == 0
    for text in ("".join(daemon.raw), heard.decode(errors="replace"), asked.stdout, asked.stderr):
        assert SECRET not in text


def listen(home: Home) -> bytes:
    """All that a client is sent in three seconds."""
    from liqtui.engine import wire

    heard = bytearray()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(home.state / "liqtui.sock"))
        line.sendall(wire.frame({"hello": wire.greeting(), "everything": ["facts"]}))
        line.settimeout(PATIENCE)
        end = time.monotonic() + 3  # never silent for so long: there is a beat every two seconds
        while time.monotonic() < end:
            heard += line.recv(65536)
        return bytes(heard)


def test_the_service_manager_is_told(lab_home: Home, stage: Stage, serve: Callable[..., Daemon]) -> None:
    lab_home.watch(tight=stage.wallets["tight"])
    lab_home.state.mkdir(parents=True)
    address = str(lab_home.state / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE)
        lab_home.env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "4000000"}
        daemon = serve(lab_home)
        heard: list[str] = []

        def until(word: str) -> None:
            end = time.monotonic() + PATIENCE
            while not any(word in text for text in heard):
                assert time.monotonic() < end, f"no {word} in {heard}, {daemon.raw}"
                heard.append(manager.recv(4096).decode())

        until("READY=1")
        until("WATCHDOG=1")
        until("1 critical; worst 1.036 tight")
        os.kill(daemon.process.pid, signal.SIGHUP)
        until("RELOADING=1")
        heard.clear()
        until("READY=1")
        daemon.process.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        assert daemon.process.wait(timeout=PATIENCE) == 0
