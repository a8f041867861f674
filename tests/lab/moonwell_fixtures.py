"""pytest fixtures of the Moonwell laboratory: a node of its own, built when a test first asks for it.

Only for those who have built its contracts themselves: see `tests.lab.built`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.built import folder_of
from tests.lab.compound_v2 import open_positions
from tests.lab.lab import Lab
from tests.lab.moonwell import MoonwellMarket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_moonwell(lab_cache: Path) -> Iterator[MoonwellMarket]:
    """The market with its positions open. Read only; see ``moonwell``."""
    folder = folder_of("moonwell")
    with Lab.build(lab_cache, generations=()) as lab:
        market = MoonwellMarket(lab, folder)
        lab.positions[market.name] = open_positions(market)
        yield market


@pytest.fixture
def moonwell(populated_moonwell: MoonwellMarket) -> Iterator[MoonwellMarket]:
    """The market, with everything that the test does undone afterwards."""
    with populated_moonwell.lab.branch():
        yield populated_moonwell
