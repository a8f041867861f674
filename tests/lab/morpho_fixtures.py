"""pytest fixtures of the Morpho laboratory: a node of its own, built when a test first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab.lab import Lab
from tests.lab.morpho import MorphoLab
from tests.lab.morpho_positions import open_positions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def populated_morpho(lab_cache: Path) -> Iterator[MorphoLab]:
    """Morpho Blue with its positions open. Read only; see ``morpho_lab``."""
    with Lab.build(lab_cache, generations=()) as lab:
        morpho = MorphoLab(lab, lab_cache)
        open_positions(morpho)
        yield morpho


@pytest.fixture
def morpho_lab(populated_morpho: MorphoLab) -> Iterator[MorphoLab]:
    """``populated_morpho``, with everything that the test does undone afterwards."""
    with populated_morpho.lab.branch():
        yield populated_morpho
