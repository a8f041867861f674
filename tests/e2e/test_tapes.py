"""`demo`, `record` and `replay`: the same story on a terminal, without one, and after a violent end."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

from tests.lab.market import wallet

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal


def test_the_demo_tells_its_story_without_a_terminal_and_without_a_network(home: Home) -> None:
    home.configure("this is [no TOML")  # whatever state one's own files are in
    done = home.run("demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for word in ("under 1.20", "can be liquidated now", "liquidated", "cannot be read", "data again", "recovered"):
        assert word in done.stdout
    assert "unreadable URL" not in done.stdout
    table = done.stdout.splitlines()
    assert any(re.match(r"✖ \d LIQUIDATED", line) for line in table)
    assert not home.state.exists() or not any(home.state.iterdir()), "a demonstration leaves nothing behind"


def frame(terminal: Terminal) -> int:
    """Number of the frame that the line of the tape shows."""
    found = re.search(r" (\d+)/(\d+)", next((line for line in terminal.lines() if "× " in line and "●" in line), ""))
    return int(found[1]) if found else -1


def test_the_demo_plays_and_obeys_its_keys(home: Home, sit: Callable[..., Terminal]) -> None:
    terminal = sit("demo")
    terminal.see("treasury", "degen-1", "40×", "▶")
    assert terminal.wait(lambda: frame(terminal) > 2)
    terminal.type("p")
    terminal.see("‖")
    terminal.wait(terminal.is_quiet)
    there = frame(terminal)
    assert terminal.is_quiet(), "what is paused stands still"
    terminal.type(".")
    assert terminal.wait(lambda: frame(terminal) == there + 1)
    terminal.type(",")
    assert terminal.wait(lambda: frame(terminal) == there)
    terminal.type("<")
    terminal.see("16×")
    terminal.type(">")
    terminal.see("64×")
    terminal.type("n")
    assert terminal.wait(lambda: frame(terminal) > there)
    after = frame(terminal)
    terminal.type("N")
    assert terminal.wait(lambda: -1 < frame(terminal) < after)
    for _ in range(40):
        if "LIQUIDATED" in terminal.lines()[1]:
            break
        before = frame(terminal)
        terminal.type("n")
        terminal.wait(lambda before=before: frame(terminal) > before, 5)
    terminal.see("LIQUIDATED")
    terminal.type("p")
    terminal.see("▶")
    assert terminal.end(signal.SIGTERM) == 0
    assert terminal.wait(terminal.restored)


def recording(home: Home, tape: Path, *wallets: str) -> subprocess.Popen[str]:
    """A recorder that has written its first frame."""
    process = home.start("record", str(tape), *wallets)
    end = time.monotonic() + 40
    while not (tape.exists() and tape.stat().st_size > 4000) and time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


def test_a_recording_plays_back_and_even_one_that_was_killed(
    lab_home: Home, stage: Stage, tmp_path: Path, sit: Callable[..., Terminal]
) -> None:
    killed, whole = tmp_path / "killed.tape", tmp_path / "whole.tape"
    watched = [stage.wallets["calm"], stage.wallets["near"]]
    victim, process = recording(lab_home, killed, *watched), recording(lab_home, whole, *watched)
    stage.price("WETH", 0.93)  # 1.07
    time.sleep(2.5)
    stage.price("WETH", 0.93)  # 0.99
    told = process.stdout.readline() + process.stdout.readline() if process.stdout else ""
    time.sleep(2.5)
    victim.kill()
    victim.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "play it with `liqtui replay" in err
    assert "can be liquidated now" in told + out
    stage.node.hang()
    try:
        for tape in (whole, killed):
            played = lab_home.run("replay", str(tape))
            assert played.returncode == 0, played.stderr
            assert "HF 1.145, under 1.20" in played.stdout
            assert "can be liquidated now" in played.stdout
            assert "✖ 1 LIQUIDATABLE" in played.stdout
        assert stage.node.url.partition("//")[2] not in whole.read_bytes().decode("latin-1"), "no endpoint on a tape"
        terminal = sit("replay", str(killed), size=(80, 24))
        terminal.see("▶", "0x7EFB…b651", "aave-v3 lab")
    finally:
        stage.node.resume()


def test_what_is_no_tape_is_refused_and_nothing_is_written_over(lab_home: Home, stage: Stage, tmp_path: Path) -> None:
    none, text = tmp_path / "none.tape", tmp_path / "text.tape"
    text.write_text("dear diary")
    for file in (none, text):
        done = lab_home.run("replay", str(file))
        assert done.returncode == 65
        assert str(file) in done.stderr
        assert "Traceback" not in done.stderr
    done = lab_home.run("record", str(text), stage.wallets["calm"])
    assert done.returncode == 64
    assert text.read_text() == "dear diary"
    assert lab_home.run("record", str(none)).returncode == 64, "nobody to record"
    assert not none.exists()
    assert wallet("nobody") not in done.stderr
