"""pytest fixtures of the laboratory of the newest Compound v2: a node of its own, built when a test first asks for it.

Only for those who have built its contracts themselves: see `tests.lab.built`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.built import folder_of
from tests.lab.compound_later import LaterMarket
from tests.lab.compound_v2 import open_positions
from tests.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_compound_later(lab_cache: Path) -> Iterator[LaterMarket]:
    """The market with its positions open. Read only; see ``compound_later``."""
    folder = folder_of("compound-v2")
    with Lab.build(lab_cache, generations=()) as lab:
        market = LaterMarket(lab, lab_cache, folder)
        lab.positions[market.name] = open_positions(market)
        yield market


@pytest.fixture
def compound_later(populated_compound_later: LaterMarket) -> Iterator[LaterMarket]:
    """The market, with everything that the test does undone afterwards."""
    with populated_compound_later.lab.branch():
        yield populated_compound_later
