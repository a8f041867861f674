"""The panes around the list: wallets with their sums, oracle prices, alerts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len
from textual.message import Message

from liqtui.core import format as text
from liqtui.core.snapshot import Freshness, Severity
from liqtui.core.tally import DOLLAR, PLACES, Sums
from liqtui.core.text import short_address
from liqtui.ui import figures
from liqtui.ui.alert_line import alert_line
from liqtui.ui.apart import apart
from liqtui.ui.lines import Frame, LineView
from liqtui.ui.state import Searched, searched
from liqtui.ui.style import Span, fit, fit_words, line, row_look

if TYPE_CHECKING:
    from textual import events
    from textual.strip import Strip

    from liqtui.core.model import Feed
    from liqtui.core.snapshot import Alert, ChainState, Snapshot
    from liqtui.ui.state import AppState

_NET, _NET_MOST = 8, 11
"""Cells of what a wallet holds net, usually and at most: "−1.25k USDC"."""
_ROOM_FOR_A_NOTE = 4
"""Lines of the pane of alerts from which one is kept for what the engine remarks."""
_ROOM_FOR_A_HINT = 60
"""Cells from which the pane says which command shows the notes that it has no room for."""
_AGE = 5
"""Cells of the age of a price."""
_NOTE = 13
"""Cells of a line that are not the note itself."""


class Group(NamedTuple):
    """A line of the wallets pane."""

    key: str | None
    """Address key; None: all of them."""
    title: str
    sums: Sums


def _told(value: int, symbol: str | None, *, partial: bool = False) -> str:
    """With "+" where something is not in it."""
    zero = "$0" if symbol in {None, DOLLAR} else f"0 {symbol}"
    return (text.money(value, PLACES, symbol or DOLLAR) if value else zero) + "+" * partial


def _net(sums: Sums) -> str:
    if not _summed(sums):
        return text.UNKNOWN
    return _told(sums.collateral - sums.debt, sums.symbol, partial=sums.partial)


class Wallets(LineView):
    """All, then each wallet by its worst position; the cursor narrows the list."""

    class Chosen(Message):
        """Another wallet, or None for all."""

        def __init__(self, wallet: str | None) -> None:
            super().__init__()
            self.wallet = wallet

    def __init__(self, state: AppState, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self.framed = True
        self.joined = False
        self.active = False
        self.top = 0
        self._for: Snapshot | None = None
        self._groups: list[Group] = []
        self._short: tuple[int, dict[str, str]] = (0, {})

    def groups(self) -> list[Group]:
        """All first, then the wallets, worst first; those without positions last."""
        shown = self.state.shown
        if shown is not self._for:
            found = shown.tally.wallets
            titles = {wallet.key: wallet.title for wallet in shown.wallets}
            made = [Group(key, titles.get(key) or short_address(key), total) for key, total in found.items()]
            made.sort(key=lambda group: group.sums.worst.severity.rank if group.sums.worst else 0)
            made += [Group(wallet.key, wallet.title, Sums()) for wallet in shown.wallets if wallet.key not in found]
            self._for, self._groups = shown, [Group(None, "all", shown.tally.every), *made]
            if self._short[1].keys() != {group.title for group in made}:
                self._short = 0, dict.fromkeys((group.title for group in made), "")
        return self._groups

    @property
    def place(self) -> int:
        return next((i for i, group in enumerate(self.groups()) if group.key == self.state.wallet), 0)

    def move(self, by: int) -> None:
        self.move_to(self.place + by)

    def move_to(self, index: int) -> None:
        groups = self.groups()
        chosen = groups[max(0, min(index, len(groups) - 1))].key
        if chosen != self.state.wallet:
            self.post_message(self.Chosen(chosen))

    def page(self, pages: float) -> None:
        self.move(int(pages * max(1, self.size.height - 2)))

    def build(self, width: int, height: int) -> list[Strip]:
        frame = Frame(self.palette, width, focused=self.active)
        groups = self.groups()
        room = height - 1 - (0 if self.joined else 1)
        totals = self._totals(groups[0].sums) if room >= 10 else []
        seats = room - (len(totals) + 1 if totals else 0)
        self.top = max(0, min(self.top, self.place, len(groups) - seats))
        self.top = max(self.top, self.place - seats + 1)
        lines = [frame.top("wallets", str(len(groups) - 1))]
        seen = groups[self.top : self.top + seats]
        net = min(_NET_MOST, max([_NET, *(len(_net(group.sums)) for group in seen)]))
        lines += [frame.row(self._wallet(group, frame.inner, net)) for group in seen]
        lines += [frame.row([])] * (1 + seats - len(lines))
        if totals:
            lines += [frame.rule(), *(frame.row(total) for total in totals)]
        return lines if self.joined else [*lines, frame.bottom()]

    def _wallet(self, group: Group, width: int, room: int) -> Strip:
        key, title, total = group
        number = total.count
        palette = self.palette
        chosen = key == self.state.wallet
        on = "cursor" if chosen and self.active else ""
        worst = total.worst
        glyph, style = "·", palette.style("faint", on=on)
        health, net = "–", "none"
        if worst is not None:
            glyph, style = row_look(worst).glyph, palette.severity(worst.severity, on=on)
            health = figures.plainly(figures.row_health(worst), self.state) + (figures.mark(worst) or " ")
            net = _net(total)
        elif not self.state.shown.ready:
            net = "…"
        elif searched(self.state.shown) is not Searched.ALL:
            net = text.UNKNOWN
        ink = palette.style("ink", on=on, bold=chosen)
        name = width - 3 - 7 - room
        loud = style if worst is not None and worst.severity.rank <= Severity.WARN.rank else palette.style("ink", on=on)
        spans: list[Span] = [
            ("›" if chosen else " ", palette.style("key", bold=True, on=on)),
            (glyph, style),
            (" ", ink),
            (fit(self._named(title, name), name), ink if number or chosen else palette.style("muted", on=on)),
            (fit(health, 7, "right"), loud if number else palette.style("muted", on=on)),
            (fit(net, room, "right"), palette.style("ink" if number else "muted", on=on)),
        ]
        return line(spans, width, palette.style(on=on))

    def _named(self, title: str, width: int) -> str:
        """As unlike the others as it can be in this room."""
        if self._short[0] != width:
            self._short = width, apart(self._short[1], width)
        return self._short[1].get(title, title)

    def _totals(self, total: Sums) -> list[list[Span]]:
        entries = (
            ("collateral", "", total.collateral, total.partial),
            ("debt", "", total.debt, total.partial),
            ("debt in danger", "in danger", total.endangered, total.endangered_partial),
            ("carry per day", "a day", total.carry // 365, total.carry_partial),
        )
        unread = not self.state.shown.ready
        known = (
            _summed(total) if total.count else (self.state.shown.chains and searched(self.state.shown) is Searched.ALL)
        )
        return [
            self._total(name, short, _told(value, total.symbol, partial=lacking or unread) if known else text.UNKNOWN)
            for name, short, value, lacking in entries
        ]

    def _total(self, name: str, short: str, told: str) -> list[Span]:
        room = self.size.width - 4 - len(told) - 1
        shown = name if len(name) <= room or not short else short
        return [(f" {fit(shown, room)} ", self.palette.style("muted")), (told, self.palette.style("ink"))]


def _summed(total: Sums) -> bool:
    """Whether anything is in it: of positions that were never read nothing is, nor of several currencies."""
    return bool(total.collateral or total.debt) or not total.partial


def _clock(chain: ChainState, at: float) -> int | None:
    """The chain's own time; where it is not read any more the engine's, for ages that stand still look fresh."""
    if chain.block is None:
        return None
    alive = chain.freshness in {Freshness.FRESH, Freshness.LATE}
    return chain.block.timestamp if alive else max(chain.block.timestamp, int(at))


class Prices(LineView):
    """What the oracles say, and how old that is against each feed's heartbeat."""

    def __init__(self, state: AppState, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self.framed = True
        self.joined = True
        self.active = False
        self.top = 0

    def move(self, by: int) -> None:
        self.move_to(self.top + by)

    def move_to(self, index: int) -> None:
        room = max(1, self.size.height - 2)
        self.top = max(0, min(index, len(self.state.shown.feeds) - room))
        self.update()

    def page(self, pages: float) -> None:
        self.move(int(pages * self.size.height))

    def build(self, width: int, height: int) -> list[Strip]:
        palette, shown = self.palette, self.state.shown
        frame = Frame(palette, width, focused=self.active)
        times = {chain.name: _clock(chain, shown.at) for chain in shown.chains}
        lines = [frame.top("oracle", "age", joined=self.joined)]
        feeds = shown.feeds[self.top : self.top + height - 2]
        labels = self._labels()
        room = max((cell_len(text.price(feed.answer, feed.decimals)) for _, feed in feeds), default=0)
        name = max(4, frame.inner - room - _AGE - 3)
        short = apart(labels.values(), name)
        for chain, feed in feeds:
            told = fit(short[labels[chain, feed]], name)
            lines.append(frame.row(self._feed(told, feed, times.get(chain), frame.inner - name - _AGE - 3)))
        if not feeds:
            lines.append(frame.row([(" none read yet", palette.style("muted"))]))
        lines += [frame.row([])] * (height - 1 - len(lines))
        more = len(shown.feeds) - self.top - len(feeds)
        return [*lines, frame.bottom(f"{more} more" if more > 0 else "")]

    def _labels(self) -> dict[tuple[str, Feed], str]:
        """What each feed is called: without the dollar, and with its chain where another has one of that name."""
        feeds = self.state.shown.feeds
        several = Counter(feed.label for _, feed in feeds)
        return {
            (chain, feed): feed.label.removesuffix(" / USD")
            + (f" {self.state.chain_tag(chain)}" if several[feed.label] > 1 else "")
            for chain, feed in feeds
        }

    def _feed(self, name: str, feed: Feed, now: int | None, room: int) -> list[Span]:
        palette = self.palette
        age = None if feed.updated_at is None or now is None else now - feed.updated_at
        late = age is None or age < 0 or (feed.heartbeat is not None and age > feed.heartbeat)
        style = palette.style("severity-warn" if late else "faint")
        known = feed.answer is not None
        return [
            (f" {name} ", palette.style("ink")),
            (
                fit(text.price(feed.answer, feed.decimals), room, "right"),
                palette.style("ink" if known else "severity-warn"),
            ),
            (fit(("✗" if late and age is not None else "") + figures.age(age), _AGE, "right"), style),
        ]


class Alerts(LineView):
    """Newest first. They go on while the display is frozen."""

    def __init__(self, state: AppState, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(state, id=id)
        self.framed = True
        self.active = False
        self.top = 0
        self.selected: int | None = None
        """Id of the alert under the cursor, while the pane has it."""

    @property
    def chosen(self) -> Alert | None:
        return next((alert for alert in self.state.snapshot.alerts if alert.id == self.selected), None)

    @property
    def place(self) -> int:
        return next((i for i, alert in enumerate(self.state.snapshot.alerts) if alert.id == self.selected), 0)

    def move(self, by: int) -> None:
        self.move_to(self.place + by)

    def move_to(self, index: int) -> None:
        alerts = self.state.snapshot.alerts
        if alerts:
            self.selected = alerts[max(0, min(index, len(alerts) - 1))].id
            self.update()

    def page(self, pages: float) -> None:
        self.move(int(pages * max(1, self.size.height - 2)))

    def build(self, width: int, height: int) -> list[Strip]:
        snapshot = self.state.snapshot
        room = height - 2 if self.framed else height
        seats = room - 1 if snapshot.notices and room >= _ROOM_FOR_A_NOTE else room
        place = self.place if self.active else 0
        self.top = max(0, min(self.top, place, len(snapshot.alerts) - seats))
        self.top = max(self.top, place - seats + 1)
        frame = Frame(self.palette, width, focused=self.active)
        inner = frame.inner if self.framed else width
        body = [self._alert(alert, inner) for alert in snapshot.alerts[self.top : self.top + seats]]
        notices = snapshot.notices[: room - len(body)]
        body += [self._notice(notice, inner) for notice in notices]
        if not body and self.framed:
            body = [line([(" nothing yet", self.palette.style("muted"))], inner, self.palette.style())]
        if not self.framed:
            return body
        right = f"{snapshot.unacked} unacked" if snapshot.unacked else "all acked" if snapshot.alerts else ""
        if hidden := len(snapshot.notices) - len(notices):
            right += f"{' · ' if right else ''}{hidden} {'more ' if notices else ''}note{'s' * (hidden > 1)}"
        cut = any(cell_len(notice) > inner - _NOTE for notice in notices)
        if (hidden or cut) and inner >= _ROOM_FOR_A_HINT:
            right = f"{right}  :notes".strip()
        lines = [frame.top("alerts", right), *(frame.row(strip) for strip in body)]
        lines += [frame.row([])] * (height - 1 - len(lines))
        return [*lines, frame.bottom()]

    def _alert(self, alert: Alert, width: int) -> Strip:
        chosen = self.active and alert.id == self.selected
        return alert_line(self.palette, alert, self.state.snapshot.at, width, chosen=chosen)

    def _notice(self, notice: str, width: int) -> Strip:
        palette = self.palette
        return line(
            [
                (f" {fit('note', 8)} · ", palette.style("faint")),
                (fit_words(notice, width - _NOTE), palette.style("muted")),
            ],
            width,
            palette.style(),
        )

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y - (1 if self.framed else 0)
        if 0 <= index < len(self.state.snapshot.alerts):
            self.move_to(index)
