"""What a position of each protocol shows: all that the protocol tells, at every width, and nothing cut or run over."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from liqtui.core import format as fmt
from liqtui.core.model import ENGINE_LINES, Side
from liqtui.core.risk import complete
from liqtui.core.units import RAY, WAD
from liqtui.ui.detail import document
from tests.protocols import comet_fake, compound_v2_fake, fake, morpho_fake, test_aave_v2
from tests.ui import lookalikes
from tests.ui.details import view_of

if TYPE_CHECKING:
    from liqtui.core.model import Position

WIDTHS = (120, 80, 40)
_DOES = {Side.COLLATERAL: "earns", Side.DEBT: "costs"}


def aave(revision: int) -> Position:
    user = fake.User(supplied={"WETH": 10 * WAD}, owed={"USDC": 15_000 * 10**6})
    market = fake.Fake(revision=revision, users={fake.addr("user"): user})
    market.assets[0].supply_cap = market.assets[1].borrow_cap = 2 * 10**6
    return fake.position(market)


def comet() -> Position:
    user = comet_fake.User(principal=-15_000 * 10**6, held={"WETH": 10 * WAD})
    return comet_fake.position(comet_fake.Fake(users={comet_fake.ALICE: user}))


def aave_v2() -> Position:
    return test_aave_v2.position(test_aave_v2.loan().chain())


def compound_v2(made: compound_v2_fake.Fake) -> Position:
    for token in made.tokens:
        token.sizes, token.share, token.caps = (10**24, 0, 10**24), 28 * WAD // 1000, (2**90, 2**90)
    return compound_v2_fake.position(made.chain())


def morpho() -> Position:
    return morpho_fake.position(morpho_fake.Fake())


POSITIONS = {
    "aave v3.0": lambda: aave(1), "aave v3.7": lambda: aave(11), "aave v2": aave_v2, "compound v3": comet,
    "compound v2": lambda: compound_v2(compound_v2_fake.loan()), "venus": lambda: compound_v2(compound_v2_fake.venus()),
    "morpho blue": morpho,
}  # fmt: skip


def lines(position: Position, width: int) -> list[str]:
    """All lines of the detail: all boxes, or those of the four tabs after each other."""
    view = view_of(lookalikes.row(complete(position)))
    chains = tuple(replace(chain, explorer="https://explorer.example") for chain in view.snapshot.chains)
    view = replace(view, snapshot=replace(view.snapshot, chains=chains))
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
    assert position.revision or "they tell no revision" in text
    assert position.revision in text
    for link in ("https://explorer.example/address/", "https://app.example.org/"):
        assert link in text.replace(" ", "")
    for _, said in position.facts:
        assert said in text or said[: width - 24] in text, said


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", POSITIONS)
def test_every_leg_is_there_with_its_rate_its_pool_and_its_cap(name: str, width: int) -> None:
    position = POSITIONS[name]()
    # each leg with figures of its own, so that none can stand for another's
    legs = tuple(
        leg._replace(
            rate=(31 + place) * RAY // 1000,
            pool_cash=(41 + place) * 10**leg.asset.decimals if leg.pool_cash is not None else None,
            utilization=6100 + place * 10 if leg.utilization is not None else None,
            cap_room=(51 + place) * 10**leg.asset.decimals if leg.cap_room is not None else None,
        )
        for place, leg in enumerate(position.legs)
    )
    changed = replace(position, legs=legs)
    carry = complete(changed).carry_per_year
    assert carry
    shown = lines(changed, width)
    text = words(shown)
    for leg in legs:
        row = next(line for line in shown if re.search(rf"(coll|debt) {re.escape(leg.asset.symbol)}\b", line))
        rate = fmt.rate(leg.rate)
        told = rate in row if width >= 100 else f"{leg.asset.symbol} {_DOES[leg.side]} {rate}" in text
        assert told, (leg.asset.symbol, rate)
        assert fmt.amount(leg.amount, leg.asset.decimals) in row
        if leg.pool_cash is not None and leg.utilization is not None:
            cash = f"{fmt.amount(leg.pool_cash, leg.asset.decimals)} {leg.asset.symbol} in the pool"
            assert f"{cash}, {fmt.bps(leg.utilization)} lent out" in text
        if leg.cap_room is not None:
            assert f"{fmt.amount(leg.cap_room, leg.asset.decimals)} {leg.asset.symbol} under the cap" in text
    ((sign, daily),) = re.findall(r"carry (−?)\$?([\d.]+)(?: ETH)? a day", text)
    assert bool(sign) is (carry < 0)
    expected = abs(carry) / 365 / 10**position.base_decimals
    assert float(daily) == pytest.approx(expected, rel=0.01, abs=0.01 if position.base_symbol == "USD" else 0)


def test_what_each_protocol_tells_of_its_pools() -> None:
    told = {name: [(leg.utilization, leg.pool_cash) for leg in made().legs] for name, made in POSITIONS.items()}
    for name in ("aave v3.0", "aave v3.7", "aave v2", "compound v2", "venus"):
        assert all(lent is not None and cash is not None for lent, cash in told[name]), name
    for name in ("compound v3", "morpho blue"):
        (kept, lent) = told[name]
        assert kept == (None, None), "collateral that is not lent out"
        assert None not in lent
