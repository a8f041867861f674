"""Where a book's rule turns, asked of the rule itself."""

from __future__ import annotations

from liqtui.core.boundaries import boundaries
from liqtui.core.factors import Mover, movers
from liqtui.core.model import Change
from liqtui.core.results import Boundary, Direction
from tests.core.books import ReferenceBook, asset

WBTC, WSTETH, WETH, USDC, DAI = asset("WBTC", 8), asset("wstETH"), asset("WETH"), asset("USDC", 6), asset("DAI")


def by_id(book: ReferenceBook) -> dict[str, Boundary]:
    return {found.factor: found for found in boundaries(book)}


def mover_of(book: ReferenceBook, factor: str) -> Mover:
    return next(mover for mover in movers(book) if mover.factor == factor)


def unsafe_at(book: ReferenceBook, factor: str, value: int) -> bool | None:
    return book.liquidatable(Change(prices=mover_of(book, factor).prices(value)))


def assert_turns(book: ReferenceBook, found: Boundary) -> None:
    """Unsafe at the price, safe one digit nearer to safety."""
    assert found.price is not None
    step = 1 if found.direction is Direction.FALLS else -1
    assert unsafe_at(book, found.factor, found.price) is True
    assert unsafe_at(book, found.factor, found.price + step) is False
