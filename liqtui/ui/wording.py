"""A text that changes while it is shown, and is as high as what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import Static

if TYPE_CHECKING:
    from textual.visual import VisualType


class Wording(Static):
    """Never markup. Textual keeps the height of a text that is changed again before the layout which the first change
    asked for: on a busy machine what was said last had no room, and errors were not seen. This one measures each anew.
    """

    def __init__(self, text: VisualType = "", *, id: str | None = None) -> None:  # noqa: A002 - as textual names it
        super().__init__(text, id=id, markup=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        super().update(content, layout=layout)
        self._layout_updates += 1  # part of what a measured height is kept by
