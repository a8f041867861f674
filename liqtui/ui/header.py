"""The lines that answer "am I safe, and is this screen alive?": verdict, chain clocks, footer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from liqtui.core import format as text
from liqtui.core.snapshot import Freshness, Severity
from liqtui.engine.handle import Attachment
from liqtui.ui import bindings, figures
from liqtui.ui.apart import cut
from liqtui.ui.lines import LineView
from liqtui.ui.state import Searched, searched
from liqtui.ui.style import LOOKS, Span, fit, fit_words, line, spans_width, split_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style
    from textual.strip import Strip

    from liqtui.core.snapshot import ChainState, Snapshot
    from liqtui.ui.state import AppState
    from liqtui.ui.style import Palette

_ORDER = (
    Severity.LIQUIDATED, Severity.LIQUIDATABLE, Severity.CRITICAL, Severity.WARN, Severity.OK, Severity.BLIND,
    Severity.UNKNOWN,
)  # fmt: skip


_DAY = 86_400
_NAME = 12
"""Cells in which the name of the worst position still says something."""
_REST = 4
"""Cells kept for how many chains more there are."""


def utc(at: float, form: str = "%H:%M:%S") -> str:
    return datetime.fromtimestamp(at, UTC).strftime(form)


def as_of(snapshot: Snapshot) -> float:
    """Unix time of the newest block that is shown: it stands still, and sends no byte, while nothing is new."""
    return max((chain.block.timestamp for chain in snapshot.chains if chain.block), default=snapshot.at)


def tally(snapshot: Snapshot) -> Iterator[tuple[Severity, int, str, str]]:
    """(whose look, how many, word, mark of old figures), what occurs only; calm ones with old figures apart."""
    found, faded = snapshot.counts, snapshot.faded
    for severity in _ORDER:
        calm = severity is Severity.OK
        number, word = found.get(severity, 0) - faded * calm, LOOKS[severity].word
        if number > 0:
            yield severity, number, word, ""
        if calm and faded:
            yield Severity.BLIND, faded, word, "~"


def _loud(palette: Palette) -> Style:
    """Of a remark that must not be overlooked."""
    return palette.style("severity-warn", bold=True, reverse=True)


class Verdict(LineView):
    """Counts by severity, the worst position, and above all whether the engine is alive.

    It always speaks of every position: filters, a chosen wallet and a frozen display do not change it.
    """

    def build(self, width: int, height: int) -> list[Strip]:
        del height
        return [self._line(width)]

    def _line(self, width: int) -> Strip:
        palette, snapshot = self.palette, self.state.snapshot
        trouble = self._trouble()
        if trouble:
            style = palette.style("severity-critical", bold=True, reverse=True)
            return line([(fit(f" ✖ {trouble}", width), style)], width, style)
        tally, right = self._tally(short=width < 100), self._remarks(width)
        if not snapshot.ready:
            right = [(self._progress(width), palette.style("muted")), *right]
        left = [(" ", palette.style()), *tally] if width >= 12 else tally
        if width >= 60:
            gap = "         " if width >= 100 else "    "
            room = width - spans_width(left) - spans_width(right) - len(gap)
            left += [(gap, palette.style()), *self._worst(room)]
        while left and spans_width(left) > width:
            left.pop()  # a number that is cut would be another number
        if spans_width(left) + spans_width(right) > width:
            right = [(" FROZEN ", _loud(palette))] if self.state.frozen else []
        if spans_width(left) + spans_width(right) > width:
            right = []
        return split_line(left, right, width, palette.style())

    def _trouble(self) -> str:
        if self.state.snapshot.engine_error:
            engine = self.state.engine
            cut_off = isinstance(engine, Attachment) and engine.loss is not None and engine.loss.watcher is not None
            return f"{'CUT OFF' if cut_off else 'ENGINE DEAD'}  {self.state.snapshot.engine_error}  {self._of_when()}"
        silent = self.state.silent_for
        return f"ENGINE SILENT for {text.age(silent)}  {self._of_when()}" if silent else ""

    def _of_when(self) -> str:
        """How old the figures are, on a line that takes the place of the clock on small terminals."""
        at = as_of(self.state.snapshot)
        recent = abs(self.state.clock.now() - at) < _DAY
        return f"figures of {utc(at, '%H:%M:%S' if recent else '%b %d %H:%M')}Z" if at else "nothing was read"

    def _tally(self, *, short: bool) -> list[Span]:
        palette = self.palette
        spans: list[Span] = []
        for severity, number, word, old in tally(self.state.snapshot):
            look = LOOKS[severity]
            if spans:
                spans.append((" " if short else "   ", palette.style()))
            told = f"{look.glyph}{number}{old}" if short else f"{look.glyph} {number} {word}{old}"
            if look.reverse and not short:
                told = f" {told} "
            spans.append((told, palette.severity(severity, verdict=True)))
        if not spans:
            spans.append((self._nothing(short=short), palette.style("muted")))
        unread = self._unread_chains()
        if unread:
            words = f" ✗{unread}" if short else f"   ✗ {unread} CHAIN{'S' if unread > 1 else ''} UNREAD"
            spans.append((words, palette.style("severity-warn", bold=True)))
        return spans

    def _nothing(self, *, short: bool) -> str:
        """There is no position: known to be so, or only not known."""
        snapshot = self.state.snapshot
        if not snapshot.none_found:
            return "reading the chains"
        some = "none so far" if short else "none in what was read"
        words = {Searched.ALL: "no positions", Searched.SOME: some, Searched.NOTHING: "nothing was read"}
        return words[searched(snapshot)]

    def _unread_chains(self) -> int:
        """Chains that nothing is known of, not even positions that could be counted as blind."""
        snapshot = self.state.snapshot
        if not snapshot.ready:
            return 0
        blind = {chain.name for chain in snapshot.chains if chain.freshness is Freshness.BLIND}
        return len(blind - snapshot.tally.chains)

    def _worst(self, room: int) -> list[Span]:
        palette, row = self.palette, self.state.worst
        if row is None:
            return []
        muted, ink = palette.style("muted"), palette.style("ink")
        health = figures.plainly(figures.row_health(row), self.state) + figures.mark(row)
        wide = room >= 64
        dot: Span = ("  ·  " if wide else " · ", palette.style("faint"))
        first: list[Span] = [("worst ", muted), (health, palette.severity(row.severity)), ("  ", ink)]
        name = f"{figures.wallet(row)} {figures.protocol(row, self.state)}"
        parts = [first, [(cut(name, max(_NAME, room - spans_width(first))), ink)]]
        if row.error and not row.trusted:
            parts.append([dot, (row.error, muted)])
        elif row.cushion and row.cushion.price is not None:
            parts.append([dot, (f"{row.cushion.label} {figures.distance(row)}", ink)])
        if row.sigmas is not None:
            parts.append([dot, ("cushion ", muted), (figures.sigmas(row), ink)])
        spans: list[Span] = []
        for part in parts:
            if spans_width(spans) + spans_width(part) > room:
                break
            spans += part
        return spans

    def _remarks(self, width: int) -> list[Span]:
        palette, snapshot = self.palette, self.state.snapshot
        spans: list[Span] = []
        if self.state.frozen:
            fresh = sum(1 for alert in snapshot.alerts if alert.at > self.state.frozen.at and alert.waits)
            news = f" · {fresh} new alert{'s' if fresh != 1 else ''}" if fresh and width >= 60 else ""
            spans += [(f" FROZEN {utc(self.state.frozen.at)}{news} ", _loud(palette))]
        if width < 60 and not spans:
            spans = [
                *chain_troubles(self.state, palette, width // 3),
                (f" {utc(as_of(snapshot))}Z", palette.style("muted")),
            ]
        return [(" ", palette.style()), *spans, (" ", palette.style())]

    def _progress(self, width: int) -> str:
        chains = self.state.snapshot.chains
        done = sum(1 for chain in chains if chain.block is not None and all(stage.done for stage in chain.stages))
        return f"reading… {done} of {len(chains)} chains " if width >= 60 else f"{done}/{len(chains)} "


def behind(chain: ChainState, at: float) -> int | None:
    """Seconds since the last good read, or since the newest block where that is older: a node that answers with an
    old block is to blame for its age, not for that of the answer.
    """
    if chain.age is None or chain.block is None:
        return chain.age
    return max(chain.age, int(at - chain.block.timestamp))


def _chain(chain: ChainState, tag: str, palette: Palette, at: float, *, full: bool) -> list[Span]:
    """One chain: quiet while fresh, its age when late, a cross when it is stale or blind."""
    ink, muted = palette.style("ink"), palette.style("muted")
    if chain.freshness in {Freshness.STALE, Freshness.BLIND}:
        if chain.block is None and not chain.error:
            return [(f"{tag} ", muted), ("…", muted)]
        behind_by = behind(chain, at)
        age = f" {text.age(behind_by)}" if behind_by is not None else ""
        return [
            ("✗ ", palette.style("severity-critical", bold=True)),
            (f"{tag}{age}", palette.style("severity-warn", bold=True)),
        ]
    number = f" {chain.block.number:,}" if full and chain.block else ""
    if chain.freshness is Freshness.LATE:
        return [(tag, ink), (number, muted), (f" {text.age(behind(chain, at))}", palette.style("severity-warn"))]
    return [(tag, ink), (number or " ·", muted)]


def chain_troubles(state: AppState, palette: Palette, room: int) -> list[Span]:
    """Chains that are not fresh, worst first, and how many more there are than fit: "✗ pol 9m +2"."""
    order = list(Freshness)
    troubled = [chain for chain in state.snapshot.chains if chain.freshness is not Freshness.FRESH]
    troubled.sort(key=lambda chain: order.index(chain.freshness), reverse=True)
    at, blank = state.snapshot.at, (" ", palette.style())
    each = [[*_chain(chain, state.chain_tag(chain.name), palette, at, full=False), blank] for chain in troubled]
    spans: list[Span] = []
    for number, made in enumerate(each):
        last = number == len(each) - 1
        if spans_width(spans) + spans_width(made) + (0 if last else _REST) >= room:
            rest = f"+{len(each) - number} " if spans else f"✗{len(each) - number} "
            return [*spans, (rest, palette.style("severity-warn", bold=True))]
        spans += made
    return spans


class Clocks(LineView):
    """Block and age of each chain, endpoints that answer, and when all this was known.

    The time is that of the newest block: a clock that stands still means that nothing comes any more.
    It ticks by itself only where `settings.seconds` asks for it.
    """

    def build(self, width: int, height: int) -> list[Strip]:
        del height
        palette = self.palette
        right = self._right(width)
        name: list[Span] = (
            [(" liqtui", palette.style("title", bold=True)), ("   ", palette.style())]
            if width >= 100
            else [(" ", palette.style())]
        )
        room = width - spans_width(right) - spans_width(name)
        return [split_line([*name, *self._chains(room)], right, width, palette.style())]

    def _chains(self, room: int) -> list[Span]:
        """As detailed as fits: with block numbers, without, or only those in trouble and how many are well."""
        palette, chains, at = self.palette, self.state.snapshot.chains, self.state.snapshot.at
        gap: Span = ("   ", palette.style())
        spans: list[Span] = []
        for full in (True, False):
            spans = []
            for chain in chains:
                spans += [*_chain(chain, self.state.chain_tag(chain.name), palette, at, full=full), gap]
            if spans_width(spans) <= room:
                return spans
        well = sum(1 for chain in chains if chain.freshness is Freshness.FRESH)
        rest = f" {well} fresh" if well else ""
        return [*chain_troubles(self.state, palette, room - len(rest)), (rest, palette.style("muted"))]

    def _right(self, width: int) -> list[Span]:
        palette, snapshot = self.palette, self.state.snapshot
        muted, ink = palette.style("muted"), palette.style("ink")
        spans: list[Span] = []
        if width >= 80:
            engine = self.state.engine
            if isinstance(engine, Attachment) and engine.daemon is not None:
                spans.append((f"daemon {engine.daemon}  " if width >= 100 else "daemon  ", muted))
            well, all_of = sum(c.endpoints_ok for c in snapshot.chains), sum(c.endpoints_all for c in snapshot.chains)
            if any(chain.public_endpoints for chain in snapshot.chains) and width >= 100:
                spans.append(("public ", palette.style("severity-warn")))
            if all_of:
                spans += [
                    ("rpc ", muted),
                    (f"{well}/{all_of}", ink if well == all_of else palette.style("severity-warn")),
                    ("  ", muted),
                ]
        if self.state.settings.seconds:
            spans += self._countdown(snapshot)
            spans.append((f"{utc(self.state.clock.now())}Z ", muted))
        elif snapshot.at:
            spans.append((f"{utc(as_of(snapshot))}Z ", muted))
        return spans

    def _countdown(self, snapshot: Snapshot) -> list[Span]:
        polls = [chain.next_poll for chain in snapshot.chains if chain.next_poll is not None]
        if not polls:
            return []
        left = max(0, int(min(polls) - self.state.clock.now()))
        full = min(3, left // 4)
        return [
            (f"next {left}s ", self.palette.style("muted")),
            ("▰" * full + "▱" * (3 - full) + "  ", self.palette.style("faint")),
        ]


class Footer(LineView):
    """The keys that matter, most important kept when there is little room; for a moment a remark instead."""

    contexts: tuple[str, ...] = ("dashboard", "everywhere")

    def __init__(self, state: AppState, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self._said = ""

    def say(self, remark: str, seconds: float = 5.0) -> None:
        """Show a remark in place of the keys for a while; an empty one takes away what was said before."""
        self._said = remark
        self.update()
        self.set_timer(seconds, lambda: self._unsay(remark))

    def _unsay(self, remark: str) -> None:
        if self._said == remark:
            self._said = ""
            self.update()

    @property
    def said(self) -> str:
        return self._said

    def build(self, width: int, height: int) -> list[Strip]:
        del height
        palette = self.palette
        if self._said:
            return [line([(fit_words(f" {self._said}", width), palette.style("strong"))], width, palette.style())]
        spans: list[Span] = [(" ", palette.style())]
        gap = "  " if width >= 100 or width < 60 else " "
        settings = self.state.settings
        for key, label in bindings.footer(self.contexts, settings.keymap, width - 1, len(gap), plain=settings.ascii):
            spans += [(key, palette.style("key", bold=True)), (f" {label}{gap}", palette.style("muted"))]
        return [line(spans, width, palette.style())]
