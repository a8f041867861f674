"""Every pooled lender as a case of one suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.built import built_cases
from tests.real.cases_aave import aave_v2, aave_v3
from tests.real.cases_compound import compound_v2
from tests.real.cases_morpho import morpho_blue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.real.conformance import Case

CASES: dict[str, Callable[[pytest.FixtureRequest], Case]] = {
    "aave-v3.0": lambda request: aave_v3(request.getfixturevalue("populated"), "aave30"),
    "aave-v3.6": lambda request: aave_v3(request.getfixturevalue("populated"), "aave36"),
    "aave-v2": lambda request: aave_v2(
        request.getfixturevalue("populated_aave_v2")[0], request.getfixturevalue("aave_v2")
    ),
    "compound-v2": lambda request: compound_v2(request.getfixturevalue("compound_v2")),
    "venus-core": lambda request: compound_v2(request.getfixturevalue("venus_core")),
    "venus-pool": lambda request: compound_v2(request.getfixturevalue("venus_pool")),
    "morpho-blue": lambda request: morpho_blue(request.getfixturevalue("morpho_lab")),
    **built_cases(),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    """The chain is put back after each test, and here what its drivers noted of it."""
    made = CASES[request.param](request)
    notes = [(book, dict(book)) for driver in made.drivers for book in vars(driver).values() if isinstance(book, dict)]
    yield made
    for book, as_it_was in notes:
        book.clear()
        book.update(as_it_was)
