"""What tests put into a history, and how they look into its file."""

import contextlib
import sqlite3

from liqtui.core.model import PositionKey
from liqtui.core.snapshot import Alert, Severity
from liqtui.core.units import WAD
from liqtui.engine.history import FILE, Sample
from tests.engine.fakes import START, address

KEY = PositionKey(1, "fake", "main", address(1))
NAME = str(KEY)
ALERT = Alert(7, START, Severity.WARN, "threshold", "w1 fake lab", "HF 1.1", NAME, "repay", None, 100)


def sample(at, health=1.5, position=NAME):
    return Sample(position, at, 100, int(health * WAD), 0.25)


def stored(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        rows = db.execute("SELECT at, health FROM sample ORDER BY at").fetchall()
    db.close()
    return [(at, int(health) / WAD) for at, health in rows]
