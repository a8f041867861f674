"""What a position of each protocol shows: all that the protocol tells, at every width, and nothing cut or run over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from liqtui.core.model import ENGINE_LINES
from liqtui.core.risk import complete
from liqtui.core.units import WAD
from liqtui.ui.detail import document
from tests.protocols import comet_fake, compound_v2_fake, fake, morpho_fake
from tests.ui import lookalikes
from tests.ui.details import view_of

if TYPE_CHECKING:
    from liqtui.core.model import Position

WIDTHS = (120, 80, 40)


def aave(revision: int) -> Position:
    user = fake.User(supplied={"WETH": 10 * WAD}, owed={"USDC": 15_000 * 10**6})
    market = fake.Fake(revision=revision, users={fake.addr("user"): user})
    market.assets[0].supply_cap = market.assets[1].borrow_cap = 2 * 10**6
    return fake.position(market)


def comet() -> Position:
    user = comet_fake.User(principal=-15_000 * 10**6, held={"WETH": 10 * WAD})
    return comet_fake.position(comet_fake.Fake(users={comet_fake.ALICE: user}))


def compound_v2() -> Position:
    made = compound_v2_fake.loan()
    for token in made.tokens:
        token.sizes, token.share, token.caps = (10**24, 0, 10**24), 28 * WAD // 1000, (2**90, 2**90)
    return compound_v2_fake.position(made.chain())


def morpho() -> Position:
    return morpho_fake.position(morpho_fake.Fake())


POSITIONS = {
    "aave v3.0": lambda: aave(1), "aave v3.7": lambda: aave(11), "compound v3": comet, "compound v2": compound_v2,
    "morpho blue": morpho,
}  # fmt: skip


def lines(position: Position, width: int) -> list[str]:
    """All lines of the detail: all boxes, or those of the four tabs after each other."""
    view = view_of(lookalikes.row(complete(position)))
    return [
        "".join(segment.text for segment in strip).rstrip()
        for tab in range(1 if width >= 100 else 4)
        for strip in document(view, width, tab)
    ]


def words(shown: list[str]) -> str:
    """The text without frames, each column read down by itself."""
    left = [re.split(r"││", line)[0] for line in shown]
    right = [line.partition("││")[2] for line in shown]
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", " ".join([*left, *right])).split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", POSITIONS)
def test_everything_that_the_protocol_tells_is_there(name: str, width: int) -> None:
    position = POSITIONS[name]()
    shown = lines(position, width)
    assert max(map(cell_len, shown)) <= width
    text = words(shown)
    assert tuple(label for label, _ in position.engine) == ENGINE_LINES
    for label, said in position.engine:
        assert said in text, f"{label}: {said}"
    for leg in position.legs:
        if leg.utilization is not None:
            assert "lent out" in text
        if leg.cap_room is not None:
            assert "under the cap" in text
    assert "app.example.org" in text
    for _, said in position.facts:
        assert said in text or said[: width - 24] in text, said


def test_what_each_protocol_tells_of_its_pools() -> None:
    told = {name: [(leg.utilization, leg.pool_cash) for leg in made().legs] for name, made in POSITIONS.items()}
    for name in ("aave v3.0", "aave v3.7", "compound v2"):
        assert all(lent is not None and cash is not None for lent, cash in told[name]), name
    for name in ("compound v3", "morpho blue"):
        (kept, lent) = told[name]
        assert kept == (None, None), "collateral that is not lent out"
        assert None not in lent
