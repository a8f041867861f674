import json
import os
import signal
import subprocess
import sys
import time

import pytest

from liqtui.core.results import Boundary, Direction, FactorKind
from liqtui.core.snapshot import Ages, Freshness, Row, Severity, Snapshot
from liqtui.core.wallet import DEFAULT_THRESHOLDS
from liqtui.engine import verdict
from liqtui.engine.verdict import FILE, Verdict
from tests.engine.fakes import START, FakeChain, address, market, position

BOUNDARY = Boundary("eth", FactorKind.FACTOR, "ETH", Direction.FALLS, ("ETH",), 1914 * 10**8, 2000 * 10**8)


def row(severity=Severity.CRITICAL, freshness=Freshness.FRESH, figures=True):
    found = position(market(), FakeChain().block, address(1), 10**18, 1535_500000, 2000 * 10**8)
    return Row(
        found.key, "eth", "treasury", severity, freshness, Ages(0, 0, 0), found if figures else None,
        DEFAULT_THRESHOLDS, BOUNDARY if figures else None,
    )  # fmt: skip


def test_says_the_worst_position():
    made = verdict.of(Snapshot(1, START, rows=(row(),), ready=True))
    assert made == Verdict(
        START, True, "critical", {"critical": 1}, health="1.042", title="treasury fake eth", nearest="ETH −4.3%"
    )


def test_marks_what_is_old_or_unknown():
    blind = verdict.of(Snapshot(1, START, rows=(row(Severity.BLIND, Freshness.BLIND),), ready=True))
    assert blind.health == "1.042~"
    never = verdict.of(Snapshot(1, START, rows=(row(Severity.UNKNOWN, Freshness.BLIND, figures=False),)))
    assert (never.health, never.nearest) == ("–~", "")


def test_nothing_to_watch_is_ok_only_when_ready():
    assert verdict.of(Snapshot(1, START)).worst == "unknown"
    assert verdict.of(Snapshot(1, START, ready=True)).worst == "ok"


def test_round_trip(tmp_path):
    made = Verdict(
        START, True, "warn", {"warn": 2}, health="1.1", title="ö", nearest="−4%", unacked=3, engine_error="x"
    )
    verdict.write(made, tmp_path)
    assert verdict.read(tmp_path) == made
    assert made.age(START + 5) == 5
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', '{"schema": 1, "what": 1}'])
def test_what_cannot_be_read_is_no_verdict(tmp_path, text):
    assert verdict.read(tmp_path) is None
    (tmp_path / FILE).write_text(text)
    assert verdict.read(tmp_path) is None


def test_a_failed_write_keeps_the_old_one(tmp_path, monkeypatch):
    old = Verdict(START, True, "ok")
    verdict.write(old, tmp_path)

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", full)
    with pytest.raises(OSError, match="space"):
        verdict.write(Verdict(START + 1, True, "warn"), tmp_path)
    assert verdict.read(tmp_path) == old
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


WRITER = """
import sys, pathlib
from liqtui.engine.verdict import Verdict, write
folder, at = pathlib.Path(sys.argv[1]), 0
while True:
    at += 1
    write(Verdict(at, True, "critical", {"critical": 1}, health="1.042", title="x" * 5000), folder)
"""


def test_killed_at_any_moment_the_file_is_whole(tmp_path):
    for delay in (0.0, 0.003, 0.011):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
        while not (tmp_path / FILE).exists():
            time.sleep(0.001)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert verdict.read(tmp_path) is not None
        (tmp_path / FILE).unlink()


def test_status_needs_neither_database_nor_screen():
    code = (
        "import sys, liqtui.engine.verdict; print([m for m in ('sqlite3', 'textual', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
