"""What the history keeps of a reading, so that rules can be tried on it later."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from liqtui.core.model import PositionKey
from liqtui.core.rehearse import Point
from liqtui.core.snapshot import Alert, Severity
from liqtui.core.units import WAD
from liqtui.engine.history import FILE, SPACING, History, Sample
from liqtui.engine.schema import MIGRATIONS
from tests.engine.fakes import START, address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = str(PositionKey(1, "fake", "main", address(1)))
FULL = Sample(
    NAME, START, 100, 15 * WAD // 10, -0.25, block_at=START - 3, nearest=0.2, sigmas=4.5, eta=86_400, unsafe=False
)
ALERT = Alert(7, START, Severity.OK, "changed", "w1 fake lab", "by hand", NAME, positions=(NAME,))


@pytest.fixture
def history() -> Iterator[History]:
    made = History(None)
    yield made
    made.close()


def minutes(history: History, count: int) -> None:
    for minute in range(count):
        history.sample(FULL._replace(at=START + SPACING * minute))


def test_all_of_a_reading_comes_back(history: History) -> None:
    history.sample(FULL)
    history.sample(Sample(NAME, START + 60, 105, 2 * WAD, None, block_at=START + 57, unsafe=True))
    history.flush(START + 60)
    assert history.points(NAME, START) == [
        Point(START, 15 * WAD // 10, -0.25, START - 3, 0.2, 4.5, 86_400, unsafe=False),
        Point(START + 60, 2 * WAD, None, START + 57, unsafe=True),
    ]
    assert history.points(NAME, START + 1)[0].at == START + 60


@pytest.mark.parametrize(
    ("alert", "moved"),
    [
        (ALERT, True),
        (replace(ALERT, kind="liquidated"), True),
        (replace(ALERT, kind="threshold", facts=(("change", "repaid 5 USDC"),)), True),
        (replace(ALERT, kind="threshold", facts=(("cause", '["change", '),)), False),
        (replace(ALERT, kind="price"), False),
        (replace(ALERT, positions=("1:fake:main:0x2",)), False),
    ],
)
def test_the_reading_at_which_somebody_moved_amounts_is_marked(history: History, alert: Alert, moved: bool) -> None:
    minutes(history, 3)
    history.alert(replace(alert, at=START + SPACING + 2))
    history.flush(START + 200)
    assert [point.moved for point in history.points(NAME, START)] == [False, moved, False]


def test_a_move_before_the_first_reading_marks_none(history: History) -> None:
    minutes(history, 2)
    history.alert(replace(ALERT, at=START - 5))
    history.flush(START + 200)
    assert not any(point.moved for point in history.points(NAME, 0))


def test_what_an_older_version_wrote_is_read_without_what_it_did_not_keep(tmp_path: Path) -> None:
    older = [script for script in MIGRATIONS if "block_at" not in script]
    with contextlib.closing(sqlite3.connect(tmp_path / FILE)) as db, db:
        db.executescript("".join(older) + f"PRAGMA user_version = {len(older)};")
        db.execute("INSERT INTO sample VALUES (?, ?, 1, ?, -0.3)", (NAME, START, str(2 * WAD)))
    db.close()
    old = [Point(START, 2 * WAD, -0.3)]
    reader = History(tmp_path, read_only=True)
    assert reader.points(NAME, 0) == old, "by a screen beside an older daemon"
    assert reader.notice == ""
    reader.close()
    history = History(tmp_path)
    history.sample(FULL._replace(at=START + 60))
    history.flush(START + 60)
    assert history.points(NAME, 0)[:1] == old, "and after the file was brought up to date"
    assert history.points(NAME, 0)[1].block_at == START - 3
    history.close()


def test_what_says_nothing_new_need_not_be_worked_out(history: History) -> None:
    assert history.hears(NAME, START, WAD)
    history.sample(FULL)
    assert not history.hears(NAME, START + 1, FULL.health)
    assert history.hears(NAME, START + 1, FULL.health * 99 // 100)
    assert history.hears(NAME, START + SPACING, FULL.health)
    assert not history.hears(NAME, START, WAD)
