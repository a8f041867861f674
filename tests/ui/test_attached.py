"""Screens on a daemon's figures: what was not sent is said to be asked for, and never drawn as if there was none."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from liqtui.core import rank
from liqtui.core.format import boundary_price
from liqtui.core.risk import TARGETS, complete
from liqtui.core.tally import tally
from liqtui.engine.news import Ledger, Mirror, Press
from liqtui.ui.detail import PositionDetail
from liqtui.ui.state import SortBy
from tests.ui import frames, scenes
from tests.ui.stage import engine_of, make, post, stage

if TYPE_CHECKING:
    from liqtui.core.snapshot import Row, Snapshot

ASKING = "asking the daemon"


def ranked(row: Row) -> Row:
    """As the engine makes it: boundaries are searched for when they are read."""
    assert row.position is not None
    position = complete(row.position.having(boundaries=(), rescue=()))
    cushion, _ = rank.cushion(position, {})
    return replace(row, position=position, cushion=cushion)


ROWS = tuple(map(ranked, scenes.ROWS))
DAEMONS = scenes.snapshot(rows=ROWS)
"""As an engine in the same process would show it."""


class Socket:
    def __init__(self) -> None:
        self.ledger, self.mirror = Ledger(Press()), Mirror(TARGETS)
        self.ledger.top = False

    def ship(self, *looked_at: str, shown: Snapshot = DAEMONS) -> Snapshot:
        self.ledger.looked_at = frozenset(looked_at)
        if (news := self.ledger.news(shown)) is not None:
            self.mirror.take(msgspec.json.decode(msgspec.json.encode(news)))
        return self.mirror.snapshot


def text(app: object) -> str:
    return frames.text(app)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 12), (40, 10)])
async def test_every_screen_opens_on_glimpses_and_shows_what_came_later(size: tuple[int, int]) -> None:
    socket = Socket()
    app = make(socket.ship())
    async with stage(app, size) as pilot:
        await pilot.press("s", "s", "s")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, PositionDetail)
        for key in ("2", "3", "4", "1", "r", "r", "end"):
            await pilot.press(key)
            await pilot.pause()
            shown = text(app)
            for lie in ("no debt", "nothing to repay", "not known", "never read", "flags", "none at any"):
                assert lie not in shown, (key, lie)
        assert ASKING in " ".join(text(app).split())
        row = app.screen.sheet.row
        assert row is not None
        await post(pilot, replace(socket.ship(row.id), version=9))
        assert ASKING not in text(app)
        await pilot.press("3")
        await pilot.pause()


async def test_the_list_shows_estimates_as_no_figure_and_asks_for_what_can_be_seen() -> None:
    socket = Socket()
    # The book of the scenes is none of a protocol, so it cannot travel; those that can: tests/engine/test_wire.py.
    bookless = [
        replace(row, position=row.position.having(book=None, rescue=tuple(row.position.rescue)))
        for row in ROWS
        if row.position is not None
    ]
    app, beside = make(socket.ship()), make(replace(DAEMONS, rows=tuple(bookless)))
    async with stage(beside):
        wanted = text(beside)
    async with stage(app) as pilot:
        first = text(app)
        assert "…" in first
        assert ASKING in first, "in the preview"
        exact = boundary_price(ROWS[0].cushion) if ROWS[0].cushion else "?"
        assert exact in wanted
        assert exact not in first
        assert engine_of(app).listed[0] == ROWS[0].id
        await post(pilot, replace(socket.ship(*engine_of(app).listed), version=9))
        assert text(app) == wanted, "an attached screen is like any other"


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 12), (40, 10)])
async def test_rows_without_a_boundary_are_asked_for_too(size: tuple[int, int]) -> None:
    """No price ends it, or no debt: which of both is with the daemon, and a list must not fall over it."""
    held = ROWS[0].position
    assert held is not None
    same = replace(ROWS[0], cushion=None, position=held.having(boundaries=(), book=None))
    free = replace(
        ROWS[1], cushion=None, position=held.having(boundaries=(), book=None, legs=held.legs[:2], debt_value=0)
    )
    app = make(Socket().ship(shown=scenes.snapshot(rows=(same, free))))
    async with stage(app, size) as pilot:
        for key in ("j", "enter", "escape", "s", "y"):
            await pilot.press(key)
            await pilot.pause()
        assert "…" in text(app)


async def test_what_a_list_needs_of_all_rows_is_there() -> None:
    attached = Socket().ship()
    mine_all, theirs_all = attached.tally, tally(ROWS)
    assert mine_all.wallets.keys() == theirs_all.wallets.keys()
    assert (mine_all.counts, mine_all.faded) == (theirs_all.counts, theirs_all.faded)
    pairs = zip(mine_all.wallets.values(), theirs_all.wallets.values(), strict=True)
    for mine, theirs in ((mine_all.every, theirs_all.every), *pairs):
        for name in ("count", "collateral", "debt", "endangered", "carry", "partial"):
            assert getattr(mine, name) == getattr(theirs, name)
    app, beside = make(attached), make(DAEMONS)
    for by in SortBy:
        for state in (app.state, beside.state):
            state.sort = by
            state.accept(state.engine.snapshot())
        assert [row.id for row in app.state.rows()] == [row.id for row in beside.state.rows()], by
    from liqtui.ui.filters import Filter

    for words in ("eth", "asset:usdc", "hf<1.2", "liq<10", "liq>30", "sigma<4", "debt>50k", "!dai", "sev:warn"):
        for state in (app.state, beside.state):
            state.filter = Filter(words)
        assert [row.id for row in app.state.rows()] == [row.id for row in beside.state.rows()], words
        assert beside.state.rows(), words


async def test_copying_says_what_is_not_here() -> None:
    app = make(Socket().ship())
    async with stage(app) as pilot:
        await pilot.press("space", "y")
        assert str(ROWS[0].key) in engine_of(app).listed
        await pilot.press("enter")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, PositionDetail)
        view = screen.sheet.view()
        assert view is not None
        from liqtui.ui.detail_trust import copy_text

        assert copy_text(view).endswith(f"the rest: {ASKING}")


async def test_a_frozen_or_lost_screen_does_not_say_that_it_asks() -> None:
    socket = Socket()
    app = make(socket.ship())
    async with stage(app) as pilot:
        await pilot.press("f")
        await pilot.pause()
        assert ASKING not in text(app)
        assert "not part of what is frozen" in text(app)
        await pilot.press("f")
        await post(pilot, replace(app.state.snapshot, version=9, engine_error="the daemon is gone"))
        assert ASKING not in text(app)
        assert re.search("not here, and the daemon does not\\s+answer", text(app))
