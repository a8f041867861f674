"""A small exact account with Aave's two kinds of rounding, and short ways to write one down."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from liqtui.core.model import Asset, Change, Leg, Quote, Side
from liqtui.core.units import BPS, HEALTH_INFINITE, HEALTH_ONE, WAD, mul_div_down, mul_div_up, percent_mul, wad_div

USD = 10**8
UNCHANGED = Change()


def address(symbol: str) -> str:
    return "0x" + symbol.lower().encode().hex().rjust(40, "0")


def asset(symbol: str, decimals: int = 18) -> Asset:
    return Asset(address(symbol), symbol, decimals)


def quote(
    of: Asset,
    answer: int | None,
    factor: str = "",
    *,
    ratio: int | None = None,
    cap: int | None = None,
    decimals: int = 8,
    answer_decimals: int = 8,
    price: int | None = None,
    label: str = "",
) -> Quote:
    """A quote that is proven unless another price is given."""
    made = Quote(
        of.address,
        "0x" + "5" * 40,
        None,
        decimals,
        factor or of.symbol,
        answer=answer,
        answer_decimals=answer_decimals,
        feed="0x" + "f" * 40,
        ratio=ratio,
        ratio_label=label,
        cap=cap,
    )
    if price is None and answer is not None:
        price = made.at(answer)
    return replace(made, price=price)


@dataclass
class ReferenceBook:
    """Aave's account rules. `truncating`: ≤ 3.4, average threshold cut to basis points; else ≥ 3.5, directed."""

    collateral: dict[Asset, tuple[int, int]]
    """Asset → (amount, threshold in basis points)."""
    debts: dict[Asset, int]
    prices: dict[Asset, Quote]
    truncating: bool = False
    idle: dict[Asset, int] = field(default_factory=dict)
    """Supplied but not counted."""
    calls: int = 0

    @property
    def quotes(self) -> dict[str, Quote]:
        return {held.address: quoted for held, quoted in self.prices.items()}

    @property
    def legs(self) -> tuple[Leg, ...]:
        return (
            *(
                self._leg(held, Side.COLLATERAL, amount, threshold)
                for held, (amount, threshold) in self.collateral.items()
            ),
            *(self._leg(held, Side.COLLATERAL, amount, 8000, counts=False) for held, amount in self.idle.items()),
            *(self._leg(owed, Side.DEBT, amount, 0) for owed, amount in self.debts.items()),
        )

    def _leg(self, of: Asset, side: Side, amount: int, threshold: int, *, counts: bool = True) -> Leg:
        price = self.prices[of].price
        value = None if price is None else self._value(of, side, amount, price)
        return Leg(of, side, amount, price, value, threshold, 10_500 if threshold else 0, counts)

    def _value(self, of: Asset, side: Side, amount: int, price: int) -> int:
        up = side is Side.DEBT and not self.truncating
        return (mul_div_up if up else mul_div_down)(amount, price, 10**of.decimals)

    def health(self, change: Change = UNCHANGED) -> int | None:
        self.calls += 1
        held = weight = owed = 0
        for of, (amount, threshold) in self.collateral.items():
            price = change.prices.get(of.address, self.prices[of].price)
            if not price:
                return None
            value = self._value(of, Side.COLLATERAL, amount + change.collateral.get(of.address, 0), price)
            held += value
            weight += value * threshold
        for of, amount in self.debts.items():
            price = change.prices.get(of.address, self.prices[of].price)
            if not price:
                return None
            owed += self._value(of, Side.DEBT, amount + change.debt.get(of.address, 0), price)
        if not owed:
            return HEALTH_INFINITE
        if self.truncating:
            return wad_div(percent_mul(held, weight // held if held else 0), owed)
        return ((weight * WAD + owed // 2) // owed) // BPS

    def liquidatable(self, change: Change = UNCHANGED) -> bool | None:
        health = self.health(change)
        return None if health is None else health < HEALTH_ONE


def two_coins(*, truncating: bool = False) -> ReferenceBook:
    """Design §4, first case."""
    wbtc, wsteth, weth, usdc = asset("WBTC", 8), asset("wstETH"), asset("WETH"), asset("USDC", 6)
    return ReferenceBook(
        collateral={wbtc: (10 * 10**8, 7800), wsteth: (41 * WAD, 7900)},
        debts={usdc: 200_000 * 10**6, weth: 50 * WAD},
        prices={
            wbtc: quote(wbtc, 60_000 * USD, "BTC"),
            wsteth: quote(wsteth, 2_500 * USD, "ETH", ratio=122 * WAD // 100),
            weth: quote(weth, 2_500 * USD, "ETH"),
            usdc: quote(usdc, USD, "USDC"),
        },
        truncating=truncating,
    )


def staking_loop(*, truncating: bool = False) -> ReferenceBook:
    """Design §4, second case: 100 wstETH against 112.6 WETH at 0.95, ratio 1.22."""
    wsteth, weth = asset("wstETH"), asset("WETH")
    return ReferenceBook(
        collateral={wsteth: (100 * WAD, 9500)},
        debts={weth: 1126 * WAD // 10},
        prices={
            wsteth: quote(wsteth, 2_500 * USD, "ETH", ratio=122 * WAD // 100),
            weth: quote(weth, 2_500 * USD, "ETH"),
        },
        truncating=truncating,
    )


def simple(*, truncating: bool = False) -> ReferenceBook:
    """The screens' own account: 812.4 ETH and 140,000 USDC against 1,665,752.11 USDC."""
    eth, usdc = asset("ETH"), asset("USDC", 6)
    return ReferenceBook(
        collateral={eth: (8124 * WAD // 10, 8300), usdc: (140_000 * 10**6, 7800)},
        debts={usdc: 166_575_211 * 10**4},
        prices={eth: quote(eth, 241_218_000_000, "ETH"), usdc: quote(usdc, USD, "USDC")},
        truncating=truncating,
    )
