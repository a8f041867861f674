"""One position in full: wide screens show all boxes, narrow ones four tabs; everything scrolls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from liqtui.core import format as fmt
from liqtui.core.text import clean
from liqtui.ui import clipboard
from liqtui.ui.bindings import bindings
from liqtui.ui.chart import SPANS, following
from liqtui.ui.detail_chart import chart_box
from liqtui.ui.detail_health import boundary_box, header, health_box, nearest_spans, proof
from liqtui.ui.detail_parts import oracle_box, parts_box
from liqtui.ui.detail_trust import alerts_box, asking_box, copy_text, provenance_box, raw_box
from liqtui.ui.detail_view import View
from liqtui.ui.detail_ways import engine_box, ladder_box, rescue_for, safety_box, scope_box, ways_box
from liqtui.ui.header import Footer
from liqtui.ui.nav import app_of
from liqtui.ui.playbar import Playbar, TapeKeys
from liqtui.ui.recorded import Recorded
from liqtui.ui.sheet import Box, Sheet, beside, draw, unframed
from liqtui.ui.state import place_of
from liqtui.ui.style import line, split_line

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.strip import Strip

    from liqtui.core.model import Position
    from liqtui.core.results import Rescue
    from liqtui.core.snapshot import Row
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Span

WIDE, CHARTED, FRAMED = 100, 76, 60
"""Columns from which all boxes are shown at once, the chart stands above the tabs, and boxes have frames."""
TABS = ("health", "parts", "ways out", "alerts")
_CHART_LINES = 9
_HEALTH = 38
"""Columns of the box with the health."""
_SHOWN_ALERTS = 3


class DetailSheet(Sheet):
    """Boxes of one row. Without a row, the last one that was known."""

    def __init__(self, state: AppState, position_id: str) -> None:
        super().__init__(state)
        self.position_id = position_id
        self.tab = 0
        self.raw = False
        self._last: Row | None = None
        self.span = SPANS[0]
        self._recorded = Recorded(state.engine)
        self._ways: tuple[Position | None, tuple[int, ...], tuple[Rescue, ...]] = (None, (), ())

    @property
    def row(self) -> Row | None:
        found = self.state.find(self.position_id)
        self._last = found or self._last
        return self._last

    def view(self) -> View | None:
        row = self.row
        if row is None:
            return None
        shown = self.state.shown
        recorded = self._recorded.of(row, shown, self.span)
        return View(
            self.state, self.palette, shown, row, recorded.samples, self._targeted(row), self.span, recorded.updates
        )

    def _targeted(self, row: Row) -> tuple[Rescue, ...]:
        """Searched for once per reading and set of targets, not at each scroll."""
        position, targets = row.position, self.state.settings.targets
        if position is None or position.partial:
            return ()
        if self._ways[0] is not position or self._ways[1] != targets:
            self._ways = (position, targets, rescue_for(position, targets))
        return self._ways[2]

    def pinned(self, width: int, height: int) -> list[Strip]:
        view = self.view()
        if view is None:
            return []
        left, right = header(view, width, self._place())
        lines = [split_line(left, right, width, self.palette.style())]
        if self.state.find(self.position_id) is None:
            gone = " no longer held or no longer watched: these are its last figures"
            lines.append(line([view.ink(gone, "severity-warn", bold=True)], width, self.palette.style()))
        if width >= WIDE or self.raw:
            return lines
        if width >= CHARTED and height >= 16:
            lines += first_look(view, width)
        elif width >= FRAMED and height >= 16:
            lines += draw(self.palette, health_box(view, width - 4), width)
        else:
            lines.append(line(self._short(view), width, self.palette.style()))
        return [*lines, line(self._tabs(width), width, self.palette.style())]

    def _place(self) -> str:
        rows = self.state.rows()
        place = place_of(rows, self.position_id)
        return "" if place is None else f"{place + 1} of {len(rows)}"

    def _short(self, view: View) -> list[Span]:
        """Health and the way to 1 in one line, where the big figure has no room."""
        health = view.position.health.shown if view.position else None
        mark, _, variable = proof(view)
        return [
            view.loud(f" {view.plainly(fmt.health(health))}{view.old} "),
            view.ink(f"{mark} ", variable),
            *nearest_spans(view),
        ]

    def _tabs(self, width: int) -> list[Span]:
        palette = self.palette
        spans: list[Span] = [(" ", palette.style())]
        for number, name in enumerate(TABS):
            chosen = number == self.tab
            text = name if width >= 50 else name.split()[0]
            spans += [
                (f"{number + 1} ", palette.style("key", bold=True)),
                (text, palette.style("strong" if chosen else "muted", bold=chosen)),
                (" " if width < 50 else "    ", palette.style()),
            ]
        return spans

    def document(self, width: int) -> list[Strip]:
        view = self.view()
        if view is None:
            text = " this position is not known any more"
            return [line([(text, self.palette.style("muted"))], width, self.palette.style())]
        return document(view, width, self.tab, raw=self.raw)


def document(view: View, width: int, tab: int = 0, *, raw: bool = False) -> list[Strip]:
    """All lines of a position: everything on a wide screen, one tab on a narrow one, or the raw integers."""
    inner = width - 4 if width >= FRAMED else width - 1
    if view.position is not None and view.position.partial:
        above = [health_box(view, inner)] if width >= WIDE else []  # else it stands over the tabs
        return _stack(view, [*above, asking_box(view, inner), alerts_box(view, inner)], width)
    if raw:
        return _stack(view, [raw_box(view, inner)], width)
    return _wide(view, width) if width >= WIDE else _stack(view, _tab_boxes(view, inner, tab), width)


def _stack(view: View, boxes: list[Box], width: int) -> list[Strip]:
    if width >= FRAMED:
        return [strip for box in boxes for strip in draw(view.palette, box, width)]
    for box in boxes:  # what stands in the lower edge of a frame
        box.lines += [[view.muted(box.bottom)]] if box.bottom else []
    return [strip for box in boxes for strip in unframed(view.palette, box, width)]


def _tab_boxes(view: View, width: int, tab: int) -> list[Box]:
    match tab:
        case 0:
            charts = [chart_box(view, width, _CHART_LINES)] if width + 4 < CHARTED else []
            return [boundary_box(view, width), *charts, safety_box(view, width)]
        case 1:
            return [parts_box(view, width), oracle_box(view, width)]
        case 2:
            return [ways_box(view, width), ladder_box(view, width), scope_box(view, width), engine_box(view, width)]
        case _:
            return [alerts_box(view, width), provenance_box(view, width)]


def first_look(view: View, width: int) -> list[Strip]:
    """The health with its chart beside it."""
    health, rest = health_box(view, _HEALTH - 4), width - _HEALTH
    return beside(view.palette, [(health, _HEALTH), (chart_box(view, rest - 4, len(health.lines)), rest)])


def _wide(view: View, width: int) -> list[Strip]:
    """Boxes in rows; each frame takes two cells, a blank on either side two more."""
    first, third = _HEALTH, 40
    second = width - first - third
    health, bounds = health_box(view, first - 4), boundary_box(view, third - 4)
    height = max(len(health.lines), len(bounds.lines), _CHART_LINES)
    left = width * 7 // 12
    right = width - left
    palette, inner, inner_left, inner_right = view.palette, width - 4, left - 4, right - 4
    return [
        *beside(palette, [(health, first), (chart_box(view, second - 4, height), second), (bounds, third)]),
        *draw(palette, parts_box(view, inner), width),
        *beside(palette, [(ways_box(view, inner_left), left), (ladder_box(view, inner_right), right)]),
        *draw(palette, alerts_box(view, inner, _SHOWN_ALERTS), width),
        *beside(palette, [(scope_box(view, inner_left), left), (engine_box(view, inner_right), right)]),
        *draw(palette, safety_box(view, inner), width),
        *draw(palette, oracle_box(view, inner), width),
        *draw(palette, provenance_box(view, inner), width),
    ]


class PositionDetail(TapeKeys, Screen[None]):
    """What the list opens with enter."""

    BINDINGS: ClassVar = [*bindings("detail"), *bindings("tape")]
    DEFAULT_CSS = """
    PositionDetail { background: $canvas; overflow: hidden; }
    PositionDetail DetailSheet { width: 1fr; height: 1fr; }
    """

    def __init__(self, state: AppState, position_id: str) -> None:
        super().__init__()
        self.state = state
        self.sheet = DetailSheet(state, position_id)
        self.keys = Footer(state)
        self.keys.contexts = ("detail", "page", "everywhere")
        playback = state.engine.playback
        self.playbar = Playbar(playback) if playback is not None else None

    def compose(self) -> ComposeResult:
        yield self.sheet
        if self.playbar is not None:
            yield self.playbar
        yield self.keys

    def on_mount(self) -> None:
        self.sheet.focus()

    def refresh_all(self) -> None:
        """There is a newer snapshot."""
        self.sheet.update()

    def restyle(self) -> None:
        self.sheet.repaint()
        self.keys.repaint()

    def say_of_tape(self, remark: str) -> None:
        self.keys.say(remark)

    def action_back(self) -> None:
        if self.sheet.raw:
            self.action_raw()
        else:
            self.dismiss()

    def action_step(self, by: int) -> None:
        """To the neighbour in the list as it is sorted and filtered now."""
        rows = self.state.rows()
        here = place_of(rows, self.sheet.position_id)
        if not rows or (here is not None and len(rows) == 1):
            self.keys.say("the list holds no other position")
            return
        row = rows[(here + by) % len(rows)] if here is not None else rows[0]
        self.sheet.position_id = row.id
        self.state.selected, self.state.held = row.key, True
        self.sheet.to(0)

    def action_tab(self, number: int) -> None:
        self.sheet.tab = number
        self.sheet.raw = False
        self.sheet.to(0)

    def action_span(self) -> None:
        """The chart goes further back, or begins again with a day."""
        self.sheet.span = following(self.sheet.span)
        self.sheet.update()
        self.keys.say(f"the chart shows {self.sheet.span.title}")

    def action_raw(self) -> None:
        self.sheet.raw = not self.sheet.raw
        self.sheet.to(0)

    def action_ack(self) -> None:
        view = self.sheet.view()
        waiting = [alert for alert in view.alerts if alert.waits] if view else []
        if not waiting:
            self.keys.say("nothing to acknowledge here")
            return
        self.state.engine.acknowledge(waiting[0].id)
        self.keys.say(self.state.asked(f"acknowledged: {waiting[0].text}"))

    def action_copy(self) -> None:
        view = self.sheet.view()
        if view is not None:
            self.keys.say(clipboard.copy(app_of(self), copy_text(view)).sentence)

    def action_explorer(self) -> None:
        """Show and copy the link; a terminal over SSH has no browser to open."""
        view = self.sheet.view()
        if view is None:
            return
        self._link(view.explorer, f"no block explorer is set for {view.row.chain}")

    def action_app_page(self) -> None:
        view = self.sheet.view()
        if view is not None:
            self._link(view.row.app, f"no app is known for {view.row.protocol} {view.row.key.market}")

    def _link(self, link: str, without: str) -> None:
        if link:
            clipboard.copy(app_of(self), link)
        self.keys.say(f"copied {link}" if link else clean(without, 120))

    def action_targets(self) -> None:
        from liqtui.ui.targets import TargetsDialog

        app_of(self).push_screen(TargetsDialog(self.state), self._with_targets)

    def _with_targets(self, targets: tuple[int, ...] | None) -> None:
        if targets:
            before = self.state.settings.target
            self.state.configure(targets=targets, target=min(targets, key=lambda each: abs(each - before)))
            self.refresh_all()
            app_of(self).dashboard.refresh_all()

    def action_edit(self) -> None:
        from liqtui.ui.host import host_of

        row = self.sheet.row
        if row is not None:
            host_of(self).edit_wallet(row.key.wallet)
