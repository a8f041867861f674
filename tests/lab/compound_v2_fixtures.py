"""pytest fixtures of the Compound v2 laboratory: a node of its own, built when a test first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.compound_v2 import CompoundMarket, open_positions
from tests.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_compound_v2(lab_cache: Path) -> Iterator[CompoundMarket]:
    """Compound v2 with its positions open. Read only; see ``compound_v2``."""
    with Lab.build(lab_cache, generations=()) as lab:
        market = CompoundMarket(lab, lab_cache)
        lab.positions[market.name] = open_positions(market)
        yield market


@pytest.fixture
def compound_v2(populated_compound_v2: CompoundMarket) -> Iterator[CompoundMarket]:
    """The market, with everything that the test does undone afterwards."""
    with populated_compound_v2.lab.branch():
        yield populated_compound_v2
