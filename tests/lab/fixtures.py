"""pytest fixtures: one node per session, put back to the same state after every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.lab import Lab
from tests.lab.packages import default_cache
from tests.lab.positions import open_positions
from tests.lab.proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.market import AaveMarket


_CACHE = default_cache()
"""Found before any test gets folders of its own: where a market is asked for by name, the fixture comes later."""


@pytest.fixture(scope="session")
def lab_cache() -> Path:
    """Where packages and compiled contracts are kept between runs."""
    return _CACHE


@pytest.fixture(scope="session")
def lab(lab_cache: Path) -> Iterator[Lab]:
    """Node and markets. A test that changes anything takes ``lab_state``, ``aave30`` or ``aave36`` instead."""
    with Lab.build(lab_cache) as built:
        yield built


@pytest.fixture
def lab_state(lab: Lab) -> Iterator[Lab]:
    """The laboratory, with everything that the test does undone afterwards."""
    with lab.branch():
        yield lab


@pytest.fixture
def aave30(lab_state: Lab) -> AaveMarket:
    """Aave v3.0 (POOL_REVISION 1)."""
    return lab_state.markets["aave30"]


@pytest.fixture
def aave36(lab_state: Lab) -> AaveMarket:
    """Aave v3.6 (POOL_REVISION 10)."""
    return lab_state.markets["aave36"]


@pytest.fixture(scope="session")
def populated_lab(lab_cache: Path) -> Iterator[Lab]:
    """A second laboratory, with ``lab.positions`` open in every market. Read only; see ``populated``."""
    with Lab.build(lab_cache) as built:
        for name, market in built.markets.items():
            built.positions[name] = open_positions(market)
        yield built


@pytest.fixture
def populated(populated_lab: Lab) -> Iterator[Lab]:
    """``populated_lab``, with everything that the test does undone afterwards."""
    with populated_lab.branch():
        yield populated_lab


@pytest.fixture
def fault_proxy(lab_state: Lab) -> Iterator[FaultProxy]:
    """A proxy in front of ``lab_state``'s node, healthy until told otherwise."""
    with FaultProxy(lab_state.node.url) as proxy:
        yield proxy
