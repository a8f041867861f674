"""What the selected position is made of, what a move would do to it, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.core import format as text
from liqtui.core.text import short_address
from liqtui.core.units import WAD
from liqtui.ui import figures
from liqtui.ui.ladder import steps
from liqtui.ui.lines import Frame, LineView
from liqtui.ui.style import LOOKS, Span, spans_width

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.strip import Strip

    from liqtui.core.model import Leg, Position
    from liqtui.core.results import Rescue
    from liqtui.core.snapshot import Row
    from liqtui.ui.state import AppState

_LABEL = 17


class Preview(LineView):
    """Continues the frame of the list."""

    def __init__(self, state: AppState, footnote: Callable[[], str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self.active = True
        self.footnote = footnote
        """Says where the list is, for the lower edge."""
        self._found: tuple[Position, int, Rescue | None] | None = None

    def build(self, width: int, height: int) -> list[Strip]:
        frame = Frame(self.palette, width, focused=self.active)
        row = self.state.selected_row
        room = height - 2
        lines = [] if row is None else self._small(row, frame.inner) if room < 5 else self._full(row, room, frame.inner)
        title = "" if row is None else self._title(row)
        body = [frame.row(spans) for spans in lines[:room]]
        body += [frame.row([])] * (room - len(body))
        return [frame.top(title, joined=True), *body, frame.bottom(self.footnote())]

    def _title(self, row: Row) -> str:
        address = next((w.address for w in self.state.shown.wallets if w.key == row.key.wallet), row.key.wallet)
        return f"{figures.wallet(row)} · {figures.protocol(row, self.state)} · {short_address(address)}"

    def _full(self, row: Row, room: int, width: int) -> list[list[Span]]:
        position = row.position
        if position is None:
            return [[], *self._doubts(row)]
        if position.partial:
            return [self._asking(), [], *self._doubts(row)]
        doubts = self._doubts(row)
        tail = [*self._ladder(row, width), *self._target(position, width), *self._alone(position), *doubts]
        head = self._legs(position, room - len(tail), width)
        measured = self._measured(row, width) if len(head) + len(tail) < room else []
        gap: list[list[Span]] = [[]] if len(head) + len(measured) + len(tail) < room else []
        return [*head, *gap, *measured, *tail]

    def _small(self, row: Row, width: int) -> list[list[Span]]:
        if row.position is None:
            return self._doubts(row)
        if row.position.partial:
            return [*self._doubts(row), self._asking()]
        ahead = [*self._ladder(row, width), *self._alone(row.position)]
        return [*self._doubts(row), *self._target(row.position, width, short=True), *ahead]

    def _asking(self) -> list[Span]:
        return [self._label("the rest"), (self.state.asking, self.palette.style("muted"))]

    def _label(self, name: str) -> Span:
        return (f"  {name:<{_LABEL - 3}} ", self.palette.style("muted"))

    # Why not to trust it

    def _doubts(self, row: Row) -> list[list[Span]]:
        palette = self.palette
        lines: list[list[Span]] = []
        if row.error:
            aged = row.ages.fetch is not None and row.position is not None
            old = f"figures are {text.age(row.ages.fetch)} old · " if aged else ""
            lines.append([self._label("not read"), (f"{old}{row.error}", palette.style("severity-warn"))])
        position = row.position
        if position is not None and position.health.shown is not None and not position.health.confirmed:
            why = position.health.reason or "the contract did not confirm it"
            lines.append([self._label("unverified"), (why, palette.style("severity-warn"))])
        return lines

    # What it is made of

    def _legs(self, position: Position, room: int, width: int) -> list[list[Span]]:
        """Two lines at least; more where one is too short for all assets."""
        collateral = [leg for leg in position.legs if not leg.owed and leg.amount]
        debt = [leg for leg in position.legs if leg.owed and leg.amount]
        lines = self._flow("collateral", [self._leg(leg, position) for leg in collateral], room - 1, width)
        return [*lines, *self._flow("debt", [self._leg(leg, position) for leg in debt], room - len(lines), width)]

    def _flow(self, label: str, items: list[list[Span]], room: int, width: int) -> list[list[Span]]:
        lines: list[list[Span]] = [[self._label(label)]]
        gap: Span = ("    ", self.palette.style())
        for place, item in enumerate(items):
            started = len(lines[-1]) > 1
            if started and spans_width([*lines[-1], gap, *item]) > width - 1:
                if len(lines) >= room:
                    lines[-1].append((f" +{len(items) - place} more", self.palette.style("muted")))
                    break
                lines.append([self._label("")])
                started = False
            lines[-1] += [gap, *item] if started else item
        if not items:
            lines[-1].append(("none", self.palette.style("muted")))
        return lines

    def _leg(self, leg: Leg, position: Position) -> list[Span]:
        ink, muted = self.palette.style("ink"), self.palette.style("muted")
        value = text.money(leg.value, position.base_decimals, position.base_symbol)
        spans: list[Span] = [
            (f"{text.amount(leg.amount, leg.asset.decimals)} {leg.asset.symbol}", ink),
            (f"  {value}", muted),
        ]
        if leg.owed:
            if leg.rate != 0:
                yearly = "what it costs" if leg.rate is None else text.rate(leg.rate)
                spans.append((f"  {yearly} a year{' is not known' * (leg.rate is None)}", muted))
        elif leg.counts:
            spans.append((f"  LT {text.bps(leg.threshold)}", muted))
        else:
            spans.append(("  does not count", muted))
        spans += [(f"  {note}", self.palette.style("severity-warn")) for note in leg.notes[:1]]
        return spans

    # How far it is

    def _measured(self, row: Row, width: int) -> list[list[Span]]:
        """The cushion with what σ was taken from; nothing where it would be cut."""
        told = figures.volatility(row, self.state.shown.sigmas)
        known = row.sigmas is not None and told
        spans: list[Span] = [
            self._label("cushion"),
            (f"{text.sigma(row.sigmas_left)}  " if known else "", self.palette.style("ink")),
            (told, self.palette.style("muted")),
        ]
        return [spans] if told and spans_width(spans) < width else []

    # What a move would do

    def _ladder(self, row: Row, width: int) -> list[list[Span]]:
        made = steps(row)
        if made is None:
            return []
        palette = self.palette
        spans: list[Span] = [self._label(f"if {made.label} moves")]
        gap: Span = ("    ", palette.style())
        for place, step in enumerate(made.steps):
            head = "now" if not step.move else text.percent(step.move).replace(".0%", "%")
            figure: list[Span] = [
                *([gap] if place else []),
                (f"{head} ", palette.style("muted")),
                (
                    f"{figures.plainly(figures.health(step.health), self.state)} ",
                    palette.style("ink", bold=not step.move),
                ),
                (LOOKS[step.severity].glyph, palette.severity(step.severity)),
            ]
            if spans_width([*spans, *figure]) > width - 1:
                break
            spans += figure
        return [spans]

    # What to do

    def _target(self, position: Position, width: int, *, short: bool = False) -> list[list[Span]]:
        rescue = self._rescue(position, self.state.settings.target)
        now = position.health.shown
        if rescue is None or (now is not None and now >= rescue.target):
            return []
        palette = self.palette
        muted, ink = palette.style("muted"), palette.style("strong")
        spans: list[Span] = [self._label(f"back to {figures.health(rescue.target)[:4]}")]
        ways = self._ways(rescue, position)
        for place, way in enumerate(ways):
            made: list[Span] = [("   or   " if place else "", muted), (way[0], ink), ("" if short else way[1], muted)]
            if spans_width([*spans, *made]) > width - 1:
                break
            spans += made
        return [spans] if ways else []

    def _rescue(self, position: Position, target: int) -> Rescue | None:
        """What reaches the target, which may be another than the engine's; searched for once per reading."""
        if self._found is None or self._found[0] is not position or self._found[1] != target:
            from liqtui.ui.detail_ways import rescue_for  # needless until a position is at hand

            self._found = position, target, next(iter(rescue_for(position, (target,))), None)
        return self._found[2]

    def _ways(self, rescue: Rescue, position: Position) -> list[tuple[str, str]]:
        prices = {leg.asset.address: leg.price for leg in position.legs}
        ways: list[tuple[str, str]] = []
        for word, options in (("repay", rescue.repay), ("add", rescue.add), ("sell", rescue.sell)):
            for asset, amount in options[:1]:
                price = prices.get(asset.address)
                worth = None if price is None else amount * price // 10**asset.decimals
                value = "" if worth is None else f" ({text.money(worth, position.base_decimals, position.base_symbol)})"
                ways.append((f"{word} {text.amount(amount, asset.decimals, up=True)} {asset.symbol}", value))
        return ways

    def _alone(self, position: Position) -> list[list[Span]]:
        if not position.has_debt:
            return [[self._label("left alone"), ("no debt, nothing to liquidate", self.palette.style("ink"))]]
        from liqtui.core.risk import interest_known  # needless until a position is at hand

        eta = position.interest_eta
        if position.health.shown is not None and position.health.shown < WAD:
            return [
                [
                    self._label("left alone"),
                    ("can be liquidated now", self.palette.style("severity-critical", bold=True)),
                ]
            ]
        if eta is not None:
            words = f"interest brings it to 1.00 in {text.eta(eta)}"
        elif interest_known(position):
            words = "interest never brings it to 1.00"
        else:
            words = "when interest brings it to 1.00 is not known"
        return [[self._label("left alone"), (words, self.palette.style("ink"))]]
