"""No secret of the configuration in anything that the program writes, shows, keeps or sends to who should not know it.

Each secret ends in a word of its own, so that what is found says where it came from. What the receivers themselves
are sent (the path of their own address, a signature) is theirs to know.
"""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.e2e.program import PATIENCE
from tests.e2e.test_daemon import Daemon, command, listen
from tests.engine.receiver import Answer, Receiver
from tests.lab.node import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal

MARK = "SECRET123"


def secret(where: str) -> str:
    return f"{MARK}x{where}"


def found_in(text: str | bytes) -> set[str]:
    """The secrets in it, also where capitals were lost or signs were quoted."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    return {match.lower() for match in re.findall(rf"{MARK}\w*", text, re.IGNORECASE)}


class Everything:
    """What was written, by the name of where it was."""

    def __init__(self) -> None:
        self.leaks: dict[str, set[str]] = {}
        self.seen: dict[str, int] = {}

    def take(self, name: str, text: str | bytes) -> None:
        self.seen[name] = self.seen.get(name, 0) + len(text)
        if leaked := found_in(text):
            self.leaks.setdefault(name, set()).update(leaked)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def port(lab_home: Home, stage: Stage, receiver: Receiver, dead_url: str) -> int:
    """A configuration with a secret wherever one can stand; returns the port of the metrics."""
    node, dead, metrics = stage.node.url.removeprefix("http://"), dead_url.removeprefix("http://"), free_port()
    market = stage.config()[stage.config().index("[[markets]]") :]
    lab_home.env["FROM_ENVIRONMENT"] = secret("environment")
    lab_home.configure(
        f"""
[chains.lab]
id = {stage.node.chain_id}
rpc = ["http://{secret("nodeuser")}:{secret("nodepassword")}@{node}/?key={secret("query")}",
       "http://{secret("user")}:{secret("password")}@{dead}/${{FROM_ENVIRONMENT}}",
       "ws://{dead}/{secret("websocket")}"]
poll = 2
requests_per_second = 10000

[chains.dead]
id = 99
rpc = ["{dead_url}/v2/{secret("dead")}", "ws://{dead}/{secret("deadws")}"]

{market}

[metrics]
listen = "127.0.0.1:{metrics}"

[channels.hook]
kind = "webhook"
url = "http://127.0.0.1:{receiver.port}/{secret("hook")}"
secret = "{secret("hmac")}"

[channels.deaf]
kind = "webhook"
url = "http://{dead}/{secret("deaf")}?t={secret("deafquery")}"
secret = "{secret("deafhmac")}"

[channels.refusing]
kind = "apprise"
url = "json://{secret("appuser")}:{secret("apppassword")}@127.0.0.1:{receiver.port}/no/{secret("apppath")}"

[channels.unknown]
kind = "apprise"
url = "nosuch://{secret("scheme")}/{secret("token")}"

[channels.program]
kind = "command"
command = ["/bin/sh", "-c", "echo could not reach $0 >&2; exit 3", "{secret("word")}"]

[ping]
url = "http://{dead}/{secret("ping")}"
every = 10
"""
    )
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"])
    receiver.judge = lambda request: Answer(401, body=secret("body").encode()) if "/no/" in request.path else None
    return metrics


def ask(home: Home, all_: Everything) -> None:
    """Every command that says something of the configuration or of what came of it."""
    for words in (
        "check --json", "check --json --fresh", "check --fresh", "status", "doctor", "alert test", "markets --json",
        "markets --live", "markets", "history export --format json", "history export --format csv", "wallet list",
        "check --json 0x1111111111111111111111111111111111111111", f"alert test {MARK[:3]}", "completion bash",
    ):  # fmt: skip
        done = home.run(*words.split())
        assert done.stdout or done.stderr, words
        assert "Traceback" not in done.stderr, words
        all_.take(words, done.stdout + done.stderr)


def record(home: Home, all_: Everything) -> None:
    tape = home.state / "of.tape"
    recording = home.start("record", str(tape))
    end = time.monotonic() + PATIENCE
    while not tape.exists() and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1)
    recording.send_signal(signal.SIGTERM)
    all_.take("record", "".join(recording.communicate(timeout=PATIENCE)))
    replayed = home.run("replay", str(tape))
    all_.take("replay", replayed.stdout + replayed.stderr)


def test_no_secret_leaves_by_any_door(
    lab_home: Home, port: int, receiver: Receiver, sit: Callable[..., Terminal], stage: Stage
) -> None:
    all_ = Everything()
    daemon = Daemon(lab_home, "--verbose")
    try:
        daemon.until("alert", title="tight aave-v3 lab")
        daemon.until("chain", chain="dead")
        for channel in ("deaf", "refusing", "unknown", "program"):
            daemon.until("delivery", channel=channel, state="waiting", tries=1)
        daemon.until("delivery", channel="hook", state="delivered")

        screen = sit()
        screen.see("1–2 of 2", "▲ 1 CRITICAL")
        for keys, words in (("\r", "ways out"), ("\x1b", "1–2 of 2"), ("l", "tight"), ("\x1b", "1–2 of 2")):
            screen.type(keys)
            screen.see(words)
        heard = listen(lab_home)
        assert b"lab 3.6" in heard
        all_.take("socket", heard)

        lab_home.configure(
            (lab_home.config / "config.toml").read_text().replace("every = 10", f'every = "{secret("every")}"')
        )
        daemon.process.send_signal(signal.SIGHUP)
        all_.take("reload", json.dumps(daemon.until("reload failed")))
        screen.see("configuration not taken over")
        broken = lab_home.run("check")
        assert broken.returncode == 78
        lab_home.configure(
            (lab_home.config / "config.toml").read_text().replace(f'every = "{secret("every")}"', "every = 10")
        )
        command(screen, "log")
        screen.wait(screen.is_quiet)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE) as answer:
            all_.take("metrics", answer.read())

        ask(lab_home, all_)
        record(lab_home, all_)
        assert screen.end(signal.SIGTERM) == 0
        all_.take("screen", bytes(screen.received))
        assert daemon.end() == 0
    finally:
        daemon.close()
    all_.take("log", "".join(daemon.raw))
    for file in lab_home.state.rglob("*"):
        if file.is_file():
            all_.take(f"state/{file.name}", file.read_bytes())
    for request in receiver.requests:
        all_.take("messages", request.body)
    assert {"state/history.sqlite", "state/verdict.json", "state/of.tape", "messages", "screen", "log"} <= set(
        all_.seen
    )
    assert all(all_.seen.values()), all_.seen
    assert all_.leaks == {}


def test_it_would_be_found() -> None:
    all_ = Everything()
    all_.take("a", f"x {secret('path').lower()}%20")
    assert all_.leaks == {"a": {"secret123xpath"}}
