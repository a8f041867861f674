"""What a form says has the room that it takes, however busy the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqtui.ui.wording import Wording
from tests.ui.stage import stage
from tests.ui.watchlists import app_on, form_of

if TYPE_CHECKING:
    from textual.widget import Widget

    from liqtui.config.store import WatchlistStore


def asked_anew(widget: Widget) -> None:
    """As if something beside it had changed."""
    widget._clear_arrangement_cache()
    widget._layout_updates += 1


async def test_what_is_said_before_an_earlier_text_was_laid_out_has_its_lines(store: WatchlistStore) -> None:
    app = app_on(store)
    async with stage(app, (40, 10)) as pilot:
        await pilot.press("plus")
        form = await form_of(pilot)
        await pilot.pause()
        notes = form.query_one("#notes", Wording)
        notes.display = True
        notes.update("one line")
        for name in ("#fields", "#form"):
            asked_anew(form.query_one(name))
        form._refresh_layout()  # a layout that came before the text itself asked for one
        notes.update("a\nb\nc\nd\ne")
        for _ in range(5):
            await pilot.pause(0.05)
        assert notes.size.height == 5
