"""What Moonwell's contracts say of an account, and the program's figures held against it: from a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from liqtui.core.model import Side
from liqtui.core.units import HEALTH_ONE
from tests.real.truth import Turn, rows

if TYPE_CHECKING:
    from pathlib import Path

    from liqtui.core.model import Position


class Said(NamedTuple):
    """The contracts' own answers on one account at one block, all markets accrued."""

    liquidity: int
    shortfall: int
    held: dict[str, int]
    """Underlying → raw amount."""
    owed: dict[str, int]

    @property
    def holds(self) -> bool:
        return bool(self.held or self.owed)


def check(found: Position, said: Said) -> None:
    """Fail unless every figure is what the contracts said."""
    book: Any = found.book
    for side, amounts in ((Side.COLLATERAL, said.held), (Side.DEBT, said.owed)):
        assert {leg.asset.address: leg.amount for leg in found.legs if leg.side is side} == amounts, (found, said)
    assert book.sums().liquidity == (said.liquidity, said.shortfall), (found, said)
    assert book.liquidatable() is (said.shortfall > 0), (found, said)
    assert found.health.verified, found
    assert found.health.raw is not None
    assert (found.health.raw < HEALTH_ONE) is (said.shortfall > 0), (found, said)
    assert found.flags == (), found


class Taken(NamedTuple):
    """A liquidation as the block's log tells it."""

    wallet: str
    repaid: int
    seized: int
    """mTokens, the protocol's share included."""


class Told(NamedTuple):
    """Everything that the contracts answered at one block."""

    block: int
    accounts: dict[str, Said]
    turns: tuple[Turn, ...]
    taken: tuple[Taken, ...]


def load(path: Path) -> list[Told]:
    found: list[Told] = []
    for block, accounts, turns, taken in rows(path):
        said = {user: Said(*each) for user, each in accounts.items()}
        found.append(Told(block, said, tuple(Turn(*each) for each in turns), tuple(Taken(*each) for each in taken)))
    return found
