"""pytest fixtures of the Aave v2 laboratory: a node of its own, built when a test first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.aave_v2 import AaveV2Market, deploy, open_positions, provision_liquidator
from tests.lab.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_aave_v2(lab_cache: Path) -> Iterator[tuple[Lab, AaveV2Market]]:
    """Aave v2 with its positions open. Read only; see ``aave_v2``."""
    with Lab.build(lab_cache, generations=()) as lab:
        market = deploy(lab, lab_cache)
        lab.positions[market.name] = open_positions(market)
        provision_liquidator(market)
        yield lab, market


@pytest.fixture
def aave_v2(populated_aave_v2: tuple[Lab, AaveV2Market]) -> Iterator[AaveV2Market]:
    """The market, with everything that the test does undone afterwards."""
    lab, market = populated_aave_v2
    with lab.branch():
        yield market
