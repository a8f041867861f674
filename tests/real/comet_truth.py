"""What a Comet says of an account, and the program's figures held against it: on a node, or from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Side
from liqtui.core.units import HEALTH_INFINITE, HEALTH_ONE, WAD, mul_div_down
from liqtui.protocols.compound_v3_math import Absorption, Indexes, absorb, liquidatable
from tests.real.truth import Turn, rows

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.core.model import Position


class Said(NamedTuple):
    """The contract's own answers on one account at one block."""

    owed: int
    """borrowBalanceOf."""
    supplied: int
    """balanceOf."""
    liquidatable: bool
    """isLiquidatable: with the index of its last accrual."""
    collateralized: bool
    """isBorrowCollateralized: covered to borrow, with the same index."""
    held: tuple[int, ...]
    """collateralBalanceOf, by index of the asset."""
    absorbed: int | None
    """What `absorb` in this very block leaves as supplied base; None: it reverts with NotLiquidatable."""

    @property
    def holds(self) -> bool:
        return bool(self.owed or self.supplied or any(self.held))


def check(found: Position, said: Said) -> None:
    """Fail unless every figure is what the contract said."""
    book: Any = found.book
    owed = sum(leg.amount for leg in found.legs if leg.side is Side.DEBT)
    lent = sum(leg.amount for leg in found.legs if leg.side is Side.COLLATERAL and not leg.counts)
    assert (owed, lent) == (said.owed, said.supplied), (found, said)
    held = {index: amount for index, amount in enumerate(said.held) if amount}
    assert {state.info.offset: amount for state, amount in book.held} == held, (found, said)
    # its views, which know no interest since the last accrual
    totals = book.market.totals
    stored = Indexes(totals.supply_index, totals.borrow_index)
    assert liquidatable(book.base._replace(indexes=stored), book.lines) is said.liquidatable, (found, said)
    assert _covered(book, stored) is said.collateralized, (found, said)
    # absorb, which accrues first
    absorbable = said.absorbed is not None
    assert book.liquidatable() is absorbable, (found, said)
    assert found.health.raw is not None
    assert (found.health.raw < HEALTH_ONE) is absorbable, (found, said)
    assert found.health.raw < HEALTH_INFINITE or not found.debt_value, (found, said)
    if absorbable:
        assert taken_of(found).left == said.absorbed, (found, said)
    assert found.health.verdict is ((said.liquidatable or (None if absorbable else False)) if owed else False), found
    assert not any(flag.code == "unverified" for flag in found.flags), found


def taken_of(found: Position) -> Absorption:
    """What an absorption makes of the account, by our own arithmetic."""
    book: Any = found.book
    taken = absorb(book.base, book.lines, [state.info.liquidation_factor for state, _ in book.held])
    assert taken is not None
    return taken


def _covered(book: Any, indexes: Indexes) -> bool:
    """isBorrowCollateralized, from what the adapter read."""
    base = book.base._replace(indexes=indexes)
    total = 0
    for state, amount in book.held:
        total += mul_div_down(mul_div_down(amount, state.price, state.info.scale), state.info.borrow_factor, WAD)
    return base.principal >= 0 or total >= base.debt_value


class Repaid(NamedTuple):
    """What the contract says after somebody has paid base tokens in for the account, in the same block."""

    wallet: str
    amount: int
    owed: int
    supplied: int
    liquidatable: bool


class Absorbed(NamedTuple):
    """An absorption as the block's log tells it."""

    wallet: str
    paid: int
    taken: dict[str, int]
    """Address of the asset → amount."""


class Told(NamedTuple):
    """Everything that the contract answered at one block."""

    block: int
    accounts: dict[str, Said]
    turns: tuple[Turn, ...]
    repaid: tuple[Repaid, ...]
    absorbed: tuple[Absorbed, ...]


def load(path: Path) -> list[Told]:
    found: list[Told] = []
    for block, accounts, turns, repaid, absorbed in rows(path):
        said = {user: Said(*each[:4], tuple(each[4]), each[5]) for user, each in accounts.items()}
        told = (turns, repaid, absorbed)
        lists = (tuple(kind(*each) for each in some) for kind, some in zip(_KINDS, told, strict=True))
        found.append(Told(block, said, *lists))
    return found


_KINDS: tuple[Any, ...] = (Turn, Repaid, Absorbed)
