"""The screen in a real terminal, on real contracts: the first wallet, what a person does, and every bad ending."""

from __future__ import annotations

import contextlib
import re
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import mining
from tests.lab.market import wallet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Stage
    from tests.e2e.program import Home, Terminal

SAVE, ESC = "\x13", "\x1b"
SPEED = 16.0
"""How much faster the program's clock runs where three minutes of silence are waited for.

Between two reads, 2 s apart, less than a minute passes: it takes one without a break to be sighted again.
"""


def alerts(home: Home) -> list[tuple[str, str, str]]:
    """(kind, severity, text) of what has been kept, oldest first."""
    file = home.state / "history.sqlite"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        try:
            return list(db.execute("SELECT kind, severity, text FROM alert ORDER BY id"))
        except sqlite3.OperationalError:
            return []  # the tables are being made


def kinds(home: Home) -> set[str]:
    return {kind for kind, _, _ in alerts(home)}


def test_the_first_run_leads_to_the_first_wallet_by_keyboard(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    terminal = sit()
    terminal.see("welcome to liqtui", "watch the first wallet", stage.node.url)
    terminal.type("+")
    terminal.see("watch wallets", "Address or ENS name")
    terminal.type(stage.wallets["calm"][:-1] + "0")
    terminal.see("wrong checksum")
    terminal.type(SAVE)
    terminal.see("Nothing was saved")
    assert not lab_home.watchlist.exists()
    terminal.type("\x7f")
    terminal.see("is not an address")
    terminal.type(stage.wallets["calm"][-1])
    terminal.see("✓")
    terminal.type("\t")
    terminal.wait(terminal.is_quiet)
    terminal.type("first one" + SAVE)  # as one burst, as a slow line delivers it
    screen = terminal.see("1–1 of 1", "first one", "1.71", "● 1 OK")
    assert "welcome" not in screen
    assert lab_home.watchlist.stat().st_mode & 0o777 == 0o600
    assert stage.wallets["calm"] in lab_home.watchlist.read_text()


def test_several_are_pasted_one_is_taken_back_and_the_file_is_edited_outside(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    lab_home.watch(first_one=stage.wallets["calm"])
    terminal = sit()
    terminal.see("1–1 of 1", "1.71")
    terminal.type("+")
    terminal.see("Address or ENS name")
    several = [stage.wallets[name] for name in ("near", "tight", "saver")]
    terminal.paste("\n".join([*several, stage.wallets["calm"]]))
    terminal.see("already watched")
    terminal.type(SAVE)
    terminal.see("Nothing was saved", "saves 3")
    terminal.type(SAVE)
    terminal.see("1–4 of 4", "1.03", "▲ 1 CRITICAL", "◆ 1 WARN", "● 2 OK")

    terminal.type(":")
    terminal.wait(terminal.is_quiet)
    terminal.type("wallets\r")
    terminal.see("u undo")
    terminal.type("g")  # the cursor is on the wallet of the worst position
    terminal.see("›● first one")
    terminal.type("x")
    terminal.see("stop watching first one?")
    terminal.type("x")
    assert terminal.wait(lambda: lab_home.watchlist.read_text().count("[[wallet]]") == 3), terminal.text()
    terminal.type("u")
    assert terminal.wait(lambda: lab_home.watchlist.read_text().count("[[wallet]]") == 4), terminal.text()
    assert "first one" in lab_home.watchlist.read_text()

    lab_home.watchlist.write_text(lab_home.watchlist.read_text().replace('"first one"', '"renamed outside"'))
    terminal.see("renamed outside")
    lab_home.watchlist.write_text("[[wallet]\n")
    terminal.see("watchlist.toml: line 1", "The list before it stays")
    assert "renamed outside" in terminal.text(), "the list before the mistake stays"
    terminal.type(ESC)
    terminal.see("1–4 of 4")
    terminal.type("q")
    assert terminal.wait(lambda: terminal.process.poll() is not None) or terminal.type("y") is None
    assert terminal.process.wait(timeout=20) == 0
    assert terminal.wait(terminal.restored)
    assert all(file.stat().st_mode & 0o077 == 0 for file in lab_home.state.iterdir() if file.is_file())


@pytest.mark.parametrize(("how", "codes"), [("SIGTERM", {0}), ("SIGHUP", {0}), ("SIGUSR1", {1, 70})])
def test_every_ending_leaves_the_terminal_as_it_was(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal], how: str, codes: set[int]
) -> None:
    """SIGUSR1 makes the program fall over."""
    lab_home.watch(calm=stage.wallets["calm"])
    terminal = sit("--mouse", size=(80, 24))
    terminal.see("1–1 of 1", "1.71")
    assert not terminal.restored(), "it had been changed"
    terminal.process.send_signal(signal.Signals[how])
    if how == "SIGUSR1":
        time.sleep(0.2)
        terminal.type("j")
    assert terminal.process.wait(timeout=20) in codes
    assert terminal.wait(terminal.restored)
    assert (b"ZeroDivisionError" in terminal.received) is (how == "SIGUSR1")
    assert lab_home.run("status").stdout.startswith("●1  1.71"), "what was seen last is kept"


def test_at_forty_by_ten_the_danger_is_still_there(lab_home: Home, stage: Stage, sit: Callable[..., Terminal]) -> None:
    lab_home.watch(calm=stage.wallets["calm"], tight=stage.wallets["tight"], near=stage.wallets["near"])
    terminal = sit(size=(40, 10))
    terminal.see("▲1", "◆1", "●1", "1.03", "−")
    assert "tight" in next(line for line in terminal.lines()[1:] if "▲" in line)


def test_a_stalled_terminal_stops_neither_reading_nor_alerts(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    lab_home.watch(calm=stage.wallets["calm"])
    terminal = sit()
    terminal.see("1–1 of 1", "1.71")
    terminal.stall()
    terminal.wait(terminal.is_quiet)
    before = len(terminal.received)
    for factor in (0.65, 0.95, 0.9):  # 1.11, 1.06, 0.95
        stage.price("WETH", factor)
        time.sleep(2.2)
    assert terminal.wait(lambda: {"threshold", "liquidatable"} <= kinds(lab_home)), alerts(lab_home)
    assert len(terminal.received) == before, "nobody had looked"
    terminal.go_on()
    terminal.see("✖ 1 LIQUIDATABLE", "0.95")
    terminal.stall()
    assert terminal.end(signal.SIGTERM) in {0, 128 + signal.SIGTERM}


def test_a_dead_node_blinds_its_own_positions_and_they_come_back(
    home: Home, stage: Stage, sit: Callable[..., Terminal], dead_url: str
) -> None:
    """Minutes of silence, on a clock that runs faster; a second chain has never answered."""
    began = time.time()
    stage.lab.catch_up()

    def now() -> float:
        return began + (time.time() - began) * SPEED

    home.env["E2E_CLOCK"] = f"{began} {SPEED}"
    home.configure(stage.config(extra=f'[chains.void]\nid = 4242\nrpc = ["{dead_url}"]\npoll = 2'))
    home.watch(tight=stage.wallets["tight"], calm=stage.wallets["calm"])
    with mining(stage, now):
        terminal = sit()
        terminal.see("1–2 of 2", "▲ 1 CRITICAL", "● 1 OK", "✗ void")
    stage.node.hang()
    try:
        terminal.see("◌ 1 BLIND", "✗ lab")
        assert re.search(r"▲.*tight.*1\.03\d~", terminal.text()), "danger that cannot be seen is still danger"
        assert re.search(r"◌.*calm.*1\.71\d~", terminal.text())
        assert terminal.wait(lambda: "blind" in kinds(home)), alerts(home)
        (told,) = [f"{title} {text}" for kind, title, text in alerts(home) if kind == "blind"]
        assert "tight" in told, "one outage is one alert, which names all that cannot be seen"
        assert "calm" in told
        assert home.run("status").returncode in {2, 3}
    finally:
        stage.node.resume()  # whatever happened: a node that hangs would hang what comes after
    with mining(stage, now):
        assert terminal.wait(lambda: "sighted" in kinds(home)), terminal.text()
        terminal.see("● 1 OK")
        assert "~" not in terminal.line("calm")
        assert "✗ void" in terminal.text()


def test_two_at_once_share_the_list_and_one_keeps_the_history(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    lab_home.watch(calm=stage.wallets["calm"])
    first = sit()
    first.see("1–1 of 1", "1.71")
    second = sit()
    second.see("1–1 of 1", "1.71")
    assert "is watching and writes the history" in lab_home.run("doctor").stdout
    done = lab_home.run("wallet", "add", stage.wallets["tight"], "--label", "from the shell")
    assert done.returncode == 0, done.stderr
    for terminal in (first, second):
        terminal.see("1–2 of 2", "▲ 1 CRITICAL")
    assert first.end(signal.SIGTERM) == 0
    second.see("1–2 of 2")
    assert second.process.poll() is None


def test_a_full_disk_is_said_and_the_change_stays_in_memory(
    lab_home: Home, stage: Stage, sit: Callable[..., Terminal]
) -> None:
    """Files may not grow past a few bytes: what a full disk does to a writer, without one."""
    lab_home.watch(calm=stage.wallets["calm"])
    before = lab_home.watchlist.read_text()
    terminal = sit(before=no_room)
    terminal.see("1–1 of 1", "1.71")
    terminal.type("+")
    terminal.see("Address or ENS name")
    terminal.paste("\n".join(wallet(f"nobody {number}") for number in range(40)) + "\n" + stage.wallets["tight"])
    terminal.see("41 good ones")
    terminal.type(SAVE)
    terminal.see("not saved")
    assert lab_home.watchlist.read_text() == before, "the file is the old one, whole"
    terminal.type(ESC)
    terminal.see("▲ 1 CRITICAL")


def no_room() -> None:
    import resource
    import signal as signals

    signals.signal(signals.SIGXFSZ, signals.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def test_a_folder_that_cannot_be_written(lab_home: Home, stage: Stage, tmp_path: Path) -> None:
    """The list is a folder's: where the folder is a file, nobody can write one, not even root."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = lab_home.run("--watchlist", str(blocked / "watchlist.toml"), "wallet", "add", stage.wallets["calm"])
    assert done.returncode != 0
    assert "watchlist" in done.stderr
    assert "Traceback" not in done.stderr
    lab_home.state = blocked / "state"
    code, answer = lab_home.check(stage.wallets["calm"])
    assert (code, answer["worst"]) == (0, "ok"), "a history that cannot be kept does not stop the watching"
    assert lab_home.run("doctor").returncode == 1
