"""kill -9 between every two steps of a delivery: nothing is lost, little comes twice, and nothing out of order."""

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

from liqtui.engine.history import FILE
from tests.engine.killed import ALERTS
from tests.engine.receiver import Receiver

ROOT = Path(__file__).parents[2]


def test_nothing_is_lost_wherever_it_is_killed(tmp_path):
    with Receiver() as receiver:
        done = subprocess.run(
            [sys.executable, "-m", "tests.engine.killed", str(tmp_path), str(receiver.port)],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        steps = int(done.stdout)
        assert steps > 40
        repeated = 0
        for number in range(1, steps + 2):
            requests = [one for one in receiver.taken if one.path == f"/k{number}"]
            order = [alert["id"] for one in requests for alert in one.event["alerts"]]
            assert set(order) == {alert.id for alert in ALERTS}, f"step {number}"
            counted = Counter(order)
            twice = [alert for alert, times in counted.items() if times > 1]
            assert max(counted.values()) <= 2, f"step {number}"
            assert len(twice) <= len(max((one.titles for one in requests), key=len)), f"step {number}"
            repeated += bool(twice)
            first = list(dict.fromkeys(order))
            for parity in (0, 1):
                mine = [alert for alert in first if alert % 2 == parity]
                assert mine == sorted(mine), f"step {number}"
            db = sqlite3.connect(tmp_path / f"k{number}" / FILE)
            states = db.execute("SELECT DISTINCT state FROM delivery").fetchall()
            db.close()
            assert states == [("delivered",)], f"step {number}"
        assert 0 < repeated < steps / 2
