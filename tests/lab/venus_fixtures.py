"""pytest fixtures of the Venus laboratory: nodes of their own, built when a test first asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.compound_v2 import open_positions
from tests.lab.lab import Lab
from tests.lab.venus import VenusCore, VenusPool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_venus_core(lab_cache: Path) -> Iterator[VenusCore]:
    """The core pool with its positions open. Read only; see ``venus_core``."""
    with Lab.build(lab_cache, generations=()) as lab:
        market = VenusCore(lab, lab_cache)
        lab.positions[market.name] = open_positions(market)
        yield market


@pytest.fixture
def venus_core(populated_venus_core: VenusCore) -> Iterator[VenusCore]:
    """The market, with everything that the test does undone afterwards."""
    with populated_venus_core.lab.branch():
        yield populated_venus_core


@pytest.fixture(scope="session")
def populated_venus_pool(lab_cache: Path) -> Iterator[VenusPool]:
    """An isolated pool with its positions open. Read only; see ``venus_pool``."""
    with Lab.build(lab_cache, generations=()) as lab:
        market = VenusPool(lab, lab_cache)
        lab.positions[market.name] = open_positions(market)
        yield market


@pytest.fixture
def venus_pool(populated_venus_pool: VenusPool) -> Iterator[VenusPool]:
    """The market, with everything that the test does undone afterwards."""
    with populated_venus_pool.lab.branch():
        yield populated_venus_pool
