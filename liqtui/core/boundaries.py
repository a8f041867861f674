"""Where each factor alone takes the account to liquidation, exact to the last digit of its feed.

The closed form (`linear`) gives a candidate; the protocol's own integer rule (`Book.liquidatable`) decides. The
boundary is the unsafe answer that lies nearest to safety: the first that liquidates on the way from safe to unsafe,
and likewise the last on the way back for an account that is liquidatable already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqtui.core.factors import matters, movers
from liqtui.core.linear import line
from liqtui.core.model import Change, Side
from liqtui.core.reach import FARTHEST
from liqtui.core.results import Boundary, Direction
from liqtui.core.search import halve, stride
from liqtui.core.teeth import teeth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liqtui.core.factors import Mover
    from liqtui.core.linear import Line
    from liqtui.core.model import Book, Feed

SCAN = 4
"""Answers looked at one by one where the closed form is as good as exact."""
SCAN_MOST = 100
"""Prices looked at one by one where roundings on both sides may make the rule turn back and forth."""


def boundaries(book: Book, feeds: Sequence[Feed] = ()) -> tuple[Boundary, ...]:
    """One boundary for each factor, for everything volatile together, for each ratio and each single asset.

    Where there is none, direction is NONE and the note says why. `feeds` only lend their labels.
    """
    account = read_account(book)
    return tuple(boundary_of(account, mover) for mover in movers(book, feeds))


@dataclass(frozen=True, slots=True)
class Account:
    """What is the same for every factor of one account."""

    book: Book
    nothing: str = ""
    """Why there can be no boundary at all."""
    unsafe: bool = False
    linear: bool = True
    """Whether the closed form explains the protocol's figure, but for roundings."""
    mixed: bool = False
    """Collateral counts with different thresholds, so that a protocol may truncate their average."""


def read_account(book: Book) -> Account:
    """Asks the book for its health and verdict as it is, once for all factors."""
    counting = [leg for leg in book.legs if matters(leg)]
    if not any(leg.side is Side.DEBT for leg in counting):
        return Account(book, nothing="no debt")
    collateral = [leg for leg in counting if leg.side is Side.COLLATERAL]
    if not collateral:
        return Account(book, nothing="no collateral counts, so no price brings it back")
    unsafe, health, now = book.liquidatable(), book.health(), line(counting)
    if unsafe is None or health is None or now is None:
        unknown = sorted({leg.asset.symbol for leg in counting if leg.price is None})
        what = f"the price of {', '.join(unknown)} is" if unknown else "health is"
        return Account(book, nothing=f"{what} unknown")
    return Account(
        book,
        unsafe=unsafe,
        linear=now.off(health) * 100 <= now.weight + 100 * now.noise,
        mixed=len({leg.threshold for leg in collateral}) > 1,
    )


def boundary_of(account: Account, mover: Mover) -> Boundary:
    """The one of this factor; where there is none, its note says why."""
    note = account.nothing
    if not note and not (mover.now and mover.now > 0):
        note = f"{mover.label} has no price above zero to move from"
    if note or mover.now is None:
        return no_boundary(mover, note)
    search = _Search(account, mover, mover.now)
    sums = line(account.book.legs, mover) if account.linear else None
    return search.without_line() if sums is None else search.along(sums)


def no_boundary(mover: Mover, note: str) -> Boundary:
    """That the factor takes the account nowhere, and why."""
    return Boundary(
        factor=mover.factor,
        kind=mover.kind,
        label=mover.label,
        direction=Direction.NONE,
        assets=mover.assets,
        price_now=mover.now,
        decimals=mover.decimals,
        note=note,
    )


class _Search:
    """One factor of one account.

    Works on an axis on which safety always lies upward: the answer itself where a fall is dangerous, the
    negative answer where a rise is.
    """

    def __init__(self, account: Account, mover: Mover, now: int) -> None:
        self.account = account
        self.mover = mover
        self.now = now
        self.sign = 1
        self._known = {now: not account.unsafe}

    def along(self, sums: Line) -> Boundary:
        """With the closed form as the guide."""
        if self.mover.capped and len(self.mover.parts) > 1 and sums.weight_moving and sums.debt_moving:
            found = self._between_caps()
            if found is not None:
                return found
        note = _why_none(sums, self.mover.label, unsafe=self.account.unsafe)
        if note:
            return no_boundary(self.mover, note)
        self.sign = 1 if sums.slope > 0 else -1
        if self._held_by_cap():
            return no_boundary(
                self.mover, f"no move of {self.mover.label} reaches it, because a cap holds the oracle's price"
            )
        there = sums.at(self.sign * sums.crossing(self.now, self.sign), self.now)
        sums = sums._replace(noise=there.noise)
        window = max(1, -(-sums.noise * self.now // abs(sums.slope)))
        return self._result(self._turn(self._points(sums, window), window))

    def _between_caps(self) -> Boundary | None:
        """The nearest turn, either way; None where there is none.

        With several assets on both sides a cap may turn a rise from a rescue into a danger, so there can be a turn on
        each side of now. Between two caps the rule is as good as linear: where it differs at both ends it turns once.
        """
        here, found = not self.account.unsafe, list[Boundary]()
        bends = self.mover.bends(self.now * FARTHEST)
        upward = (*(bend for bend in bends if bend > self.now), self.now * FARTHEST)
        lowest = self.mover.lowest()
        downward = (*(bend for bend in reversed(bends) if lowest < bend < self.now), lowest)
        for ends in (upward, downward):
            start = self.now
            for end in ends:
                self.sign = 1 if (end > self.now) is self.account.unsafe else -1
                if self.safe(self.sign * end) is not here:
                    safe, unsafe = (start, end) if here else (end, start)
                    found.append(self._result(self._between(self.sign * unsafe, self.sign * safe)))
                    break
                start = end
        return min(found, key=lambda each: abs(each.move or 0.0), default=None)

    def without_line(self) -> Boundary:
        """Without a guide, where the rule is not the sum of its legs: outward from now, down and then up."""
        step = max(1, self.now // 1000)
        turn = self._turn([self.now], step)
        if turn is None:
            self.sign = -1
            turn = self._turn([-self.now], step)
        return self._result(turn)

    def safe(self, place: int) -> bool:
        """Where the protocol gives no verdict (a price of zero, say) nothing is taken to change."""
        answer = self.sign * place
        if answer not in self._known:
            change = Change(prices=self.mover.prices(answer))
            verdict = self.account.book.liquidatable(change)
            self._known[answer] = not (self.account.unsafe if verdict is None else verdict)
        return self._known[answer]

    def _limits(self) -> tuple[int, int]:
        """Lowest and highest place to look at; the safe or unsafe present is one of them."""
        down, up = sorted((self.sign, self.sign * self.now * FARTHEST))
        here = self.sign * self.now
        return (here, max(here, up)) if self.account.unsafe else (min(here, down), here)

    def _held_by_cap(self) -> bool:
        """Whether the way to the turn leads upward and a cap keeps every answer up there from reaching it."""
        upward = (self.sign < 0) is not self.account.unsafe
        return self.mover.capped and upward and self.safe(self.sign * self.now * FARTHEST) is not self.account.unsafe

    def _points(self, sums: Line, window: int) -> list[int]:
        """Places to ask about, from safe to unsafe, around where the closed form puts the turn."""
        first_safe = sums.crossing(self.now, self.sign)
        if self.account.mixed and self._truncated(sums, first_safe):
            return teeth(sums, self.now, self.sign, self._limits()[1])
        if sums.weight_moving and sums.debt_moving:
            return self._each(first_safe + window, first_safe - window)
        if window > SCAN:
            return [first_safe + window, first_safe - window]
        return list(range(first_safe, first_safe - 2, -1))

    def _each(self, top: int, bottom: int) -> list[int]:
        """From top to bottom, one place for each set of prices: roundings on both sides may turn back and forth.

        Where these are more than a search can look at, only the ends.
        """
        place = min(top, self._limits()[1])
        first, last = self._plateau(place)
        if place - bottom > SCAN_MOST * (last - first + 1):
            return [top, bottom]
        places = [place]
        while place > bottom:
            place = self._plateau(place)[0] - 1
            places.append(place)
        return places

    def _truncated(self, sums: Line, place: int) -> bool:
        """Whether the protocol's figure differs from the sums by more than roundings do."""
        low, high = self._limits()
        answer = self.sign * max(low, min(high, place))
        health = self.account.book.health(Change(prices=self.mover.prices(answer)))
        there = sums.at(answer, self.now)
        return health is not None and there.off(health) > 2 * max(there.noise, sums.noise)

    def _turn(self, points: Sequence[int], step: int) -> int | None:
        """The unsafe place nearest to safety, asking the points first; None when there is none."""
        low, high = self._limits()
        places = [max(low, min(high, point)) for point in points]
        unsafe = next((index for index, place in enumerate(places) if not self.safe(place)), None)
        if unsafe is None:
            above, below = stride(lambda place: not self.safe(place), places[-1], low, step)
        elif unsafe == 0:
            below, above = stride(self.safe, places[0], high, step)
        else:
            below, above = places[unsafe], places[unsafe - 1]
        return None if below is None or above is None else self._between(below, above)

    def _between(self, unsafe: int, safe: int) -> int:
        return halve(self.safe, unsafe, safe, self._plateau) - 1

    def _plateau(self, place: int) -> tuple[int, int]:
        first, last = self.mover.plateau(self.sign * place)
        return (first, last) if self.sign > 0 else (-last, -first)

    def _result(self, turn: int | None) -> Boundary:
        if turn is None:
            way = "rises" if self.sign < 0 else "falls"
            if self.account.unsafe:
                return no_boundary(
                    self.mover, f"liquidatable now; no move of {self.mover.label} within reach brings it back"
                )
            return no_boundary(self.mover, f"not even if {self.mover.label} {way} {FARTHEST:,} times")
        return Boundary(
            factor=self.mover.factor,
            kind=self.mover.kind,
            label=self.mover.label,
            direction=Direction.FALLS if self.sign > 0 else Direction.RISES,
            assets=self.mover.assets,
            price=self.sign * turn,
            price_now=self.now,
            decimals=self.mover.decimals,
            passed=self.account.unsafe,
        )


def _why_none(sums: Line, label: str, *, unsafe: bool) -> str:
    """Why the closed form has no positive solution, in words; empty where it has one."""
    if not sums.weight_rest and not sums.debt_rest:
        return f"all collateral and debt move together with {label}"
    if not sums.slope:
        moving = sums.weight_moving or sums.debt_moving
        return f"collateral and debt move alike with {label}" if moving else f"{label} does not count toward health"
    if sums.gap * sums.slope > 0:
        return ""
    if unsafe:
        return f"liquidatable now; no move of {label} alone brings it back"
    return f"the rest covers the debt even if {label} goes to zero"
