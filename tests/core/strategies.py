"""Accounts for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from liqtui.core.units import WAD
from tests.core.books import USD, ReferenceBook, asset, quote

WBTC, WSTETH, WETH, USDC, DAI = asset("WBTC", 8), asset("wstETH"), asset("WETH"), asset("USDC", 6), asset("DAI")


@st.composite
def books(draw: st.DrawFn, least: int = 50, most: int = 300) -> ReferenceBook:
    """One to four assets with any mix of sides, correlated or not, some with a ratio; health between the limits."""
    pool = [WBTC, WSTETH, WETH, USDC, DAI]
    prices = {
        WBTC: quote(WBTC, draw(st.integers(10_000 * USD, 150_000 * USD)), "BTC"),
        WETH: quote(WETH, eth := draw(st.integers(500 * USD, 9_000 * USD)), "ETH"),
        WSTETH: quote(WSTETH, eth, "ETH", ratio=draw(st.integers(WAD, 14 * WAD // 10))),
        USDC: quote(USDC, draw(st.integers(97_000_000, 103_000_000)), "USDC"),
        DAI: quote(DAI, draw(st.integers(97_000_000, 103_000_000)), "DAI"),
    }

    def amount(of) -> int:
        return draw(st.integers(10**2, 10**6)) * USD * 10**of.decimals // (prices[of].price or 1)

    held = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=3, unique=True))
    owed = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2, unique=True))
    collateral = {of: (amount(of), draw(st.integers(2_000, 9_500))) for of in held}
    book = ReferenceBook(collateral, {of: amount(of) for of in owed}, prices, draw(st.booleans()))
    health = book.health()
    assert health is not None
    wanted = draw(st.integers(least, most)) * WAD // 100
    book.debts = {of: owed * health // wanted + 1 for of, owed in book.debts.items()}
    return book
