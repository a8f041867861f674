"""The list of positions: drawn by lines, only as many as can be seen, whatever their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.message import Message

from liqtui.core.format import counted
from liqtui.ui import columns as spec
from liqtui.ui import figures
from liqtui.ui.apart import apart
from liqtui.ui.lines import Frame, LineView
from liqtui.ui.state import Searched, SortBy, searched
from liqtui.ui.style import Span, clipped, line

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from liqtui.core.model import PositionKey
    from liqtui.core.snapshot import ChainState, Row
    from liqtui.ui.state import AppState

_CACHE = 4096
"""Finished lines that are kept."""
_MEASURED = 200
"""Rows, the worst, whose markets are measured."""
_MARGIN = 5
"""Rows above and below that count as looked at: they are there when one moves a little."""


class Names:
    """What wallets and markets are called in the room that the list has."""

    def __init__(self, state: AppState) -> None:
        self.state = state
        self._seen: tuple[object, object] = ((), ())
        self._wallets: tuple[str, ...] = ()
        self._markets: tuple[str, ...] = ()
        self._named: dict[tuple[str, ...], str] = {}
        self._short: tuple[object, spec.Short] = (None, {})

    def layout(self, width: int) -> tuple[spec.Column, ...]:
        """Columns for an inner width. All watched wallets are measured, not those that are seen: no column moves while
        the list is narrowed or a position goes.
        """
        shown = self.state.shown
        if self._seen[0] is not shown.wallets or self._seen[1] is not shown.rows:
            self._seen = shown.wallets, shown.rows
            self._wallets = tuple(dict.fromkeys(wallet.title for wallet in shown.wallets))
            self._markets = tuple(sorted({self._market(row) for row in shown.rows[:_MEASURED]}))
        return spec.layout(width, *(max(map(cell_len, names), default=0) for names in (self._wallets, self._markets)))

    def _market(self, row: Row) -> str:
        """Name of the market that a row is in, put together once for each."""
        key = (row.brand, row.venue, row.chain, row.key.protocol, row.key.market_id)
        name = self._named.get(key)
        if name is None:
            name = figures.protocol(row, self.state)
            if row.position is not None and len(self._named) < _CACHE:
                self._named[key] = name
        return name

    def short(self, columns: tuple[spec.Column, ...]) -> spec.Short:
        """Each name as it fits its column, as unlike the others as it can be."""
        names = {"wallet": self._wallets, "protocol": self._markets}
        widths = {column.name: column.width for column in columns}
        key = (names, {name: widths.get(name, 0) for name in names})
        if self._short[0] != key:
            self._short = key, {name: apart(texts, key[1][name]) for name, texts in names.items()}
        return self._short[1]


class Positions(LineView):
    """The cursor belongs to a position, not to a place: it stays on its position when the order changes."""

    class Moved(Message):
        """Another position is selected."""

        def __init__(self, key: PositionKey | None) -> None:
            super().__init__()
            self.key = key

    class Opened(Message):
        """A position is to be shown in detail."""

    def __init__(self, state: AppState, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self.framed = True
        self.joined = False
        """Whether the preview continues the frame below."""
        self.active = True
        self.top = 0
        self._place = 0
        """Index of the cursor when it was last known."""
        self._strips: dict[tuple[object, ...], Strip] = {}
        self._names = Names(state)

    # What can be seen

    @property
    def _head(self) -> int:
        """Lines above the rows."""
        return 2 if self.framed else 0

    @property
    def seats(self) -> int:
        """Rows that fit."""
        return max(1, self.size.height - self._head - (1 if self.framed and not self.joined else 0))

    def position_text(self) -> str:
        """For the lower edge: "by cushion ▴ · 1–12 of 20"."""
        total = len(self.state.rows())
        arrow = "▾" if self.state.reverse else "▴"
        last = min(total, self.top + self.seats)
        span = f"{self.top + 1:,}–{last:,} of {total:,}" if total else "none"
        marks = f"{len(self.state.marks)} marked · " if self.state.marks else ""
        return f"{marks}by {self.state.sort.value} {arrow} · {span}"

    # Selection

    def settle(self) -> None:
        """Find the selected position in the present rows; take its neighbour when it is gone.

        Nobody has to have chosen it: then it is the first, so that the worst is not scrolled out of a list that is
        left alone.
        """
        rows = self.state.rows()
        if not rows:
            self.top = self._place = 0
            return
        index = self.state.selected_index if self.state.held else 0
        if index is None:
            index = min(self._place, len(rows) - 1)
        self.state.selected = rows[index].key
        self._place = index
        if not self.size.height:  # another pane has all the room: the rows above are to be seen again afterwards
            return
        room = self.seats
        self.top = max(0, min(self.top, index, len(rows) - room))
        self.top = max(self.top, index - room + 1)

    def move_to(self, index: int) -> None:
        rows = self.state.rows()
        if not rows:
            return
        self._place = max(0, min(index, len(rows) - 1))
        self.state.selected, self.state.held = rows[self._place].key, True
        self.update()
        self.post_message(self.Moved(self.state.selected))

    def move(self, by: int) -> None:
        self.settle()
        self.move_to(self._place + by)

    def page(self, pages: float) -> None:
        self.move(int(pages * self.seats))

    # Drawing

    def update(self) -> None:
        self.settle()
        super().update()

    def repaint(self) -> None:
        self._strips.clear()
        super().repaint()

    def build(self, width: int, height: int) -> list[Strip]:
        frame = Frame(self.palette, width, focused=self.active)
        inner = frame.inner if self.framed else width
        columns = self._names.layout(inner)
        rows = self.state.rows()
        room = height - self._head - (1 if self.framed and not self.joined else 0)
        self.state.look(rows[max(0, self.top - _MARGIN) : self.top + room + _MARGIN])
        short = self._names.short(columns)
        body = [self._row(row, columns, inner, short) for row in rows[self.top : self.top + room]]
        if len(body) < room:
            body += self._below(inner, room - len(body))
        if not self.framed:
            return body
        lines = [frame.top(self._title(), self._count()), frame.row(self._heading(columns, inner))]
        lines += [frame.row(strip) for strip in body]
        lines += [frame.row([])] * (room - len(body))
        return lines if self.joined else [*lines, frame.bottom(self.position_text())]

    def _title(self) -> str:
        parts = ["positions"]
        wallet = next((w.title for w in self.state.shown.wallets if w.key == self.state.wallet), None)
        if wallet:
            parts.append(f"▸ {wallet}")
        if self.state.filter.text:
            parts.append(f"/ {self.state.filter.text}")
        if self.state.frozen:
            parts.append("▸ FROZEN")
        return " ".join(parts)

    def _count(self) -> str:
        shown, all_of = len(self.state.rows()), len(self.state.shown.rows)
        return f"{shown:,}" if shown == all_of else f"{shown:,} of {all_of:,}"

    def _heading(self, columns: tuple[spec.Column, ...], width: int) -> Strip:
        palette = self.palette
        order = self.state.sort.value
        spans: list[Span] = [(" " * spec.LEAD, palette.style())]
        spans += [
            (text, palette.style("ink" if chosen else "muted", bold=chosen))
            for text, chosen in spec.heading(columns, order)
        ]
        return line(spans, width, palette.style())

    def _row(self, row: Row, columns: tuple[spec.Column, ...], width: int, short: spec.Short) -> Strip:
        made = spec.cells(row, columns, self.state, short)
        selected, marked = row.key == self.state.selected, row.key in self.state.marks
        key = (made, columns, width, selected, marked)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) >= _CACHE:
                self._strips.clear()
            base = self.palette.style(on="cursor" if selected else "")
            strip = line(spec.paint(made, columns, self.palette, selected=selected, marked=marked), width, base)
            self._strips[key] = strip
        return strip

    # When there is nothing, or not yet everything

    def _below(self, width: int, room: int) -> list[Strip]:
        """What is said in the space under the rows: how far reading is, or why there is nothing."""
        shown, palette = self.state.shown, self.palette
        lines: list[list[Span]] = []
        if not shown.ready or not (shown.rows or shown.none_found):
            lines = [[("   reading the chains", palette.style("muted"))], *map(self._progress, shown.chains)]
        elif not shown.rows:
            lines = self._nothing_found()
        elif not self.state.rows():
            lines = self._nothing_left()
        else:
            return []
        lines = [[], *lines] if room > len(lines) else lines
        return [line(clipped(spans, width), width, palette.style()) for spans in lines[:room]]

    def _nothing_left(self) -> list[list[Span]]:
        """Of what there is, the filter and the chosen wallet let nothing pass."""
        palette, filter_ = self.palette, self.state.filter
        wallet = next((each.title for each in self.state.shown.wallets if each.key == self.state.wallet), "this wallet")
        words = f"nothing matches / {filter_.text}" if filter_.text else f"no borrow position of {wallet} was found"
        lines: list[list[Span]] = [[(f"   {words}", palette.style("ink"))]]
        if filter_.fault:
            lines.append([(f"   {filter_.fault}", palette.style("severity-warn"))])
        return [*lines, [("   esc shows all again", palette.style("muted"))]]

    def _nothing_found(self) -> list[list[Span]]:
        shown, palette = self.state.shown, self.palette
        if not shown.wallets:
            return [[("   no wallets yet: + adds one", palette.style("ink"))]]
        wallets = counted(len(shown.wallets), "wallet")
        words, style, where = {
            Searched.ALL: (f"no borrow positions found for {wallets}", "ink", "searched"),
            Searched.SOME: (
                f"in what was read: no borrow positions of {wallets}",
                "severity-warn",
                "searched",
            ),
            Searched.NOTHING: (f"nothing could be read, so nothing is known of {wallets}", "severity-warn", "tried"),
        }[searched(shown)]
        return [
            [(f"   {words}", palette.style(style))],
            [(f"   {where}", palette.style("muted"))],
            *map(self._progress, shown.chains),
        ]

    def _progress(self, chain: ChainState) -> list[Span]:
        """One chain: its markets, each read, being read, or failed and why."""
        palette = self.palette
        muted = palette.style("muted")
        spans: list[Span] = [(f"     {self.state.chain_tag(chain.name):<6}", palette.style("ink"))]
        if chain.error:
            return [
                *spans,
                ("✗ ", palette.style("severity-critical", bold=True)),
                (chain.error, palette.style("severity-warn")),
            ]
        if not chain.stages:
            return [*spans, ("not answered yet" if chain.block is None else "no markets known", muted)]
        for stage in chain.stages:
            name = figures.SHORT_PROTOCOLS.get(stage.protocol, stage.protocol)
            if stage.error:
                spans += [
                    (f"{name} ", muted),
                    ("✗ ", palette.style("severity-critical", bold=True)),
                    (f"{stage.error}   ", palette.style("severity-warn")),
                ]
            else:
                state = f"✓ {stage.positions}" if stage.done else f"… {stage.note}".rstrip()
                spans.append((f"{name} {state}   ", muted))
        return spans

    # Mouse

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y - self._head
        if event.y < self._head or index >= len(self.state.rows()):
            return
        self.move_to(index)
        if event.chain == 2:
            self.post_message(self.Opened())


def next_sort(by: SortBy) -> SortBy:
    order = list(SortBy)
    return order[(order.index(by) + 1) % len(order)]
