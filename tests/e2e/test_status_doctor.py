"""`status` says what was seen last, and when that is no longer true; `doctor` finds what is wrong."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal


def test_status_before_during_and_long_after_a_session(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    empty = lab_home.run("status")
    assert (empty.returncode, empty.stdout) == (3, "? liqtui: nothing seen yet\n")
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"])
    terminal = sit()
    terminal.see("1–2 of 2", "▲ 1 CRITICAL")
    assert terminal.wait((lab_home.state / "verdict.json").exists)
    assert terminal.wait(lambda: lab_home.run("status").stdout.startswith("▲1 ●1  1.03"))
    done = lab_home.run("status")
    assert done.returncode == 2
    assert "tight aave-v3 lab" in done.stdout
    assert "ETH −3." in done.stdout
    assert "1 unacked" in done.stdout
    stage.price("WETH", 0.9)
    terminal.see("✖ 1 LIQUIDATABLE")
    assert terminal.wait(lambda: lab_home.run("status").stdout.startswith("✖1 ●1  0.9"))
    passed = lab_home.run("status")
    assert "−" not in passed.stdout, "what has been passed is no cushion"
    assert "now" in passed.stdout
    assert terminal.end(signal.SIGTERM) == 0

    file = lab_home.state / "verdict.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, "at": found["at"] - 3600}))
    old = lab_home.run("status")
    assert old.returncode == 3, "an old verdict is no verdict"
    assert old.stdout.startswith("◌ not watching, last seen 1h ago:")
    assert "0.9" in old.stdout
    assert "~" in old.stdout
    plain = lab_home.run("--ascii", "status")
    assert plain.stdout.isascii()
    for damage in ("{", "[]", json.dumps({**found, "schema": 99}), ""):
        file.write_text(damage)
        assert lab_home.run("status").stdout == "? liqtui: nothing seen yet\n"


def test_doctor_on_what_is_good(lab_home: Home, stage: Stage) -> None:
    lab_home.watch(calm=stage.wallets["calm"])
    done = lab_home.run("doctor")
    assert done.returncode == 0, done.stdout
    assert "nothing bad" in done.stdout
    assert "BAD" not in done.stdout
    for word in ("chain lab (31337)", "by block hash", "Multicall3", "1 wallet", "aave-v3 lab 3.6", "other liqtui"):
        assert word in done.stdout
    assert not lab_home.state.joinpath("history.sqlite").exists(), "who examines leaves no traces"


def test_doctor_on_what_is_bad(lab_home: Home, stage: Stage, dead_url: str) -> None:
    market = stage.config(provider=stage.market.pool, extra='multicall3 = "0x00000000000000000000000000000000000000Aa"')
    lab_home.configure(
        f'{market}\n[chains.dead]\nid = 99\nrpc = ["{dead_url}/v2/SECRETKEY"]\n'
        f'[chains.wrong]\nid = 1234\nrpc = ["{stage.node.url}"]\n'
    )
    done = lab_home.run("doctor")
    assert done.returncode == 1
    assert "SECRETKEY" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()

    def bad(word: str) -> bool:
        return any(line.lstrip().startswith("BAD") and word in line for line in lines)

    assert bad(dead_url)
    assert bad("31337"), "the endpoint of another chain"
    assert bad("is not the PoolAddressesProvider")
    assert "no Multicall3" in done.stdout
    assert lines[-1].endswith(" bad")
    lab_home.configure("[thresholds]\nwarm = 1\n")
    assert lab_home.run("doctor").returncode == 78
