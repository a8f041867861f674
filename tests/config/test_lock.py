from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from liqtui.config.lock import InstanceLock, locked

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, os
from pathlib import Path
from liqtui.config.lock import InstanceLock
lock = InstanceLock(Path(sys.argv[1]))
print(lock.acquire(), os.getpid(), flush=True)
sys.stdin.read()
"""


def test_only_one_at_a_time_and_the_other_is_told_who(tmp_path: Path) -> None:
    path = tmp_path / "state" / "liqtui.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        held, pid = other.stdout.readline().split()
        assert held == "True"
        mine = InstanceLock(path)
        assert not mine.acquire()
        assert not mine.held
        assert mine.holder == int(pid)
        other.kill()
    assert mine.holder is None
    assert mine.acquire(), "a lock dies with its process, however that dies"
    assert mine.holder


def test_release_and_again(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path / "lock"), InstanceLock(tmp_path / "lock")
    assert second.holder is None
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    assert not first.acquire()
    second.release()


def test_what_stands_in_the_file_is_not_believed_blindly(tmp_path: Path) -> None:
    (path := tmp_path / "lock").write_text("not a number")
    lock = InstanceLock(path)
    assert lock.holder is None
    assert lock.acquire()
    lock.release()


def test_writers_wait_only_so_long(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), pytest.raises(TimeoutError, match="held by another process"), locked(path, patience=0):
        pass
    with locked(path, patience=0):
        assert path.stat().st_mode & 0o777 == 0o600


def test_who_only_looks_keeps_nobody_from_it(tmp_path: Path) -> None:
    """To look who holds a lock is to have it for an instant."""
    looked_at, mine = InstanceLock(tmp_path / "lock"), InstanceLock(tmp_path / "lock")
    assert looked_at.acquire()
    threading.Timer(0.01, looked_at.release).start()
    assert mine.acquire()
    mine.release()


def test_a_holder_that_left_no_number_is_somebody(tmp_path: Path) -> None:
    mine, other = InstanceLock(tmp_path / "lock"), InstanceLock(tmp_path / "lock")
    assert mine.acquire()
    (tmp_path / "lock").write_text("")
    assert other.holder == 0
    mine.release()
    assert other.holder is None
