"""What is found out about a position: where it is liquidated, what saves it, what a liquidation takes.

Units as in `core.model`. `None` means unknown, or that there is none, as each says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from liqtui.core.model import Asset


class Direction(StrEnum):
    FALLS = "falls"
    RISES = "rises"
    NONE = "none"


class FactorKind(StrEnum):
    FACTOR = "factor"
    """One feed (or several proven to quote the same thing) moves; all that hangs on it moves along."""
    RATIO = "ratio"
    """The rate inside an adapter moves (wstETH/ETH), the base does not."""
    ASSET = "asset"
    """The oracle price of one asset alone moves."""
    TOGETHER = "together"
    """Every volatile factor moves by the same multiplier."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a factor alone takes the account to liquidation."""

    pending: ClassVar[bool] = False
    """Only factor, kind and `about` are here, the rest was asked for: see `core.glimpse`."""

    factor: str
    """Factor id; "asset:0x…" for a single asset, "ratio:0x…" for a ratio, "together" for all volatile ones."""
    kind: FactorKind
    label: str
    direction: Direction
    assets: tuple[str, ...]
    """Symbols of what moves along, collateral first."""
    price: int | None = None
    """First raw answer of the factor, going from safe to unsafe, at which the account can be liquidated.

    For TOGETHER: the multiplier, 1e18-scaled. None when direction is NONE.
    """
    price_now: int | None = None
    decimals: int = 8
    passed: bool = False
    """The account is liquidatable now; `price` is then the last unsafe answer on the way back."""
    exact: bool = True
    """Found with the protocol's integers; False: by the closed form only."""
    note: str = ""
    """Why there is none, in words."""

    @property
    def move(self) -> float | None:
        """Relative distance, −0.043 for a fall of 4.3 %. For display and ranking only."""
        if self.price is None or not self.price_now:
            return None
        return (self.price - self.price_now) / self.price_now

    @property
    def about(self) -> float | None:
        """`move`, or where that is not worked out yet an estimate that is good enough to rank by. Never shown."""
        return self.move

    @property
    def nowhere(self) -> bool:
        """No move of the factor alone liquidates the account; or, while it is `pending`, none is known."""
        return self.direction is Direction.NONE


@dataclass(frozen=True, slots=True)
class Rescue:
    """The least that brings health to `target`. Each amount alone is enough; rounded toward more."""

    target: int
    """1e18-scaled."""
    repay: tuple[tuple[Asset, int], ...]
    """Per debt asset; absent where repaying all of it is not enough."""
    add: tuple[tuple[Asset, int], ...]
    """Per collateral asset that counts."""
    sell: tuple[tuple[Asset, int], ...] = ()
    """Per collateral asset: how much, sold at the oracle price and used to repay, is enough. An estimate."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What one liquidation may take, were the account liquidatable: the worst pair for its owner."""

    collateral: Asset
    debt: Asset
    max_debt: int
    """Raw units of debt that one call may repay."""
    seized: int
    """Raw units of collateral that the account loses by it, protocol fee included."""
    loss: int | None
    """Base units lost: seized minus repaid, at oracle prices."""
    close_factor: int
    """Basis points of the debt in that asset that may be repaid in one call."""
    bonus: int
    """Basis points, 10,500 = 5 %."""
    reason: str
    """Which rule sets the amount, in words."""
    health_after: int | None
    toxic_below: int | None
    """Health under which a liquidation of this pair lowers health: LT × bonus, 1e18-scaled."""
    blocked: str = ""
    """Why no liquidation can go through now although health allows it (paused, grace period, …); empty if none."""
