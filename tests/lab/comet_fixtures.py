"""pytest fixtures of the Comet laboratory: a node of its own, built when a test first asks for it.

Only for those who have built its contracts themselves: see `tests.lab.built`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.built import folder_of
from tests.lab.comet import CometLab
from tests.lab.comet_positions import open_positions
from tests.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_comets(lab_cache: Path) -> Iterator[CometLab]:
    """Both markets with their positions open. Read only; see ``comets``."""
    folder = folder_of("compound-v3")
    with Lab.build(lab_cache, generations=()) as lab:
        comets = CometLab(lab, folder, lab_cache)
        open_positions(comets)
        yield comets


@pytest.fixture
def comets(populated_comets: CometLab) -> Iterator[CometLab]:
    """The markets, with everything that the test does undone afterwards."""
    with populated_comets.lab.branch():
        yield populated_comets
